//! Which keys the records have that a worker has seen: most records have the same ones in the same order, so that the
//! next key is mostly known before it is read.

use super::fault::{JsonFault, JsonFlaw};
use super::lexer::Lexer;
use super::paths::{Paths, RECORD};
use crate::policy::push_key;
use crate::read::batch::Cell;
use crate::read::found::{FoundNames, NameFound};
use std::collections::HashMap;
use std::sync::Arc;

/// The longest path of a key, as the name of a column.
const LONGEST_NAME: usize = 2048;
/// Stands for no place.
const NONE: u32 = u32::MAX;

/// Buffers of one worker.
#[derive(Default)]
pub(in crate::read::format) struct JsonScratch {
    pub(super) shape: RecordShape,
    /// Cells of the wanted columns, row after row.
    pub(super) cells: Vec<Cell>,
}

/// Places in records, and what was found there in one block.
#[derive(Default)]
pub(super) struct RecordShape {
    places: Vec<KeyPlace>,
    /// Objects looked into so far, so that a key that comes twice in one is seen.
    objects: u64,
    /// What was found, by the order of its first appearance.
    order: Vec<Spot>,
    /// Of columns inside of arrays.
    leaves: Vec<Option<NameFound>>,
    paths: Option<Arc<Paths>>,
}

/// Something that has a name: a place, or a column inside of an array.
#[derive(Clone, Copy)]
enum Spot {
    KeyPlace(u32),
    Leaf(usize),
}

/// The value of a key in an object that is looked into.
struct KeyPlace {
    /// Its path as the name of a column.
    name: String,
    /// As it was written first, between its quotes.
    key: Box<[u8]>,
    /// What the source says of it.
    node: Option<usize>,
    keys: HashMap<Box<[u8]>, u32>,
    /// The place that came first in the last object here.
    first: u32,
    /// The place that came after it.
    after: u32,
    /// The object that it was in last.
    object: u64,
    found: Option<NameFound>,
}

impl RecordShape {
    /// Begins a block of records that are read by these paths; what was seen with others is forgotten, and so is what has
    /// grown too large.
    pub fn begin(&mut self, paths: &Arc<Paths>, most: usize) {
        let same = self.paths.as_ref().is_some_and(|known| Arc::ptr_eq(known, paths));
        if !same || self.places.len() > most.saturating_mul(4) {
            self.places.clear();
            self.paths = Some(paths.clone());
            self.place(String::new(), Box::default(), Some(RECORD));
        }
        self.order.clear();
        self.places.iter_mut().for_each(|place| place.found = None);
        self.leaves.clear();
        self.leaves.resize(paths.leaves.len(), None);
    }

    /// Returns the record's own place.
    pub fn record(&self) -> u32 {
        0
    }

    /// Begins an object; its number is what [`RecordShape::key`] asks for.
    pub fn object(&mut self) -> u64 {
        self.objects += 1;
        self.objects
    }

    /// Returns what the source says of a place.
    pub fn node(&self, place: u32) -> Option<usize> {
        self.places[place as usize].node
    }

    /// Reads the key that comes next in an object here; `before` is the place before it, none at the first.
    pub fn key(
        &mut self,
        lexer: &mut Lexer<'_>,
        here: u32,
        before: Option<u32>,
        object: u64,
    ) -> Result<u32, JsonFault> {
        if lexer.next_byte()? != b'"' {
            return Err(JsonFlaw::Unexpected.at(lexer.at));
        }
        let at = lexer.at;
        let guess = before.map_or(self.places[here as usize].first, |before| self.places[before as usize].after);
        let guessed = self.places.get(guess as usize).filter(|place| {
            let end = at + 1 + place.key.len();
            let bytes = &lexer.text.as_bytes()[..lexer.end];
            bytes.get(end) == Some(&b'"') && bytes[at + 1..end] == *place.key
        });
        let found = match guessed {
            Some(place) => {
                lexer.at = at + 2 + place.key.len();
                guess
            }
            None => {
                let found = self.look_up(lexer, here)?;
                match before {
                    None => self.places[here as usize].first = found,
                    Some(before) => self.places[before as usize].after = found,
                }
                found
            }
        };
        let place = &mut self.places[found as usize];
        if std::mem::replace(&mut place.object, object) == object {
            return Err(JsonFlaw::KeyTwice.at(at));
        }
        Ok(found)
    }

    fn look_up(&mut self, lexer: &mut Lexer<'_>, here: u32) -> Result<u32, JsonFault> {
        let at = lexer.at;
        let quoted = lexer.quoted()?;
        let raw = &lexer.text.as_bytes()[quoted.start..quoted.end];
        // With a backslash the same letters may be another key as it is compared.
        if let Some(known) = self.places[here as usize].keys.get(raw).filter(|_| !quoted.escaped) {
            return Ok(*known);
        }
        let key = lexer.key_of(quoted);
        let known = self.places[here as usize].keys.get(key.as_bytes()).copied();
        let found = match known {
            Some(known) => known,
            None => {
                let KeyPlace { name, node, .. } = &self.places[here as usize];
                let mut name = name.clone();
                push_key(&mut name, &key);
                if name.len() > LONGEST_NAME {
                    return Err(JsonFlaw::KeyTooLong { longest: LONGEST_NAME }.at(at));
                }
                let paths = self.paths.clone();
                let node = paths.zip(*node).and_then(|(paths, node)| paths.at(node).key(&key));
                let found = self.place(name, raw.into(), node);
                self.places[here as usize].keys.insert(key.as_bytes().into(), found);
                found
            }
        };
        if !quoted.escaped {
            self.places[here as usize].keys.insert(raw.into(), found);
        }
        Ok(found)
    }

    fn place(&mut self, name: String, key: Box<[u8]>, node: Option<usize>) -> u32 {
        let (keys, first, after, object, found) = (HashMap::new(), NONE, NONE, 0, None);
        self.places.push(KeyPlace { name, key, node, keys, first, after, object, found });
        self.places.len() as u32 - 1
    }

    /// Notes what was found at a place.
    #[inline]
    pub fn found(&mut self, place: u32, finding: NameFound) {
        let known = &mut self.places[place as usize].found;
        if note(known, finding) {
            self.order.push(Spot::KeyPlace(place));
        }
    }

    /// Notes what was found of a column inside of an array.
    pub fn found_leaf(&mut self, leaf: usize, finding: NameFound) {
        if note(&mut self.leaves[leaf], finding) {
            self.order.push(Spot::Leaf(leaf));
        }
    }

    /// Ends a block: the names of what was found in it.
    pub fn names(&mut self, most: usize) -> FoundNames {
        let mut names = FoundNames::default();
        for spot in self.order.drain(..) {
            let (name, finding) = match spot {
                Spot::KeyPlace(place) => {
                    let place = &self.places[place as usize];
                    (Some(place.name.clone()), place.found)
                }
                Spot::Leaf(leaf) => {
                    (self.paths.as_ref().map(|paths| paths.leaves[leaf].name.clone()), self.leaves[leaf])
                }
            };
            if let (Some(name), Some(finding)) = (name, finding) {
                names.add(name, finding, most);
            }
        }
        names
    }
}

/// Whether it is the first finding.
fn note(known: &mut Option<NameFound>, finding: NameFound) -> bool {
    match known {
        Some(known) => {
            known.value |= finding.value;
            known.inner |= finding.inner;
            false
        }
        None => {
            *known = Some(finding);
            true
        }
    }
}
