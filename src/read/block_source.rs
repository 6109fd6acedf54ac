//! `BlockSource`: the members of a selection, one after the other, as numbered blocks. Who holds it reads the next
//! block of whole records and lets go: reading, unpacking, decoding and finding the last record end are under the lock,
//! parsing is not.

use super::batch::ColumnMap;
use super::container::{Member, MemberFacts};
use super::format::{Block, BlockStop, Blocks, FileFormat};
use crate::error::Result;
use crate::store::Root;
use std::sync::Arc;

/// A block and its place in the order.
pub(super) struct Numbered {
    /// Blocks count on over all members.
    pub number: u64,
    /// Index of the member.
    pub input: usize,
    pub block: Block,
}

/// The source behind the lock.
pub(super) struct BlockSource {
    root: Root,
    members: Arc<Vec<Member>>,
    maps: Vec<Arc<ColumnMap>>,
    format: Arc<dyn FileFormat>,
    block_bytes: usize,
    /// The member being read, by index.
    current: Option<(usize, Box<dyn Blocks>)>,
    /// The member that comes after it.
    next: usize,
    number: u64,
    /// What earlier members of the current object unpacked to.
    spent: u64,
    /// What is known of the members that are done.
    pub facts: Vec<MemberFacts>,
    stopped: bool,
}

impl BlockSource {
    /// Of these members, each with where its columns are.
    pub fn new(
        root: &Root,
        members: Arc<Vec<Member>>,
        maps: Vec<Arc<ColumnMap>>,
        format: Arc<dyn FileFormat>,
        block_bytes: usize,
    ) -> BlockSource {
        let (root, facts) = (root.clone(), Vec::new());
        let (current, next, number, spent, stopped) = (None, 0, 0, 0, false);
        BlockSource { root, members, maps, format, block_bytes, current, next, number, spent, facts, stopped }
    }

    /// Whether every member has been read to its end.
    pub fn done(&self) -> bool {
        !self.stopped && self.current.is_none() && self.next == self.members.len()
    }

    /// The next block, its bytes in `buffer`; none when there is no more. After a block with a `stop` nothing follows.
    pub fn take(&mut self, buffer: &mut Vec<u8>) -> Option<Numbered> {
        while !self.stopped && !self.done() {
            let input = self.current.as_ref().map_or(self.next, |(input, _)| *input);
            let block = match self.step(buffer) {
                Ok(None) => continue,
                Ok(Some(block)) => block,
                Err(error) => {
                    buffer.clear();
                    Block { offset: 0, taken: 0, laid: None, sheet: None, stop: Some(BlockStop::Error(error)) }
                }
            };
            self.stopped = block.stop.is_some();
            self.number += 1;
            return Some(Numbered { number: self.number - 1, input, block });
        }
        None
    }

    /// Opens the next member, or reads a block of the current one, or closes it.
    fn step(&mut self, buffer: &mut Vec<u8>) -> Result<Option<Block>> {
        let Some((_, current)) = &mut self.current else { return self.open().map(|()| None) };
        match current.next(buffer, self.block_bytes) {
            Some(block) => Ok(Some(block)),
            None => self.close().map(|()| None),
        }
    }

    fn open(&mut self) -> Result<()> {
        let member = &self.members[self.next];
        let before = self.next.checked_sub(1).map(|before| &self.members[before]);
        if before.is_none_or(|before| before.object.path != member.object.path) {
            self.spent = 0;
        }
        let mut opened = self.format.open(&self.root, member, self.spent)?;
        if let Some(map) = self.maps.get(self.next) {
            opened.blocks.want(map);
        }
        self.current = Some((self.next, opened.blocks));
        self.next += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let Some((_, current)) = self.current.take() else { return Ok(()) };
        let facts = current.close()?;
        self.spent += facts.unpacked;
        self.facts.push(facts);
        Ok(())
    }
}
