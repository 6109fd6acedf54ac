//! R37: how many values of a column of identifiers may have no normal form, where its source limits them.

use super::judges::Judges;
use super::observed::{ColumnRead, Observed};
use super::share_told::over;
use super::veto::Veto;
use crate::error::Code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Values hashed in their raw form, of columns with a `max_raw` (R37).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MaxRawForms {
    /// Columns that have a limit.
    pub columns: u64,
    /// Values without a normal form, of all of them.
    pub raw: u64,
    /// In words, each column that exceeds its limit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceeded: Vec<String>,
}

impl Judges for MaxRawForms {
    const RULE: &'static str = "R37";

    fn observe(run: &Observed<'_>) -> Option<Self> {
        let columns = &run.reading.columns;
        let exceeded = columns.iter().filter(|column| column.limit.exceeded(column.raw, column.values));
        let exceeded = exceeded.map(told).collect();
        let raw = columns.iter().map(|column| column.raw).sum();
        (!columns.is_empty()).then_some(MaxRawForms { columns: columns.len() as u64, raw, exceeded })
    }

    fn veto(&self) -> Option<Veto> {
        (!self.exceeded.is_empty()).then(|| {
            Veto::final_one(
                Code::TooManyRaw,
                self.exceeded.join("; "),
                "no request can reach these rows but by the same spelling: have the column exported as it is, \
                 or raise its max_raw in the source",
            )
        })
    }

    fn words(&self) -> String {
        format!("max_raw: {} values of {} columns have no normal form", self.raw, self.columns)
    }
}

fn told(column: &ColumnRead) -> String {
    let what = format!("of column {} have no normal form ({})", column.column, column.why);
    let text = over("max_raw", &what, column.raw, column.values, "values", column.limit);
    column.first.as_ref().map_or(text.clone(), |first| format!("{text}; the first is {first}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::tests::reading;
    use crate::policy::Share;

    #[test]
    fn r37_raw_values_beyond_their_limit_are_refused_with_their_numbers() {
        let column = |raw, values| ColumnRead {
            column: "contact.Email".into(),
            values,
            raw,
            why: "no @".into(),
            first: Some("raw:x.csv, record 7".into()),
            limit: Share(10_000),
        };
        let veto = |columns: Vec<ColumnRead>| {
            reading(|reading| reading.columns = columns, |run| MaxRawForms::observe(run)?.veto())
        };
        assert_eq!(veto(vec![column(1, 100), column(0, 0)]), None);
        assert_eq!(
            veto(vec![column(2, 100)]).expect("refused").message,
            "max_raw: 2 of 100 values of column contact.Email have no normal form (no @) (2.00 %, limit 1 %); the first is raw:x.csv, record 7"
        );
    }
}
