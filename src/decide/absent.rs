//! R35: rows of the previous version whose subject is on no row read. Must not know where that version is kept.

use crate::error::{Code, Error, Result};

/// The version that is current now, as its companions tell it.
pub trait Previous: Sync {
    /// Its rows.
    fn rows(&self) -> u64;
    /// Calls `each` with every subject token that begins with the bits of `bucket` (of `buckets`, a power of two) and
    /// its number of rows, in the order of tokens. A token may come more than once in a row.
    ///
    /// # Errors
    /// What reading companions can meet, and what `each` returns.
    fn subjects(&self, bucket: usize, buckets: usize, each: &mut dyn FnMut(&[u8; 16], u64) -> Result<()>)
    -> Result<()>;
}

/// Counts the rows of `previous` in one bucket whose subject is not among `read`, which is in order.
pub(super) fn absent<'a>(
    previous: &dyn Previous,
    (bucket, buckets): (usize, usize),
    read: impl Iterator<Item = &'a [u8; 16]>,
) -> Result<u64> {
    let (mut read, mut last, mut count) = (read.peekable(), [0; 16], 0);
    previous.subjects(bucket, buckets, &mut |subject, rows| {
        if *subject < last {
            return Err(Error::new(
                Code::CompanionBroken,
                "a companion of the previous version is not in the order of its tokens",
            ));
        }
        last = *subject;
        while read.next_if(|r| *r < subject).is_some() {}
        count += if read.peek() == Some(&subject) { 0 } else { rows };
        Ok(())
    })?;
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Version(Vec<([u8; 16], u64)>);

    impl Previous for Version {
        fn rows(&self) -> u64 {
            self.0.iter().map(|(_, rows)| rows).sum()
        }
        fn subjects(&self, _: usize, _: usize, each: &mut dyn FnMut(&[u8; 16], u64) -> Result<()>) -> Result<()> {
            self.0.iter().try_for_each(|(subject, rows)| each(subject, *rows))
        }
    }

    #[test]
    fn r35_rows_of_subjects_that_were_not_read_are_absent() {
        let version = Version([(1, 2), (3, 5), (3, 1), (4, 7), (9, 11)].map(|(s, rows)| ([s; 16], rows)).to_vec());
        let read = [[0; 16], [3; 16], [5; 16], [9; 16]];
        assert_eq!(absent(&version, (0, 1), read.iter()).expect("counted"), 2 + 7);
        assert_eq!(absent(&version, (0, 1), [].iter()).expect("counted"), 26);
        let twisted = Version(vec![([2; 16], 1), ([1; 16], 1)]);
        assert!(absent(&twisted, (0, 1), read.iter()).is_err());
    }
}
