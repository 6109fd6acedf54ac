//! What a source says of the insides of records, as one tree: columns that are needed, and columns that are only
//! listed, so that others can be told apart from them.

use crate::error::{Code, Error, Result};
use crate::policy::{Column, ElementChoice, PathStep, RecordPath};
use crate::read::wanted::{Structures, WantedNames, identified};
use crate::same_name::normal;
use std::collections::HashMap;

/// The tree; the first node is the record.
pub(super) struct Paths {
    nodes: Vec<PathNode>,
    pub leaves: Vec<Leaf>,
    /// Needed columns that say whether there is something.
    pub presences: Vec<usize>,
    /// Cells of a row.
    pub width: usize,
    pub structures: Structures,
}

/// What is said of one place in a record.
#[derive(Default)]
pub(super) struct PathNode {
    keys: HashMap<String, usize>,
    /// Elements of an array here that are entered.
    pub elements: Vec<Element>,
    /// A column ends here.
    pub leaf: Option<usize>,
    /// A column ends here that says whether there is something.
    pub present: Option<usize>,
    /// Names of columns within an object here may be covered by a pattern.
    entered: bool,
    /// A needed column whose path goes on from here.
    pub needed_below: Option<usize>,
}

/// What of an array is entered.
pub(super) struct Element {
    pub choice: ElementChoice,
    pub node: usize,
    /// All columns in it.
    pub leaves: Vec<usize>,
}

/// A column that a path leads to.
pub(super) struct Leaf {
    /// As its path is written.
    pub name: String,
    /// The places in a row that it fills; none when it is only listed.
    pub columns: Vec<u32>,
    /// An array of single values is one cell, with this between them.
    pub separator: Option<char>,
    /// A number names somebody, so that it has to be a plain one.
    pub identified: bool,
}

/// Place of the record itself.
pub(super) const RECORD: usize = 0;

impl Paths {
    /// Puts the paths of a request together.
    ///
    /// # Errors
    /// A policy error for the name of a needed column that is no path.
    pub fn new(wanted: &WantedNames<'_>) -> Result<Paths> {
        let structures = wanted.structures;
        let nodes = vec![PathNode::default()];
        let (leaves, presences) = (Vec::new(), Vec::new());
        let mut paths = Paths { nodes, leaves, presences, width: wanted.columns.len(), structures };
        let identified = identified(wanted.columns);
        let of_file = wanted.columns.iter().enumerate().filter(|(_, column)| column.parts.is_empty());
        let needed = |at: &usize| wanted.needed.as_ref().is_none_or(|needed| needed[*at]);
        for (at, column) in of_file.filter(|(at, _)| needed(at)) {
            let also = wanted.also.iter().filter(|(_, own)| **own == column.name).map(|(other, _)| other);
            for name in std::iter::once(&column.name).chain(also) {
                paths.need(name, at, column, identified[at])?;
            }
        }
        // What is only listed has been looked at by `check`; where that could not be, it is no column of a file.
        for name in wanted.listed.iter().chain(wanted.also.keys()) {
            if let Ok(path) = RecordPath::read(name) {
                paths.leaf(name, &path);
            }
        }
        for beginning in &wanted.beginnings {
            if let Ok(mut path) = RecordPath::read(&format!("{beginning}*")) {
                path.steps.pop();
                let around = paths.node(&path);
                paths.nodes[around].entered = true;
            }
        }
        for node in 0..paths.nodes.len() {
            for at in 0..paths.nodes[node].elements.len() {
                let mut leaves = Vec::new();
                paths.leaves_below(paths.nodes[node].elements[at].node, &mut leaves);
                paths.nodes[node].elements[at].leaves = leaves;
            }
        }
        Ok(paths)
    }

    fn leaves_below(&self, node: usize, leaves: &mut Vec<usize>) {
        let node = &self.nodes[node];
        leaves.extend(node.leaf.into_iter().chain(node.present));
        let below = node.keys.values().copied().chain(node.elements.iter().map(|element| element.node));
        below.for_each(|node| self.leaves_below(node, leaves));
    }

    /// Returns what is said of a place.
    pub fn at(&self, node: usize) -> &PathNode {
        &self.nodes[node]
    }

    fn need(&mut self, name: &str, at: usize, column: &Column, identified: bool) -> Result<()> {
        let path = RecordPath::read(name).map_err(|what| {
            Error::new(Code::SpecUnusable, format!("column {name} is no path into a JSON record: it has {what}"))
                .help("write the path as in properties.email or emails[0].value")
        })?;
        let leaf = self.leaf(name, &path);
        let mut node = RECORD;
        for step in on_the_way(&path) {
            node = self.step(node, step);
            self.nodes[node].needed_below.get_or_insert(leaf);
        }
        if path.steps.last() == Some(&PathStep::Present) {
            self.presences.push(leaf);
        }
        let leaf = &mut self.leaves[leaf];
        leaf.columns.push(at as u32);
        leaf.separator = leaf.separator.or(column.several.as_ref().map(|several| several.separator));
        leaf.identified |= identified;
        Ok(())
    }

    fn leaf(&mut self, name: &str, path: &RecordPath) -> usize {
        let (node, next) = (self.node(path), self.leaves.len());
        let node = &mut self.nodes[node];
        let end = if path.steps.last() == Some(&PathStep::Present) { &mut node.present } else { &mut node.leaf };
        let leaf = *end.get_or_insert(next);
        if leaf == next {
            self.leaves.push(Leaf { name: normal(name), columns: Vec::new(), separator: None, identified: false });
        }
        leaf
    }

    fn node(&mut self, path: &RecordPath) -> usize {
        path.steps.iter().fold(RECORD, |node, step| self.step(node, step))
    }

    fn step(&mut self, node: usize, step: &PathStep) -> usize {
        let next = self.nodes.len();
        let found = match step {
            PathStep::Key(key) => *self.nodes[node].keys.entry(normal(key)).or_insert(next),
            PathStep::Element(choice) => {
                let elements = &mut self.nodes[node].elements;
                let known = elements.iter().find(|known| known.choice == *choice).map(|known| known.node);
                known.unwrap_or_else(|| {
                    elements.push(Element { choice: choice.clone(), node: next, leaves: Vec::new() });
                    next
                })
            }
            PathStep::Present => node,
        };
        if found == next {
            self.nodes.push(PathNode::default());
        }
        found
    }
}

/// The steps to the place that a path is about.
fn on_the_way(path: &RecordPath) -> &[PathStep] {
    let about = path.steps.len() - usize::from(path.steps.last() == Some(&PathStep::Present));
    &path.steps[..about - 1]
}

impl PathNode {
    /// Returns what is said of the value of a key, as keys are compared.
    pub fn key(&self, key: &str) -> Option<usize> {
        self.keys.get(key).copied()
    }

    /// Returns whether an object here is looked into; one that is not is a single column.
    pub fn entered(&self) -> bool {
        self.entered || !self.keys.is_empty()
    }
}
