//! The bridge to Polars: columns of numbers in, columns of numbers out. Group-bys over the rows of a bucket or the
//! groups of a run happen here. It never sees a value or an identity; its errors end here.

use super::consent::PersonConsent;
use crate::error::{Code, Error, Result};
use polars::prelude::*;

/// One row per staged row, in the order of persons.
#[derive(Default)]
pub(super) struct PersonColumns {
    /// Number of the row's person, ascending from 0.
    pub person: Vec<u32>,
    /// Clock in microseconds, `NO_CLOCK` (the least of all) for none.
    pub clock: Vec<i64>,
    /// What is known of consent; empty when nobody asks.
    pub consent: Vec<PersonConsent>,
}

/// One combination, counted over some rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Hash of the combination.
    pub group: u64,
    /// Distinct subjects that share the values.
    pub subjects: u32,
    /// Rows that share the values.
    pub rows: u32,
}

/// One row per person.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Persons {
    /// Latest clock of each person, also of observed rows.
    pub clock: Vec<i64>,
    /// Consent; empty when nobody asks.
    pub consent: Vec<PersonConsent>,
}

/// R26, R32: the latest clock of each person, and what all rows together say about consent.
pub(super) fn persons(columns: PersonColumns) -> Result<Persons> {
    let asked = !columns.consent.is_empty();
    let mut frame = vec![sorted("person", columns.person), Column::new("clock".into(), columns.clock)];
    let mut wanted = vec![col("clock").max()];
    if asked {
        let consent = &columns.consent;
        frame.push(Column::new("yes".into(), consent.iter().map(|c| u32::from(c.yes)).collect::<Vec<_>>()));
        for (name, get) in DATES {
            frame.push(Column::new(name.into(), consent.iter().map(get).collect::<Vec<_>>()));
        }
        frame.push(Column::new("listed".into(), consent.iter().map(|c| u32::from(c.listed)).collect::<Vec<_>>()));
        wanted.extend([col("yes").min(), col("since").min(), col("listed").max()]);
        wanted.extend(DATES[1..].iter().map(|(name, _)| col(*name).max()));
    }
    let frame = DataFrame::new_infer_height(frame).map_err(failed)?;
    let frame = frame.lazy().group_by_stable([col("person")]).agg(wanted).collect().map_err(failed)?;
    Ok(Persons { clock: signed(&frame, "clock")?, consent: if asked { consents(&frame)? } else { Vec::new() } })
}

type Date = (&'static str, fn(&PersonConsent) -> i64);
const DATES: [Date; 4] = [
    ("since", |c| c.since),
    ("withdrawn", |c| c.withdrawn),
    ("listed_from", |c| c.listed_from),
    ("listed_until", |c| c.listed_until),
];

fn consents(frame: &DataFrame) -> Result<Vec<PersonConsent>> {
    let (yes, listed) = (unsigned(frame, "yes")?, unsigned(frame, "listed")?);
    let [since, withdrawn, from, until] = DATES.map(|(name, _)| signed(frame, name));
    let (since, withdrawn, from, until) = (since?, withdrawn?, from?, until?);
    let person = |p: usize| PersonConsent {
        yes: yes[p] == 1,
        since: since[p],
        withdrawn: withdrawn[p],
        listed: listed[p] == 1,
        listed_from: from[p],
        listed_until: until[p],
    };
    Ok((0..yes.len()).map(person).collect())
}

/// R36: adds up subjects and rows per group.
pub(super) fn groups(groups: &[Group]) -> Result<Vec<Group>> {
    let frame = DataFrame::new_infer_height(vec![
        Column::new("group".into(), groups.iter().map(|g| g.group).collect::<Vec<_>>()),
        Column::new("subjects".into(), groups.iter().map(|g| g.subjects).collect::<Vec<_>>()),
        Column::new("rows".into(), groups.iter().map(|g| g.rows).collect::<Vec<_>>()),
    ])
    .map_err(failed)?;
    let sums = [col("subjects").sum(), col("rows").sum()];
    let frame = frame.lazy().group_by([col("group")]).agg(sums).collect().map_err(failed)?;
    let hash = frame.column("group").and_then(|c| c.u64()).map_err(failed)?;
    let rows = hash.into_no_null_iter().zip(unsigned(&frame, "subjects")?).zip(unsigned(&frame, "rows")?);
    Ok(rows.map(|((group, subjects), rows)| Group { group, subjects, rows }).collect())
}

fn sorted(name: &str, values: Vec<u32>) -> Column {
    let mut column = Column::new(name.into(), values);
    column.set_sorted_flag(polars::series::IsSorted::Ascending);
    column
}

fn signed(frame: &DataFrame, name: &str) -> Result<Vec<i64>> {
    let column = frame.column(name).and_then(|c| c.i64()).map_err(failed)?;
    Ok(column.into_no_null_iter().collect())
}

fn unsigned(frame: &DataFrame, name: &str) -> Result<Vec<u32>> {
    let column = frame.column(name).and_then(|c| c.u32()).map_err(failed)?;
    Ok(column.into_no_null_iter().collect())
}

fn failed(_: PolarsError) -> Error {
    Error::new(Code::RowsDoNotAddUp, "the rows of a bucket could not be grouped")
        .help("nothing was published; report this as a fault")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::{NO_CLOCK, NO_SINCE};

    fn consent(yes: bool, since: i64, withdrawn: i64, until: i64) -> PersonConsent {
        PersonConsent { yes, since, withdrawn, listed: until > 0, listed_from: NO_SINCE, listed_until: until }
    }

    #[test]
    fn r26_the_latest_clock_of_each_person_comes_back_in_their_order() {
        let columns = PersonColumns {
            person: vec![0, 0, 1, 2, 2, 2],
            clock: vec![5, 7, NO_CLOCK, -3, NO_CLOCK, -9],
            consent: Vec::new(),
        };
        let persons = persons(columns).expect("grouped");
        assert_eq!(persons, Persons { clock: vec![7, NO_CLOCK, -3], consent: Vec::new() });
    }

    #[test]
    fn r32_consent_is_all_rows_together() {
        let columns = PersonColumns {
            person: vec![0, 0, 1],
            clock: vec![1, 1, 1],
            consent: vec![
                consent(true, 9, 4, i64::MIN),
                consent(false, 3, 8, 77),
                consent(true, 2, i64::MIN, i64::MIN),
            ],
        };
        let persons = persons(columns).expect("grouped");
        assert_eq!(persons.consent, [consent(false, 3, 8, 77), consent(true, 2, i64::MIN, i64::MIN)]);
    }

    #[test]
    fn r36_groups_add_up_beyond_frames_of_nothing() {
        let group = |group, subjects, rows| Group { group, subjects, rows };
        let mut sums =
            groups(&[group(u64::MAX, 1, 2), group(3, 0, 1), group(u64::MAX, 2, 2), group(3, 1, 1)]).expect("sums");
        sums.sort_unstable_by_key(|g| g.group);
        assert_eq!(sums, [group(3, 1, 2), group(u64::MAX, 3, 4)]);
        assert_eq!(groups(&[]).expect("sums"), []);
        let none = persons(PersonColumns::default()).expect("grouped");
        assert_eq!(none.clock, Vec::<i64>::new());
    }
}
