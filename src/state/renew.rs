//! New records in place of those of a job that were seen and are gone: its leases, schedule records, sweep records and
//! acceptances. Must not know why somebody wants that: the ledger has the reason.

use super::State;
use super::seen::{self, FewerRecords, LostRecord, NumberedFolder, SeenRecords};
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::{LedgerEvent, RunRef};
use std::collections::BTreeSet;

/// An order to go on without lost records.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// Name of the job that they are of.
    pub job: String,
    /// Why; goes to the ledger.
    pub reason: String,
    /// Who, when the operator wants it said.
    pub by: Option<String>,
}

impl State {
    /// Writes new records with numbers after those that were seen. What they say is what is left: the job runs, or is swept,
    /// once more, and what was accepted has to be accepted again. Returns the folders that lacked something.
    ///
    /// # Errors
    /// Evidence, when another part is older; a policy error when nothing is lost; a storage error when somebody is at work.
    pub fn renew(&self, renewal: &Renewal, now: Instant) -> Result<BTreeSet<String>> {
        let job = renewal.job.as_str();
        let mut older = self.records_lost()?.into_iter().chain(self.compare()?);
        if let Some(behind) = older.find(|behind| behind.renewable.is_none()) {
            return Err(behind.error());
        }
        let told = self.told_of(job)?;
        let fewer = seen::fewer(&self.root, job, &told)?;
        let folders: BTreeSet<String> = fewer.iter().map(|fewer| fewer.folder.clone()).collect();
        if folders.is_empty() {
            return Err(Error::new(Code::ArgumentWrong, format!("no record of job {job} is known to be lost"))
                .help("look at what `tamis verify` says; this command makes up for lost records of a job only"));
        }
        if let Some(holder) = self.holder(job, now)? {
            let until = holder.until;
            return Err(Error::new(Code::LeaseHeld, format!("{} is at work on job {job}", holder.holder)).help(
                format!("wait until that process is done, or until its lease ends at {until}; then call this again"),
            ));
        }
        self.note_renewal(renewal, &folders, now)?;
        let known = told.into_iter().fold(SeenRecords::default(), |known, (_, seen)| known.and(seen));
        for FewerRecords { lost, .. } in fewer {
            match lost {
                LostRecord::Newest(NumberedFolder::Leases, last) => self.renew_lease(job, last, known.clone(), now)?,
                LostRecord::Newest(NumberedFolder::Schedules, last) => self.renew_schedule(job, last, known.clone())?,
                LostRecord::Newest(NumberedFolder::Sweeps, last) => self.renew_sweep(job, last, known.clone())?,
                LostRecord::Accept(name) => self.use_up_accepts(job, &name, now)?,
            }
        }
        Ok(folders)
    }

    fn note_renewal(&self, renewal: &Renewal, folders: &BTreeSet<String>, now: Instant) -> Result<()> {
        let Renewal { job, reason, by } = renewal.clone();
        let run = format!("renew-{job}-{}", now.0);
        let event = LedgerEvent::Renewed { job, folders: folders.clone(), reason, by };
        self.ledger.append(RunRef { run: &run, attempt: 1, since: now }, event, now).map(|_| ())
    }
}
