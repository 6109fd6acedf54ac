use super::manifest::{File, Output, Removed, VersionKind as Made};
use super::*;
use crate::clock::Instant;
use crate::error::Code;
use crate::store::Root;
use object_store::memory::InMemory;
use std::collections::BTreeMap;
use std::sync::Arc;

struct Place {
    _runtime: tokio::runtime::Runtime,
    state: Root,
    lakes: BTreeMap<String, Root>,
}

fn at(minute: i64) -> Instant {
    Instant(1_800_000_000_000_000 + minute * 60_000_000)
}

fn of(run: &str) -> RunRef<'_> {
    RunRef { run, attempt: 1, since: at(0) }
}

fn file(root: &Root, path: &str, rows: u64) -> File {
    let bytes = path.repeat(50).into_bytes();
    root.put(path, bytes.clone()).unwrap();
    File { path: path.into(), rows, bytes: bytes.len() as u64, blake3: digest(&bytes) }
}

fn manifest(run: &str, version: u64, files: Vec<File>, companions: Vec<File>) -> Manifest {
    Manifest {
        schema: manifest::SCHEMA,
        tamis: "0.1.0".into(),
        time_zones: Some("2026a".into()),
        kind: Made::Run,
        run: run.into(),
        attempt: 1,
        job: "crm".into(),
        purpose: "sales-analytics".into(),
        lawful_basis: "legitimate-interests".into(),
        recipient: None,
        as_of: at(0),
        scope: "person".into(),
        undated: None,
        about_nobody: None,
        keep: "P3Y".into(),
        plan: "ab".into(),
        policy: "cd".into(),
        keys: manifest::Keys { identity: "aa".into(), token: "bb".into(), epoch: "2026a".into() },
        set: None,
        inputs: vec![],
        lists: vec![],
        corrections: vec![],
        aside: vec![],
        rows_in: 15,
        rows_out: 10,
        removed: vec![Removed { reason: "erased".into(), rows: 2 }, Removed { reason: "expired".into(), rows: 3 }],
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
        output: Output { dataset: "lake:crm".into(), version, files, companions, first_seen: None },
        witness: None,
    }
}

fn created() -> LedgerEvent {
    LedgerEvent::StateCreated {
        identity_key: "aa".into(),
        token_key: "bb".into(),
        epoch: "2026a".into(),
        segment: 0,
        stored: Default::default(),
    }
}

/// The records of the keys that `created` names.
fn record_keys(state: &Root) {
    for (path, id) in [(keys_in_use::IDENTITY.to_string(), "aa"), (keys_in_use::token_file("2026a"), "bb")] {
        state.put(&path, format!("{{\"format\":1,\"id\":\"{id}\"}}").into_bytes()).unwrap();
    }
}

/// That a run of the job has begun with this intent.
fn begun(intent: &[u8]) -> LedgerEvent {
    let (job, plan, intent) = ("crm".into(), "ab".into(), digest(intent));
    LedgerEvent::Intent { job, as_of: at(0), plan, intent, segment: 0, record: 0 }
}

/// Two published runs of one dataset with two files each.
fn published() -> Place {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let open = |name: &str| {
        let root = Root::open(name, "/nowhere/at/all", runtime.handle().clone()).unwrap();
        root.with_store(Arc::new(InMemory::new()))
    };
    let (state, lake) = (open("state"), open("lake"));
    record_keys(&state);
    let ledger = Ledger::open(&state);
    ledger.append(of("state-create"), created(), at(0)).unwrap();
    for (n, run) in ["crm-1", "crm-2"].into_iter().enumerate() {
        let version = n as u64;
        let intent = format!("intent of {run}").into_bytes();
        state.put(&format!("runs/{run}/intent.json"), intent.clone()).unwrap();
        ledger.append(of(run), begun(&intent), at(2 * n as i64)).unwrap();
        let files = [4, 6].map(|rows| file(&lake, &format!("crm/{run}-{rows}.parquet"), rows));
        let companions = [4, 6].map(|rows| file(&state, &format!("companions/crm/{run}-{rows}.parquet"), rows));
        let manifest = manifest(run, version, files.to_vec(), companions.to_vec());
        state.put(&manifest::path(run, 1), manifest.bytes().unwrap()).unwrap();
        let event = LedgerEvent::Published {
            job: "crm".into(),
            as_of: at(0),
            version,
            manifest: manifest.digest().unwrap(),
            rows_in: 15,
            rows_out: 10,
            record: 0,
        };
        ledger.append(of(run), event, at(2 * n as i64 + 1)).unwrap();
    }
    Place { state, lakes: BTreeMap::from([("lake".into(), lake)]), _runtime: runtime }
}

impl Place {
    fn verify(&self, head: Option<&str>) -> VerifyReport {
        verify(&self.state, &self.lakes, head).unwrap()
    }
    fn faults(&self) -> Vec<String> {
        let report = self.verify(None);
        assert_eq!(report.outcome().map_err(|e| e.code()), Err(Code::EvidenceBroken));
        assert_eq!(report.proven, [""; 0], "nothing is called proven beside a fault");
        report.faults
    }
}

#[test]
fn what_was_published_verifies_without_keys() {
    let place = published();
    let report = place.verify(None);
    assert_eq!(report.faults, [""; 0]);
    assert_eq!((report.entries, report.records, report.datasets, report.files, report.companions), (5, 4, 1, 2, 2));
    report.outcome().unwrap();
    assert!(report.not_proven.iter().any(|n| n.contains("--head")));
    let head = report.head.unwrap().to_string();
    let with_head = place.verify(Some(&head));
    with_head.outcome().unwrap();
    assert!(!with_head.not_proven.iter().any(|n| n.contains("--head")));
    for bad in ["", "x", "4", "4:abc"] {
        assert_eq!(verify(&place.state, &place.lakes, Some(bad)).unwrap_err().code(), Code::ArgumentWrong);
    }
}

#[test]
fn a_place_where_no_state_is_does_not_verify() {
    let mut place = published();
    place.state = place.state.with_store(Arc::new(InMemory::new()));
    let faults = place.faults();
    assert!(faults[0].contains("state:ledger has no entry"), "{faults:?}");
}

#[test]
fn any_flipped_byte_of_an_entry_is_found() {
    let place = published();
    let head = place.verify(None).head.unwrap().to_string();
    for seq in 1..=5 {
        let path = ledger::path(seq);
        let bytes = place.state.get(&path).unwrap().unwrap();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            place.state.put(&path, flipped).unwrap();
            let faults = place.verify(Some(&head)).faults;
            assert!(!faults.is_empty(), "byte {at} of entry {seq}");
        }
        place.state.put(&path, bytes).unwrap();
    }
    assert_eq!(place.verify(Some(&head)).faults, [""; 0]);
}

#[test]
fn dropped_and_reordered_entries_are_found_and_named() {
    let place = published();
    let [two, three] = [2, 3].map(|seq| place.state.get(&ledger::path(seq)).unwrap().unwrap());
    place.state.delete(&ledger::path(2)).unwrap();
    assert!(place.faults()[0].contains("state:ledger/000000000002.json is missing"));
    assert_eq!(
        Ledger::open(&place.state).head().unwrap_err().code(),
        Code::StatePartMissing,
        "nothing is appended to a hole"
    );
    place.state.put(&ledger::path(2), three).unwrap();
    place.state.put(&ledger::path(3), two).unwrap();
    let faults = place.faults();
    assert!(faults[0].contains("000000000002.json holds entry 3"), "{faults:?}");
}

#[test]
fn a_cut_tail_is_found_by_the_head_and_by_nothing_else() {
    let place = published();
    let head = place.verify(None).head.unwrap().to_string();
    for seq in [5, 4] {
        place.state.delete(&ledger::path(seq)).unwrap();
    }
    assert!(place.verify(Some(&head)).faults[0].contains("its tail was cut"));
    assert_eq!(place.verify(None).faults, [""; 0]);
    assert!(place.verify(None).notes.iter().any(|n| n.contains("runs/crm-2/manifest.json was prepared")));
}

#[test]
fn a_ledger_written_anew_is_found_by_the_head() {
    let place = published();
    let head = place.verify(None).head.unwrap().to_string();
    for seq in 1..=5 {
        place.state.delete(&ledger::path(seq)).unwrap();
    }
    let ledger = Ledger::open(&place.state);
    ledger.append(of("r"), LedgerEvent::Missed { job: "crm".into(), due: at(0), runs: 1 }, at(0)).unwrap();
    assert!(place.faults()[0].contains("does not begin with the state's creation"));
    place.state.delete(&ledger::path(1)).unwrap();
    let ledger = Ledger::open(&place.state);
    ledger.append(of("state-create"), created(), at(1)).unwrap();
    for n in 0..5 {
        ledger
            .append(of(&format!("r{n}")), LedgerEvent::Missed { job: "crm".into(), due: at(n), runs: 1 }, at(n))
            .unwrap();
    }
    assert_eq!(place.verify(None).faults, [""; 0]);
    assert!(place.verify(Some(&head)).faults[0].contains("is not the entry that the given head names"));
}

#[test]
fn changed_records_and_files_are_found_and_named() {
    let cases = [
        "state:runs/crm-1/manifest.json",
        "state:runs/crm-2/manifest.json",
        "state:runs/crm-2/intent.json",
        "state:companions/crm/crm-2-6.parquet",
        "lake:crm/crm-2-4.parquet",
    ];
    for case in cases {
        let place = published();
        let (root, path) = case.split_once(':').unwrap();
        let root = if root == "lake" { place.lakes["lake"].clone() } else { place.state.clone() };
        let bytes = root.get(path).unwrap().unwrap();
        let mut flipped = bytes.clone();
        flipped[9] ^= 4;
        for wrong in [Some(flipped), Some(bytes[1..].to_vec()), None] {
            match wrong {
                Some(bytes) => root.put(path, bytes).unwrap(),
                None => root.delete(path).unwrap(),
            }
            let faults = place.faults();
            assert!(faults[0].contains(case), "{faults:?}");
        }
    }
}

#[test]
fn files_of_replaced_versions_may_go() {
    let place = published();
    place.lakes["lake"].delete("crm/crm-1-4.parquet").unwrap();
    place.verify(None).outcome().unwrap();
}

#[test]
fn a_lake_that_is_not_given_is_said_to_be_unproven() {
    let place = published();
    let report = verify(&place.state, &BTreeMap::new(), None).unwrap();
    report.outcome().unwrap();
    assert_eq!((report.files, report.companions), (0, 2));
    assert!(report.not_proven[0].contains("lake:crm"));
}

#[test]
fn the_same_entry_is_appended_once_also_by_a_run_that_begins_again() {
    let place = published();
    let before = Ledger::open(&place.state).head().unwrap();
    let event = |version| LedgerEvent::Published {
        job: "crm".into(),
        as_of: at(0),
        version,
        manifest: "x".into(),
        rows_in: 0,
        rows_out: 0,
        record: 0,
    };
    let again = RunRef { run: "crm-1", attempt: 2, since: at(0) };
    assert_eq!(Ledger::open(&place.state).append(again, event(0), at(9)).unwrap(), before);
    let refused = |cause: &str| LedgerEvent::Refused {
        job: "crm".into(),
        as_of: at(0),
        exit: 4,
        code: None,
        cause: cause.into(),
        plan: None,
    };
    let ledger = Ledger::open(&place.state);
    let first = ledger.append(again, refused("brake"), at(10)).unwrap();
    assert_eq!(ledger.append(again, refused("brake"), at(11)).unwrap(), first);
    let third = RunRef { attempt: 3, ..again };
    assert_eq!(
        ledger.append(third, refused("brake"), at(11)).unwrap().seq,
        first.seq + 1,
        "each attempt may be refused"
    );
}

#[test]
fn a_run_refused_first_and_published_later_is_no_fault_but_one_without_intent_is() {
    let place = published();
    let ledger = Ledger::open(&place.state);
    let intent = b"intent".to_vec();
    place.state.put("runs/crm-3/intent.json", intent.clone()).unwrap();
    ledger.append(of("crm-3"), begun(&intent), at(10)).unwrap();
    assert!(place.verify(None).notes.contains(&"run crm-3 began and has no end in the ledger".to_string()));
    let refused = LedgerEvent::Refused {
        job: "crm".into(),
        as_of: at(0),
        exit: 4,
        code: None,
        cause: "brake".into(),
        plan: None,
    };
    ledger.append(of("crm-3"), refused, at(11)).unwrap();
    assert_eq!(place.verify(None).notes, [""; 0]);
    for (run, faults) in [("crm-3", 0), ("crm-4", 1)] {
        let mut manifest = manifest(run, 3, vec![], vec![]);
        (manifest.rows_in, manifest.rows_out) = (5, 0);
        place.state.put(&manifest::path(run, 1), manifest.bytes().unwrap()).unwrap();
        let event = LedgerEvent::Published {
            job: "crm".into(),
            as_of: at(0),
            version: 3,
            manifest: manifest.digest().unwrap(),
            rows_in: 5,
            rows_out: 0,
            record: 0,
        };
        ledger.append(of(run), event, at(12)).unwrap();
        assert_eq!(place.verify(None).faults.len(), faults, "{run}: {:?}", place.verify(None).faults);
    }
}

#[test]
fn two_writers_both_get_in_and_the_chain_holds() {
    let place = published();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let ledger = Ledger::open(&place.state);
            scope.spawn(move || {
                for n in 0..10 {
                    let run = format!("w{writer}-{n}");
                    let event = LedgerEvent::Missed { job: "crm".into(), due: at(n), runs: 1 };
                    ledger.append(RunRef { run: &run, attempt: 1, since: at(5) }, event, at(5 - n)).unwrap();
                }
            });
        }
    });
    let report = place.verify(None);
    report.outcome().unwrap();
    assert_eq!(report.entries, 45);
}

#[test]
fn r33_a_manifest_that_does_not_balance_is_never_written() {
    let mut manifest = manifest("crm-1", 0, vec![], vec![]);
    assert_eq!(manifest.bytes().unwrap(), manifest.clone().bytes().unwrap());
    manifest.rows_in += 1;
    assert_eq!(manifest.bytes().unwrap_err().code(), Code::RowsDoNotAddUp);
}
