//! Bytes of an input to UTF-8 text, and the doubts about its encoding (R39). UTF-8 goes through untouched: the scan
//! checks it block by block.

use super::container::Bytes;
use super::signature;
use crate::error::{Code, Error, Result};
use crate::policy::{Bom, ReadFormat, RecordFormat};
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

const RAW: usize = 64 * 1024;

/// Why text came to an early end.
pub(super) enum BrokenText {
    /// Said already in full.
    Error(Error),
    /// Bytes malformed for the encoding, `at` bytes into the file.
    Malformed { at: u64 },
}

/// The text of one input.
pub(super) struct Text {
    bytes: Bytes,
    encoding: &'static Encoding,
    /// Decodes the bytes; none where they are UTF-8 already.
    decoder: Option<Decoder>,
    /// Bytes read and not yet decoded: `raw[at..]`.
    raw: Vec<u8>,
    at: usize,
    /// Bytes decoded, the mark included.
    seen: u64,
    /// Decoded text handed back, to come first again.
    unread: Vec<u8>,
    /// What stopped an earlier call, to come again after `unread`.
    broken: Option<BrokenText>,
    mark: usize,
    watch: Option<Utf8Watch>,
    ended: bool,
}

/// The encoding of a label.
///
/// # Errors
/// A policy error for a label that names none.
pub(super) fn encoding(label: &str) -> Result<&'static Encoding> {
    Encoding::for_label_no_replacement(label.as_bytes()).ok_or_else(|| {
        Error::new(Code::SpecUnusable, format!("no encoding is called {label:?}"))
            .help("use a WHATWG label such as utf-8 or windows-1252")
    })
}

impl Text {
    /// Starts a text: looks whether it is one, and for a byte order mark, and judges it.
    pub fn open(mut bytes: Bytes, format: &ReadFormat) -> Result<Text> {
        let encoding = encoding(&format.encoding)?;
        let mut raw = vec![0; signature::LOOKED_AT];
        let (mut count, mut broken) = (0, None);
        while count < raw.len() && broken.is_none() {
            match bytes.read(&mut raw[count..]) {
                Ok(0) => break,
                Ok(more) => count += more,
                // What was read before it comes first.
                Err(error) if count > 0 && encoding == UTF_8 => broken = Some(BrokenText::Error(error)),
                Err(error) => return Err(error),
            }
        }
        raw.truncate(count);
        let json = matches!(format.records, RecordFormat::Json(_));
        if let Some(what) = signature::foreign(&raw).filter(|what| !json || *what != signature::JSON) {
            let within = if bytes.packed() { ", unpacked," } else { "" };
            return Err(signature::refused(&format!("{}{within}", bytes.place()), what));
        }
        let mark = mark(&raw, encoding, format.bom, bytes.place())?;
        if let Some(label) = signature::wide(&raw).filter(|_| mark == 0 && !of_two_bytes(encoding)) {
            let declared = encoding.name().to_lowercase();
            let what = format!("{} is text in {label} and is declared as {declared}", bytes.place());
            let help = format!("set read.encoding = \"{label}\" in the source, or have it exported in {declared}");
            return Err(Error::new(Code::EncodingWrong, what).help(help));
        }
        let decoder = (encoding != UTF_8).then(|| encoding.new_decoder_without_bom_handling());
        let watch = encoding.is_single_byte().then(|| Utf8Watch::new(&raw));
        let unread = if decoder.is_none() { raw.split_off(mark) } else { Vec::new() };
        raw.drain(..mark.min(raw.len()));
        let seen = mark as u64;
        Ok(Text { bytes, encoding, decoder, raw, at: 0, seen, unread, broken, mark, watch, ended: false })
    }

    /// The bytes behind the text.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The encoding it is decoded from.
    pub fn encoding(&self) -> &'static Encoding {
        self.encoding
    }

    /// Position of the text's first byte: in UTF-8 files positions in the text are positions in the file.
    pub fn base(&self) -> u64 {
        if self.decoder.is_none() { self.mark as u64 } else { 0 }
    }

    /// Puts text back, and what stopped the reading after it.
    pub fn unread(&mut self, text: &[u8], broken: Option<BrokenText>) {
        self.unread.splice(..0, text.iter().copied());
        self.broken = broken;
    }

    /// Reads about `want` bytes of text to `buffer[*filled..]`, growing it; false at the end of the text. What was read
    /// before an error counts.
    pub fn fill(&mut self, buffer: &mut Vec<u8>, filled: &mut usize, want: usize) -> Result<bool, BrokenText> {
        let target = *filled + want;
        if !self.unread.is_empty() {
            let count = self.unread.len().min(want);
            grow(buffer, *filled + count);
            buffer[*filled..*filled + count].copy_from_slice(&self.unread[..count]);
            self.unread.drain(..count);
            *filled += count;
        }
        while *filled < target && !self.ended {
            if let Some(broken) = self.broken.take() {
                return Err(broken);
            }
            match self.decoder.is_some() {
                true => self.decode(buffer, filled, target)?,
                false => {
                    grow(buffer, target);
                    let count = self.bytes.read(&mut buffer[*filled..target]).map_err(BrokenText::Error)?;
                    *filled += count;
                    self.ended = count == 0;
                }
            }
        }
        Ok(!self.ended || !self.unread.is_empty())
    }

    fn decode(&mut self, buffer: &mut Vec<u8>, filled: &mut usize, target: usize) -> Result<(), BrokenText> {
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        let mut last = false;
        if self.at == self.raw.len() {
            self.raw.resize(RAW, 0);
            self.at = 0;
            let read = self.bytes.read(&mut self.raw);
            self.raw.truncate(*read.as_ref().unwrap_or(&0));
            last = read.map_err(BrokenText::Error)? == 0;
            self.watch.iter_mut().for_each(|watch| watch.update(&self.raw));
        }
        // Room for the longest thing a decoder writes at once.
        grow(buffer, target + 16);
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(&self.raw[self.at..], &mut buffer[*filled..target + 16], last);
        self.at += read;
        self.seen += read as u64;
        *filled += written;
        match result {
            DecoderResult::InputEmpty => self.ended = last,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(length, after) => {
                return Err(BrokenText::Malformed { at: self.seen - u64::from(length) - u64::from(after) });
            }
        }
        Ok(())
    }

    /// R39, at the end of the text: a single-byte encoding whose bytes are all UTF-8 and not all ASCII is doubtful.
    pub fn doubt(&self) -> Result<()> {
        if self.watch.as_ref().is_some_and(Utf8Watch::is_utf8) {
            return Err(Error::new(
                Code::EncodingWrong,
                format!(
                    "{} is declared as {} but all of it is valid UTF-8",
                    self.bytes.place(),
                    self.encoding.name().to_lowercase()
                ),
            )
            .help("set read.encoding = \"utf-8\" in the source, or have it exported in the declared encoding"));
        }
        Ok(())
    }
}

/// Bytes that the declared encoding does not have, at a byte of the file. `record` says which record, if it is known.
pub(super) fn malformed(place: &str, record: &str, at: u64, encoding: &'static Encoding) -> Error {
    Error::new(Code::EncodingWrong, format!("{place}{record}, byte {at} of the file: {}", not_of(encoding)))
        .help(MALFORMED)
}

/// What is wrong with bytes that an encoding does not have.
pub(super) fn not_of(encoding: &'static Encoding) -> String {
    format!("bytes that are malformed for {}", encoding.name().to_lowercase())
}

/// What an operator can do about them.
pub(super) const MALFORMED: &str = "check read.encoding in the source against the export's settings";

fn of_two_bytes(encoding: &'static Encoding) -> bool {
    [UTF_16LE, UTF_16BE].contains(&encoding)
}

fn grow(buffer: &mut Vec<u8>, length: usize) {
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
}

/// Length of the byte order mark, when it may be there.
fn mark(start: &[u8], declared: &'static Encoding, rule: Bom, place: &str) -> Result<usize> {
    match (Encoding::for_bom(start), rule) {
        (None, Bom::Require) => Err(Error::new(Code::EncodingWrong, format!("{place} has no byte order mark"))
            .help("set read.bom = \"allow\" in the source if that is right")),
        (None, _) => Ok(0),
        (Some((found, _)), _) if found != declared => Err(Error::new(
            Code::EncodingWrong,
            format!(
                "{place} begins with the byte order mark of {} and is declared as {}",
                found.name().to_lowercase(),
                declared.name().to_lowercase()
            ),
        )
        .help(match start {
            [0xff, 0xfe, 0, 0, ..] => {
                "if it is UTF-32, have it exported in UTF-8; else set read.encoding to what the file is".into()
            }
            _ => format!("set read.encoding = \"{}\" in the source", found.name().to_lowercase()),
        })),
        (Some(_), Bom::Refuse) => Err(Error::new(Code::EncodingWrong, format!("{place} has a byte order mark"))
            .help("set read.bom = \"allow\" in the source if that is right")),
        (Some((_, length)), _) => Ok(length),
    }
}

/// Watches whether bytes are UTF-8 while another decoder reads them.
struct Utf8Watch {
    valid: bool,
    high: bool,
    /// The beginning of a character cut at the end of the last piece.
    cut: Vec<u8>,
}

impl Utf8Watch {
    fn new(start: &[u8]) -> Utf8Watch {
        let mut watch = Utf8Watch { valid: true, high: false, cut: Vec::new() };
        watch.update(start);
        watch
    }

    fn update(&mut self, piece: &[u8]) {
        if !self.valid || (self.cut.is_empty() && piece.is_ascii()) {
            return;
        }
        self.high = true;
        let mut rest = piece;
        while !self.cut.is_empty() && !rest.is_empty() {
            self.cut.push(rest[0]);
            rest = &rest[1..];
            match std::str::from_utf8(&self.cut) {
                Ok(_) => self.cut.clear(),
                Err(e) => self.valid &= e.error_len().is_none(),
            }
            if !self.valid {
                return;
            }
        }
        if let Err(e) = simdutf8::compat::from_utf8(rest) {
            self.valid = e.error_len().is_none();
            self.cut = rest[e.valid_up_to()..].to_vec();
        }
    }

    fn is_utf8(&self) -> bool {
        self.valid && self.high && self.cut.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf8_is_recognised_across_pieces() {
        let text = "a é ü 日本 x".as_bytes();
        for cut in 0..text.len() {
            let mut watch = Utf8Watch::new(&text[..cut]);
            watch.update(&text[cut..]);
            assert!(watch.is_utf8(), "{cut}");
            watch.update(b"\xe9 ");
            assert!(!watch.is_utf8());
        }
        assert!(!Utf8Watch::new(b"plain ASCII").is_utf8());
        assert!(!Utf8Watch::new(b"caf\xe9").is_utf8());
    }

    #[test]
    fn a_mark_is_judged_by_declaration_and_rule() {
        let utf16 = encoding("utf-16le").unwrap();
        let judge = |start: &[u8], declared, rule| mark(start, declared, rule, "raw:x").ok();
        assert_eq!(judge(b"\xef\xbb\xbfId", UTF_8, Bom::Allow), Some(3));
        assert_eq!(judge(b"\xef\xbb\xbfId", UTF_8, Bom::Refuse), None);
        assert_eq!(judge(b"Id", UTF_8, Bom::Require), None);
        assert_eq!(judge(b"Id", UTF_8, Bom::Allow), Some(0));
        assert_eq!(judge(b"\xff\xfeI\0", utf16, Bom::Require), Some(2));
        assert_eq!(judge(b"\xfe\xff\0I", utf16, Bom::Allow), None);
        assert_eq!(judge(b"\xef\xbb\xbfId", encoding("windows-1252").unwrap(), Bom::Allow), None);
    }
}
