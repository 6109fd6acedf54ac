//! What must stop a run before it reads: a table or a state that is not the newest, somebody else's commit, other keys.

use super::place::{JOB, Place, tree};
use crate::fault::{Fault, FaultStore};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use tamis::error::{Code, Error};
use tamis::job::Wrap;
use tamis::monitor::Silent;
use tamis::run;
use tamis::store::Root;

const NIGHTS: [&str; 3] = ["2024-06-01T00:00:00Z", "2024-06-02T00:00:00Z", "2024-06-03T00:00:00Z"];

/// Two versions of the small job.
fn two_versions() -> Place {
    let place = Place::of("whole");
    place.run(NIGHTS[0]).unwrap();
    place.run(NIGHTS[1]).unwrap();
    place
}

/// Runs the job once more; it must be refused, write nothing into the lake, and not touch the exports.
fn refusal(place: &Place) -> Error {
    let lake = tree(&place.path("lake"));
    let exports = Fault::counting();
    let counted = exports.clone();
    let wrap: Wrap = Arc::new(move |root: Root| match root.name.as_str() {
        "raw" => root.with_store(FaultStore::new(root.raw("").0, counted.clone())),
        _ => root,
    });
    for name in ["run", "plan"] {
        let call = place.wrapped(NIGHTS[2], wrap.clone());
        let outcome = if name == "run" { run::run(&call, &Silent) } else { run::plan(&call, &Silent) };
        let error = outcome.err().unwrap_or_else(|| panic!("{name} was not refused"));
        assert_eq!(exports.count(), 0, "{name}: exports were looked at before {error}");
        assert!(lake == tree(&place.path("lake")), "{name}: the lake has changed");
        assert!(error.help_text().is_some(), "{error}");
        if name == "plan" {
            return error;
        }
    }
    unreachable!()
}

fn entry(place: &Place, version: u64) -> std::path::PathBuf {
    place.path(&format!("lake/{JOB}/_delta_log/{version:020}.json"))
}

#[test]
fn a_table_that_was_restored_older_is_refused() {
    let place = two_versions();
    fs::remove_file(entry(&place, 1)).unwrap();
    let error = refusal(&place);
    assert_eq!(error.code(), Code::TableApart, "{error}");
    assert!(error.message().contains("version 1") && error.message().contains("version 0"), "{error}");
}

#[test]
fn a_table_that_is_gone_is_refused() {
    let place = two_versions();
    fs::remove_dir_all(place.path("lake").join(JOB)).unwrap();
    let error = refusal(&place);
    assert_eq!(error.code(), Code::TableApart, "{error}");
}

#[test]
fn a_state_that_was_restored_older_is_refused() {
    let place = Place::of("whole");
    place.run(NIGHTS[0]).unwrap();
    let older = place.copy();
    place.run(NIGHTS[1]).unwrap();
    fs::remove_dir_all(place.path("state")).unwrap();
    fs::rename(older.path("state"), place.path("state")).unwrap();
    assert_eq!(refusal(&place).code(), Code::StatePartOlder);
}

#[test]
fn a_commit_of_another_program_is_refused() {
    let place = two_versions();
    let foreign = r#"{"commitInfo":{"timestamp":1,"operation":"DELETE","operationParameters":{"predicate":"true"}}}"#;
    let remove = r#"{"remove":{"path":"x.parquet","dataChange":true,"deletionTimestamp":1}}"#;
    fs::write(entry(&place, 2), format!("{foreign}\n{remove}\n")).unwrap();
    let error = refusal(&place);
    assert_eq!(error.code(), Code::TableIsForeign, "{error}");
}

#[test]
fn r2_another_key_is_refused() {
    for name in ["identity.key", "token-2026a.key"] {
        let place = two_versions();
        place.put_key(name, 0x90);
        let error = refusal(&place);
        assert_eq!(error.code(), Code::KeyDiffers, "{error}");
        assert!(error.message().contains(name), "{error}");
    }
}

#[test]
fn keys_swapped_with_each_other_are_refused() {
    let place = two_versions();
    let [identity, token, aside] = ["identity.key", "token-2026a.key", "aside"].map(|n| place.path("keys").join(n));
    for (from, to) in [(&identity, &aside), (&token, &identity), (&aside, &token)] {
        fs::rename(from, to).unwrap();
    }
    assert_eq!(refusal(&place).code(), Code::KeyDiffers);
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let place = two_versions();
    let path = place.path("keys/identity.key");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = refusal(&place);
    assert_eq!(error.code(), Code::KeyExposed);
    assert!(error.help_text().unwrap().contains("chmod"), "{error}");
}

#[test]
fn a_state_that_was_never_made_is_refused() {
    let place = Place::bare("whole");
    let error = refusal(&place);
    assert_eq!(error.code(), Code::StateMissing);
    assert_eq!(tree(&place.path("state")), [], "and not made on the way");
}

#[test]
fn r26_a_dataset_keeps_its_output() {
    let place = two_versions();
    let job = place.path("specs/job.toml");
    let text = fs::read_to_string(&job).unwrap();
    fs::write(&job, text.replace("lake:contacts", "lake:elsewhere")).unwrap();
    assert_eq!(refusal(&place).code(), Code::OutputChanged);
}

#[test]
fn a_column_may_not_change_its_type() {
    let place = two_versions();
    let job = place.path("specs/job.toml");
    let text = fs::read_to_string(&job).unwrap();
    fs::write(
        &job,
        text.replace(r#"city = { from = "City", treat = "as-is" }"#, r#"city = { from = "City", treat = "present" }"#),
    )
    .unwrap();
    let error = place.run(NIGHTS[2]).err().unwrap();
    assert_eq!(error.code(), Code::ColumnUnfit, "{error}");
    assert!(error.message().contains("city"), "{error}");
}
