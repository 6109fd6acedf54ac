//! Each byte of the state and of a table changed once: `verify` finds it, or it is one of those that `docs/evidence.md`
//! says are without meaning. The fast test takes some bytes of every file; the other one, which is ignored, takes many
//! more (`cargo test --test it -- --ignored every_byte`).

use crate::installation::{Installation, asked, contacts, files};
use crate::nightly::{ask, due, nightly};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tamis::by_hand;
use tamis::error::{Kind, Result};
use tamis::evidence::VerifyReport;
use tamis::policy::{self, Effect, Project};
use tamis::questions::verify;
use tamis::state::Accept;
use tamis::store::Root;

const MINUTE: i64 = 60_000_000;

/// Some nights with everything that a state can have: runs by schedule and by hand, a refusal that was let through, requests
/// by list and by command, sweeps, versions that were replaced and whose files are still there, a checkpoint.
fn lived() -> Installation {
    let installation = nightly(30);
    for day in 0..10 {
        installation.export(&format!("s{day}"), &contacts(0..30, day - 10));
        ask(&installation, &format!("C-{day}"), day as usize, day);
        due(&installation, day, MINUTE);
    }
    installation.export("s10", &contacts(0..18, 0));
    let error = installation.run(10).unwrap_err();
    let help = error.help_text().unwrap();
    let plan = help.split("accept contacts ").nth(1).unwrap().split(' ').next().unwrap().to_string();
    let state = crate::erase::state(&installation);
    let (at, reason) = (installation.at(10), "half of them have left".to_string());
    state.accept(&Accept { job: "contacts".into(), plan, as_of: at, reason, by: None, at }).unwrap();
    installation.run(10).unwrap();
    let asking = installation.asking(11, "email: person00011@example.org");
    by_hand::ask(&asking, asked(Effect::Erase, "H-1")).unwrap();
    installation.sweep(11).unwrap().outcome().unwrap();
    installation
}

struct Trial {
    installation: Installation,
    project: Project,
    roots: BTreeMap<String, Root>,
}

impl Trial {
    fn new() -> Trial {
        let installation = lived();
        let project = policy::load(&installation.path("jobs"), &[]).unwrap();
        let roots = ["state", "lake"].map(|name| (name.to_owned(), installation.root(name)));
        Trial { installation, project, roots: BTreeMap::from(roots) }
    }

    fn verify(&self) -> Result<VerifyReport> {
        verify::verify(&self.project, &self.roots, None)
    }

    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        [files(&self.installation.path("state")), files(&self.installation.path("lake"))].concat()
    }

    /// Whether the change of one byte goes unnoticed.
    fn passes(&self, path: &PathBuf, bytes: &[u8], at: usize) -> bool {
        let mut other = bytes.to_vec();
        other[at] ^= 1 << (at % 7);
        std::fs::write(path, &other).unwrap();
        let found = match self.verify() {
            Ok(report) => report.outcome().is_err(),
            Err(error) => error.kind() == Kind::Evidence,
        };
        std::fs::write(path, bytes).unwrap();
        !found
    }

    /// Changes about `most` bytes of each file, spread over it, and gives the places that go unnoticed.
    fn unnoticed(&self, most: usize) -> Vec<String> {
        let mut found = Vec::new();
        for (path, bytes) in self.files() {
            let name = path.strip_prefix(self.installation.folder.path()).unwrap().display().to_string();
            let step = bytes.len().div_ceil(most).max(1);
            // Both ends, and one of each stretch between them, another in each file.
            let inner = (0..bytes.len()).step_by(step).map(|from| from + (name.len() * 7 + from) % step);
            let places = inner.chain([0, bytes.len().saturating_sub(1)]).filter(|at| *at < bytes.len());
            for at in places {
                if self.passes(&path, &bytes, at) {
                    found.push(format!("{name} {at} {:?}", bytes[at] as char));
                }
            }
        }
        found
    }
}

/// What is without meaning, or of no version that anybody reads: the pages of docs name it.
fn allowed(place: &str) -> bool {
    place.contains("_last_checkpoint")
}

#[test]
fn a_changed_byte_of_any_file_of_state_or_table_is_found() {
    let trial = Trial::new();
    let report = trial.verify().unwrap();
    report.outcome().unwrap();
    let kinds = ["accepts", "datasets", "keys", "kinds", "leases", "ledger", "requests", "runs", "schedules", "sweeps"];
    for kind in kinds.into_iter().chain(["companions", "tamis.json"]) {
        assert!(trial.installation.path("state").join(kind).exists(), "{kind}");
    }
    assert!(report.files > 0 && report.replaced > 0 && report.own_digests > 20 && report.history > 3, "{report:?}");
    assert!(trial.files().iter().any(|(path, _)| path.to_str().unwrap().contains("checkpoint.parquet")));
    let unnoticed: Vec<String> = trial.unnoticed(1).into_iter().filter(|place| !allowed(place)).collect();
    assert_eq!(unnoticed, [""; 0]);
}

#[test]
#[ignore = "tries thousands of bytes: a quarter of an hour"]
fn every_byte_of_state_and_table_is_found() {
    let unnoticed: Vec<String> = Trial::new().unnoticed(60).into_iter().filter(|place| !allowed(place)).collect();
    assert_eq!(unnoticed, [""; 0]);
}

#[test]
fn a_record_that_was_changed_stops_whatever_would_read_it() {
    let installation = lived();
    let newest = files(&installation.path("state/datasets/contacts")).pop().unwrap();
    let text = String::from_utf8(newest.1).unwrap();
    let from = "\"last_as_of\": \"2";
    assert!(text.contains(from));
    std::fs::write(&newest.0, text.replace(from, "\"last_as_of\": \"1")).unwrap();
    installation.export("s11", &contacts(0..18, 0));
    for error in [installation.run(12).unwrap_err(), installation.sweep(12).unwrap().outcome().unwrap_err()] {
        assert_eq!((error.kind(), error.code()), (Kind::Evidence, tamis::error::Code::StatePartUnreadable), "{error}");
    }
}
