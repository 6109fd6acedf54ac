//! What keeps bytes from being removed for good: holds and restrictions in force, how long, and whose erasures wait for
//! them. Ids, dates and counts only.

use crate::clock::{Instant, add};
use crate::error::{Kind, Result};
use crate::job::{Desk, PublishedDataset};
use crate::policy::Effect;
use crate::publish::Companions;
use crate::requests::{RequestState, Requests};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// A request that keeps bytes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Keeper {
    /// Id of the request.
    pub request: String,
    /// The list it came by; `command` for commands.
    pub list: String,
    /// What keeps the bytes: `hold` or `restrict`.
    pub effect: String,
    /// The letter of Art. 18(1) GDPR that a restriction rests on.
    pub ground: Option<String>,
    /// When it was received.
    pub received: Instant,
    /// When it ends by itself.
    pub until: Option<Instant>,
    /// By when somebody has to look at it again.
    pub review_by: Option<Instant>,
    /// Whether that has passed.
    pub review_overdue: bool,
    /// Erasures whose person shares a file with one that it keeps: they are not removed as long as it is in force.
    pub waiting: Vec<String>,
}

/// Returns what keeps bytes now, in the order of receipt.
///
/// # Errors
/// Evidence and storage errors of the state.
pub(super) fn keepers(
    desk: &Desk,
    requests: &Requests,
    published: &[PublishedDataset<'_>],
    now: Instant,
) -> Result<Vec<Keeper>> {
    let mut waiting: BTreeMap<u32, BTreeSet<u32>> =
        requests.keepers(now).into_iter().map(|entry| (entry, BTreeSet::new())).collect();
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    for of in published {
        let due = |at| add(at, &desk.project.removal.grace, &TimeZone::UTC) <= now;
        for replaced in of.dataset.replaced.iter().filter(|replaced| due(replaced.at)) {
            for file in &replaced.files {
                met_in(desk, requests, (&of.job, &file.companion), &mut waiting)?;
            }
        }
    }
    told(desk, requests, &waiting, now)
}

/// Adds the erasures that reach rows of a file to every keeper that reaches rows of it.
fn met_in(
    desk: &Desk,
    requests: &Requests,
    (job, companion): (&str, &str),
    waiting: &mut BTreeMap<u32, BTreeSet<u32>>,
) -> Result<()> {
    let (mut keep, mut erase) = (BTreeSet::new(), BTreeSet::new());
    let mut companions = match Companions::open_identities(desk.root(), companion) {
        // Without its companion nobody can say whom a file holds; `verify` says that it is missing.
        Err(error) if error.kind() == Kind::Evidence => return Ok(()),
        found => found?,
    };
    while let Some(group) = companions.next_group()? {
        for row in 0..group.rows() {
            let own = (0..group.identities()).filter_map(|slot| group.identity(row, slot));
            for identity in own.chain(group.others(row).map(|(_, identity)| identity)) {
                for at in requests.effects(identity).iter().map(|found| found.entry()) {
                    let entry = requests.entry(at);
                    if waiting.contains_key(&at) {
                        keep.insert(at);
                    } else if entry.effect == Effect::Erase && !entry.ended {
                        erase.insert(at);
                    }
                }
            }
        }
    }
    erase.retain(|entry| requests.standing(*entry, job).state == RequestState::Applied);
    for keeper in keep {
        waiting.entry(keeper).and_modify(|all| all.extend(&erase));
    }
    Ok(())
}

fn told(desk: &Desk, requests: &Requests, waiting: &BTreeMap<u32, BTreeSet<u32>>, now: Instant) -> Result<Vec<Keeper>> {
    let wanted: BTreeSet<u32> =
        waiting.iter().flat_map(|(keeper, erased)| erased.iter().chain([keeper])).copied().collect();
    let mut ids: BTreeMap<u32, String> = BTreeMap::new();
    requests.told(desk.root(), &|at| wanted.contains(&at), &mut |at, record| {
        ids.insert(at, record.request.to_string());
        Ok(())
    })?;
    let name = |at: &u32| ids.get(at).cloned().unwrap_or_default();
    let mut told: Vec<Keeper> = waiting
        .iter()
        .map(|(at, erased)| {
            let entry = requests.entry(*at);
            let waiting: BTreeSet<String> = erased.iter().map(name).collect();
            Keeper {
                request: name(at),
                list: entry.list.to_string(),
                effect: entry.effect.name().into(),
                ground: entry.ground.map(|ground| ground.name().to_string()),
                received: entry.received,
                until: entry.to,
                review_by: entry.review_by,
                review_overdue: entry.review_by.is_some_and(|day| day <= now),
                waiting: waiting.into_iter().collect(),
            }
        })
        .collect();
    told.sort_by(|a, b| (a.received, &a.request).cmp(&(b.received, &b.request)));
    Ok(told)
}
