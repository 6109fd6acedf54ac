//! What recipients have to be told of: `recipients/<recipient>/notices/<number>.json`, create-only and numbered without
//! a gap; and the tokens of former epochs, by which a recipient may still know a person.

use super::{FORMAT, State, parsed};
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::{self, LedgerEntry, LedgerEvent, OwnDigest, RunRef, digest, own_digest};
use crate::store::{Created, Root};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

const FOLDER: &str = "recipients";
const ATTEMPTS: usize = 20;
/// What is asked for where values were corrected (Art. 16 GDPR).
pub const RECTIFY: &str = "rectify";
/// What a list of tokens begins with; it ends with a digest of where it lies and of all bytes before.
const FORMER_MAGIC: &[u8; 8] = b"tamisol2";
/// What lists of earlier builds begin with, which have no digest.
const UNTOLD_MAGIC: &[u8; 8] = b"tamisold";

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
    /// The first half of the person's identity, in hex; empty where the token is, and in notices of earlier builds.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub person: String,
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

/// How many notices and lists of tokens were compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoticesChecked {
    /// Notices to recipients.
    pub notices: u64,
    /// Lists of tokens of former epochs.
    pub former: u64,
    /// Of these, lists of earlier builds, which have no digest of their own.
    pub former_untold: u64,
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
            let changed = || {
                let place = self.root.display(&object.path);
                Error::new(Code::StatePartChanged, format!("{place} is not the notice that was written"))
                    .help("restore it from a backup of state: the recipient would be told something else")
            };
            if own_digest(&bytes) == OwnDigest::Differs {
                return Err(changed());
            }
            let notice: Notice = parsed(&self.root, &object.path, &bytes)?;
            // Tokens are taken out of notices that were answered.
            let known = told.get(&notice.number).filter(|_| notice.number > answered);
            if known.is_some_and(|known| digest(&bytes) != **known) {
                return Err(changed());
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

    /// Checks the notices to every recipient that the ledger has, and what is kept of former epochs.
    ///
    /// # Errors
    /// Evidence, when a notice is missing, or one or a list of tokens was changed; storage errors.
    pub fn check_notices(&self) -> Result<NoticesChecked> {
        let of = |entry: &LedgerEntry| match &entry.event {
            LedgerEvent::RecipientNoticed { recipient, .. } => Some(recipient.clone()),
            _ => None,
        };
        let ledger = self.ledger.entries()?;
        let recipients: BTreeSet<String> = ledger.iter().filter_map(of).collect();
        let mut checked = NoticesChecked::default();
        for recipient in &recipients {
            checked.notices += self.notices(recipient, &ledger)?.len() as u64;
        }
        for object in self.root.list(FOLDER)?.iter().filter(|object| object.path.ends_with(".tokens")) {
            let bytes = self.root.get(&object.path)?.unwrap_or_default();
            self.former_records(&object.path)?;
            checked.former += 1;
            checked.former_untold += u64::from(!bytes.starts_with(FORMER_MAGIC));
        }
        Ok(checked)
    }

    /// Writes a notice under the next number, and into the ledger.
    ///
    /// # Errors
    /// Storage errors; those of `notices`.
    pub fn add_notice(&self, recipient: &str, notice: Notice, ledger: &[LedgerEntry]) -> Result<u64> {
        for _ in 0..ATTEMPTS {
            let number = self.notices(recipient, ledger)?.len() as u64 + 1;
            let notice = Notice { format: FORMAT, number, ..notice.clone() };
            let bytes = evidence::record(&notice)?;
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

    /// Takes tokens out of an answered notice: nobody has to be told of them any more. That there was a notice, and for which
    /// request, stays.
    ///
    /// # Errors
    /// Storage errors.
    pub fn forget_tokens(&self, recipient: &str, mut notice: Notice, gone: &dyn Fn(&NoticeItem) -> bool) -> Result<()> {
        for item in notice.items.iter_mut().filter(|item| gone(item)) {
            item.token.clear();
            item.person.clear();
        }
        self.root.put(&format!("{}/{:010}.json", folder(recipient), notice.number), evidence::record(&notice)?)
    }

    /// Takes tokens out of what is kept of former epochs.
    ///
    /// # Errors
    /// As [`State::former`].
    pub fn forget_former(&self, recipient: &str, jobs: &[String], tokens: &BTreeSet<String>) -> Result<()> {
        for job in jobs {
            for object in self.root.list(&format!("{FOLDER}/{recipient}/former/{job}"))? {
                let records = self.former_records(&object.path)?;
                let left: Vec<FormerToken> =
                    records.iter().filter(|(_, token)| !tokens.contains(&in_hex(token))).copied().collect();
                if left.len() < records.len() {
                    self.root.put(&object.path, former_bytes(&object.path, &left))?;
                }
            }
        }
        Ok(())
    }

    /// Names the recipients of whom something is kept: notices of any job, or tokens of former epochs of one of these.
    ///
    /// # Errors
    /// Storage errors.
    pub fn recipients_of(&self, jobs: &[String]) -> Result<BTreeSet<String>> {
        let name = |path: &str| {
            let mut parts = path.split('/').skip(1);
            let (recipient, what, job) = (parts.next()?, parts.next()?, parts.next()?);
            (what == "notices" || jobs.iter().any(|of| of == job)).then(|| recipient.to_owned())
        };
        Ok(self.root.list(FOLDER)?.iter().filter_map(|object| name(&object.path)).collect())
    }

    /// Keeps the tokens of one file of a former epoch; what is there stays.
    ///
    /// # Errors
    /// Storage errors.
    pub fn keep_former(&self, of: &FormerFile<'_>, mut tokens: Vec<FormerToken>) -> Result<()> {
        tokens.sort_unstable();
        tokens.dedup();
        let path = of.path();
        self.root.create(&path, former_bytes(&path, &tokens)).map(|_| ())
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
        let body = body_of(path, &bytes).map(<[u8]>::as_chunks::<32>);
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

fn former_bytes(path: &str, tokens: &[FormerToken]) -> Vec<u8> {
    let mut bytes = FORMER_MAGIC.to_vec();
    tokens.iter().for_each(|(person, token)| bytes.extend(person.iter().chain(token)));
    let own = former_digest(path, &bytes[FORMER_MAGIC.len()..]);
    bytes.extend_from_slice(own.as_bytes());
    bytes
}

/// The digest that a list of tokens ends with. It is of the path too: a list that lies in another's place would hide whom the
/// recipient knows by that one.
fn former_digest(path: &str, body: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(path.len() as u64).to_le_bytes()).update(path.as_bytes()).update(FORMER_MAGIC).update(body);
    hasher.finalize()
}

/// The records in a list of tokens; none when its bytes were changed. One that ends with a digest was written with it,
/// whatever it begins with.
fn body_of<'b>(path: &str, bytes: &'b [u8]) -> Option<&'b [u8]> {
    let (magic, rest) = bytes.split_at_checked(FORMER_MAGIC.len())?;
    let sealed = rest.split_last_chunk::<32>().filter(|(body, own)| former_digest(path, body) == **own);
    match sealed {
        Some((body, _)) => (magic == FORMER_MAGIC).then_some(body),
        None => (magic == UNTOLD_MAGIC).then_some(rest),
    }
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

/// Reads 32 hex digits, which is how notices have ids, and how a token is shown in both of its formats.
pub fn bytes_of(text: &str) -> Option<[u8; 16]> {
    u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32).map(u128::to_be_bytes)
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
