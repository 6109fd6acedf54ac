//! Counts that wait in the spill store, in parts by the first bits of their group, so that one part at a time is in
//! memory.

use crate::error::Result;
use crate::stage::{Slot, SpillStore};
use std::sync::Mutex;

/// How many parts the work is divided into.
pub(super) const PARTS: usize = 32;

/// Records of `N` bytes.
#[derive(Default)]
pub(super) struct Parts<const N: usize>([Mutex<Vec<Slot>>; PARTS]);

impl<const N: usize> Parts<N> {
    /// Puts records away, each with its group.
    pub(super) fn put(&self, spill_store: &SpillStore, records: impl Iterator<Item = (u64, [u8; N])>) -> Result<()> {
        let mut parts: [Vec<u8>; PARTS] = Default::default();
        records.for_each(|(group, record)| parts[(group >> 59) as usize].extend_from_slice(&record));
        for (mut bytes, slots) in parts.into_iter().zip(&self.0) {
            if !bytes.is_empty() {
                let slot = spill_store.put(&mut bytes)?;
                slots.lock().unwrap_or_else(|p| p.into_inner()).push(slot);
            }
        }
        Ok(())
    }

    /// Returns the records of one part, one after the other.
    pub(super) fn read(&self, spill_store: &SpillStore, part: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for slot in self.0[part].lock().unwrap_or_else(|p| p.into_inner()).iter() {
            spill_store.read(slot, &mut bytes)?;
        }
        Ok(bytes)
    }
}
