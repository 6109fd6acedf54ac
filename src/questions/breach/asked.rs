//! What of an installation a breach is about, as it was asked.

use crate::clock::Instant;
use serde::{Deserialize, Serialize};

/// What a breach is about. Everything that is said narrows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct BreachAsked {
    /// Jobs, or `ROOT:path` of tables; none = all.
    pub datasets: Vec<String>,
    /// Root that somebody could read.
    pub root: Option<String>,
    /// Beginning of the paths below that root.
    pub prefix: Option<String>,
    /// Id of a key that somebody got.
    pub key: Option<String>,
    /// Recipient at whom it happened.
    pub recipient: Option<String>,
    /// When it may have begun; none = it may always have been so.
    pub from: Option<Instant>,
    /// When it was over at the latest; none = the moment at which the controller was aware.
    pub until: Option<Instant>,
}

impl BreachAsked {
    /// Returns whether a table is meant.
    pub fn has_table(&self, dataset: &str, names: &[String]) -> bool {
        let root = dataset.split_once(':').map_or("", |(root, _)| root);
        let named = |of: &String| of == dataset || names.contains(of);
        (self.datasets.is_empty() || self.datasets.iter().any(named)) && self.root.as_ref().is_none_or(|of| of == root)
    }

    /// Returns whether a path below its root is meant.
    pub fn has_path(&self, path: &str) -> bool {
        self.prefix.as_ref().is_none_or(|prefix| path.starts_with(prefix.as_str()))
    }
}
