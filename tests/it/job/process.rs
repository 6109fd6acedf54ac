//! The program beside the system it runs on: standard output that is full or closed, too few threads, limits of files.

use super::place::{JOB, Place};
use std::fs::OpenOptions;
use std::process::{Command, Output, Stdio};
use tamis::error::Code;

const AS_OF: &str = "2024-06-01T00:00:00Z";

fn command(place: &Place, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tamis"));
    command.current_dir(place.folder()).args(["--dir", "specs"]).args(arguments);
    command
}

/// Runs the program below a limit of the shell.
fn limited(place: &Place, limit: &str, arguments: &[&str]) -> Output {
    let script = format!("ulimit {limit}; exec \"$0\" --dir specs \"$@\"");
    let mut shell = Command::new("bash");
    shell.current_dir(place.folder()).args(["-c", &script, env!("CARGO_BIN_EXE_tamis")]).args(arguments);
    shell.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn an_answer_that_cannot_be_written_is_an_error_of_every_command() {
    let place = Place::of("whole");
    let run = command(&place, &["run", JOB, "--as-of", AS_OF]).output().unwrap();
    assert!(run.status.success(), "{}", text(&run.stderr));
    let commands: [&[&str]; 12] = [
        &["run", JOB, "--as-of", AS_OF],
        &["plan", JOB, "--as-of", AS_OF],
        &["status"],
        &["report", "job", JOB, "--format", "html"],
        &["report", "job", JOB],
        &["verify", "--json"],
        &["check"],
        &["key", "check"],
        &["schema", "policy"],
        &["--help"],
        &["run", "--due", "--json"],
        &["sweep"],
    ];
    for arguments in commands {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let said = command(&place, arguments).stdout(Stdio::from(full)).output().unwrap();
        let error = text(&said.stderr);
        assert_eq!(said.status.code(), Some(75), "{arguments:?}: {error}");
        assert!(error.contains(Code::OutputCannotBeWritten.name()), "{arguments:?}: {error}");
    }
}

#[test]
fn a_reader_that_has_read_enough_is_no_error() {
    let place = Place::of("whole");
    for arguments in [&["schema", "policy"][..], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let said = command(&place, arguments).stdout(Stdio::from(writer)).output().unwrap();
        assert_eq!(said.status.code(), Some(0), "{arguments:?}: {}", text(&said.stderr));
    }
}

#[test]
fn a_limit_of_the_system_is_named_before_anything_begins() {
    let place = Place::of("whole");
    let small = limited(&place, "-v 200000", &["plan", JOB]);
    assert_eq!(small.status.code(), Some(75), "{}", text(&small.stderr));
    let expected = format!("error[{}]: the address space is limited to 195 MiB", Code::SystemLimit.name());
    assert!(text(&small.stderr).contains(&expected), "{}", text(&small.stderr));
    let many = command(&place, &["plan", JOB, "--threads", "100000"]).output().unwrap();
    assert_eq!(many.status.code(), Some(2), "{}", text(&many.stderr));
    let most = command(&place, &["plan", JOB, "--threads", "1024", "--as-of", AS_OF]).output().unwrap();
    assert_eq!(most.status.code(), Some(0), "{}", text(&most.stderr));
}

#[test]
fn a_file_that_grows_beyond_the_limit_is_an_error_and_publishes_nothing() {
    let place = Place::of("whole");
    let run = limited(&place, "-f 1", &["run", JOB, "--as-of", AS_OF]);
    assert_eq!(run.status.code(), Some(75), "{:?} {}", run.status, text(&run.stderr));
    let code = format!("error[{}]", Code::DiskFailed.name());
    assert!(text(&run.stderr).contains(&code), "{}", text(&run.stderr));
    let again = command(&place, &["run", JOB, "--as-of", AS_OF]).output().unwrap();
    assert!(again.status.success(), "{}", text(&again.stderr));
}
