//! tamis from Python. One function carries out a command in a thread of its own and answers with its JSON; the package
//! `tamis` around it gives that types. Nothing of tamis is written a second time here.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tamis::cli::embedded::{EmbeddedAnswer, answer};
use tamis::cli::shield;
use tamis::error::Result as TamisResult;
use tamis::job::Stop;
use tamis::monitor::{Event, Monitor};

/// How often Ctrl-C is looked for while tamis works.
const LOOK_MILLIS: u64 = 50;

/// What the working thread tells the one that Python called from.
enum Told {
    Event(Event),
    Done(Box<EmbeddedAnswer>),
}

/// Passes events to the thread that Python called from, and ends the work where Python asks for it.
struct Forward {
    told: Sender<Told>,
    stop: Stop,
}

impl Monitor for Forward {
    fn event(&self, event: Event) {
        // The other end goes only after the work has ended.
        let _ = self.told.send(Told::Event(event));
    }

    fn proceed(&self) -> TamisResult<()> {
        self.stop.check()
    }
}

/// Carries out a command, and returns its exit code, its answer and its error, both as JSON. `progress` is called
/// with a kind (`stage`, `advance`, `warning`, `note`), a text and a count of bytes. Python's lock is free while Rust works.
///
/// What Ctrl-C or `progress` raises ends the work before its commit, and is raised once the work has ended.
#[pyfunction]
#[pyo3(signature = (words, progress=None))]
fn carry_out(
    py: Python<'_>,
    words: Vec<String>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<(u8, Option<String>, Option<String>)> {
    let (told, heard) = channel();
    let heard = Mutex::new(heard);
    let stop = Stop::default();
    let forward = Arc::new(Forward { told: told.clone(), stop: stop.clone() });
    let (asked, monitor) = (stop.clone(), forward.clone());
    let work = move || {
        let done = answer(&words, monitor, asked);
        let _ = told.send(Told::Done(Box::new(done)));
    };
    let thread = std::thread::Builder::new().name("tamis".into()).spawn(work);
    thread.map_err(|_| PyRuntimeError::new_err("the system gives no thread"))?;
    drop(forward);
    let (done, raised) = listen(py, &heard, progress.as_ref(), &stop)?;
    // A version that was published before the work could stop is an answer that must not be lost.
    match raised {
        Some(raised) if done.exit != 0 && done.published.is_none() => Err(raised),
        _ => Ok((done.exit, done.answer, done.error)),
    }
}

/// Listens until the work has ended; returns what it came to, and what Python raised meanwhile.
fn listen(
    py: Python<'_>,
    heard: &Mutex<Receiver<Told>>,
    progress: Option<&Bound<'_, PyAny>>,
    stop: &Stop,
) -> PyResult<(Box<EmbeddedAnswer>, Option<PyErr>)> {
    let mut raised = None;
    loop {
        match next(py, heard) {
            Ok(Told::Done(done)) => return Ok((done, raised)),
            Ok(Told::Event(event)) if raised.is_none() => raised = progress.and_then(|to| tell(to, event).err()),
            Ok(Told::Event(_)) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(PyRuntimeError::new_err("tamis broke off")),
        }
        if raised.is_none() {
            raised = py.check_signals().err();
        }
        if raised.is_some() {
            stop.ask();
        }
    }
}

/// Waits for what is told next, with Python's lock free.
fn next(py: Python<'_>, heard: &Mutex<Receiver<Told>>) -> Result<Told, RecvTimeoutError> {
    py.detach(|| match heard.lock() {
        Ok(heard) => heard.recv_timeout(Duration::from_millis(LOOK_MILLIS)),
        Err(_) => Err(RecvTimeoutError::Disconnected),
    })
}

fn tell(progress: &Bound<'_, PyAny>, event: Event) -> PyResult<()> {
    let (kind, text, bytes) = match event {
        Event::Stage { name, total_bytes } => ("stage", name.to_string(), total_bytes),
        Event::Advance { bytes } => ("advance", String::new(), Some(bytes)),
        Event::Warning(text) => ("warning", text, None),
        Event::Note(text) => ("note", text, None),
    };
    progress.call1((kind, text, bytes)).map(|_| ())
}

/// Keeps memory of this process from dumps and debuggers, and new files from other users (umask 077), as the program does.
#[pyfunction]
fn protect_process() {
    shield::raise();
}

/// The native part of the package `tamis`.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // The text of a panic may hold a value.
    shield::quiet_panics();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(carry_out, module)?)?;
    module.add_function(wrap_pyfunction!(protect_process, module)?)
}
