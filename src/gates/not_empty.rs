//! R37: a version without any row is published only where the job allows it.

use super::judges::Judges;
use super::observed::Observed;
use super::veto::Veto;
use crate::error::Code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rows left to publish (R37).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotEmpty {
    /// Rows that are left to be published.
    pub rows: u64,
    /// Whether there may be none.
    pub allow_empty: bool,
}

impl Judges for NotEmpty {
    const RULE: &'static str = "R37";

    fn observe(run: &Observed<'_>) -> Option<Self> {
        Some(NotEmpty { rows: run.rows_out, allow_empty: run.limits.allow_empty })
    }

    fn veto(&self) -> Option<Veto> {
        let empty = self.rows == 0 && !self.allow_empty;
        empty.then(|| Veto::acceptable(Code::Brake, "no row would be left and allow_empty is not set".into()))
    }

    fn words(&self) -> String {
        format!("allow_empty: {} rows are left", self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::tests::numbers;

    #[test]
    fn r37_an_empty_table_is_refused_also_where_nothing_was_before() {
        let refused = |rows, before| numbers(rows, rows, 0, before, |run| NotEmpty::observe(run)?.veto()).is_some();
        assert!(refused(0, None) && refused(0, Some(0)));
        assert!(!refused(1, None));
    }
}
