//! Every combination of quasi-identifiers has k persons (R36), counted anew over what is published.

use crate::audit::check::{CheckBegun, Check, FileLook, CheckFound, Look, Spot};
use crate::audit::data::AuditedFile;
use crate::audit::finding::{FoundRows, Severity};
use crate::audit::groups::{GroupCells, GroupRows};
use crate::audit::scene::AuditedTable;
use crate::error::Result;
use std::collections::HashMap;

pub(in crate::audit) const CHECK: Check = Check {
    rule: "group-k",
    article: "Art. 5(1)(c), 25 GDPR; R36",
    severity: Severity::Error,
    holds: "Every combination of the job's quasi-identifiers has k persons or more.",
    fix: "run the job, or call `tamis sweep`: both suppress what is smaller",
    look: Look::Files(begin),
};

fn begin<'a>(table: &'a AuditedTable<'a>) -> CheckBegun<'a> {
    let Some(gate) = table.plan.and_then(|plan| plan.gate.as_ref()) else { return CheckBegun::Nothing };
    let Some(subject) = table.subject() else { return CheckBegun::Cannot("no field is the token of the subject".into()) };
    let most = usize::try_from(gate.k).unwrap_or(usize::MAX);
    CheckBegun::Looks(Box::new(QuasiGroups { quasi: &gate.quasi_identifiers, subject, most, groups: HashMap::new(), files: Vec::new() }))
}

struct QuasiGroups<'a> {
    quasi: &'a [String],
    subject: &'a str,
    most: usize,
    /// Combination -> who has it; none once they are enough.
    groups: HashMap<[u8; 16], Option<SmallGroup>>,
    files: Vec<String>,
}

#[derive(Default)]
struct SmallGroup {
    persons: Vec<[u8; 16]>,
    rows: GroupRows,
}

impl FileLook for QuasiGroups<'_> {
    fn file(&mut self, file: &AuditedFile, found: &mut CheckFound<'_>) {
        let names: Vec<&str> = self.quasi.iter().map(String::as_str).collect();
        let cells = (GroupCells::of(&file.batch, &names), GroupCells::of(&file.batch, &[self.subject]));
        let (quasi, subject) = match cells {
            (Ok(quasi), Ok(subject)) => (quasi, subject),
            (Err(missing), _) | (_, Err(missing)) => {
                return found.cannot(format!("{} has no column {missing}", file.place));
            }
        };
        self.files.push(file.place.clone());
        for row in 0..file.batch.num_rows() {
            let place = self.groups.entry(quasi.digest(row)).or_insert_with(|| Some(SmallGroup::default()));
            let Some(group) = place else { continue };
            let person = subject.digest(row);
            if !group.persons.contains(&person) {
                group.persons.push(person);
            }
            group.rows.add(self.files.len() - 1, row);
            if group.persons.len() >= self.most {
                *place = None;
            }
        }
    }

    fn end(&mut self, found: &mut CheckFound<'_>) -> Result<()> {
        let small: Vec<&GroupRows> = self.groups.values().flatten().map(|group| &group.rows).collect();
        let (count, most) = (small.len(), self.most);
        for (file, rows) in GroupRows::by_file(&small) {
            let what = format!("rows in groups of fewer than {most} persons ({count} such groups in the dataset)");
            let rows: FoundRows = rows;
            found.say(Spot { file: Some(&self.files[file]), rows: Some(rows), ..Spot::default() }, what);
        }
        Ok(())
    }
}
