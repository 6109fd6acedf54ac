//! The made-up people of a practice: the same seed and the same day give the same export. Addresses are of reserved
//! domains.

use jiff::Span;
use jiff::civil::Date;
use std::fmt::Write;

const FIRST: [&str; 12] =
    ["Ada", "Bruno", "Carla", "Dario", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Lars"];
const LAST: [&str; 12] = [
    "Beispiel",
    "Fiktiv",
    "Muster",
    "Probe",
    "Exempel",
    "Vorlage",
    "Modell",
    "Skizze",
    "Entwurf",
    "Schema",
    "Muster-Probe",
    "Testfall",
];
const CITIES: [(&str, &str); 6] =
    [("Berlin", "10"), ("Hamburg", "20"), ("Köln", "50"), ("München", "80"), ("Leipzig", "04"), ("Kleinstadt", "99")];
const FAVOURITES: [&str; 4] = ["espresso", "filter", "decaf", "cold brew"];
const NOTES: [&str; 4] = ["", "", "wants a call back in spring", "lives with Carla, who is ill"];
const ALLERGIES: [&str; 5] = ["", "", "", "", "lactose"];
const PEOPLE: u64 = 300;

/// Numbers that look like chance and are not: SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}

/// Returns a day so many days before another one.
pub(super) fn days_before(today: Date, days: u64) -> Date {
    today.checked_sub(Span::new().days(days as i64)).unwrap_or(today)
}

/// Returns the export of a practice as CSV, with last activities in the two years before a day.
pub fn export(seed: u64, today: Date) -> String {
    let mut dice = Dice(seed);
    let mut out = String::from(
        "Id,Name,Email,City,PostalCode,Birthdate,Allergies__c,Notes__c,Portal_Password__c,Newsletter__c,Favourite__c,\
         Spend__c,Invoice__c,LastActivityDate\n",
    );
    for number in 1..=PEOPLE {
        let (city, area) = dice.pick(&CITIES);
        let name = format!("{} {}", dice.pick(&FIRST), dice.pick(&LAST));
        let born = format!("{}-{:02}-{:02}", 1940 + dice.below(70), 1 + dice.below(12), 1 + dice.below(28));
        let seen = days_before(today, dice.below(700));
        let letters = if dice.below(3) == 0 { "true" } else { "false" };
        let (allergies, notes, favourite) = (dice.pick(&ALLERGIES), dice.pick(&NOTES), dice.pick(&FAVOURITES));
        let (spend, password) = (format!("{}.{:02}", dice.below(900), dice.below(100)), dice.next());
        let code = format!("{area}{:03}", dice.below(1000));
        let _ = writeln!(
            out,
            "C{number:05},{name},person{number}@example.com,{city},{code},{born},{allergies},\"{notes}\",{password:016x},\
             {letters},{favourite},{spend},I-{number:05},{seen}"
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_people_and_another_one_others() {
        let day = Date::constant(2026, 11, 27);
        assert_eq!(export(7, day), export(7, day));
        assert_ne!(export(7, day), export(8, day));
        let lines: Vec<String> = export(7, day).lines().map(str::to_owned).collect();
        assert_eq!(lines.len() as u64, PEOPLE + 1);
        assert!(lines[1..].iter().all(|line| line.contains("@example.com") && line.split(',').count() >= 14));
    }
}
