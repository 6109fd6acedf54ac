//! Types of published fields. Must not know how they are encoded.

/// Types of published fields; the number is the width of a fixed value in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// 16 bytes; published as hex or binary.
    Token,
    /// UTF-8.
    Text,
    /// 4 bytes little-endian.
    Int32,
    /// 8 bytes.
    Int64,
    /// 8 bytes.
    Float64,
    /// 16 bytes little-endian, with the scale.
    Decimal(u8),
    /// 1 byte.
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
