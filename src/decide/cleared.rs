//! `Cleared`: the product of `decide`, rows that every gate has passed. Only `Judged::clear` makes one.

use super::field_keep::FieldKeeps;
use super::kept::{Consent, Kept, KeptBucket};
use super::rules::Rules;
use crate::clock::Instant;
use crate::error::Result;
use crate::stage::{Layout, Slot, Staged};

/// Rows that may be published.
pub struct Cleared {
    pub(super) staged: Staged,
    pub(super) kept: Vec<Slot>,
    pub(super) shape: KeptShape,
    pub(super) rows_out: u64,
    pub(super) keeps: FieldKeeps,
}

impl Cleared {
    /// What rows look like.
    pub fn layout(&self) -> &Layout {
        self.staged.layout()
    }

    /// Number of buckets, a power of two; their order is that of the subject tokens.
    pub fn buckets(&self) -> usize {
        self.kept.len()
    }

    /// Rows in all buckets.
    pub fn rows_out(&self) -> u64 {
        self.rows_out
    }

    /// The instant judged at.
    pub fn as_of(&self) -> Instant {
        self.keeps.as_of()
    }

    /// Number of published fields with a `keep` of their own.
    pub fn field_keeps(&self) -> usize {
        self.keeps.fields()
    }

    /// Whether rows rest on a consent.
    pub fn on_consent(&self) -> bool {
        self.shape.consent
    }

    /// Loads the rows of one bucket; memory is that of the bucket.
    ///
    /// # Errors
    /// A storage error when the spill cannot be read.
    pub fn kept(&self, bucket: usize) -> Result<KeptBucket<'_>> {
        let mut bytes = Vec::new();
        self.staged.spill_store().read(&self.kept[bucket], &mut bytes)?;
        let bucket = self.staged.load(bucket)?;
        let mut records: Vec<&[u8]> = bytes.chunks_exact(self.shape.stride()).collect();
        let subject = |record: &[u8]| *bucket.control.subject(row(record));
        for person in records.chunk_by_mut(|a, b| subject(a) == subject(b)).filter(|p| p.len() > 1) {
            person.sort_unstable_by(|a, b| bucket.compare(row(a), row(b)));
        }
        let kept = records.iter().map(|r| Kept { row: row(r) as u32, keep_until: number(r, ROW) }).collect();
        let (fields, consented) = (self.shape.fields, self.shape.consent);
        let field_until = records.iter().flat_map(|r| (0..fields).map(|f| number(r, ROW + 8 + 8 * f))).collect();
        let consent = |r: &&[u8]| {
            let at = ROW + 8 + 8 * fields;
            consented.then(|| Consent { since: number(r, at), until: number(r, at + 8) })
        };
        let consent = records.iter().filter_map(consent).collect();
        Ok(KeptBucket { keeps: &self.keeps, bucket, kept, field_until, consent })
    }
}

const ROW: usize = 4;

/// How a row that stays is recorded between judging and publishing: row 4, keep_until 8, each field's until 8, then
/// consent 16 and combination of quasi-identifiers 8 where there are such; little-endian.
#[derive(Clone, Copy)]
pub(super) struct KeptShape {
    fields: usize,
    consent: bool,
    group: bool,
}

impl KeptShape {
    pub(super) fn of(rules: &Rules) -> KeptShape {
        KeptShape { fields: rules.field_keeps.len(), consent: rules.on_consent(), group: rules.gate.is_some() }
    }

    /// Bytes of a record.
    pub(super) fn stride(self) -> usize {
        ROW + 8 + 8 * self.fields + 16 * usize::from(self.consent) + 8 * usize::from(self.group)
    }

    /// Appends a record. Consent and combination are there exactly when the rules ask for them.
    pub(super) fn write(
        self,
        out: &mut Vec<u8>,
        row: u32,
        until: i64,
        fields: &[i64],
        consent: Option<(i64, i64)>,
        group: Option<u64>,
    ) {
        out.extend_from_slice(&row.to_le_bytes());
        out.extend_from_slice(&until.to_le_bytes());
        fields.iter().for_each(|until| out.extend_from_slice(&until.to_le_bytes()));
        if let (true, Some((since, until))) = (self.consent, consent) {
            out.extend_from_slice(&since.to_le_bytes());
            out.extend_from_slice(&until.to_le_bytes());
        }
        if let (true, Some(group)) = (self.group, group) {
            out.extend_from_slice(&group.to_le_bytes());
        }
    }

    /// Numbers of the rows in some records.
    pub(super) fn rows(self, records: &[u8]) -> impl Iterator<Item = usize> {
        records.chunks_exact(self.stride()).map(row)
    }

    /// Records without those whose combination is suppressed, and how many went.
    pub(super) fn without(self, records: &[u8], suppressed: impl Fn(u64) -> bool) -> (Vec<u8>, u64) {
        let stays = |r: &&[u8]| !suppressed(number(r, self.stride() - 8) as u64);
        let mut left = Vec::with_capacity(records.len());
        records.chunks_exact(self.stride()).filter(stays).for_each(|r| left.extend_from_slice(r));
        let gone = (records.len() - left.len()) / self.stride();
        (left, gone as u64)
    }
}

fn row(record: &[u8]) -> usize {
    u32::from_le_bytes(*record.first_chunk().unwrap_or(&[0; ROW])) as usize
}

fn number(record: &[u8], at: usize) -> i64 {
    i64::from_le_bytes(record[at..].as_chunks().0[0])
}
