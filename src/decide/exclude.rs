//! R22: the label of an exclude. `minimize` says which exclude matched first; jobs may give several one reason.
//! Must not know columns or values.

/// Labels of a job's excludes, each reason once, in the job's order; and for each exclude which label it has.
pub(super) fn labels<'a>(reasons: impl Iterator<Item = &'a str>) -> (Vec<String>, Vec<usize>) {
    let mut labels: Vec<String> = Vec::new();
    let mut numbers = Vec::new();
    for reason in reasons {
        let label = format!("excluded:{reason}");
        numbers.push(labels.iter().position(|l| *l == label).unwrap_or(labels.len()));
        if numbers.last() == Some(&labels.len()) {
            labels.push(label);
        }
    }
    (labels, numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r22_reasons_used_twice_are_one_label() {
        let (labels, numbers) = labels(["deleted", "test-account", "deleted"].into_iter());
        assert_eq!(labels, ["excluded:deleted", "excluded:test-account"]);
        assert_eq!(numbers, [0, 1, 0]);
    }
}
