//! What the program is built from: licences, sources and banned crates as deny.toml says, and no dependency that nobody
//! uses. cargo-deny itself is not needed for it: see docs/decisions/2026-11-26-dependencies.md.

use crate::tool::skipped;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Duplicates that are there: each is somebody else's. More than these need a reason here.
const MOST_DUPLICATES: usize = 30;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn deny() -> toml::Table {
    std::fs::read_to_string(root().join("deny.toml")).unwrap().parse().unwrap()
}

fn texts(value: &toml::Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Packages that are built on one of the targets of deny.toml.
fn built() -> Vec<Value> {
    let target = texts(&deny()["graph"]["targets"])[0].clone();
    let arguments = ["metadata", "--locked", "--format-version", "1", "--filter-platform", &target];
    let output = Command::new(env!("CARGO")).current_dir(root()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let used: BTreeSet<&str> = nodes.iter().map(|node| node["id"].as_str().unwrap()).collect();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages.filter(|package| used.contains(package["id"].as_str().unwrap())).cloned().collect()
}

/// The name by which code speaks of a package: md-5 is `md5`.
fn library(packages: &[Value], name: &str) -> String {
    let targets =
        packages.iter().filter(|package| package["name"] == name).flat_map(|p| p["targets"].as_array().unwrap());
    let of =
        |target: &&Value| target["kind"].as_array().unwrap().iter().any(|kind| kind == "lib" || kind == "proc-macro");
    let library = targets.into_iter().find(of).unwrap_or_else(|| panic!("{name} has no library"));
    library["name"].as_str().unwrap().replace('-', "_")
}

/// Whether `expression` can be met with licences of `allowed`.
fn met(expression: &str, allowed: &[String]) -> bool {
    let parsed = spdx::Expression::parse_mode(expression, spdx::ParseMode::LAX);
    parsed.is_ok_and(|parsed| parsed.evaluate(|wanted| allowed.contains(&wanted.to_string())))
}

#[test]
fn every_dependency_has_a_licence_a_source_and_a_name_that_deny_toml_allows() {
    let (deny, packages) = (deny(), built());
    assert!(packages.len() > 100, "{}", packages.len());
    let allowed = texts(&deny["licenses"]["allow"]);
    let registries = texts(&deny["sources"]["allow-registry"]);
    let banned = deny["bans"]["deny"].as_array().unwrap().iter();
    let banned: Vec<&str> = banned.map(|ban| ban["crate"].as_str().unwrap()).collect();
    let mut faults = Vec::new();
    let (mut names, mut versions) = (BTreeSet::new(), BTreeSet::new());
    for package in &packages {
        let (name, version) = (package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        names.insert(name);
        versions.insert((name, version));
        match package["license"].as_str() {
            Some(expression) if met(expression, &allowed) => {}
            other => faults.push(format!("{name} {version}: licence {other:?}")),
        }
        let source = package["source"].as_str().map(|source| source.trim_start_matches("registry+").to_owned());
        if source.is_some_and(|source| !registries.contains(&source)) {
            faults.push(format!("{name} {version}: source {}", package["source"]));
        }
        if banned.contains(&name) {
            faults.push(format!("{name} {version}: banned"));
        }
    }
    let duplicates = versions.len() - names.len();
    if duplicates > MOST_DUPLICATES {
        faults.push(format!("{duplicates} crates are there in more than one version: `cargo tree -d`"));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_licence_that_is_not_allowed_is_found() {
    let allowed = ["MIT".to_owned(), "Apache-2.0 WITH LLVM-exception".to_owned()];
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0-only OR MIT", true),
        ("MIT/Apache-2.0", true),
        ("MIT AND GPL-3.0-only", false),
        ("Apache-2.0", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("nonsense", false),
    ] {
        assert_eq!(met(expression, &allowed), expected, "{expression}");
    }
}

#[test]
fn every_dependency_of_cargo_toml_is_pinned_to_something_and_used() {
    let manifest = |of: &str| -> toml::Table { std::fs::read_to_string(root().join(of)).unwrap().parse().unwrap() };
    let sources = |folders: &[&str]| -> String {
        let mut files = Vec::new();
        folders.iter().for_each(|folder| super::tidy::collect(&root().join(folder), &mut files));
        files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
    };
    let program = sources(&["src"]);
    let all = format!("{program}{}", sources(&["tests/it", "bench"]));
    let (packages, mut faults) = (built(), Vec::new());
    for (of, section, text) in [
        ("Cargo.toml", "dependencies", &program),
        ("Cargo.toml", "dev-dependencies", &all),
        ("python/Cargo.toml", "dependencies", &sources(&["python/src"])),
    ] {
        for (name, wanted) in manifest(of)[section].as_table().unwrap() {
            let version = wanted.as_str().or_else(|| wanted.get("version")?.as_str());
            // What lies beside it has no other version.
            let beside = wanted.get("path").is_some();
            if !beside && version.is_none_or(|version| version.contains('*')) {
                faults.push(format!("{name} has no version"));
            }
            let named = library(&packages, name);
            if ![format!("{named}::"), format!("{named};"), format!("use {named} ")].iter().any(|of| text.contains(of))
            {
                faults.push(format!("{name} of [{section}] in {of} is used nowhere"));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// What an advisory of RustSec's database says of a version: its TOML stands in front of the text.
fn concerns(advisory: &toml::Table, version: &semver::Version) -> bool {
    let ranges = |name: &str| advisory["versions"].get(name).map(texts).unwrap_or_default();
    let safe = [ranges("patched"), ranges("unaffected")].concat();
    advisory["advisory"].get("withdrawn").is_none()
        && !safe.iter().any(|range| semver::VersionReq::parse(range).unwrap().matches(version))
}

/// Advisories about `packages`, of a folder with RustSec's database. What nobody maintains any more counts only where
/// Cargo.toml names it, as deny.toml says.
fn advised(database: &Path, packages: &[(String, semver::Version)], named: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (name, version) in packages {
        let Ok(files) = std::fs::read_dir(database.join("crates").join(name)) else { continue };
        for file in files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "md")) {
            let text = std::fs::read_to_string(&file).unwrap();
            let front = text.trim_start().strip_prefix("```toml").and_then(|rest| rest.split_once("```")).unwrap().0;
            let advisory: toml::Table = front.parse().unwrap();
            let kind = advisory["advisory"].get("informational").and_then(toml::Value::as_str);
            let counts = kind.is_none_or(|kind| kind == "unsound" || kind == "unmaintained" && named.contains(name));
            if counts && concerns(&advisory, version) {
                found.push(format!("{name} {version}: {}", advisory["advisory"]["id"].as_str().unwrap()));
            }
        }
    }
    found
}

/// Names of the dependencies in Cargo.toml.
fn direct() -> Vec<String> {
    let manifest: toml::Table = std::fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    manifest["dependencies"].as_table().unwrap().keys().cloned().collect()
}

#[test]
fn no_dependency_has_an_advisory() {
    let Some(database) = std::env::var_os("TAMIS_ADVISORIES") else {
        return skipped("TAMIS_ADVISORIES");
    };
    let database = Path::new(&database);
    assert!(database.join("crates/tokio").is_dir(), "it is not RustSec's database");
    let of = |package: &Value| {
        let version = semver::Version::parse(package["version"].as_str().unwrap()).unwrap();
        (package["name"].as_str().unwrap().to_owned(), version)
    };
    let packages: Vec<_> = built().iter().map(of).collect();
    let ignored = deny()["advisories"].get("ignore").map(texts).unwrap_or_default();
    let mut found = advised(database, &packages, &direct());
    found.retain(|found| !ignored.iter().any(|id| found.ends_with(id)));
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn an_advisory_counts_for_the_versions_that_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let crates = folder.path().join("crates");
    let advisory = |name: &str, id: &str, more: &str, versions: &str| {
        std::fs::create_dir_all(crates.join(name)).unwrap();
        let text = format!("```toml\n[advisory]\nid = \"{id}\"\n{more}\n[versions]\n{versions}\n```\n\n# What\n");
        std::fs::write(crates.join(name).join(format!("{id}.md")), text).unwrap();
    };
    advisory("one", "R-1", "", "patched = [\">= 1.2.3\"]\nunaffected = [\"< 1.0.0\"]");
    advisory("one", "R-2", "withdrawn = \"2025-01-01\"", "patched = []");
    advisory("two", "R-3", "informational = \"unmaintained\"", "patched = []");
    advisory("three", "R-4", "informational = \"unsound\"", "patched = [\"^0.3.1\"]");
    let at = |name: &str, version: &str| (name.to_owned(), semver::Version::parse(version).unwrap());
    let found = |name: &str, version: &str, named: &[String]| advised(folder.path(), &[at(name, version)], named).len();
    assert_eq!((found("one", "1.1.0", &[]), found("one", "1.2.3", &[]), found("one", "0.9.0", &[])), (1, 0, 0));
    assert_eq!((found("two", "1.0.0", &[]), found("two", "1.0.0", &["two".into()])), (0, 1));
    assert_eq!((found("three", "0.3.0", &[]), found("three", "0.3.2", &[]), found("four", "1.0.0", &[])), (1, 0, 0));
}

/// Numbers of a version such as 1.95 or 1.95.0.
fn version(text: &str) -> Vec<u64> {
    text.split('.').map(|number| number.parse().unwrap()).chain([0, 0]).take(3).collect()
}

#[test]
fn no_dependency_needs_a_newer_rust_than_cargo_toml_promises() {
    let packages = built();
    let needs = |package: &Value| package["rust_version"].as_str().map(version);
    let ours = packages.iter().find(|package| package["name"] == "tamis").and_then(needs).unwrap();
    let newer = |package: &&Value| needs(package).is_some_and(|needed| needed > ours);
    let newer: Vec<_> = packages.iter().filter(newer).map(|package| (&package["name"], needs(package))).collect();
    assert!(newer.is_empty(), "{newer:?} need more than {ours:?}");
    assert!(packages.iter().filter(|package| needs(package).is_some()).count() > 100, "nobody says what it needs");
}

#[test]
fn versions_are_compared_as_numbers() {
    assert!(version("1.100") > version("1.95.1"));
    assert_eq!(version("1.95"), version("1.95.0"));
}
