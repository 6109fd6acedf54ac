//! Who is meant: requests in force for a job, followed over rows, and what came of it stored at once (R18).

use super::companions::CompanionFiles;
use super::prepare::Ready;
use crate::clock::Instant;
use crate::decide::{self, Belongs, Bond, Carriers, Doubt, EffectSet, Follows, Known, LinkLimits, Links};
use crate::error::Result;
use crate::evidence::manifest::ListApplied;
use crate::monitor::Monitor;
use crate::policy::{Basis, Effect, Plan, Project};
use crate::requests::{self, Entry, EntryStatus, Learned, RequestState, Requests, Review};
use std::collections::BTreeMap;

/// Requests in force for one purpose at an instant.
pub struct InForce<'a> {
    requests: &'a Requests,
    purpose: &'a str,
    as_of: Instant,
    /// Whether the source has a consent column, too.
    consent_column: bool,
    /// Whether an erasure may overtake a restriction that keeps bytes (R69).
    overtakes: bool,
}

impl<'a> InForce<'a> {
    /// Of all requests, those for the job's purpose (R29).
    pub fn new(requests: &'a Requests, plan: &'a Plan, as_of: Instant) -> InForce<'a> {
        let consent_column = plan.controls.consent.is_some() && plan.purpose.basis == Basis::Consent;
        let any = Self::for_purpose(requests, &plan.purpose.name, as_of);
        let overtakes = any.overtakes && decide::binding(Effect::Erase, plan.grounds()).is_ok();
        InForce { consent_column, overtakes, ..any }
    }

    /// Of all requests, those for a purpose whose job may be gone.
    pub fn for_purpose(requests: &'a Requests, purpose: &'a str, as_of: Instant) -> InForce<'a> {
        let overtakes = requests.keeps_bytes_of(purpose, as_of);
        InForce { requests, purpose, as_of, consent_column: false, overtakes }
    }

    /// R32: whether a consent is within its interval.
    fn holds(&self, entry: &Entry<'_>) -> bool {
        entry.from.is_none_or(|from| from <= self.as_of) && entry.to.is_none_or(|to| self.as_of < to)
    }

    /// Whether an entry has an effect now: lifts have none of their own, what was lifted has none any more (R30), and a
    /// consent has one within its interval, outside of it only against a consent column (R32).
    fn applies(&self, entry: &Entry<'_>) -> bool {
        let there = match entry.effect {
            Effect::Lift => false,
            Effect::Consent => self.consent_column || self.holds(entry),
            _ => true,
        };
        there && entry.in_force(self.as_of) && entry.concerns(self.purpose)
    }
}

impl Known for InForce<'_> {
    fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    fn knows(&self, identity: &[u8; 16]) -> bool {
        !self.requests.effects(identity).is_empty()
    }

    fn bonds(&self, identity: &[u8; 16], each: &mut dyn FnMut(Belongs)) {
        for found in self.requests.effects(identity) {
            let entry = self.requests.entry(found.entry());
            if self.applies(&entry) {
                let consent = entry.effect == Effect::Consent;
                let follows = if consent { Follows::Nothing } else { Follows::of(found.raw()) };
                let bond = match found.bond() {
                    requests::StoredBond::Named => Bond::Named,
                    requests::StoredBond::Strong => Bond::Strong,
                    requests::StoredBond::ViaWeak => Bond::ViaWeak,
                };
                each(Belongs { entry: found.entry(), bond, follows });
            }
        }
    }

    fn effects(&self, entry: u32) -> EffectSet {
        let entry = self.requests.entry(entry);
        match entry.effect {
            Effect::Withdraw => EffectSet::withdrawal(entry.received),
            Effect::Consent if self.holds(&entry) => {
                EffectSet::consent(entry.from, entry.to).by_guardian(entry.guardian)
            }
            Effect::Restrict if entry.keeps_bytes() => EffectSet::keeping(entry.received),
            Effect::Erase if self.overtakes => EffectSet::erasure(entry.received),
            effect => EffectSet::of(effect),
        }
    }
}

/// Follows every request in force for the job over rows, which are those of a run or of companions.
///
/// # Errors
/// What reading the rows can meet, and why the monitor ends the work.
pub fn follow<C: Carriers>(ready: &Ready, requests: &Requests, rows: &C, monitor: &dyn Monitor) -> Result<Links> {
    let known = InForce::new(requests, ready.plan(), ready.as_of);
    decide::follow(rows, &known, LinkLimits::of(&ready.project.links), ready.call.threads, monitor)
}

/// Follows every request over the rows of a run and stores what they learn, before anything can refuse the run (R18).
/// `doubts` adds what makes a request doubtful besides. Gives also the lists as they were followed, for evidence: storing may
/// take in requests that came since, and those are not applied.
///
/// # Errors
/// As `follow`; storage errors.
pub fn learn<C: Carriers>(
    ready: &Ready,
    requests: &mut Requests,
    rows: &C,
    doubts: impl FnOnce(&Requests, &mut Links),
    monitor: &dyn Monitor,
) -> Result<(Links, Vec<ListApplied>)> {
    requests.begin_look();
    let mut links = follow(ready, requests, rows, monitor)?;
    doubts(requests, &mut links);
    let lists = lists(&ready.project, ready.plan(), requests, &links);
    let learned = |new: &decide::NewBond| Learned {
        entry: new.entry,
        identity: whole(&new.identity),
        bond: if new.bond == Bond::ViaWeak { requests::StoredBond::ViaWeak } else { requests::StoredBond::Strong },
        raw: false,
    };
    let learned: Vec<Learned> = links.learned.iter().map(learned).collect();
    requests.learn(Some(ready.state.root()), &learned)?;
    Ok((links, lists))
}

/// As stored requests have identities: what rows do not tell of one is zeros.
fn whole(half: &[u8; 16]) -> [u8; 32] {
    let mut whole = [0; 32];
    whole[..half.len()].copy_from_slice(half);
    whole
}

/// The rows that requests were followed over before a version was published.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Followed<'a> {
    /// All rows of an export.
    Export,
    /// Those of the version before: its companions.
    Published(&'a [String]),
}

/// Notes how far requests have come once a version is published in which they are applied. One that is removed stays so
/// when only rows of an export are reached, which were kept out; not when rows of a version that still lies there are.
/// `behind` says that something has kept it from being noted before. False when the monitor ended the work: the version
/// is there all the same, and the next run or sweep notes it.
///
/// # Errors
/// Storage errors.
pub fn note(
    ready: &Ready,
    requests: &mut Requests,
    links: &Links,
    (of, behind): (Followed<'_>, bool),
    monitor: &dyn Monitor,
) -> Result<bool> {
    let job = &ready.plan().job;
    carry(ready, requests)?;
    let mut met: BTreeMap<u32, MetRequest> = BTreeMap::new();
    for reached in &links.reached {
        let there = of != Followed::Export;
        met.insert(reached.entry, MetRequest { doubt: reached.doubt, whole: !there, there });
    }
    if behind || requests.fresh(job) {
        let left = match left(ready, requests, of, monitor) {
            Err(_) if monitor.proceed().is_err() => return Ok(false),
            left => left?,
        };
        for entry in left {
            met.entry(entry).or_insert(MetRequest { doubt: None, whole: false, there: true }).there = true;
        }
    }
    // What another process stored meanwhile is applied to no version yet, whatever old ones it reaches.
    met.retain(|entry, _| requests.was_looked_for(*entry));
    requests.saw(ready.state.witness()?);
    let noted: Vec<(u32, EntryStatus)> =
        met.iter().map(|(entry, met)| (*entry, standing(ready, requests, *entry, met))).collect();
    requests.note(ready.state.root(), job, &noted, Some(ready.call.now))?;
    // Merging small segments is a courtesy to later runs; whatever stops it leaves every entry readable.
    let _ = requests.compact(ready.state.root());
    Ok(true)
}

/// How far requests had come under an earlier name of the job stays known when it is first looked for under this one.
fn carry(ready: &Ready, requests: &mut Requests) -> Result<()> {
    let job = &ready.plan().job;
    if requests.looked_for(job) {
        return Ok(());
    }
    let earlier = |of: &str| ready.names.iter().any(|name| name == of);
    let mut noted: BTreeMap<u32, EntryStatus> = BTreeMap::new();
    for (entry, _, standing) in requests.states().filter(|(_, of, _)| earlier(of)) {
        let place = noted.entry(entry).or_insert(standing);
        if place.at < standing.at {
            *place = standing;
        }
    }
    let noted: Vec<(u32, EntryStatus)> = noted.into_iter().collect();
    requests.note(ready.state.root(), job, &noted, None).map(|_| ())
}

/// How a request was met.
struct MetRequest {
    doubt: Option<Doubt>,
    /// All rows of an export were looked at, so that no doubt is no doubt.
    whole: bool,
    /// Rows that it reaches lie in a version that is not current any more.
    there: bool,
}

/// Requests that reach rows of versions which are replaced and not removed yet, beside those of the version that was
/// looked through: whom rows of that reach is known.
fn left(ready: &Ready, requests: &Requests, of: Followed<'_>, monitor: &dyn Monitor) -> Result<Vec<u32>> {
    let known = if let Followed::Published(companions) = of { companions } else { &[] };
    let files = ready.dataset.replaced.iter().flat_map(|replaced| &replaced.files);
    let paths = files.map(|file| file.companion.clone()).filter(|path| !known.contains(path)).collect();
    let companions = CompanionFiles::readable(ready.state.root(), paths)?;
    let links = follow(ready, requests, &companions, monitor)?;
    Ok(links.reached.iter().map(|reached| reached.entry).collect())
}

fn standing(ready: &Ready, requests: &Requests, entry: u32, met: &MetRequest) -> EntryStatus {
    let (plan, now) = (ready.plan(), ready.call.now);
    let known = requests.noted(entry, &plan.job);
    let effect = requests.entry(entry).effect;
    let doubt = met.doubt.map(|doubt| match doubt {
        Doubt::SharedAlias => Review::SharedAlias,
        Doubt::TooMany => Review::TooMany,
        Doubt::BrokenLink => Review::BrokenLink,
    });
    // Which value led to somebody is not known any more once its correction is gone.
    let stays = known.review.filter(|review| !met.whole || *review == Review::BrokenLink);
    let review = doubt.or(stays);
    let done = matches!(known.state, RequestState::AwaitingLifecycle | RequestState::Removed);
    // Who withdrew and agreed again is there by right.
    let back = met.there && (requests.learned_since(entry, &plan.job) || done && effect != Effect::Withdraw);
    let state = match state(plan, effect) {
        RequestState::Applied if !back && (done || known.state == RequestState::Applied) => {
            return EntryStatus { review, ..known };
        }
        state => state,
    };
    let at = if state == known.state && !back { known.at } else { now };
    EntryStatus { state, at, until: None, review }
}

/// A hold binds nothing and is in force all the same (R34).
fn state(plan: &Plan, effect: Effect) -> RequestState {
    let binds = effect == Effect::Hold || not_binding(plan, effect).is_none();
    if binds { RequestState::Applied } else { RequestState::NotBinding }
}

/// Returns why requests of an effect do not bind a job. A consent binds one that sells data of minors: it is their opt-in,
/// and a withdrawal ends it (R84).
pub fn not_binding(plan: &Plan, effect: Effect) -> Option<&'static str> {
    let opt_in = matches!(effect, Effect::Consent | Effect::Withdraw) && plan.controls.minors.is_some();
    decide::binding(effect, plan.grounds()).err().filter(|_| !opt_in)
}

/// Lists by name and effect with their entries in force, for evidence: those of the policy, and what state holds of
/// commands and of lists that are gone from it.
pub fn lists(project: &Project, plan: &Plan, requests: &Requests, links: &Links) -> Vec<ListApplied> {
    let mut lists: BTreeMap<(String, &'static str), ListApplied> = BTreeMap::new();
    for list in project.lists.values() {
        applied(&mut lists, plan, &list.name, list.effect).signal = list.signal.map(|signal| signal.name().into());
    }
    for (list, effect, purposes, entries) in requests.in_force() {
        let concerns = purposes.is_none_or(|named| named.contains(&plan.purpose.name));
        if concerns && entries > 0 {
            applied(&mut lists, plan, list, effect).entries += entries;
        }
    }
    for at in requests.unusable() {
        let entry = requests.entry(at);
        if entry.concerns(&plan.purpose.name) {
            applied(&mut lists, plan, entry.list, entry.effect).unusable += 1;
        }
    }
    for reached in &links.reached {
        let entry = requests.entry(reached.entry);
        let list = applied(&mut lists, plan, entry.list, entry.effect);
        list.reached += 1;
        list.needs_review += u64::from(reached.doubt.is_some());
    }
    for (lift, _) in requests.idle_lifts() {
        let entry = requests.entry(lift);
        if entry.concerns(&plan.purpose.name) {
            applied(&mut lists, plan, entry.list, entry.effect).lifts_nothing += 1;
        }
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
    let word = effect.name();
    lists.entry((name.to_owned(), word)).or_insert_with(|| ListApplied {
        name: name.to_owned(),
        effect: word.into(),
        signal: None,
        entries: 0,
        not_binding: not_binding(plan, effect).map(str::to_string),
        reached: 0,
        learned: 0,
        needs_review: 0,
        lifts_nothing: 0,
        unusable: 0,
    })
}
