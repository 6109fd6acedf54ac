//! The process that calls, and its hold on a job: what tells it, after it slept, that it did.

use super::kept_requests::KeptRequests;
use crate::clock::{self, Clock, Fixed, Instant, Period};
use crate::error::{Code, Error, Result};
use crate::state::{Claimant, Lease};
use jiff::tz::TimeZone;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How long a lease lasts without renewal: what a crash can delay the next attempt by.
pub(crate) const LEASE_MICROS: i64 = 120_000_000;

/// The process that calls.
#[derive(Clone)]
pub struct Caller {
    /// The present, whenever it is asked.
    pub clock: Arc<dyn Clock>,
    /// As leases name it.
    pub who: Claimant,
    /// Whether it waits for a lease whose holder may be dead.
    pub waits: bool,
    /// Its hold on the job of the call; none for what only reads.
    pub hold: Option<Arc<Hold>>,
    /// Requests that it has read for another dataset.
    pub kept: KeptRequests,
}

impl Caller {
    /// One for which time stands still at `now`.
    pub fn at(now: Instant) -> Caller {
        let (clock, who) = (Arc::new(Fixed(now)), Claimant::named("tamis"));
        Caller { clock, who, waits: false, hold: None, kept: KeptRequests::default() }
    }

    /// Whether nobody else was at work on the job, as far as there is a hold on it.
    ///
    /// # Errors
    /// A storage error (try again) when somebody was, or the store is away.
    pub fn check_hold(&self) -> Result<()> {
        self.hold.as_ref().map_or(Ok(()), |hold| hold.check())
    }

    /// What to say when `error` stopped the work: that somebody else was at work explains whatever went wrong, unless a
    /// version was or may have been published before.
    pub fn explained(&self, error: Error) -> Error {
        let before = error.published().is_none() && !error.kind().leaves_open();
        let lost = |hold: &Arc<Hold>| hold.renew().is_ok_and(|ours| !ours);
        if before && self.hold.as_ref().is_some_and(lost) { lost_hold() } else { error }
    }

    /// Whether somebody else was found to be at work.
    pub fn is_lost(&self) -> bool {
        self.hold.as_ref().is_some_and(|hold| hold.lost.load(Ordering::SeqCst))
    }

    /// Whether files of an attempt that began at `began` are still safe from sweeps.
    ///
    /// # Errors
    /// A storage error (try again) when they are not.
    pub fn check_age(&self, began: Instant) -> Result<()> {
        let (now, safe) = (self.clock.now(), safe_until(began));
        if now < safe {
            return Ok(());
        }
        Err(Error::new(Code::LeaseLost, format!(
            "it began at {began} and came to its commit at {now}: a sweep may have removed its files by then, so nothing \
             was published"
        ))
        .help("start it again; a process that was suspended for that long, or takes that long, cannot publish"))
    }
}

fn lost_hold() -> Error {
    Error::new(
        Code::LeaseLost,
        "another process was at work on this job meanwhile: this one was suspended for too long",
    )
    .help("nothing of this one was published; start it again: it continues from what the other one left")
}

/// A lease while its holder works.
pub struct Hold {
    lease: Mutex<Lease>,
    clock: Arc<dyn Clock>,
    lost: AtomicBool,
    broken: AtomicBool,
}

impl Hold {
    pub(super) fn new(lease: Lease, clock: Arc<dyn Clock>) -> Hold {
        Hold { lease: Mutex::new(lease), clock, lost: AtomicBool::new(false), broken: AtomicBool::new(false) }
    }

    /// Renews the lease. False when somebody else has it, or has had it since.
    ///
    /// # Errors
    /// A storage error when the store is away.
    pub fn renew(&self) -> Result<bool> {
        let mut lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        self.broken.fetch_or(now >= lease.until(), Ordering::SeqCst);
        let ours = !self.lost.load(Ordering::SeqCst) && lease.renew(now)?;
        self.lost.fetch_or(!ours, Ordering::SeqCst);
        Ok(ours)
    }

    fn check(&self) -> Result<()> {
        if self.renew()? { Ok(()) } else { Err(lost_hold()) }
    }

    /// Whether the lease has run out at any time: what was read at the beginning may be old then.
    pub fn is_broken(&self) -> bool {
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        self.broken.load(Ordering::SeqCst) || self.clock.now() >= lease.until()
    }

    pub(super) fn free(&self) {
        let mut lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.lost.load(Ordering::SeqCst) {
            // It ends by itself when this fails.
            let _ = lease.free(self.clock.now());
        }
    }
}

/// An attempt may be under way for so long, whatever `grace` says: its files are nobody's only after that.
pub(crate) const ATTEMPT: Period = Period { months: 0, days: 1, seconds: 0 };

/// How long before that it must have come to its commit: clocks differ, and a commit takes its time.
const MARGIN: i64 = 3_600_000_000;

/// Until when an attempt that began at `began` may commit what it wrote.
pub fn safe_until(began: Instant) -> Instant {
    Instant(clock::add(began, &ATTEMPT, &TimeZone::UTC).0.saturating_sub(MARGIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_so_long_that_sweeps_may_have_removed_its_files_is_lost() {
        let (began, caller) = (Instant(0), Caller::at(Instant(i64::MAX / 2)));
        assert_eq!(caller.check_age(began).err().map(|error| error.code()), Some(Code::LeaseLost));
        assert!(Caller::at(began).check_age(began).is_ok());
    }
}
