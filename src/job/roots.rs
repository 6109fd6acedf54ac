//! The roots of a policy, opened.

use crate::error::{Code, Error, Result};
use crate::policy::Project;
use crate::store::Root;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Puts something between tamis and a store: a counter, a fault.
pub type Wrap = Arc<dyn Fn(Root) -> Root + Send + Sync>;

/// Opens every root of the policy.
///
/// # Errors
/// A policy error for a URL that no store understands.
pub fn open_roots(project: &Project, runtime: &Handle, wrap: Option<&Wrap>) -> Result<BTreeMap<String, Root>> {
    let open = |(name, url): (&String, &String)| {
        let root = Root::open(name, url, runtime.clone())?;
        Ok((name.clone(), wrap.map_or(root.clone(), |wrap| wrap(root.clone()))))
    };
    project.roots.iter().map(open).collect()
}

/// Returns a root by its name.
///
/// # Errors
/// A policy error when there is none of that name.
pub fn root_of<'a>(roots: &'a BTreeMap<String, Root>, name: &str) -> Result<&'a Root> {
    roots.get(name).ok_or_else(|| Error::new(Code::NameUnknown, format!("the policy has no root {name:?}")))
}

/// Locations in which keys may not lie.
pub fn data_roots(project: &Project) -> Vec<String> {
    project.roots.values().cloned().collect()
}
