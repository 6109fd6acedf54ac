//! What a request says apart from terms that may be said later or corrected: ground, end and review. A row of a
//! snapshot that differs in these alone is the same request.

use super::entry::{Requests, half};
use super::request::Request;
use super::segment::ListTerms;
use crate::clock::Instant;
use crate::policy::Effect;
use std::collections::BTreeSet;

/// What is compared: everything that a request says but its terms.
struct SaidParts<'a> {
    effect: Effect,
    purposes: Option<&'a [String]>,
    request: u64,
    received: Instant,
    from: Option<Instant>,
    to: Option<Instant>,
    named: BTreeSet<[u8; 16]>,
}

impl Requests {
    /// Returns what a request says, as a keyed digest; none for an effect that this version does not know. `stored_id` is the id
    /// under which it is stored (R83).
    pub(super) fn said(&self, request: &Request, stored_id: &str, terms: &ListTerms) -> Option<[u8; 32]> {
        Some(self.digest_of(&SaidParts {
            effect: Effect::named(&terms.effect)?,
            purposes: terms.purposes.as_deref(),
            request: self.keys.of_request(stored_id),
            received: request.received,
            from: request.from,
            to: request.to,
            named: request.identities.iter().map(|(identity, _)| *half(identity)).collect(),
        }))
    }

    /// Returns what stored requests say, in their order.
    pub(super) fn said_of(&self, entries: &[u32]) -> Vec<[u8; 32]> {
        let known = self.values_of(entries.iter().copied());
        let said = |at: &u32| {
            let entry = self.entry(*at);
            self.digest_of(&SaidParts {
                effect: entry.effect,
                purposes: entry.purposes,
                request: self.requests[*at as usize],
                received: entry.received,
                from: entry.from,
                to: entry.to,
                named: known.named(*at).clone(),
            })
        };
        entries.iter().map(said).collect()
    }

    fn digest_of(&self, said: &SaidParts<'_>) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(self.keys.entry.expose());
        let mut part = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        part(b"said");
        part(said.effect.name().as_bytes());
        part(&[u8::from(said.purposes.is_some())]);
        said.purposes.into_iter().flatten().for_each(|purpose| part(purpose.as_bytes()));
        part(b"");
        part(&said.request.to_le_bytes());
        // The end of a hold is one of its terms (R70).
        let to = said.to.filter(|_| said.effect != Effect::Hold);
        for instant in [Some(said.received), said.from, to] {
            part(&instant.map(|instant| instant.0.to_le_bytes().to_vec()).unwrap_or_default());
        }
        said.named.iter().for_each(|value| part(value));
        *hasher.finalize().as_bytes()
    }
}
