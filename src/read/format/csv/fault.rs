//! What can be wrong with the bytes of a record, and how it is said: place and cause, never a value.

use crate::error::Code;
use crate::read::text::MALFORMED;
use encoding_rs::{Encoding, UTF_8};

/// One thing that makes a record unreadable (design section 5 "Bad input", R39).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    StrayQuote,
    TextAfterQuote,
    UnclosedQuote,
    CrLineEnd,
    Nul,
    Replacement,
    Malformed,
    Cells { found: usize, expected: usize },
    TooLong { longest: usize },
}

/// Where it is: `at` counts bytes from the start of the text looked at, `record` the records before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FaultAt {
    pub at: usize,
    pub record: u64,
    pub what: What,
}

impl What {
    /// What happened, to stand after a position.
    pub fn message(self) -> String {
        match self {
            What::StrayQuote => "a quote inside a cell that does not start with one".into(),
            What::TextAfterQuote => "text after the closing quote of a cell".into(),
            What::UnclosedQuote => "a quote opens a cell and is never closed".into(),
            What::CrLineEnd => "a line ends with CR alone".into(),
            What::Nul => "a NUL character".into(),
            What::Replacement => "the replacement character U+FFFD: an earlier conversion has lost text".into(),
            What::Malformed => "bytes that are malformed for the declared encoding".into(),
            What::Cells { found, expected } => format!("the record has {found} cells, and the header has {expected}"),
            What::TooLong { longest } => format!("the record is longer than {longest} bytes"),
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
            What::StrayQuote => "have it exported with its quotes doubled, or set read.stray_quotes = \"literal\"",
            What::TextAfterQuote => "have it exported with quotes inside cells doubled",
            What::UnclosedQuote => {
                "look whether the export was cut short, or set read.quote = \"none\" if quotes are text"
            }
            What::CrLineEnd => "have it exported with LF or CRLF as line end",
            What::Nul => "check read.encoding (UTF-16 looks like this), or have it exported without NUL",
            What::Replacement => "have it exported again in its original encoding",
            What::Malformed => MALFORMED,
            What::Cells { .. } => "have it exported again, or set limits.on_bad_record = \"drop\" in the job",
            What::TooLong { .. } => {
                "look for a quote that is never closed, or raise limits.max_record_bytes in the source"
            }
        }
    }
}

/// What positions in a text count in, where they are not those in the file.
pub(super) fn unit(encoding: &'static Encoding) -> &'static str {
    if encoding == UTF_8 { "" } else { " of the text in UTF-8" }
}
