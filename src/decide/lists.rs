//! Which effects reach a row: those of every request that names one of its identities (R12). Links come in through
//! `Entries` too: what has been learned about a request is named by it.

use super::basis::binding;
use super::consent::stands;
use crate::clock::Instant;
use crate::policy::{Effect, Grounds};
use crate::stage::{NO_SINCE, mark};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Effects that reach a row or person, with the dates that consent is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EffectSet {
    bits: u8,
    /// Latest withdrawal in microseconds; `i64::MIN` for none.
    pub withdrawn: i64,
    /// Latest start of a consent that holds at `as_of`; `NO_SINCE` when it names no start.
    pub consent_from: i64,
    /// Latest end of a consent that holds at `as_of`; `i64::MIN` for no consent, `i64::MAX` for no end.
    pub consent_until: i64,
    /// Latest start of such a consent that a guardian has given (R84).
    guardian_from: Option<i64>,
    /// Latest receipt of a restriction that keeps bytes (R69), in microseconds; `i64::MIN` for none.
    kept: ReceiptTimes,
    /// Latest receipt of an erasure that may overtake it; `i64::MIN` for none.
    erased: ReceiptTimes,
}

/// When something was received, by how surely it reaches whom it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ReceiptTimes {
    /// By a key or a strong link.
    sure: i64,
    /// Through a weak value.
    weak: i64,
}

impl ReceiptTimes {
    const NEVER: ReceiptTimes = ReceiptTimes { sure: i64::MIN, weak: i64::MIN };

    fn latest(self, other: ReceiptTimes) -> ReceiptTimes {
        ReceiptTimes { sure: self.sure.max(other.sure), weak: self.weak.max(other.weak) }
    }

    fn through_weak(self) -> ReceiptTimes {
        ReceiptTimes { sure: i64::MIN, weak: self.sure.max(self.weak) }
    }
}

impl Default for EffectSet {
    fn default() -> Self {
        let none = i64::MIN;
        let (consent_from, consent_until) = (NO_SINCE, none);
        EffectSet {
            bits: 0,
            withdrawn: none,
            consent_from,
            consent_until,
            guardian_from: None,
            kept: ReceiptTimes::NEVER,
            erased: ReceiptTimes::NEVER,
        }
    }
}

/// By place in [`Effect::ALL`].
fn bit(effect: Effect) -> u8 {
    match effect {
        Effect::Erase => 1,
        Effect::Restrict => 2,
        Effect::Object => 4,
        Effect::OptOut => 8,
        Effect::Withdraw => 16,
        Effect::Consent => 32,
        Effect::Hold => 64,
        Effect::Lift => 128,
    }
}

impl EffectSet {
    /// One effect without dates: erase, restrict, object, opt-out, hold, and a consent that does not hold at `as_of`.
    pub fn of(effect: Effect) -> EffectSet {
        EffectSet { bits: bit(effect), ..EffectSet::default() }
    }
    /// A withdrawal received at an instant; later consents count again (R32).
    pub fn withdrawal(received: Instant) -> EffectSet {
        EffectSet { withdrawn: received.0, ..Self::of(Effect::Withdraw) }
    }
    /// A consent that holds at `as_of`: `from <= as_of < until`.
    pub fn consent(from: Option<Instant>, until: Option<Instant>) -> EffectSet {
        EffectSet {
            consent_from: from.map_or(NO_SINCE, |i| i.0),
            consent_until: until.map_or(i64::MAX, |i| i.0),
            ..Self::of(Effect::Consent)
        }
    }
    /// The same set, with consents that a guardian has given (R84).
    pub fn by_guardian(self, guardian: bool) -> EffectSet {
        EffectSet { guardian_from: self.consent_since().filter(|_| guardian), ..self }
    }
    /// Returns the latest start of a consent that holds at `as_of`.
    fn consent_since(&self) -> Option<i64> {
        (self.consent_until != i64::MIN).then_some(self.consent_from)
    }
    /// R84: nobody sells data of a minor without an opt-in, which is a guardian's as long as the minor is a `child`. After a
    /// withdrawal only an opt-in that was given later counts.
    pub(super) fn of_minor(&self, child: bool) -> EffectSet {
        let since = if child { self.guardian_from } else { self.consent_since() };
        let opted_in = since.is_some_and(|since| stands(since, self.withdrawn));
        if opted_in { *self } else { EffectSet { bits: self.bits | bit(Effect::OptOut), ..*self } }
    }
    /// A restriction that keeps bytes, received at an instant (R69).
    pub fn keeping(received: Instant) -> EffectSet {
        EffectSet { kept: ReceiptTimes { sure: received.0, ..ReceiptTimes::NEVER }, ..Self::of(Effect::Restrict) }
    }
    /// An erasure received at an instant, where a restriction may keep bytes that it is to remove (R69).
    pub fn erasure(received: Instant) -> EffectSet {
        EffectSet { erased: ReceiptTimes { sure: received.0, ..ReceiptTimes::NEVER }, ..Self::of(Effect::Erase) }
    }
    /// Whether bytes of whom these effects reach are not removed: a hold, or a restriction that no erasure has overtaken
    /// that reaches the person as surely as it does.
    pub fn keeps_bytes(&self) -> bool {
        let (kept, erased) = (self.kept, self.erased);
        self.has(Effect::Hold) || kept.sure > erased.sure || kept.weak > erased.sure.max(erased.weak)
    }
    /// The same as it reaches through a weak value, by which it may be another person's.
    pub(super) fn through_weak(self) -> EffectSet {
        EffectSet { kept: self.kept.through_weak(), erased: self.erased.through_weak(), ..self }
    }
    /// Whether an effect is in the set.
    pub fn has(&self, effect: Effect) -> bool {
        self.bits & bit(effect) != 0
    }
    /// Adds another set; of dates the latest stay.
    pub fn add(&mut self, other: &EffectSet) {
        self.bits |= other.bits;
        self.withdrawn = self.withdrawn.max(other.withdrawn);
        self.consent_from = self.consent_from.max(other.consent_from);
        self.consent_until = self.consent_until.max(other.consent_until);
        self.guardian_from = self.guardian_from.max(other.guardian_from);
        self.kept = self.kept.latest(other.kept);
        self.erased = self.erased.latest(other.erased);
    }
    /// Only the effects that bind; `binds` in the order of [`Effect::ALL`].
    pub(super) fn only(self, binds: &[bool; Effect::ALL.len()]) -> EffectSet {
        if self.is_empty() {
            return self;
        }
        let bound = binds.iter().enumerate().fold(0, |bits, (place, binds)| bits | u8::from(*binds) << place);
        EffectSet { bits: self.bits & bound, ..self }
    }
    /// The same without consents.
    pub(super) fn without_consent(self) -> EffectSet {
        let bits = self.bits & !bit(Effect::Consent);
        EffectSet { bits, consent_from: NO_SINCE, consent_until: i64::MIN, guardian_from: None, ..self }
    }
    /// Whether there is no effect.
    pub(super) fn is_empty(&self) -> bool {
        self.bits == 0
    }
}

/// What the lists say about identities. Holds only effects that apply to the job's purpose and have not been lifted;
/// what a request names and what it has learned through links (R13, R14) are alike.
pub trait Entries: Sync {
    /// The effects of all requests that name the identity.
    fn effects(&self, identity: &[u8; 16]) -> Option<EffectSet>;
    /// Whether no identity has effects.
    fn is_empty(&self) -> bool;
}

/// Entries in memory. Identities are keyed hashes, so their first bytes serve as the hash. Effects are few, and many
/// identities have the same.
#[derive(Default)]
pub struct EntryTable {
    numbers: HashMap<[u8; 16], u32, BuildHasherDefault<FirstBytes>>,
    sets: Vec<EffectSet>,
    of: HashMap<EffectSet, u32>,
}

impl EntryTable {
    /// Makes room for so many identities.
    pub(super) fn reserve(&mut self, identities: usize) {
        self.numbers.reserve(identities);
    }

    /// Adds effects to what an identity has.
    pub fn add(&mut self, identity: [u8; 16], effects: &EffectSet) {
        let mut all = self.effects(&identity).unwrap_or_default();
        all.add(effects);
        let sets = &mut self.sets;
        let number = *self.of.entry(all).or_insert_with(|| {
            sets.push(all);
            sets.len() as u32 - 1
        });
        self.numbers.insert(identity, number);
    }
}

impl Entries for EntryTable {
    fn effects(&self, identity: &[u8; 16]) -> Option<EffectSet> {
        self.numbers.get(identity).map(|number| self.sets[*number as usize])
    }
    fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }
}

/// Hasher of keys that are uniform already.
#[derive(Default)]
pub(super) struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
    fn write_usize(&mut self, _: usize) {}
}

/// R12, R16: the effects that reach a row with these identities, raw forms included. Consents reach it only through
/// its key, e-mail or phone, never through a strong link (R32). `None` when nothing does.
pub(super) fn reach<'a>(
    identities: impl Iterator<Item = (u8, &'a [u8; 16])>,
    entries: &dyn Entries,
) -> Option<EffectSet> {
    let mut all: Option<EffectSet> = None;
    for (mark, identity) in identities {
        let Some(effects) = entries.effects(identity) else { continue };
        let effects = match mark & !mark::RAW {
            mark::STRONG => effects.without_consent(),
            mark::WEAK => effects.through_weak(),
            _ => effects,
        };
        all.get_or_insert_default().add(&effects);
    }
    all.filter(|all| !all.is_empty())
}

/// Returns whether an erasure that binds reaches a person, by the first half of an identity of theirs.
pub fn has_erased(identity: &[u8; 16], entries: &dyn Entries, grounds: Grounds) -> bool {
    let reached = reach(std::iter::once((mark::KEY, identity)), entries);
    binding(Effect::Erase, grounds).is_ok() && reached.is_some_and(|effects| effects.has(Effect::Erase))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(list: &[(u8, EffectSet)]) -> EntryTable {
        let mut table = EntryTable::default();
        for (id, effects) in list {
            table.add([*id; 16], effects);
        }
        table
    }

    #[test]
    fn r84_after_a_withdrawal_only_a_later_opt_in_counts_and_a_childs_is_a_guardians() {
        let of = |list: &[EffectSet]| {
            let mut all = EffectSet::default();
            list.iter().for_each(|effects| all.add(effects));
            [false, true].map(|child| !all.of_minor(child).has(Effect::OptOut))
        };
        let consent = |from| EffectSet::consent(Some(Instant(from)), None);
        let guardian = |from| consent(from).by_guardian(true);
        let withdrawn = EffectSet::withdrawal(Instant(5));
        assert_eq!(of(&[]), [false, false]);
        assert_eq!(of(&[consent(1)]), [true, false]);
        assert_eq!(of(&[guardian(1)]), [true, true]);
        assert_eq!(of(&[guardian(1), withdrawn]), [false, false]);
        assert_eq!(of(&[guardian(5), withdrawn]), [false, false]);
        assert_eq!(of(&[EffectSet::consent(None, None).by_guardian(true), withdrawn]), [false, false]);
        assert_eq!(of(&[guardian(6), withdrawn]), [true, true]);
        assert_eq!(of(&[consent(6), guardian(1), withdrawn]), [true, false], "the guardian's was withdrawn");
        assert_eq!(of(&[consent(1), EffectSet::of(Effect::Consent).by_guardian(true)]), [true, false], "it has ended");
    }

    #[test]
    fn r12_every_named_identity_of_a_row_counts_and_effects_add_up() {
        let table = entries(&[
            (1, EffectSet::of(Effect::Erase)),
            (2, EffectSet::of(Effect::Restrict)),
            (2, EffectSet::withdrawal(Instant(5))),
            (3, EffectSet::withdrawal(Instant(9))),
        ]);
        let ids = [[1u8; 16], [2; 16], [3; 16], [4; 16]];
        let marks = [mark::KEY, mark::STRONG, mark::WEAK | mark::RAW, mark::WEAK];
        let all = reach(marks.into_iter().zip(&ids), &table).expect("reached");
        assert!(all.has(Effect::Erase) && all.has(Effect::Restrict) && all.has(Effect::Withdraw));
        assert!(!all.has(Effect::Object));
        assert_eq!(all.withdrawn, 9);
        assert_eq!(reach([(mark::WEAK, &ids[3])].into_iter(), &table), None);
    }

    #[test]
    fn r29_bits_stand_at_the_places_of_the_table() {
        for (place, effect) in Effect::ALL.into_iter().enumerate() {
            assert_eq!(bit(effect), 1 << place, "{}", effect.name());
        }
    }

    #[test]
    fn r69_an_erasure_overtakes_a_restriction_of_the_same_person_alone() {
        let (earlier, later) = (Instant(4), Instant(6));
        let table = |erased: Instant, through: u8| {
            entries(&[
                (1, EffectSet::keeping(Instant(5))),
                (2, EffectSet::keeping(Instant(5))),
                (through, EffectSet::erasure(erased)),
            ])
        };
        let (key, email) = ([1u8; 16], [2u8; 16]);
        let kept = |table: &EntryTable| {
            let row = [(mark::KEY, &key), (mark::WEAK, &email)].into_iter();
            reach(row, table).expect("reached").keeps_bytes()
        };
        assert!(kept(&table(earlier, 1)), "the restriction came later");
        assert!(!kept(&table(later, 1)), "the erasure came later");
        assert!(kept(&table(later, 2)), "a shared address may be another person's erasure");
        let alone = entries(&[(2, EffectSet::keeping(Instant(5))), (2, EffectSet::erasure(later))]);
        let through = |mark| reach([(mark, &email)].into_iter(), &alone).expect("reached").keeps_bytes();
        assert!(!through(mark::WEAK) && !through(mark::KEY), "both name the same value");
        let held = entries(&[(1, EffectSet::of(Effect::Hold)), (1, EffectSet::erasure(later))]);
        assert!(kept(&held), "nothing overtakes a hold");
        let plain = entries(&[(1, EffectSet::of(Effect::Restrict))]);
        assert!(!kept(&plain), "grounds a and d keep nothing");
    }

    #[test]
    fn r32_consents_do_not_come_through_strong_links() {
        let table = entries(&[(1, EffectSet::consent(None, Some(Instant(9))))]);
        let id = [1u8; 16];
        let through = |m| reach([(m, &id)].into_iter(), &table).map(|e| e.consent_until);
        assert_eq!(through(mark::KEY), Some(9));
        assert_eq!(through(mark::WEAK), Some(9));
        assert_eq!(through(mark::STRONG), None);
        assert_eq!(through(mark::STRONG | mark::RAW), None);
    }
}
