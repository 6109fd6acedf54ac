//! The specs as last found whole: a changed folder is picked up once it stands still, a broken one leaves the old in
//! force.

use crate::error::Result;
use crate::policy::{self, Project};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The specs in force, and what the folder looked like.
pub struct Specs {
    dir: PathBuf,
    roots: Vec<(String, String)>,
    project: Arc<Project>,
    seen: String,
    tried: String,
}

impl Specs {
    /// Loads the folder.
    ///
    /// # Errors
    /// A policy error with all findings.
    pub fn load(dir: &Path, roots: &[(String, String)]) -> Result<Specs> {
        let seen = picture(dir);
        let project = Arc::new(policy::load(dir, roots)?);
        Ok(Specs { dir: dir.to_owned(), roots: roots.to_vec(), project, tried: seen.clone(), seen })
    }

    /// The specs in force.
    pub fn project(&self) -> &Arc<Project> {
        &self.project
    }

    /// Looks at the folder. `None`: nothing new. A change counts when it is there on two looks, so that half a save is
    /// not taken for a whole one.
    ///
    /// # Errors
    /// The findings of a changed folder, once per change; the specs in force stay.
    pub fn look(&mut self) -> Option<Result<()>> {
        let now = picture(&self.dir);
        let still = now == self.seen;
        self.seen = now;
        if !still || self.seen == self.tried {
            return None;
        }
        self.tried = self.seen.clone();
        Some(policy::load(&self.dir, &self.roots).map(|project| self.project = Arc::new(project)))
    }
}

/// Names and contents of all files that can be specs, as one digest.
fn picture(dir: &Path) -> String {
    let mut hasher = blake3::Hasher::new();
    for folder in [dir.to_owned(), dir.join("sources")] {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
        files.sort();
        for file in files {
            let bytes = if file.is_file() { std::fs::read(&file).unwrap_or_default() } else { Vec::new() };
            hasher.update(file.as_os_str().as_encoded_bytes());
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(&bytes);
        }
    }
    hasher.finalize().to_hex().to_string()
}
