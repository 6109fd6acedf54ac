//! The main job on real servers: SeaweedFS for S3, with and without versions, and Azurite for Azure. The same bytes as in
//! a local folder, read back by readers that have nothing of ours.

use crate::python::Python;
use crate::servers::{Azure, Bucket, S3};
use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, path::Path as Key};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use tamis::clock::{Clock, Instant, System};
use tamis::error::Code;
use tamis::job::{Call, Caller, Stop};
use tamis::monitor::{Event, Monitor};
use tamis::run;

const AS_OF: &str = "2026-11-22T02:00:00Z";
const SET: &str = "2026-11-21";

/// The bundled specs in a folder of their own, so that keys and local output are this test's.
struct Quickstart {
    folder: tempfile::TempDir,
    local: Vec<BTreeMap<String, Vec<u8>>>,
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/quickstart").join(name)
}

impl Quickstart {
    /// With keys made and the job run twice in a local folder.
    fn new() -> Quickstart {
        let mut start = Quickstart { folder: tempfile::tempdir().unwrap(), local: Vec::new() };
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs"), &start.path("jobs"));
        let roots = ["raw", "requests"].map(|name| {
            let from = fixture(if name == "raw" { "exports" } else { name });
            format!("--root={name}={}", from.display())
        });
        for _ in 0..2 {
            let output = start.tamis(&[], &roots, &["run", "crm-contacts", "--as-of", AS_OF, "--demo"]);
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
            let table = start.path("target/quickstart/lake/crm/contacts");
            let files = fs::read_dir(table).unwrap().map(|entry| entry.unwrap().path());
            let files = files.filter(|path| path.extension().is_some_and(|e| e == "parquet"));
            let named = |path: PathBuf| (path.file_name().unwrap().to_str().unwrap().into(), fs::read(&path).unwrap());
            start.local.push(files.map(named).collect());
        }
        start
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tamis(&self, env: &[(&'static str, String)], roots: &[String], arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tamis"))
            .arg("--dir")
            .arg(self.path("jobs"))
            .args(roots)
            .args(arguments)
            .current_dir(self.folder.path())
            .envs(env.iter().cloned())
            .output()
            .unwrap()
    }

    /// The job with all its roots in a bucket.
    fn run(&self, bucket: &Bucket, arguments: &[&str]) -> Output {
        self.tamis(&bucket.env, &roots(bucket), arguments)
    }
}

fn roots(bucket: &Bucket) -> [String; 4] {
    ["raw", "requests", "lake", "state"].map(|name| format!("--root={name}={}/{name}", bucket.url))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target)
        } else {
            drop(fs::copy(entry.path(), target))
        }
    }
}

/// Puts the bundled exports and requests into a bucket.
fn upload(runtime: &tokio::runtime::Runtime, store: &dyn ObjectStore) {
    for (from, to) in [("exports", "raw"), ("requests", "requests")] {
        for folder in fs::read_dir(fixture(from)).unwrap().map(|entry| entry.unwrap().path()) {
            for file in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
                let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
                let key = Key::from(format!("{to}/{}/{}", name(&folder), name(&file)));
                runtime.block_on(store.put(&key, fs::read(&file).unwrap().into())).unwrap();
            }
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// State made, run twice, verified; the files are those of the local runs; readers find exactly the expected rows.
fn job_runs_on(bucket: &Bucket, start: &Quickstart) -> serde_json::Value {
    let (runtime, store) = (runtime(), bucket.store());
    upload(&runtime, store.as_ref());
    let made = start.run(bucket, &["state", "create"]);
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    let mut report = serde_json::Value::Null;
    for version in 0..2 {
        let output = start.run(bucket, &["run", "crm-contacts", "--as-of", AS_OF, "--json"]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        report = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["manifest"]["output"]["version"], version);
    }
    assert_eq!(report["location"], format!("{}/lake/crm/contacts", bucket.url));
    let listed = store.list(Some(&Key::from("lake/crm/contacts"))).try_collect::<Vec<_>>();
    let mut found = BTreeMap::new();
    for object in runtime.block_on(listed).unwrap() {
        if let Some(name) = object.location.filename().filter(|name| name.ends_with(".parquet")) {
            let bytes = runtime.block_on(async { store.get(&object.location).await?.bytes().await }).unwrap();
            found.insert(name.to_owned(), bytes.to_vec());
        }
    }
    assert!(found == start.local[1], "other files than in a local folder: {:?}", found.keys());
    let verified = start.run(bucket, &["verify"]);
    assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
    report
}

/// All readers on the table in the bucket, and an independent computation of its rows.
fn is_read(bucket: &Bucket, start: &Quickstart) {
    let Some(python) = Python::find() else { return };
    let keys = start.path("target/quickstart/keys").display().to_string();
    let table = format!("{}/lake/crm/contacts", bucket.url);
    let said = python.run_with(&bucket.env, "quickstart.py", [fixture("").to_str().unwrap(), &keys, AS_OF, &table]);
    assert!(said.contains("\"rows_out\": 734"), "{said}");
}

#[test]
fn the_main_job_on_s3() {
    let Some(server) = S3::shared() else { return };
    let start = Quickstart::new();
    for (name, versioned) in [("job-plain", false), ("job-versioned", true)] {
        let bucket = server.bucket(name, versioned);
        let report = job_runs_on(&bucket, &start);
        let inputs = report["manifest"]["inputs"].as_array().unwrap();
        assert!(inputs.iter().all(|input| input["etag"].is_string()), "{inputs:?}");
        is_read(&bucket, &start);
    }
}

#[test]
fn the_main_job_on_azure() {
    let Some(server) = Azure::shared() else { return };
    let (start, bucket) = (Quickstart::new(), server.container("job"));
    job_runs_on(&bucket, &start);
    is_read(&bucket, &start);
}

/// What a refusal must not show: where the store is, how one gets in, what it answered.
fn tells_nothing(output: &Output, secrets: &[&str]) {
    let text = said(output);
    assert_eq!(output.status.code(), Some(75), "{text}");
    assert!(text.contains("credentials in the environment"), "{text}");
    for shown in ["://", "127.0.0.1", "<", "Signature", "x-amz", "x-ms", "Code", "403"].iter().chain(secrets) {
        assert!(!text.contains(shown), "{shown} is in: {text}");
    }
}

#[test]
fn wrong_credentials_are_told_without_showing_anything() {
    let start = Quickstart::new();
    if let Some(server) = S3::shared() {
        let bucket = server.bucket("job-strange", false);
        let stranger = Bucket { url: bucket.url, env: server.env("another-key") };
        tells_nothing(&start.run(&stranger, &["state", "create"]), &["another-key", S3::SECRET]);
        tells_nothing(&start.run(&stranger, &["run", "crm-contacts", "--json"]), &["another-key", S3::SECRET]);
    }
    if let Some(server) = Azure::shared() {
        let bucket = server.container("job-strange");
        let stranger = Bucket { url: bucket.url, env: server.env("YW5vdGhlciBrZXk=") };
        tells_nothing(&start.run(&stranger, &["state", "create"]), &["YW5vdGhlciBrZXk", Azure::ACCOUNT]);
    }
}

/// Replaces an object of the export when the run has pinned it and begins to read.
struct Replacing {
    store: Arc<dyn ObjectStore>,
    runtime: tokio::runtime::Handle,
}

impl Monitor for Replacing {
    fn event(&self, event: Event) {
        if matches!(event, Event::Stage { name: "read", .. }) {
            let below = Key::from(format!("raw/{SET}"));
            let work = async {
                let objects: Vec<_> = self.store.list(Some(&below)).try_collect().await.unwrap();
                let zip = objects.iter().find(|object| object.location.as_ref().ends_with(".zip")).unwrap();
                let bytes = self.store.get(&zip.location).await.unwrap().bytes().await.unwrap();
                self.store.put(&zip.location, [&bytes[..], b"\0"].concat().into()).await.unwrap();
            };
            self.runtime.block_on(work);
        }
    }
}

const CHILD: &str = "TAMIS_TEST_REPLACED";

/// The child of the test below: stores take their settings from its environment.
#[test]
fn replaced_child() {
    let Ok(order) = std::env::var(CHILD) else { return };
    let (url, folder) = order.split_once(' ').unwrap();
    let runtime = runtime();
    let call = Call {
        dir: Path::new(folder).join("jobs"),
        roots: ["raw", "requests", "lake", "state"].map(|name| (name.into(), format!("{url}/{name}"))).into(),
        job: "crm-contacts".into(),
        as_of: Instant::parse(AS_OF),
        caller: Caller::at(System.now()),
        scheduled: false,
        stop: Stop::default(),
        project: None,
        now: System.now(),
        threads: 2,
        memory_bytes: 1 << 24,
        spill: Path::new(folder).join("spill"),
        block_bytes: 1 << 20,
        demo: false,
        runtime: runtime.handle().clone(),
        wrap: None,
    };
    let raw = tamis::store::Root::open("raw", url, runtime.handle().clone()).unwrap();
    let replacing = Replacing { store: raw.raw("").0, runtime: runtime.handle().clone() };
    let error = run::run(&call, &replacing).err().unwrap();
    assert_eq!(error.code(), Code::ExportChangedWhileRead, "{error}");
    assert!(error.message().contains(".zip "), "{error}");
}

fn replaced_is_refused(bucket: &Bucket, start: &Quickstart) {
    upload(&runtime(), bucket.store().as_ref());
    assert_eq!(start.run(bucket, &["state", "create"]).status.code(), Some(0));
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "clouds::replaced_child", "--nocapture"])
        .env(CHILD, format!("{} {}", bucket.url, start.folder.path().display()))
        .envs(bucket.env.iter().cloned())
        .output()
        .unwrap();
    assert!(child.status.success() && said(&child).contains("1 passed"), "{}", said(&child));
    assert_eq!(start.run(bucket, &["verify"]).status.code(), Some(0));
}

#[test]
fn an_export_that_is_replaced_under_the_run_is_refused() {
    let start = Quickstart::new();
    if let Some(server) = S3::shared() {
        replaced_is_refused(&server.bucket("job-replaced", false), &start);
        replaced_is_refused(&server.bucket("job-replaced-versioned", true), &start);
    }
    if let Some(server) = Azure::shared() {
        replaced_is_refused(&server.container("job-replaced"), &start);
    }
}

/// What every store must do for us: the second of two creators loses, a delete deletes, a wrong key is refused.
fn creates_once(bucket: &Bucket, stranger: &Bucket) {
    runtime().block_on(async {
        let (store, key) = (bucket.store(), Key::from("a/b.json"));
        let create = || PutOptions::from(PutMode::Create);
        store.put_opts(&key, "first".into(), create()).await.unwrap();
        let second = store.put_opts(&key, "second".into(), create()).await;
        assert!(matches!(second, Err(object_store::Error::AlreadyExists { .. })));
        assert_eq!(store.get(&key).await.unwrap().bytes().await.unwrap(), "first");
        store.delete(&key).await.unwrap();
        assert!(matches!(store.get(&key).await, Err(object_store::Error::NotFound { .. })));
        assert!(stranger.store().put(&key, "third".into()).await.is_err());
    });
}

#[test]
fn seaweedfs_creates_once_and_knows_its_key() {
    let Some(server) = S3::shared() else { return };
    for (name, versioned) in [("server-plain", false), ("server-versioned", true)] {
        let bucket = server.bucket(name, versioned);
        creates_once(&bucket, &Bucket { url: bucket.url.clone(), env: server.env("another-key") });
    }
}

#[test]
fn azurite_creates_once_and_knows_its_key() {
    let Some(server) = Azure::shared() else { return };
    let bucket = server.container("server-plain");
    let stranger = Bucket { url: bucket.url.clone(), env: server.env("YW5vdGhlciBrZXk=") };
    creates_once(&bucket, &stranger);
}
