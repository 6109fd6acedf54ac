//! R37: which share of the rows left may be suppressed because their groups are too small or too alike.

use super::judges::Judges;
use super::observed::Observed;
use super::share_told::over;
use super::veto::Veto;
use crate::error::Code;
use crate::policy::Share;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rows suppressed by gates over groups (R37).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MaxSuppressed {
    /// Rows left before any was suppressed.
    pub of: u64,
    /// Rows left out because their group is too small.
    pub suppressed: u64,
    /// Share allowed, as written.
    pub max_suppressed: Share,
}

impl Judges for MaxSuppressed {
    const RULE: &'static str = "R37";

    fn observe(run: &Observed<'_>) -> Option<Self> {
        let (suppressed, max_suppressed) = run.suppressed?;
        Some(MaxSuppressed { of: run.rows_out + suppressed, suppressed, max_suppressed })
    }

    fn veto(&self) -> Option<Veto> {
        let MaxSuppressed { of, suppressed, max_suppressed } = *self;
        max_suppressed.exceeded(suppressed, of).then(|| {
            let what = "would be suppressed";
            Veto::acceptable(
                Code::TooManySuppressed,
                over("max_suppressed", what, suppressed, of, "rows left", max_suppressed),
            )
        })
    }

    fn words(&self) -> String {
        format!("max_suppressed: {} of {} rows (at most {})", self.suppressed, self.of, self.max_suppressed)
    }
}
