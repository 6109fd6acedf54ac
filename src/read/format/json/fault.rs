//! What can be wrong with the bytes of a JSON record, and how it is said: place and cause, never a value or a key of the
//! file. Must not know how blocks are cut or read.

use crate::error::Code;

/// One thing that makes a record unreadable (R56, R57).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
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
}

/// Where it is: `at` counts bytes from the start of the text looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct JsonFault {
    pub at: usize,
    pub what: What,
}

impl What {
    /// At a byte.
    pub fn at(self, at: usize) -> JsonFault {
        JsonFault { at, what: self }
    }

    /// What happened, to stand after a position; `names` are those of leaves.
    pub fn message(self, names: impl Fn(usize) -> String) -> String {
        match self {
            What::Open | What::CutShort => "the file ends within a record or an object".into(),
            What::Unexpected => "a character that JSON cannot have here".into(),
            What::LineEnds => "the line ends within a record".into(),
            What::AfterRecord => "something follows the record in its line".into(),
            What::Control => "a control character within a text".into(),
            What::Escape => "a backslash with something after it that JSON does not know".into(),
            What::Surrogate => "half of a surrogate pair, which is no character".into(),
            What::Number => "a number that is not written as JSON has it".into(),
            What::Malformed => "bytes that are malformed for utf-8".into(),
            What::Replacement => "the replacement character U+FFFD: an earlier conversion has lost text".into(),
            What::Nul => "a NUL character".into(),
            What::KeyTwice => "an object has the same key twice".into(),
            What::TooDeep { most } => format!("objects and arrays lie in one another more than {most} deep"),
            What::TooManyKeys { most } => format!("an object has more than {most} keys"),
            What::KeyTooLong { longest } => format!("a key with those around it is longer than {longest} bytes"),
            What::TooLong { longest } => format!("the record is longer than {longest} bytes"),
            What::NoObject => "the record is no object".into(),
            What::NotJson => "neither an object nor an array begins here".into(),
            What::PathUnsaid => "an object begins where an array of records is expected".into(),
            What::NoPage => "something else than an object that has the records".into(),
            What::NoRecords => "the object has no array at the path that read.records says".into(),
            What::Array(leaf) => format!("column {} holds an array", names(leaf)),
            What::Object(leaf) => format!("column {} holds an object", names(leaf)),
            What::NotEntered(leaf) => {
                format!("a value stands where the path of column {} goes on", names(leaf))
            }
            What::Nested(leaf) => format!("column {} holds an array of something else than single values", names(leaf)),
            What::Separator(leaf) => {
                format!("column {} holds a value that has the separator of its `several` in it", names(leaf))
            }
            What::SeveralElements(leaf) => format!("several elements are what column {} chooses", names(leaf)),
            What::NotPlain(leaf) => {
                format!("column {} is an identifier and holds a number with a point or an exponent", names(leaf))
            }
        }
    }

    /// Returns which error it is.
    pub fn code(self) -> Code {
        match self {
            What::Nul | What::Replacement | What::Malformed => Code::EncodingWrong,
            _ => Code::RecordMalformed,
        }
    }

    /// What an operator can do about it.
    pub fn help(self) -> &'static str {
        match self {
            What::Open | What::CutShort => "look whether the export was cut short, and have it exported again",
            What::LineEnds => {
                "have it exported with one record per line; records over several lines in an array are read with \
                 read.format = \"json\""
            }
            What::AfterRecord => "have it exported with one record per line",
            What::Malformed | What::Replacement => "have it exported again with text in UTF-8",
            What::Nul => "have it exported without NUL",
            What::TooManyKeys { .. } => "raise limits.max_columns in the source if the export is right",
            What::TooLong { .. } => {
                "look for a text that is never closed, or raise limits.max_record_bytes in the source"
            }
            What::NotJson => "check read.format in the source: this is no JSON",
            What::NoObject => "a record is an object; check read.records and read.format in the source",
            What::PathUnsaid => {
                "say in read.records of the source under which key the records are, such as \"results\"; one record per \
                 line is read with read.format = \"ndjson\""
            }
            What::NoPage | What::NoRecords => {
                "check read.records in the source against the export; it may be an answer that tells of an error"
            }
            What::Array(_) => {
                "choose an element in the column's name, as in emails[0].value or emails[primary=true].value; of an array \
                 of single values a link may take all with `several`"
            }
            What::Object(_) => "name what is in it, as in Owner.Name",
            What::NotEntered(_) => "have it exported again, or name the column as the export has it",
            What::Nested(_) => "choose an element in the column's name, as in emails[0].value",
            What::Separator(_) => "choose another separator in the column's `several`",
            What::SeveralElements(_) => "choose by a key whose value only one element has, or by a number",
            What::NotPlain(_) => "have ids exported as texts: such a number may not be the id that was meant",
            _ => "have it exported again as JSON by RFC 8259",
        }
    }
}
