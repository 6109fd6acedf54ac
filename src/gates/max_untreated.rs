//! R37: how many values of a field may fail its treatment, by default the larger of 0.1 % and 10.

use super::judges::Judges;
use super::observed::{FieldRead, Observed};
use super::share_told::over;
use super::veto::Veto;
use crate::error::Code;
use crate::policy::{MaxUntreated, Share};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const DEFAULT: Share = Share(1_000);
const ALWAYS: u64 = 10;

/// Values that could not be treated (R37).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MaxUntreatedValues {
    /// Fields whose values were looked at.
    pub fields: u64,
    /// Values that could not be treated, of all fields.
    pub untreated: u64,
    /// In words, each field that exceeds its limit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceeded: Vec<String>,
}

impl Judges for MaxUntreatedValues {
    const RULE: &'static str = "R37";

    fn observe(run: &Observed<'_>) -> Option<Self> {
        let fields = &run.reading.fields;
        Some(MaxUntreatedValues {
            fields: fields.len() as u64,
            untreated: fields.iter().map(|field| field.untreated).sum(),
            exceeded: fields.iter().filter(|field| exceeds(field)).map(told).collect(),
        })
    }

    fn veto(&self) -> Option<Veto> {
        (!self.exceeded.is_empty()).then(|| {
            Veto::final_one(
                Code::TooManyUntreated,
                self.exceeded.join("; "),
                "look at these columns in the export; then correct the source's types or formats, \
                 or raise the field's max_untreated",
            )
        })
    }

    fn words(&self) -> String {
        format!("max_untreated: {} values of {} fields could not be treated", self.untreated, self.fields)
    }
}

fn exceeds(field: &FieldRead) -> bool {
    match field.limit {
        MaxUntreated::Default => field.untreated > ALWAYS && DEFAULT.exceeded(field.untreated, field.values),
        MaxUntreated::Share(share) => share.exceeded(field.untreated, field.values),
    }
}

fn told(field: &FieldRead) -> String {
    let share = match field.limit {
        MaxUntreated::Default => DEFAULT,
        MaxUntreated::Share(share) => share,
    };
    let what = format!("of field {} could not be treated", field.name);
    let text = over("max_untreated", &what, field.untreated, field.values, "non-null values", share);
    let text = match field.limit {
        MaxUntreated::Default => format!("{text}, and more than {ALWAYS}"),
        MaxUntreated::Share(_) => text,
    };
    field.first.as_ref().map_or(text.clone(), |first| format!("{text}; the first is {first}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::tests::reading;

    fn gate(untreated: u64, values: u64, limit: MaxUntreated, first: Option<String>) -> Option<Veto> {
        let field =
            FieldRead { name: "birth_year".into(), values, untreated, first, limit, distinct: None, before: None };
        reading(|reading| reading.fields = vec![field], |run| MaxUntreatedValues::observe(run)?.veto())
    }

    fn refused(untreated: u64, values: u64, limit: MaxUntreated) -> bool {
        gate(untreated, values, limit, None).is_some()
    }

    #[test]
    fn r37_the_default_is_the_larger_of_a_thousandth_and_ten() {
        assert!(!refused(10, 10, MaxUntreated::Default));
        assert!(refused(11, 100, MaxUntreated::Default));
        assert!(!refused(100, 100_000, MaxUntreated::Default));
        assert!(refused(101, 100_000, MaxUntreated::Default));
    }

    #[test]
    fn r37_a_share_of_its_own_is_exact() {
        let none = MaxUntreated::Share(Share(0));
        assert!(!refused(0, 0, none));
        assert!(refused(1, 1_000_000, none));
        let half = MaxUntreated::Share(Share(500_000));
        assert!(!refused(5, 10, half));
        assert!(refused(6, 10, half));
    }

    #[test]
    fn r37_the_message_names_field_and_numbers() {
        let first = Some("raw:x.csv, record 7".to_owned());
        assert_eq!(
            gate(50, 100, MaxUntreated::Default, first).expect("refused").message,
            "max_untreated: 50 of 100 non-null values of field birth_year could not be treated (50.00 %, limit 0.1 %), and more than 10; the first is raw:x.csv, record 7"
        );
    }
}
