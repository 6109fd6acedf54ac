//! Where the programs are that tests need besides the Rust toolchain: `tests/run` installs them and sets variables.

use std::io::Write;
use std::path::PathBuf;

/// The program that the variable names. Unset, the caller's test is skipped with a line that nobody can miss; where
/// `CI=true` it fails instead.
pub fn tool(variable: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(variable) {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "{variable} names {}, which is not there", path.display());
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{variable} is not set: run tests/run, not cargo test");
    skipped(variable);
    None
}

/// A program that not every system has; where it is not, the test is skipped also where `CI=true`.
pub fn of_the_system(variable: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map(PathBuf::from);
    if path.is_none() {
        skipped(variable);
    }
    path
}

fn skipped(variable: &str) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    // The harness would keep what eprintln! says to itself.
    #[allow(clippy::explicit_write)]
    writeln!(std::io::stderr(), "\n*** SKIPPED {name}: {variable} is not set, run tests/run\n").unwrap();
}
