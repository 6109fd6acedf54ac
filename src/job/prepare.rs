//! Everything that must hold before anything is read: specs, roots, keys, state, `as_of`.

use super::caller::Caller;
use super::kinds::kinds;
use super::names::{companions_of, names_of, output_of};
use super::roots::{Wrap, data_roots, open_roots, root_of};
use super::scheduled;
use super::stop::Stop;
use crate::clock::Instant;
use crate::decide::{LinkLimits, Rules};
use crate::error::{Code, Error, Kind, Result};
use crate::key::{self, Keyring};
use crate::monitor::{Event, Monitor};
use crate::policy::{self, KeyFrom, Plan, Project};
use crate::publish::{Passed, Target};
use crate::state::{Accept, Dataset, Intent, State};
use crate::store::Root;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Handle;

/// What a caller asks for.
#[derive(Clone)]
pub struct Call {
    /// Folder of the specs.
    pub dir: PathBuf,
    /// Roots put elsewhere: name and URL.
    pub roots: Vec<(String, String)>,
    /// Name of the job that is meant.
    pub job: String,
    /// The instant to judge at, when it is given.
    pub as_of: Option<Instant>,
    /// Whether `as_of` is a scheduled instant, which then names the run (R28).
    pub scheduled: bool,
    /// Ends the run early.
    pub stop: Stop,
    /// The specs when they have been loaded before; else they are loaded from `dir`.
    pub project: Option<Arc<Project>>,
    /// The present; with a lease, when that was claimed.
    pub now: Instant,
    /// The process that calls, and when.
    pub caller: Caller,
    /// How many threads work at once.
    pub threads: usize,
    /// Bytes of rows held before they are sealed on disk.
    pub memory_bytes: usize,
    /// Folder for sealed rows.
    pub spill: PathBuf,
    /// Bytes read per turn.
    pub block_bytes: usize,
    /// Makes state and keys where they are missing.
    pub demo: bool,
    /// The runtime that drives the stores.
    pub runtime: Handle,
    /// Between tamis and its stores.
    pub wrap: Option<Wrap>,
}

/// A job ready to run.
pub struct Ready {
    /// What was asked for, and how.
    pub call: Call,
    /// The specs, all of them valid.
    pub project: Arc<Project>,
    /// All roots by name, opened.
    pub roots: BTreeMap<String, Root>,
    /// Keys that were checked against the state.
    pub keys: Keyring,
    /// The state, which this process may write.
    pub state: State,
    /// What is known of the dataset.
    pub dataset: Dataset,
    /// Earlier names of its job.
    pub names: Vec<String>,
    /// Commits of other programs after the current version, which change nothing.
    pub passed: Vec<Passed>,
    /// Prefix of its companions in `state`.
    pub companions: String,
    /// What a person has let through, when the next run may use it.
    pub accept: Option<Accept>,
    /// Whether that counts here: not for a sweep.
    accepts: bool,
    /// The instant to judge at.
    pub as_of: Instant,
    /// What an earlier attempt of the same run has pinned.
    pub earlier: Option<Intent>,
}

impl Ready {
    /// Checks everything that can be checked before a byte of an export is read.
    ///
    /// # Errors
    /// Policy errors for specs, keys, state and `as_of`; storage errors.
    pub fn prepare(call: &Call, monitor: &dyn Monitor) -> Result<Ready> {
        Self::open(call, true, true, monitor)
    }

    /// As `prepare`, for a sweep: what a person accepted waits for the run that it is meant for. The parts of the state are
    /// compared for the `first` of its datasets only.
    ///
    /// # Errors
    /// As `prepare`.
    pub fn for_sweep(call: &Call, first: bool, monitor: &dyn Monitor) -> Result<Ready> {
        Self::open(call, false, first, monitor)
    }

    fn open(call: &Call, accepts: bool, compare: bool, monitor: &dyn Monitor) -> Result<Ready> {
        let project = match &call.project {
            Some(project) => project.clone(),
            None => Arc::new(policy::load(&call.dir, &call.roots)?),
        };
        let plan = project.job(&call.job)?;
        policy::apart(&project)?;
        let roots = open_roots(&project, &call.runtime, call.wrap.as_ref())?;
        if call.demo {
            demo(call, &project, &roots, monitor)?;
        }
        let keys = Keyring::load_while(&project.keys, &data_roots(&project), &|| call.stop.check())?;
        let state = State::open(root_of(&roots, "state")?)?;
        state.check_keys(&keys.ids())?;
        if compare {
            state.agree()?;
        }
        let output = output_of(plan);
        let names = names_of(&state, &project, plan)?;
        let known = state.dataset_under(&call.job, &names)?;
        let dataset = known.unwrap_or_else(|| Dataset::new(&call.job, &output));
        if dataset.dataset != output {
            return Err(Error::new(
                Code::OutputChanged,
                format!("job {} has published to {} so far", call.job, dataset.dataset),
            )
            .help("a dataset keeps its output; for another one write a new job"));
        }
        check_epoch(&state, &dataset, &keys.epoch)?;
        check_kinds(&project, &state)?;
        let accept = if accepts { pending(&state, &call.job, &dataset)? } else { None };
        let as_of = as_of(call, accept.as_ref(), &dataset)?;
        let companions = companions_of(&call.job);
        let run = call.scheduled.then(|| scheduled::scheduled_id(&call.job, as_of));
        let earlier = run.map(|run| scheduled::earlier(&state, &run, &plan.digest)).transpose()?.flatten();
        Ok(Ready {
            call: call.clone(),
            project,
            roots,
            keys,
            state,
            dataset,
            names,
            passed: Vec::new(),
            companions,
            accept,
            accepts,
            as_of,
            earlier,
        })
    }

    /// Looks again at what a person has let through, once a version was completed that may have used it.
    ///
    /// # Errors
    /// As [`Ready::prepare`].
    pub fn renew(&mut self) -> Result<()> {
        self.accept = if self.accepts { pending(&self.state, &self.call.job, &self.dataset)? } else { None };
        self.as_of = as_of(&self.call, self.accept.as_ref(), &self.dataset)?;
        Ok(())
    }

    /// Returns the resolved spec of the job.
    pub fn plan(&self) -> &Plan {
        &self.project.jobs[&self.call.job]
    }

    /// The rules for `decide`.
    pub fn rules(&self) -> Rules {
        let limits = LinkLimits::of(&self.project.links);
        Rules::from(self.plan(), self.as_of).with_shared(self.plan(), limits)
    }

    /// A root that the specs name; `policy` has checked that it is there.
    pub fn root(&self, name: &str) -> &Root {
        &self.roots[name]
    }

    /// Where the dataset lives.
    pub fn target(&self) -> Target<'_> {
        let output = &self.plan().output;
        Target {
            lake: self.root(&output.root),
            path: &output.path,
            state: self.state.root(),
            companions: &self.companions,
        }
    }

    /// To be asked immediately before the commit of what began at `began`.
    ///
    /// # Errors
    /// A storage error (try again) when it was stopped or slept, or somebody else came in between; nothing was published.
    pub fn may_commit(&self, began: Instant) -> Result<()> {
        self.call.caller.check_hold()?;
        self.state.check_newest(&self.dataset).map_err(|error| {
            error.help("nothing of this one was published; start it again: it continues from what the other one left")
        })?;
        self.call.stop.check()?;
        self.call.caller.check_age(began)
    }

    /// Where the table is: a folder, or a URL that names store and path only.
    pub fn location(&self) -> String {
        let output = &self.plan().output;
        let url = self.root(&output.root).url_of(&output.path);
        url.to_file_path().map_or(url.to_string(), |path| path.display().to_string())
    }
}

fn demo(call: &Call, project: &Project, roots: &BTreeMap<String, Root>, monitor: &dyn Monitor) -> Result<()> {
    let KeyFrom::Dir(dir) = &project.keys.from else {
        return Err(
            Error::new(Code::ArgumentWrong, "--demo makes keys only in a folder").help("set [keys] dir in the policy")
        );
    };
    if let Some(root) = roots.values().find(|root| root.folder().is_none()) {
        return Err(Error::new(Code::ArgumentWrong, format!("--demo is for local roots, and {} is none", root.name)));
    }
    let made = std::path::Path::new(dir).join("identity.key").exists();
    let files = if made { Vec::new() } else { key::create(dir, &project.keys.epoch)? };
    for file in &files {
        monitor.event(Event::Warning(format!("demo: made {}, a key for trying out only", file.file)));
    }
    let state = root_of(roots, "state")?;
    let absent = |error: &Error| error.kind() == Kind::Policy;
    if State::open(state).as_ref().err().is_some_and(absent) {
        let keys = Keyring::load(&project.keys, &data_roots(project))?;
        State::create(state, &keys.ids(), call.now)?;
        monitor.event(Event::Warning(format!("demo: made the state in {}", state.display(""))));
    }
    Ok(())
}

/// Identities of another kind are other identities: were a kind renamed, no stored request would match any more.
fn check_kinds(project: &Project, state: &State) -> Result<()> {
    let carried = kinds(project);
    let lost = |kind: &String| !carried.contains_key(kind) && !project.links.retired.contains(kind);
    let Some(kind) = state.kinds()?.into_iter().find(lost) else { return Ok(()) };
    Err(Error::new(Code::IdentifierGone, format!("no job reads a key, strong or weak column with the identifier {kind:?} any more")).help(
        "requests that name it would reach nobody, and the erased would come back: give the column its identifier back; \
         where it is gone for good, add it to `retired` in [links]",
    ))
}

/// Tokens of a dataset move on from epoch to epoch and never back: an old policy file would undo a rotation.
fn check_epoch(state: &State, dataset: &Dataset, epoch: &str) -> Result<()> {
    let Some(current) = dataset.current.as_ref().filter(|current| current.epoch != epoch) else { return Ok(()) };
    let epochs = state.epochs()?;
    let place = |name: &str| epochs.iter().position(|known| known == name).unwrap_or(usize::MAX);
    if place(epoch) >= place(&current.epoch) {
        return Ok(());
    }
    Err(Error::new(
        Code::EpochReused,
        format!("job {}: its tokens are of epoch {:?}, and {epoch:?} came before", dataset.job, current.epoch),
    )
    .help("tokens of two epochs are never mixed and never come back: set [keys] epoch in the policy to the newest one"))
}

/// The newest acceptance that the dataset's time has not passed.
fn pending(state: &State, job: &str, dataset: &Dataset) -> Result<Option<Accept>> {
    let accepts = state.accepts(job)?;
    Ok(accepts.into_iter().filter(|accept| Some(accept.as_of) >= dataset.last_as_of).max_by_key(|accept| accept.at))
}

/// R28: `--as-of`, else what `accept` stored, else now in whole seconds; up to now, never before the dataset's last.
fn as_of(call: &Call, accept: Option<&Accept>, dataset: &Dataset) -> Result<Instant> {
    let as_of = as_of_given(call.as_of.or(accept.map(|accept| accept.as_of)), call.now)?;
    dataset.check_as_of(as_of)?;
    Ok(as_of)
}

/// Returns the instant to judge at: the one given, else now in whole seconds (R28).
///
/// # Errors
/// A policy error for one in the future.
pub fn as_of_given(given: Option<Instant>, now: Instant) -> Result<Instant> {
    let as_of = given.unwrap_or(Instant(now.0 - now.0.rem_euclid(1_000_000)));
    if as_of > now {
        return Err(Error::new(Code::AsOfWrong, format!("as_of {as_of} is in the future"))
            .help("give a time up to now; rows that expire later are dropped later"));
    }
    Ok(as_of)
}
