//! Jobs by schedule, on real stores with a clock that the test moves: what is missed, repeated, late, stopped, broken or
//! doubled converges on one version per instant, with evidence that holds.

use crate::fault::{Fault, FaultStore, Mode};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;
use tamis::clock::{Clock, Instant};
use tamis::daemon::{self, Came, Daemon, DaemonControl, DueAttempt, Host, Service, Work};
use tamis::error::{Code, Kind};
use tamis::evidence::{LedgerEntry, LedgerEvent, verify};
use tamis::job::{Call, Caller, Stop, Wrap};
use tamis::monitor::{Monitor, Recorder, Silent};
use tamis::run::{self, Ran};
use tamis::state::{Accept, State};
use tamis::store::Root;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// A clock that stands where the test puts it, or runs `speed` times as fast as the real one.
struct Hands {
    at: AtomicI64,
    speed: i64,
    began: std::time::Instant,
}

impl Clock for Hands {
    fn now(&self) -> Instant {
        let since = i64::try_from(self.began.elapsed().as_micros()).unwrap();
        Instant(self.at.load(Ordering::SeqCst) + since * self.speed)
    }
}

/// One installation: specs, an export, state, keys.
struct Office {
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    clock: Arc<Hands>,
}

const POLICY: &str = r#"
spec = 1
controller = "Acme GmbH"
[roots]
raw = "raw"
lake = "lake"
other = "other"
state = "state"
[keys]
dir = "keys"
epoch = "2026a"
[purposes.reporting]
description = "Reporting"
lawful_basis = "legitimate-interests"
reference = "LIA-1"
max_keep = "P3Y"
min_k = 1
categories = ["identity", "business", "technical"]
recipients = ["team"]
[recipients.team]
kind = "internal"
"#;

const SOURCE: &str = r#"
spec = 1
name = "contacts"
[read]
format = "csv"
[subject]
key = "Id"
clock = ["Seen"]
[columns]
Id = { identifier = "crm-id@portal-1", category = "identity", purposes = ["reporting"] }
Level = { category = "business", purposes = ["reporting"] }
Seen = { type = "date", formats = ["%Y-%m-%d"], category = "technical" }
"#;

fn job(name: &str, lake: &str, schedule: &str) -> String {
    format!(
        r#"
spec = 1
name = "{name}"
source = "contacts"
input = "raw:contacts.csv"
purpose = "reporting"
output = "{lake}:{name}"
[schedule]
{schedule}
[retention]
keep = "P3Y"
[fields]
contact = {{ from = "Id", treat = "pseudonymize", subject = true }}
level = {{ from = "Level", treat = "as-is" }}
"#
    )
}

const NIGHTLY: &str = "cron = \"0 2 * * *\"\ntimezone = \"UTC\"";
const MINUTELY: &str = "cron = \"* * * * *\"\ntimezone = \"UTC\"";

impl Office {
    fn new(now: &str, speed: i64, jobs: &[(&str, String)]) -> Office {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("sources")).unwrap();
        std::fs::create_dir(at("raw")).unwrap();
        std::fs::write(at("policy.toml"), POLICY).unwrap();
        std::fs::write(at("sources/contacts.toml"), SOURCE).unwrap();
        for (name, text) in jobs {
            std::fs::write(at(&format!("{name}.toml")), text).unwrap();
        }
        let rows: String = (0..40).map(|n| format!("{n},L{},2026-11-{:02}\n", n % 3, n % 20 + 1)).collect();
        std::fs::write(at("raw/contacts.csv"), format!("Id,Level,Seen\n{rows}")).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let now = AtomicI64::new(Instant::parse(now).unwrap().0);
        let clock = Arc::new(Hands { at: now, speed, began: std::time::Instant::now() });
        let office = Office { folder, runtime, clock };
        let project =
            tamis::policy::load(office.folder.path(), &[]).unwrap_or_else(|e| panic!("{:?}", e.spec_findings()));
        tamis::key::create(office.path("keys"), "2026a").unwrap();
        let keys = tamis::key::Keyring::load(&project.keys, &[]).unwrap().ids();
        State::create(&office.root("state"), &keys, Instant(office.clock.now().0 - 24 * HOUR)).unwrap();
        office
    }

    fn path(&self, name: &str) -> &'static str {
        self.folder.path().join(name).to_str().unwrap().to_owned().leak()
    }

    fn root(&self, name: &str) -> Root {
        Root::open(name, self.path(name), self.runtime.handle().clone()).unwrap()
    }

    fn roots(&self) -> BTreeMap<String, Root> {
        ["raw", "lake", "other", "state"].map(|name| (name.to_owned(), self.root(name))).into()
    }

    fn state(&self) -> State {
        State::open(&self.root("state")).unwrap()
    }

    fn call(&self, job: &str) -> Call {
        Call {
            dir: self.folder.path().to_owned(),
            roots: Vec::new(),
            job: job.into(),
            as_of: None,
            caller: Caller { clock: self.clock.clone(), ..Caller::at(self.clock.now()) },
            scheduled: false,
            stop: Stop::default(),
            project: None,
            now: self.clock.now(),
            threads: 1,
            memory_bytes: 16 << 20,
            spill: self.folder.path().join("spill"),
            block_bytes: 1 << 16,
            demo: false,
            runtime: self.runtime.handle().clone(),
            wrap: None,
        }
    }

    fn host(&self, holder: &str, wrap: Option<Wrap>) -> Host {
        std::fs::create_dir_all(self.folder.path().join("spill")).unwrap();
        Host { clock: self.clock.clone(), holder: holder.into(), call: Call { wrap, ..self.call("") } }
    }

    /// Runs that were due; sweeps have tests of their own in `nightly`.
    fn due(&self, host: &Host) -> Vec<DueAttempt> {
        let project = Arc::new(tamis::policy::load(self.folder.path(), &[]).unwrap());
        let turns = daemon::run_due(host, &project, &Silent);
        turns.into_iter().filter(|turn| turn.work == Work::Run).collect()
    }

    fn forward(&self, micros: i64) {
        self.clock.at.fetch_add(micros, Ordering::SeqCst);
    }

    fn entries(&self) -> Vec<LedgerEntry> {
        self.state().ledger().entries().unwrap()
    }

    /// Scheduled instants published, in order, with the attempt that was.
    fn published(&self, job: &str) -> Vec<(String, u32)> {
        let of = |entry: &LedgerEntry| match &entry.event {
            LedgerEvent::Published { job: published, as_of, .. } if published == job => {
                Some((as_of.to_string(), entry.attempt))
            }
            _ => None,
        };
        self.entries().iter().filter_map(of).collect()
    }

    /// Versions in the table's log.
    fn versions(&self, lake: &str, job: &str) -> usize {
        let log = self.folder.path().join(lake).join(job).join("_delta_log");
        let names = std::fs::read_dir(log).into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.filter(|name| name.to_str().is_some_and(|name| name.len() == 25 && name.ends_with(".json"))).count()
    }

    /// The evidence holds, and each published instant has one version and one entry.
    fn assert_whole(&self, jobs: &[(&str, &str)]) {
        let report = verify(&self.root("state"), &self.roots(), None).unwrap();
        assert_eq!(report.faults, Vec::<String>::new());
        for (lake, job) in jobs {
            let instants = self.published(job);
            let once: BTreeSet<&String> = instants.iter().map(|(instant, _)| instant).collect();
            assert_eq!(once.len(), instants.len(), "{job}: an instant was published twice: {instants:?}");
            assert_eq!(self.versions(lake, job), instants.len(), "{job}");
        }
    }
}

fn faulty(root: &'static str, fault: Arc<Fault>) -> Wrap {
    Arc::new(move |inner: Root| match inner.name == root {
        true => inner.with_store(FaultStore::new(inner.raw("").0, fault.clone())),
        false => inner,
    })
}

fn came(turns: &[DueAttempt]) -> Vec<&Came> {
    turns.iter().map(|turn| &turn.came).collect()
}

#[test]
fn r28_a_repeated_call_is_the_same_run_and_three_days_asleep_are_one_run() {
    let office = Office::new("2026-11-20T02:00:30Z", 0, &[("crm", job("crm", "lake", NIGHTLY))]);
    let host = office.host("a", None);
    assert_eq!(came(&office.due(&host)), [&Came::Published]);
    for _ in 0..3 {
        office.forward(5 * MINUTE);
        assert_eq!(office.due(&host), [], "nothing is due");
    }
    office.forward(3 * 24 * HOUR + 9 * HOUR);
    assert_eq!(came(&office.due(&host)), [&Came::Published]);
    assert_eq!(office.due(&host), []);
    let instants = [("2026-11-20T02:00:00Z".to_owned(), 1), ("2026-11-23T02:00:00Z".to_owned(), 1)];
    assert_eq!(office.published("crm"), instants);
    let entries = office.entries();
    let missed: Vec<_> = entries.iter().filter(|e| matches!(e.event, LedgerEvent::Missed { .. })).collect();
    assert_eq!(missed.len(), 1);
    assert!(
        matches!(missed[0].event, LedgerEvent::Missed { due, runs: 2, .. } if due.to_string() == "2026-11-21T02:00:00Z")
    );
    let runs: BTreeSet<&str> = entries.iter().map(|e| e.run.as_str()).filter(|run| run.ends_with("-s")).collect();
    assert!(runs.contains("crm-20261123t020000z-s"), "{runs:?}");
    office.assert_whole(&[("lake", "crm")]);
}

#[test]
fn a_clock_set_back_two_hours_deletes_nothing() {
    let office = Office::new("2026-11-20T12:00:30Z", 0, &[("crm", job("crm", "lake", MINUTELY))]);
    let host = office.host("a", None);
    assert_eq!(came(&office.due(&host)), [&Came::Published]);
    // For a job that has never run nothing but the ledger knows how late it is.
    std::fs::write(office.folder.path().join("new.toml"), job("new", "other", MINUTELY)).unwrap();
    office.forward(-2 * HOUR);
    let turns = office.due(&host);
    let Came::Refused { code: Code::ClockBehind, cause, .. } = &turns[0].came else { panic!("{turns:?}") };
    assert!(cause.starts_with("the clock says 2026-11-20T10:00:30Z"), "{cause}");
    assert_eq!(turns.len(), 1, "the other one has nothing due: {turns:?}");
    let by_hand = run::run(&office.call("new"), &Silent).map(|_| ()).unwrap_err();
    assert_eq!(by_hand.message(), cause);
    assert_eq!((office.versions("lake", "crm"), office.versions("other", "new")), (1, 0));
    office.forward(2 * HOUR + MINUTE);
    assert_eq!(came(&office.due(&host)), [&Came::Published, &Came::Published]);
    office.assert_whole(&[("lake", "crm"), ("other", "new")]);
}

#[test]
fn storage_away_is_tried_again_as_the_same_run_until_its_deadline() {
    let schedule = format!("{NIGHTLY}\ndeadline = \"PT1H\"");
    let office = Office::new("2026-11-20T02:00:30Z", 0, &[("crm", job("crm", "lake", &schedule))]);
    let away = office.host("a", Some(faulty("lake", Fault::new(Mode::FailBefore, 4, true))));
    let turns = office.due(&away);
    assert_eq!(daemon::worst(&turns), 75, "{turns:?}");
    office.forward(5 * MINUTE);
    assert_eq!(came(&office.due(&office.host("a", None))), [&Came::Published]);
    assert_eq!(office.published("crm"), [("2026-11-20T02:00:00Z".to_owned(), 2)]);
    // The next night it stays away.
    office.forward(24 * HOUR);
    assert_eq!(daemon::worst(&office.due(&away)), 75);
    office.forward(HOUR);
    assert_eq!(came(&office.due(&office.host("a", None))), [&Came::GivenUp]);
    assert_eq!(office.due(&office.host("a", None)), []);
    assert!(office.entries().iter().any(|entry| matches!(entry.event, LedgerEvent::Missed { runs: 1, .. })));
    let project = tamis::policy::load(office.folder.path(), &[]).unwrap();
    let status = &daemon::status(&project, &office.roots(), &office.state(), office.clock.now()).unwrap()[0];
    assert!(status.overdue);
    assert_eq!(status.refused.as_ref().map(|refused| refused.exit), Some(75));
    assert_eq!(status.version.as_ref().map(|version| version.version), Some(0));
    assert_eq!(status.next.map(|next| next.to_string()).as_deref(), Some("2026-11-22T02:00:00Z"));
}

#[test]
fn a_run_that_was_begun_is_not_gone_on_with_after_specs_or_export_have_changed() {
    for (changed, code) in [("crm.toml", Code::SpecsChanged), ("raw/contacts.csv", Code::ExportChangedSince)] {
        let office = Office::new("2026-11-20T02:00:30Z", 0, &[("crm", job("crm", "lake", NIGHTLY))]);
        let away = office.host("a", Some(faulty("lake", Fault::new(Mode::FailBefore, 4, true))));
        assert_eq!(daemon::worst(&office.due(&away)), 75);
        let text = std::fs::read_to_string(office.path(changed)).unwrap();
        let text = match code {
            Code::SpecsChanged => text.replace(NIGHTLY, &format!("{NIGHTLY}\ntimeout = \"PT3H\"")),
            _ => format!("{text}77,L,2026-11-01\n"),
        };
        std::fs::write(office.path(changed), text).unwrap();
        office.forward(5 * MINUTE);
        let turns = office.due(&office.host("a", None));
        assert!(matches!(turns[0].came, Came::Refused { code: found, .. } if found == code), "{turns:?}");
    }
}

#[test]
fn a_refusal_is_not_repeated_until_it_is_accepted_and_then_is_the_same_run() {
    let office = Office::new("2026-11-20T02:00:30Z", 0, &[("crm", job("crm", "lake", NIGHTLY))]);
    let host = office.host("a", None);
    assert_eq!(came(&office.due(&host)), [&Came::Published]);
    let few: String = (0..5).map(|n| format!("{n},L,2026-11-01\n")).collect();
    std::fs::write(office.path("raw/contacts.csv"), format!("Id,Level,Seen\n{few}")).unwrap();
    office.forward(24 * HOUR);
    let turns = office.due(&host);
    assert!(matches!(turns[0].came, Came::Refused { code: Code::Brake, .. }), "{turns:?}");
    office.forward(5 * MINUTE);
    assert_eq!(office.due(&host), []);
    let entries = office.entries();
    let digest = entries.iter().rev().find_map(|entry| match &entry.event {
        LedgerEvent::Refused { plan, .. } => plan.clone(),
        _ => None,
    });
    let accept = Accept {
        job: "crm".into(),
        plan: digest.unwrap(),
        as_of: Instant::parse("2026-11-21T02:00:00Z").unwrap(),
        reason: "leads were merged".into(),
        by: None,
        at: office.clock.now(),
    };
    office.state().accept(&accept).unwrap();
    assert_eq!(came(&office.due(&host)), [&Came::Published]);
    assert_eq!(office.due(&host), []);
    assert_eq!(office.published("crm")[1], ("2026-11-21T02:00:00Z".to_owned(), 2));
    office.assert_whole(&[("lake", "crm")]);
}

#[test]
fn an_input_refused_before_the_intent_is_in_the_ledger_and_leaves_other_jobs_alone() {
    let wrong = job("bad", "other", NIGHTLY).replace("contacts.csv", "nothing.csv");
    let office = Office::new("2026-11-20T02:00:30Z", 0, &[("bad", wrong), ("crm", job("crm", "lake", NIGHTLY))]);
    let turns = office.due(&office.host("a", None));
    assert_eq!(turns.iter().map(DueAttempt::exit).collect::<Vec<_>>(), [3, 0], "{turns:?}");
    assert_eq!(daemon::worst(&turns), 3);
    let refused = office
        .entries()
        .into_iter()
        .any(|e| matches!(e.event, LedgerEvent::Refused { job, exit: 3, code: Some(code), .. } if job == "bad" && code == Code::InputMissing.name()));
    assert!(refused);
    assert_eq!(office.due(&office.host("a", None)), []);
    office.assert_whole(&[("lake", "crm")]);
}

#[test]
fn a_panic_of_one_job_leaves_the_other_alone() {
    let jobs = [("aaa", job("aaa", "other", NIGHTLY)), ("crm", job("crm", "lake", NIGHTLY))];
    let office = Office::new("2026-11-20T02:00:30Z", 0, &jobs);
    let panics = office.host("a", Some(faulty("other", Fault::new(Mode::Panic, 2, true))));
    let turns = office.due(&panics);
    let Came::Refused { code: Code::InternalFault, cause, .. } = &turns[0].came else { panic!("{turns:?}") };
    assert!(!cause.contains("injected"));
    assert_eq!(turns[1].came, Came::Published);
    office.forward(24 * HOUR);
    assert_eq!(came(&office.due(&office.host("a", None))), [&Came::Published, &Came::Published]);
    office.assert_whole(&[("lake", "crm"), ("other", "aaa")]);
}

#[test]
fn two_hosts_at_once_publish_each_instant_once() {
    let office = Office::new("2026-11-20T02:00:30Z", 0, &[("crm", job("crm", "lake", MINUTELY))]);
    for _ in 0..6 {
        let hosts = [office.host("a", None), office.host("b", None)];
        let turns: Vec<DueAttempt> = std::thread::scope(|scope| {
            let both: Vec<_> = hosts.iter().map(|host| scope.spawn(|| office.due(host))).collect();
            both.into_iter().flat_map(|turns| turns.join().unwrap()).collect()
        });
        assert_eq!(turns.iter().filter(|turn| turn.came == Came::Published).count(), 1, "{turns:?}");
        assert!(turns.iter().all(|turn| matches!(turn.came, Came::Published | Came::Elsewhere(_))), "{turns:?}");
        office.forward(MINUTE);
    }
    office.assert_whole(&[("lake", "crm")]);
    assert_eq!(office.versions("lake", "crm"), 6);
}

/// Correctness without the lease: it is a courtesy.
#[test]
fn the_same_run_twice_at_once_without_leases_is_one_version() {
    let office = Office::new("2026-11-20T02:00:30Z", 0, &[("crm", job("crm", "lake", NIGHTLY))]);
    std::fs::create_dir_all(office.folder.path().join("spill")).unwrap();
    for night in 0..4 {
        let instant = Instant(Instant::parse("2026-11-20T02:00:00Z").unwrap().0 + night * 24 * HOUR);
        let call = Call { as_of: Some(instant), scheduled: true, ..office.call("crm") };
        let ends: Vec<_> = std::thread::scope(|scope| {
            let runs: Vec<_> = (0..2).map(|_| scope.spawn(|| run::run_scheduled(&call, &Silent))).collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        assert!(ends.iter().any(Result::is_ok), "one of them publishes");
        for error in ends.iter().filter_map(|end| end.as_ref().err()) {
            assert_eq!(error.kind(), Kind::Storage, "the other is told to try again: {error}");
        }
        assert!(matches!(run::run_scheduled(&call, &Silent), Ok(Ran::Before)));
        office.forward(24 * HOUR);
    }
    office.assert_whole(&[("lake", "crm")]);
    assert_eq!(office.versions("lake", "crm"), 4);
}

/// Before each operation on the lake, the same run happens once as a whole, the first of a table among them.
#[test]
fn a_run_that_another_overtakes_at_any_operation_is_one_version() {
    let overtaken = |k: usize| {
        let office = Office::new("2026-11-20T02:00:30Z", 0, &[("crm", job("crm", "lake", NIGHTLY))]);
        std::fs::create_dir_all(office.folder.path().join("spill")).unwrap();
        let night = |wrap: Option<Wrap>| {
            let as_of = Some(Instant::parse("2026-11-20T02:00:00Z").unwrap());
            Call { as_of, scheduled: true, wrap, ..office.call("crm") }
        };
        let (others, count) = (tokio::runtime::Runtime::new().unwrap(), AtomicUsize::new(0));
        let whole = Call { runtime: others.handle().clone(), ..night(None) };
        let fault = Fault::telling(move || {
            if count.fetch_add(1, Ordering::SeqCst) + 1 == k {
                std::thread::scope(|scope| {
                    let ran = scope.spawn(|| run::run_scheduled(&whole, &Silent)).join().unwrap();
                    assert!(matches!(ran, Ok(Ran::Now(_) | Ran::Before)), "operation {k}");
                });
            }
        });
        let end = run::run_scheduled(&night(Some(faulty("lake", fault.clone()))), &Silent);
        if let Err(error) = &end {
            assert_eq!(error.kind(), Kind::Storage, "operation {k}, told to try again: {error}");
        }
        assert!(matches!(run::run_scheduled(&night(None), &Silent), Ok(Ran::Before)), "operation {k}");
        office.assert_whole(&[("lake", "crm")]);
        assert_eq!(office.versions("lake", "crm"), 1, "operation {k}");
        fault.count() >= k
    };
    let operations = (1..).take_while(|k| overtaken(*k)).count();
    assert!(operations > 4, "{operations}");
}

/// Asks a run to stop at its k-th operation on a store, as SIGTERM does, for every k: it stops or finishes, and the next
/// call makes it one version.
#[test]
fn asked_to_stop_in_any_phase_a_run_finishes_or_is_finished_by_the_next() {
    let (mut stopped, mut finished) = (0, 0);
    for k in (1..400).step_by(3) {
        let office = Office::new("2026-11-20T02:00:30Z", 0, &[("crm", job("crm", "lake", NIGHTLY))]);
        let mut host = office.host("a", None);
        let (stop, count) = (host.call.stop.clone(), Arc::new(AtomicI64::new(0)));
        let watched = count.clone();
        host.call.wrap = Some(Arc::new(move |inner: Root| {
            let (stop, count) = (stop.clone(), watched.clone());
            let asked = Fault::telling(move || {
                if count.fetch_add(1, Ordering::SeqCst) + 1 == k {
                    stop.ask();
                }
            });
            inner.with_store(FaultStore::new(inner.raw("").0, asked))
        }));
        let turns = office.due(&host);
        match &turns[0].came {
            Came::Published => finished += 1,
            Came::Refused { code: Code::Stopped, .. } => stopped += 1,
            other => panic!("{k}: {other:?}"),
        }
        let again = office.due(&office.host("b", None));
        assert!(again.iter().all(|turn| turn.came == Came::Published), "{k}: {again:?}");
        assert_eq!(office.published("crm").len(), 1, "{k}");
        office.assert_whole(&[("lake", "crm")]);
        if count.load(Ordering::SeqCst) < k {
            break;
        }
    }
    assert!(stopped > 5 && finished > 0, "{stopped} {finished}");
}

/// A daemon on its own thread.
struct Running {
    control: DaemonControl,
    address: std::net::SocketAddr,
    log: Arc<Recorder>,
    thread: Option<std::thread::JoinHandle<bool>>,
}

impl Running {
    fn start(office: &Office, holder: &str, wrap: Option<Wrap>) -> Running {
        let service = Service {
            host: office.host(holder, wrap),
            beat: 1,
            parallel: 2,
            grace: Duration::from_secs(20),
            listen: Some("127.0.0.1:0".parse().unwrap()),
        };
        let (daemon, control) = Daemon::new(service).unwrap();
        let (address, log) = (daemon.address.unwrap(), Arc::new(Recorder::default()));
        let told: Arc<dyn Monitor> = log.clone();
        let thread = std::thread::spawn(move || daemon.run(told).unwrap());
        Running { control, address, log, thread: Some(thread) }
    }

    fn end(mut self) -> bool {
        self.control.terminate();
        self.thread.take().unwrap().join().unwrap()
    }

    fn health(&self) -> (u16, serde_json::Value) {
        health(self.address)
    }
}

/// What the health page answers.
pub fn health(at: std::net::SocketAddr) -> (u16, serde_json::Value) {
    let mut stream = std::net::TcpStream::connect(at).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
}

/// Waits for something that takes a while.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_daemon_publishes_each_instant_once_while_it_is_restarted_again_and_again() {
    // A minute passes in two seconds.
    let office = Office::new("2026-11-20T02:00:30Z", 30, &[("crm", job("crm", "lake", MINUTELY))]);
    for start in 0..4 {
        let running = Running::start(&office, &format!("host-{start}"), None);
        std::thread::sleep(Duration::from_millis(700));
        assert!(running.end(), "it ends within its grace period");
    }
    let running = Running::start(&office, "last", None);
    let first = office.published("crm").len();
    until("more versions", || office.published("crm").len() >= first + 4);
    assert_eq!(running.health().0, 200);
    assert!(running.end());
    office.assert_whole(&[("lake", "crm")]);
    let instants = office.published("crm");
    let all = office.entries();
    let (mut told, mut missed) = (BTreeSet::new(), 0);
    for entry in &all {
        match &entry.event {
            // One that a restart stopped after its intent is refused, and is not missed.
            LedgerEvent::Published { as_of, .. } | LedgerEvent::Refused { as_of, .. } => {
                told.insert(*as_of);
            }
            LedgerEvent::Missed { runs, .. } => missed += runs,
            _ => {}
        }
    }
    let (one, last) = (&instants[0].0, &instants[instants.len() - 1].0);
    let (one, last) = (Instant::parse(one).unwrap(), Instant::parse(last).unwrap());
    let told = told.range(one..=last).count() as u64;
    let minutes = (last.0 - one.0) / MINUTE + 1;
    assert_eq!(told + missed, minutes as u64, "each minute was published, refused or missed: {all:#?}");
}

#[test]
fn a_slow_job_is_not_started_again_and_the_others_go_on() {
    let jobs = [("fast", job("fast", "lake", MINUTELY)), ("slow", job("slow", "other", MINUTELY))];
    let office = Office::new("2026-11-20T02:00:30Z", 30, &jobs);
    // The wait is on a store of `other`, so that it is the slow job's own.
    let held = Fault::new(Mode::Held, 3, false);
    let running = Running::start(&office, "a", Some(faulty("other", held.clone())));
    until("the fast job goes on", || office.published("fast").len() >= 3);
    let slow = office
        .entries()
        .iter()
        .filter(|e| matches!(&e.event, LedgerEvent::Intent { job, .. } if job == "slow"))
        .count();
    assert!(slow <= 1, "it was begun {slow} times while it ran");
    held.release();
    until("the slow job has caught up", || office.published("slow").len() >= 2);
    assert!(running.end());
    office.assert_whole(&[("lake", "fast"), ("other", "slow")]);
    let missed = office.entries().iter().any(|e| matches!(&e.event, LedgerEvent::Missed { job, .. } if job == "slow"));
    assert!(missed, "what passed while it ran is missed");
}

#[test]
fn health_is_bad_while_a_job_is_overdue_and_changed_specs_are_picked_up() {
    let wrong = job("bad", "other", NIGHTLY).replace("contacts.csv", "nothing.csv");
    let office = Office::new("2026-11-20T02:00:30Z", 1, &[("bad", wrong.clone())]);
    let running = Running::start(&office, "a", None);
    until("the refusal", || running.health().0 == 503);
    let (_, page) = running.health();
    let bad = &page["health"]["jobs"][0];
    assert_eq!(
        (&page["status"], &bad["last_exit"], &bad["last_code"]),
        (&"overdue".into(), &3.into(), &Code::InputMissing.name().into())
    );
    // A broken file: said, and the old specs stay in force.
    let file = office.folder.path().join("bad.toml");
    std::fs::write(&file, "spec = ").unwrap();
    until("the broken specs", || running.health().1["health"]["specs_broken"] == true);
    let warned = || running.log.events().iter().filter(|e| format!("{e:?}").contains("broken")).count();
    assert_eq!(warned(), 1);
    assert_eq!(running.health().1["health"]["jobs"][0]["job"], "bad");
    // A whole one, with another job: in force without a restart.
    std::fs::remove_file(&file).unwrap();
    std::fs::write(office.folder.path().join("crm.toml"), job("crm", "lake", NIGHTLY)).unwrap();
    until("the new job", || office.published("crm").len() == 1);
    until("health", || running.health().0 == 200);
    assert!(running.end());
}

#[test]
fn a_run_that_does_not_end_in_its_grace_is_left_and_gone_on_with() {
    let office = Office::new("2026-11-20T02:00:30Z", 1, &[("crm", job("crm", "lake", NIGHTLY))]);
    let held = Fault::new(Mode::Held, 3, false);
    let service = Service {
        host: office.host("a", Some(faulty("lake", held.clone()))),
        beat: 1,
        parallel: 1,
        grace: Duration::from_millis(300),
        listen: None,
    };
    let (daemon, control) = Daemon::new(service).unwrap();
    let thread = std::thread::spawn(move || daemon.run(Arc::new(Silent)).unwrap());
    until("the run", || held.count() >= 3);
    control.terminate();
    assert!(!thread.join().unwrap(), "it says that a run was left");
    held.release();
    until("its lease", || office.state().holder("crm", office.clock.now()).unwrap().is_none());
    let turns = office.due(&office.host("b", None));
    assert!(turns.iter().all(|turn| turn.came == Came::Published), "{turns:?}");
    office.assert_whole(&[("lake", "crm")]);
    assert_eq!(office.published("crm").len(), 1);
}

/// The binary itself: due runs, status, check, and a daemon that a real SIGTERM ends.
#[test]
fn the_command_line_serves_runs_and_tells() {
    let office = Office::new(
        "2026-11-20T02:00:30Z",
        0,
        &[("crm", job("crm", "lake", "cron = \"*/2 * * * *\"\ntimezone = \"Europe/Paris\""))],
    );
    let tamis = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tamis"));
        command.arg("--dir").arg(office.folder.path()).args(arguments);
        command
    };
    let told = |arguments: &[&str]| {
        let output = tamis(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let check: serde_json::Value = serde_json::from_str(&told(&["check", "--json"])).unwrap();
    assert_eq!(check["schedules"][0]["next"].as_array().map(Vec::len), Some(5));
    assert!(told(&["check"]).contains("*/2 * * * * in Europe/Paris"));
    // A job that has never run is due at once.
    let mut serve =
        tamis(&["serve", "--beat", "1", "--no-listen"]).stderr(std::process::Stdio::null()).spawn().unwrap();
    let began = std::time::Instant::now();
    while office.published("crm").is_empty() && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(100));
    }
    terminate(serve.id());
    assert!(serve.wait().unwrap().success());
    let before = office.published("crm").len();
    assert!(before >= 1);
    let run: serde_json::Value = serde_json::from_str(&told(&["run", "--due", "--json"])).unwrap();
    let turns = run["turns"].as_array().map_or(0, |turns| turns.iter().filter(|turn| turn["work"] == "run").count());
    assert_eq!((&run["exit"], office.published("crm").len()), (&0.into(), before + turns));
    let status: serde_json::Value = serde_json::from_str(&told(&["status", "--json"])).unwrap();
    assert_eq!(
        (&status["jobs"][0]["overdue"], &status["jobs"][0]["refused"]),
        (&false.into(), &serde_json::Value::Null)
    );
    assert!(told(&["status", "--verbose"]).contains("version"));
    office.assert_whole(&[("lake", "crm")]);
}

fn terminate(process: u32) {
    let done = std::process::Command::new("kill").arg("-TERM").arg(process.to_string()).status().unwrap();
    assert!(done.success());
}

#[test]
fn the_units_and_jobs_in_deploy_are_ones_their_tools_accept() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    for name in ["crontab", "tamis.service", "tamis.timer", "tamis-serve.service", "cronjob.yaml"] {
        assert!(deploy.join(name).is_file(), "{name}");
    }
    if let Some(crontab) = of_the_system("TAMIS_CRONTAB") {
        let output = std::process::Command::new(crontab).arg("-n").arg(deploy.join("crontab")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let Some(analyze) = of_the_system("TAMIS_SYSTEMD_ANALYZE") else { return };
    let units = ["tamis.service", "tamis.timer", "tamis-serve.service"].map(|name| deploy.join(name));
    let output = std::process::Command::new(analyze).args(["verify", "--man=no"]).args(units).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let about_binary = |line: &str| line.contains("Command /usr/bin/tamis is not executable");
    let faults: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty() && !about_binary(line)).collect();
    assert_eq!(faults, Vec::<&str>::new());
}

/// A program that not every system has; where it is not, the test is skipped also where `CI=true`.
fn of_the_system(variable: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os(variable).map(std::path::PathBuf::from);
    if path.is_none() {
        crate::tool::skipped(variable);
    }
    path
}
