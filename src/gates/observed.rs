//! What gates observe: counts, names of the specs and first positions, as reading and deciding hand them up.

use crate::error::Code;
use crate::policy::{Limits, MaxUntreated, RiskProfile, Share};

/// What was read, in numbers.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Records of the job's own export.
    pub records: u64,
    /// Of these, bad records dropped while reading.
    pub dropped: u64,
    /// Records that the sender says the export has.
    pub said: Option<u64>,
    /// The set, when the input has sets.
    pub set: Option<String>,
    /// Records of the set before it, and the share of them that there have to be.
    pub before: Option<(u64, Share)>,
    /// Why nobody can tell that the set is the one to publish.
    pub doubt: Option<SetDoubt>,
    /// Where retention counts from when persons were first seen: what is known of that.
    pub first_seen: Option<FirstSeenRead>,
    /// Of a recipient that is to be looked at again: by when.
    pub review: Option<ReviewRead>,
    /// Rows without a notice that covers them, where the job asks.
    pub notices: Option<NoticesRead>,
    /// Where the purpose asks for a signature: what was signed, and what is to be published.
    pub sign_off: Option<SignOffRead>,
    /// Published fields, in the job's order.
    pub fields: Vec<FieldRead>,
    /// Columns that identities are made of and that have a limit.
    pub columns: Vec<ColumnRead>,
}

/// Rows without a notice that covers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticesRead {
    /// Rows that no notice covers.
    pub left_out: u64,
    /// Rows of which the notice does not name the category of some field.
    pub nulled: u64,
    /// How many rows may be of either kind.
    pub limit: Share,
}

/// Why a set may not be the one to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetDoubt {
    /// Code of the error that the doubt becomes.
    pub code: Code,
    /// What is odd about it.
    pub what: String,
    /// What an operator can do about it.
    pub help: String,
}

/// What is known of when persons were first seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstSeenRead {
    /// Persons of whom it is known.
    pub known: u64,
    /// Why it is not known of those that were read before.
    pub lost: Option<String>,
}

/// By when a recipient is to be looked at again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewRead {
    /// Name of the recipient.
    pub recipient: String,
    /// The last day before which that is to happen.
    pub review_by: String,
    /// Whether that day has passed.
    pub past: bool,
}

/// What the controller has signed of a job, and what the job does now.
#[derive(Clone, Debug)]
pub struct SignOffRead {
    /// When, the digest of it, and what it was; none when nobody has signed.
    pub signed: Option<(String, String, RiskProfile)>,
    /// What the job does now, but for the rows of the version.
    pub now: RiskProfile,
}

/// What was counted of one published field.
#[derive(Clone, Debug)]
pub struct FieldRead {
    /// Name of the published field.
    pub name: String,
    /// Values of the field that were read and are not null.
    pub values: u64,
    /// Of these, values that became null because they could not be treated.
    pub untreated: u64,
    /// Where the first of them is: object and record.
    pub first: Option<String>,
    /// How many of the values may stay untreated.
    pub limit: MaxUntreated,
    /// Distinct values of a column that is pseudonymized and that the source declares no identifier for; counting may
    /// stop at 20. None for other fields.
    pub distinct: Option<u64>,
    /// Non-null values and records of the run before; none where it did not have the field.
    pub before: Option<(u64, u64)>,
}

/// What was counted of one column of identifiers that has a limit.
#[derive(Clone, Debug)]
pub struct ColumnRead {
    /// The source and the column, as messages name them.
    pub column: String,
    /// Values of the column that were read.
    pub values: u64,
    /// Of these, values without a normal form.
    pub raw: u64,
    /// Why they have none, in words.
    pub why: String,
    /// Where the first of them is: object and record.
    pub first: Option<String>,
    /// How many of the values may have no normal form.
    pub limit: Share,
}

/// One group of rows that are alike in their quasi-identifiers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupCount {
    /// Different subjects in the group.
    pub subjects: u32,
    /// Rows in the group.
    pub rows: u32,
    /// Per sensitive field how its values spread.
    pub spreads: Vec<Spread>,
}

/// How the values of one field spread over the subjects of a group; null is a value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// Different values of the sensitive field in the group.
    pub values: u32,
    /// Entropy of the values, each as often as it has subjects, in nats.
    pub entropy: f64,
}

/// All that was counted of a run.
pub struct Observed<'a> {
    /// What was counted while the input was read.
    pub reading: &'a Reading,
    /// Limits that the job sets.
    pub limits: &'a Limits,
    /// Rows read, dropped bad records included.
    pub rows_in: u64,
    /// Rows that may be published.
    pub rows_out: u64,
    /// Rows removed, for all reasons.
    pub removed: u64,
    /// Of these, rows suppressed, and the share of the rows left before that may be; none without a gate over groups.
    pub suppressed: Option<(u64, Share)>,
    /// Rows of the previous version; none for the first.
    pub previous: Option<u64>,
}
