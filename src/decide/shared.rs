//! Values of links that very many subjects share (R13, R15), counted per column over all rows, whatever becomes of
//! them. Only counts leave: which values these are is nowhere.

use super::bond::LinkLimits;
use super::lists::FirstBytes;
use super::people::People;
use super::workers::each_bucket;
use crate::error::Result;
use crate::monitor::Monitor;
use crate::policy::Controls;
use crate::stage::{Control, Staged, flag, mark};
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Mutex, MutexGuard};

/// Of more rows than this a value counts as shared by so many subjects more: one in so many rows.
const ROWS_PER_SUBJECT: u64 = 100_000;
/// The most cells that values are counted in before they are looked at closely.
const MOST_CELLS: u64 = 1 << 20;
/// Columns beyond so many are counted as the last.
const COLUMNS: usize = u64::BITS as usize;

/// What is counted, and for which columns.
#[derive(Clone)]
pub(super) struct Shares {
    /// Column and mark of each slot of the job's own rows but the first, which is the key.
    slots: Vec<(usize, u8)>,
    limits: LinkLimits,
}

/// Values of one column that very many subjects carry each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedBy {
    /// Index of the column in the plan.
    pub column: usize,
    /// How many values of the column are shared by so many.
    pub values: u64,
    /// Each is carried by more subjects than this.
    pub limit: u64,
    /// Subjects that carry the one of them that most carry.
    pub most: u64,
}

/// Whether a link is strong, and half of the identity in it.
type LinkValue = (bool, [u8; 16]);
/// A value that a person carries, and the columns it is in as bits.
type Carried = (LinkValue, u64);
type EachLinkValue<'e> = dyn FnMut(&LinkValue, u64) + 'e;
/// Subjects that carry a value, and its columns.
type Candidates = HashMap<LinkValue, (u32, u64), BuildHasherDefault<FirstBytes>>;

impl Shares {
    pub(super) fn of(controls: &Controls, limits: LinkLimits) -> Shares {
        let strong = controls.strong.iter().map(|column| (*column, mark::STRONG));
        let weak = controls.weak.iter().map(|column| (*column, mark::WEAK));
        Shares { slots: strong.chain(weak).collect(), limits }
    }

    /// The bit of the column that a slot is of; several slots may be of one column.
    fn bit(&self, slot: usize) -> u64 {
        let of = slot.checked_sub(1).and_then(|slot| self.slots.get(slot));
        let at = of.and_then(|(column, _)| self.slots.iter().position(|(other, _)| other == column));
        at.map_or(0, |at| 1 << at.min(COLUMNS - 1))
    }
}

/// The count of one run.
pub(super) struct Sharing<'a> {
    shares: &'a Shares,
    /// Bit of each slot.
    bits: Vec<u64>,
    /// Subjects above which a strong and a weak value counts as shared.
    limits: [u64; 2],
    /// By some bits of a value, how many subjects carry one with these: never fewer than carry the value. A set of cells
    /// for each thread that has counted, since cells that several threads share cost a wait each; they add up.
    cells: Mutex<Vec<Vec<u32>>>,
    /// How many cells a set has, a power of two.
    count: usize,
}

impl<'a> Sharing<'a> {
    /// None where no column links or nothing is to be counted.
    pub(super) fn new(shares: Option<&'a Shares>, staged: &Staged) -> Option<Sharing<'a>> {
        let shares = shares.filter(|shares| !shares.slots.is_empty())?;
        let rows = staged.rows();
        let cells = rows.saturating_mul(shares.slots.len() as u64).next_power_of_two().clamp(1 << 10, MOST_CELLS);
        let least = rows / ROWS_PER_SUBJECT;
        Some(Sharing {
            bits: (0..staged.layout().identities).map(|slot| shares.bit(slot)).collect(),
            limits: [shares.limits.max_alias_fanout, shares.limits.max_strong_fanout]
                .map(|limit| least.max(limit as u64)),
            cells: Mutex::default(),
            count: cells as usize,
            shares,
        })
    }

    /// Takes in the rows of one bucket.
    pub(super) fn add(&self, control: &Control, people: &People) {
        let free = self.sets().pop();
        let mut cells = free.unwrap_or_else(|| vec![0; self.count]);
        self.each(control, people, &mut |value, _| cells[self.cell(value)] += 1);
        self.sets().push(cells);
    }

    /// Sets of cells that no thread counts in now.
    fn sets(&self) -> MutexGuard<'_, Vec<Vec<u32>>> {
        self.cells.lock().unwrap_or_else(|broken| broken.into_inner())
    }

    /// Looks closely at the values that may be shared, once all buckets are taken in.
    pub(super) fn finish(self, staged: &Staged, threads: usize, monitor: &dyn Monitor) -> Result<Vec<SharedBy>> {
        let lowest = self.limits[0].min(self.limits[1]);
        let mut cells = vec![0u64; self.count];
        for set in std::mem::take(&mut *self.sets()) {
            cells.iter_mut().zip(set).for_each(|(cell, count)| *cell += u64::from(count));
        }
        if cells.iter().all(|cell| *cell <= lowest) {
            return Ok(Vec::new());
        }
        let found = each_bucket(
            staged.buckets(),
            threads,
            || (),
            |(), bucket| {
                monitor.proceed()?;
                let control = staged.control(bucket)?;
                let mut candidates = Candidates::default();
                self.each(&control, &People::of(&control), &mut |value, columns| {
                    if cells[self.cell(value)] > self.limit(value.0) {
                        count(&mut candidates, *value, (1, columns));
                    }
                });
                Ok(candidates)
            },
        )?;
        let mut all = Candidates::default();
        found.into_iter().flatten().for_each(|(value, of)| count(&mut all, value, of));
        Ok(self.by_column(&all))
    }

    fn by_column(&self, all: &Candidates) -> Vec<SharedBy> {
        let mut columns: Vec<SharedBy> = Vec::new();
        for (slot, (column, mark)) in self.shares.slots.iter().enumerate() {
            if columns.iter().any(|known| known.column == *column) {
                continue;
            }
            let (strong, bit) = (*mark == mark::STRONG, self.bits[slot + 1]);
            let limit = self.limit(strong);
            let shared = all.iter().filter(|((of, _), (subjects, columns))| {
                *of == strong && columns & bit != 0 && u64::from(*subjects) > limit
            });
            let subjects: Vec<u64> = shared.map(|(_, (subjects, _))| u64::from(*subjects)).collect();
            if let Some(most) = subjects.iter().max() {
                columns.push(SharedBy { column: *column, values: subjects.len() as u64, limit, most: *most });
            }
        }
        columns
    }

    /// Calls `each` for every value of every person once, with the columns of the job's own rows that it is in.
    fn each(&self, control: &Control, people: &People, each: &mut EachLinkValue<'_>) {
        let (mut carried, mut start): (Vec<Carried>, usize) = (Vec::new(), 0);
        for person in people.person.chunk_by(|a, b| a == b) {
            carried.clear();
            for row in &people.order[start..start + person.len()] {
                self.of_row(control, *row as usize, &mut carried);
            }
            start += person.len();
            carried.sort_unstable();
            for same in carried.chunk_by(|a, b| a.0 == b.0) {
                each(&same[0].0, same.iter().fold(0, |all, (_, columns)| all | columns));
            }
        }
    }

    fn of_row(&self, control: &Control, row: usize, carried: &mut Vec<Carried>) {
        let flags = control.flags(row);
        if flags & flag::NO_SUBJECT != 0 {
            return;
        }
        let own = flags & flag::OBSERVED == 0;
        let slots = control.marks(row).iter().enumerate().filter(|(_, mark)| **mark != mark::NONE);
        for ((slot, mark), (_, identity)) in slots.zip(control.identities(row)) {
            if matches!(*mark, mark::STRONG | mark::WEAK) {
                let columns = if own { self.bits[slot] } else { 0 };
                carried.push(((*mark == mark::STRONG, *identity), columns));
            }
        }
    }

    fn limit(&self, strong: bool) -> u64 {
        self.limits[usize::from(strong)]
    }

    /// Identities are keyed hashes: any bytes of them will do.
    fn cell(&self, (strong, identity): &LinkValue) -> usize {
        let bytes = [identity[8], identity[9], identity[10], identity[11]];
        let at = u32::from_le_bytes(bytes) as usize ^ usize::from(*strong);
        at & (self.count - 1)
    }
}

fn count(all: &mut Candidates, value: LinkValue, (subjects, columns): (u32, u64)) {
    let known = all.entry(value).or_default();
    known.0 += subjects;
    known.1 |= columns;
}
