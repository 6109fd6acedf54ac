//! Arguments as typed. Nothing is looked up here.

use super::subject_args::SubjectArgs;
use crate::threads::MAX_THREADS;
use clap::{Args, Parser, Subcommand, value_parser};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Turns raw CRM exports into minimized, pseudonymized tables, keeps erased people out, and leaves evidence you can check
#[derive(Parser, Debug)]
#[command(name = "tamis", version, about, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Arguments {
    /// Folder with policy.toml, sources/ and the jobs
    #[arg(long, global = true, default_value = "jobs", value_name = "DIR")]
    pub dir: PathBuf,
    /// Replaces a root of the policy for this call; may be given several times
    #[arg(long = "root", global = true, value_name = "NAME=URL")]
    pub roots: Vec<String>,
    /// Prints what the command reports as JSON on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// What tamis is to do
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "An error has a code, as in error[column-missing]: docs/errors.md says what each means and what to do.\n\n\
Exit codes: 0 done, 1 something needs attention (only of `status --check`), 2 policy or usage, 3 input refused, 4 gate or brake, \
5 outcome unknown (run again), 6 evidence does not hold, 70 a fault of tamis, 75 storage away (try again)";

/// Every command, in the order in which help lists them.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Runs a job, or all jobs that are due and then the sweeps that are due
    Run(RunArgs),
    /// Shows what a run would do; writes nothing
    Plan(PlanArgs),
    /// Applies requests and retention to every published dataset, and deletes old files that are due
    Sweep(SweepArgs),
    /// Keeps running, and runs jobs and sweeps by their schedules until a signal ends it
    Serve(ServeArgs),
    /// Shows how each job stands, and how far requests have come
    Status(StatusArgs),
    /// Explains why a person is or is not in a dataset; give the person on standard input, as `kind: value`
    Explain(ExplainArgs),
    /// Reports on a request or a published version
    #[command(subcommand)]
    Report(ReportCommand),
    /// Writes made-up data and specs with twenty mistakes to learn from, or scores what was mended in them
    Practice(PracticeArgs),
    /// Looks at exports and writes specs for them in which nothing is allowed yet, or writes an example
    Init(InitArgs),
    /// Shows the lengths, kinds of characters and normal forms of the cells of an export, but never a value
    Peek(PeekArgs),
    /// Shows how the newest export of a job differs from its source, and the lines that would make them agree
    Drift(DriftArgs),
    /// Checks the specs and lists every finding
    Check,
    /// Approves one refused run, named by its digest
    Accept(AcceptArgs),
    /// Records in the ledger that somebody signs what a job does, or advises on it (Art. 35 GDPR)
    SignOff(SignOffArgs),
    /// Reports what a breach concerns and whom to notify, and records what was decided (Art. 33, 34 GDPR)
    #[command(subcommand)]
    Breach(BreachCommand),
    /// Checks ledger, manifests and published files, offline and without keys
    Verify {
        /// A ledger head noted earlier (SEQ:DIGEST); finds entries cut off since
        #[arg(long, value_name = "SEQ:DIGEST")]
        head: Option<String>,
        /// A file of ledger heads, kept elsewhere: compares the newest, and adds the one of today if everything holds
        #[arg(long, value_name = "FILE", conflicts_with = "head")]
        heads: Option<PathBuf>,
    },
    /// Reads the published tables again and checks them against the policy of today; writes nothing
    Audit(AuditArgs),
    /// Ends a table, or takes one back that another program has written to
    #[command(subcommand)]
    Dataset(DatasetCommand),
    /// Stores a request of one person, finds the person, or answers the person; give the person on standard input, as `kind: value`
    Subject(SubjectArgs),
    /// Tells recipients about persons whom requests have taken out of their data, and records the answers
    #[command(subcommand)]
    Recipient(RecipientCommand),
    /// Creates the state of an installation, or goes on without records that were lost
    #[command(subcommand)]
    State(StateCommand),
    /// Makes or checks keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Prints the JSON Schema of a spec file or of a command's output
    Schema {
        /// The file or the output that the schema describes
        #[arg(value_enum)]
        kind: SchemaKind,
    },
}

impl Command {
    /// Returns what the command may use, and how many jobs work at once.
    pub fn work(&self) -> Option<(&WorkArgs, usize)> {
        match self {
            Command::Run(args) => Some((&args.work, 1)),
            Command::Plan(args) => Some((&args.work, 1)),
            Command::Sweep(args) => Some((&args.work, 1)),
            Command::Explain(args) => Some((&args.work, 1)),
            Command::Drift(args) => Some((&args.work, 1)),
            Command::Serve(args) => Some((&args.work, usize::from(args.parallel))),
            _ => None,
        }
    }
}

/// What `tamis init` is given.
#[derive(Args, Debug)]
pub struct InitArgs {
    /// Exports: files, folders, archives or URLs (file, s3, az, gs)
    #[arg(value_name = "EXPORT", conflicts_with = "example")]
    pub exports: Vec<String>,
    /// Writes an example with a small export of its own, which runs as it is
    #[arg(long)]
    pub example: bool,
    /// Says what would be written; writes nothing
    #[arg(long, conflicts_with = "example")]
    pub dry_run: bool,
}

/// What `tamis peek` is given.
#[derive(Args, Debug)]
pub struct PeekArgs {
    /// A file, an archive or a URL
    pub object: String,
    /// Member of the archive
    #[arg(long, value_name = "NAME")]
    pub member: Option<String>,
    /// Looks only at this column
    #[arg(long, value_name = "COLUMN")]
    pub column: Option<String>,
    /// Looks at the cells of this record, from 1
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub record: Option<u64>,
}

/// What `tamis drift` is given.
#[derive(Args, Debug)]
pub struct DriftArgs {
    /// Name of the job whose export is looked at
    pub job: String,
    /// Writes the lines into the file of the source: none of them allows anything
    #[arg(long)]
    pub write: bool,
    /// Also adds the names under which the values of renamed columns are found now; look at them first
    #[arg(long, requires = "write")]
    pub renamed: bool,
    /// How it reads the newest export
    #[command(flatten)]
    pub work: WorkArgs,
}

/// What `tamis status` is given.
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// Shows all requests that are not done, not only those with the next deadlines
    #[arg(long)]
    pub all: bool,
    /// Shows everything that is known about each job, dataset and request
    #[arg(long)]
    pub verbose: bool,
    /// Ends with 1 when something needs attention, for monitoring
    #[arg(long)]
    pub check: bool,
}

/// What `tamis run` is given.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Name of the job to run
    #[arg(required_unless_present = "due", conflicts_with = "due")]
    pub job: Option<String>,
    /// Runs every job whose schedule is due, then sweeps every dataset that is due; call it every few minutes from cron or a timer
    #[arg(long)]
    pub due: bool,
    /// Evaluates retention as of this time, such as 2026-11-24T02:00:00Z (default: now); not in the future, and not before that of the current version
    #[arg(long, value_name = "TIME", conflicts_with = "due")]
    pub as_of: Option<String>,
    /// Makes a state and throw-away keys if they are missing; only with local roots
    #[arg(long, conflicts_with = "due")]
    pub demo: bool,
    /// Also shows inputs, fields, gates and keys
    #[arg(long, conflicts_with = "due")]
    pub verbose: bool,
    /// Threads, memory and output of the run
    #[command(flatten)]
    pub work: WorkArgs,
}

/// What `tamis plan` is given.
#[derive(Args, Debug)]
pub struct PlanArgs {
    /// Name of the job to plan
    pub job: String,
    /// Evaluates retention as of this time, such as 2026-11-24T02:00:00Z (default: now); not in the future, and not before that of the current version
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// Also shows inputs, fields, gates and keys
    #[arg(long)]
    pub verbose: bool,
    /// Ends with 0 even if something would stop a run (default: with the exit code that a run would have)
    #[arg(long)]
    pub exit_zero: bool,
    /// Threads, memory and output of the plan
    #[command(flatten)]
    pub work: WorkArgs,
}

/// What a run may use.
#[derive(Args, Debug)]
pub struct WorkArgs {
    /// Worker threads, 1 to 1024 (default: one per core)
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..=MAX_THREADS as i64))]
    pub threads: Option<u16>,
    /// Memory for rows before they are sealed on disk, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 160)]
    pub memory: usize,
    /// Folder for sealed rows (default: the system's temporary folder)
    #[arg(long, value_name = "DIR")]
    pub spill: Option<PathBuf>,
}

/// What `tamis sweep` is given.
#[derive(Args, Debug)]
pub struct SweepArgs {
    /// Evaluates retention as of this time, such as 2026-11-24T02:00:00Z (default: now); not in the future, and not before that of the current version
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// Threads, memory and output of the sweep
    #[command(flatten)]
    pub work: WorkArgs,
}

/// What `tamis serve` is given.
#[derive(Args, Debug)]
pub struct ServeArgs {
    /// Threads, memory and output of the runs
    #[command(flatten)]
    pub work: WorkArgs,
    /// Largest number of jobs that run at once
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = value_parser!(u16).range(1..=256))]
    pub parallel: u16,
    /// Seconds that runs may take to end after SIGTERM; unfinished runs resume at the next start
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub grace: u64,
    /// Address of the health page, GET /healthz; loopback only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9878")]
    pub listen: SocketAddr,
    /// Serves no health page
    #[arg(long, conflicts_with = "listen")]
    pub no_listen: bool,
    /// Seconds between two checks whether a job or sweep is due; a number that divides 60
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub beat: u32,
}

/// What `tamis explain` is given.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The job (default: all of them)
    pub job: Option<String>,
    /// How it reads the newest export
    #[command(flatten)]
    pub work: WorkArgs,
}

/// Every report that `tamis report` can write.
#[derive(Subcommand, Debug)]
pub enum ReportCommand {
    /// Shows what became of a request in every dataset, with dates and versions but without any value of the person
    Case(ReportArgs),
    /// Shows what you have to tell people about all that jobs do with their data (Art. 13 and 14 GDPR, 11 CCR §7012)
    Notice(NoticeArgs),
    /// Shows what a version was made of: what was read, dropped and published, and under which rules
    Job(JobReportArgs),
    /// Writes the record of processing activities (Art. 30 GDPR), from specs and evidence
    Register(RegisterArgs),
    /// Writes the assessment of a job (Art. 35 GDPR): what it does, what is not assessed, and what has changed since it was signed
    Dpia(DpiaArgs),
}

/// Arguments of `report register`.
#[derive(Args, Debug)]
pub struct RegisterArgs {
    /// Format of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: RegisterFormat,
}

/// How a register is written.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterFormat {
    /// Text to read on a terminal
    Text,
    /// JSON for programs, with a published schema
    Json,
    /// One page, without scripts
    Html,
    /// A table, with one activity per line
    Csv,
}

/// Arguments of `report dpia`.
#[derive(Args, Debug)]
pub struct DpiaArgs {
    /// Name of the job to assess
    pub job: String,
    /// Format of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: ReportFormat,
}

/// Everything that `tamis breach` can do.
#[derive(Subcommand, Debug)]
pub enum BreachCommand {
    /// Says which versions, fields and people are concerned, what keys undo and what is due, and stores this report
    Scope(Box<BreachScopeArgs>),
    /// Writes whom to notify into a folder, from the raw exports that are still kept
    Subjects(BreachSubjectsArgs),
    /// Records whether authority and people are told, who decided, and why
    Decide(BreachDecideArgs),
}

/// Arguments of `breach scope`. Everything that is named narrows it.
#[derive(Args, Debug)]
pub struct BreachScopeArgs {
    /// When the controller became aware of it, such as 2026-11-24T02:00:00Z; the 72 hours count from then
    #[arg(long, value_name = "TIME")]
    pub aware_at: String,
    /// A job, or ROOT:PATH of its table; may be given several times (default: all)
    #[arg(long = "dataset", value_name = "JOB_OR_OUTPUT")]
    pub datasets: Vec<String>,
    /// A root of the policy that somebody could read; the report also names exports below it
    #[arg(long, value_name = "NAME")]
    pub breached_root: Option<String>,
    /// Beginning of the paths below that root
    #[arg(long, value_name = "PATH")]
    pub prefix: Option<String>,
    /// Id of a key that somebody got, as `tamis key check` prints it
    #[arg(long, value_name = "ID")]
    pub key: Option<String>,
    /// The recipient where it happened
    #[arg(long, value_name = "NAME")]
    pub recipient: Option<String>,
    /// When it may have begun at the earliest (default: no limit)
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// When it was over at the latest (default: when the controller became aware)
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// When it happened, if that is known
    #[arg(long, value_name = "TIME")]
    pub occurred: Option<String>,
    /// When somebody noticed it, if that was before the controller became aware
    #[arg(long, value_name = "TIME")]
    pub detected: Option<String>,
    /// Number of the earlier report on the same breach, if more is known now
    #[arg(long, value_name = "NUMBER")]
    pub updates: Option<u64>,
    /// Why the authority is told after 72 hours
    #[arg(long, value_name = "REASON")]
    pub late_because: Option<String>,
    /// Format of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: ReportFormat,
}

/// Arguments of `breach subjects`.
#[derive(Args, Debug)]
pub struct BreachSubjectsArgs {
    /// Number of the breach
    pub number: u64,
    /// The folder to write to, a new one outside of every root; only you can read it
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
}

/// Arguments of `breach decide`.
#[derive(Args, Debug)]
pub struct BreachDecideArgs {
    /// Number of the breach
    pub number: u64,
    /// Whether the authority is notified (Art. 33 GDPR)
    #[arg(long, value_enum)]
    pub authority: YesOrNo,
    /// Whether the people are told (Art. 34 GDPR)
    #[arg(long, value_enum)]
    pub people: YesOrNo,
    /// Who decided; recorded in the ledger
    #[arg(long, value_name = "WHO")]
    pub by: String,
    /// The reason; recorded in the ledger
    #[arg(long)]
    pub reason: String,
}

/// Whether something is done, as typed.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum YesOrNo {
    /// It is done
    Yes,
    /// It is not done
    No,
}

/// What `tamis practice` is given.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct PracticeArgs {
    /// The folder to write to, a new one
    pub folder: Option<PathBuf>,
    /// Number that the made-up people are made from; another one makes other people
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// What to do with a practice that is there
    #[command(subcommand)]
    pub command: Option<PracticeCommand>,
}

/// Everything that can be done with a practice.
#[derive(Subcommand, Debug)]
pub enum PracticeCommand {
    /// Says which mistakes are mended, explains each with its article, and names what was taken away unnecessarily
    Check {
        /// The folder of the practice
        folder: PathBuf,
    },
}

/// What `tamis sign-off` is given.
#[derive(Args, Debug)]
pub struct SignOffArgs {
    /// Name of the job
    pub job: String,
    /// The role of whoever signs, such as "managing director"; the data protection officer advises, with --advice
    #[arg(long, value_name = "ROLE")]
    pub by: String,
    /// Why the job may do this, or what the advice is; recorded in the ledger
    #[arg(long)]
    pub reason: String,
    /// Records the advice of the data protection officer, and decides nothing
    #[arg(long)]
    pub advice: bool,
}

/// Arguments of `report case`.
#[derive(Args, Debug)]
pub struct ReportArgs {
    /// Id of the request
    pub id: String,
    /// Format of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: ReportFormat,
}

/// Arguments of `report notice`.
#[derive(Args, Debug)]
pub struct NoticeArgs {
    /// Format of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: ReportFormat,
}

/// Arguments of `report job`.
#[derive(Args, Debug)]
pub struct JobReportArgs {
    /// Name of the job to report on
    pub job: String,
    /// The run or sweep that made the version (default: the newest version)
    #[arg(long)]
    pub run: Option<String>,
    /// Format of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: ReportFormat,
}

/// What `tamis audit` is given.
#[derive(Args, Debug)]
pub struct AuditArgs {
    /// Audits only this dataset: a job, or ROOT:PATH of its table (default: all datasets, and the installation)
    #[arg(long, value_name = "JOB_OR_OUTPUT")]
    pub dataset: Option<String>,
    /// Format of the answer
    #[arg(long, value_enum, default_value = "text")]
    pub format: AuditFormat,
}

/// How an audit is written.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditFormat {
    /// Text to read on a terminal
    Text,
    /// JSON for programs, with a published schema
    Json,
    /// JUnit XML, for build servers
    Junit,
    /// SARIF 2.1.0, for scanners
    Sarif,
}

/// How a report is written.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// Text to read on a terminal
    Text,
    /// JSON for programs, with a published schema
    Json,
    /// One page, without scripts
    Html,
}

/// Everything that `tamis dataset` can order.
#[derive(Subcommand, Debug)]
pub enum DatasetCommand {
    /// Ends a table; requests no longer wait for it
    Retire(RetireArgs),
    /// Takes a table back that another program has written to
    Adopt(AdoptArgs),
}

/// Arguments of `dataset retire`.
#[derive(Args, Debug)]
pub struct RetireArgs {
    /// The job (it may be gone from the specs), or ROOT:PATH of its table
    #[arg(value_name = "JOB_OR_OUTPUT")]
    pub of: String,
    /// The reason; recorded in the ledger
    #[arg(long)]
    pub reason: String,
    /// Who ends it; recorded in the ledger
    #[arg(long, value_name = "WHO")]
    pub by: Option<String>,
    /// Deletes everything that is left of the table; without this option, you must have deleted the table by hand
    #[arg(long)]
    pub remove: bool,
}

/// Arguments of `dataset adopt`.
#[derive(Args, Debug)]
pub struct AdoptArgs {
    /// Name of the job whose table it is
    pub job: String,
    /// The reason; recorded in the ledger
    #[arg(long)]
    pub reason: String,
    /// Who takes it back; recorded in the ledger
    #[arg(long, value_name = "WHO")]
    pub by: Option<String>,
    /// Threads, memory and output of the command
    #[command(flatten)]
    pub work: WorkArgs,
}

/// Everything that `tamis recipient` can do.
#[derive(Subcommand, Debug)]
pub enum RecipientCommand {
    /// Writes the tokens that a recipient has to erase or restrict and has not answered for yet (Art. 19 GDPR)
    Notices(NoticesArgs),
    /// Records that a recipient has answered, or that nobody can tell it
    Acknowledge(AcknowledgeArgs),
}

/// Arguments of `recipient notices`.
#[derive(Args, Debug)]
pub struct NoticesArgs {
    /// Name of the recipient
    pub recipient: String,
    /// The file to write, a new one outside of every root; only you can read it
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Arguments of `recipient acknowledge`.
#[derive(Args, Debug)]
pub struct AcknowledgeArgs {
    /// Name of the recipient
    pub recipient: String,
    /// Number of the last notice that the recipient has answered
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub up_to: u64,
    /// Why it is impossible or disproportionate to tell the recipient; recorded in the ledger
    #[arg(long, value_name = "REASON")]
    pub impossible: Option<String>,
    /// Who records the answer; recorded in the ledger
    #[arg(long, value_name = "WHO")]
    pub by: Option<String>,
}

/// Everything that `tamis state` can do.
#[derive(Subcommand, Debug)]
pub enum StateCommand {
    /// Makes the state; call it once, before the first run
    Create,
    /// Writes new records for lost leases, schedules, sweeps or acceptances of a job, if no copy of them is left
    Renew(RenewArgs),
}

/// Arguments of `state renew`.
#[derive(Args, Debug)]
pub struct RenewArgs {
    /// The job that the message names; it may be gone from the specs
    pub job: String,
    /// The reason; recorded in the ledger
    #[arg(long)]
    pub reason: String,
    /// Who renews them; recorded in the ledger
    #[arg(long, value_name = "WHO")]
    pub by: Option<String>,
}

/// Everything that `tamis key` can do.
#[derive(Subcommand, Debug)]
pub enum KeyCommand {
    /// Makes the key files that are missing, from the system's random generator
    New,
    /// Reads the keys as a run would and prints their ids
    Check,
}

/// What `schema` can print.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum SchemaKind {
    /// The schema of policy.toml
    Policy,
    /// The schema of the files in sources/
    Source,
    /// The schema of job files
    Job,
    /// What `run --json` and `plan --json` print
    Report,
    /// What `sweep --json` prints
    Sweep,
    /// What `report job --json` prints
    JobReport,
    /// What `status --json` prints
    Status,
    /// What `check --json` prints
    Check,
    /// What `verify --json` prints
    Verify,
    /// What `drift --json` prints as `drift`
    Drift,
    /// What `subject export` writes as person.json
    Access,
    /// What `audit --json` prints
    Audit,
    /// What `recipient notices` writes
    RecipientNotices,
    /// What `report register --json` prints
    Register,
    /// What `report dpia --json` prints
    Dpia,
    /// What `breach scope --json` prints
    Breach,
}

/// What `tamis accept` is given.
#[derive(Args, Debug)]
pub struct AcceptArgs {
    /// Name of the job that was refused
    pub job: String,
    /// The digest that `plan` or a refused run printed
    pub digest: String,
    /// The reason; recorded in the ledger
    #[arg(long)]
    pub reason: String,
    /// The time that the plan was made for; needed only when no run was refused
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// Who approves; recorded in the ledger
    #[arg(long, value_name = "WHO")]
    pub by: Option<String>,
}
