//! Commands for a program that has tamis as a library: the same words, the same JSON and the same exit codes as in a
//! shell. Must not know any stage.

use super::args::Arguments;
use super::settings::{CalledFrom, Settings};
use super::{carry_out, render};
use crate::error::{Code, Error, Result};
use crate::job::Stop;
use crate::monitor::Monitor;
use crate::threads;
use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::sync::Arc;

/// What a command came to.
pub struct EmbeddedAnswer {
    /// What the command prints with `--json`; nothing where it was refused before there was anything to report.
    pub answer: Option<String>,
    /// The error as JSON, as `--json` writes it on standard error.
    pub error: Option<String>,
    /// The exit code that a shell would see.
    pub exit: u8,
    /// The version that was published before an error.
    pub published: Option<u64>,
}

/// Carries out a command. `words` are those after `tamis` in a shell; `--json` is added. `monitor` hears of progress, from any
/// thread, and is asked whether to go on; `stop` ends a run or a sweep before its commit.
///
/// What a process keeps from others (its dumps, and files by its umask) is the caller's, who may call
/// [`super::shield::raise`].
pub fn answer(words: &[String], monitor: Arc<dyn Monitor>, stop: Stop) -> EmbeddedAnswer {
    let done = threads::guarded("the command", || {
        let arguments = arguments(words)?;
        carry_out(&Settings::of(&arguments, CalledFrom::Program { monitor, stop })?, &arguments)
    });
    match done {
        Ok((answer, exit)) => EmbeddedAnswer { answer: Some(answer), error: None, exit, published: None },
        Err(error) => EmbeddedAnswer {
            answer: error.report().map(str::to_owned),
            error: Some(render::error_json(&error)),
            exit: error.kind().exit_code(),
            published: error.published(),
        },
    }
}

fn arguments(words: &[String]) -> Result<Arguments> {
    let all = ["tamis", "--json"].into_iter().chain(words.iter().map(String::as_str));
    Arguments::try_parse_from(all).map_err(|usage| Error::new(Code::ArgumentWrong, told(&usage)))
}

/// Says what is wrong with words, and where an argument has a wrong value, which one; what was given may be a value.
fn told(usage: &clap::Error) -> String {
    let what = usage.kind().as_str().unwrap_or("these words ask for help and are no command");
    match (usage.kind(), usage.get(ContextKind::InvalidArg)) {
        (ErrorKind::ValueValidation | ErrorKind::InvalidValue, Some(ContextValue::String(argument))) => {
            format!("{what}: {argument}")
        }
        _ => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::Silent;

    fn asked(words: &[&str]) -> EmbeddedAnswer {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        answer(&words, Arc::new(Silent), Stop::default())
    }

    #[test]
    fn an_answer_is_what_a_shell_sees() {
        let known = asked(&["schema", "job"]);
        assert_eq!((known.exit, known.error), (0, None));
        assert!(known.answer.is_some_and(|answer| answer.starts_with('{')));
    }

    #[test]
    fn words_that_are_no_command_are_refused_with_a_code() {
        let unknown = asked(&["publish"]);
        assert_eq!((unknown.exit, unknown.answer), (2, None));
        assert!(unknown.error.is_some_and(|error| error.contains("\"argument-wrong\"")));
        let wrong = asked(&["sweep", "--threads=many"]).error.unwrap_or_default();
        assert!(wrong.contains("--threads") && !wrong.contains("many"), "{wrong}");
        assert!(asked(&["--help"]).error.is_some_and(|error| error.contains("no command")));
    }
}
