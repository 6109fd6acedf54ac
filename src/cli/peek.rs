//! `tamis peek OBJECT`: what cells are like, without what they hold.

use super::args::PeekArgs;
use super::lines::Lines;
use super::render;
use super::settings::Settings;
use crate::error::Result;
use crate::init::{self, Classes, PeekAsked, Peeked, PeekedCell, PeekedColumn};

/// Looks at an object and says what its cells are like.
///
/// # Errors
/// Input errors for what cannot be read; storage errors.
pub fn peek(settings: &Settings, args: &PeekArgs, json: bool) -> Result<String> {
    let asked = PeekAsked {
        target: args.object.clone(),
        member: args.member.clone(),
        column: args.column.clone(),
        record: args.record,
    };
    let peeked = init::peek(&asked, settings.runtime.handle())?;
    if json {
        return render::json(&serde_json::json!({ "schema": "tamis-peek/1", "peeked": peeked }));
    }
    Ok(told(&peeked, args.record))
}

fn told(peeked: &Peeked, record: Option<u64>) -> String {
    let mut out = String::new();
    match record {
        Some(number) => out.line(format_args!("{}, record {number}: classes of characters, no values", peeked.place)),
        None => {
            let which = if peeked.whole { "all" } else { "the first" };
            out.line(format_args!("{}, {which} {} records: counts of cells, no values", peeked.place, peeked.records));
        }
    }
    peeked.cells.iter().for_each(|cell| of_cell(&mut out, cell));
    peeked.columns.iter().for_each(|column| of_column(&mut out, column));
    out
}

fn of_cell(out: &mut String, cell: &PeekedCell) {
    let forms = if cell.forms.is_empty() { String::new() } else { format!("; {}", cell.forms.join(", ")) };
    let classes = classes(&cell.classes);
    match cell.characters {
        0 => out.line(format_args!("{}: blank", cell.column)),
        count => out.line(format_args!("{}: {count} characters: {classes}{forms}", cell.column)),
    }
}

fn of_column(out: &mut String, column: &PeekedColumn) {
    out.line(format_args!("{}: {} filled, {} blank", column.column, column.filled, column.blank));
    if column.filled == 0 {
        return;
    }
    let length = |(length, count): (&u64, &u64)| {
        let most = if *length > 64 { "up to " } else { "" };
        format!("{most}{length}: {count}")
    };
    let lengths: Vec<String> = column.lengths.iter().map(length).collect();
    out.line(format_args!("  characters  {}", lengths.join(", ")));
    out.line(format_args!("  cells with  {}", classes(&column.cells_with)));
    if column.blank_ends > 0 {
        out.line(format_args!("  blanks at an end  {}", column.blank_ends));
    }
    if !column.forms.is_empty() {
        let forms: Vec<String> = column.forms.iter().map(|(form, count)| format!("{form}: {count}")).collect();
        out.line(format_args!("  forms  {}", forms.join(", ")));
    }
}

fn classes(classes: &Classes) -> String {
    let Classes { upper, lower, digits, blanks, marks, beyond_ascii, unseen } = *classes;
    let all = [
        ("upper case", upper),
        ("lower case", lower),
        ("digits", digits),
        ("blanks", blanks),
        ("marks", marks),
        ("beyond ASCII", beyond_ascii),
        ("unseen", unseen),
    ];
    let some: Vec<String> = all.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{name} {n}")).collect();
    some.join(", ")
}
