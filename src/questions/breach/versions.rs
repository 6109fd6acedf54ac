//! Which versions of a table somebody could read in a time, and what is left of them: from ledger, manifests and
//! records of datasets alone.

use super::asked::BreachAsked;
use crate::clock::{self, Instant, Period};
use crate::error::Result;
use crate::evidence::{LedgerEntry, LedgerEvent, Manifest};
use crate::state::{Dataset, PublishedFile, State};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// A table, and its names in the ledger.
pub(super) struct BreachTable {
    pub dataset: Dataset,
    pub names: Vec<String>,
}

/// A version that somebody could read.
pub(super) struct ReadableVersion {
    pub manifest: Manifest,
    /// When it was published.
    pub from: Instant,
    /// When another version took its place.
    pub replaced: Option<Instant>,
    /// When its last file that no later version has was removed, at the latest.
    pub removed: Option<Instant>,
}

/// A file of these versions, once.
pub(super) struct ReadableFile {
    /// Rows in it.
    pub rows: u64,
    /// Its companion; none when both are gone.
    pub companion: Option<String>,
}

/// A version by what the ledger says of it.
struct Spanned<'a> {
    entry: &'a LedgerEntry,
    manifest: &'a str,
    replaced: Option<Instant>,
}

impl BreachTable {
    /// Returns the versions that could be read between two times, the oldest first.
    ///
    /// # Errors
    /// Evidence errors of manifests; storage errors.
    pub fn readable(
        &self,
        state: &State,
        entries: &[LedgerEntry],
        (asked, until, grace): (&BreachAsked, Instant, &Period),
    ) -> Result<Vec<ReadableVersion>> {
        let waiting = self.waiting();
        let mut found = Vec::new();
        for span in self.spans(entries) {
            let manifest = state.manifest(&span.entry.run, span.entry.attempt, span.manifest)?;
            let removed = span.replaced.and_then(|at| self.removed(entries, &manifest, &waiting, (at, grace)));
            let before = asked.from.is_some_and(|from| removed.is_some_and(|removed| removed <= from));
            if before || span.entry.at > until || !is_of(asked, &manifest) {
                continue;
            }
            found.push(ReadableVersion { manifest, from: span.entry.at, replaced: span.replaced, removed });
        }
        Ok(found)
    }

    fn spans<'a>(&self, entries: &'a [LedgerEntry]) -> Vec<Spanned<'a>> {
        let mut spans: Vec<Spanned<'a>> = Vec::new();
        for entry in entries {
            let (LedgerEvent::Published { job, manifest, .. } | LedgerEvent::Swept { job, manifest, .. }) =
                &entry.event
            else {
                continue;
            };
            if self.names.contains(job) {
                if let Some(last) = spans.last_mut() {
                    last.replaced = Some(entry.at);
                }
                spans.push(Spanned { entry, manifest, replaced: None });
            }
        }
        spans
    }

    /// Files that are there still: of the current version, and of those that wait for removal.
    fn files_there(&self) -> BTreeMap<&str, &PublishedFile> {
        let current = self.dataset.current.iter().flat_map(|current| &current.files);
        let waiting = self.dataset.replaced.iter().flat_map(|replaced| &replaced.files);
        current.chain(waiting).map(|file| (file.path.as_str(), file)).collect()
    }

    /// Paths of files that only replaced versions have, and that are there still.
    fn waiting(&self) -> BTreeSet<&str> {
        fn paths(files: &[PublishedFile]) -> impl Iterator<Item = &str> {
            files.iter().map(|file| file.path.as_str())
        }
        let current: BTreeSet<&str> = self.dataset.current.iter().flat_map(|current| paths(&current.files)).collect();
        let replaced = self.dataset.replaced.iter().flat_map(|replaced| paths(&replaced.files));
        replaced.filter(|path| !current.contains(path)).collect()
    }

    /// When the files of a version that no later one has were removed: by the first removal after their grace, unless a
    /// hold kept files then. What is there still was not removed.
    fn removed(
        &self,
        entries: &[LedgerEntry],
        manifest: &Manifest,
        waiting: &BTreeSet<&str>,
        (replaced, grace): (Instant, &Period),
    ) -> Option<Instant> {
        if manifest.output.files.iter().any(|file| waiting.contains(file.path.as_str())) {
            return None;
        }
        let due = clock::add(replaced, grace, &TimeZone::UTC);
        entries.iter().filter(|entry| entry.at >= replaced).find_map(|entry| match &entry.event {
            LedgerEvent::Removed { job, held: 0, .. } if entry.at >= due && self.names.contains(job) => Some(entry.at),
            LedgerEvent::Retired { job, .. } if self.names.contains(job) => Some(entry.at),
            _ => None,
        })
    }

    /// Returns each file of versions once, as far as its path is meant.
    pub fn files(&self, versions: &[ReadableVersion], asked: &BreachAsked) -> BTreeMap<String, ReadableFile> {
        let there = self.files_there();
        let of = versions.iter().flat_map(|version| &version.manifest.output.files);
        let meant = of.filter(|file| asked.has_path(&file.path));
        let readable = |file: &crate::evidence::manifest::File| {
            let companion = there.get(file.path.as_str()).map(|there| there.companion.clone());
            (file.path.clone(), ReadableFile { rows: file.rows, companion })
        };
        meant.map(readable).collect()
    }
}

fn is_of(asked: &BreachAsked, manifest: &Manifest) -> bool {
    let key = |id: &String| [&manifest.keys.identity, &manifest.keys.token].contains(&id);
    let recipient = |name: &String| manifest.recipient.as_ref() == Some(name);
    asked.key.as_ref().is_none_or(key) && asked.recipient.as_ref().is_none_or(recipient)
}
