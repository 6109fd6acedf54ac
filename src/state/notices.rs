//! What recipients have to be told of: `recipients/<recipient>/notices/<number>.json`, create-only and numbered without a gap;
//! and the tokens of former epochs, by which a recipient may still know a person. Must not know raw values nor keys.

use super::{FORMAT, State, parsed};
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::{self, LedgerEntry, LedgerEvent, RunRef, digest};
use crate::store::{Created, Root};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

const FOLDER: &str = "recipients";
const ATTEMPTS: usize = 20;
const FORMER_MAGIC: &[u8; 8] = b"tamisold";

/// Persons of one dataset whom requests have taken out, as their recipient knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Format of the file.
    pub format: u32,
    /// Its number among those of the recipient, from 1.
    pub number: u64,
    /// When it was written.
    pub at: Instant,
    /// The job whose dataset it is about.
    pub job: String,
    /// `ROOT:path` of the table.
    pub dataset: String,
    /// The tokens, in no particular order.
    pub items: Vec<NoticeItem>,
}

/// One token that somebody has to do something about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NoticeItem {
    /// The token, in the recipient's own domain; empty once the recipient has answered and no version has it any more.
    pub token: String,
    /// Epoch of the token.
    pub epoch: String,
    /// What was asked for.
    pub effect: String,
    /// When it was received.
    pub received: Instant,
    /// When it is due.
    pub due: Instant,
    /// The last version that had the token.
    pub last_version: u64,
    /// Id of the stored request, in hex.
    pub entry: String,
}

/// A token of a former epoch, and the first half of the identity that it is made of.
pub type FormerToken = ([u8; 16], [u8; 16]);

impl State {
    /// Reads what a recipient has to be told of, in order, and compares it with the ledger.
    ///
    /// # Errors
    /// An evidence error when one cannot be read, is missing or was changed; storage errors.
    pub fn notices(&self, recipient: &str, ledger: &[LedgerEntry]) -> Result<Vec<Notice>> {
        let (told, answered) = (told(ledger, recipient), last_answered(ledger, recipient));
        let mut notices: Vec<Notice> = Vec::new();
        for object in self.root.list(&folder(recipient))? {
            let Some(bytes) = self.root.get(&object.path)? else { continue };
            let notice: Notice = parsed(&self.root, &object.path, &bytes)?;
            // Tokens are taken out of notices that were answered.
            let known = told.get(&notice.number).filter(|_| notice.number > answered);
            if known.is_some_and(|known| digest(&bytes) != **known) {
                let place = self.root.display(&object.path);
                return Err(Error::new(
                    Code::StatePartChanged,
                    format!("{place} is not the notice that the ledger has"),
                )
                .help("restore it from a backup of state: the recipient would be told something else"));
            }
            notices.push(notice);
        }
        notices.sort_by_key(|notice| notice.number);
        let newest = told.keys().next_back().copied().unwrap_or(0).max(notices.len() as u64);
        let there = |number: &u64| notices.get(*number as usize - 1).is_some_and(|there| there.number == *number);
        match (1..=newest).find(|number| !there(number)) {
            None => Ok(notices),
            Some(number) => {
                Err(Error::new(Code::StatePartMissing, format!("notice {number} to recipient {recipient} is missing"))
                    .help("restore state:recipients from a backup: the recipient would not be told"))
            }
        }
    }

    /// Checks the notices to every recipient that the ledger has, and returns how many there are.
    ///
    /// # Errors
    /// Evidence, when one is missing or was changed; storage errors.
    pub fn check_notices(&self) -> Result<u64> {
        let of = |entry: &LedgerEntry| match &entry.event {
            LedgerEvent::RecipientNoticed { recipient, .. } => Some(recipient.clone()),
            _ => None,
        };
        let ledger = self.ledger.entries()?;
        let recipients: BTreeSet<String> = ledger.iter().filter_map(of).collect();
        recipients.iter().map(|recipient| Ok(self.notices(recipient, &ledger)?.len() as u64)).sum()
    }

    /// Writes a notice under the next number, and into the ledger.
    ///
    /// # Errors
    /// Storage errors; those of `notices`.
    pub fn add_notice(&self, recipient: &str, notice: Notice, ledger: &[LedgerEntry]) -> Result<u64> {
        for _ in 0..ATTEMPTS {
            let number = self.notices(recipient, ledger)?.len() as u64 + 1;
            let notice = Notice { format: FORMAT, number, ..notice.clone() };
            let bytes = evidence::json(&notice)?;
            let event = LedgerEvent::RecipientNoticed {
                recipient: recipient.into(),
                job: notice.job.clone(),
                number,
                tokens: notice.items.len() as u64,
                notice: digest(&bytes),
            };
            if self.root.create(&format!("{}/{number:010}.json", folder(recipient)), bytes)? == Created::New {
                let run = format!("notice-{recipient}-{number}");
                self.ledger.append(RunRef { run: &run, attempt: 1, since: notice.at }, event, notice.at)?;
                return Ok(number);
            }
        }
        Err(Error::new(Code::Overtaken, "other processes keep writing notices at the same time"))
    }

    /// Takes the tokens out of an answered notice, and those of former epochs with them: nobody has to be told of them any
    /// more. That there was a notice, and for which request, stays.
    ///
    /// # Errors
    /// Storage errors.
    pub fn forget_tokens(&self, recipient: &str, mut notice: Notice) -> Result<()> {
        let tokens: BTreeSet<String> = notice.items.iter_mut().map(|item| std::mem::take(&mut item.token)).collect();
        for object in self.root.list(&format!("{FOLDER}/{recipient}/former/{}", notice.job))? {
            let records = self.former_records(&object.path)?;
            let left: Vec<FormerToken> =
                records.iter().filter(|(_, token)| !tokens.contains(&in_hex(token))).copied().collect();
            if left.len() < records.len() {
                self.root.put(&object.path, former_bytes(&left))?;
            }
        }
        self.root.put(&format!("{}/{:010}.json", folder(recipient), notice.number), evidence::json(&notice)?)
    }

    /// Keeps the tokens of one file of a former epoch; what is there stays.
    ///
    /// # Errors
    /// Storage errors.
    pub fn keep_former(&self, of: &FormerFile<'_>, mut tokens: Vec<FormerToken>) -> Result<()> {
        tokens.sort_unstable();
        tokens.dedup();
        self.root.create(&of.path(), former_bytes(&tokens)).map(|_| ())
    }

    /// Whether the tokens of a file of a former epoch are kept.
    ///
    /// # Errors
    /// Storage errors.
    pub fn has_former(&self, of: &FormerFile<'_>) -> Result<bool> {
        Ok(self.root.head(&of.path())?.is_some())
    }

    /// Calls `each` with the tokens of former epochs of a job's dataset, sorted by person, with epoch and last version.
    ///
    /// # Errors
    /// An evidence error when a file is no such file; storage errors.
    pub fn former(&self, recipient: &str, job: &str, each: &mut dyn FnMut(&str, u64, &[FormerToken])) -> Result<()> {
        let prefix = format!("{FOLDER}/{recipient}/former/{job}");
        for object in self.root.list(&prefix)? {
            let mut parts = object.path[prefix.len()..].split('/').skip(1);
            let (epoch, version) = (parts.next().unwrap_or_default(), parts.next().and_then(|text| text.parse().ok()));
            let version = version.ok_or_else(|| unreadable(&self.root, &object.path))?;
            each(epoch, version, &self.former_records(&object.path)?);
        }
        Ok(())
    }

    fn former_records(&self, path: &str) -> Result<Vec<FormerToken>> {
        let bytes = self.root.get(path)?.unwrap_or_default();
        let body = bytes.strip_prefix(FORMER_MAGIC).map(<[u8]>::as_chunks::<32>);
        let Some((records, [])) = body else { return Err(unreadable(&self.root, path)) };
        let pair = |record: &[u8; 32]| {
            let (mut person, mut token) = ([0; 16], [0; 16]);
            person.copy_from_slice(&record[..16]);
            token.copy_from_slice(&record[16..]);
            (person, token)
        };
        Ok(records.iter().map(pair).collect())
    }
}

/// A file of a former epoch.
pub struct FormerFile<'a> {
    /// Name of the recipient of the file.
    pub recipient: &'a str,
    /// The job whose dataset it was of.
    pub job: &'a str,
    /// Epoch of its tokens.
    pub epoch: &'a str,
    /// The last version that had it.
    pub version: u64,
    /// Its name, without folders.
    pub name: &'a str,
}

impl FormerFile<'_> {
    fn path(&self) -> String {
        let FormerFile { recipient, job, epoch, version, name } = self;
        format!("{FOLDER}/{recipient}/former/{job}/{epoch}/{version}/{name}.tokens")
    }
}

fn former_bytes(tokens: &[FormerToken]) -> Vec<u8> {
    let mut bytes = FORMER_MAGIC.to_vec();
    tokens.iter().for_each(|(person, token)| bytes.extend(person.iter().chain(token)));
    bytes
}

/// Returns the number of the last notice that a recipient has answered, by the ledger; 0 for none.
pub fn last_answered(ledger: &[LedgerEntry], recipient: &str) -> u64 {
    let answer = |entry: &LedgerEntry| match &entry.event {
        LedgerEvent::RecipientAnswered { recipient: of, up_to, .. } if of == recipient => Some(*up_to),
        _ => None,
    };
    ledger.iter().filter_map(answer).max().unwrap_or(0)
}

/// Returns the digests of a recipient's notices, by their numbers, as the ledger has them.
fn told<'l>(ledger: &'l [LedgerEntry], recipient: &str) -> BTreeMap<u64, &'l String> {
    let noticed = |entry: &'l LedgerEntry| match &entry.event {
        LedgerEvent::RecipientNoticed { recipient: of, number, notice, .. } if of == recipient => {
            Some((*number, notice))
        }
        _ => None,
    };
    ledger.iter().filter_map(noticed).collect()
}

/// Returns a token or an id as notices have it: 32 hex digits.
pub fn in_hex(bytes: &[u8; 16]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn folder(recipient: &str) -> String {
    format!("{FOLDER}/{recipient}/notices")
}

fn unreadable(root: &Root, path: &str) -> Error {
    Error::new(Code::StatePartUnreadable, format!("{} is no list of tokens", root.display(path)))
        .help("restore it from a backup of state")
}
