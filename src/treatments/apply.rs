//! What applying a treatment is: one value in, one published value out (R20). Pure functions of one repeated shape.

use super::field_kind::FieldKind;
use crate::cell::dates::{Calendars, DateReader, DateReading};
use crate::cell::forms::CellForms;
use crate::cell::kind::ValueType;
use crate::clock::Instant;
use crate::clock::days::Moment;
use crate::error::Result;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// What became of a value that is not null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreatOutcome {
    /// Bytes were appended: text, or exactly the width of the field's kind.
    Value,
    /// A sentinel: null for treatments (R20).
    Null,
    /// It cannot be treated: null and counted. Nothing was appended.
    Untreated,
    /// Two formats of the column read it differently: the run is refused (R23). Nothing was appended.
    Ambiguous,
}

/// The column that a field is made from, as far as a treatment may know it.
#[derive(Clone, Copy)]
pub struct Typed<'a> {
    /// What its cells are.
    pub value: &'a ValueType,
    /// Dates that mean "no value" (R24).
    pub sentinels: &'a [Date],
    /// A date of birth: one that makes nobody living is untreated (R20).
    pub birth: bool,
    /// How its numbers and booleans are written.
    pub forms: &'a CellForms,
}

impl Typed<'_> {
    /// A reader for the column's dates; none when it has none.
    ///
    /// # Errors
    /// A policy error for a date format that cannot be read.
    pub fn dates(&self) -> Result<Option<DateReader>> {
        match self.value {
            ValueType::Date(rule) => DateReader::new(rule, true, self.sentinels).map(Some),
            ValueType::Timestamp(rule) => DateReader::new(rule, false, self.sentinels).map(Some),
            _ => Ok(None),
        }
    }

    /// The type of its values once published as they are.
    pub fn kind(&self) -> FieldKind {
        match self.value {
            ValueType::Text => FieldKind::Text,
            ValueType::Boolean => FieldKind::Boolean,
            ValueType::Date(_) => FieldKind::Date,
            ValueType::Timestamp(_) => FieldKind::Timestamp,
            ValueType::Integer => FieldKind::Int64,
            ValueType::Decimal { scale: Some(scale) } => FieldKind::Decimal(*scale),
            ValueType::Decimal { scale: None } => FieldKind::Float64,
        }
    }
}

/// What a treatment may work with beside its settings, the same for all rows of a run.
pub struct Given<'a> {
    /// The column; none for a treatment without one.
    pub column: Option<Typed<'a>>,
    /// The instant that ages are counted at.
    pub as_of: Instant,
    /// The zone of the job's calendar.
    pub zone: &'a TimeZone,
    /// Derives a key of the job's domain and epoch for a context, from the token key (R2, R3).
    pub key: &'a dyn Fn(&'static str) -> Zeroizing<[u8; 32]>,
}

/// What a treatment counted, by name.
pub type Counts = BTreeMap<&'static str, u64>;

/// The row that a value is of.
pub struct Row<'a> {
    /// The subject's token of the job's domain and epoch; none where there is no subject.
    pub subject: Option<[u8; 16]>,
    /// Another column's value, by its index in the plan.
    pub other: &'a dyn Fn(usize) -> Option<&'a str>,
    /// What the treatment counts.
    pub counts: &'a mut Counts,
}

/// One field's treatment, ready to be applied.
pub trait Apply: Send + Sync {
    /// Treats one value that is not null.
    fn apply(
        &self,
        value: &str,
        row: &mut Row<'_>,
        calendars: &mut Option<Calendars>,
        out: &mut Vec<u8>,
    ) -> TreatOutcome;

    /// Treats a date or time that has been read already, by a reader of the same column.
    fn apply_read(
        &self,
        _read: DateReading,
        _row: &mut Row<'_>,
        _calendars: &mut Option<Calendars>,
        _out: &mut Vec<u8>,
    ) -> TreatOutcome {
        TreatOutcome::Untreated
    }

    /// Returns whether every value that is not null can be treated.
    fn treats_all(&self) -> bool {
        false
    }

    /// Appends what null becomes and returns true, where that is not null (R20).
    fn of_null(&self, _out: &mut Vec<u8>) -> bool {
        false
    }

    /// Returns the reader of the dates that `apply_read` takes.
    fn reader(&self) -> Option<&DateReader> {
        None
    }
}

/// Treats a date or time that has been read; what is none says what becomes of the value.
pub fn of_date(
    read: DateReading,
    calendars: &mut Option<Calendars>,
    treat: impl FnOnce(&Moment, &mut Calendars) -> TreatOutcome,
) -> TreatOutcome {
    match (read, calendars) {
        (DateReading::At(moment), Some(calendars)) => treat(&moment, calendars),
        (DateReading::Sentinel, _) => TreatOutcome::Null,
        (DateReading::Ambiguous, _) => TreatOutcome::Ambiguous,
        _ => TreatOutcome::Untreated,
    }
}

/// Treats each value on its own.
pub struct Each<F>(pub F);

impl<F: Fn(&str, &mut Vec<u8>) -> TreatOutcome + Send + Sync> Apply for Each<F> {
    fn apply(&self, value: &str, _: &mut Row<'_>, _: &mut Option<Calendars>, out: &mut Vec<u8>) -> TreatOutcome {
        (self.0)(value, out)
    }
}

/// Treats each value on its own, and any value.
pub struct Any<F>(pub F);

impl<F: Fn(&str, &mut Vec<u8>) -> TreatOutcome + Send + Sync> Apply for Any<F> {
    fn apply(&self, value: &str, _: &mut Row<'_>, _: &mut Option<Calendars>, out: &mut Vec<u8>) -> TreatOutcome {
        (self.0)(value, out)
    }
    fn treats_all(&self) -> bool {
        true
    }
}
