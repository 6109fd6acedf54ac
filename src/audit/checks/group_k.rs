//! Every combination of quasi-identifiers has k persons (R36), counted anew over what is published.

use crate::audit::check::{AuditSpot, Check, CheckBegun, CheckFound, FileLook, Look};
use crate::audit::data::AuditedFile;
use crate::audit::finding::Severity;
use crate::audit::groups::{GroupCells, SmallGroups};
use crate::audit::scene::AuditedTable;
use crate::error::Result;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "group-k",
    article: "Art. 5(1)(c), 25 GDPR; R36",
    severity: Severity::Error,
    holds: "Every combination of the job's quasi-identifiers has k persons or more.",
    fix: "run the job: it suppresses groups smaller than the k of today; a sweep uses the k of the version",
    look: Look::Files(begin),
};

fn begin<'a>(table: &'a AuditedTable<'a>) -> CheckBegun<'a> {
    let Some(gate) = table.plan.and_then(|plan| plan.gate.as_ref()) else { return CheckBegun::Nothing };
    let Some(subject) = table.subject() else {
        return CheckBegun::Cannot("no field is the token of the subject".into());
    };
    let quasi = gate.quasi_identifiers.iter().map(String::as_str).collect();
    let groups = SmallGroups::new(usize::try_from(gate.k).unwrap_or(usize::MAX));
    CheckBegun::Looks(Box::new(QuasiGroups { quasi, subject, k: gate.k, groups, files: Vec::new() }))
}

struct QuasiGroups<'a> {
    quasi: Vec<&'a str>,
    subject: &'a str,
    k: u32,
    groups: SmallGroups,
    files: Vec<String>,
}

impl FileLook for QuasiGroups<'_> {
    fn file(&mut self, file: &AuditedFile, found: &mut CheckFound<'_>) {
        let cells = (GroupCells::of(&file.batch, &self.quasi), GroupCells::of(&file.batch, &[self.subject]));
        let (quasi, subject) = match cells {
            (Ok(quasi), Ok(subject)) => (quasi, subject),
            (Err(missing), _) | (_, Err(missing)) => {
                return found.cannot(format!("{} has no column {missing}", file.place));
            }
        };
        for row in 0..file.batch.num_rows() {
            self.groups.add(quasi.key(row), subject.key(row), (self.files.len(), row));
        }
        self.files.push(file.place.clone());
    }

    fn end(&mut self, found: &mut CheckFound<'_>) -> Result<()> {
        let (count, rows) = self.groups.small();
        for (file, rows) in rows {
            let what = format!("rows in groups of fewer than {} persons; the dataset has {count} such groups", self.k);
            found.say(AuditSpot { file: Some(&self.files[file]), rows: Some(rows), ..AuditSpot::default() }, what);
        }
        Ok(())
    }
}
