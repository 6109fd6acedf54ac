//! What a crash leaves in a local root: the store stages each write as `name#N` beside its target, and `list` hides it.
//! The file system is walked instead. Must not know what is in the files.

use super::answer::local;
use super::{Object, Root};
use crate::clock::Instant;
use crate::error::Result;
use std::path::Path;
use std::time::SystemTime;

impl Root {
    /// Staging files (`name#N`) below `prefix`, in path order; always none on a cloud root. One that is new may belong
    /// to a write under way: look at `modified` before removing it.
    ///
    /// # Errors
    /// A storage error when a folder cannot be read.
    pub fn staging_leftovers(&self, prefix: &str) -> Result<Vec<Object>> {
        let Some(folder) = &self.folder else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        self.walk(&folder.join(prefix), folder, &mut found)?;
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    /// Removes a staging file; no error when it is gone, nothing happens to any other name.
    ///
    /// # Errors
    /// A storage error when the file system refuses.
    pub fn remove_staging(&self, leftover: &Object) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        if !is_staging(&leftover.path) {
            return Ok(());
        }
        match std::fs::remove_file(folder.join(&leftover.path)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(local("deleting", &self.display(&leftover.path), &e))
            }
            _ => Ok(()),
        }
    }

    fn walk(&self, at: &Path, folder: &Path, found: &mut Vec<Object>) -> Result<()> {
        let entries = match std::fs::read_dir(at) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(local("listing", &self.display(""), &e)),
        };
        for entry in entries {
            let entry = entry.map_err(|e| local("listing", &self.display(""), &e))?;
            let Ok(facts) = entry.metadata() else { continue };
            let path = entry.path();
            if facts.is_dir() {
                self.walk(&path, folder, found)?;
            } else if let Some(name) = path.strip_prefix(folder).ok().and_then(Path::to_str).filter(|n| is_staging(n)) {
                let modified = facts.modified().ok().and_then(|t| t.duration_since(SystemTime::UNIX_EPOCH).ok());
                let modified = Instant(modified.map_or(0, |t| i64::try_from(t.as_micros()).unwrap_or(i64::MAX)));
                found.push(Object { path: name.into(), bytes: facts.len(), etag: None, version: None, modified });
            }
        }
        Ok(())
    }
}

fn is_staging(path: &str) -> bool {
    path.rsplit_once('#').is_some_and(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}
