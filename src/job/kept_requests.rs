//! Stored requests that a process keeps between one dataset and the next, so that it reads them once.

use crate::clock::Instant;
use crate::error::Result;
use crate::key::{Key, KeyId};
use crate::requests::Requests;
use crate::store::Root;
use std::sync::{Arc, Mutex, PoisonError};

/// How long they may be used again.
const KEPT_MICROS: i64 = 120_000_000;

/// Stored requests that nobody works with just now. Clones share them.
#[derive(Clone, Default)]
pub struct KeptRequests(Arc<Mutex<Option<Handover>>>);

struct Handover {
    /// Where they are stored, and the key that they were read with.
    place: String,
    key: KeyId,
    at: Instant,
    requests: Requests,
}

impl KeptRequests {
    /// Keeps requests of which everything is stored.
    pub fn keep(&self, state: &Root, identity: &Key, requests: Requests, at: Instant) {
        let kept = Handover { place: state.url_of("").to_string(), key: identity.id(), at, requests };
        *self.lock() = Some(kept);
    }

    /// Hands over what is kept, with all that others have stored since; none when it is of another state, a while old, or
    /// more has happened to it than that something was added. Then it has to be read anew.
    ///
    /// # Errors
    /// Those of reading stored requests.
    pub fn take(&self, state: &Root, identity: &Key, now: Instant) -> Result<Option<Requests>> {
        let Some(kept) = self.lock().take() else { return Ok(None) };
        let age = now.0.saturating_sub(kept.at.0);
        let same = kept.place == state.url_of("").as_str() && kept.key == identity.id();
        if !same || !(0..KEPT_MICROS).contains(&age) {
            return Ok(None);
        }
        let mut requests = kept.requests;
        Ok(requests.catches_up(state)?.then_some(requests))
    }

    /// Drops what is kept: nobody needs it soon.
    pub fn forget(&self) {
        self.lock().take();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Handover>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
