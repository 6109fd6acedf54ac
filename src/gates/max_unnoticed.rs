//! R85: which share of the rows may be without a notice that covers them.

use super::judges::Judges;
use super::observed::Observed;
use super::share_told::over;
use super::veto::Veto;
use crate::error::Code;
use crate::policy::Share;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rows of persons who were not told of what the job does with their data (R85).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MaxUnnoticed {
    /// Rows read.
    pub of: u64,
    /// Rows that no notice covers: they are left out.
    pub left_out: u64,
    /// Rows of which the notice does not name the category of some field: its value is null.
    pub nulled: u64,
    /// Share allowed of both together, as written.
    pub max_unnoticed: Share,
}

impl Judges for MaxUnnoticed {
    const RULE: &'static str = "R85";

    fn observe(run: &Observed<'_>) -> Option<Self> {
        let read = run.reading.notices.as_ref()?;
        Some(MaxUnnoticed { of: run.rows_in, left_out: read.left_out, nulled: read.nulled, max_unnoticed: read.limit })
    }

    fn veto(&self) -> Option<Veto> {
        let MaxUnnoticed { of, left_out, nulled, max_unnoticed } = *self;
        let (rows, what) = (left_out + nulled, "are not covered by the notice that was in force");
        max_unnoticed.exceeded(rows, of).then(|| {
            Veto::acceptable(Code::TooManyUnnoticed, over("max_unnoticed", what, rows, of, "rows read", max_unnoticed))
        })
    }

    fn words(&self) -> String {
        let MaxUnnoticed { of, left_out, nulled, max_unnoticed } = self;
        format!(
            "max_unnoticed: of {of} rows {left_out} without a notice, {nulled} with a notice that lacks a category (at most \
             {max_unnoticed})"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::NoticesRead;
    use crate::gates::tests::reading;

    #[test]
    fn r85_rows_left_out_and_rows_with_nulls_count_together() {
        let refused = |left_out, nulled| {
            let read = NoticesRead { left_out, nulled, limit: Share(20_000) };
            let veto = reading(|of| of.notices = Some(read), |run| MaxUnnoticed::observe(run)?.veto());
            veto.map(|veto| veto.message)
        };
        assert_eq!(refused(0, 0), None);
        assert!(refused(1000, 1).is_some());
    }
}
