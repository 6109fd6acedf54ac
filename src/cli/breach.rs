//! `tamis breach …`: what a breach concerns as text, JSON or one HTML page; whom to notify, in a folder that only the caller
//! can read; what was decided. Must not know how it is found.

use super::access::{check_apart, make_folder};
use super::args::{BreachCommand, BreachDecideArgs, BreachScopeArgs, BreachSubjectsArgs, ReportFormat, YesOrNo};
use super::breach_page::{self, hours, people};
use super::csv_cell::cell;
use super::lines::Lines;
use super::render;
use super::settings::{self, Settings};
use super::verdict::counted;
use crate::by_hand::{self, BreachDecision};
use crate::clock::{Clock, System};
use crate::error::{Code, Error, Result};
use crate::policy;
use crate::questions::access::ShownValues;
use crate::questions::breach::{self, BreachAsked, BreachCall, BreachReport};
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

const FILE: &str = "people.csv";

/// Carries out the command.
///
/// # Errors
/// Policy errors for what was typed; evidence and storage errors.
pub(super) fn carry_out(settings: &Settings, command: &BreachCommand, json: bool) -> Result<String> {
    match command {
        BreachCommand::Scope(args) => scope(settings, args, json),
        BreachCommand::Subjects(args) => subjects(settings, args, json),
        BreachCommand::Decide(args) => decide(settings, args, json),
    }
}

fn scope(settings: &Settings, args: &BreachScopeArgs, json: bool) -> Result<String> {
    let time = |text: &Option<String>| text.as_deref().map(settings::time).transpose();
    let asked = BreachAsked {
        datasets: args.datasets.clone(),
        root: args.breached_root.clone(),
        prefix: args.prefix.clone(),
        key: args.key.clone(),
        recipient: args.recipient.clone(),
        from: time(&args.from)?,
        until: time(&args.until)?,
    };
    let call = BreachCall {
        asked,
        aware: settings::time(&args.aware_at)?,
        occurred: time(&args.occurred)?,
        detected: time(&args.detected)?,
        updates: args.updates,
        late_because: args.late_because.clone(),
    };
    let report = breach::scope(&settings.subject_call(), &call)?;
    Ok(match (json, args.format) {
        (true, _) | (_, ReportFormat::Json) => render::json(&report)?,
        (_, ReportFormat::Text) => text(&report),
        (_, ReportFormat::Html) => breach_page::html(&report),
    })
}

fn text(report: &BreachReport) -> String {
    let mut out = String::new();
    out.line(format_args!("breach {} (Art. 33 GDPR), aware at {}", report.number, report.aware.to_seconds()));
    for of in &report.deadlines {
        let due = of.due.map_or(String::new(), |due| format!(", by {}", due.to_seconds()));
        let left = of.hours_left.map_or(String::new(), hours);
        out.line(format_args!("  {}: {}{due}{left}", of.law, of.what));
    }
    out.line(format_args!("people: {}", people(report)));
    for of in &report.datasets {
        out.push('\n');
        out.line(format_args!(
            "{}  for {}, {} in the files of these versions",
            of.dataset,
            of.purpose,
            counted(of.rows, "row")
        ));
        for version in &of.versions {
            let until = version.replaced.map_or("now".to_owned(), |at| at.to_seconds().to_string());
            let gone = version.removed.map_or(String::new(), |at| format!(", removed by {}", at.to_seconds()));
            let (number, from) = (version.version, version.from.to_seconds());
            out.line(format_args!("  version {number}: {}, {from} to {until}{gone}", counted(version.rows, "row")));
        }
        for field in &of.fields {
            let category = field.category.unwrap_or("not stated");
            out.line(format_args!("  {:<20} {category:<12} {}", field.name, field.treatment));
        }
        of.countries.iter().for_each(|(name, people)| out.line(format_args!("  people in {name}: {people}")));
    }
    for of in &report.exports {
        out.line(format_args!("exports of {}: {}, {} records", of.source, counted(of.objects, "object"), of.records));
    }
    lines(&mut out, "keys", report.keys.effects.iter().map(|of| format!("{}: {}", of.holds, of.undoes)));
    lines(&mut out, "likely consequences", report.consequences.iter().cloned());
    lines(&mut out, "measures", report.measures.iter().cloned());
    lines(&mut out, "not known", report.not_said.iter().cloned());
    let number = report.number;
    out.push('\n');
    out.line(format_args!("whom to notify: tamis breach subjects {number} --out FOLDER"));
    out.line(format_args!(
        "what is decided: tamis breach decide {number} --authority yes|no --people yes|no --by WHO --reason …"
    ));
    out
}

fn lines(out: &mut String, title: &str, all: impl Iterator<Item = String>) {
    out.line(format_args!("{title}"));
    all.for_each(|line| out.line(format_args!("  {line}")));
}

fn subjects(settings: &Settings, args: &BreachSubjectsArgs, json: bool) -> Result<String> {
    let project = policy::load(&settings.dir, &settings.roots)?;
    check_apart(&project, &args.out)?;
    make_folder(&args.out)?;
    let mut call = settings.subject_call();
    call.now = System.now();
    let found = breach::subjects(&call, args.number, settings.monitor(json).as_ref())?;
    let file = args.out.join(FILE);
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file);
    let written = made.and_then(|mut to| to.write_all(csv(&found.people).as_bytes()).and_then(|()| to.sync_all()));
    written.map_err(|error| {
        Error::new(Code::FileNotWritten, format!("{FILE} could not be written: {}", error.kind()))
            .help("make room, then ask again into a new folder; what is in this one is not whole: delete it")
    })?;
    let (people, not_found) = (found.people.len() as u64, found.not_found);
    if json {
        return render::json(&serde_json::json!({
            "schema": "tamis-breach-subjects/1", "number": args.number, "wanted": found.wanted, "people": people,
            "not_found": not_found, "objects": found.objects, "unreadable": found.unreadable, "file": file,
        }));
    }
    let mut out = String::new();
    out.line(format_args!("{}: {} of {}", file.display(), people, counted(found.wanted, "person")));
    if not_found > 0 {
        out.line(format_args!(
            "{not_found} are in no export that is kept: ask the CRM, or tell them by a public communication (Art. 34(3)(c) GDPR)"
        ));
    }
    found.unreadable.iter().for_each(|place| out.line(format_args!("not searched: {place}")));
    out.push_str("delete the folder once the people are told\n");
    Ok(out)
}

fn csv(people: &[ShownValues]) -> String {
    let columns: BTreeSet<&String> = people.iter().flat_map(|values| values.keys()).collect();
    let line = |cells: Vec<String>| cells.join(",") + "\r\n";
    let mut out = line(columns.iter().map(|column| cell(column)).collect());
    for values in people {
        let value = |column: &&String| values.get(*column).and_then(Option::as_deref).map_or(String::new(), cell);
        out.push_str(&line(columns.iter().map(value).collect()));
    }
    out
}

fn decide(settings: &Settings, args: &BreachDecideArgs, json: bool) -> Result<String> {
    let project = policy::load(&settings.dir, &settings.roots)?;
    let state = settings.state(&project)?;
    state.agree()?;
    let yes = |answer: YesOrNo| answer == YesOrNo::Yes;
    let decision = BreachDecision {
        number: args.number,
        authority: yes(args.authority),
        people: yes(args.people),
        by: args.by.clone(),
        reason: args.reason.clone(),
    };
    by_hand::decide_breach(&state, &decision, settings.now)?;
    if json {
        return render::json(&decision);
    }
    Ok(format!("noted: breach {}, by {}\n", decision.number, decision.by))
}
