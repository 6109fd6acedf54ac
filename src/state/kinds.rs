//! The kinds of identifier that persons have been looked for by, each recorded once and for ever: a stored request says
//! nothing to a source that calls its identifiers something else.

use super::{FORMAT, State, load};
use crate::error::{Code, Error, Result};
use crate::evidence;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

const FOLDER: &str = "kinds";

#[derive(Serialize, Deserialize)]
struct RecordedKinds {
    format: u32,
    kind: String,
}

impl State {
    /// Kinds recorded so far.
    ///
    /// # Errors
    /// An evidence error for a record that cannot be read or was changed, a storage error when the store is away.
    pub fn kinds(&self) -> Result<BTreeSet<String>> {
        let mut kinds = BTreeSet::new();
        for object in self.root.list(FOLDER)? {
            let Some(RecordedKinds { kind, .. }) = load::<RecordedKinds>(&self.root, &object.path)? else { continue };
            if object.path != path(&kind) {
                let place = self.root.display(&object.path);
                return Err(Error::new(
                    Code::StatePartChanged,
                    format!("{place} has another kind in it than its name says"),
                )
                .help("bring back the one that was there from a copy of the state"));
            }
            kinds.insert(kind);
        }
        Ok(kinds)
    }

    /// How many kinds are recorded.
    ///
    /// # Errors
    /// As [`State::kinds`].
    pub(super) fn kinds_recorded(&self) -> Result<u64> {
        Ok(self.kinds()?.len() as u64)
    }

    /// Records kinds, those that are not there yet.
    ///
    /// # Errors
    /// As [`State::kinds`].
    pub fn record_kinds(&self, kinds: &BTreeSet<String>) -> Result<()> {
        let there: BTreeSet<String> = self.root.list(FOLDER)?.into_iter().map(|object| object.path).collect();
        for kind in kinds {
            let path = path(kind);
            if !there.contains(&path) {
                self.root.create(&path, evidence::record(&RecordedKinds { format: FORMAT, kind: kind.clone() })?)?;
            }
        }
        Ok(())
    }
}

fn path(kind: &str) -> String {
    format!("{FOLDER}/{}.json", &evidence::digest(kind.as_bytes())[..16])
}
