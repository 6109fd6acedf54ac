//! Writes the benchmark's input: a contact export as Salesforce's Data Loader makes it, and an erasure list. Same
//! arguments, same bytes. Invented persons only; all mail domains are reserved ones (RFC 2606).

use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;

const COLUMNS: [&str; 25] = [
    "Id",
    "IsDeleted",
    "MasterRecordId",
    "AccountId",
    "LastName",
    "FirstName",
    "Salutation",
    "Name",
    "MailingStreet",
    "MailingCity",
    "MailingPostalCode",
    "MailingCountry",
    "Phone",
    "MobilePhone",
    "Email",
    "Title",
    "Department",
    "LeadSource",
    "Birthdate",
    "Description",
    "OwnerId",
    "HasOptedOutOfEmail",
    "CreatedDate",
    "LastModifiedDate",
    "LastActivityDate",
];

/// Given name, and how it is spelled in a mail address.
const GIVEN: [&str; 40] = [
    "Anna",
    "Jörg",
    "Zoë",
    "Marie",
    "François",
    "Thomas",
    "Søren",
    "Claire",
    "Łukasz",
    "Peter",
    "Hélène",
    "Sophie",
    "Jürgen",
    "Paul",
    "Renée",
    "Julia",
    "Matthias",
    "Nathalie",
    "Björn",
    "Laura",
    "Michel",
    "Katrin",
    "André",
    "Lena",
    "Pierre",
    "Stefan",
    "Émilie",
    "Martin",
    "Sabine",
    "Olivier",
    "Käthe",
    "Nicolas",
    "Ulrike",
    "Lucas",
    "Agnès",
    "Robert",
    "Christine",
    "Jens",
    "Camille",
    "Frank",
];
const FAMILY: [&str; 48] = [
    "Müller",
    "Schmidt",
    "Lefèvre",
    "Martin",
    "Schröder",
    "Dubois",
    "Weber",
    "Núñez",
    "Becker",
    "Laurent",
    "Großmann",
    "Petit",
    "Wagner",
    "Girard",
    "Kowalski",
    "Koch",
    "Fournier",
    "Jäger",
    "Richter",
    "Moreau",
    "Wolf",
    "Garnier",
    "Neumann",
    "Rousseau",
    "Zimmermann",
    "Faure",
    "Braun",
    "Mercier",
    "Hofmann",
    "Blanc",
    "Krüger",
    "Gauthier",
    "Hartmann",
    "Perrin",
    "Lange",
    "Morel",
    "Krause",
    "Henry",
    "Lehmann",
    "Roussel",
    "Köhler",
    "Mathieu",
    "Maier",
    "Masson",
    "Schulz",
    "Chevalier",
    "Franke",
    "Bonnet",
];
/// City, first digits of its postal codes, country, its dialling code within the country.
const CITIES: [(&str, &str, &str, &str); 40] = [
    ("Berlin", "10", "Germany", "30"),
    ("Hamburg", "20", "Germany", "40"),
    ("München", "80", "Germany", "89"),
    ("Köln", "50", "Germany", "221"),
    ("Frankfurt am Main", "60", "Germany", "69"),
    ("Stuttgart", "70", "Germany", "711"),
    ("Düsseldorf", "40", "Germany", "211"),
    ("Leipzig", "04", "Germany", "341"),
    ("Dortmund", "44", "Germany", "231"),
    ("Essen", "45", "Germany", "201"),
    ("Bremen", "28", "Germany", "421"),
    ("Dresden", "01", "Germany", "351"),
    ("Hannover", "30", "Germany", "511"),
    ("Nürnberg", "90", "Germany", "911"),
    ("Duisburg", "47", "Germany", "203"),
    ("Münster", "48", "Germany", "251"),
    ("Saarbrücken", "66", "Germany", "681"),
    ("Lübeck", "23", "Germany", "451"),
    ("Würzburg", "97", "Germany", "931"),
    ("Göttingen", "37", "Germany", "551"),
    ("Paris", "75", "France", "1"),
    ("Lyon", "69", "France", "4"),
    ("Marseille", "13", "France", "4"),
    ("Toulouse", "31", "France", "5"),
    ("Nice", "06", "France", "4"),
    ("Nantes", "44", "France", "2"),
    ("Strasbourg", "67", "France", "3"),
    ("Bordeaux", "33", "France", "5"),
    ("Lille", "59", "France", "3"),
    ("Rennes", "35", "France", "2"),
    ("Saint-Étienne", "42", "France", "4"),
    ("Orléans", "45", "France", "2"),
    ("Wien", "10", "Austria", "1"),
    ("Graz", "80", "Austria", "316"),
    ("Salzburg", "50", "Austria", "662"),
    ("Zürich", "80", "Switzerland", "44"),
    ("Bern", "30", "Switzerland", "31"),
    ("Genève", "12", "Switzerland", "22"),
    ("Bruxelles", "10", "Belgium", "2"),
    ("Liège", "40", "Belgium", "4"),
];
const DOMAINS: [&str; 10] = [
    "example.com",
    "example.org",
    "example.net",
    "mail.example.com",
    "firma.example",
    "office.example.org",
    "post.example.net",
    "werk.example",
    "kunden.example.com",
    "münchen.example",
];
const STREETS: [&str; 8] = [
    "Hauptstraße",
    "Rue de la République",
    "Bahnhofstraße",
    "Avenue Victor Hugo",
    "Gartenweg",
    "Place d'Armes",
    "Königsallee",
    "Am alten Markt",
];
const TITLES: [&str; 10] = [
    "Einkäufer",
    "Head of Sales",
    "Geschäftsführer",
    "Directeur général",
    "Ingenieurin",
    "Buyer",
    "CTO",
    "Assistentin der Geschäftsleitung",
    "Responsable qualité",
    "Project manager",
];
const DEPARTMENTS: [&str; 6] = ["Einkauf", "Sales", "Direction", "Qualité", "Forschung & Entwicklung", "IT"];
const LEAD_SOURCES: [&str; 8] =
    ["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Trade Show", "Other", "Messe", "Salon"];
const NOTES: [&str; 8] = [
    "Met at the fair; asked for the new price list.",
    "Möchte im nächsten Quartal wieder angerufen werden.",
    "Préfère être contactée le matin, avant 10 h.",
    "Wants an offer for 20 units, delivery in May.",
    "Told us: \"\"not before the summer\"\", call again.",
    "Interessiert an der Schulung in Köln, Budget ist frei.",
    "Rappeler après les vacances, dossier \"\"urgent\"\" en attente.",
    "Long-standing customer, second contact beside the buyer.",
];
const SALUTATIONS: [&str; 5] = ["", "Herr", "Frau", "Monsieur", "Madame"];
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Seconds of 2026-05-31T00:00:00Z: the newest day in the export.
const NEWEST: i64 = 1_780_185_600;
const DAY: i64 = 86_400;

/// SplitMix64 over the row number: any row can be made without those before it.
struct Dice(u64);

impl Dice {
    fn of_row(row: u64, stream: u64) -> Self {
        Dice(row.wrapping_mul(0xd134_2543_de82_ef95) ^ stream.wrapping_mul(0xa076_1d64_78bd_642f))
    }
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.roll()) * u128::from(n)) >> 64) as u64
    }
    fn word(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len() as u64) as usize]
    }
    fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }
}

/// An 18-character Salesforce id: object prefix, instance, counter, checksum of the letters' case.
fn salesforce_id(prefix: &str, mut counter: u64) -> [u8; 18] {
    let mut id = *b"___Dn00000______00";
    id[..3].copy_from_slice(prefix.as_bytes());
    for place in id[8..15].iter_mut().rev() {
        *place = BASE62[(counter % 62) as usize];
        counter /= 62;
    }
    for block in 0..3 {
        let upper = (0..5).filter(|&k| id[block * 5 + k].is_ascii_uppercase()).fold(0usize, |bits, k| bits | 1 << k);
        id[15 + block] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[upper];
    }
    id
}

/// Year, month, day of a count of days since 1970 (Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

/// A two-digit number.
fn two(out: &mut Vec<u8>, value: i64) {
    out.extend([b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]);
}

fn date(out: &mut Vec<u8>, seconds: i64) {
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    two(out, year / 100);
    two(out, year % 100);
    out.push(b'-');
    two(out, month);
    out.push(b'-');
    two(out, day);
}

fn instant(out: &mut Vec<u8>, seconds: i64) {
    date(out, seconds);
    let second = seconds.rem_euclid(DAY);
    out.push(b'T');
    two(out, second / 3600);
    out.push(b':');
    two(out, second / 60 % 60);
    out.push(b':');
    two(out, second % 60);
    out.extend(b".000Z");
}

fn digits(out: &mut Vec<u8>, dice: &mut Dice, count: u64) {
    let lead = dice.below(9) + 1;
    out.push(b'0' + lead as u8);
    for _ in 1..count {
        out.push(b'0' + dice.below(10) as u8);
    }
}

/// A landline number as people type them: mostly plain international or plain national, some of everything else.
fn landline(out: &mut Vec<u8>, dice: &mut Dice, country: &str, area: &str) {
    let code = match country {
        "Germany" => "49",
        "France" => "33",
        "Austria" => "43",
        "Switzerland" => "41",
        _ => "32",
    };
    let shape = dice.below(100);
    let national = country == "Germany" && (50..80).contains(&shape);
    match shape {
        _ if national => write_all(out, &["0", area, " "]),
        95..=96 if country == "Germany" => write_all(out, &["(0", area, ") "]),
        80..=89 => write_all(out, &["+", code, area]),
        90..=94 => write_all(out, &["00", code, " ", area, " "]),
        97..=98 => write_all(out, &["+", code, " (0) ", area, " "]),
        _ => write_all(out, &["+", code, " ", area, " "]),
    }
    match country {
        "France" | "Belgium" | "Switzerland" => pairs(out, dice, if country == "Switzerland" { 7 } else { 8 }),
        _ => digits(out, dice, 7),
    }
    if shape == 99 {
        write_all(out, &[" ext. "]);
        digits(out, dice, 2);
    }
}

/// Digits in groups of two, as in France.
fn pairs(out: &mut Vec<u8>, dice: &mut Dice, count: u64) {
    digits(out, dice, count % 2 + 2);
    for _ in 1..count / 2 {
        out.push(b' ');
        two(out, dice.below(100) as i64);
    }
}

fn mobile(out: &mut Vec<u8>, dice: &mut Dice) {
    match dice.below(4) {
        0 => write_all(out, &["+49 170 "]),
        1 => write_all(out, &["0171 "]),
        2 => write_all(out, &["+49151"]),
        _ => {
            write_all(out, &["+33 6 "]);
            return pairs(out, dice, 8);
        }
    }
    digits(out, dice, 7);
}

fn write_all(out: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        out.extend(part.as_bytes());
    }
}

fn number(out: &mut Vec<u8>, value: u64) {
    // A Vec never fails to take bytes.
    let _ = write!(out, "{value}");
}

/// How a name is spelled in an address: two thirds of the addresses with plain letters only.
fn address_name(out: &mut Vec<u8>, name: &str, plain: bool) {
    for letter in name.chars() {
        let ascii = match letter {
            'ä' | 'Ä' => "ae",
            'ö' | 'Ö' | 'ø' => "oe",
            'ü' | 'Ü' => "ue",
            'ß' => "ss",
            'é' | 'è' | 'ë' | 'É' => "e",
            'ç' => "c",
            'ñ' => "n",
            'ú' => "u",
            'Ł' => "l",
            _ => "",
        };
        match ascii {
            _ if plain && !ascii.is_empty() => out.extend(ascii.as_bytes()),
            _ => out.extend(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// A person's address, the same whenever it is asked for; none for one in twenty.
fn email(out: &mut Vec<u8>, row: u64) {
    let mut dice = Dice::of_row(row, 2);
    if dice.percent(5) {
        return;
    }
    let (given, family, plain) = (given(row), family(row), dice.percent(55));
    address_name(out, given, plain);
    out.push(if dice.percent(80) { b'.' } else { b'_' });
    address_name(out, family, plain);
    number(out, row);
    let domain = if dice.percent(98) { dice.below(9) as usize } else { 9 };
    write_all(out, &["@", DOMAINS[domain]]);
}

fn given(row: u64) -> &'static str {
    Dice::of_row(row, 3).word(&GIVEN)
}

fn family(row: u64) -> &'static str {
    Dice::of_row(row, 4).word(&FAMILY)
}

/// Opens the next quoted cell.
fn next(out: &mut Vec<u8>) {
    out.extend(b"\",\"");
}

fn contact(out: &mut Vec<u8>, row: u64, rows: u64) {
    let dice = &mut Dice::of_row(row, 1);
    let (city, postal, country, area) = CITIES[dice.below(CITIES.len() as u64) as usize];
    let placed = !dice.percent(3);
    out.push(b'"');
    out.extend(salesforce_id("003", row));
    next(out);
    write_all(out, &[if dice.percent(2) { "true" } else { "false" }]);
    next(out);
    next(out);
    if !dice.percent(2) {
        out.extend(salesforce_id("001", dice.below((rows * 3 / 20).max(1))));
    }
    next(out);
    write_all(out, &[family(row), "\",\"", given(row), "\",\"", dice.word(&SALUTATIONS), "\",\""]);
    write_all(out, &[given(row), " ", family(row), "\",\""]);
    address(out, dice, placed.then_some((city, postal, country)));
    next(out);
    if !dice.percent(10) {
        landline(out, dice, country, area);
    }
    next(out);
    if dice.percent(55) {
        mobile(out, dice);
    }
    next(out);
    email(out, row);
    next(out);
    write_all(out, &[dice.word(&TITLES), "\",\"", dice.word(&DEPARTMENTS), "\",\"", dice.word(&LEAD_SOURCES), "\",\""]);
    if !dice.percent(10) {
        date(out, (dice.below(60 * 365) as i64 - 25 * 365) * DAY);
    }
    next(out);
    description(out, dice);
    next(out);
    out.extend(salesforce_id("005", dice.below(400)));
    next(out);
    write_all(out, &[if dice.percent(12) { "true" } else { "false" }]);
    next(out);
    times(out, dice);
    out.extend(b"\"\r\n");
}

fn address(out: &mut Vec<u8>, dice: &mut Dice, place: Option<(&str, &str, &str)>) {
    let Some((city, postal, country)) = place else {
        return out.extend(b"\",\"\",\"\",\"");
    };
    write_all(out, &[dice.word(&STREETS), " "]);
    number(out, dice.below(150) + 1);
    if dice.percent(20) {
        write_all(out, &["\nHinterhaus, 2. Stock"]);
    }
    write_all(out, &["\",\"", city, "\",\"", postal]);
    let rest = if matches!(country, "Germany" | "France") { 3 } else { 2 };
    digits(out, dice, rest);
    write_all(out, &["\",\"", country]);
}

/// Free text of several lines, some with quotes in it.
fn description(out: &mut Vec<u8>, dice: &mut Dice) {
    let lines = dice.below(4);
    for line in 0..lines {
        if line > 0 {
            out.extend(b"\r\n");
        }
        write_all(out, &[dice.word(&NOTES)]);
    }
}

/// Created, modified, last activity. About a quarter of the people have been silent for more than three years.
fn times(out: &mut Vec<u8>, dice: &mut Dice) {
    let created = NEWEST - dice.below(12 * 365) as i64 * DAY - dice.below(DAY as u64) as i64;
    let age = (NEWEST - created) / DAY;
    instant(out, created);
    next(out);
    let silent = dice.percent(27);
    let quiet = if silent { 1096 + dice.below(2200) as i64 } else { dice.below(1090) as i64 };
    let active = NEWEST - quiet.min(age) * DAY;
    instant(out, active + 43_000);
    next(out);
    if !dice.percent(6) {
        date(out, active);
    }
}

fn requested(row: u64) -> bool {
    Dice::of_row(row, 5).below(50) == 0
}

/// One erasure request in three names the id, one the address (not always as the CRM spells it), one both.
fn request(out: &mut Vec<u8>, row: u64) {
    let mut dice = Dice::of_row(row, 6);
    let mut address = Vec::new();
    email(&mut address, row);
    let named = dice.below(3);
    write_all(out, &["E-"]);
    number(out, row);
    out.push(b',');
    date(out, NEWEST - dice.below(900) as i64 * DAY);
    out.push(b',');
    if named != 1 || address.is_empty() {
        out.extend(salesforce_id("003", row));
    }
    out.push(b',');
    if named != 0 {
        if dice.percent(20) {
            address.make_ascii_uppercase();
        }
        out.extend(address);
    }
    out.extend(b"\r\n");
}

/// Writes through `row` in pieces of about a megabyte.
fn write_rows(path: &Path, header: &str, rows: u64, row: impl Fn(&mut Vec<u8>, u64)) -> Result<()> {
    let mut file = BufWriter::with_capacity(1 << 16, File::create(path)?);
    let mut out = Vec::with_capacity(1 << 21);
    out.extend(header.as_bytes());
    for number in 0..rows {
        row(&mut out, number);
        if out.len() > 1 << 20 {
            file.write_all(&out)?;
            out.clear();
        }
    }
    file.write_all(&out)?;
    file.flush()
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (Some(Ok(rows)), Some(folder)) = (arguments.first().map(|n| n.parse::<u64>()), arguments.get(1)) else {
        return Err(std::io::Error::other("usage: generate ROWS FOLDER"));
    };
    let folder = Path::new(folder);
    std::fs::create_dir_all(folder)?;
    let header = format!("\"{}\"\r\n", COLUMNS.join("\",\""));
    write_rows(&folder.join("contacts.csv"), &header, rows, |out, row| contact(out, row, rows))?;
    write_rows(&folder.join("erasure.csv"), "Case,RequestedAt,ContactId,Email\r\n", rows, |out, row| {
        if requested(row) {
            request(out, row);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_carry_the_checksum_of_their_letters_r7() {
        assert_eq!(&salesforce_id("003", 0), b"003Dn0000000000IAA");
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(NEWEST / DAY), (2026, 5, 31));
        assert_eq!(civil(-1), (1969, 12, 31));
        assert_eq!(civil(11_016), (2000, 2, 29));
    }

    #[test]
    fn every_row_has_all_cells() {
        let mut out = Vec::new();
        for row in 0..1000 {
            out.clear();
            contact(&mut out, row, 1000);
            assert_eq!(out.windows(3).filter(|w| w == b"\",\"").count(), COLUMNS.len() - 1, "row {row}");
        }
    }
}
