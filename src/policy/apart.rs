//! Whether places that must lie apart do: by where they really are, links followed as far as they exist.

use super::plan::{Location, Project};
use crate::error::{Code, Error, Result};
use crate::store::{PathGlob, inside, local_folder, settle};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How two places overlap that must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overlap {
    OutputInState,
    StateInLake,
    OutputInInput,
    OutputShared,
    InputInState,
}

impl Overlap {
    /// Code of the finding, what is wrong, and what to do.
    pub fn said(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Overlap::OutputInState => (
                "output-in-state",
                "the output and the state overlap",
                "choose a place apart from the root `state`: evidence and datasets must not share one",
            ),
            Overlap::StateInLake => (
                "state-in-lake",
                "the state, or what a link in it leads to, lies in the root of an output",
                "choose a place apart from that root: whoever reads the lake must not read the state (R40)",
            ),
            Overlap::OutputInInput => (
                "output-in-input",
                "the output and an input overlap",
                "choose a place apart from everything that is read",
            ),
            Overlap::OutputShared => (
                "output-shared",
                "another job writes the same or a nested place",
                "each job has a dataset of its own, none inside another",
            ),
            Overlap::InputInState => (
                "input-in-state",
                "an input and the state overlap",
                "choose a place apart from the root `state`: what is read may be removed after raw_keep",
            ),
        }
    }
}

/// Links behind links that are followed.
const LINKS: usize = 40;

type Segments = Vec<String>;

/// Where the state and everything that is read really are.
pub(super) struct RealPlaces<'a> {
    roots: &'a BTreeMap<String, String>,
    state: Vec<Segments>,
    inputs: Vec<Segments>,
}

impl<'a> RealPlaces<'a> {
    /// Of the roots of a policy, and of what its jobs and lists read.
    pub fn new<'l>(
        roots: &'a BTreeMap<String, String>,
        inputs: impl IntoIterator<Item = &'l Location>,
    ) -> RealPlaces<'a> {
        let state = roots.get("state").filter(|url| !url.is_empty());
        let state = state.map(|url| spread(url, "", 2)).unwrap_or_default();
        let mut places = RealPlaces { roots, state, inputs: Vec::new() };
        places.inputs =
            inputs.into_iter().filter_map(|input| Some(real(places.url(input)?, fixed(&input.path)))).collect();
        places
    }

    fn url(&self, location: &Location) -> Option<&'a str> {
        self.roots.get(&location.root).map(String::as_str).filter(|url| !url.is_empty())
    }

    /// Whether an output lies where the state is, or anything that is read.
    pub fn output(&self, output: &Location) -> Option<Overlap> {
        let lake = real(self.url(output)?, "");
        let output = spread(self.url(output)?, &output.path, 1);
        let meets = |places: &[Segments]| places.iter().any(|place| output.iter().any(|output| nested(place, output)));
        match () {
            () if meets(&self.state) => Some(Overlap::OutputInState),
            () if self.state.iter().any(|state| state.starts_with(&lake)) => Some(Overlap::StateInLake),
            () if meets(&self.inputs) => Some(Overlap::OutputInInput),
            () => None,
        }
    }

    /// Whether two outputs share a place.
    pub fn shared(&self, a: &Location, b: &Location) -> Option<Overlap> {
        let (a, b) = (real(self.url(a)?, &a.path), real(self.url(b)?, &b.path));
        nested(&a, &b).then_some(Overlap::OutputShared)
    }

    /// Whether an input of a job reads what is in the state. Request files may lie there: nothing removes them.
    pub fn input(&self, input: &Location) -> Option<Overlap> {
        let glob = PathGlob::new(&input.path)?;
        let (root, fixed) = (real(self.url(input)?, ""), real(self.url(input)?, fixed(&input.path)));
        let reads = |state: &Segments| {
            let below = state.strip_prefix(root.as_slice()).filter(|_| state.starts_with(&fixed));
            fixed.starts_with(state) || below.is_some_and(|below| glob.enters(below.join("/").as_bytes()))
        };
        self.state.iter().any(reads).then_some(Overlap::InputInState)
    }
}

/// Looks again, before a run, at what `check` has looked at: a link may have been laid since.
///
/// # Errors
/// A policy error that names the job and what overlaps.
pub fn apart(project: &Project) -> Result<()> {
    let observed = project.jobs.values().flat_map(|plan| &plan.observe).map(|observe| &observe.input);
    let lists = project.lists.values().map(|list| &list.input);
    let inputs: Vec<&Location> = project.jobs.values().map(|plan| &plan.input).chain(observed).collect();
    let places = RealPlaces::new(&project.roots, inputs.iter().copied().chain(lists));
    let refused = |place: &Location, overlap: Overlap| {
        let (_, what, help) = overlap.said();
        Err(Error::new(Code::PlaceOverlaps, format!("{}:{}: {what}, after links are followed", place.root, place.path))
            .help(help))
    };
    for (at, plan) in project.jobs.values().enumerate() {
        let mut others = project.jobs.values().take(at);
        let shared = others.find_map(|other| places.shared(&other.output, &plan.output));
        if let Some(overlap) = places.output(&plan.output).or(shared) {
            return refused(&plan.output, overlap);
        }
    }
    let met = inputs.into_iter().find_map(|input| Some((input, places.input(input)?)));
    met.map_or(Ok(()), |(input, overlap)| refused(input, overlap))
}

/// The segments of a path before the first that varies.
fn fixed(path: &str) -> &str {
    let wild = path.find(['*', '?', '[', '{']).unwrap_or(path.len());
    if wild == path.len() { path } else { path[..wild].rsplit_once('/').map_or("", |(fixed, _)| fixed) }
}

/// A place and where the links lead that lie in it, down to `depth` folders.
fn spread(url: &str, path: &str, depth: usize) -> Vec<Segments> {
    let mut found = vec![real(url, path)];
    if let Some(folder) = local_folder(url) {
        links(&inside(&folder, path), depth, &mut found);
    }
    found
}

fn links(folder: &Path, depth: usize, found: &mut Vec<Segments>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_symlink() {
            found.extend(led(&entry.path(), LINKS).map(|real| parts(&real.to_string_lossy())));
        } else if kind.is_dir() && depth > 1 {
            links(&entry.path(), depth - 1, found);
        }
    }
}

/// Where a place really is; of a bucket as it is written.
fn real(url: &str, path: &str) -> Segments {
    match local_folder(url).and_then(|folder| led(&inside(&folder, path), LINKS)) {
        Some(folder) => parts(&folder.to_string_lossy()),
        None => parts(&format!("{url}/{path}")),
    }
}

/// The path behind all links, also behind those that lead to what is not made yet.
fn led(path: &Path, links: usize) -> Option<PathBuf> {
    let lost = |above: &&Path| std::fs::symlink_metadata(above).is_ok() && !above.exists();
    let Some(above) = path.ancestors().find(lost).filter(|_| links > 0) else { return settle(path) };
    let Ok(to) = std::fs::read_link(above) else { return settle(path) };
    led(&above.parent()?.join(to).join(path.strip_prefix(above).ok()?), links - 1)
}

fn parts(path: &str) -> Segments {
    let mut out: Segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            ".." => drop(out.pop()),
            "." | "" => {}
            _ => out.push(segment.to_owned()),
        }
    }
    out
}

fn nested(a: &[String], b: &[String]) -> bool {
    a.starts_with(b) || b.starts_with(a)
}
