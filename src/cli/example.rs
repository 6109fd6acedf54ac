//! `tamis init --example`: the specs that come with tamis and the small export they are for, in an empty place.

use super::spec_files::{refuse_to_overwrite, write, write_schemas};
use crate::error::{Code, Error, Result};
use std::path::{Component, Path, PathBuf};

const FILES: [(&str, &str); 4] = [
    ("policy.toml", include_str!("../../jobs/policy.toml")),
    ("sources/salesforce-contact.toml", include_str!("../../jobs/sources/salesforce-contact.toml")),
    ("sources/salesforce-task.toml", include_str!("../../jobs/sources/salesforce-task.toml")),
    ("crm-contacts.toml", include_str!("../../jobs/crm-contacts.toml")),
];
/// What the job reads: made-up people.
const DATA: [(&str, &[u8]); 4] = [
    (
        "exports/2026-11-21/WE_00DDn0000001000MAA_1.zip",
        include_bytes!("../../fixtures/quickstart/exports/2026-11-21/WE_00DDn0000001000MAA_1.zip"),
    ),
    (
        "exports/2026-11-21/WE_00DDn0000001000MAA_2.zip",
        include_bytes!("../../fixtures/quickstart/exports/2026-11-21/WE_00DDn0000001000MAA_2.zip"),
    ),
    ("exports/2026-11-21/_DONE", b""),
    ("requests/erasure/2026.csv", include_bytes!("../../fixtures/quickstart/requests/erasure/2026.csv")),
];
/// Roots of the policy in the repository, and where they are beside an example.
const ROOTS: [(&str, &str); 2] = [("../fixtures/quickstart/", "../example/"), ("../target/quickstart/", "../example/")];

/// Where the export goes, told without a step back wherever the folder has a name.
fn beside(dir: &Path) -> PathBuf {
    let named = matches!(dir.components().next_back(), Some(Component::Normal(_)));
    match dir.parent().filter(|_| named) {
        Some(parent) => parent.join("example"),
        None => dir.join("../example"),
    }
}

/// Writes the example into a folder, and its export beside the folder.
///
/// # Errors
/// A policy error when there is a policy or an example already, or the folder cannot be written.
pub(super) fn example(dir: &Path) -> Result<String> {
    refuse_to_overwrite(dir)?;
    let data = beside(dir);
    // The folder has to be there for `..` to lead anywhere.
    std::fs::create_dir_all(dir)
        .map_err(|_| Error::new(Code::FileNotWritten, format!("{} cannot be written", dir.display())))?;
    if data.exists() {
        return Err(Error::new(Code::AlreadyThere, "there is a folder `example` beside it already")
            .help("remove it, or name a folder elsewhere with --dir"));
    }
    for (name, text) in FILES {
        let text = ROOTS.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        write(&dir.join(name), text.as_bytes())?;
    }
    for (name, bytes) in DATA {
        write(&data.join(name), bytes)?;
    }
    write_schemas(dir)?;
    Ok(format!(
        "example specs are in {0}, and the export they are for in {1}\n\
         next: tamis --dir {0} run crm-contacts --demo --as-of 2026-11-22T02:00:00Z\n",
        dir.display(),
        data.display()
    ))
}
