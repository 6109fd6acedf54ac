//! One look-up of a dataset for everybody: by its table, whatever its job is called now. A job that was renamed goes on
//! with what is known under its earlier names. Must not know specs: who asks says which jobs still serve a table.

use super::seen::SeenRecords;
use super::{Dataset, RefusedRun, Scheduled, State, SweepRecord};
use crate::clock::Instant;
use crate::error::Result;
use std::collections::BTreeMap;

impl State {
    /// Earlier names of a job: those that have a record of the same `output` and that no job `serves` any more.
    ///
    /// # Errors
    /// Storage and evidence errors.
    pub fn earlier_names(&self, job: &str, output: &str, serves: &dyn Fn(&str) -> bool) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for name in self.jobs()?.into_iter().filter(|name| name != job && !serves(name)) {
            if self.dataset(&name)?.is_some_and(|found| found.dataset == output) {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// The newest record of a job's dataset, its `earlier` names included. Saving it writes the job's own next record.
    ///
    /// # Errors
    /// Storage and evidence errors.
    pub fn dataset_under(&self, job: &str, earlier: &[String]) -> Result<Option<Dataset>> {
        let own = self.dataset(job)?;
        let seq = own.as_ref().map_or(0, |own| own.seq);
        let mut newest = own;
        for name in earlier {
            let found = self.dataset(name)?;
            newest = newest.into_iter().chain(found).max_by_key(age);
        }
        Ok(newest.map(|mut found| {
            if found.job != job {
                (found.job, found.seq, found.moves) = (job.into(), seq, found.moves + 1);
                found.seen = SeenRecords::default();
            }
            found
        }))
    }

    /// The newest record of each table, by `ROOT:path`, under whatever name.
    ///
    /// # Errors
    /// Storage and evidence errors.
    pub fn tables(&self) -> Result<BTreeMap<String, Dataset>> {
        let mut tables: BTreeMap<String, Dataset> = BTreeMap::new();
        for name in self.jobs()? {
            let Some(found) = self.dataset(&name)? else { continue };
            let newer = tables.get(&found.dataset).is_none_or(|known| age(known) < age(&found));
            if newer {
                tables.insert(found.dataset.clone(), found);
            }
        }
        Ok(tables)
    }

    /// What has become of a job's scheduled instants, also under its `earlier` names.
    ///
    /// # Errors
    /// Storage and evidence errors.
    pub fn scheduled_under(&self, job: &str, earlier: &[String]) -> Result<Scheduled> {
        let mut all = self.scheduled(job)?;
        for name in earlier {
            let found = self.scheduled(name)?;
            let at = |refusal: &Option<RefusedRun>| refusal.as_ref().map(|refusal| refusal.at);
            if at(&found.refusal) > at(&all.refusal) {
                all.refusal = found.refusal;
            }
            all.settled = all.settled.max(found.settled);
            all.published = all.published.max(found.published);
        }
        let published = all.published;
        all.refusal = all.refusal.filter(|refusal| published.is_none_or(|published| refusal.due > published));
        Ok(all)
    }

    /// The last sweep of a job's dataset, also under its `earlier` names.
    ///
    /// # Errors
    /// Storage and evidence errors.
    pub fn sweeps_under(&self, job: &str, earlier: &[String]) -> Result<SweepRecord> {
        let mut newest = self.sweeps(job)?;
        let at = |record: &SweepRecord| record.at.max(record.refusal.as_ref().map(|refusal| refusal.at));
        for name in earlier {
            let found = self.sweeps(name)?;
            if at(&found) > at(&newest) {
                newest = found;
            }
        }
        Ok(newest)
    }
}

/// Of two records of one table the one with the greater of these is newer. Records of a version of tamis that did not
/// count moves are told apart by their instants.
fn age(record: &Dataset) -> (u32, Option<Instant>, Option<u64>, Option<Instant>) {
    let version = record.current.as_ref().map(|current| current.version);
    (record.moves, record.last_as_of, version, record.applied)
}
