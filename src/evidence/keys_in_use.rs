//! The records of keys in use, and whether they are the ones that the ledger names.

use super::ledger::{self, LedgerEntry, LedgerEvent};
use super::report::VerifyReport;
use crate::store::Root;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Path of the identity key's record below the state.
pub const IDENTITY: &str = "keys/identity.json";

/// Returns the path of the record of an epoch's token key.
pub fn token_file(epoch: &str) -> String {
    format!("keys/token-{epoch}.json")
}

#[derive(Deserialize)]
struct Recorded {
    id: String,
}

/// Each key that an entry names is recorded under its id. A record is written before its entry, so a crash leaves none
/// too few.
pub(super) fn keys_in_use(state: &Root, entries: &[LedgerEntry], report: &mut VerifyReport) {
    let mut named: BTreeMap<String, (&str, u64)> = BTreeMap::new();
    for entry in entries {
        let keys = match &entry.event {
            LedgerEvent::StateCreated { identity_key, token_key, epoch, .. } => {
                vec![(IDENTITY.to_string(), identity_key), (token_file(epoch), token_key)]
            }
            LedgerEvent::EpochAdded { epoch, token_key } => vec![(token_file(epoch), token_key)],
            _ => Vec::new(),
        };
        for (path, id) in keys {
            let (first, seq) = *named.entry(path).or_insert((id.as_str(), entry.seq));
            if first != id.as_str() {
                let (of, before) = (state.display(&ledger::path(entry.seq)), state.display(&ledger::path(seq)));
                report.faults.push(format!("{of} names another token key for the epoch than {before} does"));
            }
        }
    }
    for (path, (id, seq)) in named {
        let (place, of) = (state.display(&path), state.display(&ledger::path(seq)));
        match state.get(&path) {
            Ok(Some(bytes)) if super::parse::<Recorded>(&bytes).is_some_and(|key| key.id == id) => {}
            Ok(Some(_)) => report.faults.push(format!("{place} is not the key that {of} names")),
            Ok(None) => report.faults.push(format!("{place} is missing; {of} names the key")),
            Err(error) => {
                report.not_proven.push(format!("{place}: could not be read, so it was not looked at: {error}"));
            }
        }
    }
}
