//! Progress for a terminal: one bar for the stage at work, lines for notes. Quiet when piped.

use crate::monitor::{Event, Monitor, Silent};
use crate::plain::shown;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::{Arc, Mutex};

/// Returns who shows what goes on; nobody where the answer is for a program.
pub(super) fn monitor(quiet: bool) -> Arc<dyn Monitor> {
    if quiet { Arc::new(Silent) } else { Arc::new(Terminal::new()) }
}

/// Draws on standard error.
pub struct Terminal {
    bar: Mutex<ProgressBar>,
    drawn: bool,
}

impl Terminal {
    /// Bars only when standard error is a terminal; warnings always.
    pub fn new() -> Terminal {
        Terminal { bar: Mutex::new(ProgressBar::hidden()), drawn: std::io::stderr().is_terminal() }
    }

    fn stage(&self, name: &'static str, total_bytes: Option<u64>) -> ProgressBar {
        if !self.drawn {
            return ProgressBar::hidden();
        }
        let (bar, template) = match total_bytes {
            Some(total) => (ProgressBar::new(total), "{msg:>10} {wide_bar} {bytes}/{total_bytes} {eta}"),
            None => (ProgressBar::new_spinner(), "{msg:>10} {spinner} {elapsed}"),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(name);
        bar
    }
}

impl Monitor for Terminal {
    fn event(&self, event: Event) {
        let Ok(mut bar) = self.bar.lock() else { return };
        match event {
            Event::Stage { name, total_bytes } => {
                bar.finish_and_clear();
                *bar = self.stage(name, total_bytes);
            }
            Event::Advance { bytes } => bar.inc(bytes),
            Event::Warning(text) => bar.suspend(|| line(&format!("warning: {text}"))),
            Event::Note(text) if self.drawn => bar.suspend(|| line(&text)),
            Event::Note(_) => {}
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Ok(bar) = self.bar.lock() {
            bar.finish_and_clear();
        }
    }
}

fn line(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{}", shown(text));
}
