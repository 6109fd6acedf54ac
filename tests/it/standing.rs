//! What is said of requests: how far they have come, why somebody is not there, the report of a case. And what happens
//! when keys, state, list files or the lake are not what they were.

use crate::erase::{current, rows, state, token_of, traces};
use crate::installation::{Installation, contacts, files};
use tamis::error::Code;
use tamis::evidence::LedgerEvent;
use tamis::monitor::Silent;
use tamis::questions::{case, explain, request_status};

fn word(installation: &Installation, day: i64) -> Vec<(String, u64)> {
    request_status::standings(&installation.asking(day, ""), 10).unwrap().counts.into_iter().collect()
}

#[test]
fn a_request_goes_from_received_to_removed_and_says_only_what_is_so() {
    let installation = Installation::new();
    let people = contacts(0..30, -10);
    installation.export("s1", &people);
    installation.run(0).unwrap();
    installation.erase("1", &[("C-1", "person00004@example.org", ""), ("C-2", "nobody@example.org", "")]);
    installation.sweep(1).unwrap().outcome().unwrap();
    assert_eq!(word(&installation, 1), [("applied".into(), 1), ("unmatched".into(), 1)]);
    let standings = request_status::standings(&installation.asking(1, ""), 10).unwrap();
    let open: Vec<_> = standings.open.iter().map(|open| (open.request.as_str(), open.state.word())).collect();
    assert_eq!(open, [("C-1", "applied"), ("C-2", "unmatched")], "who matched nobody is not done either");
    assert!(standings.overdue == 2 && standings.open[0].days_left < 0, "received in October, due in thirty days");
    assert!(standings.datasets[0].removed < Some(installation.at(1)));
    installation.sweep(5).unwrap().outcome().unwrap();
    assert_eq!(word(&installation, 5), [("removed".into(), 1), ("unmatched".into(), 1)]);
    // The export still has the person: they are kept out, and `removed` stays true.
    installation.export("s2", &people);
    assert_eq!(installation.run(6).unwrap().manifest.rows_out, 29);
    assert_eq!(word(&installation, 6), [("removed".into(), 1), ("unmatched".into(), 1)]);
}

#[test]
fn dates_of_requests_are_told_and_counted_by_the_calendar_of_their_list() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    installation.edit("jobs/policy.toml", "[lists.erasure]", "[lists.erasure]\nzone = \"Europe/Berlin\"");
    let list = "Case,At,Email,Id\nC-1,2026-01-31,person00004@example.org,\n";
    installation.write("requests/erasure/1.csv", list);
    installation.sweep(1).unwrap().outcome().unwrap();
    let report = case::report(&installation.asking(2, ""), "C-1").unwrap();
    let part = &report.parts[0];
    let told = [part.received, part.due].map(|at| tamis::clock::local(at, &part.zone));
    assert_eq!(told, ["2026-01-31T00:00:00+01:00", "2026-02-28T00:00:00+01:00"]);
    assert_eq!(part.received.to_string(), "2026-01-30T23:00:00Z", "as it is stored, and in JSON");
    let json = serde_json::to_value(part).unwrap();
    assert!(json["received"] == "2026-01-30T23:00:00Z" && json.get("zone").is_none(), "{json}");
}

#[test]
fn explain_names_request_rule_and_version_and_the_asking_is_in_the_ledger() {
    let installation = Installation::new();
    let mut people = contacts(0..30, -10);
    people[7].active = -725;
    installation.export("s1", &people);
    installation.run(0).unwrap();
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.sweep(10).unwrap().outcome().unwrap();
    let day = std::cell::Cell::new(10);
    let ask = |values: &str| {
        day.set(day.get() + 1);
        let who = installation.asking(day.get(), values);
        explain::explain(&who, &installation.call(10), &Silent).unwrap().datasets.remove(0)
    };
    let erased = ask("email: PERSON00004@example.org");
    assert_eq!((erased.rows, erased.version), (0, Some(1)));
    assert_eq!((erased.requests[0].request.as_str(), erased.requests[0].by.as_str()), ("C-1", "named"));
    assert!(erased.requests[0].rule.as_ref().unwrap().contains("policy.toml:"), "{:?}", erased.requests[0].rule);
    assert_eq!(erased.export.as_ref().unwrap().rows[0].reason, "erased");
    let vanished = erased.vanished.unwrap();
    assert_eq!((vanished.version, vanished.how), (1, "seen"));
    let expired = ask("crm-id@test: crm-00007");
    let export = expired.export.unwrap();
    assert_eq!((export.set.as_deref(), export.rows[0].reason.as_str()), (Some("s1"), "expired"));
    assert!(export.rows[0].rule.as_ref().unwrap().contains("contacts.toml:"));
    assert!(export.rows[0].keep_until.unwrap() <= installation.at(10));
    let there = ask("email: person00010@example.org");
    assert!(there.rows == 1 && there.keep_until.is_some() && there.export.is_none() && there.vanished.is_none());
    let nobody = ask("email: nobody@example.org");
    assert!(nobody.rows == 0 && nobody.export.unwrap().rows.is_empty() && nobody.vanished.is_none());
    let asked = state(&installation).ledger().entries().unwrap();
    let asked = asked.iter().filter(|e| matches!(&e.event, LedgerEvent::Asked { command } if command == "explain"));
    assert_eq!(asked.count(), 4);
}

#[test]
fn the_report_of_a_case_holds_no_value_and_no_small_count() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.sweep(1).unwrap().outcome().unwrap();
    let report = case::report(&installation.asking(2, ""), "C-1").unwrap();
    assert_eq!((report.state.word(), report.raw_exports.as_str()), ("applied", "fewer than 10"));
    let dataset = &report.parts[0].datasets[0];
    assert_eq!((dataset.version, dataset.rows.as_deref()), (Some(1), Some("fewer than 10")));
    assert!(!dataset.waits.is_empty());
    let said = serde_json::to_string(&report).unwrap();
    assert!(!said.contains("person00004") && !said.contains("example.org"));
    assert_eq!(case::report(&installation.asking(2, ""), "C-9").unwrap_err().code(), Code::NameUnknown);
}

#[test]
fn a_new_epoch_rebuilds_the_dataset_and_old_requests_still_match() {
    let installation = Installation::new();
    let people = contacts(0..30, -10);
    installation.export("s1", &people);
    installation.run(0).unwrap();
    let before = rows(&installation);
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.edit("jobs/policy.toml", "epoch = \"2026a\"", "epoch = \"2026b\"");
    tamis::key::create(installation.path("keys").to_str().unwrap(), "2026b").unwrap();
    // A sweep keeps the tokens of the version it is about.
    installation.sweep(1).unwrap().outcome().unwrap();
    assert_eq!(current(&installation).keys.epoch, "2026a");
    let old = token_of(&before, &rows(&installation));
    let manifest = installation.run(2).unwrap().manifest;
    assert_eq!((manifest.rows_out, manifest.keys.epoch.as_str(), manifest.absent), (29, "2026b", None));
    let after = rows(&installation);
    assert!(after.iter().all(|(token, ..)| before.iter().all(|(other, ..)| other != token)));
    installation.sweep(5).unwrap().outcome().unwrap();
    assert_eq!(traces(&installation, &people[4], &old), []);
    assert_eq!(traces(&installation, &people[9], &before[0].0).iter().filter(|hit| hit.canary == "token").count(), 0);
    // Back to the old one: refused, and the message says why.
    installation.edit("jobs/policy.toml", "epoch = \"2026b\"", "epoch = \"2026a\"");
    let error = installation.run(6).unwrap_err();
    assert!(error.code() == Code::EpochReused && error.help_text().unwrap().contains("never mixed"), "{error}");
}

#[test]
fn erased_stay_erased_when_list_files_state_keys_or_lake_are_not_what_they_were() {
    let installation = Installation::new();
    let people = contacts(0..30, -10);
    installation.export("s1", &people);
    installation.run(0).unwrap();
    let old_lake = tempfile::tempdir().unwrap();
    copy(&installation.path("lake"), old_lake.path());
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.sweep(1).unwrap().outcome().unwrap();
    // The list file is gone, and the same export comes again.
    std::fs::remove_file(installation.path("requests/erasure/1.csv")).unwrap();
    assert_eq!(installation.run(2).unwrap().manifest.rows_out, 29);
    // An older output is put back: refused.
    let new_lake = tempfile::tempdir().unwrap();
    copy(&installation.path("lake"), new_lake.path());
    std::fs::remove_dir_all(installation.path("lake")).unwrap();
    copy(old_lake.path(), &installation.path("lake"));
    let error = installation.run(3).unwrap_err();
    assert_eq!(error.code(), Code::TableApart, "{error}");
    assert!(error.help_text().unwrap().contains("bring erased persons back"), "{error}");
    std::fs::remove_dir_all(installation.path("lake")).unwrap();
    copy(new_lake.path(), &installation.path("lake"));
    // Another identity key: refused, and the message says what it means.
    let key = std::fs::read(installation.path("keys/identity.key")).unwrap();
    std::fs::write(installation.path("keys/identity.key"), "0123456789abcdef".repeat(4)).unwrap();
    let error = installation.run(4).unwrap_err();
    assert_eq!(error.code(), Code::KeyDiffers, "{error}");
    assert!(error.help_text().unwrap().contains("no stored erasure would match"), "{error}");
    std::fs::write(installation.path("keys/identity.key"), key).unwrap();
    // A kind of identifier that stored requests may name is no longer read: refused.
    installation.edit("jobs/sources/contact.toml", "identifier = \"email\"", "identifier = \"mail@other\"");
    installation.edit("jobs/policy.toml", "Email = \"email\"", "Email = \"mail@other\"");
    assert_eq!(installation.run(4).unwrap_err().code(), Code::IdentifierGone);
    installation.edit("jobs/policy.toml", "Email = \"mail@other\"", "Email = \"email\"");
    installation.edit("jobs/sources/contact.toml", "identifier = \"mail@other\"", "identifier = \"email\"");
    // Stored requests are gone, or the ledger is: refused.
    let state = installation.path("state");
    let segments = files(&state.join("requests/segments"));
    segments.iter().for_each(|(path, _)| std::fs::remove_file(path).unwrap());
    let error = installation.run(4).unwrap_err();
    assert!(error.code() == Code::StatePartOlder && error.message().contains("state:requests is older"), "{error}");
    segments.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    let ledger = files(&state.join("ledger"));
    std::fs::remove_dir_all(state.join("ledger")).unwrap();
    let error = installation.run(4).unwrap_err();
    assert_eq!(error.code(), Code::StatePartMissing, "{error}");
    std::fs::create_dir(state.join("ledger")).unwrap();
    ledger.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    installation.run(4).unwrap();
    // The ledger alone comes back from an older copy: refused by runs and sweeps.
    let newer = files(&state.join("ledger"));
    newer.iter().for_each(|(path, _)| std::fs::remove_file(path).unwrap());
    ledger.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    let error = installation.run(5).unwrap_err();
    assert!(error.code() == Code::StatePartOlder && error.message().contains("state:ledger is older"), "{error}");
    let error = installation.sweep(5).unwrap().outcome().unwrap_err();
    assert!(error.code() == Code::StatePartOlder && error.message().contains("state:ledger is older"), "{error}");
    newer.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    // An empty state, made anew: the table that is there is not of it.
    std::fs::remove_dir_all(installation.path("state")).unwrap();
    let error = installation.run(5).unwrap_err();
    assert_eq!(error.code(), Code::StatePartOlder, "{error}");
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    for (path, bytes) in files(from) {
        let target = to.join(path.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::write(target, bytes).unwrap();
    }
}
