//! The category that a column's name and form suggest, and why. The first that fits is taken; what nothing fits is
//! guarded. Must not know CRMs.

use super::column::{PeekColumn, Value};
use super::shape::Shape;
use crate::policy::Category;

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

/// Letters and digits of a name, in lower case.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns the category of a column and the reason, in words.
pub(super) fn of(column: &PeekColumn) -> (Category, String) {
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
        return (Category::Identity, "a name".into());
    }
    let dated = matches!(column.value, Value::Dates(_) | Value::Epoch { .. });
    for (category, parts) in WORDS {
        let Some(part) = parts.iter().find(|part| hit(&name, &words, part)) else { continue };
        match category {
            // A time at which something was done is no address and no text.
            Category::Contact | Category::FreeText | Category::Location | Category::Financial if dated => {
                return (Category::Technical, "a date".into());
            }
            _ => return (category, format!("its name says {part}")),
        }
    }
    rest(column, dated)
}

fn rest(column: &PeekColumn, dated: bool) -> (Category, String) {
    match &column.value {
        _ if dated => (Category::Technical, "a date".into()),
        _ if column.looks == Some(Shape::Url) => (Category::Business, "a web address".into()),
        Value::Empty => (Category::Technical, "empty in the sample".into()),
        Value::Boolean => (Category::Business, "yes or no".into()),
        _ if column.distinct <= 50 && column.distinct * 3 <= column.filled => (Category::Business, "few values".into()),
        _ => (Category::Identity, "many values and nothing that says what they are: guarded".into()),
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

fn of_shape(shape: Shape) -> Option<Category> {
    Some(match shape {
        Shape::Email | Shape::NamedEmail | Shape::Emails | Shape::Phone => Category::Contact,
        Shape::Iban => Category::Financial,
        Shape::Card | Shape::NationalId => Category::Secret,
        Shape::Ip | Shape::Guid | Shape::SalesforceId | Shape::Digest | Shape::MergedIds => Category::Identity,
        Shape::UrlWithId => Category::Identity,
        Shape::FreeText | Shape::Json => Category::FreeText,
        Shape::Url => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::column::ColumnCells;
    use super::*;

    fn told(name: &str, cells: &[&str]) -> Category {
        let mut gathered = ColumnCells::default();
        cells.iter().for_each(|cell| gathered.take(cell));
        of(&gathered.facts(name)).0
    }

    #[test]
    fn categories_follow_form_before_name() {
        for (name, cell, category) in [
            ("Reference", "ada@shop.example", Category::Contact),
            ("Card_Number__c", "x", Category::Secret),
            ("FirstName", "Ada", Category::Identity),
            ("Name", "Ada", Category::Identity),
            ("Account Name", "Ada", Category::Business),
            ("MailingCity", "Ulm", Category::Location),
            ("EmailBouncedDate", "2024-05-01", Category::Technical),
            ("Birthdate", "1984-05-01", Category::Demographic),
            ("HasOptedOutOfEmail", "true", Category::Contact),
            ("Report", "Ulm", Category::Identity),
            ("LeadSource", "Web", Category::Business),
            ("Description", "x", Category::FreeText),
            ("Religion__c", "x", Category::Special),
            ("CreatedDate", "2024-05-01", Category::Technical),
            ("Xyz", "x", Category::Identity),
            ("SSN__c", "x", Category::Secret),
            ("BILLINGCITY", "Ulm", Category::Location),
        ] {
            assert_eq!(told(name, &[cell]), category, "{name}");
        }
        assert_eq!(told("Xyz", &["a", "a", "a", "b", "b", "b"]), Category::Business);
    }

    #[test]
    fn names_are_cut_into_words() {
        assert_eq!(name_words("Person - Email_Work"), ["person", "email", "work"]);
        assert_eq!(name_words("MailingPostalCode"), ["mailing", "postal", "code"]);
        assert_eq!(name_words("OPTIN_TIME"), ["optin", "time"]);
    }
}
