//! Verification, offline and without keys: the chain of the ledger, records against the ledger, published files against
//! the manifest of the current version. Says also what it does not prove. Must not know what the files hold.

use super::keys_in_use::keys_in_use;
use super::ledger::{self, GENESIS, Head, LedgerEntry, LedgerEvent};
use super::manifest::{self, File, Manifest};
use super::report::VerifyReport;
use super::{accepted, digest, digest_of, own, replaced, stored};
use crate::error::{Code, Error, Result};
use crate::store::{Root, from_io};
use std::collections::{BTreeMap, BTreeSet};

/// What is not proven as long as no table was compared with the state.
pub const LOG_NOT_READ: &str = "that the table's log names these files and no others";

/// Verifies a state root and, as far as they are given, the roots its datasets are in. `head` is `SEQ:DIGEST` of an
/// earlier verification or run. Faults are in the report: ask its [`VerifyReport::outcome`].
///
/// # Errors
/// A policy error for a malformed `head`, a storage error when the ledger cannot be read. What else cannot be read is said
/// not to have been looked at.
pub fn verify(state: &Root, lakes: &BTreeMap<String, Root>, head: Option<&str>) -> Result<VerifyReport> {
    let head = match head {
        Some(text) => Some(Head::parse(text).filter(|head| head.seq > 0).ok_or_else(|| {
            Error::new(Code::ArgumentWrong, "the head is not SEQ:DIGEST of an entry")
                .help("give it as `tamis verify` or `tamis run` printed it; the first entry is 1")
        })?),
        None => None,
    };
    let mut report = VerifyReport::default();
    let entries = chain(state, head.as_ref(), &mut report)?;
    keys_in_use(state, &entries, &mut report);
    let manifests = records(state, &entries, &mut report);
    let current: BTreeMap<&str, &Manifest> = manifests.iter().map(|m| (m.output.dataset.as_str(), m)).collect();
    for manifest in current.values() {
        version(state, lakes, manifest, &mut report);
    }
    stored::stored(state, &entries, &mut report);
    accepted::accepted(state, &entries, &manifests, &mut report);
    own::records(state, &mut report);
    replaced::replaced(state, lakes, &manifests, &mut report);
    words(&mut report, head.as_ref(), manifests.len() > current.len());
    Ok(report)
}

/// Follows the chain; gives the entries that could be read, in order.
fn chain(state: &Root, expected: Option<&Head>, report: &mut VerifyReport) -> Result<Vec<LedgerEntry>> {
    let numbers = ledger::numbers(state)?;
    let (mut entries, mut prev, mut next) = (Vec::<LedgerEntry>::new(), GENESIS.to_string(), 1);
    for seq in numbers {
        let place = state.display(&ledger::path(seq));
        if seq > next {
            report
                .faults
                .extend((next..seq).take(20).map(|n| format!("{} is missing", state.display(&ledger::path(n)))));
        }
        next = seq + 1;
        let bytes = state.get(&ledger::path(seq))?.unwrap_or_default();
        let found = digest(&bytes);
        if expected.is_some_and(|head| head.seq == seq && head.digest != found) {
            report.faults.push(format!("{place} is not the entry that the given head names"));
        }
        report.head = Some(Head { seq, digest: found.clone() });
        match super::parse::<LedgerEntry>(&bytes) {
            Some(entry) => {
                let faults = report.faults.len();
                link(&place, seq, &prev, entries.last(), &entry, &mut report.faults);
                report.entries += u64::from(report.faults.len() == faults);
                entries.push(entry);
            }
            None => report.faults.push(format!("{place} cannot be read as an entry: it was changed")),
        }
        prev = found;
    }
    if next == 1 {
        let place = state.display("ledger");
        report.faults.push(format!(
            "{place} has no entry, but every state begins with one: this is a wrong place, or all entries are gone"
        ));
    }
    if entries.first().is_some_and(|entry| !matches!(entry.event, LedgerEvent::StateCreated { .. })) {
        report.faults.push(format!("{} does not begin with the state's creation", state.display("ledger")));
    }
    if let Some(head) = expected.filter(|head| head.seq >= next) {
        let last = next - 1;
        report
            .faults
            .push(format!("the ledger ends at entry {last}, the given head is entry {}: its tail was cut", head.seq));
    }
    Ok(entries)
}

fn link(
    place: &str,
    seq: u64,
    prev: &str,
    before: Option<&LedgerEntry>,
    entry: &LedgerEntry,
    faults: &mut Vec<String>,
) {
    if entry.seq != seq {
        faults.push(format!("{place} holds entry {}: moved or renamed", entry.seq));
    }
    if entry.prev != prev {
        faults.push(format!("{place} does not follow from the bytes of the entry before it"));
    }
    if before.is_some_and(|before| entry.at < before.at) {
        faults.push(format!("{place} is older than the entry before it"));
    }
}

/// Intents and manifests against the digests in the ledger; gives the manifests of published versions, in order.
fn records(state: &Root, entries: &[LedgerEntry], report: &mut VerifyReport) -> Vec<Manifest> {
    let (mut manifests, mut known) = (Vec::new(), BTreeSet::new());
    let (mut intents, mut ended, mut published) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for entry in entries {
        let of = state.display(&ledger::path(entry.seq));
        match &entry.event {
            LedgerEvent::Intent { intent, .. } => {
                intents.insert(entry.run.as_str());
                let path = intent_path(&entry.run);
                record(state, &path, intent, &of, report);
                known.insert(path);
            }
            LedgerEvent::Published { manifest, version, rows_out, .. }
            | LedgerEvent::Swept { manifest, version, rows_out, .. } => {
                let run = matches!(entry.event, LedgerEvent::Published { .. });
                if run && !published.insert(entry.run.as_str()) {
                    report.faults.push(format!("{of} publishes run {} a second time", entry.run));
                }
                if run && !intents.contains(entry.run.as_str()) {
                    report.faults.push(format!("{of} publishes run {}, which has no intent before it", entry.run));
                }
                ended.insert(entry.run.as_str());
                let path = manifest::path(&entry.run, entry.attempt);
                let bytes = record(state, &path, manifest, &of, report);
                let read = bytes.and_then(|bytes| agree(state, &path, &bytes, entry, (*version, *rows_out), report));
                manifests.extend(read);
                known.insert(path);
            }
            LedgerEvent::Retired { dataset, .. } => manifests.retain(|m: &Manifest| m.output.dataset != *dataset),
            LedgerEvent::Refused { .. } => {
                ended.insert(entry.run.as_str());
            }
            _ => {}
        }
    }
    report.notes.extend(intents.difference(&ended).map(|run| format!("run {run} began and has no end in the ledger")));
    let listed = state.list("runs").unwrap_or_else(|error| {
        report.not_proven.push(format!("{}: could not be listed: {error}", state.display("runs")));
        Vec::new()
    });
    for object in listed {
        let prepared = object.path.rsplit('/').next().is_some_and(|name| name.starts_with("manifest"));
        if prepared && !known.contains(&object.path) {
            report.notes.push(format!("{} was prepared, but no entry publishes it", state.display(&object.path)));
        }
    }
    manifests
}

fn record(state: &Root, path: &str, expected: &str, of: &str, report: &mut VerifyReport) -> Option<Vec<u8>> {
    let place = state.display(path);
    match state.get(path) {
        Ok(Some(bytes)) if digest(&bytes) == expected => {
            report.records += 1;
            return Some(bytes);
        }
        Ok(Some(_)) => report.faults.push(format!("{place} is not the record that {of} names: its digest differs")),
        Ok(None) => report.faults.push(format!("{place} is missing; {of} names it")),
        Err(error) => {
            report.not_proven.push(format!("{place}: could not be read, so it was not looked at: {error}"));
        }
    }
    None
}

/// The manifest, when it says what the entry says.
fn agree(
    state: &Root,
    path: &str,
    bytes: &[u8],
    entry: &LedgerEntry,
    (version, rows_out): (u64, u64),
    report: &mut VerifyReport,
) -> Option<Manifest> {
    let place = state.display(path);
    let Ok(manifest) = serde_json::from_slice::<Manifest>(bytes) else {
        report.faults.push(format!("{place} cannot be read as a manifest"));
        return None;
    };
    let in_files: u64 = manifest.output.files.iter().map(|file| file.rows).sum();
    let checks = [
        (manifest.run == entry.run && manifest.attempt == entry.attempt, "is of another run or attempt than its entry"),
        (manifest.output.version == version, "is of another version than its entry"),
        (manifest.rows_out == rows_out, "has other rows out than its entry"),
        (manifest.balances(), "does not balance: rows in are not rows out plus removed"),
        (in_files == manifest.rows_out, "has other rows in its files than rows out"),
        (manifest.output.files.len() == manifest.output.companions.len(), "has not one companion per file"),
    ];
    report.faults.extend(checks.iter().filter(|(holds, _)| !holds).map(|(_, what)| format!("{place} {what}")));
    Some(manifest)
}

/// Files and companions of a current version.
fn version(state: &Root, lakes: &BTreeMap<String, Root>, manifest: &Manifest, report: &mut VerifyReport) {
    let dataset = &manifest.output.dataset;
    for file in manifest.output.companions.iter().chain(&manifest.output.first_seen) {
        match holds(state, file, report) {
            Ok(same) => report.companions += u64::from(same),
            Err(error) => {
                report.not_proven.push(format!("{dataset}: its companions could not be read: {error}"));
                break;
            }
        }
    }
    let Some(lake) = dataset.split_once(':').and_then(|(root, _)| lakes.get(root)) else {
        report.not_proven.push(format!("{dataset}: its root was not given, so its files were not looked at"));
        return;
    };
    for file in &manifest.output.files {
        match holds(lake, file, report) {
            Ok(same) => report.files += u64::from(same),
            Err(error) => {
                report.not_proven.push(format!("{dataset}: its files could not be read: {error}"));
                return;
            }
        }
    }
    report.datasets += 1;
}

fn holds(root: &Root, file: &File, report: &mut VerifyReport) -> Result<bool> {
    let place = root.display(&file.path);
    let Some(object) = root.head(&file.path)? else {
        report.faults.push(format!("{place} is missing; the manifest of the current version names it"));
        return Ok(false);
    };
    if object.bytes != file.bytes {
        report.faults.push(format!("{place} has {} bytes instead of {}", object.bytes, file.bytes));
        return Ok(false);
    }
    let (found, _) = digest_of(root.open_object(&object)?).map_err(|e| from_io(&place, e))?;
    if found != file.blake3 {
        report.faults.push(format!("{place} has other bytes than the manifest of the current version says"));
    }
    Ok(found == file.blake3)
}

/// Where the intent of a run is, below the state root.
pub(crate) fn intent_path(run: &str) -> String {
    format!("runs/{run}/intent.json")
}

fn words(report: &mut VerifyReport, head: Option<&Head>, old_versions: bool) {
    if !report.faults.is_empty() {
        report.proven.clear();
    } else {
        report.proven.extend([
            format!("the {} entries of the ledger are an unbroken chain", report.entries),
            format!("{} intents and manifests are the ones the ledger names", report.records),
            format!(
                "published files ({}) and companions ({}) of current versions ({}) are the ones their manifests name",
                report.files, report.companions, report.datasets
            ),
        ]);
    }
    match head {
        None => report.not_proven.push(
            "that nobody has cut entries off the end, or rewritten all of them: give --head from an earlier time"
                .into(),
        ),
        Some(Head { seq, .. }) => {
            if report.faults.is_empty() {
                report
                    .proven
                    .push(format!("the ledger up to entry {seq} is the one that the given head was taken from"));
            }
            let after = format!("that no entries after entry {seq}, which the given head names, were cut off the end");
            report.not_proven.push(after);
        }
    }
    let always = [
        "that the rules were right, or rightly applied: raw data is not read again, and no token is recomputed",
        "that tamis wrote the ledger: entries are chained, not signed",
        "that the clock of the machine was right",
        LOG_NOT_READ,
        "that nobody has copied the files",
        "the contents of stored requests: to read them takes the identity key",
        "that removed bytes are gone from backups, from older versions of objects, or from readers",
    ];
    report.not_proven.extend(always.map(String::from));
    if old_versions {
        report.not_proven.push("whether files of versions before the current ones are still there".into());
    }
}
