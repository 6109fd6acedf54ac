//! R35: rows of the previous version whose subject is on no row read.

use crate::error::{Code, Error, Result};

/// The version that is current now, as its companions tell it.
pub trait PreviousVersion: Sync {
    /// Returns how many rows the version has.
    fn rows(&self) -> u64;
    /// Calls `each` for every row whose subject token begins with the bits of `bucket` (of `buckets`, a power of two),
    /// with the first 32 bits of the token and the identity of the subject's key, in the order of tokens.
    ///
    /// # Errors
    /// What reading companions can meet, and what `each` returns.
    fn persons(&self, bucket: usize, buckets: usize, each: &mut dyn FnMut(u32, &[u8; 16]) -> Result<()>) -> Result<()>;
}

/// Counts the rows of `previous` in one bucket whose person is not among `read`: first bits of the token and identity
/// of the key, in the order of tokens.
pub(super) fn absent<'a>(
    previous: &dyn PreviousVersion,
    (bucket, buckets): (usize, usize),
    read: impl Iterator<Item = (u32, &'a [u8; 16])>,
) -> Result<u64> {
    let (mut read, mut last, mut near, mut count) = (read.peekable(), None, Vec::new(), 0);
    previous.persons(bucket, buckets, &mut |first, person| {
        if last.is_some_and(|last| first < last) {
            return Err(Error::new(
                Code::CompanionBroken,
                "a companion of the previous version is not in the order of its tokens",
            ));
        }
        if last != Some(first) {
            last = Some(first);
            near.clear();
            while read.next_if(|(of, _)| *of < first).is_some() {}
            while let Some((_, person)) = read.next_if(|(of, _)| *of == first) {
                near.push(person);
            }
        }
        count += u64::from(!near.contains(&person));
        Ok(())
    })?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Version(Vec<(u32, [u8; 16])>);

    impl PreviousVersion for Version {
        fn rows(&self) -> u64 {
            self.0.len() as u64
        }
        fn persons(&self, _: usize, _: usize, each: &mut dyn FnMut(u32, &[u8; 16]) -> Result<()>) -> Result<()> {
            self.0.iter().try_for_each(|(first, person)| each(*first, person))
        }
    }

    #[test]
    fn r35_rows_of_subjects_that_were_not_read_are_absent() {
        // Two persons whose tokens begin alike are told apart by their keys.
        let before = [(0, 7), (1, 1), (1, 1), (3, 3), (3, 4), (3, 3), (9, 9)];
        let version = Version(before.map(|(first, person)| (first, [person; 16])).to_vec());
        let read = [(0, [7; 16]), (2, [1; 16]), (3, [5; 16]), (3, [3; 16]), (9, [9; 16])];
        let read = || read.iter().map(|(first, person)| (*first, person));
        assert_eq!(absent(&version, (0, 1), read()).expect("counted"), 2 + 1);
        assert_eq!(absent(&version, (0, 1), [].into_iter()).expect("counted"), 7);
        let twisted = Version(vec![(2, [1; 16]), (1, [1; 16])]);
        assert!(absent(&twisted, (0, 1), read()).is_err());
    }
}
