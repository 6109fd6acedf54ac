//! What is said of a table and its files from stage to stage: where it is, what is current, what an attempt wrote.

use super::column::TableColumn;
use crate::store::Root;
use std::collections::BTreeSet;

/// Where a dataset lives: the table in the lake, its companions in `state`.
pub struct Target<'a> {
    /// Root of the table.
    pub lake: &'a Root,
    /// Path of the table below it.
    pub path: &'a str,
    /// Root of the companions.
    pub state: &'a Root,
    /// Prefix of the companions below it.
    pub companions: &'a str,
}

impl Target<'_> {
    /// Path of a data file below the lake's root.
    pub fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }
    /// Path of a companion below the state's root.
    pub fn companion(&self, name: &str) -> String {
        format!("{}/{name}", self.companions)
    }
}

/// How one attempt of a run writes.
pub struct Writing<'a> {
    /// Run id: text without `/`.
    pub run: &'a str,
    /// Attempt of that run; file names of two attempts differ.
    pub attempt: u32,
    /// Tokens as 16 bytes instead of 32 hex digits.
    pub binary_tokens: bool,
    /// Index of the subject's field in the layout; none where no row is about a person.
    pub subject_field: Option<usize>,
    /// Threads that may be used at once.
    pub threads: usize,
    /// The version that is current now, whose columns stay.
    pub current: Option<&'a CurrentTable>,
}

/// One published file and its companion. Holds no token: the range in its name bounds its subjects.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileWritten {
    /// Name below the table's path.
    pub name: String,
    /// Rows, in the file and in the companion.
    pub rows: u64,
    /// Length of the published file.
    pub bytes: u64,
    /// BLAKE3 of the bytes, 64 hex digits.
    pub blake3: String,
    /// Path of the companion below the state's root.
    pub companion: String,
    /// Length of the companion.
    pub companion_bytes: u64,
    /// BLAKE3 of its bytes.
    pub companion_blake3: String,
}

/// What an attempt wrote: all that a commit needs, also after an interruption.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Written {
    /// Id of the run that writes the version.
    pub run: String,
    /// Number of the attempt, which is part of the names of files.
    pub attempt: u32,
    /// The instant the rows were judged at.
    pub as_of: crate::clock::Instant,
    /// Columns of the table once committed.
    pub columns: Vec<TableColumn>,
    /// Rows in all files.
    pub rows: u64,
    /// Files by range; a range without rows has none.
    pub files: Vec<FileWritten>,
}

/// What a sweep wrote.
pub struct Rewritten {
    /// The files that the version adds.
    pub written: Written,
    /// Names of the files that they take the place of.
    pub gone: BTreeSet<String>,
    /// Bytes read: of each such file and its companion.
    pub read: u64,
}

/// A commit of another program that changes no file, no column and no feature.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Passed {
    /// Its version in the table's log.
    pub version: u64,
    /// What it did, as far as tamis knows the word; the log's own text is not repeated.
    pub operation: String,
}

/// A file of the current version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentFile {
    /// Name below the table's path.
    pub name: String,
    /// Rows in the file.
    pub rows: u64,
    /// Length of the file.
    pub bytes: u64,
}

/// The current version of a table of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrentTable {
    /// The newest version in the log that is tamis's own.
    pub version: u64,
    /// Commits of other programs after it, which change nothing.
    pub passed: Vec<Passed>,
    /// Run that published it.
    pub run: String,
    /// Attempt of that run.
    pub attempt: u32,
    /// Digest of its manifest.
    pub manifest: String,
    /// Its files, by name.
    pub files: Vec<CurrentFile>,
    /// Columns of the table, in order.
    pub columns: Vec<TableColumn>,
}

impl CurrentTable {
    /// The newest version in the log, whoever made it: the next one follows it.
    pub fn tip(&self) -> u64 {
        self.version + self.passed.len() as u64
    }
    /// Whether two looks at a table found the same version of tamis.
    pub fn is_same(&self, other: &CurrentTable) -> bool {
        let of = |table: &CurrentTable| (table.version, table.run.clone(), table.attempt, table.manifest.clone());
        of(self) == of(other)
    }
    /// Rows in all files.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }
}

/// A commit that is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Number of the version.
    pub version: u64,
    /// The attempt that is published: another one than the caller's when an earlier attempt had got through.
    pub attempt: u32,
    /// The manifest digest that is published.
    pub manifest: String,
    /// It was already there, or its answer had been lost.
    pub found: bool,
}
