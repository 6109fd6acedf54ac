//! No row is kept for longer than the policy of today allows: none of its clocks is later than the version (R23, R24).

use crate::audit::check::{Check, CheckBegun, CheckFound, FileLook, Look};
use crate::audit::data::AuditedFile;
use crate::audit::finding::{FoundRows, Severity};
use crate::audit::scene::AuditedTable;
use crate::clock::add;
use crate::policy::Undated;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "keep-of-today",
    article: "Art. 5(1)(e) GDPR; R23, R27",
    severity: Severity::Error,
    holds: "No row's retention period ends later than the job's `keep` of today after the version's `as_of`.",
    fix: "run the job: a shorter `keep` reaches rows with the next run",
    look: Look::Files(begin),
};

fn begin<'a>(table: &'a AuditedTable<'a>) -> CheckBegun<'a> {
    let Some(plan) = table.plan else {
        return CheckBegun::Cannot("no job of the specs says how long its rows are kept".into());
    };
    let keep = match plan.retention.undated {
        Some(Undated::UntilAbsent) => &plan.purpose.max_keep,
        _ => &plan.retention.keep,
    };
    CheckBegun::Looks(Box::new(LongestKeep(add(table.current.as_of, keep, &plan.zone).0)))
}

struct LongestKeep(i64);

impl FileLook for LongestKeep {
    fn file(&mut self, file: &AuditedFile, found: &mut CheckFound<'_>) {
        let companion = match file.rows_beside() {
            Ok(companion) => companion,
            Err(why) => return found.cannot(why),
        };
        let mut longer = FoundRows::default();
        (0..file.batch.num_rows()).filter(|row| companion.keep_until(*row) > self.0).for_each(|row| longer.add(row));
        found.rows(file, None, longer, "rows that are to be kept longer than the policy of today allows");
    }
}
