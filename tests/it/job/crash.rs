//! A run under every single fault of its stores, and killed at every single operation. The run after it finds everything
//! in order: one version and one entry per run that got through, evidence that holds, the same bytes as undisturbed.

use super::place::{JOB, Place, tree};
use super::table::Table;
use crate::fault::{Fault, FaultStore, Mode};
use object_store::{ObjectStore, memory::InMemory};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tamis::error::{Code, Kind};
use tamis::evidence::{self, LedgerEvent};
use tamis::job::{self, Wrap};
use tamis::monitor::Silent;
use tamis::run;
use tamis::state::{Accept, State};
use tamis::store::Root;

const CHILD: &str = "TAMIS_TEST_KILL";
const FIRST: &str = "2024-06-01T00:00:00Z";
const SECOND: &str = "2024-06-02T00:00:00Z";

/// Lake and state in memory; exports and requests stay on disk.
struct Stores {
    lake: Arc<InMemory>,
    state: Arc<InMemory>,
}

impl Stores {
    fn new() -> Stores {
        Stores { lake: Arc::default(), state: Arc::default() }
    }

    fn fork(&self) -> Stores {
        Stores { lake: Arc::new(self.lake.fork()), state: Arc::new(self.state.fork()) }
    }

    /// What a run sees, with a fault between.
    fn wrap(&self, fault: &Arc<Fault>) -> Wrap {
        let (lake, state, fault) = (self.lake.clone(), self.state.clone(), fault.clone());
        Arc::new(move |root: Root| {
            let inner: Arc<dyn ObjectStore> = match root.name.as_str() {
                "lake" => lake.clone(),
                "state" => state.clone(),
                _ => root.raw("").0,
            };
            root.with_store(FaultStore::new(inner, fault.clone()))
        })
    }

    fn roots(&self, place: &Place) -> BTreeMap<String, Root> {
        let lake = place.root("lake").with_store(self.lake.clone());
        let state = place.root("state").with_store(self.state.clone());
        BTreeMap::from([("lake".to_owned(), lake), ("state".to_owned(), state)])
    }
}

/// Every version is published once, whole and balanced, its files are those of an undisturbed run, and the evidence
/// holds; gives the number of versions.
fn converged(roots: &BTreeMap<String, Root>, undisturbed: &[String], what: &str) -> u64 {
    let (lake, state) = (&roots["lake"], State::open(&roots["state"]).unwrap());
    let newest = Table::newest(lake, JOB).unwrap_or_else(|| panic!("{what}: no table")).version;
    let (mut versions, mut runs) = (Vec::new(), BTreeSet::new());
    for entry in state.ledger().entries().unwrap() {
        let LedgerEvent::Published { version, manifest, .. } = entry.event else { continue };
        let manifest = state.manifest(&entry.run, entry.attempt, &manifest).unwrap();
        assert!(manifest.balances(), "{what}: R33");
        let table = Table::at(lake, JOB, version);
        assert_eq!(table.digests(), undisturbed, "{what}: version {version} has other bytes");
        let of = |paths: Vec<&String>| paths.into_iter().cloned().collect::<BTreeSet<_>>();
        let names: Vec<String> = table.files.keys().map(|name| format!("{JOB}/{name}")).collect();
        assert_eq!(of(names.iter().collect()), of(manifest.output.files.iter().map(|f| &f.path).collect()), "{what}");
        for companion in &manifest.output.companions {
            let bytes = roots["state"].get(&companion.path).unwrap().unwrap_or_else(|| panic!("{what}: no companion"));
            assert_eq!(blake3::hash(&bytes).to_hex().as_str(), companion.blake3, "{what}");
        }
        versions.push(version);
        assert!(runs.insert(entry.run), "{what}: a run has published twice");
    }
    assert_eq!(versions, (0..=newest).collect::<Vec<_>>(), "{what}: one entry per version");
    let report = evidence::verify(&roots["state"], roots, None).unwrap();
    assert_eq!(report.faults, [""; 0], "{what}");
    let current = state.dataset(JOB).unwrap().unwrap().current.unwrap();
    assert_eq!(current.version, newest, "{what}");
    newest + 1
}

/// One faulty run and one after it, on a fork of `begun`, which has so many versions.
fn disturbed(place: &Place, begun: &Stores, versions: u64, undisturbed: &[String], mode: Mode, k: usize) {
    let (what, stores) = (format!("{mode:?} at operation {k}"), begun.fork());
    let fault = Fault::new(mode, k, false);
    let first = run::run(&place.wrapped(FIRST, stores.wrap(&fault)), &Silent);
    let roots = stores.roots(place);
    let committed = Table::newest(&roots["lake"], JOB).map_or(0, |table| table.version + 1) - versions;
    match &first {
        Ok(report) => assert_eq!((committed, report.manifest.output.version), (1, versions), "{what}"),
        Err(error) => {
            let kinds = [Kind::Storage, Kind::Unknown];
            assert!(kinds.contains(&error.kind()), "{what}: {:?} {error}", error.kind());
            assert_eq!(error.published().is_some(), error.code() == Code::EvidenceIncomplete, "{what}: {error}");
            assert!(!error.message().contains("injected"), "{what}: {error}");
        }
    }
    let again = run::run(&place.wrapped(SECOND, stores.wrap(&Fault::counting())), &Silent);
    again.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(converged(&roots, undisturbed, &what), versions + committed + 1, "{what}");
}

/// Works off a list on two threads.
fn each<T: Sync>(all: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::SeqCst)) {
                    work(one);
                }
            });
        }
    });
}

#[test]
fn a_run_after_any_single_fault_finds_everything_in_order() {
    let place = Place::bare("whole");
    let begun = Stores::new();
    place.create_state_in(&begun.roots(&place)["state"]);
    for versions in 0..2 {
        let stores = begun.fork();
        let fault = Fault::counting();
        run::run(&place.wrapped(FIRST, stores.wrap(&fault)), &Silent).unwrap();
        let undisturbed = Table::newest(&stores.roots(&place)["lake"], JOB).unwrap().digests();
        assert!(fault.count() > 30, "{}", fault.count());
        let lost = [Mode::FailAfter, Mode::AnswerExists];
        let lost = fault.changes().into_iter().flat_map(|k| lost.map(|mode| (mode, k)));
        let all: Vec<_> = (1..=fault.count()).map(|k| (Mode::FailBefore, k)).chain(lost).collect();
        each(&all, |(mode, k)| disturbed(&place, &begun, versions, &undisturbed, *mode, *k));
        if versions == 0 {
            run::run(&place.wrapped(FIRST, begun.wrap(&Fault::counting())), &Silent).unwrap();
        }
    }
}

#[test]
fn a_plan_waits_for_the_evidence_of_a_run_that_was_cut_short() {
    let place = Place::bare("whole");
    let begun = Stores::new();
    place.create_state_in(&begun.roots(&place)["state"]);
    let counting = Fault::counting();
    run::run(&place.wrapped(FIRST, begun.fork().wrap(&counting)), &Silent).unwrap();
    let planned = |k: &usize| {
        let stores = begun.fork();
        let fault = Fault::new(Mode::FailBefore, *k, true);
        let _ = run::run(&place.wrapped(FIRST, stores.wrap(&fault)), &Silent);
        run::plan(&place.wrapped(SECOND, stores.wrap(&Fault::counting())), &Silent).err().map(|error| error.code())
    };
    let cut = counting.changes().iter().rev().map(planned).find(Option::is_some);
    assert_eq!(cut, Some(Some(Code::RunCutShort)));
}

/// R28: what a person has let through is used up by exactly one version, also when the run that used it was cut short.
#[test]
fn an_acceptance_is_used_once_whatever_fails() {
    let place = Place::bare("brake");
    let begun = Stores::new();
    place.create_state_in(&begun.roots(&place)["state"]);
    let run = |stores: &Stores, as_of: &str, fault: &Arc<Fault>| {
        let call = job::Call { as_of: None, ..place.wrapped(as_of, stores.wrap(fault)) };
        run::run(&call, &Silent)
    };
    run(&begun, FIRST, &Fault::counting()).unwrap();
    place.put(Path::new("fixtures/cases/brake/fewer"), super::place::at(SECOND));
    let refused = run(&begun, SECOND, &Fault::counting()).err().unwrap();
    assert_eq!(refused.code(), Code::Brake);
    let state = State::open(&begun.roots(&place)["state"]).unwrap();
    let entries = state.ledger().entries().unwrap();
    let LedgerEvent::Refused { plan: Some(plan), as_of, .. } = entries.last().unwrap().event.clone() else { panic!() };
    let accept = Accept { job: JOB.into(), plan, as_of, reason: "moved".into(), by: None, at: as_of };
    state.accept(&accept).unwrap();
    let all = Fault::counting();
    run(&begun.fork(), "2024-06-03T00:00:00Z", &all).unwrap();
    each(&all.changes(), |k| {
        let (what, stores) = (format!("operation {k}"), begun.fork());
        let first = run(&stores, "2024-06-03T00:00:00Z", &Fault::new(Mode::FailAfter, *k, false));
        let second = run(&stores, "2024-06-04T00:00:00Z", &Fault::counting());
        let third = run(&stores, "2024-06-05T00:00:00Z", &Fault::counting());
        let roots = stores.roots(&place);
        let state = State::open(&roots["state"]).unwrap();
        assert!(state.accepts(JOB).unwrap().is_empty(), "{what}: still open");
        let outcomes = [&first, &second, &third].map(|r| r.as_ref().map(|_| ()).map_err(|e| e.to_string()));
        assert!(second.is_ok() && third.is_ok(), "{what}: {outcomes:?}");
        let judged = third.unwrap().manifest.as_of;
        assert_eq!(judged, super::place::at("2024-06-05T00:00:00Z"), "{what}: the third run judges at its own instant");
        let published = |entry: &evidence::LedgerEntry| matches!(entry.event, LedgerEvent::Published { .. });
        let entries = state.ledger().entries().unwrap();
        let accepted: Vec<_> = entries
            .iter()
            .filter(|entry| published(entry))
            .filter_map(|entry| {
                let LedgerEvent::Published { manifest, .. } = &entry.event else { return None };
                state.manifest(&entry.run, entry.attempt, manifest).unwrap().brake.and_then(|brake| brake.accepted)
            })
            .collect();
        assert_eq!(accepted.len(), 1, "{what}");
    });
}

/// The child of the test below: dies at the operation it is told.
#[test]
fn child() {
    let Ok(order) = std::env::var(CHILD) else { return };
    let (k, folder) = order.split_once(' ').unwrap();
    let place = Place::open(Path::new(folder));
    let fault = Fault::new(Mode::Abort, k.parse().unwrap(), false);
    let wrap: Wrap = Arc::new(move |root: Root| root.with_store(FaultStore::new(root.raw("").0, fault.clone())));
    let call = job::Call { memory_bytes: 0, ..place.wrapped(FIRST, wrap) };
    run::run(&call, &Silent).unwrap_or_else(|error| panic!("{error}"));
}

/// Whether the run was killed.
fn killed(folder: &Path, k: usize) -> bool {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "job::crash::child", "--test-threads=1"])
        .env(CHILD, format!("{k} {}", folder.display()))
        .output()
        .unwrap();
    let aborted = std::os::unix::process::ExitStatusExt::signal(&output.status) == Some(libc::SIGABRT);
    assert!(aborted || output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    aborted
}

#[test]
fn a_run_killed_at_any_operation_leaves_nothing_readable_and_the_next_finds_everything_in_order() {
    let begun = Place::of("whole");
    begun.run(FIRST).unwrap();
    let undisturbed = Table::newest(&begun.root("lake"), JOB).unwrap().digests();
    let all = Fault::counting();
    let counted = all.clone();
    let count: Wrap = Arc::new(move |root: Root| root.with_store(FaultStore::new(root.raw("").0, counted.clone())));
    run::run(&begun.copy().wrapped(FIRST, count), &Silent).unwrap();
    // Killed before a read is killed before the next change; some reads are there for what is in memory meanwhile.
    let operations: Vec<usize> = (1..=all.count()).filter(|k| all.changes().contains(k) || k % 5 == 0).collect();
    assert!(operations.len() > 20, "{operations:?}");
    let deaths = AtomicUsize::new(0);
    each(&operations, |k| {
        let (place, what) = (begun.copy(), format!("killed at operation {k}"));
        deaths.fetch_add(usize::from(killed(place.folder(), *k)), Ordering::SeqCst);
        let left = tree(&place.path("spill"));
        assert!(left.iter().all(|(_, bytes)| bytes.is_empty()), "{what}: rows are left in the spill");
        let committed = Table::newest(&place.root("lake"), JOB).unwrap().version;
        place.run(SECOND).unwrap_or_else(|error| panic!("{what}: {error}"));
        let roots = ["lake", "state"].map(|name| (name.to_owned(), place.root(name)));
        assert_eq!(converged(&roots.into(), &undisturbed, &what), committed + 2, "{what}");
        assert_eq!(tree(&place.path("spill")), [], "{what}: the next run has not cleared the spill");
    });
    assert!(deaths.load(Ordering::SeqCst) + 2 > operations.len(), "a child that is not killed proves nothing");
}
