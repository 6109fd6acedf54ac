//! A job as written: the data team's file. Doc comments here are the descriptions in the JSON Schema.

pub use super::field_spec::FieldSpec;
use super::plan::{Diversity, TokenFormat, Undated};
pub use super::schedule_spec::{CatchUp, ScheduleSpec};
use super::spec::{At, Named};
pub use crate::treatments::Treat;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::fmt;

/// `jobs/*.toml`: what one dataset holds, for whom and for how long.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    /// Version of the file's format: 1.
    pub spec: At<i64>,
    /// The job's name, unique among all jobs.
    pub name: At<String>,
    /// Name of the source it reads.
    pub source: At<String>,
    /// ROOT:glob with at most one `{set}`.
    pub input: At<String>,
    /// Name of the purpose.
    pub purpose: At<String>,
    /// Name of the recipient. Default the purpose's only one.
    pub recipient: Option<At<String>>,
    /// ROOT:path of the dataset.
    pub output: At<String>,
    /// How tokens are published: hex, binary. Default hex.
    pub token_format: Option<At<TokenFormat>>,
    /// When it runs by its schedule.
    pub schedule: Option<At<ScheduleSpec>>,
    /// How long rows are kept.
    pub retention: At<RetentionSpec>,
    /// Other exports whose activity prolongs how long a person is kept; never published.
    pub observe: Option<Vec<At<ObserveSpec>>>,
    /// Rows that are left out because of a value.
    pub exclude: Option<Vec<At<ExcludeSpec>>>,
    /// By which notice a person's data were collected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<At<NoticedSpec>>,
    /// Published fields, by name, in the order of the dataset.
    #[serde(serialize_with = "super::spec::in_order")]
    pub fields: At<Named<FieldSpec>>,
    /// How many persons must share each combination of fields.
    pub gate: Option<At<GateSpec>>,
    /// Limits beyond which the run is refused.
    pub limits: Option<JobLimitsSpec>,
}

impl JobSpec {
    /// Returns the names of the columns that the job takes from a source, its own or an observed one.
    pub fn columns_of<'a>(&'a self, source: &'a str) -> impl Iterator<Item = &'a str> {
        let own = (*self.source == *source).then(|| {
            let clocks = self.retention.clock.iter().flat_map(|clock| clock.columns());
            let excluded = self.exclude.iter().flatten().map(|exclude| &exclude.column);
            let named = self.fields.iter().flat_map(|(_, field)| field.columns());
            let noticed = self.notice.iter().flat_map(|of| std::iter::once(&of.collected).chain(&of.informed));
            clocks.chain(excluded).chain(noticed).chain(named)
        });
        let observed = self.observe.iter().flatten().filter(move |observe| *observe.source == *source);
        let observed = observed.flat_map(|observe| std::iter::once(&observe.subject).chain(observe.clock.iter()));
        own.into_iter().flatten().chain(observed).map(|name| name.as_str())
    }
}

/// `[notice]` of a job.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticedSpec {
    /// Column of type date or timestamp: when the person's data were collected.
    pub collected: At<String>,
    /// Column of type date or timestamp: when the person was told of a later notice.
    pub informed: Option<At<String>>,
    /// Share of the rows that no notice covers, or not whole. Default 2%.
    pub max_unnoticed: Option<At<String>>,
}

/// Says whose clock decides how long a row is kept, or whose rows an exclude leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// All rows of the person: the latest clock of them and of observed activity (R26), or all of them left out (R62).
    Person,
    /// Each row by itself, whosever it is.
    Row,
}

/// `clock` of a job.
#[derive(Clone, Serialize)]
#[serde(untagged)]
pub enum ClockSpec {
    /// Columns of the source.
    Columns(Vec<At<String>>),
    /// What stands in for them.
    Undated(Undated),
}

impl ClockSpec {
    /// What stands in for columns.
    const WORDS: [&str; 2] = ["first-seen", "export-date"];

    /// Returns the columns that it names.
    pub fn columns(&self) -> &[At<String>] {
        match self {
            ClockSpec::Columns(columns) => columns,
            ClockSpec::Undated(_) => &[],
        }
    }
}

impl<'de> Deserialize<'de> for ClockSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ClockVisitor)
    }
}

struct ClockVisitor;

impl<'de> Visitor<'de> for ClockVisitor {
    type Value = ClockSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<ClockSpec, E> {
        match word {
            "first-seen" => Ok(ClockSpec::Undated(Undated::FirstSeen)),
            "export-date" => Ok(ClockSpec::Undated(Undated::ExportDate)),
            other => Err(E::unknown_variant(other, &ClockSpec::WORDS)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<ClockSpec, A::Error> {
        let mut columns = Vec::new();
        while let Some(column) = list.next_element()? {
            columns.push(column);
        }
        Ok(ClockSpec::Columns(columns))
    }
}

impl JsonSchema for ClockSpec {
    fn schema_name() -> Cow<'static, str> {
        "ClockSpec".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "array", "items": { "type": "string" } },
                { "type": "string", "enum": Self::WORDS },
            ]
        })
    }
}

/// What `[retention]` of a job can say.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionSpec {
    /// Retention period, ISO 8601; or until-absent: as long as exports name the row (R42).
    pub keep: At<String>,
    /// person, row. Default person.
    pub scope: Option<At<Scope>>,
    /// Clocks the job uses. Default all of the source. Or first-seen, export-date, where rows have no date (R42).
    pub clock: Option<At<ClockSpec>>,
    /// Why rows are kept by the date of the export, or until they are absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<At<String>>,
    /// How far in the future a clock may lie, ISO 8601. Default P1Y.
    pub max_future: Option<At<String>>,
}

/// What `[[observe]]` of a job can say.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObserveSpec {
    /// Name of the source observed.
    pub source: At<String>,
    /// ROOT:glob; its `{set}` is the job's own.
    pub input: At<String>,
    /// Column that names the person.
    pub subject: At<String>,
    /// Columns with the times of activity.
    pub clock: At<Vec<At<String>>>,
}

/// What `[[exclude]]` of a job can say.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExcludeSpec {
    /// Column whose value decides.
    pub column: At<String>,
    /// Values that leave the row out (R22).
    pub equals: At<Vec<At<String>>>,
    /// Label of the reason.
    pub reason: At<String>,
    /// row, or person: all rows of a person of whom one row has such a value (R62). Default row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<At<Scope>>,
}

/// What happens to a group of fewer than k persons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnViolation {
    /// The group's rows are suppressed.
    Suppress,
    /// The run is refused.
    Refuse,
}

/// What `[gate]` of a job can say.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateSpec {
    /// Fields that together could single a person out.
    pub quasi_identifiers: At<Vec<At<String>>>,
    /// Smallest number of subjects per group. Default the purpose's `min_k`.
    pub k: Option<At<i64>>,
    /// suppress, refuse. Default refuse.
    pub on_violation: Option<At<OnViolation>>,
    /// Share of rows that may be suppressed. Default 2%.
    pub max_suppressed: Option<At<String>>,
    /// Gate on sensitive fields within the same groups.
    pub diversity: Option<At<DiversitySpec>>,
}

impl GateSpec {
    /// Returns the fields that the gate hashes: its quasi-identifiers, then its sensitive fields.
    pub fn hashed(&self) -> impl Iterator<Item = &At<String>> {
        let sensitive = self.diversity.iter().flat_map(|diversity| diversity.sensitive.iter());
        self.quasi_identifiers.iter().chain(sensitive)
    }
}

/// What `[gate.diversity]` of a job can say.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiversitySpec {
    /// Fields whose values have to differ within each group.
    pub sensitive: At<Vec<At<String>>>,
    /// How many values each group has to have.
    pub l: At<i64>,
    /// distinct, entropy. Default distinct.
    pub kind: Option<At<Diversity>>,
    /// suppress, refuse. Default refuse.
    pub on_violation: Option<At<OnViolation>>,
}

/// What happens to a record with more or fewer cells than the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnBadRecord {
    /// The input is refused.
    Refuse,
    /// It is dropped and counted.
    Drop,
}

/// `[limits]` of a job.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobLimitsSpec {
    /// The brake: share of rows that one run may drop. Default 30%.
    pub max_removed: Option<At<String>>,
    /// Share of records that may be dropped as bad. Default 0%.
    pub max_rejected: Option<At<String>>,
    /// Share of a field's filled cells that a run may lose against the run before. Default 90%.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_emptied: Option<At<String>>,
    /// refuse, drop. Default refuse.
    pub on_bad_record: Option<At<OnBadRecord>>,
    /// Whether a version may have no rows. Default false.
    pub allow_empty: Option<At<bool>>,
}
