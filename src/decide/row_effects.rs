//! Which effects reach which rows of a bucket. Must not know what comes of them.

use super::lists::EffectSet;

/// Effects of the rows that any reaches.
#[derive(Default)]
pub(super) struct ReachedEffects {
    /// Per row 0, or 1 + place in `effects`; empty when no row is reached.
    numbers: Vec<u32>,
    effects: Vec<EffectSet>,
}

impl ReachedEffects {
    pub(super) fn row(&self, row: usize) -> Option<EffectSet> {
        let number = *self.numbers.get(row)? as usize;
        number.checked_sub(1).map(|place| self.effects[place])
    }

    /// Adds effects to those of one of so many rows.
    pub(super) fn add(&mut self, row: usize, effects: &EffectSet, rows: usize) {
        let mut all = self.row(row).unwrap_or_default();
        all.add(effects);
        self.numbers.resize(rows, 0);
        self.effects.push(all);
        self.numbers[row] = self.effects.len() as u32;
    }
}
