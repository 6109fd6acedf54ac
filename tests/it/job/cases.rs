//! Case folders in `fixtures/cases/`: specs (what is missing comes from `base/`), exports in `in/`, requests in `lists/`,
//! the steps in `case.toml`; expected are `expected.txt` (what every step says) and `expected.csv` (the table at the end,
//! tokens as the values they are made of). A new case needs no Rust. `TAMIS_BLESS=1 cargo test cases` writes what comes
//! out now; read it before committing it: it must show the rule.

use super::place::{IDENTITY_KEY, JOB, Place, TOKEN_KEY, at, key, tree};
use super::table::Table;
use crate::python::Python;
use regex::Regex;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tamis::clock::Instant;
use tamis::error::{Error, Result};
use tamis::evidence::{self, LedgerEvent, Manifest};
use tamis::gates::Gate;
use tamis::job::{Call, Caller};
use tamis::monitor::Silent;
use tamis::run::{self, Outcome, Report};
use tamis::state::{Accept, State};

const CASES: &str = "fixtures/cases";

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The rule that the case shows.
    shows: String,
    /// Token domain; the purpose's name unless it says otherwise.
    domain: Option<String>,
    /// Values in normal form by kind, to be found again by their tokens; parts of one with ` + ` between them.
    #[serde(default)]
    tokens: BTreeMap<String, Vec<String>>,
    step: Vec<Step>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// `run`, or `plan`, which must write nothing.
    #[serde(default)]
    command: Command,
    /// `--as-of`.
    as_of: Option<String>,
    /// The present; `as_of` unless given, else that of the step before.
    now: Option<String>,
    /// Exit code.
    #[serde(default)]
    exit: u8,
    /// Folder of the case that is laid over its files before.
    put: Option<String>,
    /// Files taken away before.
    #[serde(default)]
    remove: Vec<String>,
    /// Accepts, for this reason, what the step before was refused for.
    accept: Option<String>,
}

#[derive(serde::Deserialize, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Command {
    #[default]
    Run,
    Plan,
}

fn folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(CASES).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|path| path.join("case.toml").exists()).collect();
    folders.sort();
    folders
}

#[test]
fn every_case_comes_out_as_expected() {
    let (work, wrong) = (Mutex::new(folders().into_iter()), Mutex::new(Vec::new()));
    let next = || work.lock().unwrap().next();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(folder) = next() {
                    let found = std::panic::catch_unwind(|| compare(&folder));
                    let found = found.unwrap_or_else(|_| Some("broke off, see above".into()));
                    wrong.lock().unwrap().extend(found.map(|found| format!("{}: {found}", folder.display())));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Tables of every type, of binary tokens, of nulls and without a row, as DuckDB, Polars and deltalake read them.
#[test]
fn independent_readers_agree_on_odd_tables() {
    let Some(python) = Python::find() else { return };
    for (case, as_of) in [
        ("treatments", "2024-06-01T22:30:00Z"),
        ("binary-tokens", "2024-06-01T00:00:00Z"),
        ("few-values", "2024-06-01T00:00:00Z"),
    ] {
        let place = Place::of(case);
        let report = place.run(as_of).unwrap_or_else(|error| panic!("{case}: {error}"));
        let text = python.run("readers.py", [&report.location]);
        let (head, rows) = text.split_once('\n').unwrap();
        let columns: Vec<String> = serde_json::from_str(head).unwrap();
        let fields: Vec<&String> = report.manifest.fields.iter().map(|field| &field.name).collect();
        assert_eq!(columns.iter().collect::<Vec<_>>(), fields, "{case}");
        let mut subjects: Vec<String> = rows
            .lines()
            .map(|row| serde_json::from_str::<Vec<serde_json::Value>>(row).unwrap())
            .map(|row| row[0].as_str().unwrap().to_owned())
            .collect();
        subjects.sort();
        let table = Table::newest(&place.root("lake"), JOB).unwrap().rows();
        assert_eq!(subjects, table.into_iter().filter_map(|row| row[0].clone()).collect::<Vec<_>>(), "{case}");
    }
}

/// Runs a case and says what differs.
#[test]
fn the_documented_list_over_an_export_is_the_one_of_its_case() {
    let docs = fs::read_to_string("docs/spec.md").unwrap();
    let list = docs.split("```toml\n").map(|rest| rest.split("```").next().unwrap());
    let list = list.into_iter().find(|block| block.starts_with("[lists.should-forget]")).unwrap();
    let policy = fs::read_to_string("fixtures/cases/should-forget/policy.toml").unwrap();
    assert!(policy.ends_with(list), "{list}");
}

/// The source on the page of a CRM is the one that its case runs.
#[test]
fn the_documented_sources_of_crms_are_those_of_their_cases() {
    let mut pages = 0;
    for folder in folders() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let Some(crm) = name.strip_prefix("crm-") else { continue };
        let page = fs::read_to_string(format!("docs/crm/{crm}.md")).unwrap();
        let source = fs::read_to_string(folder.join("sources/contact.toml")).unwrap();
        assert!(page.contains(&format!("```toml\n{source}```\n")), "docs/crm/{crm}.md has another source than {name}");
        assert!(page.contains("## Where to click") && page.contains("## Traps") && page.contains("## Tried"), "{crm}");
        pages += 1;
    }
    assert_eq!(pages, 10);
    assert_eq!(fs::read_dir("docs/crm").unwrap().count(), pages + 1, "a page without a case");
}

fn compare(folder: &Path) -> Option<String> {
    let case: Case = toml::from_str(&fs::read_to_string(folder.join("case.toml")).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    assert!(!case.shows.is_empty());
    let place = Place::of(folder.file_name().unwrap().to_str().unwrap());
    let mut played = Played { folder, place: &place, now: at("2024-01-01T00:00:00Z"), said: String::new() };
    case.step.iter().enumerate().for_each(|(number, step)| played.step(number + 1, step));
    let table = Table::newest(&place.root("lake"), JOB).map_or(String::new(), |table| csv(&case, &table));
    let texts = [("expected.txt", played.said), ("expected.csv", table)];
    texts.iter().find_map(|(name, found)| differs(&folder.join(name), found))
}

fn differs(file: &Path, found: &str) -> Option<String> {
    if std::env::var_os("TAMIS_BLESS").is_some() && !found.is_empty() {
        fs::write(file, found).unwrap();
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    (expected != found).then(|| format!("{}\n--- expected\n{expected}--- found\n{found}", file.display()))
}

struct Played<'a> {
    folder: &'a Path,
    place: &'a Place,
    now: Instant,
    said: String,
}

impl Played<'_> {
    fn step(&mut self, number: usize, step: &Step) {
        let what = format!("{} step {number}", self.folder.display());
        let given = step.now.as_ref().or(step.as_of.as_ref());
        self.now = given.map_or(self.now, |text| at(text));
        if let Some(name) = &step.put {
            self.place.put(&self.folder.join(name), self.now);
        }
        for file in &step.remove {
            let file = file.replace("in/", "raw/").replace("lists/", "requests/");
            fs::remove_file(self.place.path(&file)).unwrap();
        }
        if let Some(reason) = &step.accept {
            self.accept(reason);
        }
        let before = (table_digests(self.place), [tree(&self.place.path("lake")), tree(&self.place.path("state"))]);
        let call = Call {
            as_of: step.as_of.as_deref().map(at),
            now: self.now,
            caller: Caller::at(self.now),
            ..self.place.call("2024-01-01T00:00:00Z")
        };
        let planned = step.command == Command::Plan;
        let outcome = if planned { run::plan(&call, &Silent) } else { run::run(&call, &Silent) };
        let _ = write!(self.said, "# {number}. {}", if planned { "plan" } else { "run" });
        self.said += &said(self.place, &outcome);
        let exit = outcome.as_ref().map_or_else(|error| error.kind().exit_code(), |_| 0);
        assert_eq!(exit, step.exit, "{what}: {:?}", outcome.map(|report| report.outcome).map_err(|e| e.to_string()));
        if planned {
            let after = [tree(&self.place.path("lake")), tree(&self.place.path("state"))];
            assert!(before.1 == after, "{what}: a plan has written something");
        }
        if outcome.is_err() {
            assert_eq!(before.0, table_digests(self.place), "{what}: the version before has changed");
        }
        self.always(&what, &outcome);
    }

    /// What holds whatever happened.
    fn always(&self, what: &str, outcome: &Result<Report>) {
        if let Ok(report) = outcome {
            let m = &report.manifest;
            assert_eq!(m.rows_in, m.rows_out + m.removed.iter().map(|r| r.rows).sum::<u64>(), "{what}: R33");
            if report.outcome == Outcome::Published {
                self.place.holds(self.now, what);
            }
        }
        let roots = ["lake", "state"].map(|name| (name.to_owned(), self.place.root(name)));
        let verified = evidence::verify(&roots[1].1, &BTreeMap::from(roots.clone()), None).unwrap();
        assert_eq!(verified.faults, [""; 0], "{what}");
        assert_eq!(tree(&self.place.path("spill")), [], "{what}: something is left in the spill");
    }

    fn accept(&self, reason: &str) {
        let state = State::open(&self.place.root("state")).unwrap();
        let refused = |event: LedgerEvent| match event {
            LedgerEvent::Refused { as_of, plan: Some(plan), .. } => Some((as_of, plan)),
            _ => None,
        };
        let entries = state.ledger().entries().unwrap();
        let (as_of, plan) = entries.into_iter().rev().find_map(|entry| refused(entry.event)).unwrap();
        let (job, reason) = (JOB.into(), reason.into());
        state.accept(&Accept { job, plan, as_of, reason, by: None, at: self.now }).unwrap();
    }
}

fn table_digests(place: &Place) -> Option<(u64, Vec<String>)> {
    Table::newest(&place.root("lake"), JOB).map(|table| (table.version, table.digests()))
}

/// What a person is told, without what differs from run to run.
fn said(place: &Place, outcome: &Result<Report>) -> String {
    let text = match outcome {
        Ok(report) => told(report),
        Err(error) => refused(error),
    };
    let digest = Regex::new("[0-9a-f]{64}").unwrap();
    let folder = format!("{}/", place.folder().display());
    digest.replace_all(&text, "DIGEST").replace(&folder, "")
}

fn refused(error: &Error) -> String {
    let help = error.help_text().unwrap_or_default();
    let help: String = help.lines().map(|line| format!("  help: {line}\n")).collect();
    let findings: String = error.spec_findings().iter().map(|f| format!("  {} {}\n", f.code, f.message)).collect();
    let (exit, code) = (error.kind().exit_code(), error.code().name());
    format!(": exit {exit} error[{code}]\n{}\n{findings}{help}", error.message())
}

fn told(report: &Report) -> String {
    let m = &report.manifest;
    let mut out = format!(" as of {}: exit 0\n", m.as_of);
    let verb = if report.outcome == Outcome::Published { "published" } else { "would publish" };
    let _ = writeln!(out, "{verb} version {}: {} rows in, {} out", m.output.version, m.rows_in, m.rows_out);
    for removed in m.removed.iter().filter(|removed| removed.rows > 0) {
        let _ = writeln!(out, "  {}: {}", removed.reason, removed.rows);
    }
    counts(&mut out, report);
    if let Some(undated) = &m.undated {
        let date = undated.export_date.map_or(String::new(), |date| format!(" {date}"));
        let persons = undated.persons.zip(undated.new);
        let persons = persons.map_or(String::new(), |(persons, new)| format!(", {persons} persons, {new} new"));
        let _ = writeln!(out, "  undated: {}{date}{persons}", undated.clock);
    }
    for input in &m.inputs {
        for member in &input.members {
            let name = member.name.as_deref().map_or(String::new(), |name| format!(" {name}"));
            let dropped = if member.dropped > 0 { format!(", {} dropped", member.dropped) } else { String::new() };
            let blank = if member.blank > 0 { format!(", {} blank", member.blank) } else { String::new() };
            let (records, encoding) = (member.records, &member.encoding);
            let _ = writeln!(out, "  {}{name}: {records} records{dropped}{blank}, {encoding}", input.object);
        }
        if input.of_macos > 0 {
            let _ = writeln!(out, "  {}: {} files of macOS left out", input.object, input.of_macos);
        }
    }
    for list in &m.lists {
        let why = list.not_binding.as_deref().map_or(String::new(), |why| format!(", does not bind: {why}"));
        let _ = writeln!(out, "  list {} ({}): {} entries{why}", list.name, list.effect, list.entries);
        if list.unusable > 0 {
            let _ = writeln!(out, "    without a usable value: {}", list.unusable);
        }
    }
    for of in &m.corrections {
        let since = of.since.map_or(String::new(), |since| format!(", right since version {since}"));
        let why = of.why.as_deref().map_or(String::new(), |why| format!(": {why}"));
        let (case, column, reason, state) = (&of.case, &of.column, &of.reason, of.state.name());
        let _ = writeln!(out, "  correction {case} of {column} ({reason}): {state}, {} cells{since}{why}", of.cells);
    }
    columns(&mut out, m);
    if report.outcome == Outcome::Planned {
        for cause in &m.causes {
            let (column, effect, first) = (&cause.column, cause.effect, cause.first.as_deref().unwrap_or_default());
            let _ = writeln!(out, "  cause: {column} {effect:?} {}: {}, first {first}", cause.values, cause.why);
        }
    }
    for gate in &m.gates {
        if let Gate::LDiversity(_) = gate {
            let _ = writeln!(out, "  gate: {}", gate.words());
        }
        let Gate::KAnonymity(gate) = gate else { continue };
        let (k, groups, below, rows) = (gate.k, gate.groups, gate.groups_below, gate.rows_suppressed);
        let _ = writeln!(out, "  gate: k = {k}, {groups} groups, {below} below, {rows} rows suppressed");
    }
    let hints = report.hints.iter().map(|hint| format!("  hint: {hint}\n"));
    out.extend(hints.chain(report.stops.iter().map(|stop| format!("  would stop: {stop}\n"))));
    out
}

fn columns(out: &mut String, m: &Manifest) {
    for field in m.fields.iter().filter(|field| field.untreated + field.raw_forms > 0) {
        let (name, untreated, raw) = (&field.name, field.untreated, field.raw_forms);
        let _ = writeln!(out, "  {name}: of {} values {untreated} untreated, {raw} in raw form", field.values);
    }
    for field in m.fields.iter().filter(|field| !field.counts.is_empty()) {
        let counts: Vec<String> = field.counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
        let _ = writeln!(out, "  {}: {}", field.name, counts.join(", "));
    }
    for column in m.identifiers.iter().filter(|column| column.raw + column.unseen > 0) {
        let why: Vec<String> = column.why.iter().map(|why| format!("{} {}", why.cause, why.values)).collect();
        let (name, uses) = (format!("{}.{}", column.source, column.column), column.uses.join(", "));
        let first = column.first_raw.as_deref().map_or(String::new(), |first| format!(", first {first}"));
        let raw = format!("{} of {} raw ({}){first}", column.raw, column.values, why.join(", "));
        let _ = writeln!(out, "  {name} ({uses}): {raw}; {} with unseen characters", column.unseen);
    }
    for column in m.identifiers.iter().filter(|column| column.partial > 0) {
        let first = column.first_partial.as_deref().unwrap_or_default();
        let _ =
            writeln!(out, "  {}.{}: {} without a part, first {first}", column.source, column.column, column.partial);
    }
    for (column, shared) in m.identifiers.iter().filter_map(|column| Some((column, column.shared?))) {
        let (name, uses) = (format!("{}.{}", column.source, column.column), column.uses.join(", "));
        let (values, more_than, most) = (shared.values, shared.more_than, shared.most);
        let _ = writeln!(out, "  {name} ({uses}): {values} shared by more than {more_than} persons, one by {most}");
    }
    if m.largest_person > 0 {
        let _ = writeln!(out, "  the largest person has {} rows", m.largest_person);
    }
    for field in m.fields.iter().filter(|field| field.emptied) {
        let _ = writeln!(out, "  {}: no value left", field.name);
    }
    for drift in &m.drift {
        let columns = drift.columns.map_or(String::new(), |columns| format!(" ({columns} columns)"));
        let new = if drift.new { ", new" } else { "" };
        let _ = writeln!(out, "  drift: {}{columns} since {}{new}", drift.column, drift.first_seen);
    }
    for covered in &m.covered {
        let purposes = covered.purposes.iter().map(|purpose| format!(" for {purpose}")).collect::<String>();
        let new = if covered.new.is_empty() { String::new() } else { format!("; new: {}", covered.new.join(", ")) };
        let _ = writeln!(out, "  by {}{purposes}: {}{new}", covered.by, covered.columns.join(", "));
    }
    for renamed in &m.renamed {
        let _ = writeln!(out, "  renamed: {} is {} ({})", renamed.from, renamed.to, renamed.alike);
    }
    for column in &m.emptied {
        let _ = writeln!(out, "  no value any more: {column}");
    }
    for (field, pattern) in m.fields.iter().filter_map(|field| Some((&field.name, field.pattern.as_ref()?))) {
        let _ = writeln!(out, "  {field}: declared by {pattern}");
    }
    for lost in &m.lost {
        let files = lost.files.map_or(String::new(), |files| format!(" in {files} files"));
        let _ = writeln!(out, "  lost: {}{files} since {}", lost.column, lost.first_seen);
    }
}

fn counts(out: &mut String, report: &Report) {
    let m = &report.manifest;
    let ignored = &m.clocks_ignored;
    let accepted = m.brake.as_ref().is_some_and(|brake| brake.accepted.is_some());
    for (count, what) in [
        (m.no_clock, "of the expired without a usable clock"),
        (ignored.sentinel, "clock values ignored as sentinels"),
        (ignored.future, "clock values ignored as too far ahead"),
        (m.absent.unwrap_or(0), "rows of the version before are absent"),
        (report.observed, "rows observed"),
    ] {
        if count > 0 {
            let _ = writeln!(out, "  {what}: {count}");
        }
    }
    for other in m.others.iter().filter(|other| other.rows > 0) {
        let _ = writeln!(out, "  rows without the cells of the {}: {}", other.name, other.rows);
    }
    if let Some(of) = &m.versions {
        let (superseded, ended, doubtful) = (of.superseded, of.ended, of.doubtful);
        let _ = writeln!(out, "  earlier versions: {superseded}; ended: {ended}; without a newest version: {doubtful}");
    }
    if let Some(set) = &m.set {
        let _ = writeln!(out, "  set {set}");
    }
    if accepted {
        let _ = writeln!(out, "  as accepted");
    }
}

/// The table as CSV with columns and types on top, sorted as text; null is an empty cell.
fn csv(case: &Case, table: &Table) -> String {
    let Some(schema) = table.schema() else { return "no rows\n".into() };
    let field = |field: &std::sync::Arc<arrow::datatypes::Field>| format!("{} {}", field.name(), field.data_type());
    let head: Vec<Option<String>> = schema.fields().iter().map(|f| Some(field(f))).collect();
    let known = labels(case);
    let rows = table.rows();
    let subjects: Vec<_> = rows.iter().map(|row| row[0].clone()).collect();
    assert!(subjects.is_sorted(), "rows come in the order of their subject tokens");
    let name = |cell: Option<String>| cell.map(|text| known.get(&text).cloned().unwrap_or(text));
    let mut rows: Vec<Vec<Option<String>>> = rows.into_iter().map(|row| row.into_iter().map(name).collect()).collect();
    rows.sort();
    let line = |row: &Vec<Option<String>>| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n";
    std::iter::once(&head).chain(&rows).map(line).collect()
}

fn quoted(cell: &Option<String>) -> String {
    let text = cell.as_deref().unwrap_or("");
    let odd = text.contains([',', '"', '\n', '\r']) || cell.is_some() && text.is_empty();
    if odd { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into() }
}

/// R2, R3: tokens of the values a case names, computed here from the definition.
fn labels(case: &Case) -> HashMap<String, String> {
    let lp = |text: &str| [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let domain = case.domain.as_deref().unwrap_or("reporting");
    let token_key = [&key(TOKEN_KEY)[..], &lp(domain), &lp("2026a")].concat();
    let token_key = blake3::derive_key("tamis v1 token", &token_key);
    let mut labels = HashMap::new();
    for (kind, values) in &case.tokens {
        let identity_key = [&key(IDENTITY_KEY)[..], &lp(kind)].concat();
        let identity_key = blake3::derive_key("tamis v1 identity", &identity_key);
        for value in values {
            let parts = value.split(" + ").flat_map(lp).collect::<Vec<_>>();
            let form = if kind.ends_with("-parts/1") { &parts[..] } else { value.as_bytes() };
            let identity = blake3::keyed_hash(&identity_key, form);
            let token = blake3::keyed_hash(&token_key, identity.as_bytes()).to_hex();
            labels.insert(token[..32].to_owned(), format!("<{value}>"));
        }
    }
    labels
}
