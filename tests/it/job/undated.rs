//! R42 over several nights: what is known of when persons were first seen, lost, swept, of another key, and erased.

use super::place::{JOB, Place, at, tree};
use std::fs;
use std::path::PathBuf;
use tamis::error::{Code, Kind};
use tamis::evidence::{LedgerEvent, Manifest, manifest::File};
use tamis::job::Call;
use tamis::monitor::Silent;
use tamis::state::{Accept, State};
use tamis::sweep;

const FIRST: &str = "2024-06-01T00:00:00Z";

fn state(place: &Place) -> State {
    State::open(&place.root("state")).unwrap()
}

fn current(place: &Place) -> Manifest {
    let current = state(place).dataset(JOB).unwrap().unwrap().current.unwrap();
    state(place).manifest(&current.run, current.attempt, &current.manifest).unwrap()
}

fn first_seen(place: &Place) -> File {
    current(place).output.first_seen.unwrap()
}

/// Files of persons that lie in the state.
fn files(place: &Place) -> Vec<PathBuf> {
    let files = tree(&place.path("state/companions")).into_iter().map(|(path, _)| path);
    files.filter(|path| path.extension().is_some_and(|extension| extension == "bin")).collect()
}

/// Sweeps at an instant long after all that lies in the state was written.
fn sweep_later(place: &Place, now: &str) {
    for file in files(place) {
        let written = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_micros(at(FIRST).0 as u64);
        fs::File::options().write(true).open(file).unwrap().set_modified(written).unwrap();
    }
    sweep::sweep(&place.call(now), &Silent).unwrap().outcome().unwrap();
}

/// Lets through what the last run was refused for.
fn accept(place: &Place) {
    let refused = |event: LedgerEvent| match event {
        LedgerEvent::Refused { as_of, plan: Some(plan), .. } => Some((as_of, plan)),
        _ => None,
    };
    let entries = state(place).ledger().entries().unwrap();
    let (as_of, plan) = entries.into_iter().rev().find_map(|entry| refused(entry.event)).unwrap();
    let accept = Accept { job: JOB.into(), plan, as_of, reason: "known".into(), by: None, at: as_of };
    state(place).accept(&accept).unwrap();
}

fn edit(place: &Place, file: &str, from: &str, to: &str) {
    let path = place.path("specs").join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// Refused until a person has said that everybody is to begin anew; then everybody does.
#[track_caller]
fn begins_anew_by_a_persons_word_only(place: &Place) {
    let error = place.run("2025-06-02T00:00:00Z").unwrap_err();
    assert_eq!((error.code(), error.kind()), (Code::FirstSeenLost, Kind::Gate));
    accept(place);
    let call = Call { as_of: None, ..place.call("2025-06-02T00:00:00Z") };
    let manifest = tamis::run::run(&call, &Silent).unwrap().manifest;
    assert_eq!((manifest.rows_out, manifest.undated.unwrap().new), (2, Some(2)));
    // Once is enough.
    assert_eq!(place.run("2025-06-03T00:00:00Z").unwrap().manifest.undated.unwrap().new, Some(0));
}

#[test]
fn r42_what_is_known_lies_in_one_file_that_the_manifest_names_and_old_ones_go() {
    let place = Place::of("first-seen");
    place.run(FIRST).unwrap();
    let first = first_seen(&place);
    assert_eq!((first.rows, files(&place).len()), (2, 1));
    place.run("2024-06-02T00:00:00Z").unwrap();
    assert_eq!(files(&place).len(), 2);
    sweep_later(&place, "2024-06-09T00:00:00Z");
    assert_eq!(files(&place), [place.path("state").join(first_seen(&place).path)]);
    assert!(first_seen(&place).path != first.path);
    // A sweep that removes everybody leaves it: whoever comes back has expired.
    sweep::sweep(&place.call("2025-06-01T00:00:00Z"), &Silent).unwrap().outcome().unwrap();
    assert_eq!((current(&place).rows_out, first_seen(&place).rows), (0, 2));
    edit(&place, "job.toml", "[limits]", "[limits]\nallow_empty = true");
    assert_eq!(place.run("2025-06-02T00:00:00Z").unwrap().manifest.rows_out, 0);
}

#[test]
fn r42_a_file_that_is_gone_or_another_one_stops_the_run() {
    for change in [fs::remove_file, |path: PathBuf| fs::write(path, b"tamis seen v1\0\0\0\0\0\0\0")] {
        let place = Place::of("first-seen");
        place.run(FIRST).unwrap();
        change(place.path("state").join(first_seen(&place).path)).unwrap();
        begins_anew_by_a_persons_word_only(&place);
    }
}

#[test]
fn r42_another_key_and_another_clock_before_let_nobody_begin_anew_unseen() {
    let place = Place::of("first-seen");
    place.run(FIRST).unwrap();
    edit(&place, "policy.toml", "[purposes", "[links]\nretired = [\"person@crm\"]\n\n[purposes");
    edit(&place, "sources/contact.toml", "person@crm", "person@new-crm");
    begins_anew_by_a_persons_word_only(&place);

    let place = Place::of("first-seen");
    edit(&place, "job.toml", "keep = \"P1Y\"\nclock = \"first-seen\"", "keep = \"until-absent\"\nreason = \"none\"");
    place.run(FIRST).unwrap();
    assert!(files(&place).is_empty());
    edit(&place, "job.toml", "keep = \"until-absent\"\nreason = \"none\"", "keep = \"P1Y\"\nclock = \"first-seen\"");
    begins_anew_by_a_persons_word_only(&place);
}

#[test]
fn r42_of_the_erased_nothing_stays_known() {
    let place = Place::of("first-seen");
    let list = "[lists.erasure]\ninput = \"requests:*.csv\"\neffect = \"erase\"\nmatch = { Email = \"email\" }\n\
                request = \"Case\"\nreceived = \"At\"\nmay_be_empty = true\n";
    edit(&place, "policy.toml", "[recipients.team]", &format!("{list}\n[recipients.team]"));
    place.run(FIRST).unwrap();
    assert_eq!(first_seen(&place).rows, 2);
    fs::write(place.path("requests/1.csv"), "Case,Email,At\nC-1,p1@example.org,2024-06-01\n").unwrap();
    sweep::sweep(&place.call("2024-06-02T00:00:00Z"), &Silent).unwrap().outcome().unwrap();
    assert_eq!((current(&place).rows_out, first_seen(&place).rows), (1, 1));
    // The export still names them.
    place.run("2024-06-03T00:00:00Z").unwrap();
    assert_eq!((current(&place).rows_out, first_seen(&place).rows), (1, 1));
    sweep_later(&place, "2024-06-09T00:00:00Z");
    assert_eq!(files(&place).len(), 1);
}

#[test]
fn r42_whoever_is_in_no_export_is_forgotten_once_their_time_would_be_over() {
    let place = Place::of("first-seen");
    place.run(FIRST).unwrap();
    place.export("contacts.csv", b"Id,Email,City\np2,p2@example.org,Bonn\n");
    place.run("2025-05-31T00:00:00Z").unwrap();
    assert_eq!(first_seen(&place).rows, 2);
    edit(&place, "job.toml", "[limits]", "[limits]\nallow_empty = true");
    place.run("2025-06-01T00:00:00Z").unwrap();
    assert_eq!(first_seen(&place).rows, 1);
}

#[test]
fn r42_a_set_without_a_date_is_not_read() {
    let place = Place::of("export-date-unsaid");
    assert_eq!(place.run("2024-06-10T00:00:00Z").unwrap_err().code(), Code::ExportDateUnknown);
    edit(&place, "sources/contact.toml", "marker = ", "set_format = \"%d-%m-%Y\"\nmarker = ");
    let undated = place.run("2024-06-10T00:00:00Z").unwrap().manifest.undated.unwrap();
    assert_eq!(undated.export_date, Some(at("2024-06-05T00:00:00Z")));
}
