//! R68 over several nights: of an erased second person of a row the cells go in a sweep, as they would in a run.

use super::place::Place;
use super::table::Table;
use crate::canary::{Canary, Sweep};
use std::fs;
use tamis::evidence::Manifest;
use tamis::job::SubjectCall;
use tamis::monitor::Silent;
use tamis::questions;
use tamis::sweep::{SweepReport, sweep};
use zeroize::Zeroizing;

const FIRST: &str = "2024-06-01T00:00:00Z";
const SECOND: &str = "2024-06-02T00:00:00Z";
const THIRD: &str = "2024-06-03T00:00:00Z";

fn rows(place: &Place) -> Vec<(String, bool, Option<String>)> {
    let table = Table::newest(&place.root("lake"), "contacts").unwrap();
    let row = |row: Vec<Option<String>>| (row[1].clone().unwrap(), row[2].is_some(), row[3].clone());
    let mut rows: Vec<_> = table.rows().into_iter().map(row).collect();
    rows.sort();
    rows
}

fn swept(place: &Place, now: &str) -> SweepReport {
    let report = sweep(&place.call(now), &Silent).unwrap();
    report.outcome().unwrap();
    report
}

fn manifest(place: &Place) -> Manifest {
    let state = tamis::state::State::open(&place.root("state")).unwrap();
    let current = state.dataset("contacts").unwrap().unwrap().current.unwrap();
    state.manifest(&current.run, current.attempt, &current.manifest).unwrap()
}

fn erase(place: &Place, case: &str, id: &str) {
    let list = format!("Case,RequestedAt,ContactId,Email\n{case},2024-05-01,{id},\n");
    fs::write(place.path("requests").join(format!("erasure-{case}.csv")), list).unwrap();
}

/// A case of which nobody is erased yet.
fn published() -> Place {
    let place = Place::of("other-persons");
    erase(&place, "1", "99");
    place.run(FIRST).unwrap_or_else(|error| panic!("{error}"));
    place
}

#[test]
fn r68_a_sweep_takes_the_cells_and_leaves_the_rows_and_does_so_once() {
    let place = published();
    assert_eq!(rows(&place).len(), 5, "Celle is a group of one");
    erase(&place, "C-7", "23");
    let report = swept(&place, SECOND);
    assert_eq!(report.datasets[0].rewritten, 1);
    let after = manifest(&place);
    assert_eq!((after.rows_in, after.rows_out, after.nulled), (5, 5, 2), "Ulm keeps two, and null has three");
    assert_eq!(
        after.others.iter().map(|other| (other.name.as_str(), other.rows)).collect::<Vec<_>>(),
        [("second-contact", 1)]
    );
    let told = rows(&place);
    assert_eq!(told.iter().filter(|(_, second, city)| !second && city.is_none()).count(), 3, "{told:?}");
    place.holds(tamis::clock::Instant::parse(SECOND).unwrap(), "after the sweep");

    // Once is enough, and the request is done.
    swept(&place, THIRD);
    assert_eq!(manifest(&place), after);
}

#[test]
fn r68_a_sweep_and_a_run_give_the_same_table_and_groups_are_counted_over_what_is_left() {
    let (swept_place, ran) = (published(), published());
    for place in [&swept_place, &ran] {
        erase(place, "C-7", "21");
        erase(place, "C-8", "22");
    }
    swept(&swept_place, SECOND);
    ran.run(SECOND).unwrap_or_else(|error| panic!("{error}"));
    // Of Ulm one is left, who falls for k = 2 in both; the run alone brings back the row that the first one suppressed.
    let of = |place: &Place| rows(place).iter().filter(|(_, second, _)| *second).count();
    assert_eq!((of(&swept_place), of(&ran)), (0, 0));
    assert_eq!((rows(&swept_place).len(), rows(&ran).len()), (4, 5));
}

#[test]
fn r68_the_other_person_is_explained_and_found_as_another_one() {
    let place = published();
    erase(&place, "C-7", "21");
    let asking = |values: &str| SubjectCall {
        dir: place.path("specs"),
        roots: Vec::new(),
        now: tamis::clock::Instant::parse(SECOND).unwrap(),
        runtime: place.call(SECOND).runtime,
        wrap: None,
        values: Zeroizing::new(values.into()),
    };
    let found = questions::find::find(&asking("person@crm: 21\n")).unwrap();
    let erasure = &found.datasets[0].erasure;
    assert_eq!((erasure.rows, erasure.as_other), (0, 1), "row 4 was suppressed");
    place.run(SECOND).unwrap_or_else(|error| panic!("{error}"));
    let told = questions::explain::explain(&asking("person@crm: 21\n"), &place.call(THIRD), &Silent).unwrap();
    let dataset = &told.datasets[0];
    assert_eq!((dataset.rows, dataset.rows_as_other, dataset.requests.len()), (0, 2, 1));
    let export = dataset.export.as_ref().unwrap();
    let said: Vec<_> =
        export.rows.iter().map(|rows| (rows.rows, rows.reason.as_str(), rows.other.as_deref())).collect();
    assert_eq!(said, [(2, "null-cells", Some("second-contact"))]);
    // The table still has no cell of theirs, and nothing raw is anywhere.
    let planted: Vec<Canary> = ["x21@kunden.example", "a1@kunden.example"].map(|cell| Canary::whole(cell, cell)).into();
    let sweep = Sweep::new(&planted);
    for folder in ["lake", "state"] {
        assert_eq!(sweep.tree(&place.path(folder)), []);
    }
}
