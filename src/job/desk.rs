//! Specs, stores, keys and state of an installation, opened for what concerns requests and persons: values come in,
//! identities are made at once, nothing of a value goes out again. Must not know where values were typed.

use super::intake;
use super::kinds::kinds;
use super::roots::{Wrap, data_roots, open_roots, root_of};
use crate::clock::{Instant, add};
use crate::error::{Code, Error, Result};
use crate::evidence::{LedgerEvent, RunRef};
use crate::invisible;
use crate::key::Keyring;
use crate::minimize::IdentityMaker;
use crate::policy::{self, Identifier, Project, Register};
use crate::requests::Requests;
use crate::state::State;
use crate::store::Root;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use tokio::runtime::Handle;
use zeroize::Zeroizing;

/// A command about one person.
pub struct SubjectCall {
    /// Folder of the specs.
    pub dir: PathBuf,
    /// Roots put elsewhere: name and URL.
    pub roots: Vec<(String, String)>,
    /// The time of the question.
    pub now: Instant,
    /// The runtime that drives the stores.
    pub runtime: Handle,
    /// Between tamis and its stores.
    pub wrap: Option<Wrap>,
    /// `kind: value`, one a line; of a lift nothing.
    pub values: Zeroizing<String>,
}

/// Specs, roots, keys and state, for commands that are about requests.
pub(crate) struct Desk {
    pub(crate) project: Project,
    /// What only people read of the specs.
    pub(crate) register: Register,
    pub(crate) roots: BTreeMap<String, Root>,
    pub(crate) keys: Keyring,
    pub(crate) state: State,
}

impl Desk {
    pub(crate) fn open(call: &SubjectCall) -> Result<Desk> {
        let (project, register) = policy::load_with_register(&call.dir, &call.roots)?;
        let roots = open_roots(&project, &call.runtime, call.wrap.as_ref())?;
        let keys = Keyring::load(&project.keys, &data_roots(&project))?;
        let state = State::open(root_of(&roots, "state")?)?;
        state.check_keys(&keys.ids())?;
        state.agree()?;
        Ok(Desk { project, register, roots, keys, state })
    }

    pub(crate) fn root(&self) -> &Root {
        self.state.root()
    }

    pub(crate) fn requests(&self) -> Result<Requests> {
        intake::stored(&self.state, &self.keys.identity)
    }

    pub(crate) fn due(&self, list: &str, received: Instant) -> Instant {
        due(&self.project, list, received)
    }
}

/// Returns when a request is due: by the calendar of its list, in which its day of receipt is written.
pub(crate) fn due(project: &Project, list: &str, received: Instant) -> Instant {
    add(received, &project.removal.due, &project.zone_of_list(list))
}

/// As [`identities`], for a question: it has to be about somebody.
pub(crate) fn identities_asked(desk: &Desk, values: &str) -> Result<Vec<([u8; 32], bool)>> {
    let found = identities(desk, values)?;
    if found.is_empty() {
        return Err(Error::new(Code::RequestWrong, "standard input names no person")
            .help("give one `kind: value` a line, such as `email: …`, on standard input"));
    }
    Ok(found)
}

/// Reads `kind: value` lines, and `kind: ["one", "other"]` of a kind put together of parts. An error names the line,
/// never what is on it.
pub(crate) fn identities(desk: &Desk, values: &str) -> Result<Vec<([u8; 32], bool)>> {
    let kinds = kinds(&desk.project);
    let known = || format!("kinds here: {}", kinds.values().map(said).collect::<Vec<_>>().join(", "));
    let mut identities = BTreeSet::new();
    for (at, line) in values.lines().enumerate().filter(|(_, line)| !invisible::is_blank(line)) {
        let wrong = |what: &str| Error::new(Code::RequestWrong, format!("line {}: {what}", at + 1)).help(known());
        let (kind, value) = line.split_once(':').ok_or_else(|| wrong("this is not `kind: value`"))?;
        let named = invisible::seen(kind);
        let kind = kinds.values().find(|kind| [kind.written(), kind.name()].contains(&named.trim()));
        let kind = kind.ok_or_else(|| wrong("no source has identifiers of this kind"))?;
        let values = values_of(kind, value).ok_or_else(|| wrong("not a list with one value for each part"))?;
        let values: Vec<&str> = values.iter().map(|value| value.as_str()).collect();
        // Somebody who has no value writes `-` or `""`: that is nobody's.
        if !values.iter().any(|value| value.contains(char::is_alphanumeric)) {
            return Err(wrong("there is no value"));
        }
        let made = IdentityMaker::new(&desk.keys, kind).make(&values, None);
        let (raw, identity) = made.ok_or_else(|| wrong("there is no value"))?;
        identities.insert((identity, raw));
    }
    Ok(identities.into_iter().collect())
}

/// How a kind is written, and how many values it takes.
fn said(kind: &Identifier) -> String {
    match kind.parts {
        1 => kind.written().to_owned(),
        parts => format!("{}: [{}]", kind.written(), vec!["\"…\""; parts].join(", ")),
    }
}

/// The values of a line: one, or a JSON list of as many as the kind has parts.
fn values_of(kind: &Identifier, value: &str) -> Option<Vec<Zeroizing<String>>> {
    if kind.parts == 1 {
        return Some(vec![Zeroizing::new(value.to_owned())]);
    }
    let values: Vec<String> = serde_json::from_str(value).ok()?;
    let values: Vec<_> = values.into_iter().map(Zeroizing::new).collect();
    (values.len() == kind.parts).then_some(values)
}

pub(crate) fn note(desk: &Desk, call: &SubjectCall, word: &str, event: LedgerEvent) -> Result<()> {
    let run = format!("subject-{word}-{}", call.now.0);
    let of = RunRef { run: &run, attempt: 1, since: call.now };
    desk.state.ledger().append(of, event, call.now).map(|_| ())
}
