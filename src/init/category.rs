//! The category that a column's name and form suggest, and why. The first that fits is taken; what nothing fits is
//! guarded. Must not know CRMs.

use super::column::{PeekColumn, Value};
use super::shape::Shape;

/// A category as sources write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuessedCategory {
    /// Names and ids of persons.
    Identity,
    /// Ways to reach a person.
    Contact,
    /// Where a person is.
    Location,
    /// Age, sex, language.
    Demographic,
    /// What a company keeps of its business with a person.
    Business,
    /// What a person did.
    Behaviour,
    /// Money and accounts.
    Financial,
    /// Special categories of Art. 9 GDPR.
    Special,
    /// What somebody wrote.
    FreeText,
    /// Of the system.
    Technical,
    /// What never leaves.
    Secret,
}

impl GuessedCategory {
    /// Returns the name as sources write it.
    pub fn name(self) -> &'static str {
        match self {
            GuessedCategory::Identity => "identity",
            GuessedCategory::Contact => "contact",
            GuessedCategory::Location => "location",
            GuessedCategory::Demographic => "demographic",
            GuessedCategory::Business => "business",
            GuessedCategory::Behaviour => "behaviour",
            GuessedCategory::Financial => "financial",
            GuessedCategory::Special => "special",
            GuessedCategory::FreeText => "free-text",
            GuessedCategory::Technical => "technical",
            GuessedCategory::Secret => "secret",
        }
    }

    /// Returns whether fields made from it are quasi-identifiers unless the source says otherwise.
    pub fn quasi(self) -> bool {
        matches!(self, GuessedCategory::Location | GuessedCategory::Demographic | GuessedCategory::Behaviour)
    }
}

/// Parts of names, as `plain` leaves them, in the order in which they are looked for.
const WORDS: [(GuessedCategory, &[&str]); 12] = [
    (
        GuessedCategory::Secret,
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
        ],
    ),
    (
        GuessedCategory::Special,
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
        GuessedCategory::Contact,
        &["optout", "optin", "donotemail", "donotphone", "donotcall", "donotbulk", "donotfax", "donotpostal"],
    ),
    (
        GuessedCategory::Contact,
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
        GuessedCategory::Location,
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
        GuessedCategory::Demographic,
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
        GuessedCategory::FreeText,
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
        GuessedCategory::Financial,
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
        GuessedCategory::Identity,
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
        GuessedCategory::Business,
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
        GuessedCategory::Behaviour,
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
        GuessedCategory::Technical,
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

/// Letters and digits of a name, in lower case.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns the category of a column and the reason, in words.
pub(super) fn of(column: &PeekColumn) -> (GuessedCategory, String) {
    let name = plain(&column.name);
    if let Some(shape) = column.looks
        && let Some(category) = of_shape(shape)
    {
        return (category, format!("looks like {}", shape.name()));
    }
    let words = name_words(&column.name);
    let is_name = name == "name" || words.last().is_some_and(|word| word == "name") && !name.contains("company");
    if is_name
        && !words
            .iter()
            .any(|word| ["account", "organization", "organisation", "product", "deal"].contains(&word.as_str()))
    {
        return (GuessedCategory::Identity, "a name".into());
    }
    let dated = matches!(column.value, Value::Dates(_) | Value::Epoch { .. });
    for (category, parts) in WORDS {
        let Some(part) = parts.iter().find(|part| hit(&name, &words, part)) else { continue };
        match category {
            // A time at which something was done is no address and no text.
            GuessedCategory::Contact
            | GuessedCategory::FreeText
            | GuessedCategory::Location
            | GuessedCategory::Financial
                if dated =>
            {
                return (GuessedCategory::Technical, "a date".into());
            }
            _ => return (category, format!("its name says {part}")),
        }
    }
    rest(column, dated)
}

fn rest(column: &PeekColumn, dated: bool) -> (GuessedCategory, String) {
    match &column.value {
        _ if dated => (GuessedCategory::Technical, "a date".into()),
        _ if column.looks == Some(Shape::Url) => (GuessedCategory::Business, "a web address".into()),
        Value::Empty => (GuessedCategory::Technical, "empty in the sample".into()),
        Value::Boolean => (GuessedCategory::Business, "yes or no".into()),
        _ if column.distinct <= 50 && column.distinct * 3 <= column.filled => {
            (GuessedCategory::Business, "few values".into())
        }
        _ => (GuessedCategory::Identity, "many values and nothing that says what they are: guarded".into()),
    }
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

/// The words of a name: at blanks, marks and changes to capitals.
pub(super) fn name_words(name: &str) -> Vec<String> {
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

fn of_shape(shape: Shape) -> Option<GuessedCategory> {
    Some(match shape {
        Shape::Email | Shape::NamedEmail | Shape::Emails | Shape::Phone => GuessedCategory::Contact,
        Shape::Iban => GuessedCategory::Financial,
        Shape::Card | Shape::NationalId => GuessedCategory::Secret,
        Shape::Ip | Shape::Guid | Shape::SalesforceId | Shape::Digest | Shape::MergedIds => GuessedCategory::Identity,
        Shape::UrlWithId => GuessedCategory::Identity,
        Shape::FreeText | Shape::Json => GuessedCategory::FreeText,
        Shape::Url => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::column::ColumnCells;
    use super::*;

    fn told(name: &str, cells: &[&str]) -> GuessedCategory {
        let mut gathered = ColumnCells::default();
        cells.iter().for_each(|cell| gathered.take(cell));
        of(&gathered.facts(name)).0
    }

    #[test]
    fn categories_follow_form_before_name() {
        for (name, cell, category) in [
            ("Reference", "ada@shop.example", GuessedCategory::Contact),
            ("Card_Number__c", "x", GuessedCategory::Secret),
            ("FirstName", "Ada", GuessedCategory::Identity),
            ("Name", "Ada", GuessedCategory::Identity),
            ("Account Name", "Ada", GuessedCategory::Business),
            ("MailingCity", "Ulm", GuessedCategory::Location),
            ("EmailBouncedDate", "2024-05-01", GuessedCategory::Technical),
            ("Birthdate", "1984-05-01", GuessedCategory::Demographic),
            ("HasOptedOutOfEmail", "true", GuessedCategory::Contact),
            ("Report", "Ulm", GuessedCategory::Identity),
            ("LeadSource", "Web", GuessedCategory::Business),
            ("Description", "x", GuessedCategory::FreeText),
            ("Religion__c", "x", GuessedCategory::Special),
            ("CreatedDate", "2024-05-01", GuessedCategory::Technical),
            ("Xyz", "x", GuessedCategory::Identity),
            ("SSN__c", "x", GuessedCategory::Secret),
            ("BILLINGCITY", "Ulm", GuessedCategory::Location),
        ] {
            assert_eq!(told(name, &[cell]), category, "{name}");
        }
        assert_eq!(told("Xyz", &["a", "a", "a", "b", "b", "b"]), GuessedCategory::Business);
    }

    #[test]
    fn names_are_cut_into_words() {
        assert_eq!(name_words("Person - Email_Work"), ["person", "email", "work"]);
        assert_eq!(name_words("MailingPostalCode"), ["mailing", "postal", "code"]);
        assert_eq!(name_words("OPTIN_TIME"), ["optin", "time"]);
    }
}
