//! R38: what a run may not do with the set it has chosen without a person's word: read one that is older than the set
//! published last, or one whose bytes have changed since it was published. Also which set comes before it.

use super::attest;
use super::pinned::{Pinned, Read};
use crate::clock::Instant;
use crate::error::{Code, Kind, Result};
use crate::evidence::manifest::Input;
use crate::evidence::{LedgerEvent, RunRef};
use crate::gates::SetDoubt;
use crate::job::Ready;
use crate::policy::SetFormat;
use crate::read::{in_order, newest_before, why_not};
use crate::state::{SetRead, SetState};

/// Why the chosen set needs a person's word, when it does. An input without `{set}` is meant to change from night to night.
///
/// # Errors
/// Storage errors; evidence errors of the ledger.
pub fn doubt(ready: &Ready, pinned: &Pinned, read: &Read) -> Result<Option<SetDoubt>> {
    let set = pinned.set();
    if set.is_empty() {
        return Ok(None);
    }
    if let Some(older) = older(ready, set)? {
        return Ok(Some(older));
    }
    let changed = ready.dataset.set_state(set, &pinned.pins) == SetState::Changed;
    let published = ready.dataset.sets.get(set).filter(|_| changed);
    match published {
        Some(published) if !same_bytes(ready, published, read)? => Ok(Some(SetDoubt {
            code: Code::SetChanged,
            what: format!("set {set} was published before, from other bytes"),
            help: "an export that changes afterwards is unusual: compare, then accept the plan".into(),
        })),
        _ => Ok(None),
    }
}

/// Says that the set published last is the newer one, or that nobody can tell.
fn older(ready: &Ready, set: &str) -> Result<Option<SetDoubt>> {
    let Some((last, _)) = ready.dataset.last_set().filter(|(last, _)| !last.is_empty() && *last != set) else {
        return Ok(None);
    };
    let plan = ready.plan();
    let known = ready.dataset.sets.keys().map(String::as_str).filter(|name| !name.is_empty());
    let order = in_order(known.chain([set]), format(ready)).or_else(|_| in_order([set, last], format(ready)));
    let what = match order {
        Ok(order) if order.iter().position(|name| *name == set) > order.iter().position(|name| *name == last) => {
            return Ok(None);
        }
        Ok(_) => format!("set {set} is older than set {last}, which was published last"),
        Err(disorder) => format!(
            "it cannot be told whether set {set} is newer than set {last}, which was published last: {}",
            disorder.message()
        ),
    };
    let root = ready.root(&plan.input.root);
    let why = why_not(root, &plan.input, plan.source.complete.as_ref(), ready.call.now, last);
    let why = match why {
        Ok(why) => why.map_or(String::new(), |why| format!("{why}\n")),
        Err(error) if error.kind() == Kind::Input => String::new(),
        Err(error) => return Err(error),
    };
    let help = format!("{why}bring set {last} back, or wait for a newer one; accept the plan if {set} is meant");
    Ok(Some(SetDoubt { code: Code::SetOlder, what, help }))
}

/// Whether the bytes read are those that the manifest of the published set names. Where they lie, and what the store
/// calls them, does not count: exports are copied, restored and moved.
fn same_bytes(ready: &Ready, published: &SetRead, read: &Read) -> Result<bool> {
    let of = RunRef { run: &published.run, attempt: 1, since: Instant(i64::MIN) };
    let Some(entry) = ready.state.ledger().published(of)? else { return Ok(false) };
    let LedgerEvent::Published { manifest, .. } = &entry.event else { return Ok(false) };
    let manifest = match ready.state.manifest(&published.run, entry.attempt, manifest) {
        Ok(manifest) => manifest,
        Err(error) if error.kind() == Kind::Evidence => return Ok(false),
        Err(error) => return Err(error),
    };
    Ok(hashes(&manifest.inputs) == hashes(&attest::inputs(ready, &read.main, &read.observed)))
}

fn hashes(inputs: &[Input]) -> Vec<(&str, &str)> {
    let members = inputs.iter().flat_map(|input| input.members.iter().map(|member| (&input.source, member)));
    let mut hashes: Vec<_> = members.map(|(source, member)| (source.as_str(), member.blake3.as_str())).collect();
    hashes.sort_unstable();
    hashes
}

/// Records of the set before `set`, for `min_records`: the newest older one that was published; where names do not tell,
/// the one that was published last.
pub fn records_before(ready: &Ready, set: &str) -> Option<u64> {
    let sets = &ready.dataset.sets;
    let others: Vec<&str> = sets.keys().map(String::as_str).filter(|name| !name.is_empty() && *name != set).collect();
    let alike = |name: &&str| in_order([set, name], format(ready)).is_ok();
    let last = ready.dataset.last_set().filter(|(last, _)| *last != set && !alike(last));
    let before = newest_before(set, &others, format(ready)).and_then(|name| sets.get(name));
    before.or(last.map(|(_, read)| read)).map(|read| read.records)
}

fn format(ready: &Ready) -> Option<&SetFormat> {
    ready.plan().source.complete.as_ref()?.set_format.as_ref()
}
