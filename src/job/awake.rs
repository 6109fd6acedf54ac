//! Ends removal for good when the process has slept: a legal hold may have come meanwhile (R34).

use super::caller::{Caller, LEASE_MICROS};
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::monitor::{Event, Monitor};
use std::sync::Mutex;

/// Passes on what is told, and ends the work after a sleep.
pub struct Awake<'a> {
    caller: &'a Caller,
    monitor: &'a dyn Monitor,
    /// When it was last asked.
    last: Mutex<Instant>,
}

impl<'a> Awake<'a> {
    /// For the caller, whose hold tells what was before.
    pub fn new(caller: &'a Caller, monitor: &'a dyn Monitor) -> Awake<'a> {
        Awake { caller, monitor, last: Mutex::new(caller.clock.now()) }
    }

    fn slept(&self) -> bool {
        let now = self.caller.clock.now();
        let last = self.last.lock().map(|mut last| std::mem::replace(&mut *last, now));
        let still = last.is_ok_and(|last| now.0.saturating_sub(last.0) >= LEASE_MICROS);
        still || self.caller.hold.as_ref().is_some_and(|hold| hold.is_broken())
    }
}

impl Monitor for Awake<'_> {
    fn event(&self, event: Event) {
        self.monitor.event(event);
    }

    fn proceed(&self) -> Result<()> {
        if self.slept() {
            let still = "this process was suspended for too long: what it knows of legal holds is old, so nothing more is deleted";
            return Err(Error::new(Code::LeaseLost, still).help("start it again"));
        }
        self.monitor.proceed()
    }
}
