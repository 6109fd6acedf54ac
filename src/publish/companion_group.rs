//! The rows of one row group of a companion, as columns of their types; columns that were not read are empty.

use super::encode::{fixed_binary, timestamps};
use crate::decide::{NO_SINCE, NULL_QUASI, mark};
use crate::error::{Code, Error, Result};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, FixedSizeBinaryArray, Int64Array, TimestampMicrosecondArray, UInt32Array,
};
use arrow::buffer::{BooleanBuffer, ScalarBuffer};
use arrow::compute::FilterBuilder;
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType, UInt8Type, UInt32Type};
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// Bytes of an identity in a companion.
pub(super) const IDENTITY_BYTES: i32 = 16;

/// The first bits of a subject token: all that a companion has of it, for the order of rows.
pub(super) fn first(subject: &[u8; 16]) -> u32 {
    u32::from_be_bytes(*subject.first_chunk().unwrap_or(&[0; 4]))
}

/// Rows of one row group.
pub struct CompanionGroup {
    batch: RecordBatch,
    wide: bool,
    firsts: ScalarBuffer<u32>,
    identities: Vec<FixedSizeBinaryArray>,
    marks: Vec<ScalarBuffer<u8>>,
    keep_until: ScalarBuffer<i64>,
    /// Since when and until when there is a consent.
    consent: Option<(TimestampMicrosecondArray, TimestampMicrosecondArray)>,
    until: Vec<ScalarBuffer<i64>>,
    quasi: Vec<ScalarBuffer<i64>>,
}

impl CompanionGroup {
    /// Of some columns of a companion; `wide` says that they are as before 2026-11-27. None when they are not such columns.
    pub(super) fn of(batch: RecordBatch, wide: bool) -> Option<CompanionGroup> {
        let none = || ScalarBuffer::from(Vec::new());
        let mut group = CompanionGroup {
            wide,
            firsts: ScalarBuffer::from(Vec::new()),
            identities: Vec::new(),
            marks: Vec::new(),
            keep_until: none(),
            consent: None,
            until: Vec::new(),
            quasi: Vec::new(),
            batch: batch.clone(),
        };
        let mut since = None;
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let micros = || column.as_primitive_opt::<TimestampMicrosecondType>();
            match field.name().split_once('_').map_or(field.name().as_str(), |(kind, _)| kind) {
                "subject" => group.firsts = firsts(column)?,
                "identity" => group.identities.push(column.as_fixed_size_binary_opt()?.clone()),
                "mark" => group.marks.push(column.as_primitive_opt::<UInt8Type>()?.values().clone()),
                "keep" => group.keep_until = micros()?.values().clone(),
                "since" => since = micros().cloned(),
                "consent" => group.consent = since.take().zip(micros().cloned()),
                "until" => group.until.push(micros()?.values().clone()),
                "quasi" => group.quasi.push(column.as_primitive_opt::<Int64Type>()?.values().clone()),
                _ => return None,
            }
        }
        Some(group)
    }

    /// Returns how many rows the group has.
    pub fn rows(&self) -> usize {
        self.batch.num_rows()
    }
    /// Identity slots per row; 1 when only persons were read.
    pub fn identities(&self) -> usize {
        self.identities.len()
    }
    /// Fields with a `keep` of their own.
    pub fn field_untils(&self) -> usize {
        self.until.len()
    }
    /// Returns how many hashes of quasi-identifiers each row has.
    pub fn quasis(&self) -> usize {
        self.quasi.len()
    }
    /// First bits of the subject token.
    #[inline]
    pub fn first(&self, row: usize) -> u32 {
        self.firsts[row]
    }
    /// Whose row it is: the identity of the subject's key, of which its token is made.
    #[inline]
    pub fn person(&self, row: usize) -> &[u8; 16] {
        self.identity(row, 0).unwrap_or(&[0; 16])
    }
    /// `mark` of a slot.
    #[inline]
    pub fn mark(&self, row: usize, slot: usize) -> u8 {
        self.marks[slot][row]
    }
    /// Identity of a slot, when there is one of the row's own person: its first half where a companion has all of it.
    #[inline]
    pub fn identity(&self, row: usize, slot: usize) -> Option<&[u8; 16]> {
        let own = mark::other(self.marks[slot][row]).is_none();
        self.in_slot(row, slot).filter(|_| own)
    }
    #[inline]
    fn in_slot(&self, row: usize, slot: usize) -> Option<&[u8; 16]> {
        let column = &self.identities[slot];
        if column.is_null(row) { None } else { column.value(row).first_chunk() }
    }
    /// Identities of other persons of the row (R68), each with its mark.
    pub fn others(&self, row: usize) -> impl Iterator<Item = (u8, &[u8; 16])> + Clone {
        let slots = (0..self.identities.len()).map(move |slot| (slot, self.marks[slot][row]));
        let others = slots.filter(|(_, mark)| mark::other(*mark).is_some());
        others.filter_map(move |(slot, mark)| Some((mark, self.in_slot(row, slot)?)))
    }
    /// The row goes when `as_of` reaches this, in microseconds.
    #[inline]
    pub fn keep_until(&self, row: usize) -> i64 {
        self.keep_until[row]
    }
    /// When the consent the row rests on was given, or `NO_SINCE`.
    pub fn since(&self, row: usize) -> i64 {
        self.consent.as_ref().map_or(NO_SINCE, |(since, _)| optional(since, row).unwrap_or(NO_SINCE))
    }
    /// When that consent ends; `i64::MAX` for no end or no consent.
    pub fn consent_until(&self, row: usize) -> i64 {
        self.consent.as_ref().map_or(i64::MAX, |(_, until)| optional(until, row).unwrap_or(i64::MAX))
    }
    /// The value of the `k`-th field with a `keep` of its own goes when `as_of` reaches this.
    #[inline]
    pub fn field_until(&self, row: usize, k: usize) -> i64 {
        self.until[k][row]
    }
    /// The same of all rows.
    pub(super) fn field_untils_of(&self, k: usize) -> &[i64] {
        &self.until[k]
    }
    /// Keyed hash of a published quasi-identifier, `NULL_QUASI` for null.
    #[inline]
    pub fn quasi(&self, row: usize, q: usize) -> u64 {
        self.quasi[q][row].cast_unsigned()
    }

    /// The rows that stay, as the columns of a companion; `over` says per quasi-identifier and row whether its value goes,
    /// `untils` per field with a `keep` of its own until when its values stay now.
    ///
    /// # Errors
    /// An evidence error for columns that do not fit together.
    pub(super) fn kept<'a>(
        &self,
        stays: &BooleanBuffer,
        over: impl Fn(usize) -> Option<&'a [bool]>,
        untils: &[Vec<i64>],
    ) -> Result<Vec<ArrayRef>> {
        let filter = FilterBuilder::new(&BooleanArray::from(stays.clone())).optimize().build();
        let hashes = self.batch.num_columns() - self.quasi.len();
        let first_until = hashes - self.until.len();
        let until = |at: usize| {
            let place = at.checked_sub(first_until).filter(|place| *place < self.until.len())?;
            untils.get(place).filter(|untils| ***untils != self.until[place][..])
        };
        let kept = |(at, column): (usize, &ArrayRef)| {
            let over = at.checked_sub(hashes).and_then(&over);
            let changed = over.map(|over| without(column, over));
            let changed = changed.or_else(|| until(at).map(|untils| timestamps(untils.clone(), None)));
            let column = filter.filter(changed.as_ref().unwrap_or(column)).map_err(|_| unfit())?;
            if self.wide { narrow(column) } else { Ok(column) }
        };
        self.batch.columns().iter().enumerate().map(kept).collect()
    }
}

fn optional(times: &TimestampMicrosecondArray, row: usize) -> Option<i64> {
    (!times.is_null(row)).then(|| times.value(row))
}

fn firsts(subjects: &ArrayRef) -> Option<ScalarBuffer<u32>> {
    if let Some(firsts) = subjects.as_primitive_opt::<UInt32Type>() {
        return Some(firsts.values().clone());
    }
    let tokens = subjects.as_fixed_size_binary_opt()?;
    let firsts = tokens.iter().map(|token| token.and_then(<[u8]>::first_chunk).map_or(0, first));
    Some(firsts.collect::<Vec<u32>>().into())
}

/// Hashes without those of values that go.
fn without(hashes: &ArrayRef, over: &[bool]) -> ArrayRef {
    let hashes = hashes.as_primitive::<Int64Type>().values().iter().zip(over);
    let left = hashes.map(|(hash, over)| if *over { NULL_QUASI.cast_signed() } else { *hash });
    Arc::new(Int64Array::from_iter_values(left))
}

/// A column of a companion of the earlier form as it is now: the first bits of a token, half of an identity.
fn narrow(column: ArrayRef) -> Result<ArrayRef> {
    match column.data_type() {
        DataType::FixedSizeBinary(16) => Ok(Arc::new(UInt32Array::new(firsts(&column).ok_or_else(unfit)?, None))),
        DataType::FixedSizeBinary(_) => {
            let identities = column.as_fixed_size_binary();
            let half =
                |identity: Option<&[u8]>| identity.and_then(|bytes| bytes.first_chunk().copied()).unwrap_or([0; 16]);
            let halves: Vec<u8> = identities.iter().flat_map(half).collect();
            fixed_binary(IDENTITY_BYTES, halves, identities.nulls().cloned())
        }
        _ => Ok(column),
    }
}

fn unfit() -> Error {
    Error::new(Code::CompanionBroken, "a companion has columns that do not fit together")
        .help("compare its hash with the manifest: `tamis verify`")
}
