//! What keeps bytes of a person from being removed.

use super::lists::EffectSet;
use crate::policy::Effect;

/// What keeps bytes from being removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeptBy {
    /// A restriction of a person who opposes erasure or needs the data (R69).
    Restriction,
    /// A legal hold (R34); restrictions may be there besides.
    Hold,
}

impl KeptBy {
    /// Returns what keeps bytes of whom these effects reach; none when nothing does.
    pub(super) fn of(effects: &EffectSet) -> Option<KeptBy> {
        match (effects.keeps_bytes(), effects.has(Effect::Hold)) {
            (false, _) => None,
            (true, true) => Some(KeptBy::Hold),
            (true, false) => Some(KeptBy::Restriction),
        }
    }

    /// Its word, as counts have it.
    pub fn word(self) -> &'static str {
        match self {
            KeptBy::Restriction => "restriction",
            KeptBy::Hold => "hold",
        }
    }
}
