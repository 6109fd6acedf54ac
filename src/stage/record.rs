//! How a row looks as bytes: a control record, and for a row with published fields a record of them. Both are only as
//! long as what is in them. Must not know buckets, budgets or what a field means.

use crate::minimize::{FieldColumn, FieldKind, Layout, NO_SINCE, Rows, flag, mark};

/// Places in a control record: subject 16, clock 8, flags 2, exclude 1, then marks (1 each). After them comes when
/// consent was given (8) if it was, which version of its record it is (8, and 8 of its print) if it is one of several, the
/// identities whose slots are marked (16 each), and the quasi-identifier hashes of a row with fields (8 each). Numbers are
/// little-endian.
pub(super) const CLOCK: usize = 16;
pub(super) const FLAGS: usize = 24;
pub(super) const EXCLUDE: usize = 26;
pub(super) const MARKS: usize = 27;

/// Bytes of an identity in rows.
const IDENTITY: usize = 16;

/// Set beside a row's flags when the record says since when there is consent.
pub(super) const HAS_SINCE: u16 = 1 << 15;

/// Set beside a row's flags when the record says which version of its own record the row is.
pub(super) const HAS_VERSION: u16 = 1 << 14;

/// Bytes of a version and its print.
const VERSION: usize = 16;

/// Bytes between the marks and the identities of a row with these flags.
pub(super) fn before_identities(flags: u16) -> usize {
    8 * usize::from(flags & HAS_SINCE != 0) + VERSION * usize::from(flags & HAS_VERSION != 0)
}

/// A text's length in the part of fixed stride when it is this or longer; then 4 bytes of length come before the text.
const LONG: u8 = u8::MAX;

/// Whether a row with these flags carries published fields.
pub(super) fn has_fields(flags: u16) -> bool {
    flags & flag::WITHOUT_FIELDS == 0
}

/// One published field in the part of fixed stride, behind the validity bits (bit `f % 8` of byte `f / 8`). Text has
/// its length there, in one byte.
#[derive(Clone, Copy)]
pub(super) struct FieldPlace {
    /// Where the column begins in a record.
    pub at: usize,
    /// Bytes of its values; none for text.
    pub width: Option<usize>,
}

/// Places of all published fields, in the layout's order, and the stride. The text itself comes after the stride.
pub(super) fn places(layout: &Layout) -> (Vec<FieldPlace>, usize) {
    let mut next = layout.fields.len().div_ceil(8);
    let place = |kind: FieldKind| {
        let place = FieldPlace { at: next, width: kind.width() };
        next += place.width.unwrap_or(1);
        place
    };
    let places = layout.fields.iter().map(|f| f.kind).map(place).collect();
    (places, next)
}

/// Bytes of a control record that begins with these: at least its part up to the marks.
pub(super) fn control_length(record: &[u8], slots: usize, quasi: usize) -> usize {
    let flags = u16::from_le_bytes([record[FLAGS], record[FLAGS + 1]]);
    let marked = record[MARKS..][..slots].iter().filter(|mark| **mark != mark::NONE).count();
    let hashes = if has_fields(flags) { quasi } else { 0 };
    MARKS + slots + before_identities(flags) + IDENTITY * marked + 8 * hashes
}

/// The control records of a batch, filled column by column. Reused from batch to batch.
#[derive(Default)]
pub(super) struct ControlRecords {
    bytes: Vec<u8>,
    /// From one record's beginning to the next one's: room for the longest.
    stride: usize,
    /// Where each record ends so far.
    ends: Vec<usize>,
}

impl ControlRecords {
    /// Takes the controls of a batch. Slots that its stream lacks are empty.
    pub(super) fn fill(&mut self, layout: &Layout, rows: &Rows) {
        let versioned = if rows.versions.is_empty() { 0 } else { HAS_VERSION };
        let optional = before_identities(HAS_SINCE | versioned);
        self.stride = MARKS + layout.identities + optional + IDENTITY * layout.identities + 8 * layout.quasi;
        self.bytes.resize(self.stride * rows.count, 0);
        self.ends.clear();
        self.ends.extend((0..rows.count).map(|r| r * self.stride));
        let flags = rows.flags.iter().zip(&rows.since);
        self.put(rows.subject.iter().map(|subject| Some(*subject)));
        self.put(rows.clock.iter().map(|clock| Some(clock.to_le_bytes())));
        self.put(flags.map(|(flags, since)| Some((flags | has_since(*since) | versioned).to_le_bytes())));
        self.put(rows.exclude.iter().map(|exclude| Some([*exclude])));
        let slots = &rows.identities[..layout.identities.min(rows.identities.len())];
        slots.iter().for_each(|slot| self.put(slot.marks.iter().map(|mark| Some([*mark]))));
        (slots.len()..layout.identities).for_each(|_| self.put((0..rows.count).map(|_| Some([mark::NONE]))));
        self.put(rows.since.iter().map(|since| (*since != NO_SINCE).then_some(since.to_le_bytes())));
        self.put(rows.versions.iter().map(|version| Some(version.order.to_le_bytes())));
        self.put(rows.versions.iter().map(|version| Some(version.print.to_le_bytes())));
        for slot in slots {
            self.put(slot.marks.iter().zip(&slot.bytes).map(|(mark, bytes)| (*mark != mark::NONE).then_some(*bytes)));
        }
        for hashes in rows.quasi.iter().take(layout.quasi) {
            let mut hashes = hashes.iter();
            let next = |flags: &u16| if has_fields(*flags) { hashes.next() } else { None };
            self.put(rows.flags.iter().map(next).map(|hash| hash.map(|hash| hash.to_le_bytes())));
        }
    }

    /// Appends a value to each record that has one.
    fn put<const N: usize>(&mut self, values: impl Iterator<Item = Option<[u8; N]>>) {
        for (end, value) in self.ends.iter_mut().zip(values) {
            if let Some(value) = value {
                self.bytes[*end..*end + N].copy_from_slice(&value);
                *end += N;
            }
        }
    }

    /// The record of row `r`.
    pub(super) fn get(&self, r: usize) -> &[u8] {
        &self.bytes[r * self.stride..self.ends[r]]
    }
}

fn has_since(since: i64) -> u16 {
    if since == NO_SINCE { 0 } else { HAS_SINCE }
}

/// The parts of fixed stride of the fields of a batch, one after the other. Reused from batch to batch.
#[derive(Default)]
pub(super) struct FieldParts {
    pub stride: usize,
    pub bytes: Vec<u8>,
}

impl FieldParts {
    /// Takes the fields of a batch, column by column.
    pub(super) fn fill(&mut self, layout: &Layout, rows: &Rows) {
        let (places, stride) = places(layout);
        self.stride = stride;
        self.bytes.clear();
        self.bytes.resize(stride * rows.fields.first().map_or(0, |column| column.valid().len()), 0);
        for (f, (column, place)) in rows.fields.iter().zip(places).enumerate() {
            write_field(&mut self.bytes, stride, f, place.at, column);
        }
    }

    /// The `published`-th of them.
    pub(super) fn get(&self, published: usize) -> &[u8] {
        &self.bytes[published * self.stride..][..self.stride]
    }
}

fn write_field(parts: &mut [u8], stride: usize, f: usize, at: usize, column: &FieldColumn) {
    match column {
        FieldColumn::Fixed { width, bytes, .. } => match width {
            16 => write(parts, stride, at, bytes.as_chunks::<16>().0.iter().copied()),
            8 => write(parts, stride, at, bytes.as_chunks::<8>().0.iter().copied()),
            4 => write(parts, stride, at, bytes.as_chunks::<4>().0.iter().copied()),
            _ => write(parts, stride, at, bytes.as_chunks::<1>().0.iter().copied()),
        },
        FieldColumn::Text { ends, .. } => {
            let starts = std::iter::once(&0).chain(ends);
            write(parts, stride, at, starts.zip(ends).map(|(start, end)| [short_length(end - start)]));
        }
    }
    for (part, valid) in parts.chunks_exact_mut(stride).zip(column.valid()) {
        part[f / 8] |= u8::from(*valid) << (f % 8);
    }
}

/// Writes one value into each part.
fn write<const N: usize>(parts: &mut [u8], stride: usize, at: usize, values: impl Iterator<Item = [u8; N]>) {
    for (part, value) in parts.chunks_exact_mut(stride).zip(values) {
        part[at..at + N].copy_from_slice(&value);
    }
}

fn short_length(length: u32) -> u8 {
    length.min(LONG.into()) as u8
}

/// Appends the text of the `published`-th row with fields, field after field.
pub(super) fn write_text(out: &mut Vec<u8>, rows: &Rows, published: usize) {
    for column in &rows.fields {
        let FieldColumn::Text { bytes, ends, .. } = column else { continue };
        let (start, end) = (if published == 0 { 0 } else { ends[published - 1] }, ends[published]);
        if short_length(end - start) == LONG {
            out.extend_from_slice(&(end - start).to_le_bytes());
        }
        extend_short(out, &bytes[start as usize..], (end - start) as usize);
    }
}

/// Appends the first `length` bytes; the few of most values as sixteen at once, of which the rest is taken back.
fn extend_short(out: &mut Vec<u8>, bytes: &[u8], length: usize) {
    match bytes.first_chunk::<16>() {
        Some(chunk) if length <= 16 => {
            let end = out.len() + length;
            out.extend_from_slice(chunk);
            out.truncate(end);
        }
        _ => out.extend_from_slice(&bytes[..length]),
    }
}

/// The text that `length` in the part of fixed stride announces, and what comes after it; none when there is not so much.
pub(super) fn split_text(text: &[u8], length: u8) -> Option<(&[u8], &[u8])> {
    if length < LONG {
        return text.split_at_checked(length.into());
    }
    let (length, text) = text.split_first_chunk()?;
    text.split_at_checked(u32::from_le_bytes(*length) as usize)
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
        assert_eq!((at, stride), (vec![2, 18, 19, 20, 28, 32, 36, 40, 44], 48));
    }

    #[test]
    fn texts_of_any_length_come_back() {
        let lengths = [0, 1, 15, 16, 17, 254, 255, 256, 70_000];
        let mut bytes = Vec::new();
        let ends = lengths.iter().scan(0, |end, length| {
            bytes.resize(bytes.len() + *length as usize, *length as u8);
            *end += length;
            Some(*end)
        });
        let fields = vec![FieldColumn::Text { ends: ends.collect(), valid: vec![true; 9], bytes }];
        let rows = Rows { fields, ..Rows::default() };
        for (published, length) in lengths.into_iter().enumerate() {
            let mut out = Vec::new();
            write_text(&mut out, &rows, published);
            let (text, rest) = split_text(&out, short_length(length)).expect("all of it");
            assert_eq!((text.len(), rest.len()), (length as usize, 0));
            assert!(text.iter().all(|byte| *byte == length as u8));
        }
    }
}
