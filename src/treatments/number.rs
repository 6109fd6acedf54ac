//! What treatments of numbers and booleans share. Numbers are written with an optional sign, digits and at most one
//! point, or come as a column writes them (R53); nothing is rounded unless the treatment says so.

use super::apply::{Apply, Each, TreatOutcome};
use super::field_kind::FieldKind;
use crate::cell::forms::{CellForms, NumberForm};
use crate::cell::text::trim;

/// Digits a Decimal128 holds.
const MAX_DIGITS: u32 = 38;

/// A decimal number as written: `unscaled` / 10^`scale`.
#[derive(Clone, Copy)]
struct Number {
    unscaled: i128,
    scale: u32,
}

impl Number {
    fn read(text: &str) -> Option<Number> {
        let text = trim(text);
        let (negative, digits) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let (mut unscaled, mut scale, mut point, mut any) = (0i128, 0, false, false);
        for byte in digits {
            match byte {
                b'0'..=b'9' => {
                    unscaled = unscaled.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
                    scale += u32::from(point);
                    any = true;
                }
                b'.' if !point => point = true,
                _ => return None,
            }
        }
        let fits = any && unscaled < 10i128.pow(MAX_DIGITS);
        fits.then_some(Number { unscaled: if negative { -unscaled } else { unscaled }, scale })
    }

    /// A value of a column of numbers, under every treatment alike: of integers a whole number of 64 bits, of decimals
    /// with a scale one that has no more digits after the point.
    fn of(text: &str, kind: FieldKind) -> Option<Number> {
        match kind {
            FieldKind::Int64 => whole(text).map(|whole| Number { unscaled: whole.into(), scale: 0 }),
            FieldKind::Decimal(scale) => Number::read(text).filter(|number| number.at_scale(scale.into()).is_some()),
            _ => Number::read(text),
        }
    }

    /// The same number at another scale; none when it does not fit exactly.
    fn at_scale(self, scale: u32) -> Option<i128> {
        let unscaled = if scale >= self.scale {
            self.unscaled.checked_mul(10i128.checked_pow(scale - self.scale)?)?
        } else {
            let by = 10i128.checked_pow(self.scale - scale)?;
            (self.unscaled % by == 0).then_some(self.unscaled / by)?
        };
        (unscaled.unsigned_abs() < 10u128.pow(MAX_DIGITS)).then_some(unscaled)
    }

    fn floor(self) -> Option<i128> {
        Some(self.unscaled.div_euclid(10i128.checked_pow(self.scale)?))
    }

    /// How many times `to` it is, to the nearest whole number, halves away from zero.
    fn multiples(self, to: i64) -> Option<i128> {
        let to = i128::from(to).checked_mul(10i128.checked_pow(self.scale)?)?;
        let times = self.unscaled.checked_abs()?.checked_mul(2)?.checked_add(to)? / to.checked_mul(2)?;
        Some(times * self.unscaled.signum())
    }
}

fn put<const N: usize>(bytes: Option<[u8; N]>, out: &mut Vec<u8>) -> TreatOutcome {
    let Some(bytes) = bytes else { return TreatOutcome::Untreated };
    out.extend_from_slice(&bytes);
    TreatOutcome::Value
}

fn whole(text: &str) -> Option<i64> {
    trim(text).parse().ok()
}

/// `as-is` of an integer.
pub fn integer(value: &str, out: &mut Vec<u8>) -> TreatOutcome {
    put(whole(value).map(i64::to_le_bytes), out)
}

/// `as-is` of a decimal without scale.
pub fn float(value: &str, out: &mut Vec<u8>) -> TreatOutcome {
    let number = Number::read(value).and_then(|_| trim(value).parse::<f64>().ok());
    put(number.map(f64::to_le_bytes), out)
}

/// `as-is` of a decimal with scale; one with more digits after the point is untreated.
pub fn decimal(value: &str, scale: u8, out: &mut Vec<u8>) -> TreatOutcome {
    put(Number::read(value).and_then(|n| n.at_scale(scale.into())).map(i128::to_le_bytes), out)
}

/// `as-is` of a boolean.
pub fn yes_or_no(value: &str, forms: &CellForms, out: &mut Vec<u8>) -> TreatOutcome {
    put(forms.boolean(value).map(|yes| [u8::from(yes)]), out)
}

/// Treats numbers as they are written in a column: in the usual way at once, others once they are.
pub fn written(
    form: &NumberForm,
    how: impl Fn(&str, &mut Vec<u8>) -> TreatOutcome + Send + Sync + 'static,
) -> Box<dyn Apply> {
    if form.is_usual() {
        return Box::new(Each(how));
    }
    let form = form.clone();
    Box::new(Each(move |value: &str, out: &mut Vec<u8>| match form.plain(value) {
        Some(plain) => how(&plain, out),
        None => TreatOutcome::Untreated,
    }))
}

/// Bands between ascending edges: `<0`, `0-99`, `100-199`, `200+`.
pub struct Bands {
    edges: Vec<i64>,
    labels: Vec<String>,
}

impl Bands {
    /// From the plan's edges.
    pub fn new(edges: &[i64]) -> Bands {
        let mut labels: Vec<String> = edges.first().map(|first| format!("<{first}")).into_iter().collect();
        labels.extend(edges.windows(2).map(|pair| format!("{}-{}", pair[0], pair[1] - 1)));
        labels.extend(edges.last().map(|last| format!("{last}+")));
        Bands { edges: edges.to_vec(), labels }
    }

    /// The band that holds a whole number.
    pub fn label(&self, number: i128) -> &str {
        let at = self.edges.partition_point(|edge| i128::from(*edge) <= number);
        self.labels.get(at).map_or("", String::as_str)
    }
}

/// `bucket`: the band of a number; decimals belong to the band they begin in.
pub fn bucket(value: &str, bands: &Bands, kind: FieldKind, out: &mut Vec<u8>) -> TreatOutcome {
    let Some(number) = Number::of(value, kind).and_then(Number::floor) else { return TreatOutcome::Untreated };
    out.extend_from_slice(bands.label(number).as_bytes());
    TreatOutcome::Value
}

/// `round`: to the nearest multiple of `to`, halves away from zero.
pub fn round(value: &str, to: i64, kind: FieldKind, out: &mut Vec<u8>) -> TreatOutcome {
    let Some(number) = Number::of(value, kind).filter(|_| to > 0) else { return TreatOutcome::Untreated };
    let rounded = number.multiples(to).and_then(|times| times.checked_mul(i128::from(to)));
    match kind {
        FieldKind::Decimal(scale) => {
            let scaled = rounded.and_then(|r| Number { unscaled: r, scale: 0 }.at_scale(scale.into()));
            put(scaled.map(i128::to_le_bytes), out)
        }
        FieldKind::Float64 => put(rounded.map(|r| (r as f64).to_le_bytes()), out),
        _ => put(rounded.and_then(|r| i64::try_from(r).ok()).map(i64::to_le_bytes), out),
    }
}

#[cfg(test)]
mod tests {
    use super::TreatOutcome::Untreated;
    use crate::cell::kind::ValueType;
    use crate::treatments::tests::{treat, treated_text};
    use crate::treatments::{AsIs, Bucket, Round, Treatment};

    const SCALED: ValueType = ValueType::Decimal { scale: Some(2) };
    const FLOAT: ValueType = ValueType::Decimal { scale: None };

    #[test]
    fn r20_numbers_as_is_are_exact_or_untreated() {
        let as_is = |value: ValueType, text| treat(AsIs, value, text);
        assert_eq!(as_is(ValueType::Integer, " -42 "), Ok((-42i64).to_le_bytes().to_vec()));
        assert_eq!(as_is(SCALED, "1234.5"), Ok(123_450i128.to_le_bytes().to_vec()));
        assert_eq!(as_is(SCALED, "-0.070"), Ok((-7i128).to_le_bytes().to_vec()));
        assert_eq!(as_is(FLOAT, "0.1"), Ok(0.1f64.to_le_bytes().to_vec()));
        for (value, text) in [
            (ValueType::Integer, "1.0"),
            (ValueType::Integer, "9223372036854775808"),
            (SCALED, "1.005"),
            (SCALED, "1,5"),
            (SCALED, "1e3"),
            (SCALED, "9999999999999999999999999999999999999"),
            (FLOAT, "inf"),
            (FLOAT, "."),
            (FLOAT, "-"),
            (ValueType::Boolean, "maybe"),
        ] {
            assert_eq!(as_is(value, text), Err(Untreated), "{text}");
        }
    }

    #[test]
    fn r20_booleans_as_is() {
        for (text, yes) in [("TRUE", 1), ("1", 1), ("Yes", 1), ("false", 0), ("0", 0), (" no ", 0)] {
            assert_eq!(treat(AsIs, ValueType::Boolean, text), Ok(vec![yes]), "{text}");
        }
    }

    #[test]
    fn r20_buckets_are_named_by_their_edges() {
        let bucket = Bucket { edges: vec![0, 100, 200, 500] };
        for (text, label) in [
            ("-1", "<0"),
            ("0", "0-99"),
            ("99.99", "0-99"),
            ("100", "100-199"),
            ("-0.5", "<0"),
            ("500", "500+"),
            ("7e2", ""),
        ] {
            let expected = if label.is_empty() { Err(Untreated) } else { Ok(label) };
            assert_eq!(treated_text(bucket.clone(), FLOAT, text).as_deref().map_err(|o| *o), expected, "{text}");
        }
    }

    #[test]
    fn r20_a_number_that_is_not_of_its_columns_type_is_untreated_in_every_treatment() {
        let all: [Treatment; 3] = [AsIs.into(), Bucket { edges: vec![0, 10] }.into(), Round { to: 5 }.into()];
        let integers = (ValueType::Integer, ["7", "+7", "-7", " 007 ", "9223372036854775807"]);
        let others = ["1.5", "1.0", "1.", "1e3", "1,000", "1 000", "NaN", "inf", "9223372036854775808", "--1", "+"];
        for how in &all {
            for text in integers.1.iter().filter(|text| text.len() < 9 || *how == all[0]) {
                assert!(treat(how.clone(), integers.0.clone(), text).is_ok(), "{how:?} of {text}");
            }
            for text in others {
                assert_eq!(treat(how.clone(), ValueType::Integer, text), Err(Untreated), "{how:?} of {text}");
            }
            for text in ["1.005", "1e3", "1,5", "1 000.00", "nan", "9999999999999999999999999999999999999"] {
                assert_eq!(treat(how.clone(), SCALED, text), Err(Untreated), "{how:?} of {text}");
            }
            assert!(
                treat(how.clone(), SCALED, "+1.5").is_ok() && treat(how.clone(), SCALED, "1.500").is_ok(),
                "{how:?}"
            );
        }
    }

    #[test]
    fn r20_round_goes_to_the_nearest_multiple_halves_away_from_zero() {
        let round = Round { to: 100 };
        for (text, rounded) in [("1240", 1200i64), ("1250", 1300), ("-1250", -1300), ("49", 0), ("-49", 0)] {
            assert_eq!(treat(round.clone(), ValueType::Integer, text), Ok(rounded.to_le_bytes().to_vec()), "{text}");
        }
        assert_eq!(treat(round.clone(), SCALED, "1249.99"), Ok(120_000i128.to_le_bytes().to_vec()));
        assert_eq!(treat(round.clone(), FLOAT, "1250.5"), Ok(1300f64.to_le_bytes().to_vec()));
        let thousands = Round { to: 1000 };
        assert_eq!(treat(thousands, ValueType::Integer, "9223372036854775807"), Err(Untreated));
        assert_eq!(treat(round.clone(), ValueType::Integer, "12.5"), Err(Untreated));
        assert_eq!(treat(Round { to: 3 }, ValueType::Integer, "4"), Ok(3i64.to_le_bytes().to_vec()));
    }
}
