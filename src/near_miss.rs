//! Names that look like a wanted one without being it: for messages about names that are not there.
//! Must not know what the names are of.

use crate::invisible::is_unseen;
use crate::same_name::folded;

/// How many letters have to change for one text to become the other.
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Returns the place of the name that is nearest to the wanted one, where one is near: at most two letters differ, and at
/// most one in three, case and marks between words apart. Such a name says hardly more than the wanted one does, so that
/// it can be told even where nobody knows whether it is a name.
pub fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<usize> {
    let letters = |name: &str| {
        let marks = |c: &char| !c.is_whitespace() && !matches!(c, '_' | '-' | '.' | ':' | '/');
        folded(name).chars().filter(marks).collect::<String>()
    };
    let wanted = letters(wanted);
    let most = (wanted.chars().count() / 3).min(2);
    let near = |name: &str| Some(distance(&wanted, &letters(name))).filter(|far| *far <= most && !wanted.is_empty());
    names.enumerate().filter_map(|(at, name)| Some((near(name)?, at))).min().map(|(_, at)| at)
}

/// Says why a header does not have a name that is wanted though one of its names looks like it; none when nothing does.
/// `names` are trimmed and NFC.
pub fn in_header<'a>(wanted: &str, names: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
    let wanted_folded = folded(wanted);
    let Some((at, name)) = names.clone().enumerate().find(|(_, name)| folded(name) == wanted_folded) else {
        let at = nearest(wanted, names.clone())?;
        let name = names.into_iter().nth(at).unwrap_or_default();
        return Some(format!("column {} has nearly that name, {name}: was it renamed?", at + 1));
    };
    let unseen = name.chars().filter(|c| is_unseen(*c)).map(|c| format!("U+{:04X}", u32::from(c)));
    let unseen: Vec<String> = unseen.take(3).collect();
    Some(match unseen.is_empty() {
        true => format!("column {} has that name in another case: names must be equal", at + 1),
        false => format!(
            "column {} has that name with a character that nobody sees ({}): have it exported without",
            at + 1,
            unseen.join(", ")
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_only_looks_like_the_wanted_one_is_pointed_out() {
        let said = |names: &[&str]| in_header("Id", names.iter().copied());
        assert_eq!(said(&["a", "ID"]).as_deref(), Some("column 2 has that name in another case: names must be equal"));
        assert!(said(&["\u{200b}Id"]).is_some_and(|said| said.contains("column 1") && said.contains("U+200B")));
        assert_eq!(said(&["Idx"]), None);
    }

    #[test]
    fn near_names_differ_by_a_few_letters_or_by_how_words_are_joined() {
        let near = |wanted: &str, names: &[&str]| nearest(wanted, names.iter().copied());
        assert_eq!(near("MailingCity", &["City", "Mailing_City", "MailingCty"]), Some(1));
        assert_eq!(near("Email", &["Phone", "E-Mail"]), Some(1));
        assert_eq!(near("Email", &["anna@example.org", "Female", "Name"]), None);
        assert_eq!(near("Id", &["Ix", "I"]), None, "of two letters none may differ");
        assert_eq!(near("--", &["", "__"]), None);
    }
}
