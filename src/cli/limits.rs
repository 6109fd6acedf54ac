//! What the system must grant before anything begins: threads, address space, and a file that grows too large for a limit
//! as an error instead of a signal. Without this a limit would show in the middle of the work, as a crash.

use crate::error::{Code, Error, Result};
use crate::threads::MAX_THREADS;
use rustix::process::{Resource, getrlimit};
use std::sync::mpsc;
use std::thread::Builder;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

/// Threads that a command uses beside its workers: those of the stores, of the heartbeat, of frames, of what blocks.
const BESIDE_THREADS: usize = 8;
/// Below this a run cannot hold its buffers and the stacks of its threads.
const LEAST_ADDRESS_SPACE_BYTES: u64 = 1 << 30;

/// Refuses to begin where the system gives too few threads or too little address space for `workers` threads.
///
/// # Errors
/// Storage: "try again" once the limit is higher. The message names the limit.
pub(super) fn check(workers: usize) -> Result<()> {
    if let Some(bytes) = getrlimit(Resource::As).current.filter(|bytes| *bytes < LEAST_ADDRESS_SPACE_BYTES) {
        let (mib, least) = (bytes >> 20, LEAST_ADDRESS_SPACE_BYTES >> 20);
        return Err(Error::new(
            Code::SystemLimit,
            format!("the address space is limited to {mib} MiB, and tamis needs {least} MiB"),
        )
        .help("raise it (ulimit -v); memory itself is bounded by --memory, or by the cgroup"));
    }
    let wanted = workers.min(MAX_THREADS) + BESIDE_THREADS;
    let given = given(wanted);
    if given == wanted {
        return Ok(());
    }
    Err(Error::new(Code::SystemLimit, format!("the system gives {given} more threads, and {wanted} are needed"))
        .help("raise the limit (ulimit -u, TasksMax= of the unit, pids of the container), or set --threads lower"))
}

/// Returns how many of so many threads there are at one time.
fn given(wanted: usize) -> usize {
    let (hold, held) = mpsc::channel::<()>();
    let held = std::sync::Arc::new(std::sync::Mutex::new(held));
    let wait = || {
        let held = held.clone();
        // Returns when the sender is dropped.
        move || drop(held.lock().map(|held| held.recv()))
    };
    let threads: Vec<_> = (0..wanted).map_while(|_| Builder::new().spawn(wait()).ok()).collect();
    drop(hold);
    let given = threads.len();
    threads.into_iter().for_each(|thread| drop(thread.join()));
    given
}

/// Makes a write beyond the limit of a file's size an error of that write; by itself the signal would end the process
/// without a word.
///
/// # Errors
/// Storage, when the system gives no signals.
pub(super) fn oversized_files_are_errors(runtime: &Runtime) -> Result<()> {
    let _entered = runtime.enter();
    // Once taken, the signal stays taken when nobody waits for it.
    let taken = signal(SignalKind::from_raw(libc::SIGXFSZ));
    taken.map(drop).map_err(|_| Error::new(Code::SystemLimit, "the system gives no signals"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_there_are_are_given() {
        assert_eq!(given(20), 20);
        check(2).expect("this machine has them");
    }
}
