//! Findings while they are collected, and the file each points into.

use crate::error::Finding;
use std::cell::RefCell;
use std::ops::Range;

/// A spec file as read.
pub(super) struct SpecFile {
    /// As the user would type it.
    pub path: String,
    /// The whole text; empty when the file could not be read.
    pub text: String,
}

/// All findings so far.
#[derive(Default)]
pub(super) struct Findings(RefCell<Vec<Finding>>);

impl Findings {
    /// By file, then position, each once.
    pub fn sorted(self) -> Vec<Finding> {
        let mut all = self.0.into_inner();
        all.sort_by(|a, b| {
            (&a.file, a.span.start, a.code, &a.message).cmp(&(&b.file, b.span.start, b.code, &b.message))
        });
        all.dedup();
        all
    }

    /// Whether anything but hints was found.
    pub fn any_fault(&self) -> bool {
        self.0.borrow().iter().any(|f| !f.hint)
    }
}

/// One file and where its findings go.
#[derive(Clone, Copy)]
pub(super) struct Page<'a> {
    pub file: &'a SpecFile,
    pub findings: &'a Findings,
}

impl Page<'_> {
    /// Something wrong at a byte range.
    pub fn fault(&self, span: Range<usize>, code: &'static str, message: impl Into<String>, help: impl Into<String>) {
        self.note(span, code, message.into(), help.into(), false);
    }

    /// Something worth a thought; does not stop a run.
    pub fn hint(&self, span: Range<usize>, code: &'static str, message: impl Into<String>, help: impl Into<String>) {
        self.note(span, code, message.into(), help.into(), true);
    }

    fn note(&self, span: Range<usize>, code: &'static str, message: String, help: String, hint: bool) {
        let (line, column) = position(&self.file.text, span.start);
        let file = self.file.path.clone();
        self.findings.0.borrow_mut().push(Finding { code, file, span, line, column, message, help, hint });
    }
}

/// Line and column of a byte offset, both from 1, the column in characters.
pub(super) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        assert_eq!(position("", 0), (1, 1));
        assert_eq!(position("a\nüb = 1", 5), (2, 3));
        assert_eq!(position("a\n", 2), (2, 1));
    }
}
