//! One process at a time on a job: its lease is claimed, renewed while the work lasts, and freed. The same for runs and
//! sweeps by hand, by `run --due` and by the daemon.

use super::caller::{Caller, Hold, LEASE_MICROS};
use super::prepare::{Call, Ready};
use super::stop::Stop;
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::key;
use crate::monitor::{Event, Monitor};
use crate::state::{Claim, Holder, Lease, State};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

const RENEW_EVERY: Duration = Duration::from_secs(40);
/// Between two looks at a lease that somebody waits for, and the most of them.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LOOKS: usize = 130;

/// What came of work that one process at a time may do.
pub enum Alone<T> {
    /// The work is done, with what came of it.
    Done(T),
    /// Somebody else is at work.
    Elsewhere(Holder),
}

/// Does the work of a call while nobody else works on its job. The work gets the call with the present, its hold, and a
/// stop that is asked when the lease is lost.
///
/// # Errors
/// Storage errors of the lease; those of the work.
pub fn held<T>(
    call: &Call,
    state: &State,
    monitor: &dyn Monitor,
    work: impl FnOnce(&Call) -> Result<T>,
) -> Result<Alone<T>> {
    let seeker = Seeker { job: &call.job, caller: &call.caller, stop: &call.stop };
    seeker.held(state, monitor, |Seat { now, caller, stop }| work(&Call { now, stop, caller, ..call.clone() }))
}

/// Whoever seeks the lease of a job.
pub(crate) struct Seeker<'a> {
    /// Name of the job that is to be held.
    pub(crate) job: &'a str,
    /// The process that wants to hold it.
    pub(crate) caller: &'a Caller,
    /// Ends its work early.
    pub(crate) stop: &'a Stop,
}

/// What the holder of a lease works by.
pub(crate) struct Seat {
    /// The present, once the lease was claimed.
    pub(crate) now: Instant,
    /// The process, with its hold.
    pub(crate) caller: Caller,
    /// Asked when the lease is lost.
    pub(crate) stop: Stop,
}

/// As [`held`], for what a person has asked for: that somebody else is at work is an error.
///
/// # Errors
/// As [`held`]; a storage error that names the holder.
pub(crate) fn alone<T>(ready: &Ready, monitor: &dyn Monitor, work: impl FnOnce(&Call) -> Result<T>) -> Result<T> {
    let call = Call { project: Some(ready.project.clone()), ..ready.call.clone() };
    held(&call, &ready.state, monitor, work)?.or_elsewhere(&call.job)
}

impl<T> Alone<T> {
    /// # Errors
    /// A storage error that names the holder, when somebody else is at work on `job`.
    pub(crate) fn or_elsewhere(self, job: &str) -> Result<T> {
        match self {
            Alone::Done(done) => Ok(done),
            Alone::Elsewhere(theirs) => Err(elsewhere(job, &theirs)),
        }
    }
}

fn elsewhere(job: &str, theirs: &Holder) -> Error {
    let Holder { holder, until, .. } = theirs;
    Error::new(
        Code::LeaseHeld,
        format!("{holder} is at work on job {job}; its lease lasts until {until} and is renewed meanwhile"),
    )
    .help(
        "nothing was begun. Wait until that process is done, then start this again; when it is dead, its lease ends \
             by itself at that time",
    )
}

impl Seeker<'_> {
    /// Does the work while nobody else works on the job.
    ///
    /// # Errors
    /// Storage errors of the lease; those of the work.
    pub(crate) fn held<T>(
        &self,
        state: &State,
        monitor: &dyn Monitor,
        work: impl FnOnce(Seat) -> Result<T>,
    ) -> Result<Alone<T>> {
        match self.claim(state, monitor)? {
            Claim::Ours(lease) => self.under(*lease, work).map(Alone::Done),
            Claim::Theirs(theirs) => Ok(Alone::Elsewhere(theirs)),
        }
    }

    fn under<T>(&self, lease: Lease, work: impl FnOnce(Seat) -> Result<T>) -> Result<T> {
        let clock = self.caller.clock.clone();
        let hold = Arc::new(Hold::new(lease, clock.clone()));
        let stop = self.stop.below();
        let caller = Caller { hold: Some(hold.clone()), ..self.caller.clone() };
        let seat = Seat { now: clock.now(), caller, stop: stop.clone() };
        std::thread::scope(|scope| {
            let (over, ended) = mpsc::channel::<()>();
            scope.spawn(move || keep(&hold, &ended, &stop));
            let done = work(seat);
            drop(over);
            done
        })
    }

    /// Claims the lease. Who waits does so until it has been renewed, for then its holder lives, or has ended.
    fn claim(&self, state: &State, monitor: &dyn Monitor) -> Result<Claim> {
        let Caller { clock, who, waits, .. } = self.caller;
        let nonce = key::nonce()?;
        let mut first: Option<Holder> = None;
        for _ in 0..LOOKS {
            let theirs = match state.claim(self.job, who, &nonce, clock.now(), LEASE_MICROS)? {
                Claim::Theirs(theirs) => theirs,
                ours => return Ok(ours),
            };
            let renewed = first.as_ref().is_some_and(|first| *first != theirs);
            if !waits || renewed || theirs.is_alive(who) {
                return Ok(Claim::Theirs(theirs));
            }
            if first.is_none() {
                let Holder { holder, until, .. } = &theirs;
                let text = format!("{holder} holds job {} until {until}, or is dead: waiting for its lease", self.job);
                monitor.event(Event::Note(text));
            }
            first = Some(theirs);
            self.stop.check()?;
            std::thread::sleep(LOOK_EVERY);
        }
        state.claim(self.job, who, &nonce, clock.now(), LEASE_MICROS)
    }
}

/// Renews the lease until the work has ended. Whoever has lost it stops: somebody else is at work.
fn keep(hold: &Hold, ended: &Receiver<()>, stop: &Stop) {
    while ended.recv_timeout(RENEW_EVERY) == Err(RecvTimeoutError::Timeout) {
        if hold.renew().is_ok_and(|ours| !ours) {
            return stop.ask();
        }
    }
    hold.free();
}
