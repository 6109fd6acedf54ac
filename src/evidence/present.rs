//! Whether everything that a manifest names lies where it says. Must not know what is in a file.

use super::manifest::{File, Output};
use crate::error::{Code, Error, Result};
use crate::store::Root;
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
            "somebody removed files of it before it was published. Run the job again at once: that publishes a whole \
             version in its place",
        ))
    }
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
