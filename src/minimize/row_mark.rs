//! R61: what stands in for the subject's token of a row that is about no person: a keyed hash of what is published of
//! it, so that the order of rows is that of no export, and is the same for the same rows.

use super::rows::{FieldColumn, Rows};
use crate::key::Key;

/// Makes marks of rows.
pub(super) struct RowMarker(blake3::Hasher);

impl RowMarker {
    /// With a key that is derived from that of tokens: a mark is no token, and names nobody.
    pub(super) fn new(token_key: &Key) -> RowMarker {
        let key = token_key.derive("tamis v1 row", &[]);
        RowMarker(blake3::Hasher::new_keyed(key.expose()))
    }

    /// Writes the marks of the rows that have fields in place of tokens; the others keep none.
    pub(super) fn place(&self, rows: &mut Rows, published: &[u32]) {
        let Rows { subject, fields, .. } = rows;
        for (at, row) in published.iter().enumerate() {
            let mut hasher = self.0.clone();
            for column in fields.iter() {
                let value = value(column, at);
                hasher.update(&[u8::from(value.is_some())]);
                let value = value.unwrap_or_default();
                hasher.update(&(value.len() as u64).to_le_bytes()).update(value);
            }
            let hash = hasher.finalize();
            subject[*row as usize] = *hash.as_bytes().first_chunk().unwrap_or(&[0; 16]);
        }
    }
}

/// What is published in the `at`-th row with fields; none when it is null.
fn value(column: &FieldColumn, at: usize) -> Option<&[u8]> {
    match column {
        FieldColumn::Fixed { width, bytes, valid } => valid[at].then(|| &bytes[at * width..(at + 1) * width]),
        FieldColumn::Text { bytes, ends, valid } => {
            let start = if at == 0 { 0 } else { ends[at - 1] as usize };
            valid[at].then(|| &bytes[start..ends[at] as usize])
        }
    }
}
