//! Where a finding of an audit is, in words.

use super::verdict::counted;
use crate::audit::{AuditFinding, FoundRows};

/// Returns where a finding is: file, field and rows, or the table.
pub(super) fn place(finding: &AuditFinding) -> String {
    let version = finding.version.map(|version| format!(" version {version}"));
    let table = finding.dataset.as_ref().map(|dataset| format!("{dataset}{}", version.unwrap_or_default()));
    let field = finding.field.as_ref().map(|field| format!("field {field}"));
    let parts = [finding.file.clone().or(table), field, finding.rows.as_ref().map(rows)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn rows(rows: &FoundRows) -> String {
    let first: Vec<String> = rows.first.iter().map(u64::to_string).collect();
    let more = if rows.count > first.len() as u64 { " and others" } else { "" };
    format!("{}: {}{more}", counted(rows.count, "row"), first.join(", "))
}
