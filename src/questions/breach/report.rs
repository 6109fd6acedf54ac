//! What is said of a breach: as much of Art. 33(3) GDPR as evidence knows, and what it does not know. Must not know how it
//! was found, nor how it is shown.

use super::asked::BreachAsked;
use crate::clock::Instant;
use crate::policy::ContactFacts;
use std::collections::BTreeMap;

/// What a breach concerns.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct BreachReport {
    /// Version of this schema.
    pub schema: &'static str,
    /// Number under which the breach is kept.
    pub number: u64,
    /// The earlier report that this one goes on from (Art. 33(4)).
    pub updates: Option<u64>,
    /// When it was made.
    pub at: Instant,
    /// Name of the controller.
    pub controller: String,
    /// Whom to ask (Art. 33(3)(b)).
    pub contact: ContactFacts,
    /// What of the installation it is about.
    pub asked: BreachAsked,
    /// When it happened, as far as somebody has said it.
    pub occurred: Option<Instant>,
    /// When somebody noticed it.
    pub detected: Option<Instant>,
    /// When the controller was first aware of it: the clock of Art. 33(1) starts, and no later report begins it anew.
    pub aware: Instant,
    /// What is due, and when.
    pub deadlines: Vec<BreachDeadline>,
    /// Why the authority is told late, when somebody has said it (Art. 33(1)).
    pub late_because: Option<String>,
    /// Tables that are concerned, with their versions and fields (Art. 33(3)(a)).
    pub datasets: Vec<BreachedDataset>,
    /// Exports that are concerned.
    pub exports: Vec<BreachedExport>,
    /// Numbers of people, over all tables (Art. 33(3)(a)).
    pub people: BreachedPeople,
    /// Keys, and what a holder of them could undo.
    pub keys: BreachedKeys,
    /// Likely consequences that rules know (Art. 33(3)(c)).
    pub consequences: Vec<String>,
    /// What is done or can be done (Art. 33(3)(d)).
    pub measures: Vec<String>,
    /// What evidence does not know.
    pub not_said: Vec<String>,
}

/// Something that is due.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct BreachDeadline {
    /// The article that sets the time.
    pub law: &'static str,
    /// What has to be done.
    pub what: &'static str,
    /// By when; none where it counts from something that is not known here.
    pub due: Option<Instant>,
    /// Whole hours left; negative once it has passed.
    pub hours_left: Option<i64>,
    /// When the rule was looked up.
    pub looked_up: &'static str,
}

/// A table that is concerned.
#[derive(Clone, Debug, serde::Serialize, schemars::JsonSchema)]
pub struct BreachedDataset {
    /// The table, as `ROOT:path`.
    pub dataset: String,
    /// Name of the job that published it last.
    pub job: String,
    /// Name of the purpose.
    pub purpose: String,
    /// Recipients that got it.
    pub recipients: Vec<String>,
    /// Versions that somebody could read, the oldest first.
    pub versions: Vec<BreachedVersion>,
    /// Fields of these versions.
    pub fields: Vec<BreachedField>,
    /// People in files of which companions are left.
    pub people: u64,
    /// Rows of files that are gone, companions with them: so many people at most.
    pub rows_only: u64,
    /// Rows in the files of these versions: a row that was written anew for a later version counts again.
    pub rows: u64,
    /// The field that says a country, when there is one.
    pub country_field: Option<String>,
    /// People by what that field says, of files that are left.
    pub countries: BTreeMap<String, u64>,
}

/// A version that somebody could read.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct BreachedVersion {
    /// Number of the version.
    pub version: u64,
    /// When it was published.
    pub from: Instant,
    /// When another version took its place.
    pub replaced: Option<Instant>,
    /// When its last file that no later version has was removed for good, at the latest.
    pub removed: Option<Instant>,
    /// Rows in it.
    pub rows: u64,
    /// Id of the token key.
    pub token_key: String,
    /// Epoch of the token key.
    pub epoch: String,
}

/// A field that somebody could read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema)]
pub struct BreachedField {
    /// Name of the field.
    pub name: String,
    /// The column that it is made of.
    pub from: Option<String>,
    /// Category of that column.
    pub category: Option<&'static str>,
    /// What was done to it, with its settings.
    pub treatment: String,
    /// The same in words.
    pub means: &'static str,
}

/// An export that is concerned.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct BreachedExport {
    /// Name of the source.
    pub source: String,
    /// Objects that manifests name, each once.
    pub objects: u64,
    /// Records in them, by the manifests.
    pub records: u64,
    /// Columns that the source declares, with their categories.
    pub columns: BTreeMap<String, &'static str>,
}

/// How many people are concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct BreachedPeople {
    /// Different people over all tables, by their key, of files whose companions are left.
    pub distinct: u64,
    /// Rows of files that are gone: so many further people at most.
    pub rows_only: u64,
    /// Records of exports: nobody has counted the people in them.
    pub records: u64,
    /// Who may be concerned and cannot be counted, in words.
    pub uncounted: Vec<String>,
}

/// Keys, and what they are good for.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct BreachedKeys {
    /// Ids of the identity keys that made tokens of these versions.
    pub identity: Vec<String>,
    /// Ids of token keys, with their epochs.
    pub token: BTreeMap<String, String>,
    /// What a holder can do, by what is held.
    pub effects: Vec<KeyEffect>,
}

/// What somebody who holds something can do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct KeyEffect {
    /// What is held.
    pub holds: &'static str,
    /// What that undoes.
    pub undoes: &'static str,
}

/// What a holder of keys can undo, by the definition of identities and tokens (docs/tokens.md).
pub const KEY_EFFECTS: [KeyEffect; 6] = [
    KeyEffect {
        holds: "published files alone",
        undoes: "no token: but other fields say what they say, and small groups can be singled out",
    },
    KeyEffect {
        holds: "published files and the token key",
        undoes: "no token: tokens are made of identities, which nobody can make without the identity key",
    },
    KeyEffect {
        holds: "published files and the identity key",
        undoes: "no token: identities of guessed values can be made, and not the tokens of them",
    },
    KeyEffect {
        holds: "published files, the identity key and the token key",
        undoes: "the tokens of everybody whose id, address or number can be guessed or is known, in all versions of that epoch",
    },
    KeyEffect {
        holds: "companions, or all of `state`, without keys",
        undoes: "which rows of several tables are of one person, and who has asked for something: keyed hashes, no values",
    },
    KeyEffect {
        holds: "companions, or all of `state`, and the identity key",
        undoes: "the rows, and the requests, of everybody whose id, address or number can be guessed or is known, in every epoch",
    },
];
