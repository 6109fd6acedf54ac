//! What a text looks like by its form: an address, a number with a checksum, an id, a text that somebody wrote.

use crate::minimize::formed;
use crate::policy::Normal;

/// What a text looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// One e-mail address, alone in the cell.
    Email,
    /// An e-mail address with a name before it.
    NamedEmail,
    /// More than one e-mail address in a cell.
    Emails,
    /// A phone number, with its punctuation.
    Phone,
    /// An IBAN whose checksum is right.
    Iban,
    /// A number of a payment card that passes Luhn.
    Card,
    /// A national id whose checksum is right.
    NationalId,
    /// An IP address of version 4 or 6.
    Ip,
    /// An address of the web, with its scheme.
    Url,
    /// A web address that names somebody or something: an id, a query, an address.
    UrlWithId,
    /// A GUID, with or without braces.
    Guid,
    /// A record id of Salesforce.
    SalesforceId,
    /// 32 or more hexadecimal digits: a digest.
    Digest,
    /// JSON in a cell.
    Json,
    /// Ids of several records, each with the time of a merge.
    MergedIds,
    /// A text of several words.
    FreeText,
}

impl Shape {
    /// Returns what it is called in a table.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Email => "e-mail",
            Shape::NamedEmail => "name and e-mail",
            Shape::Emails => "several e-mails",
            Shape::Phone => "phone",
            Shape::Iban => "IBAN",
            Shape::Card => "payment card",
            Shape::NationalId => "national id",
            Shape::Ip => "IP address",
            Shape::Url => "web address",
            Shape::UrlWithId => "web address with ids",
            Shape::Guid => "GUID",
            Shape::SalesforceId => "Salesforce id",
            Shape::Digest => "digest",
            Shape::Json => "JSON",
            Shape::MergedIds => "merged ids",
            Shape::FreeText => "free text",
        }
    }
}

/// Returns what a trimmed text looks like; none where its form says nothing.
pub fn of(text: &str) -> Option<Shape> {
    Some(match () {
        () if is_email(text) => Shape::Email,
        () if text.split([';', ',']).count() > 1 && text.split([';', ',']).all(|part| is_email(part.trim())) => {
            Shape::Emails
        }
        () if is_named_email(text) => Shape::NamedEmail,
        () if is_guid(text) => Shape::Guid,
        () if is_iban(text) => Shape::Iban,
        () if is_national_id(text) => Shape::NationalId,
        () if is_card(text) => Shape::Card,
        () if is_ip(text) => Shape::Ip,
        () if is_salesforce_id(text) => Shape::SalesforceId,
        () if is_phone(text) => Shape::Phone,
        () if is_merged_ids(text) => Shape::MergedIds,
        () if text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) => Shape::Digest,
        () if is_json(text) => Shape::Json,
        () if is_url(text) => {
            if names_somebody(text) {
                Shape::UrlWithId
            } else {
                Shape::Url
            }
        }
        () if is_free_text(text) => Shape::FreeText,
        () => return None,
    })
}

/// Returns whether an e-mail address stands in a longer text.
pub fn holds_email(text: &str) -> bool {
    let plain = |c: char| c.is_whitespace() || "<>()[]\",;:".contains(c);
    text.contains('@') && text.split(plain).any(|word| is_email(word.trim_end_matches('.')))
}

fn is_email(text: &str) -> bool {
    let domain = text.rsplit_once('@').is_some_and(|(_, domain)| domain.contains('.'));
    domain && text.len() <= 254 && formed(&Normal::Email, text)
}

fn is_named_email(text: &str) -> bool {
    let inside = text.strip_suffix('>').and_then(|text| text.rsplit_once('<'));
    inside.is_some_and(|(_, address)| is_email(address.trim()))
}

/// Returns whether a text is a GUID, with or without braces.
pub fn is_guid(text: &str) -> bool {
    let text = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12] && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_salesforce_id(text: &str) -> bool {
    // 15 letters alone may be a word: an id has digits, and begins with a prefix of three that names the object.
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let known = text.starts_with(|c: char| c.is_ascii_digit() || c == 'a' || c == 'e' || c == 'm');
    known && digits >= 3 && digits < text.len() && formed(&Normal::SalesforceId, text)
}

fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let number = text.split(" x").next().and_then(|text| text.split(" ext").next()).unwrap_or(text);
    let plain = number.chars().all(|c| c.is_ascii_digit() || " +()-./\u{a0}".contains(c));
    let written = text.starts_with('+')
        || text.starts_with('(')
        || text.contains(' ')
        || text.matches(['-', '.']).count() >= 2
        || (text.starts_with('0') && digits >= 9);
    let decimal = text.matches('.').count() == 1 && !text.contains([' ', '-', '(']);
    (7..=20).contains(&digits) && plain && written && !decimal && !is_day_number(text)
}

/// Whether a text is a date by its form: three numbers of at most eight digits together.
fn is_day_number(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '.', '/']).collect();
    let number = |part: &&str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.len() == 3 && parts.iter().all(number) && parts.iter().map(|part| part.len()).sum::<usize>() <= 8
}

fn is_iban(text: &str) -> bool {
    let plain: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').map(|byte| byte.to_ascii_uppercase()).collect();
    let shaped = (15..=34).contains(&plain.len())
        && plain.iter().all(u8::is_ascii_alphanumeric)
        && plain[..2].iter().all(u8::is_ascii_uppercase)
        && plain[2..4].iter().all(u8::is_ascii_digit);
    let value = |byte: &u8| u32::from(if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' + 10 });
    let add = |rest: u32, byte: &u8| {
        let value = value(byte);
        (if value < 10 { rest * 10 } else { rest * 100 } + value) % 97
    };
    shaped && plain[4..].iter().chain(&plain[..4]).fold(0, add) == 1
}

fn digits_of(text: &str, between: &[char]) -> Option<Vec<u32>> {
    text.chars().filter(|c| !between.contains(c)).map(|c| c.to_digit(10)).collect()
}

fn luhn(digits: &[u32]) -> bool {
    let add = |(at, digit): (usize, &u32)| match at % 2 {
        0 => *digit,
        _ => digit * 2 / 10 + digit * 2 % 10,
    };
    digits.iter().rev().enumerate().map(add).sum::<u32>().is_multiple_of(10)
}

fn is_card(text: &str) -> bool {
    let Some(digits) = digits_of(text, &[' ', '-']) else { return false };
    (13..=19).contains(&digits.len()) && matches!(digits[0], 2..=6) && luhn(&digits)
}

fn weighed(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// Ids of Spain, Italy, France, Poland, Belgium, Germany and Finland: those whose checksum is hard to meet by chance.
fn is_national_id(text: &str) -> bool {
    let plain: String = text.chars().filter(|c| !" .-".contains(*c)).map(|c| c.to_ascii_uppercase()).collect();
    if !plain.is_ascii() {
        return false;
    }
    match (plain.len(), digits_of(&plain, &[])) {
        (11, Some(digits)) => is_pesel(&digits) || is_belgian(&plain) || is_german(&digits),
        (15, Some(_)) => is_french(&plain),
        (9, None) => is_spanish(&plain),
        (16, None) => is_italian(&plain),
        (10, None) if text.len() == 11 => is_finnish(&plain, text),
        _ => false,
    }
}

/// Whether two digits are a month and two a day.
fn is_day(month: u32, day: u32) -> bool {
    (1..=12).contains(&month) && (1..=31).contains(&day)
}

fn is_pesel(digits: &[u32]) -> bool {
    let month = (digits[2] * 10 + digits[3]) % 20;
    let check = (10 - weighed(&digits[..10], &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10) % 10;
    is_day(month, digits[4] * 10 + digits[5]) && check == digits[10]
}

fn is_belgian(plain: &str) -> bool {
    let number = |from: usize, to: usize| plain[from..to].parse::<u64>().unwrap_or(0);
    let (base, check) = (number(0, 9), number(9, 11));
    let day = is_day(number(2, 4) as u32, number(4, 6) as u32);
    day && (97 - base % 97 == check || 97 - (2_000_000_000 + base) % 97 == check)
}

/// The tax number: one digit is there twice or three times, and the last is a checksum of ISO 7064.
fn is_german(digits: &[u32]) -> bool {
    let mut counts = [0; 10];
    digits[..10].iter().for_each(|digit| counts[*digit as usize] += 1);
    let repeated = counts.iter().filter(|count| **count > 1).count();
    let product = digits[..10].iter().fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    digits[0] != 0 && repeated == 1 && counts.iter().all(|count| *count <= 3) && (11 - product) % 10 == digits[10]
}

fn is_french(plain: &str) -> bool {
    let number = |from: usize, to: usize| plain[from..to].parse::<u64>().unwrap_or(0);
    let sex = plain.starts_with(['1', '2', '7', '8']);
    sex && (1..=99).contains(&number(3, 5)) && 97 - number(0, 13) % 97 == number(13, 15)
}

fn is_spanish(plain: &str) -> bool {
    const LETTERS: &[u8] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let (number, letter) = plain.split_at(8);
    let number = match number.as_bytes()[0] {
        first @ b'X'..=b'Z' => format!("{}{}", first - b'X', &number[1..]),
        _ => number.to_owned(),
    };
    number.parse::<usize>().is_ok_and(|number| letter.as_bytes()[0] == LETTERS[number % 23])
}

fn is_italian(plain: &str) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let bytes = plain.as_bytes();
    let letters = bytes[..6].iter().chain(&bytes[15..]).all(u8::is_ascii_uppercase);
    if !letters || !bytes.iter().all(u8::is_ascii_alphanumeric) || !bytes[8].is_ascii_uppercase() {
        return false;
    }
    let value = |byte: u8| u32::from(if byte.is_ascii_digit() { byte - b'0' } else { byte - b'A' });
    let sum: u32 = bytes[..15]
        .iter()
        .enumerate()
        .map(|(at, byte)| if at % 2 == 0 { ODD[value(*byte) as usize] } else { value(*byte) })
        .sum();
    u32::from(bytes[15] - b'A') == sum % 26
}

fn is_finnish(plain: &str, text: &str) -> bool {
    const LETTERS: &[u8] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    let mark = text.as_bytes()[6];
    let (Ok(day), Ok(number)) = (plain[..6].parse::<u64>(), plain[6..9].parse::<u64>()) else { return false };
    let check = LETTERS[((day * 1000 + number) % 31) as usize];
    matches!(mark, b'-' | b'+' | b'A')
        && is_day((day / 100 % 100) as u32, (day / 10_000) as u32)
        && plain.as_bytes()[9] == check
}

fn is_ip(text: &str) -> bool {
    text.contains(['.', ':']) && text.parse::<std::net::IpAddr>().is_ok()
}

/// `vid:epoch-ms;vid:epoch-ms`, as HubSpot writes merges.
fn is_merged_ids(text: &str) -> bool {
    let digits = |text: &str, least: usize| text.len() >= least && text.bytes().all(|byte| byte.is_ascii_digit());
    text.split(';').all(|part| part.split_once(':').is_some_and(|(id, time)| digits(id, 2) && digits(time, 10)))
}

fn is_json(text: &str) -> bool {
    matches!((text.as_bytes().first(), text.as_bytes().last()), (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')))
        && text.contains('"')
}

fn is_url(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let web = lower.starts_with("www.")
        || lower.split_once("://").is_some_and(|(scheme, rest)| {
            (3..=6).contains(&scheme.len())
                && scheme.bytes().all(|byte| byte.is_ascii_lowercase())
                && rest.contains('.')
        });
    web && !text.contains(char::is_whitespace)
}

fn names_somebody(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.split_once('/').map_or("", |(_, path)| path);
    let id = |part: &str| part.bytes().filter(u8::is_ascii_digit).count() >= 5 || is_guid(part);
    rest.contains(['@', '?', '#']) || path.split(['/', '-', '_']).any(id) || path.starts_with("in/")
}

fn is_free_text(text: &str) -> bool {
    text.contains('\n') || text.len() > 150 || text.split_whitespace().count() >= 7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_apart() {
        for (text, shape) in [
            ("ada@shop.example", Some(Shape::Email)),
            ("a@b.example; c@d.example", Some(Shape::Emails)),
            ("Ada <ada@shop.example>", Some(Shape::NamedEmail)),
            ("+49 40 66969 487", Some(Shape::Phone)),
            ("1-955-371-0847 x371", Some(Shape::Phone)),
            ("DE89 3704 0044 0532 0130 00", Some(Shape::Iban)),
            ("DE89 3704 0044 0532 0130 01", None),
            ("4111 1111 1111 1111", Some(Shape::Card)),
            ("192.0.2.7", Some(Shape::Ip)),
            ("2001:db8::1", Some(Shape::Ip)),
            ("https://www.example.org/", Some(Shape::Url)),
            ("https://www.example.org/users/884213", Some(Shape::UrlWithId)),
            ("https://www.example.org/?mail=x", Some(Shape::UrlWithId)),
            ("{6F9619FF-8B86-D011-B42D-00C04FC964FF}", Some(Shape::Guid)),
            ("003Dn0000000025IAA", Some(Shape::SalesforceId)),
            ("001D000000IqhSL", Some(Shape::SalesforceId)),
            ("fcb67ef339b691956cc85fa12be6490c", Some(Shape::Digest)),
            ("{\"city\":\"Ulm\"}", Some(Shape::Json)),
            ("76340251:1661707291575;46897301:1661707931852", Some(Shape::MergedIds)),
            ("Called twice and asked for a new offer.", Some(Shape::FreeText)),
            ("Ada Muster", None),
            ("20315", None),
            ("8394.05", None),
            ("12345678", None),
            ("2024-05-01", None),
            ("01.05.2024", None),
        ] {
            assert_eq!(of(text), shape, "{text}");
        }
        assert!(holds_email("please write to <ada@shop.example>.") && !holds_email("me @ home"));
    }

    #[test]
    fn national_ids_are_told_by_their_checksum() {
        for (good, bad) in [
            ("12345678Z", "12345678A"),
            ("RSSMRA85T10A562S", "RSSMRA85T10A562T"),
            ("44051401359", "44051401358"),
            ("85073003328", "85073003329"),
            ("65929970489", "65929970488"),
            ("255081416802538", "255081416802539"),
            ("131052-308T", "131052-308U"),
        ] {
            assert_eq!(of(good), Some(Shape::NationalId), "{good}");
            assert_ne!(of(bad), Some(Shape::NationalId), "{bad}");
        }
    }
}
