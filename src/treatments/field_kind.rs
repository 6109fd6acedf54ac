//! Types of published fields.

/// Types of published fields; the number is the width of a fixed value in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// 16 bytes; published as hex or binary.
    Token,
    /// Text, encoded in UTF-8.
    Text,
    /// A whole number in 4 bytes, little-endian.
    Int32,
    /// A whole number in 8 bytes, little-endian.
    Int64,
    /// A floating-point number in 8 bytes, little-endian.
    Float64,
    /// 16 bytes little-endian, with the scale.
    Decimal(u8),
    /// Yes or no in one byte.
    Boolean,
    /// 4 bytes, days since 1970.
    Date,
    /// 8 bytes, microseconds since 1970 in UTC.
    Timestamp,
}

impl FieldKind {
    /// Bytes of a fixed-width value; `None` for text.
    pub fn width(self) -> Option<usize> {
        match self {
            FieldKind::Token | FieldKind::Decimal(_) => Some(16),
            FieldKind::Text => None,
            FieldKind::Int32 | FieldKind::Date => Some(4),
            FieldKind::Int64 | FieldKind::Float64 | FieldKind::Timestamp => Some(8),
            FieldKind::Boolean => Some(1),
        }
    }
}
