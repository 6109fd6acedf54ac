//! What a job tells, with its name before it: several jobs may talk at once.

use crate::error::Result;
use crate::monitor::{Event, Monitor};

/// Puts the job's name before warnings and notes, and keeps stages and bytes to itself.
pub struct NamedMonitor<'a> {
    /// Name of the job that is at work.
    pub job: &'a str,
    /// The monitor that hears of it, with the job's name before each line.
    pub monitor: &'a dyn Monitor,
}

impl Monitor for NamedMonitor<'_> {
    fn event(&self, event: Event) {
        match event {
            Event::Warning(text) => self.monitor.event(Event::Warning(format!("{}: {text}", self.job))),
            Event::Note(text) => self.monitor.event(Event::Note(format!("{}: {text}", self.job))),
            Event::Stage { .. } | Event::Advance { .. } => {}
        }
    }

    fn proceed(&self) -> Result<()> {
        self.monitor.proceed()
    }
}
