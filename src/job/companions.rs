//! Companions of some files as rows that links are followed over and rules are applied to.
//! Must not know which version they are of.

use crate::decide::{self, Carrier, Carriers, Consent};
use crate::error::{Kind, Result};
use crate::publish::{CompanionGroup, Companions};
use crate::store::Root;

/// Companions in `state`, one after the other.
pub struct CompanionFiles<'a> {
    state: &'a Root,
    paths: Vec<String>,
    slots: usize,
}

impl<'a> CompanionFiles<'a> {
    /// Of these paths; looks into each file's footer.
    ///
    /// # Errors
    /// Evidence, when one is missing or is no companion; storage errors.
    pub fn open(state: &'a Root, paths: Vec<String>) -> Result<CompanionFiles<'a>> {
        let mut slots = 0;
        for path in &paths {
            slots = slots.max(Companions::open(state, path)?.identities());
        }
        Ok(CompanionFiles { state, paths, slots })
    }

    /// Of these paths, as far as they are there and can be read: what is lost of a version that is no longer current
    /// stops nobody.
    ///
    /// # Errors
    /// Storage errors.
    pub fn readable(state: &'a Root, paths: Vec<String>) -> Result<CompanionFiles<'a>> {
        let mut found = CompanionFiles { state, paths: Vec::new(), slots: 0 };
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
    /// Calls `each` with all that one of them says, group by group.
    pub(crate) fn whole_groups(&self, at: usize, each: &mut dyn FnMut(&CompanionGroup) -> Result<()>) -> Result<()> {
        each_group(Companions::open(self.state, &self.paths[at])?, each)
    }
}

fn each_group(mut companions: Companions, each: &mut dyn FnMut(&CompanionGroup) -> Result<()>) -> Result<()> {
    while let Some(group) = companions.next_group()? {
        each(&group)?;
    }
    Ok(())
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
        each_group(Companions::open_identities(self.state, &self.paths[bucket])?, each)
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
