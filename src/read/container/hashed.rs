//! A reader that adds up what goes through it.

use crate::store::ObjectSource;
use blake3::Hasher;
use std::io::Read;

/// Adds up what goes through it.
pub(super) struct HashedReader<R> {
    pub inner: R,
    pub hasher: Box<Hasher>,
    pub bytes: u64,
}

/// An object from its start.
pub(super) type WholeObject = HashedReader<Box<dyn ObjectSource>>;

impl<R: Read> Read for HashedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}

pub(super) fn hashed<R>(inner: R, hasher: Hasher) -> HashedReader<R> {
    HashedReader { inner, hasher: Box::new(hasher), bytes: 0 }
}
