//! What a job asks of groups of rows, ready to be judged.

use super::share::Share;

/// `[gate]`: how rows are grouped, and what is asked of groups.
#[derive(Clone, Debug)]
pub struct GroupTerms {
    /// Field names in order; `Field::quasi` indexes into it.
    pub quasi_identifiers: Vec<String>,
    /// Smallest group of subjects.
    pub k: u32,
    /// Rows of a group that is too small are left out; else the run is refused.
    pub suppress: bool,
    /// Share of rows that may be suppressed.
    pub max_suppressed: Share,
    /// What is asked of sensitive fields.
    pub diversity: Option<DiversityTerms>,
}

/// How tamis counts how much values differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Diversity {
    /// The group has at least so many different values.
    Distinct,
    /// The entropy of the values is at least that of l equally frequent values.
    Entropy,
}

/// How different the sensitive values of a group must be, as `[gate.diversity]` says.
#[derive(Clone, Debug)]
pub struct DiversityTerms {
    /// Field names in order; `Field::quasi` counts on from the quasi-identifiers.
    pub sensitive: Vec<String>,
    /// How much values have to differ.
    pub l: u32,
    /// How that is counted.
    pub measure: Diversity,
    /// Rows of a group that is too uniform are left out; else the run is refused.
    pub suppress: bool,
}

impl GroupTerms {
    /// Returns the fields of which companions hold keyed hashes, in their order: quasi-identifiers, then sensitive ones.
    pub fn hashed(&self) -> impl Iterator<Item = &String> {
        let sensitive = self.diversity.iter().flat_map(|diversity| &diversity.sensitive);
        self.quasi_identifiers.iter().chain(sensitive)
    }
}
