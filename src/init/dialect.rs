//! What a CSV file is like, from its first bytes: delimiter, quote, header line and line ends. What the bytes say in
//! two ways is named and never silently chosen.

use super::encoding;
use super::lines::{LineRow, LineScan, scan};
use crate::error::{Code, Error, Result};
use crate::policy::{CsvFormat, ReadFormat, RecordFormat};

/// Says how the lines of a file end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineEnds {
    /// Every line ends with a line feed.
    Lf,
    /// Carriage return and line feed.
    CrLf,
    /// Lines end in more than one way.
    Mixed,
}

/// What a CSV file is like.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Dialect {
    /// WHATWG name, lower case.
    pub encoding: String,
    /// It begins with a byte order mark.
    pub bom: bool,
    /// What stands between cells.
    pub delimiter: char,
    /// What stands around cells; none when nothing does.
    pub quote: Option<char>,
    /// Quotes stand inside of cells without quotes around them.
    pub stray_quotes: bool,
    /// Line of the header, from 1.
    pub header: u64,
    /// How the lines of the file end.
    pub line_ends: LineEnds,
    /// What somebody has to look at.
    pub doubts: Vec<String>,
}

const DELIMITERS: [char; 6] = [',', ';', '\t', '|', '^', '`'];
/// Share of records that must have as many cells as most have.
const ALIKE: f64 = 0.9;

/// One way to take the text apart, and how well it fits.
struct DialectReading {
    delimiter: char,
    scan: LineScan,
    width: usize,
    alike: f64,
}

/// Tells what a CSV file is like whose first bytes are given; `whole` when they are all.
///
/// # Errors
/// An input error for a text that cannot be read as CSV with a header, with what to do about it.
pub fn detect(place: &str, start: &[u8], whole: bool) -> Result<Dialect> {
    of(place, start, whole, true)
}

/// Tells the same of one without a header.
///
/// # Errors
/// As [`detect`], but for the header.
pub(super) fn detect_headless(place: &str, start: &[u8], whole: bool) -> Result<Dialect> {
    of(place, start, whole, false)
}

fn of(place: &str, start: &[u8], whole: bool, headed: bool) -> Result<Dialect> {
    let encoding::Encoded { encoding, bom, text, mut doubts } = encoding::detect(place, start, whole)?;
    if text.trim().is_empty() {
        return Err(Error::new(Code::InputMissing, format!("{place} is empty"))
            .help("have it exported again, or remove the file"));
    }
    let quote = quote(&text);
    let reading = delimiter(&text, quote, whole, &mut doubts);
    let (quote, reading) = match quote {
        // A quote that is never closed is no quote.
        Some(_) if reading.scan.open && whole => (None, delimiter(&text, None, whole, &mut Vec::new())),
        quote => (quote, reading),
    };
    let scan = &reading.scan;
    if scan.ends.lone_cr > 0 && scan.ends.lf + scan.ends.crlf == 0 {
        return Err(Error::new(Code::FormatNotRead, format!("{place} ends its lines with a carriage return alone"))
            .help("have it exported with line feeds (LF or CRLF)"));
    }
    let line_ends = match (scan.ends.lf, scan.ends.crlf) {
        (_, 0) => LineEnds::Lf,
        (0, _) => LineEnds::CrLf,
        (lf, crlf) => {
            doubts.push(format!("line ends are mixed: {lf} LF and {crlf} CRLF"));
            LineEnds::Mixed
        }
    };
    if scan.after_quote > 0 {
        doubts.push(format!("text follows a closing quote in {} cells: such records are refused", scan.after_quote));
    }
    let header = if headed { header(place, &reading)? } else { 1 };
    Ok(Dialect {
        encoding: encoding.name().to_lowercase(),
        bom,
        delimiter: reading.delimiter,
        quote,
        stray_quotes: quote.is_some() && scan.stray > 0,
        header,
        line_ends,
        doubts,
    })
}

impl Dialect {
    /// Returns how such a file is read.
    pub fn read_format(&self) -> ReadFormat {
        let ascii = |letter: char| u8::try_from(letter).unwrap_or(b',');
        ReadFormat {
            records: RecordFormat::Csv(CsvFormat {
                delimiter: ascii(self.delimiter),
                quote: self.quote.map(ascii),
                header: self.header,
                stray_quotes_literal: self.stray_quotes,
            }),
            encoding: self.encoding.clone(),
            ..ReadFormat::csv()
        }
    }
}

/// Double quotes, unless single ones stand around cells and no double ones do.
fn quote(text: &str) -> Option<char> {
    if text.contains('"') {
        return Some('"');
    }
    let around = |delimiter: char| text.matches(&format!("'{delimiter}'")).count();
    let single = DELIMITERS.iter().map(|delimiter| around(*delimiter)).max().unwrap_or(0);
    Some(if single > text.lines().count() / 2 { '\'' } else { '"' })
}

fn delimiter(text: &str, quote: Option<char>, whole: bool, doubts: &mut Vec<String>) -> DialectReading {
    let mut readings: Vec<DialectReading> =
        DELIMITERS.iter().map(|delimiter| reading(text, *delimiter, quote, whole)).collect();
    let rank = |reading: &DialectReading| (reading.width > 1 && reading.alike >= ALIKE, reading.width);
    // The earlier one of equals: the sort is stable.
    readings.sort_by_key(|reading| std::cmp::Reverse(rank(reading)));
    let good = |reading: &&DialectReading| rank(reading).0 && reading.alike == 1.0 && reading.scan.rows.len() > 2;
    let equals: Vec<&DialectReading> = readings.iter().filter(good).take(2).collect();
    if let [first, second] = equals[..] {
        doubts.push(format!(
            "two delimiters divide every record alike: {:?} into {} cells, which is taken, and {:?} into {}",
            first.delimiter, first.width, second.delimiter, second.width
        ));
    }
    readings.swap_remove(0)
}

fn reading(text: &str, delimiter: char, quote: Option<char>, whole: bool) -> DialectReading {
    let scan = scan(text, delimiter, quote, whole);
    let mut widths: Vec<usize> = scan.rows.iter().filter(|row| !row.blank()).map(|row| row.cells.len()).collect();
    widths.sort_unstable();
    let count = |width: usize| widths.iter().filter(|other| **other == width).count();
    let width = widths.iter().copied().max_by_key(|width| (count(*width), *width)).unwrap_or(1);
    let alike = count(width) as f64 / widths.len().max(1) as f64;
    DialectReading { delimiter, width, alike, scan }
}

/// Finds the line of the header: the first record as wide as most, with names in most of its cells.
fn header(place: &str, reading: &DialectReading) -> Result<u64> {
    let named = |row: &&LineRow| {
        let filled = row.cells.iter().filter(|cell| !cell.trim().is_empty()).count();
        row.cells.len() == reading.width && filled * 2 > row.cells.len()
    };
    let Some(row) = reading.scan.rows.iter().find(named) else {
        return Err(Error::new(Code::HeaderMissing, format!("{place} has no line that could be its header"))
            .help("have it exported with a header, as CSV"));
    };
    if are_values(&row.cells) {
        return Err(Error::new(Code::HeaderMissing, format!("{place} has no header: line {} holds values", row.line))
            .help(
                "have it exported with a header, or write one: a line with the names of the columns, as the first line. A \
                 source can also do without: header = false, with names, or with model = \"model.json\" for Synapse Link",
            ));
    }
    Ok(row.line)
}

/// Returns whether cells are values, and no names of columns.
pub(super) fn are_values(cells: &[String]) -> bool {
    let data = cells.iter().filter(|cell| is_data(cell.trim())).count();
    let numbers = cells.iter().filter(|cell| is_number(cell.trim())).count();
    data > 0 && data * 4 >= cells.len() || numbers * 2 > cells.len()
}

/// Whether a cell is a value that nobody calls a column.
fn is_data(cell: &str) -> bool {
    let mail = cell.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'));
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    let date =
        digits >= 6 && cell.len() <= 35 && cell.bytes().filter(|b| matches!(b, b'-' | b'/' | b'.' | b':')).count() >= 2;
    mail || (date && cell.starts_with(|c: char| c.is_ascii_digit())) || super::shape::is_guid(cell)
}

fn is_number(cell: &str) -> bool {
    let plain = cell.trim_start_matches(['-', '+']);
    !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Dialect {
        detect("raw:x", text.as_bytes(), true).unwrap_or_else(|e| panic!("{e}"))
    }

    fn refused(text: &str) -> String {
        detect("raw:x", text.as_bytes(), true).map_or_else(|e| e.to_string(), |_| panic!("it is taken"))
    }

    #[test]
    fn delimiters_are_told_by_records_of_equal_width() {
        for (text, delimiter) in [
            ("Id,Name\n1,Ada\n2,Bo\n", ','),
            ("Id;Amount\n1;3,50\n2;4,25\n3;1\n", ';'),
            ("Id\tName\n1\tA, b\n2\tB\n", '\t'),
            ("Id|Name\n1|a,b\n2|c\n", '|'),
            ("Id^Name\n1^a\n2^b\n", '^'),
            ("\"Id\",\"Note\"\n\"1\",\"a;b;c\nd;e\"\n\"2\",\"\"\n", ','),
            ("Email\na@b.example\n", ','),
        ] {
            let found = told(text);
            assert_eq!((found.delimiter, found.header), (delimiter, 1), "{text}");
            assert!(found.doubts.is_empty(), "{:?}", found.doubts);
        }
    }

    #[test]
    fn two_good_delimiters_and_mixed_line_ends_are_named() {
        let found = told("Id;Name,City\n1;Ada,Ulm\n2;Bo,Bonn\n");
        assert!(found.doubts[0].starts_with("two delimiters divide every record alike"), "{:?}", found.doubts);
        let found = told("Id,Name\r\n1,Ada\n2,Bo\r\n");
        assert_eq!((found.line_ends, found.doubts.len()), (LineEnds::Mixed, 1));
    }

    #[test]
    fn the_header_is_found_below_titles_and_its_lack_is_refused() {
        assert_eq!(told("sep=;\nId;Name\n1;Ada\n").header, 2);
        assert_eq!(told("Contacts of May\n\nId,Name,City\n1,Ada,Ulm\n2,Bo,Bonn\n").header, 3);
        assert!(refused("a@b.example,Ada\nc@d.example,Bo\n").contains("no header: line 1 holds values"));
        assert!(refused("7,2024-05-01,Ada\n8,2024-05-02,Bo\n").contains("no header"));
        assert!(refused("\n \n").contains("is empty"));
        assert!(refused("Id,Name\r1,Ada\r").contains("carriage return alone"));
    }

    #[test]
    fn quotes_are_double_single_or_text() {
        assert_eq!(told("'Id','Name'\n'1','Ada'\n").quote, Some('\''));
        assert!(told("Id,Size\n1,5\" pipe\n2,6\" pipe\n").stray_quotes);
        let inch = told("Id,Size\n1,\"5 pipe\n2,6 pipe\n");
        assert_eq!((inch.quote, inch.stray_quotes), (None, false));
    }
}
