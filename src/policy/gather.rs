//! The columns one job needs of one source, each once, and the numbers by which fields and controls name them.

use super::check_source::Inventory;
use super::plan::{Column, Normal, PhoneRegion};

/// Columns asked for so far, as indexes into the inventory.
pub(super) struct Gather<'a> {
    inventory: &'a Inventory<'a>,
    places: Vec<usize>,
}

impl<'a> Gather<'a> {
    /// Returns a gathering in which no column is wanted yet.
    pub fn of(inventory: &'a Inventory<'a>) -> Self {
        Gather { inventory, places: Vec::new() }
    }

    /// Asks for a column, the one with its regions, and those that make up its values; returns its index in the plan.
    pub fn add(&mut self, place: usize) -> usize {
        if let Some(index) = self.places.iter().position(|p| *p == place) {
            return index;
        }
        self.places.push(place);
        let index = self.places.len() - 1;
        let entry = &self.inventory.columns[place];
        for needed in entry.region_from.iter().chain(&entry.parts) {
            self.add(*needed);
        }
        index
    }

    /// Asks for links: a column once for each value that a cell of it may hold.
    pub fn links(&mut self, places: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut links = Vec::new();
        for place in places {
            let most = self.inventory.columns[place].several.as_ref().map_or(1, |several| several.most);
            links.extend(std::iter::repeat_n(self.add(place), most));
        }
        links
    }

    /// The columns in the order asked for; `None` when one of them has a finding.
    pub fn columns(&self) -> Option<Vec<Column>> {
        self.places.iter().map(|place| self.column(*place)).collect()
    }

    fn column(&self, place: usize) -> Option<Column> {
        let entry = &self.inventory.columns[place];
        let mut identifier = entry.identifier.clone()?;
        if let Normal::Phone(PhoneRegion::Column(_)) = identifier.normal {
            let index = self.places.iter().position(|p| Some(*p) == entry.region_from)?;
            identifier.normal = Normal::Phone(PhoneRegion::Column(index));
        }
        Some(Column {
            name: entry.name.clone(),
            value: entry.value.clone()?,
            sentinels: entry.sentinels.clone()?,
            identifier,
            identified: entry.spec.identifier.is_some(),
            parts: entry.parts.iter().filter_map(|part| self.places.iter().position(|p| p == part)).collect(),
            several: entry.several.clone(),
            birth: entry.spec.birth.as_ref().is_some_and(|birth| **birth),
            forms: entry.forms.clone(),
            max_raw: entry.max_raw,
        })
    }
}
