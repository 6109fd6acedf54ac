//! Which of two treatments of one column says less of a person. What cannot be put in order counts as saying more.

use crate::treatments::Treat;

/// Returns whether `after` says nothing that `before` did not say, and less; none when they are the same. Both are words
/// of treatments, as evidence has them.
pub(super) fn coarser(before: &str, after: &str) -> Option<bool> {
    if before == after {
        return None;
    }
    let (Some(was), Some(is)) = (Treat::told(before), Treat::told(after)) else { return Some(false) };
    Some(match (was, is) {
        (_, Treat::Constant) => true,
        (Treat::Constant, _) => false,
        (_, Treat::Present) => true,
        (Treat::Present, _) | (_, Treat::AsIs) => false,
        (Treat::AsIs, _) => true,
        (Treat::Prefix, Treat::Prefix) => number(before) > number(after),
        (Treat::Mask, Treat::Mask) => keeps(before) > keeps(after),
        (Treat::Round, Treat::Round) => number(before).zip(number(after)).is_some_and(|(was, is)| is % was.max(1) == 0),
        (Treat::Bucket, Treat::Bucket) | (Treat::AgeBand, Treat::AgeBand) => {
            let (was, is) = (edges(before), edges(after));
            is.iter().all(|edge| was.contains(edge))
        }
        // A week may lie in two months, and in two years: only days are finer.
        (Treat::Day, Treat::Week) => true,
        (was, is) => days(was).zip(days(is)).is_some_and(|(was, is)| is > was),
    })
}

/// Days in what a treatment of dates leaves.
fn days(treat: Treat) -> Option<u32> {
    match treat {
        Treat::Day => Some(1),
        Treat::Month => Some(30),
        Treat::Quarter => Some(91),
        Treat::Year => Some(365),
        _ => None,
    }
}

fn number(words: &str) -> Option<u64> {
    words.rsplit(' ').next()?.parse().ok()
}

/// How many characters a mask leaves.
fn keeps(words: &str) -> Option<u64> {
    words.strip_prefix("mask all but ")?.split(' ').next()?.parse().ok()
}

fn edges(words: &str) -> Vec<&str> {
    let list = words.split_once('[').map_or("", |(_, list)| list.trim_end_matches(']'));
    list.split(", ").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r76_what_says_less_is_coarser_and_what_has_no_order_is_not() {
        for (before, after) in [
            ("as-is", "pseudonymize"),
            ("as-is", "prefix 2"),
            ("prefix 3", "prefix 2"),
            ("mask all but 4 with *", "mask all but 2 with *"),
            ("round to 10", "round to 100"),
            ("age-band [18, 30, 45]", "age-band [18, 45]"),
            ("day", "month"),
            ("month", "quarter"),
            ("quarter", "year"),
            ("year", "present"),
            ("present", "constant"),
        ] {
            assert_eq!(coarser(before, after), Some(true), "{before} to {after}");
            assert_eq!(coarser(after, before), Some(false), "{after} to {before}");
        }
        for (before, after) in [
            ("round to 10", "round to 25"),
            ("age-band [18, 30]", "age-band [20]"),
            ("bucket [10]", "round to 100"),
            ("week", "month"),
            ("week", "year"),
            ("pseudonymize", "prefix 2"),
            ("as-is", "something new"),
        ] {
            assert_eq!(coarser(before, after), Some(false), "{before} to {after}");
        }
        assert_eq!(coarser("prefix 2", "prefix 2"), None);
    }
}
