//! `tamis sweep`: what went from which dataset, and what stopped. Must not know any stage.

use super::args::SweepArgs;
use super::lines::Lines;
use super::settings::Settings;
use super::verdict::{TerminalVerdict, coloured, counted};
use super::{answer, render};
use crate::error::Result;
use crate::sweep::{self, DatasetSwept, Removal, SweepReport};
use indicatif::BinaryBytes;

/// Sweeps every dataset; the report is printed also when something stopped.
///
/// # Errors
/// What stopped first.
pub(super) fn sweep(settings: &Settings, args: &SweepArgs, json: bool) -> Result<String> {
    let as_of = args.as_of.as_deref();
    let call = settings.call("", as_of, &args.work)?;
    settings.stop_on_signals(&call.stop)?;
    let report = sweep::sweep(&call, settings.monitor(json).as_ref())?;
    let text = if json { render::json(&report)? } else { text(&report, coloured(&std::io::stdout())) };
    answer::with_outcome(text, report.outcome())
}

fn text(report: &SweepReport, coloured: bool) -> String {
    let (verdict, said) = headline(report);
    let mut out = verdict.line(&said, coloured);
    for swept in &report.datasets {
        dataset(&mut out, swept);
    }
    let raw = &report.raw;
    let (bytes, looked) = (BinaryBytes(raw.bytes), !report.ledger_head.is_empty());
    if looked {
        let (removed, there, held) = (raw.removed, raw.remaining, raw.held);
        out.line(format_args!("raw exports  {removed} purged ({bytes}), {there} there, {held} of them held"));
    }
    if raw.unseen > 0 {
        out.line(format_args!("             {} more that cannot be read, nor purged", raw.unseen));
    }
    for aside in &report.aside {
        out.line(format_args!("{aside}"));
    }
    for stop in &report.stops {
        out.line(format_args!("STOPPED  {stop}"));
    }
    if looked {
        out.line(format_args!("ledger   {}", report.ledger_head));
    }
    out
}

/// Returns the verdict on a sweep, and its figures.
fn headline(report: &SweepReport) -> (TerminalVerdict, String) {
    let swept = report.datasets.iter().filter(|swept| swept.version.is_some());
    let (mut datasets, mut rows, mut objects, mut kept) = (0, 0, 0, report.raw.unseen > 0);
    for swept in swept {
        datasets += 1;
        rows += swept.rows_in - swept.rows_out;
        objects += swept.removal.objects.values().sum::<u64>();
        kept |= swept.removal.unseen > 0 || swept.removal.withheld;
    }
    let said = format!(
        "{} swept: {} dropped, {} purged",
        counted(datasets, "dataset"),
        counted(rows, "row"),
        counted(objects + report.raw.removed, "object")
    );
    match report.stops.len() as u64 {
        0 => (TerminalVerdict::attention(kept), said),
        stops => (TerminalVerdict::Stopped, format!("{said}; {}", counted(stops, "problem"))),
    }
}

fn dataset(out: &mut String, swept: &DatasetSwept) {
    let Some(version) = swept.version else {
        out.line(format_args!("{}  not published yet", swept.job));
        return;
    };
    let gone = swept.rows_in - swept.rows_out;
    out.line(format_args!("{}  version {version}  {}, {gone} dropped", swept.job, counted(swept.rows_out, "row")));
    for removed in &swept.removed {
        out.line(format_args!("  {:<12} {}", removed.reason, removed.rows));
    }
    if swept.nulled > 0 {
        out.line(format_args!(
            "  {:<12} {}, past the keep of their field or of another person",
            "nulled",
            counted(swept.nulled, "value")
        ));
    }
    if swept.rewritten > 0 || gone > 0 {
        let (read, written) = (BinaryBytes(swept.bytes_read), BinaryBytes(swept.bytes_written));
        out.line(format_args!(
            "  {} of {} files written anew: {read} read, {written} written",
            swept.rewritten, swept.files
        ));
    }
    removal(out, &swept.removal);
}

/// What went for good and what waits, as in JSON.
fn removal(out: &mut String, removal: &Removal) {
    if !removal.objects.is_empty() {
        let objects: Vec<String> = removal.objects.iter().map(|(what, count)| format!("{count} {what}")).collect();
        out.line(format_args!("  {:<12} {}, {}", "purged", objects.join(", "), BinaryBytes(removal.bytes)));
    }
    if removal.waiting > 0 {
        let next =
            removal.next.map_or(String::new(), |next| format!("; the next is purged from {} on", next.to_seconds()));
        out.line(format_args!("  {:<12} {}{next}", "waiting", counted(removal.waiting, "file")));
    }
    if removal.held > 0 {
        out.line(format_args!("  {:<12} {}", "held", held(removal)));
    }
    if removal.protected > 0 {
        out.line(format_args!("  {:<12} {} versions, by the store", "protected", removal.protected));
    }
    if removal.unseen > 0 {
        out.line(format_args!(
            "  {:<12} {} files, and nobody can say which persons are in them",
            "unseen", removal.unseen
        ));
    }
    if removal.withheld {
        out.line(format_args!(
            "  {:<12} nothing is purged while a list of holds or restrictions cannot be read",
            "withheld"
        ));
    }
    if let Some(left) = removal.corrections {
        out.line(format_args!("  {:<12} no further request becomes `removed`: {}", "withheld", left.said()));
    }
    if let Some(watermark) = removal.watermark {
        out.line(format_args!(
            "  {:<12} requests applied up to {}, as far as tamis can verify",
            "removed",
            watermark.to_seconds()
        ));
    }
}

/// How many files are held, and by what.
fn held(removal: &Removal) -> String {
    let by = |word: &str| removal.held_by.get(word).copied().unwrap_or_default();
    let (holds, restrictions) = (by("hold"), by("restriction"));
    let parts = [
        (holds, "by a legal hold (R34)"),
        (restrictions, "by a restriction that keeps bytes (R69)"),
        (
            removal.held - holds - restrictions,
            "because nobody can tell whom they have while a hold or restriction is in force",
        ),
    ];
    let said: Vec<String> =
        parts.iter().filter(|(files, _)| *files > 0).map(|(files, why)| format!("{files} files, {why}")).collect();
    said.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::RawExports;

    #[test]
    fn the_text_says_what_went_for_good_what_waits_and_what_is_held() {
        let removal = Removal {
            objects: [("files".to_string(), 3), ("companions".to_string(), 2)].into(),
            bytes: 2048,
            waiting: 4,
            held: 5,
            held_by: [("hold".to_string(), 1), ("restriction".to_string(), 3)].into(),
            protected: 6,
            withheld: true,
            ..Removal::default()
        };
        let swept = DatasetSwept { version: Some(1), removal, ..DatasetSwept::default() };
        let mut raw = RawExports::default();
        (raw.remaining, raw.removed, raw.bytes, raw.held, raw.unseen) = (7, 8, 1024, 9, 2);
        let mut report = SweepReport::default();
        report.ledger_head.push_str("7:ab");
        report.datasets.push(swept);
        report.raw.clone_from(&raw);
        let said = text(&report, false);
        for part in [
            "2 companions, 3 files, 2.00 KiB",
            "4 files",
            "1 files, by a legal hold (R34); 3 files, by a restriction that keeps bytes (R69); 1 files, because nobody",
            "6 versions",
            "withheld",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(said.contains("8 purged (1.00 KiB), 7 there, 9 of them held"), "{said}");
        let mut nothing = SweepReport::default();
        nothing.stops.push("held".into());
        let said = text(&nothing, false);
        let expected = "STOPPED  0 datasets swept: 0 rows dropped, 0 objects purged; 1 problem\nSTOPPED  held\n";
        assert_eq!(said, expected, "nothing is said of what was not looked at");
    }
}
