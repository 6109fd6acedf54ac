//! The controls of a row: clocks, excludes, consent, flags (R22, R24, R25, R32).

use super::rows::{NO_CLOCK, NO_SINCE, flag};
use super::tally::{ClockTally, Position};
use crate::cell::dates::{Calendars, DateReader, DateReading};
use crate::cell::forms::{CellForms, boolean};
use crate::cell::text::matches_canonical;
use crate::treatments::Typed;
use jiff::tz::TimeZone;

use crate::clock::{Instant, Period, add};
use crate::error::{Code, Error, Result};
use crate::policy::{Column, ConsentColumn, Exclude, ValueType};
use crate::read::RawBatch;

/// A column as far as a treatment may know it.
pub(super) fn typed(column: &Column) -> Typed<'_> {
    Typed { value: &column.value, sentinels: &column.sentinels, birth: column.birth, forms: &column.forms }
}

/// A column that a clock is read from.
pub struct ClockColumn {
    /// Index among the batch's columns.
    pub column: usize,
    /// Name of the column in the export.
    pub name: String,
    reader: DateReader,
}

/// How far clocks reach.
#[derive(Clone, Copy)]
pub struct Horizon {
    /// Later values count as this.
    pub as_of: i64,
    /// Later values than this are ignored (R24).
    pub limit: i64,
}

impl Horizon {
    /// `as_of`, and `max_future` after it.
    pub fn new(as_of: Instant, max_future: &Period, zone: &TimeZone) -> Horizon {
        Horizon { as_of: as_of.0, limit: add(as_of, max_future, zone).0 }
    }
}

/// What stands in for clocks of the export in rows of the job's own (R42).
#[derive(Clone, Copy)]
pub enum RowClock<'a> {
    /// No value of the row itself decides.
    OfColumns,
    /// One instant for all rows, in microseconds.
    At(i64),
    /// An instant for each identity of the key, by its first half.
    OfPerson(&'a (dyn Fn(&[u8; 16]) -> i64 + Sync)),
}

impl ClockColumn {
    /// A clock of the plan.
    ///
    /// # Errors
    /// A policy error when the column is neither a date nor a timestamp.
    pub fn new(columns: &[Column], column: usize) -> Result<ClockColumn> {
        let name = columns[column].name.clone();
        let Some(reader) = typed(&columns[column]).dates()? else {
            return Err(Error::new(
                Code::SpecUnusable,
                format!("the clock {name:?} is neither a date nor a timestamp"),
            ));
        };
        Ok(ClockColumn { column, name, reader })
    }

    /// The calendars that `read` works with.
    pub fn calendars(&self, job: &TimeZone) -> Calendars {
        self.reader.calendars(job)
    }

    /// Takes a row's value into account: the latest usable one stays in `clock`; an unreadable one sets a flag. Returns
    /// what the value was read as.
    pub fn read(
        &self,
        value: &str,
        horizon: Horizon,
        calendars: &mut Calendars,
        at: impl Fn() -> Position,
        (clock, flags): (&mut i64, &mut u16),
        tally: &mut ClockTally,
    ) -> DateReading {
        let read = self.reader.read(value);
        match read {
            DateReading::Unreadable => {
                *flags |= flag::CLOCK_UNREADABLE;
                tally.count_unreadable(at());
            }
            // The run ends with the batch.
            DateReading::Ambiguous => {}
            DateReading::Sentinel => tally.sentinels += 1,
            DateReading::At(moment) => {
                let instant = self.reader.instant(&moment, calendars);
                if instant > horizon.limit {
                    tally.future += 1;
                    return read;
                }
                tally.clamped += u64::from(instant > horizon.as_of);
                *clock = (*clock).max(instant.min(horizon.as_of)).max(NO_CLOCK + 1);
            }
        }
        read
    }
}

/// Values that a cell is compared with: after trim, NFC and case folding, or on a boolean column as booleans (R22, R32).
struct WantedValues {
    /// Which answers match, on a boolean column: no, yes.
    answers: Option<[bool; 2]>,
    forms: CellForms,
    equals: Vec<String>,
}

impl WantedValues {
    fn new(column: &Column, equals: &[String]) -> WantedValues {
        let forms = column.forms.clone();
        let means = |wanted: &String| forms.boolean(wanted).or_else(|| boolean(wanted));
        let says = |answer| equals.iter().any(|wanted| means(wanted) == Some(answer));
        let answers = (column.value == ValueType::Boolean).then(|| [says(false), says(true)]);
        WantedValues { answers, forms, equals: equals.to_vec() }
    }

    /// Whether a value is one of them; none for one that is no boolean on a boolean column.
    fn matches(&self, value: &str) -> Option<bool> {
        match self.answers {
            None => Some(self.equals.iter().any(|wanted| matches_canonical(value, wanted))),
            Some(answers) => self.forms.boolean(value).map(|yes| answers[usize::from(yes)]),
        }
    }
}

/// The excludes of a job.
pub struct Excludes(Vec<ExcludeRule>);

/// A column, what it is compared with, and whether a match leaves out all rows of the person.
struct ExcludeRule {
    column: usize,
    wanted: WantedValues,
    person: bool,
}

/// Returns the flags of a row that an exclude cannot judge; `person` is whether it leaves out all rows of a person.
pub(super) fn unreadable(person: bool) -> u16 {
    flag::EXCLUDE_UNREADABLE | if person { flag::PERSON_UNREADABLE } else { 0 }
}

impl Excludes {
    /// From the plan, in its order.
    ///
    /// # Errors
    /// A policy error when there are more than a row can say.
    pub fn new(columns: &[Column], excludes: &[Exclude]) -> Result<Excludes> {
        if excludes.len() > usize::from(u8::MAX) {
            return Err(Error::new(Code::SpecUnusable, "a job has at most 255 excludes"));
        }
        let rule = |exclude: &Exclude| ExcludeRule {
            column: exclude.column,
            wanted: WantedValues::new(&columns[exclude.column], &exclude.equals),
            person: exclude.person,
        };
        Ok(Excludes(excludes.iter().map(rule).collect()))
    }

    /// 1 + the index of the first exclude that matches a record, those of persons before the others, or 0. Flags say when
    /// a boolean column has another value (R22), and when it is about all rows of the person (R62); `odd` is told of which
    /// exclude.
    pub fn first_match(&self, batch: &RawBatch, record: usize, flags: &mut u16, odd: &mut dyn FnMut(usize)) -> u8 {
        let (mut of_row, mut of_person) = (0, 0);
        for (index, ExcludeRule { column, wanted, person }) in self.0.iter().enumerate() {
            let Some(value) = batch.value(record, *column) else { continue };
            let first = if *person { &mut of_person } else { &mut of_row };
            match wanted.matches(value) {
                None => {
                    *flags |= unreadable(*person);
                    odd(index);
                }
                Some(true) if *first == 0 => *first = index as u8 + 1,
                Some(_) => {}
            }
        }
        if of_person == 0 {
            return of_row;
        }
        *flags |= flag::EXCLUDES_PERSON;
        of_person
    }
}

/// The consent column of a source.
pub struct ConsentReader {
    column: usize,
    wanted: WantedValues,
    since: Option<(usize, DateReader)>,
}

impl ConsentReader {
    /// From the plan.
    ///
    /// # Errors
    /// A policy error when `since` is neither a date nor a timestamp.
    pub fn new(columns: &[Column], consent: &ConsentColumn) -> Result<ConsentReader> {
        let since = match consent.since {
            None => None,
            Some(column) => match typed(&columns[column]).dates()? {
                Some(reader) => Some((column, reader)),
                None => {
                    let name = &columns[column].name;
                    return Err(Error::new(
                        Code::SpecUnusable,
                        format!("the consent date {name:?} is neither a date nor a timestamp"),
                    ));
                }
            },
        };
        let wanted = WantedValues::new(&columns[consent.column], &consent.equals);
        Ok(ConsentReader { column: consent.column, wanted, since })
    }

    /// The calendars that `read` works with.
    pub fn calendars(&self, job: &TimeZone) -> Option<Calendars> {
        self.since.as_ref().map(|(_, reader)| reader.calendars(job))
    }

    /// Whether a record says yes, and since when. Anything else than one of the values is no, and so is a date that cannot
    /// be read (R32). The error is the column of a date that two formats read differently (R23).
    pub fn read(
        &self,
        batch: &RawBatch,
        record: usize,
        calendars: &mut Option<Calendars>,
    ) -> std::result::Result<(bool, i64), usize> {
        let (mut yes, mut when) = (false, NO_SINCE);
        if let Some(value) = batch.value(record, self.column) {
            yes = self.wanted.matches(value).unwrap_or(false);
        }
        let (Some((column, reader)), Some(calendars)) = (&self.since, calendars) else { return Ok((yes, when)) };
        match batch.value(record, *column).map(|value| reader.read(value)) {
            Some(DateReading::At(moment)) => when = reader.instant(&moment, calendars),
            Some(DateReading::Unreadable) => yes = false,
            Some(DateReading::Ambiguous) => return Err(*column),
            Some(DateReading::Sentinel) | None => {}
        }
        Ok((yes, if yes { when } else { NO_SINCE }))
    }
}

/// An instant so far back that a clock not after it is past keeping, whatever calendar arithmetic does at month ends
/// and changes of offset; rows nearer than that are left to `decide`.
pub fn certainly_past(as_of: Instant, keep: &Period, zone: &TimeZone) -> i64 {
    let back = Period { months: -keep.months, days: -keep.days - 3, seconds: -keep.seconds };
    let candidate = add(as_of, &back, zone);
    if add(candidate, keep, zone) <= as_of { candidate.0 } else { NO_CLOCK }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r23_rows_skipped_by_their_clock_are_past_by_the_calendar() {
        let keeps = ["P3Y", "P1M", "P30D", "PT12H", "P1Y1M1DT1H", "P13M"];
        for name in ["UTC", "Europe/Paris", "America/Sao_Paulo", "Pacific/Apia"] {
            let zone = crate::clock::zone(name).expect("bundled");
            for day in 0..400 {
                let as_of = Instant(1_700_000_000_000_000 + day * 86_400_000_000);
                for keep in keeps.map(|text| Period::parse(text).expect("a period")) {
                    let past = certainly_past(as_of, &keep, &zone);
                    assert_ne!(past, NO_CLOCK, "{name} {day} {keep:?}");
                    for hours in [0, 1, 23, 24, 25, 700, 9000] {
                        let clock = Instant(past - hours * 3_600_000_000);
                        assert!(add(clock, &keep, &zone) <= as_of, "{name} {day} {keep:?} {hours}");
                    }
                }
            }
        }
    }
}
