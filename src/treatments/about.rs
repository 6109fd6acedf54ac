//! How a treatment is described: to specs, schemas, evidence and docs.

use super::apply::{Apply, Given, Typed};
use super::field_kind::FieldKind;
use crate::cell::kind::TypeName;
use crate::error::Result;
use std::collections::BTreeMap;
use std::ops::Range;

/// What a treatment says of itself.
pub struct About {
    /// Its name, in specs and evidence.
    pub name: &'static str,
    /// What it does, in the JSON Schema of a job.
    pub does: &'static str,
    /// Its keys beside those that every field has.
    pub keys: &'static [KeyAbout],
    /// Column types it works on; empty = any.
    pub takes: &'static [TypeName],
    /// In docs, what `takes` does not say.
    pub takes_note: &'static str,
    /// In docs, the Arrow type it gives and what else is to be said.
    pub gives: &'static str,
    /// An example as docs show it.
    pub example: &'static str,
    /// It is made of no column.
    pub columnless: bool,
    /// Values can be untreated, so that `max_untreated` says something.
    pub counted: bool,
    /// It counts days of the job's calendar.
    pub calendar: bool,
    /// A hint of `check` for a column whose category `as-is` is not allowed on: what is left to think of. Empty = none.
    pub caution: &'static str,
}

impl About {
    /// What most treatments share; each says the rest.
    pub const USUAL: About = About {
        name: "",
        does: "",
        keys: &[],
        takes: &[],
        takes_note: "",
        gives: "Utf8",
        example: "",
        columnless: false,
        counted: true,
        calendar: false,
        caution: "",
    };

    /// The row of the table of treatments in docs/spec.md.
    pub fn row(&self) -> String {
        let keys: Vec<_> = self.keys.iter().map(|key| format!("`{}` ({})", key.name, key.allows)).collect();
        let types = match self.takes {
            _ if self.columnless => "none: no `from`".to_owned(),
            [] => "any".to_owned(),
            types => types.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", "),
        };
        let keys = if keys.is_empty() { String::new() } else { format!("{} ", keys.join(", ")) };
        format!("| `{}` | {keys}| {types}{} | {} | {} |", self.name, self.takes_note, self.gives, self.example)
    }
}

/// A key of a treatment.
pub struct KeyAbout {
    /// Name of the key.
    pub name: &'static str,
    /// What is written there.
    pub shape: KeyShape,
    /// What it says, in the JSON Schema of a job.
    pub says: &'static str,
    /// In docs, its default and its bounds.
    pub allows: &'static str,
}

/// What is written under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyShape {
    /// A whole number in digits.
    Number,
    /// A list of whole numbers.
    Numbers,
    /// A text between quotes.
    Text,
    /// A list of names of columns.
    Columns,
    /// A list of words.
    Words,
    /// A table of texts.
    Table,
}

/// Keys of a field as a job writes them. Each returns the value or leaves a finding that points at it.
pub trait FieldKeys {
    /// Reads a whole number within bounds; a key without a default must be there.
    fn number(&mut self, key: &'static str, bounds: Range<i64>, default: Option<i64>) -> Option<i64>;
    /// Reads ascending whole numbers within bounds, at least one.
    fn ascending(&mut self, key: &'static str, bounds: Range<i64>) -> Option<Vec<i64>>;
    /// Reads a key that is one character.
    fn character(&mut self, key: &'static str, default: char) -> Option<char>;
    /// Reads text that must be there.
    fn text(&mut self, key: &'static str) -> Option<String>;
    /// Reads a table that must be there and is not empty; its keys are trimmed, NFC and case folded.
    fn table(&mut self, key: &'static str) -> Option<BTreeMap<String, String>>;
    /// Reads a list of words that must be there and is not empty; no two mean the same after trim, NFC and case folding.
    fn words(&mut self, key: &'static str) -> Option<Vec<String>>;
    /// Refuses words that have a character, which stands between words.
    fn without(&mut self, words: Vec<String>, key: &'static str, character: char) -> Option<Vec<String>>;
    /// Reads the columns of the source that are named, as indexes into the plan's; none named = none.
    fn columns(&mut self, key: &'static str) -> Option<Vec<usize>>;
}

/// A treatment with its settings: what each file of this folder has.
pub trait Treats: Sized {
    /// What it says of itself.
    const ABOUT: About;

    /// Reads its keys; none when one has a finding.
    fn read(keys: &mut dyn FieldKeys) -> Option<Self>;

    /// Returns what is done, with the settings, as evidence has it.
    fn words(&self) -> String {
        Self::ABOUT.name.to_owned()
    }

    /// Returns the type of the published field.
    fn gives(&self, _column: Option<Typed<'_>>) -> FieldKind {
        FieldKind::Text
    }

    /// Makes it ready to be applied. None for tokens, which are made a column at a time.
    ///
    /// # Errors
    /// A policy error for a date format that cannot be read.
    fn ready(&self, given: &Given<'_>) -> Result<Option<Box<dyn Apply>>>;
}
