//! What lists and inputs leave aside though it looks like what was meant, and what they mean and cannot read. Names of
//! files only: none is opened.

use crate::evidence::manifest::AsideCount;
use crate::policy::{Location, Plan, Project};
use crate::read::Selection;
use crate::requests::{Elsewhere, IntakeReport};
use crate::store::{Aside, PathGlob, Root};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

/// Files that a list or an input leaves aside though they look like what was meant.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct LeftAside {
    /// `list NAME` or `input ROOT:GLOB`.
    pub of: String,
    /// How many files were left aside.
    pub files: u64,
    /// `ROOT:path` of the first.
    pub first: String,
}

impl LeftAside {
    /// Returns it as evidence has it: without a name.
    pub fn counted(&self) -> AsideCount {
        AsideCount { of: self.of.clone(), files: self.files }
    }
}

impl fmt::Display for LeftAside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LeftAside { of, files, first } = self;
        write!(f, "left aside by {of}: {files} file(s) that look as if they were meant, the first: {first}")
    }
}

/// What the lists and inputs of a project find, before anything of it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sighted {
    /// What is left aside.
    pub aside: Vec<LeftAside>,
    /// What is meant and cannot be read, each with its place and why.
    pub unseen: Vec<String>,
}

/// Looks at every list and input of the project, in the roots that are given.
pub fn survey(project: &Project, roots: &BTreeMap<String, Root>) -> Sighted {
    let mut sighted = Sighted::default();
    let lists = project.lists.values().map(|list| (format!("list {}", list.name), &list.input));
    let own = project.jobs.values().map(|plan| &plan.input);
    let observed = project.jobs.values().flat_map(|plan| &plan.observe).map(|observe| &observe.input);
    let places: BTreeSet<(&str, &str)> = own.chain(observed).map(|input| (&input.root[..], &input.path[..])).collect();
    let inputs = places.into_iter().map(|(root, path)| (format!("input {root}:{path}"), root, path));
    let all = lists.map(|(of, input)| (of, &input.root[..], &input.path[..])).chain(inputs);
    let mut elsewhere = Elsewhere::of(project, roots);
    for (of, root, path) in all {
        let (Some(root), Some(glob)) = (roots.get(root), PathGlob::new(path)) else { continue };
        match root.look_by(&glob) {
            Ok(mut meant) => {
                // Whether something that lies below was taken in before is only known with the stored requests.
                let list = of.strip_prefix("list ").and_then(|name| project.lists.get(name));
                meant.aside.add(list.map_or(Aside::default(), |list| elsewhere.look(list, &[], &HashSet::new())));
                sighted.unseen.extend(meant.unseen.iter().map(|unseen| format!("{of}: {unseen}")));
                sighted.aside.extend(told(of, &meant.aside));
            }
            Err(error) => sighted.unseen.push(format!("{of}: {error}")),
        }
    }
    sighted
}

/// What the lists of an intake left aside, and the inputs of a run.
pub fn found(plan: &Plan, intake: &IntakeReport, own: &Selection, observed: &[Selection]) -> Vec<LeftAside> {
    let input = |input: &Location| format!("input {}:{}", input.root, input.path);
    let own = std::iter::once((input(&plan.input), &own.aside));
    let observed = plan.observe.iter().zip(observed).map(|(of, found)| (input(&of.input), &found.aside));
    of_lists(intake).chain(own.chain(observed).filter_map(|(of, aside)| told(of, aside))).collect()
}

/// What the lists of an intake left aside.
pub fn of_lists(intake: &IntakeReport) -> impl Iterator<Item = LeftAside> {
    intake.lists.iter().filter_map(|list| told(format!("list {}", list.list), &list.aside))
}

fn told(of: String, aside: &Aside) -> Option<LeftAside> {
    Some(LeftAside { of, files: aside.files, first: aside.first.clone()? })
}
