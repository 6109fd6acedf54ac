//! Columns of a published table and their types.

use crate::decide::FieldKind;
use arrow::datatypes::{DataType, TimeUnit};
use std::fmt;

/// Type of a published column; serialised into what an interrupted run leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnType {
    /// Text; tokens as 32 lower-case hex digits too.
    Text,
    /// Tokens as 16 bytes.
    Binary,
    /// Whole numbers of 32 bits with a sign.
    Int32,
    /// Whole numbers of 64 bits with a sign.
    Int64,
    /// Floating-point numbers of 64 bits.
    Float64,
    /// 38 digits, so many of them after the point.
    Decimal(u8),
    /// Yes or no, in one bit.
    Boolean,
    /// Whole days since 1970.
    Date,
    /// Microseconds since 1970, in UTC.
    Timestamp,
}

/// One column of a published table.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TableColumn {
    /// Name in the table.
    pub name: String,
    /// Type in the table.
    pub kind: ColumnType,
}

/// As manifests and records spell it.
impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ColumnType::Text => "string",
            ColumnType::Binary => "binary",
            ColumnType::Int32 => "int32",
            ColumnType::Int64 => "int64",
            ColumnType::Float64 => "float64",
            ColumnType::Decimal(scale) => return write!(f, "decimal(38,{scale})"),
            ColumnType::Boolean => "boolean",
            ColumnType::Date => "date",
            ColumnType::Timestamp => "timestamp",
        })
    }
}

impl ColumnType {
    /// The type of a field once published (`spec-keys.md`, Treatments).
    pub fn of(kind: FieldKind, binary_tokens: bool) -> ColumnType {
        match kind {
            FieldKind::Token if binary_tokens => ColumnType::Binary,
            FieldKind::Token | FieldKind::Text => ColumnType::Text,
            FieldKind::Int32 => ColumnType::Int32,
            FieldKind::Int64 => ColumnType::Int64,
            FieldKind::Float64 => ColumnType::Float64,
            FieldKind::Decimal(scale) => ColumnType::Decimal(scale),
            FieldKind::Boolean => ColumnType::Boolean,
            FieldKind::Date => ColumnType::Date,
            FieldKind::Timestamp => ColumnType::Timestamp,
        }
    }

    /// The Arrow type a column is written with.
    pub fn arrow(self) -> DataType {
        match self {
            ColumnType::Text => DataType::Utf8,
            ColumnType::Binary => DataType::FixedSizeBinary(16),
            ColumnType::Int32 => DataType::Int32,
            ColumnType::Int64 => DataType::Int64,
            ColumnType::Float64 => DataType::Float64,
            ColumnType::Decimal(scale) => DataType::Decimal128(38, i8::try_from(scale).unwrap_or(i8::MAX)),
            ColumnType::Boolean => DataType::Boolean,
            ColumnType::Date => DataType::Date32,
            ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }
}
