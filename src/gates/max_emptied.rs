//! R37: how much of what a field had in the run before a run may lose. A column that is empty all at once is more often
//! renamed or cut than true.

use super::judges::Judges;
use super::observed::{FieldRead, Observed};
use super::share_told::over;
use super::veto::Veto;
use crate::error::Code;
use crate::policy::Share;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Fields that had fewer values in the run before are not judged.
const FEW: u64 = 100;

/// Fill rates of fields against those of the run before (R37).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MaxEmptied {
    /// Fields that can be compared.
    pub fields: u64,
    /// Share of the filled cells that a field may lose, as written.
    pub max_emptied: Share,
    /// In words, each field that lost more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceeded: Vec<String>,
}

impl Judges for MaxEmptied {
    const RULE: &'static str = "R37";
    const OF_ROWS_READ: bool = false;

    fn observe(run: &Observed<'_>) -> Option<Self> {
        let (limit, records) = (run.limits.max_emptied, run.reading.records);
        let comparable = run.reading.fields.iter().filter_map(|field| Some((field, expected(field, records)?)));
        let comparable: Vec<(&FieldRead, u64)> = comparable.collect();
        let exceeded = comparable.iter().filter(|(field, expected)| limit.exceeded(lost(field, *expected), *expected));
        let exceeded = exceeded.map(|(field, expected)| told(field, *expected, limit)).collect();
        let fields = comparable.len() as u64;
        (fields > 0).then_some(MaxEmptied { fields, max_emptied: limit, exceeded })
    }

    fn veto(&self) -> Option<Veto> {
        (!self.exceeded.is_empty()).then(|| Veto::acceptable(Code::FieldEmptied, self.exceeded.join("; ")))
    }

    fn words(&self) -> String {
        let lost = self.exceeded.len();
        format!("max_emptied: {lost} of {} fields lost more than {} of their values", self.fields, self.max_emptied)
    }
}

/// Values that the field would have if as many of its cells were filled as in the run before.
fn expected(field: &FieldRead, records: u64) -> Option<u64> {
    let (values, of) = field.before.filter(|(values, of)| *values >= FEW && *of > 0)?;
    u64::try_from(u128::from(values) * u128::from(records) / u128::from(of)).ok().filter(|expected| *expected > 0)
}

fn lost(field: &FieldRead, expected: u64) -> u64 {
    expected.saturating_sub(field.values)
}

fn told(field: &FieldRead, expected: u64, limit: Share) -> String {
    let what = format!("of field {} are gone, compared with the run before", field.name);
    over("max_emptied", &what, lost(field, expected), expected, "values", limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::tests::reading;
    use crate::policy::MaxUntreated;

    fn gate(values: u64, records: u64, before: Option<(u64, u64)>) -> Option<Veto> {
        let field = FieldRead {
            name: "city".into(),
            values,
            untreated: 0,
            first: None,
            limit: MaxUntreated::Default,
            distinct: None,
            before,
        };
        let change = |reading: &mut crate::gates::Reading| (reading.fields, reading.records) = (vec![field], records);
        reading(change, |run| MaxEmptied::observe(run)?.veto())
    }

    #[test]
    fn r37_a_field_may_lose_a_share_of_what_it_had_at_the_size_of_the_export() {
        assert_eq!(gate(0, 1000, None), None, "a first run");
        assert_eq!(gate(0, 1000, Some((99, 1000))), None, "a few");
        assert_eq!(gate(10, 1000, Some((100, 1000))), None);
        assert_eq!(gate(20, 2000, Some((100, 1000))), None, "twice the records, twice the values");
        assert_eq!(gate(5, 500, Some((100, 1000))), None, "half the records, half the values");
        let veto = gate(9, 1000, Some((100, 1000))).expect("refused");
        assert!(veto.acceptable);
        assert_eq!(
            veto.message,
            "max_emptied: 91 of 100 values of field city are gone, compared with the run before (91.00 %, limit 90 %)"
        );
    }
}
