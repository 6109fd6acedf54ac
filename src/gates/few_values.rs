//! R21: a token of a column of few values is the value again.

use super::judges::Judges;
use super::observed::{FieldRead, Observed};
use super::veto::Veto;
use crate::error::Code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const ROWS: u64 = 1_000;
const FEW: std::ops::Range<u64> = 1..20;

/// Pseudonymized columns without identifier (R21).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FewValues {
    /// Fields looked at: pseudonymized, of a column without identifier.
    pub fields: u64,
    /// Rows read; fewer than 1,000 say nothing.
    pub rows: u64,
    /// In words, each field whose column has too few values to hide anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceeded: Vec<String>,
}

impl Judges for FewValues {
    const RULE: &'static str = "R21";

    fn observe(run: &Observed<'_>) -> Option<Self> {
        let rows = run.reading.records;
        let fields = || run.reading.fields.iter().filter(|field| field.distinct.is_some());
        let few = |field: &&FieldRead| rows >= ROWS && field.distinct.is_some_and(|distinct| FEW.contains(&distinct));
        let told = |field: &FieldRead| {
            let distinct = field.distinct.unwrap_or(0);
            format!("field {} pseudonymizes a column with only {distinct} distinct values", field.name)
        };
        let exceeded = fields().filter(few).map(told).collect();
        Some(FewValues { fields: fields().count() as u64, rows, exceeded }).filter(|gate| gate.fields > 0)
    }

    fn veto(&self) -> Option<Veto> {
        (!self.exceeded.is_empty()).then(|| {
            Veto::final_one(
                Code::TooFewValues,
                self.exceeded.join("; "),
                "a token of so few values hides nothing: publish it by map or bucket, or not at all",
            )
        })
    }

    fn words(&self) -> String {
        let fields = self.fields;
        format!("few values: {fields} pseudonymized fields of columns without identifier, none of 1 to 19 values")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::tests::reading;
    use crate::policy::MaxUntreated;

    #[test]
    fn r21_few_distinct_values_are_refused() {
        let refused = |distinct, rows| {
            let (limit, name) = (MaxUntreated::Default, "sex".to_owned());
            let field = FieldRead { name, values: rows, untreated: 0, first: None, limit, distinct, before: None };
            let read = |reading: &mut crate::gates::Reading| (reading.fields, reading.records) = (vec![field], rows);
            reading(read, |run| FewValues::observe(run)?.veto()).is_some()
        };
        assert!(refused(Some(1), 1_000));
        assert!(refused(Some(19), 5_000));
        assert!(!refused(Some(20), 5_000));
        assert!(!refused(Some(0), 5_000));
        assert!(!refused(Some(2), 999));
        assert!(!refused(None, 5_000));
    }
}
