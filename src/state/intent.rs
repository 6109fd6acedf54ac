//! The intent of a run: pinned before anything is read, so that a repeated run reads the same or stops.
//! Also the attempts of a run and where its manifest goes. Must not know raw values.

use super::{FORMAT, State, load};
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::{self, Head, LedgerEvent, Manifest, RunRef, Witness, manifest};
use crate::store::{Created, Object};
use serde::{Deserialize, Serialize};

/// What a run has pinned: `runs/<run>/intent.json`, create-only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Id of the run that begins.
    pub run: String,
    /// Name of the job that runs.
    pub job: String,
    /// When it was written.
    pub at: Instant,
    /// Instant the rules are applied at.
    pub as_of: Instant,
    /// Digest of the specs as written.
    pub plan: String,
    /// Digest of the policy.
    pub policy: String,
    /// The set to read, when the input has sets.
    pub set: Option<String>,
    /// The objects to read, observed ones included, in path order.
    pub objects: Vec<Pin>,
    /// Version of the table it replaces; none when there is none.
    pub replaces: Option<u64>,
    /// Number of the newest segment of stored requests.
    pub segment: u64,
    /// Number of the dataset's record when it began.
    #[serde(default)]
    pub record: u64,
    /// What ledger and stored requests were like then.
    #[serde(default)]
    pub witness: Option<Witness>,
}

/// An object as it was before it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// Where the object is, as `ROOT:path`.
    pub object: String,
    /// Length that it had then.
    pub bytes: u64,
    /// Entity tag that it had then, where the store has any.
    pub etag: Option<String>,
    /// Version that it had then, where the store has any.
    pub version: Option<String>,
}

impl Pin {
    /// Of a listed object in the root of that name.
    pub fn of(root: &str, object: &Object) -> Pin {
        Pin {
            object: format!("{root}:{}", object.path),
            bytes: object.bytes,
            etag: object.etag.clone(),
            version: object.version.clone(),
        }
    }
}

/// One digest over pinned objects, in their order: equal exactly when names, lengths, tags and versions are.
pub fn pins(objects: &[Pin]) -> String {
    let mut hasher = blake3::Hasher::new();
    for pin in objects {
        hasher.update(&pin.bytes.to_le_bytes());
        for part in [Some(&pin.object), pin.etag.as_ref(), pin.version.as_ref()] {
            let length = part.map_or(u64::MAX, |text| text.len() as u64);
            hasher.update(&length.to_le_bytes());
            hasher.update(part.map_or("", String::as_str).as_bytes());
        }
    }
    hasher.finalize().to_hex().to_string()
}

#[derive(Serialize, Deserialize)]
struct Attempt {
    format: u32,
    /// Which attempt of which run it is; an earlier tamis did not say.
    #[serde(default)]
    run: Option<String>,
    #[serde(default)]
    attempt: Option<u32>,
    at: Instant,
    nonce: String,
    /// The version that its commit would make.
    #[serde(default)]
    makes: Option<u64>,
}

/// Where an attempt comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// When it began: no file of it is older.
    pub at: Instant,
    /// The version that its commit would make: once that is there, it cannot commit any more.
    pub makes: u64,
}

impl Intent {
    /// The version that its commit would make.
    pub fn makes(&self) -> u64 {
        self.replaces.map_or(0, |replaced| replaced + 1)
    }

    /// Which run this is, for entries of the ledger.
    pub fn of(&self, attempt: u32) -> RunRef<'_> {
        RunRef { run: &self.run, attempt, since: self.at }
    }
}

impl State {
    /// Begins a run: writes its intent, create-only, and its entry in the ledger. `Exists` means that the run had begun
    /// before with another intent (`at` counts): go on with [`State::stored_intent`], which is then the one in force.
    ///
    /// # Errors
    /// A storage error; beginning again is safe.
    pub fn intent(&self, run: &str, intent: &Intent) -> Result<Created> {
        let bytes = evidence::json(intent)?;
        let digest = evidence::digest(&bytes);
        let created = self.root.create(&intent_path(run), bytes)?;
        if created == Created::New {
            self.note_intent(intent, digest)?;
        }
        Ok(created)
    }

    /// Begins a run or sweep that is none before it: gives its intent the first id that is free, and stores it. `kind`
    /// stands before the number.
    ///
    /// # Errors
    /// As [`State::intent`].
    pub fn begin(&self, intent: &mut Intent, kind: &str) -> Result<()> {
        for number in 1u64.. {
            intent.run = format!("{}-{}-{kind}{number}", intent.job, stamp(intent.as_of));
            if self.intent(&intent.run, intent)? == Created::New {
                break;
            }
        }
        Ok(())
    }

    /// The intent of a run that began before. Its entry in the ledger is made up for when a crash lost it.
    ///
    /// # Errors
    /// An evidence error when it cannot be read.
    pub fn stored_intent(&self, run: &str) -> Result<Option<Intent>> {
        let Some(bytes) = self.root.get(&intent_path(run))? else { return Ok(None) };
        let Some(intent) = load::<Intent>(&self.root, &intent_path(run))? else { return Ok(None) };
        self.note_intent(&intent, evidence::digest(&bytes))?;
        Ok(Some(intent))
    }

    /// Whether a run of this id has begun.
    ///
    /// # Errors
    /// A storage error when the store is away.
    pub fn has_begun(&self, run: &str) -> Result<bool> {
        Ok(self.root.head(&intent_path(run))?.is_some())
    }

    fn note_intent(&self, intent: &Intent, digest: String) -> Result<Head> {
        let Intent { job, as_of, plan, segment, record, .. } = intent.clone();
        let event = LedgerEvent::Intent { job, as_of, plan, intent: digest, segment, record };
        self.ledger.append(intent.of(1), event, intent.at)
    }

    /// Takes the next attempt of a run, from 1; its commit would make version `makes`. `nonce` is random text, so that
    /// two processes never get the same one.
    ///
    /// # Errors
    /// A storage error when the store is away.
    pub fn next_attempt(&self, run: &str, nonce: &str, makes: u64, now: Instant) -> Result<u32> {
        let taken = self.root.list(&format!("runs/{run}/attempts"))?;
        let number = |path: &str| path.rsplit('/').next()?.strip_suffix(".json")?.parse::<u32>().ok();
        let mut next = taken.iter().filter_map(|object| number(&object.path)).max().unwrap_or(0) + 1;
        let record = |next| {
            let (run, nonce) = (Some(run.to_owned()), nonce.to_owned());
            evidence::record(&Attempt { format: FORMAT, run, attempt: Some(next), at: now, nonce, makes: Some(makes) })
        };
        while self.root.create(&attempt_path(run, next), record(next)?)? == Created::Exists {
            next += 1;
        }
        Ok(next)
    }

    /// Where an attempt comes from, by its record or, of a run that has only one, by its intent. None for a run that
    /// never began: nobody can commit it.
    ///
    /// # Errors
    /// An evidence error when a record cannot be read.
    pub fn origin(&self, run: &str, attempt: u32) -> Result<Option<Origin>> {
        let Some(intent) = load::<Intent>(&self.root, &intent_path(run))? else { return Ok(None) };
        let first = Origin { at: intent.at, makes: intent.makes() };
        let attempt = load::<Attempt>(&self.root, &attempt_path(run, attempt))?;
        Ok(Some(attempt.map_or(first, |own| Origin { at: own.at, makes: own.makes.unwrap_or(first.makes) })))
    }

    /// Stores the manifest of an attempt, before the commit that carries its digest.
    ///
    /// # Errors
    /// An evidence error when it does not balance, or the attempt has another manifest already.
    pub fn put_manifest(&self, manifest: &Manifest) -> Result<String> {
        let bytes = manifest.bytes()?;
        let digest = evidence::digest(&bytes);
        let path = manifest::path(&manifest.run, manifest.attempt);
        match self.root.create(&path, bytes)? {
            Created::New => Ok(digest),
            Created::Exists => {
                Err(Error::new(Code::StatePartChanged, format!("{} holds another manifest", self.root.display(&path)))
                    .help("run again: a new attempt writes its own"))
            }
        }
    }

    /// The manifest of an attempt, to go on after a crash between commit and ledger; its digest must be the commit's.
    ///
    /// # Errors
    /// An evidence error when it is missing, unreadable or not the one with that digest.
    pub fn manifest(&self, run: &str, attempt: u32, digest: &str) -> Result<Manifest> {
        let path = manifest::path(run, attempt);
        let place = self.root.display(&path);
        let bytes = self.root.get(&path)?.ok_or_else(|| super::missing(&place))?;
        if evidence::digest(&bytes) != digest {
            let changed = format!("{place} is not the manifest that the published version names");
            return Err(Error::new(Code::StatePartChanged, changed)
                .help("run `tamis verify`, and bring it back from a copy of the state"));
        }
        serde_json::from_slice(&bytes).map_err(|_| {
            Error::new(Code::StatePartUnreadable, format!("{place} cannot be read as a manifest"))
                .help("a newer tamis wrote it: use that version")
        })
    }
}

/// An instant as it stands in the id of a run.
pub fn stamp(instant: Instant) -> String {
    instant.to_string().chars().filter(|c| !"-:".contains(*c)).collect::<String>().to_lowercase()
}

fn intent_path(run: &str) -> String {
    evidence::intent_path(run)
}

fn attempt_path(run: &str, attempt: u32) -> String {
    format!("runs/{run}/attempts/{attempt:06}.json")
}
