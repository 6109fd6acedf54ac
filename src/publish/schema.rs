//! Columns of a published table: their types, how they follow from a layout, and how a table may change.
//! Must not know Parquet encoders nor the log.

use crate::decide::{FieldKind, Layout};
use crate::error::{Code, Error, Result};
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
    /// 32 bits, signed.
    Int32,
    /// 64 bits, signed.
    Int64,
    /// Double.
    Float64,
    /// 38 digits, so many of them after the point.
    Decimal(u8),
    /// Boolean.
    Boolean,
    /// Day.
    Date,
    /// Microseconds in UTC.
    Timestamp,
}

/// One column of a published table.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Column {
    /// Name in the table.
    pub name: String,
    /// Type in the table.
    pub kind: ColumnType,
}

/// A column to be written and the field it comes from; a withdrawn one has none and is written as nulls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub column: Column,
    pub field: Option<usize>,
    pub token: bool,
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

/// The columns of the next version: those of the table first, in its order, then new ones in the job's order.
///
/// # Errors
/// A policy error when a field changes its type, or its name only by case (design section 6).
pub(super) fn plan(layout: &Layout, binary_tokens: bool, table: &[Column]) -> Result<Vec<Planned>> {
    let field = |index: usize, name: &str| Planned {
        column: Column { name: name.to_owned(), kind: ColumnType::of(layout.fields[index].kind, binary_tokens) },
        field: Some(index),
        token: layout.fields[index].kind == FieldKind::Token,
    };
    let mut planned = Vec::with_capacity(table.len() + layout.fields.len());
    for column in table {
        match layout.fields.iter().position(|f| f.name == column.name) {
            Some(index) => planned.push(same_type(field(index, &column.name), column)?),
            None => planned.push(Planned { column: column.clone(), field: None, token: false }),
        }
    }
    for (index, f) in layout.fields.iter().enumerate() {
        if planned.iter().any(|p| p.field == Some(index)) {
            continue;
        }
        check_name(&f.name, &planned)?;
        planned.push(field(index, &f.name));
    }
    Ok(planned)
}

fn same_type(planned: Planned, column: &Column) -> Result<Planned> {
    if planned.column.kind == column.kind {
        return Ok(planned);
    }
    Err(Error::new(Code::ColumnUnfit, format!("field {:?} has another type in the published table", column.name))
        .help("a changed type needs a new output: name another `output` in the job"))
}

fn check_name(name: &str, planned: &[Planned]) -> Result<()> {
    if name.is_empty() || name.contains([' ', ',', ';', '{', '}', '(', ')', '\n', '\t', '=']) {
        return Err(Error::new(Code::ColumnUnfit, format!("{name:?} cannot be the name of a column in a Delta table"))
            .help("use letters, digits and underscores"));
    }
    let folded = name.to_lowercase();
    match planned.iter().find(|p| p.column.name.to_lowercase() == folded) {
        Some(other) => Err(Error::new(
            Code::ColumnUnfit,
            format!("field {name:?} differs from column {:?} only by case", other.column.name),
        )
        .help("Delta tables do not tell such names apart: rename the field")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::FieldLayout;

    fn layout(fields: &[(&str, FieldKind)]) -> Layout {
        let fields = fields.iter().map(|(name, kind)| FieldLayout { name: (*name).into(), kind: *kind }).collect();
        Layout { identities: 1, quasi: 0, fields }
    }

    #[test]
    fn a_table_keeps_its_columns_and_gains_new_ones_at_the_end() {
        let table = [
            Column { name: "contact".into(), kind: ColumnType::Text },
            Column { name: "gone".into(), kind: ColumnType::Date },
        ];
        let planned = plan(&layout(&[("added", FieldKind::Int32), ("contact", FieldKind::Token)]), false, &table)
            .expect("a plan");
        let seen: Vec<_> = planned.iter().map(|p| (p.column.name.as_str(), p.field)).collect();
        assert_eq!(seen, [("contact", Some(1)), ("gone", None), ("added", Some(0))]);
    }

    #[test]
    fn changed_types_and_names_that_differ_by_case_are_refused() {
        let table = [Column { name: "contact".into(), kind: ColumnType::Text }];
        for fields in [[("contact", FieldKind::Int64)], [("Contact", FieldKind::Text)], [("a b", FieldKind::Text)]] {
            let refused = plan(&layout(&fields), false, &table).expect_err("refused");
            assert_eq!(refused.code(), crate::error::Code::ColumnUnfit);
        }
        let binary = plan(&layout(&[("contact", FieldKind::Token)]), true, &table);
        assert!(binary.is_err(), "the token format is part of the type");
    }
}
