//! The rows of one bucket as they are published: what its own `keep` has taken of a row is null already (R26).

use super::field_keep::FieldKeeps;
use crate::stage::{NO_SINCE, NULL_QUASI, RowBucket};
use std::ops::Range;

/// The consent a kept row rests on; instants are microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    /// When it was given; `NO_SINCE` when no date is known.
    pub since: i64,
    /// When it ends; `i64::MAX` for no end.
    pub until: i64,
}

/// What a row says that rests on no consent.
const NO_CONSENT: Consent = Consent { since: NO_SINCE, until: i64::MAX };

/// A row that is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// Its number in the bucket.
    pub row: u32,
    /// The first instant, in microseconds, at which it no longer stays.
    pub keep_until: i64,
}

/// The published rows of one bucket, sorted by subject token, then by the whole record. Everything is asked of a range of
/// them, column by column.
pub struct KeptBucket<'a> {
    pub(super) keeps: &'a FieldKeeps,
    /// All rows of the bucket.
    pub(super) bucket: RowBucket,
    /// Those that are published, in order.
    pub(super) kept: Vec<Kept>,
    /// Row by row, per field with a `keep` of its own the first instant at which it no longer stays.
    pub(super) field_until: Vec<i64>,
    /// Row by row; empty unless the purpose rests on consent.
    pub(super) consent: Vec<Consent>,
}

impl KeptBucket<'_> {
    /// Returns how many rows are kept.
    pub fn rows(&self) -> usize {
        self.kept.len()
    }

    fn numbers(&self, rows: Range<usize>) -> impl Iterator<Item = usize> {
        self.kept[rows].iter().map(|kept| kept.row as usize)
    }

    /// More than rows can have of text: that of all rows of the bucket.
    pub fn text_bytes_at_most(&self) -> usize {
        self.bucket.text_bytes()
    }

    /// Whether the `keep` of a field, by its place among those that have one, is over, row by row.
    fn over(&self, rows: Range<usize>, place: usize) -> impl Iterator<Item = bool> {
        self.field_until(rows, place).map(|until| self.keeps.over(until))
    }

    /// Hands over the values of a field of `N` bytes: whether there is one, and its bytes, any when there is none.
    pub fn fixed<const N: usize>(&self, rows: Range<usize>, field: usize, mut each: impl FnMut(bool, &[u8; N])) {
        let values = self.bucket.field(field);
        let staged = self.numbers(rows.clone()).map(|row| values.fixed(row));
        match self.keeps.place(field) {
            None => staged.for_each(|(there, value)| each(there, value)),
            Some(place) => staged
                .zip(self.over(rows, place))
                .for_each(|((there, value), over)| if over { each(false, &[0; N]) } else { each(there, value) }),
        }
    }

    /// Hands over the values of a field of text.
    pub fn text(&self, rows: Range<usize>, field: usize, mut each: impl FnMut(Option<&[u8]>)) {
        let values = self.bucket.field(field);
        let staged = self.numbers(rows.clone()).map(|row| values.value(row));
        match self.keeps.place(field) {
            None => staged.for_each(each),
            Some(place) => staged.zip(self.over(rows, place)).for_each(|(value, over)| each(value.filter(|_| !over))),
        }
    }

    /// Subject token of one row.
    pub fn subject(&self, row: usize) -> &[u8; 16] {
        self.bucket.control.subject(self.kept[row].row as usize)
    }

    /// What is in an identity slot: `mark` and identity, zeros where the mark is `NONE`.
    pub fn identities(&self, rows: Range<usize>, slot: usize) -> impl Iterator<Item = (u8, &[u8; 16])> {
        self.numbers(rows).map(move |row| self.bucket.control.slot(row, slot))
    }

    /// Until when rows stay, in microseconds.
    pub fn keep_until(&self, rows: Range<usize>) -> impl Iterator<Item = i64> {
        self.kept[rows].iter().map(|kept| kept.keep_until)
    }

    /// The consents that rows rest on.
    pub fn consents(&self, rows: Range<usize>) -> impl Iterator<Item = Consent> {
        rows.map(|row| self.consent.get(row).copied().unwrap_or(NO_CONSENT))
    }

    /// Until when values of a field with a `keep` of its own stay.
    pub fn field_until(&self, rows: Range<usize>, place: usize) -> impl Iterator<Item = i64> {
        let keeps = self.keeps.fields();
        rows.map(move |row| self.field_until[row * keeps + place])
    }

    /// Hands over the keyed hashes of what is published of a field that gates hash.
    pub fn quasi(&self, rows: Range<usize>, q: usize, mut each: impl FnMut(u64)) {
        let hashes = self.numbers(rows.clone()).map(|row| self.bucket.control.quasi(row, q));
        match self.keeps.place_of_hash(q) {
            None => hashes.for_each(each),
            Some(place) => {
                let published = |(hash, over)| each(if over { NULL_QUASI } else { hash });
                hashes.zip(self.over(rows, place)).for_each(published);
            }
        }
    }
}
