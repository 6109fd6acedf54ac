//! The rows of one bucket, read back: controls alone, or with the published fields.
//! Must not know where they waited, nor what becomes of them.

use super::record::{self, FieldPlace};
use crate::minimize::{Layout, NO_CLOCK, NO_SINCE, NULL_QUASI, RowVersion, flag, mark};
use std::cmp::Ordering;

/// Control records of the rows of one bucket. The order of rows is the same each time it is read, and means nothing.
/// Deliberately without `Debug`: it holds tokens and identities.
pub struct Control {
    slots: usize,
    quasi: usize,
    bytes: Vec<u8>,
    /// Where each record begins, and the end of the last.
    starts: Vec<usize>,
}

impl Control {
    /// Takes control records as `record` wrote them.
    pub(super) fn new(layout: &Layout, bytes: Vec<u8>) -> Control {
        let (slots, quasi) = (layout.identities, layout.quasi);
        let mut starts = Vec::with_capacity(bytes.len() / (record::MARKS + slots) + 1);
        let mut next = 0;
        while next < bytes.len() {
            starts.push(next);
            next += record::control_length(&bytes[next..], slots, quasi);
        }
        starts.push(next);
        Control { slots, quasi, bytes, starts }
    }

    /// Returns how many rows the bucket has.
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    fn row(&self, i: usize) -> &[u8] {
        &self.bytes[self.starts[i]..self.starts[i + 1]]
    }

    fn array<const N: usize>(&self, i: usize, at: usize) -> &[u8; N] {
        &self.bytes[self.starts[i] + at..].as_chunks::<N>().0[0]
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
        if self.has_since(i) { i64::from_le_bytes(*self.array(i, record::MARKS + self.slots)) } else { NO_SINCE }
    }

    fn has_since(&self, i: usize) -> bool {
        self.stored_flags(i) & record::HAS_SINCE != 0
    }

    fn stored_flags(&self, i: usize) -> u16 {
        u16::from_le_bytes(*self.array(i, record::FLAGS))
    }

    /// Returns the bits of `flag` that a row has.
    pub fn flags(&self, i: usize) -> u16 {
        self.stored_flags(i) & !(record::HAS_SINCE | record::HAS_VERSION)
    }

    /// Which version of its record a row is; none where each record is there once.
    pub fn version(&self, i: usize) -> Option<RowVersion> {
        let flags = self.stored_flags(i);
        let at = record::MARKS + self.slots + record::before_identities(flags & record::HAS_SINCE);
        (flags & record::HAS_VERSION != 0).then(|| RowVersion {
            order: i64::from_le_bytes(*self.array(i, at)),
            print: u64::from_le_bytes(*self.array(i, at + 8)),
        })
    }

    /// Marks a row as an earlier version of its record: nothing is decided about it, and only its links count (R75).
    pub fn supersede(&mut self, i: usize) {
        const OF_PERSON: u16 = flag::EXCLUDES_PERSON | flag::PERSON_UNREADABLE;
        self.set_flags(i, (self.stored_flags(i) & !OF_PERSON) | flag::SUPERSEDED);
        let at = self.starts[i] + record::CLOCK;
        self.bytes[at..at + 8].copy_from_slice(&NO_CLOCK.to_le_bytes());
    }

    /// Marks a row as one of which nobody knows whether it is the newest version of its record (R75).
    pub fn doubt_version(&mut self, i: usize) {
        self.set_flags(i, self.stored_flags(i) | flag::VERSION_DOUBTFUL);
    }

    fn set_flags(&mut self, i: usize, flags: u16) {
        let at = self.starts[i] + record::FLAGS;
        self.bytes[at..at + 2].copy_from_slice(&flags.to_le_bytes());
    }

    /// 0, or 1 + index of the first matching exclude.
    pub fn exclude(&self, i: usize) -> u8 {
        self.bytes[self.starts[i] + record::EXCLUDE]
    }

    /// Marks of a row, one per identity slot.
    pub fn marks(&self, i: usize) -> &[u8] {
        &self.bytes[self.starts[i] + record::MARKS..][..self.slots]
    }

    /// Mark and identity of one slot, the identity zeros where the mark is `mark::NONE`.
    pub fn slot(&self, i: usize, slot: usize) -> (u8, &[u8; 16]) {
        let marks = self.marks(i);
        if marks[slot] == mark::NONE {
            return (mark::NONE, &[0; 16]);
        }
        let before = marks[..slot].iter().filter(|m| **m != mark::NONE).count();
        (marks[slot], &self.packed(i)[before])
    }

    /// The identities of a row's own person, each with its mark.
    pub fn identities(&self, i: usize) -> impl Iterator<Item = (u8, &[u8; 16])> {
        self.all_identities(i).filter(|(mark, _)| mark::other(*mark).is_none())
    }

    /// The identities of other persons of a row (R68), each with its mark.
    pub fn others(&self, i: usize) -> impl Iterator<Item = (u8, &[u8; 16])> {
        self.all_identities(i).filter(|(mark, _)| mark::other(*mark).is_some())
    }

    fn all_identities(&self, i: usize) -> impl Iterator<Item = (u8, &[u8; 16])> {
        let marked = self.marks(i).iter().copied().filter(|m| *m != mark::NONE);
        marked.zip(self.packed(i))
    }

    /// The identities of a row, and what comes after them.
    fn packed(&self, i: usize) -> &[[u8; 16]] {
        let before = record::before_identities(self.stored_flags(i));
        self.bytes[self.starts[i] + record::MARKS + self.slots + before..].as_chunks().0
    }

    /// Keyed hash of a published quasi-identifier, or `NULL_QUASI`.
    pub fn quasi(&self, i: usize, q: usize) -> u64 {
        if !record::has_fields(self.stored_flags(i)) {
            return NULL_QUASI;
        }
        let hashes = &self.bytes[self.starts[i + 1] - 8 * self.quasi..];
        u64::from_le_bytes(hashes.as_chunks().0[q])
    }
}

/// All there is of the rows of one bucket.
pub struct RowBucket {
    /// Control columns of all its rows.
    pub control: Control,
    places: Vec<FieldPlace>,
    stride: usize,
    fields: Vec<u8>,
    /// Per row where its record with fields begins, `NO_FIELDS` when it has none.
    starts: Vec<usize>,
    text_bytes: usize,
}

const NO_FIELDS: usize = usize::MAX;

impl RowBucket {
    /// Takes controls, and records of fields as `record` wrote them; none when they do not fit together.
    pub(super) fn new(layout: &Layout, control: Control, fields: Vec<u8>) -> Option<RowBucket> {
        let (places, stride) = record::places(layout);
        let lengths: Vec<usize> = places.iter().filter(|p| p.width.is_none()).map(|p| p.at).collect();
        let (mut starts, mut rest, mut count) = (Vec::with_capacity(control.rows()), &fields[..], 0);
        for row in 0..control.rows() {
            if !record::has_fields(control.flags(row)) {
                starts.push(NO_FIELDS);
                continue;
            }
            starts.push(fields.len() - rest.len());
            let (part, text) = rest.split_at_checked(stride)?;
            rest = lengths.iter().try_fold(text, |text, at| Some(record::split_text(text, part[*at])?.1))?;
            count += 1;
        }
        let text_bytes = fields.len() - count * stride;
        rest.is_empty().then_some(RowBucket { control, places, stride, fields, starts, text_bytes })
    }

    /// One published field of all rows.
    pub fn field(&self, field: usize) -> BucketField<'_> {
        let place = self.places[field];
        let before = self.places[..field].iter().filter(|p| p.width.is_none()).map(|p| p.at).collect();
        BucketField { bucket: self, byte: field / 8, bit: 1 << (field % 8), at: place.at, width: place.width, before }
    }

    /// Bytes of the text of all rows and fields together.
    pub fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    /// The part of fixed stride of a row's fields, and their text; empty for a row that never leaves.
    fn part(&self, row: usize) -> (&[u8], &[u8]) {
        match self.starts[row] {
            NO_FIELDS => (&[], &[]),
            start => self.fields[start..].split_at(self.stride),
        }
    }

    /// Total order of rows within a person: what is published first, then everything else, so that two rows compare
    /// equal only when nothing tells them apart. The export's order plays no part.
    pub fn compare(&self, a: usize, b: usize) -> Ordering {
        let valid = self.places.len().div_ceil(8);
        let validity = |row| self.part(row).0.get(..valid);
        let published = (0..self.places.len()).map(|f| self.field(f).compare(a, b));
        let published = validity(a).cmp(&validity(b)).then_with(|| published.fold(Ordering::Equal, Ordering::then));
        published.then_with(|| self.control.row(a).cmp(self.control.row(b)))
    }
}

/// One published field of the rows of a bucket.
pub struct BucketField<'a> {
    bucket: &'a RowBucket,
    byte: usize,
    bit: u8,
    at: usize,
    width: Option<usize>,
    /// Where the lengths of the texts before it are.
    before: Vec<usize>,
}

impl<'a> BucketField<'a> {
    /// Whether a row has a value, and its bytes: of `FieldKind::width`, text as long as it is, none for null.
    pub fn value(&self, row: usize) -> Option<&'a [u8]> {
        let (part, text) = self.bucket.part(row);
        if part.get(self.byte).is_none_or(|bits| bits & self.bit == 0) {
            return None;
        }
        match self.width {
            Some(width) => Some(&part[self.at..self.at + width]),
            None => self.text(part, text),
        }
    }

    /// Whether a row has a value, and the value of `N` bytes, any when it has none.
    pub fn fixed<const N: usize>(&self, row: usize) -> (bool, &'a [u8; N]) {
        let (part, _) = self.bucket.part(row);
        let value = part.get(self.at..).and_then(|value| value.first_chunk());
        (part.get(self.byte).is_some_and(|bits| bits & self.bit != 0), value.unwrap_or(&[0; N]))
    }

    /// `Bucket::new` has found all texts of all rows.
    fn text(&self, part: &[u8], text: &'a [u8]) -> Option<&'a [u8]> {
        let rest = self.before.iter().try_fold(text, |text, at| Some(record::split_text(text, part[*at])?.1))?;
        record::split_text(rest, part[self.at]).map(|(text, _)| text)
    }

    fn compare(&self, a: usize, b: usize) -> Ordering {
        let (a, b) = (self.value(a).unwrap_or_default(), self.value(b).unwrap_or_default());
        a.len().cmp(&b.len()).then_with(|| a.cmp(b))
    }
}
