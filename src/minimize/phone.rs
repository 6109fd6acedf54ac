//! Phone numbers to E.164 (R8): libphonenumber decides; numbers written plainly are decided from its tables alone.

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat};
use std::collections::HashMap;
use std::sync::LazyLock;

use crate::cell::why::WhyRaw;

pub use rlibphonenumber::Region;

/// Most digits of a number that the short way looks at: three of a calling code and 17 of a national number.
const MAX_DIGITS: usize = 20;
/// Most bytes of a text that the short way looks at, and one.
const LONGEST: usize = 32;

/// What a number with its country begins with; a full-width one too.
const PLUS: [char; 2] = ['+', '\u{ff0b}'];

/// Appends the E.164 form of a possible, not only locally dialable number, without extension; false if there is none.
/// `region` is where a number without `+` is dialled; none = only numbers with `+` (R8).
pub fn normalise(text: &str, region: Option<Region>, out: &mut Vec<u8>) -> bool {
    // Without either, no way leads to a country.
    (region.is_some() || text.contains(PLUS)) && (short(text.as_bytes(), region, out) || parsed(text, region, out))
}

/// The short way: true only where it decides as the library does.
pub fn short(text: &[u8], region: Option<Region>, out: &mut Vec<u8>) -> bool {
    plain(text, region, out) || without_extension(text).is_some_and(|number| plain(number, region, out))
}

/// The whole way, through the library.
fn parsed(text: &str, region: Option<Region>, out: &mut Vec<u8>) -> bool {
    let Ok(number) = PHONE_NUMBER_UTIL.parse(text, region) else { return false };
    let possible = PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number);
    if !matches!(possible, Ok(NumberLengthType::IsPossible)) {
        return false;
    }
    out.extend_from_slice(PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).as_bytes());
    true
}

/// Why a trimmed text that has no normal form has none.
pub fn why(text: &str, region: Option<Region>) -> WhyRaw {
    if region.is_none() && !text.contains(PLUS) { WhyRaw::UnknownRegion } else { WhyRaw::NoNumber }
}

/// What the library's metadata say of one region or calling code, as far as it depends only on the first digits and the
/// length: then no pattern has to be run. Sets of starts are sets of first two digits.
#[derive(Clone, Copy)]
struct NumberPlan {
    code: u32,
    /// Whether the region's rules are those of its whole calling code.
    main: bool,
    /// Starts of national numbers at which no national prefix is looked for.
    clear: u128,
    /// National prefix, and the starts after it at which it is always taken off.
    trunk: &'static [u8],
    after: u128,
    /// The same two for numbers without `+`, where no international prefix may begin either.
    bare: u128,
    dialled: u128,
    /// International prefix, where it is always the same.
    abroad: Option<&'static [u8]>,
    /// Possible lengths, without only locally dialable ones, of the whole calling code: bit n for n digits.
    lengths: u32,
}

static PLANS: LazyLock<Plans> = LazyLock::new(Plans::load);

struct Plans {
    by_code: Vec<Option<NumberPlan>>,
    by_region: HashMap<Region, NumberPlan>,
}

impl Plans {
    fn load() -> Plans {
        let (mut by_code, mut by_region) = (vec![None; 1000], HashMap::new());
        for line in include_str!("phone_plans.tsv").lines() {
            let Some((region, plan)) = NumberPlan::read(line) else { continue };
            by_region.insert(region, plan);
            if plan.main {
                by_code[plan.code as usize] = Some(plan);
            }
        }
        Plans { by_code, by_region }
    }

    /// The plan of the calling code that the digits begin with, and the digits after it.
    fn international<'d>(&self, digits: &'d [u8]) -> Option<(&NumberPlan, &'d [u8])> {
        if digits.first() == Some(&b'0') {
            return None;
        }
        let mut code = 0;
        for (at, digit) in digits.iter().take(3).enumerate() {
            code = code * 10 + usize::from(digit - b'0');
            if let Some(plan) = &self.by_code[code] {
                return Some((plan, &digits[at + 1..]));
            }
        }
        None
    }
}

impl NumberPlan {
    fn read(line: &'static str) -> Option<(Region, NumberPlan)> {
        let cells: Vec<&str> = line.split('\t').collect();
        let [region, code, main, clear, trunk, after, bare, dialled, abroad] = cells[..] else { return None };
        let starts = |cell| u128::from_str_radix(cell, 16).ok();
        let code = code.parse().ok()?;
        let plan = NumberPlan {
            code,
            main: main == "main",
            clear: starts(clear)?,
            trunk: if trunk == "-" { &[] } else { trunk.as_bytes() },
            after: starts(after)?,
            bare: starts(bare)?,
            dialled: starts(dialled)?,
            abroad: (abroad != "-").then_some(abroad.as_bytes()),
            lengths: possible_lengths(code),
        };
        Some((Region::from_code(region).ok()?, plan))
    }

    /// The national number within digits that follow a calling code.
    fn national<'d>(&self, digits: &'d [u8]) -> Option<&'d [u8]> {
        self.without_trunk(digits, self.clear, self.after)
    }

    /// The national number within digits dialled in the region.
    fn domestic<'d>(&self, digits: &'d [u8]) -> Option<&'d [u8]> {
        if starts_with_number(digits, self.code) {
            return None;
        }
        // The lengths are those of the whole calling code: another region of it may keep a prefix where this one would not.
        self.without_trunk(digits, self.bare, if self.main { self.dialled } else { 0 })
    }

    fn without_trunk<'d>(&self, digits: &'d [u8], clear: u128, after: u128) -> Option<&'d [u8]> {
        let rest = digits.strip_prefix(self.trunk).filter(|rest| !self.trunk.is_empty() && within(rest, after));
        let number = if within(digits, clear) { digits } else { rest? };
        (number.len() < 32 && self.lengths >> number.len() & 1 == 1).then_some(number)
    }
}

/// Whether the first two digits are in the set.
fn within(digits: &[u8], starts: u128) -> bool {
    let [a, b, ..] = digits else { return false };
    starts >> (u32::from(a - b'0') * 10 + u32::from(b - b'0')) & 1 == 1
}

fn starts_with_number(digits: &[u8], number: u32) -> bool {
    let width = number.ilog10() + 1;
    let head = digits.iter().take(width as usize).fold(0, |head, digit| head * 10 + u32::from(digit - b'0'));
    digits.len() >= width as usize && head == number
}

/// Asks the library which lengths it takes for possible; by its definition nothing else decides.
fn possible_lengths(code: u32) -> u32 {
    let mut lengths = 0;
    for length in 2..=17 {
        let number =
            PhoneNumber { country_code: code as i32, national_number: 10u64.pow(length - 1), ..Default::default() };
        let possible = PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number);
        lengths |= u32::from(matches!(possible, Ok(NumberLengthType::IsPossible))) << length;
    }
    lengths
}

/// The number before an extension written `ext. 97`. The library takes such an end off a number before all else.
fn without_extension(text: &[u8]) -> Option<&[u8]> {
    let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    text[..text.len() - digits].strip_suffix(b" ext. ").filter(|_| (1..=6).contains(&digits))
}

/// ASCII digits with common separators, at most one `+` before them. True only where the tables decide.
fn plain(text: &[u8], region: Option<Region>, out: &mut Vec<u8>) -> bool {
    let (mut digits, mut count, mut odd) = ([0; LONGEST], 0, text.len() >= LONGEST);
    let plus = text.first() == Some(&b'+');
    for byte in text.iter().skip(usize::from(plus)).take(LONGEST) {
        // Written over by the next digit when it is none.
        digits[count] = *byte;
        count += usize::from(byte.is_ascii_digit());
        odd |= !(byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'/'));
    }
    if odd || count > MAX_DIGITS {
        return false;
    }
    let digits = &digits[..count];
    let plan = if plus { None } else { region.and_then(|region| PLANS.by_region.get(&region)) };
    let abroad = if plus { Some(digits) } else { plan.and_then(|plan| digits.strip_prefix(plan.abroad?)) };
    let decided = match abroad {
        Some(digits) => PLANS.international(digits).and_then(|(plan, rest)| Some((plan.code, plan.national(rest)?))),
        None => plan.and_then(|plan| Some((plan.code, plan.domestic(digits)?))),
    };
    let Some((code, number)) = decided else { return false };
    out.push(b'+');
    push_number(code, out);
    out.extend_from_slice(number);
    true
}

fn push_number(number: u32, out: &mut Vec<u8>) {
    if number >= 10 {
        push_number(number / 10, out);
    }
    out.push(b'0' + (number % 10) as u8);
}

#[cfg(test)]
mod tests {
    use super::super::region::region;
    use super::*;

    fn whole(text: &str, region: Option<Region>) -> Option<String> {
        let mut out = Vec::new();
        parsed(text, region, &mut out).then(|| String::from_utf8(out).expect("digits"))
    }

    fn decided(text: &str, region: Option<Region>) -> Option<String> {
        let mut out = Vec::new();
        short(text.as_bytes(), region, &mut out).then(|| String::from_utf8(out).expect("digits"))
    }

    /// Numbers that look random and are the same in every run.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, below: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % below
        }
        fn digits(&mut self, count: usize) -> String {
            (0..count).map(|_| char::from(b'0' + self.roll(10) as u8)).collect()
        }
    }

    #[test]
    fn r8_common_spellings_take_the_short_way() {
        let germany = region("DE");
        for text in [
            "+491701234567",
            "+49 170 1234567",
            "0049 170 1234567",
            "0170 1234567",
            "0170/1234567",
            "+49 (0)170 1234567",
            "0170 1234567 ext. 97",
        ] {
            assert_eq!(decided(text, germany).as_deref(), Some("+491701234567"), "{text}");
        }
        assert_eq!(decided("(212) 555-0100", region("US")).as_deref(), Some("+12125550100"));
        assert_eq!(decided("+44 20 7946 0018", None).as_deref(), Some("+442079460018"));
        assert_eq!(decided("0170 1234567", None), None);
    }

    #[test]
    fn r8_the_short_way_agrees_with_the_library() {
        let regions: Vec<Option<Region>> = PLANS.by_region.keys().map(|r| Some(*r)).chain([None]).collect();
        let codes: Vec<u32> = PLANS.by_region.values().map(|plan| plan.code).collect();
        let (mut dice, mut agreed) = (Dice(8), 0);
        for _ in 0..100_000 {
            let region = regions[dice.roll(regions.len())];
            let code = region.and_then(|r| PLANS.by_region.get(&r)).map_or(49, |plan| plan.code);
            let length = 5 + dice.roll(8);
            let national = dice.digits(length);
            let text = match dice.roll(10) {
                0 | 1 => format!("+{code}{national}"),
                2 => format!("+{} {national}", codes[dice.roll(codes.len())]),
                3 => format!("0{national}"),
                4 => format!("+{code} (0){national}"),
                5 => format!("1-{national}"),
                6 => format!("{code}{national}"),
                7 => format!("00{code}{national}"),
                8 => format!("+{national}"),
                _ => national,
            };
            let text = if dice.roll(4) == 0 { text + " ext. " + &dice.digits(1 + length % 6) } else { text };
            if let Some(number) = decided(&text, region) {
                agreed += 1;
                assert_eq!(Some(number), whole(&text, region), "{text} in {region:?}");
            }
        }
        assert!(agreed > 20_000, "the short way decided only {agreed}");
    }

    #[test]
    fn r8_ten_thousand_numbers_agree_with_the_reference() {
        let (mut total, mut different) = (0, Vec::new());
        for (at, line) in include_str!("../../tests/python/phones.tsv").lines().enumerate() {
            let cells: Vec<&str> = line.split('\t').collect();
            let [code, number, expected] = cells[..] else { panic!("line {}: not three cells", at + 1) };
            let mut out = Vec::new();
            normalise(number.trim(), region(code), &mut out);
            if out != expected.as_bytes() {
                different.push(format!("line {}: {code:?} {number:?} {}", at + 1, String::from_utf8_lossy(&out)));
            }
            total += 1;
        }
        assert_eq!((total, different), (10_000, vec![]));
    }

    #[test]
    fn r8_extensions_go_and_impossible_or_local_numbers_do_not_normalise() {
        let say = |text, region| {
            let mut out = Vec::new();
            normalise(text, region, &mut out).then(|| String::from_utf8(out).expect("digits"))
        };
        assert_eq!(say("030 123456 ext. 12", region("Germany")).as_deref(), Some("+4930123456"));
        assert_eq!(say("1-800-FLOWERS", region("US")).as_deref(), Some("+18003569377"));
        assert_eq!(say("+39 06 1234 5678", None).as_deref(), Some("+390612345678"));
        for (text, region) in
            [("555-1234", region("US")), ("110", region("DE")), ("n/a", None), ("", None), ("+", None)]
        {
            assert_eq!(say(text, region), None, "{text}");
        }
    }

    #[test]
    fn r8_odd_text_never_panics() {
        let alphabet: Vec<char> = "+00149x;#,~()[] \n\u{0660}\u{FF0B}\u{FF11}ext=ab/\\é".chars().collect();
        let mut dice = Dice(3);
        for _ in 0..20_000 {
            let length = dice.roll(14);
            let text: String = (0..length).map(|_| alphabet[dice.roll(alphabet.len())]).collect();
            whole(&text, region("AR"));
            whole(&text, None);
        }
    }
}
