//! The command line: arguments as typed, settings ready, exit code; text, JSON, progress.
//! Must not know any stage.

mod access;
mod access_page;
mod answer;
mod args;
mod audit;
mod audit_junit;
mod audit_place;
mod audit_sarif;
mod breach;
mod breach_page;
mod check;
mod columns;
mod corrections;
mod csv_cell;
mod dataset;
mod dpia;
mod dpia_page;
mod drift;
mod due;
pub mod embedded;
mod example;
mod explain;
mod finding;
mod finding_json;
mod heads;
mod init;
mod limits;
mod lines;
mod notice;
mod page;
mod peek;
mod practice;
pub mod process;
mod progress;
mod recipient;
mod refusal;
mod register;
mod render;
mod report;
mod serve;
mod settings;
pub mod shield;
mod sign_off;
mod signals;
mod spec_files;
mod state;
mod status;
mod steps;
mod subject;
mod subject_args;
mod sweep;
mod verdict;
mod version;
mod who;

use crate::error::{Code, Error, Result};
use crate::state::Accept;
use crate::sweep::SweepReport;
use crate::{audit as audits, job, key, policy, questions, run, threads};
use args::{AcceptArgs, Arguments, Command, KeyCommand, PlanArgs, ReportCommand, RunArgs, SchemaKind};
use clap::Parser;
use heads::HeadsFile;
use settings::{CalledFrom, Settings};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Runs the command line and says how it went.
pub fn main() -> ExitCode {
    shield::raise();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(usage) => return usage_shown(&usage),
    };
    let json = arguments.json;
    // The hook has said where; what was going on is lost with the stack.
    let done =
        threads::guarded("the command", || carry_out(&Settings::of(&arguments, CalledFrom::Terminal)?, &arguments));
    let said = done.and_then(|(text, exit)| answer::given(&text, exit));
    said.map_or_else(|error| failed(&error, json, &arguments.dir), ExitCode::from)
}

fn failed(error: &Error, json: bool, dir: &Path) -> ExitCode {
    let exit = error.kind().exit_code();
    // The outcome needs an operator more than a report that could not be written.
    let _ = answer::given(error.report().unwrap_or_default(), exit);
    show_error(error, json, dir);
    ExitCode::from(exit)
}

/// Shows help on standard output, or what is wrong with the arguments on standard error.
fn usage_shown(usage: &clap::Error) -> ExitCode {
    let shown = usage.print().and_then(|()| std::io::stdout().flush());
    match (usage.use_stderr(), shown.map_err(|e| answer::unwritten(&e))) {
        (true, _) => ExitCode::from(2),
        (false, Ok(()) | Err(None)) => ExitCode::SUCCESS,
        (false, Err(Some(error))) => failed(&error, false, Path::new("")),
    }
}

/// Returns what a command answers, and its exit code.
fn carry_out(settings: &Settings, arguments: &Arguments) -> Result<(String, u8)> {
    let json = arguments.json;
    let text = match &arguments.command {
        Command::Run(args) => return run_jobs(settings, args, json),
        Command::Plan(args) => return plan_job(settings, args, json),
        Command::Sweep(args) => sweep::sweep(settings, args, json),
        Command::Serve(args) => serve::serve(settings, args, settings.host(&args.work)?, json),
        Command::Status(args) => return status::status(settings, args, json),
        Command::Explain(args) => explain::explain(settings, args, json),
        Command::Report(ReportCommand::Case(args)) => report::report(settings, args, json),
        Command::Report(ReportCommand::Notice(args)) => notice::report(settings, args, json),
        Command::Report(ReportCommand::Job(args)) => version::report(settings, args, json),
        Command::Report(ReportCommand::Register(args)) => register::report(settings, args, json),
        Command::Report(ReportCommand::Dpia(args)) => dpia::report(settings, args, json),
        Command::Breach(command) => breach::carry_out(settings, command, json),
        Command::SignOff(args) => sign_off::carry_out(settings, args, json),
        Command::Practice(args) => practice::carry_out(settings, args, json),
        Command::Init(args) => init::init(settings, args, json),
        Command::Peek(args) => peek::peek(settings, args, json),
        Command::Drift(args) => drift::drift(settings, args, json),
        Command::Check => check::check(settings, json),
        Command::Accept(args) => accept(settings, args, json),
        Command::Verify { head, heads } => verify(settings, head.as_deref(), heads.as_deref(), json),
        Command::Audit(args) => audit::carry_out(settings, args, json),
        Command::Subject(args) => subject::carry_out(settings, args, json),
        Command::Dataset(command) => dataset::carry_out(settings, command, json),
        Command::Recipient(command) => recipient::carry_out(settings, command, json),
        Command::State(command) => state::carry_out(settings, command, json),
        Command::Key(KeyCommand::New) => new_keys(settings),
        Command::Key(KeyCommand::Check) => check_keys(settings),
        Command::Schema { kind } => schema(*kind),
    };
    text.map(|text| (text, 0))
}

fn run_jobs(settings: &Settings, args: &RunArgs, json: bool) -> Result<(String, u8)> {
    let Some(job) = &args.job else {
        let host = settings.host(&args.work)?;
        settings.stop_on_signals(&host.call.stop)?;
        return due::run(settings, &host, json, settings.monitor(json).as_ref());
    };
    let call = job::Call { demo: args.demo, ..settings.call(job, args.as_of.as_deref(), &args.work)? };
    settings.stop_on_signals(&call.stop)?;
    let report = run::run(&call, settings.monitor(json).as_ref())?;
    let text = if json { render::json(&report)? } else { told(&report, args.verbose) };
    Ok((text, 0))
}

fn plan_job(settings: &Settings, args: &PlanArgs, json: bool) -> Result<(String, u8)> {
    let call = settings.call(&args.job, args.as_of.as_deref(), &args.work)?;
    let report = run::plan(&call, settings.monitor(json).as_ref())?;
    let text = if json { render::json(&report)? } else { told(&report, args.verbose) };
    Ok((text, if args.exit_zero { 0 } else { report.exit }))
}

fn told(report: &run::Report, verbose: bool) -> String {
    render::report(report, verbose, verdict::coloured(&std::io::stdout()))
}

fn accept(settings: &Settings, accepted: &AcceptArgs, json: bool) -> Result<String> {
    let project = policy::load(&settings.dir, &settings.roots)?;
    let state = settings.state(&project)?;
    state.agree()?;
    let as_of = match &accepted.as_of {
        Some(text) => settings::time(text)?,
        None => settings::refused_as_of(&state, accepted)?,
    };
    let accept = Accept {
        job: accepted.job.clone(),
        plan: accepted.digest.clone(),
        as_of,
        reason: accepted.reason.clone(),
        by: accepted.by.clone(),
        at: settings.now,
    };
    state.accept(&accept)?;
    if json {
        return render::json(&accept);
    }
    Ok(format!(
        "accepted: the next `tamis run {}` evaluates as of {as_of} and publishes exactly that plan\n",
        accepted.job
    ))
}

fn verify(settings: &Settings, head: Option<&str>, heads: Option<&Path>, json: bool) -> Result<String> {
    let project = policy::load(&settings.dir, &settings.roots)?;
    let roots = settings.open(&project)?;
    let kept = heads.map(|path| HeadsFile::read(&project, path)).transpose()?;
    let newest = kept.as_ref().and_then(|kept| kept.newest.as_ref()).map(ToString::to_string);
    let report = questions::verify::verify(&project, &roots, head.or(newest.as_deref()))?;
    if let (Some(kept), Some(head), true) = (&kept, &report.head, report.faults.is_empty()) {
        kept.add(head)?;
    }
    let text =
        if json { render::json(&report)? } else { render::verified(&report, verdict::coloured(&std::io::stdout())) };
    answer::with_outcome(text, report.outcome())
}

fn new_keys(settings: &Settings) -> Result<String> {
    let project = policy::load(&settings.dir, &settings.roots)?;
    let policy::KeyFrom::Dir(dir) = &project.keys.from else {
        return Err(Error::new(Code::ArgumentWrong, "keys of this policy come from elsewhere")
            .help("make them where they are kept"));
    };
    let made = key::create(dir, &project.keys.epoch)?;
    Ok(made.iter().map(|file| format!("{} {}\n", if file.new { "made" } else { "kept" }, file.file)).collect())
}

fn check_keys(settings: &Settings) -> Result<String> {
    let project = policy::load(&settings.dir, &settings.roots)?;
    let ids = key::Keyring::load(&project.keys, &job::data_roots(&project))?.ids();
    Ok(format!("identity {}\ntoken    {} (epoch {})\n", ids.identity.0, ids.token.0, ids.epoch))
}

fn schema(kind: SchemaKind) -> Result<String> {
    render::json(&match kind {
        SchemaKind::Policy => policy::schema(policy::SpecKind::Policy),
        SchemaKind::Source => policy::schema(policy::SpecKind::Source),
        SchemaKind::Job => policy::schema(policy::SpecKind::Job),
        SchemaKind::Report => schemars::schema_for!(run::Report).to_value(),
        SchemaKind::Sweep => schemars::schema_for!(SweepReport).to_value(),
        SchemaKind::JobReport => schemars::schema_for!(questions::JobReport).to_value(),
        SchemaKind::Audit => schemars::schema_for!(audits::AuditReport).to_value(),
        SchemaKind::Access => schemars::schema_for!(questions::access::AccessReport).to_value(),
        SchemaKind::RecipientNotices => schemars::schema_for!(questions::RecipientNotices).to_value(),
        SchemaKind::Check => schemars::schema_for!(check::CheckReport).to_value(),
        SchemaKind::Verify => schemars::schema_for!(crate::evidence::VerifyReport).to_value(),
        SchemaKind::Register => schemars::schema_for!(questions::ProcessingRecord).to_value(),
        SchemaKind::Dpia => schemars::schema_for!(questions::Assessment).to_value(),
        SchemaKind::Breach => schemars::schema_for!(questions::breach::BreachReport).to_value(),
        SchemaKind::Drift => schemars::schema_for!(questions::DriftReport).to_value(),
        SchemaKind::Status => schemars::schema_for!(status::Status).to_value(),
    })
}

fn show_error(error: &Error, json: bool, dir: &Path) {
    let color = verdict::coloured(&std::io::stderr());
    let text = match json {
        true => render::error_json(error),
        false => render::error(error) + &steps::told(dir, error.spec_findings(), color),
    };
    let _ = std::io::stderr().write_all(text.as_bytes());
}
