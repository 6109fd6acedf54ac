//! Runs the Python scripts under `tests/python`: independent readers and recomputations.

use crate::tool::tool;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python of `tests/run` (`TAMIS_PYTHON`); none, said loudly, when there is none.
pub struct Python(PathBuf);

impl Python {
    /// Finds it, or says that the test is skipped.
    pub fn find() -> Option<Python> {
        tool("TAMIS_PYTHON").map(Python)
    }
    /// Runs `tests/python/<script>` and returns what it printed; a script that fails fails the test.
    pub fn run<A: AsRef<OsStr>>(&self, script: &str, arguments: impl IntoIterator<Item = A>) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script);
        let output = Command::new(&self.0).arg("-B").arg(path).args(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script} ended with {}:\n{errors}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_has_the_pinned_readers() {
        let Some(python) = Python::find() else { return };
        let listed = python.run("versions.py", [""; 0]);
        let wanted = include_str!("../requirements.txt");
        for line in wanted.lines().filter(|line| line.contains("==")) {
            let line = line.split_whitespace().next().unwrap();
            assert!(listed.lines().any(|have| have == line), "{line} is not installed:\n{listed}");
        }
    }
}
