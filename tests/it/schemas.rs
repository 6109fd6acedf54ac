//! The JSON Schemas beside the bundled specs: as `tamis schema` prints them now, and true of the specs that name them.

use crate::python::Python;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn specs(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            specs(&path, found);
        } else if path.extension().is_some_and(|e| e == "toml") {
            found.push(path);
        }
    }
}

/// `TAMIS_BLESS=1 cargo test schemas` writes them.
#[test]
fn bundled_schemas_are_those_of_the_program() {
    for kind in ["policy", "source", "job"] {
        let file = format!("jobs/schema/{kind}.json");
        let printed = Command::new(env!("CARGO_BIN_EXE_tamis")).args(["schema", kind]).output().unwrap();
        assert!(printed.status.success());
        if std::env::var_os("TAMIS_BLESS").is_some() {
            fs::write(&file, &printed.stdout).unwrap();
        }
        assert!(fs::read(&file).unwrap() == printed.stdout, "{file} is old: tamis schema {kind} > {file}");
    }
}

#[test]
fn bundled_specs_name_their_schema_and_agree_with_it() {
    let mut found = Vec::new();
    for folder in ["jobs", "fixtures/leaks"] {
        specs(Path::new(folder), &mut found);
    }
    assert!(found.len() >= 8, "{found:?}");
    for path in &found {
        let text = fs::read_to_string(path).unwrap();
        let schema = text.lines().next().unwrap().strip_prefix("#:schema ").unwrap_or_else(|| panic!("{path:?}"));
        assert!(path.parent().unwrap().join(schema).is_file(), "{path:?} names {schema}");
    }
    let Some(python) = Python::find() else { return };
    let said = python.run("schemas.py", found);
    assert!(said.contains(" spec files agree"), "{said}");
}
