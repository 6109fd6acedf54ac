//! One pass over a text before any record of it is believed (R39).

use super::exact::first_bad;
use super::fault::unit;
use crate::error::{Code, Error, Result};
use crate::read::format::Survey;
use crate::read::text::{BrokenText, Text, malformed};

const PIECE: usize = 64 * 1024;

/// Reads a text to its end: digest, and every doubt about its encoding.
pub(super) fn survey(mut text: Text) -> Result<Survey> {
    let (mut buffer, mut filled, mut at) = (Vec::new(), 0, text.base());
    let mut lines = EmptyLines::default();
    loop {
        let more = text.fill(&mut buffer, &mut filled, PIECE).map_err(|broken| match broken {
            BrokenText::Error(error) => error,
            BrokenText::Malformed { at } => malformed(text.bytes().place(), "", at, text.encoding()),
        })?;
        if let Some((bad, what)) = first_bad(&buffer[..filled], !more) {
            let unit = unit(text.encoding());
            let said = format!("{}, byte {}{unit}: {}", text.bytes().place(), at + bad as u64, what.message());
            return Err(Error::new(what.code(), said).help(what.help()));
        }
        // The beginning of a character that the piece cut comes again with the next one.
        let whole = simdutf8::compat::from_utf8(&buffer[..filled]).map_or_else(|e| e.valid_up_to(), str::len);
        lines.see(&buffer[..whole]);
        buffer.copy_within(whole..filled, 0);
        at += whole as u64;
        filled -= whole;
        if !more {
            break;
        }
    }
    text.doubt()?;
    let unhashed = || Error::new(Code::InputNotReadable, format!("{} could not be hashed", text.bytes().place()));
    let digest = text.bytes().facts().hash.ok_or_else(unhashed)?;
    Ok(Survey { digest: *digest.as_bytes(), empty: lines.only() })
}

/// Whether a text is nothing but empty lines, each ended by LF or CRLF.
#[derive(Default)]
struct EmptyLines {
    other: bool,
    /// The last byte seen is a CR.
    cr: bool,
}

impl EmptyLines {
    fn see(&mut self, piece: &[u8]) {
        for byte in piece {
            if self.other {
                return;
            }
            self.other = match byte {
                b'\n' => false,
                b'\r' => self.cr,
                _ => true,
            };
            self.cr = *byte == b'\r';
        }
    }

    fn only(&self) -> bool {
        !self.other && !self.cr
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_empty_lines_is_empty_and_a_lone_cr_ends_no_line() {
        let only = |pieces: &[&str]| {
            let mut lines = EmptyLines::default();
            pieces.iter().for_each(|piece| lines.see(piece.as_bytes()));
            lines.only()
        };
        for pieces in [&[][..], &["\n\r", "\n\n"], &["\r\n"]] {
            assert!(only(pieces), "{pieces:?}");
        }
        for pieces in [&["\r"][..], &["\n\r"], &["\r", "\r\n"], &["\n", " "], &["\ra"]] {
            assert!(!only(pieces), "{pieces:?}");
        }
    }
}
