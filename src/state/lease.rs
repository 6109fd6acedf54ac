//! Who is at work on a job: `leases/<job>/<generation>.json`, create-only, the newest counts until it ends by itself.
//! Whoever is about to commit renews it first, so a process that slept finds that somebody else came. Must not know raw
//! values.

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
    /// A storage error when the store is away.
    pub fn claim(&self, job: &str, who: &Claimant, nonce: &str, now: Instant, micros: i64) -> Result<Claim> {
        let (mut last, mut seen) = (0, None);
        if let Some((number, mut generation)) = newest(&self.root, job)? {
            (last, seen) = (number, generation.witness.take());
            if let Some(theirs) = held(generation, now).filter(|theirs| !theirs.has_ended(who)) {
                return Ok(Claim::Theirs(theirs));
            }
        }
        // With a clock that is behind the ledger nothing will rest on this lease.
        let witness = match self.check_clock(now) {
            Ok(()) => Some(Witness::latest(seen, self.witness()?)),
            Err(_) => seen,
        };
        let (root, job, nonce) = (self.root.clone(), job.to_owned(), nonce.to_owned());
        let mut lease = Lease { root, job, who: who.clone(), nonce, generation: last, micros, until: now, witness };
        if lease.renew(now)? {
            return Ok(Claim::Ours(Box::new(lease)));
        }
        let theirs = newest(&self.root, &lease.job)?.and_then(|(_, generation)| held(generation, now));
        let somebody = Holder { holder: "another process".into(), until: now, process: None };
        Ok(Claim::Theirs(theirs.unwrap_or(somebody)))
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

    /// Gives it back.
    ///
    /// # Errors
    /// A storage error; it then ends by itself.
    pub fn free(&mut self, now: Instant) -> Result<()> {
        self.write(now, now, true).map(|_| ())
    }

    fn write(&mut self, at: Instant, until: Instant, freed: bool) -> Result<bool> {
        let (holder, nonce) = (self.who.name.clone(), self.nonce.clone());
        let (process, witness) = (self.who.process.clone(), self.witness.clone());
        let generation = Generation { format: FORMAT, holder, at, until, freed, process, nonce, witness };
        let bytes = evidence::record(&generation)?;
        while self.root.create(&self.path(self.generation + 1), bytes.clone())? == Created::Exists {
            // An answer may have been lost: then it is ours.
            let there = load::<Generation>(&self.root, &self.path(self.generation + 1))?;
            if there.is_none_or(|there| there.nonce != self.nonce) {
                return Ok(false);
            }
            self.generation += 1;
        }
        let next = self.generation + 1;
        // Old generations are deleted, so the number after ours may be free though others came and went.
        if numbers(&self.root, &self.job)?.into_iter().any(|number| number > next) {
            self.root.delete(&self.path(next))?;
            return Ok(false);
        }
        (self.generation, self.until) = (next, until);
        if let Some(old) = next.checked_sub(OLD + 1).filter(|old| *old > 0) {
            self.root.delete(&self.path(old))?;
        }
        Ok(true)
    }

    fn path(&self, generation: u64) -> String {
        path(&self.job, generation)
    }
}

fn held(generation: Generation, now: Instant) -> Option<Holder> {
    let held = !generation.freed && now < generation.until;
    held.then_some(Holder { holder: generation.holder, until: generation.until, process: generation.process })
}

fn newest(root: &Root, job: &str) -> Result<Option<(u64, Generation)>> {
    let Some(newest) = numbers(root, job)?.into_iter().max() else { return Ok(None) };
    Ok(load::<Generation>(root, &path(job, newest))?.map(|generation| (newest, generation)))
}

fn numbers(root: &Root, job: &str) -> Result<Vec<u64>> {
    let number = |path: &str| path.rsplit('/').next()?.strip_suffix(".json")?.parse::<u64>().ok();
    Ok(root.list(&format!("leases/{job}"))?.iter().filter_map(|object| number(&object.path)).collect())
}

fn path(job: &str, generation: u64) -> String {
    format!("leases/{job}/{generation:012}.json")
}
