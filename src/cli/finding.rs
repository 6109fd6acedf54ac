//! Spec findings for people: the line, the span, what is wrong, what to do.

use crate::error::Finding;
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report, Severity};

/// Draws findings with their source lines; `color` for terminals.
pub fn draw(findings: &[Finding], color: bool) -> String {
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100).with_links(false);
    let mut out = String::new();
    for finding in findings {
        let severity = if finding.hint { Severity::Advice } else { Severity::Error };
        let label = LabeledSpan::new_with_span(Some("here".into()), finding.span.clone());
        let diagnostic = MietteDiagnostic::new(&finding.message)
            .with_code(finding.code)
            .with_severity(severity)
            .with_help(&finding.help)
            .with_labels(if finding.span.is_empty() { vec![] } else { vec![label] });
        let text = std::fs::read_to_string(&finding.file).unwrap_or_default();
        let report = Report::new(diagnostic).with_source_code(NamedSource::new(&finding.file, text));
        if handler.render_report(&mut out, report.as_ref()).is_err() {
            out.push_str(&plain(finding));
        }
        if finding.span.is_empty() {
            out.push_str(&format!("  in {}\n", finding.file));
        }
    }
    out
}

/// One line: `file:line:column code message`.
pub fn plain(finding: &Finding) -> String {
    let Finding { file, line, column, code, message, .. } = finding;
    format!("{file}:{line}:{column} {code} {message}\n")
}
