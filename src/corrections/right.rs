//! What is right in place of the values of single records, for answers that people get (R80). Must not know plans.

use super::correction::{Correction, CorrectionDecision};
use crate::cell::text::tidy;
use std::collections::{BTreeMap, HashMap};

/// Corrections of the records of one source.
#[derive(Default)]
pub struct RightValues {
    /// By the first half of the record's identity and the column, those received later at the end.
    of: HashMap<[u8; 16], BTreeMap<String, Vec<Correction>>>,
}

impl RightValues {
    /// Gathers what was asked for; what is refused changes nothing.
    pub fn of(mut corrections: Vec<Correction>) -> RightValues {
        corrections.retain(|of| !matches!(of.decision, CorrectionDecision::Refused(_)));
        corrections.sort_by_cached_key(|of| (of.received, of.case.clone(), of.id));
        let mut right = RightValues::default();
        for correction in corrections {
            let half = *correction.record.first_chunk().unwrap_or(&[0; 16]);
            right.of.entry(half).or_default().entry(correction.column.clone()).or_default().push(correction);
        }
        right
    }

    /// Lays what is right over the values of a record: none where nobody knows it.
    pub fn lay(&self, record: &[u8; 16], values: &mut BTreeMap<String, Option<String>>) {
        for (column, corrections) in self.of.get(record).into_iter().flatten() {
            let (Some(value), Some(last)) = (values.get_mut(column), corrections.last()) else { continue };
            let cell = tidy(value.as_deref().unwrap_or_default()).into_owned();
            let wrong = corrections.iter().flat_map(|of| [&of.was, &of.value]);
            *value = match tidy(&last.value) {
                _ if last.decision == CorrectionDecision::Contested => None,
                right if right == cell || wrong.into_iter().any(|wrong| tidy(wrong) == cell) => {
                    Some(right.into_owned()).filter(|right| !right.is_empty())
                }
                _ => None,
            };
        }
    }
}
