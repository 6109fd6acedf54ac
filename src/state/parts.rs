//! The parts of the state against each other: each says what it had seen of ledger and stored requests, and the ledger
//! what it had seen of the others. One that was put back to an older copy lacks what the rest has seen.
//! Must not know tables, nor what a request asks for.

use super::seen::{self, FewerRecords, SeenRecords};
use super::{Dataset, State, load};
use crate::error::{Code, Error, Result};
use crate::evidence::{self, LedgerEntry, LedgerEvent, Witness, segments};
use crate::store::Root;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// A part of the state, or a table, that is older than another part says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// The older part, such as `state:ledger`.
    pub part: String,
    /// Which other part shows it, and by what.
    pub shown: String,
    /// The job whose leases, schedule records, sweep records or acceptances it is: `state renew` can make up for these.
    pub renewable: Option<String>,
}

/// What the ledger says of a dataset since its record was saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// A record of it that was there and is not any more.
    pub missing: Option<Missing>,
    /// The version published last, with the digest of its manifest, when the record does not have it.
    pub version: Option<(u64, String)>,
    /// How many versions it has published that the record does not have.
    pub versions: usize,
    /// Whether its table was retired.
    pub retired: bool,
}

/// A record that the ledger has seen and that is later than those that are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The name of the job that it was saved under.
    pub job: String,
    /// Its number, or that of one before it.
    pub seen: u64,
    /// The newest one under that name; 0 where there is none.
    pub newest: u64,
}

/// What any record may say.
#[derive(Deserialize)]
struct ToldRecord {
    #[serde(default)]
    witness: Option<Witness>,
    #[serde(default)]
    kinds: u64,
    #[serde(default)]
    seen: SeenRecords,
}

/// What records say of the other parts, each thing with the file that says it.
#[derive(Default)]
struct Tellings {
    witnesses: Vec<(String, Witness)>,
    /// How many kinds of identifier there were at least.
    kinds: u64,
    /// By job.
    seen: BTreeMap<String, Vec<(String, SeenRecords)>>,
}

/// Folders with a folder of records for each job, of which the newest says what it has seen.
const BY_JOB: [&str; 4] = ["datasets", "schedules", "sweeps", "leases"];

impl Behind {
    /// As the error that stops whatever would go on from there.
    pub fn error(&self) -> Error {
        let error = Error::new(Code::StatePartOlder, format!("{} is older than the rest: {}", self.part, self.shown));
        if let Some(job) = &self.renewable {
            return error.help(format!(
                "it was put back alone, or what is newer was lost. Bring back the newest copy of {}; if there is none: \
                 `tamis state renew {job} --reason …` (docs/operations.md, \"When a part is older\")",
                self.part
            ));
        }
        error.help(format!(
            "it was put back alone, or what is newer was lost; going on could publish erased persons. Bring back the \
             newest copy of {}, and no older copy of anything else (docs/operations.md, \"When a part is older\")",
            self.part
        ))
    }
}

impl std::fmt::Display for Behind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is older than the rest: {}", self.part, self.shown)?;
        let Some(job) = &self.renewable else { return Ok(()) };
        write!(f, "; if no newer copy of it is left, call `tamis state renew {job} --reason …`")
    }
}

impl State {
    /// What whatever is written now says of the ledger and of stored requests.
    ///
    /// # Errors
    /// An evidence error when the ledger has a hole, a storage error when the store is away.
    pub fn witness(&self) -> Result<Witness> {
        Ok(Witness { ledger: self.ledger.head()?, segment: segments::last(&self.root)? })
    }

    /// Compares every part of the state with what the others say of it; gives those that are older. To be called before
    /// anything is done that rests on the state, or adds to it.
    ///
    /// # Errors
    /// Evidence, when something cannot be read as what it should be; storage errors.
    pub fn compare(&self) -> Result<Vec<Behind>> {
        let tellings = self.tellings()?;
        let mut older: BTreeMap<&str, Behind> = BTreeMap::new();
        for (by, witness) in &tellings.witnesses {
            if let Some(behind) = self.ledger_behind(by, witness)? {
                older.entry("ledger").or_insert(behind);
            }
        }
        if let Some(behind) = self.requests_behind(&tellings.witnesses)? {
            older.insert("requests", behind);
        }
        if let Some(behind) = self.runs_behind()? {
            older.insert("runs", behind);
        }
        let kinds = tellings.kinds;
        if self.kinds_recorded()? < kinds {
            let shown = format!("a record of a dataset was written when it had {kinds} kinds of identifier");
            older.insert("kinds", self.behind("kinds", shown));
        }
        let mut older: Vec<Behind> = older.into_values().collect();
        for (job, told) in &tellings.seen {
            older.extend(seen::fewer(&self.root, job, told)?.iter().map(|fewer| self.renewable(job, fewer)));
        }
        Ok(older)
    }

    /// Compares the leases, schedule records, sweep records and acceptances of one job with what its records have seen of
    /// them. To be called before one of these is added: with newer numbers nothing would be missed any more.
    ///
    /// # Errors
    /// Evidence, when one of them is older than the others; storage errors.
    pub(super) fn check_records(&self, job: &str) -> Result<()> {
        let fewer = seen::fewer(&self.root, job, &self.told_of(job)?)?;
        fewer.first().map_or(Ok(()), |fewer| Err(self.renewable(job, fewer).error()))
    }

    /// What the newest records of a job have seen of its other records, each with where it lies.
    pub(super) fn told_of(&self, job: &str) -> Result<Vec<(String, SeenRecords)>> {
        let mut told = Vec::new();
        for folder in BY_JOB {
            for path in evidence::newest_records(&self.root, &format!("{folder}/{job}"))? {
                let record = load::<ToldRecord>(&self.root, &path)?;
                told.extend(record.map(|record| (self.root.display(&path), record.seen)));
            }
        }
        Ok(told)
    }

    fn renewable(&self, job: &str, fewer: &FewerRecords) -> Behind {
        Behind { renewable: Some(job.to_owned()), ..self.behind(&fewer.folder, fewer.shown.clone()) }
    }

    /// Gives the records of datasets that the ledger has seen and that are not there at all.
    ///
    /// # Errors
    /// Evidence errors of the ledger; storage errors.
    pub fn records_lost(&self) -> Result<Vec<Behind>> {
        let (jobs, entries) = (self.jobs()?, self.ledger.entries()?);
        let records = entries.iter().filter_map(|entry| entry.event.record());
        let began: BTreeSet<&str> = records.filter(|(_, seq)| *seq > 0).map(|(job, _)| job).collect();
        let lost = began.into_iter().filter(|job| !jobs.iter().any(|known| known == job));
        let shown = || "the ledger has seen a record of the job, and there is none".to_owned();
        Ok(lost.map(|job| self.behind(&format!("datasets/{job}"), shown())).collect())
    }

    /// As [`State::compare`], for whatever must not go on.
    ///
    /// # Errors
    /// Evidence, when a part is older than the others; those of [`State::compare`].
    pub fn agree(&self) -> Result<()> {
        self.compare()?.first().map_or(Ok(()), |behind| Err(behind.error()))
    }

    /// Whether ledger and stored requests still have what was there when something was written.
    ///
    /// # Errors
    /// Evidence, when they have not; storage errors.
    pub fn check_witness(&self, by: &str, witness: &Witness) -> Result<()> {
        let older = match self.ledger_behind(by, witness)? {
            None => self.requests_behind(&[(by.to_owned(), witness.clone())])?,
            older => older,
        };
        older.map_or(Ok(()), |behind| Err(behind.error()))
    }

    /// The ledger, when it lacks the entry that was the last one for `by`.
    fn ledger_behind(&self, by: &str, witness: &Witness) -> Result<Option<Behind>> {
        if self.ledger.has(&witness.ledger)? {
            return Ok(None);
        }
        let shown = format!("{by} was written after entry {}, and that is not in it", witness.ledger.seq);
        Ok(Some(self.behind("ledger", shown)))
    }

    /// What the ledger says of a dataset since its record was saved, under whatever name of its job. Only entries after
    /// the one that the record names are looked at: the record was written with all others before it. A record of an older
    /// tamis names none; then it is looked for the entry of its version.
    ///
    /// # Errors
    /// Evidence, when the ledger has not the entry of the record's version; storage errors.
    pub fn since(&self, dataset: &Dataset) -> Result<Since> {
        let mut since = Since::default();
        let known = dataset.current.as_ref().map(|current| current.version);
        let entries = self.entries_since(dataset)?;
        let names = self.names_in(&entries, dataset)?;
        for LedgerEntry { event, .. } in &entries {
            since.retired |= matches!(event, LedgerEvent::Retired { dataset: of, .. } if *of == dataset.dataset);
            let Some((job, seen)) = event.record() else { continue };
            let Some(newest) = names.get(job).copied() else { continue };
            if seen > newest && since.missing.as_ref().is_none_or(|missing| missing.seen < seen) {
                since.missing = Some(Missing { job: job.to_owned(), seen, newest });
            }
            if let Some((version, manifest)) = event.version().filter(|(version, _)| Some(*version) > known) {
                since.versions += usize::from(since.version.as_ref().map(|(version, _)| *version) != Some(version));
                since.version = Some((version, manifest.to_owned()));
            }
        }
        Ok(since)
    }

    /// The names that entries give to the job of a dataset, with the number of the newest record under each. A job that has
    /// no record at all is among them when the ledger has seen one: it may have been of this table. Records are read after
    /// the entries: what was told before is never newer.
    fn names_in(&self, entries: &[LedgerEntry], dataset: &Dataset) -> Result<BTreeMap<String, u64>> {
        let mut names = BTreeMap::from([(dataset.job.clone(), dataset.seq)]);
        let mut others = BTreeSet::new();
        for (job, seen) in entries.iter().filter_map(|entry| entry.event.record()) {
            if names.contains_key(job) || others.contains(job) {
                continue;
            }
            match self.dataset(job)? {
                Some(found) if found.dataset == dataset.dataset => {
                    names.insert(job.to_owned(), found.seq);
                }
                Some(_) => {
                    others.insert(job);
                }
                None if seen > 0 => {
                    names.insert(job.to_owned(), 0);
                }
                None => {}
            }
        }
        Ok(names)
    }

    fn entries_since(&self, dataset: &Dataset) -> Result<Vec<LedgerEntry>> {
        match (&dataset.witness, &dataset.current) {
            (Some(witness), _) => self.ledger.after(witness.ledger.seq),
            (None, Some(current)) => {
                let made = |entry: &LedgerEntry| {
                    entry.run == current.run && entry.event.version() == Some((current.version, &current.manifest))
                };
                let found = self.ledger.from(&made)?;
                found.ok_or_else(|| {
                    let by = self.root.display(&format!("datasets/{}", dataset.job));
                    let shown = format!("{by} has version {}, and no entry says so", current.version);
                    self.behind("ledger", shown).error()
                })
            }
            // The newest run that the ledger knows is there, so all before it are, and each is of a job whose record
            // names another table.
            (None, None) if dataset.is_new() && self.all_recorded()? => Ok(Vec::new()),
            (None, None) => self.ledger.entries(),
        }
    }

    /// Whether every job that has begun a run has a record.
    fn all_recorded(&self) -> Result<bool> {
        let jobs = self.jobs()?;
        let runs = self.root.list("runs")?;
        Ok(runs.iter().filter_map(|object| run_of(&object.path)).all(|run| jobs.iter().any(|job| job == run.job)))
    }

    /// What the newest file of every kind and job says.
    fn tellings(&self) -> Result<Tellings> {
        let mut tellings = Tellings::default();
        let mut paths = newest_runs(&self.root)?;
        for folder in BY_JOB {
            paths.extend(evidence::newest_records(&self.root, folder)?);
        }
        for path in paths {
            let Some(told) = load::<ToldRecord>(&self.root, &path)? else { continue };
            let by = self.root.display(&path);
            tellings.kinds = tellings.kinds.max(told.kinds);
            tellings.witnesses.extend(told.witness.map(|witness| (by.clone(), witness)));
            if let [folder, job, _] = path.split('/').collect::<Vec<_>>()[..]
                && BY_JOB.contains(&folder)
            {
                tellings.seen.entry(job.to_owned()).or_default().push((by, told.seen));
            }
        }
        if let Some((name, witness)) = segments::witness(&self.root)? {
            // What was carried over from an earlier state speaks of that one's ledger.
            let carried = matches!(self.ledger.first()?, Some(LedgerEntry { event: LedgerEvent::StateCreated { stored, .. }, .. })
                if stored.contains_key(&name.file()));
            tellings.witnesses.extend((!carried).then(|| (self.root.display(&name.path()), witness)));
        }
        Ok(tellings)
    }

    /// The stored requests, when they end before a segment that somebody has seen. They are listed last: what was told
    /// before is never newer.
    fn requests_behind(&self, tellings: &[(String, Witness)]) -> Result<Option<Behind>> {
        let known = (self.root.display("ledger"), self.ledger.segment()?);
        let names = segments::names(&self.root.list(segments::FOLDER)?)?;
        let names: Vec<segments::SegmentName> = names.into_iter().map(|(name, _)| name).collect();
        if let Some(missing) = segments::gap(&names) {
            let shown = format!("segment {missing} is missing, and a later one is there");
            return Ok(Some(self.behind("requests", shown)));
        }
        let last = segments::end(&names);
        let all = tellings.iter().map(|(by, witness)| (by, witness.segment)).chain([(&known.0, known.1)]);
        let newer = all.filter(|(_, segment)| *segment > last).max_by_key(|(_, segment)| *segment);
        Ok(newer.map(|(by, segment)| {
            self.behind("requests", format!("they end at segment {last}, and {by} knows of segment {segment}"))
        }))
    }

    /// The runs, when the one that the ledger saw begin last is not there as it was.
    fn runs_behind(&self) -> Result<Option<Behind>> {
        let Some(entry) = self.ledger.newest_intent()? else { return Ok(None) };
        let LedgerEvent::Intent { intent, .. } = &entry.event else { return Ok(None) };
        let path = evidence::intent_path(&entry.run);
        if self.root.get(&path)?.is_some_and(|bytes| evidence::digest(&bytes) == *intent) {
            return Ok(None);
        }
        let shown = format!("entry {} of the ledger names {}, which is not there", entry.seq, self.root.display(&path));
        Ok(Some(self.behind("runs", shown)))
    }

    /// A part of this state that is older.
    pub fn behind(&self, part: &str, shown: String) -> Behind {
        Behind { part: self.root.display(part), shown, renewable: None }
    }
}

/// A run as its folder is called.
struct Run<'a> {
    job: &'a str,
    /// The instant it was judged at, so written that a later one is greater.
    stamp: &'a str,
}

/// The run that a file below `runs/` is of.
fn run_of(path: &str) -> Option<Run<'_>> {
    let id = path.strip_prefix("runs/")?.split_once('/')?.0;
    let (rest, _) = id.rsplit_once('-')?;
    let rest = rest.strip_suffix("-sweep").or_else(|| rest.strip_suffix("-adopt")).unwrap_or(rest);
    let (job, stamp) = rest.rsplit_once('-')?;
    Some(Run { job, stamp: stamp.strip_suffix('z')? })
}

/// Intents and manifests of each job's newest runs: time does not go back for a dataset (R28), and what was written
/// last has seen most.
fn newest_runs(state: &Root) -> Result<BTreeSet<String>> {
    let mut newest: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    for object in state.list("runs")? {
        let name = object.path.rsplit('/').next().unwrap_or("");
        let Some(run) = run_of(&object.path).filter(|_| name == "intent.json" || name.starts_with("manifest")) else {
            continue;
        };
        let (stamp, paths) = newest.entry(run.job.to_owned()).or_default();
        if run.stamp > stamp.as_str() {
            (*stamp, *paths) = (run.stamp.to_owned(), BTreeSet::new());
        }
        if run.stamp == stamp.as_str() {
            paths.insert(object.path.clone());
        }
    }
    Ok(newest.into_values().flat_map(|(_, paths)| paths).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_known_by_its_folder() {
        let of = |path: &str| run_of(path).map(|run| (run.job.to_owned(), run.stamp.to_owned()));
        let told = |job: &str, stamp: &str| Some((job.to_owned(), stamp.to_owned()));
        assert_eq!(of("runs/crm-contacts-20261124t010000z-1/intent.json"), told("crm-contacts", "20261124t010000"));
        assert_eq!(of("runs/a-20261124t010000z-sweep-2/manifest.json"), told("a", "20261124t010000"));
        assert_eq!(of("runs/a-20261124t010000z-s/attempts/000001.json"), told("a", "20261124t010000"));
        for other in ["runs/x", "runs/a/intent.json", "datasets/a-20261124t010000z-1/intent.json"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
