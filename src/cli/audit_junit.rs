//! An audit as JUnit XML, which build servers read: a test suite for each dataset, a test case for each check.

use super::audit_place::place;
use super::lines::Lines;
use super::page::escaped;
use crate::audit::{AuditReport, CheckDone, CheckOutcome, Severity};
use std::collections::BTreeMap;

/// Name of the suite of what is checked of no dataset.
const INSTALLATION: &str = "installation";

/// Returns the document. What was not checked is an error there, and no skipped test: those pass.
pub(super) fn junit(report: &AuditReport) -> String {
    let mut suites: BTreeMap<&str, Vec<&CheckDone>> = BTreeMap::new();
    for done in &report.checks {
        suites.entry(done.dataset.as_deref().unwrap_or(INSTALLATION)).or_default().push(done);
    }
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    text.line(format_args!("<testsuites name=\"tamis audit\">"));
    for (name, checks) in suites {
        let cases: Vec<JunitCase> = checks.iter().map(|done| JunitCase::of(report, done)).collect();
        let (failures, errors) =
            (count(&cases, |case| !case.failures.is_empty()), count(&cases, |case| !case.errors.is_empty()));
        text.line(format_args!(
            "<testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" timestamp=\"{}\">",
            escaped(name),
            cases.len(),
            report.at.to_seconds()
        ));
        cases.iter().for_each(|case| case.write(name, &mut text));
        text.push_str("</testsuite>\n");
    }
    text + "</testsuites>\n"
}

fn count(cases: &[JunitCase], wanted: impl Fn(&JunitCase) -> bool) -> usize {
    cases.iter().filter(|case| wanted(case)).count()
}

/// One check of one dataset.
struct JunitCase {
    rule: &'static str,
    /// What does not hold.
    failures: Vec<String>,
    /// What could not be checked.
    errors: Vec<String>,
    /// What somebody should look at.
    warnings: Vec<String>,
}

impl JunitCase {
    fn of(report: &AuditReport, done: &CheckDone) -> JunitCase {
        let own = report.findings.iter().filter(|finding| finding.rule == done.rule && finding.dataset == done.dataset);
        let (mut failures, mut warnings) = (Vec::new(), Vec::new());
        for finding in own.filter(|_| done.outcome == CheckOutcome::Found) {
            let parts = [format!("{} ({})", finding.what, finding.article), place(finding), finding.fix.to_owned()];
            let said = parts.iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("; ");
            match finding.severity {
                Severity::Error => failures.push(said),
                Severity::Warning => warnings.push(said),
            }
        }
        let not = report.not_checked.iter().filter(|not| not.rule == done.rule && not.dataset == done.dataset);
        let errors = not.map(|not| format!("not checked: {}", not.why)).collect();
        JunitCase { rule: done.rule, failures, errors, warnings }
    }

    fn write(&self, suite: &str, text: &mut String) {
        text.line(format_args!("<testcase classname=\"{}\" name=\"{}\">", escaped(suite), escaped(self.rule)));
        for (tag, said) in [("failure", &self.failures), ("error", &self.errors)] {
            if let Some(first) = said.first() {
                text.line(format_args!("<{tag} message=\"{}\">", escaped(first)));
                said.iter().for_each(|line| text.line(format_args!("{}", escaped(line))));
                text.line(format_args!("</{tag}>"));
            }
        }
        if !self.warnings.is_empty() {
            text.push_str("<system-out>\n");
            self.warnings.iter().for_each(|line| text.line(format_args!("{}", escaped(line))));
            text.push_str("</system-out>\n");
        }
        text.push_str("</testcase>\n");
    }
}
