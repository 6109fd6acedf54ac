//! Dates and times of a list: in the list's `formats`, or without these in the forms that can be read in one way only
//! (R23).

use crate::clock::Instant;
use crate::clock::date_format::{Formats, Said};
use crate::error::Result;
use jiff::tz::TimeZone;
use std::cell::RefCell;

/// Why a date cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// None of the list's formats reads it.
    InNoFormat,
    /// The list has no formats, and it is in no form that is read without.
    NeedsFormats,
    /// Two formats read it, with different results.
    Ambiguous,
    /// It is outside of the years 0001 to 9999 of UTC.
    Year,
}

impl Unusable {
    /// Returns what to tell of it; the column is named beside it.
    pub fn what(self) -> &'static str {
        match self {
            Unusable::InNoFormat => "the date is in none of the list's `formats`",
            Unusable::NeedsFormats => {
                "the date is no YYYY-MM-DD and no time like YYYY-MM-DD HH:MM: give the list `formats`"
            }
            Unusable::Ambiguous => "two of the list's `formats` read the date differently (R23)",
            Unusable::Year => "the date is not in the years 0001 to 9999 of UTC (R23)",
        }
    }
}

/// Reads the dates of one list.
pub struct ListDates {
    /// The list's own, which count alone.
    formats: Option<Formats>,
    days: Formats,
    times: Formats,
    zone: TimeZone,
    /// The last text that could be read, and as what: neighbours often have the same date.
    last: RefCell<(String, Instant)>,
}

impl ListDates {
    /// Prepares the formats and the zone of a list.
    ///
    /// # Errors
    /// A policy error for a format that is not known.
    pub fn new(formats: Option<&[String]>, zone: &TimeZone) -> Result<ListDates> {
        let mut times = Vec::new();
        for separator in [' ', 'T'] {
            for time in ["%H:%M", "%H:%M:%S%.f", "%I:%M %p", "%I:%M%p", "%I:%M:%S %p", "%I:%M:%S%p"] {
                let ends = ["", "%z", " %z"].map(|end| format!("%Y-%m-%d{separator}{time}{end}"));
                times.extend(ends);
            }
        }
        Ok(ListDates {
            formats: formats.map(Formats::new).transpose()?,
            days: Formats::new(&["%Y-%m-%d".to_owned()])?,
            times: Formats::new(&times)?,
            zone: zone.clone(),
            last: RefCell::new((String::new(), Instant(0))),
        })
    }

    /// Returns the instant of a date, which is its first moment in the list's zone, or of a time, which is in that zone when it
    /// says no other.
    pub fn read(&self, text: &str) -> std::result::Result<Instant, Unusable> {
        let text = text.trim();
        let mut last = self.last.borrow_mut();
        if last.0 != text || text.is_empty() {
            let instant = self.read_anew(text)?;
            last.0.clear();
            last.0.push_str(text);
            last.1 = instant;
        }
        Ok(last.1)
    }

    fn read_anew(&self, text: &str) -> std::result::Result<Instant, Unusable> {
        let instant = match &self.formats {
            Some(formats) => self.by(formats, text)?,
            None if text.len() == 10 => self.by(&self.days, text)?,
            None => self.time(text)?,
        };
        if instant.in_years() { Ok(instant) } else { Err(Unusable::Year) }
    }

    fn time(&self, text: &str) -> std::result::Result<Instant, Unusable> {
        if let Some(instant) = Instant::parse(text) {
            return Ok(instant);
        }
        match text.strip_suffix(" UTC") {
            Some(time) => self.by(&self.times, &format!("{time}Z")),
            None => self.by(&self.times, text),
        }
    }

    fn by(&self, formats: &Formats, text: &str) -> std::result::Result<Instant, Unusable> {
        match formats.read(text, |one, other| one.instant(&self.zone) == other.instant(&self.zone)) {
            Said::Moment(moment) => Ok(moment.instant(&self.zone)),
            Said::Different => Err(Unusable::Ambiguous),
            Said::Nothing if self.formats.is_some() => Err(Unusable::InNoFormat),
            Said::Nothing => Err(Unusable::NeedsFormats),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(formats: Option<&[&str]>, zone: &str) -> ListDates {
        let formats = formats.map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>());
        let zone = crate::clock::zone(zone).expect("bundled");
        ListDates::new(formats.as_deref(), &zone).expect("formats")
    }

    fn instant(dates: &ListDates, text: &str) -> String {
        dates.read(text).map_or_else(|why| format!("{why:?}"), |instant| instant.to_string())
    }

    #[test]
    fn r23_without_formats_only_forms_that_are_read_in_one_way_are() {
        let paris = dates(None, "Europe/Paris");
        for (text, expected) in [
            (" 2026-06-01 ", "2026-05-31T22:00:00Z"),
            ("2026-06-01T10:00:00+02:00", "2026-06-01T08:00:00Z"),
            ("2026-06-01 10:00", "2026-06-01T08:00:00Z"),
            ("2026-06-01T10:00", "2026-06-01T08:00:00Z"),
            ("2026-06-01 10:00:00", "2026-06-01T08:00:00Z"),
            ("2026-06-01T10:00:00.5", "2026-06-01T08:00:00.5Z"),
            ("2026-06-01 10:00:00 UTC", "2026-06-01T10:00:00Z"),
            ("2026-06-01 10:00:00 +0200", "2026-06-01T08:00:00Z"),
            ("2026-06-01T10:00:00.000+0000", "2026-06-01T10:00:00Z"),
            ("2026-06-01T10:00Z", "2026-06-01T10:00:00Z"),
            ("2026-06-01 12:30 AM", "2026-05-31T22:30:00Z"),
            ("2026-06-01 12:30 pm", "2026-06-01T10:30:00Z"),
            ("2026-06-01 1:05:09PM", "2026-06-01T11:05:09Z"),
            ("2026-06-01 10:00 PM UTC", "2026-06-01T22:00:00Z"),
            ("2026-06-01T10:00 PM +02:00", "2026-06-01T20:00:00Z"),
            // In a gap later by its length; of an overlap the earlier instant.
            ("2026-03-29 02:30", "2026-03-29T01:30:00Z"),
            ("2026-10-25 02:30", "2026-10-25T00:30:00Z"),
        ] {
            assert_eq!(instant(&paris, text), expected, "{text}");
        }
        for bad in [
            "",
            "01.06.2026",
            "2026-02-30",
            "06/01/2026",
            "20260601",
            "46143",
            "2026-06-01 10",
            "2026-06-01 13:00 PM",
            "2026-06-01 10 PM",
        ] {
            assert_eq!(instant(&paris, bad), "NeedsFormats", "{bad}");
        }
    }

    #[test]
    fn r23_formats_of_a_list_read_dates_and_times_in_its_zone() {
        let berlin = dates(Some(&["%d.%m.%Y", "%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%S%z"]), "Europe/Berlin");
        assert_eq!(instant(&berlin, "20.11.2026"), "2026-11-19T23:00:00Z");
        assert_eq!(instant(&berlin, "1.6.2026 10:15"), "2026-06-01T08:15:00Z");
        assert_eq!(instant(&berlin, "2026-06-01T10:15:00Z"), "2026-06-01T10:15:00Z");
        assert_eq!(instant(&berlin, "2026-06-01"), "InNoFormat");
        let usual = dates(Some(&["%m/%d/%Y %I:%M %p", "%b %d, %Y %I:%M:%S %p"]), "America/New_York");
        assert_eq!(instant(&usual, "06/01/2026 12:15 AM"), "2026-06-01T04:15:00Z");
        assert_eq!(instant(&usual, "Jun 1, 2026 11:59:59 pm"), "2026-06-02T03:59:59Z");
        assert_eq!(instant(&usual, "06/01/2026 12:15"), "InNoFormat");
        let both = dates(Some(&["%d/%m/%Y", "%m/%d/%Y"]), "UTC");
        assert_eq!(instant(&both, "05/01/2026"), "Ambiguous");
        assert_eq!(instant(&both, "13/01/2026"), "2026-01-13T00:00:00Z");
    }

    #[test]
    fn r23_years_beyond_0001_to_9999_of_utc_are_unusable() {
        let (tokyo, honolulu) = (dates(None, "Asia/Tokyo"), dates(None, "Pacific/Honolulu"));
        assert_eq!(instant(&tokyo, "0001-01-01"), "Year");
        assert_eq!(instant(&honolulu, "0000-12-31"), "Year");
        assert!(honolulu.read("0001-01-01").is_ok());
        assert!(tokyo.read("9999-12-31").is_ok());
        assert_eq!(instant(&honolulu, "9999-12-31 23:00"), "Year");
        assert_eq!(instant(&tokyo, "-000001-01-01T00:00:00Z"), "Year");
    }
}
