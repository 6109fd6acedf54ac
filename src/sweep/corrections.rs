//! Corrections of erased persons go from the files they are in (R80): nothing else of these files is touched. Must not know
//! datasets.

use super::scene::CorrectionsLeft;
use crate::corrections::{self as files, Correction, CorrectionFile};
use crate::error::{Error, Kind, Result};
use crate::evidence::{LedgerEvent, RunRef};
use crate::job::{Ready, corrections};
use crate::monitor::Monitor;
use crate::policy::{CorrectionList, Effect, Plan};
use crate::requests::{EntryRef, Requests, StoredBond, half};
use crate::store::Root;
use std::collections::BTreeSet;

/// What became of the rows of erased persons in files of corrections.
#[derive(Default)]
pub(super) struct CorrectionsCleared {
    /// Rows that were taken out.
    pub(super) rows: u64,
    /// Rows that are left: something keeps bytes, or somebody writes into the file.
    left: u64,
    /// Why rows may be left: the first file that cannot be read.
    pub(super) unread: Option<String>,
}

impl CorrectionsCleared {
    /// Returns why a file of corrections may still have the rows of an erased person.
    pub(super) fn left(&self) -> Option<CorrectionsLeft> {
        let kept = (self.left > 0).then_some(CorrectionsLeft::Kept);
        self.unread.as_ref().map(|_| CorrectionsLeft::Unread).or(kept)
    }

    fn miss(&mut self, error: &Error) {
        self.unread.get_or_insert(error.to_string());
    }
}

/// Removes the rows of everybody whom an erasure of all purposes reaches from the files of these jobs' sources, unless
/// something keeps them (`kept`). A file that cannot be read stays as it is: runs are refused until it can be read.
///
/// # Errors
/// Storage errors; what went before stays gone.
pub(super) fn remove(
    ready: &Ready,
    requests: &Requests,
    (jobs, kept): (&[&Plan], bool),
    monitor: &dyn Monitor,
) -> Result<CorrectionsCleared> {
    let mut done = CorrectionsCleared::default();
    let sources: BTreeSet<&str> = jobs.iter().map(|plan| plan.source.name.as_str()).collect();
    for list in ready.project.corrections.values().filter(|list| sources.contains(list.source.as_str())) {
        let root = corrections::root_of(list, &ready.roots)?;
        let rows = done.rows;
        match of_list(ready, requests, (list, root, kept), &mut done, monitor) {
            Err(error) if error.kind() == Kind::Input => done.miss(&error),
            met => met?,
        }
        let rows = done.rows - rows;
        if rows > 0 {
            let run = format!("corrections-{}-{}", list.name, ready.call.now);
            let event = LedgerEvent::CorrectionsRemoved { list: list.name.clone(), rows };
            ready.state.ledger().append(
                RunRef { run: &run, attempt: 1, since: ready.call.now },
                event,
                ready.call.now,
            )?;
        }
    }
    Ok(done)
}

fn of_list(
    ready: &Ready,
    requests: &Requests,
    (list, root, kept): (&CorrectionList, &Root, bool),
    done: &mut CorrectionsCleared,
    monitor: &dyn Monitor,
) -> Result<()> {
    let links = links(ready, list);
    for CorrectionFile { object, rows: read, .. } in corrections::read(list, root, &ready.keys, ready.call.now)?.files {
        monitor.proceed()?;
        let broken: BTreeSet<[u8; 32]> =
            read.iter().flatten().filter(|row| breaks(row, &links)).map(|row| row.record).collect();
        let erased = |row: &Correction| is_erased(requests, &row.record, broken.contains(&row.record));
        let gone: Vec<usize> = (0..read.len()).filter(|at| read[*at].as_ref().is_some_and(erased)).collect();
        if gone.is_empty() {
            continue;
        }
        if kept {
            done.left += gone.len() as u64;
            continue;
        }
        let left = files::without(list, root, &object, &gone)?;
        // Whoever writes into the file meanwhile is not overwritten: the next sweep does it.
        let now = root.head(&object.path)?;
        if now.is_none_or(|now| (now.etag, now.bytes, now.modified) != (object.etag, object.bytes, object.modified)) {
            done.left += gone.len() as u64;
            continue;
        }
        root.rewrite(&object.path, left.to_vec())?;
        done.rows += gone.len() as u64;
    }
    Ok(())
}

/// Names of the columns by which requests find persons of the list's source.
fn links<'a>(ready: &'a Ready, list: &CorrectionList) -> BTreeSet<&'a str> {
    let plans = ready.project.jobs.values().filter(|plan| plan.source.name == list.source);
    plans
        .flat_map(|plan| plan.corrected.iter().filter(|of| of.link).map(|of| plan.columns[of.column].name.as_str()))
        .collect()
}

/// Whether a correction says that a link led to somebody else.
fn breaks(correction: &Correction, links: &BTreeSet<&str>) -> bool {
    links.contains(correction.column.as_str()) && !correction.reason.was_theirs()
}

/// Whether an erasure reaches a record. One that found it through a weak value may mean somebody else, where the link is
/// said to be `broken`.
fn is_erased(requests: &Requests, record: &[u8; 32], broken: bool) -> bool {
    let sure = |found: &&EntryRef| !broken || found.bond() != StoredBond::ViaWeak;
    requests.effects(half(record)).iter().filter(sure).any(|found| {
        let entry = requests.entry(found.entry());
        entry.effect == Effect::Erase && !entry.ended && entry.purposes.is_none()
    })
}
