//! Whether everything that a manifest names lies where it says, and is what it names.

use super::digest_of;
use super::manifest::{File, Output};
use crate::error::{Code, Error, Result};
use crate::store::{Root, from_io};
use std::collections::BTreeMap;

impl Output {
    /// Looks for every file in `lake` and every companion in `state`, by name and length; nothing is read.
    ///
    /// # Errors
    /// An evidence error that names the first that is not there, storage errors.
    pub fn check_present(&self, lake: &Root, state: &Root) -> Result<()> {
        let mut gone = absent(lake, &self.files)?;
        gone.extend(absent(state, &self.companions)?);
        let Some(first) = gone.first() else { return Ok(()) };
        let more = if gone.len() > 1 { format!(" (and {} more)", gone.len() - 1) } else { String::new() };
        Err(Error::new(Code::TableApart, format!("it is broken: {first} is gone{more}")).help(
            "somebody removed files of it before it was published. Run the job again at once: this publishes a whole \
             version in its place",
        ))
    }
}

impl File {
    /// Whether it is there byte for byte; all of it is read.
    ///
    /// # Errors
    /// Storage errors.
    pub fn is_same(&self, root: &Root) -> Result<bool> {
        let there = root.head(&self.path)?.is_some_and(|object| object.bytes == self.bytes);
        Ok(there && has_digest(root, &self.path, &self.blake3)?)
    }
}

/// Whether an object is there with this BLAKE3; all of it is read.
///
/// # Errors
/// Storage errors.
pub fn has_digest(root: &Root, path: &str, blake3: &str) -> Result<bool> {
    let Some(object) = root.head(path)? else { return Ok(false) };
    let (found, _) = digest_of(root.open_object(&object)?).map_err(|e| from_io(&root.display(path), e))?;
    Ok(found == blake3)
}

/// Compares files with the digests that their manifest has, for what is about to build on them: a sweep would otherwise
/// apply requests to the rows of another file, and write evidence of its own for the result.
///
/// # Errors
/// An evidence error that names a file that is gone or another one; storage errors.
pub fn check_same(root: &Root, files: &[&File]) -> Result<()> {
    for file in files {
        if !file.is_same(root)? {
            return Err(changed(&root.display(&file.path)));
        }
    }
    Ok(())
}

/// Says of `ROOT:path` that it is not what its manifest names.
pub fn changed(place: &str) -> Error {
    Error::new(Code::PublishedFileChanged, format!("{place} is not the file that its manifest names")).help(
        "nothing was changed. Bring it back from a copy and compare: `tamis verify`; or run the job: that publishes a new \
         version, with files of its own",
    )
}

/// Files that are not there, as users write them. What a listing lacks is looked for by name.
fn absent(root: &Root, files: &[File]) -> Result<Vec<String>> {
    let Some((folder, _)) = files.first().and_then(|file| file.path.rsplit_once('/')) else { return Ok(Vec::new()) };
    let listed: BTreeMap<String, u64> =
        root.list(folder)?.into_iter().map(|object| (object.path, object.bytes)).collect();
    let mut absent = Vec::new();
    for file in files.iter().filter(|file| listed.get(&file.path) != Some(&file.bytes)) {
        if root.head(&file.path)?.is_none_or(|object| object.bytes != file.bytes) {
            absent.push(root.display(&file.path));
        }
    }
    Ok(absent)
}
