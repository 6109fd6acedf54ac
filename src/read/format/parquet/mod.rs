//! Parquet (R60): files that nobody vouches for, read by the path of each leaf column. What a file says of itself is
//! judged before it is believed, statistics are not read, and a decoder's own words are never passed on.

mod chunks;
mod footer;
mod leaf;
mod leaves;
mod rows;
mod thrift;

pub(super) use self::leaf::{LeafKind, LeafValue};

use self::chunks::{ChunkHome, FileChunks};
use self::footer::Footer;
use self::rows::{RowBlocks, Whole};
use super::laid::LaidCells;
use super::seam::{BadRecords, Block, Failure, FileFormat, FormatScratch, NamesKnown, OpenedMember, Parsed, Survey};
use crate::error::{Code, Error, Result};
use crate::policy::ReadFormat;
use crate::read::batch::{Cell, ColumnMap};
use crate::read::container::{Bytes, Container, Member};
use crate::read::signature;
use crate::same_name::normal;
use crate::store::Root;
use std::sync::Mutex;

/// The largest file that is unpacked into memory, where it is in something.
const MOST_HELD: u64 = 64 << 20;

/// The Parquet files of one source.
pub(super) struct Parquet {
    read: ReadFormat,
    bad: BadRecords,
}

impl Parquet {
    pub fn new(read: &ReadFormat, bad: BadRecords) -> Parquet {
        Parquet { read: read.clone(), bad }
    }

    fn judged(&self) -> LaidCells<'_> {
        LaidCells { bad: self.bad, null: self.bad.null_words(&self.read) }
    }

    fn whole(&self, root: &Root, member: &Member, spent: u64, hasher: blake3::Hasher) -> Result<(FileChunks, Whole)> {
        let (object, place) = (&member.object, member.place());
        if member.container() == Container::Plain {
            let home = ChunkHome::Object(Mutex::new(root.open_seek(object)?));
            let whole = Whole::Object(Box::new((root.clone(), object.clone(), hasher)));
            return Ok((rows::chunks(home, object.bytes, place), whole));
        }
        let mut bytes = Bytes::open(root, member, &self.read, spent, hasher)?;
        let (mut held, mut piece) = (Vec::new(), vec![0; 1 << 16]);
        loop {
            match bytes.read(&mut piece)? {
                0 => break,
                count => held.extend_from_slice(&piece[..count]),
            }
            if held.len() as u64 > MOST_HELD {
                let what = format!(
                    "{place} is a Parquet file of more than {} MiB inside of an archive or a compressed file",
                    MOST_HELD >> 20
                );
                return Err(Error::new(Code::InputTooLarge, what)
                    .help("have it stored as it is: Parquet files are compressed by themselves"));
            }
        }
        let length = held.len() as u64;
        Ok((rows::chunks(ChunkHome::Held(held.into()), length, place), Whole::Known(bytes.facts())))
    }
}

/// Refuses what is another kind of file.
fn is_parquet(file: &FileChunks) -> Result<()> {
    let start = file.bytes(0, usize::try_from(file.length).unwrap_or(usize::MAX).min(signature::LOOKED_AT))?;
    match signature::foreign(&start) {
        Some(what) if what != signature::PARQUET => {
            Err(Error::new(Code::FormatNotRead, format!("{} is {what}, not a Parquet file", file.place))
                .help("set read.format in the source to what the file is, or have it exported as Parquet"))
        }
        _ => Ok(()),
    }
}

impl FileFormat for Parquet {
    fn open(&self, root: &Root, member: &Member, spent: u64) -> Result<OpenedMember> {
        let (file, whole) = self.whole(root, member, spent, blake3::Hasher::new())?;
        is_parquet(&file)?;
        let footer = Footer::read(&file, self.read.max_columns)?;
        let names = footer.names.iter().map(|name| normal(name)).collect();
        Ok(OpenedMember {
            names: NamesKnown::Ahead(names),
            blocks: Box::new(RowBlocks::new(file, footer, whole, &self.read, spent)),
        })
    }

    fn parse(
        &self,
        block: Block,
        bytes: Vec<u8>,
        columns: &ColumnMap,
        scratch: &mut FormatScratch,
    ) -> Result<Parsed, Failure> {
        self.judged().parse(block, bytes, columns, scratch)
    }

    fn cells(&self, text: &mut String, columns: &ColumnMap, scratch: &FormatScratch, cells: &mut Vec<Cell>) {
        self.judged().find(text, columns, scratch, cells);
    }

    fn survey(&self, root: &Root, member: &Member, key: &[u8; 32]) -> Result<Survey> {
        let mut bytes = Bytes::open(root, member, &self.read, 0, blake3::Hasher::new_keyed(key))?;
        let mut piece = vec![0; 1 << 16];
        while bytes.read(&mut piece)? > 0 {}
        let unhashed = || Error::new(Code::InputNotReadable, format!("{} could not be hashed", member.place()));
        let digest = bytes.facts().hash.ok_or_else(unhashed)?;
        Ok(Survey { digest: *digest.as_bytes(), empty: false })
    }

    fn encoding(&self) -> String {
        "utf-8".into()
    }

    fn delimiter(&self) -> Option<char> {
        None
    }
}
