//! Each byte of the state and of a table changed once: `verify` finds it, or it is one of those that `docs/evidence.md`
//! says are without meaning. The fast test takes some bytes of every file; the other one, which is ignored, takes many
//! more of three files of each kind (`cargo test --test it -- --ignored every_byte`).

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
    let agency = "[recipients.team]\nkind = \"third-party\"\nsale = false\ncontract = \"C-1\"\ncountry = \"FR\"\nreview_by = \"2999-01-01\"";
    installation.edit("jobs/policy.toml", "[recipients.team]\nkind = \"internal\"", agency);
    for day in 0..10 {
        if day == 4 {
            installation.edit("jobs/policy.toml", "epoch = \"2026a\"", "epoch = \"2026b\"");
            tamis::key::create(installation.path("keys").to_str().unwrap(), "2026b").unwrap();
        }
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

    /// A file's path in the installation.
    fn name(&self, path: &std::path::Path) -> String {
        path.strip_prefix(self.installation.folder.path()).unwrap().display().to_string()
    }

    /// Files and companions of the current version.
    fn current(&self) -> Vec<String> {
        let dataset = crate::erase::state(&self.installation).dataset("contacts").unwrap().unwrap();
        let files = dataset.current.iter().flat_map(|current| &current.files);
        files.flat_map(|file| [format!("lake/{}", file.path), format!("state/{}", file.companion)]).collect()
    }

    /// Whether the change of one byte goes unnoticed.
    fn passes(&self, path: &PathBuf, bytes: &[u8], at: usize) -> bool {
        let mut other = bytes.to_vec();
        other[at] ^= 1 << (at % 7);
        std::fs::write(path, &other).unwrap();
        let found = self.finds();
        std::fs::write(path, bytes).unwrap();
        !found
    }

    /// Whether `verify` finds a fault.
    fn finds(&self) -> bool {
        match self.verify() {
            Ok(report) => report.outcome().is_err(),
            Err(error) => error.kind() == Kind::Evidence,
        }
    }

    /// Changes bytes of some files and gives the places that go unnoticed.
    fn unnoticed(&self, files: &[(PathBuf, Vec<u8>)], most: usize) -> Vec<String> {
        let mut found = Vec::new();
        for (path, bytes) in files {
            let name = self.name(path);
            for at in places(&name, bytes.len(), most) {
                if self.passes(path, bytes, at) {
                    found.push(format!("{name} {at} {:?}", bytes[at] as char));
                }
            }
        }
        found
    }

    /// The first, a middle and the last file of each kind: of those that are called alike apart from numbers.
    fn of_each_kind(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut kinds: BTreeMap<String, Vec<(PathBuf, Vec<u8>)>> = BTreeMap::new();
        for (path, bytes) in self.files() {
            kinds.entry(kind_of(&path)).or_default().push((path, bytes));
        }
        let some = |files: Vec<(PathBuf, Vec<u8>)>| {
            let chosen = std::collections::BTreeSet::from([0, files.len() / 2, files.len() - 1]);
            let chosen = files.into_iter().enumerate().filter(move |(at, _)| chosen.contains(at));
            chosen.map(|(_, file)| file).collect::<Vec<_>>()
        };
        kinds.into_values().flat_map(some).collect()
    }
}

/// What a file is called apart from numbers.
fn kind_of(path: &std::path::Path) -> String {
    let name = path.display().to_string();
    let kind = name.split('/').map(|part| if part.contains(|c: char| c.is_ascii_digit()) { "#" } else { part });
    let end = name.rsplit('/').next().and_then(|name| name.split_once('.')).map_or("", |(_, end)| end);
    format!("{}.{end}", kind.collect::<Vec<_>>().join("/"))
}

/// About `most` places of a file, spread over it, each elsewhere in another file, with both ends and what is near the last.
fn places(name: &str, length: usize, most: usize) -> Vec<usize> {
    let step = length.div_ceil(most).max(1);
    let inner = (0..length).step_by(step).map(|from| from + (name.len() * 7 + from) % step);
    let ends = [1, 20, 33, 50, 65].into_iter().take(most.min(5)).map(|back| length.wrapping_sub(back));
    let mut places: Vec<usize> = inner.chain([0]).chain(ends).filter(|at| *at < length).collect();
    places.sort_unstable();
    places.dedup();
    places
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
    for kind in
        kinds.into_iter().chain(["companions", "recipients/team/notices", "recipients/team/former", "tamis.json"])
    {
        assert!(trial.installation.path("state").join(kind).exists(), "{kind}");
    }
    assert!(report.notes.iter().all(|note| !note.contains("does not write")), "{:?}", report.notes);
    assert!(report.files > 0 && report.replaced > 0 && report.own_digests > 20 && report.history > 3, "{report:?}");
    assert!(trial.files().iter().any(|(path, _)| path.to_str().unwrap().contains("checkpoint.parquet")));
    let unnoticed = trial.unnoticed(&trial.of_each_kind(), 1);
    let unnoticed: Vec<String> = unnoticed.into_iter().filter(|place| !allowed(place)).collect();
    assert_eq!(unnoticed, [""; 0]);
}

#[test]
#[ignore = "tries thousands of bytes: some minutes"]
fn every_byte_of_state_and_table_is_found() {
    let trial = Trial::new();
    let chosen = trial.of_each_kind();
    eprintln!("{} of {} files", chosen.len(), trial.files().len());
    let unnoticed = trial.unnoticed(&chosen, 40);
    let unnoticed: Vec<String> = unnoticed.into_iter().filter(|place| !allowed(place)).collect();
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

#[test]
fn a_file_with_the_bytes_of_another_one_of_its_kind_is_found() {
    let trial = Trial::new();
    let chosen = trial.of_each_kind();
    let mut unnoticed = Vec::new();
    for (path, bytes) in &chosen {
        let (kind, name) = (kind_of(path), trial.name(path));
        for (_, others) in chosen.iter().filter(|(other, others)| kind_of(other) == kind && others != bytes) {
            std::fs::write(path, others).unwrap();
            if !trial.finds() {
                unnoticed.push(name.clone());
            }
            std::fs::write(path, bytes).unwrap();
        }
    }
    unnoticed.dedup();
    assert_eq!(unnoticed, [""; 0]);
}

/// What goes unnoticed when it is gone: `docs/evidence.md` says why.
#[test]
fn a_file_that_is_gone_is_found_unless_the_docs_name_its_kind() {
    let trial = Trial::new();
    let current = trial.current();
    let mut unnoticed = std::collections::BTreeSet::new();
    for (path, bytes) in trial.of_each_kind() {
        std::fs::remove_file(&path).unwrap();
        let name = trial.name(&path);
        if !trial.finds() {
            assert!(!current.contains(&name), "{name} is of the current version");
            let kind = name.split('/').take(2).collect::<Vec<_>>().join("/");
            unnoticed.insert(kind);
        }
        std::fs::write(&path, bytes).unwrap();
    }
    let told = ["companions", "datasets", "leases", "recipients", "runs", "schedules", "sweeps"];
    let told = told.iter().map(|kind| format!("state/{kind}")).chain(["lake/crm".to_string()]);
    assert_eq!(unnoticed, told.collect());
}
