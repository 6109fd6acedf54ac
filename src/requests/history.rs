//! The segments in `state`: created once, numbered without a gap, merged when there are many small ones.
//! An entry is never in fewer places than one: a segment goes only after the one that replaces it is there.
//! Must not know lists or raw values.

use super::entry::{Requests, StoredBond};
use super::segment::{self, Looked, MarkRecord, NoteRecord, ReplacedSegment, Segment, SegmentParts};
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::segments::{self, FOLDER, SegmentName, names};
use crate::evidence::{Witness, digest};
use crate::key::Key;
use crate::store::{Created, Root};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Length at which a new segment is begun, and that merging does not exceed by much.
pub(super) const SEGMENT_BYTES: usize = 16 << 20;
/// Segments below this length are merged when so many follow each other.
const SMALL: usize = 4 << 20;
const MANY: usize = 16;
const ATTEMPTS: usize = 20;

/// Something an entry has learned (R13, R14).
pub struct Learned {
    /// Index of the entry, from an `EntryRef`.
    pub entry: u32,
    /// The identity found. Of one that rows have shown the second half is not known, and zeros.
    pub identity: [u8; 32],
    /// Which kinds of links led to it.
    pub bond: StoredBond,
    /// Whether it is a raw form.
    pub raw: bool,
}

/// What is kept of a request on disk only.
pub struct ToldRequest<'a> {
    /// Id of the request.
    pub request: &'a str,
    /// When it was taken in.
    pub taken: Instant,
}

impl Requests {
    /// Loads all entries. `identity` is the identity key; the state belongs to it.
    ///
    /// # Errors
    /// Evidence, when a segment is missing, damaged or of another key; storage.
    pub fn open(state: &Root, identity: &Key) -> Result<Requests> {
        for _ in 0..ATTEMPTS {
            let mut requests = Requests::empty(identity);
            if requests.load(state)? {
                requests.index()?;
                return Ok(requests);
            }
        }
        Err(Error::new(Code::Overtaken, "the stored requests keep changing while they are read"))
    }

    /// Adds what others have stored since these were read. False when more than that has happened, such as a merge of
    /// segments: then they are to be read anew.
    ///
    /// # Errors
    /// As `open`.
    pub fn catches_up(&mut self, state: &Root) -> Result<bool> {
        let (all, last) = (names(&state.list(FOLDER)?)?, self.last_segment());
        whole(&all.iter().map(|(name, _)| *name).collect::<Vec<_>>())?;
        self.segments.sort_unstable();
        let known = all.iter().filter(|(name, _)| name.first <= last);
        if !known.eq(&self.segments) {
            return Ok(false);
        }
        self.catch_up(state)?;
        // Nobody has begun to look since.
        self.unlooked = None;
        self.index()?;
        Ok(true)
    }

    /// Number of the newest segment; it only grows, and the ledger records it.
    pub fn last_segment(&self) -> u64 {
        segments::end(self.segments.iter().map(|(name, _)| name))
    }

    /// Returns the BLAKE3 of the segments that reach beyond the number `since`, by file name.
    pub fn stored(&self, since: u64) -> BTreeMap<String, String> {
        let beyond = self.segments.iter().filter(|(name, _)| name.last > since);
        beyond.filter_map(|(name, _)| Some((name.file(), self.digests.get(name)?.clone()))).collect()
    }

    /// Takes what is there already when the next segment is written: the segment says so.
    pub fn saw(&mut self, witness: Witness) {
        self.witness = Some(witness);
    }

    /// Stores what entries have learned (R18); returns how much of it was new. Without a `state` nothing is written.
    ///
    /// # Errors
    /// As `open`; a policy error for an entry that is not there.
    pub fn learn(&mut self, state: Option<&Root>, learned: &[Learned]) -> Result<usize> {
        let mut segment = Segment::default();
        for new in learned.iter().filter(|l| !self.bound(&l.identity, l.entry, l.bond)) {
            let id = self
                .id(new.entry)
                .ok_or_else(|| Error::new(Code::InternalFault, "something was learned for an unknown entry"))?;
            segment.marks.push(MarkRecord { identity: new.identity, entry: *id, bond: new.bond.byte(new.raw) });
        }
        segment.marks.sort_unstable();
        segment.marks.dedup();
        let count = segment.marks.len();
        self.append(state, segment)?;
        self.index()?;
        Ok(count)
    }

    /// Reads again what is kept on disk only, of the entries that are `wanted`, in no particular order.
    ///
    /// # Errors
    /// As `open`.
    pub fn told(
        &self,
        state: &Root,
        wanted: &dyn Fn(u32) -> bool,
        each: &mut dyn FnMut(u32, ToldRequest<'_>) -> Result<()>,
    ) -> Result<()> {
        let by_id: HashMap<[u8; 16], u32> =
            self.all_ids().filter(|(at, _)| wanted(*at)).map(|(at, id)| (*id, at)).collect();
        if by_id.is_empty() {
            return Ok(());
        }
        for (name, _) in names(&state.list(FOLDER)?)? {
            let Some(bytes) = state.get(&name.path())? else { continue };
            for entry in self.parts(state, name, &bytes)?.entries() {
                if let Some(at) = by_id.get(&entry.id) {
                    each(*at, ToldRequest { request: entry.request, taken: entry.taken })?;
                }
            }
        }
        Ok(())
    }

    /// Reads again the identities that entries name, all 32 bytes of each: lookups keep the first half. Of what links have
    /// taught nobody has more than a half, so it is not among them.
    ///
    /// # Errors
    /// As `open`.
    pub fn named(&self, state: &Root, each: &mut dyn FnMut(u32, &[u8; 32])) -> Result<()> {
        let by_id: HashMap<[u8; 16], u32> = self.all_ids().map(|(at, id)| (*id, at)).collect();
        if by_id.is_empty() {
            return Ok(());
        }
        for (name, _) in names(&state.list(FOLDER)?)? {
            let Some(bytes) = state.get(&name.path())? else { continue };
            for mark in self.parts(state, name, &bytes)?.marks() {
                if mark.bond & 3 == StoredBond::Named.byte(false)
                    && let Some(at) = by_id.get(&mark.entry)
                {
                    each(*at, &mark.identity);
                }
            }
        }
        Ok(())
    }

    /// Returns every request file that was taken in for a list, as `ROOT:path`, and when that was last.
    pub fn taken_files<'a>(&'a self, list: &'a str) -> impl Iterator<Item = (&'a str, Instant)> {
        self.files_of(list).map(|file| (file.object.as_str(), file.taken))
    }

    /// Writes a segment under the next free number and absorbs it. When another process took the number, its entries
    /// are loaded first and those of ours that it already wrote are left out. Without a state nothing is written.
    pub(super) fn append(&mut self, state: Option<&Root>, mut segment: Segment) -> Result<()> {
        let Some(state) = state else {
            let bytes = segment.encode(self.keys.segment.expose())?;
            return self.absorb(&SegmentParts::of_written(&bytes)?, self.last_segment() + 1);
        };
        for _ in 0..ATTEMPTS {
            if segment.is_empty() {
                return Ok(());
            }
            let number = self.last_segment() + 1;
            let name = SegmentName::new(number);
            segment.witness = self.witness.clone();
            let bytes = segment.encode(self.keys.segment.expose())?;
            let (length, digest) = (bytes.len(), digest(&bytes));
            if state.create(&name.path(), bytes.clone())? == Created::New {
                settled(state, name)?;
                self.holds(name, length, digest);
                return self.absorb(&SegmentParts::of_written(&bytes)?, number);
            }
            let theirs = self.catch_up(state)?;
            segment.marks.retain(|m| !theirs.contains(&m.entry) || m.bond & 3 != 0);
            segment.entries.retain(|e| !theirs.contains(&e.id));
        }
        Err(Error::new(Code::Overtaken, "other processes keep writing requests at the same time"))
    }

    fn holds(&mut self, name: SegmentName, bytes: usize, digest: String) {
        self.segments.push((name, bytes));
        self.digests.insert(name, digest);
    }

    /// Loads the segments that others wrote since; returns the ids of their entries.
    fn catch_up(&mut self, state: &Root) -> Result<HashSet<[u8; 16]>> {
        let (last, mut ids) = (self.last_segment(), HashSet::new());
        for (name, _) in names(&state.list(FOLDER)?)?.into_iter().filter(|(name, _)| name.last > last) {
            let Some(bytes) = state.get(&name.path())? else { continue };
            let segment = self.parts(state, name, &bytes)?;
            ids.extend(segment.entries().map(|e| e.id));
            self.unlooked = self.unlooked.or(Some(name.first.max(last + 1)));
            self.absorb(&segment, name.last)?;
            self.holds(name, bytes.len(), digest(&bytes));
        }
        Ok(ids)
    }

    fn parts<'b>(&self, state: &Root, name: SegmentName, bytes: &'b [u8]) -> Result<SegmentParts<'b>> {
        SegmentParts::of(bytes, self.keys.segment.expose()).map_err(|e| unreadable(state, name, e))
    }

    fn decode(&self, state: &Root, name: SegmentName, bytes: &[u8]) -> Result<Segment> {
        Segment::decode(bytes, self.keys.segment.expose()).map_err(|e| unreadable(state, name, e))
    }

    /// False when a segment went away between listing and reading: somebody merged it.
    fn load(&mut self, state: &Root) -> Result<bool> {
        let all = names(&state.list(FOLDER)?)?;
        whole(&all.iter().map(|(name, _)| *name).collect::<Vec<_>>())?;
        let Some(replaced) = self.replaced(state, &all)? else { return Ok(false) };
        for (name, _) in all {
            let Some(bytes) = state.get(&name.path())? else { return Ok(false) };
            let this = ReplacedSegment { name: name.file(), checksum: segment::checksum(&bytes) };
            if replaced.contains(&this) {
                self.leftovers.push(name);
                continue;
            }
            let segment = self.parts(state, name, &bytes)?;
            self.absorb(&segment, name.last)?;
            self.holds(name, bytes.len(), digest(&bytes));
        }
        Ok(true)
    }

    /// What merged segments say they replace, when some of it is still there: a merge that stopped half-way.
    /// A segment that merely has a replaced number is not in it, and is read.
    fn replaced(&self, state: &Root, all: &[(SegmentName, usize)]) -> Result<Option<Vec<ReplacedSegment>>> {
        let mut replaced = Vec::new();
        for (name, _) in all.iter().filter(|(name, _)| all.iter().any(|(other, _)| name.covers(*other))) {
            let Some(bytes) = state.get(&name.path())? else { return Ok(None) };
            replaced.extend(self.parts(state, *name, &bytes)?.header.replaces);
        }
        Ok(Some(replaced))
    }

    /// Merges runs of many small segments and removes what merged ones replace; returns how many objects went.
    ///
    /// # Errors
    /// As `open`. A crash at any point leaves every entry readable.
    pub fn compact(&mut self, state: &Root) -> Result<usize> {
        let mut gone = 0;
        for name in std::mem::take(&mut self.leftovers) {
            state.delete(&name.path())?;
            gone += 1;
        }
        self.segments.sort_unstable();
        for run in runs(&self.segments) {
            gone += self.merge(state, &run)?;
        }
        Ok(gone)
    }

    fn merge(&mut self, state: &Root, run: &[SegmentName]) -> Result<usize> {
        let mut merged = Segment { witness: self.witness.clone(), ..Segment::default() };
        for name in run {
            // Another process merged it in the meantime: nothing is left to do here.
            let Some(bytes) = state.get(&name.path())? else { return Ok(0) };
            merged.replaces.push(ReplacedSegment { name: name.file(), checksum: segment::checksum(&bytes) });
            unite(&mut merged, self.decode(state, *name, &bytes)?);
        }
        // What is merged gets the number of the last of it; who has looked through all of it has looked up to there.
        let last = run.iter().map(|n| n.last).max().unwrap_or(1);
        let up_to_date = self.notes.looked_jobs().filter(|looked| !self.fresh(&looked.job));
        let looked = up_to_date.map(|looked| Looked { segment: looked.segment.max(last), ..looked.clone() });
        unite(&mut merged, Segment { looked: looked.collect(), ..Segment::default() });
        let name = SegmentName {
            first: run.iter().map(|n| n.first).min().unwrap_or(1),
            last,
            generation: run.iter().map(|n| n.generation).max().unwrap_or(0) + 1,
        };
        let bytes = merged.encode(self.keys.segment.expose())?;
        let (length, digest) = (bytes.len(), digest(&bytes));
        if state.create(&name.path(), bytes)? == Created::Exists {
            return Ok(0);
        }
        // Another process merges a run of its own that begins or ends elsewhere: only one of the two may take the place of both.
        if names(&state.list(FOLDER)?)?
            .iter()
            .any(|(other, _)| other.meets(name) && *other != name && !run.contains(other))
        {
            state.delete(&name.path())?;
            return Ok(0);
        }
        for old in run {
            state.delete(&old.path())?;
        }
        self.segments.retain(|(name, _)| !run.contains(name));
        self.holds(name, length, digest);
        self.segments.sort_unstable();
        Ok(run.len())
    }
}

fn unreadable(state: &Root, name: SegmentName, error: Error) -> Error {
    error
        .within(state.display(&name.path()))
        .help("restore the object from a backup of state, or use the identity key it was written under")
}

/// Adds `other` to `merged`; of a file taken in several times the last taking stays.
fn unite(merged: &mut Segment, other: Segment) {
    let terms: Vec<u32> = other.terms.iter().map(|t| merged.terms(t)).collect();
    let jobs: Vec<u32> = other.jobs.iter().map(|job| merged.job(job)).collect();
    merged.marks.extend(other.marks);
    merged.listed.extend(other.listed);
    merged.notes.extend(other.notes.into_iter().map(|note| NoteRecord { job: jobs[note.job as usize], ..note }));
    for looked in other.looked {
        match merged.looked.iter_mut().find(|known| known.job == looked.job) {
            Some(known) if known.segment <= looked.segment => *known = looked,
            Some(_) => {}
            None => merged.looked.push(looked),
        }
    }
    merged.entries.extend(other.entries.into_iter().map(|mut entry| {
        entry.terms = terms[entry.terms as usize];
        entry
    }));
    for file in other.files {
        match merged.files.iter_mut().find(|f| f.list == file.list && f.object == file.object) {
            Some(old) if old.taken <= file.taken => *old = file,
            Some(_) => {}
            None => merged.files.push(file),
        }
    }
}

/// Merged segments free the numbers that they cover: whoever slept gets an old one, and what is looked for later would
/// pass it over.
fn settled(state: &Root, own: SegmentName) -> Result<()> {
    if names(&state.list(FOLDER)?)?.iter().all(|(name, _)| !name.covers(own)) {
        return Ok(());
    }
    state.delete(&own.path())?;
    Err(Error::new(Code::Overtaken, "the stored requests were merged by another process while this one was suspended")
        .help("nothing more was stored; start it again"))
}

/// Runs of neighbours that are small and many enough, each cut where the merged segment would be long.
fn runs(segments: &[(SegmentName, usize)]) -> Vec<Vec<SegmentName>> {
    let mut runs = Vec::new();
    for stretch in segments.split(|(_, bytes)| *bytes >= SMALL) {
        let (mut run, mut length) = (Vec::new(), 0);
        for (name, bytes) in stretch {
            if length + bytes > SEGMENT_BYTES {
                runs.push(std::mem::take(&mut run));
                length = 0;
            }
            run.push(*name);
            length += bytes;
        }
        runs.push(run);
    }
    runs.retain(|run| run.len() >= MANY);
    runs
}

/// That no number up to the last is missing.
fn whole(names: &[SegmentName]) -> Result<()> {
    let Some(missing) = segments::gap(names) else { return Ok(()) };
    Err(Error::new(Code::StatePartMissing, format!("segment {missing} of the stored requests is missing"))
        .help("restore state:requests from a backup; a run without it would publish persons who asked for erasure"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(first: u64, last: u64, generation: u32) -> SegmentName {
        SegmentName { first, last, generation }
    }

    #[test]
    fn only_many_small_neighbours_are_merged() {
        let small = |n| (name(n, n, 0), 1000);
        let few: Vec<_> = (1..=MANY as u64 - 1).map(small).collect();
        assert!(runs(&few).is_empty());
        let mut many: Vec<_> = (1..=20).map(small).collect();
        assert_eq!(runs(&many), [(1..=20).map(|n| name(n, n, 0)).collect::<Vec<_>>()]);
        many[9].1 = SMALL;
        assert!(runs(&many).is_empty());
        let half: Vec<_> = (1..=40).map(|n| (name(n, n, 0), SEGMENT_BYTES / 20)).collect();
        assert_eq!(runs(&half).iter().map(Vec::len).collect::<Vec<_>>(), [20, 20]);
    }
}
