//! The manifest of a version: what was read, what was done to each column, what was removed and why, what was published.
//! Plain structs whose JSON bytes depend on their content only; the ledger holds their digest. No value, no list of
//! persons, no unkeyed digest of a value.

use super::{Witness, digest, json};
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::gates::Gate;
use crate::treatments::Treat;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the manifest's schema.
pub const SCHEMA: u32 = 1;

/// What one version was made of; the file is `runs/<run>/manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// Version of this form, always [`SCHEMA`].
    pub schema: u32,
    /// Version of tamis that wrote it.
    pub tamis: String,
    /// A run with an export, or a sweep.
    pub kind: VersionKind,
    /// Id of the run that published.
    pub run: String,
    /// Its attempt, from 1.
    pub attempt: u32,
    /// Name of the job that ran.
    pub job: String,
    /// Name of the purpose it is published for.
    pub purpose: String,
    /// Its lawful basis, as the policy spells it.
    pub lawful_basis: String,
    /// Name of the recipient, where the policy has one.
    pub recipient: Option<String>,
    /// Instant the rules were applied at.
    pub as_of: Instant,
    /// Whose clocks count: `person` or `row`.
    pub scope: String,
    /// Retention period, as written.
    pub keep: String,
    /// What stands in for a clock where rows have no date (R42).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undated: Option<UndatedEvidence>,
    /// Why no row is about a person, where the source says so (R61).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about_nobody: Option<String>,
    /// Digest of the specs as written.
    pub plan: String,
    /// Digest of the policy.
    pub policy: String,
    /// Which keys were used.
    pub keys: Keys,
    /// Version of the time zone data; none in manifests of before they were bundled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zones: Option<String>,
    /// The set that was read, when the input has sets.
    pub set: Option<String>,
    /// Objects read, in path order, observed ones after the job's own.
    pub inputs: Vec<Input>,
    /// Lists that were applied.
    pub lists: Vec<ListApplied>,
    /// Corrections of the source's values, and what came of each; of a sweep those of the version before (R80).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<CorrectionEvidence>,
    /// How many files lists and inputs left aside though they look like what is meant; nothing of a sweep.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aside: Vec<AsideCount>,
    /// Rows read (of a sweep: rows of the version before).
    pub rows_in: u64,
    /// Rows that are published in the version.
    pub rows_out: u64,
    /// Rows removed, by reason, in the order of R33; `rows_in` = `rows_out` + their sum.
    pub removed: Vec<Removed>,
    /// Of a sweep: values made null because their field's own `keep` is over.
    #[serde(default)]
    pub nulled: u64,
    /// Other persons that rows may have, in the order of the source, with the rows that stay without the cells that are about
    /// them because of a request (R68); of a sweep, those that it took cells from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherRows>,
    /// Versions of records, where the export keeps earlier ones: outside the balance, in which each record is one row (R75).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<RecordVersions>,
    /// Rows of the version before that no export brought back (R35); outside the balance.
    pub absent: Option<u64>,
    /// Rows whose reason was `expired` because no clock could be used (R25).
    pub no_clock: u64,
    /// Why rows were `rejected`; one row may count under several.
    #[serde(default)]
    pub rejected: Rejected,
    /// Where values and rows were lost, by column and cause.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// Clock values ignored (R24).
    pub clocks_ignored: ClocksIgnored,
    /// What was done to each published field.
    pub fields: Vec<FieldEvidence>,
    /// Columns that identities are made of, those of observed sources after the job's own; of a sweep what the run counted
    /// that it goes back to.
    #[serde(default)]
    pub identifiers: Vec<Identifiers>,
    /// Rows of the person that has most, when these are ten or more.
    #[serde(default)]
    pub largest_person: u64,
    /// Columns that the source lists and the job does not publish, in name order.
    pub not_published: Vec<String>,
    /// Columns of the export that the source says nothing of: dropped.
    pub drift: Vec<Drift>,
    /// Columns of the export that the source covers without a line of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covered: Vec<CoveredColumns>,
    /// Columns of the run before that are called otherwise now, by their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renamed: Vec<Renamed>,
    /// Declared columns that had values in the first records of the run before and have none there now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emptied: Vec<String>,
    /// Columns that the source lists and the export has not, or not in all of its files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Lost>,
    /// `applied`: requests were followed along links (R13 to R18).
    pub links: String,
    /// Gates that it passed, each with its kind and its counts; of a sweep, the gates over groups.
    pub gates: Vec<Gate>,
    /// Numbers of the brake.
    pub brake: Option<Brake>,
    /// The version that was replaced.
    pub previous: Option<Previous>,
    /// Commits of other programs since then that this version went on past: they changed nothing, or the table was taken
    /// back from them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign: Vec<ForeignCommit>,
    /// What the version consists of.
    pub output: Output,
    /// What ledger and stored requests were like before the commit; none of a plan, or from an older tamis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
}

/// Files that a list or an input left aside though they look like what was meant. Their names are in no evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AsideCount {
    /// `list NAME` or `input ROOT:GLOB`.
    pub of: String,
    /// How many files were left aside.
    pub files: u64,
}

/// Kind of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Kind")]
pub enum VersionKind {
    /// A run made it, from an export.
    Run,
    /// Lists and retention applied to the version before.
    Sweep,
}

/// Ids of keys; nothing of the keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Keys {
    /// Of the identity key.
    pub identity: String,
    /// Of the token key.
    pub token: String,
    /// Name of the token key's epoch.
    pub epoch: String,
}

/// An object that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Input {
    /// The source it was read as.
    pub source: String,
    /// Where it was read, as `ROOT:path`.
    pub object: String,
    /// Entity tag it was pinned by.
    pub etag: Option<String>,
    /// Version it was pinned by.
    pub version: Option<String>,
    /// Length of the object as it was read.
    pub bytes: u64,
    /// What was in it; of a plain file one member without name.
    pub members: Vec<MemberEvidence>,
    /// Of an archive: files that macOS puts beside others (`._NAME`, `.DS_Store`), left out.
    #[serde(default, skip_serializing_if = "is_none")]
    pub of_macos: u64,
}

/// A file in an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Member")]
pub struct MemberEvidence {
    /// Its name in the archive.
    pub name: Option<String>,
    /// Records read, the header not among them.
    pub records: u64,
    /// Of these, bad records dropped (`on_bad_record = "drop"`).
    pub dropped: u64,
    /// Of these, records of blank cells only; they have no subject.
    #[serde(default, skip_serializing_if = "is_none")]
    pub blank: u64,
    /// Encoding it was read in.
    pub encoding: String,
    /// BLAKE3 hex of the object's bytes; of a member of an archive, of its bytes after decompression.
    pub blake3: String,
}

/// A list as applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListApplied {
    /// Its name, or the effect for commands.
    pub name: String,
    /// What its requests ask for.
    pub effect: String,
    /// The preference signal that they are of (11 CCR §7025).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// Entries in force at `as_of`.
    pub entries: u64,
    /// Why it does not bind here (R29), when it does not.
    pub not_binding: Option<String>,
    /// Entries that a row read is reached by.
    pub reached: u64,
    /// Identities that entries have learned by links in this run (R18).
    pub learned: u64,
    /// Entries that a person has to look at (R13, R15).
    pub needs_review: u64,
    /// Lifts that end nothing (R30).
    #[serde(default)]
    pub lifts_nothing: u64,
    /// Entries in force that name no value with a normal form: only the same spelling is found (R4).
    #[serde(default)]
    pub unusable: u64,
}

/// A correction of a value of the export (Art. 16 GDPR). No value is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CorrectionEvidence {
    /// Keyed hash of list, case, record and column.
    pub id: String,
    /// Name of its list in the policy.
    pub list: String,
    /// Id of the request.
    pub case: String,
    /// The column of the export.
    pub column: String,
    /// Why the value is wrong: `changed`, `never-theirs`, `wrong` or `incomplete`.
    pub reason: String,
    /// When the request was received.
    pub received: Instant,
    /// What came of it.
    pub state: CorrectionState,
    /// Why it is refused, when it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Cells of the export that it is about.
    pub cells: u64,
    /// The first version without the wrong value, as every later one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
}

/// What came of a correction in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CorrectionState {
    /// The export has a third value: none is used until somebody decides.
    Conflicts,
    /// Nobody has decided yet: no value is used.
    Contested,
    /// Neither the source nor the export has a column of this name.
    NoColumn,
    /// The export has no such record.
    NotFound,
    /// The right value was laid over the wrong one.
    Applied,
    /// The export has the right value by itself: the row can go.
    SourceAgrees,
    /// A later correction says another value of the same cell.
    Superseded,
    /// The job makes nothing of the column.
    NotUsed,
    /// It is refused, and `why` says why.
    Refused,
}

impl CorrectionState {
    /// Every state, those first that somebody has to look at.
    pub const ALL: [CorrectionState; 9] = [
        CorrectionState::Conflicts,
        CorrectionState::Contested,
        CorrectionState::NoColumn,
        CorrectionState::NotFound,
        CorrectionState::Applied,
        CorrectionState::SourceAgrees,
        CorrectionState::Superseded,
        CorrectionState::NotUsed,
        CorrectionState::Refused,
    ];

    /// Returns the name, as written in evidence.
    pub fn name(self) -> &'static str {
        match self {
            CorrectionState::Conflicts => "conflicts",
            CorrectionState::Contested => "contested",
            CorrectionState::NoColumn => "no-column",
            CorrectionState::NotFound => "not-found",
            CorrectionState::Applied => "applied",
            CorrectionState::SourceAgrees => "source-agrees",
            CorrectionState::Superseded => "superseded",
            CorrectionState::NotUsed => "not-used",
            CorrectionState::Refused => "refused",
        }
    }

    /// Returns whether the version is without the wrong value because of it.
    pub fn is_laid(self) -> bool {
        use CorrectionState::{Applied, Conflicts, Contested, SourceAgrees};
        matches!(self, Applied | SourceAgrees | Conflicts | Contested)
    }
}

/// Rows removed for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Removed {
    /// Why they were removed, as R33 names it.
    pub reason: String,
    /// How many rows were removed for it.
    pub rows: u64,
}

/// How rows are kept that say no date (R42).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UndatedEvidence {
    /// `first-seen`, `export-date` or `until-absent`.
    pub clock: String,
    /// Why, as the job says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The date of the export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export_date: Option<Instant>,
    /// Persons that this run read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persons: Option<u64>,
    /// Of these, persons whose time began with this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<u64>,
}

/// Why rows were `rejected`.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Rejected {
    /// No subject token (R11).
    pub no_subject: u64,
    /// A clock value that cannot be read (R25).
    pub clock_unreadable: u64,
    /// Object and record of the first of these.
    pub first_clock_unreadable: Option<String>,
    /// An exclude on a boolean column met another value (R22).
    pub exclude_unreadable: u64,
}

/// Versions of records in an export that keeps earlier ones (R75).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordVersions {
    /// Rows that are earlier versions, or copies, of a record.
    pub superseded: u64,
    /// Records whose newest version says that they have ended.
    pub ended: u64,
    /// Records of which nobody can tell the newest version: they are rejected.
    pub doubtful: u64,
}

/// What became of values for one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CauseEffect {
    /// The whole row was rejected.
    Rejected,
    /// Values became null because they could not be treated.
    Untreated,
    /// Values have no normal form, so that they link nobody (R16).
    Raw,
}

/// Why values of one column were lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// The column; of an observed source with its name before it.
    pub column: String,
    /// What became of them.
    pub effect: CauseEffect,
    /// Why they were lost, in words.
    pub why: String,
    /// How many values were lost.
    pub values: u64,
    /// Object and record of the first of them; of raw values that of any cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
}

/// Clock values ignored (R24).
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ClocksIgnored {
    /// Dates that mean "no date".
    pub sentinel: u64,
    /// Values later than `max_future` allows.
    pub future: u64,
}

/// What became of one published field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Field")]
pub struct FieldEvidence {
    /// Name of the field in the table.
    pub name: String,
    /// The column it was made from.
    pub from: Option<String>,
    /// The pattern of the source that declares the column, where no line names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Whether it is the token of the subject.
    #[serde(default)]
    pub subject: bool,
    /// What was done, with its settings, as in the job.
    pub treatment: String,
    /// Its own retention period, when it is shorter than the row's or it is about another person; companions have its dates in
    /// this order.
    #[serde(default)]
    pub keep: Option<String>,
    /// The other person that it is about, by place in `others` of the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<u64>,
    /// Type in Arrow's words.
    pub data_type: String,
    /// Values read that are not null.
    pub values: u64,
    /// Of these, values that could not be treated: null in the table.
    pub untreated: u64,
    /// Object and record of the first of these.
    #[serde(default)]
    pub first_untreated: Option<String>,
    /// Of these, values hashed in their raw form (R4).
    pub raw_forms: u64,
    /// No value was read, and the run before had some.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub emptied: bool,
    /// What the treatment counted, by name: for redact, the markers it put, by kind. Of all rows read, also those that
    /// are not published.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
}

/// Another person that rows may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OtherRows {
    /// Name of the person in the source.
    pub name: String,
    /// Rows without the cells that are about them.
    pub rows: u64,
}

impl FieldEvidence {
    /// Returns which treatment it is; none for one that this program does not know.
    pub fn treat(&self) -> Option<Treat> {
        Treat::told(&self.treatment)
    }
}

/// Counts of what is seldom there are left out, so that an older manifest keeps its bytes.
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// A column that identities are made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Identifiers {
    /// Name of the source that has the column.
    pub source: String,
    /// Name of the column in the export.
    pub column: String,
    /// What it is for: `key`, `strong`, `weak`, `published`.
    pub uses: Vec<String>,
    /// Kind of its identities (R4).
    pub kind: String,
    /// Values read that are not null.
    pub values: u64,
    /// Of these, values with a normal form.
    pub normal: u64,
    /// Of these, values without one: they link nobody, and only requests in the same spelling find them (R16).
    pub raw: u64,
    /// Why they have none.
    pub why: Vec<RawCause>,
    /// Object and record of the first of these.
    pub first_raw: Option<String>,
    /// Values with characters that nobody sees, which were dropped (R5).
    pub unseen: u64,
    /// Of a column put together of parts, rows that have some of them and not all: they have no value (R51).
    #[serde(default, skip_serializing_if = "is_none")]
    pub partial: u64,
    /// Object and record of the first of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_partial: Option<String>,
    /// Share of raw values that is allowed, as written; none = any.
    pub max_raw: Option<String>,
    /// Of a column that links, values that very many persons share; none where no value is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedValues>,
}

/// Values of one column that more persons share than a link may lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SharedValues {
    /// How many values are shared by so many.
    pub values: u64,
    /// Each is carried by more persons than this (R13, R15).
    pub more_than: u64,
    /// Persons that carry the one of them that most carry.
    pub most: u64,
}

/// Why values have no normal form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RawCause {
    /// Why they have no normal form.
    pub cause: String,
    /// How many values this is true of.
    pub values: u64,
}

/// A column that the source does not list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// Its name; empty for columns without one.
    pub column: String,
    /// `as_of` of the first run that saw it.
    pub first_seen: Instant,
    /// How many columns of a file have that name, where it is more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<u64>,
    /// The export of the run before did not have it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new: bool,
}

/// Columns that a source covers without a line of their own: by a pattern, or because nobody wants them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CoveredColumns {
    /// The pattern, `read.ignore` or `read.deny`.
    pub by: String,
    /// Category that the pattern gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Purposes that the pattern lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<String>,
    /// Names, sorted; empty for columns without one.
    pub columns: Vec<String>,
    /// Of these, columns that the export of the run before did not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new: Vec<String>,
}

/// A column that has another name since the run before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Renamed {
    /// Its name in the run before.
    pub from: String,
    /// The new column that holds what it held.
    pub to: String,
    /// Equal marks of the two columns' sketches, of 100.
    pub alike: u8,
}

/// A column that the source lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lost {
    /// Name of the column in the header.
    pub column: String,
    /// `as_of` of the first run that missed it.
    pub first_seen: Instant,
    /// In how many files it is not, where others have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
}

/// What the brake compared (R37).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Brake {
    /// Rows it compares with: of the version before, of a first version rows in.
    pub of: u64,
    /// Rows less than that.
    pub removed: u64,
    /// Share allowed, as written.
    pub max_removed: String,
    /// Digest by which a person let it through.
    pub accepted: Option<String>,
}

/// The version that was current before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Previous {
    /// Version of the table.
    pub version: u64,
    /// The run that made it.
    pub run: String,
    /// Rows that were published in it.
    pub rows: u64,
}

/// A commit of another program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForeignCommit {
    /// Its version in the table's log.
    pub version: u64,
    /// What it did, as far as tamis knows the word.
    pub operation: String,
}

/// The published version: its table, files and companions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// `ROOT:path` of the table.
    pub dataset: String,
    /// Its number in the table's history.
    pub version: u64,
    /// All files of the version, paths below the root of the dataset, in path order.
    pub files: Vec<File>,
    /// Their companions, paths below the state root, in the same order.
    pub companions: Vec<File>,
    /// When persons were first seen, where retention counts from then; its path is below the state root, its rows are persons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<File>,
}

/// A file of a version, or its companion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct File {
    /// Path below its root.
    pub path: String,
    /// Rows that are in it.
    pub rows: u64,
    /// Length of the file.
    pub bytes: u64,
    /// BLAKE3 hex of its bytes.
    pub blake3: String,
}

impl Manifest {
    /// The bytes to store.
    ///
    /// # Errors
    /// An evidence error when rows in are not rows out plus removed: such a manifest is never written.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        if !self.balances() {
            return Err(Error::new(
                Code::RowsDoNotAddUp,
                format!(
                    "run {}: {} rows in, but {} out and {} removed",
                    self.run,
                    self.rows_in,
                    self.rows_out,
                    self.removed_rows()
                ),
            ));
        }
        json(self)
    }

    /// BLAKE3 hex of [`Manifest::bytes`].
    ///
    /// # Errors
    /// As [`Manifest::bytes`].
    pub fn digest(&self) -> Result<String> {
        Ok(digest(&self.bytes()?))
    }

    /// Rows in = rows out + removed (R33).
    pub fn balances(&self) -> bool {
        self.rows_in == self.rows_out + self.removed_rows()
    }

    fn removed_rows(&self) -> u64 {
        self.removed.iter().map(|removed| removed.rows).sum()
    }
}

/// Where the manifest of an attempt is, below the state root. Later attempts have files of their own, so that a process
/// that was thought dead cannot change what another one has committed to.
pub fn path(run: &str, attempt: u32) -> String {
    match attempt {
        0 | 1 => format!("runs/{run}/manifest.json"),
        later => format!("runs/{run}/manifest-{later}.json"),
    }
}
