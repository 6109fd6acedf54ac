//! What `state` holds of datasets: versions, companions, last instants, key ids; runs begun and what was accepted.
//! Create-only files, so that two processes cannot undo each other on any store. Must not know raw values.

mod accept;
mod audits;
mod breach;
mod dataset;
mod intent;
mod kinds;
mod layout;
mod lease;
mod names;
mod notices;
mod parts;
mod renew;
mod schedule;
mod seen;
mod sign_off;
mod sweep;
mod version;

pub use accept::Accept;
pub use audits::AuditRecord;
pub use breach::NotedBreach;
pub use dataset::{ColumnSeen, Current, Dataset, FieldType, PublishedFile, Replaced, Retirement, SetRead, SetState};
pub use intent::{Intent, Origin, Pin, pins, stamp};
pub use layout::is_own;
pub use lease::{Claim, Claimant, Holder, Lease, Process};
pub use notices::{
    FormerFile, FormerToken, Notice, NoticeItem, NoticesChecked, RECTIFY, bytes_of, in_hex, last_answered,
};
pub use parts::{Behind, Since};
pub use renew::Renewal;
pub use schedule::{End, RefusedRun, Scheduled};
pub use sign_off::SignedRole;
pub use sweep::{RequestsMet, SweepEnd, SweepRecord};

use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::keys_in_use::{IDENTITY, token_file};
use crate::evidence::{self, Ledger, LedgerEvent, RunRef, segments};
use crate::key::{KeyId, KeyIds};
use crate::store::{Created, Object, Root};
use layout::FILE;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;

const FORMAT: u32 = 1;
/// How far the clocks of two hosts may lie apart.
const CLOCK_SLACK: i64 = 60_000_000;
/// The state of one installation.
pub struct State {
    root: Root,
    ledger: Ledger,
    created: Instant,
}

#[derive(Serialize, Deserialize)]
struct Made {
    format: u32,
    created: Instant,
}

#[derive(Serialize, Deserialize)]
struct KeyInUse {
    format: u32,
    id: KeyId,
}

/// What is known of the token key's epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpochState {
    /// Used before, with this key.
    Known,
    /// Never used: [`State::add_epoch`] before the first token is published.
    New,
}

impl State {
    /// `tamis state create`: makes the state once. A creation that was cut short is completed with the same keys.
    ///
    /// # Errors
    /// A policy error when the state is there already or was begun with other keys.
    pub fn create(root: &Root, keys: &KeyIds, now: Instant) -> Result<State> {
        if root.get(FILE)?.is_some() {
            return Err(Error::new(Code::AlreadyThere, format!("{} is there already", root.display(FILE)))
                .help("the state of an installation is made once; another one needs another state root"));
        }
        let state = State { root: root.clone(), ledger: Ledger::open(root), created: now };
        state.key_in_use(IDENTITY, &keys.identity, &identity_differs(root))?;
        state.key_in_use(&token_file(&keys.epoch), &keys.token, &token_differs(root, &keys.epoch))?;
        let (segment, stored) = carried(root)?;
        let event = LedgerEvent::StateCreated {
            identity_key: keys.identity.0.clone(),
            token_key: keys.token.0.clone(),
            epoch: keys.epoch.clone(),
            segment,
            stored,
        };
        state.ledger.append(RunRef { run: "state-create", attempt: 1, since: Instant(i64::MIN) }, event, now)?;
        match root.create(FILE, evidence::record(&Made { format: FORMAT, created: now })?)? {
            Created::New => Ok(state),
            Created::Exists => State::open(root),
        }
    }

    /// Opens the state.
    ///
    /// # Errors
    /// A policy error when it was never created, or by a newer tamis; an evidence error when its ledger is gone.
    pub fn open(root: &Root) -> Result<State> {
        let Some(made) = load::<Made>(root, FILE)? else {
            return Err(Error::new(
                Code::StateMissing,
                format!("{} is not there: this state was never created", root.display(FILE)),
            )
            .help("check the root `state` in the policy; for a new installation run `tamis state create` once"));
        };
        if made.format != FORMAT {
            return Err(Error::new(Code::StateBeyond, format!("{} has format {}", root.display(FILE), made.format))
                .help("a newer tamis made it: use that version"));
        }
        let state = State { root: root.clone(), ledger: Ledger::open(root), created: made.created };
        if state.ledger.newest()?.is_none() {
            return Err(Error::new(
                Code::StatePartMissing,
                format!("{} has no entry, though the state was created", root.display("ledger")),
            )
            .help(
                "bring the ledger back from a copy of the state, then call `tamis verify`; if there is no copy: \
                 docs/operations.md, \"When a part is older\"",
            ));
        }
        Ok(state)
    }

    /// The root it is in, for companions, manifests and `verify`.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Returns when it was created: nothing was due before.
    pub fn created(&self) -> Instant {
        self.created
    }

    /// Lists the objects that tamis does not write there, apart from what is in one of `others` that lies in it.
    ///
    /// # Errors
    /// Storage errors; evidence, for something that cannot be read.
    pub fn unknown<'r>(&self, others: impl IntoIterator<Item = &'r Root>) -> Result<Vec<Object>> {
        layout::unknown(&self.root, others)
    }

    /// The ledger in it.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// A clock that was set back would judge rows by a time that has passed: whatever deletes asks this first.
    ///
    /// # Errors
    /// A policy error when `now` is before the last entry of the ledger.
    pub fn check_clock(&self, now: Instant) -> Result<()> {
        let Some(last) = self.ledger.newest()?.filter(|entry| now.0.saturating_add(CLOCK_SLACK) < entry.at.0) else {
            return Ok(());
        };
        let first = self.ledger.ahead_of(now)?.unwrap_or(last);
        Err(Error::new(
            Code::ClockBehind,
            format!(
                "the clock says {now}, but the ledger has entries from {} on, the first of them entry {}",
                first.at, first.seq
            ),
        )
        .help(
            "set this machine's clock right; nothing is deleted by a clock that went back. When it is right, and was \
             wrong then: docs/operations.md, \"When a clock was ahead\"",
        ))
    }

    /// Compares the keys of a run with those in use. To be called before anything is read; writes nothing.
    ///
    /// # Errors
    /// A policy error when the identity key, or the token key of this epoch, is another one; an evidence error when the
    /// record of a key that was in use before is gone.
    pub fn check_keys(&self, keys: &KeyIds) -> Result<EpochState> {
        match load::<KeyInUse>(&self.root, IDENTITY)? {
            Some(known) if known.id == keys.identity => {}
            Some(_) => return Err(identity_differs(&self.root)),
            None => return Err(missing(&self.root.display(IDENTITY))),
        }
        match load::<KeyInUse>(&self.root, &token_file(&keys.epoch))? {
            Some(known) if known.id == keys.token => Ok(EpochState::Known),
            Some(_) => Err(token_differs(&self.root, &keys.epoch)),
            None if self.epochs()?.contains(&keys.epoch) => Err(missing(&self.root.display(&token_file(&keys.epoch)))),
            None => Ok(EpochState::New),
        }
    }

    /// Compares the token key that a version was made with against the one recorded for that epoch.
    ///
    /// # Errors
    /// An evidence error when they differ: tokens of two keys in one version would not join.
    pub fn check_epoch(&self, epoch: &str, token: &str) -> Result<()> {
        match load::<KeyInUse>(&self.root, &token_file(epoch))? {
            Some(known) if known.id.0 == token => Ok(()),
            _ => Err(Error::new(
                Code::KeyOfVersionDiffers,
                format!("a version was made with another token key than {epoch:?} has here"),
            )
            .help("tokens of two keys are never mixed: restore the state that belongs to this dataset")),
        }
    }

    /// Epochs of token keys in the order in which they were first used.
    ///
    /// # Errors
    /// As reading the ledger.
    pub fn epochs(&self) -> Result<Vec<String>> {
        let named = |event: LedgerEvent| match event {
            LedgerEvent::StateCreated { epoch, .. } | LedgerEvent::EpochAdded { epoch, .. } => Some(epoch),
            _ => None,
        };
        Ok(self.ledger.entries()?.into_iter().filter_map(|entry| named(entry.event)).collect())
    }

    /// Records the token key of a new epoch, for ever, and says so in the ledger.
    ///
    /// # Errors
    /// A policy error when another key was recorded for it meanwhile.
    pub fn add_epoch(&self, of: RunRef<'_>, keys: &KeyIds, now: Instant) -> Result<()> {
        self.key_in_use(&token_file(&keys.epoch), &keys.token, &token_differs(&self.root, &keys.epoch))?;
        let event = LedgerEvent::EpochAdded { epoch: keys.epoch.clone(), token_key: keys.token.0.clone() };
        self.ledger.append(of, event, now).map(|_| ())
    }

    fn key_in_use(&self, path: &str, id: &KeyId, differs: &Error) -> Result<()> {
        let bytes = evidence::record(&KeyInUse { format: FORMAT, id: id.clone() })?;
        match self.root.create(path, bytes)? {
            Created::New => Ok(()),
            Created::Exists => Err(differs.clone()),
        }
    }
}

/// Stored requests of an earlier state that were laid into this one before it is made: the greatest number, and the
/// digest of each.
fn carried(root: &Root) -> Result<(u64, BTreeMap<String, String>)> {
    let mut stored = BTreeMap::new();
    let names = segments::names(&root.list(segments::FOLDER)?)?;
    let names: Vec<segments::SegmentName> = names.into_iter().map(|(name, _)| name).collect();
    if let Some(missing) = segments::gap(&names) {
        return Err(Error::new(Code::StatePartMissing, format!("segment {missing} of the stored requests is missing"))
            .help("carry over all of state:requests, from its newest copy"));
    }
    for name in &names {
        let bytes = root.get(&name.path())?.ok_or_else(|| missing(&root.display(&name.path())))?;
        stored.insert(name.file(), evidence::digest(&bytes));
    }
    Ok((names.iter().map(|name| name.last).max().unwrap_or(0), stored))
}

fn identity_differs(root: &Root) -> Error {
    Error::new(Code::KeyDiffers, format!("identity.key is not the key that {} was made with", root.display(""))).help(
        "with another identity key no stored erasure would match and no token would join; bring the first key back. \
         It never changes, also when the epoch does",
    )
}

fn token_differs(root: &Root, epoch: &str) -> Error {
    Error::new(
        Code::KeyDiffers,
        format!("token-{epoch}.key is not the key of epoch {epoch:?} in {}", root.display("")),
    )
    .help(
        "with another key tokens of one epoch would no longer join, and erasures would miss published rows; bring that \
         key back, or begin a new epoch with `tamis key new`",
    )
}

fn missing(place: &str) -> Error {
    Error::new(Code::StatePartMissing, format!("{place} is missing")).help(
        "bring it back from a copy of the state; if there is no copy: docs/operations.md, \"When a part is older\"",
    )
}

/// Reads a JSON record; `None` when it is not there.
fn load<T: DeserializeOwned>(root: &Root, path: &str) -> Result<Option<T>> {
    root.get(path)?.map(|bytes| parsed(root, path, &bytes)).transpose()
}

fn parsed<T: DeserializeOwned>(root: &Root, path: &str, bytes: &[u8]) -> Result<T> {
    if !evidence::in_place(path, bytes) {
        return Err(Error::new(
            Code::StatePartChanged,
            format!("{} is another record in its place", root.display(path)),
        )
        .help("bring back the one that was there from a copy of the state"));
    }
    evidence::parse(bytes).ok_or_else(|| {
        Error::new(Code::StatePartUnreadable, format!("{} cannot be read as what it should be", root.display(path)))
            .help("it was changed, or a newer tamis wrote it; bring it back from a copy of the state")
    })
}

#[cfg(test)]
mod tests;
