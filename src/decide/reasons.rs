//! R33: one reason per removed row, in one order, and the sum that has to come out.

use super::lists::EffectSet;
use crate::policy::Effect;

/// Why a row is not published. The order is that of R33; the first that holds is the label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Processing is restricted (Art. 18 GDPR).
    Restricted,
    /// The person is erased (Art. 17 GDPR).
    Erased,
    /// The person has objected (Art. 21 GDPR).
    Objected,
    /// CCPA opt-out of sale.
    OptedOut,
    /// The purpose rests on consent and there is none.
    NoConsent,
    /// An exclude of the job matched; the number is its label's.
    Excluded(usize),
    /// Past its retention period, or without a usable clock.
    Expired,
    /// No subject, or something unreadable.
    Rejected,
    /// In a group below k.
    Suppressed,
}

/// What comes before the excludes of a job in the order of R33, and after them.
const BEFORE: [Reason; 5] = [Reason::Restricted, Reason::Erased, Reason::Objected, Reason::OptedOut, Reason::NoConsent];
const AFTER: [Reason; 3] = [Reason::Expired, Reason::Rejected, Reason::Suppressed];

impl Reason {
    /// Returns the reason for which an effect takes rows out; a hold and a lift take none.
    pub fn of(effect: Effect) -> Option<Reason> {
        match effect {
            Effect::Restrict => Some(Reason::Restricted),
            Effect::Erase => Some(Reason::Erased),
            Effect::Object => Some(Reason::Objected),
            Effect::OptOut => Some(Reason::OptedOut),
            Effect::Withdraw | Effect::Consent => Some(Reason::NoConsent),
            Effect::Hold | Effect::Lift => None,
        }
    }

    /// Returns the label in counts; none for an exclude, whose label the job writes.
    fn label(self) -> Option<&'static str> {
        match self {
            Reason::Restricted => Some("restricted"),
            Reason::Erased => Some("erased"),
            Reason::Objected => Some("objected"),
            Reason::OptedOut => Some("opted-out"),
            Reason::NoConsent => Some("no-consent"),
            Reason::Excluded(_) => None,
            Reason::Expired => Some("expired"),
            Reason::Rejected => Some("rejected"),
            Reason::Suppressed => Some("suppressed"),
        }
    }

    /// Whether a label in counts is that of this reason.
    pub fn is(self, label: &str) -> bool {
        self.label() == Some(label)
    }

    /// Its place among the labels of a job with so many exclude labels.
    pub(super) fn place(self, excludes: usize) -> usize {
        match self {
            Reason::Restricted => 0,
            Reason::Erased => 1,
            Reason::Objected => 2,
            Reason::OptedOut => 3,
            Reason::NoConsent => 4,
            Reason::Excluded(label) => 5 + label,
            Reason::Expired => 5 + excludes,
            Reason::Rejected => 6 + excludes,
            Reason::Suppressed => 7 + excludes,
        }
    }
}

/// All labels of a job in the order of R33.
pub(super) fn labels(excludes: &[String]) -> Vec<String> {
    let own =
        |reasons: &[Reason]| -> Vec<String> { reasons.iter().filter_map(|r| r.label()).map(String::from).collect() };
    [own(&BEFORE), excludes.to_vec(), own(&AFTER)].concat()
}

/// What is known of a row when its reason is asked for.
pub(super) struct RowFacts {
    /// Effects that bind this job.
    pub effects: EffectSet,
    /// Consent is needed and not given.
    pub no_consent: bool,
    /// Label of the exclude that matched first.
    pub excluded: Option<usize>,
    /// All its clock values could be read, and the clock that counts is past or there is none.
    pub expired: bool,
    /// It has no subject, or something in it could not be read.
    pub rejected: bool,
}

/// The reason of a row, or none when it stays.
pub(super) fn reason(facts: &RowFacts) -> Option<Reason> {
    let by_effect = [Effect::Restrict, Effect::Erase, Effect::Object, Effect::OptOut];
    let mut listed = by_effect.into_iter().filter(|_| !facts.effects.is_empty());
    let listed = listed.find(|effect| facts.effects.has(*effect)).and_then(Reason::of);
    listed
        .or(facts.no_consent.then_some(Reason::NoConsent))
        .or(facts.excluded.map(Reason::Excluded))
        .or(facts.expired.then_some(Reason::Expired))
        .or(facts.rejected.then_some(Reason::Rejected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r33_the_first_reason_in_order_is_the_label() {
        let mut effects = EffectSet::default();
        for effect in [Effect::Restrict, Effect::Erase, Effect::Object, Effect::OptOut] {
            effects.add(&EffectSet::of(effect));
        }
        let mut facts = RowFacts { effects, no_consent: true, excluded: Some(1), expired: true, rejected: true };
        let mut seen = Vec::new();
        let expected = [Reason::Restricted, Reason::NoConsent, Reason::Excluded(1), Reason::Expired, Reason::Rejected];
        for step in 0..6 {
            seen.extend(reason(&facts));
            match step {
                0 => facts.effects = EffectSet::default(),
                1 => facts.no_consent = false,
                2 => facts.excluded = None,
                3 => facts.expired = false,
                _ => facts.rejected = false,
            }
        }
        assert_eq!(seen, expected);
        for (effect, label) in
            [(Effect::Erase, Reason::Erased), (Effect::Object, Reason::Objected), (Effect::OptOut, Reason::OptedOut)]
        {
            facts.effects = EffectSet::of(effect);
            facts.rejected = true;
            assert_eq!(reason(&facts), Some(label));
        }
    }

    #[test]
    fn r33_labels_stand_at_their_places() {
        let labels = labels(&["excluded:a".into(), "excluded:b".into()]);
        let at = |r: Reason| labels[r.place(2)].as_str();
        assert_eq!(at(Reason::Restricted), "restricted");
        assert_eq!(at(Reason::NoConsent), "no-consent");
        assert_eq!(at(Reason::Excluded(1)), "excluded:b");
        assert_eq!(at(Reason::Expired), "expired");
        assert_eq!(at(Reason::Suppressed), "suppressed");
    }
}
