//! R22, R62: the label of an exclude, and whom one of persons leaves out. `minimize` says which exclude matched first;
//! jobs may give several one reason.

use super::people::People;
use crate::stage::{Control, flag};

/// What the rows of one person say of all of them.
#[derive(Clone, Copy, Default)]
pub(super) struct PersonExclude {
    /// 0, or 1 + index of the first exclude of persons that any row matches.
    pub(super) exclude: u8,
    /// Whether a row could not be read in a column that an exclude of persons looks at.
    pub(super) unreadable: bool,
}

/// Gathers what rows say of their persons, by number of the person. All rows of a person are in one bucket, so the order in
/// which they were read means nothing.
pub(super) fn of_persons(control: &Control, people: &People) -> Vec<PersonExclude> {
    let mut all = vec![PersonExclude::default(); people.person.last().map_or(0, |last| *last as usize + 1)];
    for (row, person) in people.iter() {
        let (flags, person) = (control.flags(row), &mut all[person as usize]);
        person.unreadable |= flags & flag::PERSON_UNREADABLE != 0;
        if flags & flag::EXCLUDES_PERSON != 0 {
            let exclude = control.exclude(row);
            person.exclude = if person.exclude == 0 { exclude } else { person.exclude.min(exclude) };
        }
    }
    all
}

/// Labels of a job's excludes, each reason once, in the job's order; and for each exclude which label it has.
pub(super) fn labels<'a>(reasons: impl Iterator<Item = &'a str>) -> (Vec<String>, Vec<usize>) {
    let mut labels: Vec<String> = Vec::new();
    let mut numbers = Vec::new();
    for reason in reasons {
        let label = format!("excluded:{reason}");
        numbers.push(labels.iter().position(|l| *l == label).unwrap_or(labels.len()));
        if numbers.last() == Some(&labels.len()) {
            labels.push(label);
        }
    }
    (labels, numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r22_reasons_used_twice_are_one_label() {
        let (labels, numbers) = labels(["deleted", "test-account", "deleted"].into_iter());
        assert_eq!(labels, ["excluded:deleted", "excluded:test-account"]);
        assert_eq!(numbers, [0, 1, 0]);
    }
}
