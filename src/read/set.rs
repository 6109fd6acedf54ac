//! Which objects are read: those that a glob matches, of the newest complete set (R38).

use super::order::{first_day, in_order};
use crate::clock::{Instant, Period};
use crate::error::{Code, Error, Result};
use crate::policy::{Complete, CompleteWhen, Location, SetFormat};
use crate::store::{Aside, EntryShape, GlobListing, Object, PathGlob, Root, Unseen};
use globset::GlobBuilder;
use regex::bytes::Regex;
use std::collections::{BTreeMap, BTreeSet};

const SET: &str = "{set}";
/// How far the name of a set may be dated ahead, in microseconds. Nowhere on earth is the date more than 14 hours ahead of
/// UTC; the rest is for clocks, and for exports that are named by the day they are made for.
const MAX_AHEAD: i64 = 86_400_000_000;

/// The objects of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Text of `{set}`; none for an input without it.
    pub set: Option<String>,
    /// Objects of the set, in the order of their paths.
    pub objects: Vec<Object>,
    /// What the input leaves aside though it looks like what was meant.
    pub aside: Aside,
    /// Paths of what the sender says of how many records there are (R64).
    pub counts: Vec<String>,
}

/// Finds the objects of an input: those of the newest complete set. `{set}` stands for one or more characters without
/// `/`, as few as fit when wildcards stand beside it. Which set is the newest, [`in_order`] says by their names. An input
/// without `{set}` is one set.
///
/// A set is complete by its marker, or once its newest object is old enough at `now`. The marker lies in the folder that
/// `{set}` names; where `{set}` is in a file name, or the input has none, in the folder of the objects, and then, being
/// shared by all sets, counts only when it is not older than they are, unless its name contains `{set}`, which stands for
/// the set's text. A marker is never itself read.
///
/// # Errors
/// An input error when nothing matches, no set is complete, it cannot be told which complete set is the newest, the newest
/// is dated ahead, or something lies there that may belong to the set and cannot be read; a policy error for a bad glob.
pub fn select(root: &Root, input: &Location, complete: Option<&Complete>, now: Instant) -> Result<Selection> {
    let Sets { found: mut sets, hidden, mut aside } = sets(root, input, complete)?;
    let visible: BTreeSet<Option<String>> = sets.keys().cloned().collect();
    let format = complete.and_then(|complete| complete.set_format.as_ref());
    let mut reason = None;
    let mut why = |set: &Option<String>, found: &[MarkedObject]| -> Result<bool> {
        let why = incomplete(root, set.as_deref(), found, complete, now)?;
        let whole = why.is_none();
        reason = reason.take().or(why.map(|why| said(set.as_deref(), &why)));
        Ok(whole)
    };
    let place = format!("{}:{}", input.root, input.path);
    // Names that have no order matter only when they are those of complete sets.
    let ordered =
        in_order(sets.keys().flatten().map(String::as_str), format).map(|all| all.into_iter().map(String::from));
    let mut order: Vec<Option<String>> = match ordered {
        Ok(order) if sets.contains_key(&None) => order.map(Some).chain([None]).collect(),
        Ok(order) => order.map(Some).collect(),
        Err(_) => {
            let mut whole = Vec::new();
            for (set, found) in &sets {
                if why(set, found)? {
                    whole.extend(set.as_deref());
                }
            }
            let order = in_order(whole, format).map_err(|disorder| disorder.error(&place))?;
            order.into_iter().map(|set| Some(set.to_string())).collect()
        }
    };
    let names = order.clone();
    let names: Vec<&str> = names.iter().flatten().map(String::as_str).collect();
    while let Some(set) = order.pop() {
        let found = sets.remove(&set).unwrap_or_default();
        if why(&set, &found)? {
            set.as_deref().map_or(Ok(()), |set| not_ahead(&place, set, &names, complete, now))?;
            // A newer set of which nothing can be seen may be the newest complete one.
            refuse(&hidden, |of| *of == set || (!visible.contains(of) && newer(of, &set, format)))?;
            let dated = set.as_deref().is_some_and(|set| first_day(set, &names, format).is_some());
            aside.add(if dated { Aside::default() } else { written_later(root, &sets, &found) });
            return selection(root, (set, complete), found, aside);
        }
    }
    refuse(&hidden, |_| true)?;
    let newest = reason.map_or(String::new(), |reason| format!(": {reason}"));
    Err(Error::new(Code::ExportNotWhole, format!("no export in {place} is complete yet{newest}"))
        .help("wait for the export to finish, or check [complete] in the source"))
}

/// The objects of sets that were written after all of the one that is read, and are passed over: a number, unlike a day,
/// does not say whether it is too great.
fn written_later(root: &Root, others: &BTreeMap<Option<String>, Vec<MarkedObject>>, read: &[MarkedObject]) -> Aside {
    let newest = read.iter().map(|found| found.object.modified).max();
    let later = others.values().filter(|found| found.iter().all(|found| Some(found.object.modified) > newest));
    let mut places: Vec<String> = later.flatten().map(|found| root.display(&found.object.path)).collect();
    places.sort_unstable();
    Aside { files: places.len() as u64, first: places.into_iter().next() }
}

/// Refuses a set whose name says a day that has not come: it would stay the newest until then, and every later export would
/// be passed over.
fn not_ahead(place: &str, set: &str, names: &[&str], complete: Option<&Complete>, now: Instant) -> Result<()> {
    let format = complete.and_then(|complete| complete.set_format.as_ref());
    let most = complete.and_then(|complete| complete.max_ahead.as_ref()).map_or(MAX_AHEAD, Period::micros);
    let Some(day) = first_day(set, names, format).filter(|day| day.0 > now.0.saturating_add(most)) else {
        return Ok(());
    };
    Err(Error::new(
        Code::SetDatedAhead,
        format!("{place}: set {set} is complete and the newest by its name, which says {day}; the clock says {now}"),
    )
    .help(
        "if the name is wrong, rename the set or move it away: as long as it is there, no later export would be read. If \
         exports are named by a day to come, say by how much in the source: [complete] max_ahead = \"P1M\"; if it is no \
         date, [complete] set_format",
    ))
}

/// Why a set that was there is not, or is not complete, when that is so.
///
/// # Errors
/// Storage errors; a policy error for a bad glob.
pub fn why_not(
    root: &Root,
    input: &Location,
    complete: Option<&Complete>,
    now: Instant,
    set: &str,
) -> Result<Option<String>> {
    match sets(root, input, complete)?.found.remove(&Some(set.to_string())) {
        None => Ok(Some(format!("set {set} has no object that matches {}:{}", input.root, input.path))),
        Some(found) => Ok(incomplete(root, Some(set), &found, complete, now)?.map(|why| said(Some(set), &why))),
    }
}

/// The objects of one given set, as [`select`] would find them (R26: observed sources are read from the job's set).
///
/// # Errors
/// An input error when the set has no objects, is not complete or cannot be seen whole.
pub fn select_set(
    root: &Root,
    input: &Location,
    complete: Option<&Complete>,
    now: Instant,
    set: &str,
) -> Result<Selection> {
    let Sets { found: mut sets, hidden, aside } = sets(root, input, complete)?;
    let this = Some(set.to_string());
    refuse(&hidden, |of| *of == this)?;
    let found = sets.remove(&this).ok_or_else(|| {
        Error::new(Code::ExportNotWhole, format!("set {set} has no object that matches {}:{}", input.root, input.path))
            .help("wait for the export to finish, or run the set before it")
    })?;
    match incomplete(root, Some(set), &found, complete, now)? {
        None => selection(root, (this, complete), found, aside),
        Some(why) => {
            Err(Error::new(Code::ExportNotWhole, format!("{}:{}: {}", input.root, input.path, said(Some(set), &why)))
                .help("wait for the export to finish, or check [complete] in the source"))
        }
    }
}

/// Which paths an input can be, whatever the set; for what has to find exports without reading them.
pub struct InputPaths(Pattern);

/// Objects that an input can be, whatever the set.
pub struct InputObjects {
    /// Those whose bytes are where the input looks.
    pub objects: Vec<Object>,
    /// Places of what cannot be read, or leads elsewhere: nobody can say what is there.
    pub hidden: Vec<String>,
}

impl InputPaths {
    /// Of an input.
    ///
    /// # Errors
    /// A policy error for a bad glob.
    pub fn new(input: &Location) -> Result<InputPaths> {
        Ok(InputPaths(Pattern::new(&input.path)?))
    }

    /// The folder below which they all are.
    pub fn folder(&self) -> &str {
        self.0.glob.folder()
    }

    /// Those that are there.
    ///
    /// # Errors
    /// A storage error when the store is away or refuses.
    pub fn find(&self, root: &Root) -> Result<InputObjects> {
        let GlobListing { objects, unseen, .. } = root.look_by(&self.0.glob)?;
        let mut hidden: Vec<String> = unseen.iter().map(Unseen::to_string).collect();
        let objects = objects.into_iter().filter(|object| self.matches(&object.path));
        let (objects, foreign): (Vec<Object>, Vec<Object>) = objects.partition(|object| self.has_bytes(root, object));
        let place =
            |object: &Object| format!("{} leads to a file that the input does not match", root.display(&object.path));
        hidden.extend(foreign.iter().map(place));
        Ok(InputObjects { objects, hidden })
    }

    /// Whether an object is a file of the input itself, or a link to one: of other links only the link could be removed.
    fn has_bytes(&self, root: &Root, object: &Object) -> bool {
        root.folder().is_none_or(|folder| {
            let real = folder.join(&object.path).canonicalize().ok();
            let real = real.as_deref().and_then(|real| real.strip_prefix(folder).ok()?.to_str());
            real.is_some_and(|real| real == object.path || self.matches(real))
        })
    }

    /// The text of `{set}` in a path; none where the input has no set, or the path is not one of its own.
    pub fn set_of(&self, path: &str) -> Option<String> {
        self.0.split(path)?.0
    }

    /// Whether a path is one of them.
    pub fn matches(&self, path: &str) -> bool {
        self.0.split(path).is_some()
    }
}

/// An object, and the folder its marker lies in.
struct MarkedObject {
    object: Object,
    folder: String,
    /// Whether all sets have that folder.
    shared: bool,
}

/// The sets of an input, and what may belong to one and cannot be read.
struct Sets {
    found: BTreeMap<Option<String>, Vec<MarkedObject>>,
    /// With the set it belongs to, where that can be told.
    hidden: Vec<(Option<String>, Unseen)>,
    aside: Aside,
}

/// Says whether a set is newer than another, or may be: where names have no order nobody can tell.
fn newer(of: &Option<String>, than: &Option<String>, format: Option<&SetFormat>) -> bool {
    let names = [of, than].into_iter().flatten().map(String::as_str);
    in_order(names, format).map_or(true, |order| order.last() == of.as_deref().as_ref())
}

/// Refuses what is hidden in a set that `concerns` the caller, or in one that cannot be told.
fn refuse(hidden: &[(Option<String>, Unseen)], concerns: impl Fn(&Option<String>) -> bool) -> Result<()> {
    let first = hidden.iter().find(|(set, _)| set.is_none() || concerns(set));
    first.map_or(Ok(()), |(_, unseen)| Err(unseen.refused()))
}

fn selection(
    root: &Root,
    (set, complete): (Option<String>, Option<&Complete>),
    found: Vec<MarkedObject>,
    aside: Aside,
) -> Result<Selection> {
    let folders: BTreeSet<&str> = found.iter().map(|found| found.folder.as_str()).collect();
    let count = complete.and_then(|complete| complete.count.as_ref());
    let count = count.map(|count| count.file.replace(SET, set.as_deref().unwrap_or_default()));
    let counts = count.iter().flat_map(|name| folders.iter().map(|folder| beside(folder, name))).collect();
    let objects: Vec<Object> = found.into_iter().map(|found| found.object).collect();
    match objects.iter().find(|object| !is_own_file(root, object)) {
        None => Ok(Selection { set, objects, aside, counts }),
        Some(object) => {
            Err(Error::new(Code::InputNotReadable, format!("{} is not a file of its root", root.display(&object.path)))
                .help("put the export itself there, not a link that leads elsewhere, a pipe or a device"))
        }
    }
}

/// In a local root a name can lead to a pipe, a device, or out of the root; a cloud root has objects only.
fn is_own_file(root: &Root, object: &Object) -> bool {
    root.folder().is_none_or(|folder| {
        let real = folder.join(&object.path).canonicalize();
        real.is_ok_and(|real| real.starts_with(folder) && real.is_file())
    })
}

fn said(set: Option<&str>, why: &str) -> String {
    set.map_or(why.to_string(), |set| format!("set {set}: {why}"))
}

fn sets(root: &Root, input: &Location, complete: Option<&Complete>) -> Result<Sets> {
    let pattern = Pattern::new(&input.path)?;
    let mut sets: BTreeMap<Option<String>, Vec<MarkedObject>> = BTreeMap::new();
    let GlobListing { objects, unseen, aside, .. } = root.look_by(&pattern.glob)?;
    let hidden: Vec<_> = unseen.into_iter().map(|unseen| (pattern.set_of(&unseen), unseen)).collect();
    for object in objects {
        let Some((set, folder, shared)) = pattern.split(&object.path) else { continue };
        let signs = complete.map(|complete| signs(complete, set.as_deref())).unwrap_or_default();
        if signs.iter().any(|sign| object.path == beside(&folder, &sign.name)) {
            continue;
        }
        sets.entry(set).or_default().push(MarkedObject { object, folder, shared });
    }
    if sets.is_empty() {
        refuse(&hidden, |_| true)?;
        let aside = aside.first.map_or(String::new(), |first| format!("; {first} looks as if it were meant"));
        return Err(Error::new(Code::InputMissing, format!("nothing matches {}:{}{aside}", input.root, input.path))
            .help("check the job's input against the paths in that root, and whether the export has arrived"));
    }
    Ok(Sets { found: sets, hidden, aside })
}

/// Why a set may not be read yet.
fn incomplete(
    root: &Root,
    set: Option<&str>,
    found: &[MarkedObject],
    complete: Option<&Complete>,
    now: Instant,
) -> Result<Option<String>> {
    let Some(complete) = complete else { return Ok(None) };
    let newest = found.iter().map(|found| found.object.modified).max().unwrap_or(now);
    if let CompleteWhen::Settle(period) = &complete.when
        && now.0.saturating_sub(newest.0) < period.micros()
    {
        return Ok(Some(format!("its newest object is of {newest}, and not yet older than [complete] settle")));
    }
    let folders: BTreeSet<(&str, bool)> = found.iter().map(|found| (found.folder.as_str(), found.shared)).collect();
    for sign in signs(complete, set) {
        for (folder, shared) in &folders {
            let path = beside(folder, &sign.name);
            let there = root.look_at(&path)?;
            if let Some(unseen) = there.unseen.first() {
                return Err(unseen.refused());
            }
            match there.objects.into_iter().next() {
                None => return Ok(Some(format!("its {} {} is not there", sign.what, root.display(&path)))),
                Some(object) if *shared && !sign.own && object.modified < newest => {
                    return Ok(Some(format!("the {} {} is older than it", sign.what, root.display(&path))));
                }
                Some(_) => {}
            }
        }
    }
    Ok(None)
}

/// An object that lies beside a set and says something of it.
struct Sign {
    what: &'static str,
    name: String,
    /// Whether its name says which set it is of.
    own: bool,
}

/// What a set that is complete has beside it: its marker, and what the sender says of how many records it has (R64).
fn signs(complete: &Complete, set: Option<&str>) -> Vec<Sign> {
    let sign = |what, name: &str| {
        let own = name.contains(SET);
        Sign { what, name: name.replace(SET, set.unwrap_or_default()), own }
    };
    let marker = match &complete.when {
        CompleteWhen::Marker(name) => Some(sign("marker", name)),
        CompleteWhen::Settle(_) => None,
    };
    marker.into_iter().chain(complete.count.iter().map(|count| sign("count of records", &count.file))).collect()
}

fn beside(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") }
}

/// An input's glob, with the place of its `{set}`.
struct Pattern {
    regex: Regex,
    glob: PathGlob,
    /// The path down to the folder or file whose name has the set in it, and how many segments that are.
    to_set: Option<(Regex, usize)>,
}

impl Pattern {
    fn new(path: &str) -> Result<Pattern> {
        let bad = || {
            Error::new(Code::SpecUnusable, format!("{path:?} is not a usable input"))
                .help("use a path or a glob with *, ?, ** or [ ], and at most one {set}")
        };
        let regex = match path.split_once(SET) {
            Some((_, after)) if after.contains(SET) => return Err(bad()),
            Some((before, after)) => {
                let (before, after) = (part(before).ok_or_else(bad)?, part(after).ok_or_else(bad)?);
                format!("^(?-u:{before})((?u:[^/]+?))(?-u:{after})$")
            }
            None => format!("^(?-u:{})$", part(path).ok_or_else(bad)?),
        };
        let regex = Regex::new(&regex).map_err(|_| bad())?;
        let glob = PathGlob::new(path).ok_or_else(bad)?;
        Ok(Pattern { regex, glob, to_set: to_set(path) })
    }

    /// The set that something belongs to which cannot be read; none when that cannot be told.
    fn set_of(&self, unseen: &Unseen) -> Option<String> {
        let path = std::str::from_utf8(&unseen.path).ok()?;
        if unseen.shape == EntryShape::File {
            return self.split(path)?.0;
        }
        let (regex, depth) = self.to_set.as_ref()?;
        let cut = path.match_indices('/').nth(depth - 1).map_or(path.len(), |(at, _)| at);
        let found = regex.captures(&path.as_bytes()[..cut])?;
        path.get(found.get(1)?.range()).map(str::to_string)
    }

    /// The set's text, the folder of its marker, and whether that folder is shared with other sets.
    fn split(&self, path: &str) -> Option<(Option<String>, String, bool)> {
        let found = self.regex.captures(path.as_bytes())?;
        let parent = || path.rsplit_once('/').map_or("", |(folder, _)| folder).to_string();
        let Some(set) = found.get(1) else { return Some((None, parent(), true)) };
        let text = path.get(set.range())?.to_string();
        match path[set.end()..].find('/') {
            Some(slash) => Some((Some(text), path[..set.end() + slash].to_string(), false)),
            None => Some((Some(text), parent(), true)),
        }
    }
}

/// The part of an input's path that ends with the segment of its set, for inputs without `**` before it.
fn to_set(path: &str) -> Option<(Regex, usize)> {
    let depth = path.split('/').position(|segment| segment.contains(SET))? + 1;
    let head = path.split('/').take(depth).collect::<Vec<_>>().join("/");
    let (before, after) = head.split_once(SET)?;
    if before.contains("**") {
        return None;
    }
    let regex = format!("^(?-u:{})((?u:[^/]+?))(?-u:{})$", part(before)?, part(after)?);
    Some((Regex::new(&regex).ok()?, depth))
}

/// A glob's regular expression without its anchors.
fn part(glob: &str) -> Option<String> {
    let glob = GlobBuilder::new(glob).literal_separator(true).build().ok()?;
    Some(glob.regex().strip_prefix("(?-u)^")?.strip_suffix('$')?.to_string())
}
