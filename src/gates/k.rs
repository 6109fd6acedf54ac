//! R36: each combination of published quasi-identifiers is shared by at least k subjects.

use super::judges::Judges;
use super::observed::GroupCount;
use super::veto::Veto;
use crate::error::Code;
use crate::policy::{GroupTerms, Share};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// k-anonymity over one set of quasi-identifiers (R36).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KAnonymity {
    /// Names of the fields whose combination must be shared.
    pub quasi_identifiers: Vec<String>,
    /// Smallest number of subjects that may share a combination.
    pub k: u32,
    /// Combinations that were found.
    pub groups: u64,
    /// Combinations that fewer than k subjects share.
    pub groups_below: u64,
    /// Rows suppressed: those of combinations below k, unless these refuse the run.
    pub rows_suppressed: u64,
    /// Share of rows that may be suppressed, as written.
    pub max_suppressed: Share,
    /// Subjects of the smallest combination before any was suppressed; none without rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smallest: Option<u32>,
    #[serde(skip)]
    suppress: bool,
    /// Combinations below k that nothing suppresses, and their rows.
    #[serde(skip)]
    left: (u64, u64),
}

impl Judges for KAnonymity {
    const RULE: &'static str = "R36";

    fn over_groups(terms: &GroupTerms) -> Option<Self> {
        Some(KAnonymity {
            quasi_identifiers: terms.quasi_identifiers.clone(),
            k: terms.k,
            groups: 0,
            groups_below: 0,
            rows_suppressed: 0,
            max_suppressed: terms.max_suppressed,
            smallest: None,
            suppress: terms.suppress,
            left: (0, 0),
        })
    }

    fn see(&mut self, group: &GroupCount) -> bool {
        let below = group.subjects < self.k;
        self.groups += 1;
        self.groups_below += u64::from(below);
        self.rows_suppressed += if below && self.suppress { u64::from(group.rows) } else { 0 };
        self.smallest = Some(self.smallest.map_or(group.subjects, |least| least.min(group.subjects)));
        below
    }

    fn suppresses(&self) -> bool {
        self.suppress
    }

    fn leave(&mut self, group: &GroupCount) {
        self.left = (self.left.0 + 1, self.left.1 + u64::from(group.rows));
    }

    fn again(&self) -> Option<Self> {
        let (groups, below, smallest) = (0, 0, None);
        let fresh = KAnonymity { groups, groups_below: below, smallest, rows_suppressed: 0, ..self.clone() };
        Some(KAnonymity { suppress: true, left: (0, 0), ..fresh })
    }

    fn adopted(&self) -> Option<Self> {
        Some(KAnonymity { rows_suppressed: 0, ..self.clone() })
    }

    fn quasi_identifiers(&self) -> &[String] {
        &self.quasi_identifiers
    }

    fn veto(&self) -> Option<Veto> {
        let ((groups, rows), all, k) = (self.left, self.groups, self.k);
        (groups > 0).then(|| {
            Veto::final_one(
                Code::GateK,
                format!("gate: {groups} of {all} groups with {rows} rows have fewer than {k} subjects"),
                "coarsen or leave out a quasi-identifier (the plan shows what each would save), or suppress small groups",
            )
        })
    }

    fn words(&self) -> String {
        let smallest = self.smallest.map_or(String::new(), |smallest| format!(" (the smallest has {smallest})"));
        format!(
            "k = {} over {}: {} groups{smallest}, {} below, {} rows suppressed (at most {})",
            self.k,
            self.quasi_identifiers.join(" + "),
            self.groups,
            self.groups_below,
            self.rows_suppressed,
            self.max_suppressed
        )
    }
}
