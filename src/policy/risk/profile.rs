//! What of a job decides how risky it is, as it is kept beside a signature: names and settings of specs, two counts,
//! and no value of a person.

use crate::policy::spec::Category;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What of a job decides how risky it is for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RiskProfile {
    /// Name of the job.
    pub job: String,
    /// Name of the purpose.
    pub purpose: String,
    /// Lawful basis of the purpose, as the policy spells it.
    pub basis: String,
    /// Whether the purpose is direct marketing.
    pub direct_marketing: bool,
    /// Who decides on the purpose together with the controller.
    pub joint_controllers: BTreeSet<String>,
    /// Whose data they are, in words of the policy.
    pub people: BTreeSet<String>,
    /// Name of the source.
    pub source: String,
    /// Names of observed sources.
    pub observed: BTreeSet<String>,
    /// Published fields, by name.
    pub fields: BTreeMap<String, RiskField>,
    /// Retention period of rows, in ISO 8601.
    pub keep: String,
    /// Whose clock decides how long a row is kept: `person` or `row`.
    pub scope: String,
    /// What stands in for dates, where rows have none (R42).
    pub undated: Option<String>,
    /// Rows that are left out: column, values and scope.
    pub excludes: BTreeSet<String>,
    /// Where the consent stands, as column and values.
    pub consent: Option<String>,
    /// Smallest group of persons; none without a gate over groups.
    pub k: Option<u32>,
    /// Fields that make the groups.
    pub quasi_identifiers: BTreeSet<String>,
    /// How much sensitive fields have to differ, with how that is counted.
    pub l: Option<(u32, String)>,
    /// Fields that have to differ within groups.
    pub sensitive: BTreeSet<String>,
    /// Name of the recipient.
    pub recipient: Option<String>,
    /// What the recipient is: within the controller, processor, third party.
    pub recipient_kind: Option<String>,
    /// Whether data are sold to the recipient.
    pub sale: bool,
    /// ISO 3166 code of the recipient's country.
    pub country: Option<String>,
    /// What allows the transfer to that country, and where it is filed.
    pub transfer: Option<String>,
    /// Age at which raw exports are removed, in ISO 8601; none = never.
    pub raw_keep: Option<String>,
    /// Token domain (R3).
    pub domain: String,
    /// Jobs whose tokens join with those of this one.
    pub same_tokens: BTreeSet<String>,
    /// Rows of the version that was current; none before the first one.
    pub rows: Option<u64>,
    /// Breaches of the dataset that the ledger has.
    #[serde(default)]
    pub breaches: u64,
}

/// What of a field decides how risky it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RiskField {
    /// The column that it is made of.
    pub column: Option<String>,
    /// Category that the source gives the column.
    pub category: Option<Category>,
    /// What is done, with its settings, as in evidence.
    pub treatment: String,
    /// Settings that `treatment` only counts, so that another choice of as many shows.
    pub settings: Option<String>,
    /// Its own retention period, in ISO 8601.
    pub keep: Option<String>,
}
