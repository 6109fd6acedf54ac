//! A look at the cells of an object without seeing one: lengths, classes of characters, normal forms and counts.

use super::sample::{open, table_of};
use super::shape;
use crate::error::{Code, Error, Result};
use crate::minimize::formed;
use crate::policy::Normal;
use std::collections::BTreeMap;
use tokio::runtime::Handle;

/// How many characters of each class a text has. Which they are is in none of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Classes {
    /// Letters in upper case.
    pub upper: u64,
    /// Letters that are not in upper case.
    pub lower: u64,
    /// Digits of any script.
    pub digits: u64,
    /// Blanks of all kinds.
    pub blanks: u64,
    /// Everything else that is seen.
    pub marks: u64,
    /// Characters beyond ASCII, which are counted above, too.
    pub beyond_ascii: u64,
    /// Characters that nobody sees.
    pub unseen: u64,
}

/// One cell of a record.
#[derive(Clone, Debug, serde::Serialize)]
pub struct PeekedCell {
    /// Name of the column the cell is in.
    pub column: String,
    /// Characters, blanks at the ends included.
    pub characters: u64,
    /// Of which class they are.
    pub classes: Classes,
    /// Normal forms that the value has, and what it looks like.
    pub forms: Vec<&'static str>,
}

/// One column of a sample.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct PeekedColumn {
    /// Name of the column that is counted.
    pub column: String,
    /// Cells with a value.
    pub filled: u64,
    /// Cells with nothing but blanks.
    pub blank: u64,
    /// Characters: how many cells have so many; longer than 64 are counted in steps, by the upper end.
    pub lengths: BTreeMap<u64, u64>,
    /// Cells that hold a character of the class at all.
    pub cells_with: Classes,
    /// Cells with blanks at an end.
    pub blank_ends: u64,
    /// Cells that have a normal form, or look like something, by its name.
    pub forms: BTreeMap<&'static str, u64>,
}

/// Says what a look at an object found, without a value.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Peeked {
    /// Root and path of the object.
    pub place: String,
    /// Records that were looked at.
    pub records: u64,
    /// The object has no more records than those.
    pub whole: bool,
    /// Columns; of a record none.
    pub columns: Vec<PeekedColumn>,
    /// The cells of the record that was asked for.
    pub cells: Vec<PeekedCell>,
}

/// What is to be looked at.
#[derive(Clone, Debug)]
pub struct PeekAsked {
    /// A path or URL.
    pub target: String,
    /// Member of an archive.
    pub member: Option<String>,
    /// One column instead of all.
    pub column: Option<String>,
    /// One record, from 1, instead of the beginning.
    pub record: Option<u64>,
}

/// Batches of about a mebibyte that are looked at where no record is asked for.
const BATCHES: usize = 4;
/// Rules of normal form that need no column beside them.
const NORMAL: [(Normal, &str); 2] = [(Normal::Email, "normal e-mail"), (Normal::SalesforceId, "normal Salesforce id")];

/// Looks at an object: at one column or all, at one record or the beginning.
///
/// # Errors
/// Input errors for an object that cannot be read, a column or record that is not there; storage errors.
pub fn peek(asked: &PeekAsked, runtime: &Handle) -> Result<Peeked> {
    let (column, record) = (asked.column.as_deref(), asked.record);
    let opened = open(&asked.target, runtime)?;
    let (member, layout) = table_of(&opened, asked.member.as_deref())?;
    let blocks = if record.is_some() { usize::MAX } else { BATCHES };
    let mut records = layout.open(&opened.root, &member, blocks)?;
    let names = records.names().to_vec();
    let wanted: Vec<usize> = (0..names.len()).filter(|at| column.is_none_or(|wanted| names[*at] == wanted)).collect();
    if let Some(column) = column.filter(|_| wanted.is_empty()) {
        return Err(Error::new(Code::ColumnMissing, format!("{} has no column {column}", member.place()))
            .help("name it as the header does"));
    }
    records.want(&wanted);
    let columns =
        wanted.iter().map(|at| PeekedColumn { column: names[*at].clone(), ..PeekedColumn::default() }).collect();
    let mut peeked = Peeked { place: member.place().to_owned(), records: 0, whole: false, columns, cells: Vec::new() };
    let mut batches = 0;
    while record.is_some() || batches < BATCHES {
        batches += 1;
        let batch = match records.batch() {
            Ok(Some(batch)) => batch,
            Ok(None) => {
                peeked.whole = true;
                break;
            }
            Err(broken) => return Err(broken.error.within(format!("{}, record {}", member.place(), broken.record))),
        };
        if let Some(row) = record.and_then(|wanted| batch.records().find(|(number, _)| *number == wanted)) {
            let Some(row) = row.1 else { break };
            let cell = |at: usize| cell(&names[wanted[at]], batch.values(at).get(row).unwrap_or(""));
            peeked.cells = (0..wanted.len()).map(cell).collect();
            peeked.columns.clear();
            return Ok(peeked);
        }
        for (at, column) in peeked.columns.iter_mut().enumerate().filter(|_| record.is_none()) {
            (0..batch.rows()).for_each(|row| column.take(batch.values(at).get(row).unwrap_or("")));
        }
        peeked.records += batch.rows() as u64;
        records.recycle(batch);
    }
    match record {
        Some(number) => {
            Err(Error::new(Code::ArgumentWrong, format!("{} has no record {number} that can be read", member.place()))
                .help("records count from 1, the header not among them"))
        }
        None => Ok(peeked),
    }
}

fn cell(column: &str, text: &str) -> PeekedCell {
    let (classes, forms) = (classes(text), forms(text.trim()));
    PeekedCell { column: column.to_owned(), characters: text.chars().count() as u64, classes, forms }
}

fn forms(value: &str) -> Vec<&'static str> {
    if value.is_empty() {
        return Vec::new();
    }
    let normal = NORMAL.iter().filter(|(rule, _)| formed(rule, value)).map(|(_, name)| *name);
    normal.chain(shape::of(value).map(|shape| shape.name())).collect()
}

fn classes(text: &str) -> Classes {
    let mut found = Classes::default();
    for letter in text.chars() {
        let count = match letter {
            _ if letter.is_uppercase() => &mut found.upper,
            _ if letter.is_alphabetic() => &mut found.lower,
            _ if letter.is_numeric() => &mut found.digits,
            _ if letter.is_whitespace() => &mut found.blanks,
            _ if letter.is_control() || crate::plain::shown(letter.encode_utf8(&mut [0; 4])).len() > 4 => {
                &mut found.unseen
            }
            _ => &mut found.marks,
        };
        *count += 1;
        found.beyond_ascii += u64::from(!letter.is_ascii());
    }
    found
}

impl PeekedColumn {
    fn take(&mut self, text: &str) {
        let value = text.trim();
        if value.is_empty() {
            self.blank += 1;
            return;
        }
        self.filled += 1;
        let length = value.chars().count() as u64;
        let step = if length <= 64 { length } else { length.next_power_of_two() };
        *self.lengths.entry(step).or_default() += 1;
        self.blank_ends += u64::from(value.len() != text.len());
        let (one, all) = (classes(value), &mut self.cells_with);
        all.upper += u64::from(one.upper > 0);
        all.lower += u64::from(one.lower > 0);
        all.digits += u64::from(one.digits > 0);
        all.blanks += u64::from(one.blanks > 0);
        all.marks += u64::from(one.marks > 0);
        all.beyond_ascii += u64::from(one.beyond_ascii > 0);
        all.unseen += u64::from(one.unseen > 0);
        for form in forms(value) {
            *self.forms.entry(form).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_counted_and_not_shown() {
        let cell = cell("Email", " Zoë.Muster1@shop.example");
        assert_eq!(cell.characters, 25);
        let expected = Classes { upper: 2, lower: 18, digits: 1, blanks: 1, marks: 3, beyond_ascii: 1, unseen: 0 };
        assert_eq!((cell.classes, &cell.forms[..]), (expected, &["normal e-mail", "e-mail"][..]));
        let text = serde_json::to_string(&cell).expect("JSON");
        assert!(!text.contains("Muster") && !text.contains("shop"), "{text}");
        assert_eq!(classes("a\u{202e}\u{7}").unseen, 2);
    }

    #[test]
    fn a_column_is_a_distribution() {
        let mut column = PeekedColumn::default();
        ["Ada", "Bo ", "", "x".repeat(70).as_str()].iter().for_each(|cell| column.take(cell));
        assert_eq!((column.filled, column.blank, column.blank_ends), (3, 1, 1));
        assert_eq!(column.lengths, BTreeMap::from([(2, 1), (3, 1), (128, 1)]));
    }
}
