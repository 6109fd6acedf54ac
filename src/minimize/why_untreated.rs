//! The reasons why a value could not be treated.

/// Why a value could not be treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyUntreated {
    /// It is not of the column's type (R20).
    NotOfType,
    /// It is a date of birth of nobody living (R20).
    NoBirth,
    /// The treatment cannot do with it what it is for, such as a prefix of a short text.
    NotForTreatment,
}

impl WhyUntreated {
    /// Returns what is said of it in evidence.
    pub fn words(self) -> &'static str {
        match self {
            WhyUntreated::NotOfType => "not of the column's type",
            WhyUntreated::NoBirth => "a date of birth that nobody living can have",
            WhyUntreated::NotForTreatment => "the value lacks what the treatment needs",
        }
    }
}
