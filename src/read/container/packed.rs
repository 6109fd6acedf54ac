//! Objects that are compressed as a whole: gzip, zstd and bzip2. One file may hold several streams, which are one text;
//! nothing else may follow them.

use super::damage::damaged;
use super::hashed::{WholeObject, hashed};
use crate::error::{Code, Error, Result};
use crate::store::{Object, Root};
use blake3::Hasher;
use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, BufReader, Read};
use zstd::stream::read::Decoder as ZstdDecoder;

pub(super) const BUFFER: usize = 128 * 1024;
/// The largest window of a zstd stream, as a power of two: what zstd itself unpacks without being asked for more.
const ZSTD_WINDOW: u32 = 27;
const SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];

/// How an object is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// A stream of gzip, RFC 1952.
    Gzip,
    /// A stream of Zstandard, RFC 8878.
    Zstd,
    Bzip2,
}

impl Packing {
    /// Returns the packing of an object that begins so.
    pub fn of(start: &[u8]) -> Option<Packing> {
        let known = |packing: &Packing| start.len() >= packing.shortest() && packing.begins(start);
        [Packing::Gzip, Packing::Zstd, Packing::Bzip2].into_iter().find(known)
    }

    /// Bytes that tell it.
    fn shortest(self) -> usize {
        if self == Packing::Gzip { 2 } else { 4 }
    }

    /// Whether a stream may begin so, as far as the bytes go.
    fn begins(self, start: &[u8]) -> bool {
        let is = |mark: &[u8]| start.iter().zip(mark).all(|(byte, mark)| byte == mark);
        match self {
            Packing::Gzip => is(&[0x1f, 0x8b]),
            // Frames with bytes of somebody's own may stand between those with content.
            Packing::Zstd => {
                let own = start.first().is_none_or(|first| first & 0xf0 == 0x50);
                is(&[0x28, 0xb5, 0x2f, 0xfd]) || own && start.iter().skip(1).zip(SKIPPABLE).all(|(a, b)| *a == b)
            }
            Packing::Bzip2 => {
                let level = start.get(3).is_none_or(|level| (b'1'..=b'9').contains(level));
                let block = start.get(4..).unwrap_or_default();
                let begins = |mark: [u8; 6]| block.iter().zip(mark).all(|(byte, mark)| *byte == mark);
                let some = [[0x31, 0x41, 0x59, 0x26, 0x53, 0x59], [0x17, 0x72, 0x45, 0x38, 0x50, 0x90]];
                is(b"BZh") && level && some.into_iter().any(begins)
            }
        }
    }
}

type Raw = BufReader<WholeObject>;

enum Decoder {
    Gzip(Box<GzDecoder<Raw>>),
    Zstd(Box<ZstdDecoder<'static, Raw>>),
    Bzip2(Box<BzDecoder<Raw>>),
}

impl Decoder {
    fn new(packing: Packing, raw: Raw) -> io::Result<Decoder> {
        Ok(match packing {
            Packing::Gzip => Decoder::Gzip(Box::new(GzDecoder::new(raw))),
            Packing::Zstd => {
                let mut decoder = ZstdDecoder::with_buffer(raw)?.single_frame();
                decoder.window_log_max(ZSTD_WINDOW)?;
                Decoder::Zstd(Box::new(decoder))
            }
            Packing::Bzip2 => Decoder::Bzip2(Box::new(BzDecoder::new(raw))),
        })
    }

    fn read(&mut self, place: &str, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Decoder::Gzip(decoder) => decoder.read(buffer),
            Decoder::Zstd(decoder) => decoder.read(buffer).map_err(|error| of_zstd(place, error)),
            Decoder::Bzip2(decoder) => decoder.read(buffer),
        }
    }

    fn raw(&self) -> &Raw {
        match self {
            Decoder::Gzip(decoder) => decoder.get_ref(),
            Decoder::Zstd(decoder) => decoder.get_ref(),
            Decoder::Bzip2(decoder) => decoder.get_ref(),
        }
    }

    fn into_raw(self) -> Raw {
        match self {
            Decoder::Gzip(decoder) => decoder.into_inner(),
            Decoder::Zstd(decoder) => decoder.finish(),
            Decoder::Bzip2(decoder) => decoder.into_inner(),
        }
    }
}

/// Makes errors of zstd, which have no kind of their own, those of damage. Those of the store hold ours.
fn of_zstd(place: &str, error: io::Error) -> io::Error {
    let ours = error.get_ref().is_some_and(|inner| inner.is::<Error>());
    if ours || error.kind() != io::ErrorKind::Other {
        return error;
    }
    if error.to_string().contains("too much memory") {
        let most = 1 << (ZSTD_WINDOW - 20);
        let what = format!("{place} needs a window of more than {most} MiB to be unpacked");
        return io::Error::other(
            Error::new(Code::InputTooLarge, what).help("have it packed without --long, or with at most --long=27"),
        );
    }
    io::ErrorKind::InvalidData.into()
}

/// What a compressed object unpacks to.
pub(super) struct PackedStream {
    packing: Packing,
    /// Of the stream being read.
    decoder: Option<Decoder>,
    place: String,
    ended: bool,
}

impl PackedStream {
    /// Opens an object; `place` is for messages.
    pub fn open(root: &Root, object: &Object, packing: Packing, place: &str, hasher: Hasher) -> Result<PackedStream> {
        let raw = BufReader::with_capacity(BUFFER, hashed(root.open_object(object)?, hasher));
        let decoder = Decoder::new(packing, raw);
        let decoder = decoder.map_err(|_| {
            Error::new(Code::InputNotReadable, format!("{place} cannot be unpacked: there is no memory for it"))
                .help("free memory, and try again")
        })?;
        Ok(PackedStream { packing, decoder: Some(decoder), place: place.to_string(), ended: false })
    }

    /// Returns the object behind it.
    pub fn raw(&self) -> Option<&WholeObject> {
        self.decoder.as_ref().map(|decoder| decoder.raw().get_ref())
    }

    /// Returns how many bytes of the object have been taken.
    pub fn taken(&self) -> u64 {
        self.raw().map_or(0, |raw| raw.bytes)
    }
}

impl Read for PackedStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.ended && !buffer.is_empty() {
            let Some(decoder) = &mut self.decoder else { break };
            let count = decoder.read(&self.place, buffer)?;
            if count > 0 {
                return Ok(count);
            }
            let Some(decoder) = self.decoder.take() else { break };
            let mut raw = decoder.into_raw();
            let rest = raw.fill_buf()?;
            let (left, over) = (rest.len() as u64, rest.is_empty());
            if !over && !self.packing.begins(rest) {
                let what = format!("something follows its end at byte {}", raw.get_ref().bytes - left);
                return Err(io::Error::other(damaged(&self.place, &what)));
            }
            self.decoder = Some(Decoder::new(self.packing, raw)?);
            self.ended = over;
        }
        Ok(0)
    }
}
