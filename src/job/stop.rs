//! Ends a run early where nothing is half done: asked for, or at the end of its time. Looked at between stages, blocks
//! of an export, buckets and files, for the last time before the commit.

use crate::clock::{Clock, Instant};
use crate::error::{Code, Error, Result};
use crate::monitor::{Event, Monitor};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a run should end. Copies share it.
#[derive(Clone, Default)]
pub struct Stop {
    asked: Arc<AtomicBool>,
    above: Vec<Arc<AtomicBool>>,
    until: Option<(Arc<dyn Clock>, Instant)>,
}

impl Stop {
    /// One that may be asked by itself, and ends when this one does.
    pub fn below(&self) -> Stop {
        let above = self.above.iter().chain([&self.asked]).cloned().collect();
        Stop { above, asked: Arc::default(), until: self.until.clone() }
    }

    /// The same, and also from an instant on.
    pub fn until(self, clock: Arc<dyn Clock>, end: Instant) -> Stop {
        Stop { until: Some((clock, end)), ..self }
    }

    /// The same without an end of its time: for what a run owes once its time is over.
    pub fn without_time(&self) -> Stop {
        Stop { until: None, ..self.clone() }
    }

    /// Asks all work to stop before its commit.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has asked.
    pub fn asked(&self) -> bool {
        self.above.iter().chain([&self.asked]).any(|asked| asked.load(Ordering::Relaxed))
    }

    /// To be called where a run may end.
    ///
    /// # Errors
    /// A storage error (try again) when asked, a gate error at the end of its time.
    pub fn check(&self) -> Result<()> {
        if self.asked() {
            return Err(Error::new(Code::Stopped, "stopped before the commit: nothing was published")
                .help("run it again: it goes on as the same run"));
        }
        match &self.until {
            Some((clock, end)) if clock.now() >= *end => Err(Error::new(
                Code::OutOfTime,
                format!("not done by {end}, the end of its time; the version before is unchanged"),
            )
            .help("look for what was slow, or allow more: [schedule] timeout")),
            _ => Ok(()),
        }
    }
}

/// Passes on what is told, and ends the work when its stop does.
pub struct Watched<'a> {
    /// The monitor that hears of everything else.
    pub monitor: &'a dyn Monitor,
    /// Who may end it.
    pub stop: Stop,
}

impl Monitor for Watched<'_> {
    fn event(&self, event: Event) {
        self.monitor.event(event);
    }

    fn proceed(&self) -> Result<()> {
        self.stop.check().and_then(|()| self.monitor.proceed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Fixed;
    use crate::error::Code;

    #[test]
    fn a_stop_reaches_every_copy_and_a_time_ends_by_itself() {
        let stop = Stop::default();
        let copy = stop.clone().until(Arc::new(Fixed(Instant(5))), Instant(6));
        assert!(copy.check().is_ok());
        stop.ask();
        assert_eq!(copy.check().err().map(|e| e.code()), Some(Code::Stopped));
        let below = Stop::default();
        assert!(below.below().check().is_ok() && stop.below().check().is_err());
        below.below().ask();
        assert!(!below.asked(), "what is asked below stays below");
        assert!(stop.below().below().asked(), "however far below");
        let late = Stop::default().until(Arc::new(Fixed(Instant(6))), Instant(6));
        assert_eq!(late.check().err().map(|e| e.code()), Some(Code::OutOfTime));
        assert!(late.without_time().check().is_ok());
        late.ask();
        assert_eq!(late.without_time().check().err().map(|e| e.code()), Some(Code::Stopped));
    }
}
