//! R71: a recipient is looked at again by a day that the policy names; after it nothing more is published for it.

use super::judges::Judges;
use super::observed::{Observed, ReviewRead};
use super::veto::Veto;
use crate::error::Code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether the recipient's review is still to come (R71).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecipientReview {
    /// Name of the recipient.
    pub recipient: String,
    /// The last day on which it may be published for without a new review.
    pub review_by: String,
    /// Whether that day has passed.
    pub past: bool,
}

impl Judges for RecipientReview {
    const RULE: &'static str = "R71";
    const OF_ROWS_READ: bool = false;

    fn observe(run: &Observed<'_>) -> Option<Self> {
        let ReviewRead { recipient, review_by, past } = run.reading.review.clone()?;
        Some(RecipientReview { recipient, review_by, past })
    }

    fn veto(&self) -> Option<Veto> {
        self.past.then(|| Veto {
            code: Code::ReviewPast,
            message: format!("recipient {}: its review was due by {}", self.recipient, self.review_by),
            help: "look at its contract, country and transfer and write the day of the next review into review_by; requests \
                   and retention are applied to what is published all the same"
                .into(),
            acceptable: true,
        })
    }

    fn words(&self) -> String {
        let past = if self.past { ", which has passed" } else { "" };
        format!("review: recipient {} by {}{past}", self.recipient, self.review_by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::tests::reading;

    #[test]
    fn r71_a_review_that_is_past_stops_the_run_until_somebody_accepts_it() {
        let gate = |review| {
            reading(|reading| reading.review = review, |run| RecipientReview::observe(run).map(|gate| gate.veto()))
        };
        let review = |past| Some(ReviewRead { recipient: "agency".into(), review_by: "2026-12-01".into(), past });
        assert_eq!(gate(None), None);
        assert_eq!(gate(review(false)), Some(None));
        let veto = gate(review(true)).flatten().expect("refused");
        assert!(veto.acceptable && veto.code == Code::ReviewPast && veto.message.contains("agency"));
    }
}
