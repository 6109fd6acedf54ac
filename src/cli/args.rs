//! Arguments as typed. Nothing is looked up here.

use crate::error::{Code, Error, Result};
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
    /// Prints JSON on standard output, where a command reports something
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
    /// Looks at exports and writes specs for them in which nothing is allowed yet, or writes an example
    Init(InitArgs),
    /// Shows lengths, classes of characters and normal forms of an object's cells, and never a value
    Peek(PeekArgs),
    /// Checks the specs and lists every finding
    Check,
    /// Approves one refused run, named by its digest
    Accept(AcceptArgs),
    /// Checks ledger, manifests and published files, offline and without keys
    Verify {
        /// A ledger head noted earlier (SEQ:DIGEST); finds entries cut off since
        #[arg(long, value_name = "SEQ:DIGEST")]
        head: Option<String>,
    },
    /// Reads what is published anew and checks it against the policy of today; writes nothing
    Audit(AuditArgs),
    /// Ends a table, or takes one back that another program has written to
    #[command(subcommand)]
    Dataset(DatasetCommand),
    /// Stores a request of one person, or finds the person; values come on standard input
    Subject(SubjectArgs),
    /// Tells recipients of persons whom requests have taken out, and notes their answers
    #[command(subcommand)]
    Recipient(RecipientCommand),
    /// Creates the state of an installation
    #[command(subcommand)]
    State(StateCommand),
    /// Makes or checks keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Prints the JSON Schema of a spec file or of a command's output
    Schema {
        /// What the schema is of
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
    /// Looks at this column alone
    #[arg(long, value_name = "COLUMN")]
    pub column: Option<String>,
    /// Looks at the cells of this record, from 1
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub record: Option<u64>,
}

/// What `tamis status` is given.
#[derive(Args, Debug)]
pub struct StatusArgs {
    /// Shows all requests that are not done, not only those with the next deadlines
    #[arg(long)]
    pub all: bool,
    /// Shows everything that is known of each job, dataset and request
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
    /// Evaluates retention as of this time, such as 2026-11-24T02:00:00Z (default: now); not in the future, nor before the current version's
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
    /// Evaluates retention as of this time, such as 2026-11-24T02:00:00Z (default: now); not in the future, nor before the current version's
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// Also shows inputs, fields, gates and keys
    #[arg(long)]
    pub verbose: bool,
    /// Ends with 0 whatever stands against publishing (default: with the exit code that a run would have)
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
    /// Evaluates retention as of this time, such as 2026-11-24T02:00:00Z (default: now); not in the future, nor before the current version's
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
    /// Most jobs that run at once
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
    /// Seconds between two checks for what is due; a number that divides 60
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
    /// What became of a request in every dataset, with dates and versions and without any value of the person
    Case(ReportArgs),
    /// What a version was made of: what was read, dropped and published, under which rules
    Job(JobReportArgs),
}

/// Arguments of `report case`.
#[derive(Args, Debug)]
pub struct ReportArgs {
    /// Id of the request
    pub id: String,
    /// How it is written
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
    /// How it is written
    #[arg(long, value_enum, default_value = "text")]
    pub format: ReportFormat,
}

/// What `tamis audit` is given.
#[derive(Args, Debug)]
pub struct AuditArgs {
    /// Audits this dataset alone: a job, or ROOT:PATH of its table (default: all, and the installation)
    #[arg(long, value_name = "JOB_OR_OUTPUT")]
    pub dataset: Option<String>,
    /// How it is written
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
    /// Why; recorded in the ledger
    #[arg(long)]
    pub reason: String,
    /// Who ends it; recorded in the ledger
    #[arg(long, value_name = "WHO")]
    pub by: Option<String>,
    /// Deletes all that is left of the table; without this option it must have been deleted by hand
    #[arg(long)]
    pub remove: bool,
}

/// Arguments of `dataset adopt`.
#[derive(Args, Debug)]
pub struct AdoptArgs {
    /// Name of the job whose table it is
    pub job: String,
    /// Why; recorded in the ledger
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
    /// Art. 19 GDPR: writes the tokens that a recipient has to erase or restrict, since its last answer
    Notices(NoticesArgs),
    /// Notes that a recipient has answered, or cannot be told
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
    /// Number of the last notice that the answer is about
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub up_to: u64,
    /// Why it is impossible or disproportionate to tell the recipient; recorded in the ledger
    #[arg(long, value_name = "REASON")]
    pub impossible: Option<String>,
    /// Who says so; recorded in the ledger
    #[arg(long, value_name = "WHO")]
    pub by: Option<String>,
}

/// Everything that `tamis state` can do.
#[derive(Subcommand, Debug)]
pub enum StateCommand {
    /// Makes the state: once, before the first run
    Create,
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
    /// What `subject export` writes as person.json
    Access,
    /// What `audit --json` prints
    Audit,
    /// What `recipient notices` writes
    RecipientNotices,
}

/// What `tamis accept` is given.
#[derive(Args, Debug)]
pub struct AcceptArgs {
    /// Name of the job that was refused
    pub job: String,
    /// The digest that `plan` or a refused run printed
    pub digest: String,
    /// Why; recorded in the ledger
    #[arg(long)]
    pub reason: String,
    /// The time that the plan was made for; needed only when no run was refused
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// Who approves; recorded in the ledger
    #[arg(long, value_name = "WHO")]
    pub by: Option<String>,
}

/// What `subject` can do.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum SubjectVerb {
    /// Erasure, Art. 17 GDPR
    Erase,
    /// Restriction, Art. 18 GDPR; needs --ground
    Restrict,
    /// Art. 21 GDPR; needs --purpose
    Object,
    /// Opt-out of sale and sharing, CCPA 1798.120
    OptOut,
    /// Withdrawal of consent, Art. 7(3) GDPR
    Withdraw,
    /// Legal hold: keeps bytes from being deleted; needs --until or --review-by
    Hold,
    /// Ends another request; needs --lifts, and --informed for a restriction
    Lift,
    /// Finds the datasets and requests that know the person, and the rows that an erasure would reach
    Find,
    /// Art. 15 and 20 GDPR: writes what is processed of the person into a folder; needs --request and --out
    Export,
}

/// Which right an export answers.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum RightAsked {
    /// Art. 15 GDPR: everything that is processed
    Access,
    /// Art. 20 GDPR: what the person provided, on consent or contract
    Portability,
}

/// Grounds of a restriction (Art. 18(1) GDPR).
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum GroundAsked {
    /// The person contests that the data are accurate
    A,
    /// The processing is unlawful, and the person opposes erasure
    B,
    /// The person needs the data for a legal claim
    C,
    /// The person has objected, and the grounds are being weighed
    D,
}

/// Arguments of `subject`. Values of the person come on standard input, one `kind: value` a line.
#[derive(Args, Debug)]
pub struct SubjectArgs {
    /// What is asked for
    #[arg(value_enum)]
    pub verb: SubjectVerb,
    /// Opaque id of the request, such as a case number
    #[arg(long, value_name = "ID")]
    pub request: Option<String>,
    /// Limits the request to a purpose; may be given several times (default: all purposes)
    #[arg(long = "purpose", value_name = "PURPOSE")]
    pub purposes: Vec<String>,
    /// When it was received (default: now)
    #[arg(long, value_name = "TIME")]
    pub received: Option<String>,
    /// The id of the request that a lift ends
    #[arg(long, value_name = "ID")]
    pub lifts: Option<String>,
    /// Allows the lift to end an erasure
    #[arg(long)]
    pub lift_erase: bool,
    /// Restriction: the letter of Art. 18(1) GDPR it rests on; with b and c bytes of the person are kept
    #[arg(long, value_enum, value_name = "LETTER")]
    pub ground: Option<GroundAsked>,
    /// Lift: when the person was told that the restriction ends, a date or a time
    #[arg(long, value_name = "TIME")]
    pub informed: Option<String>,
    /// Hold: when it ends by itself, a date or a time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Hold: by when somebody looks at it again, a date or a time
    #[arg(long, value_name = "TIME")]
    pub review_by: Option<String>,
    /// Export: the right that is answered
    #[arg(long, value_enum, default_value = "access")]
    pub right: RightAsked,
    /// Export: the folder to write to, a new one outside of every root; only you can read it
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Export: also shows rows that may be another person's, for this reason, which goes into the ledger
    #[arg(long, value_name = "REASON")]
    pub include_doubtful: Option<String>,
    /// Export: does not search raw exports, for this reason, which the page gives
    #[arg(long, value_name = "REASON")]
    pub without_raw: Option<String>,
}

impl SubjectArgs {
    /// Returns the id of the request.
    ///
    /// # Errors
    /// A policy error when none was given.
    pub fn request_id(&self) -> Result<String> {
        self.request.clone().ok_or_else(|| {
            Error::new(Code::RequestWrong, "a request needs an id")
                .help("give --request ID, an opaque one such as a case number")
        })
    }
}
