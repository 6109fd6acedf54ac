//! Tables and the jobs they are of: a job that is renamed goes on with its table in every command, a table whose job is
//! gone is complained of until somebody deals with it, and commits of other programs are told apart.

use crate::erase::state;
use crate::installation::{Installation, contacts};
use crate::nightly::{Hand, ask, due, evidence_holds, host, nightly};
use crate::schedule::{health, until};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;
use tamis::daemon::{self, Daemon, Host, Service, Turn, Work};
use tamis::monitor::Silent;
use tamis::policy;
use tamis::run::{self, Call, case, explain, standing, subject, versions};

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
        assert!(matches!(&turns[..], [Turn { work: Work::Sweep, came: daemon::Came::Swept { rows: 1, .. }, .. }]), "{how}");
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
