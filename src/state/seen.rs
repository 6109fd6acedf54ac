//! What was there of a job's other records when one of them was written: the numbers of its newest lease, schedule record
//! and sweep record, and the names of its acceptances. Numbers only grow and acceptances stay, so what was seen and is not
//! there was lost, or its folder was put back. Must not know what a record says.

use crate::error::Result;
use crate::evidence::accept_path;
use crate::store::Root;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

const ACCEPTS: &str = "accepts";
/// Where a listing may lag, so many numbers from the one that was seen on are asked for by name: older records go.
const ASKED_FOR: u64 = 8;

/// A folder with records of jobs of which only the newest count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum NumberedFolder {
    /// Who is at work.
    Leases,
    /// What has become of scheduled instants.
    Schedules,
    /// When a dataset was swept.
    Sweeps,
}

/// What was seen of the records of one job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SeenRecords {
    /// Numbers of the newest records.
    #[serde(default)]
    newest: BTreeMap<NumberedFolder, u64>,
    /// Names of files in `accepts`, without their end.
    #[serde(default)]
    accepts: BTreeSet<String>,
}

/// What was seen and is not there.
pub(super) enum LostRecord {
    /// The newest record, of this number or a later one.
    Newest(NumberedFolder, u64),
    /// A file in `accepts`, by its name without its end.
    Accept(String),
}

/// A folder of a job that lacks what somebody has seen in it.
pub(super) struct FewerRecords {
    /// Name of the folder, with the job.
    pub(super) folder: String,
    /// What was seen there.
    pub(super) lost: LostRecord,
    /// What shows it, in words.
    pub(super) shown: String,
}

impl NumberedFolder {
    const ALL: [NumberedFolder; 3] = [NumberedFolder::Leases, NumberedFolder::Schedules, NumberedFolder::Sweeps];

    fn name(self) -> &'static str {
        match self {
            NumberedFolder::Leases => "leases",
            NumberedFolder::Schedules => "schedules",
            NumberedFolder::Sweeps => "sweeps",
        }
    }

    /// Returns where a record lies.
    pub(super) fn path(self, job: &str, number: u64) -> String {
        format!("{}/{job}/{number:012}.json", self.name())
    }

    /// Returns the numbers of the records that are there.
    pub(super) fn numbers(self, root: &Root, job: &str) -> Result<Vec<u64>> {
        let number = |path: &str| path.rsplit('/').next()?.strip_suffix(".json")?.parse::<u64>().ok();
        let objects = root.list(&format!("{}/{job}", self.name()))?;
        Ok(objects.iter().filter_map(|object| number(&object.path)).collect())
    }

    fn newest(self, root: &Root, job: &str) -> Result<u64> {
        Ok(self.numbers(root, job)?.into_iter().max().unwrap_or(0))
    }

    /// Whether a record of this number or a later one is there, though the first listing did not have it: records may have
    /// come and gone while it was made, and some stores are late.
    fn comes_late(self, root: &Root, job: &str, number: u64) -> Result<bool> {
        if self.newest(root, job)? >= number {
            return Ok(true);
        }
        for later in number..number.saturating_add(if root.may_lag() { ASKED_FOR } else { 0 }) {
            if root.head(&self.path(job, later))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl SeenRecords {
    /// Looks at what is there.
    pub(super) fn of(root: &Root, job: &str) -> Result<SeenRecords> {
        let mut seen = SeenRecords { newest: BTreeMap::new(), accepts: accepts(root, job)? };
        for numbered in NumberedFolder::ALL {
            let newest = numbered.newest(root, job)?;
            seen.newest.extend((newest > 0).then_some((numbered, newest)));
        }
        Ok(seen)
    }

    /// Adds what was seen now: a folder that was put back does not take away what was seen before.
    pub(super) fn and(mut self, now: SeenRecords) -> SeenRecords {
        for (numbered, number) in now.newest {
            let known = self.newest.entry(numbered).or_default();
            *known = number.max(*known);
        }
        self.accepts.extend(now.accepts);
        self
    }
}

/// Finds what records of a job have seen of others and is not there. `told` are records, each with what it has seen; they
/// were read before: what was told is never newer than what is listed here.
pub(super) fn fewer(root: &Root, job: &str, told: &[(String, SeenRecords)]) -> Result<Vec<FewerRecords>> {
    let mut found = Vec::new();
    for numbered in NumberedFolder::ALL {
        let number = |seen: &SeenRecords| seen.newest.get(&numbered).copied().unwrap_or(0);
        let Some((by, seen)) = told.iter().max_by_key(|(_, seen)| number(seen)).map(|(by, seen)| (by, number(seen)))
        else {
            continue;
        };
        let newest = numbered.newest(root, job)?;
        if newest < seen && !numbered.comes_late(root, job, seen)? {
            let folder = format!("{}/{job}", numbered.name());
            let shown = format!("{by} was written when record {seen} was there, and the newest is {newest}");
            found.push(FewerRecords { folder, lost: LostRecord::Newest(numbered, seen), shown });
        }
    }
    let there = accepts(root, job)?;
    let seen: BTreeMap<&String, &String> =
        told.iter().flat_map(|(by, seen)| seen.accepts.iter().map(move |name| (name, by))).collect();
    for (name, by) in seen.into_iter().filter(|(name, _)| !there.contains(*name)) {
        if root.head(&accept_path(job, name))?.is_none() {
            let shown = format!("{by} was written when {name}.json was there");
            let folder = format!("{ACCEPTS}/{job}");
            found.push(FewerRecords { folder, lost: LostRecord::Accept(name.clone()), shown });
        }
    }
    Ok(found)
}

/// Names of acceptances and of notes that they were used. What somebody else put there is none, so it can go again.
fn accepts(root: &Root, job: &str) -> Result<BTreeSet<String>> {
    let name = |path: &str| Some(path.rsplit('/').next()?.strip_suffix(".json")?.to_owned());
    let is_one = |name: &String| name.strip_suffix(".used").unwrap_or(name).bytes().all(|b| b.is_ascii_hexdigit());
    Ok(root.list(&format!("{ACCEPTS}/{job}"))?.iter().filter_map(|object| name(&object.path)).filter(is_one).collect())
}
