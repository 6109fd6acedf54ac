//! Corrections over several nights (R80 to R82): what readers of the table see, what becomes of files and requests, whom
//! recipients are told of. Cases of single rows are in `fixtures/cases/rectify`.

use crate::canary::{Canary, Sweep};
use crate::erase::{current, rows, state};
use crate::installation::{Contact, Installation, asked, contacts, files};
use crate::python::Python;
use std::fs;
use tamis::by_hand;
use tamis::error::Code;
use tamis::evidence::LedgerEvent;
use tamis::evidence::manifest::CorrectionState;
use tamis::policy::Effect;
use tamis::questions::{case, corrections, notices};
use tamis::requests::RequestStatus;

const LIST: &str = r#"
[lists.corrections]
input = "raw:corrections/*.csv"
effect = "rectify"
source = "contact"
match = { Id = "crm-id@test" }
column = "Column"
was = "Was"
value = "Value"
reason = "Reason"
decision = "Decision"
request = "Case"
received = "Received"
[removal]"#;
const HEADER: &str = "Id,Column,Was,Value,Reason,Decision,Case,Received,Note\n";
const FILE: &str = "raw/corrections/october.csv";

/// Thirty people, three to a city, with a list of corrections.
fn installation() -> (Installation, Vec<Contact>) {
    let installation = Installation::new();
    installation.edit("jobs/policy.toml", "[removal]", LIST);
    installation.edit("jobs/policy.toml", "grace = \"PT24H\"", "grace = \"PT24H\"\nraw_keep = \"P2D\"");
    let people = contacts(0..30, -10);
    installation.export("s1", &people);
    correct(&installation, &[]);
    (installation, people)
}

fn correct(installation: &Installation, lines: &[&str]) {
    installation.write(FILE, &format!("{HEADER}{}", lines.iter().map(|line| format!("{line}\n")).collect::<String>()));
}

fn states(installation: &Installation) -> Vec<(String, CorrectionState)> {
    current(installation).corrections.into_iter().map(|of| (of.case, of.state)).collect()
}

fn told(installation: &Installation, day: i64, id: &str) -> (String, RequestStatus) {
    let report = case::report(&installation.asking(day, ""), id).unwrap();
    (report.corrections[0].state.clone(), report.state)
}

#[test]
fn r80_every_reader_sees_the_right_value_and_none_the_wrong_one() {
    let Some(python) = Python::find() else { return };
    let (installation, _) = installation();
    correct(
        &installation,
        &[
            "crm-00004,City,City 1,Münster,wrong,,C-1,2026-10-01,",
            "crm-00005,City,City 1,Münster,wrong,,C-2,2026-10-01,",
        ],
    );
    let report = installation.run(0).unwrap();
    let text = python.run("readers.py", [&report.location]);
    assert_eq!(text.matches("M\u{fc}nster").count() + text.matches("M\\u00fcnster").count(), 2, "{text}");
    assert_eq!(
        text.matches("\"City 1\"").count(),
        0,
        "the third of the city is alone now, so that k takes the row: {text}"
    );
    assert_eq!(report.manifest.removed.iter().find(|of| of.reason == "suppressed").map(|of| of.rows), Some(1));
    let applied = |case: &str| (case.to_string(), CorrectionState::Applied);
    assert_eq!(states(&installation), [applied("C-1"), applied("C-2")]);
}

#[test]
fn r80_a_row_is_rejected_if_an_exclude_reads_a_cell_that_nobody_has_decided() {
    for (scope, decision, was) in [("row", "", "City 9"), ("person", "", "City 9"), ("row", "contested", "City 1")] {
        let (installation, _) = installation();
        let exclude = format!(
            "[[exclude]]\ncolumn = \"City\"\nequals = [\"CITY 1\"]\nreason = \"moved\"\nscope = \"{scope}\"\n[gate]"
        );
        installation.edit("jobs/contacts.toml", "[gate]", &exclude);
        let line = format!("crm-00004,City,{was},City 2,wrong,{decision},C-1,2026-10-01,");
        correct(&installation, &[&line]);
        let report = installation.run(0).unwrap();
        let rows = |reason: &str| report.manifest.removed.iter().find(|of| of.reason == reason).map(|of| of.rows);
        assert_eq!((rows("excluded:moved"), rows("rejected")), (Some(2), Some(1)), "{scope} {decision}");
        correct(&installation, &["crm-00004,City,City 1,City 2,wrong,,C-1,2026-10-01,"]);
        installation.export("s2", &contacts(0..30, -10));
        let report = installation.run(1).unwrap();
        assert_eq!(report.manifest.rows_out, 28, "what is decided is judged");
    }
}

#[test]
fn r80_a_corrected_person_whom_k_leaves_out_is_corrected_all_the_same() {
    let (installation, _) = installation();
    correct(&installation, &["crm-00004,City,City 1,Nowhere,wrong,,C-1,2026-10-01,"]);
    installation.run(0).unwrap();
    assert!(rows(&installation).iter().all(|row| row.2 != "Nowhere"), "one person is no group of two");
    assert_eq!(states(&installation), [("C-1".to_string(), CorrectionState::Applied)]);
}

#[test]
fn r80_a_case_is_removed_once_no_version_is_left_that_has_the_wrong_value() {
    let (installation, _) = installation();
    installation.run(0).unwrap();
    correct(&installation, &["crm-00004,City,City 1,City 2,wrong,,C-1,2026-10-01,"]);
    installation.export("s2", &contacts(0..30, -10));
    installation.run(1).unwrap();
    assert_eq!(told(&installation, 1, "C-1"), ("applied".into(), RequestStatus::Applied));
    installation.sweep(3).unwrap().outcome().unwrap();
    assert_eq!(told(&installation, 3, "C-1"), ("removed".into(), RequestStatus::Removed));
    assert!(installation.path(FILE).exists(), "corrections outlive raw_keep");
    assert!(!installation.path("raw/s1/contacts.csv").exists(), "which the exports do not");
    // The CRM says the same: the row can go.
    let mut people = contacts(0..30, -10);
    people[4].city = "City 2".into();
    installation.export("s3", &people);
    installation.run(4).unwrap();
    assert_eq!(states(&installation), [("C-1".to_string(), CorrectionState::SourceAgrees)]);
    let project = tamis::policy::load(&installation.path("jobs"), &[]).unwrap();
    let standing = corrections::standings(&state(&installation), &project).unwrap();
    assert!(standing[0].to_do.as_deref().is_some_and(|to_do| to_do.contains("can go")));
    correct(&installation, &[]);
    installation.export("s4", &people);
    installation.run(5).unwrap();
    assert!(states(&installation).is_empty());
    assert_eq!(case::report(&installation.asking(5, ""), "C-1").map(|_| ()).unwrap_err().code(), Code::NameUnknown);
}

#[test]
fn r80_rows_of_the_erased_go_from_the_file_and_all_others_stay_as_they_are() {
    let (installation, _) = installation();
    let stays = "crm-00005,City,\"City \"\"1\"\"\nof two lines\",City 2,wrong,,C-2,2026-10-01,\"a, b\"";
    correct(&installation, &["crm-00004,City,City 1,City 2,wrong,,C-1,2026-10-01,private", stays]);
    installation.run(0).unwrap();
    by_hand::ask(&installation.asking(1, "email: person00004@example.org"), asked(Effect::Erase, "E-1")).unwrap();
    let swept = installation.sweep(1).unwrap();
    swept.outcome().unwrap();
    assert_eq!(swept.raw.corrections, 1);
    assert_eq!(fs::read_to_string(installation.path(FILE)).unwrap(), format!("{HEADER}{stays}\n"));
    let entries = state(&installation).ledger().entries().unwrap();
    let noted = entries.iter().filter(|entry| matches!(entry.event, LedgerEvent::CorrectionsRemoved { rows: 1, .. }));
    assert_eq!(noted.count(), 1);
    installation.sweep(2).unwrap().outcome().unwrap();
    assert_eq!(fs::read_to_string(installation.path(FILE)).unwrap(), format!("{HEADER}{stays}\n"));
}

#[test]
fn r80_no_value_of_a_correction_is_in_the_state() {
    let (installation, _) = installation();
    correct(
        &installation,
        &[
            "crm-00004,City,City 1,Zweibrücken-Ixheim,wrong,,C-1,2026-10-01,",
            "crm-00005,Email,person00005@example.org,quagga@example.com,changed,,C-2,2026-10-01,",
            "crm-00006,City,Wuppertal-Vohwinkel,Zweibrücken-Ixheim,wrong,,C-3,2026-10-01,",
        ],
    );
    installation.run(0).unwrap();
    installation.sweep(3).unwrap().outcome().unwrap();
    let sweep = Sweep::new(&[
        Canary::whole("right", "Zweibrücken-Ixheim"),
        Canary::whole("wrong", "Wuppertal-Vohwinkel"),
        Canary::whole("mail", "quagga@example.com"),
        Canary::whole("record", "crm-00004"),
    ]);
    assert!(sweep.tree(&installation.path("state")).is_empty(), "{:?}", sweep.tree(&installation.path("state")));
    assert!(!sweep.tree(&installation.path("raw")).is_empty(), "the sweep finds what is there");
}

#[test]
fn r81_an_old_address_still_finds_the_person_in_runs_and_in_sweeps() {
    let (installation, _) = installation();
    correct(&installation, &["crm-00004,Email,person00004@example.org,new@example.com,changed,,C-1,2026-10-01,"]);
    installation.run(0).unwrap();
    let before = rows(&installation).len();
    by_hand::ask(&installation.asking(1, "email: person00004@example.org"), asked(Effect::Erase, "E-1")).unwrap();
    installation.sweep(1).unwrap().outcome().unwrap();
    assert_eq!(rows(&installation).len(), before - 1);
}

#[test]
fn r82_a_request_that_came_through_a_value_that_was_never_theirs_needs_a_review() {
    let (installation, mut people) = installation();
    people[4].email = people[7].email.clone();
    installation.export("s1", &people);
    installation.run(0).unwrap();
    by_hand::ask(&installation.asking(1, "email: person00007@example.org"), asked(Effect::Erase, "E-1")).unwrap();
    installation.sweep(1).unwrap().outcome().unwrap();
    assert_eq!(rows(&installation).len(), 28, "both are out: nobody knows yet");
    correct(&installation, &["crm-00004,Email,person00007@example.org,own@example.com,never-theirs,,C-1,2026-10-02,"]);
    installation.export("s2", &people);
    installation.run(2).unwrap();
    assert_eq!(rows(&installation).len(), 28, "what a request has learned is never lost (R18)");
    let report = case::report(&installation.asking(2, ""), "E-1").unwrap();
    assert_eq!(report.state, RequestStatus::NeedsReview);
    assert!(report.parts[0].datasets[0].review.as_deref().is_some_and(|why| why.contains("R82")));
    // The doubt outlives sweeps and the correction.
    installation.sweep(3).unwrap().outcome().unwrap();
    assert!(fs::read_to_string(installation.path(FILE)).unwrap().contains("crm-00004"), "the row is not B's to erase");
    correct(&installation, &[]);
    installation.export("s3", &people);
    installation.run(4).unwrap();
    assert_eq!(case::report(&installation.asking(4, ""), "E-1").unwrap().state, RequestStatus::NeedsReview);
}

#[test]
fn r82_whoever_is_erased_later_by_that_value_takes_nobody_along() {
    let (installation, mut people) = installation();
    people[4].email = people[7].email.clone();
    installation.export("s1", &people);
    correct(&installation, &["crm-00004,Email,person00007@example.org,own@example.com,never-theirs,,C-1,2026-10-01,"]);
    installation.run(0).unwrap();
    by_hand::ask(&installation.asking(1, "email: person00007@example.org"), asked(Effect::Erase, "E-1")).unwrap();
    installation.sweep(1).unwrap().outcome().unwrap();
    assert_eq!(rows(&installation).len(), 29, "A stays, B goes");
    installation.export("s2", &people);
    installation.run(2).unwrap();
    assert_eq!(rows(&installation).len(), 29);
}

#[test]
fn a_recipient_is_told_which_version_to_take() {
    let (installation, _) = installation();
    let processor = "[recipients.team]\nkind = \"processor\"\ncontract = \"C-1\"\ncountry = \"FR\"";
    installation.edit("jobs/policy.toml", "[recipients.team]\nkind = \"internal\"", processor);
    installation.run(0).unwrap();
    correct(&installation, &["crm-00004,City,City 1,City 2,wrong,,C-1,2026-10-01,"]);
    installation.export("s2", &contacts(0..30, -10));
    installation.run(1).unwrap();
    let unanswered = |day| notices::unanswered(&installation.asking(day, ""), "team").unwrap().tokens;
    let told: Vec<_> = unanswered(1).into_iter().map(|of| (of.effect, of.last_version, of.take_version)).collect();
    assert_eq!(told, [("rectify".to_string(), 0, Some(1))]);
    let corrected = rows(&installation).into_iter().filter(|row| row.2 == "City 2").map(|row| row.0);
    assert!(corrected.collect::<Vec<_>>().contains(&unanswered(1)[0].token), "by the token of the table");
    installation.export("s3", &contacts(0..30, -10));
    installation.run(2).unwrap();
    assert_eq!(unanswered(2).len(), 1, "nobody is told twice");
    let report = case::report(&installation.asking(2, ""), "C-1").unwrap();
    assert_eq!(
        report.recipients.iter().map(|of| (of.recipient.as_str(), of.notice)).collect::<Vec<_>>(),
        [("team", 1)]
    );
}

#[test]
fn r80_a_file_that_is_gone_or_cannot_be_read_stops_runs_and_nothing_else() {
    let (installation, _) = installation();
    fs::remove_file(installation.path(FILE)).unwrap();
    assert_eq!(installation.run(0).map(|_| ()).unwrap_err().code(), Code::CorrectionsUnreadable);
    correct(&installation, &["crm-00004,City,City 1,City 2,wrong,,C-1,2026-10-01,"]);
    installation.run(0).unwrap();
    for lines in [
        "crm-00004,City,City 1,City 2,because,,C-1,2026-10-01,",
        "crm-00004,City,City 1,City 2,wrong,perhaps,C-1,2026-10-01,",
        "crm-00004,City,City 1,City 1,wrong,,C-1,2026-10-01,",
        ",City,City 1,City 2,wrong,,C-1,2026-10-01,",
        "crm-00004,,City 1,City 2,wrong,,C-1,2026-10-01,",
        "crm-00004,City,City 1,City 2,wrong,,C 1,2026-10-01,",
        "crm-00004,City,City 1",
    ] {
        correct(&installation, &[lines]);
        let error = installation.run(1).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), Code::CorrectionsUnreadable, "{lines}");
        assert!(error.message().contains("raw:corrections/october.csv, record 1"), "{error}");
        assert!(!error.to_string().contains("City 2"), "{error}");
    }
    by_hand::ask(&installation.asking(1, "email: person00004@example.org"), asked(Effect::Erase, "E-1")).unwrap();
    let missed = installation.sweep(1).unwrap().outcome().unwrap_err();
    assert!(missed.message().contains("corrections of erased persons may be left: "), "{missed}");
    assert!(missed.message().contains("raw:corrections/october.csv, record 1"), "{missed}");
    assert_eq!(missed.kind().exit_code(), 3);
    assert_eq!(rows(&installation).len(), 29, "the table does not wait for it");
    assert_eq!(files(&installation.path("raw/corrections")).len(), 1);
    correct(&installation, &["crm-00004,City,City 1,City 2,wrong,,C-1,2026-10-01,"]);
    let swept = installation.sweep(2).unwrap();
    swept.outcome().unwrap();
    assert_eq!(swept.raw.corrections, 1);
}
