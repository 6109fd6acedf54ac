//! The rows of a bucket in the order of their persons. A person is one subject token (R11); a row without one stands
//! for itself.

use crate::stage::{Control, flag};

/// Which rows of a bucket belong to which person.
pub(super) struct People {
    /// Row numbers in the order of subject tokens.
    pub order: Vec<u32>,
    /// For each place in `order`, the number of the person, ascending from 0.
    pub person: Vec<u32>,
}

impl People {
    /// Sorts the rows of a bucket. Rows of one person come in no particular order.
    pub(super) fn of(control: &Control) -> People {
        let mut keys: Vec<(u64, u32)> = (0..control.rows() as u32).map(|row| (first_half(control, row), row)).collect();
        keys.sort_unstable();
        for run in keys.chunk_by_mut(|a, b| a.0 == b.0) {
            if run.windows(2).any(|w| subject(control, w[0].1) != subject(control, w[1].1)) {
                run.sort_unstable_by_key(|(_, row)| subject(control, *row));
            }
        }
        let mut next = 0;
        let step = |at: usize| {
            next += u32::from(at > 0 && !same(control, keys[at - 1], keys[at]));
            next
        };
        let person = (0..keys.len()).map(step).collect();
        People { order: keys.into_iter().map(|(_, row)| row).collect(), person }
    }

    /// Row and person in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, u32)> {
        self.order.iter().zip(&self.person).map(|(row, person)| (*row as usize, *person))
    }

    /// For each row the number of its person.
    pub(super) fn by_row(&self) -> Vec<u32> {
        let mut persons = vec![0; self.order.len()];
        self.iter().for_each(|(row, person)| persons[row] = person);
        persons
    }
}

fn same(control: &Control, a: (u64, u32), b: (u64, u32)) -> bool {
    a.0 == b.0 && subject(control, a.1).is_some_and(|token| subject(control, b.1) == Some(token))
}

fn subject(control: &Control, row: u32) -> Option<&[u8; 16]> {
    let row = row as usize;
    (control.flags(row) & flag::NO_SUBJECT == 0).then(|| control.subject(row))
}

fn first_half(control: &Control, row: u32) -> u64 {
    subject(control, row).map_or(0, |token| u64::from_be_bytes(*token.first_chunk().unwrap_or(&[0; 8])))
}
