//! A place to run jobs in: specs, exports, requests, roots and keys in one folder that goes away afterwards.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tamis::audit::{AuditCall, Severity, audit};
use tamis::clock::Instant;
use tamis::error::Result;
use tamis::job::{Call, Caller, Stop, Wrap};
use tamis::key::Keyring;
use tamis::monitor::Silent;
use tamis::run::{self, Report};
use tamis::state::State;
use tamis::store::Root;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The job of every case.
pub const JOB: &str = "contacts";
/// Keys of tests: these bytes counted up.
pub const IDENTITY_KEY: u8 = 0x10;
pub const TOKEN_KEY: u8 = 0x60;
const FOLDERS: [&str; 7] = ["specs", "raw", "requests", "lake", "state", "keys", "spill"];

/// Where a job runs.
pub struct Place {
    folder: PathBuf,
    pub runtime: Runtime,
    _gone_afterwards: Option<TempDir>,
}

/// 32 bytes, no two of them equal.
pub fn key(first: u8) -> [u8; 32] {
    std::array::from_fn(|n| first + n as u8)
}

pub fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap_or_else(|| panic!("{text:?} is no time"))
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

impl Place {
    /// With folders and keys, and nothing in them.
    pub fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { folder: folder.path().into(), runtime: runtime(), _gone_afterwards: Some(folder) };
        for name in FOLDERS.iter().filter(|name| **name != "spill") {
            fs::create_dir(place.path(name)).unwrap();
        }
        place.put_key("identity.key", IDENTITY_KEY);
        place.put_key("token-2026a.key", TOKEN_KEY);
        place
    }

    /// A place that another process has made.
    pub fn open(folder: &Path) -> Place {
        Place { folder: folder.into(), runtime: runtime(), _gone_afterwards: None }
    }

    /// Specs and inputs of a case, with a state.
    pub fn of(case: &str) -> Place {
        let place = Place::bare(case);
        place.create_state();
        place
    }

    /// Specs and inputs of a case: its own files over those of `base`.
    pub fn bare(case: &str) -> Place {
        let place = Place::new();
        for name in ["base", case] {
            place.put(&Path::new("fixtures/cases").join(name), at("2024-01-01T00:00:00Z"));
        }
        place
    }

    /// A copy of all folders; exports and requests are the very same files, for they are known by their entity tags.
    pub fn copy(&self) -> Place {
        let folder = tempfile::tempdir().unwrap();
        for name in FOLDERS {
            let link = ["raw", "requests"].contains(&name);
            let copied =
                |from: &Path, to: &Path| if link { fs::hard_link(from, to) } else { fs::copy(from, to).map(drop) };
            copy_by(&self.path(name), &folder.path().join(name), &copied);
        }
        Place { folder: folder.path().into(), runtime: runtime(), _gone_afterwards: Some(folder) }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn put_key(&self, name: &str, first: u8) {
        let path = self.path("keys").join(name);
        let hex: String = key(first).iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(&path, hex + "\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Lays files over what is there: `*.toml` and `sources/` are specs, `in/` the exports, `lists/` the requests.
    /// What comes in is `modified` then, so that entity tags and `settle` do not depend on when the test runs.
    pub fn put(&self, from: &Path, modified: Instant) {
        assert!(from.is_dir(), "{} is no folder", from.display());
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            match name {
                "sources" => copy(&path, &self.path("specs/sources")),
                "in" => lay(&path, &self.path("raw"), modified),
                "lists" => lay(&path, &self.path("requests"), modified),
                "case.toml" => {}
                _ if name.ends_with(".toml") => drop(fs::copy(&path, self.path("specs").join(name)).unwrap()),
                _ => {}
            }
        }
    }

    /// One file of an export.
    pub fn export(&self, name: &str, bytes: &[u8]) {
        write(&self.path("raw").join(name), bytes, at("2024-01-01T00:00:00Z"));
    }

    pub fn root(&self, name: &str) -> Root {
        Root::open(name, self.path(name).to_str().unwrap(), self.runtime.handle().clone()).unwrap()
    }

    /// Whatever is published holds before an audit. Nobody sweeps in cases, so what waits for a sweep is not asked for.
    pub fn holds(&self, now: Instant, what: &str) {
        let call = AuditCall {
            dir: self.path("specs"),
            roots: Vec::new(),
            now,
            runtime: self.runtime.handle().clone(),
            dataset: None,
        };
        let report = audit(&call, &Silent).unwrap_or_else(|error| panic!("{what}: {error}"));
        let waits = ["requests-in-time", "old-versions-gone", "recipient-review"];
        let errors = report.findings.iter().filter(|finding| finding.severity == Severity::Error);
        let wrong: Vec<_> = errors.filter(|finding| !waits.contains(&finding.rule)).collect();
        assert!(wrong.is_empty() && report.not_checked.is_empty(), "{what}: {wrong:?} {:?}", report.not_checked);
    }

    pub fn create_state(&self) {
        self.create_state_in(&self.root("state"));
    }

    pub fn create_state_in(&self, root: &Root) {
        State::create(root, &self.keys().ids(), at("2024-01-01T00:00:00Z")).unwrap();
    }

    pub fn keys(&self) -> Keyring {
        let project =
            tamis::policy::load(&self.path("specs"), &[]).unwrap_or_else(|e| panic!("{:?}", e.spec_findings()));
        Keyring::load(&project.keys, &[]).unwrap()
    }

    /// A call of the job, judged at `as_of` and made then.
    pub fn call(&self, as_of: &str) -> Call {
        Call {
            dir: self.path("specs"),
            roots: Vec::new(),
            job: JOB.into(),
            as_of: Some(at(as_of)),
            caller: Caller::at(at(as_of)),
            scheduled: false,
            stop: Stop::default(),
            project: None,
            now: at(as_of),
            threads: 2,
            memory_bytes: 160 << 20,
            spill: self.path("spill"),
            block_bytes: 1 << 20,
            demo: false,
            runtime: self.runtime.handle().clone(),
            wrap: None,
        }
    }

    pub fn wrapped(&self, as_of: &str, wrap: Wrap) -> Call {
        Call { wrap: Some(wrap), ..self.call(as_of) }
    }

    pub fn run(&self, as_of: &str) -> Result<Report> {
        run::run(&self.call(as_of), &Silent)
    }
}

/// Every file below a folder with its bytes, by path; links and pipes would be a fault.
pub fn tree(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = fs::read_dir(&next) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                found.push((path, bytes));
            }
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    copy_by(from, to, &|from, to| fs::copy(from, to).map(drop));
}

fn copy_by(from: &Path, to: &Path, copied: &dyn Fn(&Path, &Path) -> std::io::Result<()>) {
    fs::create_dir_all(to).unwrap();
    for path in fs::read_dir(from).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_by(&path, &target, copied);
        } else {
            copied(&path, &target).unwrap();
        }
    }
}

/// Lays inputs out; a folder `NAME.zip` becomes that archive, a folder `NAME.tar` that archive, and
/// a folder `NAME.gz`, `.zst` or `.bz2` a file with a stream of each of its members, or with the archive in one.
fn lay(from: &Path, to: &Path, modified: Instant) {
    let mut entries: Vec<PathBuf> = fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let target = to.join(path.file_name().unwrap());
        let name = path.to_str().unwrap();
        match path.is_dir() {
            true if name.ends_with(".zip") => write(&target, &zip(&path), modified),
            true if name.ends_with(".tar") => write(&target, &tar(&path), modified),
            true if [".gz", ".zst", ".bz2"].iter().any(|end| name.ends_with(end)) => {
                let (stem, end) = name.rsplit_once('.').unwrap();
                let texts = match stem.ends_with(".tar") {
                    true => vec![tar(&path)],
                    false => tree(&path).into_iter().map(|(_, bytes)| bytes).collect(),
                };
                write(&target, &texts.iter().flat_map(|text| packed(end, text)).collect::<Vec<_>>(), modified);
            }
            true => lay(&path, &target, modified),
            false => write(&target, &fs::read(&path).unwrap(), modified),
        }
    }
}

fn write(path: &Path, bytes: &[u8], modified: Instant) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_micros(modified.0.try_into().unwrap());
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

fn zip(folder: &Path) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, bytes) in tree(folder) {
        let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(&bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn tar(folder: &Path) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, bytes) in tree(folder) {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, path.strip_prefix(folder).unwrap(), &bytes[..]).unwrap();
    }
    archive.into_inner().unwrap()
}

fn packed(end: &str, text: &[u8]) -> Vec<u8> {
    match end {
        "zst" => zstd::encode_all(text, 1).unwrap(),
        "bz2" => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
        _ => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        }
    }
}
