//! How a row looks as bytes: a control part of fixed stride, its identities packed, a part of fixed stride with its
//! published fields, and their text. Must not know buckets, budgets or what a field means.

use crate::minimize::{FieldColumn, FieldKind, Layout, NULL_QUASI, Rows, flag, mark};

/// Places in the control part: subject 16, clock 8, since 8, flags 2, exclude 1, then marks (1 each), then
/// quasi-identifier hashes (8 each). Numbers are little-endian.
pub(super) const CLOCK: usize = 16;
pub(super) const SINCE: usize = 24;
pub(super) const FLAGS: usize = 32;
pub(super) const EXCLUDE: usize = 34;
pub(super) const MARKS: usize = 35;

/// Bytes of a text's length in the part of fixed stride.
const LENGTH: usize = 4;

/// Bytes of a row's control part.
pub(super) fn control_stride(layout: &Layout) -> usize {
    MARKS + layout.identities + 8 * layout.quasi
}

/// One published field in the part of fixed stride, behind the validity bits (bit `f % 8` of byte `f / 8`). Text has
/// its length there.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Where it begins.
    pub at: usize,
    /// Bytes of its values; none for text.
    pub width: Option<usize>,
}

/// Places of all published fields, in the layout's order, and the stride.
pub(super) fn places(layout: &Layout) -> (Vec<Place>, usize) {
    let mut next = layout.fields.len().div_ceil(8);
    let place = |kind: FieldKind| {
        let place = Place { at: next, width: kind.width() };
        next += place.width.unwrap_or(LENGTH);
        place
    };
    let places = layout.fields.iter().map(|f| f.kind).map(place).collect();
    (places, next)
}

/// Whether a row with these flags carries published fields: observed rows and rows without a subject never leave.
pub(super) fn has_fields(flags: u16) -> bool {
    flags & (flag::NO_SUBJECT | flag::OBSERVED | flag::FIELDS_SKIPPED) == 0
}

/// The parts of fixed stride of a batch, row after row. Reused from batch to batch.
#[derive(Default)]
pub(super) struct Parts {
    pub control: Vec<u8>,
    pub fields: Vec<u8>,
}

impl Parts {
    /// Takes the rows of a batch, column by column. Slots and quasi-identifiers that their stream lacks are empty.
    pub(super) fn fill(&mut self, layout: &Layout, rows: &Rows) {
        let stride = control_stride(layout);
        let control = emptied(&mut self.control, stride * rows.count);
        write(control, stride, 0, rows.subject.iter().copied());
        write(control, stride, CLOCK, rows.clock.iter().map(|clock| clock.to_le_bytes()));
        write(control, stride, SINCE, rows.since.iter().map(|since| since.to_le_bytes()));
        write(control, stride, FLAGS, rows.flags.iter().map(|flags| flags.to_le_bytes()));
        write(control, stride, EXCLUDE, rows.exclude.iter().map(|exclude| [*exclude]));
        for (slot, column) in rows.identities.iter().take(layout.identities).enumerate() {
            write(control, stride, MARKS + slot, column.marks.iter().map(|mark| [*mark]));
        }
        for (q, column) in rows.quasi.iter().take(layout.quasi).enumerate() {
            write(control, stride, MARKS + layout.identities + 8 * q, column.iter().map(|hash| hash.to_le_bytes()));
        }
        let (places, stride) = places(layout);
        let fields = emptied(&mut self.fields, if rows.fields.is_empty() { 0 } else { stride * rows.count });
        for (f, (column, place)) in rows.fields.iter().zip(places).enumerate() {
            write_field(fields, stride, f, place.at, column);
        }
    }
}

/// Empty slots and quasi-identifiers are zeros too.
const _: () = assert!(mark::NONE == 0 && NULL_QUASI == 0);

fn emptied(part: &mut Vec<u8>, bytes: usize) -> &mut [u8] {
    part.clear();
    part.resize(bytes, 0);
    part
}

fn write_field(fields: &mut [u8], stride: usize, f: usize, at: usize, column: &FieldColumn) {
    let valid = match column {
        FieldColumn::Fixed { width, bytes, valid } => {
            match width {
                16 => write(fields, stride, at, bytes.as_chunks::<16>().0.iter().copied()),
                8 => write(fields, stride, at, bytes.as_chunks::<8>().0.iter().copied()),
                4 => write(fields, stride, at, bytes.as_chunks::<4>().0.iter().copied()),
                _ => write(fields, stride, at, bytes.as_chunks::<1>().0.iter().copied()),
            }
            valid
        }
        FieldColumn::Text { ends, valid, .. } => {
            let starts = std::iter::once(&0).chain(ends);
            write(fields, stride, at, starts.zip(ends).map(|(start, end)| (end - start).to_le_bytes()));
            valid
        }
    };
    for (row, valid) in fields.chunks_exact_mut(stride).zip(valid) {
        row[f / 8] |= u8::from(*valid) << (f % 8);
    }
}

/// Writes one value into each row.
fn write<const N: usize>(rows: &mut [u8], stride: usize, at: usize, values: impl Iterator<Item = [u8; N]>) {
    for (row, value) in rows.chunks_exact_mut(stride).zip(values) {
        row[at..at + N].copy_from_slice(&value);
    }
}

/// Appends the identities of row `r` whose slots are marked, in slot order.
pub(super) fn write_identities(out: &mut Vec<u8>, layout: &Layout, rows: &Rows, r: usize) {
    for column in rows.identities.iter().take(layout.identities) {
        if column.marks[r] != mark::NONE {
            out.extend_from_slice(&column.bytes[r]);
        }
    }
}

/// Appends the text of row `r`, field after field.
pub(super) fn write_text(out: &mut Vec<u8>, rows: &Rows, r: usize) {
    for column in &rows.fields {
        if let FieldColumn::Text { bytes, ends, .. } = column {
            let start = if r == 0 { 0 } else { ends[r - 1] };
            out.extend_from_slice(&bytes[start as usize..ends[r] as usize]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::minimize::FieldLayout;

    #[test]
    fn fields_stand_behind_their_validity_without_gaps() {
        let field = |kind| FieldLayout { name: "f".into(), kind };
        let kinds = [FieldKind::Token, FieldKind::Text, FieldKind::Boolean, FieldKind::Int64];
        let mut fields: Vec<FieldLayout> = kinds.into_iter().map(field).collect();
        fields.extend((0..5).map(|_| field(FieldKind::Date)));
        let (places, stride) = places(&Layout { identities: 0, quasi: 0, fields });
        let at: Vec<usize> = places.iter().map(|place| place.at).collect();
        assert_eq!((at, stride), (vec![2, 18, 22, 23, 31, 35, 39, 43, 47], 51));
    }
}
