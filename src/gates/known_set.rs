//! R38: a set that is older than the one published last, or whose bytes have changed since it was published, needs a
//! person's word.

use super::judges::Judges;
use super::observed::{Observed, SetDoubt};
use super::veto::Veto;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether the set is the one to publish (R38).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownSet {
    /// Name of the set that was read.
    pub set: String,
    /// What is odd about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
    /// Of the doubt, what to do.
    #[serde(skip)]
    veto: Option<Veto>,
}

impl Judges for KnownSet {
    const RULE: &'static str = "R38";
    const OF_ROWS_READ: bool = false;

    fn observe(run: &Observed<'_>) -> Option<Self> {
        let veto = |doubt: SetDoubt| {
            let SetDoubt { code, what: message, help } = doubt;
            Veto { code, message, help, acceptable: true }
        };
        let doubt = run.reading.doubt.clone();
        let set = run.reading.set.clone()?;
        Some(KnownSet { set, doubt: doubt.as_ref().map(|doubt| doubt.what.clone()), veto: doubt.map(veto) })
    }

    fn veto(&self) -> Option<Veto> {
        self.veto.clone()
    }

    fn words(&self) -> String {
        let doubt = self.doubt.as_deref().unwrap_or("unchanged, or newer than the one published last");
        format!("set {}: {doubt}", self.set)
    }
}
