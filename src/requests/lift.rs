//! Lifts: which requests they end, and why one ends nothing (R30).

use super::entry::Requests;
use super::persons::KnownValues;
use super::segment::SetTaken;
use crate::clock::Instant;
use crate::policy::Effect;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a lift comes to (R30).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiftEnds {
    /// It ends so many requests.
    Requests(u64),
    /// No request is stored under the id it names.
    NoRequest,
    /// An erasure, which only a lift with `lift_erase` ends.
    Erasure,
    /// A restriction, which only a lift ends that says when the person was told (R69).
    Untold,
    /// What is stored under the id was received after the lift.
    Later,
    /// What is stored under the id may be of several persons (R54).
    Persons,
    /// A set that was read before the lift came may have it again after the lift's date (R63).
    Repeated,
}

impl LiftEnds {
    /// Why a lift ends nothing, in words that name the request; empty when it ends something.
    pub fn why_nothing(self, request: &str) -> String {
        match self {
            LiftEnds::Requests(_) => String::new(),
            LiftEnds::NoRequest => format!("no request {request} is known"),
            LiftEnds::Erasure => format!("{request} is an erasure, which only a lift with lift_erase ends (R30)"),
            LiftEnds::Untold => {
                format!("{request} is a restriction, which only a lift ends that says when the person was told (R69)")
            }
            LiftEnds::Later => format!("{request} was received later than the lift (R30)"),
            LiftEnds::Repeated => format!(
                "{request} has no date, and a set that was read before the lift came is newer than the lift: give one with a \
                 later date (R63)"
            ),
            LiftEnds::Persons => format!(
                "requests under {request} name different persons, as far as is known, and none but consents ends; `tamis subject \
                 lift --several-persons` ends them all (R54)"
            ),
        }
    }

    /// Returns what a lift comes to.
    pub fn said(self) -> &'static str {
        match self {
            LiftEnds::Requests(1) => "ends one request",
            LiftEnds::Requests(_) => "ends several requests",
            LiftEnds::NoRequest => {
                "ends nothing: no request is known under the id it names; one that was received before the lift ends when it comes"
            }
            LiftEnds::Erasure => "ends nothing: only a lift that says so (lift_erase) ends an erasure (R30)",
            LiftEnds::Untold => {
                "ends nothing: only a lift that says when the person was told (informed) ends a restriction (R69)"
            }
            LiftEnds::Later => "ends nothing: the request with the id that it names was received later (R30)",
            LiftEnds::Repeated => {
                "ends nothing: the request has no date, and a set that was read before the lift came is newer than the lift; \
                 give one with a later date (R63)"
            }
            LiftEnds::Persons => {
                "ends nothing but consents: requests under the id it names are of different persons, as far as is known; with \
                 --several-persons it ends them all (R54)"
            }
        }
    }
}

/// Every lift, in the order of entries, with the entries under the id that it names.
struct LiftsKnown {
    lifts: Vec<(u32, Vec<u32>)>,
    known: KnownValues,
}

impl Requests {
    /// The lift that ended an entry; none when it is in force, or its snapshot no longer has it.
    pub fn ended_by(&self, entry: u32) -> Option<u32> {
        self.ended.get(&entry).copied().flatten()
    }

    /// What an entry ends, when it is a lift (R30).
    pub fn lift_ends(&self, lift: u32) -> Option<LiftEnds> {
        let named = self.of_request(self.entry(lift).lifts?);
        let known = self.values_of(named.iter().copied());
        Some(self.of_lift(lift, named, &known))
    }

    /// Every lift that ends nothing, each with why (R30).
    pub fn idle_lifts(&self) -> Vec<(u32, LiftEnds)> {
        let LiftsKnown { lifts, known } = self.lifts_known();
        let mut idle = Vec::new();
        for (lift, named) in lifts {
            // What it was not certain about, another lift may have ended since.
            let over = named.iter().all(|at| self.entry(*at).effect == Effect::Lift || self.ended.contains_key(at));
            match self.of_lift(lift, named, &known) {
                LiftEnds::Requests(_) => {}
                LiftEnds::Persons | LiftEnds::Repeated if over => {}
                ends => idle.push((lift, ends)),
            }
        }
        idle
    }

    fn of_lift(&self, lift: u32, mut named: Vec<u32>, known: &KnownValues) -> LiftEnds {
        named.retain(|at| self.entry(*at).effect != Effect::Lift);
        let ended = self.ended_of(lift, &named, known);
        if named.iter().any(|at| self.ends(lift, *at) && !ended.contains(at)) {
            return LiftEnds::Persons;
        }
        let in_time = |effect| {
            let named = named.iter().map(|at| self.entry(*at));
            let mut of = named.filter(|entry| entry.effect == effect);
            of.any(|entry| entry.received <= self.entry(lift).received)
        };
        match ended.len() as u64 {
            0 if named.is_empty() => LiftEnds::NoRequest,
            0 if in_time(Effect::Restrict) => LiftEnds::Untold,
            0 if in_time(Effect::Erase) && !self.entry(lift).lift_erase => LiftEnds::Erasure,
            0 if named.iter().any(|at| self.may_be_repeated(lift, *at)) => LiftEnds::Repeated,
            0 => LiftEnds::Later,
            ended => LiftEnds::Requests(ended),
        }
    }

    /// The entries that a lift ends of those that are stored under the id that it names. What may be of several persons it
    /// ends only when it says so: all but consents, of which the end is what protects a person (R54).
    fn ended_of(&self, lift: u32, named: &[u32], known: &KnownValues) -> Vec<u32> {
        let (consents, others): (Vec<u32>, Vec<u32>) =
            named.iter().filter(|at| self.ends(lift, **at)).partition(|at| self.entry(**at).effect == Effect::Consent);
        let all = self.entry(lift).lift_several || known.of_one_person(&others);
        consents.into_iter().chain(others.into_iter().filter(|_| all)).collect()
    }

    /// R30: a lift ends effects of the request it names received up to its own date, an erasure only when it says so, and
    /// a restriction only when the person was told by then (R69).
    fn ends(&self, lift: u32, entry: u32) -> bool {
        let places = (lift, entry);
        let (lift, entry) = (self.entry(lift), self.entry(entry));
        let may = match entry.effect {
            Effect::Lift => false,
            Effect::Erase => lift.lift_erase,
            Effect::Restrict => lift.informed.is_some_and(|informed| informed <= lift.received),
            _ => true,
        };
        may && entry.received <= lift.received && !self.may_be_repeated(places.0, places.1)
    }

    /// R63: whether a request without a date may have been made again after the date of a lift, in a set that was read before
    /// the lift came: its list's newest set counts, whoever is in it. Of several sets of one day, nobody knows which had it.
    fn may_be_repeated(&self, lift: u32, entry: u32) -> bool {
        let Some(rare) = self.rare.get(&lift).filter(|_| self.undated.contains(&entry)) else { return false };
        let of_list = self.files_of(self.entry(entry).list).filter(|file| file.taken < rare.taken);
        let sets: Vec<(&SetTaken, Instant)> =
            of_list.filter_map(|file| Some((file.set.as_ref()?, file.taken))).collect();
        let Some(newest) = sets.iter().map(|(set, _)| set.begin).max() else { return false };
        let last: Vec<&(&SetTaken, Instant)> = sets.iter().filter(|(set, _)| set.begin == newest).collect();
        let several = last.iter().map(|(set, _)| &set.name).collect::<BTreeSet<_>>().len() > 1;
        let read = last.iter().map(|(set, taken)| set.end.min(*taken)).max().filter(|_| several);
        self.received[lift as usize] < read.unwrap_or(newest)
    }

    /// Entries that lifts have ended, each with the earliest of these.
    pub(super) fn lifted(&self) -> Vec<(u32, Option<u32>)> {
        let LiftsKnown { mut lifts, known } = self.lifts_known();
        lifts.sort_by_key(|(lift, _)| (self.received[*lift as usize], *lift));
        let mut ended = BTreeMap::new();
        for (lift, named) in lifts {
            for at in self.ended_of(lift, &named, &known) {
                ended.entry(at).or_insert(Some(lift));
            }
        }
        ended.into_iter().collect()
    }

    /// Returns every lift with what is stored under the id that it names, and what is known of whom these are about, where they
    /// may be of several persons.
    fn lifts_known(&self) -> LiftsKnown {
        let mut lifts: Vec<(u32, [u64; 2])> = Vec::new();
        for (at, lifted) in self.rare.iter().filter_map(|(at, rare)| Some((*at, rare.lifts.as_deref()?))) {
            lifts.push((at, self.names_of(lifted)));
        }
        lifts.sort_unstable();
        let named = self.named_by(lifts.iter().flat_map(|(_, names)| *names));
        let lifts: Vec<(u32, Vec<u32>)> = lifts.into_iter().map(|(at, names)| (at, under(&named, names))).collect();
        let shared = lifts.iter().map(|(_, named)| named).filter(|named| named.len() > 1);
        let known = self.values_of(shared.flatten().copied());
        LiftsKnown { lifts, known }
    }

    /// The entries under each of these request ids.
    fn named_by(&self, requests: impl Iterator<Item = u64>) -> HashMap<u64, Vec<u32>> {
        let mut named: HashMap<u64, Vec<u32>> = requests.map(|request| (request, Vec::new())).collect();
        if !named.is_empty() {
            for (at, request) in (0..).zip(&self.requests) {
                if let Some(entries) = named.get_mut(request) {
                    entries.push(at);
                }
            }
        }
        named
    }
}

/// The entries under the names that a request may be stored under.
fn under(named: &HashMap<u64, Vec<u32>>, names: [u64; 2]) -> Vec<u32> {
    names.iter().flat_map(|name| named.get(name).into_iter().flatten().copied()).collect()
}
