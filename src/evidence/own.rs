//! Every record of the state against its own digest, also those that nothing reads any more. Must not know what a record
//! says.

use super::record::{OwnDigest, own_digest};
use super::report::VerifyReport;
use crate::clock::Instant;
use crate::error::Result;
use crate::store::Root;
use serde::Deserialize;
use std::collections::BTreeSet;

/// What lies directly below the state, and the folders of records.
const FILES: [&str; 1] = ["tamis.json"];
const FOLDERS: [&str; 9] =
    ["accepts", "audits", "datasets", "keys", "kinds", "leases", "recipients", "schedules", "sweeps"];

/// Verifies the records. Intents and manifests are not among them: the ledger has their digests. Entries of the ledger have
/// been read before.
pub(super) fn records(state: &Root, report: &mut VerifyReport) {
    let mut paths: BTreeSet<String> = FILES.iter().map(|file| (*file).to_owned()).collect();
    for folder in FOLDERS.into_iter().chain(["runs"]) {
        match state.list(folder) {
            Ok(objects) => paths.extend(objects.into_iter().map(|object| object.path).filter(|path| is_record(path))),
            Err(error) => report
                .not_proven
                .push(format!("{}: could not be listed, so it was not looked at: {error}", state.display(folder))),
        }
    }
    let (mut same, mut without) = (0, 0);
    for path in paths {
        let place = state.display(&path);
        match looked(state, &path) {
            Ok(None) => {}
            Ok(Some(OwnDigest::Same)) => same += 1,
            Ok(Some(OwnDigest::None)) => without += 1,
            Ok(Some(OwnDigest::Differs)) => report.faults.push(format!("{place} has other bytes than were written")),
            Err(error) => {
                report.not_proven.push(format!("{place}: could not be read, so it was not looked at: {error}"));
            }
        }
    }
    report.own_digests = same;
    if report.faults.is_empty() && same > 0 {
        report.proven.push(format!("records of the state ({same}) have the bytes that were written"));
    }
    if without > 0 {
        report.not_proven.push(format!(
            "that records of an earlier build ({without}) have the bytes that were written: they have no digest of their own"
        ));
    }
}

/// Of what is below `runs/`, only the attempts.
fn is_record(path: &str) -> bool {
    path.ends_with(".json") && (!path.starts_with("runs/") || path.contains("/attempts/"))
}

/// None for what has gone meanwhile, as old leases do. A record that lies in another's place is not the one that was written
/// there.
fn looked(state: &Root, path: &str) -> Result<Option<OwnDigest>> {
    let Some(bytes) = state.get(path)? else { return Ok(None) };
    Ok(Some(if in_place(path, &bytes) { own_digest(&bytes) } else { OwnDigest::Differs }))
}

/// Whether a record says the job, the number, the plan or the time that it is called by. A record that does not say one of
/// them is of an earlier build, or of a kind of which nothing is said here.
pub(crate) fn in_place(path: &str, bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct ToldPlace {
        job: Option<String>,
        seq: Option<u64>,
        plan: Option<String>,
        run: Option<String>,
        attempt: Option<u64>,
        due: Option<Instant>,
    }
    let parts: Vec<&str> = path.split('/').collect();
    let name = parts.last().map_or("", |file| file.strip_suffix(".json").unwrap_or(file));
    let number = |told: Option<u64>| told.is_none_or(|told| name.parse() == Ok(told));
    let text = |told: Option<String>, expected: &str| told.is_none_or(|told| told == expected);
    let says = |same: &dyn Fn(ToldPlace) -> bool| super::parse::<ToldPlace>(bytes).is_none_or(same);
    match parts[..] {
        ["datasets" | "leases" | "schedules" | "sweeps", job, _] => {
            says(&|told| text(told.job, job) && number(told.seq))
        }
        ["accepts", job, _] => {
            let plan = name.strip_suffix(".used").unwrap_or(name);
            says(&|told| text(told.job, job) && text(told.plan, plan))
        }
        ["runs", run, "attempts", _] => says(&|told| text(told.run, run) && number(told.attempt)),
        ["audits", _] => says(&|told| told.due.is_none_or(|due| name.parse() == Ok(due.0))),
        _ => true,
    }
}
