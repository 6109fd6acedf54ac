//! A field has the type that its treatment gives, and every value looks like one that the treatment can have made (R20).
//! Fields of text that only patterns can judge are left to another check.

use crate::audit::check::{AuditSpot, Check, CheckBegun, CheckFound, FileLook, Look};
use crate::audit::data::AuditedFile;
use crate::audit::finding::{FoundRows, Severity};
use crate::audit::scene::AuditedTable;
use crate::policy::{Field, Plan, TokenFormat, Treatment, ValueType};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimeUnit};
use jiff::civil::{Date, Weekday, date};

pub(in crate::audit) const CHECK: Check = Check {
    rule: "treated-values",
    article: "Art. 5(1)(c), 25 GDPR; R20",
    severity: Severity::Error,
    holds: "Every field has the type of its treatment, and only values that the treatment can make: years, first days, bands, multiples, prefixes.",
    fix: "run the job: it treats every value by the policy of today",
    look: Look::Files(begin),
};

fn begin<'a>(table: &'a AuditedTable<'a>) -> CheckBegun<'a> {
    match table.plan {
        Some(plan) => CheckBegun::Looks(Box::new(Treated(plan))),
        None => CheckBegun::Cannot("no job of the specs says how its fields are treated".into()),
    }
}

struct Treated<'a>(&'a Plan);

impl FileLook for Treated<'_> {
    fn file(&mut self, file: &AuditedFile, found: &mut CheckFound<'_>) {
        for field in &self.0.fields {
            let Some(column) = file.batch.column_by_name(&field.name) else {
                found.cannot(format!(
                    "{} has no column {}: the job of today has published nothing yet",
                    file.place, field.name
                ));
                continue;
            };
            let wanted = type_of(self.0, field);
            if !is_type(column.data_type(), &wanted) {
                let spot = AuditSpot { file: Some(&file.place), field: Some(&field.name), ..AuditSpot::default() };
                found.say(spot, format!("the type is {}, and the treatment gives {wanted}", column.data_type()));
                continue;
            }
            let mut rows = FoundRows::default();
            let there = (0..column.len()).filter(|row| !column.is_null(*row));
            there.filter(|row| !is_made_by(&field.treat, column, *row)).for_each(|row| rows.add(row));
            found.rows(file, Some(&field.name), rows, "values that the treatment cannot have made");
        }
    }
}

fn type_of(plan: &Plan, field: &Field) -> DataType {
    match &field.treat {
        Treatment::Pseudonymize(_) if plan.token_format == TokenFormat::Binary => DataType::FixedSizeBinary(16),
        Treatment::Year(_) => DataType::Int32,
        Treatment::Quarter(_) | Treatment::Month(_) | Treatment::Week(_) | Treatment::Day(_) => DataType::Date32,
        Treatment::Present(_) => DataType::Boolean,
        Treatment::AsIs(_) | Treatment::Round(_) | Treatment::DateShift(_) => {
            match field.from.map(|from| &plan.columns[from].value) {
                Some(ValueType::Integer) => DataType::Int64,
                Some(ValueType::Decimal { scale: Some(scale) }) => {
                    DataType::Decimal128(38, i8::try_from(*scale).unwrap_or(i8::MAX))
                }
                Some(ValueType::Decimal { scale: None }) => DataType::Float64,
                Some(ValueType::Boolean) => DataType::Boolean,
                Some(ValueType::Date(_)) => DataType::Date32,
                Some(ValueType::Timestamp(_)) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
                Some(ValueType::Text) | None => DataType::Utf8,
            }
        }
        _ => DataType::Utf8,
    }
}

/// Zones have several names, and text several layouts.
fn is_type(found: &DataType, wanted: &DataType) -> bool {
    match (found, wanted) {
        (DataType::Timestamp(found, _), DataType::Timestamp(wanted, _)) => found == wanted,
        (DataType::LargeUtf8 | DataType::Utf8View, DataType::Utf8) => true,
        (found, wanted) => found == wanted,
    }
}

fn is_made_by(treat: &Treatment, column: &ArrayRef, row: usize) -> bool {
    let text = || text(column, row).unwrap_or_default();
    match treat {
        Treatment::Year(_) => (1..=9999).contains(&column.as_primitive::<Int32Type>().value(row)),
        Treatment::Quarter(_) => day(column, row).is_some_and(|day| day.day() == 1 && day.month() % 3 == 1),
        Treatment::Month(_) => day(column, row).is_some_and(|day| day.day() == 1),
        Treatment::Week(_) => day(column, row).is_some_and(|day| day.weekday() == Weekday::Monday),
        Treatment::Prefix(prefix) => text().chars().count() == prefix.length,
        Treatment::Mask(mask) => {
            let (text, keep) = (text(), mask.keep_last);
            let hidden = text.chars().count().saturating_sub(keep);
            hidden > 0 && text.chars().take(hidden).all(|c| c == mask.with)
        }
        Treatment::AgeBand(bands) => is_band(text(), &bands.edges),
        Treatment::Bucket(bands) => is_band(text(), &bands.edges),
        Treatment::Round(round) => is_multiple(column, row, round.to),
        Treatment::Map(map) => text() == map.default || map.values.values().any(|value| value == text()),
        Treatment::EmailDomain(_) => is_domain(text()),
        Treatment::Constant(constant) => text() == constant.value,
        _ => true,
    }
}

fn text(column: &ArrayRef, row: usize) -> Option<&str> {
    match column.data_type() {
        DataType::Utf8 => Some(column.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Some(column.as_string::<i64>().value(row)),
        DataType::Utf8View => Some(column.as_string_view().value(row)),
        _ => None,
    }
}

/// A day of the calendar of years 0001 to 9999.
fn day(column: &ArrayRef, row: usize) -> Option<Date> {
    let days = column.as_primitive_opt::<Date32Type>()?.value(row);
    date(1970, 1, 1).checked_add(jiff::Span::new().try_days(days).ok()?).ok().filter(|day| day.year() >= 1)
}

/// `<25`, `25-34` or `85+` of edges 25, 35 … 85.
fn is_band(text: &str, edges: &[i64]) -> bool {
    let (Some(first), Some(last)) = (edges.first(), edges.last()) else { return false };
    text == format!("<{first}")
        || text == format!("{last}+")
        || edges.windows(2).any(|pair| text == format!("{}-{}", pair[0], pair[1] - 1))
}

fn is_multiple(column: &ArrayRef, row: usize, to: i64) -> bool {
    match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row) % to == 0,
        DataType::Decimal128(_, scale) => {
            let unit = u32::try_from(*scale).ok().and_then(|scale| 10i128.checked_pow(scale)?.checked_mul(to.into()));
            unit.is_none_or(|unit| column.as_primitive::<Decimal128Type>().value(row) % unit == 0)
        }
        DataType::Float64 => (column.as_primitive::<Float64Type>().value(row) % to as f64).abs() < 1e-6,
        _ => true,
    }
}

/// Letters, digits and hyphens between points, in ASCII and lower case (R6).
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    };
    text.split('.').all(label)
}
