//! No published text has the form of an address, a phone number, a card or an account. Left out are fields whose text is
//! the policy's own (`map`, `constant`), tokens, and columns of which somebody has written why they are published raw.

use crate::audit::check::{Check, CheckBegun, CheckFound, FileLook, Look};
use crate::audit::data::AuditedFile;
use crate::audit::finding::{FoundRows, Severity};
use crate::audit::patterns::TellingPattern;
use crate::audit::scene::AuditedTable;
use crate::treatments::Treat;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "text-patterns",
    article: "Art. 5(1)(c), 32 GDPR",
    severity: Severity::Error,
    holds: "No text has the form of an e-mail address, a phone number, a card number or an IBAN.",
    fix: "treat the column in another way (redact or map) or leave it out, then run the job",
    look: Look::Files(begin),
};

fn begin<'a>(table: &'a AuditedTable<'a>) -> CheckBegun<'a> {
    CheckBegun::Looks(Box::new(Texts(table)))
}

struct Texts<'a>(&'a AuditedTable<'a>);

impl FileLook for Texts<'_> {
    fn file(&mut self, file: &AuditedFile, found: &mut CheckFound<'_>) {
        let schema = file.batch.schema();
        for (column, values) in schema.fields().iter().zip(file.batch.columns()) {
            let Some(text) = text_of(values).filter(|_| !self.is_meant(column.name())) else { continue };
            let mut rows: Vec<(TellingPattern, FoundRows)> =
                TellingPattern::ALL.map(|of| (of, FoundRows::default())).into();
            for row in (0..values.len()).filter(|row| !values.is_null(*row)) {
                let hits = rows.iter_mut().filter(|(pattern, _)| pattern.is_in(text(row)));
                hits.for_each(|(_, rows)| rows.add(row));
            }
            for (pattern, rows) in rows {
                found.rows(file, Some(column.name()), rows, pattern.said());
            }
        }
    }
}

impl Texts<'_> {
    /// Whether whoever wrote the specs meant this very text to be published.
    fn is_meant(&self, name: &str) -> bool {
        let told = self.0.manifest.fields.iter().find(|field| field.name == name);
        let treat = self.0.field(name).map(|field| field.treat.treat()).or_else(|| told?.treat());
        match treat {
            Some(Treat::Pseudonymize | Treat::Map | Treat::Constant) => true,
            Some(Treat::AsIs) => self.raw_allowed(name),
            _ => false,
        }
    }

    fn raw_allowed(&self, name: &str) -> bool {
        let (Some(plan), Some(field)) = (self.0.plan, self.0.field(name)) else { return false };
        let source = self.0.scene.register.sources.get(&plan.source.name);
        let column = field.from.map(|from| &plan.columns[from].name);
        let facts = source.zip(column).and_then(|(source, column)| source.columns.get(column));
        facts.is_some_and(|facts| facts.raw_allowed)
    }
}

type Texted<'a> = Box<dyn Fn(usize) -> &'a str + 'a>;

/// How the text of a row is read; none for a column of another type.
fn text_of(column: &ArrayRef) -> Option<Texted<'_>> {
    match column.data_type() {
        DataType::Utf8 => Some(Box::new(|row| column.as_string::<i32>().value(row))),
        DataType::LargeUtf8 => Some(Box::new(|row| column.as_string::<i64>().value(row))),
        DataType::Utf8View => Some(Box::new(|row| column.as_string_view().value(row))),
        _ => None,
    }
}
