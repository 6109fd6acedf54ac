//! Runs the Python scripts under `tests/python`: independent readers and recomputations.

use super::tool::tool;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Python of `tests/run` (`TAMIS_PYTHON`); none, said loudly, when there is none.
pub struct Python(PathBuf);

impl Python {
    /// Finds it, or says that the test is skipped.
    pub fn find() -> Option<Python> {
        Python::named("TAMIS_PYTHON")
    }
    /// The one that a variable names.
    pub fn named(variable: &str) -> Option<Python> {
        tool(variable).map(Python)
    }
    /// Runs `tests/python/<script>` and returns what it printed; a script that fails fails the test.
    pub fn run<A: AsRef<OsStr>>(&self, script: &str, arguments: impl IntoIterator<Item = A>) -> String {
        self.run_with(&[], script, arguments)
    }
    /// The same with more variables in its environment.
    pub fn run_with<A: AsRef<OsStr>>(
        &self,
        env: &[(&'static str, String)],
        script: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script);
        let mut command = Command::new(&self.0);
        let output = command.arg("-B").arg(path).args(arguments).envs(env.iter().cloned()).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script} ended with {}:\n{errors}", output.status);
        String::from_utf8(output.stdout).unwrap()
    }
}
