//! The rows that requests reach and their neighbours, as numbers: what carries what. Only what a request may be
//! followed to is kept.

use super::bond::{Bond, Follows, Known, LinkLimits};
use super::lists::FirstBytes;
use super::scan::{BucketFound, Frontier};
use crate::stage::mark;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

/// An identity is followed as a key or strong link from its entry (R13),
const STRONG: u8 = 1;
/// from a subject found through a weak value (R14),
const BEYOND: u8 = 2;
/// or as a weak value for one hop.
const WEAK: u8 = 4;
/// All rows that carry it in a key or strong column, or in a weak one, have been looked at.
const SCANNED_STRONG: u8 = 8;
const SCANNED_WEAK: u8 = 16;
/// An entry names it as a raw form, so that it brings the raw keys of its rows (R16). The first pass finds all of them.
const RAW: u8 = 32;
pub(super) const NOBODY: u32 = u32::MAX;

/// One row. Rows that say the same are kept once.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LinkRow {
    /// Its subject, or `NOBODY`.
    pub subject: u32,
    /// Its key when that is a raw form, which stands for its subject and is never followed (R16), or `NOBODY`.
    pub raw_key: u32,
    /// Key and strong links.
    pub strong: Box<[u32]>,
    /// Identities in weak columns of the row.
    pub weak: Box<[u32]>,
    /// Raw forms that an entry names, the key not counted.
    pub raw: Box<[u32]>,
}

/// An identity that an entry names or had learned, and that some row carries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Start {
    pub entry: u32,
    pub identity: u32,
    pub bond: Bond,
    pub follows: Follows,
}

/// Rows by the identities in them.
#[derive(Default)]
struct RowPlaces {
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl RowPlaces {
    fn of<'a>(identities: usize, rows: impl Iterator<Item = &'a [u32]> + Clone) -> RowPlaces {
        let mut starts = vec![0u32; identities + 1];
        rows.clone().flatten().for_each(|identity| starts[*identity as usize + 1] += 1);
        (1..starts.len()).for_each(|at| starts[at] += starts[at - 1]);
        let (mut next, mut places) = (starts.clone(), vec![0; starts[identities] as usize]);
        for (row, carried) in rows.enumerate() {
            for identity in carried {
                places[next[*identity as usize] as usize] = row as u32;
                next[*identity as usize] += 1;
            }
        }
        RowPlaces { starts, rows: places }
    }

    fn get(&self, identity: u32) -> &[u32] {
        let at = identity as usize;
        &self.rows[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}

/// Rows and the identities that connect them, of all buckets.
pub(super) struct LinkGraph<'a> {
    known: &'a dyn Known,
    limits: LinkLimits,
    numbers: HashMap<[u8; 16], u32, BuildHasherDefault<FirstBytes>>,
    subjects: HashMap<[u8; 16], u32, BuildHasherDefault<FirstBytes>>,
    /// Per identity, the ways by which an entry gets to it, as bits.
    reach: Vec<u8>,
    /// Per identity the distinct subjects that carry it, in key and strong columns and in weak ones; past the limits
    /// they are not counted on.
    strong_subjects: Vec<u32>,
    weak_subjects: Vec<u32>,
    counted: HashSet<(u32, u32, bool)>,
    rows: Vec<LinkRow>,
    strong: RowPlaces,
    weak: RowPlaces,
    raw: RowPlaces,
    starts: Vec<Start>,
}

impl<'a> LinkGraph<'a> {
    pub(super) fn new(known: &'a dyn Known, limits: LinkLimits) -> LinkGraph<'a> {
        LinkGraph {
            known,
            limits,
            numbers: HashMap::default(),
            subjects: HashMap::default(),
            reach: Vec::new(),
            strong_subjects: Vec::new(),
            weak_subjects: Vec::new(),
            counted: HashSet::new(),
            rows: Vec::new(),
            strong: RowPlaces::default(),
            weak: RowPlaces::default(),
            raw: RowPlaces::default(),
            starts: Vec::new(),
        }
    }

    /// Takes in the rows of a pass; returns which it keeps, by bucket. One that it does not keep may be worth it later.
    pub(super) fn take(&mut self, found: Vec<BucketFound>) -> Vec<Vec<u32>> {
        // Tables that grow leave holes of half their size each time.
        let identities = found.iter().map(BucketFound::identities).sum();
        self.numbers.reserve(identities);
        self.counted.reserve(identities);
        self.rows.reserve(found.iter().map(|found| found.rows().count()).sum());
        let kept = found.into_iter().map(|found| self.take_bucket(&found)).collect();
        self.rows.sort_unstable();
        self.rows.dedup();
        self.strong = RowPlaces::of(self.reach.len(), self.rows.iter().map(|row| &*row.strong));
        self.weak = RowPlaces::of(self.reach.len(), self.rows.iter().map(|row| &*row.weak));
        self.raw = RowPlaces::of(self.reach.len(), self.rows.iter().map(|row| &*row.raw));
        kept
    }

    fn take_bucket(&mut self, found: &BucketFound) -> Vec<u32> {
        let (known, mut kept) = (self.known, Vec::new());
        // R68: they are reached, and lead nowhere.
        for identity in found.others().iter().filter(|identity| known.knows(identity)) {
            self.number(identity);
        }
        for (number, subject, identities) in found.rows() {
            for (_, identity) in identities.iter().filter(|(_, identity)| known.knows(identity)) {
                self.number(identity);
            }
            if self.worth(&mut identities.iter().map(|(mark, identity)| (*mark, identity))) {
                self.keep(subject, identities);
                kept.push(number);
            }
        }
        kept
    }

    /// Whether a row carries an identity that is followed, in the kind of column where it is, and not too often.
    pub(super) fn worth(&self, identities: &mut dyn Iterator<Item = (u8, &[u8; 16])>) -> bool {
        for (mark, identity) in identities {
            let Some(number) = self.numbers.get(identity).copied() else { continue };
            let reach = self.reach[number as usize];
            let followed = match mark {
                mark::KEY | mark::STRONG => reach & (STRONG | BEYOND) != 0 && !self.too_many(number),
                mark::WEAK => reach & WEAK != 0 && !self.shared(number),
                _ => mark & !mark::RAW != mark::KEY && reach & RAW != 0 && !self.shared(number),
            };
            if followed {
                return true;
            }
        }
        false
    }

    fn number(&mut self, identity: &[u8; 16]) -> u32 {
        if let Some(number) = self.numbers.get(identity) {
            return *number;
        }
        let number = self.reach.len() as u32;
        let (mut reach, starts) = (0, &mut self.starts);
        self.known.bonds(identity, &mut |belongs| {
            let (entry, bond, follows) = (belongs.entry, belongs.bond, belongs.follows);
            starts.push(Start { entry, identity: number, bond, follows });
            reach |= match bond {
                Bond::Named if follows == Follows::RawKeys => RAW,
                _ if follows != Follows::Links => 0,
                // The first pass finds every row with an identity that is known.
                Bond::Named => STRONG | WEAK | SCANNED_STRONG | SCANNED_WEAK,
                Bond::Strong => STRONG | SCANNED_STRONG,
                Bond::ViaWeak => BEYOND | SCANNED_STRONG,
            };
        });
        self.numbers.insert(*identity, number);
        self.reach.push(reach);
        self.strong_subjects.push(0);
        self.weak_subjects.push(0);
        number
    }

    fn keep(&mut self, subject: Option<[u8; 16]>, identities: &[(u8, [u8; 16])]) {
        let next = self.subjects.len() as u32;
        let subject = subject.map_or(NOBODY, |token| *self.subjects.entry(token).or_insert(next));
        let (mut strong, mut weak, mut raw, mut raw_key) = (Vec::new(), Vec::new(), Vec::new(), NOBODY);
        for (mark, identity) in identities {
            match *mark {
                mark::KEY | mark::STRONG => strong.push(self.number(identity)),
                mark::WEAK => weak.push(self.number(identity)),
                _ if *mark == mark::KEY | mark::RAW => raw_key = self.number(identity),
                _ => raw.extend(self.numbers.get(identity).filter(|number| self.reach[**number as usize] & RAW != 0)),
            }
        }
        for list in [&mut strong, &mut weak, &mut raw] {
            list.sort_unstable();
            list.dedup();
        }
        for identity in strong.iter().filter(|_| subject != NOBODY) {
            let new = self.counted.insert((*identity, subject, true));
            self.strong_subjects[*identity as usize] += u32::from(new);
        }
        for identity in weak.iter().chain(&raw).filter(|_| subject != NOBODY) {
            let new = self.counted.insert((*identity, subject, false));
            self.weak_subjects[*identity as usize] += u32::from(new);
        }
        self.rows.push(LinkRow { subject, raw_key, strong: strong.into(), weak: weak.into(), raw: raw.into() });
    }

    /// Spreads what is followed over the rows that are there, and says which identities are to be looked for next;
    /// none when everything is known.
    pub(super) fn frontier(&mut self) -> Option<Frontier> {
        let mut work: Vec<u32> = (0..self.reach.len() as u32).filter(|i| self.reach[*i as usize] & 7 != 0).collect();
        let mut reach = std::mem::take(&mut self.reach);
        while let Some(identity) = work.pop() {
            self.spread(identity, reach[identity as usize], &mut |to, bits| {
                if reach[to as usize] | bits != reach[to as usize] {
                    reach[to as usize] |= bits;
                    work.push(to);
                }
            });
        }
        self.reach = reach;
        let looked_for: Vec<bool> = (0..self.reach.len() as u32).map(|identity| self.look_for(identity)).collect();
        Frontier::of(self.numbers.iter().filter(|(_, n)| looked_for[**n as usize]).map(|(identity, _)| identity))
    }

    fn spread(&self, identity: u32, reach: u8, raise: &mut impl FnMut(u32, u8)) {
        let links = reach & (STRONG | BEYOND);
        if links != 0 && !self.too_many(identity) && !self.crowded(self.strong.get(identity)) {
            for (_, row) in self.strong_rows(identity) {
                row.strong.iter().for_each(|to| raise(*to, links));
                row.weak.iter().filter(|_| links & STRONG != 0).for_each(|to| raise(*to, WEAK));
            }
        }
        let hops = reach & WEAK != 0 && reach & SCANNED_WEAK != 0 && !self.shared(identity);
        if hops && !self.crowded(self.weak.get(identity)) {
            self.weak_rows(identity).flat_map(|(_, row)| row.strong.iter()).for_each(|to| raise(*to, BEYOND));
        }
    }

    /// Whether more of these rows have no subject than one request may meet, so that nobody is led any further by them.
    fn crowded(&self, rows: &[u32]) -> bool {
        let most = self.limits.most_nobodies();
        rows.len() > most && rows.iter().filter(|row| self.rows[**row as usize].subject == NOBODY).count() > most
    }

    /// Marks an identity as scanned; whether a pass is needed for that.
    fn look_for(&mut self, identity: u32) -> bool {
        let reach = self.reach[identity as usize];
        let strong = reach & (STRONG | BEYOND) != 0 && reach & SCANNED_STRONG == 0;
        let weak = reach & WEAK != 0 && reach & SCANNED_WEAK == 0;
        let scanned = if strong { SCANNED_STRONG } else { 0 } | if weak { SCANNED_WEAK } else { 0 };
        self.reach[identity as usize] |= scanned;
        strong && !self.too_many(identity) || weak && !self.shared(identity)
    }

    /// R13: a key or strong link that by itself leads to too many subjects.
    pub(super) fn too_many(&self, identity: u32) -> bool {
        self.strong_subjects[identity as usize] as usize > self.limits.max_strong_fanout
    }

    /// R15: a weak value that too many subjects carry.
    pub(super) fn shared(&self, identity: u32) -> bool {
        self.weak_subjects[identity as usize] as usize > self.limits.max_alias_fanout
    }

    /// Rows with the identity in a key or strong column, each with its number.
    pub(super) fn strong_rows(&self, identity: u32) -> impl Iterator<Item = (u32, &LinkRow)> {
        self.strong.get(identity).iter().map(|row| (*row, &self.rows[*row as usize]))
    }

    /// Rows with the identity in a weak column, each with its number.
    pub(super) fn weak_rows(&self, identity: u32) -> impl Iterator<Item = (u32, &LinkRow)> {
        self.weak.get(identity).iter().map(|row| (*row, &self.rows[*row as usize]))
    }

    /// Rows that carry the identity as a raw form that an entry names, and not as their key, each with its number.
    pub(super) fn raw_rows(&self, identity: u32) -> impl Iterator<Item = (u32, &LinkRow)> {
        self.raw.get(identity).iter().map(|row| (*row, &self.rows[*row as usize]))
    }

    /// Number of identities, of subjects and of rows.
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        (self.reach.len(), self.subjects.len(), self.rows.len())
    }

    /// What entries begin with, entry by entry, once no more rows are taken in.
    pub(super) fn starts(&mut self) -> Vec<Start> {
        self.counted = HashSet::new();
        let mut starts = std::mem::take(&mut self.starts);
        starts.sort_unstable();
        starts
    }

    /// The bytes of all identities, by number.
    pub(super) fn identities(&self) -> Vec<[u8; 16]> {
        let mut identities = vec![[0; 16]; self.reach.len()];
        self.numbers.iter().for_each(|(identity, number)| identities[*number as usize] = *identity);
        identities
    }
}
