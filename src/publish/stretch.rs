//! Cleared rows of a bucket that follow each other, column by column. What may be published of a row, and what of it is
//! null, is decided already.

use crate::decide::{Consent, KeptBucket};
use std::ops::Range;

/// Rows whose values are taken column by column.
pub(crate) trait FieldValues {
    /// Returns how many rows there are.
    fn count(&self) -> usize;
    /// Hands over the values of a field of `N` bytes: whether there is one, and its bytes, any when there is none.
    fn fixed<const N: usize>(&self, field: usize, each: impl FnMut(bool, &[u8; N]));
    /// Hands over the values of a field of text.
    fn text(&self, field: usize, each: impl FnMut(Option<&[u8]>));
}

impl FieldValues for Stretch<'_> {
    fn count(&self) -> usize {
        self.rows.len()
    }

    fn fixed<const N: usize>(&self, field: usize, each: impl FnMut(bool, &[u8; N])) {
        self.bucket.fixed(self.rows.clone(), field, each);
    }

    fn text(&self, field: usize, each: impl FnMut(Option<&[u8]>)) {
        self.bucket.text(self.rows.clone(), field, each);
    }
}

/// Some rows of a bucket that follow each other.
#[derive(Clone)]
pub(crate) struct Stretch<'a> {
    bucket: &'a KeptBucket<'a>,
    rows: Range<usize>,
}

impl<'a> Stretch<'a> {
    /// All rows of a bucket.
    pub fn of(bucket: &'a KeptBucket<'a>) -> Stretch<'a> {
        Stretch { rows: 0..bucket.rows(), bucket }
    }

    /// Returns how many rows the stretch has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Takes up to `most` rows off the front; none when no rows are left.
    pub fn take(&mut self, most: usize) -> Option<Stretch<'a>> {
        let middle = self.rows.start + most.min(self.len());
        let taken = Stretch { rows: self.rows.start..middle, ..*self };
        self.rows.start = middle;
        (taken.len() > 0).then_some(taken)
    }

    /// Takes the rows off the front whose subjects are all alike to `of`; none when no rows are left.
    pub fn take_alike(&mut self, of: impl Fn(&[u8; 16]) -> usize) -> Option<(usize, Stretch<'a>)> {
        let subject = |row: usize| of(self.bucket.subject(row));
        let first = (self.len() > 0).then(|| subject(self.rows.start))?;
        // Rows are in the order of their subjects, so those that are alike come first.
        let (mut alike, mut end) = (self.rows.start, self.rows.end);
        while alike < end {
            let middle = alike.midpoint(end);
            if subject(middle) == first {
                alike = middle + 1;
            } else {
                end = middle;
            }
        }
        self.take(alike - self.rows.start).map(|taken| (first, taken))
    }

    /// More than the rows can have of text: that of their bucket.
    pub fn text_bytes_at_most(&self) -> usize {
        self.bucket.text_bytes_at_most()
    }

    /// Returns the subject token of each row, in order.
    pub fn subjects(&self) -> impl Iterator<Item = &'a [u8; 16]> {
        let bucket = self.bucket;
        self.rows.clone().map(|row| bucket.subject(row))
    }

    /// What is in an identity slot: `mark` and identity, zeros where the mark is `NONE`.
    pub fn identities(&self, slot: usize) -> impl Iterator<Item = (u8, &'a [u8; 16])> {
        self.bucket.identities(self.rows.clone(), slot)
    }

    /// Until when rows stay, in microseconds.
    pub fn keep_until(&self) -> impl Iterator<Item = i64> {
        self.bucket.keep_until(self.rows.clone())
    }

    /// The consents that rows rest on.
    pub fn consents(&self) -> impl Iterator<Item = Consent> {
        self.bucket.consents(self.rows.clone())
    }

    /// Until when values of a field with a `keep` of its own stay.
    pub fn field_until(&self, place: usize) -> impl Iterator<Item = i64> {
        self.bucket.field_until(self.rows.clone(), place)
    }

    /// Hands over the keyed hashes of what is published of a field that gates hash.
    pub fn quasi(&self, q: usize, each: impl FnMut(u64)) {
        self.bucket.quasi(self.rows.clone(), q, each);
    }
}
