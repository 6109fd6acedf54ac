//! The ledger: `ledger/<seq>.json` in the state root, create-only, each entry with the hash of the one before.
//! Says what was intended, published, refused, accepted, taken in and removed; counts and digests only.

use super::digest;
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::store::{Created, Root};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// `prev` of the first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

const FOLDER: &str = "ledger";
const FORMAT: u32 = 1;
/// How far the clocks of two machines, or one that was set, may lie apart when an entry of a run is searched.
const CLOCK_SLACK: i64 = 3_600_000_000;

/// One entry, as its file holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Format of the file: 1.
    pub format: u32,
    /// Its number, from 1; also its file name.
    pub seq: u64,
    /// BLAKE3 hex of the exact bytes of the entry before; [`GENESIS`] in the first.
    pub prev: String,
    /// When it was written; never before the entry before.
    pub at: Instant,
    /// Id of the run (or command) it belongs to.
    pub run: String,
    /// Attempt of that run, from 1.
    pub attempt: u32,
    /// What happened, with its counts and digests.
    pub event: LedgerEvent,
}

/// What an entry says. Closed: a reader that meets another kind is older than the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LedgerEvent {
    /// The state was made, by `tamis state create`.
    StateCreated {
        /// Id of the identity key.
        identity_key: String,
        /// Id of the token key.
        token_key: String,
        /// Epoch of the token key.
        epoch: String,
        /// Number of the newest segment of stored requests that was carried over from an earlier state.
        #[serde(default)]
        segment: u64,
        /// BLAKE3 hex of these segments, by file name.
        #[serde(default)]
        stored: BTreeMap<String, String>,
    },
    /// The first run with a token key of a new epoch.
    EpochAdded {
        /// Name of the epoch that was added.
        epoch: String,
        /// Id of its token key.
        token_key: String,
    },
    /// A run has pinned what it reads.
    Intent {
        /// The job that began.
        job: String,
        /// Instant the rules are applied at.
        as_of: Instant,
        /// Digest of the plan.
        plan: String,
        /// BLAKE3 hex of the bytes of `runs/<run>/intent.json`.
        intent: String,
        /// Number of the newest segment of stored requests.
        segment: u64,
        /// Number of the dataset's record when it began.
        #[serde(default)]
        record: u64,
    },
    /// A new version is there.
    Published {
        /// The job whose run published it.
        job: String,
        /// Instant the rules were applied at.
        as_of: Instant,
        /// Version of the table.
        version: u64,
        /// BLAKE3 hex of the bytes of the manifest.
        manifest: String,
        /// Rows that the run read.
        rows_in: u64,
        /// Rows in the version.
        rows_out: u64,
        /// Number of the dataset's record before it.
        #[serde(default)]
        record: u64,
    },
    /// A version without new export: lists and retention applied to the one before.
    Swept {
        /// The job whose dataset was swept.
        job: String,
        /// Instant the rules were applied at.
        as_of: Instant,
        /// Version of the table.
        version: u64,
        /// BLAKE3 hex of the bytes of the manifest.
        manifest: String,
        /// Rows of the version before.
        rows_in: u64,
        /// Rows in the version.
        rows_out: u64,
        /// Number of the dataset's record before it.
        #[serde(default)]
        record: u64,
    },
    /// A run stopped; the previous version is unchanged, apart from sweeps that have entries of their own.
    Refused {
        /// The job whose run stopped.
        job: String,
        /// Instant the rules were applied at.
        as_of: Instant,
        /// Exit code of the run (design section 8).
        exit: u8,
        /// Name of the error (`docs/errors.md`), as text: another version of tamis may have written one that this one
        /// lacks. Entries of earlier builds have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// What stopped it: name of a gate, a limit or a check.
        cause: String,
        /// Digest that `accept` takes, when there is one.
        plan: Option<String>,
    },
    /// A person let a stopped run through.
    Accepted {
        /// The job whose next run it is for.
        job: String,
        /// Instant of the run it lets through.
        as_of: Instant,
        /// Digest of the plan it lets through.
        plan: String,
        /// Why, in the operator's words.
        reason: String,
        /// Who, when the operator wants it said.
        by: Option<String>,
    },
    /// Request files or commands were taken in.
    Requests {
        /// By list, or by effect for commands.
        lists: BTreeMap<String, IntakeCounts>,
        /// Number of the newest segment of stored requests.
        segment: u64,
        /// BLAKE3 hex of the segments that came since the entry before that names one, by file name.
        #[serde(default)]
        stored: BTreeMap<String, String>,
    },
    /// Somebody asked what is known of a person or a row; of whom is not written down.
    Asked {
        /// Name of the command that asked.
        command: String,
    },
    /// A person was given their data, or told that there are none (Art. 15 and 20 GDPR); of whom is not written down.
    Answered {
        /// Id of the request.
        request: String,
        /// The right that was exercised: `access` or `portability`.
        right: String,
        /// When the request was received.
        received: Instant,
        /// Whether anything was found that is surely the person's.
        found: bool,
        /// Nothing was, and the values lead to rows that may be the person's: they have to be asked for more.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unclear: bool,
        /// Why rows were shown that may be another person's, when they were.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        doubtful: Option<String>,
    },
    /// A request was refused (Art. 12(4) GDPR); of whom it was is not written down.
    RequestRefused {
        /// Id of the request.
        request: String,
        /// What was asked for: an effect, `access`, `rectify` or `portability`.
        right: String,
        /// Name of the reason.
        reason: String,
        /// When the request was received.
        received: Instant,
        /// When the person was told, if that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        informed: Option<Instant>,
    },
    /// A recipient has to be told of persons whom requests have taken out of a dataset (Art. 19 GDPR); of whom is not
    /// written down here.
    RecipientNoticed {
        /// Name of the recipient.
        recipient: String,
        /// The job whose dataset it is about.
        job: String,
        /// Number of the notice.
        number: u64,
        /// Tokens that the notice has.
        tokens: u64,
        /// BLAKE3 hex of the bytes of the notice.
        notice: String,
    },
    /// Notices to a recipient were written to a file, to be sent.
    RecipientTold {
        /// Name of the recipient.
        recipient: String,
        /// Number of the last notice in the file.
        up_to: u64,
        /// Tokens in the file.
        tokens: u64,
    },
    /// A recipient has answered, or cannot be told.
    RecipientAnswered {
        /// Name of the recipient.
        recipient: String,
        /// Number of the last notice that this is about.
        up_to: u64,
        /// Why it is impossible or disproportionate to tell the recipient (Art. 19 GDPR), when it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        impossible: Option<String>,
        /// Who says so, when the operator wants it said.
        by: Option<String>,
    },
    /// The controller has signed what a job does, or the data protection officer has advised on it (Art. 35 GDPR).
    SignedOff {
        /// Name of the job.
        job: String,
        /// BLAKE3 hex of the bytes of the profile that was signed (`sign-offs/<job>/<digest>.json`).
        profile: String,
        /// Whether it is advice, and no decision.
        advice: bool,
        /// The role of whoever signs or advises.
        by: String,
        /// Why it may be done, or what the advice is.
        reason: String,
    },
    /// A breach was looked into; kept also when nobody is told (Art. 33(5) GDPR).
    BreachNoted {
        /// Number that `breach scope` gave.
        number: u64,
        /// The earlier one that it goes on from (Art. 33(4) GDPR).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        updates: Option<u64>,
        /// When the controller was aware of it.
        aware: Instant,
        /// Tables that are concerned, as `ROOT:path`.
        datasets: Vec<String>,
        /// Different people that were counted.
        people: u64,
        /// Rows of files that are gone, in which nobody can count people any more.
        rows_only: u64,
        /// BLAKE3 hex of the bytes of what was said (`breaches/<number>.json`).
        report: String,
    },
    /// Somebody has decided whom to tell of a breach.
    BreachDecided {
        /// Number that `breach scope` gave.
        number: u64,
        /// Whether the authority is told (Art. 33 GDPR).
        authority: bool,
        /// Whether the people are told (Art. 34 GDPR).
        people: bool,
        /// Role of whoever has decided.
        by: String,
        /// The reason, in their words.
        reason: String,
    },
    /// Everything that is published was audited by its schedule.
    Audited {
        /// When the audit was due.
        due: Instant,
        /// What does not hold.
        errors: u64,
        /// What somebody should look at.
        warnings: u64,
        /// Checks that could not be made.
        not_checked: u64,
    },
    /// Bytes are gone for good.
    Removed {
        /// The job whose dataset they were of.
        job: String,
        /// Objects removed, by what they were: files, companions, log, orphans, staging, versions, uploads.
        objects: BTreeMap<String, u64>,
        /// Bytes of these objects, together.
        bytes: u64,
        /// Files that a hold, or a restriction that keeps bytes, keeps.
        held: u64,
        /// All requests applied before are removed from this dataset, as far as tamis can verify.
        watermark: Option<Instant>,
        /// Number of the dataset's record before it.
        #[serde(default)]
        record: u64,
    },
    /// Raw exports older than `raw_keep` are gone for good.
    RawRemoved {
        /// Raw exports that were deleted.
        objects: u64,
        /// Bytes of these exports, together.
        bytes: u64,
    },
    /// Rows of erased persons were taken out of the files of a list of corrections.
    CorrectionsRemoved {
        /// Name of the list in the policy.
        list: String,
        /// Rows that were taken out.
        rows: u64,
    },
    /// A table has ended: nothing of it is left.
    Retired {
        /// The job that it was of.
        job: String,
        /// `ROOT:path` of the table.
        dataset: String,
        /// The last version that it had.
        version: u64,
        /// Objects removed by the command, by what they were.
        objects: BTreeMap<String, u64>,
        /// Bytes of these objects, together.
        bytes: u64,
        /// Why, in the operator's words.
        reason: String,
        /// Who, when the operator wants it said.
        by: Option<String>,
    },
    /// A table that another program had written to is taken back.
    Adopted {
        /// The job that was to run.
        job: String,
        /// `ROOT:path` of the table.
        dataset: String,
        /// The last version that was tamis's own.
        version: u64,
        /// Commits of other programs after it.
        foreign: u64,
        /// Files that these made, or may have: removed for good after `grace`.
        files: u64,
        /// Why, in the operator's words.
        reason: String,
        /// Who, when the operator wants it said.
        by: Option<String>,
    },
    /// New records were written in place of lost ones of a job.
    Renewed {
        /// Name of the job.
        job: String,
        /// Folders of the state that lacked records.
        folders: BTreeSet<String>,
        /// Why, in the operator's words.
        reason: String,
        /// Who, when the operator wants it said.
        by: Option<String>,
    },
    /// Scheduled runs did not happen and will not be caught up.
    Missed {
        /// The job whose runs they were.
        job: String,
        /// When the first was due.
        due: Instant,
        /// How many in a row.
        runs: u64,
    },
}

/// What was taken in of one list.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntakeCounts {
    /// Request files that were read.
    pub files: u64,
    /// Rows that were read from them.
    pub rows: u64,
    /// Requests stored for the first time.
    pub stored: u64,
    /// Rows that could not be read.
    pub unreadable: u64,
    /// Requests that a snapshot no longer had.
    pub lifted: u64,
    /// Requests that a snapshot had again.
    pub returned: u64,
    /// Keyed digests of the files (no unkeyed digest of a request file is written).
    pub digests: Vec<String>,
}

impl LedgerEvent {
    fn kind(&self) -> &'static str {
        match self {
            LedgerEvent::StateCreated { .. } => "state-created",
            LedgerEvent::EpochAdded { .. } => "epoch-added",
            LedgerEvent::Intent { .. } => "intent",
            LedgerEvent::Published { .. } => "published",
            LedgerEvent::Swept { .. } => "swept",
            LedgerEvent::Refused { .. } => "refused",
            LedgerEvent::Accepted { .. } => "accepted",
            LedgerEvent::Requests { .. } => "requests",
            LedgerEvent::Removed { .. } => "removed",
            LedgerEvent::RawRemoved { .. } => "raw-removed",
            LedgerEvent::CorrectionsRemoved { .. } => "corrections-removed",
            LedgerEvent::Asked { .. } => "asked",
            LedgerEvent::Answered { .. } => "answered",
            LedgerEvent::RequestRefused { .. } => "request-refused",
            LedgerEvent::RecipientNoticed { .. } => "recipient-noticed",
            LedgerEvent::RecipientTold { .. } => "recipient-told",
            LedgerEvent::RecipientAnswered { .. } => "recipient-answered",
            LedgerEvent::SignedOff { .. } => "signed-off",
            LedgerEvent::BreachNoted { .. } => "breach-noted",
            LedgerEvent::BreachDecided { .. } => "breach-decided",
            LedgerEvent::Audited { .. } => "audited",
            LedgerEvent::Missed { .. } => "missed",
            LedgerEvent::Retired { .. } => "retired",
            LedgerEvent::Adopted { .. } => "adopted",
            LedgerEvent::Renewed { .. } => "renewed",
        }
    }
    /// The dataset's record that was there when the entry was written: its job and the record's number.
    pub fn record(&self) -> Option<(&str, u64)> {
        match self {
            LedgerEvent::Intent { job, record, .. }
            | LedgerEvent::Published { job, record, .. }
            | LedgerEvent::Swept { job, record, .. }
            | LedgerEvent::Removed { job, record, .. } => Some((job, *record)),
            _ => None,
        }
    }

    /// The version it says is there: its number and the digest of its manifest.
    pub fn version(&self) -> Option<(u64, &str)> {
        match self {
            LedgerEvent::Published { version, manifest, .. } | LedgerEvent::Swept { version, manifest, .. } => {
                Some((*version, manifest))
            }
            _ => None,
        }
    }

    /// The newest segment of stored requests that it names.
    pub fn segment(&self) -> Option<u64> {
        match self {
            LedgerEvent::StateCreated { segment, .. }
            | LedgerEvent::Intent { segment, .. }
            | LedgerEvent::Requests { segment, .. } => Some(*segment),
            _ => None,
        }
    }

    /// One per run, whatever the attempt; of all others there is one per attempt.
    fn once_per_run(&self) -> bool {
        matches!(self, LedgerEvent::StateCreated { .. } | LedgerEvent::Intent { .. } | LedgerEvent::Published { .. })
    }
}

/// Which run an entry belongs to.
#[derive(Clone, Copy, Debug)]
pub struct RunRef<'a> {
    /// Id of the run, or of the command.
    pub run: &'a str,
    /// Its attempt, from 1.
    pub attempt: u32,
    /// When it began (`at` of its intent, or now for a new one): no entry of it is older.
    pub since: Instant,
}

/// The last entry: its number and the digest of its bytes. Written `SEQ:DIGEST`; kept elsewhere, it shows a cut tail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Head {
    /// Number of the last entry; 0 of an empty ledger.
    pub seq: u64,
    /// BLAKE3 hex of its bytes; [`GENESIS`] of an empty ledger.
    pub digest: String,
}

impl Head {
    /// Reads a head as users write it: `SEQ:DIGEST`.
    pub fn parse(text: &str) -> Option<Head> {
        let (seq, digest) = text.trim().split_once(':')?;
        let digits = !seq.is_empty() && seq.bytes().all(|b| b.is_ascii_digit());
        let hex = digest.len() == GENESIS.len() && digest.bytes().all(|b| b.is_ascii_hexdigit());
        Some(Head { seq: digits.then(|| seq.parse().ok())??, digest: hex.then(|| digest.to_ascii_lowercase())? })
    }
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.seq, self.digest)
    }
}

/// The ledger of one state root.
pub struct Ledger {
    root: Root,
    read: Mutex<BTreeMap<u64, (LedgerEntry, String)>>,
}

impl Ledger {
    /// Opens the ledger; nothing is read yet. An empty one is fine.
    pub fn open(state: &Root) -> Ledger {
        Ledger { root: state.clone(), read: Mutex::new(BTreeMap::new()) }
    }

    /// All entries, in order.
    ///
    /// # Errors
    /// An evidence error when one is missing or unreadable; `verify` says more.
    pub fn entries(&self) -> Result<Vec<LedgerEntry>> {
        (1..=self.last()?).map(|seq| Ok(self.entry(seq)?.0)).collect()
    }

    /// The first entry; none of an empty ledger.
    ///
    /// # Errors
    /// An evidence error when it is missing or unreadable.
    pub fn first(&self) -> Result<Option<LedgerEntry>> {
        match self.last()? {
            0 => Ok(None),
            _ => Ok(Some(self.entry(1)?.0)),
        }
    }

    /// The last entry; none of an empty ledger.
    ///
    /// # Errors
    /// An evidence error when one is missing or unreadable.
    pub fn newest(&self) -> Result<Option<LedgerEntry>> {
        match self.last()? {
            0 => Ok(None),
            seq => Ok(Some(self.entry(seq)?.0)),
        }
    }

    /// The entry that says where a run was published, looked for back to its beginning.
    ///
    /// # Errors
    /// An evidence error when an entry is missing or unreadable.
    pub fn published(&self, of: RunRef<'_>) -> Result<Option<LedgerEntry>> {
        let since = of.since.0.saturating_sub(CLOCK_SLACK);
        for seq in (1..=self.last()?).rev() {
            let (entry, _) = self.entry(seq)?;
            if entry.at.0 < since {
                break;
            }
            if entry.run == of.run && matches!(entry.event, LedgerEvent::Published { .. }) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The newest segment of stored requests that an entry knows of: with fewer of them, requests are lost.
    ///
    /// # Errors
    /// An evidence error when an entry is missing or unreadable.
    pub fn segment(&self) -> Result<u64> {
        Ok(self.newest_of(&|entry| entry.event.segment())?.unwrap_or(0))
    }

    /// The newest entry that begins a run.
    ///
    /// # Errors
    /// An evidence error when an entry is missing or unreadable.
    pub fn newest_intent(&self) -> Result<Option<LedgerEntry>> {
        self.newest_of(&|entry| matches!(entry.event, LedgerEvent::Intent { .. }).then(|| entry.clone()))
    }

    /// What is picked of the newest entry that anything is picked of.
    fn newest_of<T>(&self, pick: &dyn Fn(&LedgerEntry) -> Option<T>) -> Result<Option<T>> {
        for seq in (1..=self.last()?).rev() {
            if let Some(picked) = pick(&self.entry(seq)?.0) {
                return Ok(Some(picked));
            }
        }
        Ok(None)
    }

    /// The entries after `seq`, in order.
    ///
    /// # Errors
    /// An evidence error when an entry is missing or unreadable.
    pub fn after(&self, seq: u64) -> Result<Vec<LedgerEntry>> {
        (seq + 1..=self.last()?).map(|seq| Ok(self.entry(seq)?.0)).collect()
    }

    /// The entries from the newest one that `wanted` picks, in order; none when it picks none.
    ///
    /// # Errors
    /// An evidence error when an entry is missing or unreadable.
    pub fn from(&self, wanted: &dyn Fn(&LedgerEntry) -> bool) -> Result<Option<Vec<LedgerEntry>>> {
        let mut entries = Vec::new();
        for seq in (1..=self.last()?).rev() {
            let (entry, _) = self.entry(seq)?;
            let found = wanted(&entry);
            entries.push(entry);
            if found {
                entries.reverse();
                return Ok(Some(entries));
            }
        }
        Ok(None)
    }

    /// The first of the entries at the end that are later than `now`.
    ///
    /// # Errors
    /// An evidence error when an entry is missing or unreadable.
    pub fn ahead_of(&self, now: Instant) -> Result<Option<LedgerEntry>> {
        let mut first = None;
        for seq in (1..=self.last()?).rev() {
            let (entry, _) = self.entry(seq)?;
            if entry.at <= now {
                break;
            }
            first = Some(entry);
        }
        Ok(first)
    }

    /// Whether this very entry is in the ledger. It is asked for itself, so a listing that lags behind does not matter.
    ///
    /// # Errors
    /// A storage error when the store is away.
    pub fn has(&self, head: &Head) -> Result<bool> {
        if head.seq == 0 {
            return Ok(head.digest == GENESIS);
        }
        if let Some((_, digest)) = self.read.lock().ok().and_then(|read| read.get(&head.seq).cloned()) {
            return Ok(digest == head.digest);
        }
        Ok(self.root.get(&path(head.seq))?.is_some_and(|bytes| digest(&bytes) == head.digest))
    }

    /// The last entry's number and digest.
    ///
    /// # Errors
    /// An evidence error when a number is missing, a storage error when the store is away.
    pub fn head(&self) -> Result<Head> {
        match self.last()? {
            0 => Ok(Head { seq: 0, digest: GENESIS.into() }),
            seq => Ok(Head { seq, digest: self.entry(seq)?.1 }),
        }
    }

    /// Appends an entry. When the run has that entry already (its answer was lost, or the run begins again), nothing is
    /// written and the head is returned as it is. Two writers at once both get in, one after the other.
    ///
    /// # Errors
    /// An evidence error when the ledger has a hole, a storage error when the store is away; appending again is safe.
    pub fn append(&self, of: RunRef<'_>, event: LedgerEvent, now: Instant) -> Result<Head> {
        loop {
            let head = self.head()?;
            let before = if head.seq == 0 { None } else { Some(self.entry(head.seq)?.0) };
            if self.holds(head.seq, of, &event)? {
                return Ok(head);
            }
            let entry = LedgerEntry {
                format: FORMAT,
                seq: head.seq + 1,
                prev: head.digest,
                at: before.map_or(now, |entry| entry.at.max(now)),
                run: of.run.into(),
                attempt: of.attempt,
                event: event.clone(),
            };
            let bytes = super::record(&entry)?;
            let head = Head { seq: entry.seq, digest: digest(&bytes) };
            if self.root.create(&path(entry.seq), bytes)? == Created::New {
                self.keep(head.seq, &entry, &head.digest);
                return Ok(head);
            }
        }
    }

    /// Whether one of the entries since the run began is this one.
    fn holds(&self, last: u64, of: RunRef<'_>, event: &LedgerEvent) -> Result<bool> {
        let since = of.since.0.saturating_sub(CLOCK_SLACK);
        for seq in (1..=last).rev() {
            let (entry, _) = self.entry(seq)?;
            if entry.at.0 < since {
                return Ok(false);
            }
            let same = entry.run == of.run && entry.event.kind() == event.kind();
            if same && (event.once_per_run() || entry.attempt == of.attempt) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn last(&self) -> Result<u64> {
        let numbers = numbers(&self.root)?;
        match numbers.iter().zip(1..).find(|(found, expected)| **found != *expected) {
            None => self.beyond(numbers.len() as u64),
            Some((_, missing)) => {
                Err(Error::new(Code::StatePartMissing, format!("{} is missing", self.root.display(&path(missing))))
                    .help("run `tamis verify`; bring the entry back from a copy of the state"))
            }
        }
    }

    /// The last entry after `listed`: what a listing that lags behind lacks is asked for by name. Who appended to an older
    /// end would find that place taken again and again.
    fn beyond(&self, listed: u64) -> Result<u64> {
        let mut last = listed;
        while self.root.may_lag() && self.root.head(&path(last + 1))?.is_some() {
            last += 1;
        }
        Ok(last)
    }

    fn entry(&self, seq: u64) -> Result<(LedgerEntry, String)> {
        if let Some(known) = self.read.lock().ok().and_then(|read| read.get(&seq).cloned()) {
            return Ok(known);
        }
        let (entry, _, digest) = read(&self.root, seq)?;
        self.keep(seq, &entry, &digest);
        Ok((entry, digest))
    }

    fn keep(&self, seq: u64, entry: &LedgerEntry, digest: &str) {
        if let Ok(mut read) = self.read.lock() {
            read.insert(seq, (entry.clone(), digest.into()));
        }
    }
}

/// Reads one entry: parsed, its bytes, its digest.
pub(super) fn read(root: &Root, seq: u64) -> Result<(LedgerEntry, Vec<u8>, String)> {
    let place = root.display(&path(seq));
    let bytes =
        root.get(&path(seq))?.ok_or_else(|| Error::new(Code::StatePartMissing, format!("{place} is missing")))?;
    let entry = super::parse::<LedgerEntry>(&bytes).ok_or_else(|| {
        Error::new(Code::StatePartUnreadable, format!("{place} cannot be read as an entry"))
            .help("it was changed, or a newer tamis wrote it; run `tamis verify` of the newest version")
    })?;
    let digest = digest(&bytes);
    Ok((entry, bytes, digest))
}

/// Numbers of the entries there are, ascending.
pub(super) fn numbers(root: &Root) -> Result<Vec<u64>> {
    let names = root.list(FOLDER)?;
    let number = |path: &str| path.strip_prefix("ledger/")?.strip_suffix(".json")?.parse().ok();
    let mut numbers: Vec<u64> = names.iter().filter_map(|object| number(&object.path)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

pub(super) fn path(seq: u64) -> String {
    format!("{FOLDER}/{seq:012}.json")
}
