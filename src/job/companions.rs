//! Companions of some files as rows that links are followed over and rules are applied to.

use crate::decide::{self, Carrier, Carriers, Consent};
use crate::error::{Kind, Result};
use crate::evidence::changed;
use crate::publish::{CompanionGroup, CompanionPart, Companions};
use crate::store::Root;
use std::sync::atomic::{AtomicBool, Ordering};

/// Companions in `state`, one after the other.
pub struct CompanionFiles<'a> {
    state: &'a Root,
    paths: Vec<String>,
    slots: usize,
    /// BLAKE3 of each, when a manifest names them.
    digests: Vec<String>,
    /// Whether each has been found to be what its manifest names, by the first who opened it.
    same: Vec<AtomicBool>,
}

impl<'a> CompanionFiles<'a> {
    /// Of these paths; looks into each file's footer.
    ///
    /// # Errors
    /// Evidence, when one is missing or is no companion; storage errors.
    pub fn open(state: &'a Root, paths: Vec<String>) -> Result<CompanionFiles<'a>> {
        let mut found = CompanionFiles::none(state);
        for path in paths {
            found.slots = found.slots.max(Companions::open(state, &path)?.identities());
            found.paths.push(path);
        }
        Ok(found)
    }

    /// Of these paths, each with the BLAKE3 that its manifest has: who first opens one compares it.
    ///
    /// # Errors
    /// As `open`.
    pub fn named(state: &'a Root, files: Vec<(String, String)>) -> Result<CompanionFiles<'a>> {
        let (paths, digests): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        let same = paths.iter().map(|_| AtomicBool::new(false)).collect();
        Ok(CompanionFiles { digests, same, ..Self::open(state, paths)? })
    }

    /// Of these paths, as far as they are there and can be read: what is lost of a version that is no longer current
    /// stops nobody.
    ///
    /// # Errors
    /// Storage errors.
    pub fn readable(state: &'a Root, paths: Vec<String>) -> Result<CompanionFiles<'a>> {
        let mut found = CompanionFiles::none(state);
        for path in paths {
            match Companions::open(state, &path) {
                Ok(companions) => {
                    found.slots = found.slots.max(companions.identities());
                    found.paths.push(path);
                }
                Err(error) if error.kind() == Kind::Evidence => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn none(state: &'a Root) -> CompanionFiles<'a> {
        CompanionFiles { state, paths: Vec::new(), slots: 0, digests: Vec::new(), same: Vec::new() }
    }

    /// All that are stored below some prefixes, whatever version they are of.
    ///
    /// # Errors
    /// As `open`.
    pub fn below<'p>(state: &'a Root, prefixes: impl IntoIterator<Item = &'p str>) -> Result<CompanionFiles<'a>> {
        let mut paths = Vec::new();
        for prefix in prefixes {
            let objects = state.list(prefix)?.into_iter().map(|object| object.path);
            paths.extend(objects.filter(|path| path.ends_with(".parquet")));
        }
        Self::open(state, paths)
    }
}

impl CompanionFiles<'_> {
    /// Opens one of them.
    ///
    /// # Errors
    /// Evidence, when it is not the one that its manifest names, or no companion; storage errors.
    pub(crate) fn companion(&self, at: usize, part: CompanionPart) -> Result<Companions> {
        let path = &self.paths[at];
        let Some(digest) = self.digests.get(at).filter(|_| !self.same[at].load(Ordering::Relaxed)) else {
            return Ok(Companions::open(self.state, path)?.only(part));
        };
        let named = Companions::open_named(self.state, path, digest)?;
        let companions = named.ok_or_else(|| changed(&self.state.display(path)))?;
        self.same[at].store(true, Ordering::Relaxed);
        Ok(companions.only(part))
    }
}

impl Carriers for CompanionFiles<'_> {
    type Group = CompanionGroup;

    fn buckets(&self) -> usize {
        self.paths.len()
    }

    fn slots(&self) -> usize {
        self.slots
    }

    fn groups(&self, bucket: usize, each: &mut dyn FnMut(&CompanionGroup) -> Result<()>) -> Result<()> {
        self.companion(bucket, CompanionPart::Identities)?.each(each)
    }
}

impl Carrier for CompanionGroup {
    fn rows(&self) -> usize {
        self.rows()
    }

    fn subject(&self, row: usize) -> Option<&[u8; 16]> {
        Some(self.person(row))
    }

    fn identities(&self, row: usize) -> impl Iterator<Item = (u8, &[u8; 16])> {
        (0..CompanionGroup::identities(self))
            .filter_map(move |slot| Some((self.mark(row, slot), self.identity(row, slot)?)))
    }

    fn others(&self, row: usize) -> impl Iterator<Item = &[u8; 16]> {
        CompanionGroup::others(self, row).map(|(_, identity)| identity)
    }
}

impl decide::PublishedRows for CompanionGroup {
    fn rows(&self) -> usize {
        self.rows()
    }
    fn first(&self, row: usize) -> u32 {
        self.first(row)
    }
    fn person(&self, row: usize) -> &[u8; 16] {
        self.person(row)
    }
    fn slots(&self) -> usize {
        CompanionGroup::identities(self)
    }
    fn identity(&self, row: usize, slot: usize) -> Option<(u8, &[u8; 16])> {
        Some((self.mark(row, slot), self.identity(row, slot)?))
    }
    fn others(&self, row: usize) -> impl Iterator<Item = (u8, &[u8; 16])> + Clone {
        CompanionGroup::others(self, row)
    }
    fn keep_until(&self, row: usize) -> i64 {
        self.keep_until(row)
    }
    fn consent(&self, row: usize) -> Consent {
        Consent { since: self.since(row), until: self.consent_until(row) }
    }
    fn field_until(&self, row: usize, k: usize) -> i64 {
        self.field_until(row, k)
    }
    fn quasi(&self, row: usize, q: usize) -> u64 {
        self.quasi(row, q)
    }
}
