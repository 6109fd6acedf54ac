//! The rows of one bucket, read back: controls alone, or with the published fields.
//! Must not know where they waited, nor what becomes of them.

use super::record::{self, Place};
use crate::minimize::{Layout, mark};
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
        let (stride, slots) = (record::control_stride(layout), layout.identities);
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

    /// Mark and identity of one slot, the identity zeros where the mark is `mark::NONE`.
    pub fn slot(&self, i: usize, slot: usize) -> (u8, &[u8; 32]) {
        let marks = self.marks(i);
        if marks[slot] == mark::NONE {
            return (mark::NONE, &[0; 32]);
        }
        let before = marks[..slot].iter().filter(|m| **m != mark::NONE).count();
        (marks[slot], &self.identities.as_chunks().0[self.starts[i] as usize + before])
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
    places: Vec<Place>,
    stride: usize,
    fields: Vec<u8>,
    text: Vec<u8>,
    /// Per row the number of its part with fields, `NO_PART` when it has none.
    parts: Vec<u32>,
    /// Per part with fields where its text begins, and the end of all text.
    text_starts: Vec<usize>,
}

const NO_PART: u32 = u32::MAX;

impl Bucket {
    /// Takes controls, and fields and text as `record` wrote them; none when they do not fit together.
    pub(super) fn new(layout: &Layout, control: Control, fields: Vec<u8>, text: Vec<u8>) -> Option<Bucket> {
        let (places, stride) = record::places(layout);
        let mut next = 0;
        let part = |row: usize| {
            let there = record::has_fields(control.flags(row));
            next += u32::from(there);
            if there { next - 1 } else { NO_PART }
        };
        let parts = (0..control.rows()).map(part).collect();
        let lengths: Vec<usize> = places.iter().filter(|p| p.width.is_none()).map(|p| p.at).collect();
        let (mut text_starts, mut end) = (vec![0], 0usize);
        text_starts.reserve(next as usize);
        for part in fields.chunks_exact(stride.max(1)) {
            end += lengths.iter().map(|at| number(part, *at)).sum::<usize>();
            text_starts.push(end);
        }
        let whole = fields.len() == next as usize * stride && text.len() == end;
        whole.then_some(Bucket { control, places, stride, fields, text, parts, text_starts })
    }

    /// One published field of all rows.
    pub fn field(&self, field: usize) -> Field<'_> {
        let place = self.places[field];
        let before = self.places[..field].iter().filter(|p| p.width.is_none()).map(|p| p.at).collect();
        Field { bucket: self, byte: field / 8, bit: 1 << (field % 8), at: place.at, width: place.width, before }
    }

    /// Bytes of the text of all rows and fields together.
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// The part of a row that has its fields; empty for a row that never leaves.
    fn part(&self, row: usize) -> &[u8] {
        match self.parts[row] {
            NO_PART => &[],
            part => &self.fields[part as usize * self.stride..][..self.stride],
        }
    }

    /// Total order of rows within a person: what is published first, then everything else, so that two rows compare
    /// equal only when nothing tells them apart. The export's order plays no part.
    pub fn compare(&self, a: usize, b: usize) -> Ordering {
        let valid = self.places.len().div_ceil(8);
        let validity = |row| self.part(row).get(..valid);
        let published = (0..self.places.len()).map(|f| self.field(f).compare(a, b));
        let published = validity(a).cmp(&validity(b)).then_with(|| published.fold(Ordering::Equal, Ordering::then));
        let control = |_| self.control.row(a).cmp(self.control.row(b));
        let identities = |_| self.control.packed(a).cmp(self.control.packed(b));
        published.then_with(|| control(())).then_with(|| identities(()))
    }
}

/// One published field of the rows of a bucket.
pub struct Field<'a> {
    bucket: &'a Bucket,
    byte: usize,
    bit: u8,
    at: usize,
    width: Option<usize>,
    /// Where the lengths of the texts before it are.
    before: Vec<usize>,
}

impl<'a> Field<'a> {
    /// Whether a row has a value, and its bytes: of `FieldKind::width`, text as long as it is, none for null.
    pub fn value(&self, row: usize) -> Option<&'a [u8]> {
        let part = self.bucket.part(row);
        let there = part.get(self.byte).is_some_and(|bits| bits & self.bit != 0);
        there.then(|| match self.width {
            Some(width) => &part[self.at..self.at + width],
            None => self.text(row, part),
        })
    }

    /// Whether a row has a value, and the value of `N` bytes, any when it has none.
    pub fn fixed<const N: usize>(&self, row: usize) -> (bool, &'a [u8; N]) {
        let part = self.bucket.part(row);
        let value = part.get(self.at..).and_then(|value| value.first_chunk());
        (part.get(self.byte).is_some_and(|bits| bits & self.bit != 0), value.unwrap_or(&[0; N]))
    }

    fn text(&self, row: usize, part: &[u8]) -> &'a [u8] {
        let start = self.bucket.text_starts[self.bucket.parts[row] as usize];
        let start = start + self.before.iter().map(|at| number(part, *at)).sum::<usize>();
        &self.bucket.text[start..start + number(part, self.at)]
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        let (a, b) = (self.value(a).unwrap_or_default(), self.value(b).unwrap_or_default());
        a.len().cmp(&b.len()).then_with(|| a.cmp(b))
    }
}

fn number(part: &[u8], at: usize) -> usize {
    u32::from_le_bytes(part[at..].as_chunks().0[0]) as usize
}
