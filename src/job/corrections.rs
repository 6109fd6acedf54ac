//! Files of corrections of an installation, read with its keys.

use super::desk::Desk;
use crate::clock::Instant;
use crate::corrections::{self, Correction, CorrectionReading, ReadCorrections, RightValues};
use crate::error::{Code, Error, Result};
use crate::key::Keyring;
use crate::minimize::IdentityMaker;
use crate::policy::{CorrectionList, Project};
use crate::requests::{Maker, RequestIds};
use crate::store::Root;
use std::collections::BTreeMap;

/// Reads the corrections of a list; none is received later than `now`.
///
/// # Errors
/// An input error when a row or file cannot be read; storage errors.
pub fn read(list: &CorrectionList, root: &Root, keys: &Keyring, now: Instant) -> Result<ReadCorrections> {
    let maker = IdentityMaker::new(keys, &list.record.identifier);
    let maker: Maker = Box::new(move |values: &[&str]| maker.make(values, None));
    let (key, ids) = (keys.identity.derive("tamis v1 corrections", &[]), RequestIds::new(&keys.identity));
    corrections::read(list, root, &CorrectionReading { maker, key, ids, now })
}

/// Returns the root that a list lies in.
///
/// # Errors
/// A policy error when there is no such root.
pub fn root_of<'a>(list: &CorrectionList, roots: &'a BTreeMap<String, Root>) -> Result<&'a Root> {
    let none = || Error::new(Code::NameUnknown, format!("list {}: no root {:?}", list.name, list.input.root));
    roots.get(&list.input.root).ok_or_else(none)
}

/// Returns the lists of corrections of a source.
pub fn of_source<'a>(project: &'a Project, source: &'a str) -> impl Iterator<Item = &'a CorrectionList> {
    project.corrections.values().filter(move |list| list.source == source)
}

/// Returns what is right in place of values of exports, by source, and which corrections cannot be read.
pub(crate) fn right_values(desk: &Desk, now: Instant) -> (BTreeMap<String, RightValues>, Vec<String>) {
    let (all, unread) = all_readable(desk, now);
    (all.into_iter().map(|(source, rows)| (source, RightValues::of(rows))).collect(), unread)
}

/// Returns all corrections by source, and which cannot be read: answers to people do not wait for them.
pub(crate) fn all_readable(desk: &Desk, now: Instant) -> (BTreeMap<String, Vec<Correction>>, Vec<String>) {
    let (mut all, mut unread) = (BTreeMap::<String, Vec<Correction>>::new(), Vec::new());
    for list in desk.project.corrections.values() {
        match root_of(list, &desk.roots).and_then(|root| read(list, root, &desk.keys, now)) {
            Ok(read) => {
                let rows = read.files.into_iter().flat_map(|file| file.rows).flatten();
                all.entry(list.source.clone()).or_default().extend(rows);
            }
            Err(error) => unread.push(format!("{}: values of {} may be wrong", error.message(), list.source)),
        }
    }
    (all, unread)
}
