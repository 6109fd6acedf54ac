//! How a row looks as bytes: a control part of fixed stride, its identities packed, its published fields packed.
//! Must not know buckets, budgets or what a field means.

use crate::minimize::{FieldColumn, Layout, NULL_QUASI, Rows, flag, mark};

/// Places in the control part: subject 16, clock 8, since 8, flags 2, exclude 1, then marks (1 each), then
/// quasi-identifier hashes (8 each). Numbers are little-endian.
pub(super) const CLOCK: usize = 16;
pub(super) const SINCE: usize = 24;
pub(super) const FLAGS: usize = 32;
pub(super) const EXCLUDE: usize = 34;
pub(super) const MARKS: usize = 35;

/// Bytes of a row's control part.
pub(super) fn stride(layout: &Layout) -> usize {
    MARKS + layout.identities + 8 * layout.quasi
}

/// Bytes of the validity bits in front of a row's fields.
pub(super) fn validity_bytes(layout: &Layout) -> usize {
    layout.fields.len().div_ceil(8)
}

/// Appends the control part of row `r`. Slots and quasi-identifiers that the rows' stream lacks are empty.
pub(super) fn write_control(out: &mut Vec<u8>, layout: &Layout, rows: &Rows, r: usize) {
    out.extend_from_slice(&rows.subject[r]);
    out.extend_from_slice(&rows.clock[r].to_le_bytes());
    out.extend_from_slice(&rows.since[r].to_le_bytes());
    out.extend_from_slice(&rows.flags[r].to_le_bytes());
    out.push(rows.exclude[r]);
    for slot in 0..layout.identities {
        out.push(rows.identities.get(slot).map_or(mark::NONE, |column| column.marks[r]));
    }
    for q in 0..layout.quasi {
        let hash = rows.quasi.get(q).map_or(NULL_QUASI, |column| column[r]);
        out.extend_from_slice(&hash.to_le_bytes());
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

/// Whether row `r` carries published fields: observed rows and rows without a subject never leave.
pub(super) fn has_fields(flags: u16) -> bool {
    flags & (flag::NO_SUBJECT | flag::OBSERVED | flag::FIELDS_SKIPPED) == 0
}

/// Appends the published fields of row `r`: validity bits (bit `f % 8` of byte `f / 8`), then the valid values;
/// text has its length in front (LEB128).
pub(super) fn write_fields(out: &mut Vec<u8>, layout: &Layout, rows: &Rows, r: usize) {
    let start = out.len();
    out.resize(start + validity_bytes(layout), 0);
    for (f, column) in rows.fields.iter().enumerate() {
        let value = match column {
            FieldColumn::Fixed { width, bytes, valid } if valid[r] => &bytes[r * width..(r + 1) * width],
            FieldColumn::Text { bytes, ends, valid } if valid[r] => {
                let from = if r == 0 { 0 } else { ends[r - 1] as usize };
                let text = &bytes[from..ends[r] as usize];
                write_length(out, text.len());
                text
            }
            _ => continue,
        };
        out[start + f / 8] |= 1 << (f % 8);
        out.extend_from_slice(value);
    }
}

/// Appends a length as LEB128.
pub(super) fn write_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
}

/// Takes a LEB128 length off the front of `bytes`; `None` when there is none.
pub(super) fn take_length(bytes: &mut &[u8]) -> Option<usize> {
    let mut length = 0usize;
    for (i, byte) in bytes.iter().enumerate().take(9) {
        length |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            *bytes = &bytes[i + 1..];
            return Some(length);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_come_back() {
        for length in [0, 1, 127, 128, 300, 16_383, 16_384, 1 << 30] {
            let mut bytes = Vec::new();
            write_length(&mut bytes, length);
            bytes.push(0xff);
            let mut rest = bytes.as_slice();
            assert_eq!(take_length(&mut rest), Some(length));
            assert_eq!(rest, [0xff]);
        }
        assert_eq!(take_length(&mut [0x80u8, 0x80].as_slice()), None);
    }
}
