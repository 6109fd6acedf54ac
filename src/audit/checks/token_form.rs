//! A field of tokens holds tokens and nothing else, and every row has its subject's (R2, R11).

use crate::audit::check::{Check, CheckBegun, CheckFound, FileLook, Look};
use crate::audit::data::AuditedFile;
use crate::audit::finding::{FoundRows, Severity};
use crate::audit::scene::AuditedTable;
use crate::audit::tokens::{InField, read};

pub(in crate::audit) const CHECK: Check = Check {
    rule: "token-form",
    article: "Art. 4(5), 25 GDPR; R2",
    severity: Severity::Error,
    holds: "A pseudonymized field holds 32 lower-case hex digits or 16 bytes that are no text, and every row has its subject's token.",
    fix: "take the version out of readers' sight, find out who wrote it, and run the job",
    look: Look::Files(begin),
};

fn begin<'a>(table: &'a AuditedTable<'a>) -> CheckBegun<'a> {
    CheckBegun::Looks(Box::new(TokenFields(table)))
}

struct TokenFields<'a>(&'a AuditedTable<'a>);

impl FileLook for TokenFields<'_> {
    fn file(&mut self, file: &AuditedFile, found: &mut CheckFound<'_>) {
        for field in self.0.token_fields() {
            let Some(column) = file.batch.column_by_name(&field.name) else {
                found.cannot(format!("{} has no column {}", file.place, field.name));
                continue;
            };
            let (mut other, mut none) = (FoundRows::default(), FoundRows::default());
            for row in 0..column.len() {
                match read(column.as_ref(), row) {
                    InField::Token(_) => {}
                    InField::Null if field.subject => none.add(row),
                    InField::Null => {}
                    InField::Other => other.add(row),
                }
            }
            found.rows(file, Some(&field.name), other, "this value is no token");
            found.rows(file, Some(&field.name), none, "a row without a token of its subject");
        }
    }
}
