//! A state put back in part: every part of it and of the table at every earlier moment, in every combination. Whatever
//! is done then, nobody who was erased comes back: it is refused (exit 6), or it makes no difference.

use crate::erase::{current, rows, state};
use crate::fault::{Fault, FaultStore, Mode};
use crate::installation::{Installation, asked, contacts, files};
use crate::nightly::{due, nightly};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tamis::by_hand;
use tamis::daemon::Came;
use tamis::error::{Code, Kind, Result};
use tamis::evidence::VerifyReport;
use tamis::job;
use tamis::monitor::Silent;
use tamis::policy::Effect;
use tamis::questions::{find, verify};
use tamis::run;
use tamis::state::{Accept, Renewal};

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

/// One of so many mixtures of several parts is tried.
const SHARE: usize = 23;

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
    let values = format!("email: person{person:05}@example.org");
    by_hand::ask(&installation.asking(day, &values), asked(Effect::Erase, id)).unwrap();
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
        Deed::Plan => run::plan(&installation.call(7), &Silent).map(|_| ()),
        Deed::Verify => verified(installation, None)?.outcome(),
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
        // A run reads the export and the stored requests; of lost companions it says that absent rows are not counted.
        Deed::Run | Deed::Plan => only(&[Companions, Table]),
        // What a sweep does not rewrite it does not read.
        Deed::Sweep => only(&[Table]),
        Deed::Verify => false,
    }
}

/// Every earlier moment and every mixture; or of the mixtures those with one part older or one part newer, and a few of
/// the rest, others for each pair of moments.
fn cases(moments: &[Files], whole: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for now in 3..moments.len() {
        for then in 0..now {
            let parts = changed(&moments[then], &moments[now]);
            for bits in 1..(1u32 << parts.len()) - 1 {
                let alone = bits.is_power_of_two() || bits.count_ones() as usize == parts.len() - 1;
                if !whole && !alone && bits as usize % SHARE != (7 * now + then) % SHARE {
                    continue;
                }
                let back = parts.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, part)| *part);
                let case = (now, then, back.collect::<BTreeSet<Part>>());
                cases.extend((told(now) || !case.2.contains(&Turns)).then_some(case));
            }
        }
    }
    cases
}

/// `TAMIS_WHOLE_MATRIX=1` tries every mixture, which takes many minutes.
#[test]
fn a_state_put_back_in_part_brings_nobody_back() {
    let origin = Installation::new();
    let (moments, erased) = life(&origin);
    assert_eq!(erased.len(), 2);
    let whole = std::env::var_os("TAMIS_WHOLE_MATRIX").is_some();
    let cases = cases(&moments, whole);
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

/// Whether nothing is left of a run but its lease: what it leaves that is cut off after its claim, which saw the moment
/// before.
fn only_claimed(moments: &[Files], (now, then, back): &Case) -> bool {
    let parts = changed(&moments[*then], &moments[*now]);
    then + 1 == *now && parts.iter().all(|part| *part == Turns || back.contains(part))
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
            Ok(()) => (told(*now) && !harmless(back, deed) && !only_claimed(moments, case))
                .then(|| "was not refused".to_owned()),
        };
        wrong.extend(fault.map(|fault| format!("{case:?} {deed:?}: {fault}")));
    }
    wrong
}

/// One export published, one request by command stored and applied.
fn one_erased() -> Installation {
    let installation = Installation::new();
    installation.create_here();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    ask(&installation, 1, "E-1", 4);
    installation.export("s2", &contacts(0..30, -10));
    installation.run(2).unwrap();
    installation
}

fn verified(installation: &Installation, head: Option<&str>) -> Result<VerifyReport> {
    let project = tamis::policy::load(&installation.path("jobs"), &[])?;
    let roots = ["state", "lake"].map(|name| (name.to_owned(), installation.root(name)));
    verify::verify(&project, &BTreeMap::from(roots), head)
}

fn newest(installation: &Installation, folder: &str) -> std::path::PathBuf {
    files(&installation.path(folder)).pop().unwrap().0
}

#[track_caller]
fn refused(installation: &Installation, part: &str) {
    let report = verified(installation, None).unwrap();
    assert_eq!(report.outcome().unwrap_err().code(), Code::EvidenceBroken);
    assert!(report.faults.iter().any(|fault| fault.contains(part)), "{report:?}");
    for deed in [Deed::Plan, Deed::Sweep, Deed::Run] {
        let error = done(installation, deed).unwrap_err();
        assert_eq!(error.code(), Code::StatePartOlder, "{deed:?}: {error}");
        assert!(error.message().contains(part), "{deed:?}: {error}");
    }
}

#[test]
fn the_loss_of_the_newest_segment_is_found_when_only_notes_are_in_it() {
    let installation = one_erased();
    let segments = files(&installation.path("state/requests"));
    std::fs::remove_file(newest(&installation, "state/requests")).unwrap();
    refused(&installation, "state:requests is older");
    let values = "email: person00009@example.org";
    assert_eq!(find::find(&installation.asking(7, values)).unwrap_err().code(), Code::StatePartOlder);
    for (path, bytes) in &segments {
        std::fs::write(path, bytes).unwrap();
    }
    done(&installation, Deed::Verify).unwrap();
    // After a sweep the newest ones say what is removed.
    installation.sweep(5).unwrap().outcome().unwrap();
    std::fs::remove_file(newest(&installation, "state/requests")).unwrap();
    refused(&installation, "state:requests is older");
}

#[test]
fn each_byte_of_stored_requests_is_verified_without_a_key() {
    let installation = one_erased();
    let report = verified(&installation, None).unwrap();
    assert_eq!(
        (report.outcome().is_ok(), report.segments),
        (true, files(&installation.path("state/requests")).len() as u64)
    );
    assert!(report.proven.iter().any(|line| line.contains("stored requests are there without a gap")), "{report:?}");
    for (path, bytes) in files(&installation.path("state/requests")) {
        let mut other = bytes.clone();
        *other.last_mut().unwrap() ^= 1;
        std::fs::write(&path, &other).unwrap();
        let report = verified(&installation, None).unwrap();
        assert!(report.faults.iter().any(|fault| fault.contains("other bytes than were recorded")), "{report:?}");
        assert_eq!(report.proven, [""; 0]);
        std::fs::write(&path, &bytes).unwrap();
    }
    // A request of which no run knows yet is recorded by the ledger.
    ask(&installation, 3, "E-2", 9);
    let report = verified(&installation, None).unwrap();
    assert_eq!(
        (report.outcome().is_ok(), report.segments),
        (true, files(&installation.path("state/requests")).len() as u64)
    );
    std::fs::remove_dir_all(installation.path("state/requests")).unwrap();
    let report = verified(&installation, None).unwrap();
    assert!(report.faults.iter().any(|fault| fault.contains("ends at segment 0")), "{report:?}");
}

#[test]
fn a_head_proves_what_is_before_it_and_no_more() {
    let installation = one_erased();
    let older = verified(&installation, None).unwrap().head.unwrap();
    for wrong in [&format!("0:{}", "0".repeat(64)), "", "7", "1:xyz", &format!("+{older}"), &format!("-{older}")] {
        assert_eq!(verified(&installation, Some(wrong)).unwrap_err().code(), Code::ArgumentWrong, "{wrong}");
    }
    installation.export("s3", &contacts(0..30, -10));
    installation.run(3).unwrap();
    let newer = verified(&installation, None).unwrap().head.unwrap();
    for head in [&older, &newer] {
        let report = verified(&installation, Some(&head.to_string())).unwrap();
        report.outcome().unwrap();
        let proven = format!("the ledger up to entry {} is the one", head.seq);
        assert!(report.proven.iter().any(|line| line.starts_with(&proven)), "{report:?}");
        let cut = format!("that no entries after entry {}, which the given head names, were cut off the end", head.seq);
        assert!(report.not_proven.contains(&cut), "{report:?}");
    }
    std::fs::remove_file(newest(&installation, "state/ledger")).unwrap();
    assert!(verified(&installation, Some(&newer.to_string())).unwrap().outcome().is_err());
}

/// Whatever cannot be read was not looked at, and that is said.
#[test]
fn verify_says_what_it_could_not_look_at() {
    let installation = one_erased();
    let project = tamis::policy::load(&installation.path("jobs"), &[]).unwrap();
    let looked = |fault: &Arc<Fault>| {
        let wrapped = |name: &str| {
            let root = installation.root(name);
            root.with_store(FaultStore::new(root.raw("").0, fault.clone()))
        };
        let roots = ["state", "lake"].map(|name| (name.to_owned(), wrapped(name)));
        verify::verify(&project, &BTreeMap::from(roots), None)
    };
    let all = Fault::counting();
    let whole = looked(&all).unwrap();
    assert!(whole.outcome().is_ok() && all.count() > 30);
    for k in 1..=all.count() {
        match looked(&Fault::new(Mode::FailBefore, k, false)) {
            Err(error) => assert_eq!(error.kind(), Kind::Storage, "{k}"),
            Ok(report) => {
                assert_eq!(report.faults, [""; 0], "{k}");
                let said = report.not_proven.iter().any(|line| !whole.not_proven.contains(line));
                assert!(said || report == whole, "{k}: {report:?}");
            }
        }
    }
}

#[test]
fn a_record_of_an_older_tamis_is_compared_and_gets_what_it_lacks() {
    let installation = one_erased();
    let before = taken(&installation);
    let path = newest(&installation, "state/datasets");
    let mut record: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for field in ["witness", "stored", "kinds"] {
        record.as_object_mut().unwrap().remove(field).unwrap();
    }
    std::fs::write(&path, serde_json::to_vec(&record).unwrap()).unwrap();
    done(&installation, Deed::Verify).unwrap();
    let old = taken(&installation);
    done(&installation, Deed::Sweep).unwrap();
    put(&installation, &old);
    installation.export("s3", &contacts(0..30, -10));
    installation.run(3).unwrap();
    let record = std::fs::read_to_string(newest(&installation, "state/datasets")).unwrap();
    assert!(record.contains("\"witness\""));
    // The entry of its version is looked for, and missed.
    put(&installation, &old);
    for (path, _) in before.iter().filter(|(path, _)| path.starts_with("state/ledger/")).skip(4) {
        std::fs::remove_file(installation.path(path)).unwrap();
    }
    refused(&installation, "state:ledger is older");
}

#[test]
fn an_entry_from_a_clock_ahead_may_go_when_nothing_rests_on_it() {
    let installation = one_erased();
    find::find(&installation.asking(3650, "email: person00009@example.org")).unwrap();
    let ahead = newest(&installation, "state/ledger");
    let entry = state(&installation).ledger().newest().unwrap().unwrap().seq;
    installation.export("s3", &contacts(0..30, -10));
    let error = installation.run(3).unwrap_err();
    assert!(error.code() == Code::ClockBehind && error.message().contains(&format!("entry {entry}")), "{error}");
    assert!(error.help_text().unwrap().contains("When a clock was ahead"));
    std::fs::remove_file(&ahead).unwrap();
    done(&installation, Deed::Verify).unwrap();
    installation.run(3).unwrap();
    assert_eq!(rows(&installation).len(), 29);
    // A run by such a clock is seen by its record: then its entries cannot go.
    installation.export("s4", &contacts(0..30, 3640));
    let known = files(&installation.path("state/ledger")).len();
    installation.run(3650).unwrap();
    for (path, _) in files(&installation.path("state/ledger")).into_iter().skip(known).rev() {
        std::fs::remove_file(path).unwrap();
    }
    refused(&installation, "state:ledger is older");
}

#[test]
fn requests_go_on_in_a_new_state_when_the_old_one_is_lost_or_was_ahead() {
    let installation = one_erased();
    installation.run(3650).unwrap_err();
    installation.export("s3", &contacts(0..30, 3640));
    installation.run(3650).unwrap();
    std::fs::rename(installation.path("state"), installation.path("old")).unwrap();
    for (path, bytes) in files(&installation.path("old/requests/segments")) {
        installation.write(&format!("state/requests/segments/{}", path.file_name().unwrap().to_str().unwrap()), "");
        std::fs::write(installation.path("state/requests/segments").join(path.file_name().unwrap()), bytes).unwrap();
    }
    let project = tamis::policy::load(&installation.path("jobs"), &[]).unwrap();
    let keys = tamis::key::Keyring::load(&project.keys, &job::data_roots(&project)).unwrap();
    tamis::state::State::create(&installation.root("state"), &keys.ids(), installation.at(3)).unwrap();
    installation.export("s4", &contacts(0..30, -10));
    let error = installation.run(4).unwrap_err();
    assert_eq!(error.code(), Code::StatePartOlder, "the old table is of another state: {error}");
    let job = std::fs::read_to_string(installation.path("jobs/contacts.toml")).unwrap();
    std::fs::remove_file(installation.path("jobs/contacts.toml")).unwrap();
    let job = job.replace("name = \"contacts\"", "name = \"people\"").replace("lake:crm/contacts", "lake:people");
    installation.write("jobs/people.toml", &job);
    let manifest = run::run(&job::Call { job: "people".into(), ..installation.call(5) }, &Silent).unwrap().manifest;
    assert_eq!(manifest.rows_out, 29);
    done(&installation, Deed::Verify).unwrap();
    ask(&installation, 6, "E-2", 9);
    installation.sweep(6).unwrap().outcome().unwrap();
    done(&installation, Deed::Verify).unwrap();
    std::fs::remove_file(files(&installation.path("state/requests/segments")).remove(0).0).unwrap();
    for (deed, code) in [(Deed::Verify, Code::EvidenceBroken), (Deed::Sweep, Code::StatePartOlder)] {
        let error = done(&installation, deed).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
}

/// Does one thing while the job is called `name` in the specs.
fn done_as(installation: &Installation, name: &str, deed: Deed) -> Result<()> {
    let call = job::Call { job: name.into(), ..installation.call(7) };
    match deed {
        Deed::Run => run::run(&call, &Silent).map(|_| ()),
        Deed::Plan => run::plan(&call, &Silent).map(|_| ()),
        other => done(installation, other),
    }
}

/// Records and the log put back together agree with each other. Whatever the job is called now, and was called then, the
/// ledger has seen more of the table.
#[test]
fn a_record_and_a_log_put_back_together_are_missed_under_every_name_of_the_job() {
    let installation = Installation::new();
    installation.create_here();
    let people = contacts(0..30, -10);
    let job = std::fs::read_to_string(installation.path("jobs/contacts.toml")).unwrap();
    let called = |name: &str| {
        let renamed = job.replace("name = \"contacts\"", &format!("name = \"{name}\""));
        installation.write("jobs/contacts.toml", &renamed);
    };
    let mut moments = vec![taken(&installation)];
    for (day, name) in [(0, "contacts"), (2, "contacts"), (4, "people"), (6, "contacts")] {
        called(name);
        installation.export(&format!("s{day}"), &people);
        run::run(&job::Call { job: name.into(), ..installation.call(day) }, &Silent).unwrap();
        moments.push(taken(&installation));
        ask(&installation, day + 1, &format!("E-{day}"), day as usize);
    }
    installation.export("s7", &people);
    for now in 1..moments.len() {
        for then in 0..now {
            let back = mixed(&moments[then], &moments[now], &BTreeSet::from([Datasets, Log, Table]));
            for name in ["contacts", "people", "persons"] {
                called(name);
                put(&installation, &back);
                for deed in [Deed::Verify, Deed::Plan, Deed::Sweep, Deed::Run] {
                    let came = done_as(&installation, name, deed);
                    let error = came.expect_err(&format!("{now} {then} {name} {deed:?}"));
                    assert_eq!(error.kind(), Kind::Evidence, "{now} {then} {name} {deed:?}: {error}");
                    let said = error.message();
                    let named = said.contains("state:datasets/") && said.contains("is older than the rest");
                    assert!(named || deed == Deed::Verify, "{now} {then} {name} {deed:?}: {error}");
                }
                assert_eq!(lake(&taken(&installation)), lake(&back), "{now} {then} {name}");
                let told = verified(&installation, None).unwrap().faults;
                assert!(told.iter().any(|fault| fault.contains("state:datasets/")), "{now} {then} {name}: {told:?}");
            }
        }
    }
    // Nothing is missed of a state that is whole, whatever the job is called, also by a new name.
    for (at, moment) in moments.iter().enumerate().skip(1) {
        for name in ["contacts", "people", "persons"] {
            called(name);
            put(&installation, moment);
            for deed in [Deed::Verify, Deed::Plan, Deed::Sweep, Deed::Run] {
                done_as(&installation, name, deed).unwrap_or_else(|error| panic!("{at} {name} {deed:?}: {error}"));
            }
        }
    }
}

#[test]
fn a_table_put_back_with_its_record_after_it_was_retired_is_not_gone_on_with() {
    let installation = one_erased();
    let before = taken(&installation);
    let asked = by_hand::Retiring { of: "contacts".into(), reason: "over".into(), by: None, remove: true };
    by_hand::retire(&installation.asking(4, ""), &job::Caller::at(installation.at(4)), &asked, &Silent).unwrap();
    done(&installation, Deed::Verify).unwrap();
    let ended = taken(&installation);
    installation.export("s3", &contacts(0..30, -10));
    put(&installation, &mixed(&before, &ended, &BTreeSet::from([Datasets, Companions, Table, Log])));
    refused(
        &installation,
        "state:datasets/contacts is older than the rest: the ledger says that its table was retired",
    );
    // The record alone is what a retirement leaves that was cut short: it is gone on with.
    put(&installation, &mixed(&before, &ended, &BTreeSet::from([Datasets])));
    refused(&installation, "its retirement was cut short, or its record is older");
    by_hand::retire(&installation.asking(5, ""), &job::Caller::at(installation.at(5)), &asked, &Silent).unwrap();
    done(&installation, Deed::Verify).unwrap();
    installation.run(7).unwrap();
}

/// Readers get what the log says: another name of a column, another type or other counts are another table.
#[test]
fn a_log_that_says_something_else_of_the_same_files_does_not_verify() {
    let installation = Installation::new();
    installation.export("s1", &contacts(0..30, -10));
    installation.run(0).unwrap();
    let entry = installation.path("lake/crm/contacts/_delta_log/00000000000000000000.json");
    let log = std::fs::read_to_string(&entry).unwrap();
    verified(&installation, None).unwrap().outcome().unwrap();
    let cases = [
        (r#"\"name\":\"city\""#, r#"\"name\":\"cita\""#),
        (r#"\"numRecords\":30"#, r#"\"numRecords\":31"#),
        (r#"\"type\":\"string\""#, r#"\"type\":\"binary\""#),
        (r#""size":"#, r#""size":9"#),
    ];
    for (from, to) in cases {
        assert!(log.contains(from), "{from}: {log}");
        std::fs::write(&entry, log.replacen(from, to, 1)).unwrap();
        assert!(verified(&installation, None).unwrap().outcome().is_err(), "{to}");
    }
    std::fs::write(&entry, log).unwrap();
    verified(&installation, None).unwrap().outcome().unwrap();
}

/// Two nights of a job with a schedule, a request and a refusal that was let through: the acceptance is used up.
fn turns() -> Installation {
    let installation = nightly(30);
    due(&installation, 0, 0);
    crate::nightly::ask(&installation, "C-1", 4, 0);
    installation.export("s2", &contacts(0..30, -10));
    due(&installation, 1, 0);
    installation.export("s3", &contacts(0..10, 0));
    let error = installation.run(2).unwrap_err();
    let plan =
        error.help_text().unwrap().split("accept contacts ").nth(1).unwrap().split(' ').next().unwrap().to_string();
    let (as_of, reason) = (installation.at(2), "most of them have left".to_string());
    state(&installation).accept(&Accept { job: "contacts".into(), plan, as_of, reason, by: None, at: as_of }).unwrap();
    installation.run(2).unwrap();
    installation.sweep(3).unwrap().outcome().unwrap();
    installation.export("s4", &contacts(0..10, 0));
    installation
}

/// The last `count` files below a folder of the state are gone.
fn lose(installation: &Installation, folder: &str, count: usize) {
    for (path, _) in files(&installation.path("state").join(folder)).into_iter().rev().take(count) {
        std::fs::remove_file(path).unwrap();
    }
}

fn renewed(installation: &Installation, job: &str) -> Result<BTreeSet<String>> {
    let renewal = Renewal { job: job.into(), reason: "no copy is left".into(), by: None };
    state(installation).renew(&renewal, installation.at(6))
}

#[test]
fn what_is_lost_of_a_job_s_records_is_named_and_the_job_goes_on_once_they_are_renewed() {
    let installation = turns();
    let whole = taken(&installation);
    done(&installation, Deed::Verify).unwrap();
    let error = renewed(&installation, "contacts").unwrap_err();
    assert!(error.code() == Code::ArgumentWrong && error.message().contains("no record of job contacts"), "{error}");
    installation.run(7).unwrap();
    let expected = rows(&installation);
    assert!(!expected.is_empty() && expected.len() < 10, "the request is applied: {expected:?}");
    put(&installation, &whole);
    lose(&installation, "datasets/contacts", 99);
    let error = renewed(&installation, "contacts").unwrap_err();
    assert!(error.code() == Code::StatePartOlder && error.message().contains("datasets/contacts"), "{error}");
    // The newest lease only says that nobody is at work any more, as after a crash that it ends by itself.
    let used = |path: &str| path.ends_with(".used.json");
    let cases = [("leases", 2), ("leases", 99), ("schedules", 1), ("schedules", 99), ("sweeps", 1), ("sweeps", 99)];
    for (folder, count) in cases.into_iter().chain([("accepts", 1), ("accepts", 2)]) {
        put(&installation, &whole);
        lose(&installation, &format!("{folder}/contacts"), count);
        let part = format!("state:{folder}/contacts is older than the rest");
        let left = taken(&installation);
        refused(&installation, &part);
        assert!(taken(&installation) == left, "{folder} {count}: nothing is added to what lost something");
        let error = installation.run(7).unwrap_err();
        assert!(error.help_text().unwrap().contains("tamis state renew contacts"), "{error}");
        let faults = verified(&installation, None).unwrap().faults;
        assert!(faults.iter().any(|fault| fault.contains("call `tamis state renew contacts")), "{faults:?}");
        for attempt in due(&installation, 7, 0) {
            assert!(matches!(&attempt.came, Came::Refused { code: Code::StatePartOlder, .. }), "{attempt:?}");
        }
        assert_eq!(renewed(&installation, "contacts").unwrap(), BTreeSet::from([format!("{folder}/contacts")]));
        done(&installation, Deed::Verify).unwrap();
        assert!(renewed(&installation, "contacts").is_err(), "nothing is lost any more");
        installation.run(7).unwrap();
        assert_eq!(rows(&installation), expected, "{folder} {count}");
        let marks = taken(&installation).keys().filter(|path| used(path)).count();
        assert_eq!(marks, 1, "{folder} {count}: what was accepted is used up");
    }
}

#[test]
fn an_acceptance_whose_mark_is_lost_is_not_used_a_second_time() {
    let installation = turns();
    let mark = newest(&installation, "state/accepts");
    assert!(mark.to_str().unwrap().ends_with(".used.json"));
    let bytes = std::fs::read(&mark).unwrap();
    std::fs::remove_file(&mark).unwrap();
    let faults = verified(&installation, None).unwrap().faults;
    assert!(faults.iter().any(|fault| fault.contains(".used.json is missing; run contacts-")), "{faults:?}");
    refused(&installation, "state:accepts/contacts is older");
    std::fs::write(&mark, bytes).unwrap();
    done(&installation, Deed::Verify).unwrap();
}

/// A copy that somebody made beside the acceptances is none of them, so it may go again.
#[test]
fn a_file_of_somebody_else_beside_acceptances_is_not_missed_when_it_is_gone() {
    let installation = turns();
    let theirs = installation.path("state/accepts/contacts/a copy.json");
    std::fs::write(&theirs, "{}").unwrap();
    installation.sweep(5).unwrap().outcome().unwrap();
    std::fs::remove_file(&theirs).unwrap();
    done(&installation, Deed::Verify).unwrap();
    installation.run(7).unwrap();
}

#[test]
fn a_record_with_the_bytes_of_an_earlier_one_stops_runs_and_sweeps() {
    let installation = turns();
    let whole = taken(&installation);
    for folder in ["datasets", "leases", "schedules", "sweeps"] {
        put(&installation, &whole);
        let all = files(&installation.path("state").join(folder));
        let [.., (_, earlier), (path, _)] = &all[..] else { panic!("{folder}") };
        std::fs::write(path, earlier).unwrap();
        for deed in [Deed::Verify, Deed::Plan, Deed::Sweep, Deed::Run] {
            let error = done(&installation, deed).unwrap_err();
            assert!(
                matches!(error.code(), Code::EvidenceBroken | Code::StatePartChanged),
                "{folder} {deed:?}: {error}"
            );
            assert!(error.message().contains(&format!("state:{folder}/contacts/")), "{folder} {deed:?}: {error}");
        }
    }
}

/// Records as a tamis wrote them that did not say where they lie or what they have seen.
#[test]
fn records_without_place_and_what_they_have_seen_are_read() {
    let installation = turns();
    for (path, bytes) in files(&installation.path("state")) {
        let name = path.display().to_string();
        if !["/leases/", "/schedules/", "/sweeps/", "/datasets/", "/accepts/", "/attempts/"]
            .iter()
            .any(|f| name.contains(f))
        {
            continue;
        }
        let mut record: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let fields = record.as_object_mut().unwrap();
        fields.remove("own_digest");
        fields.remove("seen");
        let placed: &[&str] = match name.as_str() {
            name if name.contains("/leases/") => &["job", "seq"],
            name if name.contains("/sweeps/") => &["job"],
            name if name.contains("/attempts/") => &["run", "attempt"],
            name if name.ends_with(".used.json") => &["job", "plan"],
            _ => &[],
        };
        for field in placed {
            assert!(fields.remove(*field).is_some(), "{name} {field}");
        }
        std::fs::write(&path, serde_json::to_vec_pretty(&record).unwrap()).unwrap();
    }
    done(&installation, Deed::Verify).unwrap();
    installation.run(7).unwrap();
    done(&installation, Deed::Verify).unwrap();
    lose(&installation, "leases/contacts", 99);
    refused(&installation, "state:leases/contacts is older");
}
