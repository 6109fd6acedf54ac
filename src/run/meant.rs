//! Who is meant: requests in force for a job, followed over rows, and what came of it stored at once (R18).

use super::prepare::Ready;
use crate::clock::Instant;
use crate::decide::{self, Belongs, Bond, Carriers, Doubt, EffectSet, Known, LinkLimits, Links};
use crate::error::Result;
use crate::evidence::manifest::ListApplied;
use crate::policy::{Effect, Plan, Project};
use crate::requests::{self, Entry, Learned, Requests, Review, Standing, State};
use std::collections::BTreeMap;

/// Requests in force for one purpose at an instant.
pub struct InForce<'a> {
    requests: &'a Requests,
    purpose: &'a str,
    as_of: Instant,
}

impl<'a> InForce<'a> {
    /// Of all requests, those for this purpose (R29).
    pub fn new(requests: &'a Requests, purpose: &'a str, as_of: Instant) -> InForce<'a> {
        InForce { requests, purpose, as_of }
    }

    /// Whether an entry has an effect now: lifts have none of their own, what was lifted has none any more (R30), and a
    /// consent has one within its interval (R32).
    fn applies(&self, entry: &Entry<'_>) -> bool {
        let within = entry.from.is_none_or(|from| from <= self.as_of) && entry.to.is_none_or(|to| self.as_of < to);
        let there = match entry.effect {
            Effect::Lift => false,
            Effect::Consent => within,
            _ => true,
        };
        there && !entry.ended && entry.concerns(self.purpose)
    }
}

impl Known for InForce<'_> {
    fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    fn knows(&self, identity: &[u8; 32]) -> bool {
        !self.requests.effects(identity).is_empty()
    }

    fn bonds(&self, identity: &[u8; 32], each: &mut dyn FnMut(Belongs)) {
        for found in self.requests.effects(identity) {
            let entry = self.requests.entry(found.entry());
            if self.applies(&entry) {
                let follows = !found.raw() && entry.effect != Effect::Consent;
                let bond = match found.bond() {
                    requests::Bond::Named => Bond::Named,
                    requests::Bond::Strong => Bond::Strong,
                    requests::Bond::ViaWeak => Bond::ViaWeak,
                };
                each(Belongs { entry: found.entry(), bond, follows });
            }
        }
    }

    fn effects(&self, entry: u32) -> EffectSet {
        let entry = self.requests.entry(entry);
        match entry.effect {
            Effect::Withdraw => EffectSet::withdrawal(entry.received),
            Effect::Consent => EffectSet::consent(entry.from, entry.to),
            effect => EffectSet::of(effect),
        }
    }
}

/// Follows every request in force for the job over rows, which are those of a run or of companions.
///
/// # Errors
/// What reading the rows can meet.
pub fn follow<C: Carriers>(ready: &Ready, requests: &Requests, rows: &C) -> Result<Links> {
    let known = InForce::new(requests, &ready.plan().purpose.name, ready.as_of);
    let links = &ready.project.links;
    let limits = LinkLimits { max_alias_fanout: links.max_alias_fanout, max_strong_fanout: links.max_strong_fanout };
    decide::follow(rows, &known, limits, ready.call.threads)
}

/// Follows every request over the rows of a run and stores what they learn, before anything can refuse the run (R18).
///
/// # Errors
/// As `follow`; storage errors.
pub fn learn<C: Carriers>(ready: &Ready, requests: &mut Requests, rows: &C) -> Result<Links> {
    let links = follow(ready, requests, rows)?;
    let learned = |new: &decide::NewBond| Learned {
        entry: new.entry,
        identity: new.identity,
        bond: if new.bond == Bond::ViaWeak { requests::Bond::ViaWeak } else { requests::Bond::Strong },
    };
    let learned: Vec<Learned> = links.learned.iter().map(learned).collect();
    requests.learn(ready.state.root(), &learned)?;
    Ok(links)
}

/// Notes how far requests have come once a version is published in which they are applied. A request that is removed
/// already stays so: rows of an export that are kept out bring nobody back.
///
/// # Errors
/// Storage errors.
pub fn note(ready: &Ready, requests: &mut Requests, links: &Links) -> Result<()> {
    note_all(ready, requests, links, Some(ready.call.now))
}

/// As `note`, when not every request was looked for.
///
/// # Errors
/// Storage errors.
pub fn note_only(ready: &Ready, requests: &mut Requests, links: &Links) -> Result<()> {
    note_all(ready, requests, links, None)
}

fn note_all(ready: &Ready, requests: &mut Requests, links: &Links, looked: Option<Instant>) -> Result<()> {
    let (plan, now) = (ready.plan(), ready.call.now);
    let standing = |reached: &decide::Reached| {
        let known = requests.standing(reached.entry, &plan.job);
        let state = known.state.max(state(plan, requests.entry(reached.entry).effect));
        let review = reached.doubt.map(|doubt| match doubt {
            Doubt::SharedAlias => Review::SharedAlias,
            Doubt::TooMany => Review::TooMany,
        });
        (reached.entry, Standing { state, at: now, until: known.until, review })
    };
    let noted: Vec<(u32, Standing)> = links.reached.iter().map(standing).collect();
    requests.note(ready.state.root(), &plan.job, &noted, looked)?;
    // Merging small segments is a courtesy to later runs; whatever stops it leaves every entry readable.
    let _ = requests.compact(ready.state.root());
    Ok(())
}

/// A hold binds nothing and is in force all the same (R34).
fn state(plan: &Plan, effect: Effect) -> State {
    let sale = plan.recipient.as_ref().is_some_and(|recipient| recipient.sale);
    let binds = effect == Effect::Hold || decide::binding(effect, plan.purpose.basis, sale).is_ok();
    if binds { State::Applied } else { State::NotBinding }
}

/// Lists by name and effect with their entries in force, for evidence: those of the policy, and what state holds of
/// commands and of lists that are gone from it.
pub fn lists(project: &Project, plan: &Plan, requests: &Requests, links: &Links) -> Vec<ListApplied> {
    let mut lists: BTreeMap<(String, &'static str), ListApplied> = BTreeMap::new();
    for list in project.lists.values() {
        applied(&mut lists, plan, &list.name, list.effect);
    }
    for (list, effect, purposes, entries) in requests.in_force() {
        let concerns = purposes.is_none_or(|named| named.contains(&plan.purpose.name));
        if concerns && entries > 0 {
            applied(&mut lists, plan, list, effect).entries += entries;
        }
    }
    for reached in &links.reached {
        let entry = requests.entry(reached.entry);
        let list = applied(&mut lists, plan, entry.list, entry.effect);
        list.reached += 1;
        list.needs_review += u64::from(reached.doubt.is_some());
    }
    for learned in &links.learned {
        let entry = requests.entry(learned.entry);
        applied(&mut lists, plan, entry.list, entry.effect).learned += 1;
    }
    lists.into_values().collect()
}

fn applied<'a>(
    lists: &'a mut BTreeMap<(String, &'static str), ListApplied>,
    plan: &Plan,
    name: &str,
    effect: Effect,
) -> &'a mut ListApplied {
    let sale = plan.recipient.as_ref().is_some_and(|recipient| recipient.sale);
    let word = decide::effect_name(effect);
    lists.entry((name.to_owned(), word)).or_insert_with(|| ListApplied {
        name: name.to_owned(),
        effect: word.into(),
        entries: 0,
        not_binding: decide::binding(effect, plan.purpose.basis, sale).err().map(str::to_string),
        reached: 0,
        learned: 0,
        needs_review: 0,
    })
}
