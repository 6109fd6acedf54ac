//! R37: the brake, which share of the previous version's rows, or of the rows read, may go in one run.

use super::judges::Judges;
use super::observed::Observed;
use super::share_told::over;
use super::veto::Veto;
use crate::error::Code;
use crate::policy::Share;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Refuses a version that loses more rows than the job allows (R37).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MaxRemoved {
    /// Rows it compares with: of the version before, of a first version rows in.
    pub of: u64,
    /// Rows less than that.
    pub removed: u64,
    /// Share allowed, as written.
    pub max_removed: Share,
    /// Whether it compares with the version before.
    pub with_previous: bool,
}

impl Judges for MaxRemoved {
    const RULE: &'static str = "R37";
    const OF_ROWS_READ: bool = false;

    fn observe(run: &Observed<'_>) -> Option<Self> {
        let of = run.previous.unwrap_or(run.rows_in);
        let (removed, with_previous) = (of.saturating_sub(run.rows_out), run.previous.is_some());
        Some(MaxRemoved { of, removed, max_removed: run.limits.max_removed, with_previous })
    }

    fn veto(&self) -> Option<Veto> {
        let MaxRemoved { of, removed, max_removed, with_previous } = *self;
        let whole = if with_previous { "rows of the previous version" } else { "rows read" };
        max_removed.exceeded(removed, of).then(|| {
            Veto::acceptable(Code::Brake, over("max_removed", "would be dropped", removed, of, whole, max_removed))
        })
    }

    fn words(&self) -> String {
        let share = if self.of == 0 { 0.0 } else { self.removed as f64 * 100.0 / self.of as f64 };
        format!("brake: dropped {share:.1} % ({} of {} rows), limit {}", self.removed, self.of, self.max_removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::tests::numbers;

    fn trips(rows_in: u64, rows_out: u64, previous: Option<u64>) -> bool {
        numbers(rows_in, rows_out, 0, previous, |run| MaxRemoved::observe(run)?.veto()).is_some()
    }

    #[test]
    fn r37_rows_out_are_held_against_the_previous_version() {
        assert!(!trips(1000, 700, Some(1000)));
        assert!(trips(1000, 699, Some(1000)));
        assert!(!trips(5000, 699, Some(900)), "rows in do not matter then");
        assert!(!trips(1000, 1000, Some(10)));
    }

    #[test]
    fn r37_the_first_version_is_held_against_rows_in() {
        assert!(!trips(1000, 700, None));
        assert!(trips(1000, 699, None));
    }
}
