//! The text of a value of a Parquet file or an Arrow batch, by the type of its column (R60).

use crate::error::Code;
use crate::read::format::seam::OddReason;
use arrow::datatypes::{DataType, TimeUnit as ArrowUnit};
use jiff::civil::{Date, Time, date};
use jiff::{Span, Timestamp, tz::Offset};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::data_type::{ByteArray, FixedLenByteArray, Int96};
use parquet::schema::types::ColumnDescriptor;
use std::fmt::Write;

const OUT_OF_RANGE: OddReason = OddReason {
    code: Code::RecordMalformed,
    what: "a date or time that no calendar of four digits has",
    help: "have the value corrected where it comes from, or exported as null",
};
const NO_NUMBER: OddReason = OddReason {
    code: Code::RecordMalformed,
    what: "a value that is no number (NaN or infinite)",
    help: "have it exported as null",
};
const TOO_WIDE: OddReason = OddReason {
    code: Code::RecordMalformed,
    what: "a decimal number of more than 38 digits",
    help: "have it exported with fewer digits",
};
const MALFORMED: OddReason = super::super::laid::MALFORMED;
const JULIAN_EPOCH: i64 = 2_440_588;
const DAY_NANOS: i128 = 86_400_000_000_000;

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::read::format) enum LeafKind {
    Text,
    Boolean,
    Signed,
    Unsigned,
    Date,
    /// A time of day, in nanoseconds a unit.
    Time(i64, usize),
    /// Nanoseconds a unit, digits of a second, and whether it is in UTC.
    Timestamp(i64, usize, bool),
    Decimal(usize),
    Float,
    Uuid,
}

/// One value as decoded.
pub(in crate::read::format) enum LeafValue<'a> {
    Boolean(bool),
    /// A whole number of 32 bits.
    Int(i32),
    /// A whole number of 64 bits.
    Long(i64),
    /// A whole number of 128 bits.
    Wide(i128),
    Julian(&'a Int96),
    Float(f32),
    Double(f64),
    Bytes(&'a ByteArray),
    Fixed(&'a FixedLenByteArray),
}

impl LeafKind {
    /// Returns the kind of a column, or why it has none that is read.
    pub fn of(column: &ColumnDescriptor) -> Result<LeafKind, &'static str> {
        if column.max_rep_level() > 0 {
            return Err("has lists or maps, and a cell is one value");
        }
        let physical = column.physical_type();
        let kind = match column.logical_type_ref() {
            Some(logical) => by_logical(logical, column)?,
            None => by_converted(column)?,
        };
        let fits = match kind {
            LeafKind::Text => physical == Type::BYTE_ARRAY,
            LeafKind::Boolean => physical == Type::BOOLEAN,
            LeafKind::Signed | LeafKind::Unsigned => matches!(physical, Type::INT32 | Type::INT64),
            LeafKind::Date => physical == Type::INT32,
            LeafKind::Time(..) => matches!(physical, Type::INT32 | Type::INT64),
            LeafKind::Timestamp(..) => matches!(physical, Type::INT64 | Type::INT96),
            LeafKind::Decimal(_) => !matches!(physical, Type::BOOLEAN | Type::INT96 | Type::FLOAT | Type::DOUBLE),
            LeafKind::Float => matches!(physical, Type::FLOAT | Type::DOUBLE),
            LeafKind::Uuid => physical == Type::FIXED_LEN_BYTE_ARRAY && column.type_length() == 16,
        };
        if fits { Ok(kind) } else { Err("is declared as a type that its bytes cannot have") }
    }

    /// Returns the kind of a column of an Arrow batch, or why it has none that is read.
    pub fn of_arrow(of: &DataType) -> Result<LeafKind, &'static str> {
        Ok(match of {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => LeafKind::Text,
            DataType::Boolean => LeafKind::Boolean,
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => LeafKind::Signed,
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => LeafKind::Unsigned,
            DataType::Float32 | DataType::Float64 => LeafKind::Float,
            DataType::Date32 => LeafKind::Date,
            DataType::Time32(unit) | DataType::Time64(unit) => {
                let (nanos, digits) = arrow_unit(*unit);
                LeafKind::Time(nanos, digits)
            }
            DataType::Timestamp(unit, zone) => {
                let (nanos, digits) = arrow_unit(*unit);
                LeafKind::Timestamp(nanos, digits, zone.is_some())
            }
            DataType::Decimal128(_, digits) => LeafKind::Decimal(scale(i32::from(*digits))?),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                return Err(BINARY);
            }
            nested if nested.is_nested() => return Err("has lists, maps or groups, and a cell is one value"),
            _ => return Err(OTHER),
        })
    }

    /// Says why values of this kind are not fit to tell persons apart.
    pub fn no_identifier(self) -> Option<&'static str> {
        match self {
            LeafKind::Float => Some("has floating-point numbers, which give two long numbers one value"),
            LeafKind::Decimal(scale) if scale > 0 => {
                Some("has decimals with a scale, whose text is another one than that of a whole number")
            }
            LeafKind::Boolean => Some("has booleans"),
            _ => None,
        }
    }

    /// Writes a value.
    ///
    /// # Errors
    /// Why it has no text; nothing is written then.
    pub fn write(self, value: LeafValue<'_>, text: &mut String) -> Result<(), &'static OddReason> {
        let number = match value {
            LeafValue::Boolean(value) => return said(text, value),
            LeafValue::Float(value) if !value.is_finite() => return Err(&NO_NUMBER),
            LeafValue::Double(value) if !value.is_finite() => return Err(&NO_NUMBER),
            LeafValue::Float(value) => return said(text, value),
            LeafValue::Double(value) => return said(text, value),
            LeafValue::Bytes(bytes) => match self {
                LeafKind::Decimal(_) => wide(bytes.data())?,
                _ => {
                    text.push_str(std::str::from_utf8(bytes.data()).map_err(|_| &MALFORMED)?);
                    return Ok(());
                }
            },
            LeafValue::Fixed(bytes) => match self {
                LeafKind::Uuid => return uuid(bytes.data(), text),
                _ => wide(bytes.data())?,
            },
            LeafValue::Julian(value) => {
                let [low, high, day] = value.data() else { return Err(&OUT_OF_RANGE) };
                let nanos = i128::from(u64::from(*high) << 32 | u64::from(*low));
                (i128::from(*day) - i128::from(JULIAN_EPOCH)) * DAY_NANOS + nanos
            }
            LeafValue::Int(value) if self == LeafKind::Unsigned => i128::from(value as u32),
            LeafValue::Long(value) if self == LeafKind::Unsigned => i128::from(value as u64),
            LeafValue::Int(value) => i128::from(value),
            LeafValue::Long(value) => i128::from(value),
            LeafValue::Wide(value) => value,
        };
        match self {
            LeafKind::Date => day(number, text),
            LeafKind::Time(nanos, digits) => time(number * i128::from(nanos), digits, text),
            LeafKind::Timestamp(nanos, digits, utc) => timestamp(number * i128::from(nanos), digits, utc, text),
            LeafKind::Decimal(scale) => decimal(number, scale, text),
            _ => said(text, number),
        }
    }
}

fn by_logical(logical: &LogicalType, column: &ColumnDescriptor) -> Result<LeafKind, &'static str> {
    Ok(match logical {
        LogicalType::String | LogicalType::Enum | LogicalType::Json => LeafKind::Text,
        LogicalType::Decimal(decimal) => LeafKind::Decimal(scale(decimal.scale)?),
        LogicalType::Date => LeafKind::Date,
        LogicalType::Time(time) => {
            let (nanos, digits) = unit(&time.unit);
            LeafKind::Time(nanos, digits)
        }
        LogicalType::Timestamp(time) => {
            let (nanos, digits) = unit(&time.unit);
            LeafKind::Timestamp(nanos, digits, time.is_adjusted_to_u_t_c)
        }
        LogicalType::Integer(integer) if integer.is_signed => LeafKind::Signed,
        LogicalType::Integer(_) => LeafKind::Unsigned,
        LogicalType::Uuid => LeafKind::Uuid,
        LogicalType::Unknown => by_physical(column)?,
        _ => return Err(OTHER),
    })
}

const BINARY: &str = "is binary, and not declared as text";
const OTHER: &str = "has a type that tamis cannot write as text";

fn by_converted(column: &ColumnDescriptor) -> Result<LeafKind, &'static str> {
    Ok(match column.converted_type() {
        ConvertedType::NONE => by_physical(column)?,
        ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON => LeafKind::Text,
        ConvertedType::DECIMAL => LeafKind::Decimal(scale(column.type_scale())?),
        ConvertedType::DATE => LeafKind::Date,
        ConvertedType::TIME_MILLIS => LeafKind::Time(1_000_000, 3),
        ConvertedType::TIME_MICROS => LeafKind::Time(1_000, 6),
        ConvertedType::TIMESTAMP_MILLIS => LeafKind::Timestamp(1_000_000, 3, true),
        ConvertedType::TIMESTAMP_MICROS => LeafKind::Timestamp(1_000, 6, true),
        ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => {
            LeafKind::Unsigned
        }
        ConvertedType::INT_8 | ConvertedType::INT_16 | ConvertedType::INT_32 | ConvertedType::INT_64 => {
            LeafKind::Signed
        }
        _ => return Err(OTHER),
    })
}

fn by_physical(column: &ColumnDescriptor) -> Result<LeafKind, &'static str> {
    Ok(match column.physical_type() {
        Type::BOOLEAN => LeafKind::Boolean,
        Type::INT32 | Type::INT64 => LeafKind::Signed,
        Type::INT96 => LeafKind::Timestamp(1, 9, false),
        Type::FLOAT | Type::DOUBLE => LeafKind::Float,
        Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY => return Err(BINARY),
    })
}

fn scale(scale: i32) -> Result<usize, &'static str> {
    usize::try_from(scale).ok().filter(|scale| *scale <= 38).ok_or("has a scale that decimal numbers cannot have")
}

/// Nanoseconds a unit, and the digits that it takes.
fn unit(unit: &TimeUnit) -> (i64, usize) {
    match unit {
        TimeUnit::MILLIS => (1_000_000, 3),
        TimeUnit::MICROS => (1_000, 6),
        TimeUnit::NANOS => (1, 9),
    }
}

/// As [`unit()`]; seconds have the digits that Parquet files keep them with.
fn arrow_unit(unit: ArrowUnit) -> (i64, usize) {
    match unit {
        ArrowUnit::Second => (1_000_000_000, 3),
        ArrowUnit::Millisecond => (1_000_000, 3),
        ArrowUnit::Microsecond => (1_000, 6),
        ArrowUnit::Nanosecond => (1, 9),
    }
}

fn said(text: &mut String, value: impl std::fmt::Display) -> Result<(), &'static OddReason> {
    let _ = write!(text, "{value}");
    Ok(())
}

/// A big-endian number with a sign.
fn wide(bytes: &[u8]) -> Result<i128, &'static OddReason> {
    if bytes.is_empty() || bytes.len() > 16 {
        return Err(&TOO_WIDE);
    }
    let sign = if bytes[0] & 0x80 == 0 { 0 } else { -1 };
    Ok(bytes.iter().fold(sign, |number, byte| number << 8 | i128::from(*byte)))
}

fn decimal(number: i128, scale: usize, text: &mut String) -> Result<(), &'static OddReason> {
    let digits = format!("{:0width$}", number.unsigned_abs(), width = scale + 1);
    if number < 0 {
        text.push('-');
    }
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    text.push_str(whole);
    if scale > 0 {
        text.push('.');
        text.push_str(fraction);
    }
    Ok(())
}

fn calendar(date: Date, text: &mut String) -> Result<(), &'static OddReason> {
    if date.year() < 0 {
        return Err(&OUT_OF_RANGE);
    }
    let _ = write!(text, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day());
    Ok(())
}

fn clock(time: Time, digits: usize, text: &mut String) {
    let fraction = i64::from(time.subsec_nanosecond()) / 10_i64.pow(9 - digits as u32);
    let _ = write!(text, "{:02}:{:02}:{:02}.{fraction:0digits$}", time.hour(), time.minute(), time.second());
}

fn day(number: i128, text: &mut String) -> Result<(), &'static OddReason> {
    let days = i64::try_from(number).ok().and_then(|days| Span::new().try_days(days).ok()).ok_or(&OUT_OF_RANGE)?;
    calendar(date(1970, 1, 1).checked_add(days).map_err(|_| &OUT_OF_RANGE)?, text)
}

fn time(nanos: i128, digits: usize, text: &mut String) -> Result<(), &'static OddReason> {
    let within =
        i64::try_from(nanos).ok().filter(|nanos| (0..DAY_NANOS as i64).contains(nanos)).ok_or(&OUT_OF_RANGE)?;
    let time = Time::midnight().checked_add(Span::new().nanoseconds(within)).map_err(|_| &OUT_OF_RANGE)?;
    clock(time, digits, text);
    Ok(())
}

fn timestamp(nanos: i128, digits: usize, utc: bool, text: &mut String) -> Result<(), &'static OddReason> {
    let at = Timestamp::from_nanosecond(nanos).map_err(|_| &OUT_OF_RANGE)?;
    let at = Offset::UTC.to_datetime(at);
    calendar(at.date(), text)?;
    text.push('T');
    clock(at.time(), digits, text);
    if utc {
        text.push('Z');
    }
    Ok(())
}

fn uuid(bytes: &[u8], text: &mut String) -> Result<(), &'static OddReason> {
    for (at, byte) in bytes.iter().enumerate() {
        let hyphen = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
        let _ = write!(text, "{hyphen}{byte:02x}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: LeafKind, value: LeafValue<'_>) -> String {
        let mut text = String::new();
        match kind.write(value, &mut text) {
            Ok(()) => text,
            Err(why) => why.what.into(),
        }
    }

    #[test]
    fn r60_values_have_one_text() {
        let stamp = |value, utc| text(LeafKind::Timestamp(1_000, 6, utc), LeafValue::Long(value));
        assert_eq!(stamp(1_700_000_000_123_456, true), "2023-11-14T22:13:20.123456Z");
        assert_eq!(stamp(-1, false), "1969-12-31T23:59:59.999999");
        assert_eq!(stamp(i64::MAX, true), OUT_OF_RANGE.what);
        assert_eq!(text(LeafKind::Timestamp(1_000_000, 3, true), LeafValue::Long(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(text(LeafKind::Timestamp(1, 9, true), LeafValue::Long(1)), "1970-01-01T00:00:00.000000001Z");
        let mut julian = Int96::new();
        julian.set_data(1, 0, 2_440_589);
        assert_eq!(text(LeafKind::Timestamp(1, 9, false), LeafValue::Julian(&julian)), "1970-01-02T00:00:00.000000001");
        for (days, said) in
            [(0, "1970-01-01"), (-719_528, "0000-01-01"), (19_675, "2023-11-14"), (-719_529, OUT_OF_RANGE.what)]
        {
            assert_eq!(text(LeafKind::Date, LeafValue::Int(days)), said);
        }
        assert_eq!(text(LeafKind::Date, LeafValue::Int(i32::MAX)), OUT_OF_RANGE.what);
        assert_eq!(text(LeafKind::Time(1_000_000, 3), LeafValue::Int(86_399_999)), "23:59:59.999");
        assert_eq!(text(LeafKind::Time(1_000_000, 3), LeafValue::Int(86_400_000)), OUT_OF_RANGE.what);
        for (number, scale, said) in [(12345, 2, "123.45"), (-5, 2, "-0.05"), (0, 3, "0.000"), (7, 0, "7")] {
            assert_eq!(text(LeafKind::Decimal(scale), LeafValue::Long(number)), said);
        }
        let bytes = |bytes: &[u8]| ByteArray::from(bytes.to_vec());
        assert_eq!(text(LeafKind::Decimal(1), LeafValue::Bytes(&bytes(&[0xff, 0x85]))), "-12.3");
        assert_eq!(text(LeafKind::Decimal(1), LeafValue::Bytes(&bytes(&[1; 17]))), TOO_WIDE.what);
        assert_eq!(text(LeafKind::Unsigned, LeafValue::Int(-1)), "4294967295");
        assert_eq!(text(LeafKind::Unsigned, LeafValue::Long(-1)), "18446744073709551615");
        assert_eq!(text(LeafKind::Signed, LeafValue::Long(i64::MIN)), "-9223372036854775808");
        for (value, said) in [(0.1, "0.1"), (5.0, "5"), (1e21, "1000000000000000000000"), (f64::NAN, NO_NUMBER.what)] {
            assert_eq!(text(LeafKind::Float, LeafValue::Double(value)), said);
        }
        assert_eq!(text(LeafKind::Float, LeafValue::Float(0.1)), "0.1");
        assert_eq!(text(LeafKind::Boolean, LeafValue::Boolean(true)), "true");
        assert_eq!(text(LeafKind::Text, LeafValue::Bytes(&bytes(b"\xff"))), MALFORMED.what);
        let id: FixedLenByteArray = bytes(&(0..16).collect::<Vec<u8>>()).into();
        assert_eq!(text(LeafKind::Uuid, LeafValue::Fixed(&id)), "00010203-0405-0607-0809-0a0b0c0d0e0f");
    }
}
