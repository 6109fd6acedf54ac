//! R37: how much may go missing. Plain numbers in, what is wrong out. Must not know rows.

use crate::error::Code;
use crate::policy::{Limits, Share};

/// The numbers a run is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    pub rows_in: u64,
    pub rows_out: u64,
    /// Bad records dropped while reading.
    pub dropped: u64,
    /// Rows of the previous version; none for the first.
    pub previous: Option<u64>,
}

/// Everything that exceeds a limit, with its code and in words; empty when nothing does.
pub(super) fn exceeded(numbers: &Numbers, limits: &Limits) -> Vec<(Code, String)> {
    let Numbers { rows_in, rows_out, dropped, previous } = *numbers;
    let mut found = Vec::new();
    let (whole, of) = match previous {
        Some(rows) => (rows, "rows of the previous version"),
        None => (rows_in, "rows read"),
    };
    let removed = whole.saturating_sub(rows_out);
    if limits.max_removed.exceeded(removed, whole) {
        found.push((Code::Brake, over("max_removed", "would be dropped", removed, whole, of, limits.max_removed)));
    }
    if rows_out == 0 && !limits.allow_empty {
        found.push((Code::Brake, "no row would be left and allow_empty is not set".to_string()));
    }
    if limits.max_rejected.exceeded(dropped, rows_in) {
        let what = "were dropped as bad records";
        let message = over("max_rejected", what, dropped, rows_in, "rows read", limits.max_rejected);
        found.push((Code::TooManyRejected, message));
    }
    found
}

/// `max_removed: 412 of 1000 rows read would be dropped (41.2 %, limit 30 %)`.
pub(super) fn over(limit: &str, what: &str, part: u64, whole: u64, of: &str, share: Share) -> String {
    let percent = percent(part, whole);
    format!("{limit}: {part} of {whole} {of} {what} ({percent} %, limit {} %)", f64::from(share.0) / 10_000.0)
}

/// Share in percent with two digits, rounded up so that what exceeds a limit never reads as equal to it.
fn percent(part: u64, whole: u64) -> String {
    let hundredths = (u128::from(part) * 10_000).div_ceil(u128::from(whole.max(1)));
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rows_in: u64, rows_out: u64, dropped: u64, previous: Option<u64>) -> Vec<String> {
        let limits = Limits {
            max_removed: Share(300_000),
            max_rejected: Share(10_000),
            drop_bad_records: true,
            allow_empty: false,
        };
        let found = exceeded(&Numbers { rows_in, rows_out, dropped, previous }, &limits);
        found.iter().map(|(_, f)| f.split([':', ' ']).next().unwrap_or("").to_string()).collect()
    }

    #[test]
    fn r37_rows_out_are_held_against_the_previous_version() {
        assert_eq!(found(1000, 700, 0, Some(1000)), [""; 0]);
        assert_eq!(found(1000, 699, 0, Some(1000)), ["max_removed"]);
        assert_eq!(found(5000, 699, 0, Some(900)), [""; 0], "rows in do not matter then");
        assert_eq!(found(1000, 1000, 0, Some(10)), [""; 0]);
    }

    #[test]
    fn r37_the_first_version_is_held_against_rows_in() {
        assert_eq!(found(1000, 700, 0, None), [""; 0]);
        assert_eq!(found(1000, 699, 0, None), ["max_removed"]);
    }

    #[test]
    fn r37_nothing_out_and_dropped_records() {
        assert_eq!(found(0, 0, 0, None), ["no"]);
        assert_eq!(found(0, 0, 0, Some(0)), ["no"]);
        assert_eq!(found(1000, 990, 10, None), [""; 0]);
        assert_eq!(found(1000, 989, 11, None), ["max_rejected"]);
    }

    #[test]
    fn messages_carry_numbers_and_the_limit() {
        let message = over("max_removed", "would be dropped", 412, 1000, "rows read", Share(300_000));
        assert_eq!(message, "max_removed: 412 of 1000 rows read would be dropped (41.20 %, limit 30 %)");
        assert_eq!(percent(1, 3_000_000), "0.01");
    }
}
