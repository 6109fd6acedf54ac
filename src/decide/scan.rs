//! Passes over the rows of all buckets: the first finds what requests know, later ones what links lead to. Later passes
//! look at four bytes of each identity, kept from the first.

use super::carriers::{Carrier, Carriers};
use super::workers::each_bucket;
use crate::error::Result;
use crate::monitor::Monitor;
use crate::stage::{Slot, SpillStore, mark};
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes kept in memory of all identities together; more wait in the spill store, or a pass reads every row again.
const PREFIX_BYTES: usize = 16 << 20;

/// Identities of a row with their marks.
type MarkedIdentities<'a> = &'a [(u8, [u8; 16])];

/// Rows found in one bucket.
#[derive(Default)]
pub(super) struct BucketFound {
    rows: Vec<FoundRow>,
    identities: Vec<(u8, [u8; 16])>,
    /// Identities of other persons of these rows.
    others: Vec<[u8; 16]>,
}

struct FoundRow {
    number: u32,
    subject: Option<[u8; 16]>,
    end: u32,
}

impl BucketFound {
    fn push<C: Carrier>(&mut self, group: &C, row: usize, number: u32) {
        self.identities.extend(group.identities(row).map(|(mark, identity)| (mark, *identity)));
        self.others.extend(group.others(row));
        let (subject, end) = (group.subject(row).copied(), self.identities.len() as u32);
        self.rows.push(FoundRow { number, subject, end });
    }

    /// Identities of all rows together.
    pub(super) fn identities(&self) -> usize {
        self.identities.len()
    }

    /// Identities of other persons of the rows.
    pub(super) fn others(&self) -> &[[u8; 16]] {
        &self.others
    }

    /// Number in the bucket, subject and identities of each row.
    pub(super) fn rows(&self) -> impl Iterator<Item = (u32, Option<[u8; 16]>, MarkedIdentities<'_>)> {
        let mut start = 0;
        self.rows.iter().map(move |row| {
            let from = std::mem::replace(&mut start, row.end as usize);
            (row.number, row.subject, &self.identities[from..row.end as usize])
        })
    }
}

/// Identities looked for by four of their bytes.
pub(super) struct Frontier {
    bits: Vec<u64>,
    prefixes: HashSet<u32>,
}

impl Frontier {
    /// Of identities; none when there are none.
    pub(super) fn of<'a>(identities: impl Iterator<Item = &'a [u8; 16]>) -> Option<Frontier> {
        let prefixes: HashSet<u32> = identities.map(prefix).collect();
        let words = (prefixes.len() / 4).next_power_of_two().clamp(64, 1 << 18);
        let mut bits = vec![0; words];
        for prefix in &prefixes {
            bits[*prefix as usize / 64 % words] |= 1 << (prefix % 64);
        }
        (!prefixes.is_empty()).then_some(Frontier { bits, prefixes })
    }

    fn has(&self, prefix: u32) -> bool {
        let word = self.bits[prefix as usize / 64 % self.bits.len()];
        word & 1 << (prefix % 64) != 0 && self.prefixes.contains(&prefix)
    }
}

/// Identities are keyed hashes: any four bytes will do that no other table uses. 0 stands for none.
fn prefix(identity: &[u8; 16]) -> u32 {
    u32::from_le_bytes([identity[12], identity[13], identity[14], identity[15]]).max(1)
}

/// A prefix per row and slot of one bucket.
enum Prefixes {
    Held(Vec<u32>),
    Spilled(Slot),
    /// There was no room.
    Nowhere,
}

impl Prefixes {
    fn keep(prefixes: Vec<u32>, spill_store: Option<&SpillStore>, held: &AtomicUsize) -> Result<Prefixes> {
        let bytes = size_of::<u32>() * prefixes.len();
        if held.fetch_add(bytes, Ordering::Relaxed) + bytes <= PREFIX_BYTES {
            return Ok(Prefixes::Held(prefixes));
        }
        held.fetch_sub(bytes, Ordering::Relaxed);
        let Some(spill_store) = spill_store else { return Ok(Prefixes::Nowhere) };
        let mut bytes: Vec<u8> = prefixes.iter().flat_map(|prefix| prefix.to_le_bytes()).collect();
        spill_store.put(&mut bytes).map(Prefixes::Spilled)
    }

    fn get(&self, spill_store: Option<&SpillStore>) -> Result<Option<Cow<'_, [u32]>>> {
        let slot = match (self, spill_store) {
            (Prefixes::Held(prefixes), _) => return Ok(Some(Cow::Borrowed(prefixes))),
            (Prefixes::Spilled(slot), Some(spill_store)) => (slot, spill_store),
            _ => return Ok(None),
        };
        let mut bytes = Vec::new();
        slot.1.read(slot.0, &mut bytes)?;
        Ok(Some(bytes.as_chunks().0.iter().map(|prefix| u32::from_le_bytes(*prefix)).collect()))
    }
}

/// The rows, and what is kept of them between passes.
pub(super) struct Scan<'a, C> {
    carriers: &'a C,
    threads: usize,
    monitor: &'a dyn Monitor,
    prefixes: Vec<Prefixes>,
    /// Per bucket the rows that are kept elsewhere, ascending: they are not looked at again.
    kept: Vec<Vec<u32>>,
}

impl<'a, C: Carriers> Scan<'a, C> {
    /// The first pass: rows with an identity that is `known`.
    pub(super) fn first(
        carriers: &'a C,
        threads: usize,
        monitor: &'a dyn Monitor,
        known: impl Fn(&[u8; 16]) -> bool + Sync,
    ) -> Result<(Scan<'a, C>, Vec<BucketFound>)> {
        let held = AtomicUsize::new(0);
        let pass = |_: &mut (), bucket: usize| {
            let (mut found, mut prefixes, mut number) = (BucketFound::default(), Vec::new(), 0);
            monitor.proceed()?;
            carriers.groups(bucket, &mut |group| {
                monitor.proceed()?;
                for row in 0..group.rows() {
                    if note(group, row, carriers.slots(), &known, &mut prefixes) {
                        found.push(group, row, number);
                    }
                    number += 1;
                }
                Ok(())
            })?;
            Ok((found, Prefixes::keep(prefixes, carriers.spill_store(), &held)?))
        };
        let done = each_bucket(carriers.buckets(), threads, || (), pass)?;
        let (found, prefixes): (Vec<BucketFound>, Vec<_>) = done.into_iter().unzip();
        let kept = vec![Vec::new(); carriers.buckets()];
        Ok((Scan { carriers, threads, monitor, prefixes, kept }, found))
    }

    /// A later pass: rows not kept before that carry an identity of the frontier and are `worth` it.
    pub(super) fn next(
        &self,
        frontier: &Frontier,
        worth: impl Fn(&mut dyn Iterator<Item = (u8, &[u8; 16])>) -> bool + Sync,
    ) -> Result<Vec<BucketFound>> {
        let pass = |_: &mut (), bucket: usize| {
            self.monitor.proceed()?;
            let (mut found, mut number) = (BucketFound::default(), 0);
            let wanted = self.wanted(bucket, frontier)?;
            if wanted.as_ref().is_some_and(Vec::is_empty) {
                return Ok(found);
            }
            let all = || (0..).filter(|row| self.is_fresh(bucket, *row));
            let wanted: Box<dyn Iterator<Item = u32>> = match wanted {
                Some(rows) => Box::new(rows.into_iter()),
                None => Box::new(all()),
            };
            let mut wanted = wanted.peekable();
            self.carriers.groups(bucket, &mut |group| {
                self.monitor.proceed()?;
                for row in 0..group.rows() {
                    if wanted.next_if_eq(&number).is_some() && worth(&mut group.identities(row)) {
                        found.push(group, row, number);
                    }
                    number += 1;
                }
                Ok(())
            })?;
            Ok(found)
        };
        each_bucket(self.carriers.buckets(), self.threads, || (), pass)
    }

    /// Rows of a bucket to look at, ascending; none when nobody can tell, so that all have to be.
    fn wanted(&self, bucket: usize, frontier: &Frontier) -> Result<Option<Vec<u32>>> {
        let Some(prefixes) = self.prefixes[bucket].get(self.carriers.spill_store())? else { return Ok(None) };
        let rows = prefixes.chunks_exact(self.carriers.slots().max(1)).enumerate();
        let carrying = rows.filter(|(_, row)| row.iter().any(|prefix| frontier.has(*prefix)));
        Ok(Some(carrying.map(|(row, _)| row as u32).filter(|row| self.is_fresh(bucket, *row)).collect()))
    }

    /// Whether a row is not kept elsewhere already.
    fn is_fresh(&self, bucket: usize, row: u32) -> bool {
        self.kept[bucket].binary_search(&row).is_err()
    }

    /// Notes which rows of a pass are kept, by bucket.
    pub(super) fn keep(&mut self, kept: Vec<Vec<u32>>) {
        for (all, new) in self.kept.iter_mut().zip(kept) {
            all.extend(new);
            all.sort_unstable();
        }
    }
}

/// Keeps the prefixes of a row; whether one of its identities is known.
fn note<C: Carrier>(
    group: &C,
    row: usize,
    slots: usize,
    known: &impl Fn(&[u8; 16]) -> bool,
    prefixes: &mut Vec<u32>,
) -> bool {
    let (mut hit, end) = (false, prefixes.len() + slots);
    for (mark, identity) in group.identities(row) {
        hit |= known(identity);
        prefixes.push(if mark & mark::RAW == 0 { prefix(identity) } else { 0 });
    }
    prefixes.resize(end, 0);
    hit || group.others(row).any(known)
}
