//! Who is at work on a job: `leases/<job>/<generation>.json`, create-only, the newest counts until it ends by itself.
//! Whoever is about to commit renews it first, so a process that slept finds that somebody else came. Must not know raw
//! values.

use super::seen::{NumberedFolder, SeenRecords};
use super::{FORMAT, State, load};
use crate::clock::Instant;
use crate::error::Result;
use crate::evidence::{self, Witness};
use crate::store::{Created, Root};
use serde::{Deserialize, Serialize};

/// Generations kept behind the newest.
const OLD: u64 = 2;

#[derive(Serialize, Deserialize)]
struct Generation {
    format: u32,
    /// Which job and generation it is; an earlier tamis did not say.
    #[serde(default)]
    job: Option<String>,
    #[serde(default)]
    seq: Option<u64>,
    holder: String,
    at: Instant,
    until: Instant,
    freed: bool,
    #[serde(default)]
    process: Option<Process>,
    /// Tells two claims of one instant and name apart.
    #[serde(default)]
    nonce: String,
    #[serde(default)]
    witness: Option<Witness>,
    #[serde(default)]
    seen: SeenRecords,
}

/// A process, as the machine that it runs on can find it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// The machine since its last start, as far as processes see one another.
    pub machine: String,
    /// Number that the system gave the process.
    pub number: u32,
    /// When it began, by that machine's count: numbers are used again.
    pub began: u64,
}

/// The process that wants to hold a job.
#[derive(Clone, Debug)]
pub struct Claimant {
    /// What others are told.
    pub name: String,
    /// None where processes cannot be told apart.
    pub process: Option<Process>,
    /// Whether a process has ended; none for one of another machine.
    pub ended: fn(&Process) -> Option<bool>,
}

impl Claimant {
    /// One that is known by its name alone.
    pub fn named(name: &str) -> Claimant {
        Claimant { name: name.to_owned(), process: None, ended: |_| None }
    }
}

/// A lease that is ours.
pub struct Lease {
    root: Root,
    job: String,
    who: Claimant,
    nonce: String,
    generation: u64,
    micros: i64,
    until: Instant,
    /// What was there when it was claimed, or before.
    witness: Option<Witness>,
    seen: SeenRecords,
}

/// Who holds a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// As it called itself.
    pub holder: String,
    /// When its lease ends unless it is renewed.
    pub until: Instant,
    /// The process, where it said so.
    pub process: Option<Process>,
}

/// Outcome of a claim.
pub enum Claim {
    /// It is ours until it is freed or ends.
    Ours(Box<Lease>),
    /// Another process runs the job.
    Theirs(Holder),
}

impl State {
    /// Who holds the lease of a job.
    ///
    /// # Errors
    /// A storage error when the store is away.
    pub fn holder(&self, job: &str, now: Instant) -> Result<Option<Holder>> {
        Ok(newest(&self.root, job)?.and_then(|(_, generation)| held(generation, now)))
    }

    /// Claims a job for `micros`. `nonce` is random text. What a process of this machine held that has ended is free.
    ///
    /// # Errors
    /// A storage error when the store is away; evidence, when records of the job are older than others have seen them:
    /// nothing is added to these.
    pub fn claim(&self, job: &str, who: &Claimant, nonce: &str, now: Instant, micros: i64) -> Result<Claim> {
        let (mut last, mut witness, mut seen) = (0, None, SeenRecords::default());
        if let Some((number, mut generation)) = newest(&self.root, job)? {
            (last, witness) = (number, generation.witness.take());
            seen = std::mem::take(&mut generation.seen);
            if let Some(theirs) = held(generation, now).filter(|theirs| !theirs.has_ended(who)) {
                return Ok(Claim::Theirs(theirs));
            }
        }
        self.check_records(job)?;
        // With a clock that is behind the ledger nothing will rest on this lease.
        let witness = match self.check_clock(now) {
            Ok(()) => Some(Witness::latest(witness, self.witness()?)),
            Err(_) => witness,
        };
        let seen = seen.and(SeenRecords::of(&self.root, job)?);
        let (root, job, nonce) = (self.root.clone(), job.to_owned(), nonce.to_owned());
        let mut lease =
            Lease { root, job, who: who.clone(), nonce, generation: last, micros, until: now, witness, seen };
        if lease.renew(now)? {
            return Ok(Claim::Ours(Box::new(lease)));
        }
        let theirs = newest(&self.root, &lease.job)?.and_then(|(_, generation)| held(generation, now));
        let somebody = Holder { holder: "another process".into(), until: now, process: None };
        Ok(Claim::Theirs(theirs.unwrap_or(somebody)))
    }
}

impl State {
    /// Writes a generation after `last` that nobody holds, in place of lost ones.
    pub(super) fn renew_lease(&self, job: &str, last: u64, seen: SeenRecords, now: Instant) -> Result<()> {
        let witness = newest(&self.root, job)?.and_then(|(_, generation)| generation.witness);
        let who = Claimant::named("state renew");
        let (root, job, nonce) = (self.root.clone(), job.to_owned(), who.name.clone());
        Lease { root, job, who, nonce, generation: last, micros: 0, until: now, witness, seen }
            .write(now, now, true)?;
        Ok(())
    }
}

impl Holder {
    fn has_ended(&self, who: &Claimant) -> bool {
        self.process.as_ref().is_some_and(|process| (who.ended)(process) == Some(true))
    }

    /// Whether it runs on this machine.
    pub fn is_alive(&self, who: &Claimant) -> bool {
        self.process.as_ref().is_some_and(|process| (who.ended)(process) == Some(false))
    }
}

impl Lease {
    /// Holds it for another while. False when somebody else has it now, or had it since.
    ///
    /// # Errors
    /// A storage error when the store is away.
    pub fn renew(&mut self, now: Instant) -> Result<bool> {
        self.write(now, Instant(now.0.saturating_add(self.micros)), false)
    }

    /// When it ends unless it is renewed.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// Gives it back, and says what was written of the job meanwhile.
    ///
    /// # Errors
    /// A storage error; it then ends by itself.
    pub fn free(&mut self, now: Instant) -> Result<()> {
        let written = SeenRecords::of(&self.root, &self.job).unwrap_or_default();
        self.seen = std::mem::take(&mut self.seen).and(written);
        self.write(now, now, true).map(|_| ())
    }

    fn write(&mut self, at: Instant, until: Instant, freed: bool) -> Result<bool> {
        while self.root.create(&self.path(self.generation + 1), self.next(at, until, freed)?)? == Created::Exists {
            // An answer may have been lost: then it is ours.
            let there = load::<Generation>(&self.root, &self.path(self.generation + 1))?;
            if there.is_none_or(|there| there.nonce != self.nonce) {
                return Ok(false);
            }
            self.generation += 1;
        }
        let next = self.generation + 1;
        // Old generations are deleted, so the number after ours may be free though others came and went.
        if NumberedFolder::Leases.numbers(&self.root, &self.job)?.into_iter().any(|number| number > next) {
            self.root.delete(&self.path(next))?;
            return Ok(false);
        }
        (self.generation, self.until) = (next, until);
        if let Some(old) = next.checked_sub(OLD + 1).filter(|old| *old > 0) {
            self.root.delete(&self.path(old))?;
        }
        Ok(true)
    }

    /// Makes the generation after the newest one.
    fn next(&self, at: Instant, until: Instant, freed: bool) -> Result<Vec<u8>> {
        evidence::record(&Generation {
            format: FORMAT,
            job: Some(self.job.clone()),
            seq: Some(self.generation + 1),
            holder: self.who.name.clone(),
            at,
            until,
            freed,
            process: self.who.process.clone(),
            nonce: self.nonce.clone(),
            witness: self.witness.clone(),
            seen: self.seen.clone(),
        })
    }

    fn path(&self, generation: u64) -> String {
        NumberedFolder::Leases.path(&self.job, generation)
    }
}

fn held(generation: Generation, now: Instant) -> Option<Holder> {
    let held = !generation.freed && now < generation.until;
    held.then_some(Holder { holder: generation.holder, until: generation.until, process: generation.process })
}

fn newest(root: &Root, job: &str) -> Result<Option<(u64, Generation)>> {
    let Some(newest) = NumberedFolder::Leases.numbers(root, job)?.into_iter().max() else { return Ok(None) };
    Ok(load::<Generation>(root, &NumberedFolder::Leases.path(job, newest))?.map(|generation| (newest, generation)))
}
