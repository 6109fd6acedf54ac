//! A key from a program of the operator's. It has bounded time and output, and it ends when tamis does. The one
//! `unsafe` of this module lets the child ask the system for that.
#![allow(unsafe_code)]

use super::Key;
use super::digits;
use crate::error::{Code, Error, Result};
use rustix::process::{Pid, Signal, kill_process_group, set_parent_process_death_signal};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long a program may take: enough for a key service in the network, or for somebody who is asked to agree.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is asked whether to go on.
const GLANCE: Duration = Duration::from_millis(20);
/// A key file is 65 bytes at most: whatever says more gives no key.
const MAX_OUTPUT_BYTES: u64 = 1024;

/// Runs `command` with the name of the key file as its last argument, and reads its standard output as that file (R1).
/// `proceed` is asked again and again whether to wait any longer.
///
/// # Errors
/// A policy error that names key and program; nothing of what the program said. The error of `proceed`.
pub(super) fn run(command: &[String], name: &str, patience: Duration, proceed: &dyn Fn() -> Result<()>) -> Result<Key> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Error::new(Code::SpecUnusable, "[keys] command is empty").help("give a program and its arguments"));
    };
    let place = format!("{name} from command {program}");
    let by_hand = format!("run it by hand with {name} as its last argument and look at what it says");
    let failed =
        || Error::new(Code::KeyCommandFailed, format!("key {place}: the program failed")).help(by_hand.clone());
    let mut running = Running(start(program, arguments, name, &place)?);
    let output = running.0.stdout.take().ok_or_else(failed)?;
    let (sender, receiver) = mpsc::sync_channel(1);
    std::thread::Builder::new().spawn(move || sender.send(read(output))).map_err(|_| {
        Error::new(Code::SystemLimit, format!("key {place}: the system gives no thread to read it with"))
    })?;
    let begun = Instant::now();
    let late = || {
        let seconds = patience.as_secs();
        Error::new(Code::KeyCommandFailed, format!("key {place}: the program had not ended after {seconds} s"))
            .help(by_hand.clone())
    };
    let (mut read, mut ended) = (None, None);
    while read.is_none() || ended.is_none() {
        proceed()?;
        if begun.elapsed() >= patience {
            return Err(late());
        }
        match receiver.recv_timeout(GLANCE) {
            Ok(Ok(output)) if output.len() as u64 > MAX_OUTPUT_BYTES => {
                return Err(Error::new(
                    Code::KeyCommandFailed,
                    format!("key {place}: the program says more than a key"),
                )
                .help("it must print 64 hex digits and nothing else"));
            }
            Ok(Ok(output)) => read = Some(output),
            Ok(Err(_)) => return Err(failed()),
            // Nothing yet, or all of it is here and the program has still to end.
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(GLANCE),
        }
        ended = running.0.try_wait().map_err(|_| failed())?;
    }
    match (read, ended) {
        (Some(output), Some(status)) if status.success() => digits::parse(&output, &place),
        _ => Err(failed()),
    }
}

/// A program and what it has started, which end with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
            let _ = self.0.wait();
        }
    }
}

fn start(program: &str, arguments: &[String], name: &str, place: &str) -> Result<Child> {
    let mut command = Command::new(program);
    command.args(arguments).arg(name).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.process_group(0);
    // SAFETY: between fork and exec the child makes one system call, which allocates nothing and takes no lock.
    #[cfg(target_os = "linux")]
    unsafe {
        command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::KILL))?));
    }
    command.spawn().map_err(|e| {
        Error::new(Code::KeyCommandFailed, format!("key {place}: the program cannot be started: {}", e.kind()))
            .help("check [keys] command in the policy")
    })
}

fn read(output: ChildStdout) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut read = Zeroizing::new(Vec::with_capacity(MAX_OUTPUT_BYTES as usize + 1));
    output.take(MAX_OUTPUT_BYTES + 1).read_to_end(&mut read)?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(script: &str, patience: Duration, proceed: &dyn Fn() -> Result<()>) -> Code {
        let command = ["sh", "-c", script].map(String::from);
        let error = run(&command, "identity.key", patience, proceed).err().expect("refused");
        assert!(error.help_text().is_some());
        error.code()
    }

    #[test]
    fn a_program_that_never_ends_or_never_stops_talking_is_given_up() {
        let (short, long) = (Duration::from_millis(50), Duration::from_secs(60));
        for script in ["sleep 60", "exec >&-; sleep 60", "sleep 60 & wait"] {
            assert_eq!(refusal(script, short, &|| Ok(())), Code::KeyCommandFailed, "{script}");
        }
        assert_eq!(refusal("yes", long, &|| Ok(())), Code::KeyCommandFailed);
    }

    #[test]
    fn a_stop_ends_the_wait_and_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let stop = || {
            if pid.metadata().is_ok_and(|m| m.len() > 0) {
                Err(Error::new(Code::Stopped, "stopped").help("again"))
            } else {
                Ok(())
            }
        };
        let script = format!("echo $$ > {}; sleep 60", pid.display());
        assert_eq!(refusal(&script, Duration::from_secs(60), &stop), Code::Stopped);
        let pid = std::fs::read_to_string(&pid).unwrap();
        assert!(!std::path::Path::new("/proc").join(pid.trim()).exists());
    }
}
