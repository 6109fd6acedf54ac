//! Tables and the jobs they are of: a job that is renamed goes on with its table in every command, a table whose job is
//! gone is complained of until somebody deals with it, and commits of other programs are told apart.

use crate::erase::state;
use crate::fault::{Fault, FaultStore, Mode};
use crate::installation::{Installation, contacts, files};
use crate::nightly::{Hand, ask, due, evidence_holds, host, nightly};
use crate::schedule::{health, until};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;
use tamis::daemon::{self, Daemon, Host, Service, Turn, Work};
use tamis::error::{Error, Kind};
use tamis::evidence::Event;
use tamis::monitor::Silent;
use tamis::policy;
use tamis::run::{self, Call, SubjectCall, case, explain, standing, subject, versions};
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
    let roots = run::open_roots(&project, &installation.handle(), None).unwrap();
    daemon::status(&project, &roots, &state(installation), installation.at(day)).unwrap()
}

/// What a job's newest record says, under the job's own name.
fn record(installation: &Installation, job: &str) -> tamis::state::Dataset {
    let (project, state) = (project(installation), state(installation));
    run::dataset_of(&state, &project, &project.jobs[job]).unwrap().unwrap()
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
        let found = subject::find(&installation.asking(0, "email: person00004@example.org")).unwrap();
        let told: Vec<_> = found.datasets.iter().map(|d| (d.job.as_str(), d.no_job, d.rows)).collect();
        assert_eq!(told, [("people", false, 1)], "{how}");
        let status = &statuses(&installation, 0)[0];
        assert_eq!(status.version.as_ref().map(|v| v.version), Some(0), "{how}");
        assert!(status.sweep.last.is_some() && status.due.is_none(), "{how}: {status:?}");
        assert_eq!(due(&installation, 0, 10 * MINUTE), [], "{how}: it was run and swept under its earlier name");
        ask(&installation, "C-1", 4, 0);
        let turns = due(&installation, 0, 20 * MINUTE);
        assert!(
            matches!(&turns[..], [Turn { work: Work::Sweep, came: daemon::Came::Swept { rows: 1, .. }, .. }]),
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
    let word = |day| standing::standings(&installation.asking(day, ""), 9).unwrap().counts;
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
        assert!(last.help().unwrap().contains("tamis dataset retire contacts"), "{turns:?}");
    }
    let swept = installation.sweep(1).unwrap();
    assert!(swept.outcome().is_err() && swept.stops[0].contains("lake:crm/contacts is of no job"), "{:?}", swept.stops);
    let complaints = daemon::without_job(&project(&installation), &state(&installation)).unwrap();
    assert_eq!((complaints.len(), complaints[0].dataset.as_str()), (1, "lake:crm/contacts"));
    let found = subject::find(&installation.asking(1, "email: person00004@example.org")).unwrap();
    let told: Vec<_> = found.datasets.iter().map(|d| (d.job.as_str(), d.no_job, d.rows)).collect();
    assert_eq!(told, [("other", false, 0), ("contacts", true, 1)]);
    assert_eq!(found.requests[0].states["contacts"], "received");
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

fn retire(installation: &Installation, day: i64, remove: bool) -> Result<run::Retired, Error> {
    let (of, reason) = ("lake:crm/contacts".to_string(), "the team has ended".to_string());
    let asked = run::Retiring { of, reason, by: Some("dpo".into()), remove };
    let call = SubjectCall { wrap: installation.wrap.clone(), ..installation.asking(day, "") };
    run::retire::retire(&call, &asked, &Silent)
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
    standing::standings(&installation.asking(day, ""), 9).unwrap().counts.into_iter().collect()
}

#[test]
fn retiring_removes_all_of_a_table_and_what_was_found_in_it_is_done() {
    let installation = without_its_job();
    let error = retire(&installation, 1, false).unwrap_err();
    assert!(error.kind() == Kind::Policy && error.message().contains("still there"), "{error}");
    // A hold on one of its persons keeps all of it.
    let hold = "[lists.litigation]\ninput = \"requests:hold/*.csv\"\neffect = \"hold\"\nmatch = { Email = \"email\" }\n\
                request = \"Case\"\nreceived = \"At\"\nmay_be_empty = true\n[removal]";
    installation.edit("jobs/policy.toml", "[removal]", hold);
    installation.write("requests/hold/1.csv", "Case,At,Email\nH-1,2026-10-01,person00009@example.org\n");
    let before = files(&installation.path("lake"));
    let error = retire(&installation, 1, true).unwrap_err();
    assert!(error.kind() == Kind::Gate && error.message().contains("legal hold"), "{error}");
    // A hold that cannot be read to the end does too.
    installation.write("requests/hold/2.csv", "Case,At,Email\nH-2,never,person00010@example.org\n");
    assert_eq!(retire(&installation, 1, true).unwrap_err().kind(), Kind::Input);
    assert!(files(&installation.path("lake")) == before, "nothing was removed");
    assert_eq!(words(&installation, 1), [("received".into(), 1)], "no request is done by a refusal");
    installation.write("requests/hold/2.csv", "Case,At,Email\nH-2,2026-10-01,nobody@example.org\n");
    let lift = SubjectCall { ..installation.asking(1, "") };
    let asked = |of: &str| run::Asked {
        effect: policy::Effect::Lift,
        request: format!("L-{of}"),
        purposes: Vec::new(),
        received: None,
        lifts: Some(of.into()),
        lift_erase: false,
    };
    for of in ["H-1", "H-2"] {
        subject::ask(&lift, asked(of)).unwrap();
    }
    let retired = retire(&installation, 2, true).unwrap();
    assert!(retired.new && retired.objects["files"] > 0 && retired.objects["companions"] > 0, "{retired:?}");
    assert_eq!((files(&installation.path("lake")), files(&installation.path("state/companions"))), (vec![], vec![]));
    assert_eq!(words(&installation, 2), [("removed".into(), 1)]);
    installation.sweep(3).unwrap().outcome().unwrap();
    assert!(daemon::without_job(&project(&installation), &state(&installation)).unwrap().is_empty());
    let entries = state(&installation).ledger().entries().unwrap();
    let told = entries.iter().find_map(|entry| match &entry.event {
        Event::Retired { dataset, reason, by, .. } => Some((dataset.as_str(), reason.as_str(), by.as_deref())),
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
    assert!(error.message().contains("1 object(s)") && error.help_text().unwrap().contains("--remove"), "{error}");
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
