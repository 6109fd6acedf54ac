//! What can be wrong with the bytes of a JSON record, and how it is said: place and cause, never a value or a key of
//! the file.

use crate::error::Code;

/// One thing that makes a record unreadable (R56, R57).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JsonFlaw {
    /// The text at hand ends within something; what that means depends on why it ends.
    Open,
    Unexpected,
    LineEnds,
    CutShort,
    AfterRecord,
    Control,
    Escape,
    Surrogate,
    Number,
    Malformed,
    Replacement,
    Nul,
    KeyTwice,
    TooDeep {
        most: usize,
    },
    TooManyKeys {
        most: usize,
    },
    KeyTooLong {
        longest: usize,
    },
    TooLong {
        longest: usize,
    },
    NoObject,
    /// Neither object nor array.
    NotJson,
    /// An object where an array of records is expected.
    PathUnsaid,
    /// Another value than an object with the record path.
    NoPage,
    NoRecords,
    /// Of a column of the source, by its leaf.
    Array(usize),
    Object(usize),
    NotEntered(usize),
    Nested(usize),
    Separator(usize),
    SeveralElements(usize),
    NotPlain(usize),
    MinusZero(usize),
}

/// Where it is: `at` counts bytes from the start of the text looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JsonFault {
    pub at: usize,
    pub what: JsonFlaw,
}

impl JsonFlaw {
    /// Returns the fault with its byte in the text.
    pub fn at(self, at: usize) -> JsonFault {
        JsonFault { at, what: self }
    }

    /// What happened, to stand after a position; `names` are those of leaves.
    pub fn message(self, names: impl Fn(usize) -> String) -> String {
        match self {
            JsonFlaw::Open | JsonFlaw::CutShort => "the file ends within a record or an object".into(),
            JsonFlaw::Unexpected => "a character that JSON cannot have here".into(),
            JsonFlaw::LineEnds => "the line ends within a record".into(),
            JsonFlaw::AfterRecord => "something follows the record in its line".into(),
            JsonFlaw::Control => "a control character within a text".into(),
            JsonFlaw::Escape => "a backslash before a character that JSON does not allow there".into(),
            JsonFlaw::Surrogate => "half of a surrogate pair, which is no character".into(),
            JsonFlaw::Number => "a number that is not written as JSON demands".into(),
            JsonFlaw::Malformed => "bytes that are malformed for utf-8".into(),
            JsonFlaw::Replacement => "the replacement character U+FFFD: an earlier conversion has lost text".into(),
            JsonFlaw::Nul => "a NUL character".into(),
            JsonFlaw::KeyTwice => "an object has the same key twice".into(),
            JsonFlaw::TooDeep { most } => format!("objects and arrays are nested more than {most} deep"),
            JsonFlaw::TooManyKeys { most } => format!("an object has more than {most} keys"),
            JsonFlaw::KeyTooLong { longest } => format!("a key with the keys around it is longer than {longest} bytes"),
            JsonFlaw::TooLong { longest } => format!("the record is longer than {longest} bytes"),
            JsonFlaw::NoObject => "the record is no object".into(),
            JsonFlaw::NotJson => "neither an object nor an array begins here".into(),
            JsonFlaw::PathUnsaid => "an object begins where an array of records is expected".into(),
            JsonFlaw::NoPage => "something other than an object that has the records".into(),
            JsonFlaw::NoRecords => "the object has no array at the path that read.records says".into(),
            JsonFlaw::Array(leaf) => format!("column {} holds an array", names(leaf)),
            JsonFlaw::Object(leaf) => format!("column {} holds an object", names(leaf)),
            JsonFlaw::NotEntered(leaf) => {
                format!("column {} continues below this place, but a value is here", names(leaf))
            }
            JsonFlaw::Nested(leaf) => {
                format!("column {} holds an array of something else than single values", names(leaf))
            }
            JsonFlaw::Separator(leaf) => {
                format!("column {} holds a value that has the separator of its `several` in it", names(leaf))
            }
            JsonFlaw::SeveralElements(leaf) => format!("column {} chooses several elements", names(leaf)),
            JsonFlaw::NotPlain(leaf) => {
                format!("column {} is an identifier and holds a number with a point or an exponent", names(leaf))
            }
            JsonFlaw::MinusZero(leaf) => format!("column {} is an identifier and holds -0", names(leaf)),
        }
    }

    /// Returns which error it is.
    pub fn code(self) -> Code {
        match self {
            JsonFlaw::Nul | JsonFlaw::Replacement | JsonFlaw::Malformed => Code::EncodingWrong,
            _ => Code::RecordMalformed,
        }
    }

    /// What an operator can do about it.
    pub fn help(self) -> &'static str {
        match self {
            JsonFlaw::Open | JsonFlaw::CutShort => "look whether the export was cut short, and have it exported again",
            JsonFlaw::LineEnds => {
                "have it exported with one record per line; records over several lines in an array are read with \
                 read.format = \"json\""
            }
            JsonFlaw::AfterRecord => "have it exported with one record per line",
            JsonFlaw::Malformed | JsonFlaw::Replacement => "have it exported again with text in UTF-8",
            JsonFlaw::Nul => "have it exported without NUL",
            JsonFlaw::TooManyKeys { .. } => "raise limits.max_columns in the source if the export is right",
            JsonFlaw::TooLong { .. } => {
                "look for a text that is never closed, or raise limits.max_record_bytes in the source"
            }
            JsonFlaw::NotJson => "check read.format in the source: this is no JSON",
            JsonFlaw::NoObject => "a record is an object; check read.records and read.format in the source",
            JsonFlaw::PathUnsaid => {
                "say in read.records of the source under which key the records are, such as \"results\"; one record per \
                 line is read with read.format = \"ndjson\""
            }
            JsonFlaw::NoPage | JsonFlaw::NoRecords => {
                "check read.records in the source against the export; it may be an answer that tells of an error"
            }
            JsonFlaw::Array(_) => {
                "choose an element in the column's name, as in emails[0].value or emails[primary=true].value; of an array \
                 of single values a link may take all with `several`"
            }
            JsonFlaw::Object(_) => "name what is in it, as in Owner.Name",
            JsonFlaw::NotEntered(_) => "have it exported again, or name the column as the export has it",
            JsonFlaw::Nested(_) => "choose an element in the column's name, as in emails[0].value",
            JsonFlaw::Separator(_) => "choose another separator in the column's `several`",
            JsonFlaw::SeveralElements(_) => "choose by a key whose value only one element has, or by a number",
            JsonFlaw::NotPlain(_) | JsonFlaw::MinusZero(_) => {
                "have ids exported as texts: such a number may not be the id that was meant"
            }
            _ => "have it exported again as JSON by RFC 8259",
        }
    }
}
