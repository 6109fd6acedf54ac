//! Tables and the jobs they are of: a job that is renamed goes on with its table in every command, a table whose job is
//! gone is complained of until somebody deals with it, and commits of other programs are told apart.

use crate::erase::{current, rows, state, token_of, traces};
use crate::fault::{Fault, FaultStore, Mode};
use crate::installation::{Installation, asked, contacts, files};
use crate::nightly::{Hand, ask, due, evidence_holds, host, nightly};
use crate::python::Python;
use crate::schedule::{health, until};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;
use tamis::by_hand;
use tamis::daemon::{self, Daemon, DueAttempt, Host, Service, Work};
use tamis::error::{Code, Error};
use tamis::evidence::LedgerEvent;
use tamis::job::{self, Call, Caller, SubjectCall};
use tamis::monitor::Silent;
use tamis::policy;
use tamis::questions::{self, case, explain, find, request_status, versions};
use tamis::state::{Claim, Claimant, Process};
use tamis::store::Root;

const MINUTE: i64 = 60_000_000;

fn project(installation: &Installation) -> policy::Project {
    policy::load(&installation.path("jobs"), &[]).unwrap()
}

/// The job is called otherwise from now on; its output stays.
fn rename(installation: &Installation, from: &str, to: &str) {
    installation.edit("jobs/contacts.toml", &format!("name = \"{from}\""), &format!("name = \"{to}\""));
}

fn statuses(installation: &Installation, day: i64) -> Vec<daemon::JobStatus> {
    let project = project(installation);
    let roots = job::open_roots(&project, &installation.handle(), None).unwrap();
    daemon::status(&project, &roots, &state(installation), installation.at(day)).unwrap()
}

/// What a job's newest record says, under the job's own name.
fn record(installation: &Installation, job: &str) -> tamis::state::Dataset {
    let (project, state) = (project(installation), state(installation));
    job::dataset_of(&state, &project, &project.jobs[job]).unwrap().unwrap()
}

#[test]
fn a_renamed_job_is_the_same_dataset_for_every_command_also_when_nothing_runs_it() {
    for how in ["by hand", "suspended", "not due"] {
        let installation = nightly(30);
        assert_eq!(daemon::worst(&due(&installation, 0, MINUTE)), 0);
        let schedule = "[schedule]\ncron = \"0 2 * * *\"\ntimezone = \"UTC\"";
        match how {
            "by hand" => installation.edit("jobs/contacts.toml", schedule, ""),
            "suspended" => installation.edit("jobs/contacts.toml", schedule, &format!("{schedule}\nsuspend = true")),
            _ => {}
        }
        rename(&installation, "contacts", "people");
        let found = find::find(&installation.asking(0, "email: person00004@example.org")).unwrap();
        let told: Vec<_> = found.datasets.iter().map(|d| (d.job.as_str(), d.no_job, d.rows)).collect();
        assert_eq!(told, [("people", false, 1)], "{how}");
        let status = &statuses(&installation, 0)[0];
        assert_eq!(status.version.as_ref().map(|v| v.version), Some(0), "{how}");
        assert!(status.sweep.last.is_some() && status.due.is_none(), "{how}: {status:?}");
        assert_eq!(due(&installation, 0, 10 * MINUTE), [], "{how}: it was run and swept under its earlier name");
        ask(&installation, "C-1", 4, 0);
        let turns = due(&installation, 0, 20 * MINUTE);
        assert!(
            matches!(&turns[..], [DueAttempt { work: Work::Sweep, came: daemon::Came::Swept { rows: 1, .. }, .. }]),
            "{how}"
        );
        assert_eq!(record(&installation, "people").current.unwrap().rows, 29, "{how}");
        let (who, call) = (installation.asking(1, "email: person00004@example.org"), installation.call(1));
        let call = Call { job: "people".into(), demo: false, ..call };
        let explained = explain::explain(&who, &call, &Silent).unwrap().datasets.remove(0);
        assert_eq!((explained.version, explained.rows, explained.vanished.unwrap().version), (Some(1), 0, 1), "{how}");
        let report = versions::of_job(&project(&installation), &state(&installation), "people", None).unwrap();
        let made: Vec<_> = report.versions.iter().map(|v| (v.version, v.swept)).collect();
        assert_eq!(made, [(0, false), (1, true)], "{how}");
        assert_eq!(case::report(&installation.asking(1, ""), "C-1").unwrap().parts[0].datasets[0].version, Some(1));
        evidence_holds(&installation);
    }
}

#[test]
fn what_requests_had_come_to_and_holds_reach_stays_known_under_a_new_name_and_back_under_the_old() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.sweep(1).unwrap().outcome().unwrap();
    installation.sweep(3).unwrap().outcome().unwrap();
    let word = |day| request_status::standings(&installation.asking(day, ""), 9).unwrap().counts;
    assert_eq!(word(3).keys().collect::<Vec<_>>(), ["removed"]);
    rename(&installation, "contacts", "people");
    assert_eq!(word(3).keys().collect::<Vec<_>>(), ["received"], "nobody has looked under this name yet");
    installation.sweep(4).unwrap().outcome().unwrap();
    assert_eq!(word(4).keys().collect::<Vec<_>>(), ["removed"]);
    installation.erase("2", &[("C-2", "person00008@example.org", "")]);
    installation.sweep(5).unwrap().outcome().unwrap();
    let under = record(&installation, "people");
    // Back to the first name: its own record is older, and must not count.
    rename(&installation, "people", "contacts");
    let back = record(&installation, "contacts");
    assert_eq!((back.current.clone(), &back.replaced), (under.current, &under.replaced));
    assert!(back.moves > under.moves && back.last_as_of == under.last_as_of);
    installation.sweep(7).unwrap().outcome().unwrap();
    assert_eq!(record(&installation, "contacts").current.unwrap().rows, 28);
    installation.sweep(9).unwrap().outcome().unwrap();
    assert_eq!(word(9).into_iter().collect::<Vec<_>>(), [("removed".into(), 2)]);
    assert!(!installation.path("state/companions/people").read_dir().unwrap().any(|e| e.unwrap().path().is_dir()));
    evidence_holds(&installation);
}

/// Takes the job away and puts another one there, which has an output of its own.
fn replace_job(installation: &Installation) {
    let job = std::fs::read_to_string(installation.path("jobs/contacts.toml")).unwrap();
    let other = job.replace("name = \"contacts\"", "name = \"other\"").replace("lake:crm/contacts", "lake:crm/other");
    std::fs::remove_file(installation.path("jobs/contacts.toml")).unwrap();
    installation.write("jobs/other.toml", &other);
}

#[test]
fn a_table_whose_job_is_gone_is_complained_of_by_every_look_until_the_job_comes_back() {
    let installation = nightly(30);
    assert_eq!(daemon::worst(&due(&installation, 0, MINUTE)), 0);
    let job = std::fs::read_to_string(installation.path("jobs/contacts.toml")).unwrap();
    replace_job(&installation);
    ask(&installation, "C-1", 4, 0);
    for minutes in [2, 10] {
        let turns = due(&installation, 0, minutes * MINUTE);
        let last = turns.last().unwrap();
        assert_eq!((last.job.as_str(), daemon::worst(&turns)), ("contacts", 2), "{turns:?}");
        assert!(last.help().unwrap().contains("tamis dataset retire lake:crm/contacts"), "{turns:?}");
    }
    let swept = installation.sweep(1).unwrap();
    assert!(
        swept.outcome().is_err() && swept.stops[0].contains("lake:crm/contacts is served by no job"),
        "{:?}",
        swept.stops
    );
    let complaints = daemon::without_job(&project(&installation), &state(&installation)).unwrap();
    assert_eq!((complaints.len(), complaints[0].dataset.as_str()), (1, "lake:crm/contacts"));
    let found = find::find(&installation.asking(1, "email: person00004@example.org")).unwrap();
    let told: Vec<_> = found.datasets.iter().map(|d| (d.job.as_str(), d.no_job, d.rows)).collect();
    assert_eq!(told, [("other", false, 0), ("contacts", true, 1)]);
    assert_eq!(found.requests[0].states["contacts"].word(), "received");
    let page = || {
        let clock = Arc::new(Hand(AtomicI64::new(installation.at(1).0 + MINUTE)));
        let host = Host { clock, ..host(&installation, "page", installation.at(1)) };
        let (grace, listen) = (Duration::from_secs(20), Some("127.0.0.1:0".parse().unwrap()));
        let (daemon, control) = Daemon::new(Service { host, beat: 1, parallel: 1, grace, listen }).unwrap();
        let at = daemon.address.unwrap();
        let thread = std::thread::spawn(move || daemon.run(Arc::new(Silent)).unwrap());
        until("a look", || health(at).1["health"]["jobs"].as_array().is_some_and(|jobs| !jobs.is_empty()));
        let page = health(at);
        control.terminate();
        assert!(thread.join().unwrap());
        page
    };
    let (code, told) = page();
    assert_eq!((code, &told["health"]["no_job"][0]), (503, &"lake:crm/contacts".into()));
    installation.write("jobs/contacts.toml", &job);
    let turns = due(&installation, 1, 20 * MINUTE);
    assert_eq!(daemon::worst(&turns), 0, "{turns:?}");
    assert_eq!(record(&installation, "contacts").current.unwrap().rows, 29);
    assert!(page().1["health"]["no_job"].as_array().unwrap().is_empty());
}

#[test]
fn a_table_that_its_job_has_left_for_another_output_is_told_once_and_can_be_retired() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.sweep(1).unwrap().outcome().unwrap();
    installation.edit("jobs/contacts.toml", "lake:crm/contacts", "lake:crm/people");
    let asking = installation.asking(2, "email: person00005@example.org");
    let case = case::report(&asking, "C-1").unwrap();
    let told: Vec<_> = case.parts[0].datasets.iter().map(|d| (d.dataset.as_str(), d.waits.len())).collect();
    assert_eq!(told, [("lake:crm/contacts", 1)]);
    assert!(case.parts[0].datasets[0].waits[0].contains("served by no job"));
    let found = find::find(&asking).unwrap();
    let told: Vec<_> = found.datasets.iter().map(|d| (d.job.as_str(), d.no_job, d.rows)).collect();
    assert_eq!(told, [("contacts", true, 1)]);
    let standings = request_status::standings(&asking, 9).unwrap();
    let told: Vec<_> = standings.datasets.iter().map(|d| (d.dataset.as_str(), d.no_job)).collect();
    assert_eq!(told, [("lake:crm/contacts", true)]);
    assert!(statuses(&installation, 2)[0].version.is_none(), "the job has published nothing to its new output");
    // No job can be swept, and the table is complained of all the same.
    let swept = installation.sweep(2).unwrap();
    assert!(swept.stops.iter().any(|stop| stop.contains("lake:crm/contacts is served by no job")), "{:?}", swept.stops);
    // As the complaint says: by the name of the table. The job's name would do, too.
    let asked = |of: &str| by_hand::Retiring { of: of.into(), reason: "moved".into(), by: None, remove: true };
    let again = installation.copy();
    for (installation, of) in [(&installation, "lake:crm/contacts"), (&again, "contacts")] {
        let asking = installation.asking(3, "");
        by_hand::retire(&asking, &Caller::at(installation.at(3)), &asked(of), &Silent).unwrap();
        assert!(daemon::without_job(&project(installation), &state(installation)).unwrap().is_empty(), "{of}");
        let case = case::report(&asking, "C-1").unwrap();
        let told: Vec<_> = case.parts[0].datasets.iter().map(|d| (d.dataset.as_str(), d.state.word())).collect();
        assert_eq!(told, [("lake:crm/contacts", "removed")], "{of}");
    }
}

#[test]
fn jobs_that_change_their_outputs_with_each_other_take_no_table_over_and_lose_none() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    let job = std::fs::read_to_string(installation.path("jobs/contacts.toml")).unwrap();
    let other = job.replace("name = \"contacts\"", "name = \"other\"").replace("lake:crm/contacts", "lake:crm/other");
    installation.write("jobs/other.toml", &other);
    let run = |day: i64, job: &str| {
        std::fs::create_dir_all(installation.path("spill")).unwrap();
        tamis::run::run(&Call { job: job.into(), ..installation.call(day) }, &Silent)
    };
    run(0, "other").unwrap();
    run(1, "contacts").unwrap();
    installation.edit("jobs/contacts.toml", "lake:crm/contacts", "lake:crm/other");
    installation.edit("jobs/other.toml", "lake:crm/other", "lake:crm/contacts");
    for job in ["contacts", "other"] {
        assert_eq!(run(2, job).unwrap_err().code(), Code::OutputChanged, "{job}");
    }
    let asking = installation.asking(2, "email: person00005@example.org");
    let told: Vec<_> = find::find(&asking).unwrap().datasets.into_iter().map(|d| (d.dataset, d.job, d.rows)).collect();
    let each = |output: &str, job: &str| (format!("lake:crm/{output}"), job.to_string(), 1);
    assert_eq!(told, [each("contacts", "contacts"), each("other", "other")]);
    let left = daemon::without_job(&project(&installation), &state(&installation)).unwrap();
    assert_eq!(left.len(), 2, "each is complained of: its job is refused, so nothing reaches it");
    // The table that is named ends, and the other one stays.
    let retired = retire(&installation, 3, true).unwrap();
    assert_eq!((retired.dataset.as_str(), retired.job.as_str()), ("lake:crm/contacts", "contacts"));
    let left = daemon::without_job(&project(&installation), &state(&installation)).unwrap();
    assert_eq!(left.iter().map(|left| left.dataset.as_str()).collect::<Vec<_>>(), ["lake:crm/other"]);
    let told: Vec<_> = find::find(&asking).unwrap().datasets.into_iter().map(|d| (d.dataset, d.job, d.rows)).collect();
    assert_eq!(told, [each("other", "other")]);
}

fn retire(installation: &Installation, day: i64, remove: bool) -> Result<by_hand::Retired, Error> {
    let (of, reason) = ("lake:crm/contacts".to_string(), "the team has ended".to_string());
    let asked = by_hand::Retiring { of, reason, by: Some("dpo".into()), remove };
    let call = SubjectCall { wrap: installation.wrap.clone(), ..installation.asking(day, "") };
    by_hand::retire(&call, &job::Caller::at(installation.at(day)), &asked, &Silent)
}

/// An installation whose job is gone, with one request that came after.
fn without_its_job() -> Installation {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    replace_job(&installation);
    installation
}

fn words(installation: &Installation, day: i64) -> Vec<(String, u64)> {
    request_status::standings(&installation.asking(day, ""), 9).unwrap().counts.into_iter().collect()
}

#[test]
fn retiring_begins_after_a_process_that_was_killed_and_waits_for_one_that_is_alive() {
    let installation = without_its_job();
    let state = state(&installation);
    let process = || Process { machine: "here".into(), number: 7, began: 1 };
    let other = Claimant { name: "other".into(), process: Some(process()), ended: |_| None };
    let now = installation.at(1);
    assert!(matches!(state.claim("contacts", &other, "nonce", now, 120_000_000).unwrap(), Claim::Ours(_)));
    let (of, reason) = ("lake:crm/contacts".to_string(), "over".to_string());
    let asked = by_hand::Retiring { of, reason, by: None, remove: true };
    let call = installation.asking(1, "");
    let with = |ended: fn(&Process) -> Option<bool>| {
        let who = Claimant { name: "this".into(), process: Some(process()), ended };
        by_hand::retire(&call, &job::Caller { who, ..job::Caller::at(now) }, &asked, &Silent)
    };
    let error = with(|_| Some(false)).map(|_| ()).unwrap_err();
    assert!(error.code() == Code::LeaseHeld && error.message().contains("other"), "{error}");
    assert!(with(|_| Some(true)).unwrap().new);
}

#[test]
fn retiring_removes_all_of_a_table_and_what_was_found_in_it_is_done() {
    let installation = without_its_job();
    let error = retire(&installation, 1, false).unwrap_err();
    assert_eq!(error.code(), Code::TableNotEmpty, "{error}");
    // A hold on one of its persons keeps all of it.
    let hold = "[lists.litigation]\ninput = \"requests:hold/*.csv\"\neffect = \"hold\"\nmatch = { Email = \"email\" }\n\
                request = \"Case\"\nreceived = \"At\"\nmay_be_empty = true\n[removal]";
    installation.edit("jobs/policy.toml", "[removal]", hold);
    installation.write("requests/hold/1.csv", "Case,At,Email\nH-1,2026-10-01,person00009@example.org\n");
    let before = files(&installation.path("lake"));
    let error = retire(&installation, 1, true).unwrap_err();
    assert_eq!(error.code(), Code::LegalHold, "{error}");
    // A hold that cannot be read to the end does too.
    installation.write("requests/hold/2.csv", "Case,At,Email\nH-2,never,person00010@example.org\n");
    assert_eq!(retire(&installation, 1, true).unwrap_err().code(), Code::RequestListUnreadable);
    assert!(files(&installation.path("lake")) == before, "nothing was removed");
    assert_eq!(words(&installation, 1), [("received".into(), 1)], "no request is done by a refusal");
    installation.write("requests/hold/2.csv", "Case,At,Email\nH-2,2026-10-01,nobody@example.org\n");
    let lift = SubjectCall { ..installation.asking(1, "") };
    for of in ["H-1", "H-2"] {
        let ended = by_hand::Asked { lifts: Some(of.into()), ..asked(policy::Effect::Lift, &format!("L-{of}")) };
        by_hand::ask(&lift, ended).unwrap();
    }
    let retired = retire(&installation, 2, true).unwrap();
    assert!(retired.new && retired.objects["files"] > 0 && retired.objects["companions"] > 0, "{retired:?}");
    assert_eq!((files(&installation.path("lake")), files(&installation.path("state/companions"))), (vec![], vec![]));
    assert_eq!(words(&installation, 2), [("removed".into(), 1)]);
    installation.sweep(3).unwrap().outcome().unwrap();
    assert!(daemon::without_job(&project(&installation), &state(&installation)).unwrap().is_empty());
    let entries = state(&installation).ledger().entries().unwrap();
    let told = entries.iter().find_map(|entry| match &entry.event {
        LedgerEvent::Retired { dataset, reason, by, .. } => Some((dataset.as_str(), reason.as_str(), by.as_deref())),
        _ => None,
    });
    assert_eq!(told, Some(("lake:crm/contacts", "the team has ended", Some("dpo"))));
    evidence_holds(&installation);
    assert!(!retire(&installation, 3, true).unwrap().new, "once more is no fault and does nothing");
    // The same output may be used again: a new table, with the same history.
    std::fs::remove_file(installation.path("jobs/other.toml")).unwrap();
    installation.write("jobs/contacts.toml", crate::installation::JOB);
    let manifest = installation.run(4).unwrap().manifest;
    assert_eq!((manifest.output.version, manifest.rows_out), (0, 29));
    installation.sweep(6).unwrap().outcome().unwrap();
    evidence_holds(&installation);
}

#[test]
fn a_table_that_was_removed_by_hand_is_closed_only_when_nothing_is_left_of_it() {
    let installation = without_its_job();
    let lake = installation.path("lake/crm/contacts");
    let kept = files(&lake).into_iter().find(|(path, _)| path.extension().unwrap() == "parquet").unwrap();
    std::fs::remove_dir_all(&lake).unwrap();
    std::fs::create_dir_all(kept.0.parent().unwrap()).unwrap();
    std::fs::write(&kept.0, kept.1).unwrap();
    let error = retire(&installation, 1, false).unwrap_err();
    assert!(error.code() == Code::TableNotEmpty && error.message().contains("1 object(s)"), "{error}");
    assert!(error.help_text().unwrap().contains("--remove"), "{error}");
    std::fs::remove_file(&kept.0).unwrap();
    let retired = retire(&installation, 1, false).unwrap();
    assert!(retired.new && retired.requests == 1, "{retired:?}");
    assert_eq!(words(&installation, 1), [("removed".into(), 1)]);
    installation.sweep(2).unwrap().outcome().unwrap();
    evidence_holds(&installation);
}

#[test]
fn a_retirement_that_breaks_off_anywhere_says_nothing_too_early_and_is_gone_on_with() {
    let counting = Fault::counting();
    let probe = without_its_job();
    let with = |installation: &mut Installation, fault: &Arc<Fault>| {
        let fault = fault.clone();
        installation.wrap = Some(Arc::new(move |root: Root| {
            let inner = root.raw("").0;
            root.with_store(FaultStore::new(inner, fault.clone()))
        }));
    };
    let start = probe.copy();
    let mut probe = probe;
    with(&mut probe, &counting);
    retire(&probe, 1, true).unwrap();
    for k in counting.changes() {
        for mode in [Mode::FailBefore, Mode::FailAfter] {
            let mut installation = start.copy();
            with(&mut installation, &Fault::new(mode, k, true));
            let broken = retire(&installation, 1, true);
            installation.wrap = None;
            let left = files(&installation.path("lake")).len();
            if left > 0 {
                assert!(broken.is_err(), "{k}");
                let words = words(&installation, 1);
                assert!(words.iter().all(|(word, _)| word == "received"), "{k}: {words:?}, and bytes are there");
            }
            // The lease of a call that broke off ends by itself.
            retire(&installation, 2, true).unwrap();
            assert_eq!(files(&installation.path("lake")), [], "{k}");
            assert_eq!(words(&installation, 2), [("removed".into(), 1)], "{k}");
            evidence_holds(&installation);
        }
    }
}

/// Lets `deltalake` do something to the table.
fn another(python: &Python, installation: &Installation, actions: &[&str]) {
    for action in actions {
        python.run("foreign.py", [installation.path("lake/crm/contacts").to_str().unwrap(), action]);
    }
}

fn looked_at(installation: &Installation) -> Vec<questions::ForeignTable> {
    let project = project(installation);
    let roots = job::open_roots(&project, &installation.handle(), None).unwrap();
    let (found, unseen) = questions::foreign::foreign(&project, &roots, &state(installation)).unwrap();
    assert!(unseen.is_empty(), "{unseen:?}");
    found
}

fn adopt(installation: &Installation, day: i64) -> Result<by_hand::Adopted, Error> {
    let asked = by_hand::Adopting { reason: "the other program is stopped".into(), by: None };
    by_hand::adopt(&Call { demo: false, ..installation.call(day) }, &asked, &Silent)
}

#[test]
fn commits_that_change_nothing_are_gone_past_counted_and_named_before_a_run_meets_them() {
    let Some(python) = Python::find() else { return };
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    installation.export("s2", &contacts(0..30, -9));
    installation.run(1).unwrap();
    another(&python, &installation, &["vacuum", "properties"]);
    let seen = looked_at(&installation);
    let told: Vec<_> = seen[0].commits.iter().map(|c| c.operation.as_str()).collect();
    assert_eq!((seen.len(), seen[0].harmless, &told[..2]), (1, true, &["VACUUM START", "VACUUM END"][..]), "{seen:?}");
    let passed = told.len() as u64;
    // A sweep that has something to do builds on them, and so does a run; both say what they went past.
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.sweep(2).unwrap().outcome().unwrap();
    let swept = current(&installation);
    assert_eq!((swept.rows_out, swept.output.version, swept.foreign.len() as u64), (29, 2 + passed, passed));
    assert!(looked_at(&installation).is_empty(), "they are before the current version now");
    another(&python, &installation, &["vacuum"]);
    // Nothing to do, so no version; the log is trimmed all the same, and the table stays readable.
    installation.sweep(4).unwrap().outcome().unwrap();
    installation.sweep(6).unwrap().outcome().unwrap();
    installation.export("s3", &contacts(0..30, -8));
    let manifest = installation.run(7).unwrap().manifest;
    assert_eq!((manifest.rows_out, manifest.foreign.len(), manifest.previous.unwrap().version), (29, 2, 2 + passed));
    let table = installation.path("lake/crm/contacts");
    let read = python.run("foreign.py", [table.to_str().unwrap(), "read"]);
    assert_eq!(read.matches(',').count() + 1, 29);
    evidence_holds(&installation);
}

#[test]
fn a_table_that_another_program_changed_is_refused_and_taken_back_with_its_files() {
    let Some(python) = Python::find() else { return };
    for actions in [&["delete"][..], &["append"], &["delete", "append"]] {
        let installation = Installation::new();
        installation.export("s1", &contacts(0..30, -10));
        installation.run(0).unwrap();
        assert_eq!(
            adopt(&installation, 0).unwrap_err().code(),
            Code::NothingPublished,
            "there is nothing to take back"
        );
        let before = rows(&installation);
        another(&python, &installation, actions);
        installation.erase("1", &[("C-1", "person00004@example.org", "")]);
        let error = installation.run(1).unwrap_err();
        assert!(
            error.code() == Code::TableIsForeign && error.help_text().unwrap().contains("dataset adopt"),
            "{error}"
        );
        assert!(installation.sweep(1).unwrap().outcome().is_err());
        assert!(!looked_at(&installation)[0].harmless);
        let (project, mut report) = (project(&installation), tamis::evidence::VerifyReport::default());
        let roots = job::open_roots(&project, &installation.handle(), None).unwrap();
        questions::foreign::verify(&project, &roots, &state(&installation), &mut report).unwrap();
        assert_eq!(report.outcome().unwrap_err().code(), Code::EvidenceBroken, "verify says so first");
        assert!(report.faults[0].contains("are of another program"), "{report:?}");
        let adopted = adopt(&installation, 1).unwrap();
        assert!(adopted.back && adopted.files > 0 && adopted.rows == 29, "{actions:?}: {adopted:?}");
        let token = token_of(&before, &rows(&installation));
        let table = installation.path("lake/crm/contacts");
        let read = python.run("foreign.py", [table.to_str().unwrap(), "read"]);
        assert!(read.matches(',').count() + 1 == 29 && !read.contains(&token), "{actions:?}");
        // What the other program wrote holds the person: not removed before those files are.
        assert_eq!(words(&installation, 1), [("applied".into(), 1)]);
        installation.sweep(4).unwrap().outcome().unwrap();
        assert_eq!(words(&installation, 4), [("removed".into(), 1)]);
        assert_eq!(traces(&installation, &contacts(4..5, -10)[0], &token), [], "{actions:?}");
        assert_eq!(adopt(&installation, 5).unwrap_err().code(), Code::NothingPublished, "once more");
        let entries = state(&installation).ledger().entries().unwrap();
        assert_eq!(entries.iter().filter(|entry| matches!(entry.event, LedgerEvent::Adopted { .. })).count(), 1);
        evidence_holds(&installation);
    }
}

#[test]
fn a_table_whose_files_are_gone_is_empty_until_the_next_run_and_one_with_another_rule_is_refused() {
    let Some(python) = Python::find() else { return };
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    another(&python, &installation, &["delete", "vacuum"]);
    let adopted = adopt(&installation, 1).unwrap();
    assert!(!adopted.back && adopted.rows == 0 && adopted.not_vouched.len() == 3, "{adopted:?}");
    let table = installation.path("lake/crm/contacts");
    assert_eq!(python.run("foreign.py", [table.to_str().unwrap(), "read"]).trim(), "[]", "readers see nobody");
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.sweep(2).unwrap().outcome().unwrap();
    installation.export("s2", &contacts(0..30, -9));
    assert_eq!(installation.run(3).unwrap().manifest.rows_out, 29);
    evidence_holds(&installation);
    another(&python, &installation, &["append-only"]);
    assert_eq!(installation.run(4).unwrap_err().code(), Code::TableUnsupported);
    assert_eq!(adopt(&installation, 4).unwrap_err().code(), Code::TableUnsupported);
}

#[test]
fn an_adoption_that_breaks_off_anywhere_is_gone_on_with() {
    let Some(python) = Python::find() else { return };
    let start = Installation::new();
    start.export("s1", &contacts(0..30, -10));
    start.run(0).unwrap();
    another(&python, &start, &["delete"]);
    start.erase("1", &[("C-1", "person00004@example.org", "")]);
    let counting = Fault::counting();
    let with = |installation: &mut Installation, fault: &Arc<Fault>| {
        let fault = fault.clone();
        installation.wrap = Some(Arc::new(move |root: Root| {
            let inner = root.raw("").0;
            root.with_store(FaultStore::new(inner, fault.clone()))
        }));
    };
    let mut probe = start.copy();
    with(&mut probe, &counting);
    adopt(&probe, 1).unwrap();
    for k in counting.changes() {
        let mut installation = start.copy();
        with(&mut installation, &Fault::new(Mode::FailAfter, k, true));
        let _ = adopt(&installation, 1);
        installation.wrap = None;
        match adopt(&installation, 2) {
            Ok(adopted) => assert_eq!(adopted.rows, 29, "{k}"),
            Err(error) => assert_eq!(error.code(), Code::NothingPublished, "{k}: {error}"),
        }
        installation.sweep(3).unwrap().outcome().unwrap();
        assert_eq!(rows(&installation).len(), 29, "{k}");
        evidence_holds(&installation);
    }
}

#[test]
fn a_reader_of_years_ago_reads_new_tables_and_tables_of_earlier_builds_go_on_as_they_are() {
    let installation = Installation::new();
    let protocol = |installation: &Installation| {
        let first = installation.path("lake/crm/contacts/_delta_log/00000000000000000000.json");
        let text = std::fs::read_to_string(first).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.filter_map(|action| action.get("protocol").cloned()).collect::<Vec<_>>()
    };
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    assert_eq!(protocol(&installation), [serde_json::json!({"minReaderVersion": 1, "minWriterVersion": 2})]);
    let earlier = installation.copy();
    installation.export("s2", &contacts(0..30, -9));
    installation.run(1).unwrap();
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    installation.sweep(2).unwrap().outcome().unwrap();
    if let Some(python) = Python::named("TAMIS_OLD_PYTHON") {
        let table = installation.path("lake/crm/contacts");
        assert_eq!(python.run("old_reader.py", [table.to_str().unwrap()]).trim(), "2 29");
    }
    // As version 0 was written before.
    let modern = "{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[],\"writerFeatures\":[]}";
    let plain = "{\"minReaderVersion\":1,\"minWriterVersion\":2}";
    earlier.edit("lake/crm/contacts/_delta_log/00000000000000000000.json", plain, modern);
    earlier.export("s2", &contacts(0..30, -9));
    earlier.run(1).unwrap();
    assert_eq!(protocol(&earlier)[0]["minReaderVersion"], 3, "Delta forbids to lower it");
    earlier.erase("1", &[("C-1", "person00004@example.org", "")]);
    earlier.sweep(2).unwrap().outcome().unwrap();
    assert_eq!((current(&earlier).rows_out, current(&earlier).output.version), (29, 2));
    evidence_holds(&earlier);
}
