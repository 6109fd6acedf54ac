//! `tamis subject export`: writes the answer to a person who asks for their data into a folder that only the caller can
//! read: a page, JSON, a CSV per dataset and source, and a sheet for the privacy officer. The only command that writes
//! raw values, and only there.

use super::access_page;
use super::csv_cell::cell;
use super::lines::Lines;
use super::render;
use super::settings::{self, Settings};
use super::subject_args::{RightAsked, SubjectArgs};
use super::verdict::counted;
use crate::clock::{Clock, System};
use crate::error::{Code, Error, Result};
use crate::policy::{self, KeyFrom, Project};
use crate::questions::access::{AccessAnswer, AccessAsked, AccessDesk, AccessOutcome, RawRecord, Right, ShownValues};
use crate::store::{local_folder, settle};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Answers the person who is named on standard input.
///
/// # Errors
/// Policy errors for what was typed and for a folder that may not hold the answer; evidence and storage errors.
pub(super) fn export(settings: &Settings, args: &SubjectArgs, json: bool) -> Result<String> {
    let (asked, out) = (asked(args)?, args.out.clone().ok_or_else(no_folder)?);
    let project = policy::load(&settings.dir, &settings.roots)?;
    check_apart(&project, &out)?;
    make_folder(&out)?;
    let mut call = settings.subject_call();
    call.values = super::who::values()?;
    call.now = System.now();
    let desk = AccessDesk::open(&call)?;
    let answer = desk.answer(&call, &asked, settings.monitor(json).as_ref())?;
    let files = write(&answer, &out)?;
    desk.answered(&call, &asked, &answer.report)?;
    if json { render::json(&said_json(&answer, &out, &files)) } else { Ok(said(&answer, &out, &files)) }
}

fn asked(args: &SubjectArgs) -> Result<AccessAsked> {
    Ok(AccessAsked {
        right: match args.right {
            RightAsked::Access => Right::Access,
            RightAsked::Portability => Right::Portability,
        },
        request: args.request_id()?,
        received: args.received.as_deref().map(settings::time).transpose()?,
        include_doubtful: args.include_doubtful.clone(),
        without_raw: args.without_raw.clone(),
    })
}

fn no_folder() -> Error {
    Error::new(Code::ArgumentWrong, "nothing says where the answer goes")
        .help("give --out FOLDER, a new folder: only you will be able to read it")
}

/// Refuses a folder in which a job, a sweep or a reader would find the person's values.
pub(super) fn check_apart(project: &Project, out: &Path) -> Result<()> {
    let settled = |path: &Path| settle(path).unwrap_or_else(|| path.to_path_buf());
    let whole = std::path::absolute(out).unwrap_or_else(|_| out.to_path_buf());
    let out = settled(&whole);
    let roots = project.roots.values().filter_map(|url| local_folder(url));
    let keys = match &project.keys.from {
        KeyFrom::Dir(dir) => Some(PathBuf::from(dir)),
        KeyFrom::Credential(_) | KeyFrom::Command(_) => None,
    };
    let taken = |folder: PathBuf| {
        let folder = settled(&folder);
        out.starts_with(&folder) || folder.starts_with(&out)
    };
    if roots.chain(keys).any(taken) {
        return Err(Error::new(
            Code::ArgumentWrong,
            "the place to write to lies in a root of the policy, or contains one",
        )
        .help("choose a place apart from exports, datasets, state and keys: data of persons will be in it"));
    }
    Ok(())
}

/// Makes the folder, or takes an empty one that belongs to the caller alone.
pub(super) fn make_folder(out: &Path) -> Result<()> {
    match DirBuilder::new().mode(0o700).create(out) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let empty = fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_none());
            let private = fs::metadata(out).is_ok_and(|facts| facts.permissions().mode() & 0o077 == 0);
            if empty && private {
                return Ok(());
            }
            Err(Error::new(Code::ArgumentWrong, "the folder for the answer is not empty, or others can look into it")
                .help("name one that does not exist yet, or an empty one with mode 0700"))
        }
        Err(_) => Err(Error::new(Code::ArgumentWrong, "the folder for the answer cannot be made")
            .help("its parent has to exist, and you need the right to write there")),
    }
}

/// Writes everything; returns the names of the files.
fn write(answer: &AccessAnswer, out: &Path) -> Result<Vec<String>> {
    let mut files = vec![
        ("person.html".to_string(), access_page::person(&answer.report)),
        ("person.json".to_string(), render::json(&answer.report)?),
    ];
    files.extend(tables(answer));
    files.push(("officer.html".to_string(), access_page::officer(&answer.officer)));
    files.push(("officer.json".to_string(), render::json(&answer.officer)?));
    for (name, text) in &files {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(out.join(name))
            .map_err(|error| unwritten(name, &error))?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| unwritten(name, &error))?;
    }
    Ok(files.into_iter().map(|(name, _)| name).collect())
}

fn unwritten(name: &str, error: &std::io::Error) -> Error {
    Error::new(Code::FileNotWritten, format!("{name} could not be written: {}", error.kind()))
        .help("make room, then ask again into a new folder; what is in this one is not whole: delete it")
}

/// A CSV for each dataset, and one for each source of raw records.
fn tables(answer: &AccessAnswer) -> Vec<(String, String)> {
    let report = &answer.report;
    let mut files = Vec::new();
    for dataset in &report.datasets {
        let rows: Vec<&ShownValues> = dataset.rows.iter().map(|row| &row.values).collect();
        files.push((format!("dataset-{}.csv", file_name(&dataset.dataset)), csv(&rows)));
    }
    let sources: BTreeSet<&String> = report.raw_exports.records.iter().map(|record| &record.source).collect();
    for source in sources {
        let records = report.raw_exports.records.iter().filter(|record| record.source == *source);
        let rows: Vec<ShownValues> = records.map(|record| right(report.right, record)).collect();
        files.push((format!("records-{}.csv", file_name(source)), csv(&rows.iter().collect::<Vec<_>>())));
    }
    files
}

/// The values of a record: whoever takes them elsewhere takes what is right (Art. 16, 20 GDPR).
fn right(right: Right, record: &RawRecord) -> ShownValues {
    let mut values = record.values.clone();
    let known = record.corrected.iter().filter(|(_, value)| right == Right::Portability && value.is_some());
    values.extend(known.map(|(column, value)| (column.clone(), value.clone())));
    values
}

fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect()
}

/// RFC 4180.
fn csv(rows: &[&ShownValues]) -> String {
    let columns: BTreeSet<&String> = rows.iter().flat_map(|row| row.keys()).collect();
    let line = |cells: Vec<String>| cells.join(",") + "\r\n";
    let mut out = line(columns.iter().map(|column| cell(column)).collect());
    for row in rows {
        let value = |column: &&String| row.get(*column).and_then(Option::as_deref).map_or(String::new(), cell);
        out.push_str(&line(columns.iter().map(value).collect()));
    }
    out
}

fn said(answer: &AccessAnswer, out: &Path, files: &[String]) -> String {
    let (report, officer) = (&answer.report, &answer.officer);
    let rows: usize = report.datasets.iter().map(|dataset| dataset.rows.len()).sum();
    let records: usize = report.raw_exports.records.iter().map(|record| record.places.len()).sum();
    let mut text = String::new();
    let what = match report.outcome {
        AccessOutcome::Found => "answered",
        AccessOutcome::Unclear => {
            "answered: it cannot be told which records are this person's; ask for a number that they know (Art. 12(6) GDPR)"
        }
        AccessOutcome::Nothing => "answered: nothing about this person was found",
    };
    text.line(format_args!(
        "{what}: request {} ({}), due {}",
        report.request,
        report.right.name(),
        report.due.to_seconds()
    ));
    if report.right == Right::Access {
        text.line(format_args!(
            "{} in {}",
            counted(rows as u64, "row"),
            counted(report.datasets.len() as u64, "dataset")
        ));
    }
    match &report.raw_exports.not_searched {
        Some(_) => text.push_str("raw exports were not searched; the page says so\n"),
        None => {
            let objects = counted(report.raw_exports.objects, "raw export");
            text.line(format_args!("{} in {objects}", counted(records as u64, "record")));
        }
    }
    for place in &report.raw_exports.unreadable {
        text.line(format_args!("not searched: {place}"));
    }
    if let Some(doubt) = &officer.doubt {
        text.line(format_args!("look at this first: {doubt}"));
    }
    if !officer.doubtful.is_empty() {
        let rows = counted(officer.doubtful.len() as u64, "row or record");
        text.line(format_args!(
            "{rows} may be another person's and were left out: see officer.html; --include-doubtful REASON shows them"
        ));
    }
    let withheld = report.withheld.iter().filter(|withheld| withheld.column.is_some()).count();
    if withheld > 0 {
        text.line(format_args!(
            "{} withheld, named on the page and shown in officer.html",
            counted(withheld as u64, "column")
        ));
    }
    text.line(format_args!("written to {}: {}", out.display(), files.join(", ")));
    text.push_str("the officer's files are not for the person; delete the folder once the answer is sent\n");
    text
}

fn said_json(answer: &AccessAnswer, out: &Path, files: &[String]) -> serde_json::Value {
    let report = &answer.report;
    serde_json::json!({
        "schema": "tamis-access-done/1",
        "request": report.request,
        "right": report.right,
        "processed": report.processed,
        "outcome": report.outcome,
        "due": report.due,
        "rows": report.datasets.iter().map(|dataset| dataset.rows.len()).sum::<usize>(),
        "records": report.raw_exports.records.iter().map(|record| record.places.len()).sum::<usize>(),
        "doubtful": answer.officer.doubtful.len(),
        "withheld": report.withheld,
        "unreadable": report.raw_exports.unreadable,
        "folder": out.display().to_string(),
        "files": files,
    })
}
