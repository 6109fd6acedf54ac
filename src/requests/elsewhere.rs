//! Files that are called like a list's and lie where its `input` does not look: one folder above it, one below it, or at
//! the top of a root that tables are published to; and those beside it that have the end of another format. Names and
//! lengths only; nothing is opened. Must not know what is in a file.

use crate::policy::{List, Location, Project};
use crate::store::{Aside, Object, PathGlob, Root};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Ends of files that hold tables or pack them: a list that comes as one of these is one that is not read.
const FORMATS: [&str; 13] =
    ["csv", "tsv", "tab", "xls", "xlsx", "xlsm", "xlsb", "ods", "json", "jsonl", "ndjson", "parquet", "zip"];

/// Looks around the inputs of lists.
pub struct Elsewhere<'a> {
    roots: &'a BTreeMap<String, Root>,
    /// What lists and exports mean, by root: that lies where it belongs.
    meant: Vec<(&'a str, PathGlob)>,
    /// Roots of the outputs.
    outputs: BTreeSet<&'a str>,
    /// What lies directly in a folder of a root.
    seen: BTreeMap<(String, String), Vec<Object>>,
}

impl<'a> Elsewhere<'a> {
    /// Of the lists of a project.
    pub fn of(project: &'a Project, roots: &'a BTreeMap<String, Root>) -> Elsewhere<'a> {
        let lists = project.lists.values().map(|list| &list.input);
        let observed = project.jobs.values().flat_map(|plan| &plan.observe).map(|observe| &observe.input);
        let inputs = project.jobs.values().map(|plan| &plan.input).chain(observed);
        let meant = |input: &'a Location| Some((&input.root[..], PathGlob::new(&input.path)?));
        Elsewhere {
            roots,
            meant: lists.chain(inputs).filter_map(meant).collect(),
            outputs: project.jobs.values().map(|plan| &plan.output.root[..]).collect(),
            seen: BTreeMap::new(),
        }
    }

    /// What looks like a file of the list. `below` is what lies one folder below its input; of it, and of the rest, what is
    /// `taken` (name and length) was taken in before, and was moved since.
    pub fn look(&mut self, list: &List, below: &[Object], taken: &HashSet<(String, u64)>) -> Aside {
        let input = &list.input;
        let (folder, name) = input.path.rsplit_once('/').unwrap_or(("", &input.path));
        // A name without an end, such as `*`, is the name of anything.
        let Some(glob) = PathGlob::new(name).filter(|_| name.contains('.')) else { return Aside::default() };
        let above = folder.rsplit_once('/').map_or("", |(above, _)| above);
        let mut places: BTreeSet<(&str, &str)> = self.outputs.iter().map(|root| (*root, "")).collect();
        if !folder.is_empty() && PathGlob::new(above).is_some_and(|glob| glob.exact().is_some()) {
            places.insert((&input.root, above));
        }
        let mut found: BTreeSet<String> = BTreeSet::new();
        for (root, prefix) in places {
            for object in self.directly(root, prefix) {
                found.extend(self.is_one(root, &object, &glob, taken));
            }
        }
        found.extend(below.iter().filter_map(|object| self.is_one(&input.root, object, &glob, taken)));
        if PathGlob::new(folder).is_some_and(|glob| glob.exact().is_some()) || folder.is_empty() {
            for object in self.directly(&input.root, folder) {
                found.extend(self.in_another_format(input, &object));
            }
        }
        Aside { files: found.len() as u64, first: found.into_iter().next() }
    }

    /// The place of an object that looks like one that is meant.
    fn is_one(&self, root: &str, object: &Object, glob: &PathGlob, taken: &HashSet<(String, u64)>) -> Option<String> {
        let name = object.path.rsplit('/').next().unwrap_or_default();
        let meant = |(of, glob): &(&str, PathGlob)| *of == root && glob.matches(object.path.as_bytes());
        let looks = glob.matches(name.as_bytes()) && !self.meant.iter().any(meant);
        (looks && !taken.contains(&(name.to_owned(), object.bytes))).then(|| self.roots[root].display(&object.path))
    }

    /// The place of an object that the list would match if it had the end of the list's files.
    fn in_another_format(&self, input: &Location, object: &Object) -> Option<String> {
        let (glob, end) = (PathGlob::new(&input.path)?, input.path.rsplit_once('.')?.1);
        let (stem, own) = object.path.rsplit_once('.')?;
        let like =
            FORMATS.contains(&own.to_ascii_lowercase().as_str()) && glob.matches(format!("{stem}.{end}").as_bytes());
        let nearly = glob.matches(object.path.as_bytes()) || glob.nearly_matches(&object.path);
        let meant = |(of, glob): &(&str, PathGlob)| *of == input.root && glob.matches(object.path.as_bytes());
        let looks = like && !nearly && !self.meant.iter().any(meant);
        looks.then(|| self.roots[&input.root].display(&object.path))
    }

    /// What lies directly in a folder. This is only a hint: a place that may not be listed has none.
    fn directly(&mut self, root: &str, folder: &str) -> Vec<Object> {
        let Some(at) = self.roots.get(root) else { return Vec::new() };
        let key = (root.to_owned(), folder.to_owned());
        self.seen.entry(key).or_insert_with(|| at.directly(folder).unwrap_or_default()).clone()
    }
}
