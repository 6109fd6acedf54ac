//! How identities belong to requests, and what is followed from them (R12 to R16).

use super::lists::EffectSet;
use crate::policy;

/// Rows without a subject that an entry may meet per subject it may lead to.
const NOBODIES: usize = 64;

/// How an identity belongs to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bond {
    /// The request names it (R12).
    Named,
    /// Learned by strong links (R13).
    Strong,
    /// Of a subject found through a weak value (R14).
    ViaWeak,
}

/// That an identity belongs to a request.
#[derive(Clone, Copy)]
pub struct Belongs {
    /// Number of the entry that reaches the row.
    pub entry: u32,
    /// By what it reaches the row.
    pub bond: Bond,
    /// What is followed from it.
    pub follows: Follows,
}

/// What is followed from an identity of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Follows {
    /// Its links (R13, R14).
    Links,
    /// Of a raw form nothing but the raw keys of the rows that carry it (R16).
    RawKeys,
    /// Nothing: of a consent (R32).
    Nothing,
}

impl Follows {
    /// What is followed for an effect that is no consent, from an identity that is a raw form or is not.
    pub fn of(raw: bool) -> Follows {
        if raw { Follows::RawKeys } else { Follows::Links }
    }
}

/// The requests in force for a job, asked by identity.
pub trait Known: Sync {
    /// Whether there are none.
    fn is_empty(&self) -> bool;
    /// Whether an identity may belong to one; must be quick, and may say yes too often.
    fn knows(&self, identity: &[u8; 16]) -> bool;
    /// Calls `each` for every request that the identity belongs to.
    fn bonds(&self, identity: &[u8; 16], each: &mut dyn FnMut(Belongs));
    /// What a request asks for.
    fn effects(&self, entry: u32) -> EffectSet;
}

/// `[links]` of the policy.
#[derive(Clone, Copy, Debug)]
pub struct LinkLimits {
    /// R15: subjects that may carry a weak value which links them.
    pub max_alias_fanout: usize,
    /// R13: subjects that one request may lead to.
    pub max_strong_fanout: usize,
}

impl LinkLimits {
    /// As the policy has them.
    pub fn of(links: &policy::LinkRules) -> LinkLimits {
        LinkLimits { max_alias_fanout: links.max_alias_fanout, max_strong_fanout: links.max_strong_fanout }
    }

    /// R13: rows without a subject beyond which an entry counts as leading to too many.
    pub(super) fn most_nobodies(&self) -> usize {
        self.max_strong_fanout.saturating_mul(NOBODIES)
    }
}
