//! What the process keeps from others: memory from core dumps and debuggers, files from other users, and the text of
//! panics, which may hold a value, from standard error. Must not know what the process does.

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, setrlimit, umask};
use std::io::Write;

/// Raises all of it; to be called before anything personal is in memory. What the system does not grant is left as it
/// is: a run without these is no less exact.
pub fn raise() {
    quiet_panics();
    umask(Mode::RWXG | Mode::RWXO);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // A core pattern that is a pipe gets the dump whatever the limit is.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Keeps the text of panics, which may hold a value, from standard error.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or(String::new(), |l| format!(" at {}:{}:{}", l.file(), l.line(), l.column()));
        let _ = writeln!(std::io::stderr(), "internal fault{place}");
    }));
}
