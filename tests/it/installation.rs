//! A small installation in a folder of its own: specs, keys, exports and request files, run through the library as the
//! command line does. Used by every test that needs more than one night.

use std::path::{Path, PathBuf};
use tamis::by_hand::Asked;
use tamis::clock::Instant;
use tamis::error::Result;
use tamis::job::{self, Call, Caller, SubjectCall, Wrap};
use tamis::monitor::Silent;
use tamis::policy::Effect;
use tamis::run::{self, Report};
use tamis::sweep::{self, SweepReport};
use tempfile::TempDir;
use zeroize::Zeroizing;

/// One installation. Times are given as days after its first one.
pub struct Installation {
    pub folder: TempDir,
    runtime: tokio::runtime::Runtime,
    start: Instant,
    /// Between tamis and its stores.
    pub wrap: Option<Wrap>,
    /// Roots put elsewhere.
    pub roots: Vec<(String, String)>,
    pub threads: usize,
}

/// A contact of the export.
#[derive(Clone)]
pub struct Contact {
    pub id: String,
    pub email: String,
    pub city: String,
    /// Day of the last activity, as days before (negative) or after the installation's first day.
    pub active: i64,
}

const DAY: i64 = 86_400_000_000;

/// Returns the last 2 o'clock that is past: what is old enough to be removed is told by the machine's files, and a
/// command that asks the machine's own clock must not find it earlier than the first day.
fn start() -> Instant {
    use tamis::clock::{Clock, System};
    let (now, two) = (System.now().0, DAY / 12);
    Instant((now - two) - (now - two) % DAY + two)
}

pub const POLICY: &str = r#"
spec = 1
controller = "Test"
[roots]
raw = "../raw"
requests = "../requests"
lake = "../lake"
state = "../state"
[keys]
dir = "../keys"
epoch = "2026a"
[purposes.reports]
description = "Reports"
lawful_basis = "legitimate-interests"
reference = "R-1"
max_keep = "P3Y"
min_k = 2
categories = ["identity", "contact", "location"]
recipients = ["team"]
[recipients.team]
kind = "internal"
[lists.erasure]
input = "requests:erasure/*.csv"
effect = "erase"
match = { Email = "email", Id = "crm-id@test" }
request = "Case"
received = "At"
may_be_empty = true
[removal]
grace = "PT24H"
"#;

pub const SOURCE: &str = r#"
spec = 1
name = "contact"
[read]
format = "csv"
[complete]
marker = "_DONE"
min_records = "0%"
[subject]
key = "Id"
weak = ["Email"]
clock = ["Active"]
[columns]
Id = { identifier = "crm-id@test", category = "identity", purposes = ["reports"] }
Email = { identifier = "email", category = "contact", purposes = ["reports"], keep = "P1Y" }
City = { category = "location", purposes = ["reports"] }
Active = { type = "date", formats = ["%Y-%m-%d"], category = "technical" }
"#;

pub const JOB: &str = r#"
spec = 1
name = "contacts"
source = "contact"
input = "raw:{set}/*.csv"
purpose = "reports"
output = "lake:crm/contacts"
[retention]
keep = "P2Y"
[fields]
contact = { from = "Id", treat = "pseudonymize", subject = true }
email = { from = "Email", treat = "pseudonymize" }
city = { from = "City", treat = "as-is" }
[gate]
quasi_identifiers = ["city"]
k = 2
on_violation = "suppress"
max_suppressed = "50%"
[limits]
max_removed = "30%"
"#;

impl Installation {
    /// With the specs above, throw-away keys and a state.
    pub fn new() -> Installation {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (folder, wrap) = (tempfile::tempdir().unwrap(), None);
        let installation = Installation { folder, runtime, start: start(), wrap, roots: Vec::new(), threads: 2 };
        installation.write("jobs/policy.toml", POLICY);
        installation.write("jobs/sources/contact.toml", SOURCE);
        installation.write("jobs/contacts.toml", JOB);
        std::fs::create_dir_all(installation.path("requests/erasure")).unwrap();
        installation
    }

    /// A copy of an installation of `fixtures/states`, whose first day was at `start`: so old are its files.
    pub fn kept(name: &str, start: &str) -> Installation {
        use std::os::unix::fs::PermissionsExt;
        let kept = Installation { start: Instant::parse(start).unwrap(), ..Installation::new() };
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/states").join(name);
        let written = std::time::UNIX_EPOCH + std::time::Duration::from_micros(kept.start.0 as u64);
        for (path, bytes) in files(&from) {
            let to = kept.path(path.strip_prefix(&from).unwrap().to_str().unwrap());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::write(&to, bytes).unwrap();
            std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).unwrap();
            std::fs::File::options().write(true).open(&to).unwrap().set_modified(written).unwrap();
        }
        std::fs::set_permissions(kept.path("keys"), std::fs::Permissions::from_mode(0o700)).unwrap();
        kept
    }

    /// Keys and a state, where roots are not local and `demo` cannot make them.
    pub fn create(&self) {
        use tamis::{key, policy, state::State, store::Root};
        key::create(self.path("keys").to_str().unwrap(), "2026a").unwrap();
        let project = policy::load(&self.path("jobs"), &self.roots).unwrap();
        let keys = key::Keyring::load(&project.keys, &job::data_roots(&project)).unwrap();
        let root = Root::open("state", &project.roots["state"], self.handle()).unwrap();
        State::create(&root, &keys.ids(), self.at(0)).unwrap();
    }

    /// Keys and a state in its own folders.
    pub fn create_here(&self) {
        use tamis::{key, policy, state::State};
        key::create(self.path("keys").to_str().unwrap(), "2026a").unwrap();
        let project = policy::load(&self.path("jobs"), &self.roots).unwrap();
        let keys = key::Keyring::load(&project.keys, &job::data_roots(&project)).unwrap();
        State::create(&self.root("state"), &keys.ids(), self.at(0)).unwrap();
    }

    pub fn root(&self, name: &str) -> tamis::store::Root {
        tamis::store::Root::open(name, self.path(name).to_str().unwrap(), self.handle()).unwrap()
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Changes a spec; the text to replace must be there.
    pub fn edit(&self, below: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(below)).unwrap();
        assert!(text.contains(from), "{below} has no {from:?}");
        self.write(below, &text.replace(from, to));
    }

    /// Writes a whole export.
    pub fn export(&self, set: &str, contacts: &[Contact]) {
        let line = |c: &Contact| format!("{},{},{},{}\n", c.id, c.email, c.city, self.date(c.active));
        let rows: String = contacts.iter().map(line).collect();
        self.write(&format!("raw/{set}/contacts.csv"), &format!("Id,Email,City,Active\n{rows}"));
        self.write(&format!("raw/{set}/_DONE"), "");
    }

    /// A file of erasure requests: case, date, e-mail, id.
    pub fn erase(&self, file: &str, rows: &[(&str, &str, &str)]) {
        let rows: String = rows.iter().map(|(case, email, id)| format!("{case},2026-10-01,{email},{id}\n")).collect();
        self.write(&format!("requests/erasure/{file}.csv"), &format!("Case,At,Email,Id\n{rows}"));
    }

    pub fn at(&self, day: i64) -> Instant {
        Instant(self.start.0 + day * DAY)
    }

    pub fn date(&self, day: i64) -> String {
        self.at(day).to_string()[..10].to_string()
    }

    /// As `tamis run contacts` on that day.
    pub fn call(&self, day: i64) -> Call {
        Call {
            dir: self.path("jobs"),
            roots: self.roots.clone(),
            job: "contacts".into(),
            as_of: None,
            now: self.at(day),
            caller: Caller::at(self.at(day)),
            scheduled: false,
            stop: job::Stop::default(),
            project: None,
            threads: self.threads,
            memory_bytes: 1 << 20,
            spill: self.folder.path().join("spill"),
            block_bytes: 1 << 16,
            demo: self.roots.is_empty(),
            runtime: self.runtime.handle().clone(),
            wrap: self.wrap.clone(),
        }
    }

    /// A call about requests; `values` are what stands on standard input.
    pub fn asking(&self, day: i64, values: &str) -> SubjectCall {
        SubjectCall {
            dir: self.path("jobs"),
            roots: self.roots.clone(),
            now: self.at(day),
            runtime: self.handle(),
            wrap: None,
            values: Zeroizing::new(values.into()),
        }
    }

    pub fn run(&self, day: i64) -> Result<Report> {
        std::fs::create_dir_all(self.path("spill")).unwrap();
        run::run(&self.call(day), &Silent)
    }

    pub fn sweep(&self, day: i64) -> Result<SweepReport> {
        std::fs::create_dir_all(self.path("spill")).unwrap();
        sweep::sweep(&Call { demo: false, ..self.call(day) }, &Silent)
    }

    /// The same installation in a folder of its own.
    pub fn copy(&self) -> Installation {
        let copy = Installation { start: self.start, threads: self.threads, ..Installation::new() };
        for (path, bytes) in files(self.folder.path()) {
            let to = copy.path(path.strip_prefix(self.folder.path()).unwrap().to_str().unwrap());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(&path, &to).unwrap();
            assert_eq!(std::fs::metadata(&to).unwrap().len(), bytes.len() as u64);
        }
        copy
    }

    pub fn handle(&self) -> tokio::runtime::Handle {
        self.runtime.handle().clone()
    }
}

/// Contacts `from..to`, three to a city, all active on `active`.
pub fn contacts(range: std::ops::Range<usize>, active: i64) -> Vec<Contact> {
    range
        .map(|n| Contact {
            id: format!("crm-{n:05}"),
            email: format!("person{n:05}@example.org"),
            city: format!("City {}", n / 3),
            active,
        })
        .collect()
}

/// Every file below a folder with its bytes.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

/// A request as it is typed in, for all purposes and received when it is stored.
pub fn asked(effect: Effect, request: &str) -> Asked {
    let (request, purposes, terms) = (request.into(), Vec::new(), Default::default());
    Asked { effect, request, purposes, received: None, lifts: None, lift_erase: false, lift_several: false, terms }
}
