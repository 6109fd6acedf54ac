//! What a job has been resolved to: valid, complete, with no raw text left to interpret.
//! Everything after `policy` reads these; nothing here is read from a file directly. Must not know any stage.

pub use super::effect::{Effect, GivenBy, Ground, OptOutSignal, Refusal, RefusedRight};
use super::name_pattern::{ColumnCover, CoveredBy};
use super::risk::RiskProfile;
use super::schedule::Schedule;
pub use super::value::Location;
use crate::clock::{Instant, Period};
use crate::error::{Code, Error, Result};
use crate::store::PathGlob;

pub use super::group_terms::{Diversity, DiversityTerms, GroupTerms};
pub use super::name_place::{ModelFile, NamesFrom};
pub use super::newest::NewestRules;
pub use super::read_format::*;
pub use super::share::Share;
pub use super::undated::Undated;
pub use crate::cell::forms::{BooleanWords, CellForms, NumberForm};
pub use crate::cell::kind::{DateRule, Epoch, ValueType};
pub use crate::treatments::Treatment;
use globset::GlobMatcher;
use jiff::{civil::Date, tz::TimeZone};
use std::collections::BTreeMap;

/// Everything the spec folder says, valid and cross-checked.
pub struct Project {
    /// Name of the controller, as reports give it.
    pub controller: String,
    /// Root name -> URL; `state` is always there. Relative paths have been made absolute from the policy file.
    pub roots: BTreeMap<String, String>,
    /// Where keys come from and which token epoch is in use.
    pub keys: KeySource,
    /// Lists of requests, by their names.
    pub lists: BTreeMap<String, List>,
    /// Lists of corrections, by their names (Art. 16 GDPR).
    pub corrections: BTreeMap<String, CorrectionList>,
    /// How long files wait before they are removed.
    pub removal: RemovalRules,
    /// Fan-out limits of links.
    pub links: LinkRules,
    /// Everybody who may receive a dataset, by name.
    pub recipients: BTreeMap<String, Recipient>,
    /// When everything that is published is audited; none = by hand alone.
    pub audit: Option<Schedule>,
    /// Jobs, by their names.
    pub jobs: BTreeMap<String, Plan>,
    /// BLAKE3 hex of the canonical JSON of the resolved policy file (no personal data in it).
    pub policy_digest: String,
    /// What of each job decides how risky it is, by the names of jobs.
    pub risks: BTreeMap<String, RiskProfile>,
}

impl Project {
    /// Returns the plan of a job.
    ///
    /// # Errors
    /// A policy error for a job that is not there.
    pub fn job(&self, name: &str) -> Result<&Plan> {
        self.jobs.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.jobs.keys().map(String::as_str).collect();
            Error::new(Code::NameUnknown, format!("no job is called {name:?}"))
                .help(format!("the jobs here are: {}", names.join(", ")))
        })
    }

    /// Returns the zone of a list's dates; UTC for commands and for lists that have left the policy.
    pub fn zone_of_list(&self, list: &str) -> TimeZone {
        let asked = self.lists.get(list).map(|list| &list.zone);
        let zone = asked.or_else(|| self.corrections.get(list).map(|list| &list.zone));
        zone.cloned().unwrap_or(TimeZone::UTC)
    }

    /// Returns whether a list reads an object, given by its root and its path there.
    pub fn lists_read(&self, root: &str, path: &str) -> bool {
        let reads = |input: &Location| {
            input.root == root && PathGlob::new(&input.path).is_some_and(|glob| glob.matches(path.as_bytes()))
        };
        let requests = self.lists.values().map(|list| &list.input);
        requests.chain(self.corrections.values().map(|list| &list.input)).any(reads)
    }
}

/// Where the keys are, as `[keys]` says it.
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
    /// A directory with an absolute path.
    Dir(String),
    /// A systemd credential directory name prefix: `$CREDENTIALS_DIRECTORY/<name>-identity.key` …
    Credential(String),
    /// A program and its arguments; the file name wanted is appended, the key's text comes on standard output.
    Command(Vec<String>),
}

/// When files are removed, as `[removal]` says it.
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

/// How far links are followed, as `[links]` says it.
#[derive(Clone, Debug)]
pub struct LinkRules {
    /// Subjects that one weak value may lead to (R15).
    pub max_alias_fanout: usize,
    /// Subjects that one strong value may lead to (R13).
    pub max_strong_fanout: usize,
    /// `retired`: kinds of identifier, as written.
    pub retired: Vec<String>,
}

/// Lawful bases of Art. 6(1) GDPR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Consent, Art. 6(1)(a) GDPR.
    Consent,
    /// A contract with the person, Art. 6(1)(b) GDPR.
    Contract,
    /// A legal obligation, Art. 6(1)(c) GDPR.
    LegalObligation,
    /// Vital interests, Art. 6(1)(d) GDPR.
    VitalInterests,
    /// A task in the public interest, Art. 6(1)(e) GDPR.
    PublicTask,
    /// Legitimate interests, Art. 6(1)(f) GDPR.
    LegitimateInterests,
}

impl Basis {
    /// Returns what it is in words, with its letter.
    pub fn said(self) -> &'static str {
        match self {
            Basis::Consent => "your consent (Art. 6(1)(a) GDPR)",
            Basis::Contract => "a contract with you (Art. 6(1)(b) GDPR)",
            Basis::LegalObligation => "a legal obligation (Art. 6(1)(c) GDPR)",
            Basis::VitalInterests => "vital interests (Art. 6(1)(d) GDPR)",
            Basis::PublicTask => "a task in the public interest (Art. 6(1)(e) GDPR)",
            Basis::LegitimateInterests => "legitimate interests (Art. 6(1)(f) GDPR)",
        }
    }

    /// Returns the basis as the policy spells it.
    pub fn name(self) -> &'static str {
        match self {
            Basis::Consent => "consent",
            Basis::Contract => "contract",
            Basis::LegalObligation => "legal-obligation",
            Basis::VitalInterests => "vital-interests",
            Basis::PublicTask => "public-task",
            Basis::LegitimateInterests => "legitimate-interests",
        }
    }
}

/// A list of requests, as `[lists.L]` describes it.
#[derive(Clone, Debug)]
pub struct List {
    /// Name of the list in the policy.
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
    /// Column of the date received; none = every row is of its set's date.
    pub received: Option<String>,
    /// Where `input` has `{set}`: how its text is read. Rows without a date are then of that of their set (R63).
    pub sets: Option<Option<SetFormat>>,
    /// strftime formats of its dates and times; none = the forms that can be read in one way only (R23).
    pub formats: Option<Vec<String>>,
    /// Zone of dates, and of times without one.
    pub zone: TimeZone,
    /// Purposes it is limited to; none = all.
    pub purposes: Option<Vec<String>>,
    /// Label of its encoding, as WHATWG spells it.
    pub encoding: String,
    /// How rows lie in its files.
    pub records: RecordFormat,
    /// The newest file is the whole list: who is missing from it is lifted.
    pub snapshot: bool,
    /// Share of the requests that one file may lift.
    pub max_lifted: Share,
    /// A list without any entry is not refused (R31).
    pub may_be_empty: bool,
    /// Restrictions: why (Art. 18(1) GDPR).
    pub ground: Option<Ground>,
    /// Opt-outs: the preference signal that they are of.
    pub signal: Option<OptOutSignal>,
    /// Consents: who gives them.
    pub given_by: Option<GivenBy>,
    /// Consent intervals: columns `from` and `to`. Of holds the second is `until`.
    pub interval: (Option<String>, Option<String>),
    /// Holds: the column with the day by which somebody looks at them again.
    pub review_by: Option<String>,
    /// Lift lists: the column with the day on which the person was told.
    pub informed: Option<String>,
    /// Lift lists: the column with the ended request's id.
    pub lifts: Option<String>,
    /// Whether a lift may end an erasure.
    pub lift_erase: bool,
}

impl List {
    /// Returns whether the id of a request is a value that names the person, as the id of a record does (R83).
    pub fn request_names_person(&self) -> bool {
        self.matches.iter().any(|of| of.columns.contains(&self.request))
    }
}

/// A value of a list's rows by which they name a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListMatch {
    /// The column that has it; several, in their order, when it is put together of parts.
    pub columns: Vec<String>,
    /// Which identifier the column holds.
    pub identifier: Identifier,
}

/// A list of corrections, as `[lists.L]` with `effect = "rectify"` describes it.
#[derive(Clone, Debug)]
pub struct CorrectionList {
    /// Name of the list in the policy.
    pub name: String,
    /// Where its files lie.
    pub input: Location,
    /// Name of the source whose records are corrected.
    pub source: String,
    /// The columns by which a record is known, and of which kind their value is: that of the source's key.
    pub record: ListMatch,
    /// Column with the name of the export's column.
    pub column: String,
    /// Column with the value that the export has.
    pub was: String,
    /// Column with the value that is right.
    pub value: String,
    /// Column that says why.
    pub reason: String,
    /// Column that says what was decided.
    pub decision: Option<String>,
    /// Column of the request id.
    pub request: String,
    /// What the whole id must match.
    pub request_pattern: regex::Regex,
    /// Column of the date received.
    pub received: String,
    /// strftime formats of its dates; none = the forms that can be read in one way only (R23).
    pub formats: Option<Vec<String>>,
    /// Zone of dates, and of times without one.
    pub zone: TimeZone,
    /// The one byte that stands between cells.
    pub delimiter: u8,
    /// Whether no object, or an empty one, is not refused.
    pub may_be_empty: bool,
}

/// A link of which corrections may take a value away, and the columns that the value then goes to, which are in no file: by
/// them requests still reach the person (R81).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrectedColumn {
    /// Index of the link.
    pub column: usize,
    /// Indexes of the columns beside it.
    pub beside: Vec<usize>,
    /// Whether it is a link; else a name that texts are cleared of.
    pub link: bool,
}

/// One job with everything that it needs to run, resolved.
pub struct Plan {
    /// Name of the job.
    pub job: String,
    /// The spec file, as the user would type it.
    pub file: String,
    /// What is read and how.
    pub source: Source,
    /// Where its exports lie.
    pub input: Location,
    /// Where its dataset is written.
    pub output: Location,
    /// What the dataset is for.
    pub purpose: Purpose,
    /// Who receives the dataset, if the job names somebody.
    pub recipient: Option<Recipient>,
    /// R3: the purpose, or purpose/recipient for third parties.
    pub domain: String,
    /// Epoch of the token key.
    pub epoch: String,
    /// How tokens are published.
    pub token_format: TokenFormat,
    /// Zone of the job's calendar: the schedule's, or UTC.
    pub zone: TimeZone,
    /// When it runs by its schedule.
    pub schedule: Option<Schedule>,
    /// Columns of the export that the job needs, each once. Fields and controls index into it.
    pub columns: Vec<Column>,
    /// Links of which corrections may take a value away; the columns beside them are the last of `columns`.
    pub corrected: Vec<CorrectedColumn>,
    /// Published fields in the job's order.
    pub fields: Vec<Field>,
    /// Controls computed beside the fields.
    pub controls: Controls,
    /// How long rows are kept, and by which clock.
    pub retention: Retention,
    /// Other exports whose activity counts.
    pub observe: Vec<Observe>,
    /// How many persons must share each combination of fields, if the job says it.
    pub gate: Option<GroupTerms>,
    /// Limits and what to do beyond them.
    pub limits: Limits,
    /// BLAKE3 hex of the canonical JSON of the three specs as resolved.
    pub digest: String,
}

/// `sources/*.toml`: reading, completeness, and all column names it lists.
#[derive(Clone)]
pub struct Source {
    /// Name of the source.
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
    /// Why none of its rows is about a person (R61).
    pub nobody: Option<String>,
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
            nobody: None,
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

/// When a set counts as complete, as `[complete]` says.
#[derive(Clone, Debug)]
pub struct Complete {
    /// What says that a set is whole.
    pub when: CompleteWhen,
    /// Share of the previous set's records.
    pub min_records: Share,
    /// Where the sender says how many records there are (R64).
    pub count: Option<SaidCount>,
    /// What the names of sets are, where these do not show it (R38).
    pub set_format: Option<SetFormat>,
    /// How far after now the day may lie that a set is named by (R38).
    pub max_ahead: Option<Period>,
}

/// Where the sender says how many records there are.
#[derive(Clone, Debug)]
pub struct SaidCount {
    /// Name of the object, as a marker's.
    pub file: String,
    /// Keys of its JSON, from the outermost; none = it holds a number alone.
    pub at: Vec<String>,
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

/// A purpose that the policy allows.
#[derive(Clone, Debug)]
pub struct Purpose {
    /// Name of the purpose.
    pub name: String,
    /// Lawful basis of the purpose.
    pub basis: Basis,
    /// It is direct marketing, so that an objection binds on any basis (Art. 21(2) GDPR).
    pub direct_marketing: bool,
    /// Longest time for which its datasets may keep a row.
    pub max_keep: Period,
    /// Ways in which its jobs may keep rows without a date (R42).
    pub undated: Vec<Undated>,
    /// Smallest k that its datasets may use.
    pub min_k: u32,
    /// Its jobs publish only what the controller has signed (R76).
    pub signed: bool,
}

/// Somebody who receives datasets.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Name of the recipient.
    pub name: String,
    /// It is neither the controller nor a processor, as `kind = "third-party"` says.
    pub third_party: bool,
    /// It is a part of the controller, as `kind = "internal"` says.
    pub internal: bool,
    /// `sale = true`: opt-outs bind.
    pub sale: bool,
    /// The last day on which its jobs publish without a new review (R71).
    pub review_by: Option<Date>,
}

/// How tokens look in the published table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenFormat {
    /// 32 lower-case hex digits.
    Hex,
    /// The token as 16 bytes.
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
    /// Character that stands between the values of a cell.
    pub separator: char,
    /// What follows it is not of the value.
    pub until: Option<char>,
    /// Stand before and after a value, where a part has them.
    pub inside: Option<(char, char)>,
    /// Most values of a cell; a record with more stops the run.
    pub most: usize,
}

/// An identifier: its kind with normalisation version, and how values become normal (R4 to R9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    /// E.g. `email/1`, `hubspot-vid@portal-7/1`, `salesforce-contact.Name/1`, `customer@acme/2-parts/1`.
    pub kind: String,
    /// Rule that makes the normal form.
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
    /// An e-mail address (R6).
    Email,
    /// A record id of Salesforce (R7).
    SalesforceId,
    /// A phone number (R8).
    Phone(PhoneRegion),
    /// Text without other rules (R9).
    Text,
    /// R9, without regard to case.
    AnyCase,
    /// A GUID in one spelling (R50).
    Guid,
}

/// Where a phone number's region comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneRegion {
    /// The same region for all, by its ISO 3166 code.
    Fixed(String),
    /// Index into `Plan::columns`: a column of ISO codes or CLDR English names.
    Column(usize),
    /// Only numbers with `+` (lists without `region`).
    International,
}

/// A field of the published table.
#[derive(Clone, Debug)]
pub struct Field {
    /// Name in the published table.
    pub name: String,
    /// Index into `Plan::columns`; none only for `constant`.
    pub from: Option<usize>,
    /// What is done with the column's values.
    pub treat: Treatment,
    /// The field holds the subject token.
    pub subject: bool,
    /// Nulls the field earlier: the shorter of the column's and the field's (R26).
    pub keep: Option<Period>,
    /// Above it the run is refused.
    pub max_untreated: MaxUntreated,
    /// Index among the fields that the gate hashes: its quasi-identifiers, then its sensitive fields.
    pub quasi: Option<usize>,
    /// The other person of the row that it is about, as an index into `Controls::others` (R68). Such a field has a `keep`.
    pub other: Option<usize>,
}

/// How many values of a field may stay untreated, as `max_untreated` says.
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
    /// The identifier that is the subject's key, as an index; none where no row is about a person (R61).
    pub key: Option<usize>,
    /// Strong links, the key not among them.
    pub strong: Vec<usize>,
    /// The identifiers that link weakly, as indexes.
    pub weak: Vec<usize>,
    /// Other persons that rows may have, in the order of the source (R68).
    pub others: Vec<OtherPerson>,
    /// Clocks the job uses.
    pub clocks: Vec<usize>,
    /// Excludes in the job's order.
    pub excludes: Vec<Exclude>,
    /// Consent column, when the purpose rests on it and the source has one.
    pub consent: Option<ConsentColumn>,
    /// Whose rows need an opt-in, when the recipient has `sale = true` (R84).
    pub minors: Option<MinorRules>,
    /// What persons were told when their data were collected (R85).
    pub notice: Option<NoticeRules>,
    /// Which of several versions of a record counts (R75).
    pub newest: Option<NewestRules>,
}

/// By which notice a person's data were collected, as `[notice]` of a job says (R85).
#[derive(Clone, Debug)]
pub struct NoticeRules {
    /// Column that says when they were, as an index into `Plan::columns`.
    pub collected: usize,
    /// Column that says when the person was told of a later one.
    pub informed: Option<usize>,
    /// Share of the rows that no notice covers, or not whole.
    pub max_unnoticed: Share,
    /// All notices of the policy, in the order in which they were given.
    pub notices: Vec<NoticeTerms>,
}

/// What a notice says of a job.
#[derive(Clone, Debug)]
pub struct NoticeTerms {
    /// Its first moment.
    pub from: Instant,
    /// Whether it names the job's purpose, recipient and sale, and the category of the subject.
    pub covers: bool,
    /// Of each field of the job, whether it names its category.
    pub fields: Vec<bool>,
}

/// Whose data are sold only after an opt-in, as `[minors]` of the policy says (R84).
#[derive(Clone, Debug)]
pub struct MinorRules {
    /// Column with the date or the year of birth, as an index into `Plan::columns`; none = nobody's age is known.
    pub column: Option<usize>,
    /// Age from which no opt-in is needed.
    pub under: i32,
    /// Age from which it is the person's own.
    pub guardian_under: i32,
    /// Whether rows of unknown age are sold.
    pub unknown_sold: bool,
}

/// Another person that rows may have, as `[[others]]` of a source says (R68).
#[derive(Clone, Debug)]
pub struct OtherPerson {
    /// Name of the person, as it is counted.
    pub name: String,
    /// The identifiers that name the person, as indexes into `Plan::columns`.
    pub by: Vec<usize>,
}

/// Rows that are left out because of a value, as `[[exclude]]` says (R22).
#[derive(Clone, Debug)]
pub struct Exclude {
    /// Column whose value decides, as an index into `Plan::columns`.
    pub column: usize,
    /// Trimmed, NFC, case folded; on a boolean column `true` or `false`.
    pub equals: Vec<String>,
    /// Why, as it follows `excluded:` in reports.
    pub reason: String,
    /// Whether one such row leaves out all of its person (R62).
    pub person: bool,
}

/// `[consent]` of a source (R32).
#[derive(Clone, Debug)]
pub struct ConsentColumn {
    /// Column that says it, as an index into `Plan::columns`.
    pub column: usize,
    /// Values that mean yes: trimmed, NFC, case folded.
    pub equals: Vec<String>,
    /// Index of the column with the date it was given.
    pub since: Option<usize>,
}

/// How long rows are kept, as `[retention]` says.
#[derive(Clone, Debug)]
pub struct Retention {
    /// How long after its clock a row is kept.
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

/// Limits beyond which a run is refused, as `[limits]` of the job says.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Share of the rows that one version may lose.
    pub max_removed: Share,
    /// Share of the records that may be left out as unreadable.
    pub max_rejected: Share,
    /// Filled cells of a field that a run may lose against the run before.
    pub max_emptied: Share,
    /// Records that cannot be read are left out, as `on_bad_record = "drop"` says.
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
    /// Returns the published field that is the subject token; none where no row is about a person.
    pub fn subject_field(&self) -> Option<usize> {
        self.fields.iter().position(|f| f.subject)
    }
}
