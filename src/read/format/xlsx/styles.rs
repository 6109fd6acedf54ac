//! Which cells of a workbook are dates: the number formats of its styles.

use super::xml::{BadXml, attribute, walk};
use std::collections::HashMap;

/// What the numbers of a style are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberKind {
    /// The style shows a plain number.
    Plain,
    /// Days, shown without a time.
    Date,
    /// Days with a time.
    Moment,
    /// A time of day.
    Time,
    /// A length of time, such as `[h]:mm`.
    Elapsed,
    /// A date or a time, by the language of Excel: only the number can tell.
    ByValue,
}

/// The styles of a workbook, by the number that a cell says.
#[derive(Debug, Default)]
pub(super) struct Styles {
    kinds: Vec<NumberKind>,
}

impl Styles {
    /// Reads the styles of a workbook from `styles.xml`.
    pub fn read(xml: &[u8]) -> Result<Styles, BadXml> {
        let (mut codes, mut ids) = (HashMap::new(), Vec::new());
        walk(xml, |around, start| {
            let parent = around.last().map_or(&[][..], Vec::as_slice);
            match (parent, start.local_name().as_ref()) {
                (b"numFmts", b"numFmt") => {
                    let id = number(attribute(start, "numFmtId")?.as_deref())?.ok_or(BadXml)?;
                    let code = attribute(start, "formatCode")?.ok_or(BadXml)?;
                    codes.insert(id, kind(&code));
                }
                (b"cellXfs", b"xf") => ids.push(number(attribute(start, "numFmtId")?.as_deref())?.unwrap_or(0)),
                _ => {}
            }
            Ok::<(), BadXml>(())
        })?;
        Ok(Styles { kinds: ids.iter().map(|id| codes.get(id).copied().unwrap_or_else(|| built_in(*id))).collect() })
    }

    /// Returns what the numbers of a style are; none for a style that is not there.
    pub fn kind(&self, style: u32) -> Option<NumberKind> {
        match self.kinds.get(style as usize) {
            Some(kind) => Some(*kind),
            None if style == 0 => Some(NumberKind::Plain),
            None => None,
        }
    }
}

fn number(text: Option<&str>) -> Result<Option<u32>, BadXml> {
    text.map(|text| text.trim().parse().map_err(|_| BadXml)).transpose()
}

/// The formats that every workbook has without saying so. Those of 27 to 36 and 50 to 58 depend on a language of Asia.
fn built_in(id: u32) -> NumberKind {
    match id {
        14..=17 => NumberKind::Date,
        18..=21 | 45 | 47 => NumberKind::Time,
        22 => NumberKind::Moment,
        46 => NumberKind::Elapsed,
        27..=36 | 50..=58 => NumberKind::ByValue,
        _ => NumberKind::Plain,
    }
}

/// Tells by a format's code what its numbers are. The first section is that of positive numbers.
fn kind(code: &str) -> NumberKind {
    let letters = StyleLetters::of(code);
    let months = letters.months();
    match (letters.elapsed, letters.date || months, letters.time) {
        (true, ..) => NumberKind::Elapsed,
        (_, true, true) => NumberKind::Moment,
        (_, true, false) => NumberKind::Date,
        (_, false, true) => NumberKind::Time,
        _ => NumberKind::Plain,
    }
}

/// The letters of a format that are neither text nor colours, conditions and languages.
struct StyleLetters {
    date: bool,
    time: bool,
    elapsed: bool,
    /// `h`, `m` and `s` in their order, one for each run.
    runs: Vec<char>,
}

impl StyleLetters {
    fn of(code: &str) -> StyleLetters {
        let mut found = StyleLetters { date: false, time: false, elapsed: false, runs: Vec::new() };
        let lower = code.to_ascii_lowercase();
        let mut rest = lower.as_str();
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            match letter {
                ';' => break,
                '"' => rest = after(rest, '"'),
                '\\' | '_' | '*' => rest = rest.get(rest.chars().next().map_or(0, char::len_utf8)..).unwrap_or(""),
                '[' => {
                    let inside = rest.split(']').next().unwrap_or_default();
                    found.elapsed |= ["h", "m", "s"].iter().any(|unit| is_run(inside, unit));
                    rest = after(rest, ']');
                }
                'g' if rest.starts_with("eneral") => rest = &rest["eneral".len()..],
                'a' if rest.starts_with("m/pm") || rest.starts_with("/p") => {
                    found.time = true;
                    rest = after(rest, 'p').trim_start_matches('m');
                }
                // `0.00E+00` is a number, `e` alone a year.
                'e' if rest.starts_with(['+', '-']) => {}
                'y' | 'd' | 'e' | 'b' | 'g' => found.date = true,
                'h' | 's' | 'm' => {
                    found.time |= letter != 'm';
                    if found.runs.last() != Some(&letter) {
                        found.runs.push(letter);
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// Whether an `m` is months: it is minutes after hours and before seconds.
    fn months(&self) -> bool {
        let minutes = |at: usize| {
            let before = at.checked_sub(1).and_then(|before| self.runs.get(before));
            before == Some(&'h') || self.runs.get(at + 1) == Some(&'s')
        };
        self.runs.iter().enumerate().any(|(at, letter)| *letter == 'm' && !minutes(at))
    }
}

fn after(text: &str, mark: char) -> &str {
    text.split_once(mark).map_or("", |(_, rest)| rest)
}

fn is_run(text: &str, unit: &str) -> bool {
    !text.is_empty() && text.trim_matches(unit.chars().next().unwrap_or(' ')).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r58_formats_of_dates_are_known_by_their_letters_and_numbers_stay_numbers() {
        for (code, expected) in [
            ("General", NumberKind::Plain),
            ("0.00", NumberKind::Plain),
            ("#,##0.00\\ \"days\"", NumberKind::Plain),
            ("0.00E+00", NumberKind::Plain),
            ("[Red]0;[Blue]-0", NumberKind::Plain),
            ("[$€-407] #,##0.00", NumberKind::Plain),
            ("[>=100]0;\"yyyy\"", NumberKind::Plain),
            ("@", NumberKind::Plain),
            ("_-* #,##0\\ _d_-", NumberKind::Plain),
            ("General;dd", NumberKind::Plain),
            ("[$-409]m/d/yyyy;@", NumberKind::Date),
            ("yyyy\\-mm\\-dd", NumberKind::Date),
            ("TT.MM.YYYY", NumberKind::Date),
            ("mmm", NumberKind::Date),
            ("ggge\"年\"m\"月\"d\"日\"", NumberKind::Date),
            ("dd.mm.yyyy hh:mm", NumberKind::Moment),
            ("m/d/yy h:mm AM/PM", NumberKind::Moment),
            ("mmm h:mm", NumberKind::Moment),
            ("h:mm", NumberKind::Time),
            ("mm:ss.0", NumberKind::Time),
            ("h AM/PM", NumberKind::Time),
            ("h\"Uhr\"mm", NumberKind::Time),
            ("[h]:mm:ss", NumberKind::Elapsed),
            ("[mm]:ss", NumberKind::Elapsed),
        ] {
            assert_eq!(kind(code), expected, "{code}");
        }
    }

    #[test]
    fn r58_styles_name_formats_by_number_and_a_style_that_is_not_there_is_told() {
        let xml = b"<x:styleSheet xmlns:x='http://purl.oclc.org/ooxml/spreadsheetml/main'><x:numFmts><x:numFmt numFmtId='164' formatCode='yyyy'/></x:numFmts>\
            <x:cellStyleXfs><x:xf numFmtId='22'/></x:cellStyleXfs>\
            <x:cellXfs><x:xf numFmtId='0'/><x:xf numFmtId='164'/><x:xf numFmtId='14'/></x:cellXfs></x:styleSheet>";
        let styles = Styles::read(xml).unwrap();
        let kinds: Vec<_> = (0..4).map(|style| styles.kind(style)).collect();
        assert_eq!(kinds, [Some(NumberKind::Plain), Some(NumberKind::Date), Some(NumberKind::Date), None]);
        assert_eq!(Styles::default().kind(0), Some(NumberKind::Plain));
    }
}
