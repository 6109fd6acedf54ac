//! What is still to be done in specs that `tamis init` wrote, as steps; and findings of one kind in one piece, so that the
//! ones that matter are seen.

use super::finding;
use super::lines::Lines;
use crate::error::Finding;
use crate::init::{Edit, open_edits};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Findings of one kind and file that are drawn one by one; more are told together.
const DRAWN: usize = 3;

/// Returns the findings of a check, steps of `tamis init` that are not done before them.
pub(super) fn told(dir: &Path, findings: &[Finding], coloured: bool) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let steps = open(dir);
    let mut out = String::new();
    if !steps.is_empty() {
        out.line(format_args!("still to be edited, in this order:"));
        for step in &steps {
            out.line(format_args!("  {:>2}  {}:{}  {}", step.number, step.file, step.line, step.what));
        }
        out.push('\n');
    }
    let at: BTreeSet<(&str, usize)> = steps.iter().map(|step| (step.file.as_str(), step.line)).collect();
    let others = findings.iter().filter(|finding| !at.contains(&(finding.file.as_str(), finding.line)));
    out + &grouped(&others.cloned().collect::<Vec<_>>(), coloured)
}

/// Draws findings; many of one kind in one file together, by their lines.
pub(super) fn grouped(findings: &[Finding], coloured: bool) -> String {
    let mut kinds: BTreeMap<(&str, &str, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        kinds.entry((&finding.file, finding.code, &finding.message)).or_default().push(finding);
    }
    let many = |finding: &Finding| {
        let kind = (finding.file.as_str(), finding.code, finding.message.as_str());
        kinds.get(&kind).map_or(0, Vec::len)
    };
    let few: Vec<Finding> = findings.iter().filter(|finding| many(finding) <= DRAWN).cloned().collect();
    let mut out = finding::draw(&few, coloured);
    for ((file, code, message), all) in kinds.iter().filter(|(_, all)| all.len() > DRAWN) {
        let lines: Vec<String> = all.iter().map(|finding| finding.line.to_string()).collect();
        out.line(format_args!("{file}: {code}, {} times: {message}", all.len()));
        out.line(format_args!("  lines {}", lines.join(", ")));
        if let Some(first) = all.first() {
            out.line(format_args!("  help: {}", first.help));
        }
    }
    out
}

/// The steps that are open in the files of a folder, by their numbers.
fn open(dir: &Path) -> Vec<Edit> {
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in [dir.to_path_buf(), dir.join("sources")] {
        files.extend(std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()));
    }
    let spec = |path: &&PathBuf| path.extension().is_some_and(|end| end == "toml") && path.is_file();
    let read =
        |path: &PathBuf| open_edits(&path.display().to_string(), &std::fs::read_to_string(path).unwrap_or_default());
    let mut steps: Vec<Edit> = files.iter().filter(spec).flat_map(read).collect();
    steps.sort_by(|a, b| (a.number, &a.file, a.line).cmp(&(b.number, &b.file, b.line)));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(line: usize, code: &'static str) -> Finding {
        let (file, message, help) = ("a.toml".into(), "not so".into(), "do it".into());
        Finding { code, file, span: 0..0, line, column: 1, message, help, hint: false }
    }

    #[test]
    fn many_findings_of_one_kind_are_told_in_one_piece() {
        let mut findings: Vec<Finding> = (1..=5).map(|line| finding(line, "purpose-not-listed")).collect();
        findings.push(finding(9, "duration"));
        let text = grouped(&findings, false);
        assert!(text.contains("a.toml:9:1 duration: not so"), "{text}");
        assert!(text.contains("purpose-not-listed, 5 times: not so\n  lines 1, 2, 3, 4, 5\n  help: do it"), "{text}");
        assert_eq!(text.matches("not so").count(), 2, "{text}");
    }

    #[test]
    fn steps_come_first_and_hide_the_findings_of_their_lines() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("policy.toml");
        std::fs::write(&file, "spec = 1\ncontroller = \"\"  # EDIT 1: who\n").expect("written");
        let mut of_step = finding(2, "empty-text");
        of_step.file = file.display().to_string();
        let text = told(dir.path(), &[of_step, finding(3, "duration")], false);
        assert!(text.starts_with("still to be edited"), "{text}");
        assert!(
            text.contains("policy.toml:2  who") && text.contains("duration") && !text.contains("empty-text"),
            "{text}"
        );
    }
}
