//! An audit as SARIF 2.1.0, which scanners of code and data are read by: a rule for each check, a result for each
//! finding. Rows stand where SARIF has lines.

use super::audit_place::place;
use crate::audit::{AuditFinding, AuditReport, CHECKS, NotChecked, Severity};
use serde_json::{Value, json};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Returns the report as a log of SARIF 2.1.0.
pub(super) fn sarif(report: &AuditReport) -> Value {
    let rules: Vec<Value> = CHECKS.iter().map(|check| rule(check)).collect();
    let results: Vec<Value> = report.findings.iter().map(result).collect();
    let notifications: Vec<Value> = report.not_checked.iter().map(notification).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "tamis audit", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "invocations": [{
                "executionSuccessful": report.not_checked.is_empty(),
                "endTimeUtc": report.at.to_seconds().to_string(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
            "properties": { "neverChecked": report.never_checked },
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn rule(check: &crate::audit::Check) -> Value {
    json!({
        "id": check.rule,
        "shortDescription": { "text": check.holds },
        "help": { "text": check.fix },
        "defaultConfiguration": { "level": level(check.severity) },
        "properties": { "article": check.article },
    })
}

fn result(finding: &AuditFinding) -> Value {
    let place = place(finding);
    let text = if place.is_empty() { finding.what.clone() } else { format!("{}: {place}", finding.what) };
    let mut properties = json!({ "article": finding.article, "fix": finding.fix });
    for (name, value) in [
        ("dataset", json!(finding.dataset)),
        ("version", json!(finding.version)),
        ("rows", json!(finding.rows)),
        ("firstSeen", json!(finding.first_seen)),
    ] {
        if !value.is_null() {
            properties[name] = value;
        }
    }
    json!({
        "ruleId": finding.rule,
        "ruleIndex": CHECKS.iter().position(|check| check.rule == finding.rule),
        "level": level(finding.severity),
        "message": { "text": text },
        "locations": location(finding).map_or_else(Vec::new, |location| vec![location]),
        "properties": properties,
    })
}

/// The file, or the table, with the first row and the field.
fn location(finding: &AuditFinding) -> Option<Value> {
    let of = finding.file.as_ref().or(finding.dataset.as_ref())?;
    let mut physical = json!({ "artifactLocation": { "uri": uri(of) } });
    if let Some(row) = finding.rows.as_ref().and_then(|rows| rows.first.first()) {
        physical["region"] = json!({ "startLine": row });
    }
    let mut location = json!({ "physicalLocation": physical });
    if let Some(field) = &finding.field {
        location["logicalLocations"] = json!([{ "name": field, "kind": "member" }]);
    }
    Some(location)
}

/// A place as a relative reference: `ROOT:path` would be a scheme, so the root is the first folder.
fn uri(place: &str) -> String {
    let (root, path) = place.split_once(':').unwrap_or(("", place));
    let mut uri = String::new();
    for byte in format!("{root}/{path}").trim_start_matches('/').bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

fn notification(not: &NotChecked) -> Value {
    let of = not.dataset.as_ref().map_or(String::new(), |dataset| format!("{dataset}: "));
    json!({
        "level": "error",
        "message": { "text": format!("not checked: {of}{}", not.why) },
        "associatedRule": { "id": not.rule },
    })
}
