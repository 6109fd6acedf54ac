//! `tamis drift JOB`: how the newest export differs from its source, and the lines that would make them agree; `--write`
//! puts them into the file of the source. Nothing that is written allows anything.

use super::args::DriftArgs;
use super::lines::Lines;
use super::render;
use super::settings::Settings;
use super::verdict::{self, TerminalVerdict, counted};
use crate::error::{Code, Error, Finding, Result};
use crate::policy::{self, ColumnEdits, SourceText};
use crate::questions::drift::{self as questions, ColumnFate, DriftReport, DriftedColumn};
use std::path::Path;

/// Stands behind a line that was turned into a comment.
const GONE: &str = "not in the export any more (tamis drift)";

/// Tells how an export has drifted, and writes the lines when that is asked.
///
/// # Errors
/// Policy errors for specs that cannot be read or edited; input and storage errors.
pub(super) fn drift(settings: &Settings, args: &DriftArgs, json: bool) -> Result<String> {
    let call = settings.call(&args.job, None, &args.work)?;
    let report = questions::drift(&call, settings.monitor(json).as_ref())?;
    let source = SourceText::find(&settings.dir, &report.source).ok_or_else(|| {
        Error::new(Code::SpecUnusable, format!("the file of source {} cannot be read", report.source))
    })?;
    let edits = edits(settings, &report, &source, args.renamed);
    let written = args.write && !edits.is_empty();
    if written {
        write(settings, &source, &edits)?;
    }
    if json {
        let file = source.path.display().to_string();
        return render::json(&serde_json::json!({
            "schema": "tamis-drift/1", "drift": report, "file": file, "written": written,
            "added": edits.add.len(), "commented_out": edits.comment_out.len(), "renamed": edits.rename.len(),
        }));
    }
    Ok(told(&report, &source, &edits, args, written))
}

/// What can be written without a person deciding anything: lines for columns that nothing declares, and comments in place
/// of those that the export lacks and nothing refers to. With `renamed` a person has decided on the names.
fn edits(settings: &Settings, report: &DriftReport, source: &SourceText, renamed: bool) -> ColumnEdits {
    let all = report.columns.iter();
    let declared = all.clone().filter(|column| matches!(column.fate, ColumnFate::New | ColumnFate::Undeclared));
    let renames = all.clone().filter_map(|column| Some((column.was.clone()?, column.column.clone())));
    let renames: Vec<_> = renames.filter(|(was, _)| renamed && source.can_rename(was)).collect();
    let moved = |name: &str| report.columns.iter().any(|column| column.was.as_deref() == Some(name));
    let mut edits = ColumnEdits {
        add: declared.filter_map(|column| Some(column.guess.as_ref()?.line.clone())).collect(),
        comment_out: Vec::new(),
        rename: renames,
    };
    let before = faults(settings, None);
    for column in all.filter(|column| column.fate == ColumnFate::Vanished && !moved(&column.column)) {
        let mut one = ColumnEdits { rename: Vec::new(), ..edits.clone() };
        one.comment_out.push((column.column.clone(), GONE.into()));
        // Clocks, links and other jobs may name it: then it stays, and a person decides.
        if source.with(&one).is_some_and(|text| faults(settings, Some((&source.path, &text))).len() <= before.len()) {
            edits.comment_out = one.comment_out;
        }
    }
    edits
}

/// Findings of the specs that stop a run, as if one file had another text.
fn faults(settings: &Settings, replaced: Option<(&Path, &str)>) -> Vec<Finding> {
    let found = match replaced {
        Some(replaced) => policy::lint_with(&settings.dir, &settings.roots, settings.now, replaced),
        None => policy::lint(&settings.dir, &settings.roots, settings.now),
    };
    found.into_iter().filter(|finding| !finding.hint).collect()
}

/// Writes the file anew, in one step, when the specs have no fault with it.
fn write(settings: &Settings, source: &SourceText, edits: &ColumnEdits) -> Result<()> {
    let path = source.path.display();
    let text = source.with(edits).ok_or_else(|| {
        Error::new(Code::SpecUnusable, format!("{path}: its [columns] cannot be edited line by line"))
            .help("write each column as NAME = { … }, or copy the lines that `tamis drift` prints")
    })?;
    let faults = faults(settings, Some((&source.path, &text)));
    if !faults.is_empty() {
        return Err(Error::findings(faults));
    }
    let unwritten = |_| Error::new(Code::FileNotWritten, format!("{path} cannot be written"));
    // Where the file is a link, what it leads to is replaced.
    let target = std::fs::canonicalize(&source.path).map_err(unwritten)?;
    let beside = target.with_extension("toml.new");
    let permissions = std::fs::metadata(&target).map_err(unwritten)?.permissions();
    std::fs::write(&beside, &text)
        .and_then(|()| std::fs::set_permissions(&beside, permissions))
        .and_then(|()| std::fs::rename(&beside, &target))
        .map_err(unwritten)
}

fn told(report: &DriftReport, source: &SourceText, edits: &ColumnEdits, args: &DriftArgs, written: bool) -> String {
    let mut out = String::new();
    let some = !report.columns.is_empty() || report.nameless > 0;
    let set = report.set.as_ref().map_or(String::new(), |set| format!(" {set}"));
    let said = match some {
        false => format!("{}: export{set} has the columns that source {} declares", report.job, report.source),
        true => format!("{}: export{set} differs from source {}: {}", report.job, report.source, counts(report)),
    };
    let open = report.columns.iter().any(|column| !is_done(column, edits)) || report.nameless > 0;
    let verdict = TerminalVerdict::attention(if written { open } else { some });
    out.push_str(&verdict.line(&said, verdict::coloured(&std::io::stdout())));
    let file = source.path.display();
    if !edits.is_empty() {
        out.line(format_args!("{file}{}", if written { ", written:" } else { "" }));
    }
    edits.add.iter().for_each(|line| out.line(format_args!("+ {line}")));
    edits.comment_out.iter().for_each(|(name, _)| out.line(format_args!("# {name}: not in the export any more")));
    edits.rename.iter().for_each(|(name, to)| out.line(format_args!("~ {name}: names = [{}]", toml(to))));
    for column in report.columns.iter().filter(|column| !is_done(column, edits)) {
        let line = |name: &str| source.line_of(name).map_or(file.to_string(), |line| format!("{file}:{line}"));
        out.line(format_args!("! {}", to_decide(column, &line)));
    }
    if report.nameless > 0 {
        let columns = counted(report.nameless, "column");
        out.line(format_args!(
            "! {columns} without a name of their own: no line can declare them; have them exported with one, or name them in \
             read.ignore"
        ));
    }
    if !edits.is_empty() && !written {
        out.line(format_args!("`tamis drift {} --write` writes these lines; none of them allows anything", args.job));
    }
    if written {
        out.line(format_args!("nothing of it is allowed for any purpose; `tamis check` finds no fault in it"));
    }
    out
}

/// Whether the edits take care of a column.
fn is_done(column: &DriftedColumn, edits: &ColumnEdits) -> bool {
    let name = &column.column;
    match column.fate {
        ColumnFate::New | ColumnFate::Undeclared => true,
        ColumnFate::Renamed => edits.rename.iter().any(|(_, to)| to == name),
        ColumnFate::Vanished | ColumnFate::Missing => {
            edits.comment_out.iter().any(|(out, _)| out == name) || edits.rename.iter().any(|(was, _)| was == name)
        }
        ColumnFate::Partial | ColumnFate::Emptied => false,
    }
}

fn counts(report: &DriftReport) -> String {
    let count = |fates: &[ColumnFate]| report.columns.iter().filter(|column| fates.contains(&column.fate)).count();
    let said = [
        (count(&[ColumnFate::New]), "new"),
        (count(&[ColumnFate::Undeclared]), "never declared"),
        (count(&[ColumnFate::Renamed]), "renamed"),
        (count(&[ColumnFate::Vanished, ColumnFate::Missing, ColumnFate::Partial]), "gone"),
        (count(&[ColumnFate::Emptied]), "empty now"),
        (report.nameless as usize, "without a name of its own"),
    ];
    let said = said.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    said.collect::<Vec<_>>().join(", ")
}

/// A name as a spec writes it.
fn toml(name: &str) -> toml::Value {
    toml::Value::from(name)
}

/// What a person has to look at, and what to write.
fn to_decide(column: &DriftedColumn, line: &dyn Fn(&str) -> String) -> String {
    let name = &column.column;
    let since = column.since.map_or(String::new(), |since| format!(" since {since}"));
    match (column.fate, &column.was) {
        (ColumnFate::Renamed, Some(was)) => format!(
            "column {was} is gone, and column {name} holds what it held ({} of 100 marks are equal): if it was renamed, write \
             names = [{}] at {was}, {} (or call this with --write --renamed)",
            column.alike.unwrap_or_default(),
            toml(name),
            line(was)
        ),
        (ColumnFate::Missing, _) => {
            format!("column {name} is not in the export{since}, and the job needs it: {}", line(name))
        }
        (ColumnFate::Partial, _) => format!("column {name} is not in every file of the export{since}: {}", line(name)),
        (ColumnFate::Emptied, _) => {
            format!("column {name} had values in the run before, and its first records have none now: {}", line(name))
        }
        _ => format!("column {name} is not in the export{since}, and other lines of the specs name it: {}", line(name)),
    }
}
