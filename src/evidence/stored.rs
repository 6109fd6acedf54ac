//! The stored requests as far as evidence can tell without a key: numbers without a gap up to the one that the ledger
//! names, and bytes as they were recorded. Must not know what is in a segment but its front.

use super::ledger::LedgerEntry;
use super::report::VerifyReport;
use super::segments::{self, FOLDER, SegmentName};
use super::{LedgerEvent, OwnDigest, digest, newest_records};
use crate::error::{Kind, Result};
use crate::store::Root;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What is recorded: BLAKE3 by file name.
type RecordedDigests = BTreeMap<String, String>;

/// Verifies the segments of stored requests.
///
/// # Errors
/// None: what cannot be read was not looked at, and the report says so.
pub(super) fn stored(state: &Root, entries: &[LedgerEntry], report: &mut VerifyReport) {
    let place = state.display(FOLDER);
    let names = state.list(FOLDER).and_then(|objects| segments::names(&objects));
    let names: Vec<SegmentName> = match names {
        Ok(names) => names.into_iter().map(|(name, _)| name).collect(),
        Err(error) if error.kind() == Kind::Evidence => return report.faults.push(error.message().to_owned()),
        Err(error) => {
            let line = format!("{place}: could not be listed, so stored requests were not looked at: {error}");
            return report.not_proven.push(line);
        }
    };
    let last = segments::end(&names);
    if let Some(missing) = segments::gap(&names) {
        report.faults.push(format!("{place}: segment {missing} of the stored requests is missing"));
    }
    let known = entries.iter().filter_map(|entry| Some((entry.event.segment()?, entry.seq))).max();
    if let Some((segment, seq)) = known.filter(|(segment, _)| *segment > last) {
        report.faults.push(format!("{place} ends at segment {last}, and entry {seq} knows of segment {segment}"));
    }
    let mut recorded: RecordedDigests = entries.iter().flat_map(by_entry).collect();
    match by_records(state) {
        Ok(more) => recorded.extend(more),
        Err(error) => report.not_proven.push(format!("records of datasets could not be read: {error}")),
    }
    gone(&place, &names, &recorded, report);
    bytes(state, &names, &recorded, last, report);
}

fn by_entry(entry: &LedgerEntry) -> RecordedDigests {
    match &entry.event {
        LedgerEvent::StateCreated { stored, .. } | LedgerEvent::Requests { stored, .. } => stored.clone(),
        _ => RecordedDigests::new(),
    }
}

/// What the newest record of each dataset says.
fn by_records(state: &Root) -> Result<RecordedDigests> {
    #[derive(Deserialize)]
    struct ToldSegments {
        #[serde(default)]
        stored: RecordedDigests,
    }
    let mut recorded = RecordedDigests::new();
    for path in newest_records(state, "datasets")? {
        let bytes = state.get(&path)?.unwrap_or_default();
        recorded.extend(super::parse::<ToldSegments>(&bytes).map(|told| told.stored).unwrap_or_default());
    }
    Ok(recorded)
}

/// A recorded segment goes only when a merged one has taken its place.
fn gone(place: &str, names: &[SegmentName], recorded: &RecordedDigests, report: &mut VerifyReport) {
    for name in recorded.keys().filter_map(|file| SegmentName::parse(file)) {
        if !names.iter().any(|there| *there == name || there.covers(name)) {
            report.faults.push(format!("{place}/{} is missing, and no other segment took its place", name.file()));
        }
    }
}

fn bytes(state: &Root, names: &[SegmentName], recorded: &RecordedDigests, last: u64, report: &mut VerifyReport) {
    let (mut looked, mut same, mut own, mut unrecorded, faults) = (0, 0, 0, 0, report.faults.len());
    for name in names {
        let place = state.display(&name.path());
        let bytes = match state.get(&name.path()) {
            Ok(bytes) => bytes.unwrap_or_default(),
            Err(error) => {
                report.not_proven.push(format!("{place}: could not be read, so it was not looked at: {error}"));
                continue;
            }
        };
        looked += 1;
        match recorded.get(&name.file()) {
            Some(expected) if *expected == digest(&bytes) => same += 1,
            Some(_) => report.faults.push(format!("{place} has other bytes than were recorded")),
            None if segments::told(&bytes).is_none() => {
                report.faults.push(format!("{place} cannot be read as a segment"));
            }
            None => match segments::own_digest(&bytes) {
                OwnDigest::Same => own += 1,
                OwnDigest::Differs => report.faults.push(format!("{place} has other bytes than were written")),
                OwnDigest::None => unrecorded += 1,
            },
        }
    }
    report.segments += same + own;
    if faults == report.faults.len() && looked == names.len() {
        let files = names.len();
        report.proven.push(match last {
            0 => "no request is stored, and the ledger knows of none".to_owned(),
            _ => format!(
                "stored requests are there without a gap, segments 1 to {last} (files: {files}), up to the newest that \
                 the ledger names; {same} of the files have the bytes that were recorded, and {own} that nothing has \
                 recorded yet agree with their own digest"
            ),
        });
    }
    if unrecorded > 0 {
        report.not_proven.push(format!(
            "that files of stored requests of an earlier build ({unrecorded}) have the bytes that were written: nothing has \
             recorded them, and they have no digest of their own"
        ));
    }
}
