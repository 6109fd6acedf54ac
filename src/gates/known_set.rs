//! R38: a set that is older than the one published last, or whose bytes have changed since it was published, needs a
//! person's word.

use super::{Judges, Observed, SetDoubt, Veto};
use crate::error::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether the set is the one to publish (R38).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownSet {
    /// The set.
    pub set: String,
    /// What is odd about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
    #[serde(skip)]
    help: String,
}

impl Judges for KnownSet {
    const RULE: &'static str = "R38";
    const OF_ROWS_READ: bool = false;

    fn observe(run: &Observed<'_>) -> Option<Self> {
        let (doubt, help) = match run.reading.doubt.clone() {
            Some(SetDoubt { what, help }) => (Some(what), help),
            None => (None, String::new()),
        };
        Some(KnownSet { set: run.reading.set.clone()?, doubt, help })
    }

    fn veto(&self) -> Option<Veto> {
        let (help, kind) = (self.help.clone(), Kind::Gate);
        self.doubt.clone().map(|message| Veto { message, help, acceptable: true, kind })
    }

    fn words(&self) -> String {
        let doubt = self.doubt.as_deref().unwrap_or("as it was, or newer than the one published last");
        format!("set {}: {doubt}", self.set)
    }
}
