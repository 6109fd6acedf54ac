//! R68: other persons of a row. A request that takes one out leaves the row, and takes the cells that are about that
//! person: their values stay until an instant that has always passed, as those of a field whose `keep` is over (R26).
//! So runs, sweeps, gates and companions need nothing else to know.

use super::kept_by::KeptBy;
use super::lists::{Entries, reach};
use super::reasons::Reason;
use crate::policy::Effect;
use crate::stage::mark;

/// Until when a value stays that a request has taken: it was over before any run.
pub const TAKEN: i64 = i64::MIN;

/// What becomes of other persons in a job or version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OtherFields {
    /// Per field with a `keep` of its own, the number of the other person that it is about.
    places: Vec<Option<usize>>,
}

impl OtherFields {
    pub(super) fn new(places: Vec<Option<usize>>) -> OtherFields {
        OtherFields { places }
    }

    /// Whether any field is about another person.
    pub(super) fn any(&self) -> bool {
        self.places.iter().any(Option::is_some)
    }

    /// Whether the field at a place is about one of the persons in `gone`.
    #[inline]
    pub(super) fn takes(&self, place: usize, gone: u16) -> bool {
        gone != 0 && self.places.get(place).copied().flatten().is_some_and(|number| gone & 1 << number != 0)
    }
}

/// The other persons of a row whom a request that binds takes out, a bit for each.
pub(super) fn gone<'a>(
    others: impl Iterator<Item = (u8, &'a [u8; 16])>,
    entries: &dyn Entries,
    binds: &[bool; Effect::ALL.len()],
) -> u16 {
    others.fold(0, |gone, (mark, identity)| {
        let Some(effects) = entries.effects(identity) else { return gone };
        let effects = effects.without_consent().only(binds);
        let goes = |effect| effects.has(effect) && Reason::of(effect).is_some();
        let number = mark::other(mark).filter(|_| Effect::ALL.into_iter().any(goes));
        gone | number.map_or(0, |number| 1 << number)
    })
}

/// R34, R69: what keeps bytes because of another person of a row, each judged alone.
pub(super) fn kept_by<'a>(
    others: impl Iterator<Item = (u8, &'a [u8; 16])> + Clone,
    entries: &dyn Entries,
) -> Option<KeptBy> {
    let own = |number: usize| others.clone().filter(move |(mark, _)| mark::other(*mark) == Some(number));
    let of_one = |number| {
        let identities = own(number).map(|(_, identity)| (mark::STRONG, identity));
        reach(identities, entries).and_then(|effects| KeptBy::of(&effects))
    };
    let there =
        others.clone().filter_map(|(mark, _)| mark::other(mark)).fold(0_u16, |there, number| there | 1 << number);
    (0..mark::MOST_OTHERS).filter(|number| there & 1 << number != 0).filter_map(of_one).max()
}

#[cfg(test)]
mod tests {
    use super::super::lists::{EffectSet, EntryTable};
    use super::*;
    use crate::clock::Instant;

    const BINDS: [bool; Effect::ALL.len()] = [true; Effect::ALL.len()];

    #[test]
    fn r68_requests_that_bind_take_the_person_they_name_and_no_other() {
        let mut table = EntryTable::default();
        table.add([1; 16], &EffectSet::of(Effect::Erase));
        table.add([2; 16], &EffectSet::of(Effect::Hold));
        table.add([3; 16], &EffectSet::consent(None, None));
        let row = [(mark::OTHER, &[1; 16]), (mark::OTHER | 1, &[2; 16]), (mark::OTHER | 2, &[3; 16])];
        assert_eq!(gone(row.into_iter(), &table, &BINDS), 1);
        assert_eq!(gone(row.into_iter(), &table, &[false; Effect::ALL.len()]), 0, "nothing binds");
        let raw = [(mark::OTHER | 5 | mark::RAW, &[1; 16])];
        assert_eq!(gone(raw.into_iter(), &table, &BINDS), 1 << 5, "a raw form matches");
        let fields = OtherFields::new(vec![None, Some(5), Some(0)]);
        assert_eq!([0, 1, 2, 3].map(|place| fields.takes(place, 1 << 5)), [false, true, false, false]);
    }

    #[test]
    fn r68_what_keeps_bytes_of_one_person_is_not_overtaken_by_the_erasure_of_another() {
        let mut table = EntryTable::default();
        table.add([1; 16], &EffectSet::keeping(Instant(5)));
        table.add([2; 16], &EffectSet::erasure(Instant(9)));
        let (kept, erased) = ((mark::OTHER, &[1; 16]), (mark::OTHER | 1, &[2; 16]));
        assert_eq!(kept_by([kept, erased].into_iter(), &table), Some(KeptBy::Restriction));
        let one_person = [(mark::OTHER, &[1; 16]), (mark::OTHER, &[2; 16])];
        assert_eq!(kept_by(one_person.into_iter(), &table), None, "one person, whose erasure wins");
        assert_eq!(kept_by([erased].into_iter(), &table), None);
    }
}
