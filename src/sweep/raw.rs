//! Raw exports go when they are older than `raw_keep`. A hold, or a restriction that keeps bytes, keeps all of them:
//! nobody can tell whom they hold without reading them. Must not know datasets.

use crate::clock::{self, Instant};
use crate::error::{Code, Error, Result};
use crate::evidence::{LedgerEvent, RunRef};
use crate::monitor::Monitor;
use crate::policy::{Location, Plan, Project};
use crate::read::{InputObjects, InputPaths};
use crate::state::State;
use crate::store::{PathGlob, Root};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

const UTC: TimeZone = TimeZone::UTC;

/// Raw exports that are there, and what went.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct RawExports {
    /// Objects that lie there, after the pass.
    pub remaining: u64,
    /// Raw exports that were removed.
    pub removed: u64,
    /// Length of these exports together.
    pub bytes: u64,
    /// Objects that are due and that a hold, or a restriction that keeps bytes, keeps, or a list of these that could not
    /// be read.
    pub held: u64,
    /// Rows of erased persons that were taken out of files of corrections.
    pub corrections: u64,
    /// What lies there and cannot be read, so that nobody can say whether it is due, nor remove it.
    pub unseen: u64,
    /// The first of these, when it should have been looked at for `raw_keep`.
    #[serde(skip)]
    pub missed: Option<String>,
    /// Why rows of erased persons may be left in files of corrections.
    #[serde(skip)]
    pub corrections_unread: Option<String>,
}

impl RawExports {
    /// # Errors
    /// An input error when a file of corrections cannot be read, and when `raw_keep` is set and something lies there that
    /// cannot be seen.
    pub fn outcome(&self) -> Result<()> {
        let corrections = self.corrections_unread.as_ref().map(|why| {
            (
                format!("corrections of erased persons may be left: {why}"),
                "make the file readable and sweep again: until then runs are refused, and no erasure becomes `removed`",
            )
        });
        let exports = self.missed.as_ref().map(|missed| {
            (
                format!("raw exports past raw_keep may lie where they cannot be seen: {missed}"),
                "all others that were due are gone; make it readable, or remove it by hand",
            )
        });
        let (what, help): (Vec<String>, Vec<&str>) = corrections.into_iter().chain(exports).unzip();
        match what.is_empty() {
            true => Ok(()),
            false => Err(Error::new(Code::InputNotReadable, what.join("; ")).help(help.join("\n"))),
        }
    }

    /// Adds what became of corrections when a dataset was swept.
    pub(super) fn add(&mut self, rows: u64, unread: Option<&String>) {
        self.corrections += rows;
        if self.corrections_unread.is_none() {
            self.corrections_unread = unread.cloned();
        }
    }
}

/// Removes raw exports of these jobs that are older than the policy lets them be, and what buckets keep of them; `held`
/// says that a hold is in force or may be, and `of` whose pass it is, for the ledger.
///
/// # Errors
/// Storage errors; what went before stays gone. What cannot be seen is in the report: ask its [`RawExports::outcome`].
pub fn remove_raw(
    (project, jobs): (&Project, &[&Plan]),
    roots: &BTreeMap<String, Root>,
    state: &State,
    held: bool,
    of: &str,
    now: Instant,
    monitor: &dyn Monitor,
) -> Result<RawExports> {
    let mut done = RawExports::default();
    let met = remove_due(&mut done, (project, jobs), roots, held, now, monitor);
    if done.removed > 0 || done.bytes > 0 {
        let run = format!("removal-raw-{of}{now}");
        let event = LedgerEvent::RawRemoved { objects: done.removed, bytes: done.bytes };
        state.ledger().append(RunRef { run: &run, attempt: 1, since: now }, event, now)?;
    }
    met.map(|()| done)
}

fn remove_due(
    done: &mut RawExports,
    (project, jobs): (&Project, &[&Plan]),
    roots: &BTreeMap<String, Root>,
    held: bool,
    now: Instant,
    monitor: &dyn Monitor,
) -> Result<()> {
    let due = |written| project.removal.raw_keep.as_ref().is_some_and(|keep| clock::add(written, keep, &UTC) <= now);
    let corrections: Vec<(&str, PathGlob)> = project
        .corrections
        .values()
        .filter_map(|list| Some((list.input.root.as_str(), PathGlob::new(&list.input.path)?)))
        .collect();
    for (root_name, paths) in inputs(jobs)? {
        let root = &roots[&root_name];
        let InputObjects { mut objects, hidden } = paths.find(root)?;
        // Corrections are kept until the source agrees (R80).
        objects.retain(|object| {
            !corrections.iter().any(|(name, glob)| *name == root_name && glob.matches(object.path.as_bytes()))
        });
        for object in objects {
            if !due(object.modified) {
                done.remaining += 1;
            } else if held {
                (done.remaining, done.held) = (done.remaining + 1, done.held + 1);
            } else {
                monitor.proceed()?;
                root.delete(&object.path)?;
                (done.removed, done.bytes) = (done.removed + 1, done.bytes + object.bytes);
            }
        }
        done.unseen += hidden.len() as u64;
        let missed = hidden.into_iter().next().filter(|_| project.removal.raw_keep.is_some());
        done.missed = done.missed.take().or(missed);
        if project.removal.raw_keep.is_none() || held {
            continue;
        }
        for past in root.past_versions(paths.folder())?.iter().filter(|past| paths.matches(&past.path)) {
            monitor.proceed()?;
            if due(past.modified) && root.remove_version(past)? {
                done.bytes += past.bytes;
            }
        }
    }
    Ok(())
}

/// Raw exports that lie there, and how many more places cannot be seen.
///
/// # Errors
/// Storage errors.
pub fn count_raw(project: &Project, roots: &BTreeMap<String, Root>) -> Result<(u64, u64)> {
    let (mut count, mut unseen) = (0, 0);
    for (root, paths) in inputs(&project.jobs.values().collect::<Vec<_>>())? {
        let found = paths.find(&roots[&root])?;
        (count, unseen) = (count + found.objects.len() as u64, unseen + found.hidden.len() as u64);
    }
    Ok((count, unseen))
}

/// Root and paths of every input of these jobs, each once.
fn inputs(jobs: &[&Plan]) -> Result<Vec<(String, InputPaths)>> {
    let own = jobs.iter().map(|plan| &plan.input);
    let observed = jobs.iter().flat_map(|plan| &plan.observe).map(|observe| &observe.input);
    let all: BTreeSet<(&str, &str)> = own.chain(observed).map(|input| (&input.root[..], &input.path[..])).collect();
    let paths = |(root, path): (&str, &str)| {
        let input = Location { root: root.into(), path: path.into() };
        Ok((root.to_string(), InputPaths::new(&input)?))
    };
    all.into_iter().map(paths).collect()
}
