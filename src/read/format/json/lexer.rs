//! The words of JSON (RFC 8259) in a text: strings, numbers and values that nobody needs, each checked to its last
//! byte. It never makes a number of a number.

use super::fault::{JsonFault, JsonFlaw};
use crate::same_name::normal;
use std::borrow::Cow;
use std::collections::HashSet;

/// How deep objects and arrays may lie in one another.
pub(super) const DEEPEST: usize = 64;

/// With so many keys an object's are looked up instead of compared one by one.
const MANY_KEYS: usize = 24;

/// A place in a text, and what may be in it.
pub(super) struct Lexer<'t> {
    pub text: &'t str,
    /// Place of the next byte.
    pub at: usize,
    /// Nothing at or after it is looked at.
    pub end: usize,
    /// Most keys of an object.
    pub max_keys: usize,
}

/// What stands between the quotes of a string.
#[derive(Clone, Copy)]
pub(super) struct Quoted {
    pub start: usize,
    pub end: usize,
    /// It has a backslash.
    pub escaped: bool,
}

/// A value that is not made of others.
#[derive(Clone, Copy)]
pub(super) enum Scalar {
    Text(Quoted),
    /// A number as it is written.
    Number {
        start: usize,
        end: usize,
    },
    /// One of the words `true` and `false`.
    Boolean {
        start: usize,
        end: usize,
    },
    Null,
}

impl<'t> Lexer<'t> {
    pub fn new(text: &'t str, max_keys: usize) -> Lexer<'t> {
        Lexer { text, at: 0, end: text.len(), max_keys }
    }

    /// The next byte; none at the end.
    #[inline]
    pub fn peek(&self) -> Option<u8> {
        if self.at < self.end { Some(self.text.as_bytes()[self.at]) } else { None }
    }

    /// Passes over white space, and gives the byte after it.
    #[inline]
    pub fn next_byte(&mut self) -> Result<u8, JsonFault> {
        let bytes = &self.text.as_bytes()[..self.end];
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Ok(*byte);
            }
            self.at += 1;
        }
        Err(JsonFlaw::Open.at(self.at))
    }

    /// Passes over white space; whether something comes after it.
    pub fn more(&mut self) -> bool {
        self.next_byte().is_ok()
    }

    /// Passes over white space and one given byte.
    #[inline]
    pub fn expect(&mut self, byte: u8) -> Result<(), JsonFault> {
        if self.next_byte()? != byte {
            return Err(JsonFlaw::Unexpected.at(self.at));
        }
        self.at += 1;
        Ok(())
    }

    /// After a value of an object or array: whether another comes. Passes over the comma or the closing byte.
    #[inline]
    pub fn another(&mut self, close: u8) -> Result<bool, JsonFault> {
        let byte = self.next_byte()?;
        if byte != b',' && byte != close {
            return Err(JsonFlaw::Unexpected.at(self.at));
        }
        self.at += 1;
        Ok(byte == b',')
    }

    /// After an opening byte: whether the object or array is empty, in which case its end is passed over.
    #[inline]
    pub fn empty(&mut self, close: u8) -> Result<bool, JsonFault> {
        let empty = self.next_byte()? == close;
        self.at += usize::from(empty);
        Ok(empty)
    }

    /// Reads a string whose opening quote comes next.
    pub fn quoted(&mut self) -> Result<Quoted, JsonFault> {
        let start = self.at + 1;
        let bytes = &self.text.as_bytes()[..self.end];
        let (mut at, mut escaped) = (start, false);
        loop {
            at = plain(bytes, at);
            match bytes.get(at) {
                None => return Err(JsonFlaw::Open.at(self.end)),
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at = escape(bytes, at)?.1;
                }
                Some(_) => return Err(JsonFlaw::Control.at(at)),
            }
        }
        self.at = at + 1;
        Ok(Quoted { start, end: at, escaped })
    }

    /// Reads a key as keys are compared: unescaped, trimmed and NFC.
    pub fn key(&mut self) -> Result<Cow<'t, str>, JsonFault> {
        if self.next_byte()? != b'"' {
            return Err(JsonFlaw::Unexpected.at(self.at));
        }
        let quoted = self.quoted()?;
        Ok(self.key_of(quoted))
    }

    /// Returns a key that was read as keys are compared.
    pub fn key_of(&self, quoted: Quoted) -> Cow<'t, str> {
        let raw = &self.text[quoted.start..quoted.end];
        let edge = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_whitespace() || *byte < b' ');
        let bytes = raw.as_bytes();
        if !quoted.escaped && raw.is_ascii() && !edge(bytes.first()) && !edge(bytes.last()) {
            return Cow::Borrowed(raw);
        }
        let mut unescaped = String::new();
        unescape(raw, &mut unescaped);
        Cow::Owned(normal(&unescaped))
    }

    /// Reads a value that is neither object nor array; its first byte comes next.
    pub fn scalar(&mut self, first: u8) -> Result<Scalar, JsonFault> {
        let start = self.at;
        match first {
            b'"' => self.quoted().map(Scalar::Text),
            b'-' | b'0'..=b'9' => self.number().map(|()| Scalar::Number { start, end: self.at }),
            b't' => self.literal("true").map(|()| Scalar::Boolean { start, end: self.at }),
            b'f' => self.literal("false").map(|()| Scalar::Boolean { start, end: self.at }),
            b'n' => self.literal("null").map(|()| Scalar::Null),
            _ => Err(JsonFlaw::Unexpected.at(start)),
        }
    }

    fn literal(&mut self, word: &str) -> Result<(), JsonFault> {
        for byte in word.bytes() {
            match self.peek() {
                None => return Err(JsonFlaw::Open.at(self.at)),
                Some(found) if found == byte => self.at += 1,
                Some(_) => return Err(JsonFlaw::Unexpected.at(self.at)),
            }
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonFault> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        match self.peek() {
            // It may go on where the text does.
            None => Err(JsonFlaw::Open.at(self.at)),
            Some(b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r') => Ok(()),
            Some(_) => Err(JsonFlaw::Number.at(self.at)),
        }
    }

    fn digits(&mut self) -> Result<(), JsonFault> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        match self.peek() {
            _ if self.at > start => Ok(()),
            None => Err(JsonFlaw::Open.at(self.at)),
            Some(_) => Err(JsonFlaw::Number.at(self.at)),
        }
    }

    /// Passes over a value that nobody needs, with everything in it; `depth` is how deep it lies.
    pub fn skip(&mut self, depth: usize) -> Result<(), JsonFault> {
        let first = self.next_byte()?;
        match first {
            b'{' | b'[' if depth >= DEEPEST => Err(JsonFlaw::TooDeep { most: DEEPEST }.at(self.at)),
            b'{' => self.skip_object(depth),
            b'[' => {
                self.at += 1;
                if self.empty(b']')? {
                    return Ok(());
                }
                loop {
                    self.skip(depth + 1)?;
                    if !self.another(b']')? {
                        return Ok(());
                    }
                }
            }
            _ => self.scalar(first).map(|_| ()),
        }
    }

    fn skip_object(&mut self, depth: usize) -> Result<(), JsonFault> {
        self.at += 1;
        if self.empty(b'}')? {
            return Ok(());
        }
        let mut keys = ObjectKeys::default();
        loop {
            self.next_byte()?;
            let at = self.at;
            let key = self.key()?;
            keys.add(key, self.max_keys).map_err(|what| what.at(at))?;
            self.expect(b':')?;
            self.skip(depth + 1)?;
            if !self.another(b'}')? {
                return Ok(());
            }
        }
    }

    /// Returns the text of a scalar; what a backslash stands for is appended to `unescaped`, for as long as it is looked at.
    pub fn said<'s>(&self, scalar: Scalar, unescaped: &'s mut String) -> Option<&'s str>
    where
        't: 's,
    {
        match scalar {
            Scalar::Text(quoted) if quoted.escaped => {
                unescaped.clear();
                unescape(&self.text[quoted.start..quoted.end], unescaped);
                Some(unescaped)
            }
            Scalar::Text(Quoted { start, end, .. }) => Some(&self.text[start..end]),
            Scalar::Number { start, end } | Scalar::Boolean { start, end } => Some(&self.text[start..end]),
            Scalar::Null => None,
        }
    }
}

/// The keys of one object, no two the same.
#[derive(Default)]
pub(super) struct ObjectKeys<'t> {
    few: Vec<Cow<'t, str>>,
    many: HashSet<Cow<'t, str>>,
}

impl<'t> ObjectKeys<'t> {
    /// Adds a key.
    ///
    /// # Errors
    /// It is there already, or there are too many.
    pub fn add(&mut self, key: Cow<'t, str>, most: usize) -> Result<(), JsonFlaw> {
        if self.few.len() + self.many.len() >= most {
            return Err(JsonFlaw::TooManyKeys { most });
        }
        if self.many.is_empty() && self.few.len() < MANY_KEYS {
            if self.few.contains(&key) {
                return Err(JsonFlaw::KeyTwice);
            }
            self.few.push(key);
            return Ok(());
        }
        self.many.extend(self.few.drain(..));
        if self.many.insert(key) { Ok(()) } else { Err(JsonFlaw::KeyTwice) }
    }
}

/// The first byte from `at` on that is no plain one of a string: a quote, a backslash, a control character, or the end.
#[inline]
fn plain(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    while let Some(eight) = bytes.get(at..at + 8) {
        let word = eight.iter().rev().fold(0, |word: u64, byte| word << 8 | u64::from(*byte));
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let found = zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\'))) | control;
        if found != 0 {
            // Borrows go upwards only, so the lowest mark is a true one.
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| *byte >= 0x20 && *byte != b'"' && *byte != b'\\') {
        at += 1;
    }
    at
}

/// Reads what a backslash begins: the character, and where it ends.
fn escape(bytes: &[u8], at: usize) -> Result<(char, usize), JsonFault> {
    let Some(letter) = bytes.get(at + 1) else { return Err(JsonFlaw::Open.at(bytes.len())) };
    let character = match letter {
        b'"' | b'\\' | b'/' => char::from(*letter),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(bytes, at),
        _ => return Err(JsonFlaw::Escape.at(at)),
    };
    Ok((character, at + 2))
}

/// Reads `\uXXXX`, or a pair of them that is one character.
fn unicode(bytes: &[u8], at: usize) -> Result<(char, usize), JsonFault> {
    let first = hex(bytes, at)?;
    if let Some(character) = char::from_u32(first) {
        return Ok((character, at + 6));
    }
    for (place, expected) in [(at + 6, b'\\'), (at + 7, b'u')] {
        match bytes.get(place) {
            None => return Err(JsonFlaw::Open.at(bytes.len())),
            Some(byte) if *byte != expected => return Err(JsonFlaw::Surrogate.at(at)),
            Some(_) => {}
        }
    }
    let second = hex(bytes, at + 6)?;
    let high = (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(&second);
    let pair = || char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
    let character = high.then(pair).flatten();
    character.map(|character| (character, at + 12)).ok_or(JsonFlaw::Surrogate.at(at))
}

/// The four digits after `\u`.
fn hex(bytes: &[u8], at: usize) -> Result<u32, JsonFault> {
    (at + 2..at + 6).try_fold(0, |number, place| match bytes.get(place) {
        None => Err(JsonFlaw::Open.at(bytes.len())),
        Some(byte) => {
            let digit = char::from(*byte).to_digit(16).ok_or(JsonFlaw::Escape.at(at))?;
            Ok(number << 4 | digit)
        }
    })
}

/// Appends a string that was read, with what its backslashes stand for.
pub(super) fn unescape(raw: &str, out: &mut String) {
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'\\', &raw.as_bytes()[from..]) {
        out.push_str(&raw[from..from + at]);
        let Ok((character, after)) = escape(raw.as_bytes(), from + at) else { return };
        out.push(character);
        from = after;
    }
    out.push_str(&raw[from..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn skipped(text: &str) -> Result<usize, JsonFault> {
        let mut lexer = Lexer::new(text, 100);
        lexer.skip(0).map(|()| lexer.at)
    }

    #[test]
    fn r56_what_json_does_not_have_is_refused_at_its_byte() {
        for (text, at, what) in [
            (r#"{"a":1,}"#, 7, JsonFlaw::Unexpected),
            (r#"{"a" 1}"#, 5, JsonFlaw::Unexpected),
            (r#"{a:1}"#, 1, JsonFlaw::Unexpected),
            ("[1 2]", 3, JsonFlaw::Unexpected),
            ("[1,]", 3, JsonFlaw::Unexpected),
            ("[01]", 2, JsonFlaw::Number),
            ("[1.]", 3, JsonFlaw::Number),
            ("[-]", 2, JsonFlaw::Number),
            ("[1e+]", 4, JsonFlaw::Number),
            ("[.5]", 1, JsonFlaw::Unexpected),
            ("[NaN]", 1, JsonFlaw::Unexpected),
            ("[tru]", 4, JsonFlaw::Unexpected),
            ("['a']", 1, JsonFlaw::Unexpected),
            ("[\"a\tb\"]", 3, JsonFlaw::Control),
            (r#"["\x"]"#, 2, JsonFlaw::Escape),
            (r#"["\u12g4"]"#, 2, JsonFlaw::Escape),
            (r#"["\ud83d"]"#, 2, JsonFlaw::Surrogate),
            (r#"["\ude00\ud83d"]"#, 2, JsonFlaw::Surrogate),
            (r#"["\ud83dx"]"#, 2, JsonFlaw::Surrogate),
            (r#"["\ud83d\n"]"#, 2, JsonFlaw::Surrogate),
            (r#"{"a":1,"b":{"c":1,"\u0063":2}}"#, 18, JsonFlaw::KeyTwice),
            ("{\"\u{e9}\":1,\"e\u{301}\":2}", 8, JsonFlaw::KeyTwice),
            (r#"{"a":"x"#, 7, JsonFlaw::Open),
            ("12", 2, JsonFlaw::Open),
        ] {
            assert_eq!(skipped(text), Err(what.at(at)), "{text}");
        }
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(skipped(&deep(DEEPEST)), Ok(2 * DEEPEST));
        assert_eq!(skipped(&deep(DEEPEST + 1)), Err(JsonFlaw::TooDeep { most: DEEPEST }.at(DEEPEST)));
        let keys = |n: usize| {
            let keys: Vec<_> = (0..n).map(|key| format!("\"{key}\":0")).collect();
            format!("{{{}}}", keys.join(","))
        };
        assert!(skipped(&keys(100)).is_ok());
        assert!(matches!(skipped(&keys(101)), Err(JsonFault { what: JsonFlaw::TooManyKeys { most: 100 }, .. })));
        let twice = keys(60).replace("\"59\"", "\"3\"");
        assert!(matches!(skipped(&twice), Err(JsonFault { what: JsonFlaw::KeyTwice, .. })));
    }

    #[test]
    fn strings_are_unescaped_as_meant() {
        let mut out = String::new();
        unescape(r#"a\"\\\/\b\f\n\r\té\ud83d\ude00\u00e9"#, &mut out);
        assert_eq!(out, "a\"\\/\u{8}\u{c}\n\r\té😀é");
    }

    proptest! {
        #[test]
        fn plain_bytes_end_where_the_first_other_is(bytes in proptest::collection::vec(any::<u8>(), 0..40), at in 0usize..8) {
            let other = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
            let from = at.min(bytes.len());
            let expected = bytes[from..].iter().position(other).map_or(bytes.len(), |found| from + found);
            prop_assert_eq!(plain(&bytes, from), expected);
        }

        #[test]
        fn texts_come_out_as_serde_json_reads_them(text in any::<String>()) {
            let written = serde_json::to_string(&text).unwrap();
            let mut lexer = Lexer::new(&written, 10);
            let quoted = lexer.quoted().unwrap();
            let mut out = String::new();
            unescape(&written[quoted.start..quoted.end], &mut out);
            prop_assert_eq!((out, lexer.at), (text, written.len()));
        }
    }
}
