//! A segment: a create-only file in `state` with entries, what they have learned, and the request files they came from.
//! `docs/formats/requests.md` describes the bytes.

use super::status::EntryStatus;
use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::evidence::segments::{self, FORMAT, MAGIC};
use crate::evidence::{OwnDigest, Witness};
use serde::{Deserialize, Serialize};

/// The format of earlier builds, which has no digest of its own.
const FORMER: u32 = 1;
const CHECKSUM: usize = 32;
/// An `until` that is none.
const NO_END: i64 = i64::MIN;
const MARK: usize = 32 + 16 + 1;
const NOTE: usize = 16 + 4 + 1 + 1 + 8 + 8;
const LISTED: usize = 16 + 8 + 1;

/// What all entries of one list under one version of the policy have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ListTerms {
    /// Name of the list, or of the command.
    pub(super) list: String,
    /// Name of the effect, as in the policy.
    pub(super) effect: String,
    /// Purposes it is limited to; none = all.
    pub(super) purposes: Option<Vec<String>>,
    /// The lift may also end an erasure (R30).
    pub(super) lift_erase: bool,
    /// The lift may also end requests of several persons (R54).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) lift_several: bool,
    /// Letter of Art. 18(1) GDPR, of restrictions (R69).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ground: Option<String>,
    /// Who gives it, of consents (R84).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) given_by: Option<String>,
}

/// A request file as it was taken in. Without personal data: the digest is keyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileTaken {
    pub(super) list: String,
    /// Where the entry was read, as `ROOT:path`.
    pub(super) object: String,
    pub(super) bytes: u64,
    pub(super) etag: Option<String>,
    /// Keyed hash of the bytes, hex.
    pub(super) digest: String,
    /// Digest of how the list was read (columns, kinds, encoding …), hex: another reading reads the file again.
    pub(super) reading: String,
    pub(super) records: u64,
    pub(super) unreadable: u64,
    pub(super) taken: Instant,
    /// The set that it is of, where rows without a date are of its day (R63).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) set: Option<SetTaken>,
}

/// A set as its name says it (R63).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SetTaken {
    pub(super) name: String,
    /// The first moment of its day.
    pub(super) begin: Instant,
    /// The first moment of the next day.
    pub(super) end: Instant,
}

impl FileTaken {
    /// Whether two takings say the same, whenever they happened.
    pub(super) fn agrees(&self, other: &FileTaken) -> bool {
        let when = |f: &FileTaken| FileTaken { etag: None, taken: Instant(0), ..f.clone() };
        when(self) == when(other)
    }
}

/// One request, stored once; its text is borrowed where it is only looked at.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct EntryRecord<Text = String> {
    /// Keyed hash of everything the request says: the same request again is the same entry.
    pub(super) id: [u8; 16],
    /// Index into the segment's terms.
    pub(super) terms: u32,
    pub(super) received: Instant,
    pub(super) taken: Instant,
    /// Record number in its file, from 1.
    pub(super) record: u64,
    /// Begin of the interval of consent (R32).
    pub(super) from: Option<Instant>,
    /// R32; of a hold its end (R70).
    pub(super) to: Option<Instant>,
    /// Opaque id of the request.
    pub(super) request: Text,
    /// R30: id of the request it ends.
    pub(super) lifts: Option<Text>,
    /// R69: when the person was told, of a lift.
    pub(super) informed: Option<Instant>,
    /// R70: when somebody looks at it again, of a hold.
    pub(super) review_by: Option<Instant>,
    /// R63: it has no date of its own, but that of the set it was read in.
    pub(super) undated: bool,
}

/// One identity of an entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MarkRecord {
    pub(super) identity: [u8; 32],
    pub(super) entry: [u8; 16],
    /// `Bond`, with the raw flag.
    pub(super) bond: u8,
}

/// Where an entry stands in a job's dataset.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct NoteRecord {
    pub(super) entry: [u8; 16],
    /// Index into the segment's jobs.
    pub(super) job: u32,
    pub(super) standing: EntryStatus,
}

/// Whether a snapshot still lists an entry that came by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListedRecord {
    pub(super) entry: [u8; 16],
    /// When the snapshot was taken in.
    pub(super) at: Instant,
    /// False: the entry was no longer in it.
    pub(super) there: bool,
}

/// Up to which segment the entries have been looked for in a job's dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Looked {
    pub(super) job: String,
    pub(super) segment: u64,
    pub(super) at: Instant,
}

/// Name and checksum of a segment that another one replaces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReplacedSegment {
    pub(super) name: String,
    pub(super) checksum: String,
}

/// The readable part in front, JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct SegmentHeader {
    pub(super) terms: Vec<ListTerms>,
    pub(super) files: Vec<FileTaken>,
    pub(super) replaces: Vec<ReplacedSegment>,
    pub(super) jobs: Vec<String>,
    pub(super) looked: Vec<Looked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) witness: Option<Witness>,
    pub(super) entries: u64,
    pub(super) entry_bytes: u64,
    pub(super) marks: u64,
    pub(super) notes: u64,
    pub(super) listed: u64,
}

/// The bytes of a segment, taken apart and not copied. All of it has been found to be readable.
pub(super) struct SegmentParts<'a> {
    pub(super) header: SegmentHeader,
    /// Records of requests, in the order of their ids.
    entries: &'a [u8],
    /// Records of identities, in their order.
    marks: &'a [u8],
    notes: &'a [u8],
    listed: &'a [u8],
}

/// A segment in memory.
#[derive(Clone, Default)]
pub(super) struct Segment {
    pub(super) terms: Vec<ListTerms>,
    pub(super) files: Vec<FileTaken>,
    pub(super) replaces: Vec<ReplacedSegment>,
    pub(super) jobs: Vec<String>,
    pub(super) looked: Vec<Looked>,
    /// What was there when it was written.
    pub(super) witness: Option<Witness>,
    pub(super) entries: Vec<EntryRecord>,
    pub(super) marks: Vec<MarkRecord>,
    pub(super) notes: Vec<NoteRecord>,
    pub(super) listed: Vec<ListedRecord>,
}

impl Segment {
    /// Index of the terms, added when they are new.
    pub(super) fn terms(&mut self, terms: &ListTerms) -> u32 {
        let at = self.terms.iter().position(|t| t == terms).unwrap_or_else(|| {
            self.terms.push(terms.clone());
            self.terms.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// Index of a job's name, added when it is new.
    pub(super) fn job(&mut self, name: &str) -> u32 {
        let at = self.jobs.iter().position(|job| job == name).unwrap_or_else(|| {
            self.jobs.push(name.to_owned());
            self.jobs.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        let beside = self.files.is_empty() && self.notes.is_empty() && self.looked.is_empty() && self.listed.is_empty();
        beside && self.entries.is_empty() && self.marks.is_empty()
    }

    /// About how long it is when written.
    pub(super) fn size(&self) -> usize {
        let fixed = self.marks.len() * MARK + self.notes.len() * NOTE + self.listed.len() * LISTED;
        fixed + self.entries.len() * 80 + self.files.len() * 300
    }

    /// The file's bytes; entries sorted by id and marks by identity, each once, so that equal contents are equal files.
    pub(super) fn encode(&mut self, key: &[u8; 32]) -> Result<Vec<u8>> {
        let numbers = self.entries.iter().map(|entry| u128::from_be_bytes(entry.id));
        let mut order: Vec<(u128, usize)> = numbers.zip(0..).collect();
        order.sort_unstable();
        order.dedup_by_key(|(id, _)| *id);
        let first = |mark: &MarkRecord| mark.identity.first_chunk().map(|first| u128::from_be_bytes(*first));
        self.marks.sort_unstable_by(|a, b| first(a).cmp(&first(b)).then_with(|| a.cmp(b)));
        self.marks.dedup();
        // Stable: of two notes of one instant the one written last stays the last.
        self.notes.sort_by_key(|n| (n.entry, n.job, n.standing.at, n.standing.bytes().0));
        self.listed.sort_unstable();
        let mut body = Vec::with_capacity(self.size());
        for (_, at) in &order {
            write_entry(&self.entries[*at], &mut body);
        }
        let header = SegmentHeader {
            entries: order.len() as u64,
            entry_bytes: body.len() as u64,
            marks: self.marks.len() as u64,
            notes: self.notes.len() as u64,
            listed: self.listed.len() as u64,
            terms: self.terms.clone(),
            files: self.files.clone(),
            replaces: self.replaces.clone(),
            jobs: self.jobs.clone(),
            looked: self.looked.clone(),
            witness: self.witness.clone(),
        };
        let header = serde_json::to_vec(&header)
            .map_err(|_| Error::new(Code::InternalFault, "a list's terms cannot be written"))?;
        let mut out = Vec::with_capacity(16 + header.len() + body.len() + self.marks.len() * MARK + 2 * CHECKSUM);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&u32::try_from(header.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&header);
        out.append(&mut body);
        for mark in &self.marks {
            out.extend_from_slice(&mark.identity);
            out.extend_from_slice(&mark.entry);
            out.push(mark.bond);
        }
        self.notes.iter().for_each(|note| write_note(note, &mut out));
        self.listed.iter().for_each(|listed| write_listed(listed, &mut out));
        let checksum = blake3::keyed_hash(key, &out);
        out.extend_from_slice(checksum.as_bytes());
        Ok(segments::seal(out))
    }

    /// Reads a file's bytes back.
    ///
    /// # Errors
    /// As [`SegmentParts::of`].
    pub(super) fn decode(bytes: &[u8], key: &[u8; 32]) -> Result<Segment> {
        let parts = SegmentParts::of(bytes, key)?;
        let entries = parts.entries().map(|entry| entry.owned()).collect();
        let (marks, notes, listed) = (parts.marks().collect(), parts.notes().collect(), parts.listed().collect());
        let SegmentHeader { terms, files, replaces, jobs, looked, witness, .. } = parts.header;
        Ok(Segment { terms, files, replaces, jobs, looked, witness, entries, marks, notes, listed })
    }
}

impl<'a> SegmentParts<'a> {
    /// Takes a file's bytes apart.
    ///
    /// # Errors
    /// An evidence error when the bytes are not those that were written, or were written under another identity key.
    pub(super) fn of(bytes: &'a [u8], key: &[u8; 32]) -> Result<SegmentParts<'a>> {
        let body = checked(bytes, key)?;
        read_segment(body)
            .ok_or_else(|| Error::new(Code::StatePartUnreadable, "it is not a segment this version of tamis can read"))
    }

    /// Takes apart what `encode` has just made.
    ///
    /// # Errors
    /// None that can be met.
    pub(super) fn of_written(bytes: &'a [u8]) -> Result<SegmentParts<'a>> {
        // The keyed checksum and the digest of the whole file are its last parts.
        let body = bytes.len().checked_sub(2 * CHECKSUM).map(|length| &bytes[..length]);
        body.and_then(read_segment)
            .ok_or_else(|| Error::new(Code::InternalFault, "a segment that was just made cannot be read"))
    }

    /// The entries, in the order of their ids.
    pub(super) fn entries(&self) -> impl Iterator<Item = EntryRecord<&'a str>> + use<'a> {
        let mut rest = self.entries;
        std::iter::from_fn(move || read_entry(&mut rest))
    }

    /// The marks, in the order of their identities.
    pub(super) fn marks(&self) -> impl Iterator<Item = MarkRecord> + use<'a> {
        self.marks.as_chunks::<MARK>().0.iter().filter_map(|mark| {
            let mut rest = &mark[..];
            Some(MarkRecord { identity: array(&mut rest)?, entry: array(&mut rest)?, bond: array::<1>(&mut rest)?[0] })
        })
    }

    /// How many marks there are.
    pub(super) fn mark_count(&self) -> usize {
        self.marks.len() / MARK
    }

    /// What is noted of entries.
    pub(super) fn notes(&self) -> impl Iterator<Item = NoteRecord> + use<'a> {
        let mut rest = self.notes;
        std::iter::from_fn(move || read_note(&mut rest))
    }

    /// What snapshots said of entries.
    pub(super) fn listed(&self) -> impl Iterator<Item = ListedRecord> + use<'a> {
        let mut rest = self.listed;
        std::iter::from_fn(move || read_listed(&mut rest))
    }
}

impl EntryRecord<&str> {
    fn owned(&self) -> EntryRecord {
        let EntryRecord { id, terms, received, taken, record, from, to, informed, review_by, undated, .. } = *self;
        let (request, lifts) = (self.request.to_owned(), self.lifts.map(str::to_owned));
        EntryRecord { id, terms, received, taken, record, from, to, request, lifts, informed, review_by, undated }
    }
}

/// The last bytes of a segment, in hex: its own digest, or its checksum in the former format. Both tell it from others.
pub(super) fn checksum(bytes: &[u8]) -> String {
    let tail = &bytes[bytes.len().saturating_sub(CHECKSUM)..];
    tail.iter().map(|b| format!("{b:02x}")).collect()
}

fn checked<'a>(bytes: &'a [u8], key: &[u8; 32]) -> Result<&'a [u8]> {
    let damaged = || Error::new(Code::StatePartChanged, "its bytes do not agree with its checksum");
    let bytes = match segments::own_digest(bytes) {
        OwnDigest::Same => &bytes[..bytes.len() - CHECKSUM],
        OwnDigest::None => bytes,
        OwnDigest::Differs => return Err(damaged()),
    };
    let split = bytes.len().checked_sub(CHECKSUM).ok_or_else(damaged)?;
    let (body, tail) = bytes.split_at(split);
    let tail: [u8; 32] = tail.try_into().map_err(|_| damaged())?;
    // Comparison of blake3::Hash is constant-time.
    if blake3::keyed_hash(key, body) == blake3::Hash::from_bytes(tail) { Ok(body) } else { Err(damaged()) }
}

/// None for bytes of another version: any part of them that would have to be guessed.
fn read_segment(mut rest: &[u8]) -> Option<SegmentParts<'_>> {
    if take(&mut rest, 8)? != MAGIC || ![FORMER, FORMAT].contains(&u32::from_le_bytes(array(&mut rest)?)) {
        return None;
    }
    let length = u32::from_le_bytes(array(&mut rest)?);
    let header: SegmentHeader = serde_json::from_slice(take(&mut rest, length as usize)?).ok()?;
    let entries = take(&mut rest, usize::try_from(header.entry_bytes).ok()?)?;
    let mut part = |count: u64, bytes: usize| take(&mut rest, usize::try_from(count).ok()?.checked_mul(bytes)?);
    let marks = part(header.marks, MARK)?;
    let notes = part(header.notes, NOTE)?;
    let listed = part(header.listed, LISTED)?;
    let parts = SegmentParts { header, entries, marks, notes, listed };
    (rest.is_empty() && parts.is_whole()).then_some(parts)
}

impl SegmentParts<'_> {
    /// Whether every part can be read to its end, and entries are in order.
    fn is_whole(&self) -> bool {
        let (mut rest, mut count, mut last) = (self.entries, 0, None);
        while !rest.is_empty() {
            let Some(entry) = read_entry(&mut rest) else { return false };
            if entry.terms as usize >= self.header.terms.len() || last >= Some(entry.id) {
                return false;
            }
            (last, count) = (Some(entry.id), count + 1);
        }
        let jobs = self.header.jobs.len();
        let notes = self.notes().filter(|note| (note.job as usize) < jobs).count();
        let counts = (count, notes as u64, self.listed().count() as u64);
        counts == (self.header.entries, self.header.notes, self.header.listed)
    }
}

fn write_note(note: &NoteRecord, out: &mut Vec<u8>) {
    let (state, review) = note.standing.bytes();
    out.extend_from_slice(&note.entry);
    out.extend_from_slice(&note.job.to_le_bytes());
    out.extend_from_slice(&[state, review]);
    out.extend_from_slice(&note.standing.at.0.to_le_bytes());
    out.extend_from_slice(&note.standing.until.map_or(NO_END, |until| until.0).to_le_bytes());
}

fn read_note(rest: &mut &[u8]) -> Option<NoteRecord> {
    let (entry, job) = (array(rest)?, u32::from_le_bytes(array(rest)?));
    let [state, review] = array(rest)?;
    let (at, until) = (instant(rest)?, instant(rest)?);
    let standing = EntryStatus::read(state, review, at, (until.0 != NO_END).then_some(until))?;
    Some(NoteRecord { entry, job, standing })
}

fn write_listed(listed: &ListedRecord, out: &mut Vec<u8>) {
    out.extend_from_slice(&listed.entry);
    out.extend_from_slice(&listed.at.0.to_le_bytes());
    out.push(u8::from(listed.there));
}

fn read_listed(rest: &mut &[u8]) -> Option<ListedRecord> {
    let (entry, at) = (array(rest)?, instant(rest)?);
    let there = match array(rest)? {
        [0] => false,
        [1] => true,
        _ => return None,
    };
    Some(ListedRecord { entry, at, there })
}

fn write_entry(entry: &EntryRecord, out: &mut Vec<u8>) {
    out.extend_from_slice(&entry.id);
    out.extend_from_slice(&entry.terms.to_le_bytes());
    out.extend_from_slice(&entry.received.0.to_le_bytes());
    out.extend_from_slice(&entry.taken.0.to_le_bytes());
    out.extend_from_slice(&entry.record.to_le_bytes());
    let present = u8::from(entry.from.is_some()) | u8::from(entry.to.is_some()) << 1;
    let told = u8::from(entry.informed.is_some()) << 3 | u8::from(entry.review_by.is_some()) << 4;
    let told = told | u8::from(entry.undated) << 5;
    out.push(present | u8::from(entry.lifts.is_some()) << 2 | told);
    for instant in [entry.from, entry.to, entry.informed, entry.review_by].into_iter().flatten() {
        out.extend_from_slice(&instant.0.to_le_bytes());
    }
    for text in [Some(&entry.request), entry.lifts.as_ref()].into_iter().flatten() {
        out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(text.as_bytes());
    }
}

fn read_entry<'a>(rest: &mut &'a [u8]) -> Option<EntryRecord<&'a str>> {
    let id = array(rest)?;
    let terms = u32::from_le_bytes(array(rest)?);
    let received = instant(rest)?;
    let taken = instant(rest)?;
    let record = u64::from_le_bytes(array(rest)?);
    let present = take(rest, 1)?[0];
    if present >= 1 << 6 {
        return None;
    }
    let mut when = |bit: u8| if present & bit != 0 { instant(rest).map(Some) } else { Some(None) };
    let (from, to, informed, review_by) = (when(1)?, when(2)?, when(8)?, when(16)?);
    let request = text(rest)?;
    let lifts = if present & 4 != 0 { Some(text(rest)?) } else { None };
    let undated = present & 32 != 0;
    Some(EntryRecord { id, terms, received, taken, record, from, to, request, lifts, informed, review_by, undated })
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}

fn array<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    take(rest, N)?.try_into().ok()
}

fn instant(rest: &mut &[u8]) -> Option<Instant> {
    Some(Instant(i64::from_le_bytes(array(rest)?)))
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = u32::from_le_bytes(array(rest)?);
    std::str::from_utf8(take(rest, length as usize)?).ok()
}

#[cfg(test)]
mod tests {
    use super::super::status::{RequestState, Review};
    use super::*;

    const KEY: [u8; 32] = [9; 32];

    fn sample() -> Segment {
        let mut segment = Segment::default();
        let terms = ListTerms { list: "erasure".into(), effect: "erase".into(), ..ListTerms::default() };
        let at = segment.terms(&terms);
        for n in [3u8, 1, 2, 1] {
            segment.entries.push(EntryRecord {
                id: [n; 16],
                terms: at,
                received: Instant(i64::from(n)),
                taken: Instant(10),
                record: u64::from(n),
                from: (n == 1).then_some(Instant(5)),
                to: (n != 3).then_some(Instant(-6)),
                request: format!("C-{n}"),
                lifts: (n == 2).then(|| "C-1".into()),
                informed: (n == 2).then_some(Instant(7)),
                review_by: (n == 1).then_some(Instant(-7)),
                undated: n == 2,
            });
            segment.marks.push(MarkRecord { identity: [n; 32], entry: [n; 16], bond: n });
        }
        let job = segment.job("crm-contacts");
        for (n, until) in [(1, None), (2, Some(Instant(-9)))] {
            let review = until.map(|_| Review::TooMany);
            let standing =
                EntryStatus { until, review, ..EntryStatus::new(RequestState::AwaitingLifecycle, Instant(7)) };
            segment.notes.push(NoteRecord { entry: [n; 16], job, standing });
        }
        segment.looked.push(Looked { job: "crm-contacts".into(), segment: 4, at: Instant(8) });
        for (n, there) in [(2, true), (1, false)] {
            segment.listed.push(ListedRecord { entry: [n; 16], at: Instant(10), there });
        }
        segment
    }

    #[test]
    fn what_is_written_is_read_back_sorted_and_once() {
        let segment = sample();
        let back = Segment::decode(&segment.clone().encode(&KEY).expect("written"), &KEY).expect("whole");
        assert_eq!(back.entries.iter().map(|e| e.id[0]).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(back.entries[1] == segment.entries[2] && back.entries[2] == segment.entries[0]);
        assert_eq!(back.marks.iter().map(|m| m.bond).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(back.terms == segment.terms);
        assert_eq!(back.listed.iter().map(|l| (l.entry[0], l.there)).collect::<Vec<_>>(), [(1, false), (2, true)]);
        assert!(back.notes == segment.notes && back.jobs == segment.jobs && back.looked == segment.looked);
    }

    #[test]
    fn equal_contents_are_equal_files_whatever_the_order() {
        let mut other = sample();
        other.entries.reverse();
        other.marks.reverse();
        other.listed.reverse();
        assert!(sample().encode(&KEY).ok() == other.encode(&KEY).ok());
    }

    #[test]
    fn a_flipped_bit_a_cut_tail_and_another_key_are_found() {
        let bytes = sample().encode(&KEY).expect("written");
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert!(Segment::decode(&flipped, &KEY).is_err(), "byte {at}");
            assert!(Segment::decode(&bytes[..at], &KEY).is_err(), "cut at {at}");
        }
        assert!(Segment::decode(&bytes, &[8; 32]).is_err());
        assert!(Segment::decode(&bytes, &KEY).is_ok());
    }

    #[test]
    fn a_segment_of_the_former_format_is_read() {
        let bytes = sample().encode(&KEY).expect("written");
        let mut former = bytes[..bytes.len() - 2 * CHECKSUM].to_vec();
        former[MAGIC.len()..MAGIC.len() + 4].copy_from_slice(&FORMER.to_le_bytes());
        let checksum = blake3::keyed_hash(&KEY, &former);
        former.extend_from_slice(checksum.as_bytes());
        assert_eq!(Segment::decode(&former, &KEY).expect("whole").entries.len(), 3);
        for at in 0..former.len() {
            let mut flipped = former.clone();
            flipped[at] ^= 1;
            assert!(Segment::decode(&flipped, &KEY).is_err(), "byte {at}");
        }
    }
}
