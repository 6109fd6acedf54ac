//! R33: rows in are rows out plus the sum of reasons. A run of which that is not true has lost or doubled rows.

use super::judges::Judges;
use super::observed::Observed;
use super::veto::Veto;
use crate::error::Code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The balance of a run (R33).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Balance {
    /// Rows read, dropped bad records included.
    pub rows_in: u64,
    /// Rows that are in the version to be published.
    pub rows_out: u64,
    /// Rows removed, for all reasons.
    pub removed: u64,
}

impl Judges for Balance {
    const RULE: &'static str = "R33";

    fn observe(run: &Observed<'_>) -> Option<Self> {
        Some(Balance { rows_in: run.rows_in, rows_out: run.rows_out, removed: run.removed })
    }

    fn veto(&self) -> Option<Veto> {
        (self.rows_out.checked_add(self.removed) != Some(self.rows_in)).then(|| {
            Veto::final_one(
                Code::RowsDoNotAddUp,
                "rows in are not rows out plus the sum of reasons".into(),
                "nothing was published; report this as a fault",
            )
        })
    }

    fn words(&self) -> String {
        format!("balance: {} rows in = {} out + {} removed", self.rows_in, self.rows_out, self.removed)
    }
}
