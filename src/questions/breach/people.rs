//! How many people are in files that somebody could read, and in which countries, where a field says it: from
//! companions, and for countries from the published column beside them.

use super::versions::ReadableFile;
use crate::error::Result;
use crate::policy::name_words;
use crate::publish::{Companions, Target, show_column};
use crate::store::Root;
use std::collections::{BTreeMap, BTreeSet};

/// Words by which a field says that it is a country.
const COUNTRY: [&str; 5] = ["country", "countrycode", "land", "pays", "nation"];

/// What was counted of one table.
#[derive(Default)]
pub(super) struct CountedPeople {
    /// Keys of the people, each once, in order.
    pub keys: Vec<[u8; 16]>,
    /// Rows of files whose companions are gone.
    pub rows_only: u64,
    /// Rows of all files.
    pub rows: u64,
    /// People by country.
    pub countries: BTreeMap<String, u64>,
}

/// Returns the first name of a field that says a country.
pub(super) fn country_field<'a>(fields: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Option<String> {
    let says = |name: &str| name_words(name).iter().any(|word| COUNTRY.contains(&word.as_str()));
    let is = |(name, from): &(&str, Option<&str>)| says(name) || from.is_some_and(says);
    fields.into_iter().find(is).map(|(name, _)| name.to_owned())
}

/// Where published files are, to look at one column of them.
pub(super) struct CountryColumn<'a> {
    pub lake: &'a Root,
    pub table: &'a str,
    pub field: &'a str,
}

/// Counts the people of files. A person who is in several files counts once.
///
/// # Errors
/// Evidence and storage errors of companions and files.
pub(super) fn count(
    state: &Root,
    files: &BTreeMap<String, ReadableFile>,
    country: Option<&CountryColumn<'_>>,
) -> Result<CountedPeople> {
    let mut counted = CountedPeople::default();
    let mut countries: BTreeMap<String, BTreeSet<[u8; 16]>> = BTreeMap::new();
    for (path, file) in files {
        counted.rows += file.rows;
        let Some(companion) = &file.companion else {
            counted.rows_only += file.rows;
            continue;
        };
        let values = country.map(|country| country.values(state, path)).transpose()?.flatten();
        let (mut companions, mut at) = (Companions::open_persons(state, companion)?, 0);
        while let Some(group) = companions.next_group()? {
            for row in 0..group.rows() {
                let person = *group.person(row);
                counted.keys.push(person);
                if let Some(value) = values.as_ref().and_then(|values| values.get(at + row)) {
                    let name = value.clone().unwrap_or_else(|| "not said".into());
                    countries.entry(name).or_default().insert(person);
                }
            }
            at += group.rows();
        }
    }
    counted.keys.sort_unstable();
    counted.keys.dedup();
    counted.countries = countries.into_iter().map(|(name, people)| (name, people.len() as u64)).collect();
    Ok(counted)
}

impl CountryColumn<'_> {
    /// The column's values, row for row; none when the file has no such column.
    fn values(&self, state: &Root, path: &str) -> Result<Option<Vec<Option<String>>>> {
        let target = Target { lake: self.lake, path: self.table, state, companions: "" };
        show_column(&target, path.strip_prefix(&format!("{}/", self.table)).unwrap_or(path), self.field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_says_a_country_by_its_name_or_that_of_its_column() {
        let field = |name, from| country_field([("city", Some("MailingCity")), (name, from)].into_iter());
        assert_eq!(field("country", None).as_deref(), Some("country"));
        assert_eq!(field("region", Some("MailingCountry")).as_deref(), Some("region"));
        assert_eq!(field("landing_page", Some("LandingPage")), None);
        assert_eq!(field("account", Some("AccountId")), None);
    }
}
