//! R41: the values of each sensitive field differ enough within every group. A group whose members all have one value tells
//! that value of each of them, however many they are.

use super::judges::Judges;
use super::observed::{GroupCount, Spread};
use super::veto::Veto;
use crate::error::Code;
use crate::policy::{Diversity, GroupTerms};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// l-diversity over the groups of k (R41).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LDiversity {
    /// Fields whose values have to differ.
    pub sensitive: Vec<String>,
    /// How much they have to.
    pub l: u32,
    /// How that is counted: distinct values, or their entropy.
    pub measure: Diversity,
    /// Combinations of quasi-identifiers found.
    pub groups: u64,
    /// Combinations below l in any of the fields.
    pub groups_below: u64,
    /// Rows suppressed: those of combinations below l, unless these refuse the run. A row of a combination below k too
    /// counts under both gates.
    pub rows_suppressed: u64,
    /// Hundredths of the least l that a combination had before any was suppressed; none without rows. With entropy, as
    /// many equally frequent values would have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least_hundredths: Option<u64>,
    #[serde(skip)]
    suppress: bool,
    /// Combinations below l that nothing suppresses, and their rows.
    #[serde(skip)]
    left: (u64, u64),
}

/// What is lost to rounding when `l` values are equally frequent, far below what one subject more or less makes.
const ROUNDING: f64 = 1e-9;

impl LDiversity {
    fn falls(&self, spread: &Spread) -> bool {
        match self.measure {
            Diversity::Distinct => spread.values < self.l,
            Diversity::Entropy => spread.entropy < f64::from(self.l).ln() - ROUNDING,
        }
    }

    fn hundredths(&self, spread: &Spread) -> u64 {
        match self.measure {
            Diversity::Distinct => u64::from(spread.values) * 100,
            Diversity::Entropy => (spread.entropy.exp() * 100.0 + 1e-6) as u64,
        }
    }
}

impl Judges for LDiversity {
    const RULE: &'static str = "R41";

    fn over_groups(terms: &GroupTerms) -> Option<Self> {
        let terms = terms.diversity.as_ref()?;
        Some(LDiversity {
            sensitive: terms.sensitive.clone(),
            l: terms.l,
            measure: terms.measure,
            groups: 0,
            groups_below: 0,
            rows_suppressed: 0,
            least_hundredths: None,
            suppress: terms.suppress,
            left: (0, 0),
        })
    }

    fn see(&mut self, group: &GroupCount) -> bool {
        let below = group.spreads.iter().any(|spread| self.falls(spread));
        let least = group.spreads.iter().map(|spread| self.hundredths(spread)).min();
        self.groups += 1;
        self.groups_below += u64::from(below);
        self.rows_suppressed += if below && self.suppress { u64::from(group.rows) } else { 0 };
        self.least_hundredths = self.least_hundredths.into_iter().chain(least).min();
        below
    }

    fn suppresses(&self) -> bool {
        self.suppress
    }

    fn leave(&mut self, group: &GroupCount) {
        self.left = (self.left.0 + 1, self.left.1 + u64::from(group.rows));
    }

    fn again(&self) -> Option<Self> {
        let (groups, groups_below, rows_suppressed, least_hundredths) = (0, 0, 0, None);
        let fresh = LDiversity { groups, groups_below, rows_suppressed, least_hundredths, ..self.clone() };
        Some(LDiversity { suppress: true, left: (0, 0), ..fresh })
    }

    fn adopted(&self) -> Option<Self> {
        Some(LDiversity { rows_suppressed: 0, ..self.clone() })
    }

    fn sensitive(&self) -> &[String] {
        &self.sensitive
    }

    fn veto(&self) -> Option<Veto> {
        let ((groups, rows), all, l) = (self.left, self.groups, self.l);
        let of = self.sensitive.join(", ");
        (groups > 0).then(|| {
            let what = match self.measure {
                Diversity::Distinct => format!("fewer than {l} values of {of}"),
                Diversity::Entropy => format!("values of {of} with less entropy than {l} equally frequent ones"),
            };
            Veto::final_one(
                Code::GateL,
                format!("gate: {groups} of {all} groups with {rows} rows have {what}"),
                "coarsen or leave out a quasi-identifier (the plan shows what each would save) or a sensitive field, \
                 or suppress such groups",
            )
        })
    }

    fn words(&self) -> String {
        let least = self.least_hundredths.map_or(String::new(), |n| match self.measure {
            Diversity::Distinct => format!(" (the least has {})", n / 100),
            Diversity::Entropy => format!(" (the least is worth {}.{:02})", n / 100, n % 100),
        });
        let measure = match self.measure {
            Diversity::Distinct => "distinct",
            Diversity::Entropy => "entropy",
        };
        format!(
            "{measure} l = {} of {}: {} groups{least}, {} below, {} rows suppressed",
            self.l,
            self.sensitive.join(" and "),
            self.groups,
            self.groups_below,
            self.rows_suppressed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::{Gate, GroupFate};
    use crate::policy::{DiversityTerms, Share};

    fn terms(k: u32, suppress_k: bool, l: u32, measure: Diversity, suppress: bool) -> GroupTerms {
        let (sensitive, max_suppressed) = (vec!["illness".into()], Share(0));
        let diversity = Some(DiversityTerms { sensitive, l, measure, suppress });
        GroupTerms { quasi_identifiers: vec!["city".into()], k, suppress: suppress_k, max_suppressed, diversity }
    }

    /// A group whose subjects have one value each, so many of each value.
    fn group(counts: &[u32]) -> GroupCount {
        let subjects: u32 = counts.iter().sum();
        let entropy = counts.iter().map(|c| f64::from(*c) / f64::from(subjects)).map(|p| -p * p.ln()).sum();
        let spreads = vec![Spread { values: counts.len() as u32, entropy }];
        GroupCount { subjects, rows: subjects, spreads }
    }

    fn falls(l: u32, measure: Diversity, counts: &[u32]) -> bool {
        Gate::judge(&mut Gate::over_groups(&terms(1, true, l, measure, true)), &group(counts)) == GroupFate::Suppressed
    }

    #[test]
    fn r41_distinct_values_are_counted_however_rare_they_are() {
        assert!(falls(2, Diversity::Distinct, &[9]));
        assert!(!falls(2, Diversity::Distinct, &[9, 1]));
        assert!(falls(3, Diversity::Distinct, &[9, 1]));
    }

    #[test]
    fn r41_entropy_asks_for_even_values_and_equality_is_not_lost_to_rounding() {
        for l in 2..40 {
            assert!(!falls(l, Diversity::Entropy, &vec![7; l as usize]), "{l}");
            assert!(falls(l, Diversity::Entropy, &vec![7; l as usize - 1]), "{l}");
        }
        assert!(falls(2, Diversity::Entropy, &[9, 1]));
        assert!(falls(2, Diversity::Entropy, &[1_000_000, 999_000]));
        assert!(!falls(2, Diversity::Entropy, &[5, 4, 1]));
    }

    #[test]
    fn r41_a_gate_that_refuses_looks_only_at_what_the_other_leaves() {
        let judged = |suppress_k, suppress, groups: &[&[u32]]| {
            let mut gates = Gate::over_groups(&terms(3, suppress_k, 2, Diversity::Distinct, suppress));
            let fates: Vec<GroupFate> = groups.iter().map(|counts| Gate::judge(&mut gates, &group(counts))).collect();
            (fates, gates.iter().filter_map(Gate::veto).map(|veto| veto.message).collect::<Vec<_>>())
        };
        let groups = [&[4][..], &[1, 1], &[2], &[2, 2]];
        let (fates, vetoes) = judged(true, false, &groups);
        assert_eq!(fates, [GroupFate::Refused, GroupFate::Suppressed, GroupFate::Suppressed, GroupFate::Stays]);
        assert_eq!(vetoes, ["gate: 1 of 4 groups with 4 rows have fewer than 2 values of illness"]);
        let (fates, vetoes) = judged(false, true, &groups);
        assert_eq!(fates, [GroupFate::Suppressed, GroupFate::Refused, GroupFate::Suppressed, GroupFate::Stays]);
        assert_eq!(vetoes, ["gate: 1 of 4 groups with 2 rows have fewer than 3 subjects"]);
        assert_eq!(judged(true, true, &groups).1, [""; 0]);
    }

    #[test]
    fn r41_what_was_found_is_told_in_numbers() {
        let mut gates = Gate::over_groups(&terms(1, true, 2, Diversity::Entropy, true));
        for counts in [&[4][..], &[2, 2], &[9, 1]] {
            Gate::judge(&mut gates, &group(counts));
        }
        assert_eq!(
            gates[1].words(),
            "entropy l = 2 of illness: 3 groups (the least is worth 1.00), 2 below, 14 rows suppressed"
        );
    }
}
