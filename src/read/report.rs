//! What has been read, for counts and evidence: names, lengths, hashes of files. Must not hold values.

use super::container::Container;
use crate::store::Object;

/// What became of all inputs of a selection.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ReadReport {
    /// Objects in path order; of an archive each member read.
    pub inputs: Vec<InputReport>,
    /// Columns that the source says nothing of, by name.
    pub drift: Vec<UnlistedColumn>,
    /// Columns that it covers without listing them, by name.
    pub covered: Vec<UnlistedColumn>,
    /// Columns that the source lists and at least one of the inputs has not, by name.
    pub lost: Vec<MissingColumn>,
    /// All columns of the first input, in its order.
    pub names: Vec<String>,
}

/// One object or archive member.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct InputReport {
    /// Where it is, for messages: `ROOT:path` and member.
    pub place: String,
    /// As pinned when it was listed.
    pub object: Object,
    /// What the object is, by its first bytes.
    pub container: Container,
    /// Full path in the archive.
    pub member: Option<String>,
    /// Bytes taken from the store: of the object, of a member of a zip archive as compressed, of one of a tar its own.
    pub bytes: u64,
    /// Data records, dropped ones included, the header not.
    pub records: u64,
    /// Ragged records left out.
    pub dropped: u64,
    /// Records without anything but blanks.
    pub blank: u64,
    /// Of an archive, at its first member: files of macOS that were left out.
    pub of_macos: u64,
    /// BLAKE3, hex: of the object's bytes as stored; for a member of its bytes after decompression, the archive itself
    /// being pinned by length and etag.
    pub blake3: String,
    /// The encoding it was decoded from, WHATWG name, lower case.
    pub encoding: String,
    /// Between cells, where its format has one.
    pub delimiter: Option<char>,
}

/// A column of the files that the source does not list.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct UnlistedColumn {
    /// Its name, trimmed and NFC; empty for columns without one.
    pub name: String,
    /// In how many of the inputs.
    pub inputs: usize,
    /// How many columns of one input have that name, at most.
    pub columns: u64,
}

/// A column that the source lists.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct MissingColumn {
    /// Name of the column.
    pub name: String,
    /// In how many of the inputs it is not.
    pub inputs: usize,
}

impl ReadReport {
    /// Data records of all inputs, dropped ones included (R33).
    pub fn records(&self) -> u64 {
        self.inputs.iter().map(|input| input.records).sum()
    }

    /// Records without anything but blanks.
    pub fn blank(&self) -> u64 {
        self.inputs.iter().map(|input| input.blank).sum()
    }

    /// Where a record is, for messages.
    pub fn place(&self, input: usize, record: u64) -> Option<String> {
        self.inputs.get(input).map(|input| format!("{}, record {record}", input.place))
    }

    /// Ragged records left out.
    pub fn dropped(&self) -> u64 {
        self.inputs.iter().map(|input| input.dropped).sum()
    }

    /// Bytes taken from the store.
    pub fn bytes(&self) -> u64 {
        self.inputs.iter().map(|input| input.bytes).sum()
    }
}
