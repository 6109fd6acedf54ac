//! A request file as text: decoded in chunks, doubtful encodings refused with their position (R39).
//! Must not know cells, lists or where the bytes come from.

use crate::signature;
use encoding_rs::{Decoder, DecoderResult, Encoding};
use std::io::Read;

const CHUNK: usize = 64 * 1024;

/// Why reading an object stopped.
pub(super) enum Trouble {
    /// The store failed or the object changed.
    Store(std::io::Error),
    /// The object itself is at fault from here on.
    Broken {
        /// Byte of the object (`Text`) or of its decoded text (`Cells`), from 0.
        byte: u64,
        /// What is wrong; names no value.
        what: &'static str,
    },
    /// The object is no text with cells, but this.
    Foreign(&'static str),
}

/// Decodes an object to UTF-8, a chunk at a time.
pub(super) struct Text<R> {
    source: R,
    decoder: Decoder,
    raw: Vec<u8>,
    /// Bytes of `raw` that are filled and those of them already decoded.
    filled: usize,
    used: usize,
    consumed: u64,
    source_ended: bool,
    ended: bool,
}

impl<R: Read> Text<R> {
    /// Starts at the object's first byte; a byte order mark of the declared encoding is taken off.
    pub(super) fn new(source: R, encoding: &'static Encoding) -> Text<R> {
        Text {
            source,
            decoder: encoding.new_decoder_with_bom_removal(),
            raw: vec![0; CHUNK],
            filled: 0,
            used: 0,
            consumed: 0,
            source_ended: false,
            ended: false,
        }
    }

    /// Puts the next whole characters into `out`, replacing what was there; false at the end of the object.
    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> Result<bool, Trouble> {
        out.resize(2 * CHUNK, 0);
        while !self.ended {
            if self.used == self.filled && !self.source_ended {
                self.refill()?;
            }
            let input = &self.raw[self.used..self.filled];
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(input, out, self.source_ended);
            self.used += read;
            self.consumed += read as u64;
            match result {
                DecoderResult::Malformed(..) => {
                    let what = "the bytes are malformed for the declared encoding";
                    return Err(Trouble::Broken { byte: self.consumed.saturating_sub(1), what });
                }
                DecoderResult::InputEmpty if self.source_ended => self.ended = true,
                DecoderResult::InputEmpty | DecoderResult::OutputFull => {}
            }
            if written > 0 {
                out.truncate(written);
                return Ok(true);
            }
        }
        out.clear();
        Ok(false)
    }

    fn refill(&mut self) -> Result<(), Trouble> {
        self.used = 0;
        self.filled = loop {
            match self.source.read(&mut self.raw) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                    return Err(Trouble::Broken {
                        byte: self.consumed,
                        what: "the archive is damaged after this byte",
                    });
                }
                Err(error) => return Err(Trouble::Store(error)),
                Ok(read) => break read,
            }
        };
        self.source_ended = self.filled == 0;
        let start = &self.raw[..self.filled.min(signature::LOOKED_AT)];
        match signature::foreign(start).filter(|_| self.consumed == 0) {
            Some(what) => Err(Trouble::Foreign(what)),
            None => Ok(()),
        }
    }
}

/// What one pass over an object says of it before any row is believed.
pub(super) struct Survey {
    /// Keyed hash of the object's bytes.
    pub(super) digest: [u8; 32],
    /// No byte, or nothing but a byte order mark.
    pub(super) empty: bool,
}

/// Reads the object once from its start: keyed digest, and every doubt about its encoding.
pub(super) fn survey<R: Read>(source: R, encoding: &'static Encoding, key: &[u8; 32]) -> Result<Survey, Trouble> {
    let mut tee = Tee { source, hasher: blake3::Hasher::new_keyed(key), start: Vec::new(), utf8: Utf8::default() };
    let mut text = Text::new(&mut tee, encoding);
    let (mut chunk, mut empty) = (Vec::new(), true);
    while text.next(&mut chunk)? {
        let byte = text.consumed;
        if memchr::memchr(0, &chunk).is_some() {
            return Err(Trouble::Broken { byte, what: "a NUL before this byte" });
        }
        if memchr::memmem::find(&chunk, "\u{fffd}".as_bytes()).is_some() {
            return Err(Trouble::Broken {
                byte,
                what: "U+FFFD before this byte: the file was damaged by an earlier decoding",
            });
        }
        empty = false;
    }
    if Encoding::for_bom(&tee.start).is_some_and(|(marked, _)| marked != encoding) {
        return Err(Trouble::Broken {
            byte: 0,
            what: "the byte order mark is of another encoding than the declared one",
        });
    }
    if encoding.is_single_byte() && tee.utf8.valid_to_the_end() && !tee.utf8.ascii {
        let what = "declared as a single-byte encoding, but the whole file is valid UTF-8";
        return Err(Trouble::Broken { byte: 0, what });
    }
    Ok(Survey { digest: *tee.hasher.finalize().as_bytes(), empty })
}

/// Sees the raw bytes on their way to the decoder.
struct Tee<R> {
    source: R,
    hasher: blake3::Hasher,
    start: Vec<u8>,
    utf8: Utf8,
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let read = self.source.read(out)?;
        let bytes = &out[..read];
        self.hasher.update(bytes);
        self.start.extend_from_slice(&bytes[..bytes.len().min(4 - self.start.len().min(4))]);
        self.utf8.feed(bytes);
        Ok(read)
    }
}

/// Whether a stream of bytes is UTF-8, and whether it is plain ASCII.
struct Utf8 {
    broken: bool,
    ascii: bool,
    /// Start of a character that the last bytes cut off.
    cut: Vec<u8>,
}

impl Default for Utf8 {
    fn default() -> Self {
        Utf8 { broken: false, ascii: true, cut: Vec::new() }
    }
}

impl Utf8 {
    fn feed(&mut self, bytes: &[u8]) {
        if self.broken || (self.cut.is_empty() && bytes.is_ascii()) {
            return;
        }
        self.ascii = false;
        self.cut.extend_from_slice(bytes);
        match std::str::from_utf8(&self.cut) {
            Ok(_) => self.cut.clear(),
            Err(error) if error.error_len().is_none() => drop(self.cut.drain(..error.valid_up_to())),
            Err(_) => self.broken = true,
        }
    }

    fn valid_to_the_end(&self) -> bool {
        !self.broken && self.cut.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{UTF_8, UTF_16LE, WINDOWS_1252};

    fn look(bytes: &[u8], encoding: &'static Encoding) -> Result<Survey, &'static str> {
        survey(bytes, encoding, &[7; 32]).map_err(|trouble| match trouble {
            Trouble::Broken { what, .. } => what,
            Trouble::Store(_) => "store",
            Trouble::Foreign(what) => what,
        })
    }

    #[test]
    fn a_list_that_is_something_else_is_called_that() {
        let refused = |bytes: &[u8]| look(bytes, UTF_8).err().expect("refused");
        assert_eq!(refused(b"%PDF-1.7\n"), "a PDF document");
        assert_eq!(refused(b"PK\x03\x04....xl/workbook.xml"), "an Excel workbook");
        assert_eq!(refused(b"<html>"), "an HTML page, such as that of a login or of an error");
    }

    #[test]
    fn r39_doubtful_encodings_are_refused() {
        let refused = |bytes: &[u8], encoding| look(bytes, encoding).err().expect("refused");
        assert!(refused(b"a,\xff\n", UTF_8).contains("malformed"));
        assert!(refused(b"a,\xc3", UTF_8).contains("malformed"));
        assert!(refused("a,\u{fffd}".as_bytes(), UTF_8).contains("U+FFFD"));
        assert!(refused(b"a,\0b", UTF_8).contains("NUL"));
        assert!(refused("h\u{e9}".as_bytes(), WINDOWS_1252).contains("valid UTF-8"));
        assert!(refused(b"\xef\xbb\xbfh\xe9", WINDOWS_1252).contains("byte order mark"));
        assert!(look(b"h\xe9", WINDOWS_1252).is_ok());
        assert!(look(b"plain", WINDOWS_1252).is_ok());
        assert!(look(b"\xff\xfeh\0i\0", UTF_16LE).is_ok());
    }

    #[test]
    fn a_single_byte_file_is_judged_across_chunk_borders() {
        let mut bytes = vec![b'a'; CHUNK - 1];
        bytes.extend_from_slice("\u{e9}".as_bytes());
        assert!(look(&bytes, WINDOWS_1252).err().expect("refused").contains("valid UTF-8"));
        bytes.push(0xe9);
        assert!(look(&bytes, WINDOWS_1252).is_ok());
    }

    #[test]
    fn text_comes_whole_without_its_byte_order_mark() {
        let words = "\u{feff}".to_string() + &"h\u{e9}\u{1f600}".repeat(CHUNK / 3);
        let (mut text, mut chunk, mut all) = (Text::new(words.as_bytes(), UTF_8), Vec::new(), Vec::new());
        while text.next(&mut chunk).is_ok_and(|more| more) {
            assert!(std::str::from_utf8(&chunk).is_ok());
            all.extend_from_slice(&chunk);
        }
        assert!(all == words.as_bytes()["\u{feff}".len()..]);
    }

    #[test]
    fn digests_are_keyed_and_only_a_mark_is_empty() {
        let one = look(b"\xef\xbb\xbf", UTF_8).map_err(String::from).expect("read");
        assert!(one.empty);
        assert_eq!(one.digest, *blake3::keyed_hash(&[7; 32], b"\xef\xbb\xbf").as_bytes());
    }
}
