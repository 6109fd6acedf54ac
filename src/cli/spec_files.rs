//! Writes files of specs into a folder that has none, with the schemas that editors read.

use super::render;
use crate::error::{Code, Error, Result};
use crate::policy::{SpecKind, schema};
use std::path::Path;

const SCHEMAS: [(&str, SpecKind); 3] =
    [("policy", SpecKind::Policy), ("source", SpecKind::Source), ("job", SpecKind::Job)];

/// Refuses a folder that has a policy.
///
/// # Errors
/// A policy error that says what to do.
pub(super) fn refuse_to_overwrite(dir: &Path) -> Result<()> {
    if !dir.join("policy.toml").exists() {
        return Ok(());
    }
    Err(Error::new(Code::AlreadyThere, format!("{} has a policy already", dir.display()))
        .help("edit it, or name another folder with --dir"))
}

/// Writes a file that is not there, and the folders above it.
///
/// # Errors
/// A policy error when something is there, or it cannot be written.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if path.exists() && std::fs::read(path).is_ok_and(|there| there != bytes) {
        return Err(Error::new(Code::AlreadyThere, format!("{} is there already", path.display()))
            .help("move it away, or name another folder with --dir"));
    }
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(path, bytes));
    made.map_err(|_| Error::new(Code::FileNotWritten, format!("{} cannot be written", path.display())))
}

/// Writes the schemas that the specs name.
///
/// # Errors
/// A policy error when they cannot be written.
pub(super) fn write_schemas(dir: &Path) -> Result<()> {
    for (name, kind) in SCHEMAS {
        write(&dir.join("schema").join(format!("{name}.json")), render::json(&schema(kind))?.as_bytes())?;
    }
    Ok(())
}
