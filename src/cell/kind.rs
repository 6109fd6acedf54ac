//! Types of columns, as written in a source and with how their cells are read.

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Says what the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TypeName {
    /// Text, taken as it is written.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A number that may have a fraction.
    Decimal,
    /// Yes or no, written `true`, `false`, `1`, `0`, `yes` or `no`.
    Boolean,
    /// A day without a time.
    Date,
    /// A day with a time of day.
    Timestamp,
}

impl TypeName {
    /// The name as written in a spec.
    pub fn name(self) -> &'static str {
        match self {
            TypeName::Text => "text",
            TypeName::Integer => "integer",
            TypeName::Decimal => "decimal",
            TypeName::Boolean => "boolean",
            TypeName::Date => "date",
            TypeName::Timestamp => "timestamp",
        }
    }
}

/// What cells of a column are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// Text, taken as it is written.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A decimal number; with `scale` published as Decimal128(38, scale), else as Float64.
    Decimal {
        /// Digits after the point.
        scale: Option<u8>,
    },
    /// Yes or no, written `true`, `false`, `1`, `0`, `yes` or `no`.
    Boolean,
    /// A day without a time.
    Date(DateRule),
    /// A day with a time of day.
    Timestamp(DateRule),
}

/// How dates and times are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateRule {
    /// strftime formats, tried all; two that accept a value with different results refuse the run (R23).
    pub formats: Vec<String>,
    /// Zone of times without one.
    pub zone: Option<TimeZone>,
    /// `epoch`: whole numbers since 1970.
    pub epoch: Option<Epoch>,
}

/// Unit of epoch numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
pub enum Epoch {
    /// Whole seconds since 1970.
    #[serde(rename = "s")]
    Seconds,
    /// Whole milliseconds since 1970.
    #[serde(rename = "ms")]
    Millis,
}
