//! Lifts: which requests they end, and why one ends nothing (R30). Must not know lists or raw values.

use super::entry::Requests;
use crate::policy::Effect;
use std::collections::HashMap;

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
        }
    }
}

impl Requests {
    /// The lift that ended an entry; none when it is in force, or its snapshot no longer has it.
    pub fn ended_by(&self, entry: u32) -> Option<u32> {
        self.ended.get(&entry).copied().flatten()
    }

    /// What an entry ends, when it is a lift (R30).
    pub fn lift_ends(&self, lift: u32) -> Option<LiftEnds> {
        let named = self.of_request(self.entry(lift).lifts?);
        Some(self.of_lift(lift, named))
    }

    /// Every lift that ends nothing, each with why (R30).
    pub fn idle_lifts(&self) -> Vec<(u32, LiftEnds)> {
        let mut lifts: Vec<(u32, u64)> = Vec::new();
        for (at, lifted) in self.rare.iter().filter_map(|(at, rare)| Some((*at, rare.lifts.as_deref()?))) {
            lifts.push((at, self.keys.of_request(lifted)));
        }
        lifts.sort_unstable();
        let mut named: HashMap<u64, Vec<u32>> = lifts.iter().map(|(_, request)| (*request, Vec::new())).collect();
        if !named.is_empty() {
            for (at, request) in (0..).zip(&self.requests) {
                named.entry(*request).and_modify(|entries| entries.push(at));
            }
        }
        let ends =
            |(lift, request): (u32, u64)| (lift, self.of_lift(lift, named.get(&request).cloned().unwrap_or_default()));
        lifts.into_iter().map(ends).filter(|(_, ends)| !matches!(ends, LiftEnds::Requests(_))).collect()
    }

    fn of_lift(&self, lift: u32, mut named: Vec<u32>) -> LiftEnds {
        named.retain(|at| self.entry(*at).effect != Effect::Lift);
        let ended = named.iter().filter(|at| self.ends(lift, **at)).count() as u64;
        let in_time = |effect| {
            let named = named.iter().map(|at| self.entry(*at));
            let mut of = named.filter(|entry| entry.effect == effect);
            of.any(|entry| entry.received <= self.entry(lift).received)
        };
        match ended {
            0 if named.is_empty() => LiftEnds::NoRequest,
            0 if in_time(Effect::Restrict) => LiftEnds::Untold,
            0 if in_time(Effect::Erase) => LiftEnds::Erasure,
            0 => LiftEnds::Later,
            ended => LiftEnds::Requests(ended),
        }
    }

    /// R30: a lift ends effects of the request it names received up to its own date, an erasure only when it says so, and
    /// a restriction only when the person was told by then (R69).
    fn ends(&self, lift: u32, entry: u32) -> bool {
        let (lift, entry) = (self.entry(lift), self.entry(entry));
        let may = match entry.effect {
            Effect::Lift => false,
            Effect::Erase => lift.lift_erase,
            Effect::Restrict => lift.informed.is_some_and(|informed| informed <= lift.received),
            _ => true,
        };
        may && entry.received <= lift.received
    }

    /// Entries that lifts have ended, each with the earliest of these.
    pub(super) fn lifted(&self) -> Vec<(u32, Option<u32>)> {
        let mut lifts: HashMap<u64, Vec<u32>> = HashMap::new();
        for (at, lifted) in self.rare.iter().filter_map(|(at, r)| Some((*at, r.lifts.as_deref()?))) {
            lifts.entry(self.keys.of_request(lifted)).or_default().push(at);
        }
        if lifts.is_empty() {
            return Vec::new();
        }
        let ended = |at: u32| {
            let by = lifts.get(&self.requests[at as usize])?.iter().filter(|lift| self.ends(**lift, at));
            Some((at, Some(*by.min_by_key(|lift| (self.received[**lift as usize], **lift))?)))
        };
        (0..self.ids.len() as u32).filter_map(ended).collect()
    }
}
