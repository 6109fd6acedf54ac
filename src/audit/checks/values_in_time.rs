//! No value of a field with a `keep` of its own is past it (R26).

use crate::audit::check::{Check, CheckBegun, CheckFound, FileLook, Look};
use crate::audit::data::AuditedFile;
use crate::audit::finding::{FoundRows, Severity};
use crate::audit::late::is_late;
use crate::audit::scene::AuditedTable;
use arrow::array::Array;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "values-in-time",
    article: "Art. 5(1)(e) GDPR; R26",
    severity: Severity::Error,
    holds: "No field has a value past the field's own retention period.",
    fix: "call `tamis sweep`, and find out why no sweep came",
    look: Look::Files(begin),
};

fn begin<'a>(table: &'a AuditedTable<'a>) -> CheckBegun<'a> {
    let fields = table.manifest.fields.iter().filter(|field| field.keep.is_some());
    let fields: Vec<&str> = fields.map(|field| field.name.as_str()).collect();
    if fields.is_empty() { CheckBegun::Nothing } else { CheckBegun::Looks(Box::new(ValueTerms { table, fields })) }
}

struct ValueTerms<'a> {
    table: &'a AuditedTable<'a>,
    /// In the order in which companions have their terms.
    fields: Vec<&'a str>,
}

impl FileLook for ValueTerms<'_> {
    fn file(&mut self, file: &AuditedFile, found: &mut CheckFound<'_>) {
        let companion = match file.rows_beside() {
            Ok(companion) if companion.field_untils() == self.fields.len() => companion,
            Ok(_) => return found.cannot(format!("the companion of {} has not the terms of its fields", file.place)),
            Err(why) => return found.cannot(why),
        };
        for (keep, name) in self.fields.iter().enumerate() {
            let Some(column) = file.batch.column_by_name(name) else { continue };
            let mut past = FoundRows::default();
            for row in (0..column.len()).filter(|row| !column.is_null(*row)) {
                let until = companion.field_until(keep, row);
                if until.is_some_and(|until| is_late(self.table, until)) {
                    past.add(row);
                }
            }
            found.rows(file, Some(name), past, "values past the retention period of their field");
        }
    }
}
