//! No row rests on a consent that is over (R32).

use crate::audit::check::{Check, CheckBegun, CheckFound, FileLook, Look};
use crate::audit::data::AuditedFile;
use crate::audit::finding::{FoundRows, Severity};
use crate::audit::late::is_late;
use crate::audit::scene::AuditedTable;
use crate::policy::Basis;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "consent-in-time",
    article: "Art. 6(1)(a), 7 GDPR; R32",
    severity: Severity::Error,
    holds: "No row of a purpose on consent rests on a consent that is over.",
    fix: "call `tamis sweep`, and find out why no sweep came",
    look: Look::Files(begin),
};

fn begin<'a>(table: &'a AuditedTable<'a>) -> CheckBegun<'a> {
    match table.grounds() {
        Some(grounds) if grounds.basis == Basis::Consent => CheckBegun::Looks(Box::new(Consents(table))),
        _ => CheckBegun::Nothing,
    }
}

struct Consents<'a>(&'a AuditedTable<'a>);

impl FileLook for Consents<'_> {
    fn file(&mut self, file: &AuditedFile, found: &mut CheckFound<'_>) {
        let companion = match file.rows_beside() {
            Ok(companion) if companion.knows_consent() => companion,
            Ok(_) => {
                let why = "rows of a purpose on consent, and their companion does not say who agreed";
                let mut all = FoundRows::default();
                (0..file.batch.num_rows()).for_each(|row| all.add(row));
                return found.rows(file, None, all, why);
            }
            Err(why) => return found.cannot(why),
        };
        let mut over = FoundRows::default();
        for row in 0..file.batch.num_rows() {
            if companion.consent_until(row).is_some_and(|until| is_late(self.0, until)) {
                over.add(row);
            }
        }
        found.rows(file, None, over, "rows whose consent is over");
    }
}
