//! A state put back in part: every part of it and of the table at every earlier moment, in every combination. Whatever
//! is done then, nobody who was erased comes back: it is refused (exit 6), or it makes no difference.

use crate::erase::{current, rows};
use crate::installation::{Installation, contacts, files};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tamis::error::{Kind, Result};
use tamis::policy::Effect;
use tamis::run::{self, Asked, subject, verify};

/// Files by their path below the installation's folder.
type Files = BTreeMap<String, Vec<u8>>;

/// What can be put back by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Ledger,
    Requests,
    Datasets,
    Runs,
    /// Schedules, sweeps and leases.
    Turns,
    Companions,
    /// Data files of the table.
    Table,
    /// Its `_delta_log`.
    Log,
}
use Part::{Companions, Datasets, Ledger, Log, Requests, Runs, Table, Turns};

const PARTS: [Part; 8] = [Ledger, Requests, Datasets, Runs, Turns, Companions, Table, Log];

/// The part that a file is of; none for what is written once, such as ids of keys.
fn part_of(path: &str) -> Option<Part> {
    if path.starts_with("lake/") {
        return Some(if path.contains("/_delta_log/") { Log } else { Table });
    }
    match path.strip_prefix("state/")?.split('/').next()? {
        "ledger" => Some(Ledger),
        "requests" => Some(Requests),
        "datasets" => Some(Datasets),
        "runs" => Some(Runs),
        "schedules" | "sweeps" | "leases" => Some(Turns),
        "companions" => Some(Companions),
        _ => None,
    }
}

fn taken(installation: &Installation) -> Files {
    let folder = installation.folder.path();
    let both = ["state", "lake"].map(|root| files(&folder.join(root)));
    let name = |path: &std::path::Path| path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
    both.into_iter().flatten().map(|(path, bytes)| (name(&path), bytes)).collect()
}

/// Makes `installation` hold exactly these files.
fn put(installation: &Installation, all: &Files) {
    let there = taken(installation);
    for path in there.keys().filter(|path| !all.contains_key(*path)) {
        std::fs::remove_file(installation.path(path)).unwrap();
    }
    for (path, bytes) in all.iter().filter(|(path, bytes)| there.get(*path) != Some(bytes)) {
        let to = installation.path(path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::write(to, bytes).unwrap();
    }
}

/// `now`, with the parts of `back` as they were `then`.
fn mixed(then: &Files, now: &Files, back: &BTreeSet<Part>) -> Files {
    let of = |files: &Files, wanted: bool| {
        let kept = files.iter().filter(move |(path, _)| part_of(path).is_some_and(|p| back.contains(&p)) == wanted);
        kept.map(|(path, bytes)| (path.clone(), bytes.clone())).collect::<Vec<_>>()
    };
    of(then, true).into_iter().chain(of(now, false)).collect()
}

fn lake(files: &Files) -> Vec<&String> {
    files.keys().filter(|path| path.starts_with("lake/")).collect()
}

fn ask(installation: &Installation, day: i64, id: &str, person: usize) {
    let asked = Asked {
        effect: Effect::Erase,
        request: id.into(),
        purposes: Vec::new(),
        received: None,
        lifts: None,
        lift_erase: false,
    };
    subject::ask(&installation.asking(day, &format!("email: person{person:05}@example.org")), asked).unwrap();
}

/// The life of an installation: its moments, and the tokens of the two persons who were erased by commands, of which no
/// file is left.
fn life(installation: &Installation) -> (Vec<Files>, BTreeSet<String>) {
    let people = contacts(0..30, -10);
    let mut moments = Vec::new();
    installation.create_here();
    moments.push(taken(installation));
    installation.export("s1", &people);
    installation.run(0).unwrap();
    let before = rows(installation);
    moments.push(taken(installation));
    ask(installation, 1, "E-1", 4);
    moments.push(taken(installation));
    installation.export("s2", &people);
    installation.run(2).unwrap();
    moments.push(taken(installation));
    installation.sweep(4).unwrap().outcome().unwrap();
    moments.push(taken(installation));
    ask(installation, 5, "E-2", 10);
    moments.push(taken(installation));
    installation.export("s3", &people);
    installation.run(6).unwrap();
    moments.push(taken(installation));
    let after: BTreeSet<String> = rows(installation).into_iter().map(|row| row.0).collect();
    let erased = before.into_iter().map(|row| row.0).filter(|token| !after.contains(token)).collect();
    (moments, erased)
}

/// What is done to a state that was put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Run,
    Sweep,
    Plan,
    Verify,
}

fn done(installation: &Installation, deed: Deed) -> Result<()> {
    match deed {
        Deed::Run => installation.run(7).map(|_| ()),
        Deed::Sweep => installation.sweep(7)?.outcome(),
        Deed::Plan => run::plan(&installation.call(7), &tamis::monitor::Silent).map(|_| ()),
        Deed::Verify => {
            let roots = ["state", "lake"].map(|name| (name.to_owned(), installation.root(name)));
            let project = tamis::policy::load(&installation.path("jobs"), &[])?;
            verify::verify(&project, &BTreeMap::from(roots), None)?.outcome()
        }
    }
}

/// The moment that it is, an earlier one, and the parts that are as they were then.
type Case = (usize, usize, BTreeSet<Part>);

/// Parts that differ between two moments.
fn changed(then: &Files, now: &Files) -> Vec<Part> {
    let of = |files: &Files, part| {
        let own = files.iter().filter(|(path, _)| part_of(path) == Some(part));
        own.map(|(path, bytes)| (path.clone(), bytes.clone())).collect::<Vec<_>>()
    };
    PARTS.into_iter().filter(|part| of(then, *part) != of(now, *part)).collect()
}

/// Whether it makes no difference that these parts are older, and why.
fn harmless(back: &BTreeSet<Part>, deed: Deed) -> bool {
    let only = |parts: &[Part]| back.iter().all(|part| parts.contains(part));
    match deed {
        // When a job ran and was swept is only what the next turn is planned by: it runs or sweeps once more.
        _ if only(&[Turns]) => true,
        // A run reads the export and the stored requests; of lost companions it says that absent rows are not counted.
        Deed::Run | Deed::Plan => only(&[Turns, Companions, Table]),
        // What a sweep does not rewrite it does not read.
        Deed::Sweep => only(&[Turns, Table]),
        Deed::Verify => false,
    }
}

#[test]
fn a_state_put_back_in_part_brings_nobody_back() {
    let origin = Installation::new();
    let (moments, erased) = life(&origin);
    assert_eq!(erased.len(), 2);
    let mut cases: Vec<Case> = Vec::new();
    for now in 3..moments.len() {
        for then in 0..now {
            let parts = changed(&moments[then], &moments[now]);
            for bits in 1..(1u32 << parts.len()) - 1 {
                let back = parts.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, part)| *part);
                let case = (now, then, back.collect::<BTreeSet<Part>>());
                cases.extend((told(now) || !case.2.contains(&Turns)).then_some(case));
            }
        }
    }
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let place = origin.copy();
                place.export("s4", &contacts(0..30, -10));
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    wrong.lock().unwrap().extend(tried(&place, &moments, case, &erased));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} faults in {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Whether everything that was done since any earlier moment is told by more than the parts that it is in: somebody has
/// published since. After a sweep that published nothing, or a request alone, a state put back is one that never had it
/// (docs/limits.md), or one that a crash leaves.
fn told(now: usize) -> bool {
    now == 3 || now == 6
}

/// Does everything to one state that was put back in part; gives what is wrong with what came of it.
fn tried(place: &Installation, moments: &[Files], case: &Case, erased: &BTreeSet<String>) -> Vec<String> {
    let (now, then, back) = case;
    let all = mixed(&moments[*then], &moments[*now], back);
    let (mut wrong, mut fresh) = (Vec::new(), false);
    let deeds = [Deed::Verify, Deed::Plan, Deed::Sweep, Deed::Run];
    for deed in if told(*now) { &deeds[..] } else { &deeds[3..] } {
        let deed = *deed;
        if !fresh {
            put(place, &all);
        }
        let came = done(place, deed);
        fresh = matches!(deed, Deed::Verify | Deed::Plan);
        if let Err(error) = &came
            && lake(&taken(place)) != lake(&all)
        {
            wrong.push(format!("{case:?} {deed:?}: the lake was changed, though {error}"));
        }
        let of = if *now < 6 { 1 } else { 2 };
        let fault = match came {
            Err(error) if error.kind() == Kind::Evidence => continue,
            Err(error) => Some(format!("{:?} {error}", error.kind())),
            Ok(()) if !fresh && rows(place).iter().filter(|row| erased.contains(&row.0)).count() > 2 - of => {
                Some(format!("erased persons are in version {}", current(place).output.version))
            }
            Ok(()) => (told(*now) && !harmless(back, deed)).then(|| "was not refused".to_owned()),
        };
        wrong.extend(fault.map(|fault| format!("{case:?} {deed:?}: {fault}")));
    }
    wrong
}
