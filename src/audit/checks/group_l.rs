//! In every combination of quasi-identifiers each sensitive field varies enough (R41), counted anew.

use crate::audit::check::{AuditSpot, Check, CheckBegun, CheckFound, FileLook, Look};
use crate::audit::data::AuditedFile;
use crate::audit::finding::Severity;
use crate::audit::groups::{GroupCells, GroupKey, GroupRows, SmallGroups};
use crate::audit::scene::AuditedTable;
use crate::error::Result;
use crate::policy::{Diversity, DiversityTerms};
use std::collections::{BTreeMap, HashMap, HashSet};

pub(in crate::audit) const CHECK: Check = Check {
    rule: "group-l",
    article: "Art. 5(1)(c), 9, 25 GDPR; R41",
    severity: Severity::Error,
    holds: "In every combination of quasi-identifiers, the values of each sensitive field differ as much as `[gate.diversity]` asks.",
    fix: "run the job: it suppresses groups that vary less than the l of today; a sweep uses the l of the version",
    look: Look::Files(begin),
};

fn begin<'a>(table: &'a AuditedTable<'a>) -> CheckBegun<'a> {
    let Some(gate) = table.plan.and_then(|plan| plan.gate.as_ref()) else { return CheckBegun::Nothing };
    let Some(terms) = &gate.diversity else { return CheckBegun::Nothing };
    let Some(subject) = table.subject() else {
        return CheckBegun::Cannot("no field is the token of the subject".into());
    };
    let quasi = gate.quasi_identifiers.iter().map(String::as_str).collect();
    let counts = terms.sensitive.iter().map(|name| (name.as_str(), Varied::new(terms))).collect();
    CheckBegun::Looks(Box::new(Sensitive { quasi, subject, terms, counts, files: Vec::new() }))
}

/// How the values of one field vary, by group.
enum Varied {
    Distinct(SmallGroups),
    /// Per group its rows, and per value who has it.
    Entropy(HashMap<GroupKey, (GroupRows, HashMap<GroupKey, HashSet<GroupKey>>)>),
}

impl Varied {
    fn new(terms: &DiversityTerms) -> Varied {
        match terms.measure {
            Diversity::Distinct => Varied::Distinct(SmallGroups::new(usize::try_from(terms.l).unwrap_or(usize::MAX))),
            Diversity::Entropy => Varied::Entropy(HashMap::new()),
        }
    }

    fn add(&mut self, group: GroupKey, value: GroupKey, person: GroupKey, at: (usize, usize)) {
        match self {
            Varied::Distinct(groups) => groups.add(group, value, at),
            Varied::Entropy(groups) => {
                let (rows, values) = groups.entry(group).or_default();
                rows.add(at.0, at.1);
                values.entry(value).or_default().insert(person);
            }
        }
    }
}

/// Whether values are as mixed as l equally frequent ones; a person counts once with each value.
fn is_mixed(values: &HashMap<GroupKey, HashSet<GroupKey>>, l: u32) -> bool {
    let counts: Vec<f64> = values.values().map(|persons| persons.len() as f64).collect();
    let all: f64 = counts.iter().sum();
    let entropy: f64 = counts.iter().map(|count| count / all).map(|share| -share * share.ln()).sum();
    entropy + 1e-9 >= f64::from(l).ln()
}

struct Sensitive<'a> {
    quasi: Vec<&'a str>,
    subject: &'a str,
    terms: &'a DiversityTerms,
    counts: Vec<(&'a str, Varied)>,
    files: Vec<String>,
}

impl FileLook for Sensitive<'_> {
    fn file(&mut self, file: &AuditedFile, found: &mut CheckFound<'_>) {
        let missing = |missing: String| format!("{} has no column {missing}", file.place);
        let cells = (GroupCells::of(&file.batch, &self.quasi), GroupCells::of(&file.batch, &[self.subject]));
        let (quasi, subject) = match cells {
            (Ok(quasi), Ok(subject)) => (quasi, subject),
            (Err(name), _) | (_, Err(name)) => return found.cannot(missing(name)),
        };
        for (name, varied) in &mut self.counts {
            match GroupCells::of(&file.batch, &[*name]) {
                Ok(values) => (0..file.batch.num_rows()).for_each(|row| {
                    varied.add(quasi.key(row), values.key(row), subject.key(row), (self.files.len(), row));
                }),
                Err(name) => found.cannot(missing(name)),
            }
        }
        self.files.push(file.place.clone());
    }

    fn end(&mut self, found: &mut CheckFound<'_>) -> Result<()> {
        for (name, varied) in &self.counts {
            let rows = match varied {
                Varied::Distinct(groups) => groups.small().1,
                Varied::Entropy(groups) => {
                    let mut all = BTreeMap::new();
                    let even = groups.values().filter(|(_, values)| !is_mixed(values, self.terms.l));
                    even.for_each(|(rows, _)| rows.join_to(&mut all));
                    all
                }
            };
            for (file, rows) in rows {
                let spot =
                    AuditSpot { file: Some(&self.files[file]), field: Some(name), rows: Some(rows), since: None };
                found.say(spot, format!("rows in groups whose values differ less than l = {} asks", self.terms.l));
            }
        }
        Ok(())
    }
}
