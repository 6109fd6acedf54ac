//! `Rows`: the product of `minimize`, columns of treated fields and of controls. No raw value is in it.

pub use crate::treatments::FieldKind;

/// What a row's bytes look like, the same for all rows of a run. Derived from the plan once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Identity slots per row: key, then strong, then weak, then those of other persons; the most of any stream of the run.
    pub identities: usize,
    /// Quasi-identifiers of the gate, and its sensitive fields after them.
    pub quasi: usize,
    /// Published fields, in the job's order.
    pub fields: Vec<FieldLayout>,
}

/// Name and type of a published field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldLayout {
    /// Name in the published table.
    pub name: String,
    /// Type of its values once treated.
    pub kind: FieldKind,
}

/// Marks of an identity slot: what it is (`KEY`, `STRONG`, `WEAK`), with `RAW` added when it is a raw form (R4).
pub mod mark {
    /// The slot is empty.
    pub const NONE: u8 = 0;
    /// An identity of the subject key.
    pub const KEY: u8 = 1;
    /// An identity in a strong column.
    pub const STRONG: u8 = 2;
    /// An identity in a weak column.
    pub const WEAK: u8 = 3;
    /// An identity of another person of the row (R68), with the number of that person in the low bits.
    pub const OTHER: u8 = 0x10;
    /// Most other persons that a row can have.
    pub const MOST_OTHERS: usize = 16;

    /// Returns which other person of the row an identity is of; none where it is of the row's own.
    pub fn other(mark: u8) -> Option<usize> {
        (mark & OTHER != 0).then_some(usize::from(mark & 0x0f))
    }

    /// Raw form: matches requests, links nobody (R16).
    pub const RAW: u8 = 0x80;
}

/// Bits of a row's flags.
pub mod flag {
    /// No subject token: `rejected` (R11).
    pub const NO_SUBJECT: u16 = 1;
    /// A clock value could not be read: `rejected` (R25).
    pub const CLOCK_UNREADABLE: u16 = 2;
    /// An exclude on a boolean column met another value (R22), or a cell that nobody has decided (R80): `rejected`.
    pub const EXCLUDE_UNREADABLE: u16 = 4;
    /// The row comes from an observed source: it is never published nor counted as a row in.
    pub const OBSERVED: u16 = 8;
    /// The consent column says yes.
    pub const CONSENT_YES: u16 = 16;
    /// Published fields were not staged, as the row cannot be published whatever lists say: it is rejected or excluded,
    /// or in row scope its own clock is past or missing.
    pub const FIELDS_SKIPPED: u16 = 32;
    /// The exclude of the row leaves out all rows of its person (R62).
    pub const EXCLUDES_PERSON: u16 = 64;
    /// What would say whether all rows of the person are left out could not be read: all are `rejected` (R62).
    pub const PERSON_UNREADABLE: u16 = 128;
    /// The person is too young for a sale without an opt-in (R84), or nobody knows their age.
    pub const MINOR: u16 = 256;
    /// The opt-in has to be a guardian's.
    pub const CHILD: u16 = 512;
    /// Nobody can tell which version of its record it is, or whether the record has ended: `rejected` (R75).
    pub const VERSION_DOUBTFUL: u16 = 1024;
    /// This version ends its record, or may do so (R75).
    pub const ENDS_RECORD: u16 = 2048;
    /// There is a newer version of its record: the row counts for links alone (R75). Set when rows are judged.
    pub const SUPERSEDED: u16 = 4096;
    /// Rows that are not the record of a person in the job's own export: nothing about them is decided.
    pub const ASIDE: u16 = OBSERVED | SUPERSEDED;
    /// A row with any of these has no published fields.
    pub const WITHOUT_FIELDS: u16 = NO_SUBJECT | OBSERVED | FIELDS_SKIPPED;
}

/// Stands for a row without a usable clock.
pub const NO_CLOCK: i64 = i64::MIN;
/// Consent without a date (R32).
pub const NO_SINCE: i64 = i64::MIN;
/// Hash of a null quasi-identifier.
pub const NULL_QUASI: u64 = 0;

/// Which version of its record a row is (R75).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowVersion {
    /// The greater, the newer.
    pub order: i64,
    /// Keyed hash of all that is read of the row: copies of one row have the same.
    pub print: u64,
}

/// One column of identities.
#[derive(Default)]
pub struct Identities {
    /// First half of each row's identity, which is what identities are compared by; zeros where the mark is `NONE`.
    pub bytes: Vec<[u8; 16]>,
    /// One of `mark` for each identity of each row.
    pub marks: Vec<u8>,
}

/// One published field of all rows with fields.
pub enum FieldColumn {
    /// Values of `FieldKind::width` bytes; invalid ones are zeros.
    Fixed {
        /// Width of a value.
        width: usize,
        /// Values, one after the other.
        bytes: Vec<u8>,
        /// Whether there is a value.
        valid: Vec<bool>,
    },
    /// Text; `ends[n]` is where the `n`-th value ends in `bytes`.
    Text {
        /// Values, one after the other, nulls empty.
        bytes: Vec<u8>,
        /// Where each value ends in the bytes.
        ends: Vec<u32>,
        /// Whether there is a value.
        valid: Vec<bool>,
    },
}

impl FieldColumn {
    /// Whether there is a value, per row with fields.
    pub fn valid(&self) -> &[bool] {
        let (FieldColumn::Fixed { valid, .. } | FieldColumn::Text { valid, .. }) = self;
        valid
    }
}

/// A batch of minimized rows, column by column. Reused from batch to batch.
#[derive(Default)]
pub struct Rows {
    /// How many rows there are.
    pub count: usize,
    /// Subject token; zeros with `NO_SUBJECT`.
    pub subject: Vec<[u8; 16]>,
    /// Bits of `flag`, for each row.
    pub flags: Vec<u16>,
    /// 0, or 1 + index of the first matching exclude, of those of persons before others.
    pub exclude: Vec<u8>,
    /// Latest usable clock in microseconds, or `NO_CLOCK`.
    pub clock: Vec<i64>,
    /// When consent was given, or `NO_SINCE`.
    pub since: Vec<i64>,
    /// Which version of its record each row is; empty where each record is there once, and for observed rows.
    pub versions: Vec<RowVersion>,
    /// One column per slot of the layout.
    pub identities: Vec<Identities>,
    /// One column per quasi-identifier, then per sensitive field of the gate, of the rows that have no flag of `flag::WITHOUT_FIELDS` only: keyed hash of the
    /// published value, `NULL_QUASI` for null.
    pub quasi: Vec<Vec<u64>>,
    /// One column per published field, of the same rows; no columns at all in batches of observed rows.
    pub fields: Vec<FieldColumn>,
}
