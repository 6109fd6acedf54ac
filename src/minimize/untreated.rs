//! Why a value could not be treated: it is no value of its column's type, no date of birth, or not for the treatment.
//! Asked of such values alone.

use super::controls::typed;
use super::why_untreated::WhyUntreated;
use crate::cell::dates::Calendars;
use crate::clock::Instant;
use crate::error::Result;
use crate::policy::Column;
use crate::treatments::{Apply, AsIs, Given, Row, TreatOutcome, Treatment, Typed};
use jiff::tz::TimeZone;
use zeroize::Zeroizing;

/// Finds the reasons for one field.
pub(super) struct UntreatedReader {
    /// Publishes a value as it is, whoever could have been born then.
    plain: Box<dyn Apply>,
    birth: bool,
}

impl UntreatedReader {
    /// For a column; none for one of text, of which every value is one.
    ///
    /// # Errors
    /// A policy error for a date format that cannot be read.
    pub(super) fn new(column: &Column, as_of: Instant, zone: &TimeZone) -> Result<Option<UntreatedReader>> {
        let key = |_: &'static str| Zeroizing::new([0; 32]);
        let column = Typed { birth: false, ..typed(column) };
        let given = Given { column: Some(column), as_of, zone, key: &key };
        let plain = Treatment::from(AsIs).ready(&given)?;
        Ok(plain.map(|plain| UntreatedReader { plain, birth: false }))
    }

    /// For a column that is a date of birth.
    pub(super) fn of_birth(self, birth: bool) -> UntreatedReader {
        UntreatedReader { birth, ..self }
    }

    /// The calendars that `why` works with.
    pub(super) fn calendars(&self, zone: &TimeZone) -> Option<Calendars> {
        self.plain.reader().map(|reader| reader.calendars(zone))
    }

    /// Why a value could not be treated.
    pub(super) fn why(&self, value: &str, row: &mut Row<'_>, calendars: &mut Option<Calendars>) -> WhyUntreated {
        match self.plain.apply(value, row, calendars, &mut Vec::new()) {
            TreatOutcome::Untreated | TreatOutcome::Ambiguous => WhyUntreated::NotOfType,
            _ if self.birth => WhyUntreated::NoBirth,
            _ => WhyUntreated::NotForTreatment,
        }
    }
}
