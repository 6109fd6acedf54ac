//! Reports as text, with bars; the numbers are those of `--json`.

use super::columns;
use super::corrections;
use super::finding_json::listed;
use super::lines::Lines;
use super::verdict::{TerminalVerdict, counted};
use crate::error::{Error, Result};
use crate::evidence::manifest::{
    Brake, Cause, CauseEffect, Identifiers, ListApplied, RecordVersions, SharedValues, UndatedEvidence,
};
use crate::evidence::{Manifest, VerifyReport};
use crate::gates::Gate;
use crate::run::{Outcome, Report};

const BAR: usize = 24;

/// Returns the report of `run` and `plan` as text: the verdict, what became of the rows, what somebody has to look at;
/// with `verbose` also inputs, fields, gates and keys.
pub fn report(report: &Report, verbose: bool, coloured: bool) -> String {
    let m = &report.manifest;
    let exceptions = exceptions(m);
    let (verdict, said) = headline(report, !exceptions.persons.is_empty());
    let mut out = verdict.line(&said, coloured);
    let run = if m.run.is_empty() { String::new() } else { format!(", run {}", m.run) };
    out.line(format_args!("  as of {}{run}", m.as_of));
    out.push('\n');
    if verbose {
        evidence(&mut out, m);
    } else {
        rows(&mut out, m);
        if report.outcome == Outcome::Planned {
            causes(&mut out, m);
        }
        out.push('\n');
        exceptions.persons.iter().chain(&exceptions.columns).for_each(|said| out.line(format_args!("! {said}")));
    }
    stops(&mut out, report);
    tail(&mut out, report, verbose);
    out
}

/// Returns the verdict on a run or a plan, and its figures.
fn headline(report: &Report, persons: bool) -> (TerminalVerdict, String) {
    let m = &report.manifest;
    let dropped = m.rows_in.saturating_sub(m.rows_out);
    let rows = format!("{} rows in, {} out, {dropped} dropped", m.rows_in, m.rows_out);
    match report.outcome {
        Outcome::Published => {
            (TerminalVerdict::attention(persons), format!("{} version {} published: {rows}", m.job, m.output.version))
        }
        Outcome::Planned if report.stops.is_empty() => {
            (TerminalVerdict::attention(persons), format!("plan of {}: {rows}; nothing was written", m.job))
        }
        Outcome::Planned => {
            let stops = counted(report.stops.len() as u64, "limit");
            (TerminalVerdict::Stopped, format!("plan of {}: {rows}; {stops} would stop it; nothing was written", m.job))
        }
    }
}

/// What somebody has to look at, apart by how much it hurts.
#[derive(Default)]
struct Exceptions {
    /// Of requests and of fields that lost all their values.
    persons: Vec<String>,
    /// Of columns and values.
    columns: Vec<String>,
}

fn exceptions(m: &Manifest) -> Exceptions {
    let mut found = Exceptions::default();
    for list in &m.lists {
        let said = |(count, what)| format!("list {}: {count} of {} requests {what}", list.name, list.entries);
        found.persons.extend(doubts(list).map(said));
    }
    for field in &m.fields {
        if field.emptied {
            found.persons.push(format!("field {} is EMPTY, and the run before had values", field.name));
        }
        if field.untreated > 0 {
            let first = field.first_untreated.as_deref().unwrap_or("unknown");
            let (count, name) = (counted(field.untreated, "value"), &field.name);
            found
                .columns
                .push(format!("field {name}: {count} could not be treated and became null, the first: {first}"));
        }
    }
    found.persons.extend(corrections::exceptions(m));
    found.columns.extend(columns::said(m));
    found
        .columns
        .extend(m.identifiers.iter().filter(|column| column.raw + column.unseen + column.partial > 0).map(said_of_raw));
    found.columns.extend(m.identifiers.iter().filter_map(said_of_shared));
    found.columns.extend(said_of_largest(m));
    let let_through = m.brake.iter().filter(|brake| brake.accepted.is_some());
    found.columns.extend(let_through.map(|brake| format!("brake: {}", said_of_brake(brake))));
    found
}

/// Returns what a person has to look at in a list: how many entries, and why.
fn doubts(list: &ListApplied) -> impl Iterator<Item = (u64, &'static str)> {
    let counts = [
        (list.needs_review, "to be reviewed (`tamis subject find` shows why)"),
        (list.lifts_nothing, "without anything to lift (`tamis status` shows why)"),
        (list.unusable, "with no value in normal form: only the same spelling is found (`tamis status` shows which)"),
    ];
    counts.into_iter().filter(|(count, _)| *count > 0)
}

/// What was read, what became of it, and what the gates said.
pub(super) fn evidence(out: &mut String, m: &Manifest) {
    inputs(out, m);
    balance(out, m);
    fields(out, m);
    causes(out, m);
    notices(out, m);
    identifiers(out, m);
    gates(out, m);
}

/// Where the rows went, with bars.
fn rows(out: &mut String, m: &Manifest) {
    let width = m.removed.iter().map(|r| r.reason.chars().count()).max().unwrap_or(0).max(9);
    out.line(format_args!("{:<width$}  {:>9}", "rows in", m.rows_in));
    bar_line(out, width, "published", m.rows_out, m.rows_in);
    for removed in m.removed.iter().filter(|r| r.rows > 0) {
        bar_line(out, width, &removed.reason, removed.rows, m.rows_in);
    }
    if let Some(said) = said_of_versions(m) {
        out.line(format_args!("{said}"));
    }
    for other in m.others.iter().filter(|other| other.rows > 0) {
        let rows = counted(other.rows, "row");
        out.line(format_args!("of the published, {rows} without the cells of the {}", other.name));
    }
}

/// How the rows that were read became one row for each record (R75).
pub(super) fn said_of_versions(m: &Manifest) -> Option<String> {
    let RecordVersions { superseded, ended, .. } = m.versions.as_ref()?;
    let (read, rows) = (counted(m.rows_in + superseded + ended, "row"), counted(m.rows_in, "row"));
    let (earlier, ended) = (counted(*superseded, "earlier version"), counted(*ended, "record"));
    Some(format!("{read} read = {rows} in + {earlier} left out + {ended} ended"))
}

fn inputs(out: &mut String, m: &Manifest) {
    if let Some(set) = &m.set {
        out.line(format_args!("set {set}"));
    }
    for input in &m.inputs {
        for member in &input.members {
            let name = member.name.as_deref().map_or(String::new(), |name| format!(" {name}"));
            let seldom = [(member.dropped, "dropped"), (member.blank, "of them blank")];
            let seldom = seldom.iter().filter(|(count, _)| *count > 0);
            let seldom: String = seldom.map(|(count, what)| format!(", {count} {what}")).collect();
            out.line(format_args!(
                "  {}{name}: {} records{seldom}, {}, as {}",
                input.object, member.records, member.encoding, input.source
            ));
        }
        if input.of_macos > 0 {
            out.line(format_args!(
                "  {}: {} files of macOS left out (._NAME, .DS_Store)",
                input.object, input.of_macos
            ));
        }
    }
    for list in &m.lists {
        let binding = list.not_binding.as_deref().map_or(String::new(), |why| format!(", does not bind: {why}"));
        out.line(format_args!(
            "  list {} ({}): {} entries{}{binding}",
            list.name,
            list.effect,
            list.entries,
            met(list)
        ));
    }
    corrections::counts(m).iter().for_each(|said| out.line(format_args!("  {said}")));
    out.line(format_args!("  links: {}", m.links));
}

/// What came of a list's entries; nothing for what did not happen.
fn met(list: &ListApplied) -> String {
    let counts = [(list.reached, "reach rows"), (list.learned, "identities learned")];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0).chain(doubts(list));
    counts.map(|(count, what)| format!(", {count} {what}")).collect()
}

fn balance(out: &mut String, m: &Manifest) {
    out.push('\n');
    rows(out, m);
    if m.no_clock > 0 {
        out.line(format_args!("of the expired, {} had no usable clock", m.no_clock));
    }
    if let Some(undated) = &m.undated {
        out.line(format_args!("rows without a date: {}", said_of_undated(undated)));
    }
    if let Some(reason) = &m.about_nobody {
        out.line(format_args!("no row is about a person: {reason}"));
    }
    for (count, what, first) in [
        (m.rejected.no_subject, "no subject", &None),
        (m.rejected.clock_unreadable, "a clock that cannot be read", &m.rejected.first_clock_unreadable),
        (m.rejected.exclude_unreadable, "an exclude column that is neither yes nor no", &None),
    ] {
        if count > 0 {
            let first = first.as_ref().map_or(String::new(), |first| format!(", the first: {first}"));
            out.line(format_args!("of the rejected, {count} had {what}{first}"));
        }
    }
    if let Some(doubtful) = m.versions.as_ref().map(|of| of.doubtful).filter(|doubtful| *doubtful > 0) {
        let records = counted(doubtful, "record");
        out.line(format_args!("of the rejected, {records} without a newest version: two are alike, or one says none"));
    }
    if let Some(absent) = m.absent.filter(|absent| *absent > 0) {
        out.line(format_args!("absent: {absent} rows of the version before are in no export any more"));
    }
}

/// Where values and rows were lost, by column and cause.
fn causes(out: &mut String, m: &Manifest) {
    let row = |cause: &Cause| {
        let effect = match cause.effect {
            CauseEffect::Rejected => "rejected",
            CauseEffect::Untreated => "untreated",
            CauseEffect::Raw => "raw",
        };
        let first = cause.first.clone().unwrap_or_default();
        [cause.column.clone(), effect.into(), cause.values.to_string(), cause.why.clone(), first]
    };
    let rows: Vec<[String; 5]> = m.causes.iter().map(row).collect();
    if !rows.is_empty() {
        out.push('\n');
        table(out, ["column", "lost", "values", "why", "first"], &rows);
    }
}

/// Returns what stands in for a clock, and why.
fn said_of_undated(undated: &UndatedEvidence) -> String {
    let date = undated.export_date.map_or(String::new(), |date| format!(" {date}"));
    let persons = undated.persons.zip(undated.new);
    let persons = persons.map_or(String::new(), |(all, new)| format!(", {} of {all} persons new", new));
    let reason = undated.reason.as_deref().map_or(String::new(), |reason| format!(" ({reason})"));
    format!("{}{date}{persons}{reason}", undated.clock)
}

/// A line with a bar for `rows` of `of`.
pub(super) fn bar_line(out: &mut String, width: usize, name: &str, rows: u64, of: u64) {
    let share = if of == 0 { 0.0 } else { rows as f64 / of as f64 };
    out.line(format_args!("{name:<width$}  {rows:>9}  {:<BAR$} {:>5.1} %", bar(share), share * 100.0));
}

/// A bar of eighths; a share above zero always shows.
fn bar(share: f64) -> String {
    let eighths = (share * (BAR * 8) as f64).round() as usize;
    let eighths = if share > 0.0 { eighths.max(1) } else { 0 };
    let mut text = "█".repeat(eighths / 8);
    text.extend(['▏', '▎', '▍', '▌', '▋', '▊', '▉'].get((eighths % 8).wrapping_sub(1)));
    text
}

fn fields(out: &mut String, m: &Manifest) {
    let rows: Vec<[String; 5]> = m
        .fields
        .iter()
        .map(|field| {
            let mut notes = Vec::new();
            if field.untreated > 0 {
                // The whole place is in --json.
                let first = field.first_untreated.as_ref().and_then(|first| first.rsplit(", ").next());
                notes.push(format!("{} untreated, first {}", field.untreated, first.unwrap_or("unknown")));
            }
            if field.raw_forms > 0 {
                notes.push(format!("{} hashed without normalisation", field.raw_forms));
            }
            notes.extend(field.counts.iter().map(|(name, count)| format!("{count} of {name}")));
            if field.emptied {
                notes.push("EMPTY, and the run before had values".into());
            }
            if let Some(pattern) = &field.pattern {
                notes.push(format!("declared by the pattern {pattern} alone"));
            }
            let from = field.from.clone().unwrap_or_default();
            [field.name.clone(), from, field.treatment.clone(), field.data_type.clone(), notes.join(", ")]
        })
        .collect();
    out.push('\n');
    table(out, ["field", "from", "treatment", "type", ""], &rows);
}

/// Adds a head and rows, each column as wide as its widest cell.
pub(super) fn table<const N: usize>(out: &mut String, head: [&str; N], rows: &[[String; N]]) {
    let width = |c: usize| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0).max(head[c].chars().count());
    let widths: Vec<usize> = (0..N).map(width).collect();
    for row in std::iter::once(head).chain(rows.iter().map(|row| row.each_ref().map(String::as_str))) {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, w)| format!("{cell:<w$}")).collect();
        out.line(format_args!("{}", cells.join("  ").trim_end()));
    }
}

fn notices(out: &mut String, m: &Manifest) {
    out.push('\n');
    let not_published = not_published(m);
    if !not_published.is_empty() {
        out.line(format_args!("not published: {}", not_published.join(", ")));
    }
    for covered in &m.covered {
        let what = match covered.by.as_str() {
            "read.ignore" => "of no interest".to_owned(),
            "read.deny" => "not to be declared".to_owned(),
            by => format!("covered by the pattern {by}"),
        };
        out.line(format_args!("{what}: {}", counted(covered.columns.len() as u64, "column")));
    }
    columns::said(m).iter().for_each(|said| out.line(format_args!("{said}")));
    let ignored = &m.clocks_ignored;
    if ignored.sentinel + ignored.future > 0 {
        out.line(format_args!("clock values ignored: {} sentinel, {} too far ahead", ignored.sentinel, ignored.future));
    }
}

/// Columns that are left out on purpose: those that the export has not are told of apart.
pub(super) fn not_published(m: &Manifest) -> Vec<&str> {
    let there = |name: &&str| !m.lost.iter().any(|lost| lost.column == **name && lost.files.is_none());
    m.not_published.iter().map(String::as_str).filter(there).collect()
}

/// Columns with values that have no normal form, and a key that many rows share.
fn identifiers(out: &mut String, m: &Manifest) {
    for column in m.identifiers.iter().filter(|column| column.raw + column.unseen + column.partial > 0) {
        out.line(format_args!("{}", said_of_raw(column)));
    }
    for said in m.identifiers.iter().filter_map(said_of_shared).chain(said_of_largest(m)) {
        out.line(format_args!("{said}"));
    }
}

/// What is to say of a column's values without a normal form, in one line.
pub(super) fn said_of_raw(column: &Identifiers) -> String {
    let Identifiers { values, raw, unseen, .. } = column;
    let mut said = Vec::new();
    if *raw > 0 {
        let why: Vec<String> = column.why.iter().map(|why| format!("{}: {}", why.cause, why.values)).collect();
        let first = column.first_raw.as_ref().map_or(String::new(), |first| format!(", the first: {first}"));
        said.push(format!("{raw} of {values} values without a normal form ({}){first}", why.join(", ")));
    }
    if *unseen > 0 {
        said.push(format!("{unseen} of {values} values had invisible characters, which were dropped"));
    }
    if column.partial > 0 {
        let first = column.first_partial.as_ref().map_or(String::new(), |first| format!(", the first: {first}"));
        said.push(format!("{} rows have only some of its parts, and so no value{first}", column.partial));
    }
    format!("{}.{} ({}): {}", column.source, column.column, column.uses.join(", "), said.join("; "))
}

/// What is to say of values of a link that very many persons share.
pub(super) fn said_of_shared(column: &Identifiers) -> Option<String> {
    let SharedValues { values, more_than, most } = column.shared?;
    let strong = column.uses.iter().any(|of| of == "strong");
    let what = if strong { "no link of a request that meets one is followed" } else { "such a value links nobody" };
    Some(format!(
        "{}.{} ({}): {} more than {more_than} persons each, one of them by {most}: {what}",
        column.source,
        column.column,
        column.uses.join(", "),
        if values == 1 { "1 value is shared by".into() } else { format!("{values} values are shared by") },
    ))
}

/// A person with more than a thousand rows, or one row in a hundred, may be many persons under one key.
pub(super) fn said_of_largest(m: &Manifest) -> Option<String> {
    let rows = m.largest_person;
    let many = rows > 1_000 || (rows >= 10 && rows * 100 > m.rows_in);
    let key = m.identifiers.iter().find(|column| column.uses.iter().any(|of| of == "key"));
    let key = key.map_or(String::new(), |key| format!(" {}", key.column));
    many.then(|| format!("one person has {rows} of {} rows: does the key{key} tell persons apart?", m.rows_in))
}

fn gates(out: &mut String, m: &Manifest) {
    said_of_gates(m).iter().for_each(|said| out.line(format_args!("{said}")));
}

/// What every gate found, in a line each: those over groups, the brake, then the others.
pub(super) fn said_of_gates(m: &Manifest) -> Vec<String> {
    let over_groups = |gate: &&Gate| !gate.quasi_identifiers().is_empty() || !gate.sensitive().is_empty();
    let brake = m.brake.iter().map(|brake| format!("brake: {}", said_of_brake(brake)));
    let others = m.gates.iter().filter(|gate| !over_groups(gate) && gate.kind() != "max-removed").map(Gate::words);
    m.gates
        .iter()
        .filter(over_groups)
        .map(|gate| format!("gate: {}", gate.words()))
        .chain(brake)
        .chain(others)
        .collect()
}

/// What the brake found, in one line.
pub(super) fn said_of_brake(brake: &Brake) -> String {
    let accepted = brake.accepted.as_ref().map_or(String::new(), |digest| format!(", accepted by {digest}"));
    let share = if brake.of == 0 { 0.0 } else { brake.removed as f64 * 100.0 / brake.of as f64 };
    format!("dropped {share:.1} % ({} of {} rows), limit {}{accepted}", brake.removed, brake.of, brake.max_removed)
}

/// What a plan would be stopped by, and what would help.
fn stops(out: &mut String, report: &Report) {
    for aside in &report.aside {
        out.line(format_args!("{aside}"));
    }
    for hint in &report.hints {
        out.line(format_args!("  {hint}"));
    }
    for stop in &report.stops {
        out.line(format_args!("would stop: {stop}"));
    }
    if report.ledger_head.is_none() {
        out.line(format_args!("plan digest {}", report.plan_digest));
    }
}

fn tail(out: &mut String, report: &Report, verbose: bool) {
    let m = &report.manifest;
    if verbose {
        out.line(format_args!("keys: identity {}, token {} (epoch {})", m.keys.identity, m.keys.token, m.keys.epoch));
    }
    let Some(head) = &report.ledger_head else {
        if !verbose {
            out.line(format_args!("Inputs, fields, gates and keys: --verbose"));
        }
        return;
    };
    let bytes: u64 = m.output.files.iter().map(|f| f.bytes).sum();
    let files = counted(m.output.files.len() as u64, "file");
    out.line(format_args!("dataset {} version {}: {files}, {bytes} bytes", m.output.dataset, m.output.version));
    out.line(format_args!("ledger head {head}"));
    if !verbose {
        out.line(format_args!("Inputs, fields, gates and keys: --verbose, or `tamis report job {}`", m.job));
    }
    out.push_str("\nRead it:\n");
    let place = place(report);
    out.line(format_args!("  {}", report.sample_command(place)));
}

/// The table's location, relative to the working folder where that is shorter.
fn place(report: &Report) -> &str {
    let here = std::env::current_dir().ok().and_then(|here| here.to_str().map(|here| format!("{here}/")));
    here.and_then(|here| report.location.strip_prefix(&here)).unwrap_or(&report.location)
}

/// Anything as indented JSON.
///
/// # Errors
/// None in practice; everything shown is plain data.
pub fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    let text = serde_json::to_string_pretty(value).map_err(|_| Error::fault("writing the report as JSON"))?;
    Ok(text + "\n")
}

/// An error as data.
pub fn error_json(error: &Error) -> String {
    let value = serde_json::json!({
        "schema": "tamis-error/1", "code": error.code().name(), "exit": error.kind().exit_code(),
        "message": error.message(),
        "help": error.help_text(), "findings": listed(error.spec_findings()), "published": error.published(),
    });
    format!("{value}\n")
}

/// Returns an error for people: what happened, and what to do.
pub fn error(error: &Error) -> String {
    let mut out = String::new();
    out.line(format_args!("error[{}]: {}", error.code().name(), error.message()));
    for line in error.help_text().iter().flat_map(|help| help.lines()) {
        out.line(format_args!("  help: {line}"));
    }
    out
}

/// Returns what `verify` found: the verdict, faults, notes, then what is proven and what is not.
pub fn verified(report: &VerifyReport, coloured: bool) -> String {
    let looked = format!(
        "{} ledger entries, {} records, {}, {}, {}, {} of stored requests",
        report.entries,
        report.records,
        counted(report.datasets, "dataset"),
        counted(report.files, "file"),
        counted(report.companions, "companion"),
        counted(report.segments, "file")
    );
    let mut out = match report.faults.len() as u64 {
        0 => TerminalVerdict::Ok.line(&format!("the evidence holds: {looked}"), coloured),
        faults => TerminalVerdict::Fault.line(&format!("{} in {looked}", counted(faults, "fault")), coloured),
    };
    let sections = [
        ("FAULT", &report.faults),
        ("note", &report.notes),
        ("proven", &report.proven),
        ("not proven", &report.not_proven),
    ];
    for (title, lines) in sections {
        lines.iter().for_each(|line| {
            out.line(format_args!("{title}: {line}"));
        });
    }
    if let Some(head) = &report.head {
        out.line(format_args!("head {head}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn a_bar_is_full_at_one_and_shows_the_smallest_share() {
        assert_eq!(bar(1.0).chars().count(), super::BAR);
        assert_eq!(bar(0.0), "");
        assert_eq!(bar(0.0001), "▏");
        assert_eq!(bar(0.5), "█".repeat(super::BAR / 2));
    }
}
