//! Files of replaced versions that are there still against the manifests of these versions. Must not know when they go.

use super::manifest::{File, Manifest};
use super::report::VerifyReport;
use super::{newest_records, parse};
use crate::error::Result;
use crate::store::Root;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What waits for removal, by the dataset: paths of files and companions.
type Waiting = BTreeMap<String, BTreeSet<String>>;

/// Verifies what records of datasets say is waiting for removal. What has gone already is no fault: that is what it waits
/// for.
pub(super) fn replaced(
    state: &Root,
    lakes: &BTreeMap<String, Root>,
    manifests: &[Manifest],
    report: &mut VerifyReport,
) {
    let waiting = match waiting(state) {
        Ok(waiting) => waiting,
        Err(error) => {
            return report.not_proven.push(format!("files of replaced versions: records could not be read: {error}"));
        }
    };
    let faults = report.faults.len();
    for (dataset, paths) in &waiting {
        // The last manifest that names a file is of the last version that had it; all that do say the same of it.
        let of = manifests.iter().filter(|manifest| manifest.output.dataset == *dataset);
        let (mut files, mut companions) = (BTreeMap::new(), BTreeMap::new());
        for manifest in of {
            let output = &manifest.output;
            files.extend(output.files.iter().filter(|file| paths.contains(&file.path)).map(|file| (&file.path, file)));
            let own = output.companions.iter().filter(|file| paths.contains(&file.path));
            companions.extend(own.map(|file| (&file.path, file)));
        }
        let lake = dataset.split_once(':').and_then(|(root, _)| lakes.get(root));
        let in_lake = lake.into_iter().flat_map(|lake| files.values().map(move |file| (lake, *file)));
        for (root, file) in in_lake.chain(companions.values().map(|file| (state, *file))) {
            look(root, file, report);
        }
    }
    if report.faults.len() == faults && report.replaced > 0 {
        let files = report.replaced;
        report.proven.push(format!(
            "files and companions of replaced versions that are still there ({files} together) are the ones their manifests name"
        ));
    }
}

fn look(root: &Root, file: &File, report: &mut VerifyReport) {
    let place = root.display(&file.path);
    match there(root, file) {
        Ok(None) => {}
        Ok(Some(true)) => report.replaced += 1,
        Ok(Some(false)) => report.faults.push(format!("{place} has other bytes than the manifest of its version says")),
        Err(error) => report.not_proven.push(format!("{place}: could not be read, so it was not looked at: {error}")),
    }
}

/// Whether a file is there, and then whether it is the one that was written.
fn there(root: &Root, file: &File) -> Result<Option<bool>> {
    if root.head(&file.path)?.is_none() {
        return Ok(None);
    }
    // It may be purged just now.
    let same = file.is_same(root)?;
    Ok(if same || root.head(&file.path)?.is_some() { Some(same) } else { None })
}

fn waiting(state: &Root) -> Result<Waiting> {
    #[derive(Deserialize)]
    struct ToldReplaced {
        dataset: String,
        #[serde(default)]
        replaced: Vec<ToldVersion>,
    }
    #[derive(Deserialize)]
    struct ToldVersion {
        files: Vec<ToldFile>,
    }
    #[derive(Deserialize)]
    struct ToldFile {
        path: String,
        companion: String,
    }
    let mut waiting = Waiting::new();
    for path in newest_records(state, "datasets")? {
        let Some(told) = parse::<ToldReplaced>(&state.get(&path)?.unwrap_or_default()) else { continue };
        let files = told.replaced.into_iter().flat_map(|version| version.files);
        waiting.entry(told.dataset).or_default().extend(files.flat_map(|file| [file.path, file.companion]));
    }
    Ok(waiting)
}
