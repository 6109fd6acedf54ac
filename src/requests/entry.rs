//! Entries in memory: which requests name an identity, in 58 bytes per entry of one identity (10 million: about 0.7 GiB).
//! Must not know files, lists' columns or raw values.

use super::id::{IdHasher, IdPlaces, RequestIds};
use super::notes::Notes;
use super::segment::{EntryRecord, FileTaken, ListTerms, ListedRecord, MarkRecord, NoteRecord, SegmentParts};
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::Witness;
use crate::evidence::segments::SegmentName;
use crate::key::Key;
use crate::policy::{Effect, GivenBy, Ground};
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::BuildHasherDefault;

/// How an identity came to belong to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoredBond {
    /// The request names it (R12).
    Named,
    /// Learned by strong links (R13).
    Strong,
    /// A subject found through a weak value (R14).
    ViaWeak,
}

impl StoredBond {
    const RAW: u8 = 0x80;

    pub(super) fn byte(self, raw: bool) -> u8 {
        let bond = match self {
            StoredBond::Named => 0,
            StoredBond::Strong => 1,
            StoredBond::ViaWeak => 2,
        };
        bond | if raw { Self::RAW } else { 0 }
    }
}

/// One identity of one entry, as lookups find it. In the order of identities.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EntryRef {
    /// The first half of the identity: as long as a token, which is what a subject is known by.
    pub(super) prefix: [u8; 16],
    /// Entry << 3 | bond << 1 | raw.
    packed: u32,
}

impl EntryRef {
    fn new(identity: &[u8; 32], entry: u32, bond: u8) -> EntryRef {
        let kind = u32::from(bond & 3) << 1 | u32::from(bond & StoredBond::RAW != 0);
        EntryRef { prefix: *half(identity), packed: entry << 3 | kind }
    }
    /// Returns the index that [`Requests::entry`] takes.
    pub fn entry(&self) -> u32 {
        self.packed >> 3
    }
    /// How the identity came to the entry.
    pub fn bond(&self) -> StoredBond {
        match self.packed >> 1 & 3 {
            0 => StoredBond::Named,
            1 => StoredBond::Strong,
            _ => StoredBond::ViaWeak,
        }
    }
    /// The identity is a raw form (R4): it matches, and links nobody (R16).
    pub fn raw(&self) -> bool {
        self.packed & 1 != 0
    }
}

impl Ord for EntryRef {
    /// As numbers: bytes one by one are compared by a call.
    fn cmp(&self, other: &EntryRef) -> Ordering {
        let order = |e: &EntryRef| (u128::from_be_bytes(e.prefix), e.packed);
        order(self).cmp(&order(other))
    }
}

impl PartialOrd for EntryRef {
    fn partial_cmp(&self, other: &EntryRef) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The first half of an identity, which is what identities are compared by.
pub fn half(identity: &[u8; 32]) -> &[u8; 16] {
    &identity.as_chunks().0[0]
}

/// What one request asks for.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// Stable across runs and compactions.
    pub id: &'a [u8; 16],
    /// The list it came by.
    pub list: &'a str,
    /// What it asks for.
    pub effect: Effect,
    /// Purposes it is limited to; none = all (R29).
    pub purposes: Option<&'a [String]>,
    /// When it was received.
    pub received: Instant,
    /// From when its deadline counts: when it was received, and when it was taken in if its date lies ahead of that.
    pub counts_from: Instant,
    /// Begin of the interval of consent (R32).
    pub from: Option<Instant>,
    /// Consent interval, exclusive; of a hold the instant from which it is over (R70).
    pub to: Option<Instant>,
    /// A restriction: why (R69).
    pub ground: Option<Ground>,
    /// A consent: a guardian has given it (R84).
    pub guardian: bool,
    /// A hold: when somebody looks at it again (R70).
    pub review_by: Option<Instant>,
    /// A lift: when the person was told that a restriction ends (R69).
    pub informed: Option<Instant>,
    /// A lift: the id of the request it ends (R30).
    pub lifts: Option<&'a str>,
    /// A lift: it may end an erasure (R30).
    pub lift_erase: bool,
    /// A lift: it may end requests of several persons (R54).
    pub lift_several: bool,
    /// A lift has ended it (R30), or the snapshot it came by no longer has it: it has no effect any more.
    pub ended: bool,
}

impl Entry<'_> {
    /// Whether it is about this purpose (R29).
    pub fn concerns(&self, purpose: &str) -> bool {
        self.purposes.is_none_or(|named| named.iter().any(|p| p == purpose))
    }
}

/// How far the values that a request names can be found (R4): one without a normal form only in the same spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usable {
    /// Every value has a normal form.
    All,
    /// Some of the entries have no date.
    Part,
    /// No entry has a date.
    None,
}

impl Usable {
    /// What there is to say of it.
    pub fn note(self) -> Option<&'static str> {
        match self {
            Usable::All => None,
            Usable::Part => Some("some of its values have no normal form: only the same spelling of them is found"),
            Usable::None => Some("none of its values has a normal form: only the same spelling is found"),
        }
    }
}

/// What only few entries have.
pub(super) struct Rare {
    from: Option<Instant>,
    to: Option<Instant>,
    informed: Option<Instant>,
    review_by: Option<Instant>,
    pub(super) lifts: Option<String>,
    /// When it was taken in.
    pub(super) taken: Instant,
}

/// Keys derived from the identity key, one per use.
pub(super) struct DerivedKeys {
    pub(super) segment: Key,
    pub(super) entry: Key,
    pub(super) file: Key,
    request: RequestIds,
}

impl DerivedKeys {
    fn new(identity: &Key) -> DerivedKeys {
        DerivedKeys {
            segment: identity.derive("tamis v1 request segment", &[]),
            entry: identity.derive("tamis v1 request entry", &[]),
            file: identity.derive("tamis v1 request file", &[]),
            request: RequestIds::new(identity),
        }
    }

    /// R83: stands for an id that names a person, and says nothing about them without the key.
    pub(super) fn opaque(&self, request: &str) -> String {
        self.request.opaque(request)
    }

    /// Stands for a request id in memory.
    pub(super) fn of_request(&self, request: &str) -> u64 {
        self.request.hash(request)
    }
}

/// All entries that `state` holds.
pub struct Requests {
    pub(super) keys: DerivedKeys,
    pub(super) segments: Vec<(SegmentName, usize)>,
    /// BLAKE3 digest of each segment.
    pub(super) digests: HashMap<SegmentName, String>,
    pub(super) leftovers: Vec<SegmentName>,
    /// What the next segment says of the ledger.
    pub(super) witness: Option<Witness>,
    pub(super) terms: Vec<(ListTerms, Effect)>,
    pub(super) ids: Vec<[u8; 16]>,
    pub(super) received: Vec<Instant>,
    pub(super) terms_of: Vec<u32>,
    /// Hash of the request id.
    pub(super) requests: Vec<u64>,
    pub(super) rare: HashMap<u32, Rare>,
    /// Entries without a date of their own (R63).
    pub(super) undated: HashSet<u32>,
    /// What the last snapshot that differed from the one before said of an entry.
    listed: HashMap<u32, (Instant, bool)>,
    /// Entries that have no effect any more, each with the lift that ended it; none when its snapshot dropped it.
    pub(super) ended: HashMap<u32, Option<u32>>,
    /// Entries that name a value without a normal form, with whether they name one that has it too.
    raw: HashMap<u32, bool>,
    /// The last number of a segment that brought something an entry has learned.
    learned: HashMap<u32, u64>,
    /// Sorted by identity up to `sorted`; `starts[b]..starts[b + 1]` is the part whose identities begin with `b`.
    pub(super) table: Vec<EntryRef>,
    sorted: usize,
    starts: Vec<u32>,
    /// One bit per hash of a prefix, set for those in the table: nearly everybody is told apart by one look at it.
    seen: Vec<u64>,
    bits: u32,
    /// Entries that the table does not find: lifts, and those that came since it was sorted.
    loose: HashSet<[u8; 16], BuildHasherDefault<IdHasher>>,
    /// Marks, notes and listings of entries of another segment, until the table is sorted.
    foreign: Vec<(MarkRecord, u64)>,
    foreign_notes: Vec<(NoteRecord, u16)>,
    foreign_listed: Vec<ListedRecord>,
    pub(super) notes: Notes,
    /// Of each stretch of entries that came in one segment: the first entry and the segment's last number.
    stretches: Vec<(u32, u64)>,
    /// The last number of a segment by which entries of a snapshot came back into force, or learned something.
    revived: u64,
    files: BTreeMap<(String, String), FileTaken>,
    /// The first segment of another process that came since somebody began to look entries up.
    pub(super) unlooked: Option<u64>,
}

impl Requests {
    /// No entries. Keys are derived from the identity key, so a state belongs to one.
    pub(super) fn empty(identity: &Key) -> Requests {
        Requests {
            keys: DerivedKeys::new(identity),
            segments: Vec::new(),
            digests: HashMap::new(),
            leftovers: Vec::new(),
            witness: None,
            terms: Vec::new(),
            ids: Vec::new(),
            received: Vec::new(),
            terms_of: Vec::new(),
            requests: Vec::new(),
            rare: HashMap::new(),
            undated: HashSet::new(),
            listed: HashMap::new(),
            ended: HashMap::new(),
            raw: HashMap::new(),
            learned: HashMap::new(),
            table: Vec::new(),
            sorted: 0,
            starts: vec![0, 0, 0],
            seen: vec![0],
            bits: 1,
            loose: HashSet::default(),
            foreign: Vec::new(),
            foreign_notes: Vec::new(),
            foreign_listed: Vec::new(),
            notes: Notes::default(),
            stretches: Vec::new(),
            revived: 0,
            files: BTreeMap::new(),
            unlooked: None,
        }
    }

    /// Returns how many entries are stored.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Number of identities over all entries.
    pub fn identities(&self) -> usize {
        self.table.len()
    }

    /// Entries by list, effect and purposes, without those that were ended.
    pub fn in_force(&self) -> Vec<(&str, Effect, Option<&[String]>, u64)> {
        let mut counts = vec![0; self.terms.len()];
        self.terms_of.iter().for_each(|terms| counts[*terms as usize] += 1);
        self.ended.keys().for_each(|entry| counts[self.terms_of[*entry as usize] as usize] -= 1);
        let told = self.terms.iter().zip(counts);
        told.map(|((terms, effect), count)| (terms.list.as_str(), *effect, terms.purposes.as_deref(), count)).collect()
    }

    /// The entries that an identity belongs to; an empty slice for nearly everybody.
    /// `identity` is its first half, by which identities are compared.
    pub fn effects(&self, identity: &[u8; 16]) -> &[EntryRef] {
        let prefix = *identity;
        let (word, bit) = self.place(&prefix);
        if self.seen[word] & bit == 0 {
            return &[];
        }
        let bucket = self.bucket(&prefix);
        let (start, end) = (self.starts[bucket] as usize, self.starts[bucket + 1] as usize);
        let near = &self.table[start..end];
        let from = near.partition_point(|e| e.prefix < prefix);
        let count = near[from..].iter().take_while(|e| e.prefix == prefix).count();
        &near[from..from + count]
    }

    /// Whether an entry names an identity.
    pub fn names(&self, identity: &[u8; 32]) -> bool {
        self.effects(half(identity)).iter().any(|found| found.bond() == StoredBond::Named)
    }

    /// What an entry asks for. `index` comes from an [`EntryRef`] of the same `Requests`.
    pub fn entry(&self, index: u32) -> Entry<'_> {
        let at = index as usize;
        let (terms, effect) = &self.terms[self.terms_of[at] as usize];
        let rare = self.rare.get(&index);
        Entry {
            id: &self.ids[at],
            list: &terms.list,
            effect: *effect,
            purposes: terms.purposes.as_deref(),
            received: self.received[at],
            counts_from: rare.map_or(self.received[at], |r| self.received[at].min(r.taken)),
            from: rare.and_then(|r| r.from),
            to: rare.and_then(|r| r.to),
            ground: terms.ground.as_deref().and_then(Ground::named),
            guardian: terms.given_by.as_deref().and_then(GivenBy::named) == Some(GivenBy::Guardian),
            review_by: rare.and_then(|r| r.review_by),
            informed: rare.and_then(|r| r.informed),
            lifts: rare.and_then(|r| r.lifts.as_deref()),
            lift_erase: terms.lift_erase,
            lift_several: terms.lift_several,
            ended: self.ended.contains_key(&index),
        }
    }

    /// How far the values that an entry names can be found.
    pub fn usable(&self, entry: u32) -> Usable {
        match self.raw.get(&entry) {
            None => Usable::All,
            Some(true) => Usable::Part,
            Some(false) => Usable::None,
        }
    }

    /// Entries in force that name no value with a normal form.
    pub fn unusable(&self) -> impl Iterator<Item = u32> {
        let none = |(entry, normal): (&u32, &bool)| (!normal && !self.ended.contains_key(entry)).then_some(*entry);
        self.raw.iter().filter_map(none)
    }

    /// Returns the entries of a request, by its opaque id or by the value of a record that stands behind it (R83).
    pub fn of_request(&self, request: &str) -> Vec<u32> {
        let wanted = self.names_of(request);
        (0..self.ids.len() as u32).filter(|at| wanted.contains(&self.requests[*at as usize])).collect()
    }

    /// What a request of this name may be stored under.
    pub(super) fn names_of(&self, request: &str) -> [u64; 2] {
        [self.keys.of_request(request), self.keys.of_request(&self.keys.opaque(request))]
    }

    /// Returns whether somebody who asks for a request means one that is stored under a name.
    pub fn is_called(&self, stored: &str, asked: &str) -> bool {
        stored == asked || stored == self.keys.opaque(asked)
    }

    /// Returns the name under which a request that somebody names is stored, as far as it is known.
    pub fn stored_name(&self, request: String) -> String {
        self.name_among(request, |name| self.requests.contains(&name))
    }

    /// Returns the same by what is known of the hashes of request ids, for whoever asks for many.
    pub(super) fn name_among(&self, request: String, known: impl Fn(u64) -> bool) -> String {
        let opaque = self.keys.opaque(&request);
        if known(self.keys.of_request(&opaque)) { opaque } else { request }
    }

    /// Returns the hash of each request id.
    pub(super) fn request_names(&self) -> HashSet<u64> {
        self.requests.iter().copied().collect()
    }

    /// The request file at `object` (`ROOT:path`) as it was last taken in for a list.
    pub(super) fn file(&self, list: &str, object: &str) -> Option<&FileTaken> {
        self.files.get(&(list.to_owned(), object.to_owned()))
    }

    /// Every request file that was taken in for a list.
    pub(super) fn files_of<'a>(&'a self, list: &'a str) -> impl Iterator<Item = &'a FileTaken> {
        let of_list = self.files.range((list.to_owned(), String::new())..).map(|(_, file)| file);
        of_list.take_while(move |file| file.list == list)
    }

    /// Whether the entry is there already; `identity` is one that it names.
    pub(super) fn knows(&self, id: &[u8; 16], identity: Option<&[u8; 32]>) -> bool {
        let found = |i: &[u8; 32]| self.effects(half(i)).iter().any(|e| &self.ids[e.entry() as usize] == id);
        self.loose.contains(id) || identity.is_some_and(found)
    }

    /// Whether the identity already has this bond with the entry.
    pub(super) fn bound(&self, identity: &[u8; 32], entry: u32, bond: StoredBond) -> bool {
        self.effects(half(identity)).iter().any(|e| e.entry() == entry && e.bond() == bond)
    }

    /// Id of an entry.
    pub(super) fn id(&self, entry: u32) -> Option<&[u8; 16]> {
        self.ids.get(entry as usize)
    }

    /// Every entry with its id.
    pub(super) fn all_ids(&self) -> impl Iterator<Item = (u32, &[u8; 16])> {
        (0..).zip(&self.ids)
    }

    /// The last number of the segment that an entry came in.
    pub(super) fn segment_of(&self, entry: u32) -> Option<u64> {
        let after = self.stretches.partition_point(|(first, _)| *first <= entry);
        after.checked_sub(1).map(|at| self.stretches[at].1)
    }

    /// The last number of a segment that brought something an entry has learned; 0 without any.
    pub(super) fn learned_in(&self, entry: u32) -> u64 {
        self.learned.get(&entry).copied().unwrap_or(0)
    }

    /// The last number of a segment that brought entries into force or taught them something; 0 without any.
    pub(super) fn last_news(&self) -> u64 {
        self.stretches.iter().map(|(_, segment)| *segment).max().unwrap_or(0).max(self.revived)
    }

    /// Entries that wait for `index`.
    pub(super) fn waiting(&self) -> usize {
        self.loose.len()
    }

    /// Notes an entry that is about to be stored, so that its repetition is known.
    pub(super) fn expect(&mut self, id: [u8; 16]) {
        self.loose.insert(id);
    }

    /// Adds the contents of the segment whose last number is given. Lookups see its identities after `index`.
    ///
    /// # Errors
    /// An evidence error for an effect this version does not know; a policy error beyond 2^29 entries.
    pub(super) fn absorb(&mut self, segment: &SegmentParts<'_>, number: u64) -> Result<()> {
        let header = &segment.header;
        let terms = header.terms.iter().map(|t| self.adopt(t)).collect::<Result<Vec<u32>>>()?;
        let jobs = header.jobs.iter().map(|job| self.notes.job(job)).collect::<Result<Vec<u16>>>()?;
        let (base, entries) = (self.ids.len(), usize::try_from(header.entries).unwrap_or(usize::MAX));
        if base.saturating_add(entries) >= 1 << 29 {
            return Err(Error::new(Code::StateBeyond, "state holds more requests than this version can"));
        }
        if entries > 0 {
            self.stretches.push((base as u32, number));
        }
        self.reserve(entries, segment.mark_count());
        for entry in segment.entries() {
            self.push(&entry, terms[entry.terms as usize]);
        }
        let own = IdPlaces::of(&self.ids[base..]);
        let found = |ids: &[[u8; 16]], id: &[u8; 16]| own.find(&ids[base..], id).map(|at| (base + at) as u32);
        for mark in segment.marks() {
            match found(&self.ids, &mark.entry) {
                Some(at) => self.put_mark(at, &mark, number),
                None => self.foreign.push((mark, number)),
            }
        }
        for note in segment.notes() {
            let job = jobs[note.job as usize];
            match found(&self.ids, &note.entry) {
                Some(at) => self.notes.put(at, job, note.standing),
                None => self.foreign_notes.push((note, job)),
            }
        }
        for listed in segment.listed() {
            self.revived = self.revived.max(if listed.there { number } else { 0 });
            match found(&self.ids, &listed.entry) {
                Some(at) => self.put_listed(at, &listed),
                None => self.foreign_listed.push(listed),
            }
        }
        header.looked.iter().for_each(|looked| self.notes.looked(looked));
        header.files.iter().for_each(|file| self.remember(file));
        Ok(())
    }

    fn put_mark(&mut self, entry: u32, mark: &MarkRecord, number: u64) {
        self.table.push(EntryRef::new(&mark.identity, entry, mark.bond));
        if mark.bond & 3 != StoredBond::Named.byte(false) {
            let place = self.learned.entry(entry).or_default();
            *place = (*place).max(number);
            self.revived = self.revived.max(number);
        }
    }

    /// Returns the time of a snapshot that is taken in now. It is later than all before it, also when a clock was once ahead,
    /// because the latest snapshot counts.
    pub(super) fn listed_next(&self, now: Instant) -> Instant {
        self.listed.values().map(|(at, _)| Instant(at.0.saturating_add(1))).fold(now, Instant::max)
    }

    /// Of several listings the last counts; of equally old ones that which keeps the request in force.
    fn put_listed(&mut self, entry: u32, listed: &ListedRecord) {
        let place = self.listed.entry(entry).or_insert((listed.at, listed.there));
        *place = (*place).max((listed.at, listed.there));
    }

    /// The entries of a list, each with its place, its id and whether the last snapshot still had it.
    pub(super) fn of_list<'a>(&'a self, list: &'a str) -> impl Iterator<Item = (u32, &'a [u8; 16], bool)> {
        let named = move |at: &u32| self.terms[self.terms_of[*at as usize] as usize].0.list == list;
        let there = |at: u32| self.listed.get(&at).is_none_or(|(_, there)| *there);
        (0..self.ids.len() as u32).filter(named).map(move |at| (at, &self.ids[at as usize], there(at)))
    }

    fn adopt(&mut self, terms: &ListTerms) -> Result<u32> {
        let known = self.terms.iter().position(|(t, _)| t == terms);
        let at = match known {
            Some(at) => at,
            None => {
                let effect = Effect::named(&terms.effect).ok_or_else(|| {
                    Error::new(Code::StatePartUnreadable, "an entry has an effect that this version does not know")
                })?;
                if terms.ground.as_deref().is_some_and(|ground| Ground::named(ground).is_none()) {
                    let what = "a restriction has a ground that this version does not know";
                    return Err(Error::new(Code::StatePartUnreadable, what));
                }
                self.terms.push((terms.clone(), effect));
                self.terms.len() - 1
            }
        };
        Ok(u32::try_from(at).unwrap_or(u32::MAX))
    }

    fn reserve(&mut self, entries: usize, marks: usize) {
        self.ids.reserve_exact(entries);
        self.received.reserve_exact(entries);
        self.terms_of.reserve_exact(entries);
        self.requests.reserve_exact(entries);
        self.table.reserve_exact(marks);
    }

    fn push(&mut self, entry: &EntryRecord<&str>, terms: u32) {
        let at = self.ids.len() as u32;
        self.ids.push(entry.id);
        self.received.push(entry.received);
        self.terms_of.push(terms);
        self.requests.push(self.keys.of_request(entry.request));
        let EntryRecord { from, to, informed, review_by, .. } = *entry;
        let dated = [from, to, informed, review_by].iter().any(Option::is_some);
        if dated || entry.lifts.is_some() || entry.received > entry.taken {
            let (lifts, taken) = (entry.lifts.map(str::to_owned), entry.taken);
            self.rare.insert(at, Rare { from, to, informed, review_by, lifts, taken });
        }
        if entry.undated {
            self.undated.insert(at);
        }
        if entry.lifts.is_some() {
            self.loose.insert(entry.id);
        }
    }

    fn remember(&mut self, file: &FileTaken) {
        let key = (file.list.clone(), file.object.clone());
        if self.files.get(&key).is_none_or(|old| old.taken <= file.taken) {
            self.files.insert(key, file.clone());
        }
    }

    /// Makes everything absorbed so far findable.
    ///
    /// # Errors
    /// An evidence error when something was learned for an entry that is not there.
    pub(super) fn index(&mut self) -> Result<()> {
        self.resolve_foreign()?;
        self.end();
        if self.table.len() == self.sorted {
            return Ok(());
        }
        // What each segment brought is in order, and so is what was indexed before: runs are merged.
        self.table.sort();
        self.table.dedup();
        self.sorted = self.table.len();
        self.raw = self.named_raw();
        self.bits = (self.table.len() as u64 / 4).max(2).ilog2();
        let mut starts = vec![0u32; (1 << self.bits) + 1];
        for entry in &self.table {
            starts[self.bucket(&entry.prefix) + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        self.starts = starts;
        self.seen = vec![0; (self.table.len() / 4).next_power_of_two()];
        for at in 0..self.table.len() {
            let (word, bit) = self.place(&self.table[at].prefix);
            self.seen[word] |= bit;
        }
        let lifts: HashSet<u32> = self.rare.iter().filter(|(_, r)| r.lifts.is_some()).map(|(at, _)| *at).collect();
        self.loose = lifts.into_iter().map(|at| self.ids[at as usize]).collect();
        Ok(())
    }

    fn named_raw(&self) -> HashMap<u32, bool> {
        let named = |raw| self.table.iter().filter(move |e| e.bond() == StoredBond::Named && e.raw() == raw);
        let mut found: HashMap<u32, bool> = named(true).map(|e| (e.entry(), false)).collect();
        if !found.is_empty() {
            named(false).for_each(|e| {
                found.entry(e.entry()).and_modify(|normal| *normal = true);
            });
        }
        found
    }

    /// Which entries have no effect any more: those that a lift has ended and those that their snapshot no longer has.
    fn end(&mut self) {
        let gone = self.listed.iter().filter(|(_, (_, there))| !there).map(|(at, _)| (*at, None));
        self.ended = gone.chain(self.lifted()).collect();
    }

    fn resolve_foreign(&mut self) -> Result<()> {
        let (foreign, notes) = (std::mem::take(&mut self.foreign), std::mem::take(&mut self.foreign_notes));
        let listed = std::mem::take(&mut self.foreign_listed);
        let named = foreign.iter().map(|(m, _)| m.entry).chain(notes.iter().map(|(n, _)| n.entry));
        let named = named.chain(listed.iter().map(|l| l.entry));
        let mut wanted: HashMap<[u8; 16], Option<u32>> = named.map(|entry| (entry, None)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        for (at, id) in self.ids.iter().enumerate() {
            if let Some(found) = wanted.get_mut(id) {
                *found = Some(at as u32);
            }
        }
        let missing =
            || Error::new(Code::StatePartMissing, "an entry that something was learned or noted for is missing");
        let entry = |id: &[u8; 16]| wanted.get(id).copied().flatten().ok_or_else(missing);
        for (mark, number) in &foreign {
            self.put_mark(entry(&mark.entry)?, mark, *number);
        }
        for (note, job) in &notes {
            self.notes.put(entry(&note.entry)?, *job, note.standing);
        }
        for listed in &listed {
            self.put_listed(entry(&listed.entry)?, listed);
        }
        Ok(())
    }

    /// Word and bit of a prefix in `seen`: 16 bits or more per entry, taken from the half that `bucket` does not look at.
    fn place(&self, prefix: &[u8; 16]) -> (usize, u64) {
        let hash = prefix.last_chunk().map_or(0, |last| u64::from_le_bytes(*last));
        ((hash >> 6) as usize & (self.seen.len() - 1), 1 << (hash & 63))
    }

    fn bucket(&self, prefix: &[u8; 16]) -> usize {
        let mut first = [0; 8];
        first.copy_from_slice(&prefix[..8]);
        (u64::from_be_bytes(first) >> (64 - self.bits)) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::super::segment::Segment;
    use super::*;

    pub(crate) fn segment(numbers: std::ops::Range<u64>) -> Segment {
        let mut segment = Segment::default();
        let at = segment.terms(&ListTerms { list: "erasure".into(), effect: "erase".into(), ..ListTerms::default() });
        for n in numbers {
            let id = *half(blake3::hash(&n.to_le_bytes()).as_bytes());
            segment.entries.push(EntryRecord {
                id,
                terms: at,
                received: Instant(n as i64),
                taken: Instant(0),
                record: n,
                from: None,
                to: None,
                request: format!("C-{n}"),
                lifts: None,
                informed: None,
                review_by: None,
                undated: false,
            });
            segment.marks.push(MarkRecord { identity: identity(n), entry: id, bond: StoredBond::Named.byte(false) });
        }
        segment
    }

    fn identity(n: u64) -> [u8; 32] {
        *blake3::hash(format!("identity {n}").as_bytes()).as_bytes()
    }

    fn requests(segments: &[Segment]) -> Requests {
        let mut requests = Requests::empty(&Key::new([1; 32]));
        for segment in segments {
            absorb(&mut requests, segment).expect("absorbed");
        }
        requests.index().expect("indexed");
        requests
    }

    fn absorb(requests: &mut Requests, segment: &Segment) -> Result<()> {
        let bytes = segment.clone().encode(&[5; 32]).expect("written");
        requests.absorb(&SegmentParts::of(&bytes, &[5; 32]).expect("read"), 1)
    }

    #[test]
    fn every_identity_finds_its_entries_and_no_other() {
        for count in [0, 1, 2, 3, 1000] {
            let requests = requests(&[segment(0..count), segment(2000..2000 + count)]);
            for n in (0..count).chain(2000..2000 + count) {
                let found = requests.effects(half(&identity(n)));
                assert_eq!(found.len(), 1, "{n} of {count}");
                assert_eq!(requests.entry(found[0].entry()).received, Instant(n as i64));
                assert!(found[0].bond() == StoredBond::Named && !found[0].raw());
            }
            assert!((5000..5100).all(|n| requests.effects(half(&identity(n))).is_empty()));
            let (list, effect, purposes, entries) = requests.in_force()[0];
            assert_eq!((list, effect, purposes, entries), ("erasure", Effect::Erase, None, 2 * count));
        }
    }

    #[test]
    fn all_effects_on_one_identity_accumulate() {
        let mut other = segment(7..8);
        other.terms[0].effect = "hold".into();
        other.entries[0].id = [3; 16];
        other.marks[0] = MarkRecord { entry: [3; 16], bond: StoredBond::Named.byte(true), ..other.marks[0] };
        let requests = requests(&[segment(0..10), other]);
        let found = requests.effects(half(&identity(7)));
        let effects: Vec<_> = found.iter().map(|e| (requests.entry(e.entry()).effect, e.raw())).collect();
        assert_eq!(effects, [(Effect::Erase, false), (Effect::Hold, true)]);
    }

    #[test]
    fn r18_what_a_later_segment_learned_belongs_to_the_earlier_entry() {
        let mut learned = Segment::default();
        let id = segment(4..5).entries[0].id;
        learned.marks.push(MarkRecord { identity: [5; 32], entry: id, bond: StoredBond::ViaWeak.byte(false) });
        let mut orphan = learned.clone();
        let requests = requests(&[learned, segment(0..10)]);
        let found = requests.effects(&[5; 16]);
        assert!(found.len() == 1 && found[0].bond() == StoredBond::ViaWeak);
        assert_eq!(requests.entry(found[0].entry()).received, Instant(4));
        orphan.marks[0].entry = [0; 16];
        let mut broken = Requests::empty(&Key::new([1; 32]));
        absorb(&mut broken, &orphan).expect("absorbed");
        assert!(broken.index().is_err());
    }

    #[test]
    fn an_unknown_effect_is_never_ignored() {
        let mut strange = segment(0..1);
        strange.terms[0].effect = "forget-a-little".into();
        assert!(absorb(&mut Requests::empty(&Key::new([1; 32])), &strange).is_err());
    }

    #[test]
    fn a_mark_takes_20_bytes() {
        assert_eq!(size_of::<EntryRef>(), 20);
    }
}
