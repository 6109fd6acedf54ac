//! Requests that are refused (Art. 12(4) GDPR): noted, told in the case and in the status, and nobody is named. Request ids
//! that name a person (R83).

use crate::canary::{Canary, Sweep};
use crate::erase::{rows, state};
use crate::installation::{Installation, asked, contacts};
use std::process::{Command, Output};
use tamis::by_hand::{self, Asked, RefusalTyped, RefusedRight, RequestTerms};
use tamis::error::Code;
use tamis::job::refusals;
use tamis::policy::{self, Effect, Ground, Refusal};
use tamis::questions::case;
use tamis::requests::RequestStatus;

fn program(installation: &Installation, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tamis"));
    command.args(arguments).arg("--dir").arg(installation.path("jobs")).current_dir(installation.folder.path());
    command.output().unwrap()
}

fn typed(right: RefusedRight, reason: Refusal) -> RefusalTyped {
    RefusalTyped { request: "R-7".into(), right, reason, received: None, informed: None }
}

#[test]
fn a_refusal_is_in_the_ledger_and_the_case_until_the_person_was_told() {
    let installation = Installation::new();
    installation.edit("jobs/policy.toml", "[roots]", "[contact]\nauthority = \"CNIL\"\n[roots]");
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    let refused = typed(RefusedRight::Asked(Effect::Object), Refusal::OverridingGrounds);
    by_hand::refuse(&installation.asking(1, ""), &refused).unwrap();
    let report = case::report(&installation.asking(2, ""), "R-7").unwrap();
    assert_eq!((report.state, report.authority.as_deref()), (RequestStatus::Refused, Some("CNIL")));
    assert!(report.refusals[0].why.contains("Art. 21(1)") && report.refusals[0].informed.is_none());
    let project = policy::load(&installation.path("jobs"), &[]).unwrap();
    let untold = |day| {
        let entries = state(&installation).ledger().entries().unwrap();
        refusals::untold(&entries, &project, installation.at(day)).into_iter().map(|of| of.overdue).collect::<Vec<_>>()
    };
    assert_eq!((untold(2), untold(40)), (vec![false], vec![true]), "a month from receipt");
    let text = program(&installation, &["report", "case", "R-7"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("complain to CNIL and go to court"), "{text}");
    let told = RefusalTyped { informed: Some(installation.at(3)), ..refused };
    by_hand::refuse(&installation.asking(3, ""), &told).unwrap();
    assert!(untold(40).is_empty());
    let report = case::report(&installation.asking(3, ""), "R-7").unwrap();
    assert_eq!(report.refusals.len(), 1, "one refusal of one right");
    assert_eq!(report.refusals[0].received, installation.at(1), "received when it was first noted");
}

#[test]
fn nobody_was_told_before_the_request_came_or_later_than_now() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    let refused = |received: Option<i64>, informed: i64| {
        let at = |day| installation.at(day);
        let typed = RefusalTyped {
            received: received.map(at),
            informed: Some(at(informed)),
            ..typed(RefusedRight::Access, Refusal::Unfounded)
        };
        by_hand::refuse(&installation.asking(5, ""), &typed).map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(refused(Some(3), 2), Err(Code::RequestWrong));
    assert_eq!(refused(None, 2), Err(Code::RequestWrong), "it is received now");
    assert_eq!(refused(Some(3), 6), Err(Code::RequestWrong));
    assert_eq!(refused(Some(3), 4), Ok(()));
    assert_eq!(refused(None, 2), Err(Code::RequestWrong), "the time of receipt is known from before");
    // So it is when a restriction ends.
    let restrict = asked(Effect::Restrict, "R-8");
    let restrict = Asked { terms: RequestTerms { ground: Some(Ground::A), ..RequestTerms::default() }, ..restrict };
    by_hand::ask(&installation.asking(3, "email: person00004@example.org"), restrict).unwrap();
    let lifted = |informed: i64| {
        let terms = RequestTerms { informed: Some(installation.at(informed)), ..RequestTerms::default() };
        let lift = Asked { lifts: Some("R-8".into()), terms, ..asked(Effect::Lift, "L-8") };
        by_hand::ask(&installation.asking(5, ""), lift).map(|stored| stored.ends).map_err(|error| error.code())
    };
    assert_eq!(lifted(2), Err(Code::RequestWrong));
    assert_eq!(lifted(6), Err(Code::RequestWrong));
    assert_eq!(lifted(4), Ok(Some(1)));
}

#[test]
fn a_request_of_nobody_is_not_stored() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    for values in ["", "\n", "email:", "email: \u{200b}", "email: -", "email: \"\"", "crm-id@test: --"] {
        for effect in [Effect::Hold, Effect::Restrict, Effect::Erase] {
            let terms = RequestTerms {
                ground: (effect == Effect::Restrict).then_some(Ground::A),
                until: (effect == Effect::Hold).then(|| installation.at(9)),
                ..RequestTerms::default()
            };
            let error = by_hand::ask(&installation.asking(1, values), Asked { terms, ..asked(effect, "R-9") });
            assert_eq!(error.map(|_| ()).unwrap_err().code(), Code::RequestWrong, "{values:?}");
        }
    }
}

#[test]
fn what_is_in_force_is_not_refused_and_a_refusal_ends_nothing() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    by_hand::ask(&installation.asking(1, "email: person00004@example.org"), asked(Effect::Erase, "R-7")).unwrap();
    let refuse = |right| by_hand::refuse(&installation.asking(2, ""), &typed(right, Refusal::LegalClaim));
    let error = refuse(RefusedRight::Asked(Effect::Erase)).map(|_| ()).unwrap_err();
    assert_eq!(error.code(), Code::RequestWrong);
    assert_eq!(refuse(RefusedRight::Access).map(|_| ()).unwrap_err().code(), Code::RequestWrong, "no reason for it");
    by_hand::refuse(&installation.asking(2, ""), &typed(RefusedRight::Access, Refusal::Excessive)).unwrap();
    installation.sweep(2).unwrap().outcome().unwrap();
    assert_eq!(rows(&installation).len(), 29);
    let report = case::report(&installation.asking(3, ""), "R-7").unwrap();
    assert_eq!(report.state, RequestStatus::Applied, "the least that has been done of it");
}

#[test]
fn the_command_needs_a_right_and_a_reason_and_no_values() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    assert_eq!(program(&installation, &["subject", "refuse", "--request", "R-7"]).status.code(), Some(2));
    let whole = ["subject", "refuse", "--request", "R-7", "--of", "erase", "--reason", "legal-claim"];
    let output = program(&installation, &whole);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("Art. 17(3)(e)"));
    let status = program(&installation, &["status"]);
    assert!(String::from_utf8_lossy(&status.stdout).contains("R-7 (erase) was refused"));
}

#[test]
fn r83_the_id_of_a_record_is_no_request_id_that_is_kept() {
    let installation = Installation::new();
    let list = "[lists.forget]\ninput = \"raw:{set}/contacts.csv\"\neffect = \"erase\"\n\
                when = { column = \"City\", equals = [\"City 1\"] }\nmatch = { Id = \"crm-id@test\" }\n\
                request = \"Id\"\nset_format = \"%Y-%m-%d\"\n[removal]";
    installation.edit("jobs/policy.toml", "[removal]", list);
    installation.export("2026-10-01", &contacts(0..30, -10));
    installation.run(0).unwrap();
    assert_eq!(rows(&installation).len(), 27);
    let sweep = Sweep::new(&[Canary::whole("record", "crm-00004")]);
    assert!(sweep.tree(&installation.path("state")).is_empty(), "{:?}", sweep.tree(&installation.path("state")));
    let report = case::report(&installation.asking(1, ""), "crm-00004").unwrap();
    assert_eq!(report.parts.len(), 1, "whoever knows the record finds its request");
    // So it is if the export has the id in a column of its own, and in a command.
    let list = "request = \"Case\"\nset_format";
    installation.edit("jobs/policy.toml", "request = \"Id\"\nset_format", list);
    std::fs::remove_dir_all(installation.path("raw/2026-10-01")).unwrap();
    let people = contacts(0..30, -10);
    let copied =
        people.iter().map(|of| format!("{},{},{},{},{}\n", of.id, of.email, of.city, installation.date(-10), of.id));
    let text = format!("Id,Email,City,Active,Case\n{}", copied.collect::<String>());
    installation.write("raw/2026-10-02/contacts.csv", &text);
    installation.write("raw/2026-10-02/_DONE", "");
    installation.run(1).unwrap();
    assert!(sweep.tree(&installation.path("state")).is_empty(), "{:?}", sweep.tree(&installation.path("state")));
    let own = by_hand::ask(&installation.asking(1, "crm-id@test: crm-00004"), asked(Effect::Erase, "crm-00004"));
    assert_eq!(own.map(|_| ()).unwrap_err().code(), Code::RequestWrong);
    let lift = by_hand::Asked { lifts: Some("crm-00004".into()), lift_erase: true, ..asked(Effect::Lift, "L-1") };
    let lifted = by_hand::ask(&installation.asking(1, ""), lift).unwrap();
    assert_eq!(lifted.ends, Some(1), "and ends it");
    assert!(sweep.tree(&installation.path("state")).is_empty(), "{:?}", sweep.tree(&installation.path("state")));
}
