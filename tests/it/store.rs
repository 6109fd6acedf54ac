//! The store under every single fault.

use crate::fault::{Fault, FaultStore, Mode};
use crate::servers;
use object_store::{ObjectStore, memory::InMemory};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;
use tamis::store::{Created, Root};

const MODES: [Mode; 4] = [Mode::FailBefore, Mode::FailAfter, Mode::AnswerExists, Mode::Hang(Duration::from_millis(1))];

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

/// A small life of a store; every step may fail.
fn work(root: &Root) -> tamis::error::Result<()> {
    assert_eq!(root.create("ledger/1", b"mine".to_vec())?, Created::New);
    root.put("state", b"x".to_vec())?;
    let mut upload = root.upload("data/big")?;
    upload.write_all(&vec![7; (17 << 20) + 5]).map_err(|e| tamis::store::from_io("lake:data/big", e))?;
    assert_eq!(upload.finish()?.bytes, (17 << 20) + 5);
    let mut upload = root.upload("data/small")?;
    upload.write_all(b"small").map_err(|e| tamis::store::from_io("lake:data/small", e))?;
    upload.finish()?;
    let object = root.list("data")?.remove(1);
    assert_eq!(object.path, "data/small");
    let mut bytes = Vec::new();
    root.open_object(&object)?.read_to_end(&mut bytes).map_err(|e| tamis::store::from_io("lake:data/small", e))?;
    assert_eq!(bytes, b"small");
    root.delete("state")
}

#[test]
fn at_each_fault_nothing_is_half_there_and_errors_show_no_cause() {
    let runtime = runtime();
    let folder = tempfile::tempdir().unwrap();
    for local in [false, true] {
        let all = Fault::counting();
        let inside =
            |name: &str| Root::open("lake", folder.path().join(name).to_str().unwrap(), runtime.handle().clone());
        let store =
            |root: &Root| -> Arc<dyn ObjectStore> { if local { root.raw("").0 } else { Arc::new(InMemory::new()) } };
        let root = inside("all").unwrap();
        let root = root.with_store(FaultStore::new(store(&root), all.clone()));
        work(&root).unwrap();
        assert!(all.count() >= 10, "{}", all.count());
        for (m, mode) in MODES.into_iter().enumerate() {
            for k in 1..=all.count() {
                let plain = inside(&format!("{local}-{m}-{k}")).unwrap();
                let plain = plain.with_store(store(&plain));
                let (at_once, _) = (Fault::new(mode, k, false), ());
                let outcome = work(&plain.with_store(FaultStore::new(plain.raw("").0, at_once)));
                if let Err(error) = &outcome {
                    assert!(!error.message().contains("injected"), "{error}");
                    assert!(error.message().contains("lake:"), "{error}");
                }
                if matches!(mode, Mode::Hang(_)) {
                    assert!(outcome.is_ok());
                }
                for (path, length) in [("data/big", (17 << 20) + 5), ("data/small", 5), ("ledger/1", 4)] {
                    assert!(plain.head(path).unwrap().is_none_or(|o| o.bytes == length), "{path} {mode:?} {k}");
                }
                let done = plain.create("ledger/1", b"mine".to_vec()).unwrap();
                assert_eq!(done, Created::New, "the same bytes again converge");
                assert_eq!(plain.create("ledger/1", b"other".to_vec()).unwrap(), Created::Exists);
            }
        }
    }
}

#[test]
fn a_lost_answer_of_create_is_learned_by_reading() {
    let runtime = runtime();
    let plain = Root::open("state", "/nowhere/at/all", runtime.handle().clone()).unwrap();
    for mode in [Mode::FailAfter, Mode::AnswerExists] {
        let root = plain.with_store(FaultStore::new(Arc::new(InMemory::new()), Fault::new(mode, 1, false)));
        assert_eq!(root.create("a", b"1".to_vec()).unwrap(), Created::New);
    }
    let away = plain.with_store(FaultStore::new(Arc::new(InMemory::new()), Fault::new(Mode::FailAfter, 1, true)));
    assert_eq!(away.create("a", b"1".to_vec()).unwrap_err().code(), tamis::error::Code::StoreAway);
}

/// Real servers: those that the tests start, or `TAMIS_TEST_ROOTS="s3://bucket/x az://container/x"`, with their settings
/// in `AWS_*` and `AZURE_*`. The folder named must be new.
#[test]
fn real_servers_behave_like_the_others() {
    let Ok(urls) = std::env::var("TAMIS_TEST_ROOTS") else {
        return servers::again("store::real_servers_behave_like_the_others", "store");
    };
    let runtime = runtime();
    for url in urls.split_whitespace() {
        let root = Root::open("lake", url, runtime.handle().clone()).unwrap();
        assert_eq!(root.list("").unwrap(), [], "{url} is new");
        assert_eq!(root.get("nothing").unwrap(), None);
        work(&root).unwrap_or_else(|e| panic!("{url}: {e}"));
        assert_eq!(root.create("ledger/1", b"other".to_vec()).unwrap(), Created::Exists);
        root.put("a b/ü #1+.csv", vec![b'x'; 200_000]).unwrap();
        let listed = root.list("a b").unwrap().remove(0);
        assert_eq!(listed.path, "a b/ü #1+.csv");
        let mut source = root.open_seek(&listed).unwrap();
        source.seek(std::io::SeekFrom::End(-10)).unwrap();
        let mut tail = Vec::new();
        source.read_to_end(&mut tail).unwrap();
        assert_eq!(tail, [b'x'; 10]);
        root.put("a b/ü #1+.csv", vec![b'y'; 200_000]).unwrap();
        let changed = root.open_object(&listed).err().unwrap_or_else(|| panic!("{url}: not pinned"));
        assert_eq!(changed.code(), tamis::error::Code::ExportChangedWhileRead, "{url}");
        let mut dropped = root.upload("data/dropped").unwrap();
        dropped.write_all(&vec![1; 20 << 20]).unwrap();
        drop(dropped);
        assert_eq!(root.head("data/dropped").unwrap(), None);
        for object in root.list("").unwrap() {
            root.delete(&object.path).unwrap();
        }
        assert_eq!(root.list("").unwrap(), []);
        let missing = Root::open("lake", &url.replace("://", "://no-"), runtime.handle().clone()).unwrap();
        match missing.put("x", vec![1]) {
            Ok(()) => assert!(url.starts_with("s3://"), "SeaweedFS makes the bucket, {url} is another"),
            Err(error) => assert_eq!(error.kind(), tamis::error::Kind::Storage, "{url}: {error}"),
        }
    }
}
