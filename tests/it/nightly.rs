//! Sweeps by themselves: `run --due` and the daemon apply requests and retention and remove for good, once a day and when
//! requests come, and write nothing when there is nothing to do. What is late shows on the health page.

use crate::erase::{current, rows, state, token_of, traces};
use crate::fault::{Fault, FaultStore};
use crate::installation::{Installation, contacts, files};
use crate::schedule::{health, until};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tamis::clock::{Clock, Instant};
use tamis::daemon::{self, Came, Daemon, DueAttempt, Host, Service, Work};
use tamis::error::Code;
use tamis::evidence::{LedgerEvent, verify};
use tamis::job::Call;
use tamis::monitor::Silent;
use tamis::state::Accept;
use tamis::store::Root;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

const NIGHTLY: &str = "output = \"lake:crm/contacts\"\n[schedule]\ncron = \"0 2 * * *\"\ntimezone = \"UTC\"";

/// A clock that stands where the test puts it.
pub struct Hand(pub AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Instant {
        Instant(self.0.load(Ordering::SeqCst))
    }
}

/// An installation with a nightly job, at its first instant; the exports of `people` persons are there.
pub fn nightly(people: usize) -> Installation {
    let installation = Installation::new();
    installation.edit("jobs/contacts.toml", "output = \"lake:crm/contacts\"", NIGHTLY);
    installation.create();
    installation.export("s1", &contacts(0..people, -10));
    std::fs::create_dir_all(installation.path("spill")).unwrap();
    installation
}

pub fn host(installation: &Installation, holder: &str, now: Instant) -> Host {
    let clock = Arc::new(Hand(AtomicI64::new(now.0)));
    Host { clock, holder: holder.into(), call: Call { demo: false, ..installation.call(0) } }
}

/// One call of `run --due`, so many microseconds after 2 o'clock of that day.
pub fn due(installation: &Installation, day: i64, micros: i64) -> Vec<DueAttempt> {
    due_on(installation, &host(installation, "a", Instant(installation.at(day).0 + micros)))
}

fn due_on(installation: &Installation, host: &Host) -> Vec<DueAttempt> {
    let project = Arc::new(tamis::policy::load(&installation.path("jobs"), &[]).unwrap());
    daemon::run_due(host, &project, &Silent)
}

fn came(turns: &[DueAttempt]) -> Vec<(Work, &Came)> {
    turns.iter().map(|turn| (turn.work, &turn.came)).collect()
}

fn swept(rows: u64) -> Came {
    Came::Swept { rows, objects: 0 }
}

/// All that lake and state hold.
fn written(installation: &Installation) -> Vec<(PathBuf, Vec<u8>)> {
    [files(&installation.path("lake")), files(&installation.path("state"))].concat()
}

/// A request of somebody, received on that day.
pub fn ask(installation: &Installation, case: &str, person: usize, day: i64) {
    let row = format!("{case},{},person{person:05}@example.org,\n", installation.date(day));
    installation.write(&format!("requests/erasure/{case}.csv"), &format!("Case,At,Email,Id\n{row}"));
}

pub fn evidence_holds(installation: &Installation) {
    let root = |name: &str| Root::open(name, installation.path(name).to_str().unwrap(), installation.handle()).unwrap();
    let lakes = BTreeMap::from([("lake".to_string(), root("lake"))]);
    assert_eq!(verify(&root("state"), &lakes, None).unwrap().faults, Vec::<String>::new());
}

#[test]
fn a_dataset_is_swept_after_its_run_once_a_day_and_at_once_when_a_request_comes() {
    let installation = nightly(30);
    let first = due(&installation, 0, MINUTE);
    assert_eq!(came(&first), [(Work::Run, &Came::Published), (Work::Sweep, &swept(0))]);
    let before = written(&installation);
    for minutes in [5, 10, 60, 600] {
        assert_eq!(due(&installation, 0, minutes * MINUTE), []);
    }
    assert!(written(&installation) == before, "with nothing to do nothing is written, nor removed");
    let people = rows(&installation);
    ask(&installation, "C-1", 4, 0);
    assert_eq!(came(&due(&installation, 0, 605 * MINUTE)), [(Work::Sweep, &swept(1))]);
    let token = token_of(&people, &rows(&installation));
    let before = written(&installation);
    assert_eq!(due(&installation, 0, 610 * MINUTE), [], "what the sweep itself wrote is no news");
    assert!(written(&installation) == before);
    // The next night, and the one after `grace`.
    let second = due(&installation, 1, MINUTE);
    assert_eq!(second.iter().map(|turn| (turn.work, turn.exit())).collect::<Vec<_>>(), [(Work::Run, 0)]);
    assert!(
        matches!(&due(&installation, 1, 7 * HOUR)[..], [DueAttempt { work: Work::Sweep, .. }]),
        "20 hours after the last"
    );
    assert!(!traces(&installation, &contacts(4..5, -10)[0], &token).is_empty(), "still within grace");
    for day in [2, 3] {
        let turns = due(&installation, day, MINUTE);
        assert_eq!(turns.iter().map(DueAttempt::exit).sum::<u8>(), 0, "{turns:?}");
        due(&installation, day, 8 * HOUR);
    }
    assert_eq!(traces(&installation, &contacts(4..5, -10)[0], &token), []);
    evidence_holds(&installation);
}

#[test]
fn a_job_that_rests_or_runs_by_hand_is_swept_and_its_raw_exports_go() {
    for schedule in
        [NIGHTLY.replace("timezone", "suspend = true\ntimezone"), NIGHTLY.lines().next().unwrap().to_owned()]
    {
        let installation = nightly(30);
        installation.edit("jobs/policy.toml", "grace = \"PT24H\"", "grace = \"PT24H\"\nraw_keep = \"P3D\"");
        due(&installation, 0, MINUTE);
        installation.edit("jobs/contacts.toml", NIGHTLY, &schedule);
        ask(&installation, "C-1", 4, 0);
        assert_eq!(came(&due(&installation, 0, HOUR)), [(Work::Sweep, &swept(1))], "{schedule}");
        assert_eq!(files(&installation.path("raw")).len(), 2);
        assert!(matches!(
            &due(&installation, 4, 0)[..],
            [DueAttempt { work: Work::Sweep, came: Came::Swept { .. }, .. }]
        ));
        assert_eq!(files(&installation.path("raw")).len(), 1, "the marker holds nothing of anybody");
        let raw = state(&installation).ledger().entries().unwrap();
        assert!(raw.iter().any(|entry| matches!(entry.event, LedgerEvent::RawRemoved { objects: 1, .. })));
        evidence_holds(&installation);
    }
}

/// The run of the instant would be refused if a sweep had judged later.
#[test]
fn r28_a_sweep_does_not_pass_an_instant_that_is_still_to_be_run() {
    let installation = nightly(30);
    due(&installation, 0, MINUTE);
    let text = std::fs::read_to_string(installation.path("jobs/contacts.toml")).unwrap();
    installation.write("jobs/contacts.toml", &text.replace("[schedule]", "[schedule]\njitter = \"PT50M\""));
    let project = tamis::policy::load(&installation.path("jobs"), &[]).unwrap();
    let delay = project.jobs["contacts"].schedule.as_ref().unwrap().delay;
    assert!(delay > MINUTE, "{delay}");
    // The instant has begun, its run waits for its jitter, and a request comes.
    due(&installation, 0, delay + MINUTE);
    ask(&installation, "C-1", 4, 0);
    let turns = due(&installation, 1, 30 * SECOND);
    assert_eq!(came(&turns), [(Work::Sweep, &swept(1))]);
    assert_eq!(turns[0].instant, Some(installation.at(1)));
    assert_eq!(current(&installation).as_of, installation.at(1));
    let turns = due(&installation, 1, delay);
    assert_eq!((&turns[0].came, turns[0].instant), (&Came::Published, Some(installation.at(1))), "{turns:?}");
    evidence_holds(&installation);
}

#[test]
fn r28_a_sweep_does_not_undo_that_a_refused_run_may_be_let_through() {
    let installation = nightly(30);
    due(&installation, 0, MINUTE);
    installation.export("s2", &contacts(0..15, -10));
    assert_eq!(due(&installation, 1, MINUTE)[0].exit(), 4, "the brake");
    ask(&installation, "C-1", 4, 0);
    let turns = due(&installation, 1, HOUR);
    assert_eq!(came(&turns), [(Work::Sweep, &swept(1))]);
    assert_eq!(turns[0].instant, Some(installation.at(1)));
    let office = state(&installation);
    let status = |now| {
        let roots = ["raw", "requests", "lake", "state"].map(|name| {
            let root = Root::open(name, installation.path(name).to_str().unwrap(), installation.handle());
            (name.to_owned(), root.unwrap())
        });
        let project = tamis::policy::load(&installation.path("jobs"), &[]).unwrap();
        daemon::status(&project, &roots.into(), &office, Instant(now)).unwrap().remove(0)
    };
    let now = installation.at(1).0 + HOUR;
    assert!(status(now).overdue, "what a sweep judges later is no run");
    // The request changes what the run would publish, so the acceptance is of the plan as it is now.
    let mut call = installation.call(1);
    (call.now, call.as_of, call.demo) = (Instant(now), Some(installation.at(1)), false);
    let plan = tamis::run::plan(&call, &Silent).unwrap().plan_digest;
    let as_of = installation.at(1);
    let reason = "half of them left".into();
    let accept = Accept { job: "contacts".into(), plan, as_of, reason, by: None, at: Instant(now) };
    office.accept(&accept).unwrap();
    let turns = due(&installation, 1, HOUR + 5 * MINUTE);
    assert_eq!((&turns[0].came, turns[0].instant), (&Came::Published, Some(as_of)), "{turns:?}");
    assert!(!status(now).overdue);
    // Nobody lets the next one through: after a day sweeps judge at the present again.
    installation.export("s3", &contacts(0..7, -10));
    assert_eq!(due(&installation, 2, MINUTE)[0].exit(), 4);
    installation.edit("jobs/contacts.toml", "timezone", "suspend = true\ntimezone");
    ask(&installation, "C-2", 5, 0);
    let turns = due(&installation, 4, HOUR);
    assert_eq!(turns.last().unwrap().instant, Some(Instant(installation.at(4).0 + HOUR)), "{turns:?}");
}

#[test]
fn r31_an_unreadable_request_is_told_with_its_exit_code_and_the_others_are_applied() {
    let installation = nightly(30);
    due(&installation, 0, MINUTE);
    let (day, file) = (installation.date(0), "requests/erasure/1.csv");
    let broken = format!("Case,At,Email,Id\nC-1,{day},person00004@example.org,\nC-2,never,person00008@example.org,\n");
    installation.write(file, &broken);
    let turns = due(&installation, 0, HOUR);
    assert_eq!((turns[0].work, turns[0].exit(), turns.len()), (Work::Sweep, 3, 1), "{turns:?}");
    assert_eq!((daemon::worst(&turns), rows(&installation).len()), (3, 29));
    assert_eq!(due(&installation, 0, HOUR + 5 * MINUTE), [], "once an hour is enough");
    assert_eq!(due(&installation, 0, 2 * HOUR + 5 * MINUTE)[0].exit(), 3);
    installation.write(file, &broken.replace("never", &day));
    assert_eq!(came(&due(&installation, 0, 2 * HOUR + 10 * MINUTE)), [(Work::Sweep, &swept(1))], "at once");
    assert_eq!(rows(&installation).len(), 28);
}

#[test]
fn two_hosts_at_once_sweep_each_request_once() {
    let installation = nightly(60);
    due(&installation, 0, MINUTE);
    for round in 1..=5 {
        ask(&installation, &format!("C-{round}"), round * 3, 0);
        let now = Instant(installation.at(0).0 + HOUR * round as i64);
        let hosts = ["a", "b"].map(|holder| host(&installation, holder, now));
        let turns: Vec<DueAttempt> = std::thread::scope(|scope| {
            let both: Vec<_> = hosts.iter().map(|host| scope.spawn(|| due_on(&installation, host))).collect();
            both.into_iter().flat_map(|turns| turns.join().unwrap()).collect()
        });
        let done = turns.iter().filter(|turn| matches!(turn.came, Came::Swept { rows: 1, .. })).count();
        assert_eq!(done, 1, "{turns:?}");
        assert_eq!(daemon::worst(&turns), 0, "{turns:?}");
        assert_eq!(rows(&installation).len(), 60 - round);
    }
    let entries = state(&installation).ledger().entries().unwrap();
    assert_eq!(entries.iter().filter(|entry| matches!(entry.event, LedgerEvent::Swept { .. })).count(), 5);
    evidence_holds(&installation);
}

/// As SIGTERM does, at every third operation of a sweep on any store.
#[test]
fn asked_to_stop_in_any_phase_a_sweep_finishes_or_is_finished_by_the_next() {
    let start = nightly(30);
    due(&start, 0, MINUTE);
    ask(&start, "C-1", 4, 0);
    let (mut stopped, mut finished) = (0, 0);
    for k in (1..2000).step_by(3) {
        let mut installation = start.copy();
        let now = Instant(installation.at(0).0 + HOUR);
        let stop = installation.call(0).stop;
        let count = Arc::new(AtomicI64::new(0));
        let (asked, counted) = (stop.clone(), count.clone());
        installation.wrap = Some(Arc::new(move |root: Root| {
            let (asked, counted) = (asked.clone(), counted.clone());
            let at_k = Fault::telling(move || {
                if counted.fetch_add(1, Ordering::SeqCst) + 1 == k {
                    asked.ask();
                }
            });
            let inner = root.raw("").0;
            root.with_store(FaultStore::new(inner, at_k))
        }));
        let mut first = host(&installation, "a", now);
        first.call.stop = stop;
        match came(&due_on(&installation, &first))[..] {
            [(Work::Sweep, Came::Swept { .. })] | [] => finished += 1,
            [(Work::Sweep, Came::Refused { code: Code::Stopped, .. })] => stopped += 1,
            ref other => panic!("{k}: {other:?}"),
        }
        installation.wrap = None;
        let again = due_on(&installation, &host(&installation, "b", Instant(now.0 + 5 * MINUTE)));
        assert_eq!(daemon::worst(&again), 0, "{k}: {again:?}");
        assert_eq!(rows(&installation).len(), 29, "{k}");
        evidence_holds(&installation);
        let swept = state(&installation).ledger().entries().unwrap();
        assert_eq!(swept.iter().filter(|entry| matches!(entry.event, LedgerEvent::Swept { .. })).count(), 1, "{k}");
        assert_eq!(due_on(&installation, &host(&installation, "c", Instant(now.0 + 10 * MINUTE))), [], "{k}");
        if count.load(Ordering::SeqCst) < k {
            break;
        }
    }
    assert!(stopped > 5 && finished > 0, "{stopped} {finished}");
}

#[test]
fn a_daemon_sweeps_and_is_unhealthy_while_a_request_or_a_sweep_is_late() {
    let installation = nightly(30);
    let clock = Arc::new(Hand(AtomicI64::new(installation.at(0).0 + MINUTE)));
    let forward = |micros: i64| clock.0.fetch_add(micros, Ordering::SeqCst);
    let host = Host { clock: clock.clone(), ..host(&installation, "a", installation.at(0)) };
    let (grace, listen) = (Duration::from_secs(20), Some("127.0.0.1:0".parse().unwrap()));
    let (daemon, control) = Daemon::new(Service { host, beat: 1, parallel: 2, grace, listen }).unwrap();
    let at = daemon.address.unwrap();
    let thread = std::thread::spawn(move || daemon.run(Arc::new(Silent)).unwrap());
    let job = |page: &serde_json::Value, key: &str| page["health"]["jobs"][0][key] == true;
    let sweeps = || state(&installation).sweeps("contacts").unwrap();
    until("the first sweep", || sweeps().at.is_some());
    until("health", || health(at).0 == 200);
    // Received in October, due in thirty days: applied at once, and late until the last byte is gone.
    installation.erase("1", &[("C-1", "person00004@example.org", "")]);
    forward(2 * MINUTE);
    until("an overdue request", || health(at).0 == 503 && job(&health(at).1, "request_overdue"));
    assert_eq!(rows(&installation).len(), 29);
    assert_eq!(health(at).1["status"], "overdue");
    forward(26 * HOUR);
    until("removal", || sweeps().due.is_none());
    until("health again", || health(at).0 == 200);
    // A request that cannot be read: the sweep is refused.
    installation.write("requests/erasure/2.csv", "Case,At,Email,Id\nC-2,never,person00008@example.org,\n");
    forward(2 * MINUTE);
    until("a refused sweep", || health(at).0 == 503 && job(&health(at).1, "sweep_overdue"));
    installation.write("requests/erasure/2.csv", "Case,At,Email,Id\nC-2,2026-10-01,nobody@example.org,\n");
    // It is put off for up to fifteen minutes after a refusal.
    forward(20 * MINUTE);
    until("health once it is corrected", || health(at).0 == 200);
    control.terminate();
    assert!(thread.join().unwrap());
    evidence_holds(&installation);
}

/// An audit comes last of all that is due in a night, once; what it found is told until a later one finds nothing.
#[test]
fn an_audit_by_schedule_comes_after_the_sweeps_once_and_what_it_found_is_told() {
    let installation = nightly(30);
    installation.edit("jobs/policy.toml", "[removal]", "[audit]\ncron = \"0 2 * * *\"\nzone = \"UTC\"\n[removal]");
    let works = |turns: &[DueAttempt]| turns.iter().map(|turn| (turn.work, turn.exit())).collect::<Vec<_>>();
    let standing = |day| {
        let project = tamis::policy::load(&installation.path("jobs"), &[]).unwrap();
        daemon::audits(&project, &state(&installation), installation.at(day)).unwrap().unwrap()
    };
    assert_eq!(works(&due(&installation, 0, MINUTE)), [(Work::Run, 0), (Work::Sweep, 0)], "made after that instant");
    assert_eq!((standing(0).last, standing(0).due), (None, None));
    let second = due(&installation, 1, 7 * HOUR);
    assert_eq!(works(&second), [(Work::Run, 0), (Work::Sweep, 0), (Work::Audit, 0)], "{second:?}");
    assert_eq!(due(&installation, 1, 8 * HOUR), []);
    assert!(!standing(1).wants_attention() && standing(1).last.is_some());
    // A file that nobody knows.
    installation.write("lake/crm/contacts/stray.parquet", "x");
    let third = due(&installation, 2, 7 * HOUR);
    assert!(matches!(
        third.last(),
        Some(DueAttempt { work: Work::Audit, came: Came::Refused { code: Code::AuditNotHeld, .. }, .. })
    ));
    assert_eq!(due(&installation, 2, 8 * HOUR), [], "it is not audited again before the next night");
    let found = standing(2);
    assert!(found.wants_attention() && found.errors > 0 && found.found.contains(&"unknown-files".into()), "{found:?}");
    let late = installation.at(4);
    let project = tamis::policy::load(&installation.path("jobs"), &[]).unwrap();
    assert!(daemon::audits(&project, &state(&installation), late).unwrap().unwrap().due.is_some());
    let audited = |event: &LedgerEvent| matches!(event, LedgerEvent::Audited { .. });
    let entries = state(&installation).ledger().entries().unwrap();
    assert_eq!(entries.iter().filter(|entry| audited(&entry.event)).count(), 2);
    std::fs::remove_file(installation.path("lake/crm/contacts/stray.parquet")).unwrap();
    due(&installation, 3, 7 * HOUR);
    assert!(!standing(3).wants_attention(), "{:?}", standing(3));
}
