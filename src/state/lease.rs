//! Who is running a job: `leases/<job>/<generation>.json`, create-only, the newest counts until it ends by itself.
//! A courtesy that saves double work: correctness rests on intents and commits. Must not know raw values.

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
    witness: Option<Witness>,
}

/// A lease that is ours.
pub struct Lease {
    root: Root,
    job: String,
    holder: String,
    generation: u64,
    micros: i64,
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

    /// Claims a job for `micros`. `holder` must be a name that no other process has.
    ///
    /// # Errors
    /// A storage error when the store is away.
    pub fn claim(&self, job: &str, holder: &str, now: Instant, micros: i64) -> Result<Claim> {
        let (mut last, mut seen) = (0, None);
        if let Some((number, mut generation)) = newest(&self.root, job)? {
            (last, seen) = (number, generation.witness.take());
            if let Some(theirs) = held(generation, now) {
                return Ok(Claim::Theirs(theirs));
            }
        }
        // With a clock that is behind the ledger nothing will rest on this lease.
        let witness = match self.check_clock(now) {
            Ok(()) => Some(Witness::latest(seen, self.witness()?)),
            Err(_) => seen,
        };
        let (root, job, holder) = (self.root.clone(), job.to_owned(), holder.to_owned());
        let mut lease = Lease { root, job, holder, generation: last, micros, witness };
        if lease.renew(now)? {
            return Ok(Claim::Ours(Box::new(lease)));
        }
        let theirs = newest(&self.root, &lease.job)?.and_then(|(_, generation)| held(generation, now));
        Ok(Claim::Theirs(theirs.unwrap_or(Holder { holder: "another process".into(), until: now })))
    }
}

impl Lease {
    /// Holds it for another while. False when somebody else has it now.
    ///
    /// # Errors
    /// A storage error when the store is away.
    pub fn renew(&mut self, now: Instant) -> Result<bool> {
        self.write(now, Instant(now.0.saturating_add(self.micros)), false)
    }

    /// Gives it back.
    ///
    /// # Errors
    /// A storage error; it then ends by itself.
    pub fn free(mut self, now: Instant) -> Result<()> {
        self.write(now, now, true).map(|_| ())
    }

    fn write(&mut self, at: Instant, until: Instant, freed: bool) -> Result<bool> {
        let next = self.generation + 1;
        let (holder, witness) = (self.holder.clone(), self.witness.clone());
        let generation = Generation { format: FORMAT, holder, at, until, freed, witness };
        if self.root.create(&path(&self.job, next), evidence::json(&generation)?)? == Created::Exists {
            return Ok(false);
        }
        self.generation = next;
        if let Some(old) = next.checked_sub(OLD + 1).filter(|old| *old > 0) {
            self.root.delete(&path(&self.job, old))?;
        }
        Ok(true)
    }
}

fn held(generation: Generation, now: Instant) -> Option<Holder> {
    let held = !generation.freed && now < generation.until;
    held.then_some(Holder { holder: generation.holder, until: generation.until })
}

fn newest(root: &Root, job: &str) -> Result<Option<(u64, Generation)>> {
    let number = |path: &str| path.rsplit('/').next()?.strip_suffix(".json")?.parse::<u64>().ok();
    let numbers = root.list(&format!("leases/{job}"))?;
    let Some(newest) = numbers.iter().filter_map(|object| number(&object.path)).max() else { return Ok(None) };
    Ok(load::<Generation>(root, &path(job, newest))?.map(|generation| (newest, generation)))
}

fn path(job: &str, generation: u64) -> String {
    format!("leases/{job}/{generation:012}.json")
}
