//! Which notice a person was given when their data were collected (R85).

use super::controls::typed;
use crate::cell::dates::{Calendars, DateReader, DateReading};
use crate::error::{Code, Error, Result};
use crate::policy::{Column, NoticeRules, NoticeTerms};
use crate::read::RawBatch;
use jiff::tz::TimeZone;

/// A column that says a time.
struct TimeColumn {
    column: usize,
    dates: DateReader,
}

/// Calendars of the columns.
pub(super) type NoticeCalendars = [Option<Calendars>; 2];

/// Finds the notice of a row.
pub(super) struct NoticeReader {
    collected: TimeColumn,
    informed: Option<TimeColumn>,
    notices: Vec<NoticeTerms>,
    /// By notice: whether it does not name the category of some field.
    partly: Vec<bool>,
}

impl NoticeReader {
    /// Prepares the notices of a plan.
    ///
    /// # Errors
    /// A policy error when a column says no time.
    pub(super) fn new(columns: &[Column], rules: &NoticeRules) -> Result<NoticeReader> {
        let time = |column: usize| match typed(&columns[column]).dates()? {
            Some(dates) => Ok(TimeColumn { column, dates }),
            None => {
                let name = &columns[column].name;
                Err(Error::new(Code::SpecUnusable, format!("the time of collection {name:?} is no date")))
            }
        };
        Ok(NoticeReader {
            collected: time(rules.collected)?,
            informed: rules.informed.map(time).transpose()?,
            notices: rules.notices.clone(),
            partly: rules.notices.iter().map(|terms| terms.fields.contains(&false)).collect(),
        })
    }

    /// Returns the calendars that `find` works with.
    pub(super) fn calendars(&self, zone: &TimeZone) -> NoticeCalendars {
        let informed = self.informed.as_ref().map(|informed| informed.dates.calendars(zone));
        [Some(self.collected.dates.calendars(zone)), informed]
    }

    /// Returns the place of the notice that was in force when the data of a record were collected, or when the person was
    /// told of a later one; none where that is not known. The error is a column that two formats read differently.
    pub(super) fn find(
        &self,
        batch: &RawBatch,
        record: usize,
        calendars: &mut NoticeCalendars,
    ) -> std::result::Result<Option<usize>, usize> {
        let mut latest: Option<i64> = None;
        let columns = std::iter::once(&self.collected).chain(&self.informed);
        for (TimeColumn { column, dates }, calendars) in columns.zip(calendars) {
            let (Some(value), Some(calendars)) = (batch.value(record, *column), calendars) else { continue };
            match dates.read(value) {
                DateReading::Ambiguous => return Err(*column),
                DateReading::At(moment) => latest = latest.max(Some(dates.instant(&moment, calendars))),
                DateReading::Sentinel | DateReading::Unreadable => {}
            }
        }
        let given = latest.map_or(0, |at| self.notices.partition_point(|notice| notice.from.0 <= at));
        Ok(given.checked_sub(1))
    }

    /// Returns whether a notice does not name the category of some field.
    pub(super) fn is_partly(&self, notice: usize) -> bool {
        self.partly[notice]
    }

    /// Returns what a notice says of the job.
    pub(super) fn terms(&self, notice: usize) -> &NoticeTerms {
        &self.notices[notice]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Instant, instant_of};
    use crate::policy::{DateRule, Share, ValueType};

    fn at(text: &str) -> Instant {
        Instant::parse(text).expect("a time")
    }

    fn found(csv: &str) -> Vec<Option<usize>> {
        let rule = || DateRule { formats: vec!["%Y-%m-%dT%H:%M:%SZ".into()], zone: Some(TimeZone::UTC), epoch: None };
        let column = |name: &str| Column { value: ValueType::Timestamp(rule()), ..Column::text(name) };
        let berlin = crate::clock::zone("Europe/Berlin").expect("bundled");
        let first = instant_of(jiff::civil::date(2025, 1, 1).at(0, 0, 0, 0), &berlin);
        let terms = |from| NoticeTerms { from, covers: true, fields: vec![] };
        let notices = vec![terms(first), terms(at("2026-01-01T00:00:00Z"))];
        let rules = NoticeRules { collected: 0, informed: Some(1), max_unnoticed: Share(0), notices };
        let reader = NoticeReader::new(&[column("collected"), column("informed")], &rules).expect("times");
        let batch = RawBatch::sample(csv, &["collected", "informed"]);
        let mut calendars = reader.calendars(&TimeZone::UTC);
        (0..batch.rows()).map(|row| reader.find(&batch, row, &mut calendars).expect("one reading")).collect()
    }

    #[test]
    fn r85_a_notice_is_in_force_from_its_first_second_in_its_zone() {
        let lines = "collected,informed\n2024-12-31T23:00:00Z,\n2024-12-31T22:59:59Z,\n2025-12-31T23:59:59Z,\n2026-01-01T00:00:00Z,\n";
        assert_eq!(found(lines), [Some(0), None, Some(0), Some(1)]);
    }

    #[test]
    fn r85_a_later_notice_counts_when_the_person_was_told_and_an_unknown_time_is_none() {
        let lines = "collected,informed\n2024-01-01T00:00:00Z,2026-03-01T00:00:00Z\n,2025-06-01T00:00:00Z\n,\nsoon,\n";
        assert_eq!(found(lines), [Some(1), Some(0), None, None]);
    }
}
