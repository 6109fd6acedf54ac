//! What a published version is like, for an assessment: how old its rows are, how large its groups, as counts that may
//! be handed on. Read from companions alone.

use super::case::BAND;
use crate::clock::{Instant, Period};
use crate::error::Result;
use crate::publish::{CompanionPart, Companions};
use crate::state::Current;
use crate::store::Root;
use std::collections::{BTreeMap, BTreeSet, HashMap};

const DAY_MICROS: i64 = 86_400_000_000;

/// What a published version is like.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct PublishedFigures {
    /// Number of the version.
    pub version: u64,
    /// Rows of it.
    pub rows: FigureCount,
    /// Distinct persons in it, by their key.
    pub people: FigureCount,
    /// Rows by the age of their last activity, the youngest first; none where rows have no term of their own.
    pub ages: Vec<FigureBand>,
    /// Groups of rows that are alike in the gate's fields, by how many persons share them.
    pub groups: Vec<FigureBand>,
    /// Groups that fewer than twice k persons share; none without a gate.
    pub near_k: Option<FigureCount>,
}

/// A count that may be handed on: fewer than ten are not told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct FigureCount {
    /// The count; none when it is fewer than ten and not zero.
    pub count: Option<u64>,
}

impl FigureCount {
    /// Tells a count, if it may be told.
    pub fn of(count: u64) -> FigureCount {
        FigureCount { count: (count == 0 || count >= BAND).then_some(count) }
    }

    /// Returns whether there are none.
    pub fn is_none(self) -> bool {
        self.count == Some(0)
    }

    /// Returns it in words.
    pub fn said(self) -> String {
        self.count.map_or_else(|| format!("fewer than {BAND}"), |count| count.to_string())
    }
}

/// One bar of a picture.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct FigureBand {
    /// What is counted in it.
    pub name: String,
    /// How many there are.
    pub count: FigureCount,
}

/// Ages by their upper bounds in days.
const AGES: [(i64, &str); 8] = [
    (30, "up to 30 days"),
    (91, "31 to 91 days"),
    (182, "92 to 182 days"),
    (365, "183 to 365 days"),
    (730, "1 to 2 years"),
    (1095, "2 to 3 years"),
    (1826, "3 to 5 years"),
    (i64::MAX, "older than 5 years"),
];

/// Sizes of groups by their upper bounds in persons.
const SIZES: [(u32, &str); 8] = [
    (1, "1 person"),
    (4, "2 to 4"),
    (9, "5 to 9"),
    (19, "10 to 19"),
    (49, "20 to 49"),
    (99, "50 to 99"),
    (999, "100 to 999"),
    (u32::MAX, "1000 and more"),
];

/// What is asked of a version.
pub struct FigureTerms {
    /// Retention period of rows; none where it does not count from an activity.
    pub keep: Option<Period>,
    /// How many quasi-identifiers the gate has, and its k; none without a gate.
    pub gate: Option<(usize, u32)>,
    /// The moment at which ages are counted.
    pub now: Instant,
}

/// Counts over the companions of a version. A person's rows lie side by side.
///
/// # Errors
/// Evidence and storage errors of companions.
pub fn figures(state: &Root, current: &Current, terms: &FigureTerms) -> Result<PublishedFigures> {
    let mut count = Counting { ages: vec![0; AGES.len()], ..Counting::default() };
    for file in &current.files {
        let mut companions = Companions::open(state, &file.companion)?.only(CompanionPart::All);
        while let Some(group) = companions.next_group()? {
            for row in 0..group.rows() {
                count.person(*group.person(row));
                if let Some(keep) = &terms.keep {
                    let left = group.keep_until(row).saturating_sub(terms.now.0) / DAY_MICROS;
                    count.age(days(keep) - left);
                }
                let fields = terms.gate.map_or(0, |(fields, _)| fields.min(group.quasis()));
                count.seen.insert((0..fields).map(|q| group.quasi(row, q)).collect());
            }
        }
        count.close();
    }
    Ok(count.told(current, terms))
}

/// A month has 30.4 days here: this is a picture, and removes nothing.
fn days(period: &Period) -> i64 {
    i64::from(period.months) * 3044 / 100 + i64::from(period.days) + period.seconds / 86_400
}

/// What was counted so far, and the person under way with the groups that they are in.
#[derive(Default)]
struct Counting {
    ages: Vec<u64>,
    groups: HashMap<Vec<u64>, u32>,
    people: u64,
    person: Option<[u8; 16]>,
    seen: BTreeSet<Vec<u64>>,
}

impl Counting {
    fn person(&mut self, person: [u8; 16]) {
        if self.person != Some(person) {
            self.close();
            self.people += 1;
            self.person = Some(person);
        }
    }

    fn age(&mut self, days: i64) {
        let band = AGES.iter().position(|(most, _)| days <= *most).unwrap_or(AGES.len() - 1);
        self.ages[band] += 1;
    }

    /// Ends the person under way.
    fn close(&mut self) {
        for group in std::mem::take(&mut self.seen) {
            *self.groups.entry(group).or_default() += 1;
        }
        self.person = None;
    }

    fn told(self, current: &Current, terms: &FigureTerms) -> PublishedFigures {
        let bands = |counts: &[u64], names: &mut dyn Iterator<Item = &'static str>| {
            let band = |(name, count): (&'static str, &u64)| FigureBand {
                name: name.to_owned(),
                count: FigureCount::of(*count),
            };
            names.zip(counts).map(band).collect::<Vec<_>>()
        };
        let mut sizes: BTreeMap<usize, u64> = BTreeMap::new();
        for people in self.groups.values() {
            *sizes.entry(SIZES.iter().position(|(most, _)| people <= most).unwrap_or(0)).or_default() += 1;
        }
        let sizes: Vec<u64> = (0..SIZES.len()).map(|at| sizes.get(&at).copied().unwrap_or(0)).collect();
        let near = |k: u32| self.groups.values().filter(|people| **people < k.saturating_mul(2)).count() as u64;
        PublishedFigures {
            version: current.version,
            rows: FigureCount::of(current.rows),
            people: FigureCount::of(self.people),
            ages: terms.keep.map(|_| bands(&self.ages, &mut AGES.iter().map(|(_, name)| *name))).unwrap_or_default(),
            groups: terms.gate.map(|_| bands(&sizes, &mut SIZES.iter().map(|(_, name)| *name))).unwrap_or_default(),
            near_k: terms.gate.map(|(_, k)| FigureCount::of(near(k))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_than_ten_are_not_told_and_none_are() {
        assert_eq!(
            [0, 1, 9, 10].map(|count| FigureCount::of(count).said()),
            ["0", "fewer than 10", "fewer than 10", "10"]
        );
        assert!(FigureCount::of(0).is_none() && !FigureCount::of(9).is_none());
    }

    #[test]
    fn a_person_counts_once_in_each_group_of_their_rows() {
        let mut count = Counting { ages: vec![0; AGES.len()], ..Counting::default() };
        for (person, group) in [(1, 7), (1, 7), (1, 8), (2, 7)] {
            count.person([person; 16]);
            count.seen.insert(vec![group]);
        }
        count.close();
        assert_eq!(count.people, 2);
        assert_eq!((count.groups[&vec![7]], count.groups[&vec![8]]), (2, 1));
        count.age(30);
        count.age(31);
        count.age(-3);
        assert_eq!(count.ages[..2], [2, 1]);
    }
}
