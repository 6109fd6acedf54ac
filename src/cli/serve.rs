//! `serve`: the daemon with signals, log lines and an exit code.

use super::args::ServeArgs;
use super::settings::Settings;
use super::signals::on_signal;
use crate::clock::{Clock, Instant, System};
use crate::daemon::{Daemon, Host, Service};
use crate::error::{Code, Error, Result};
use crate::monitor::{Event, Monitor};
use crate::plain::shown;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

/// Serves until a signal ends it.
///
/// # Errors
/// Policy errors of specs and settings; storage, when runs had to be left unfinished.
pub fn serve(settings: &Settings, args: &ServeArgs, host: Host, json: bool) -> Result<String> {
    let service = Service {
        host,
        beat: args.beat,
        parallel: usize::from(args.parallel),
        grace: Duration::from_secs(args.grace),
        listen: if args.no_listen { None } else { Some(args.listen) },
    };
    let (daemon, control) = Daemon::new(service)?;
    on_signal(&settings.runtime, move || control.terminate())?;
    let log = Arc::new(Log { json });
    let page = daemon.address.map_or(String::new(), |at| format!(", health at http://{at}/healthz"));
    log.event(Event::Note(format!("serving {}{page}", settings.dir.display())));
    match daemon.run(log.clone())? {
        true => {
            log.event(Event::Note("ended".into()));
            Ok(String::new())
        }
        false => Err(Error::new(Code::Stopped, "ended with runs unfinished").help("the next start resumes them")),
    }
}

/// One line per event on standard error, with the time.
pub struct Log {
    /// Events are written as JSON, a line each.
    pub json: bool,
}

impl Monitor for Log {
    fn event(&self, event: Event) {
        let (level, text) = match event {
            Event::Warning(text) => ("warning", text),
            Event::Note(text) => ("note", text),
            Event::Stage { .. } | Event::Advance { .. } => return,
        };
        let now = System.now();
        let at = Instant(now.0 - now.0.rem_euclid(1_000_000));
        let line = match self.json {
            true => serde_json::json!({ "schema": "tamis-log/1", "at": at, "level": level, "text": text }).to_string(),
            false => format!("{at} {level}: {}", shown(&text)),
        };
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}
