//! What a job has been resolved to: valid, complete, with no raw text left to interpret.
//! Everything after `policy` reads these; nothing here is read from a file directly. Must not know any stage.

use super::name_pattern::{ColumnCover, CoveredBy};
use super::schedule::Schedule;
pub use super::value::Location;
use crate::clock::Period;

pub use super::share::Share;
pub use crate::cell::forms::{BooleanWords, CellForms, NumberForm};
pub use crate::cell::kind::{DateRule, Epoch, ValueType};
pub use crate::treatments::Treatment;
use globset::GlobMatcher;
use jiff::{civil::Date, tz::TimeZone};
use std::collections::BTreeMap;

/// Everything the spec folder says, valid and cross-checked.
pub struct Project {
    /// The controller's name.
    pub controller: String,
    /// Root name -> URL; `state` is always there. Relative paths have been made absolute from the policy file.
    pub roots: BTreeMap<String, String>,
    /// Where keys come from and which token epoch is in use.
    pub keys: KeySource,
    /// Lists by name.
    pub lists: BTreeMap<String, List>,
    /// Terms of removal.
    pub removal: RemovalRules,
    /// Fan-out limits of links.
    pub links: LinkRules,
    /// Jobs by name.
    pub jobs: BTreeMap<String, Plan>,
    /// BLAKE3 hex of the canonical JSON of the resolved policy file (no personal data in it).
    pub policy_digest: String,
}

impl Project {
    /// Returns the zone of a list's dates; UTC for commands and for lists that have left the policy.
    pub fn zone_of_list(&self, list: &str) -> TimeZone {
        self.lists.get(list).map_or(TimeZone::UTC, |list| list.zone.clone())
    }
}

/// `[keys]`.
#[derive(Clone, Debug)]
pub struct KeySource {
    /// Which of the three carriers.
    pub from: KeyFrom,
    /// Name of the token key in use: `token-<epoch>.key`.
    pub epoch: String,
}

/// Where key files come from.
#[derive(Clone, Debug)]
pub enum KeyFrom {
    /// A directory, absolute.
    Dir(String),
    /// A systemd credential directory name prefix: `$CREDENTIALS_DIRECTORY/<name>-identity.key` …
    Credential(String),
    /// A program and its arguments; the file name wanted is appended, the key's text comes on standard output.
    Command(Vec<String>),
}

/// `[removal]`.
#[derive(Clone, Debug)]
pub struct RemovalRules {
    /// Readers' time before replaced files go.
    pub grace: Period,
    /// Age at which raw exports are removed; none = never.
    pub raw_keep: Option<Period>,
    /// How long list entries are kept at least; nothing drops them.
    pub entry_keep: Period,
    /// Deadline of a request.
    pub due: Period,
}

/// `[links]`.
#[derive(Clone, Debug)]
pub struct LinkRules {
    /// R15.
    pub max_alias_fanout: usize,
    /// R13.
    pub max_strong_fanout: usize,
    /// `retired`: kinds of identifier, as written.
    pub retired: Vec<String>,
}

/// Lawful bases of Art. 6(1) GDPR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Art. 6(1)(a).
    Consent,
    /// Art. 6(1)(b).
    Contract,
    /// Art. 6(1)(c).
    LegalObligation,
    /// Art. 6(1)(d).
    VitalInterests,
    /// Art. 6(1)(e).
    PublicTask,
    /// Art. 6(1)(f).
    LegitimateInterests,
}

/// Effects a list or request can have (R29, R30, R32).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Art. 17.
    Erase,
    /// Art. 18.
    Restrict,
    /// Art. 21.
    Object,
    /// CCPA 1798.120.
    OptOut,
    /// Art. 7(3).
    Withdraw,
    /// A consent with an interval.
    Consent,
    /// Legal hold.
    Hold,
    /// Ends another request.
    Lift,
}

impl Effect {
    /// Every effect.
    const ALL: [Effect; 8] = [
        Effect::Erase,
        Effect::Restrict,
        Effect::Object,
        Effect::OptOut,
        Effect::Withdraw,
        Effect::Consent,
        Effect::Hold,
        Effect::Lift,
    ];

    /// The name as written in specs and evidence.
    pub fn name(self) -> &'static str {
        match self {
            Effect::Erase => "erase",
            Effect::Restrict => "restrict",
            Effect::Object => "object",
            Effect::OptOut => "opt-out",
            Effect::Withdraw => "withdraw",
            Effect::Consent => "consent",
            Effect::Hold => "hold",
            Effect::Lift => "lift",
        }
    }

    /// The effect of that name.
    pub fn named(name: &str) -> Option<Effect> {
        Effect::ALL.into_iter().find(|effect| effect.name() == name)
    }
}

/// `[lists.L]`.
#[derive(Clone, Debug)]
pub struct List {
    /// The list's name.
    pub name: String,
    /// Where its objects are.
    pub input: Location,
    /// What its rows ask for.
    pub effect: Effect,
    /// Members of zip archives that hold the rows; none = the objects are CSV themselves.
    pub member: Option<GlobMatcher>,
    /// The member glob as written.
    pub member_text: Option<String>,
    /// Rows are requests only where this column has one of these values: trimmed, NFC, case folded.
    pub when: Option<(String, Vec<String>)>,
    /// By what its rows name persons.
    pub matches: Vec<ListMatch>,
    /// Column of the request id.
    pub request: String,
    /// What a request id looks like (anchored).
    pub request_pattern: regex::Regex,
    /// Column of the date received.
    pub received: String,
    /// strftime formats of its dates and times; none = the forms that can be read in one way only (R23).
    pub formats: Option<Vec<String>>,
    /// Zone of dates, and of times without one.
    pub zone: TimeZone,
    /// Purposes it is limited to; none = all.
    pub purposes: Option<Vec<String>>,
    /// WHATWG label.
    pub encoding: String,
    /// One byte.
    pub delimiter: u8,
    /// `snapshot = true`.
    pub snapshot: bool,
    /// `max_lifted`.
    pub max_lifted: Share,
    /// R31.
    pub may_be_empty: bool,
    /// Consent intervals: columns `from` and `to`.
    pub interval: (Option<String>, Option<String>),
    /// Lift lists: the column with the ended request's id.
    pub lifts: Option<String>,
    /// Whether a lift may end an erasure.
    pub lift_erase: bool,
}

/// A value of a list's rows by which they name a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListMatch {
    /// The column that has it; several, in their order, when it is put together of parts.
    pub columns: Vec<String>,
    /// What it is.
    pub identifier: Identifier,
}

/// One job, resolved.
pub struct Plan {
    /// The job's name.
    pub job: String,
    /// The spec file, as the user would type it.
    pub file: String,
    /// What is read and how.
    pub source: Source,
    /// Where from.
    pub input: Location,
    /// Dataset written to.
    pub output: Location,
    /// What for.
    pub purpose: Purpose,
    /// To whom.
    pub recipient: Option<Recipient>,
    /// R3: the purpose, or purpose/recipient for third parties.
    pub domain: String,
    /// Token epoch.
    pub epoch: String,
    /// How tokens are published.
    pub token_format: TokenFormat,
    /// Zone of the job's calendar: the schedule's, or UTC.
    pub zone: TimeZone,
    /// When it runs by its schedule.
    pub schedule: Option<Schedule>,
    /// Columns of the export that the job needs, each once. Fields and controls index into it.
    pub columns: Vec<Column>,
    /// Published fields in the job's order.
    pub fields: Vec<Field>,
    /// Controls computed beside the fields.
    pub controls: Controls,
    /// Retention.
    pub retention: Retention,
    /// Other exports whose activity counts.
    pub observe: Vec<Observe>,
    /// Gate on quasi-identifiers.
    pub gate: Option<GroupTerms>,
    /// Limits and what to do beyond them.
    pub limits: Limits,
    /// BLAKE3 hex of the canonical JSON of the three specs as resolved.
    pub digest: String,
}

/// `sources/*.toml`: reading, completeness, and all column names it lists.
#[derive(Clone)]
pub struct Source {
    /// The source's name.
    pub name: String,
    /// How its bytes become cells.
    pub read: ReadFormat,
    /// When a set may be read; `None` only for inputs without `{set}`.
    pub complete: Option<Complete>,
    /// Every column the source lists by name (trimmed, NFC), for drift.
    pub listed: Vec<String>,
    /// Other names that a column may have in a file, each with its own.
    pub also: BTreeMap<String, String>,
    /// What it says of the other columns.
    pub cover: ColumnCover,
}

impl Source {
    /// Returns a CSV source that lists no column.
    #[cfg(test)]
    pub(crate) fn of_csv(name: &str) -> Source {
        Source {
            name: name.into(),
            read: ReadFormat::csv(),
            complete: None,
            listed: Vec::new(),
            also: BTreeMap::new(),
            cover: ColumnCover::default(),
        }
    }

    /// Returns the pattern that declares a column which no line names.
    pub fn pattern_of(&self, name: &str) -> Option<&str> {
        match self.cover.of(name) {
            Some(CoveredBy::Line(line)) if !self.listed.iter().any(|listed| listed == name) => {
                Some(line.pattern.as_str())
            }
            _ => None,
        }
    }
}

/// How records lie in a file, one variant for each name that `read.format` has; `read::format` reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordFormat {
    /// `format = "csv"`.
    Csv(CsvFormat),
    /// `format = "json"` or `"ndjson"`.
    Json(JsonFormat),
}

/// The keys of `[read]` that only CSV has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CsvFormat {
    /// One ASCII byte.
    pub delimiter: u8,
    /// One ASCII byte, or none.
    pub quote: Option<u8>,
    /// Row number of the header, from 1.
    pub header: u64,
    /// `stray_quotes = "literal"`.
    pub stray_quotes_literal: bool,
}

/// `[read]` and the source's `[limits]`.
#[derive(Clone, Debug)]
pub struct ReadFormat {
    /// `format`, with the keys that only it has.
    pub records: RecordFormat,
    /// WHATWG encoding label, already known to exist.
    pub encoding: String,
    /// What a byte order mark means.
    pub bom: Bom,
    /// Cells that mean null, besides blank ones.
    pub null: Vec<String>,
    /// Members of an archive to read; none = all.
    pub member: Option<GlobMatcher>,
    /// The member glob as written.
    pub member_text: Option<String>,
    /// `complete.member_in = "exactly-one"`.
    pub member_in_exactly_one: bool,
    /// `on_drift = "refuse"`.
    pub refuse_drift: bool,
    /// Longest record, in bytes after decoding.
    pub max_record_bytes: usize,
    /// Most columns of a header.
    pub max_columns: usize,
    /// Most members of one archive.
    pub max_members: usize,
    /// Highest decompression ratio.
    pub max_ratio: u64,
    /// Most decompressed bytes per object.
    pub max_decompressed: u64,
}

impl CsvFormat {
    /// What holds where a source sets none of them.
    pub const UNSET: CsvFormat =
        CsvFormat { delimiter: b',', quote: Some(b'"'), header: 1, stray_quotes_literal: false };
}

impl ReadFormat {
    /// Returns what holds where a source sets nothing but `format = "csv"`.
    pub fn csv() -> ReadFormat {
        ReadFormat {
            records: RecordFormat::Csv(CsvFormat::UNSET),
            encoding: "utf-8".into(),
            bom: Bom::Allow,
            null: Vec::new(),
            member: None,
            member_text: None,
            member_in_exactly_one: false,
            refuse_drift: false,
            max_record_bytes: 1 << 20,
            max_columns: 2000,
            max_members: 10_000,
            max_ratio: 200,
            max_decompressed: 1 << 40,
        }
    }
}

/// `bom`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Bom {
    /// May be there.
    Allow,
    /// Must be there.
    Require,
    /// Must not be there.
    Refuse,
}

/// `[complete]`.
#[derive(Clone, Debug)]
pub struct Complete {
    /// What says that a set is whole.
    pub when: CompleteWhen,
    /// Share of the previous set's records.
    pub min_records: Share,
    /// What the names of sets are, where these do not show it (R38).
    pub set_format: Option<SetFormat>,
    /// How far after now the day may lie that a set is named by (R38).
    pub max_ahead: Option<Period>,
}

/// What names of sets are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetFormat {
    /// Times, in a strftime format.
    Time(String),
    /// Texts around numbers that count.
    Number,
    /// Texts that sort as they are.
    Text,
}

/// Marker or settle time.
#[derive(Clone, Debug)]
pub enum CompleteWhen {
    /// An object of this name beside the set's objects.
    Marker(String),
    /// No object newer than this.
    Settle(Period),
}

/// A purpose.
#[derive(Clone, Debug)]
pub struct Purpose {
    /// Its name.
    pub name: String,
    /// Its basis.
    pub basis: Basis,
    /// `direct_marketing = true`.
    pub direct_marketing: bool,
    /// Longest retention.
    pub max_keep: Period,
    /// Ways in which its jobs may keep rows without a date (R42).
    pub undated: Vec<Undated>,
    /// Smallest k.
    pub min_k: u32,
}

/// A recipient.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Its name.
    pub name: String,
    /// `kind = "third-party"`.
    pub third_party: bool,
    /// `sale = true`: opt-outs bind.
    pub sale: bool,
}

/// How tokens look in the published table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenFormat {
    /// 32 lower-case hex digits.
    Hex,
    /// 16 bytes.
    Binary,
}

/// A column the job needs.
#[derive(Clone, Debug)]
pub struct Column {
    /// Name, trimmed and NFC.
    pub name: String,
    /// What its cells are.
    pub value: ValueType,
    /// Dates that mean "no value" (R24), the fixed ones included.
    pub sentinels: Vec<Date>,
    /// How identities are made of it (R4): always there, `<source>.<column>/1` with text rules by default.
    pub identifier: Identifier,
    /// Whether the source declares `identifier` (R21 looks at those that do not).
    pub identified: bool,
    /// Columns of which its values are put together, as indexes into `Plan::columns`; none = it is a column of the file.
    pub parts: Vec<usize>,
    /// A link whose cells hold several values, each with an identity of its own.
    pub several: Option<Several>,
    /// A date of birth: one that makes nobody living is untreated (R20).
    pub birth: bool,
    /// How its numbers and booleans are written.
    pub forms: CellForms,
    /// Most values of it without a normal form (R37); none = as many as there are.
    pub max_raw: Option<Share>,
}

impl Column {
    /// Returns a column of text of which nothing else is known.
    pub fn text(name: &str) -> Column {
        Column {
            name: name.to_owned(),
            value: ValueType::Text,
            sentinels: Vec::new(),
            identifier: Identifier::new("", Normal::Text),
            identified: false,
            several: None,
            birth: false,
            forms: CellForms::default(),
            max_raw: None,
            parts: Vec::new(),
        }
    }
}

/// How cells of several values are taken apart, such as HubSpot's `vid:epoch-ms;vid:epoch-ms`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Several {
    /// Stands between values.
    pub separator: char,
    /// What follows it is not of the value.
    pub until: Option<char>,
    /// Most values of a cell; a record with more stops the run.
    pub most: usize,
}

/// An identifier: its kind with normalisation version, and how values become normal (R4 to R9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    /// E.g. `email/1`, `hubspot-vid@portal-7/1`, `salesforce-contact.Name/1`, `customer@acme/2-parts/1`.
    pub kind: String,
    /// Which rule.
    pub normal: Normal,
    /// Values of which it is put together.
    pub parts: usize,
}

impl Identifier {
    /// Returns the identifier of a single value.
    pub fn new(kind: impl Into<String>, normal: Normal) -> Identifier {
        Identifier { kind: kind.into(), normal, parts: 1 }
    }

    /// Returns what it is when its value is put together of so many: another kind, for its values are others.
    pub fn of_parts(self, parts: usize) -> Identifier {
        let name = self.name();
        let kind = if parts > 1 { format!("{name}/{parts}-parts/1") } else { format!("{name}/1") };
        Identifier { kind, parts, ..self }
    }

    /// Returns the kind without its version.
    pub fn name(&self) -> &str {
        self.kind.trim_end_matches("/1")
    }

    /// Returns the kind as specs write it.
    pub fn written(&self) -> &str {
        let parts = format!("/{}-parts", self.parts);
        self.name().strip_suffix(&parts).unwrap_or(self.name())
    }
}

/// Rules of normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Normal {
    /// R6.
    Email,
    /// R7.
    SalesforceId,
    /// R8.
    Phone(PhoneRegion),
    /// R9.
    Text,
    /// R9, without regard to case.
    AnyCase,
    /// R50.
    Guid,
}

/// Where a phone number's region comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneRegion {
    /// ISO code.
    Fixed(String),
    /// Index into `Plan::columns`: a column of ISO codes or CLDR English names.
    Column(usize),
    /// Only numbers with `+` (lists without `region`).
    International,
}

/// A published field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Name in the published table.
    pub name: String,
    /// Index into `Plan::columns`; none only for `constant`.
    pub from: Option<usize>,
    /// What is done.
    pub treat: Treatment,
    /// The subject token.
    pub subject: bool,
    /// Nulls the field earlier: the shorter of the column's and the field's (R26).
    pub keep: Option<Period>,
    /// Above it the run is refused.
    pub max_untreated: MaxUntreated,
    /// Index among the fields that the gate hashes: its quasi-identifiers, then its sensitive fields.
    pub quasi: Option<usize>,
}

/// `max_untreated`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxUntreated {
    /// The larger of 0.1 % and 10.
    Default,
    /// A share of the non-null values read.
    Share(Share),
}

/// What `minimize` computes beside the fields. All numbers are indexes into `Plan::columns`.
#[derive(Clone, Debug, Default)]
pub struct Controls {
    /// Subject key.
    pub key: usize,
    /// Strong links, the key not among them.
    pub strong: Vec<usize>,
    /// Weak links.
    pub weak: Vec<usize>,
    /// Clocks the job uses.
    pub clocks: Vec<usize>,
    /// Excludes in the job's order.
    pub excludes: Vec<Exclude>,
    /// Consent column, when the purpose rests on it and the source has one.
    pub consent: Option<ConsentColumn>,
}

/// `[[exclude]]` (R22).
#[derive(Clone, Debug)]
pub struct Exclude {
    /// Index into `Plan::columns`.
    pub column: usize,
    /// Trimmed, NFC, case folded; on a boolean column `true` or `false`.
    pub equals: Vec<String>,
    /// Label after `excluded:`.
    pub reason: String,
}

/// `[consent]` of a source (R32).
#[derive(Clone, Debug)]
pub struct ConsentColumn {
    /// Index into `Plan::columns`.
    pub column: usize,
    /// Values that mean yes: trimmed, NFC, case folded.
    pub equals: Vec<String>,
    /// Index of the column with the date it was given.
    pub since: Option<usize>,
}

/// How rows are kept that say no date (R42).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Undated {
    /// From when a run first read a row of the person.
    FirstSeen,
    /// From the date of the export.
    ExportDate,
    /// As long as exports name them, and no longer than `max_keep` after the last one that did.
    UntilAbsent,
}

impl Undated {
    /// Every way.
    pub const ALL: [Undated; 3] = [Undated::FirstSeen, Undated::ExportDate, Undated::UntilAbsent];

    /// Returns the name as written in specs and evidence.
    pub fn name(self) -> &'static str {
        match self {
            Undated::FirstSeen => "first-seen",
            Undated::ExportDate => "export-date",
            Undated::UntilAbsent => "until-absent",
        }
    }

    /// Returns whether rows stay as long as exports bring them, however old they are.
    pub fn never_runs_out(self) -> bool {
        self != Undated::FirstSeen
    }
}

/// `[retention]`.
#[derive(Clone, Debug)]
pub struct Retention {
    /// How long.
    pub keep: Period,
    /// What stands in for a clock of the export (R42).
    pub undated: Option<Undated>,
    /// Why that is right.
    pub reason: Option<String>,
    /// `scope = "person"`: the latest clock of all the person's rows.
    pub person: bool,
    /// How far in the future a clock may lie.
    pub max_future: Period,
}

/// `[[observe]]`: a plan of its own, whose only product are control rows.
pub struct Observe {
    /// How to read it.
    pub source: Source,
    /// Where from; its `{set}` is the job's.
    pub input: Location,
    /// Columns needed; `controls` index into it.
    pub columns: Vec<Column>,
    /// Key = `subject`; strong and weak when the source declares them; clocks.
    pub controls: Controls,
}

/// `[gate]`: how rows are grouped, and what is asked of groups.
#[derive(Clone, Debug)]
pub struct GroupTerms {
    /// Field names in order; `Field::quasi` indexes into it.
    pub quasi_identifiers: Vec<String>,
    /// Smallest group of subjects.
    pub k: u32,
    /// `suppress` or `refuse`.
    pub suppress: bool,
    /// Share of rows that may be suppressed.
    pub max_suppressed: Share,
    /// What is asked of sensitive fields.
    pub diversity: Option<DiversityTerms>,
}

/// How it is counted how much values differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Diversity {
    /// Distinct values.
    Distinct,
    /// Entropy of the values, which is that of l equally frequent ones or more.
    Entropy,
}

/// `[gate.diversity]`.
#[derive(Clone, Debug)]
pub struct DiversityTerms {
    /// Field names in order; `Field::quasi` counts on from the quasi-identifiers.
    pub sensitive: Vec<String>,
    /// How much values have to differ.
    pub l: u32,
    /// How that is counted.
    pub measure: Diversity,
    /// `suppress` or `refuse`.
    pub suppress: bool,
}

impl GroupTerms {
    /// Returns the fields of which companions hold keyed hashes, in their order: quasi-identifiers, then sensitive ones.
    pub fn hashed(&self) -> impl Iterator<Item = &String> {
        let sensitive = self.diversity.iter().flat_map(|diversity| &diversity.sensitive);
        self.quasi_identifiers.iter().chain(sensitive)
    }
}

/// The job's `[limits]`.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The brake.
    pub max_removed: Share,
    /// Dropped bad records.
    pub max_rejected: Share,
    /// Filled cells of a field that a run may lose against the run before.
    pub max_emptied: Share,
    /// `on_bad_record = "drop"`.
    pub drop_bad_records: bool,
    /// Zero rows are fine.
    pub allow_empty: bool,
}

/// What of a job decides which requests bind it (R29).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grounds {
    /// Lawful basis of the purpose.
    pub basis: Basis,
    /// Whether the purpose is direct marketing.
    pub direct_marketing: bool,
    /// Whether the recipient is a sale.
    pub sale: bool,
}

impl Plan {
    /// Returns what decides which requests bind the job.
    pub fn grounds(&self) -> Grounds {
        Grounds {
            basis: self.purpose.basis,
            direct_marketing: self.purpose.direct_marketing,
            sale: self.recipient.as_ref().is_some_and(|recipient| recipient.sale),
        }
    }
    /// The published field that is the subject token.
    pub fn subject_field(&self) -> usize {
        self.fields.iter().position(|f| f.subject).unwrap_or(0)
    }
}
