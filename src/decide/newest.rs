//! R75: of the versions of a record only the newest counts. A record is told by its subject, so that all its versions are in
//! one bucket. Must not know how versions are written.

use super::people::People;
use super::row_effects::ReachedEffects;
use crate::stage::{Control, RowVersion, flag};

/// Marks, of every record of a bucket, all versions but one as superseded. Where nobody can tell which is the newest, the
/// one that is left is in doubt, and which it is does not depend on the order of rows.
pub(super) fn settle(control: &mut Control, people: &People) {
    each_record(people, |rows| {
        let own = |row: &u32| control.flags(*row as usize) & (flag::OBSERVED | flag::NO_SUBJECT) == 0;
        let version = |row: u32| control.version(row as usize).unwrap_or(RowVersion { order: i64::MIN, print: 0 });
        let versions: Vec<(RowVersion, u32)> =
            rows.iter().filter(|row| own(row)).map(|row| (version(*row), *row)).collect();
        let Some((newest, _)) = versions.iter().max() else { return };
        let unreadable = |row: u32| control.flags(row as usize) & flag::VERSION_DOUBTFUL != 0;
        let tied = versions.iter().any(|(one, _)| one.order == newest.order && one.print != newest.print);
        let doubtful = tied || versions.iter().any(|(_, row)| unreadable(*row));
        let Some(stays) = versions.iter().find(|(one, _)| one == newest).map(|(_, row)| *row) else { return };
        for (_, row) in versions.iter().filter(|(_, row)| *row != stays) {
            control.supersede(*row as usize);
        }
        if doubtful {
            control.doubt_version(stays as usize);
        }
    });
}

/// Lets what reaches any version of a record take the record out: what an earlier version says was the person's as well.
pub(super) fn share(reached: &mut ReachedEffects, control: &Control, people: &People) {
    each_record(people, |rows| {
        let own = |row: &&u32| control.flags(**row as usize) & (flag::OBSERVED | flag::NO_SUBJECT) == 0;
        let newest = rows.iter().filter(own).find(|row| control.flags(**row as usize) & flag::SUPERSEDED == 0);
        let Some(newest) = newest.map(|row| *row as usize) else { return };
        for row in rows.iter().filter(own).filter(|row| **row as usize != newest) {
            if let Some(effects) = reached.row(*row as usize) {
                reached.add(newest, &effects.without_consent(), control.rows());
            }
        }
    });
}

/// Calls `each` with the rows of every person that has several.
fn each_record(people: &People, mut each: impl FnMut(&[u32])) {
    let mut start = 0;
    for rows in people.person.chunk_by(|a, b| a == b) {
        if rows.len() > 1 {
            each(&people.order[start..start + rows.len()]);
        }
        start += rows.len();
    }
}
