//! What is around the records of a JSON file: nothing, an array, or pages, each an object that has the array of records
//! at a path. It is read in pieces, as the file comes, and checked like records are.

use super::fault::{JsonFault, JsonFlaw};
use super::lexer::Lexer;
use crate::read::pages::{PageSaid, PagesSaid};
use std::collections::HashSet;

/// Reads what is around the records, up to the next array of them.
pub(super) struct Envelope {
    /// ObjectKeys that lead to the records.
    path: Vec<String>,
    max_keys: usize,
    longest: usize,
    /// The objects that it is in, each with its keys so far.
    objects: Vec<HashSet<String>>,
    /// The records of the page have come.
    found: bool,
    /// What the page says of others, and what those before it said (R73).
    page: PageSaid,
    pages: PagesSaid,
    next: Next,
}

/// Says what has to come next.
#[derive(Clone, Copy, PartialEq)]
enum Next {
    Text,
    /// The first key of an object, or its end.
    First,
    Key,
    /// A comma or the end of an object.
    More,
}

/// How far a piece of text was read.
pub(super) enum EnvelopeRead {
    /// The first byte after the bracket that opens an array of records.
    Records(usize),
    /// As far as the text goes; what comes after it is needed.
    Open(usize),
    /// The end of the file.
    End,
    Fault(JsonFault),
}

impl Envelope {
    pub fn new(path: Vec<String>, max_keys: usize, longest: usize) -> Envelope {
        let (page, pages) = (PageSaid::default(), PagesSaid::default());
        Envelope { path, max_keys, longest, objects: Vec::new(), found: false, page, pages, next: Next::Text }
    }

    /// Returns what the pages of the file say of others; none where the file has no pages.
    pub fn pages(&self) -> Option<PagesSaid> {
        (!self.path.is_empty()).then_some(self.pages)
    }

    /// Reads on. `complete`: no more text will come.
    pub fn read(&mut self, text: &str, complete: bool) -> EnvelopeRead {
        let mut lexer = Lexer::new(text, self.max_keys);
        loop {
            let from = lexer.at;
            if !lexer.more() {
                return match (complete, self.next) {
                    (false, _) => EnvelopeRead::Open(lexer.at),
                    (true, Next::Text) => EnvelopeRead::End,
                    (true, _) => EnvelopeRead::Fault(JsonFlaw::CutShort.at(lexer.at)),
                };
            }
            let start = lexer.at;
            let too_long = JsonFlaw::TooLong { longest: self.longest }.at(start);
            match self.step(&mut lexer) {
                _ if lexer.at - start > self.longest => return EnvelopeRead::Fault(too_long),
                Ok(true) => return EnvelopeRead::Records(lexer.at),
                Ok(false) => {}
                Err(JsonFault { what: JsonFlaw::Open, .. }) if !complete && text.len() - start > self.longest => {
                    return EnvelopeRead::Fault(too_long);
                }
                Err(JsonFault { what: JsonFlaw::Open, .. }) if !complete => return EnvelopeRead::Open(from),
                Err(JsonFault { what: JsonFlaw::Open, at }) => return EnvelopeRead::Fault(JsonFlaw::CutShort.at(at)),
                Err(fault) if fault.at.saturating_sub(start) > self.longest => return EnvelopeRead::Fault(too_long),
                Err(fault) => return EnvelopeRead::Fault(fault),
            }
        }
    }

    /// Goes on after an array of records.
    pub fn after_records(&mut self) {
        self.next = if self.objects.is_empty() { Next::Text } else { Next::More };
    }

    /// Reads one thing: an opening byte, a key with its value, a comma, an end. Whether an array of records has begun. It
    /// changes nothing where the text ends within it.
    fn step(&mut self, lexer: &mut Lexer<'_>) -> Result<bool, JsonFault> {
        let (byte, at) = (lexer.next_byte()?, lexer.at);
        match (self.next, byte) {
            (Next::Text, b'[') if self.path.is_empty() => {
                lexer.at += 1;
                return Ok(true);
            }
            (Next::Text, b'{') if self.path.is_empty() => return Err(JsonFlaw::PathUnsaid.at(at)),
            (Next::Text, b'{') => {
                lexer.at += 1;
                self.open();
            }
            (Next::Text, other) if other != b'[' => return Err(JsonFlaw::NotJson.at(at)),
            (Next::Text, _) => return Err(JsonFlaw::NoPage.at(at)),
            (Next::First | Next::More, b'}') => {
                lexer.at += 1;
                return self.close(at);
            }
            (Next::More, b',') => {
                lexer.at += 1;
                self.next = Next::Key;
            }
            (Next::First | Next::Key, b'"') => return self.key(lexer),
            _ => return Err(JsonFlaw::Unexpected.at(at)),
        }
        Ok(false)
    }

    fn open(&mut self) {
        self.objects.push(HashSet::new());
        self.next = Next::First;
    }

    fn close(&mut self, at: usize) -> Result<bool, JsonFault> {
        self.objects.pop();
        self.next = Next::More;
        if self.objects.len() < self.path.len() && !self.found {
            return Err(JsonFlaw::NoRecords.at(at));
        }
        if self.objects.is_empty() {
            (self.next, self.found) = (Next::Text, false);
            self.pages.add(std::mem::take(&mut self.page));
        }
        Ok(false)
    }

    fn key(&mut self, lexer: &mut Lexer<'_>) -> Result<bool, JsonFault> {
        let at = lexer.at;
        let key = lexer.key()?;
        lexer.expect(b':')?;
        let (byte, value) = (lexer.next_byte()?, lexer.at);
        let depth = self.objects.len();
        let on_path = self.path.get(depth - 1).is_some_and(|step| **step == *key);
        let expected = if depth == self.path.len() { b'[' } else { b'{' };
        match on_path {
            true if byte != expected => return Err(JsonFlaw::NoRecords.at(value)),
            true => lexer.at += 1,
            false => lexer.skip(depth)?,
        }
        if !on_path && PageSaid::asks(&key) {
            self.page.take(&key, &lexer.text[value..lexer.at]);
        }
        let keys = &mut self.objects[depth - 1];
        if keys.len() >= self.max_keys {
            return Err(JsonFlaw::TooManyKeys { most: self.max_keys }.at(at));
        }
        if !keys.insert(key.into_owned()) {
            return Err(JsonFlaw::KeyTwice.at(at));
        }
        self.next = Next::More;
        if on_path && expected == b'{' {
            self.open();
        }
        self.found |= on_path && expected == b'[';
        Ok(on_path && expected == b'[')
    }
}
