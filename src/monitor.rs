//! How the library speaks: it reports events to one monitor and prints nothing.
//! Must not know who listens (terminal, JSON, test, nobody), nor any stage.

use crate::error::Result;

/// What a run tells while it works. Carries counts and names, never values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A stage begins; `total_bytes` when its length is known.
    Stage {
        /// Noun of design section 3: read, decide, publish …
        name: &'static str,
        /// Bytes the stage will go through.
        total_bytes: Option<u64>,
    },
    /// The current stage went on by so many bytes of its input.
    Advance {
        /// Bytes since the last event.
        bytes: u64,
    },
    /// Something an operator should read though the run goes on.
    Warning(String),
    /// Something worth a line.
    Note(String),
}

/// Receives events from any thread.
pub trait Monitor: Sync + Send {
    /// Takes one event; must not block for long.
    fn event(&self, event: Event);

    /// Whether to go on: asked between blocks, buckets and files, where nothing is half done.
    ///
    /// # Errors
    /// Why the work is to end here.
    fn proceed(&self) -> Result<()> {
        Ok(())
    }
}

/// Listens to nothing and never asks to stop.
pub struct Silent;

impl Monitor for Silent {
    fn event(&self, _: Event) {}
}

/// Keeps everything, for tests.
#[derive(Default)]
pub struct Recorder(std::sync::Mutex<Vec<Event>>);

impl Recorder {
    /// All events so far.
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().map(|e| e.clone()).unwrap_or_default()
    }
}

impl Monitor for Recorder {
    fn event(&self, event: Event) {
        if let Ok(mut events) = self.0.lock() {
            events.push(event);
        }
    }
}

/// Lets the work go on so many times; for tests.
#[cfg(test)]
pub(crate) struct Patience(std::sync::atomic::AtomicI64);

#[cfg(test)]
impl Patience {
    pub(crate) fn of(times: i64) -> Patience {
        Patience(std::sync::atomic::AtomicI64::new(times))
    }
}

#[cfg(test)]
impl Monitor for Patience {
    fn event(&self, _: Event) {}
    fn proceed(&self) -> Result<()> {
        let left = self.0.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
        if left > 0 { Ok(()) } else { Err(crate::error::Error::new(crate::error::Code::Brake, "enough")) }
    }
}
