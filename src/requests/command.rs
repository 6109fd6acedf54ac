//! Requests that come by command instead of by list: stored like a list's row, under the list name `command`.
//! Must not know where values were typed.

use super::entry::{Requests, StoredBond};
use super::request::Request;
use super::segment::{EntryRecord, ListTerms, MarkRecord, Segment};
use crate::clock::Instant;
use crate::error::Result;
use crate::policy::{Effect, Ground};
use crate::store::Root;

/// Name that stands for the list of requests given by command.
pub const COMMAND: &str = "command";

/// What only some effects have to say.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestTerms {
    /// A restriction: why (R69).
    pub ground: Option<Ground>,
    /// A lift: when the person was told that a restriction ends (R69).
    pub informed: Option<Instant>,
    /// A hold: when it ends (R70).
    pub until: Option<Instant>,
    /// A hold: when somebody looks at it again (R70).
    pub review_by: Option<Instant>,
}

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
    /// A lift: it may end requests of several persons (R54).
    pub lift_several: bool,
    /// What only some effects have to say.
    pub terms: RequestTerms,
    /// Identities it names, with whether they are raw forms; none of a lift.
    pub identities: Vec<([u8; 32], bool)>,
}

impl Requests {
    /// Stores a request taken in at `now`; false when exactly this one was stored before.
    ///
    /// # Errors
    /// As [`Requests::open`].
    pub fn ask(&mut self, state: &Root, command: RequestCommand, now: Instant) -> Result<bool> {
        let RequestCommand { effect, purposes, request, received, lifts, lift_erase, lift_several, .. } = command;
        let RequestCommand { terms: RequestTerms { ground, informed, until, review_by }, mut identities, .. } = command;
        identities.sort_unstable();
        identities.dedup();
        let ground = ground.map(|ground| ground.name().to_owned());
        let terms = ListTerms {
            list: COMMAND.into(),
            effect: effect.name().into(),
            purposes,
            lift_erase,
            lift_several,
            ground,
            given_by: None,
        };
        let request = Request {
            request,
            names: false,
            received,
            dated: true,
            from: None,
            to: until,
            lifts,
            informed,
            review_by,
            identities,
        };
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
        let Request { request, received, from, to, lifts, informed, review_by, .. } = request;
        let (taken, record) = (now, 1);
        segment.entries.push(EntryRecord {
            id,
            terms,
            received,
            taken,
            record,
            from,
            to,
            request,
            lifts,
            informed,
            review_by,
            undated: false,
        });
        self.append(Some(state), segment)?;
        self.index()?;
        Ok(true)
    }
}
