//! What a crash leaves in a local root: the store stages each write as `name#N` beside its target, and `list` hides it.

use super::answer::local;
use super::listing::is_staging;
use super::{Listing, Object, Root};
use crate::error::Result;

impl Root {
    /// Staging files (`name#N`) below `prefix`, in path order, with what else lies there; always none on a cloud root.
    /// One that is new may belong to a write under way: look at `modified` before removing it. Links to folders are not
    /// followed: tamis makes none, so what they lead to is not its own.
    ///
    /// # Errors
    /// A storage error when a folder cannot be read.
    pub fn staging_leftovers(&self, prefix: &str) -> Result<(Vec<Object>, Listing)> {
        let Some(folder) = &self.folder else { return Ok((Vec::new(), Listing::default())) };
        let (listing, mut staged) = self.walk(folder, prefix, false)?;
        staged.sort_by(|a, b| a.path.cmp(&b.path));
        Ok((staged, listing))
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
}
