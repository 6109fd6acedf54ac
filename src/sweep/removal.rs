//! Removal for good (design section 6): what no current version uses goes after `grace`, and every pass says in the
//! ledger what went and up to which request nothing is left. Must not know why rows went.

use super::scene::{CorrectionsLeft, DatasetRequests, Scene};
use crate::clock::{self, Instant, Period};
use crate::decide::{Entries, KeptBy, kept_by};
use crate::error::Result;
use crate::evidence::{LedgerEvent, RunRef, has_digest};
use crate::job::{ATTEMPT, recover};
use crate::monitor::{Event as Notice, Monitor};
use crate::publish::{self, Companions, Target};
use crate::state::{Dataset, PublishedFile, Replaced};
use crate::store::{Forgets, Object, Root};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// Whether files are about to go whose attempt could still commit them on top of the current version: one that slept
/// for longer than what `check_age` allows and has not noticed yet. Once there is a newer version, it cannot.
///
/// # Errors
/// Storage errors; evidence, when a record of an attempt cannot be read.
pub fn awaited(scene: &Scene<'_>, dataset: &Dataset) -> Result<bool> {
    let Some(current) = &dataset.current else { return Ok(false) };
    let found = publish::orphans(&scene.target, &known(dataset))?;
    for object in found.files.iter().chain(&found.companions) {
        let left = Left::find(scene, object)?;
        if left.makes > current.version && left.due(scene) <= scene.now {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Names of files that a version has or had.
fn known(dataset: &Dataset) -> BTreeSet<String> {
    let current = dataset.current.iter().flat_map(|current| &current.files);
    let replaced = dataset.replaced.iter().flat_map(|replaced| &replaced.files);
    current.chain(replaced).map(|file| name(&file.path).to_owned()).collect()
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or("")
}

/// What an attempt left.
struct Left {
    /// When it was written, or its attempt began, whatever is later.
    at: Instant,
    /// The version that the attempt would make; 0 when nobody can commit it.
    makes: u64,
}

impl Left {
    fn find(scene: &Scene<'_>, object: &Object) -> Result<Left> {
        match publish::written_by(name(&object.path)) {
            Some(of) => Left::of(scene, of, object),
            None => Ok(Left { at: object.modified, makes: 0 }),
        }
    }

    fn of(scene: &Scene<'_>, (run, attempt): (&str, u32), object: &Object) -> Result<Left> {
        let origin = scene.state.origin(run, attempt)?;
        let at = origin.map_or(object.modified, |origin| origin.at.max(object.modified));
        Ok(Left { at, makes: origin.map_or(0, |origin| origin.makes) })
    }

    fn due(&self, scene: &Scene<'_>) -> Instant {
        old_enough(scene, self.at)
    }
}

/// When something that an attempt left may go.
fn old_enough(scene: &Scene<'_>, at: Instant) -> Instant {
    let due = |period| clock::add(at, period, &TimeZone::UTC);
    due(&scene.project.removal.grace).max(due(&ATTEMPT))
}

/// Why a file is not removed.
#[derive(Clone, Copy)]
enum Held {
    /// A person in it is on hold, or restricted.
    By(KeptBy),
    /// Nobody can tell whom it has.
    Untold,
}

/// What a pass came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Removal {
    /// Objects removed, by what they were.
    pub objects: BTreeMap<String, u64>,
    /// Length of these files together.
    pub bytes: u64,
    /// Files that wait for the end of `grace` or of an attempt that may be under way.
    pub waiting: u64,
    /// When the next of them may go.
    pub next: Option<Instant>,
    /// Files that a hold, or a restriction that keeps bytes, keeps.
    pub held: u64,
    /// Of these, how many `hold` and `restriction` keep; of the others nobody can tell whom they have, so all of these do.
    pub held_by: BTreeMap<String, u64>,
    /// Versions that the store protects.
    pub protected: u64,
    /// Files that may be of attempts that came to nothing, and that cannot be read: nobody can say whom they hold.
    pub unseen: u64,
    /// Whether nothing was removed because a list of legal holds could not be read (R34).
    pub withheld: bool,
    /// Why no further request becomes `removed`, although files were purged.
    pub corrections: Option<CorrectionsLeft>,
    /// Requests applied up to then are in no byte that tamis could verify.
    pub watermark: Option<Instant>,
}

impl Removal {
    fn gone(&mut self, what: &str, objects: u64, bytes: u64) {
        if objects > 0 {
            *self.objects.entry(what.into()).or_default() += objects;
            self.bytes += bytes;
        }
    }

    fn hold(&mut self, by: Held) {
        self.held += 1;
        if let Held::By(by) = by {
            *self.held_by.entry(by.word().into()).or_default() += 1;
        }
    }

    fn wait(&mut self, files: u64, until: Instant) {
        self.waiting += files;
        self.next = Some(self.next.map_or(until, |next| next.min(until)));
    }
}

/// Removes what is due of one dataset.
///
/// # Errors
/// Storage errors, and a stop that was asked for; what went before stays gone and is in the ledger, and the next pass
/// goes on.
pub fn remove(
    scene: &Scene<'_>,
    dataset: &mut Dataset,
    asked: &DatasetRequests<'_>,
    monitor: &dyn Monitor,
) -> Result<Removal> {
    let mut pass = Pass {
        scene,
        entries: asked.entries,
        holds: asked.holds,
        done: Removal { corrections: asked.corrections, ..Removal::default() },
        gone: BTreeSet::new(),
        doubt: asked.corrections.is_some(),
        monitor,
    };
    let record = |dataset: &Dataset| {
        (dataset.replaced.clone(), dataset.removed, dataset.deleted, dataset.kept_until, dataset.history.clone())
    };
    let before = record(dataset);
    let passed = pass.all(dataset);
    if passed.is_err() && !pass.done.objects.is_empty() {
        pass.done.watermark = dataset.removed;
        ledger(scene, dataset, &pass.done)?;
    }
    let kept_until = passed?;
    watermarks(scene, dataset, &pass, kept_until);
    pass.done.watermark = dataset.removed;
    if dataset.current.is_some() {
        dataset.history = recover::history(&scene.target, &dataset.history);
    }
    if !pass.done.objects.is_empty() || before.1 != dataset.removed {
        ledger(scene, dataset, &pass.done)?;
    }
    if before != record(dataset) {
        scene.state.save_dataset(dataset)?;
    }
    Ok(pass.done)
}

fn ledger(scene: &Scene<'_>, dataset: &Dataset, done: &Removal) -> Result<()> {
    let run = format!("removal-{}-{}", scene.plan.job, scene.now);
    let event = LedgerEvent::Removed {
        job: scene.plan.job.clone(),
        objects: done.objects.clone(),
        bytes: done.bytes,
        held: done.held,
        watermark: done.watermark,
        record: dataset.seq,
    };
    scene.state.ledger().append(RunRef { run: &run, attempt: 1, since: scene.now }, event, scene.now).map(|_| ())
}

/// Up to which request nothing is left. What is left of an earlier version, or may be in a file that nobody knows, holds
/// the mark back; so does a store that keeps deleted bytes, for the mark that says `removed`.
fn watermarks(scene: &Scene<'_>, dataset: &mut Dataset, pass: &Pass<'_>, kept_until: Option<Instant>) {
    let oldest = dataset.replaced.iter().map(|replaced| replaced.applied).min();
    let clear = if pass.doubt { None } else { oldest.unwrap_or(dataset.applied) };
    dataset.deleted = dataset.deleted.max(clear);
    let roots = [scene.target.lake, scene.target.state];
    let blind = roots.iter().any(|root| root.forgets() == Forgets::Unknown);
    dataset.kept_until = kept_until;
    if !blind && pass.done.protected == 0 {
        dataset.removed = dataset.removed.max(dataset.deleted);
    }
}

struct Pass<'a> {
    scene: &'a Scene<'a>,
    entries: &'a dyn Entries,
    /// Whether a legal hold is in force.
    holds: bool,
    monitor: &'a dyn Monitor,
    done: Removal,
    /// Paths deleted in this pass, of lake and state.
    gone: BTreeSet<String>,
    /// Something is left that may hold persons whom requests have taken out.
    doubt: bool,
}

impl<'a> Pass<'a> {
    fn due(&self, at: Instant, period: &Period) -> Instant {
        clock::add(at, period, &TimeZone::UTC)
    }

    /// Every place, one after the other; gives until when the store protects something.
    fn all(&mut self, dataset: &mut Dataset) -> Result<Option<Instant>> {
        dataset.replaced = self.replaced(&dataset.replaced)?;
        self.orphans(dataset)?;
        self.seen_persons(dataset)?;
        self.log(dataset)?;
        self.staging()?;
        self.monitor.proceed()?;
        let kept_until = self.versions()?;
        self.uploads()?;
        Ok(kept_until)
    }

    /// Files of earlier versions, once their readers have had their time; gives what is left of them.
    fn replaced(&mut self, replaced: &[Replaced]) -> Result<Vec<Replaced>> {
        let mut left = Vec::new();
        for version in replaced {
            self.monitor.proceed()?;
            let due = self.due(version.at, &self.scene.project.removal.grace);
            let files = if due > self.scene.now {
                self.done.wait(version.files.len() as u64, due);
                version.files.clone()
            } else {
                self.files(&version.files)?
            };
            if !files.is_empty() || due > self.scene.now {
                left.push(Replaced { files, ..version.clone() });
            }
        }
        Ok(left)
    }

    /// Removes files and their companions; gives those that a hold keeps.
    fn files(&mut self, files: &[PublishedFile]) -> Result<Vec<PublishedFile>> {
        let (lake, state) = (self.scene.target.lake, self.scene.target.state);
        let mut held = Vec::new();
        for file in files {
            self.monitor.proceed()?;
            let own = (file.companion.as_str(), file.companion_blake3.as_deref());
            if let Some(by) = self.held(own, lake.head(&file.path)?.is_some())? {
                self.done.hold(by);
                held.push(file.clone());
                continue;
            }
            // The companion goes last: it is what the next pass asks about holds.
            self.delete(lake, "files", &file.path)?;
            self.delete(state, "companions", &file.companion)?;
        }
        Ok(held)
    }

    fn delete(&mut self, root: &Root, what: &str, path: &str) -> Result<()> {
        if let Some(object) = root.head(path)? {
            root.delete(path)?;
            self.done.gone(what, 1, object.bytes);
        }
        self.gone.insert(path.to_string());
        Ok(())
    }

    /// R34: whether a file has a subject on hold. Without its own companion nobody can tell, so any hold keeps it.
    fn held(&self, (companion, blake3): (&str, Option<&str>), there: bool) -> Result<Option<Held>> {
        if !self.holds {
            return Ok(None);
        }
        let state = self.scene.target.state;
        if state.head(companion)?.is_none() || !blake3.map_or(Ok(true), |own| has_digest(state, companion, own))? {
            return Ok(there.then_some(Held::Untold));
        }
        let mut companions = Companions::open_identities(self.scene.target.state, companion)?;
        let mut by = None;
        while let Some(group) = companions.next_group()? {
            by = by.max(kept_by(&group, self.entries));
            if by == Some(KeptBy::Hold) {
                break;
            }
        }
        Ok(by.map(Held::By))
    }

    /// Files of attempts that were never committed.
    fn orphans(&mut self, dataset: &Dataset) -> Result<()> {
        let current = dataset.current.as_ref().map(|current| current.version);
        let known = known(dataset);
        let mut found = publish::orphans(&self.scene.target, &known)?;
        for target in self.earlier() {
            let earlier = publish::orphans(&target, &known)?;
            found.companions.extend(earlier.companions);
            found.unseen.extend(earlier.unseen);
        }
        for unseen in &found.unseen {
            self.monitor.event(Notice::Warning(format!("{unseen}; what it holds is not removed")));
            (self.done.unseen, self.doubt) = (self.done.unseen + 1, true);
        }
        let files: BTreeSet<&str> = found.files.iter().map(|object| name(&object.path)).collect();
        for object in &found.files {
            let own = |companion: &&Object| name(&companion.path) == name(&object.path);
            let there = found.companions.iter().find(own).map(|companion| companion.path.clone());
            let companion = there.unwrap_or_else(|| self.scene.target.companion(name(&object.path)));
            self.orphan(self.scene.target.lake, object, &companion, current)?;
        }
        // Companions come before their files: one alone is what is left of an attempt, or of a removal cut short.
        for object in found.companions.iter().filter(|object| !files.contains(name(&object.path))) {
            self.orphan(self.scene.target.state, object, &object.path, current)?;
        }
        Ok(())
    }

    fn orphan(&mut self, root: &Root, object: &Object, companion: &str, current: Option<u64>) -> Result<()> {
        self.monitor.proceed()?;
        let left = Left::find(self.scene, object)?;
        let due = left.due(self.scene);
        if due > self.scene.now || current.is_some_and(|current| left.makes > current) {
            self.doubt(due);
        } else if let Some(by) = self.held((companion, None), true)? {
            self.done.hold(by);
            self.doubt = true;
        } else {
            self.delete(root, "orphans", &object.path)?;
            self.delete(self.scene.target.state, "orphans", companion)?;
        }
        Ok(())
    }

    /// R42: what earlier versions knew of when persons were first seen. Of a hold nothing in it is asked: the current version
    /// has it too.
    fn seen_persons(&mut self, dataset: &Dataset) -> Result<()> {
        let own = dataset.current.as_ref().and_then(|current| current.first_seen.as_ref());
        let newest = dataset.current.as_ref().map(|current| current.version);
        let state = self.scene.target.state;
        let prefixes: Vec<&str> =
            self.scene.earlier.iter().map(String::as_str).chain([self.scene.target.companions]).collect();
        for object in prefixes.into_iter().map(|prefix| state.list(prefix)).collect::<Result<Vec<_>>>()?.concat() {
            let Some((run, attempt)) = publish::seen_by(name(&object.path)) else { continue };
            if own.is_some_and(|own| own.path == object.path) {
                continue;
            }
            self.monitor.proceed()?;
            let left = Left::of(self.scene, (run, attempt), &object)?;
            let due = left.due(self.scene);
            if due > self.scene.now || newest.is_some_and(|newest| left.makes > newest) {
                self.done.wait(1, due);
            } else {
                self.delete(state, "first-seen", &object.path)?;
            }
        }
        Ok(())
    }

    /// Something that an attempt may still need waits.
    fn doubt(&mut self, until: Instant) {
        self.done.wait(1, until);
        self.doubt = true;
    }

    /// Log entries and checkpoints below the oldest version that a reader may still have.
    fn log(&mut self, dataset: &Dataset) -> Result<()> {
        let Some(current) = &dataset.current else { return Ok(()) };
        let oldest = dataset.replaced.iter().map(|replaced| replaced.version).min();
        let removed = publish::trim(&self.scene.target, current.version, oldest.unwrap_or(current.version))?;
        self.done.gone("log", removed.len() as u64, removed.iter().map(|object| object.bytes).sum());
        self.gone.extend(removed.into_iter().map(|object| object.path));
        Ok(())
    }

    /// What crashes left of local writes.
    fn staging(&mut self) -> Result<()> {
        for (root, prefix) in self.places() {
            for leftover in root.staging_leftovers(prefix)?.0 {
                let ours = |target: &Target<'_>| publish::is_staged(target, &leftover.path);
                if !ours(&self.scene.target) && !self.earlier().any(|target| ours(&target)) {
                    continue;
                }
                let due = old_enough(self.scene, leftover.modified);
                if due > self.scene.now {
                    self.doubt(due);
                    continue;
                }
                root.remove_staging(&leftover)?;
                self.done.gone("staging", 1, leftover.bytes);
            }
        }
        // Of ledger, requests and records: nothing of the dataset is in them, so they only go when they are old enough.
        let state = self.scene.target.state;
        for leftover in state.staging_leftovers("")?.0 {
            if crate::state::is_own(&leftover.path) && old_enough(self.scene, leftover.modified) <= self.scene.now {
                state.remove_staging(&leftover)?;
                self.done.gone("staging", 1, leftover.bytes);
            }
        }
        Ok(())
    }

    /// Versions that a bucket keeps of what was deleted or replaced; gives until when it protects some. While any hold
    /// is in force only those go whose file this pass has looked into.
    fn versions(&mut self) -> Result<Option<Instant>> {
        let mut kept_until = None;
        for (root, prefix) in self.places() {
            for past in root.past_versions(prefix)? {
                self.monitor.proceed()?;
                if self.holds && past.bytes > 0 && !self.gone.contains(&past.path) {
                    (self.done.held, self.doubt) = (self.done.held + 1, true);
                } else if root.remove_version(&past)? {
                    self.done.gone("versions", 1, past.bytes);
                } else {
                    self.done.protected += 1;
                    kept_until = kept_until.max(root.protected_until(&past)?);
                }
            }
        }
        Ok(kept_until)
    }

    /// Parts of uploads that were never finished.
    fn uploads(&mut self) -> Result<()> {
        for (root, prefix) in self.places() {
            for upload in root.open_uploads(prefix)? {
                let due = old_enough(self.scene, upload.began);
                if due > self.scene.now {
                    self.doubt(due);
                    continue;
                }
                root.abort_upload(&upload)?;
                self.done.gone("uploads", 1, 0);
            }
        }
        Ok(())
    }

    /// Where bytes of the dataset are.
    /// The table with the companions of each earlier name of its job.
    fn earlier(&self) -> impl Iterator<Item = Target<'a>> + use<'a> {
        let scene = self.scene;
        scene.earlier.iter().map(|companions| Target { companions, ..scene.target })
    }

    fn places(&self) -> Vec<(&'a Root, &'a str)> {
        let target = &self.scene.target;
        let earlier = self.scene.earlier.iter().map(|prefix| (target.state, prefix.as_str()));
        [(target.lake, target.path), (target.state, target.companions)].into_iter().chain(earlier).collect()
    }
}
