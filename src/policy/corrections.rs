//! The columns by which requests still find a person whose e-mail address or number was corrected (R81), and by which texts
//! are cleared of a name that was. Must not know values.

use super::plan::{Column, CorrectedColumn, Field, Plan, Source, Treatment};
use crate::cell::text::tidy;
use std::collections::BTreeSet;

/// How many values a corrected link may have beside its own: what the export had, and what it has.
const BESIDE_LINKS: usize = 2;
/// How many a name may have that texts are cleared of: what the export had, what it has, and what is right.
const BESIDE_NAMES: usize = 3;

impl Plan {
    /// Returns the columns that are in the export: those beside corrected links come after them.
    pub fn read_columns(&self) -> &[Column] {
        let beside: usize = self.corrected.iter().map(|of| of.beside.len()).sum();
        &self.columns[..self.columns.len() - beside]
    }

    /// Adds the columns that values go to which corrections take out of links, and of names that texts are cleared of.
    pub(super) fn correctable(mut self) -> Plan {
        for at in 0..self.columns.len() {
            let (strong, weak) = (self.controls.strong.contains(&at), self.controls.weak.contains(&at));
            let plain = self.columns[at].several.is_none() && self.columns[at].parts.is_empty();
            if !plain || !(strong || weak) {
                continue;
            }
            let beside = self.beside(at, BESIDE_LINKS);
            let links = if strong { &mut self.controls.strong } else { &mut self.controls.weak };
            links.extend(&beside);
            self.corrected.push(CorrectedColumn { column: at, beside, link: true });
        }
        let names =
            |field: &Field| if let Treatment::Redact(redact) = &field.treat { redact.names.clone() } else { vec![] };
        let names: BTreeSet<usize> = self.fields.iter().flat_map(names).collect();
        for at in names {
            let beside = self.beside(at, BESIDE_NAMES);
            for field in &mut self.fields {
                if let Treatment::Redact(redact) = &mut field.treat
                    && redact.names.contains(&at)
                {
                    redact.names.extend(&beside);
                }
            }
            self.corrected.push(CorrectedColumn { column: at, beside, link: false });
        }
        self
    }

    /// Adds columns that are in no file, and returns which they are.
    fn beside(&mut self, at: usize, columns: usize) -> Vec<usize> {
        let first = self.columns.len();
        for _ in 0..columns {
            let column = self.columns[at].clone();
            let name = format!("{} (corrected {})", column.name, self.columns.len());
            self.columns.push(Column { name, max_raw: None, identified: true, ..column });
        }
        (first..self.columns.len()).collect()
    }
}

impl Source {
    /// Returns the name of a column that may be called otherwise in a file.
    pub fn column_of<'a>(&'a self, name: &'a str) -> &'a str {
        self.also.get(name).map_or(name, String::as_str)
    }

    /// Returns whether it says anything of a column, by a line or a pattern.
    pub fn names(&self, name: &str) -> bool {
        self.listed.iter().any(|listed| listed == name) || self.cover.of(name).is_some()
    }

    /// Returns whether a cell with this text has no value.
    pub fn is_null(&self, text: &str) -> bool {
        tidy(text).is_empty() || self.read.null.iter().any(|null| tidy(null) == tidy(text))
    }
}
