//! The columns of which identities are made: what is made of each, and where it goes.

use super::identity::{Identified, IdentityMaker};
use super::rows::*;
use super::tally::{Position, Renewed, Tally};
use crate::key::Keyring;
use crate::policy::{Column, Controls};
use crate::read::RawBatch;
use std::collections::HashMap;

/// A column of which identities are made, once for all its uses.
pub(super) struct IdentifiedColumn {
    pub(super) column: usize,
    pub(super) name: String,
    pub(super) maker: IdentityMaker,
    /// Slots of the layout with their marks.
    pub(super) slots: Vec<(usize, u8)>,
    /// Fields that publish its token.
    pub(super) fields: Vec<usize>,
    /// Whether distinct tokens are looked for (R21).
    pub(super) tracked: bool,
}

/// The columns of a stream's slots, in slot order: key, strong, weak, those of other persons.
pub(super) fn identified_columns(columns: &[Column], controls: &Controls, keys: &Keyring) -> Vec<IdentifiedColumn> {
    let mut identified = Vec::new();
    let strong = controls.strong.iter().map(|column| (*column, mark::STRONG));
    let weak = controls.weak.iter().map(|column| (*column, mark::WEAK));
    let others = controls.others.iter().enumerate().flat_map(|(number, other)| {
        // `check` lets no source have more of them than marks can tell apart.
        let mark = mark::OTHER | number as u8;
        other.by.iter().map(move |column| (*column, mark))
    });
    let mut parts = HashMap::new();
    let key = controls.key.map(|column| (column, mark::KEY));
    for (slot, (column, mark)) in key.into_iter().chain(strong).chain(weak).chain(others).enumerate() {
        if let Some(several) = &columns[column].several {
            let part = parts.entry(column).and_modify(|part| *part += 1).or_insert(0);
            let maker = IdentityMaker::new(keys, &columns[column].identifier).of_several(several, *part);
            identified
                .push(IdentifiedColumn { slots: vec![(slot, mark)], ..identified_column(columns, column, maker) });
            continue;
        }
        use_column(&mut identified, columns, column, keys).slots.push((slot, mark));
    }
    identified
}

/// The entry of a column, made when it has none yet.
pub(super) fn use_column<'a>(
    identified: &'a mut Vec<IdentifiedColumn>,
    columns: &[Column],
    column: usize,
    keys: &Keyring,
) -> &'a mut IdentifiedColumn {
    let at = identified.iter().position(|entry| entry.column == column).unwrap_or_else(|| {
        let Column { identifier, parts, .. } = &columns[column];
        let maker = IdentityMaker::new(keys, identifier).of_columns(parts);
        identified.push(identified_column(columns, column, maker));
        identified.len() - 1
    });
    &mut identified[at]
}

fn identified_column(columns: &[Column], column: usize, maker: IdentityMaker) -> IdentifiedColumn {
    let Column { name, identified, .. } = &columns[column];
    IdentifiedColumn { column, name: name.clone(), maker, slots: Vec::new(), fields: Vec::new(), tracked: !identified }
}

pub(super) fn position(batch: &RawBatch, record: u32) -> Position {
    Position { input: batch.input, record: batch.record(record as usize) }
}

/// Puts the identities of a column into its slots.
pub(super) fn place_slots(column: &IdentifiedColumn, from: &Identified, rows: &mut Rows) {
    for (slot, mark) in &column.slots {
        let Identities { bytes, marks } = &mut rows.identities[*slot];
        for (row, identity) in from.rows.iter().zip(&from.identities) {
            bytes[*row as usize] = identity.as_chunks().0[0];
            marks[*row as usize] = *mark;
        }
        for at in &from.raw {
            marks[from.rows[*at as usize] as usize] |= mark::RAW;
        }
    }
}

/// Counts what was met in a column.
pub(super) fn count(column: &IdentifiedColumn, index: usize, from: &Identified, batch: &RawBatch, tally: &mut Tally) {
    tally.identifiers[index].count(&from.seen, |record| position(batch, record));
    for field in &column.fields {
        tally.fields[*field].values += from.seen.values;
    }
    for (at, before) in &from.renewed {
        let (now, raw) = (from.identities[*at as usize], from.raw.contains(at));
        tally.renewed.insert(Renewed { before: *before, now, raw });
    }
}

/// Fills the fields of a column's tokens, which are those of rows in ascending order.
pub(super) fn place_tokens(
    column: &IdentifiedColumn,
    from: &Identified,
    published: &[u32],
    rows: &mut Rows,
    tally: &mut Tally,
) {
    for field in &column.fields {
        if column.tracked {
            tally.fields[*field].remember(&from.tokens);
        }
        let FieldColumn::Fixed { bytes, valid, .. } = &mut rows.fields[*field] else { continue };
        let mut tokens = from.rows.iter().zip(&from.tokens).peekable();
        for row in published {
            while tokens.next_if(|(of, _)| *of < row).is_some() {}
            let token = tokens.next_if(|(of, _)| *of == row).map(|(_, token)| *token);
            bytes.extend_from_slice(&token.unwrap_or_default());
            valid.push(token.is_some());
        }
    }
}
