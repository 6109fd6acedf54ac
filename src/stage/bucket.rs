//! The rows of one bucket, read back: controls alone, or with the published fields.
//! Must not know where they waited, nor what becomes of them.

use super::record;
use crate::minimize::{FieldKind, Layout, mark};
use std::cmp::Ordering;

/// Control parts of the rows of one bucket. The order of rows is the same each time it is read, and means nothing.
/// Deliberately without `Debug`: it holds tokens and identities.
pub struct Control {
    stride: usize,
    slots: usize,
    bytes: Vec<u8>,
    identities: Vec<u8>,
    starts: Vec<u32>,
}

impl Control {
    /// Takes control parts and packed identities as `record` wrote them.
    pub(super) fn new(layout: &Layout, bytes: Vec<u8>, identities: Vec<u8>) -> Control {
        let (stride, slots) = (record::stride(layout), layout.identities);
        let mut starts = Vec::with_capacity(bytes.len() / stride);
        let mut next = 0u32;
        for row in bytes.chunks_exact(stride) {
            starts.push(next);
            next += row[record::MARKS..][..slots].iter().map(|m| u32::from(*m != mark::NONE)).sum::<u32>();
        }
        Control { stride, slots, bytes, identities, starts }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.starts.len()
    }

    fn row(&self, i: usize) -> &[u8] {
        &self.bytes[i * self.stride..(i + 1) * self.stride]
    }

    fn array<const N: usize>(&self, i: usize, at: usize) -> &[u8; N] {
        &self.row(i)[at..].as_chunks::<N>().0[0]
    }

    /// Subject token; zeros with `flag::NO_SUBJECT`.
    pub fn subject(&self, i: usize) -> &[u8; 16] {
        self.array(i, 0)
    }

    /// Latest usable clock in microseconds, or `NO_CLOCK`.
    pub fn clock(&self, i: usize) -> i64 {
        i64::from_le_bytes(*self.array(i, record::CLOCK))
    }

    /// When consent was given in microseconds, or `NO_SINCE`.
    pub fn since(&self, i: usize) -> i64 {
        i64::from_le_bytes(*self.array(i, record::SINCE))
    }

    /// Bits of `flag`.
    pub fn flags(&self, i: usize) -> u16 {
        u16::from_le_bytes(*self.array(i, record::FLAGS))
    }

    /// 0, or 1 + index of the first matching exclude.
    pub fn exclude(&self, i: usize) -> u8 {
        self.row(i)[record::EXCLUDE]
    }

    /// Marks of a row, one per identity slot.
    pub fn marks(&self, i: usize) -> &[u8] {
        &self.row(i)[record::MARKS..][..self.slots]
    }

    /// Mark of one slot.
    pub fn mark(&self, i: usize, slot: usize) -> u8 {
        self.marks(i)[slot]
    }

    /// Identity in one slot; zeros where the mark is `mark::NONE`.
    pub fn identity(&self, i: usize, slot: usize) -> &[u8; 32] {
        let marks = self.marks(i);
        if marks[slot] == mark::NONE {
            return &[0; 32];
        }
        let before = marks[..slot].iter().filter(|m| **m != mark::NONE).count();
        &self.identities.as_chunks().0[self.starts[i] as usize + before]
    }

    /// The identities a row has, each with its mark.
    pub fn identities(&self, i: usize) -> impl Iterator<Item = (u8, &[u8; 32])> {
        let marked = self.marks(i).iter().copied().filter(|m| *m != mark::NONE);
        marked.zip(&self.identities.as_chunks().0[self.starts[i] as usize..])
    }

    /// Keyed hash of a published quasi-identifier, or `NULL_QUASI`.
    pub fn quasi(&self, i: usize, q: usize) -> u64 {
        u64::from_le_bytes(*self.array(i, record::MARKS + self.slots + 8 * q))
    }

    fn packed(&self, i: usize) -> &[u8] {
        let end = self.starts.get(i + 1).map_or(self.identities.len(), |s| *s as usize * 32);
        &self.identities[self.starts[i] as usize * 32..end]
    }
}

/// All there is of the rows of one bucket.
pub struct Bucket {
    /// Controls.
    pub control: Control,
    widths: Vec<Option<usize>>,
    validity: usize,
    payload: Vec<u8>,
    spans: Vec<(u32, u32)>,
}

impl Bucket {
    /// Takes controls and fields as `record` wrote them, each row's fields with their length in front.
    pub(super) fn new(layout: &Layout, control: Control, payload: Vec<u8>) -> Option<Bucket> {
        let mut spans = Vec::with_capacity(control.rows());
        let mut rest = payload.as_slice();
        for _ in 0..control.rows() {
            let length = record::take_length(&mut rest)?;
            let start = payload.len() - rest.len();
            rest = rest.get(length..)?;
            spans.push((u32::try_from(start).ok()?, u32::try_from(start + length).ok()?));
        }
        let widths = layout.fields.iter().map(|f| FieldKind::width(f.kind)).collect();
        let validity = record::validity_bytes(layout);
        rest.is_empty().then_some(Bucket { control, widths, validity, payload, spans })
    }

    fn payload(&self, i: usize) -> &[u8] {
        let (start, end) = self.spans[i];
        &self.payload[start as usize..end as usize]
    }

    /// Published fields of a row, one per field of the layout; all `None` for a row that never leaves.
    pub fn field(&self, i: usize) -> Fields<'_> {
        let payload = self.payload(i);
        let (valid, rest) = payload.split_at(self.validity.min(payload.len()));
        Fields { widths: &self.widths, valid, rest, next: 0 }
    }

    /// Total order of rows within a person: what is published first, then everything else, so that two rows compare
    /// equal only when nothing tells them apart. The export's order plays no part.
    pub fn compare(&self, a: usize, b: usize) -> Ordering {
        let published = self.payload(a).cmp(self.payload(b));
        let control = |_| self.control.row(a).cmp(self.control.row(b));
        let identities = |_| self.control.packed(a).cmp(self.control.packed(b));
        published.then_with(|| control(())).then_with(|| identities(()))
    }
}

/// Values of one row's fields, in the layout's order.
pub struct Fields<'a> {
    widths: &'a [Option<usize>],
    valid: &'a [u8],
    rest: &'a [u8],
    next: usize,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        let f = self.next;
        let width = *self.widths.get(f)?;
        self.next += 1;
        if self.valid.get(f / 8).is_none_or(|bits| bits & 1 << (f % 8) == 0) {
            return Some(None);
        }
        let length = width.or_else(|| record::take_length(&mut self.rest)).unwrap_or(0);
        let (value, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.rest = rest;
        Some(Some(value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.widths.len() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Fields<'_> {}
