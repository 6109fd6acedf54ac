//! Names of columns that were found in records, where a format has no header. What a file has is only known at its end;
//! the order is that of their first appearance, whatever the blocks were.

use std::collections::{BTreeMap, HashMap, HashSet};

/// What was found under a name, in one record or in several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NameFound {
    /// A record has a value there.
    pub value: bool,
    /// Something with values of names of their own.
    pub inner: bool,
}

/// The names of one block, or of a file so far.
#[derive(Default)]
pub(super) struct FoundNames {
    names: HashMap<String, usize>,
    list: Vec<(String, NameFound)>,
    /// More names than may be: they are no longer added.
    pub too_many: bool,
}

impl FoundNames {
    /// Adds what was found; no more than `most` names are kept.
    pub fn add(&mut self, name: String, finding: NameFound, most: usize) {
        if let Some(known) = self.names.get(&name) {
            let known = &mut self.list[*known].1;
            *known = NameFound { value: known.value | finding.value, inner: known.inner | finding.inner };
            return;
        }
        if self.list.len() >= most {
            self.too_many = true;
            return;
        }
        self.names.insert(name.clone(), self.list.len());
        self.list.push((name, finding));
    }

    /// Adds the names of the next block.
    pub fn append(&mut self, next: FoundNames, most: usize) {
        self.too_many |= next.too_many;
        next.list.into_iter().for_each(|(name, finding)| self.add(name, finding, most));
    }

    /// Returns the names of columns, in the order of their appearance. Where there was never more than a null, nobody knows
    /// what could be there: the columns that `known` has below it count as there, and it is one itself if there is none.
    /// `also` has other names of columns, each with the column's own.
    pub fn columns(&self, known: &[&String], also: &BTreeMap<String, String>) -> Vec<String> {
        let own = |name: &String| also.get(name).unwrap_or(name).clone();
        let valued = self.list.iter().filter(|(_, finding)| finding.value);
        let mut seen: HashSet<String> = valued.map(|(name, _)| own(name)).collect();
        let mut columns = Vec::new();
        for (name, finding) in &self.list {
            let below = |other: &String| other.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', '[']));
            if finding.value {
                columns.push(name.clone());
            } else if !finding.inner && !self.list.iter().any(|(other, _)| below(other)) {
                let names = known.iter().copied().chain(also.keys());
                let mut below = names.filter(|known| below(known)).map(own).peekable();
                match below.peek() {
                    Some(_) => columns.extend(below.filter(|name| seen.insert(name.clone()))),
                    None => columns.push(name.clone()),
                }
            }
        }
        columns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(list: &[(&str, bool, bool)]) -> FoundNames {
        let mut found = FoundNames::default();
        list.iter().for_each(|(name, value, inner)| {
            found.add((*name).into(), NameFound { value: *value, inner: *inner }, 4);
        });
        found
    }

    #[test]
    fn a_null_is_a_column_or_those_below_it() {
        let known = ["Owner.Name", "emails[0].value", "Id"].map(String::from);
        let known: Vec<&String> = known.iter().collect();
        let also = [("emails[1].value".to_string(), "emails[0].value".to_string())].into();
        let columns = |list: &[(&str, bool, bool)]| found(list).columns(&known, &also);
        assert_eq!(columns(&[("Id", true, false), ("Fax", false, false)]), ["Id", "Fax"]);
        assert_eq!(columns(&[("Owner", false, false), ("emails", false, false)]), ["Owner.Name", "emails[0].value"]);
        assert_eq!(
            columns(&[("Owner", false, false), ("Owner", false, true), ("Owner.Id", true, false)]),
            ["Owner.Id"]
        );
        assert_eq!(columns(&[("emails", false, true)]), [""; 0]);
        assert_eq!(columns(&[("Owner", true, false), ("Owner", false, true)]), ["Owner"]);
        assert_eq!(columns(&[("emails", false, false), ("emails[1].value", true, false)]), ["emails[1].value"]);
    }

    #[test]
    fn no_more_names_are_kept_than_may_be() {
        let mut all = found(&[("a", true, false), ("b", true, false), ("c", true, false)]);
        all.append(found(&[("b", true, false), ("d", true, false)]), 4);
        assert!(!all.too_many);
        all.append(found(&[("e", true, false)]), 4);
        assert!(all.too_many);
        assert_eq!(all.columns(&[], &BTreeMap::new()), ["a", "b", "c", "d"]);
    }
}
