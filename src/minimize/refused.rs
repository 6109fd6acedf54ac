//! What ends a run while rows are minimized: said by record and column, never by value. Must not know rows.

use crate::error::{Code, Error};

/// A cell has more values than its column may.
pub(super) fn too_many(record: u64, column: &str) -> Error {
    Error::new(
        Code::TooManyValues,
        format!("record {record}: a cell of {column} has more values than its `several` allows"),
    )
    .help("raise `most` of the column's `several` in the source")
}

/// Two formats read a date differently.
pub(super) fn ambiguous(record: u64, column: &str) -> Error {
    Error::new(
        Code::DateAmbiguous,
        format!("record {record}: two formats of the column {column} read its value differently"),
    )
    .help("keep the format that the export really uses, in the column's `formats` in the source (R23)")
}

/// A row leaves out a person, or ends a record (`of_record`), and does not say which.
pub(super) fn of_nobody(record: u64, of_record: bool) -> Error {
    let (what, help) = match of_record {
        true => (
            "it says that a record has ended, or says neither yes nor no, and it has no subject, so nobody knows which record",
            "correct the record in the export: each version of a record needs the value of the subject's key (R75)",
        ),
        false => (
            "an exclude of persons matches it, and it has no subject, so nobody knows whom it leaves out",
            "correct the record in the export; or leave `scope` out of the exclude, if it is meant for single rows (R62)",
        ),
    };
    Error::new(Code::PersonUnknown, format!("record {record}: {what}")).help(help)
}

/// The published text of one block is too long.
pub(super) fn too_much_text() -> Error {
    Error::new(Code::InputTooLarge, "the published text of one block of records passes 4 GiB")
        .help("publish shorter values")
}
