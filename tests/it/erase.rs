//! Erased stays erased, over several nights: sweeps of what is published, bad nights, and what comes back.

use crate::canary::{Canary, Hit, Sweep};
use crate::fault::{Fault, FaultStore, Mode};
use crate::installation::{Contact, Installation, contacts, files};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::collections::BTreeMap;
use std::sync::Arc;
use tamis::error::{Code, Kind};
use tamis::evidence::{LedgerEvent, Manifest, verify};
use tamis::state::State;
use tamis::store::Root;

pub fn state(installation: &Installation) -> State {
    let folder = installation.path("state");
    State::open(&Root::open("state", folder.to_str().unwrap(), installation.handle()).unwrap()).unwrap()
}

/// The manifest of the current version.
pub fn current(installation: &Installation) -> Manifest {
    let state = state(installation);
    let current = state.dataset("contacts").unwrap().unwrap().current.unwrap();
    state.manifest(&current.run, current.attempt, &current.manifest).unwrap()
}

/// Rows of the current version, as far as its files are there, as (token of the contact, has an e-mail, city).
pub fn rows(installation: &Installation) -> Vec<(String, bool, String)> {
    use arrow::array::{Array, AsArray};
    let mut rows = Vec::new();
    for file in current(installation).output.files {
        let Ok(file) = std::fs::File::open(installation.path("lake").join(file.path)) else { continue };
        for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
            let batch = batch.unwrap();
            let [contact, email, city] = [0, 1, 2].map(|c| batch.column(c).as_string::<i32>().clone());
            rows.extend(
                (0..batch.num_rows())
                    .map(|r| (contact.value(r).to_string(), email.is_valid(r), city.value(r).to_string())),
            );
        }
    }
    rows
}

fn removed(manifest: &Manifest, reason: &str) -> u64 {
    manifest.removed.iter().find(|removed| removed.reason == reason).map_or(0, |removed| removed.rows)
}

#[track_caller]
fn evidence_holds(installation: &Installation) {
    let root = |name: &str| Root::open(name, installation.path(name).to_str().unwrap(), installation.handle()).unwrap();
    let lakes = BTreeMap::from([("lake".to_string(), root("lake"))]);
    let report = verify(&root("state"), &lakes, None).unwrap();
    assert_eq!(report.faults, Vec::<String>::new());
    assert_eq!(report.datasets, 1);
}

#[test]
fn a_sweep_applies_lists_and_keep_and_judges_k_again() {
    let installation = Installation::new();
    let mut people = contacts(0..30, -10);
    // Two years to the day after the sweep's: this one expires; its city keeps two.
    people[3].active = -725;
    installation.export("s1", &people);
    assert_eq!(installation.run(0).unwrap().manifest.rows_out, 30);
    let before = rows(&installation);

    // One named by e-mail, one by id: of the first city's three that leaves one, who falls for k = 2 (R36).
    installation.erase("1", &[("C-1", "PERSON00000@example.org", ""), ("C-2", "", "crm-00001")]);
    let report = installation.sweep(10).unwrap();
    report.outcome().unwrap();
    let manifest = current(&installation);
    assert_eq!((manifest.rows_in, manifest.rows_out), (30, 26));
    assert_eq!(["erased", "expired", "suppressed"].map(|reason| removed(&manifest, reason)), [2, 1, 1]);
    assert_eq!(report.datasets[0].version, Some(1));
    let after = rows(&installation);
    assert!(after.iter().all(|row| before.contains(row)), "what stays is as it was");
    assert!(after.iter().all(|(_, _, city)| city != "City 0"), "all of the first city are gone");
    evidence_holds(&installation);

    // Nothing more to do: nothing is written but what was written before.
    let written = files(installation.folder.path());
    assert_eq!(installation.sweep(10).unwrap().datasets[0].rewritten, 0);
    assert_eq!(files(&installation.path("lake")), files_in(&written, "lake", &installation));
}

fn files_in(
    files: &[(std::path::PathBuf, Vec<u8>)],
    below: &str,
    installation: &Installation,
) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    files.iter().filter(|(path, _)| path.starts_with(installation.path(below))).cloned().collect()
}

#[test]
fn r26_a_field_past_its_own_keep_is_nulled_by_a_sweep() {
    let installation = Installation::new();
    let mut people = contacts(0..6, -10);
    people[0].active = -360;
    installation.export("s1", &people);
    installation.run(0).unwrap();
    assert!(rows(&installation).iter().all(|(_, email, _)| *email));
    installation.sweep(20).unwrap().outcome().unwrap();
    let manifest = current(&installation);
    assert_eq!((manifest.rows_out, manifest.nulled), (6, 1));
    assert_eq!(rows(&installation).iter().filter(|(_, email, _)| !email).count(), 1);
    // Once is enough.
    installation.sweep(21).unwrap().outcome().unwrap();
    assert_eq!(current(&installation), manifest);
}

/// What a sweep leaves and what a run over the same rows writes are the same bytes.
#[test]
fn a_sweep_and_a_run_give_the_same_bytes() {
    let [swept, ran] = [(); 2].map(|()| Installation::new());
    let people: Vec<Contact> = contacts(0..3000, -10)
        .into_iter()
        .enumerate()
        .map(|(n, contact)| Contact { active: if n % 7 == 0 { -360 } else { -10 }, ..contact })
        .collect();
    let erased: Vec<(String, String)> =
        (0..3000).step_by(50).map(|n| (format!("C-{n}"), people[n].email.clone())).collect();
    let erased: Vec<(&str, &str, &str)> =
        erased.iter().map(|(case, email)| (case.as_str(), email.as_str(), "")).collect();
    std::fs::create_dir_all(swept.path("keys")).unwrap();
    swept.export("s1", &people);
    swept.run(0).unwrap();
    swept.erase("1", &erased);
    swept.sweep(20).unwrap().outcome().unwrap();
    for key in std::fs::read_dir(swept.path("keys")).unwrap() {
        let key = key.unwrap();
        std::fs::create_dir_all(ran.path("keys")).unwrap();
        std::fs::copy(key.path(), ran.path("keys").join(key.file_name())).unwrap();
    }
    ran.export("s1", &people);
    ran.erase("1", &erased);
    ran.run(20).unwrap();
    let bytes = |installation: &Installation| {
        let output = current(installation).output;
        let files = output.files.into_iter().map(|f| (f.rows, f.blake3));
        files.chain(output.companions.into_iter().map(|f| (f.rows, f.blake3))).collect::<Vec<_>>()
    };
    assert_eq!(current(&swept).rows_out, 2940);
    assert_eq!(bytes(&swept), bytes(&ran));
}

/// A row group of a file: rows, its bytes, what its footer says of the first column's values.
#[derive(Clone, PartialEq, Eq)]
struct Group {
    rows: i64,
    bytes: Vec<u8>,
    bounds: [Vec<u8>; 2],
}

/// The row groups of the one file, or of its companion.
fn row_groups(path: &std::path::Path) -> Vec<Group> {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let bytes = bytes::Bytes::from(std::fs::read(path).unwrap());
    let reader = SerializedFileReader::new(bytes.clone()).unwrap();
    let group = |group: &parquet::file::metadata::RowGroupMetaData| {
        assert_eq!(group.sorting_columns().map(|s| (s.len(), s[0].column_idx, s[0].descending)), Some((1, 0, false)));
        for column in group.columns() {
            assert!(column.bloom_filter_offset().is_none() && column.column_index_offset().is_none());
            assert!(column.offset_index_offset().is_none());
        }
        let ranges = || group.columns().iter().map(|column| column.byte_range());
        let (start, end) = (ranges().map(|r| r.0).min().unwrap(), ranges().map(|r| r.0 + r.1).max().unwrap());
        let bounds = group.column(0).statistics().unwrap();
        let bounds = [bounds.min_bytes_opt().unwrap().to_vec(), bounds.max_bytes_opt().unwrap().to_vec()];
        Group { rows: group.num_rows(), bytes: bytes[start as usize..end as usize].to_vec(), bounds }
    };
    reader.metadata().row_groups().iter().map(group).collect()
}

/// Data file and companion of the current version.
fn both(installation: &Installation) -> [std::path::PathBuf; 2] {
    let output = current(installation).output;
    assert_eq!((output.files.len(), output.companions.len()), (1, 1));
    [installation.path("lake").join(&output.files[0].path), installation.path("state").join(&output.companions[0].path)]
}

#[test]
fn a_sweep_copies_row_groups_that_lose_nobody_and_no_bound_of_the_others_is_left() {
    let installation = Installation::new();
    let people = contacts(0..69_999, -10);
    installation.export("s1", &people);
    installation.run(0).unwrap();
    let before = rows(&installation);
    let old = both(&installation).map(|path| row_groups(&path));
    assert_eq!(old[0].iter().map(|group| group.rows).collect::<Vec<_>>(), [16_384, 16_384, 16_384, 16_384, 4_463]);
    // Whoever is the last of the second row group goes, and with them their city.
    let last = String::from_utf8(old[0][1].bounds[1].clone()).unwrap();
    let city = &before.iter().find(|row| row.0 == last).unwrap().2;
    let gone: Vec<&Contact> = people.iter().filter(|contact| contact.city == *city).collect();
    let asked: Vec<(&str, &str, &str)> =
        ["C-1", "C-2", "C-3"].into_iter().zip(gone).map(|(case, contact)| (case, contact.email.as_str(), "")).collect();
    installation.erase("1", &asked);
    installation.sweep(1).unwrap().outcome().unwrap();
    let after = rows(&installation);
    let left: Vec<_> = before.iter().filter(|row| row.2 != *city).cloned().collect();
    assert!(after == left, "everybody else is there, in order");
    for (old, path) in old.iter().zip(both(&installation)) {
        let new = row_groups(&path);
        assert_eq!(new.len(), old.len());
        let changed: Vec<usize> = (0..old.len()).filter(|at| new[*at].rows != old[*at].rows).collect();
        assert!(changed.contains(&1) && changed.len() <= 3, "{changed:?}");
        let copied = (0..old.len()).filter(|at| !changed.contains(at));
        assert!(copied.into_iter().all(|at| new[at] == old[at]), "byte for byte");
        assert!(new[1].bounds[1] != old[1].bounds[1], "the greatest token is another one");
        let bytes = std::fs::read(path).unwrap();
        assert!(!bytes.windows(last.len()).any(|part| part == last.as_bytes()), "in no footer");
    }
    evidence_holds(&installation);
}

#[test]
fn a_bad_night_keeps_nobody_online() {
    let installation = Installation::new();
    let people = contacts(0..30, -10);
    installation.export("s1", &people);
    installation.run(0).unwrap();
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    // Half of the export is missing: the brake stops the run, and the erasure is applied all the same.
    installation.export("s2", &people[..15]);
    let error = installation.run(1).unwrap_err();
    assert_eq!(error.code(), Code::Brake);
    assert!(error.help_text().unwrap().contains("1 rows dropped, now version 1"), "{:?}", error.help_text());
    assert_eq!(rows(&installation).len(), 29);
    // No complete export at all.
    installation.write("raw/s3/contacts.csv", "Id,Email,City,Active\n");
    std::fs::remove_dir_all(installation.path("raw/s2")).unwrap();
    std::fs::remove_dir_all(installation.path("raw/s1")).unwrap();
    installation.erase("2", &[("C-2", "person00007@example.org", "")]);
    assert_eq!(installation.run(2).unwrap_err().code(), Code::ExportNotWhole);
    assert_eq!(rows(&installation).len(), 28);
    // An unreadable request: the readable ones are applied first (R31).
    installation.erase("3", &[("C-3", "person00010@example.org", ""), ("bad case", "x@example.org", "")]);
    installation.export("s4", &people);
    assert_eq!(installation.run(3).unwrap_err().code(), Code::RequestListUnreadable);
    assert_eq!(rows(&installation).len(), 27);
    evidence_holds(&installation);
    let kinds = state(&installation).ledger().entries().unwrap().into_iter().map(|entry| entry.event);
    assert_eq!(kinds.filter(|event| matches!(event, LedgerEvent::Swept { .. })).count(), 3);
}

#[test]
fn r28_before_the_last_instant_nothing_is_swept() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..6, -10));
    installation.run(5).unwrap();
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    assert_eq!(installation.run(4).unwrap_err().code(), Code::AsOfWrong);
    assert_eq!(installation.sweep(4).unwrap().outcome().unwrap_err().code(), Code::AsOfWrong);
    assert_eq!(rows(&installation).len(), 6);
}

#[test]
fn the_refused_runs_own_sweep_does_not_undo_its_acceptance() {
    let installation = Installation::new();
    let people = contacts(0..30, -10);
    installation.export("s1", &people);
    installation.run(0).unwrap();
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.export("s2", &people[..15]);
    installation.run(1).unwrap_err();
    let state = state(&installation);
    let refused = state.ledger().entries().unwrap().into_iter().rev().find_map(|entry| match entry.event {
        LedgerEvent::Refused { plan, as_of, .. } => Some((plan.unwrap(), as_of)),
        _ => None,
    });
    let (plan, as_of) = refused.unwrap();
    let accept = tamis::state::Accept {
        job: "contacts".into(),
        plan,
        as_of,
        reason: "half of them left".into(),
        by: None,
        at: installation.at(1),
    };
    state.accept(&accept).unwrap();
    assert_eq!(installation.run(1).unwrap().manifest.rows_out, 14);
}

/// Everything of a person in lake and state: raw values in every form, the token as text and as bytes.
pub fn traces(installation: &Installation, person: &Contact, token: &str) -> Vec<Hit> {
    found(installation, &looking_for(person, token))
}

fn looking_for(person: &Contact, token: &str) -> Sweep {
    let bytes: Vec<u8> =
        (0..token.len()).step_by(2).map(|at| u8::from_str_radix(&token[at..at + 2], 16).unwrap()).collect();
    Sweep::new(&[
        Canary::whole("e-mail", person.email.as_str()),
        Canary::whole("id", person.id.as_str()),
        Canary::secret("token", &bytes),
    ])
}

fn found(installation: &Installation, sweep: &Sweep) -> Vec<Hit> {
    let mut hits = sweep.tree(&installation.path("lake"));
    hits.extend(sweep.tree(&installation.path("state")));
    hits
}

/// The token of the one who is in `before` and not in `after`.
pub fn token_of(before: &[(String, bool, String)], after: &[(String, bool, String)]) -> String {
    let gone: Vec<_> = before.iter().filter(|row| after.iter().all(|other| other.0 != row.0)).collect();
    assert_eq!(gone.len(), 1);
    gone[0].0.clone()
}

#[test]
fn after_removal_no_byte_on_the_local_disk_holds_the_person() {
    let installation = Installation::new();
    let people = contacts(0..30, -10);
    installation.export("s1", &people);
    installation.run(0).unwrap();
    installation.export("s2", &people);
    installation.run(1).unwrap();
    let before = rows(&installation);
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.sweep(2).unwrap().outcome().unwrap();
    let token = token_of(&before, &rows(&installation));
    assert!(traces(&installation, &people[4], &token).len() > 2, "within grace the bytes are there, and are found");
    let waiting = installation.sweep(2).unwrap().datasets.remove(0).removal;
    assert!(waiting.waiting > 0 && waiting.watermark < Some(installation.at(2)), "{waiting:?}");
    // What crashes leave: a staging file of the local store, and an attempt that was never committed.
    let part = current(&installation).output.files[0].path.clone();
    let old = std::fs::read_dir(installation.path("lake/crm/contacts")).unwrap().map(|e| e.unwrap().path());
    let old = old.filter(|path| path.is_file() && !path.ends_with(&part)).min().unwrap();
    std::fs::copy(&old, installation.path("lake/crm/contacts/part-00000.parquet#7")).unwrap();
    let (run, _) = tamis::publish::written_by(old.file_name().unwrap().to_str().unwrap()).unwrap();
    std::fs::copy(&old, installation.path(&format!("lake/crm/contacts/part-00000-{run}-9.parquet"))).unwrap();

    let removal = installation.sweep(5).unwrap().datasets.remove(0).removal;
    assert_eq!((removal.waiting, removal.held, removal.next), (0, 0, None));
    assert_eq!(removal.watermark, Some(installation.at(2)));
    for what in ["files", "companions", "log", "orphans", "staging"] {
        assert!(removal.objects.contains_key(what), "{what}: {:?}", removal.objects);
    }
    assert_eq!(traces(&installation, &people[4], &token), []);
    evidence_holds(&installation);
    let ledger = state(&installation).ledger().entries().unwrap();
    assert!(
        matches!(&ledger.last().unwrap().event, LedgerEvent::Removed { watermark, .. } if *watermark == removal.watermark)
    );
    // The table goes on from its checkpoint.
    installation.export("s3", &people);
    assert_eq!(installation.run(6).unwrap().manifest.rows_out, 29);
    assert_eq!(rows(&installation).len(), 29);
    evidence_holds(&installation);
}

#[test]
fn r34_a_hold_keeps_bytes_visibly_and_no_row() {
    let installation = Installation::new();
    let hold = "[lists.litigation]\ninput = \"requests:hold/*.csv\"\neffect = \"hold\"\nmatch = { Email = \"email\" }\nrequest = \"Case\"\nreceived = \"At\"\nmay_be_empty = true\n\
        [lists.released]\ninput = \"requests:lift/*.csv\"\neffect = \"lift\"\nlifts = \"Ends\"\nrequest = \"Case\"\nreceived = \"At\"\nmay_be_empty = true\n[removal]";
    installation.edit("jobs/policy.toml", "[removal]", hold);
    installation.edit("jobs/policy.toml", "grace = \"PT24H\"", "grace = \"PT24H\"\nraw_keep = \"P2D\"");
    let people = contacts(0..30, -10);
    installation.export("s1", &people);
    installation.run(0).unwrap();
    let before = rows(&installation);
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.write("requests/hold/1.csv", "Case,At,Email\nH-1,2026-10-01,person00004@example.org\n");
    installation.sweep(1).unwrap().outcome().unwrap();
    let token = token_of(&before, &rows(&installation));
    let report = installation.sweep(5).unwrap();
    assert_eq!(report.datasets[0].removal.held, 1);
    assert!(report.datasets[0].removal.watermark < Some(installation.at(1)));
    assert_eq!((report.raw.held, report.raw.removed), (1, 0));
    assert!(!traces(&installation, &people[4], &token).is_empty());
    // Lifted: now they go.
    installation.write("requests/lift/1.csv", "Case,At,Ends\nL-1,2026-11-02,H-1\n");
    let report = installation.sweep(6).unwrap();
    report.outcome().unwrap();
    assert_eq!(report.datasets[0].removal.held, 0);
    assert_eq!((report.raw.held, report.raw.removed, report.raw.remaining), (0, 1, 0));
    assert_eq!(traces(&installation, &people[4], &token), []);
    assert_eq!(files(&installation.path("raw")).len(), 1, "the marker holds nothing of anybody");
}

#[test]
fn a_sweep_cut_short_at_any_operation_converges() {
    let start = Installation::new();
    let people = contacts(0..30, -10);
    start.export("s1", &people);
    start.run(0).unwrap();
    let before = rows(&start);
    start.erase("1", &[("C-1", "person00004@example.org", "")]);
    let with = |installation: &mut Installation, fault: &Arc<Fault>| {
        let fault = fault.clone();
        installation.wrap = Some(Arc::new(move |root: Root| {
            let inner = root.raw("").0;
            root.with_store(FaultStore::new(inner, fault.clone()))
        }));
    };
    // Two sweeps: one that rewrites, one that removes what it replaced.
    let (mut clean, all) = (start.copy(), Fault::counting());
    with(&mut clean, &all);
    clean.sweep(1).unwrap().outcome().unwrap();
    clean.sweep(3).unwrap().outcome().unwrap();
    let wanted = rows(&clean);
    let sweep = looking_for(&people[4], &token_of(&before, &wanted));
    assert!(all.count() > 60, "{}", all.count());
    for (mode, for_ever) in [(Mode::FailBefore, true), (Mode::FailAfter, false), (Mode::AnswerExists, false)] {
        for k in 1..=all.count() {
            let mut installation = start.copy();
            with(&mut installation, &Fault::new(mode, k, for_ever));
            let what = format!("{mode:?} at {k}");
            for day in [1, 3] {
                if let Err(error) = installation.sweep(day).and_then(|report| report.outcome()) {
                    assert!(matches!(error.kind(), Kind::Storage | Kind::Unknown), "{what}: {error}");
                }
            }
            installation.wrap = None;
            for day in [5, 7] {
                installation.sweep(day).and_then(|report| report.outcome()).unwrap_or_else(|e| panic!("{what}: {e}"));
            }
            assert_eq!(rows(&installation), wanted, "{what}");
            assert_eq!(found(&installation, &sweep), [], "{what}");
            evidence_holds(&installation);
        }
    }
}
