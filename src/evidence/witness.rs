//! What each part of the state says of the others: how far ledger and stored requests had come when it was written. A
//! part that was put back to an older copy lacks what the others have seen.

use super::ledger::Head;
use serde::{Deserialize, Serialize};

/// What was there already when something was written, so that it can be missed later. A crash never makes it untrue:
/// it only speaks of what was written before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Witness {
    /// The last entry of the ledger.
    pub ledger: Head,
    /// Number of the newest segment of stored requests.
    pub segment: u64,
}

impl Witness {
    /// What is known after `now` was seen too: a ledger that was put back does not take away what was seen before.
    pub fn latest(known: Option<Witness>, now: Witness) -> Witness {
        known.filter(|known| known.ledger.seq > now.ledger.seq).unwrap_or(now)
    }
}
