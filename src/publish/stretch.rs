//! Cleared rows of a bucket that follow each other, column by column. Must not know how they are encoded.

use crate::decide::{Cleared, Consent, Kept, KeptBucket, NO_SINCE, NULL_QUASI};
use crate::stage::Control;

/// What a row says that rests on no consent.
const NO_CONSENT: Consent = Consent { since: NO_SINCE, until: i64::MAX };

/// Some rows of a bucket that follow each other. A field whose own `keep` is over is null (R26), and so is its hash
/// among the quasi-identifiers (R36).
#[derive(Clone, Copy)]
pub(crate) struct Stretch<'a> {
    cleared: &'a Cleared,
    bucket: &'a KeptBucket,
    from: usize,
    rows: &'a [Kept],
}

impl<'a> Stretch<'a> {
    /// All rows of a bucket.
    pub fn of(cleared: &'a Cleared, bucket: &'a KeptBucket) -> Stretch<'a> {
        Stretch { cleared, bucket, from: 0, rows: &bucket.kept }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Takes up to `most` rows off the front; none when no rows are left.
    pub fn take(&mut self, most: usize) -> Option<Stretch<'a>> {
        let (rows, rest) = self.rows.split_at(most.min(self.rows.len()));
        let taken = Stretch { rows, ..*self };
        (self.from, self.rows) = (self.from + rows.len(), rest);
        (!rows.is_empty()).then_some(taken)
    }

    /// Takes the rows off the front whose subjects are all alike to `of`; none when no rows are left.
    pub fn take_alike(&mut self, of: impl Fn(&[u8; 16]) -> usize) -> Option<(usize, Stretch<'a>)> {
        let subject = |kept: &Kept| of(self.control().subject(kept.row as usize));
        let first = subject(self.rows.first()?);
        let count = self.rows.partition_point(|kept| subject(kept) == first);
        self.take(count).map(|taken| (first, taken))
    }

    fn control(&self) -> &'a Control {
        &self.bucket.bucket.control
    }

    fn row_numbers(&self) -> impl Iterator<Item = usize> {
        self.rows.iter().map(|kept| kept.row as usize)
    }

    /// More than the rows can have of text: that of their bucket.
    pub fn text_bytes_at_most(&self) -> usize {
        self.bucket.bucket.text_bytes()
    }

    /// Whether the `keep` of a field, by its place among those that have one, is over, row by row.
    fn over(&self, keep: usize) -> impl Iterator<Item = bool> {
        let as_of = self.cleared.as_of().0;
        self.field_until(keep).map(move |until| until <= as_of)
    }

    /// Hands over the values of a field of `N` bytes: whether there is one, and its bytes, any when there is none.
    pub fn fixed<const N: usize>(&self, field: usize, mut each: impl FnMut(bool, &[u8; N])) {
        let values = self.bucket.bucket.field(field);
        let rows = self.row_numbers().map(|row| values.fixed(row));
        match self.cleared.field_keeps().iter().position(|keep| *keep == field) {
            None => rows.for_each(|(there, value)| each(there, value)),
            Some(keep) => rows
                .zip(self.over(keep))
                .for_each(|((there, value), over)| if over { each(false, &[0; N]) } else { each(there, value) }),
        }
    }

    /// Hands over the values of a field of text.
    pub fn text(&self, field: usize, mut each: impl FnMut(Option<&[u8]>)) {
        let values = self.bucket.bucket.field(field);
        let rows = self.row_numbers().map(|row| values.value(row));
        match self.cleared.field_keeps().iter().position(|keep| *keep == field) {
            None => rows.for_each(each),
            Some(keep) => rows.zip(self.over(keep)).for_each(|(value, over)| each(value.filter(|_| !over))),
        }
    }

    /// Subject tokens.
    pub fn subjects(&self) -> impl Iterator<Item = &'a [u8; 16]> {
        let control = self.control();
        self.rows.iter().map(|kept| control.subject(kept.row as usize))
    }

    /// What is in an identity slot: `mark` and identity, zeros where the mark is `NONE`.
    pub fn identities(&self, slot: usize) -> impl Iterator<Item = (u8, &'a [u8; 32])> {
        let control = self.control();
        self.rows.iter().map(move |kept| control.slot(kept.row as usize, slot))
    }

    /// Until when rows stay, in microseconds.
    pub fn keep_until(&self) -> impl Iterator<Item = i64> {
        self.rows.iter().map(|kept| kept.keep_until)
    }

    /// The consents that rows rest on.
    pub fn consents(&self) -> impl Iterator<Item = Consent> {
        let given = self.bucket.consent.get(self.from..).unwrap_or_default();
        (0..self.rows.len()).map(move |n| given.get(n).copied().unwrap_or(NO_CONSENT))
    }

    /// Until when values of a field with a `keep` of its own stay.
    pub fn field_until(&self, keep: usize) -> impl Iterator<Item = i64> {
        let keeps = self.cleared.field_keeps().len();
        let from = self.from;
        (0..self.rows.len()).map(move |n| self.bucket.field_until[(from + n) * keeps + keep])
    }

    /// Hands over the keyed hashes of what is published of a quasi-identifier.
    pub fn quasi(&self, q: usize, mut each: impl FnMut(u64)) {
        let hashes = self.row_numbers().map(|row| self.control().quasi(row, q));
        match self.cleared.quasi_keeps().get(q).copied().flatten() {
            None => hashes.for_each(each),
            Some(keep) => {
                hashes.zip(self.over(keep)).for_each(|(hash, over)| each(if over { NULL_QUASI } else { hash }));
            }
        }
    }
}
