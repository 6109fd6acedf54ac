//! R37: which share of the records may be dropped as bad.

use super::judges::Judges;
use super::observed::Observed;
use super::share_told::over;
use super::veto::Veto;
use crate::error::Code;
use crate::policy::Share;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bad records dropped while reading (R37).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MaxRejected {
    /// Rows read, dropped ones included.
    pub of: u64,
    /// Records that were left out because they cannot be read.
    pub dropped: u64,
    /// Share allowed, as written.
    pub max_rejected: Share,
}

impl Judges for MaxRejected {
    const RULE: &'static str = "R37";

    fn observe(run: &Observed<'_>) -> Option<Self> {
        Some(MaxRejected { of: run.rows_in, dropped: run.reading.dropped, max_rejected: run.limits.max_rejected })
    }

    fn veto(&self) -> Option<Veto> {
        let MaxRejected { of, dropped, max_rejected } = *self;
        let what = "were dropped as bad records";
        max_rejected.exceeded(dropped, of).then(|| {
            Veto::acceptable(Code::TooManyRejected, over("max_rejected", what, dropped, of, "rows read", max_rejected))
        })
    }

    fn words(&self) -> String {
        format!("max_rejected: {} of {} records dropped (at most {})", self.dropped, self.of, self.max_rejected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::tests::numbers;

    #[test]
    fn r37_dropped_records_are_held_against_rows_in() {
        let refused = |dropped| {
            numbers(1000, 1000 - dropped, dropped, None, |run| MaxRejected::observe(run)?.veto()).map(|v| v.message)
        };
        assert_eq!(refused(10), None);
        assert!(refused(11).expect("refused").starts_with("max_rejected: 11 of 1000 rows read"));
    }
}
