//! What a command says on standard output. A write that fails is an error: whoever keeps a report in a file would take
//! half of it for the whole. Must not know what is said.

use crate::error::{Code, Error, Result};
use std::io::{ErrorKind, Write};

/// Writes a command's answer and returns its exit code.
///
/// # Errors
/// Storage, when standard output cannot be written and the command itself went well. A reader that went away before the
/// end (a pipe to `head`) has what it wanted: that is no error.
pub(super) fn given(text: &str, exit: u8) -> Result<u8> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if exit == 0 => unwritten(&e).map_or(Ok(exit), Err),
        _ => Ok(exit),
    }
}

/// Returns the answer of a command whose report has an outcome of its own; where that is an error, it carries the answer.
///
/// # Errors
/// The outcome.
pub(super) fn with_outcome(text: String, outcome: Result<()>) -> Result<String> {
    match outcome {
        Ok(()) => Ok(text),
        Err(error) => Err(error.with_report(text)),
    }
}

/// Returns the error for a failed write to standard output; none when its reader went away.
pub(super) fn unwritten(error: &std::io::Error) -> Option<Error> {
    (error.kind() != ErrorKind::BrokenPipe).then(|| {
        Error::new(Code::OutputCannotBeWritten, format!("standard output cannot be written: {}", error.kind())).help(
            "what the command did is done, only its answer is not whole: make room where it goes, then ask again \
             (`tamis status` and `tamis report job` say what a run or sweep did)",
        )
    })
}
