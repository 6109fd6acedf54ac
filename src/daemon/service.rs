//! The daemon: one loop over a closed list of events. A heartbeat asks what is due, threads run it, and what they come
//! to returns as an event.

use super::attempt::{Came, DueAttempt, Host, Work, take};
use super::audits::{AUDIT, AuditStatus, audited, audits};
use super::due::{Due, JobKnown, due, overdue};
use super::health::{self, Board, Health, JobHealth};
use super::specs::Specs;
use super::sweeps::{DatasetKnown, sweep_as_of};
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::job;
use crate::monitor::{self, Monitor};
use crate::policy::{Plan, Project};
use crate::sweep;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_cron_scheduler::{Job, JobScheduler};

/// First wait after a refusal that may pass; it doubles up to the last.
const FIRST_WAIT: i64 = 30_000_000;
const LAST_WAIT: i64 = 900_000_000;
/// How long what `state` says of a job is believed without looking again.
const BELIEVED: i64 = 60_000_000;

/// What a daemon is told.
pub struct Service {
    /// What this process works with.
    pub host: Host,
    /// Seconds between heartbeats: a divisor of 60.
    pub beat: u32,
    /// Largest number of jobs that run at once.
    pub parallel: usize,
    /// How long runs may take to end once asked to.
    pub grace: Duration,
    /// Where the health page is; none for no page.
    pub listen: Option<SocketAddr>,
}

/// All that can happen to the loop.
enum DaemonEvent {
    /// It is time to look for what is due.
    Beat,
    /// A turn is over.
    Ended(DueAttempt),
    /// The daemon is to end.
    Terminate,
}

/// Ends a daemon from outside.
#[derive(Clone)]
pub struct DaemonControl(Sender<DaemonEvent>);

impl DaemonControl {
    /// Asks it to end: runs finish or stop before their commit.
    pub fn terminate(&self) {
        let _ = self.0.send(DaemonEvent::Terminate);
    }
}

/// What the loop remembers of a job.
#[derive(Default)]
struct JobWatch {
    known: JobKnown,
    kept: DatasetKnown,
    /// Request files could not be listed: a sweep would meet that, and say so.
    blind: bool,
    read: Option<Instant>,
    run: Patience,
    sweep: Patience,
    last_exit: Option<u8>,
    last_code: Option<&'static str>,
}

/// How long what came to nothing is put off.
#[derive(Default)]
struct Patience {
    not_before: Option<Instant>,
    failures: u32,
}

impl Patience {
    /// Longer each time, until something comes of it.
    fn after(&mut self, turn: &DueAttempt, now: Instant) {
        self.failures = if turn.exit() == 0 { 0 } else { self.failures + 1 };
        self.not_before = match turn.came {
            Came::Refused { .. } | Came::Elsewhere(_) => {
                let wait = FIRST_WAIT << self.failures.saturating_sub(1).min(10);
                Some(Instant(now.0.saturating_add(wait.min(LAST_WAIT))))
            }
            _ => None,
        };
    }

    fn over(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|then| then <= now)
    }
}

impl JobWatch {
    fn of(&mut self, work: Work) -> &mut Patience {
        match work {
            Work::Run => &mut self.run,
            Work::Sweep | Work::Audit => &mut self.sweep,
        }
    }
}

/// A daemon that has not begun.
pub struct Daemon {
    service: Service,
    specs: Specs,
    events: Receiver<DaemonEvent>,
    sender: Sender<DaemonEvent>,
    board: Board,
    /// Where the health page is.
    pub address: Option<SocketAddr>,
    watches: BTreeMap<String, JobWatch>,
    /// Jobs at work, and at what.
    running: BTreeMap<String, Work>,
    without_job: WithoutJob,
    /// How audits stand, as they were last found.
    audit: Option<AuditStatus>,
    specs_broken: bool,
}

/// Tables that no job serves, as they were last found.
#[derive(Default)]
struct WithoutJob {
    tables: Vec<String>,
    read: Option<Instant>,
}

impl Daemon {
    /// Loads the specs and opens the health page.
    ///
    /// # Errors
    /// Policy errors: findings of the specs, a heartbeat or an address that will not do.
    pub fn new(service: Service) -> Result<(Daemon, DaemonControl)> {
        if service.beat == 0 || 60 % service.beat != 0 {
            return Err(Error::new(Code::ArgumentWrong, "--beat does not divide 60 seconds")
                .help("use 1, 5, 10 or 60, for example"));
        }
        let call = &service.host.call;
        let specs = Specs::load(&call.dir, &call.roots)?;
        let (jobs, no_job) = (Vec::new(), Vec::new());
        let health = Health { at: service.host.clock.now(), jobs, no_job, audit: None, specs_broken: false };
        let board: Board = Arc::new(Mutex::new(health));
        let open = |at| call.runtime.block_on(health::open(at, board.clone(), service.host.clock.clone()));
        let address = service.listen.map(open).transpose()?;
        let (sender, events) = mpsc::channel();
        let control = DaemonControl(sender.clone());
        let (watches, running) = (BTreeMap::new(), BTreeMap::new());
        let (without_job, audit, specs_broken) = (WithoutJob::default(), None, false);
        let daemon = Daemon {
            service,
            specs,
            events,
            sender,
            board,
            address,
            watches,
            running,
            without_job,
            audit,
            specs_broken,
        };
        Ok((daemon, control))
    }

    /// Works until it is asked to end. False when runs had to be left unfinished at the end of the grace period; what
    /// they leave is picked up by the next start.
    ///
    /// # Errors
    /// When no heartbeat can be had.
    pub fn run(mut self, monitor: Arc<dyn Monitor>) -> Result<bool> {
        let waiting = Arc::new(AtomicBool::new(false));
        let heart = self.heart(waiting.clone())?;
        let patience = Duration::from_secs(u64::from(self.service.beat) * 3 + 2);
        loop {
            // A heart that stands still is not waited for: its crate has been seen to lose beats.
            match self.events.recv_timeout(patience) {
                Ok(DaemonEvent::Beat) | Err(RecvTimeoutError::Timeout) => {
                    waiting.store(false, Ordering::Relaxed);
                    self.look_at_specs(monitor.as_ref());
                    self.look_for_tables(monitor.as_ref());
                    self.start_due(&monitor);
                }
                Ok(DaemonEvent::Ended(turn)) => {
                    self.ended(&turn, monitor.as_ref());
                    self.start_due(&monitor);
                    if self.running.is_empty() {
                        self.service.host.call.caller.kept.forget();
                    }
                }
                Ok(DaemonEvent::Terminate) | Err(RecvTimeoutError::Disconnected) => break,
            }
            self.show_health();
        }
        self.service.host.call.runtime.spawn(stop_heart(heart));
        Ok(self.wind_down(monitor.as_ref()))
    }

    /// The heartbeat, in UTC; a beat that still waits to be heard is not sent twice.
    fn heart(&self, waiting: Arc<AtomicBool>) -> Result<JobScheduler> {
        let none = |_| Error::new(Code::SystemLimit, "the heartbeat cannot be started");
        let sender = self.sender.clone();
        let beat = format!("*/{} * * * * *", self.service.beat);
        let job = Job::new(beat.as_str(), move |_, _| {
            if !waiting.swap(true, Ordering::Relaxed) {
                let _ = sender.send(DaemonEvent::Beat);
            }
        });
        let job = job.map_err(none)?;
        self.service.host.call.runtime.block_on(async {
            let scheduler = JobScheduler::new().await.map_err(none)?;
            scheduler.add(job).await.map_err(none)?;
            scheduler.start().await.map_err(none)?;
            Ok(scheduler)
        })
    }

    fn look_at_specs(&mut self, monitor: &dyn Monitor) {
        match self.specs.look() {
            None => {}
            Some(Ok(())) => {
                self.specs_broken = false;
                self.watches.values_mut().for_each(|watch| watch.read = None);
                self.without_job.read = None;
                monitor.event(monitor::Event::Note("the specs have changed: the new ones are in force".into()));
            }
            Some(Err(error)) => {
                self.specs_broken = true;
                let findings: Vec<String> = error
                    .spec_findings()
                    .iter()
                    .map(|f| format!("\n  {}:{}:{} {} {}", f.file, f.line, f.column, f.code, f.message))
                    .collect();
                let text =
                    format!("the specs have changed and are broken: the old ones stay in force{}", findings.concat());
                monitor.event(monitor::Event::Warning(text));
            }
        }
    }

    /// Looks for tables that no job serves, and says once of each that no request reaches it.
    fn look_for_tables(&mut self, monitor: &dyn Monitor) {
        let now = self.service.host.clock.now();
        if self.without_job.read.is_some_and(|read| now.0.saturating_sub(read.0).abs() < BELIEVED) {
            return;
        }
        let (host, project) = (&self.service.host, self.specs.project());
        // When `state` is away, what was found before stands: turns say that it is away.
        let Ok(found) = host.open(project).and_then(|(_, state)| job::without_job(&state, project)) else { return };
        for dataset in found.iter().filter(|found| !self.without_job.tables.contains(&found.dataset)) {
            monitor.event(monitor::Event::Warning(job::complaint(dataset).to_string()));
        }
        self.without_job =
            WithoutJob { tables: found.into_iter().map(|found| found.dataset).collect(), read: Some(now) };
    }

    /// Starts what is due, runs before sweeps, as far as there is room.
    fn start_due(&mut self, monitor: &Arc<dyn Monitor>) {
        let project = self.specs.project().clone();
        self.watches.retain(|job, _| project.jobs.contains_key(job) || job == AUDIT);
        for work in [Work::Run, Work::Sweep] {
            for plan in project.jobs.values() {
                let room = self.running.len() < self.service.parallel.max(1);
                if room && !self.running.contains_key(&plan.job) && self.is_due(&project, plan, work) {
                    self.start(&project, &plan.job, work, monitor.clone());
                }
            }
        }
        // After the sweeps of a night, when nothing else is at work.
        if self.running.is_empty() && self.is_audit_due(&project) {
            self.start(&project, AUDIT, Work::Audit, monitor.clone());
        }
    }

    fn is_audit_due(&mut self, project: &Project) -> bool {
        let now = self.service.host.clock.now();
        let watch = self.watches.entry(AUDIT.into()).or_default();
        if project.audit.is_none() {
            self.audit = None;
            return false;
        }
        if watch.read.is_none_or(|read| now.0.saturating_sub(read.0).abs() >= BELIEVED) {
            // A turn meets the same error, says so, and is put off.
            let found = self.service.host.open(project).and_then(|(_, state)| audits(project, &state, now));
            let Ok(found) = found else { return watch.sweep.over(now) };
            (self.audit, watch.read) = (found, Some(now));
        }
        watch.sweep.over(now) && self.audit.as_ref().is_some_and(|standing| standing.due.is_some())
    }

    fn is_due(&mut self, project: &Project, plan: &Plan, work: Work) -> bool {
        let now = self.service.host.clock.now();
        let watch = self.watches.entry(plan.job.clone()).or_default();
        if !watch.of(work).over(now) || (work == Work::Run && plan.schedule.is_none()) {
            return false;
        }
        if watch.read.is_none_or(|read| now.0.saturating_sub(read.0).abs() >= BELIEVED) {
            match self.service.host.look(project, plan) {
                Ok((known, kept, blind)) => {
                    (watch.known, watch.kept, watch.blind, watch.read) = (known, kept, blind, Some(now));
                }
                // A turn meets the same error, says so, and is put off.
                Err(_) => return true,
            }
        }
        match work {
            // It is of no job: `is_audit_due`.
            Work::Audit => false,
            Work::Run => plan.schedule.as_ref().is_some_and(|s| !matches!(due(s, &watch.known, now), Due::Not(_))),
            Work::Sweep => {
                let as_of = sweep_as_of(plan.schedule.as_ref(), &watch.known, now);
                watch.blind || (watch.kept.wanted(now).is_some() && as_of.is_some())
            }
        }
    }

    fn start(&mut self, project: &Arc<Project>, job: &str, work: Work, monitor: Arc<dyn Monitor>) {
        let (host, project, job) = (self.service.host.clone(), project.clone(), job.to_owned());
        self.running.insert(job.clone(), work);
        let sender = self.sender.clone();
        let name = job.clone();
        let started = std::thread::Builder::new().spawn(move || {
            let turn = match work {
                Work::Audit => audited(&host, &project, monitor.as_ref()),
                Work::Run | Work::Sweep => take(&host, &project, work, &job, monitor.as_ref()),
            };
            let _ = sender.send(DaemonEvent::Ended(turn));
        });
        if started.is_err() {
            let none =
                Error::new(Code::SystemLimit, "the system gives no thread for it").help("raise the limit of threads");
            let _ = self.sender.send(DaemonEvent::Ended(DueAttempt::not_begun(&name, work, &none)));
        }
    }

    /// A turn that came to nothing is put off, longer each time; any other one makes the job's state be read again.
    fn ended(&mut self, turn: &DueAttempt, monitor: &dyn Monitor) {
        self.running.remove(&turn.job);
        told_aside(turn).into_iter().chain(told(turn)).for_each(|line| monitor.event(line));
        let now = self.service.host.clock.now();
        let watch = self.watches.entry(turn.job.clone()).or_default();
        watch.read = None;
        watch.last_exit = Some(turn.exit());
        watch.last_code = turn.code().map(Code::name);
        watch.of(turn.work).after(turn, now);
    }

    fn show_health(&self) {
        let now = self.service.host.clock.now();
        let project = self.specs.project();
        let none = JobWatch::default();
        let job = |plan: &Plan| {
            let watch = self.watches.get(&plan.job).unwrap_or(&none);
            let running = self.running.get(&plan.job);
            let runs = running == Some(&Work::Run);
            JobHealth {
                job: plan.job.clone(),
                overdue: plan.schedule.as_ref().is_some_and(|s| overdue(s, &watch.known, runs, now)),
                sweep_overdue: watch.kept.overdue(now),
                request_overdue: watch.kept.request_overdue(now),
                running: running.is_some(),
                last_exit: watch.last_exit,
                last_code: watch.last_code,
            }
        };
        let jobs = project.jobs.values().map(job).collect();
        if let Ok(mut board) = self.board.lock() {
            let no_job = self.without_job.tables.clone();
            let audit = self.audit.clone();
            *board = Health { at: now, jobs, no_job, audit, specs_broken: self.specs_broken };
        }
    }

    /// Runs that are under way finish, or stop before their commit, within the grace period.
    fn wind_down(mut self, monitor: &dyn Monitor) -> bool {
        self.service.host.call.stop.ask();
        let (asked, mut again) = (std::time::Instant::now(), false);
        while !self.running.is_empty() && !again {
            let left = self.service.grace.saturating_sub(asked.elapsed());
            match self.events.recv_timeout(left) {
                Ok(DaemonEvent::Ended(turn)) => self.ended(&turn, monitor),
                Ok(DaemonEvent::Beat) => {}
                Ok(DaemonEvent::Terminate) => again = true,
                Err(_) => break,
            }
        }
        let left: Vec<&str> = self.running.keys().map(String::as_str).collect();
        if !left.is_empty() {
            let text = format!("left unfinished: {}; the next start resumes the same runs", left.join(", "));
            monitor.event(monitor::Event::Warning(text));
        }
        left.is_empty()
    }
}

async fn stop_heart(mut heart: JobScheduler) {
    let _ = heart.shutdown().await;
}

/// One line for all that was left aside; none when nothing was.
fn told_aside(turn: &DueAttempt) -> Option<monitor::Event> {
    let said: Vec<String> = turn.aside.iter().map(|aside| format!("{}: {aside}", turn.job)).collect();
    (!said.is_empty()).then(|| monitor::Event::Warning(said.join("; ")))
}

/// One line per turn; none when nothing was due after all.
fn told(turn: &DueAttempt) -> Option<monitor::Event> {
    let line = turn.line() + &turn.help().map_or(String::new(), |help| format!(" ({help})"));
    match &turn.came {
        Came::NotDue(_) => None,
        Came::Published | Came::Swept { .. } | Came::Audited { .. } | Came::Elsewhere(_) => {
            Some(monitor::Event::Note(line))
        }
        Came::GivenUp | Came::Refused { .. } => Some(monitor::Event::Warning(line)),
    }
}

impl Host {
    /// What `state` says of a job and its dataset, and whether request files could not be listed.
    fn look(&self, project: &Project, plan: &Plan) -> Result<(JobKnown, DatasetKnown, bool)> {
        let (roots, state) = self.open(project)?;
        let met = sweep::requests_met(project, &roots, &state).ok();
        let blind = met.is_none();
        Ok((JobKnown::read(project, &state, plan)?, DatasetKnown::read(project, &state, plan, met)?, blind))
    }
}
