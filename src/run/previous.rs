//! The version before, as its companions tell it: rows per subject, by bucket (R35).

use crate::decide::PreviousVersion;
use crate::error::{Kind, Result};
use crate::job::Ready;
use crate::monitor::{Event, Monitor};
use crate::publish::Companions;
use crate::state::Current;
use crate::store::Root;

/// Companions of the current version, in the order of their tokens.
pub struct Before<'a> {
    state: &'a Root,
    current: &'a Current,
    comparable: bool,
    /// Per file the first bits of its least and greatest token, where its footer says so.
    ranges: Vec<Option<(u32, u32)>>,
}

impl<'a> Before<'a> {
    /// Of the version that state knows. Tokens of another epoch cannot be compared, nor those of lost companions: then
    /// nobody is absent, and a run makes the dataset whole again.
    ///
    /// # Errors
    /// Storage errors.
    pub fn find(ready: &'a Ready, monitor: &dyn Monitor) -> Result<Option<Before<'a>>> {
        let Some(current) = &ready.dataset.current else { return Ok(None) };
        let state = ready.state.root();
        let (mut comparable, mut ranges) = (current.epoch == ready.keys.epoch, Vec::new());
        for file in &current.files {
            if !comparable {
                break;
            }
            match Companions::open_persons(state, &file.companion) {
                Ok(companions) => ranges.push(companions.range()),
                Err(error) if error.kind() == Kind::Evidence => {
                    comparable = false;
                    monitor.event(Event::Warning(format!("{error}; rows that are absent now cannot be counted (R35)")));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Some(Before { state, current, comparable, ranges }))
    }

    /// Whether its subjects can be compared with those of a new version.
    pub fn comparable(&self) -> bool {
        self.comparable
    }
}

impl PreviousVersion for Before<'_> {
    fn rows(&self) -> u64 {
        self.current.rows
    }

    fn persons(&self, bucket: usize, buckets: usize, each: &mut dyn FnMut(u32, &[u8; 16]) -> Result<()>) -> Result<()> {
        let meets = |range: &Option<(u32, u32)>| {
            range.is_none_or(|(least, greatest)| {
                bucket_of(least, buckets) <= bucket && bucket_of(greatest, buckets) >= bucket
            })
        };
        let files = self.current.files.iter().zip(&self.ranges).filter(|(_, range)| self.comparable && meets(range));
        for (file, _) in files {
            let mut companions = Companions::open_persons(self.state, &file.companion)?;
            companions.skip_while(|_, greatest| bucket_of(greatest, buckets) >= bucket);
            while let Some(group) = companions.next_group()? {
                let rows = group.rows();
                if rows > 0 && bucket_of(group.first(0), buckets) > bucket {
                    return Ok(());
                }
                for row in (0..rows).filter(|row| bucket_of(group.first(*row), buckets) == bucket) {
                    each(group.first(row), group.person(row))?;
                }
            }
        }
        Ok(())
    }
}

/// Buckets are ranges of the token's first bits.
fn bucket_of(first: u32, buckets: usize) -> usize {
    ((u64::from(first) * buckets as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::bucket_of;

    #[test]
    fn buckets_are_ranges_of_the_first_bits() {
        assert_eq!(bucket_of(u32::MAX, 1), 0);
        assert_eq!((bucket_of(0, 16), bucket_of(u32::MAX, 16)), (0, 15));
        assert_eq!(bucket_of(0x8000_0000, 2), 1);
    }
}
