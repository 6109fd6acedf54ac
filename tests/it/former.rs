//! What an earlier tamis left in a user's state is read, and made anew by what is written next. `fixtures/states` has
//! such states, each as one version of tamis left it.

use crate::installation::Installation;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::collections::{BTreeMap, BTreeSet};
use tamis::evidence::{Manifest, verify};
use tamis::publish::Companions;
use tamis::state::State;

/// Companions with whole tokens, identities of 32 bytes, and columns of consent whether there is any or not.
fn wide() -> Installation {
    Installation::kept("wide-companions", "2026-03-01T02:00:00Z")
}

fn current(installation: &Installation, job: &str) -> Manifest {
    let state = State::open(&installation.root("state")).unwrap();
    let current = state.dataset(job).unwrap().unwrap().current.unwrap();
    state.manifest(&current.run, current.attempt, &current.manifest).unwrap()
}

/// Types of the columns that hold persons, of every companion of the current version.
fn columns(installation: &Installation, job: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for companion in current(installation, job).output.companions {
        let file = std::fs::File::open(installation.path("state").join(&companion.path)).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        for column in reader.metadata().file_metadata().schema_descr().columns() {
            let (name, kind) = (column.name(), column.physical_type());
            if name == "subject" || name.starts_with("identity_") || name == "since" {
                found.insert(format!("{name} {kind} {}", column.type_length()));
            }
        }
    }
    found
}

/// What companions say of rows, by person: everything but which bits of a token they hold.
fn rows(installation: &Installation, job: &str) -> BTreeMap<[u8; 16], String> {
    let (state, mut rows) = (installation.root("state"), BTreeMap::new());
    for file in current(installation, job).output.companions {
        let mut companions = Companions::open(&state, &file.path).unwrap();
        while let Some(group) = companions.next_group().unwrap() {
            for row in 0..group.rows() {
                let slots = (0..group.identities()).map(|slot| (group.mark(row, slot), group.identity(row, slot)));
                let slots: Vec<_> = slots.collect();
                let consent = (group.since(row), group.consent_until(row));
                let untils: Vec<i64> = (0..group.field_untils()).map(|k| group.field_until(row, k)).collect();
                let quasis: Vec<u64> = (0..group.quasis()).map(|q| group.quasi(row, q)).collect();
                let all = (group.first(row), slots, group.keep_until(row), consent, untils, quasis);
                rows.insert(*group.person(row), format!("{all:?}"));
            }
        }
    }
    rows
}

#[track_caller]
fn evidence_holds(installation: &Installation) {
    let lakes = BTreeMap::from([("lake".to_string(), installation.root("lake"))]);
    let report = verify(&installation.root("state"), &lakes, None).unwrap();
    assert_eq!((report.faults, report.datasets), (Vec::<String>::new(), 2));
}

const WIDE: [&str; 3] = ["identity_0 FIXED_LEN_BYTE_ARRAY 32", "since INT64 -1", "subject FIXED_LEN_BYTE_ARRAY 16"];

#[track_caller]
fn is_wide(installation: &Installation, job: &str, wide: bool) {
    let columns = columns(installation, job);
    assert!(WIDE.iter().all(|column| columns.contains(*column)) == wide, "{job}: {columns:?}");
    assert!(columns.contains("identity_0 FIXED_LEN_BYTE_ARRAY 16") != wide, "{job}: {columns:?}");
}

#[test]
fn r40_a_sweep_reads_wide_companions_and_rewrites_those_that_lose_a_row() {
    let installation = wide();
    evidence_holds(&installation);
    for job in ["contacts", "letters"] {
        is_wide(&installation, job, true);
    }
    let before = rows(&installation, "contacts");
    // Of the third of its city whom nobody else has erased: the last one of it falls with it (R36). Letters have neither.
    installation.write("lists/erasure-2.csv", "Case,At,Id,Email\nC-2,2026-03-02,,p06@example.org\n");
    installation.sweep(2).unwrap().outcome().unwrap();
    let manifest = current(&installation, "contacts");
    assert_eq!((manifest.rows_in, manifest.rows_out), (22, 20));
    is_wide(&installation, "contacts", false);
    is_wide(&installation, "letters", true);
    let after = rows(&installation, "contacts");
    assert_eq!(after.len(), 20);
    assert!(after.iter().all(|(person, row)| before.get(person) == Some(row)), "what stays is as it was");
    evidence_holds(&installation);
    // Companions of both forms serve the next one, and what its rows say of consent is kept.
    let consents = rows(&installation, "letters");
    installation.write("lists/erasure-3.csv", "Case,At,Id,Email\nC-3,2026-03-03,A21,\n");
    installation.sweep(3).unwrap().outcome().unwrap();
    assert_eq!(["contacts", "letters"].map(|job| current(&installation, job).rows_out), [19, 10]);
    is_wide(&installation, "letters", false);
    let after = rows(&installation, "letters");
    assert!(after.iter().all(|(person, row)| consents.get(person) == Some(row)), "what stays is as it was");
    evidence_holds(&installation);
}

#[test]
fn r35_a_run_counts_who_is_absent_since_a_version_with_wide_companions() {
    let installation = wide();
    installation.edit("raw/contacts.csv", "A20,,p20@example.org,City 5,no,,2026-01-21\n", "");
    let report = installation.run(2).unwrap();
    assert_eq!((report.manifest.rows_out, report.manifest.absent), (21, Some(1)));
    is_wide(&installation, "contacts", false);
    // What a request learned by a link when identities were kept whole still names the row (R18).
    assert_eq!(report.manifest.lists.iter().map(|list| (list.reached, list.learned)).collect::<Vec<_>>(), [(1, 0)]);
    evidence_holds(&installation);
}
