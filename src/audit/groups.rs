//! Rows put together by what they have in some columns.

use super::finding::FoundRows;
use arrow::array::{Array, ArrayRef};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

/// What a row has in some columns, so that two rows can be compared.
pub(super) type GroupKey = [u8; 16];

/// Some columns of a file.
pub(super) struct GroupCells<'a> {
    columns: Vec<(&'a ArrayRef, ArrayFormatter<'a>)>,
}

impl<'a> GroupCells<'a> {
    /// The columns of these names; the name of one that is missing or cannot be written out.
    pub fn of(batch: &'a RecordBatch, names: &[&str]) -> Result<GroupCells<'a>, String> {
        const OPTIONS: FormatOptions<'static> = FormatOptions::new();
        let column = |name: &&str| {
            let column = batch.column_by_name(name).ok_or_else(|| (*name).to_owned())?;
            let formatter = ArrayFormatter::try_new(column.as_ref(), &OPTIONS).map_err(|_| (*name).to_owned())?;
            Ok((column, formatter))
        };
        Ok(GroupCells { columns: names.iter().map(column).collect::<Result<_, String>>()? })
    }

    /// Returns what a row has in them. Null differs from every value.
    pub fn key(&self, row: usize) -> GroupKey {
        let (mut hasher, mut text) = (blake3::Hasher::new(), String::new());
        for (column, formatter) in &self.columns {
            text.clear();
            if column.is_null(row) {
                hasher.update(&[0]);
                continue;
            }
            let _ = write!(text, "{}", formatter.value(row));
            hasher.update(&[1]).update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        hasher.finalize().as_bytes().as_chunks().0[0]
    }

    /// Whether a row has null in all of them.
    pub fn is_null(&self, row: usize) -> bool {
        self.columns.iter().all(|(column, _)| column.is_null(row))
    }
}

/// Rows of one group, by the number of their file.
#[derive(Default)]
pub(super) struct GroupRows(BTreeMap<usize, FoundRows>);

impl GroupRows {
    /// Adds a row of the file with that number.
    pub fn add(&mut self, file: usize, row: usize) {
        self.0.entry(file).or_default().add(row);
    }

    /// Adds all rows to those of other groups.
    pub fn join_to(&self, all: &mut BTreeMap<usize, FoundRows>) {
        self.0.iter().for_each(|(file, rows)| all.entry(*file).or_default().join(rows));
    }
}

/// Groups and how many different members each has, as long as they are too few.
pub(super) struct SmallGroups {
    enough: usize,
    /// None once there are enough.
    groups: HashMap<GroupKey, Option<SmallGroup>>,
}

#[derive(Default)]
struct SmallGroup {
    members: Vec<GroupKey>,
    rows: GroupRows,
}

impl SmallGroups {
    /// Of groups that need so many members.
    pub fn new(enough: usize) -> SmallGroups {
        SmallGroups { enough, groups: HashMap::new() }
    }

    /// Puts a row of a member into a group.
    pub fn add(&mut self, group: GroupKey, member: GroupKey, (file, row): (usize, usize)) {
        let place = self.groups.entry(group).or_insert_with(|| Some(SmallGroup::default()));
        let Some(group) = place else { return };
        if !group.members.contains(&member) {
            group.members.push(member);
        }
        group.rows.add(file, row);
        if group.members.len() >= self.enough {
            *place = None;
        }
    }

    /// Returns how many groups have too few members, and their rows by file.
    pub fn small(&self) -> (usize, BTreeMap<usize, FoundRows>) {
        let mut all = BTreeMap::new();
        let small = self.groups.values().flatten();
        let count = small.map(|group| group.rows.join_to(&mut all)).count();
        (count, all)
    }
}
