//! What an audit looks at: the specs of today, what the state says of each table, stored requests, keys as far as they
//! are there.

use super::data::Readable;
use super::tokens::TokenMaker;
use crate::clock::Instant;
use crate::error::{Code, Error, Kind, Result};
use crate::evidence::Manifest;
use crate::evidence::manifest::FieldEvidence;
use crate::key::Keyring;
use crate::policy::{self, Basis, Field, Grounds, KeySource, Plan, Project, RecipientKind, Register};
use crate::requests::Requests;
use crate::state::{Current, Dataset, State};
use crate::store::Root;
use crate::treatments::Treat;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tokio::runtime::Handle;

/// What an audit is asked.
pub struct AuditCall {
    /// Folder of the specs.
    pub dir: PathBuf,
    /// Roots put elsewhere: name and URL.
    pub roots: Vec<(String, String)>,
    /// The time that terms are judged at.
    pub now: Instant,
    /// The runtime that drives the stores.
    pub runtime: Handle,
    /// A job, or `ROOT:path` of a table; none for all of them and the installation.
    pub dataset: Option<String>,
}

/// An installation as an audit opens it.
pub(super) struct AuditScene {
    pub project: Project,
    pub register: Register,
    pub roots: BTreeMap<String, Root>,
    pub state: State,
    /// Keys of the epoch that the policy names today.
    pub keys: Readable<Keyring>,
    pub requests: Readable<Requests>,
    pub now: Instant,
}

impl AuditScene {
    /// Opens an installation. Keys that are not there are no error.
    ///
    /// # Errors
    /// Policy errors of specs and state, storage errors.
    pub fn open(call: &AuditCall) -> Result<AuditScene> {
        let (project, register) = policy::load_with_register(&call.dir, &call.roots)?;
        let mut roots = BTreeMap::new();
        for (name, url) in &project.roots {
            roots.insert(name.clone(), Root::open(name, url, call.runtime.clone())?);
        }
        let root =
            roots.get("state").ok_or_else(|| Error::new(Code::NameUnknown, "the policy has no root \"state\""))?;
        let state = State::open(root)?;
        state.agree()?;
        state.records_lost()?.first().map_or(Ok(()), |lost| Err(lost.error()))?;
        let keys = readable(keys_of(&project.keys, &project).and_then(|keys| {
            state.check_keys(&keys.ids())?;
            Ok(keys)
        }))?;
        let requests = match &keys {
            Ok(keys) => readable(Requests::open(state.root(), &keys.identity))?,
            Err(why) => Err(why.clone()),
        };
        Ok(AuditScene { project, register, roots, state, keys, requests, now: call.now })
    }

    /// Returns when a request is due.
    pub fn due(&self, list: &str, received: Instant) -> Instant {
        crate::clock::add(received, &self.project.removal.due, &self.project.zone_of_list(list))
    }
}

fn keys_of(source: &KeySource, project: &Project) -> Result<Keyring> {
    let places: Vec<String> = project.roots.values().cloned().collect();
    Keyring::load(source, &places)
}

/// What cannot be used is said; a store that is away is an error.
fn readable<T>(result: Result<T>) -> Result<Readable<T>> {
    match result {
        Ok(found) => Ok(Ok(found)),
        Err(error) if error.kind() == Kind::Storage => Err(error),
        Err(error) => Ok(Err(error.message().to_owned())),
    }
}

/// A table that is published.
pub(super) struct AuditedTable<'a> {
    pub scene: &'a AuditScene,
    pub dataset: &'a Dataset,
    pub current: &'a Current,
    pub manifest: Manifest,
    /// None when no job of the specs serves it.
    pub plan: Option<&'a Plan>,
    /// Where it is; none when the policy has no such root any more.
    pub lake: Option<&'a Root>,
    /// Its path below that root.
    pub path: &'a str,
    /// What makes the tokens that it should have.
    pub tokens: Readable<TokenMaker>,
}

impl<'a> AuditedTable<'a> {
    /// Of a table's record; none when nothing of it is published.
    ///
    /// # Errors
    /// Evidence errors of its manifest, storage errors.
    pub fn open(scene: &'a AuditScene, dataset: &'a Dataset) -> Result<Option<AuditedTable<'a>>> {
        let Some(current) = &dataset.current else { return Ok(None) };
        let manifest = scene.state.manifest(&current.run, current.attempt, &current.manifest)?;
        let (root, path) = dataset.dataset.split_once(':').unwrap_or(("", &dataset.dataset));
        let plan = plan_of(scene, &dataset.dataset);
        let mut table = AuditedTable {
            scene,
            dataset,
            current,
            manifest,
            plan,
            lake: scene.roots.get(root),
            path,
            tokens: Err(String::new()),
        };
        table.tokens = table.token_maker()?;
        Ok(Some(table))
    }

    /// Tokens of the version's own epoch, which may be over.
    fn token_maker(&self) -> Result<Readable<TokenMaker>> {
        let domain = self.domain();
        let keys = match &self.scene.keys {
            Ok(keys) => keys,
            Err(why) => return Ok(Err(why.clone())),
        };
        if keys.epoch == self.current.epoch {
            return Ok(Ok(TokenMaker::new(keys, &domain)));
        }
        let source = KeySource { epoch: self.current.epoch.clone(), ..self.scene.project.keys.clone() };
        let keys = readable(keys_of(&source, &self.scene.project))?;
        Ok(keys.map(|keys| TokenMaker::new(&keys, &domain)))
    }

    /// R3, of the version that is there: for third parties a domain of their own.
    fn domain(&self) -> String {
        let (purpose, recipient) = (&self.manifest.purpose, self.manifest.recipient.as_ref());
        let third = |name: &&String| {
            let facts = self.scene.register.recipients.get(*name);
            facts.is_some_and(|facts| facts.kind == RecipientKind::ThirdParty)
        };
        recipient.filter(third).map_or_else(|| purpose.clone(), |name| format!("{purpose}/{name}"))
    }

    /// What decides which requests bind it: today's policy, and what the version was published on where the job is gone.
    pub fn grounds(&self) -> Option<Grounds> {
        if let Some(plan) = self.plan {
            return Some(plan.grounds());
        }
        let purpose = self.scene.register.purposes.get(&self.manifest.purpose)?;
        let sold = |name: &String| self.scene.register.recipients.get(name).is_some_and(|facts| facts.sale);
        let basis: Basis = purpose.basis;
        Some(Grounds { basis, direct_marketing: false, sale: self.manifest.recipient.as_ref().is_some_and(sold) })
    }

    /// Returns today's field of that name.
    pub fn field(&self, name: &str) -> Option<&'a Field> {
        self.plan.and_then(|plan| plan.fields.iter().find(|field| field.name == name))
    }

    /// Name of the field with the token of the subject.
    pub fn subject(&self) -> Option<&str> {
        self.manifest.fields.iter().find(|field| field.subject).map(|field| field.name.as_str())
    }

    /// Whether its rows are about persons (R61).
    pub fn is_of_persons(&self) -> bool {
        self.plan.is_none_or(|plan| plan.controls.key.is_some())
    }

    /// Fields of the version that hold tokens.
    pub fn token_fields(&self) -> impl Iterator<Item = &FieldEvidence> {
        self.manifest.fields.iter().filter(|field| field.treat() == Some(Treat::Pseudonymize))
    }
}

fn plan_of<'a>(scene: &'a AuditScene, dataset: &str) -> Option<&'a Plan> {
    scene.project.jobs.values().find(|plan| format!("{}:{}", plan.output.root, plan.output.path) == dataset)
}
