//! An e-mail domain that one person alone has is that person's name in another form.

use crate::audit::check::{AuditSpot, Check, CheckBegun, CheckFound, FileLook, Look};
use crate::audit::data::AuditedFile;
use crate::audit::finding::Severity;
use crate::audit::groups::{GroupCells, SmallGroups};
use crate::audit::scene::AuditedTable;
use crate::error::Result;
use crate::treatments::Treat;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "one-persons-domain",
    article: "Art. 4(1), 5(1)(c) GDPR",
    severity: Severity::Warning,
    holds: "No e-mail domain in the dataset belongs to one person alone.",
    fix: "put the field into the quasi-identifiers of [gate], or map the domains that matter and let the rest be one value",
    look: Look::Files(begin),
};

fn begin<'a>(table: &'a AuditedTable<'a>) -> CheckBegun<'a> {
    let fields = table.manifest.fields.iter().filter(|field| field.treat() == Some(Treat::EmailDomain));
    let fields: Vec<_> = fields.map(|field| (field.name.as_str(), SmallGroups::new(2))).collect();
    match table.subject() {
        _ if fields.is_empty() || !table.is_of_persons() => CheckBegun::Nothing,
        Some(subject) => CheckBegun::Looks(Box::new(Domains { subject, fields, files: Vec::new() })),
        None => CheckBegun::Cannot("no field is the token of the subject".into()),
    }
}

struct Domains<'a> {
    subject: &'a str,
    fields: Vec<(&'a str, SmallGroups)>,
    files: Vec<String>,
}

impl FileLook for Domains<'_> {
    fn file(&mut self, file: &AuditedFile, found: &mut CheckFound<'_>) {
        for (name, domains) in &mut self.fields {
            let cells = (GroupCells::of(&file.batch, &[*name]), GroupCells::of(&file.batch, &[self.subject]));
            let (Ok(values), Ok(subject)) = cells else {
                found.cannot(format!("{} has no column {name}, or none of the subject", file.place));
                continue;
            };
            for row in (0..file.batch.num_rows()).filter(|row| !values.is_null(*row)) {
                domains.add(values.key(row), subject.key(row), (self.files.len(), row));
            }
        }
        self.files.push(file.place.clone());
    }

    fn end(&mut self, found: &mut CheckFound<'_>) -> Result<()> {
        for (name, domains) in &self.fields {
            let (count, rows) = domains.small();
            for (file, rows) in rows {
                let spot =
                    AuditSpot { file: Some(&self.files[file]), field: Some(name), rows: Some(rows), since: None };
                found.say(spot, format!("domains that one person alone has; the dataset has {count} of them"));
            }
        }
        Ok(())
    }
}
