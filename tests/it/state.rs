//! State and ledger under every single fault, and when the process dies at every single operation: what a repeated run
//! finds converges on one intent, one entry of each kind, one record, and evidence that holds.

use crate::fault::{Fault, FaultStore, Mode};
use object_store::{ObjectStore, memory::InMemory};
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use tamis::clock::Instant;
use tamis::error::{Kind, Result};
use tamis::evidence::{LedgerEvent, manifest, verify};
use tamis::key::{KeyId, KeyIds};
use tamis::state::{Accept, Dataset, Intent, State};
use tamis::store::{Created, Root};

const AT: Instant = Instant(1_800_000_000_000_000);
const CHILD: &str = "TAMIS_TEST_CRASH";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

fn keys() -> KeyIds {
    KeyIds { identity: KeyId("aa".into()), token: KeyId("bb".into()), epoch: "2026a".into() }
}

/// The state's part of a run, written so that it can begin again anywhere.
fn run(root: &Root, nonce: &str) -> Result<()> {
    let state = match State::open(root) {
        Err(error) if error.kind() == Kind::Policy => State::create(root, &keys(), AT)?,
        other => other?,
    };
    state.check_keys(&keys())?;
    let intent = Intent {
        run: "crm-1".into(),
        job: "crm".into(),
        at: AT,
        as_of: AT,
        plan: "0123abcd".into(),
        policy: "cd".into(),
        set: None,
        objects: vec![],
        replaces: None,
        segment: 0,
        record: 0,
        witness: None,
    };
    if state.intent("crm-1", &intent)? == Created::Exists {
        state.stored_intent("crm-1")?;
    }
    let accept =
        Accept { job: "crm".into(), plan: "0123abcd".into(), as_of: AT, reason: "seen".into(), by: None, at: AT };
    if state.dataset("crm")?.is_none() {
        if state.accepts("crm")?.is_empty() {
            // A policy error: the run before has used it up, so it is in force for this run.
            state.accept(&accept).or_else(|e| if e.kind() == Kind::Policy { Ok(()) } else { Err(e) })?;
        }
        state.use_accept("crm", "0123abcd", "crm-1")?;
    }
    let mut record = state.dataset("crm")?.unwrap_or_else(|| Dataset::new("crm", "lake:crm"));
    if record.last_as_of == Some(AT) {
        return Ok(());
    }
    let attempt = state.next_attempt("crm-1", nonce, 0, AT)?;
    let manifest = empty_manifest(attempt);
    let digest = state.put_manifest(&manifest)?;
    let event = LedgerEvent::Published {
        job: "crm".into(),
        as_of: AT,
        version: 0,
        manifest: digest,
        rows_in: 0,
        rows_out: 0,
        record: 0,
    };
    state.ledger().append(intent.of(attempt), event, AT)?;
    record.seen(AT);
    state.save_dataset(&mut record)
}

fn empty_manifest(attempt: u32) -> tamis::evidence::Manifest {
    let output = manifest::Output {
        dataset: "lake:crm".into(),
        version: 0,
        files: vec![],
        companions: vec![],
        first_seen: None,
    };
    tamis::evidence::Manifest {
        schema: manifest::SCHEMA,
        tamis: "0.1.0".into(),
        time_zones: None,
        kind: manifest::VersionKind::Run,
        run: "crm-1".into(),
        attempt,
        job: "crm".into(),
        purpose: "p".into(),
        lawful_basis: "consent".into(),
        recipient: None,
        as_of: AT,
        scope: "person".into(),
        keep: "P1Y".into(),
        undated: None,
        about_nobody: None,
        plan: "0123abcd".into(),
        policy: "cd".into(),
        keys: manifest::Keys { identity: "aa".into(), token: "bb".into(), epoch: "2026a".into() },
        set: None,
        inputs: vec![],
        lists: vec![],
        corrections: Vec::new(),
        aside: Vec::new(),
        rows_in: 0,
        rows_out: 0,
        removed: vec![],
        nulled: 0,
        others: Vec::new(),
        versions: None,
        absent: None,
        no_clock: 0,
        rejected: Default::default(),
        causes: vec![],
        clocks_ignored: manifest::ClocksIgnored::default(),
        fields: vec![],
        identifiers: vec![],
        largest_person: 0,
        not_published: vec![],
        foreign: Vec::new(),
        drift: vec![],
        covered: vec![],
        renamed: vec![],
        emptied: vec![],
        lost: vec![],
        links: "not applied".into(),
        gates: vec![],
        brake: None,
        previous: None,
        output,
        witness: None,
    }
}

fn assert_converged(root: &Root, what: &str) {
    let state = State::open(root).expect(what);
    let kinds: Vec<&str> = state
        .ledger()
        .entries()
        .expect(what)
        .iter()
        .map(|entry| match entry.event {
            LedgerEvent::StateCreated { .. } => "created",
            LedgerEvent::Intent { .. } => "intent",
            LedgerEvent::Accepted { .. } => "accepted",
            LedgerEvent::Published { .. } => "published",
            _ => "other",
        })
        .collect();
    assert_eq!(kinds, ["created", "intent", "accepted", "published"], "{what}");
    let report = verify(root, &BTreeMap::new(), None).expect(what);
    assert_eq!(report.faults, Vec::<String>::new(), "{what}");
    assert_eq!(state.dataset("crm").expect(what).and_then(|d| d.last_as_of), Some(AT), "{what}");
}

#[test]
fn a_run_repeated_after_any_fault_converges() {
    let runtime = runtime();
    let plain = Root::open("state", "/nowhere/at/all", runtime.handle().clone()).unwrap();
    let all = Fault::counting();
    run(&plain.with_store(FaultStore::new(Arc::new(InMemory::new()), all.clone())), "n").unwrap();
    assert!(all.count() > 20, "{}", all.count());
    for mode in [Mode::FailBefore, Mode::FailAfter, Mode::AnswerExists] {
        for for_ever in [false, true] {
            for k in 1..=all.count() {
                let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
                let bad = plain.with_store(FaultStore::new(store.clone(), Fault::new(mode, k, for_ever)));
                let first = run(&bad, "n1");
                if let Err(error) = &first {
                    assert!(matches!(error.kind(), Kind::Storage), "{mode:?} {k}: {error}");
                }
                let root = plain.with_store(store);
                run(&root, "n2").unwrap_or_else(|e| panic!("{mode:?} {for_ever} {k}: {e}"));
                assert_converged(&root, &format!("{mode:?} {for_ever} {k}"));
            }
        }
    }
}

/// The child of the test below: dies at the operation it is told.
#[test]
fn crash_child() {
    let Ok(order) = std::env::var(CHILD) else { return };
    let (k, folder) = order.split_once(' ').unwrap();
    let runtime = runtime();
    let root = Root::open("state", folder, runtime.handle().clone()).unwrap();
    let fault = Fault::new(Mode::Abort, k.parse().unwrap(), false);
    run(&root.with_store(FaultStore::new(root.raw("").0, fault)), "n1").unwrap();
}

#[test]
fn a_run_repeated_after_a_crash_anywhere_converges() {
    let runtime = runtime();
    let folder = tempfile::tempdir().unwrap();
    let mut crashes = 0;
    for k in 1..100 {
        let path = folder.path().join(k.to_string());
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "state::crash_child", "--test-threads=1"])
            .env(CHILD, format!("{k} {}", path.display()))
            .output()
            .unwrap();
        let root = Root::open("state", path.to_str().unwrap(), runtime.handle().clone()).unwrap();
        run(&root, "n2").unwrap_or_else(|e| panic!("{k}: {e}"));
        assert_converged(&root, &format!("crash at {k}"));
        if child.status.success() {
            break;
        }
        crashes += 1;
    }
    assert!((20..99).contains(&crashes), "{crashes}");
}
