//! No row is past its time (R23). Published rows have no clock, so this asks the companions.

use crate::audit::check::{AuditSpot, Check, CheckBegun, CheckFound, FileLook, Look};
use crate::audit::data::AuditedFile;
use crate::audit::finding::{FoundRows, Severity};
use crate::audit::late::is_late;
use crate::audit::scene::AuditedTable;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "rows-in-time",
    article: "Art. 5(1)(e) GDPR; R23",
    severity: Severity::Error,
    holds: "No row's retention period was over at the version's `as_of`, or has been over for two days.",
    fix: "call `tamis sweep`, and find out why no sweep came",
    look: Look::Files(begin),
};

fn begin<'a>(table: &'a AuditedTable<'a>) -> CheckBegun<'a> {
    CheckBegun::Looks(Box::new(Terms(table)))
}

struct Terms<'a>(&'a AuditedTable<'a>);

impl FileLook for Terms<'_> {
    fn file(&mut self, file: &AuditedFile, found: &mut CheckFound<'_>) {
        let companion = match file.rows_beside() {
            Ok(companion) => companion,
            Err(why) => return found.cannot(why),
        };
        let (mut past, mut waiting) = (FoundRows::default(), FoundRows::default());
        for row in 0..file.batch.num_rows() {
            let until = companion.keep_until(row);
            if is_late(self.0, until) {
                past.add(row);
            } else if until <= self.0.scene.now.0 {
                waiting.add(row);
            }
        }
        found.rows(file, None, past, "rows past their retention period");
        if !waiting.is_empty() {
            let spot = AuditSpot { file: Some(&file.place), rows: Some(waiting), ..AuditSpot::default() };
            found.say_as(
                Severity::Warning,
                spot,
                "rows that have come to the end of their period and wait for the next sweep",
            );
        }
    }
}
