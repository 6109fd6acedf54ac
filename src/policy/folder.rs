//! The spec folder: which files there are, in which order they are checked, and the project they make.
//! Must not know single rules, nor any stage.

use super::across;
use super::check_job::{self, CheckedJob, JobSurroundings};
use super::check_newest;
use super::check_nobody;
use super::check_others;
use super::check_policy::{self, Policy};
use super::check_source::{self, Inventory};
use super::digest;
use super::finding::{Findings, Page, SpecFile};
use super::job_spec::JobSpec;
use super::plan::Project;
use super::policy_spec::PolicySpec;
use super::register::{self, Register};
use super::risk;
use super::shape;
use super::source_spec::SourceSpec;
use super::value;
use crate::clock::Instant;
use crate::error::{Error, Finding, Result};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const POLICY: &str = "policy.toml";

/// Reads `policy.toml`, `sources/*.toml` and every other `*.toml` of the folder (the jobs), and puts them together.
/// `root_overrides` are `--root NAME=URL`; relative ones are relative to the working directory.
///
/// # Errors
/// A policy error with all findings, hints left out.
pub fn load(dir: &Path, root_overrides: &[(String, String)]) -> Result<Project> {
    load_with_register(dir, root_overrides).map(|(project, _)| project)
}

/// As `load`; returns also what only people read of the specs.
///
/// # Errors
/// As `load`.
pub fn load_with_register(dir: &Path, root_overrides: &[(String, String)]) -> Result<(Project, Register)> {
    let (findings, specs) = survey(dir, root_overrides, None, None);
    let faults: Vec<_> = findings.into_iter().filter(|f| !f.hint).collect();
    match specs {
        Some(specs) if faults.is_empty() => Ok(specs),
        _ => Err(Error::findings(faults)),
    }
}

/// All findings of the folder, hints among them, by file and position.
/// `now` tells which reviews of recipients are due.
pub fn lint(dir: &Path, root_overrides: &[(String, String)], now: Instant) -> Vec<Finding> {
    survey(dir, root_overrides, Some(now.day(&TimeZone::UTC)), None).0
}

/// As `lint`, as if one source file had another text.
pub fn lint_with(dir: &Path, overrides: &[(String, String)], now: Instant, replaced: (&Path, &str)) -> Vec<Finding> {
    survey(dir, overrides, Some(now.day(&TimeZone::UTC)), Some(replaced)).0
}

fn survey(
    dir: &Path,
    overrides: &[(String, String)],
    today: Option<Date>,
    replaced: Option<(&Path, &str)>,
) -> (Vec<Finding>, Option<(Project, Register)>) {
    let findings = Findings::default();
    let policy_file = read(&dir.join(POLICY), &findings);
    let sources = listed(&dir.join("sources"), &policy_file.0, &findings);
    let source = |path: &PathBuf| match replaced.filter(|(other, _)| other == path) {
        Some((_, text)) => (SpecFile { path: path.display().to_string(), text: text.to_owned() }, true),
        None => read(path, &findings),
    };
    let source_files: Vec<_> = sources.iter().map(source).collect();
    let jobs = listed(dir, &policy_file.0, &findings);
    let job_files: Vec<_> = jobs.iter().filter(|p| !p.ends_with(POLICY)).map(|p| read(p, &findings)).collect();
    let specs = check((&policy_file, today), &source_files, &job_files, overrides, &findings);
    (findings.sorted(), specs)
}

/// The `*.toml` files of a folder by name, without the hidden ones that editors leave. A folder that is not there has
/// none; one that cannot be listed is a fault of the `policy`: a job that nobody sees would be taken for gone.
fn listed(dir: &Path, policy: &SpecFile, findings: &Findings) -> Vec<PathBuf> {
    let all = std::fs::read_dir(dir).and_then(|entries| entries.map(|e| Ok(e?.path())).collect::<Result<Vec<_>, _>>());
    let entries = all.unwrap_or_else(|error| {
        let link = std::fs::symlink_metadata(dir).is_ok();
        if error.kind() != std::io::ErrorKind::NotFound || link {
            let what = format!("the folder {} cannot be listed", dir.display());
            let help = "check its permissions, and where links lead";
            Page { file: policy, findings }.fault(0..0, "unreadable-file", what, help);
        }
        Vec::new()
    });
    let spec = |p: &PathBuf| {
        let hidden = p.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        p.extension().is_some_and(|e| e == "toml") && !hidden && !p.is_dir()
    };
    let mut files: Vec<_> = entries.into_iter().filter(spec).collect();
    files.sort();
    files
}

fn read(path: &Path, findings: &Findings) -> (SpecFile, bool) {
    let mut file = SpecFile { path: path.display().to_string(), text: String::new() };
    // A pipe would be waited for.
    let special = std::fs::metadata(path).is_ok_and(|facts| !facts.is_file());
    let bytes = if special { Err(std::io::ErrorKind::InvalidInput.into()) } else { std::fs::read(path) };
    let fault = |code, text: &str, help: &str| Page { file: &file, findings }.fault(0..0, code, text, help);
    match bytes.map(String::from_utf8) {
        Ok(Ok(text)) => {
            file.text = text;
            return (file, true);
        }
        Ok(Err(_)) => fault("not-utf8", "the file is not UTF-8", "save it as UTF-8"),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            fault(
                "no-file",
                "there is no such file",
                "name the folder of the specs with --dir, or write one with `tamis init`",
            );
        }
        Err(_) => fault(
            "unreadable-file",
            "the file could not be read",
            "look at its permissions, and whether it is a plain file",
        ),
    }
    (file, false)
}

fn parse<'a, T: serde::de::DeserializeOwned>(
    files: &'a [(SpecFile, bool)],
    findings: &'a Findings,
) -> Vec<(Page<'a>, Option<T>)> {
    let page = |file: &'a SpecFile| Page { file, findings };
    files.iter().map(|(file, read)| (page(file), if *read { shape::read(page(file)) } else { None })).collect()
}

fn check(
    (policy_file, today): (&(SpecFile, bool), Option<Date>),
    source_files: &[(SpecFile, bool)],
    job_files: &[(SpecFile, bool)],
    overrides: &[(String, String)],
    findings: &Findings,
) -> Option<(Project, Register)> {
    let policy_spec = parse::<PolicySpec>(std::slice::from_ref(policy_file), findings);
    let source_specs = parse::<SourceSpec>(source_files, findings);
    let job_specs = parse::<JobSpec>(job_files, findings);
    let policy = match policy_spec.first() {
        Some((page, Some(spec))) => Some(check_policy::check(*page, spec, overrides, today)),
        _ => None,
    };
    let sources: Vec<_> = source_specs
        .iter()
        .filter_map(|(page, spec)| {
            spec.as_ref().map(|s| check_source::check(*page, s, policy.as_ref(), &used(s, &job_specs)))
        })
        .collect();
    sources.iter().for_each(check_nobody::source);
    sources.iter().for_each(check_newest::source);
    sources.iter().for_each(check_others::source);
    let policy = policy?;
    let all_sources = sources.len() == source_specs.len();
    let desk = JobSurroundings { policy: &policy, sources: &sources, all_sources };
    let jobs: Vec<_> =
        job_specs.iter().filter_map(|(page, spec)| spec.as_ref().map(|s| check_job::check(*page, s, &desk))).collect();
    together(&policy, &sources, &jobs, all_sources);
    if findings.any_fault() {
        return None;
    }
    across::hints(&policy, &sources, &jobs);
    let register = register::register(policy.spec, &sources, jobs.iter().map(|job| job.spec));
    let plans: Option<Vec<_>> = jobs.into_iter().map(|job| job.plan).collect();
    let plans = plans?.into_iter().map(|plan| (plan.job.clone(), plan)).collect();
    let project = Project {
        risks: risk::profiles(&plans, &register, policy.removal.as_ref()?),
        controller: policy.spec.controller.to_string(),
        policy_digest: digest::policy(policy.spec)?,
        roots: policy.roots,
        keys: policy.keys?,
        lists: policy.lists.into_iter().map(|(name, list)| Some((name, list?))).collect::<Option<_>>()?,
        corrections: policy.corrections.into_iter().map(|(name, list)| Some((name, list?))).collect::<Option<_>>()?,
        removal: policy.removal?,
        links: policy.links?,
        recipients: policy.recipients.into_iter().map(|(name, of)| (name.to_owned(), of)).collect(),
        audit: policy.audit?,
        jobs: plans,
    };
    Some((project, register))
}

/// The names of columns that jobs take from a source.
fn used(source: &SourceSpec, jobs: &[(Page<'_>, Option<JobSpec>)]) -> BTreeSet<String> {
    jobs.iter()
        .filter_map(|(_, job)| job.as_ref())
        .flat_map(|job| job.columns_of(&source.name))
        .map(value::trimmed)
        .collect()
}

fn together(policy: &Policy, sources: &[Inventory], jobs: &[CheckedJob], all_sources: bool) {
    across::names(sources, jobs);
    across::places(policy, jobs);
    if all_sources {
        across::list_kinds(policy, sources);
        across::correction_sources(policy, sources);
        across::kind_parts(policy, sources);
    }
}
