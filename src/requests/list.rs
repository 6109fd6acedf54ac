//! Lists of requests are taken in: each object read once, each request stored once, every unreadable row told (R31).
//! A faulty object never keeps the readable requests of others from being stored. Must not know exports or datasets.

use super::date::ListDates;
use super::elsewhere::Elsewhere;
use super::entry::{EntryRef, Requests, StoredBond, half};
use super::history::SEGMENT_BYTES;
use super::part;
use super::request::{self, Cells, Columns, Maker, Request};
use super::segment::{EntryRecord, FileTaken, ListTerms, ListedRecord, MarkRecord, Segment, SetTaken};
use crate::clock::Instant;
use crate::error::{Code, Error, Kind, Result};
use crate::monitor::{Event, Monitor};
use crate::policy::{Effect, Identifier, List, Project, ReadFormat};
use crate::read::{Broken, InputPaths, Member, Records, date_in, survey};
use crate::store::{Aside, Meant, Object, PathGlob, Root, Unseen};
use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// What to do about a file that cannot be read.
const CORRECT: &str = "correct the request file";
/// What to do about a file that is not the same any more.
const WAIT: &str = "let whoever writes the request file finish, then run again";
/// Faults told one by one per object; the others are counted.
const TOLD: u64 = 100;
/// A date may be a day ahead of the time in UTC.
const DAY: i64 = 86_400_000_000;
/// Entries after which the table is sorted again during one intake.
const SORT_AFTER: usize = 1 << 20;
/// How many files of a list that no listing has are asked for by name.
const ASKED_FOR: usize = 32;

/// What taking in all lists came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntakeReport {
    /// One per list of the policy, by name.
    pub lists: Vec<ListIntake>,
    /// What could not be read, up to 100 per object.
    pub faults: Vec<ListFault>,
    /// Unreadable rows, broken objects and lists without any, all of them.
    pub unreadable: u64,
}

/// What one list came to; counts only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListIntake {
    /// Name of the list in the policy.
    pub list: String,
    /// Objects that match its `input`.
    pub objects: u64,
    /// Those of them that had been taken in before, unchanged.
    pub unchanged: u64,
    /// Records that were read.
    pub records: u64,
    /// Requests stored now for the first time.
    pub new: u64,
    /// Requests that were stored already.
    pub known: u64,
    /// Requests that a snapshot no longer has: they have no effect any more.
    pub lifted: u64,
    /// Requests that are in a snapshot again.
    pub returned: u64,
    /// Keyed digests of the objects read, hex.
    pub digests: Vec<String>,
    /// Values in new requests that have no normal form, so that only the same spelling matches (R4).
    pub raw: u64,
    /// Rows and objects that could not be read.
    pub unreadable: u64,
    /// What its `input` leaves aside though it looks like what was meant.
    pub aside: Aside,
}

/// One thing that could not be read. Names object and record, never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListFault {
    /// Name of the list in the policy.
    pub list: String,
    /// `ROOT:path` of the object, or of the list's `input` when no object matches.
    pub object: String,
    /// Record number from 1, the header not counted; none when the whole object is at fault.
    pub record: Option<u64>,
    /// Byte of the object's text, from 0, where that helps to find it.
    pub byte: Option<u64>,
    /// Whether it changed or went away while it was being read: nothing may be wrong with it.
    pub changed: bool,
    /// What is wrong, in words without a value.
    pub what: String,
    /// What to do about it.
    pub help: &'static str,
}

impl fmt::Display for ListFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "list {}: {}", self.list, self.object)?;
        if let Some(record) = self.record {
            write!(f, ", record {record}")?;
        }
        if let Some(byte) = self.byte {
            write!(f, ", byte {byte}")?;
        }
        write!(f, ": {}", self.what)
    }
}

impl IntakeReport {
    /// Whether a list of holds, or of restrictions that keep bytes, could not be read to the end: whom it holds is not
    /// known (R34, R69).
    pub fn blind_to_holds(&self, project: &Project) -> bool {
        let keeps = |list: &List| list.effect == Effect::Hold || list.ground.is_some_and(|ground| ground.keeps_bytes());
        let holds = |list: &ListIntake| project.lists.get(&list.list).is_some_and(keeps);
        self.lists.iter().any(|list| list.unreadable > 0 && holds(list))
    }

    /// The error to stop with once everything readable has been applied (R31, exit 3); none when all was readable.
    pub fn refusal(&self) -> Option<Error> {
        // What has to be corrected comes before what may be right the next time.
        let first = self.faults.iter().min_by_key(|fault| fault.changed)?;
        let others = self.unreadable.saturating_sub(1);
        let more = if others > 0 { format!(" (and {others} more)") } else { String::new() };
        let help = format!("{}; every readable request has been stored and stays in force", first.help);
        let code = if first.changed { Code::RequestListChanged } else { Code::RequestListUnreadable };
        Some(Error::new(code, format!("{first}{more}")).help(help))
    }
}

/// Takes in every list of the policy. `make` gives the maker of identities of one kind; `now` is noted as the instant
/// of taking in. Without a `state` nothing is written and the requests are known only to `requests` (for `plan`, R28).
/// Only a failing store or a wrong policy is an error here: what the inputs have wrong is in the report.
///
/// # Errors
/// Storage; policy, for a root or an encoding that does not exist.
pub fn take_in(
    requests: &mut Requests,
    state: Option<&Root>,
    roots: &BTreeMap<String, Root>,
    project: &Project,
    make: &dyn Fn(&Identifier) -> Result<Maker>,
    now: Instant,
    monitor: &dyn Monitor,
) -> Result<IntakeReport> {
    let patterns: Vec<&regex::Regex> = project.lists.values().map(|l| &l.request_pattern).collect();
    let mut report = IntakeReport::default();
    let mut elsewhere = Elsewhere::of(project, roots);
    // Lifts first: whether a request that an export lists without a date is in force is asked while it is read (R63).
    let (lifts, others): (Vec<&List>, _) = project.lists.values().partition(|list| list.effect == Effect::Lift);
    for list in lifts.into_iter().chain(others) {
        let mut found = Matching::find(list, roots)?;
        found.aside.add(elsewhere.look(list, &found.below, &taken_before(requests, list)));
        let dates = ListDates::new(list.formats.as_deref(), &list.zone)?;
        let mut intake = ListReading {
            requests,
            state,
            list,
            root: found.root,
            sets: list.sets.as_ref().map(|_| InputPaths::new(&list.input)).transpose()?,
            patterns: &patterns,
            dates: &dates,
            makers: request::makers(list, make)?,
            terms: request::terms(list),
            reading: request::reading(list),
            format: part::format(list),
            draft: Segment::default(),
            request_names: None,
            now,
            monitor,
            seen: None,
            set: None,
            is_news: true,
            count: ListIntake { list: list.name.clone(), ..ListIntake::default() },
            faults: Vec::new(),
        };
        intake.objects(found)?;
        report.unreadable += intake.count.unreadable;
        report.lists.push(intake.count);
        report.faults.append(&mut intake.faults);
    }
    report.lists.sort_by(|a, b| a.list.cmp(&b.list));
    report.faults.sort_by(|a, b| a.list.cmp(&b.list));
    Ok(report)
}

/// Digest over names and versions of all request files there are, none of them read: another one says that there is
/// something to take in.
///
/// # Errors
/// As [`take_in`].
pub fn files(project: &Project, roots: &BTreeMap<String, Root>) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut part = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for list in project.lists.values() {
        part(&list.name);
        part(&request::reading(list));
        let found = Matching::find(list, roots)?;
        for unseen in found.unseen {
            part(&unseen.to_string());
        }
        for object in found.objects {
            part(&object.path);
            part(&object.bytes.to_string());
            part(object.etag.as_deref().unwrap_or_default());
            part(&object.modified.to_string());
        }
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// The files in an object, each with its place and none where it is empty, and a digest of all.
type Surveyed = (Vec<(String, Option<Member>)>, [u8; 32]);

/// The objects of a list.
struct Matching<'a> {
    root: &'a Root,
    glob: PathGlob,
    objects: Vec<Object>,
    /// What it matches, or may match something in, and cannot be read.
    unseen: Vec<Unseen>,
    aside: Aside,
    below: Vec<Object>,
}

/// Names and lengths of the files of a list that were taken in: whoever moves one away means nothing by it.
fn taken_before(requests: &Requests, list: &List) -> HashSet<(String, u64)> {
    let name = |file: &FileTaken| file.object.rsplit(['/', ':']).next().unwrap_or_default().to_owned();
    requests.files_of(&list.name).map(|file| (name(file), file.bytes)).collect()
}

impl<'a> Matching<'a> {
    fn find(list: &List, roots: &'a BTreeMap<String, Root>) -> Result<Matching<'a>> {
        let input = &list.input;
        let root = roots.get(&input.root);
        let root =
            root.ok_or_else(|| Error::new(Code::NameUnknown, format!("list {}: no root {:?}", list.name, input.root)))?;
        let glob = PathGlob::new(&input.path);
        let glob =
            glob.ok_or_else(|| Error::new(Code::SpecUnusable, format!("list {}: input is not a glob", list.name)))?;
        let Meant { objects, unseen, aside, below } = root.meant(&glob)?;
        Ok(Matching { root, glob, objects, unseen, aside, below })
    }
}

/// What a snapshot has: its requests, and what they say apart from their terms.
#[derive(Default)]
struct SnapshotRows {
    ids: HashSet<[u8; 16]>,
    said: HashSet<[u8; 32]>,
}

/// One list being taken in.
struct ListReading<'a> {
    requests: &'a mut Requests,
    state: Option<&'a Root>,
    list: &'a List,
    root: &'a Root,
    /// Where objects lie in sets, which paths have which (R63).
    sets: Option<InputPaths>,
    patterns: &'a [&'a regex::Regex],
    dates: &'a ListDates,
    makers: Vec<Maker>,
    terms: ListTerms,
    reading: String,
    format: ReadFormat,
    draft: Segment,
    /// Hashes of the ids of all requests, once a lift has named one.
    request_names: Option<HashSet<u64>>,
    /// Of a snapshot that is one object: what was found in it.
    seen: Option<SnapshotRows>,
    /// The set of the object that is being read (R63), and whether its bytes are news.
    set: Option<SetTaken>,
    is_news: bool,
    now: Instant,
    monitor: &'a dyn Monitor,
    count: ListIntake,
    faults: Vec<ListFault>,
}

impl ListReading<'_> {
    fn objects(&mut self, mut found: Matching<'_>) -> Result<()> {
        let unlisted = self.unlisted(&found)?;
        found.objects.extend(unlisted);
        found.objects.sort_by(|a, b| a.path.cmp(&b.path));
        self.taken_in(&found)
    }

    /// What was taken in before, is there, and no listing has: a listing may lag behind. Only what was taken in last is
    /// asked for: request files are removed once they are taken in, and there may be many.
    fn unlisted(&self, found: &Matching<'_>) -> Result<Vec<Object>> {
        if !self.root.may_lag() {
            return Ok(Vec::new());
        }
        let (there, prefix) = (self.places(found), self.root.display(""));
        let mut known: Vec<&FileTaken> =
            self.before(&found.glob).filter(|file| !there.contains(&file.object)).collect();
        known.sort_by_key(|file| std::cmp::Reverse(file.taken));
        let paths = known.iter().take(ASKED_FOR).filter_map(|file| file.object.strip_prefix(&prefix));
        let found: Result<Vec<Option<Object>>> = paths.map(|path| self.root.head(path)).collect();
        Ok(found?.into_iter().flatten().collect())
    }

    /// Places of all that was found, also of what cannot be read.
    fn places(&self, found: &Matching<'_>) -> HashSet<String> {
        let mut places: HashSet<String> = found.objects.iter().map(|object| self.root.display(&object.path)).collect();
        places.extend(found.unseen.iter().map(|unseen| self.root.display(&String::from_utf8_lossy(&unseen.path))));
        places
    }

    fn taken_in(&mut self, found: &Matching<'_>) -> Result<()> {
        self.count.aside = found.aside.clone();
        for unseen in &found.unseen {
            self.told(&unseen.place(), (None, None), false, (unseen.said(), unseen.help()));
        }
        let none = found.objects.is_empty() && found.unseen.is_empty();
        if none && !self.list.may_be_empty && !self.removed_since(&found.glob) {
            let place = self.root.display(&self.list.input.path);
            self.fault(&place, None, None, "no object matches; if that is right, set may_be_empty");
        }
        if self.list.snapshot && found.objects.len() > 1 {
            let place = self.root.display(&self.list.input.path);
            self.fault(
                &place,
                None,
                None,
                "several objects match, but a snapshot is one object; none of its requests was lifted",
            );
        }
        for object in &found.objects {
            self.count.objects += 1;
            let whole = found.objects.len() == 1 && found.unseen.is_empty();
            self.seen = (self.list.snapshot && whole).then(SnapshotRows::default);
            self.object(object)?;
            if self.sets.is_some() {
                // What an earlier set asked for may be ended by now.
                self.store()?;
                self.requests.index()?;
            }
        }
        self.unread_and_removed(found);
        self.store()?;
        self.requests.index()
    }

    /// Objects that matched before, the latest taking of each.
    fn before<'a>(&'a self, glob: &'a PathGlob) -> impl Iterator<Item = &'a FileTaken> {
        let prefix = self.root.display("");
        let matches =
            move |object: &str| object.strip_prefix(&prefix).is_some_and(|path| glob.matches(path.as_bytes()));
        self.requests.files_of(&self.list.name).filter(move |file| matches(&file.object))
    }

    /// R31: whether objects that matched were taken in before; that they are gone is no fault.
    fn removed_since(&self, glob: &PathGlob) -> bool {
        self.before(glob).any(|file| file.unreadable == 0)
    }

    /// R31: an object that was not taken in whole is missed when it is gone; what it asked for is not known.
    fn unread_and_removed(&mut self, found: &Matching<'_>) {
        let there = self.places(found);
        let unread = |file: &&FileTaken| file.unreadable > 0 && !there.contains(&file.object);
        let gone: Vec<String> = self.before(&found.glob).filter(unread).map(|file| file.object.clone()).collect();
        for place in gone {
            self.fault(&place, None, None, "it was removed before all of it could be read; put it back, corrected");
        }
    }

    fn object(&mut self, object: &Object) -> Result<()> {
        let place = self.root.display(&object.path);
        let before = self.requests.file(&self.list.name, &place).cloned();
        let known = before.clone().filter(|f| f.reading == self.reading);
        let etag = self.etag(object);
        let same = |f: &FileTaken| f.etag.is_some() && f.etag == etag && f.bytes == object.bytes;
        if known.as_ref().is_some_and(|f| f.unreadable == 0 && same(f)) {
            self.count.unchanged += 1;
            return Ok(());
        }
        let (parts, digest) = match self.survey(object, &place) {
            Ok(surveyed) => surveyed,
            Err(error) => return self.refused(&place, (None, None), error),
        };
        self.set = self.set_of(object);
        let mut taken = self.taken(object, &place, &digest);
        self.is_news = before.is_none_or(|before| before.digest != taken.digest);
        // A snapshot that lies beside others is not compared, so it is read again once it is alone.
        let done_with = self.seen.is_some() || !self.list.snapshot;
        if known.as_ref().is_some_and(|f| f.unreadable == 0 && f.digest == taken.digest) {
            self.count.unchanged += 1;
            return Ok(());
        }
        self.count.digests.push(taken.digest.clone());
        let (before, mut whole) = (self.count.unreadable, true);
        for (place, part) in &parts {
            whole &= match part {
                None => self.empty(place),
                Some(part) => self.records(part, (place, self.date_of_set()), &mut taken)?,
            };
        }
        if whole && self.count.unreadable == before {
            self.compare(&place);
        }
        taken.unreadable = self.count.unreadable - before;
        if done_with && known.is_none_or(|f| !f.agrees(&taken)) {
            self.draft.files.push(taken);
        }
        Ok(())
    }

    /// Lifts the requests that a snapshot read without a fault no longer has, unless they are more than `max_lifted`.
    fn compare(&mut self, place: &str) {
        let Some(seen) = self.seen.take() else { return };
        let (mut stored, mut changed, at) = (0, Vec::new(), self.requests.listed_next(self.now));
        let mut gone = Vec::new();
        for (place, entry, was) in self.requests.of_list(&self.list.name) {
            stored += u64::from(was);
            let there = seen.ids.contains(entry);
            if there != was {
                changed.push(ListedRecord { entry: *entry, at, there });
                gone.extend((!there).then_some(place));
            }
        }
        // A request that is there on other terms has not been lifted: it takes the place of the one before.
        let lifted = self.requests.said_of(&gone).iter().filter(|said| !seen.said.contains(*said)).count() as u64;
        if self.list.max_lifted.exceeded(lifted, stored) {
            let what =
                format!("{lifted} of {stored} requests are no longer in it, more than max_lifted; none was lifted");
            self.fault(place, None, None, &what);
            return;
        }
        (self.count.lifted, self.count.returned) = (lifted, (changed.len() - gone.len()) as u64);
        self.draft.listed.append(&mut changed);
    }

    /// Reads all files in an object once before a row is believed: which of them are empty, and the keyed digest of all.
    fn survey(&self, object: &Object, place: &str) -> Result<Surveyed> {
        let key = self.requests.keys.file.expose();
        if object.bytes == 0 && self.list.member.is_none() {
            return Ok((vec![(place.to_owned(), None)], *blake3::keyed_hash(key, b"").as_bytes()));
        }
        let (mut surveyed, mut digests) = (Vec::new(), Vec::new());
        for part in part::parts(self.root, object, self.list, &self.format)? {
            let survey = survey(self.root, &part, &self.format, key)?;
            digests.extend_from_slice(&survey.digest);
            surveyed.push((part.place().to_owned(), Some(part).filter(|_| !survey.empty)));
        }
        let of_all = || *blake3::keyed_hash(key, &digests).as_bytes();
        let only = digests.as_slice().try_into().ok().filter(|_| self.list.member.is_none());
        Ok((surveyed, only.unwrap_or_else(of_all)))
    }

    /// Keyed, for on S3 an entity tag may be the MD5 of the bytes.
    fn etag(&self, object: &Object) -> Option<String> {
        let key = self.requests.keys.file.expose();
        object.etag.as_ref().map(|etag| blake3::keyed_hash(key, etag.as_bytes()).to_hex().to_string())
    }

    fn taken(&self, object: &Object, place: &str, digest: &[u8; 32]) -> FileTaken {
        FileTaken {
            list: self.list.name.clone(),
            object: place.to_owned(),
            bytes: object.bytes,
            etag: self.etag(object),
            digest: blake3::Hash::from_bytes(*digest).to_hex().to_string(),
            reading: self.reading.clone(),
            records: 0,
            unreadable: 0,
            taken: self.now,
            set: self.set.clone(),
        }
    }

    /// R63: the day that the name of an object's set says, in the list's zone.
    fn set_of(&self, object: &Object) -> Option<SetTaken> {
        let name = self.sets.as_ref()?.set_of(&object.path)?;
        let date = date_in(&name, self.list.sets.as_ref()?.as_ref())?;
        let first = |date: jiff::civil::Date| {
            let begin = self.list.zone.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
            Some(Instant(begin.as_microsecond()))
        };
        Some(SetTaken { begin: first(date)?, end: first(date.tomorrow().ok()?)?, name })
    }

    /// R63: the first moment of that day, and never after now.
    fn date_of_set(&self) -> Option<Instant> {
        self.set.as_ref().map(|set| set.begin.min(self.now))
    }

    /// R63: the entry of a row, and when it was received. One without a date is the same request in every set, until a lift
    /// ends it: then it is another, and in a set of the lift's own day that was read after it, one that was made after it.
    fn entry_of(&self, request: &Request) -> ([u8; 16], Instant) {
        let (named, mut received) = (request.identities.first().map(|(identity, _)| identity), request.received);
        for again in 0.. {
            let id = request.id(&self.terms, &self.requests.keys.entry, again);
            let ended = named.filter(|_| !request.dated).and_then(|identity| {
                let entries = self.requests.effects(half(identity)).iter().map(EntryRef::entry);
                entries.filter(|at| self.requests.id(*at) == Some(&id)).find(|at| self.requests.entry(*at).ended)
            });
            let Some(ended) = ended else { return (id, received) };
            let lifted = self.requests.ended_by(ended).map(|lift| self.requests.entry(lift).received);
            let same_day = |lifted: &Instant| {
                let within = self.set.as_ref().is_some_and(|set| set.begin <= *lifted && *lifted < set.end);
                self.is_news && within && *lifted < self.now
            };
            received = received.max(lifted.filter(same_day).map_or(received, |lifted| Instant(lifted.0 + 1)));
        }
        (request.id(&self.terms, &self.requests.keys.entry, 0), received)
    }

    fn empty(&mut self, place: &str) -> bool {
        if !self.list.may_be_empty {
            self.fault(place, None, None, "the file is empty");
        }
        self.list.may_be_empty
    }

    /// Reads all records of a file; false when it is refused as a whole and so not noted as taken in.
    fn records(
        &mut self,
        part: &Member,
        (place, of_set): (&str, Option<Instant>),
        taken: &mut FileTaken,
    ) -> Result<bool> {
        let mut records = match Records::open(self.root, part, &self.format, &request::known(self.list)) {
            Ok(records) => records,
            Err(error) => return self.refused(place, (None, None), error).map(|()| false),
        };
        if records.names().is_empty() {
            return self.nameless(&mut records, place);
        }
        let makers = std::mem::take(&mut self.makers);
        let columns = Columns::find(self.list, self.dates, self.patterns, &makers, (records.names(), of_set));
        let whole = match columns {
            Ok((columns, wanted)) => {
                records.want(&wanted);
                self.body(&mut records, &columns, place, taken)
            }
            Err(what) => {
                self.fault(place, None, None, &what);
                Ok(false)
            }
        };
        self.makers = makers;
        whole
    }

    /// Where names are in records, a file without one lacks nothing, once all of it has been read.
    fn nameless(&mut self, records: &mut Records, place: &str) -> Result<bool> {
        loop {
            match records.batch() {
                Ok(Some(batch)) => records.recycle(batch),
                Ok(None) => return Ok(self.empty(place)),
                Err(Broken { record, byte, error }) => {
                    return self.refused(place, (Some(record), byte), error).map(|()| false);
                }
            }
        }
    }

    fn body(
        &mut self,
        records: &mut Records,
        columns: &Columns<'_>,
        place: &str,
        taken: &mut FileTaken,
    ) -> Result<bool> {
        let (before, mut blank) = (self.count.unreadable, 0);
        loop {
            let batch = match records.batch() {
                Ok(Some(batch)) => batch,
                Ok(None) if taken.records == blank && !self.list.may_be_empty => {
                    self.fault(place, None, None, "the file has a header and no request");
                    return Ok(false);
                }
                Ok(None) => {
                    self.tell_blank(place, blank);
                    return Ok(true);
                }
                Err(Broken { record, byte, error }) => {
                    return self.refused(place, (Some(record), byte), error).map(|()| true);
                }
            };
            for (_, row) in batch.records() {
                taken.records += 1;
                if row.is_some_and(|row| batch.is_blank(row)) {
                    blank += 1;
                    continue;
                }
                let cells = row.map(|row| Cells { batch: &batch, row });
                match columns.read(cells) {
                    Ok(None) => {}
                    Ok(Some(request)) if self.ahead(&request) => {
                        let what =
                            "the lift is dated more than a day ahead: it would end requests that are still to come";
                        self.fault(place, Some(taken.records), None, what);
                    }
                    Ok(Some(request)) => self.request(request, taken.records)?,
                    Err(_) if self.count.unreadable - before >= TOLD => self.count.unreadable += 1,
                    Err(what) => self.fault(place, Some(taken.records), None, &what),
                }
            }
            records.recycle(batch);
        }
    }

    /// R31: rows of nothing but blanks name nobody and are passed over.
    fn tell_blank(&mut self, place: &str, blank: u64) {
        if blank > 0 {
            let what =
                format!("list {}: {place}: passed over {blank} row(s) that have only blank cells", self.list.name);
            self.monitor.event(Event::Note(what));
        }
    }

    /// R30: a lift ends what was received up to its own date, and nobody knows what will be.
    fn ahead(&self, request: &Request) -> bool {
        self.list.effect == Effect::Lift && request.received.0 > self.now.0.saturating_add(DAY)
    }

    fn request(&mut self, request: Request, record: u64) -> Result<()> {
        self.count.records += 1;
        let ((id, received), stored_id) = (self.entry_of(&request), self.stored_id(&request));
        if let Some(seen) = &mut self.seen {
            seen.ids.insert(id);
            seen.said.extend(self.requests.said(&request, &stored_id, &self.terms));
        }
        if self.requests.knows(&id, request.identities.first().map(|(identity, _)| identity)) {
            self.count.known += 1;
            return Ok(());
        }
        self.count.new += 1;
        self.requests.expect(id);
        let lifts = request.lifts.map(|lifted| self.stored_name(lifted));
        let terms = self.draft.terms(&self.terms);
        self.draft.entries.push(EntryRecord {
            id,
            terms,
            received,
            taken: self.now,
            record,
            from: request.from,
            to: request.to,
            request: stored_id,
            lifts,
            informed: request.informed,
            review_by: request.review_by,
            undated: !request.dated,
        });
        for (identity, raw) in &request.identities {
            self.count.raw += u64::from(*raw);
            self.draft.marks.push(MarkRecord { identity: *identity, entry: id, bond: StoredBond::Named.byte(*raw) });
        }
        if self.draft.size() >= SEGMENT_BYTES { self.store() } else { Ok(()) }
    }

    /// R83: an id that names a person is not kept as written.
    fn stored_id(&self, request: &Request) -> String {
        match request.names {
            true => self.requests.keys.opaque(&request.request),
            false => request.request.clone(),
        }
    }

    /// R83: the name under which a request is stored that a lift names. Rows of lifts name no persons, so no name comes meanwhile.
    fn stored_name(&mut self, lifted: String) -> String {
        let names = self.request_names.get_or_insert_with(|| self.requests.request_names());
        self.requests.name_among(lifted, |name| names.contains(&name))
    }

    /// Writes what has been read so far; an object is noted as taken in only with or after its last request.
    fn store(&mut self) -> Result<()> {
        self.requests.append(self.state, std::mem::take(&mut self.draft))?;
        if self.requests.waiting() >= SORT_AFTER { self.requests.index() } else { Ok(()) }
    }

    /// A broken or changing object is a fault of the input; only a store that fails stops the intake.
    fn refused(&mut self, place: &str, at: (Option<u64>, Option<u64>), error: Error) -> Result<()> {
        if error.kind() != Kind::Input {
            return Err(error);
        }
        let changed = error.code() == Code::ExportChangedWhileRead;
        self.told(place, at, changed, (&part::said(place, &error), if changed { WAIT } else { CORRECT }));
        Ok(())
    }

    fn fault(&mut self, place: &str, record: Option<u64>, byte: Option<u64>, what: &str) {
        self.told(place, (record, byte), false, (what, CORRECT));
    }

    fn told(
        &mut self,
        place: &str,
        (record, byte): (Option<u64>, Option<u64>),
        changed: bool,
        (what, help): (&str, &'static str),
    ) {
        let (list, object) = (self.list.name.clone(), place.to_owned());
        let fault = ListFault { list, object, record, byte, changed, what: what.to_owned(), help };
        self.count.unreadable += 1;
        self.monitor.event(Event::Warning(fault.to_string()));
        self.faults.push(fault);
    }
}
