//! A whole table removed for good: history, files, companions, what crashes left, what a bucket keeps. Nothing of it
//! goes while a legal hold reaches a row of it (R34).

use crate::clock::Instant;
use crate::decide::{Entries, kept_by};
use crate::error::{Code, Error, Kind, Result};
use crate::evidence::has_digest;
use crate::monitor::Monitor;
use crate::publish::{self, Companions};
use crate::store::{Object, Root};
use std::collections::{BTreeMap, BTreeSet};

/// Where all bytes of a table are.
pub struct WholeTable<'a> {
    /// Root of the table.
    pub lake: &'a Root,
    /// Path of the table below it.
    pub path: &'a str,
    /// The root that holds the state.
    pub state: &'a Root,
    /// Prefixes of its companions below the state, under every name of its job.
    pub companions: &'a [String],
    /// Objects of the table that state names. They are asked for by name too: a listing may lag behind.
    pub named: &'a [String],
    /// Companions that state names.
    pub named_companions: &'a [String],
    /// BLAKE3 of companions, by path, as far as it is known.
    pub digests: BTreeMap<String, String>,
}

/// What was removed of the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WholeGone {
    /// Objects, by what they were.
    pub objects: BTreeMap<String, u64>,
    /// Length of all that was removed.
    pub bytes: u64,
    /// Versions that the store protects.
    pub protected: u64,
    /// Until when, where the store says so.
    pub kept_until: Option<Instant>,
}

impl WholeGone {
    fn count(&mut self, what: &str, bytes: u64) {
        *self.objects.entry(what.into()).or_default() += 1;
        self.bytes += bytes;
    }
}

impl<'a> WholeTable<'a> {
    /// Counts what is left below the output: objects, what crashes left of writes, versions and uploads of a bucket.
    ///
    /// # Errors
    /// Storage errors: what cannot be looked at is never taken for absent.
    pub fn left(&self) -> Result<u64> {
        let (lake, path) = (self.lake, self.path);
        let there = self.objects()?.len() + lake.staging_leftovers(path)?.0.len();
        Ok((there + lake.past_versions(path)?.len() + lake.open_uploads(path)?.len()) as u64)
    }

    /// Paths of all companions.
    ///
    /// # Errors
    /// Storage errors.
    pub fn companion_paths(&self) -> Result<Vec<String>> {
        let mut paths = Vec::new();
        for prefix in self.companions {
            let objects = self.companions_below(prefix)?.into_iter().map(|object| object.path);
            paths.extend(objects.filter(|path| path.ends_with(".parquet")));
        }
        Ok(paths)
    }

    /// All objects of the table, in path order.
    fn objects(&self) -> Result<Vec<Object>> {
        there(self.lake, self.path, self.named)
    }

    fn companions_below(&self, prefix: &str) -> Result<Vec<Object>> {
        there(self.state, prefix, self.named_companions)
    }

    /// R34: counts what a hold keeps. Of a file without its own companion, one that can be read, nobody can tell whom it holds, so
    /// any hold keeps it; so it does earlier versions of such files that a bucket has.
    ///
    /// # Errors
    /// Storage errors.
    pub fn held(&self, entries: &dyn Entries) -> Result<u64> {
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_string();
        let (mut held, mut free) = (0, BTreeSet::new());
        for path in self.companion_paths()? {
            let own = self.digests.get(&path).map_or(Ok(true), |own| has_digest(self.state, &path, own))?;
            match self.reached(&path, entries) {
                Ok(_) if !own => held += 1,
                Ok(false) => {
                    free.insert(name(&path));
                }
                Ok(true) => held += 1,
                Err(error) if error.kind() == Kind::Evidence => held += 1,
                Err(error) => return Err(error),
            }
        }
        let data = |path: &String| !publish::is_history(self.path, path);
        let current = self.objects()?.into_iter().map(|object| object.path);
        let past = self.lake.past_versions(self.path)?.into_iter().filter(|past| past.bytes > 0);
        let files: BTreeSet<String> = current.chain(past.map(|past| past.path)).filter(data).collect();
        Ok(held + files.iter().filter(|path| !free.contains(&name(path))).count() as u64)
    }

    fn reached(&self, companion: &str, entries: &dyn Entries) -> Result<bool> {
        let mut companions = Companions::open_identities(self.state, companion)?;
        while let Some(group) = companions.next_group()? {
            if kept_by(&group, entries).is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes everything. The history is removed first, and the oldest entry of it before newer ones: a reader sees the newest
    /// version or none, at no time an older one. Companions go last, since they tell whom files hold.
    ///
    /// # Errors
    /// Storage errors, and a stop that was asked for; removing again goes on.
    pub fn remove(&self, monitor: &dyn Monitor) -> Result<WholeGone> {
        let mut gone = WholeGone::default();
        let (log, files): (Vec<_>, Vec<_>) =
            self.objects()?.into_iter().partition(|object| publish::is_history(self.path, &object.path));
        let lake = log.iter().map(|object| ("log", object)).chain(files.iter().map(|object| ("files", object)));
        for (what, object) in lake {
            monitor.proceed()?;
            self.lake.delete(&object.path)?;
            gone.count(what, object.bytes);
        }
        self.traces(self.lake, self.path, &mut gone)?;
        for prefix in self.companions {
            for object in self.companions_below(prefix)? {
                monitor.proceed()?;
                self.state.delete(&object.path)?;
                gone.count("companions", object.bytes);
            }
            self.traces(self.state, prefix, &mut gone)?;
        }
        Ok(gone)
    }

    /// What listings do not show.
    fn traces(&self, root: &Root, prefix: &str, gone: &mut WholeGone) -> Result<()> {
        for leftover in root.staging_leftovers(prefix)?.0 {
            root.remove_staging(&leftover)?;
            gone.count("staging", leftover.bytes);
        }
        for upload in root.open_uploads(prefix)? {
            root.abort_upload(&upload)?;
            gone.count("uploads", 0);
        }
        for past in root.past_versions(prefix)? {
            if root.remove_version(&past)? {
                gone.count("versions", past.bytes);
            } else {
                gone.protected += 1;
                gone.kept_until = gone.kept_until.max(root.protected_until(&past)?);
            }
        }
        Ok(())
    }
}

/// What is listed below `prefix`, and what of `named` lies there and is not listed; in path order.
fn there(root: &Root, prefix: &str, named: &[String]) -> Result<Vec<Object>> {
    let mut objects = root.list(prefix)?;
    let listed: BTreeSet<String> = objects.iter().map(|object| object.path.clone()).collect();
    let below = |path: &&String| path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'));
    for path in named.iter().filter(|path| below(path) && !listed.contains(*path)) {
        objects.extend(root.head(path)?);
    }
    objects.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(objects)
}

/// What is said when something is left that ought to be gone.
pub fn not_empty(place: &str, left: u64) -> Error {
    Error::new(Code::TableNotEmpty, format!("{place}: {left} object(s) of the table are still there"))
        .help("`--remove` removes all of them for good; without it, this only closes a table that was removed by hand")
}
