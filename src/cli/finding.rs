//! Spec findings for people: the line, the span, what is wrong, what to do.

use crate::error::Finding;
use crate::plain::{shown, shown_lines};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report, Severity};

/// Faults of spelling can lie on a secret that was put in the wrong place: their source line is not shown.
const UNSHOWN: [&str; 4] = ["toml-syntax", "unknown-key", "wrong-type", "unknown-value"];

/// Draws findings, with their source lines where these are known to be harmless; `color` for terminals.
pub fn draw(findings: &[Finding], color: bool) -> String {
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100).with_links(false);
    let mut out = String::new();
    for finding in findings {
        if finding.span.is_empty() || UNSHOWN.contains(&finding.code) {
            out.push_str(&plain(finding));
            continue;
        }
        let severity = if finding.hint { Severity::Advice } else { Severity::Error };
        let label = LabeledSpan::new_with_span(Some("here".into()), finding.span.clone());
        let diagnostic = MietteDiagnostic::new(shown(&finding.message))
            .with_code(finding.code)
            .with_severity(severity)
            .with_help(shown_lines(&finding.help))
            .with_labels(vec![label]);
        let text = of_equal_length(&std::fs::read_to_string(&finding.file).unwrap_or_default());
        let report = Report::new(diagnostic).with_source_code(NamedSource::new(shown(&finding.file), text));
        if handler.render_report(&mut out, report.as_ref()).is_err() {
            out.push_str(&plain(finding));
        }
    }
    out
}

/// `file:line:column code message`, and what to do.
fn plain(finding: &Finding) -> String {
    let Finding { file, line, column, code, message, help, .. } = finding;
    let (file, message, help) = (shown(file), shown(message), shown_lines(help));
    format!("{file}:{line}:{column} {code}: {message}\n  help: {help}\n")
}

/// A spec's text with what could forge a line taken out, and every byte where it was: spans count bytes.
fn of_equal_length(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        let (mut buffer, plain) = ([0; 4], matches!(letter, '\n' | '\t'));
        let written = letter.encode_utf8(&mut buffer);
        match plain || shown(written) == *written {
            true => out.push(letter),
            false => out.extend(std::iter::repeat_n('?', written.len())),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::of_equal_length;

    #[test]
    fn spans_stay_where_they_are() {
        assert_eq!(of_equal_length("a\u{202e}b\u{1b}\r\n\té"), "a???b??\n\té");
    }
}
