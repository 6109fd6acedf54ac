//! A published column has to be a field that the job of today names: it has checked source, purpose and category (R19).

use crate::audit::check::{Check, CheckBegun, CheckFound, FileLook, Look};
use crate::audit::data::AuditedFile;
use crate::audit::finding::{FoundRows, Severity};
use crate::audit::scene::AuditedTable;
use crate::policy::Plan;
use arrow::array::Array;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "columns-allowed",
    article: "Art. 5(1)(b), (c) GDPR; R19",
    severity: Severity::Error,
    holds: "Every published column that has a value is a field of the job, made from a column that serves the purpose.",
    fix: "run the job: the new version has only the fields that it names",
    look: Look::Files(begin),
};

fn begin<'a>(table: &'a AuditedTable<'a>) -> CheckBegun<'a> {
    match table.plan {
        Some(plan) => CheckBegun::Looks(Box::new(Fields(plan))),
        None => CheckBegun::Cannot("no job of the specs says which columns it may have".into()),
    }
}

struct Fields<'a>(&'a Plan);

impl FileLook for Fields<'_> {
    fn file(&mut self, file: &AuditedFile, found: &mut CheckFound<'_>) {
        let schema = file.batch.schema();
        for (column, values) in schema.fields().iter().zip(file.batch.columns()) {
            if self.0.fields.iter().any(|field| field.name == *column.name()) {
                continue;
            }
            let mut rows = FoundRows::default();
            (0..values.len()).filter(|row| !values.is_null(*row)).for_each(|row| rows.add(row));
            found.rows(file, Some(column.name()), rows, "the job of today publishes no field of this name");
        }
    }
}
