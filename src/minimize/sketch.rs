//! Sketches of columns: what of two columns can be compared without any value of them. A sketch has 32 places; each
//! value falls into one of them by its keyed hash, and of all values of a place the one with the least hash leaves one
//! of 15 marks. Equal columns have equal sketches. Without the key nothing leads from a mark to a value; with it
//! guesses can be tried, as with identities (docs/tokens.md).

use crate::cell::text::tidy;
use crate::key::Keyring;
use crate::read::RawBatch;
use zeroize::Zeroizing;

const PLACES: usize = 32;
/// Fewer places with a mark say too little.
const ENOUGH: usize = 8;

/// Sketches the columns of a sample.
pub struct Sketcher {
    key: Zeroizing<[u8; 32]>,
    columns: Vec<Draft>,
    rows: u64,
}

#[derive(Clone)]
struct Draft {
    /// Least hash of each place, and its mark.
    least: [(u32, u8); PLACES],
    filled: u64,
}

/// What is kept of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    /// A hex digit for each place; 0 where no value fell.
    pub marks: String,
    /// Cells with a value.
    pub filled: u64,
    /// Cells that were counted.
    pub rows: u64,
}

impl Sketcher {
    /// Begins, with a key of the job's own.
    pub fn new(keys: &Keyring, job: &str, columns: usize) -> Sketcher {
        let key = Zeroizing::new(*keys.identity.derive("tamis v1 sketch", &[job.as_bytes()]).expose());
        Sketcher { key, columns: vec![Draft { least: [(u32::MAX, 0); PLACES], filled: 0 }; columns], rows: 0 }
    }

    /// Takes a block of records, whose columns are those that are sketched.
    pub fn take(&mut self, batch: &RawBatch) {
        self.rows += batch.rows() as u64;
        for (at, draft) in self.columns.iter_mut().enumerate() {
            let values = batch.values(at);
            for value in (0..batch.rows()).filter_map(|row| values.get(row)) {
                draft.filled += 1;
                let hash = blake3::keyed_hash(&self.key, tidy(value).as_bytes());
                let [place, mark, rank @ ..] = hash.as_bytes();
                let rank = u32::from_le_bytes([rank[0], rank[1], rank[2], rank[3]]);
                let least = &mut draft.least[usize::from(*place) % PLACES];
                *least = (*least).min((rank, 1 + mark % 15));
            }
        }
    }

    /// Returns the sketches, in the order of the columns.
    pub fn finish(self) -> Vec<Sketch> {
        let rows = self.rows;
        let marks = |draft: &Draft| draft.least.iter().map(|(_, mark)| format!("{mark:x}")).collect();
        self.columns.iter().map(|draft| Sketch { marks: marks(draft), filled: draft.filled, rows }).collect()
    }
}

/// Returns in how many of a hundred places two sketches are alike; none where they say too little.
pub fn alike(one: &str, other: &str) -> Option<u8> {
    let places = || one.bytes().zip(other.bytes());
    let marked = places().filter(|(a, b)| (*a, *b) != (b'0', b'0')).count();
    let both = places().filter(|(a, b)| *a != b'0' && *b != b'0').count();
    let same = places().filter(|(a, b)| *a != b'0' && a == b).count();
    (both >= ENOUGH).then(|| u8::try_from(same * 100 / marked).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    fn sketch(values: &[String], key: u8) -> Sketch {
        let keys = Keyring { identity: Key::new([key; 32]), token: Key::new([2; 32]), epoch: "2026a".into() };
        let mut sketcher = Sketcher::new(&keys, "job", 1);
        for half in values.chunks(values.len().div_ceil(2)) {
            let csv = half.iter().map(|value| format!("{value},x\n")).collect::<String>();
            sketcher.take(&RawBatch::sample(&format!("a,b\n{csv}"), &["a"]));
        }
        sketcher.finish().remove(0)
    }

    #[test]
    fn columns_are_alike_by_their_values_and_the_key_only() {
        let values = |from: usize| (from..from + 200).map(|n| format!("value {n}")).collect::<Vec<_>>();
        let one = sketch(&values(0), 1);
        assert_eq!((one.marks.len(), one.filled, one.rows), (PLACES, 200, 200));
        let mut turned = values(0);
        turned.reverse();
        assert_eq!(sketch(&turned, 1), one, "whatever the order");
        let near = alike(&one.marks, &sketch(&values(20), 1).marks).expect("enough");
        let far = alike(&one.marks, &sketch(&values(1000), 1).marks).expect("enough");
        let keyed = alike(&one.marks, &sketch(&values(0), 2).marks).expect("enough");
        assert!(near >= 70 && far <= 25 && keyed <= 25, "{near} {far} {keyed}");
    }

    #[test]
    fn few_values_and_blanks_say_nothing() {
        let one = sketch(&["yes", "no", " ", ""].map(String::from), 1);
        assert_eq!((one.filled, one.rows), (2, 4));
        assert_eq!(alike(&one.marks, &one.marks), None);
    }
}
