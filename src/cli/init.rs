//! `tamis init`: a first set of specs to change, the ones that come with tamis.

use crate::error::{Code, Error, Result};
use crate::policy::{SpecKind, schema};
use std::path::Path;

const FILES: [(&str, &str); 4] = [
    ("policy.toml", include_str!("../../jobs/policy.toml")),
    ("sources/salesforce-contact.toml", include_str!("../../jobs/sources/salesforce-contact.toml")),
    ("sources/salesforce-task.toml", include_str!("../../jobs/sources/salesforce-task.toml")),
    ("crm-contacts.toml", include_str!("../../jobs/crm-contacts.toml")),
];

const SCHEMAS: [(&str, SpecKind); 3] =
    [("policy", SpecKind::Policy), ("source", SpecKind::Source), ("job", SpecKind::Job)];

/// Writes example specs and the schemas they name into an empty place.
///
/// # Errors
/// A policy error when there is a policy already or the folder cannot be written.
pub fn init(dir: &Path) -> Result<String> {
    if dir.join("policy.toml").exists() {
        return Err(Error::new(Code::AlreadyThere, format!("{} has a policy already", dir.display()))
            .help("edit it, or name another folder with --dir"));
    }
    for (name, text) in FILES {
        write(&dir.join(name), text)?;
    }
    for (name, kind) in SCHEMAS {
        write(&dir.join("schema").join(format!("{name}.json")), &super::render::json(&schema(kind))?)?;
    }
    Ok(format!(
        "example specs are in {0}; put your own roots, purposes and columns there, then `tamis --dir {0} check`\n",
        dir.display()
    ))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(path, text));
    made.map_err(|_| Error::new(Code::FileNotWritten, format!("{} cannot be written", path.display())))
}
