//! Shares in words.

use crate::policy::Share;

/// `max_removed: 412 of 1000 rows read would be dropped (41.20 %, limit 30 %)`.
pub(super) fn over(limit: &str, what: &str, part: u64, whole: u64, of: &str, share: Share) -> String {
    let percent = percent(part, whole);
    format!("{limit}: {part} of {whole} {of} {what} ({percent} %, limit {} %)", f64::from(share.0) / 10_000.0)
}

/// Returns a share in percent with two digits, rounded up so that what exceeds a limit never reads as equal to it.
fn percent(part: u64, whole: u64) -> String {
    let hundredths = (u128::from(part) * 10_000).div_ceil(u128::from(whole.max(1)));
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_carry_numbers_and_the_limit() {
        let message = over("max_removed", "would be dropped", 412, 1000, "rows read", Share(300_000));
        assert_eq!(message, "max_removed: 412 of 1000 rows read would be dropped (41.20 %, limit 30 %)");
        assert_eq!(percent(1, 3_000_000), "0.01");
    }
}
