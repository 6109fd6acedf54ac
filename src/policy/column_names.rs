//! The category that the name of a column suggests, and whether it sounds like a person.

use super::spec::Category;

/// Parts of names, as `plain` leaves them, in the order in which they are looked for.
const WORDS: [(Category, &[&str]); 12] = [
    (
        Category::Secret,
        &[
            "password",
            "passwd",
            "secret",
            "apikey",
            "accesstoken",
            "sessionid",
            "ssn",
            "socialsecurity",
            "passport",
            "governmentid",
            "taxid",
            "nationalid",
            "creditcard",
            "cardnumber",
            "cvv",
            "passwort",
            "kennwort",
            "motdepasse",
            "nationalinsurance",
            "socialinsurance",
            "sozialversicherung",
            "s\u{e9}curit\u{e9}sociale",
            "securitesociale",
            "steuerid",
            "steueridentifikation",
            "steuernummer",
            "taxnumber",
            "identitycard",
            "ausweis",
            "reisepass",
            "driverlicen",
            "driverslicen",
            "drivinglicen",
            "f\u{fc}hrerschein",
            "fuehrerschein",
            "personnummer",
            "codicefiscale",
            "aadhaar",
            "pesel",
            "nino",
            "svnr",
            "nir",
            "bsn",
            "cpf",
            "dni",
            "nif",
        ],
    ),
    (
        Category::Special,
        &[
            "religio",
            "ethnic",
            "health",
            "disabilit",
            "diagnos",
            "union",
            "politic",
            "sexualorient",
            "allerg",
            "dietary",
        ],
    ),
    (
        Category::Contact,
        &["optout", "optin", "donotemail", "donotphone", "donotcall", "donotbulk", "donotfax", "donotpostal"],
    ),
    (
        Category::Contact,
        &[
            "email",
            "mail",
            "phone",
            "mobile",
            "fax",
            "telefon",
            "handy",
            "skype",
            "twitter",
            "linkedin",
            "facebook",
            "messenger",
        ],
    ),
    (
        Category::Location,
        &[
            "street",
            "city",
            "postal",
            "postcode",
            "zip",
            "address",
            "country",
            "state",
            "province",
            "region",
            "latitude",
            "longitude",
            "geocode",
            "strasse",
            "stra\u{df}e",
            "plz",
            "ort",
            "land",
            "timezone",
            "gmtoff",
            "dstoff",
        ],
    ),
    (
        Category::Demographic,
        &[
            "birth",
            "gender",
            "salutation",
            "anrede",
            "marital",
            "nationality",
            "language",
            "children",
            "spouse",
            "geschlecht",
        ],
    ),
    (
        Category::FreeText,
        &[
            "description",
            "note",
            "comment",
            "message",
            "body",
            "subject",
            "background",
            "remark",
            "bemerkung",
            "summary",
            "reason",
            "tags",
        ],
    ),
    (
        Category::Financial,
        &[
            "iban",
            "bankaccount",
            "salary",
            "income",
            "creditscore",
            "creditlimit",
            "balance",
            "revenue",
            "amount",
            "price",
            "spend",
            "payment",
        ],
    ),
    (
        Category::Identity,
        &[
            "firstname",
            "lastname",
            "fullname",
            "middlename",
            "surname",
            "nickname",
            "username",
            "login",
            "vorname",
            "nachname",
            "personname",
            "contactname",
            "photo",
            "avatar",
            "euid",
            "leid",
            "individual",
            "masterrecord",
            "merged",
        ],
    ),
    (
        Category::Business,
        &[
            "company",
            "account",
            "organi",
            "department",
            "title",
            "industry",
            "stage",
            "status",
            "type",
            "source",
            "owner",
            "segment",
            "rating",
            "campaign",
            "currency",
            "employees",
            "sic",
            "website",
            "group",
            "job",
            "lead",
            "deal",
            "pipeline",
            "lifecycle",
            "category",
            "site",
            "memberrating",
            "newsletter",
        ],
    ),
    (
        Category::Behaviour,
        &[
            "visit",
            "click",
            "open",
            "pageview",
            "session",
            "score",
            "points",
            "lastlogin",
            "lastseen",
            "firstseen",
            "useragent",
            "browser",
            "referrer",
        ],
    ),
    (
        Category::Technical,
        &[
            "created",
            "createdate",
            "modif",
            "updat",
            "sync",
            "deleted",
            "modstamp",
            "version",
            "date",
            "time",
            "active",
            "checksum",
            "dataareaid",
            "recid",
        ],
    ),
];

/// Parts of names that point at a person, as `plain` leaves them.
const PERSONS: [&str; 14] = [
    "contact",
    "person",
    "customer",
    "owner",
    "createdby",
    "modifiedby",
    "user",
    "leadid",
    "employee",
    "patient",
    "member",
    "assignee",
    "individual",
    "whoid",
];

/// Returns whether a column is called a time: a date, or when something was done.
pub fn says_time(name: &str) -> bool {
    let (letters, words) = (plain(name), name_words(name));
    ["date", "time", "stamp", "created", "modif", "datum", "zeit"].iter().any(|part| letters.contains(part))
        || words.last().is_some_and(|word| ["at", "on", "am", "since", "until", "ts"].contains(&word.as_str()))
}

/// Words that say which of several addresses one is, and stand after the word for mail.
const WHICH_ADDRESS: [&str; 14] = [
    "home",
    "work",
    "office",
    "business",
    "private",
    "privat",
    "personal",
    "other",
    "main",
    "primary",
    "secondary",
    "address",
    "adresse",
    "addr",
];

/// Ends of words for an e-mail address.
const MAILS: [&str; 6] = ["email", "emails", "mail", "mails", "mailadresse", "courriel"];

/// Parts of names of what is said about mail, and no address.
const ABOUT_MAIL: [&str; 14] = [
    "opted",
    "optin",
    "optout",
    "donot",
    "allow",
    "bounce",
    "subscri",
    "consent",
    "marketing",
    "number",
    "basis",
    "voice",
    "direct",
    "send",
];

/// Returns whether a column is called an e-mail address: its last word says so, but for a count and for which one it is.
pub fn says_email(name: &str) -> bool {
    let letters = plain(name);
    let words = name_words(name.trim_end_matches("__c").trim_end_matches("__C"));
    let bare = words.iter().map(|word| word.chars().filter(|c| !c.is_numeric()).collect::<String>());
    let told: Vec<String> = bare.filter(|word| !word.is_empty() && !WHICH_ADDRESS.contains(&word.as_str())).collect();
    let last = told.last().map(|word| word.trim_end_matches("address").trim_end_matches("adresse"));
    last.is_some_and(|word| MAILS.iter().any(|mail| word.ends_with(mail)))
        && !ABOUT_MAIL.iter().any(|part| letters.contains(part))
}

/// Returns letters and digits of a name, in lower case.
pub fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns the category that a name suggests, and the part of it that does.
pub fn name_says(name: &str) -> Option<(Category, &'static str)> {
    let (letters, words) = (plain(name), name_words(name));
    let part = |parts: &[&'static str]| parts.iter().find(|part| hit(&letters, &words, part)).copied();
    WORDS.iter().find_map(|(category, parts)| Some((*category, part(parts)?)))
}

/// Returns the part of a name that sounds like a person or of what is said about one; none where nothing does (R61).
pub(super) fn sounds_personal(name: &str) -> Option<&'static str> {
    let (letters, words) = (plain(name), name_words(name));
    let personal = WORDS.iter().filter(|(category, _)| category.personal() || *category == Category::Secret);
    let parts = personal.flat_map(|(_, parts)| parts.iter()).chain(&PERSONS);
    parts.copied().find(|part| hit(&letters, &words, part))
}

/// Short parts are looked for as words only, for `ort` is in `report`; those of four letters also at the end, as in
/// `BILLINGCITY`.
fn hit(name: &str, words: &[String], part: &str) -> bool {
    match part.len() {
        0..=3 => words.iter().any(|word| word == part),
        4 => words.iter().any(|word| word == part) || name.ends_with(part),
        _ => name.contains(part),
    }
}

/// Returns the words of a name: at blanks, marks and changes to capitals.
pub fn name_words(name: &str) -> Vec<String> {
    let (mut words, mut word, mut lower) = (Vec::new(), String::new(), false);
    for letter in name.chars() {
        if !letter.is_alphanumeric() || (lower && letter.is_uppercase()) {
            words.push(std::mem::take(&mut word));
        }
        lower = letter.is_lowercase();
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r61_names_that_sound_like_persons_are_told_from_things() {
        for name in
            ["Contact_Id__c", "E-Mail", "OwnerId", "CreatedById", "Birthdate", "mobile", "Vorname", "WhoId", "SSN"]
        {
            assert!(sounds_personal(name).is_some(), "{name}");
        }
        for name in ["Name", "ProductCode", "UnitPrice", "AccountId", "StageName", "CloseDate", "Family", "Report"] {
            assert_eq!(sounds_personal(name), None, "{name}");
        }
    }

    #[test]
    fn names_of_addresses_are_told_from_what_is_said_about_mail() {
        for name in [
            "Email",
            "E-Mail",
            "Email3",
            "Email 2",
            "email_work",
            "Person - Email - Home",
            "emailaddress1",
            "PRIMARYEMAILADDRESS",
            "npe01__WorkEmail__c",
            "Account Email",
            "E-Mail-Adresse",
            "property_hs_additional_emails",
        ] {
            assert!(says_email(name), "{name}");
        }
        for name in [
            "HasOptedOutOfEmail",
            "EmailBouncedDate",
            "Email Domain",
            "Unsubscribed from all email",
            "MailingStreet",
            "DoNotEmail",
            "Emails Opened",
            "Voicemail",
            "Name",
        ] {
            assert!(!says_email(name), "{name}");
        }
    }

    #[test]
    fn names_are_cut_into_words() {
        assert_eq!(name_words("Person - Email_Work"), ["person", "email", "work"]);
        assert_eq!(name_words("MailingPostalCode"), ["mailing", "postal", "code"]);
        assert_eq!(name_words("OPTIN_TIME"), ["optin", "time"]);
    }
}
