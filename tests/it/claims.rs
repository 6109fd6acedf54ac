//! What is claimed of requests stays true when more becomes known: of links, crashes, holds, jobs and bases.

use crate::erase::{current, rows, state, token_of, traces};
use crate::fault::{Fault, FaultStore, Mode};
use crate::installation::{Contact, Installation, asked, contacts};
use std::sync::Arc;
use tamis::by_hand::{self, Asked, RequestTerms};
use tamis::clock::Instant;
use tamis::error::Code;
use tamis::evidence::LedgerEvent;
use tamis::evidence::manifest::Output;
use tamis::job::Call;
use tamis::monitor::Silent;
use tamis::policy::{Effect, Ground};
use tamis::questions::{CaseReport, RequestStatuses, case, request_status};
use tamis::run;
use tamis::store::Root;

fn standings(installation: &Installation) -> RequestStatuses {
    request_status::standings(&installation.asking(20, ""), 10).unwrap()
}

/// The one word for the only request, and that for each job.
#[track_caller]
fn word(installation: &Installation) -> String {
    let counts = standings(installation).counts;
    assert_eq!(counts.values().sum::<u64>(), 1, "{counts:?}");
    counts.into_keys().next().unwrap()
}

fn report(installation: &Installation, id: &str) -> CaseReport {
    case::report(&installation.asking(20, ""), id).unwrap()
}

/// With a strong link in each row.
fn linked() -> Installation {
    let installation = Installation::new();
    let source = "jobs/sources/contact.toml";
    installation.edit(source, "weak = [", "strong = [\"Master\"]\nweak = [");
    let master = "Master = { identifier = \"crm-id@test\", category = \"identity\" }\nId = { identifier";
    installation.edit(source, "Id = { identifier", master);
    installation
}

/// An export in which `links` say which contact has which other one as master.
fn export(installation: &Installation, folder: &str, people: &[Contact], links: &[(usize, usize)]) {
    let master = |c: &Contact| {
        let of = |n: usize| format!("crm-{n:05}");
        links.iter().find(|(n, _)| of(*n) == c.id).map_or(String::new(), |(_, to)| of(*to))
    };
    let date = installation.date(-10);
    let rows: String =
        people.iter().map(|c| format!("{},{},{},{},{date}\n", c.id, master(c), c.email, c.city)).collect();
    installation.write(&format!("raw/{folder}/contacts.csv"), &format!("Id,Master,Email,City,Active\n{rows}"));
    installation.write(&format!("raw/{folder}/_DONE"), "");
}

#[test]
fn whom_a_request_leads_to_later_takes_removed_back() {
    let installation = linked();
    let people = contacts(0..30, -10);
    export(&installation, "s1", &people, &[]);
    installation.run(0).unwrap();
    installation.erase("1", &[("C-1", "", "crm-00004")]);
    installation.sweep(1).unwrap().outcome().unwrap();
    installation.sweep(5).unwrap().outcome().unwrap();
    assert_eq!(word(&installation), "removed");
    // The same person was in the CRM twice, and is merged now.
    export(&installation, "s2", &people, &[(7, 4)]);
    let before = rows(&installation);
    let published = installation.run(6).unwrap().manifest;
    let token = token_of(&before, &rows(&installation));
    assert!(!traces(&installation, &people[7], &token).is_empty());
    assert_eq!(word(&installation), "applied");
    let told = report(&installation, "C-1").parts.remove(0).datasets.remove(0);
    assert_eq!((told.version, told.waits.len()), (Some(published.output.version), 1));
    assert!(standings(&installation).datasets[0].removed < Some(installation.at(6)));
    installation.sweep(9).unwrap().outcome().unwrap();
    assert_eq!(word(&installation), "removed");
    assert_eq!(traces(&installation, &people[7], &token), []);
}

#[test]
fn what_one_job_learns_opens_the_request_in_the_others() {
    let installation = linked();
    let people = contacts(0..30, -10);
    export(&installation, "s1", &people, &[]);
    export(&installation, "more/s1", &people[..12], &[(7, 4)]);
    let job = std::fs::read_to_string(installation.path("jobs/contacts.toml")).unwrap();
    let job = job.replace("name = \"contacts\"", "name = \"more\"").replace("raw:{set}/", "raw:more/{set}/");
    installation.write("jobs/more.toml", &job.replace("lake:crm/contacts", "lake:crm/more"));
    installation.run(0).unwrap();
    run::run(&Call { job: "more".into(), ..installation.call(0) }, &Silent).unwrap();
    installation.erase("1", &[("C-1", "", "crm-00004")]);
    installation.sweep(1).unwrap().outcome().unwrap();
    assert_eq!(standings(&installation).open[0].states["contacts"].word(), "received", "contact 7 is still in it");
    installation.sweep(5).unwrap().outcome().unwrap();
    assert_eq!(standings(&installation).open[0].states["contacts"].word(), "applied");
    installation.sweep(9).unwrap().outcome().unwrap();
    assert_eq!(word(&installation), "removed");
}

/// A run that dies anywhere leaves the next one what an uninterrupted run would have left: links of versions before are
/// not learned by it.
#[test]
fn a_run_cut_short_anywhere_erases_nobody_else() {
    let start = linked();
    let people = contacts(0..12, -10);
    export(&start, "s1", &people, &[(4, 7)]);
    start.run(0).unwrap();
    export(&start, "s2", &people, &[]);
    start.erase("1", &[("C-1", "", "crm-00004")]);
    let with = |installation: &mut Installation, fault: &Arc<Fault>| {
        let fault = fault.clone();
        installation.wrap = Some(Arc::new(move |root: Root| {
            let inner = root.raw("").0;
            root.with_store(FaultStore::new(inner, fault.clone()))
        }));
    };
    let (mut control, all) = (start.copy(), Fault::counting());
    with(&mut control, &all);
    control.run(1).unwrap();
    control.wrap = None;
    control.run(2).unwrap();
    let wanted = rows(&control);
    assert_eq!(wanted.len(), 11);
    for k in all.changes() {
        let mut installation = start.copy();
        with(&mut installation, &Fault::new(Mode::FailBefore, k, true));
        let _ = installation.run(1);
        installation.wrap = None;
        installation.run(2).unwrap_or_else(|error| panic!("at {k}: {error}"));
        assert_eq!(rows(&installation), wanted, "at {k}");
        assert_eq!(word(&installation), "applied", "at {k}");
    }
}

#[test]
fn r34_nothing_goes_for_good_while_a_list_of_holds_cannot_be_read() {
    let installation = Installation::new();
    let hold = "[lists.litigation]\ninput = \"requests:hold/*.csv\"\neffect = \"hold\"\nmatch = { Email = \"email\" }\n\
        request = \"Case\"\nreceived = \"At\"\nmay_be_empty = true\n[removal]\nraw_keep = \"P2D\"";
    installation.edit("jobs/policy.toml", "[removal]", hold);
    let people = contacts(0..30, -10);
    installation.export("s1", &people);
    installation.run(0).unwrap();
    let before = rows(&installation);
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.sweep(1).unwrap().outcome().unwrap();
    let token = token_of(&before, &rows(&installation));
    installation.write("requests/hold/1.csv", "Case,At,Email\nH 1,2026-10-01,person00004@example.org\n");
    installation.erase("2", &[("C-2", "person00007@example.org", "")]);
    let report = installation.sweep(5).unwrap();
    assert_eq!(report.outcome().unwrap_err().code(), Code::RequestListUnreadable);
    assert_eq!(rows(&installation).len(), 28, "erasures are applied all the same");
    let removal = &report.datasets[0].removal;
    assert!(removal.withheld && removal.objects.is_empty(), "{removal:?}");
    assert_eq!((report.raw.held, report.raw.removed), (1, 0));
    assert!(!traces(&installation, &people[4], &token).is_empty());
    // An unreadable erasure keeps nothing.
    installation.write("requests/hold/1.csv", "Case,At,Email\n");
    installation.erase("3", &[("bad case", "x@example.org", "")]);
    let report = installation.sweep(7).unwrap();
    assert_eq!(report.outcome().unwrap_err().code(), Code::RequestListUnreadable);
    assert!(!report.datasets[0].removal.withheld);
    assert_eq!(report.raw.removed, 1);
    assert_eq!(traces(&installation, &people[4], &token), []);
}

#[test]
fn r13_a_doubt_outlives_the_removal_of_what_was_named() {
    let installation = linked();
    installation.edit("jobs/policy.toml", "[removal]", "[links]\nmax_strong_fanout = 2\n[removal]");
    let people = contacts(0..30, -10);
    let chain = [(1, 0), (2, 1), (3, 2)];
    export(&installation, "s1", &people, &chain);
    installation.erase("1", &[("C-1", "", "crm-00000")]);
    installation.run(0).unwrap();
    assert_eq!(word(&installation), "needs-review");
    installation.sweep(5).unwrap().outcome().unwrap();
    assert_eq!(word(&installation), "needs-review");
    let told = standings(&installation);
    assert_eq!((told.open[0].state.word(), told.overdue), ("needs-review", 1));
    assert_eq!(report(&installation, "C-1").parts[0].datasets[0].version, None);
    // Once the links may be followed, the doubt is gone.
    installation.edit("jobs/policy.toml", "max_strong_fanout = 2", "max_strong_fanout = 9");
    export(&installation, "s2", &people, &chain);
    installation.run(6).unwrap();
    assert_eq!(word(&installation), "applied");
    installation.sweep(9).unwrap().outcome().unwrap();
    assert_eq!(word(&installation), "removed");
}

#[test]
fn who_is_only_in_a_replaced_version_is_not_unmatched() {
    let installation = Installation::new();
    installation.edit("jobs/policy.toml", "PT24H", "PT72H");
    let mut people = contacts(0..30, -10);
    installation.export("s1", &people);
    installation.run(0).unwrap();
    people.remove(4);
    installation.export("s2", &people);
    installation.run(2).unwrap();
    let held = installation.copy();
    by_hand::ask(&held.asking(3, "email: person00004@example.org"), hold()).unwrap();
    held.sweep(3).unwrap().outcome().unwrap();
    assert_eq!(report(&held, "H-1").state.word(), "applied");
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.sweep(3).unwrap().outcome().unwrap();
    assert_eq!(word(&installation), "applied");
    let told = report(&installation, "C-1").parts.remove(0).datasets.remove(0);
    assert_eq!((told.version, told.waits.len()), (None, 1), "no version took the person out for the request");
    installation.sweep(9).unwrap().outcome().unwrap();
    assert_eq!(word(&installation), "removed");
}

#[test]
fn a_job_that_left_the_specs_keeps_its_requests_open() {
    let installation = Installation::new();
    let people = contacts(0..30, -10);
    installation.export("s1", &people);
    let job = std::fs::read_to_string(installation.path("jobs/contacts.toml")).unwrap();
    let other = job.replace("name = \"contacts\"", "name = \"other\"").replace("lake:crm/contacts", "lake:other");
    installation.write("jobs/other.toml", &other);
    installation.run(0).unwrap();
    run::run(&Call { job: "other".into(), ..installation.call(0) }, &Silent).unwrap();
    std::fs::remove_file(installation.path("jobs/other.toml")).unwrap();
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    for day in [1, 5] {
        let complaint = installation.sweep(day).unwrap().outcome().unwrap_err();
        assert!(complaint.code() == Code::OutputChanged && complaint.message().contains("lake:other"), "{complaint}");
    }
    let told = standings(&installation);
    assert_eq!(told.open[0].states["contacts"].word(), "removed");
    assert_eq!((told.open[0].state.word(), told.datasets[1].no_job), ("received", true));
    let other = report(&installation, "C-1").parts.remove(0).datasets.remove(1);
    assert!(other.dataset == "lake:other" && other.waits[0].contains("served by no job any more"), "{:?}", other.waits);
}

#[test]
fn a_renamed_job_removes_what_its_earlier_name_left() {
    let installation = Installation::new();
    let people = contacts(0..30, -10);
    installation.export("s1", &people);
    installation.run(0).unwrap();
    let probe = installation.copy();
    probe.erase("1", &[("C-1", "person00004@example.org", "")]);
    probe.sweep(1).unwrap().outcome().unwrap();
    let token = token_of(&rows(&installation), &rows(&probe));
    installation.export("s2", &people);
    installation.run(1).unwrap();
    installation.edit("jobs/contacts.toml", "name = \"contacts\"", "name = \"people\"");
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.export("s3", &people);
    run::run(&Call { job: "people".into(), ..installation.call(2) }, &Silent).unwrap();
    assert!(!traces(&installation, &people[4], &token).is_empty());
    assert_eq!(word(&installation), "applied");
    installation.sweep(5).unwrap().outcome().unwrap();
    assert_eq!(word(&installation), "removed");
    assert_eq!(traces(&installation, &people[4], &token), []);
    assert_eq!(standings(&installation).datasets.len(), 1);
}

#[test]
fn a_run_makes_a_dataset_whole_that_has_lost_its_companions() {
    let installation = Installation::new();
    let people = contacts(0..30, -10);
    installation.export("s1", &people);
    installation.run(0).unwrap();
    std::fs::remove_dir_all(installation.path("state/companions")).unwrap();
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    let refused = installation.sweep(1).unwrap().outcome().unwrap_err();
    assert!(
        refused.code() == Code::CompanionBroken && refused.help_text().unwrap().contains("run the job"),
        "{refused}"
    );
    installation.export("s2", &people);
    let manifest = installation.run(2).unwrap().manifest;
    assert_eq!((manifest.rows_out, manifest.absent), (29, None));
    installation.sweep(5).unwrap().outcome().unwrap();
    assert_eq!(word(&installation), "removed");
    installation.export("s3", &people);
    assert_eq!(installation.run(6).unwrap().manifest.absent, Some(0), "compared with the new one again");
}

/// Of another file a sweep would drop the wrong rows, say "applied", and write evidence of its own for the result.
#[test]
fn r40_a_sweep_builds_on_no_file_and_no_companion_but_those_that_the_manifest_names() {
    let installation = Installation::new();
    let people = contacts(0..30, -10);
    installation.export("s1", &people);
    let manifest = installation.run(0).unwrap().manifest;
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    let companion = format!("state/{}", manifest.output.companions[0].path);
    let file = format!("lake/{}", manifest.output.files[0].path);
    for path in [companion, file].map(|path| installation.path(&path)) {
        let bytes = std::fs::read(&path).unwrap();
        let mut other = bytes.clone();
        other[bytes.len() / 3] ^= 1;
        std::fs::write(&path, other).unwrap();
        let refused = installation.sweep(1).unwrap().outcome().unwrap_err();
        assert_eq!(refused.code(), Code::PublishedFileChanged, "{refused}");
        assert!(refused.message().contains(path.file_name().unwrap().to_str().unwrap()), "{refused}");
        assert_eq!((current(&installation).output.version, word(&installation).as_str()), (0, "received"));
        assert_eq!(intents(&installation), 1, "it is noticed before anything is begun");
        std::fs::write(&path, bytes).unwrap();
    }
    installation.sweep(1).unwrap().outcome().unwrap();
    assert_eq!((current(&installation).rows_out, word(&installation).as_str()), (29, "applied"));
}

fn intents(installation: &Installation) -> usize {
    let entries = state(installation).ledger().entries().unwrap();
    entries.iter().filter(|entry| matches!(entry.event, LedgerEvent::Intent { .. })).count()
}

/// A file of which no row stays has no successor, so nobody would look at it again.
#[test]
fn r40_a_sweep_drops_no_file_but_one_that_the_manifest_names() {
    let installation = Installation::new();
    let people = contacts(0..12, -10);
    installation.export("s1", &people);
    let file = installation.run(0).unwrap().manifest.output.files.remove(0).path;
    let rows: Vec<(String, &str)> = people.iter().map(|one| (format!("C-{}", one.id), one.id.as_str())).collect();
    let rows: Vec<(&str, &str, &str)> = rows.iter().map(|(case, id)| (case.as_str(), "", *id)).collect();
    installation.erase("1", &rows);
    let path = installation.path(&format!("lake/{file}"));
    let bytes = std::fs::read(&path).unwrap();
    let mut other = bytes.clone();
    other[bytes.len() / 3] ^= 1;
    std::fs::write(&path, other).unwrap();
    let refused = installation.sweep(1).unwrap().outcome().unwrap_err();
    assert_eq!(refused.code(), Code::PublishedFileChanged, "{refused}");
    assert_eq!((current(&installation).output.version, intents(&installation)), (0, 1));
    std::fs::write(&path, bytes).unwrap();
    installation.sweep(1).unwrap().outcome().unwrap();
    assert_eq!((current(&installation).rows_out, current(&installation).output.files.len()), (0, 0));
}

#[test]
fn r34_a_replaced_file_whose_companion_is_another_one_is_kept_by_any_hold() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    let before = installation.run(0).unwrap().manifest.output;
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    by_hand::ask(&installation.asking(1, "email: person00004@example.org"), hold()).unwrap();
    installation.sweep(1).unwrap().outcome().unwrap();
    let companion = |output: &Output| installation.path(&format!("state/{}", output.companions[0].path));
    std::fs::copy(companion(&current(&installation).output), companion(&before)).unwrap();
    let held = installation.sweep(5).unwrap();
    held.outcome().unwrap();
    assert_eq!(held.datasets[0].removal.held, 1);
    assert!(installation.path(&format!("lake/{}", before.files[0].path)).exists());
}

#[test]
fn r29_another_lawful_basis_brings_rows_back_and_says_so() {
    let installation = Installation::new();
    let people = contacts(0..30, -10);
    installation.export("s1", &people);
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.run(0).unwrap();
    installation.sweep(5).unwrap().outcome().unwrap();
    assert_eq!(word(&installation), "removed");
    installation.edit("jobs/policy.toml", "legitimate-interests", "legal-obligation");
    installation.export("s2", &people);
    assert_eq!(installation.run(6).unwrap().manifest.rows_out, 30);
    assert_eq!(word(&installation), "not-binding");
    assert_eq!(report(&installation, "C-1").parts[0].datasets[0].version, None);
    installation.edit("jobs/policy.toml", "legal-obligation", "legitimate-interests");
    installation.sweep(7).unwrap().outcome().unwrap();
    assert_eq!((word(&installation).as_str(), current(&installation).rows_out), ("applied", 29));
}

#[test]
fn r30_what_a_lift_ended_says_so_and_so_does_a_lift_that_ends_nothing() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    let ask = |day: i64, effect: Effect, request: &str, lifts: Option<&str>| {
        let asked = Asked {
            lifts: lifts.map(String::from),
            terms: RequestTerms {
                ground: (effect == Effect::Restrict).then_some(Ground::A),
                informed: (effect == Effect::Lift).then(|| installation.at(day)),
                ..Default::default()
            },
            ..asked(effect, request)
        };
        let who = if lifts.is_some() { "" } else { "email: person00004@example.org" };
        by_hand::ask(&installation.asking(day, who), asked).unwrap()
    };
    ask(1, Effect::Restrict, "R-1", None);
    ask(1, Effect::Erase, "E-1", None);
    installation.sweep(1).unwrap().outcome().unwrap();
    let lifted = ask(2, Effect::Lift, "L-1", Some("R-1"));
    assert_eq!((lifted.ends, lifted.lift), (Some(1), Some("ends one request")));
    let nothing = ask(2, Effect::Lift, "L-2", Some("E-1"));
    assert!(nothing.ends == Some(0) && nothing.lift.unwrap().contains("lift_erase"));
    assert!(ask(2, Effect::Lift, "L-3", Some("X-1")).lift.unwrap().contains("no request"));
    installation.sweep(5).unwrap().outcome().unwrap();
    let restricted = report(&installation, "R-1");
    assert_eq!((restricted.state.word(), restricted.parts[0].note.as_deref()), ("ended", Some("ended by L-1")));
    assert!(restricted.parts[0].datasets.is_empty());
    assert_eq!(
        ["L-1", "L-2", "E-1"].map(|id| report(&installation, id).state.word()),
        ["applied", "ends-nothing", "removed"]
    );
}

#[test]
fn what_crashes_leave_beside_records_goes_too() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..6, -10));
    installation.run(0).unwrap();
    let left = ["state/ledger/000000000009.json#1", "state/requests/segments/0000000001-0000000001-0000.seg#2"];
    left.iter().for_each(|path| installation.write(path, "{}"));
    installation.sweep(0).unwrap().outcome().unwrap();
    assert!(left.iter().all(|path| installation.path(path).exists()), "they may belong to a process at work");
    let removal = installation.sweep(5).unwrap().datasets.remove(0).removal;
    assert_eq!(removal.objects["staging"], 2);
    assert!(left.iter().all(|path| !installation.path(path).exists()));
    assert!(state(&installation).ledger().newest().unwrap().is_some());
}

/// A legal hold of one person, as it is typed in.
fn hold() -> Asked {
    let terms = RequestTerms { review_by: Instant::parse("2999-01-01T00:00:00Z"), ..Default::default() };
    Asked { terms, ..asked(Effect::Hold, "H-1") }
}
