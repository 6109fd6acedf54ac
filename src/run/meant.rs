//! Who is meant: requests in force for a job, followed over rows, and what came of it stored at once (R18).

use super::prepare::Ready;
use crate::clock::Instant;
use crate::decide::{self, Belongs, Bond, Carriers, Doubt, EffectSet, Known, LinkLimits, Links};
use crate::error::Result;
use crate::evidence::manifest::ListApplied;
use crate::policy::{Effect, Plan, Project};
use crate::requests::{self, Entry, Learned, Requests, Review, Standing, State};
use crate::sweep::CompanionFiles;
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

/// The rows that requests were followed over before a version was published.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// All rows of an export.
    Export,
    /// Those of the version before.
    Published,
}

/// Notes how far requests have come once a version is published in which they are applied. One that is removed stays so
/// when only rows of an export are reached, which were kept out; not when rows of a version that still lies there are.
/// `behind` says that a crash has kept something from being noted before.
///
/// # Errors
/// Storage errors.
pub fn note(ready: &Ready, requests: &mut Requests, links: &Links, of: Followed, behind: bool) -> Result<()> {
    let job = &ready.plan().job;
    let mut met: BTreeMap<u32, Met> = BTreeMap::new();
    for reached in &links.reached {
        let there = of == Followed::Published;
        met.insert(reached.entry, Met { doubt: reached.doubt, whole: !there, there });
    }
    if behind || requests.fresh(job) {
        for entry in left(ready, requests)? {
            met.entry(entry).or_insert(Met { doubt: None, whole: false, there: true }).there = true;
        }
    }
    requests.saw(ready.state.witness()?);
    let noted: Vec<(u32, Standing)> =
        met.iter().map(|(entry, met)| (*entry, standing(ready, requests, *entry, met))).collect();
    requests.note(ready.state.root(), job, &noted, Some(ready.call.now))?;
    // Merging small segments is a courtesy to later runs; whatever stops it leaves every entry readable.
    let _ = requests.compact(ready.state.root());
    Ok(())
}

/// How a request was met.
struct Met {
    doubt: Option<Doubt>,
    /// All rows of an export were looked at, so that no doubt is no doubt.
    whole: bool,
    /// Rows that it reaches lie in a version that is not current any more.
    there: bool,
}

/// Requests that reach rows of versions which are replaced and not removed yet.
fn left(ready: &Ready, requests: &Requests) -> Result<Vec<u32>> {
    let files = ready.dataset.replaced.iter().flat_map(|replaced| &replaced.files);
    let paths = files.map(|file| file.companion.clone()).collect();
    let companions = CompanionFiles::readable(ready.state.root(), paths)?;
    let links = follow(ready, requests, &companions)?;
    Ok(links.reached.iter().map(|reached| reached.entry).collect())
}

fn standing(ready: &Ready, requests: &Requests, entry: u32, met: &Met) -> Standing {
    let (plan, now) = (ready.plan(), ready.call.now);
    let known = requests.noted(entry, &plan.job);
    let effect = requests.entry(entry).effect;
    let doubt = met.doubt.map(|doubt| match doubt {
        Doubt::SharedAlias => Review::SharedAlias,
        Doubt::TooMany => Review::TooMany,
    });
    let review = if met.whole { doubt } else { doubt.or(known.review) };
    let done = matches!(known.state, State::AwaitingLifecycle | State::Removed);
    // Who withdrew and agreed again is there by right.
    let back = met.there && (requests.learned_since(entry, &plan.job) || done && effect != Effect::Withdraw);
    let state = match state(plan, effect) {
        State::Applied if !back && (done || known.state == State::Applied) => return Standing { review, ..known },
        state => state,
    };
    let at = if state == known.state && !back { known.at } else { now };
    Standing { state, at, until: None, review }
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
    let word = effect.name();
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
