//! What the next run of a job must know: `datasets/<job>/<seq>.json`, create-only, the newest counts, a few old ones stay.
//! Must not know raw values.

use super::seen::SeenRecords;
use super::{FORMAT, Pin, State, load, pins};
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::{self, Witness};
use crate::store::Created;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Records kept behind the newest.
const OLD: u64 = 10;
/// Sets remembered; those published longest ago go first.
const SETS: usize = 500;

/// The record of one job's dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    format: u32,
    /// Its number, from 1; 0 before it is first saved.
    pub seq: u64,
    /// Name of the job that publishes it.
    pub job: String,
    /// `ROOT:path` of the table.
    pub dataset: String,
    /// Latest instant of a run or sweep, also one that was refused later (R28).
    pub last_as_of: Option<Instant>,
    /// Instant of the last run that published; sweeps leave it.
    pub ran: Option<Instant>,
    /// The version that readers see.
    pub current: Option<Current>,
    /// Published sets by name (`""` for inputs without `{set}`).
    pub sets: BTreeMap<String, SetRead>,
    /// Fields that the last run published, in their order. The table may have columns of former ones beside them.
    pub fields: Vec<FieldType>,
    /// Drift columns of the last run and when each was first seen.
    pub drift: BTreeMap<String, Instant>,
    /// Listed columns that the last run missed and when each was first missed.
    #[serde(default)]
    pub lost: BTreeMap<String, Instant>,
    /// Every column of the export that the last run read, with what is kept of it to compare the next one with.
    #[serde(default)]
    pub columns: BTreeMap<String, ColumnSeen>,
    /// Time up to which the requests that were taken in are applied to the current version.
    pub applied: Option<Instant>,
    /// The version up to which it is noted of requests that they are applied.
    pub noted: Option<u64>,
    /// What earlier versions had and the current one has not, the oldest first, until it is removed for good.
    pub replaced: Vec<Replaced>,
    /// Requests applied up to then are in no byte of the dataset that tamis could verify.
    pub removed: Option<Instant>,
    /// Requests applied up to then are in no byte that tamis can still delete; the store may keep some for a while.
    pub deleted: Option<Instant>,
    /// Until when the store says that it keeps them.
    pub kept_until: Option<Instant>,
    /// How often the record has gone on under another name of its job, or was closed: of two records of one table the
    /// greater number counts.
    #[serde(default)]
    pub moves: u32,
    /// When its table was retired: all its bytes are gone, and nothing was published since.
    #[serde(default)]
    pub retired: Option<Retirement>,
    /// BLAKE3 of the files of the table's history that are written once, by path below the lake's root, as far as a run
    /// or sweep has met them.
    #[serde(default)]
    pub history: BTreeMap<String, String>,
    /// What ledger and stored requests were like when it was saved; none of a record that an older tamis wrote.
    #[serde(default)]
    pub witness: Option<Witness>,
    /// BLAKE3 of the segments of stored requests, by file name, as the last run or sweep knew them.
    #[serde(default)]
    pub stored: BTreeMap<String, String>,
    /// How many kinds of identifier had been recorded.
    #[serde(default)]
    pub kinds: u64,
    /// What was there of other records of the job.
    #[serde(default)]
    pub(super) seen: SeenRecords,
}

/// The end of a table: all its bytes are gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retirement {
    /// When the table was ended.
    pub at: Instant,
    /// The last version that it had.
    pub version: u64,
    /// The purpose that it was for.
    pub purpose: String,
}

/// Files that a version took the place of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// The last version that had them.
    pub version: u64,
    /// When it was replaced.
    pub at: Instant,
    /// Requests taken in up to then had been applied to that version.
    pub applied: Option<Instant>,
    /// Epoch of its tokens; none in records of before it was noted, and of files of other programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<String>,
    /// Files that are purged once the grace is over.
    pub files: Vec<PublishedFile>,
}

/// The version that readers see, and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Current {
    /// Version of the table.
    pub version: u64,
    /// The run that made it.
    pub run: String,
    /// Attempt of the run that published it.
    pub attempt: u32,
    /// Digest of its manifest.
    pub manifest: String,
    /// Instant the rules were applied at.
    pub as_of: Instant,
    /// Epoch of its tokens.
    pub epoch: String,
    /// Rows that are published in it.
    pub rows: u64,
    /// Its files, in path order.
    pub files: Vec<PublishedFile>,
    /// When persons were first seen, where retention counts from then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<evidence::manifest::File>,
}

/// A file of the current version and its companion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedFile {
    /// Path below the root of the dataset.
    pub path: String,
    /// Rows in it and in its companion.
    pub rows: u64,
    /// Path of its companion below the state root.
    pub companion: String,
    /// BLAKE3 hex of the companion, which tells whom the file holds once its version is replaced; not in records of
    /// before it was written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub companion_blake3: Option<String>,
}

/// A set that was read and published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRead {
    /// Digest of its objects' pins ([`pins`]).
    pub pins: String,
    /// Records that were read from the set.
    pub records: u64,
    /// Run that published it.
    pub run: String,
    /// Version of the table that it was published as; none where an older tamis wrote it.
    #[serde(default)]
    pub version: Option<u64>,
}

/// A field of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldType {
    /// Name of the column in the header.
    pub name: String,
    /// Its Arrow type, as `publish` spells it.
    pub data_type: String,
    /// Non-null values that the last run read for it.
    #[serde(default)]
    pub values: u64,
    /// Records that it read them from; 0 where an older tamis wrote it.
    #[serde(default)]
    pub records: u64,
}

/// A column of an export: what is kept of its first records. No value can be told from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnSeen {
    /// Keyed marks, by which it is known again under another name.
    pub sketch: String,
    /// Cells with a value.
    pub filled: u64,
    /// Cells that were counted.
    pub rows: u64,
}

impl Dataset {
    /// Of a job that has never run.
    pub fn new(job: &str, dataset: &str) -> Dataset {
        Dataset {
            format: FORMAT,
            seq: 0,
            job: job.into(),
            dataset: dataset.into(),
            last_as_of: None,
            ran: None,
            current: None,
            sets: BTreeMap::new(),
            fields: Vec::new(),
            drift: BTreeMap::new(),
            lost: BTreeMap::new(),
            columns: BTreeMap::new(),
            applied: None,
            noted: None,
            replaced: Vec::new(),
            removed: None,
            deleted: None,
            kept_until: None,
            moves: 0,
            retired: None,
            history: BTreeMap::new(),
            witness: None,
            stored: BTreeMap::new(),
            kinds: 0,
            seen: SeenRecords::default(),
        }
    }

    /// Whether nothing has ever been recorded of it, under any name.
    pub fn is_new(&self) -> bool {
        *self == Dataset::new(&self.job, &self.dataset)
    }

    /// Puts a version in the place of the current one. Files that it no longer has wait for removal.
    pub fn replace(&mut self, current: Current, at: Instant, applied: Instant) {
        if let Some(old) = self.current.take() {
            let gone = |file: &PublishedFile| current.files.iter().all(|new| new.path != file.path);
            let files: Vec<PublishedFile> = old.files.into_iter().filter(gone).collect();
            let (version, epoch) = (old.version, Some(old.epoch));
            self.replaced.push(Replaced { version, at, applied: self.applied, epoch, files });
        }
        self.seen(current.as_of);
        self.current = Some(current);
        self.applied = Some(applied);
        self.retired = None;
    }

    /// Closes the record of a table of which nothing is left.
    pub fn retire(&mut self, retirement: Retirement) {
        self.removed = self.removed.max(Some(retirement.at));
        self.deleted = self.deleted.max(Some(retirement.at));
        (self.current, self.applied, self.noted, self.kept_until) = (None, None, None, None);
        self.replaced.clear();
        self.history.clear();
        self.moves += 1;
        self.retired = Some(retirement);
    }

    /// R28: `as_of` may not be before the last one, refused runs and sweeps included.
    ///
    /// # Errors
    /// A policy error with both instants.
    pub fn check_as_of(&self, as_of: Instant) -> Result<()> {
        match self.last_as_of {
            Some(last) if as_of < last => Err(Error::new(
                Code::AsOfWrong,
                format!("as_of {as_of} is before the last one of job {}, {last}", self.job),
            )
            .help("time does not go back for a dataset: what was expired or erased by then stays so")),
            _ => Ok(()),
        }
    }

    /// Takes note of a run or sweep at `as_of`.
    pub fn seen(&mut self, as_of: Instant) {
        self.last_as_of = self.last_as_of.max(Some(as_of));
    }

    /// What is known of a set: never published, published from these very objects, or from others (R38).
    pub fn set_state(&self, set: &str, objects: &[Pin]) -> SetState {
        match self.sets.get(set) {
            None => SetState::New,
            Some(read) if read.pins == pins(objects) => SetState::Same,
            Some(_) => SetState::Changed,
        }
    }

    /// Remembers a published set.
    pub fn set_read(&mut self, set: &str, read: SetRead) {
        self.sets.insert(set.into(), read);
        while self.sets.len() > SETS {
            let oldest = self.sets.iter().min_by_key(|(_, read)| read.version).map(|(set, _)| set.clone());
            oldest.and_then(|set| self.sets.remove(&set));
        }
    }

    /// The set that was published last, with its name; of those that an older tamis wrote, the greatest name.
    pub fn last_set(&self) -> Option<(&str, &SetRead)> {
        self.sets.iter().max_by_key(|(_, read)| read.version).map(|(set, read)| (set.as_str(), read))
    }

    /// Takes over the drift columns of a run; each with when it was first seen. A column that went and came back is new.
    pub fn drifted(&mut self, columns: &[String], as_of: Instant) -> Vec<(String, Instant)> {
        self.drift = first_seen(&self.drift, columns, as_of);
        self.drift.clone().into_iter().collect()
    }

    /// The same for listed columns that a run missed.
    pub fn missed(&mut self, columns: &[String], as_of: Instant) -> Vec<(String, Instant)> {
        self.lost = first_seen(&self.lost, columns, as_of);
        self.lost.clone().into_iter().collect()
    }
}

fn first_seen(known: &BTreeMap<String, Instant>, columns: &[String], as_of: Instant) -> BTreeMap<String, Instant> {
    let seen = |column: &String| (column.clone(), known.get(column).copied().unwrap_or(as_of));
    columns.iter().map(seen).collect()
}

/// Whether a set was published before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetState {
    /// No version was made of this set.
    New,
    /// From these very objects.
    Same,
    /// From other objects: needs `accept`.
    Changed,
}

impl State {
    /// The newest record of a job; `None` when it has never run.
    ///
    /// # Errors
    /// An evidence error when it cannot be read or is another record.
    pub fn dataset(&self, job: &str) -> Result<Option<Dataset>> {
        let Some(seq) = self.record_numbers(job)?.pop() else { return Ok(None) };
        load::<Dataset>(&self.root, &path(job, seq))
    }

    /// Names of the jobs that have a record.
    ///
    /// # Errors
    /// A storage error when the store is away.
    pub fn jobs(&self) -> Result<Vec<String>> {
        let job = |path: &str| Some(path.strip_prefix("datasets/")?.split_once('/')?.0.to_string());
        let mut jobs: Vec<String> = self.root.list("datasets")?.iter().filter_map(|o| job(&o.path)).collect();
        jobs.dedup();
        Ok(jobs)
    }

    /// Saves a record after the one it was made from, with what is there of the other parts.
    ///
    /// # Errors
    /// A storage error when another process saved one meanwhile: this record is then not saved.
    pub fn save_dataset(&self, record: &mut Dataset) -> Result<()> {
        let (witness, kinds) = (Some(self.witness()?), self.kinds_recorded()?);
        let seen = record.seen.clone().and(SeenRecords::of(&self.root, &record.job)?);
        let next = Dataset { seq: record.seq + 1, witness, kinds, seen, ..record.clone() };
        let path_next = path(&record.job, next.seq);
        if self.root.create(&path_next, evidence::record(&next)?)? == Created::Exists {
            return Err(outrun(&record.job));
        }
        let numbers = self.record_numbers(&record.job)?;
        // Old records are deleted, so the number after this one may be free though others came and went.
        if numbers.last().is_some_and(|last| *last > next.seq) {
            self.root.delete(&path_next)?;
            return Err(outrun(&record.job));
        }
        *record = next;
        for seq in numbers {
            if seq + OLD < record.seq {
                self.root.delete(&path(&record.job, seq))?;
            }
        }
        Ok(())
    }

    /// Whether a record is still the newest, as far as anybody has saved one.
    ///
    /// # Errors
    /// A storage error when another process saved one meanwhile.
    pub fn check_newest(&self, record: &Dataset) -> Result<()> {
        let newest = self.record_numbers(&record.job)?.pop().unwrap_or(0);
        if newest == record.seq { Ok(()) } else { Err(outrun(&record.job)) }
    }

    fn record_numbers(&self, job: &str) -> Result<Vec<u64>> {
        let number = |path: &str| path.rsplit('/').next()?.strip_suffix(".json")?.parse().ok();
        let objects = self.root.list(&format!("datasets/{job}"))?;
        let mut numbers: Vec<u64> = objects.iter().filter_map(|object| number(&object.path)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }
}

fn outrun(job: &str) -> Error {
    Error::new(Code::Overtaken, format!("another run or sweep of job {job} came in between"))
        .help("run again: it then continues where the other one stopped")
}

fn path(job: &str, seq: u64) -> String {
    format!("datasets/{job}/{seq:012}.json")
}
