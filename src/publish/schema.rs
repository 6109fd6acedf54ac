//! Columns of the next version: how they follow from a layout, and how a table may change.

use super::column::{ColumnType, TableColumn};
use super::format;
use crate::decide::{FieldKind, Layout};
use crate::error::{Code, Error, Result};

/// A column to be written and the field it comes from; a withdrawn one has none and is written as nulls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub column: TableColumn,
    pub field: Option<usize>,
    pub token: bool,
}

/// The columns of the next version: those of the table first, in its order, then new ones in the job's order.
///
/// # Errors
/// A policy error when a field changes its type, or its name only by case (design section 6).
pub(super) fn plan(layout: &Layout, binary_tokens: bool, table: &[TableColumn]) -> Result<Vec<Planned>> {
    let field = |index: usize, name: &str| Planned {
        column: TableColumn { name: name.to_owned(), kind: ColumnType::of(layout.fields[index].kind, binary_tokens) },
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

fn same_type(planned: Planned, column: &TableColumn) -> Result<Planned> {
    if planned.column.kind == column.kind {
        return Ok(planned);
    }
    Err(Error::new(Code::ColumnUnfit, format!("field {:?} has another type in the published table", column.name))
        .help("a changed type needs a new output: name another `output` in the job"))
}

fn check_name(name: &str, planned: &[Planned]) -> Result<()> {
    let format = format::of();
    if !format.allows_column(name) {
        let what = format!("{name:?} cannot be the name of a column in a {} table", format.name());
        return Err(Error::new(Code::ColumnUnfit, what).help("use letters, digits and underscores"));
    }
    let folded = name.to_lowercase();
    match planned.iter().find(|p| p.column.name.to_lowercase() == folded) {
        Some(other) => Err(Error::new(
            Code::ColumnUnfit,
            format!("field {name:?} differs from column {:?} only by case", other.column.name),
        )
        .help(format!("{} tables do not tell such names apart: rename the field", format.name()))),
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
            TableColumn { name: "contact".into(), kind: ColumnType::Text },
            TableColumn { name: "gone".into(), kind: ColumnType::Date },
        ];
        let planned = plan(&layout(&[("added", FieldKind::Int32), ("contact", FieldKind::Token)]), false, &table)
            .expect("a plan");
        let seen: Vec<_> = planned.iter().map(|p| (p.column.name.as_str(), p.field)).collect();
        assert_eq!(seen, [("contact", Some(1)), ("gone", None), ("added", Some(0))]);
    }

    #[test]
    fn changed_types_and_names_that_differ_by_case_are_refused() {
        let table = [TableColumn { name: "contact".into(), kind: ColumnType::Text }];
        for fields in [[("contact", FieldKind::Int64)], [("Contact", FieldKind::Text)], [("a b", FieldKind::Text)]] {
            let refused = plan(&layout(&fields), false, &table).expect_err("refused");
            assert_eq!(refused.code(), crate::error::Code::ColumnUnfit);
        }
        let binary = plan(&layout(&[("contact", FieldKind::Token)]), true, &table);
        assert!(binary.is_err(), "the token format is part of the type");
    }
}
