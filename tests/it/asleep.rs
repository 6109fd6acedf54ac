//! A run or a sweep that is stopped at any operation of its stores for days, as a suspended machine is, while others go
//! on: it publishes nothing or a whole version, says nothing that is not so, and removes nothing that is held.

use crate::erase::{current, rows, state};
use crate::fault::{Fault, FaultStore};
use crate::installation::{Installation, asked, contacts};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tamis::by_hand;
use tamis::clock::{Clock, Instant};
use tamis::error::{Code, Kind, Result};
use tamis::evidence::{LedgerEvent, verify};
use tamis::job::{Call, Caller, SubjectCall};
use tamis::monitor::Silent;
use tamis::questions::find;
use tamis::run;
use tamis::state::{Claim, Claimant, State};
use tamis::store::Root;
use tamis::sweep::{self, SweepReport};

const DAY: i64 = 86_400_000_000;

/// A clock that stands where the test puts it.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Instant {
        Instant(self.0.load(Ordering::SeqCst))
    }
}

/// The call of a process that falls asleep before its k-th operation; `meanwhile` happens then, days later.
fn sleeper(
    installation: &Installation,
    k: usize,
    days: i64,
    meanwhile: impl Fn() + Send + Sync + 'static,
) -> (Call, Arc<Fault>) {
    let clock = Arc::new(Hand(AtomicI64::new(installation.at(0).0)));
    let (hand, count) = (clock.clone(), AtomicUsize::new(0));
    let fault = Fault::telling(move || {
        if count.fetch_add(1, Ordering::SeqCst) + 1 == k {
            hand.0.fetch_add(days * DAY, Ordering::SeqCst);
            meanwhile();
        }
    });
    let stores = fault.clone();
    let wrap = move |root: Root| root.with_store(FaultStore::new(root.raw("").0, stores.clone()));
    let caller = Caller { clock, ..Caller::at(installation.at(0)) };
    (Call { caller, demo: false, threads: 1, wrap: Some(Arc::new(wrap)), ..installation.call(0) }, fault)
}

/// The call of another process, on a runtime of its own: the sleeper's stands still.
fn awake(installation: &Installation, day: i64, runtime: &tokio::runtime::Runtime) -> Call {
    Call { demo: false, threads: 1, runtime: runtime.handle().clone(), ..installation.call(day) }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// What others do while somebody sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meanwhile {
    /// A sweep, which removes what it takes for leftovers.
    Sweep,
    /// A request comes, and a sweep applies it.
    Request,
    /// Another run.
    Run,
}

impl Meanwhile {
    fn happens(self, call: &Call, requests: &Path) {
        if self == Meanwhile::Request {
            let row = "Case,At,Email,Id\nC-9,2026-10-01,person00004@example.org,\n";
            std::fs::write(requests.join("late.csv"), row).unwrap();
        }
        let done = match self {
            Meanwhile::Run => run::run(call, &Silent).map(drop),
            Meanwhile::Sweep | Meanwhile::Request => sweep::sweep(call, &Silent).and_then(|report| report.outcome()),
        };
        done.unwrap_or_else(|error| panic!("{self:?}: {error}"));
    }
}

/// Files of the current version that are not there.
fn missing(installation: &Installation) -> Vec<String> {
    let output = current(installation).output;
    let files = output.files.iter().map(|file| (installation.path("lake").join(&file.path), &file.path));
    let companions = output.companions.iter().map(|file| (installation.path("state").join(&file.path), &file.path));
    files.chain(companions).filter(|(path, _)| !path.is_file()).map(|(_, name)| name.clone()).collect()
}

fn faults(installation: &Installation) -> Vec<String> {
    let root = |name: &str| Root::open(name, installation.path(name).to_str().unwrap(), installation.handle()).unwrap();
    verify(&root("state"), &BTreeMap::from([("lake".to_owned(), root("lake"))]), None).unwrap().faults
}

/// Versions that the ledger of this state knows.
fn versions(state: &Root) -> Vec<u64> {
    let version = |event| match event {
        LedgerEvent::Published { version, .. } | LedgerEvent::Swept { version, .. } => Some(version),
        _ => None,
    };
    State::open(state)
        .unwrap()
        .ledger()
        .entries()
        .unwrap()
        .into_iter()
        .filter_map(|entry| version(entry.event))
        .collect()
}

/// What a sleeper says is so: nothing of its own was published, or which version was.
fn told(outcome: &Result<u64>, before: &[u64], after: &[u64], what: &str) {
    let error = match outcome {
        Ok(version) => return assert!(after.contains(version), "{what}"),
        Err(error) => error,
    };
    let said = format!("{error}; {}", error.help_text().unwrap_or_default());
    assert!(matches!(error.kind(), Kind::Storage | Kind::Evidence | Kind::Policy), "{what}: {said}");
    match error.published() {
        Some(version) => {
            assert!(error.code() == Code::EvidenceIncomplete || error.kind() == Kind::Evidence, "{what}: {said}");
            assert!(said.contains(&format!("version {version} of ")), "{what}: {said}");
        }
        None => assert_eq!(after, before, "{what}: {said}"),
    }
}

/// Lets a run or a sweep sleep before its k-th operation; false when it has fewer.
fn asleep(begun: &dyn Fn() -> Installation, sweeps: bool, meanwhile: Meanwhile, k: usize) -> bool {
    let (installation, other) = (begun(), runtime());
    let what = format!("{} asleep at operation {k}, {meanwhile:?}", if sweeps { "sweep" } else { "run" });
    let state = Root::open("state", installation.path("state").to_str().unwrap(), other.handle().clone()).unwrap();
    let first = versions(&state).is_empty();
    let before: Arc<Mutex<Vec<u64>>> = Arc::default();
    let (call, fault) = {
        let (awake, requests) = (awake(&installation, 3, &other), installation.path("requests/erasure"));
        let (state, before) = (state.clone(), before.clone());
        sleeper(&installation, k, 3, move || {
            std::thread::scope(|scope| {
                let others = scope.spawn(|| {
                    meanwhile.happens(&awake, &requests);
                    *before.lock().unwrap() = versions(&state);
                });
                others.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            });
        })
    };
    let outcome = if sweeps {
        let version = |report: SweepReport| report.outcome().map(|()| report.datasets[0].version.unwrap_or(0));
        sweep::sweep(&call, &Silent).and_then(version)
    } else {
        run::run(&call, &Silent).map(|report| report.manifest.output.version)
    };
    if fault.count() < k {
        return false;
    }
    told(&outcome, &before.lock().unwrap(), &versions(&state), &what);
    let gone = if versions(&state).is_empty() { Vec::new() } else { missing(&installation) };
    // Only where there was no version before is there nothing that could keep a sleeper's commit out: it says so itself.
    assert!(gone.is_empty() || (first && outcome.is_err()), "{what}: {outcome:?} {gone:?}");
    run::run(&awake(&installation, 4, &other), &Silent).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(missing(&installation), [""; 0], "{what}");
    assert_eq!(faults(&installation), [""; 0], "{what}");
    let erased = usize::from(sweeps) + usize::from(meanwhile == Meanwhile::Request);
    assert_eq!(rows(&installation).len(), 30 - erased, "{what}");
    true
}

fn at_each_operation(begun: impl Fn() -> Installation + Sync, sweeps: bool, meanwhile: Meanwhile, step: usize) {
    let next = AtomicUsize::new(1);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let k = next.fetch_add(step, Ordering::SeqCst);
                    if !asleep(&begun, sweeps, meanwhile, k) {
                        return assert!(k > 30, "{k}");
                    }
                }
            });
        }
    });
}

/// With a version of yesterday, and a new export.
fn second() -> Installation {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    run::run(&installation.call(-1), &Silent).unwrap();
    installation.export("s2", &contacts(0..30, -10));
    installation
}

/// With an export and nothing else.
fn first() -> Installation {
    let installation = Installation::new();
    installation.create();
    installation.export("s1", &contacts(0..30, -10));
    installation
}

/// With a version, and a request to be applied to it.
fn requested() -> Installation {
    let installation = second();
    installation.erase("1", &[("C-1", "person00007@example.org", "")]);
    installation
}

#[test]
fn a_run_that_slept_while_a_sweep_removed_what_it_had_written_publishes_nothing() {
    at_each_operation(second, false, Meanwhile::Sweep, 2);
}

#[test]
fn a_first_run_that_slept_publishes_nothing_or_says_that_it_is_broken() {
    at_each_operation(first, false, Meanwhile::Sweep, 3);
}

#[test]
fn a_run_that_slept_while_a_request_was_applied_or_another_ran_publishes_nothing_or_what_has_it_applied() {
    at_each_operation(second, false, Meanwhile::Request, 5);
    at_each_operation(second, false, Meanwhile::Run, 7);
}

#[test]
fn a_sweep_that_slept_while_others_were_at_work_publishes_nothing_or_a_whole_version() {
    at_each_operation(requested, true, Meanwhile::Sweep, 5);
    at_each_operation(requested, true, Meanwhile::Run, 7);
}

#[test]
fn a_second_start_by_hand_names_who_is_at_work_and_other_datasets_are_swept() {
    let installation = second();
    let job = std::fs::read_to_string(installation.path("jobs/contacts.toml")).unwrap();
    let other = job.replace("name = \"contacts\"", "name = \"more\"").replace("lake:crm/contacts", "lake:crm/more");
    installation.write("jobs/more.toml", &other);
    run::run(&Call { job: "more".into(), ..installation.call(0) }, &Silent).unwrap();
    installation.erase("1", &[("C-1", "person00007@example.org", "")]);
    let state = state(&installation);
    let who = Claimant::named("elsewhere/17");
    let Claim::Ours(mut lease) = state.claim("contacts", &who, "n", installation.at(0), 60_000_000).unwrap() else {
        panic!("it is free")
    };
    let before = state.ledger().head().unwrap();
    let refused = installation.run(0).err().unwrap();
    let until = Instant(installation.at(0).0 + 60_000_000).to_string();
    assert!(refused.message().contains("elsewhere/17") && refused.message().contains(&until), "{refused}");
    assert_eq!((refused.code(), state.ledger().head().unwrap()), (Code::LeaseHeld, before));
    let report = installation.sweep(0).unwrap();
    assert_eq!(report.outcome().unwrap_err().code(), Code::LeaseHeld);
    assert!(report.stops[0].starts_with("job contacts: elsewhere/17"), "{:?}", report.stops);
    assert_eq!(
        report.datasets.iter().map(|swept| (&swept.job[..], swept.rows_out)).collect::<Vec<_>>(),
        [("more", 29)]
    );
    assert_eq!(rows(&installation).len(), 30);
    lease.free(installation.at(0)).unwrap();
    installation.sweep(0).unwrap().outcome().unwrap();
    assert_eq!(rows(&installation).len(), 29);
    assert_eq!(state.holder("contacts", installation.at(0)).unwrap(), None, "it is given back");
}

/// A command that comes while a run or a sweep is at work is part of no version that it does not know of: nobody says
/// `unmatched` of it, and the next sweep for requests looks for it.
#[test]
fn a_command_that_comes_while_others_are_at_work_is_applied_by_the_next_sweep() {
    for (sweeps, step) in [(false, 5), (true, 9)] {
        let mut k = 1;
        while commanded(sweeps, k) {
            k += step;
        }
        assert!(k > 30, "{k}");
    }
}

fn commanded(sweeps: bool, k: usize) -> bool {
    let (installation, other, what) = (requested(), runtime(), format!("sweep: {sweeps}, operation {k}"));
    let call = |day| SubjectCall {
        runtime: other.handle().clone(),
        ..installation.asking(day, "email: person00004@example.org")
    };
    let (late, count) = (call(0), Arc::new(AtomicUsize::new(0)));
    let told = count.clone();
    let (sleeper, fault) = sleeper(&installation, k, 0, move || {
        let asked = asked(tamis::policy::Effect::Erase, "C-9");
        std::thread::scope(|scope| scope.spawn(|| by_hand::ask(&late, asked).unwrap()).join().unwrap());
        told.store(1, Ordering::SeqCst);
    });
    if sweeps {
        sweep::sweep(&sleeper, &Silent).unwrap().outcome().unwrap();
    } else {
        run::run(&sleeper, &Silent).unwrap_or_else(|error| panic!("{what}: {error}"));
    }
    if fault.count() < k {
        return false;
    }
    let there = rows(&installation).len() == 29;
    let known = find::find(&call(0)).unwrap();
    let asked = known.requests.iter().find(|request| request.request == "C-9").unwrap();
    assert!(!there || asked.states["contacts"].word() == "received", "{what}: {:?}", asked.states);
    let lists = current(&installation).lists;
    let entries: u64 = lists.iter().filter(|list| list.name == "command").map(|list| list.entries).sum();
    assert_eq!(entries, u64::from(!there), "{what}: the manifest names what was applied");
    let due = Call { as_of: None, ..awake(&installation, 0, &other) };
    sweep::sweep_dataset(&due, true, &Silent).unwrap();
    assert_eq!(rows(&installation).len(), 28, "{what}");
    true
}

/// The end of a table by a process that falls asleep before its k-th operation, while a legal hold comes. False when it has
/// fewer.
fn retired_asleep(k: usize) -> bool {
    let installation = second();
    let hold = "[lists.litigation]\ninput = \"requests:hold/*.csv\"\neffect = \"hold\"\nmatch = { Email = \"email\" }\n\
                request = \"Case\"\nreceived = \"At\"\nmay_be_empty = true\n[removal]";
    installation.edit("jobs/policy.toml", "[removal]", hold);
    let (lake, hold) = (installation.path("lake"), installation.path("requests/hold/1.csv"));
    let there = Arc::new(Mutex::new(None));
    let (lake_then, noted) = (lake.clone(), there.clone());
    let (call, fault) = sleeper(&installation, k, 2, move || {
        std::fs::create_dir_all(hold.parent().unwrap()).unwrap();
        std::fs::write(&hold, "Case,At,Email\nH-1,2026-10-01,person00009@example.org\n").unwrap();
        *noted.lock().unwrap() = Some(crate::installation::files(&lake_then).len());
    });
    let who = SubjectCall { wrap: call.wrap.clone(), ..installation.asking(0, "") };
    let asked = by_hand::Retiring { of: "contacts".into(), reason: "over".into(), by: None, remove: true };
    let came = by_hand::retire(&who, &call.caller, &asked, &Silent);
    let Some(then) = *there.lock().unwrap() else { return false };
    let now = crate::installation::files(&lake).len();
    // It may have asked to remove one object already; nothing is known of that when it sleeps.
    assert!(now + 1 >= then, "{k}: {then} files were there when the hold came, {now} are");
    if then > 1 {
        let error = came.expect_err(&format!("{k}: retired, and a hold came before"));
        assert!(matches!(error.kind(), Kind::Storage | Kind::Gate), "{k}: {error}");
    }
    assert!(fault.count() >= k);
    true
}

#[test]
fn a_retirement_that_slept_removes_nothing_that_is_held_since() {
    let mut k = 1;
    while retired_asleep(k) {
        k += 3;
    }
    assert!(k > 40, "{k} operations");
}

#[test]
fn a_retirement_waits_for_nobody_and_names_who_is_at_work() {
    let installation = second();
    let state = state(&installation);
    let Claim::Ours(mut lease) =
        state.claim("contacts", &Claimant::named("a/run"), "n", installation.at(0), DAY).unwrap()
    else {
        panic!("the lease is free")
    };
    let asked = by_hand::Retiring { of: "lake:crm/contacts".into(), reason: "over".into(), by: None, remove: true };
    let ends = || by_hand::retire(&installation.asking(0, ""), &Caller::at(installation.at(0)), &asked, &Silent);
    let before = crate::installation::files(&installation.path("lake"));
    let error = ends().unwrap_err();
    assert!(error.code() == Code::LeaseHeld && error.message().contains("a/run"), "{error}");
    assert!(crate::installation::files(&installation.path("lake")) == before);
    assert!(lease.renew(installation.at(0)).unwrap(), "nobody took it");
    lease.free(installation.at(0)).unwrap();
    assert!(ends().unwrap().new);
}
