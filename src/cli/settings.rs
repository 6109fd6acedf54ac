//! Arguments made ready: what the machine has is looked up here and nowhere else.

use super::args::{AcceptArgs, Arguments, WorkArgs};
use super::{limits, process, progress, signals};
use crate::clock::{Clock, Instant, System};
use crate::daemon::Host;
use crate::error::{Code, Error, Result};
use crate::evidence::LedgerEvent;
use crate::job::{Call, Caller, KeptRequests, Stop, SubjectCall, open_roots};
use crate::key;
use crate::monitor::Monitor;
use crate::policy::Project;
use crate::state::{Claimant, State};
use crate::store::Root;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

const MIB: usize = 1 << 20;
const BLOCK_BYTES: usize = MIB / 4;

/// Who has called a command, and hears what goes on.
pub enum CalledFrom {
    /// Somebody at a terminal, or cron: progress goes to standard error, and signals stop the work.
    Terminal,
    /// A program that has tamis as a library.
    Program {
        /// Hears of progress.
        monitor: Arc<dyn Monitor>,
        /// Stops the work before its commit.
        stop: Stop,
    },
}

/// What every command works with.
pub struct Settings {
    /// Who has called.
    pub called_from: CalledFrom,
    /// Folder of the specs.
    pub dir: PathBuf,
    /// Roots that the command line put at another place, by name.
    pub roots: Vec<(String, String)>,
    /// The moment that counts as now for the whole command.
    pub now: Instant,
    /// Drives the stores; alive as long as the command.
    pub runtime: tokio::runtime::Runtime,
}

impl Settings {
    /// Makes the arguments of a call ready.
    ///
    /// # Errors
    /// A policy error for a `--root` that is not `NAME=URL`.
    pub fn of(arguments: &Arguments, called_from: CalledFrom) -> Result<Settings> {
        limits::check(arguments.command.work().map_or(1, |(work, jobs)| threads(work).saturating_mul(jobs)))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|_| Error::new(Code::SystemLimit, "the machine gives no threads"))?;
        limits::oversized_files_are_errors(&runtime)?;
        let roots = arguments.roots.iter().map(|text| root(text)).collect::<Result<_>>()?;
        Ok(Settings { called_from, dir: arguments.dir.clone(), roots, now: System.now(), runtime })
    }

    /// A call of `run` or `plan`.
    ///
    /// # Errors
    /// A policy error for a time that is none.
    pub fn call(&self, job: &str, as_of: Option<&str>, work: &WorkArgs) -> Result<Call> {
        Ok(Call {
            dir: self.dir.clone(),
            roots: self.roots.clone(),
            job: job.to_owned(),
            as_of: as_of.map(time).transpose()?,
            now: self.now,
            caller: self.caller()?,
            scheduled: false,
            stop: self.stop(),
            project: None,
            threads: threads(work),
            memory_bytes: work.memory.saturating_mul(MIB),
            spill: work.spill.clone().unwrap_or_else(std::env::temp_dir),
            block_bytes: BLOCK_BYTES,
            demo: false,
            runtime: self.runtime.handle().clone(),
            wrap: None,
        })
    }

    /// Returns who hears of the progress of a command; nobody at a terminal where the answer is for a program.
    pub fn monitor(&self, quiet: bool) -> Arc<dyn Monitor> {
        match &self.called_from {
            CalledFrom::Terminal => progress::monitor(quiet),
            CalledFrom::Program { monitor, .. } => monitor.clone(),
        }
    }

    /// Lets SIGTERM and SIGINT stop the work before its commit. A program that has called sees to its signals itself.
    ///
    /// # Errors
    /// A storage error when the system gives no signals.
    pub fn stop_on_signals(&self, stop: &Stop) -> Result<()> {
        let stop = stop.clone();
        match self.called_from {
            CalledFrom::Terminal => signals::on_signal(&self.runtime, move || stop.ask()),
            CalledFrom::Program { .. } => Ok(()),
        }
    }

    fn stop(&self) -> Stop {
        match &self.called_from {
            CalledFrom::Terminal => Stop::default(),
            CalledFrom::Program { stop, .. } => stop.clone(),
        }
    }

    /// A call about requests; who is meant is not in it yet.
    pub fn subject_call(&self) -> SubjectCall {
        SubjectCall {
            dir: self.dir.clone(),
            roots: self.roots.clone(),
            now: self.now,
            runtime: self.runtime.handle().clone(),
            wrap: None,
            values: Zeroizing::default(),
        }
    }

    /// What scheduled runs of this process have in common.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn host(&self, work: &WorkArgs) -> Result<Host> {
        let call = self.call("", None, work)?;
        Ok(Host { clock: Arc::new(System), holder: call.caller.who.name.clone(), call })
    }

    /// This process. By hand it waits for a lease whose holder may be dead.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn caller(&self) -> Result<Caller> {
        let mut chance = [0; 4];
        key::random(&mut chance)?;
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name = format!("{}/{}/{:08x}", machine.trim(), std::process::id(), u32::from_be_bytes(chance));
        let who = Claimant { name, process: process::this(), ended: process::ended };
        Ok(Caller { clock: Arc::new(System), who, waits: true, hold: None, kept: KeptRequests::default() })
    }
}

impl Settings {
    /// Opens the roots of a policy.
    ///
    /// # Errors
    /// A policy error for a URL that no store understands.
    pub fn open(&self, project: &Project) -> Result<BTreeMap<String, Root>> {
        open_roots(project, self.runtime.handle(), None)
    }

    /// Opens the local roots of a policy, those of them that can be.
    pub fn open_local(&self, project: &Project) -> BTreeMap<String, Root> {
        let open = |(name, url): (&String, &String)| {
            let local = crate::store::local_folder(url).is_some();
            Some((name.clone(), Root::open(name, url, self.runtime.handle().clone()).ok().filter(|_| local)?))
        };
        project.roots.iter().filter_map(open).collect()
    }

    /// Opens the state of a policy.
    ///
    /// # Errors
    /// A policy error when it was never made.
    pub fn state(&self, project: &Project) -> Result<State> {
        State::open(&self.open(project)?["state"])
    }
}

/// Returns how many worker threads a job gets: as many as asked for, else as many as there are cores.
fn threads(work: &WorkArgs) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    work.threads.map_or_else(cores, usize::from).max(1)
}

/// The instant of the refused run whose plan has that digest.
///
/// # Errors
/// A policy error when the ledger knows no such run.
pub fn refused_as_of(state: &State, accepted: &AcceptArgs) -> Result<Instant> {
    let refused = |event: &LedgerEvent| match event {
        LedgerEvent::Refused { job, as_of, plan, .. }
            if *job == accepted.job && plan.as_ref() == Some(&accepted.digest) =>
        {
            Some(*as_of)
        }
        _ => None,
    };
    let entries = state.ledger().entries()?;
    entries.iter().rev().find_map(|entry| refused(&entry.event)).ok_or_else(|| {
        Error::new(Code::AcceptanceUnfit, format!("no refused run of {} has this digest", accepted.job))
            .help("give the time of the plan with --as-of, as `tamis plan` printed it")
    })
}

fn root(text: &str) -> Result<(String, String)> {
    let (name, url) = text.split_once('=').ok_or_else(|| {
        Error::new(Code::ArgumentWrong, "--root takes NAME=URL")
            .help("a root of the policy and where it is, as in raw=/srv/exports")
    })?;
    Ok((name.to_string(), url.to_string()))
}

/// A time as typed: RFC 3339.
///
/// # Errors
/// A policy error that says what a time looks like.
pub fn time(text: &str) -> Result<Instant> {
    let time = Instant::parse(text).filter(|time| time.in_years());
    time.ok_or_else(|| Error::new(Code::ArgumentWrong, "this is not a time").help("write it as 2026-11-24T02:00:00Z"))
}

/// Reads a time, or a date as its first moment in UTC.
///
/// # Errors
/// A policy error when it is neither.
pub fn day(text: Option<&str>) -> Result<Option<Instant>> {
    let whole = |text: &str| time(&if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.into() });
    text.map(whole).transpose()
}
