//! The category that a column's name and form suggest, and why. A name that says secret comes first, then the form;
//! what nothing fits is guarded.

use super::column::{PeekColumn, Value};
use super::shape::Shape;
use crate::policy::{Category, is_birth, name_says, name_words, plain};

/// Returns the category of a column and the reason, in words.
pub(super) fn of(column: &PeekColumn) -> (Category, String) {
    let name = plain(&column.name);
    // Numbers of persons look like phones, dates or counts.
    if let Some((Category::Secret, part)) = name_says(&column.name) {
        return (Category::Secret, format!("its name says {part}"));
    }
    let dated = matches!(column.value, Value::Dates(_) | Value::Epoch { .. });
    let may_be_dated = dated || matches!(column.value, Value::ShortYears | Value::Empty | Value::Integer);
    if is_birth(&column.name) && may_be_dated {
        return (Category::Demographic, "a date of birth".into());
    }
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
    match name_says(&column.name) {
        // A time at which something was done is no address and no text.
        Some((Category::Contact | Category::FreeText | Category::Location | Category::Financial, _)) if dated => {
            (Category::Technical, "a date".into())
        }
        Some((category, part)) => (category, format!("its name says {part}")),
        None => rest(column, dated),
    }
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
    use crate::clock::Instant;

    fn told(name: &str, cells: &[&str]) -> Category {
        let mut gathered = ColumnCells::default();
        cells.iter().for_each(|cell| gathered.take(cell));
        of(&gathered.facts(name, Instant(1_795_000_000_000_000))).0
    }

    #[test]
    fn a_secret_name_comes_before_the_form_and_the_form_before_other_names() {
        for (name, cell, category) in [
            ("Reference", "ada@shop.example", Category::Contact),
            ("Card_Number__c", "4111 1111 1111 1111", Category::Secret),
            ("SSN", "536-22-1234", Category::Secret),
            ("Social Security Number", "536-22-1234", Category::Secret),
            ("NIR", "1840578006084", Category::Secret),
            ("Steuer-ID", "86095742719", Category::Secret),
            ("National Insurance No", "QQ 12 34 56 C", Category::Secret),
            ("DOB", "1984-05-01", Category::Demographic),
            ("Geburtsdatum", "01.05.1984", Category::Demographic),
            ("Date de naissance", "", Category::Demographic),
            ("BirthCity", "Ulm", Category::Location),
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
            ("SSN__c", "(536) 22-1234", Category::Secret),
            ("BILLINGCITY", "Ulm", Category::Location),
        ] {
            assert_eq!(told(name, &[cell]), category, "{name}");
        }
        assert_eq!(told("Xyz", &["a", "a", "a", "b", "b", "b"]), Category::Business);
    }
}
