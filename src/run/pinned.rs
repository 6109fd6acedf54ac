//! The set that a run reads, and the objects of it, fixed before anything is read; and what reading them gave.

use crate::error::Result;
use crate::job::Ready;
use crate::minimize::Tally;
use crate::policy::{Complete, Location, Plan};
use crate::read::{self, ReadReport, Selection};
use crate::stage::Staged;
use crate::state::{self, Pin};
use crate::store::Root;

/// The objects of a run, fixed before anything is read.
pub struct Pinned {
    /// Objects of the job's own input.
    pub main: Selection,
    /// Those of each observed source, in the job's order.
    pub observed: Vec<Selection>,
    /// All of them as pins, the job's own first.
    pub pins: Vec<Pin>,
}

impl Pinned {
    /// One digest over what a verdict depends on: objects as pinned, and the resolved specs.
    pub fn digest(&self, plan: &Plan) -> String {
        format!("{}:{}", state::pins(&self.pins), plan.digest)
    }

    /// The set's name; empty for inputs without one.
    pub fn set(&self) -> &str {
        self.main.set.as_deref().unwrap_or("")
    }
}

/// What reading and minimizing gave.
pub struct Read {
    /// Rows in buckets, in memory or sealed.
    pub staged: Staged,
    /// Files of the job's own export.
    pub main: ReadReport,
    /// Files of observed sources.
    pub observed: Vec<ReadReport>,
    /// Counts of values, by field and column.
    pub tally: Tally,
    /// Those of observed sources.
    pub observed_tallies: Vec<Tally>,
}

/// Chooses the set and pins its objects and those of the observed sources.
///
/// # Errors
/// Input, when no set is complete or an observed source is missing there (R26).
pub fn pin(ready: &Ready) -> Result<Pinned> {
    let plan = ready.plan();
    let complete = plan.source.complete.as_ref();
    let root = ready.root(&plan.input.root);
    let main = match ready.earlier.as_ref().and_then(|earlier| earlier.set.as_deref()) {
        Some(set) => read::select_set(root, &plan.input, complete, ready.call.now, set)?,
        None => read::select(root, &plan.input, complete, ready.call.now)?,
    };
    let mut pins = pins(&plan.input, &main);
    let mut observed = Vec::new();
    for observe in &plan.observe {
        let root = ready.root(&observe.input.root);
        let selection = observed_set(root, &observe.input, observe.source.complete.as_ref(), ready, &main)?;
        pins.extend(self::pins(&observe.input, &selection));
        observed.push(selection);
    }
    Ok(Pinned { main, observed, pins })
}

fn observed_set(
    root: &Root,
    input: &Location,
    complete: Option<&Complete>,
    ready: &Ready,
    main: &Selection,
) -> Result<Selection> {
    match &main.set {
        Some(set) if input.path.contains("{set}") => read::select_set(root, input, complete, ready.call.now, set),
        _ => read::select(root, input, complete, ready.call.now),
    }
}

fn pins(input: &Location, selection: &Selection) -> Vec<Pin> {
    selection.objects.iter().map(|object| Pin::of(&input.root, object)).collect()
}
