//! The keys of a field's treatment, which the treatment asks for, and the column types it works on (R20).

use super::check_source::Inventory;
use super::field_spec::{FieldSpec, KeyValue};
use super::finding::Page;
use super::gather::Gather;
use super::plan::Treatment;
use super::spec::At;
use super::value;
use crate::cell::kind::TypeName;
use crate::treatments::{About, FieldKeys};
use std::collections::BTreeMap;
use std::ops::Range;

/// What the keys of a field are read with.
pub(super) struct KeyReader<'a, 'b> {
    pub page: Page<'a>,
    pub field: &'a At<String>,
    pub spec: &'a FieldSpec,
    pub inventory: &'a Inventory<'a>,
    pub gather: &'a mut Gather<'b>,
}

impl KeyReader<'_, '_> {
    /// Reads a field's treatment; `column` is the type of the column it is made from.
    pub(super) fn treatment(&mut self, column: Option<TypeName>) -> Option<Treatment> {
        let about = self.spec.treat.about();
        unused_keys(self.page, self.spec, about);
        if let Some(kind) = column.filter(|kind| !about.takes.is_empty() && !about.takes.contains(kind)) {
            let names: Vec<_> = about.takes.iter().map(|kind| kind.name()).collect();
            let text = format!("{} does not work on {}", about.name, kind.name());
            let help = format!("it takes {}; choose another treatment or type the column", names.join(" or "));
            self.page.fault(self.spec.treat.span(), "treatment-type", text, help);
        }
        self.spec.treat.read(self)
    }

    /// A key the treatment cannot do without.
    fn need(&self, key: &'static str) -> Option<&KeyValue> {
        let value = self.spec.key(key);
        if value.is_none() {
            let text = format!("{} needs `{key}`", self.spec.treat.name());
            let help = format!("add `{key}`; docs/spec.md has the table of treatments");
            self.page.fault(self.field.span(), "treatment-key", text, help);
        }
        value
    }
}

fn unused_keys(page: Page, spec: &FieldSpec, about: &About) {
    let unused = |at: Option<Range<usize>>, key: &str, used: bool| {
        if let Some(at) = at.filter(|_| !used) {
            page.fault(at, "unused-key", format!("{} has no key `{key}`", about.name), "leave it out");
        }
    };
    unused(spec.from.as_ref().map(At::span), "from", !about.columnless);
    unused(spec.max_untreated.as_ref().map(At::span), "max_untreated", about.counted);
    for (name, value) in &spec.keys {
        unused(Some(value.span()), name, about.keys.iter().any(|key| key.name == *name));
    }
}

impl FieldKeys for KeyReader<'_, '_> {
    fn number(&mut self, key: &'static str, bounds: Range<i64>, default: Option<i64>) -> Option<i64> {
        let value = match default {
            Some(_) => self.spec.key(key),
            None => Some(self.need(key)?),
        };
        match value {
            None => default,
            Some(KeyValue::Number(at)) => value::number(self.page, Some(at), bounds, 0),
            Some(_) => None,
        }
    }

    fn ascending(&mut self, key: &'static str, bounds: Range<i64>) -> Option<Vec<i64>> {
        let KeyValue::Numbers(list) = self.need(key)? else { return None };
        let edges: Vec<i64> = list.iter().map(|at| **at).collect();
        if edges.is_empty() || edges.windows(2).any(|w| w[0] >= w[1]) {
            let help = "write at least one, each greater than the one before";
            self.page.fault(list.span(), "edges", format!("{key} must ascend"), help);
            return None;
        }
        let read: Vec<_> = list.iter().map(|at| value::number(self.page, Some(at), bounds.clone(), 0)).collect();
        read.into_iter().collect()
    }

    fn character(&mut self, key: &'static str, default: char) -> Option<char> {
        let at = match self.spec.key(key) {
            None => return Some(default),
            Some(KeyValue::Text(at)) => at,
            Some(_) => return None,
        };
        let mut characters = at.chars();
        match (characters.next(), characters.next()) {
            (Some(only), None) if !only.is_control() => Some(only),
            _ => {
                let help = "write one character such as \"*\"";
                self.page.fault(at.span(), "one-character", "not one character", help);
                None
            }
        }
    }

    fn text(&mut self, key: &'static str) -> Option<String> {
        match self.need(key)? {
            KeyValue::Text(at) => Some(at.to_string()),
            _ => None,
        }
    }

    fn table(&mut self, key: &'static str) -> Option<BTreeMap<String, String>> {
        let KeyValue::Table(at) = self.need(key)? else { return None };
        let page = self.page;
        if at.is_empty() {
            page.fault(at.span(), "map-values", "the table is empty", "add at least one value, or use constant");
        }
        let mut table = BTreeMap::new();
        for (key, published) in at.iter() {
            if table.insert(value::folded(key), published.to_string()).is_some() {
                let help = "keys are compared after trim, NFC and case folding; keep one";
                page.fault(key.span(), "map-values", "another key of the table means the same", help);
            }
            if key.trim().is_empty() {
                let help = "blank is null, and null stays null (R20)";
                page.fault(key.span(), "map-values", "a blank key never matches", help);
            }
        }
        Some(table)
    }

    fn words(&mut self, key: &'static str) -> Option<Vec<String>> {
        let KeyValue::Words(list) = self.need(key)? else { return None };
        let page = self.page;
        if list.is_empty() {
            page.fault(list.span(), "map-values", "no word is named", "name at least one word that stays");
            return None;
        }
        let mut seen = Vec::new();
        for at in list.iter() {
            let folded = value::folded(at);
            if folded.is_empty() || seen.contains(&folded) {
                let help = "words are compared after trim, NFC and case folding; keep one of each";
                page.fault(at.span(), "map-values", "a blank word, or one that means the same as another", help);
            }
            seen.push(folded);
        }
        Some(list.iter().map(|at| value::trimmed(at)).collect())
    }

    fn without(&mut self, words: Vec<String>, key: &'static str, character: char) -> Option<Vec<String>> {
        if !words.iter().any(|word| word.contains(character)) {
            return Some(words);
        }
        let help = "name single words: this character stands between them; set another `separator` if it does not";
        let at = self.spec.key(key).map_or(self.field.span(), KeyValue::span);
        self.page.fault(at, "map-values", "a word has the separator in it, so no cell can have it", help);
        None
    }

    fn columns(&mut self, key: &'static str) -> Option<Vec<usize>> {
        let list = match self.spec.key(key) {
            None => return Some(Vec::new()),
            Some(KeyValue::Texts(list)) => list,
            Some(_) => return None,
        };
        let found: Vec<_> = list.iter().map(|at| self.inventory.find_cells(self.page, at)).collect();
        found.into_iter().map(|place| Some(self.gather.add(place?))).collect()
    }
}
