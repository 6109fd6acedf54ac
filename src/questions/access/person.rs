//! Whose a row is, for a disclosure: links that reach too far are safe for an erasure, and a breach here (Art. 15(4)
//! GDPR). So only a key or a strong link proves a row.

use crate::decide::mark;
use crate::requests::half;
use std::collections::{BTreeMap, BTreeSet};

/// How sure it is that a row is the person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// Its key or a strong link says so.
    Sure,
    /// Only a value says so that others may share.
    Doubtful,
}

/// What is known of the person who asks.
pub(super) struct Asker {
    known: BTreeMap<[u8; 16], Certainty>,
    /// Keys of rows that are surely theirs.
    keys: BTreeSet<[u8; 16]>,
    /// More keys than this are too many to be one person (R13).
    most_keys: usize,
    named: BTreeSet<[u8; 16]>,
    too_many: bool,
}

impl Asker {
    /// With the values that were given, each with whether it is a raw form.
    pub fn of(values: &[([u8; 32], bool)], most_keys: usize) -> Asker {
        let named: BTreeSet<[u8; 16]> = values.iter().map(|(identity, _)| *half(identity)).collect();
        let known = named.iter().map(|identity| (*identity, Certainty::Sure)).collect();
        Asker { known, keys: BTreeSet::new(), most_keys, named, too_many: false }
    }

    /// Returns how much is known, which grows until nothing new is learned.
    pub fn knows(&self) -> usize {
        self.known.len()
    }

    /// Says how sure it is that an identity is the person's; none when it has nothing to do with them.
    pub fn knows_of(&self, identity: &[u8; 16]) -> Option<Certainty> {
        self.known.get(identity).copied()
    }

    /// Says whether links led to more persons than one can be; then only values that were given prove a row.
    pub fn too_many(&self) -> bool {
        self.too_many
    }

    /// Says whose a row with these marked identities is; none when it has nothing to do with the person.
    pub fn whose<'a>(&self, carried: impl Iterator<Item = (u8, &'a [u8; 16])>) -> Option<Certainty> {
        let met = |(mark, identity): (u8, &[u8; 16])| {
            let known = *self.known.get(identity)?;
            Some(if proves(mark) { known } else { Certainty::Doubtful })
        };
        carried.filter_map(met).min()
    }

    /// Learns from a row that is surely theirs: its key and strong links prove further rows, its weak values make them
    /// doubtful.
    pub fn learn<'a>(&mut self, carried: impl Iterator<Item = (u8, &'a [u8; 16])>) {
        for (mark, identity) in carried {
            if mark & mark::RAW != 0 || mark == mark::NONE {
                continue;
            }
            let certainty = if proves(mark) && !self.too_many { Certainty::Sure } else { Certainty::Doubtful };
            self.known.entry(*identity).and_modify(|known| *known = (*known).min(certainty)).or_insert(certainty);
            if mark == mark::KEY {
                self.keys.insert(*identity);
            }
        }
        if self.keys.len() > self.most_keys && !self.too_many {
            self.too_many = true;
            for (identity, certainty) in &mut self.known {
                if !self.named.contains(identity) {
                    *certainty = Certainty::Doubtful;
                }
            }
        }
    }
}

fn proves(mark: u8) -> bool {
    mark == mark::KEY || mark == mark::STRONG
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; 16] = [1; 16];
    const MAIL: [u8; 16] = [2; 16];
    const SECOND: [u8; 16] = [3; 16];

    fn asker(named: &[[u8; 16]]) -> Asker {
        let wide = |half: &[u8; 16]| {
            let mut identity = [0; 32];
            identity[..16].copy_from_slice(half);
            (identity, false)
        };
        Asker::of(&named.iter().map(wide).collect::<Vec<_>>(), 2)
    }

    #[test]
    fn a_key_proves_a_row_and_a_shared_address_does_not() {
        let asker = asker(&[ID, MAIL]);
        let row = |key: [u8; 16], mail: [u8; 16]| [(mark::KEY, key), (mark::WEAK, mail)];
        let whose = |row: [(u8, [u8; 16]); 2]| asker.whose(row.iter().map(|(mark, identity)| (*mark, identity)));
        assert_eq!(whose(row(ID, SECOND)), Some(Certainty::Sure));
        assert_eq!(whose(row(SECOND, MAIL)), Some(Certainty::Doubtful));
        assert_eq!(whose(row(SECOND, SECOND)), None);
        assert_eq!(whose([(mark::KEY | mark::RAW, ID), (mark::NONE, [0; 16])]), Some(Certainty::Doubtful));
    }

    #[test]
    fn strong_links_are_followed_and_weak_ones_only_raise_doubt() {
        let mut asker = asker(&[ID]);
        asker.learn([(mark::KEY, &ID), (mark::STRONG, &SECOND), (mark::WEAK, &MAIL)].into_iter());
        assert_eq!(asker.whose([(mark::KEY, &SECOND)].into_iter()), Some(Certainty::Sure));
        assert_eq!(asker.whose([(mark::KEY, &[9; 16]), (mark::WEAK, &MAIL)].into_iter()), Some(Certainty::Doubtful));
    }

    #[test]
    fn links_to_too_many_persons_prove_nothing() {
        let mut asker = asker(&[ID]);
        for key in 10..13 {
            asker.learn([(mark::KEY, &[key; 16]), (mark::STRONG, &ID)].into_iter());
        }
        assert!(asker.too_many());
        assert_eq!(asker.whose([(mark::KEY, &[10; 16])].into_iter()), Some(Certainty::Doubtful));
        assert_eq!(asker.whose([(mark::KEY, &ID)].into_iter()), Some(Certainty::Sure));
    }
}
