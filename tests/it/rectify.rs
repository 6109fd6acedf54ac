//! Corrections over several nights (R80 to R82): what readers of the table see, what becomes of files and requests, whom
//! recipients are told of. Cases of single rows are in `fixtures/cases/rectify`.

use crate::canary::{Canary, Sweep};
use crate::erase::{current, rows, state};
use crate::installation::{Contact, Installation, asked, contacts, files};
use crate::python::Python;
use std::fs;
use tamis::by_hand::{self, Asked, RequestTerms};
use tamis::error::Code;
use tamis::evidence::LedgerEvent;
use tamis::evidence::manifest::CorrectionState;
use tamis::monitor::Silent;
use tamis::policy::Effect;
use tamis::questions::access::{AccessAsked, AccessDesk, Right};
use tamis::questions::{breach, case, corrections, notices};
use tamis::requests::RequestStatus;
use tamis::sweep::CorrectionsLeft;

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
    // Whoever asks for the case later is told what became of it.
    assert_eq!(told(&installation, 5, "C-1"), ("removed".into(), RequestStatus::Removed));
    let report = case::report(&installation.asking(5, ""), "C-1").unwrap();
    assert!(report.corrections[0].row_gone && report.corrections[0].to_do.is_none());
    assert_eq!(case::report(&installation.asking(5, ""), "C-9").map(|_| ()).unwrap_err().code(), Code::NameUnknown);
}

#[test]
fn a_case_whose_row_is_gone_before_the_export_agrees_is_ended_and_says_so() {
    let (installation, people) = installation();
    correct(&installation, &["crm-00004,City,City 1,City 2,wrong,,C-1,2026-10-01,"]);
    installation.run(0).unwrap();
    correct(&installation, &[]);
    installation.export("s2", &people);
    installation.run(1).unwrap();
    let report = case::report(&installation.asking(1, ""), "C-1").unwrap();
    assert_eq!(report.state, RequestStatus::Ended);
    let to_do = report.corrections[0].to_do.clone().unwrap();
    assert!(to_do.contains("since version 1: versions have what the export says"), "{to_do}");
}

#[test]
fn r80_of_two_corrections_of_a_cell_only_the_one_that_counts_is_told_as_applied() {
    let (installation, _) = installation();
    let lines = [
        "crm-00004,City,City 1,City 2,wrong,,C-1,2026-10-01,",
        "crm-00004,City,City 1,City 3,wrong,,C-2,2026-10-02,",
        "crm-00004,City,City 1,City 3,wrong,,C-3,2026-10-02,",
        "crm-00005,Citty,City 1,City 3,wrong,,C-4,2026-10-02,",
    ];
    correct(&installation, &lines);
    installation.run(0).unwrap();
    let state = |case: &str, state| (case.to_string(), state);
    assert_eq!(
        states(&installation),
        [
            state("C-1", CorrectionState::Superseded),
            state("C-2", CorrectionState::Applied),
            state("C-3", CorrectionState::Applied),
            state("C-4", CorrectionState::NoColumn),
        ]
    );
    for case in ["C-1", "C-4"] {
        let report = case::report(&installation.asking(1, ""), case).unwrap();
        assert_eq!(report.state, RequestStatus::NeedsReview, "{case}");
        assert!(report.corrections[0].to_do.is_some(), "{case}");
    }
}

#[test]
fn r80_no_correction_is_received_in_the_future() {
    let (installation, _) = installation();
    let dated = |day| format!("crm-00004,City,City 1,City 2,wrong,,C-1,{},", installation.date(day));
    correct(&installation, &[&dated(3)]);
    let error = installation.run(0).map(|_| ()).unwrap_err();
    assert_eq!(error.code(), Code::CorrectionsUnreadable);
    assert!(error.message().contains("record 1: column \"Received\": the day is still to come"), "{error}");
    correct(&installation, &[&dated(1)]);
    installation.run(0).unwrap();
}

#[test]
fn r80_what_is_right_can_be_read_as_the_type_of_its_column() {
    let (installation, _) = installation();
    correct(&installation, &["crm-00004,Active,2026-10-01,1.10.2026,wrong,,C-1,2026-10-01,"]);
    let error = installation.run(0).map(|_| ()).unwrap_err();
    assert_eq!(error.code(), Code::CorrectionsUnreadable);
    assert!(error.message().contains("case C-1: the right value of \"Active\" cannot be read"), "{error}");
    for right in ["2026-10-01", ""] {
        correct(&installation, &[&format!("crm-00004,Active,2026-10-02,{right},wrong,,C-1,2026-10-01,")]);
        installation.run(0).unwrap();
    }
}

#[test]
fn r83_a_case_that_is_the_id_of_its_record_is_not_kept_as_written() {
    let (installation, _) = installation();
    correct(&installation, &["crm-00004,City,City 1,City 2,wrong,,crm-00004,2026-10-01,"]);
    installation.run(0).unwrap();
    let sweep = Sweep::new(&[Canary::whole("record", "crm-00004")]);
    assert!(sweep.tree(&installation.path("state")).is_empty(), "{:?}", sweep.tree(&installation.path("state")));
    assert_eq!(told(&installation, 1, "crm-00004").1, RequestStatus::Removed, "whoever knows the record finds it");
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
    // Its old files are purged, and still nobody says that nothing is left of the person.
    let swept = installation.sweep(3).unwrap();
    assert_eq!(swept.outcome().unwrap_err().code(), missed.code());
    let removal = &swept.datasets[0].removal;
    assert_eq!((removal.objects.get("files"), removal.corrections), (Some(&1), Some(CorrectionsLeft::Unread)));
    let erased = || case::report(&installation.asking(3, ""), "E-1").unwrap();
    assert_eq!(erased().state, RequestStatus::Applied);
    let waits = erased().parts[0].datasets[0].waits.join("; ");
    assert!(waits.contains("raw:corrections/october.csv, record 1"), "{waits}");
    correct(&installation, &["crm-00004,City,City 1,City 2,wrong,,C-1,2026-10-01,"]);
    let swept = installation.sweep(3).unwrap();
    swept.outcome().unwrap();
    assert_eq!((swept.raw.corrections, swept.datasets[0].removal.corrections), (1, None));
    assert_eq!(erased().state, RequestStatus::Removed);
}

#[test]
fn r80_no_erasure_is_removed_while_a_hold_keeps_a_row_of_the_person_in_a_file_of_corrections() {
    let (installation, _) = installation();
    correct(&installation, &["crm-00004,City,City 1,City 2,wrong,,C-1,2026-10-01,"]);
    installation.run(0).unwrap();
    let hold = Asked {
        terms: RequestTerms { until: Some(installation.at(9)), ..RequestTerms::default() },
        ..asked(Effect::Hold, "H-1")
    };
    by_hand::ask(&installation.asking(1, "email: nobody@example.org"), hold).unwrap();
    by_hand::ask(&installation.asking(1, "email: person00004@example.org"), asked(Effect::Erase, "E-1")).unwrap();
    installation.sweep(1).unwrap().outcome().unwrap();
    let swept = installation.sweep(3).unwrap();
    assert_eq!(swept.datasets[0].removal.corrections, Some(CorrectionsLeft::Kept));
    assert!(fs::read_to_string(installation.path(FILE)).unwrap().contains("crm-00004"));
    assert_eq!(case::report(&installation.asking(3, ""), "E-1").unwrap().state, RequestStatus::Applied);
    installation.sweep(10).unwrap().outcome().unwrap();
    assert_eq!(case::report(&installation.asking(10, ""), "E-1").unwrap().state, RequestStatus::Removed);
}

#[test]
fn whom_to_notify_of_a_breach_is_told_at_the_corrected_address() {
    let (installation, _) = installation();
    correct(
        &installation,
        &[
            "crm-00004,Email,person00004@example.org,new@example.com,changed,,C-1,2026-10-01,",
            "crm-00005,Email,other@example.org,third@example.com,wrong,,C-2,2026-10-01,",
            "crm-00006,Email,person00006@example.org,no@example.com,wrong,refused:accurate,C-3,2026-10-01,",
        ],
    );
    installation.run(0).unwrap();
    let asked = breach::BreachCall {
        asked: breach::BreachAsked::default(),
        aware: installation.at(1),
        occurred: None,
        detected: None,
        updates: None,
        late_because: None,
    };
    let noted = breach::scope(&installation.asking(1, ""), &asked).unwrap();
    let list = || breach::subjects(&installation.asking(1, ""), noted.number, &Silent).unwrap();
    let mail = |id: &str| {
        let people = list().people.into_iter();
        people.into_iter().find(|of| of["Id"].as_deref() == Some(id)).and_then(|of| of["Email"].clone())
    };
    assert_eq!(mail("crm-00004").as_deref(), Some("new@example.com"));
    assert_eq!(mail("crm-00005"), None, "the export has a third value: nobody knows");
    assert_eq!(mail("crm-00006").as_deref(), Some("person00006@example.org"), "refused");
    correct(&installation, &["crm-00004"]);
    assert!(list().unreadable[0].contains("values of contact may be wrong"), "{:?}", list().unreadable);
    assert_eq!(list().people.len(), 30, "letters do not wait for it");
}

#[test]
fn a_person_is_shown_what_is_right_beside_what_the_export_has() {
    let (installation, _) = installation();
    correct(&installation, &["crm-00004,Email,person00004@example.org,new@example.com,changed,,C-1,2026-10-01,"]);
    installation.run(0).unwrap();
    let call = installation.asking(1, "crm-id@test: crm-00004");
    let asked = AccessAsked {
        right: Right::Access,
        request: "DSR-1".into(),
        received: None,
        include_doubtful: None,
        without_raw: None,
    };
    let answer = AccessDesk::open(&call).unwrap().answer(&call, &asked, &Silent).unwrap();
    let records = &answer.report.raw_exports.records;
    let record = records.iter().find(|record| record.values.contains_key("Email")).unwrap();
    assert_eq!(record.values["Email"].as_deref(), Some("person00004@example.org"));
    let corrected: Vec<_> = record.corrected.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
    assert_eq!(corrected, [("Email", Some("new@example.com"))]);
}

#[test]
fn r80_a_file_that_is_written_anew_stays_a_link_and_keeps_mode_and_form() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (installation, _) = installation();
    let (bom, header) = ("\u{feff}", HEADER.trim_end());
    let gone = "crm-00004,City,City 1,City 2,wrong,,C-1,2026-10-01,";
    let stays = "crm-00005,City,City 1,City 2,wrong,,C-2,2026-10-01,";
    let kept = installation.path("raw/kept/october.txt");
    installation.write("raw/kept/october.txt", &format!("{bom}{header}\r\n{gone}\r\n{stays}\r\n"));
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o640)).unwrap();
    let file = installation.path("raw/fix/in/october.csv");
    installation.edit("jobs/policy.toml", "raw:corrections/*.csv", "raw:fix/in/*.csv");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    symlink("../../kept/october.txt", &file).unwrap();
    installation.run(0).unwrap();
    by_hand::ask(&installation.asking(1, "email: person00004@example.org"), asked(Effect::Erase, "E-1")).unwrap();
    let swept = installation.sweep(1).unwrap();
    swept.outcome().unwrap();
    assert_eq!(swept.raw.corrections, 1);
    assert!(fs::symlink_metadata(&file).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&kept).unwrap(), format!("{bom}{header}\r\n{stays}\r\n"));
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o640);
}
