//! Requests that come by command instead of by list: stored like a list's row, under the list name `command`.
//! Must not know where values were typed.

use super::entry::{Requests, StoredBond};
use super::request::Request;
use super::segment::{EntryRecord, ListTerms, MarkRecord, Segment};
use crate::clock::Instant;
use crate::error::Result;
use crate::policy::Effect;
use crate::store::Root;

/// Name that stands for the list of requests given by command.
pub const COMMAND: &str = "command";

/// One request, its values already identities.
pub struct RequestCommand {
    /// What it asks for.
    pub effect: Effect,
    /// Purposes it is limited to; none = all (R29).
    pub purposes: Option<Vec<String>>,
    /// Id by which the controller knows the request; it names nobody.
    pub request: String,
    /// When it was received.
    pub received: Instant,
    /// A lift: the id of the request it ends (R30).
    pub lifts: Option<String>,
    /// A lift: it may end an erasure.
    pub lift_erase: bool,
    /// Identities it names, with whether they are raw forms; none of a lift.
    pub identities: Vec<([u8; 32], bool)>,
}

impl Requests {
    /// Stores a request taken in at `now`; false when exactly this one was stored before.
    ///
    /// # Errors
    /// As [`Requests::open`].
    pub fn ask(&mut self, state: &Root, command: RequestCommand, now: Instant) -> Result<bool> {
        let RequestCommand { effect, purposes, request, received, lifts, lift_erase, mut identities } = command;
        identities.sort_unstable();
        identities.dedup();
        let terms = ListTerms { list: COMMAND.into(), effect: effect.name().into(), purposes, lift_erase };
        let request = Request { request, received, dated: true, from: None, to: None, lifts, identities };
        let id = request.id(&terms, &self.keys.entry, 0);
        if self.knows(&id, request.identities.first().map(|(identity, _)| identity)) {
            return Ok(false);
        }
        let mut segment = Segment::default();
        let mark = |(identity, raw): &([u8; 32], bool)| MarkRecord {
            identity: *identity,
            entry: id,
            bond: StoredBond::Named.byte(*raw),
        };
        segment.marks.extend(request.identities.iter().map(mark));
        let terms = segment.terms(&terms);
        let Request { request, received, from, to, lifts, .. } = request;
        segment.entries.push(EntryRecord { id, terms, received, taken: now, record: 1, from, to, request, lifts });
        self.append(Some(state), segment)?;
        self.index()?;
        Ok(true)
    }
}
