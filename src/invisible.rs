//! Characters that nobody sees (R5): what they are, and text without them. On the floor, for exports, lists and specs
//! must agree. Must not know what the text is.

use icu_properties::{CodePointSetData, CodePointSetDataBorrowed, props::DefaultIgnorableCodePoint};
use std::borrow::Cow;

const IGNORABLE: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<DefaultIgnorableCodePoint>();

/// Whether a character shows nothing and is no White_Space: zero-width and bidirectional ones, soft hyphens, byte order
/// marks, joiners, variation selectors, tags, fillers, control characters and marks of annotations.
pub fn is_unseen(c: char) -> bool {
    match c {
        '\t'..='\r' | ' '..='~' | '\u{85}' => false,
        '\0'..'\u{a0}' | '\u{fff9}'..='\u{fffb}' => true,
        _ => IGNORABLE.contains(c),
    }
}

/// Whether all bytes are of printable ASCII, so that every character is seen.
pub fn is_plain(text: &str) -> bool {
    let (least, most) = text.bytes().fold((u8::MAX, 0), |(least, most), byte| (least.min(byte), most.max(byte)));
    least >= b' ' && most <= b'~'
}

/// Whether nobody sees anything: White_Space and characters that show nothing.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || is_unseen(c))
}

/// A text without the characters that nobody sees.
pub fn seen(text: &str) -> Cow<'_, str> {
    without(text, |_, _| false)
}

/// A text to be published: joiners and variation selectors stay where they shape what is read, which is after a character
/// from U+0600 on.
pub fn shown(text: &str) -> Cow<'_, str> {
    without(text, |before, c| before >= '\u{600}' && shapes(c))
}

fn shapes(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{180b}'..='\u{180d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Without what nobody sees, but for what `stays` after the last character that is seen.
fn without(text: &str, stays: impl Fn(char, char) -> bool) -> Cow<'_, str> {
    if is_plain(text) || !text.chars().any(is_unseen) {
        return Cow::Borrowed(text);
    }
    let (mut kept, mut before, mut end) = (String::with_capacity(text.len()), '\0', 0);
    for c in text.chars() {
        if !is_unseen(c) {
            kept.push(c);
            (before, end) = (c, kept.len());
        } else if stays(before, c) {
            kept.push(c);
        }
    }
    // A variation selector at the end shapes what stands before it; a joiner there joins nothing.
    while kept.len() > end && kept.ends_with(['\u{200c}', '\u{200d}']) {
        kept.pop();
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r5_what_shows_nothing_is_unseen_and_white_space_is_not() {
        for c in ('\u{200b}'..='\u{200f}').chain('\u{202a}'..='\u{202e}').chain('\u{2060}'..='\u{206f}') {
            assert!(is_unseen(c), "{c:?}");
        }
        for c in
            "\u{ad}\u{34f}\u{61c}\u{115f}\u{180e}\u{3164}\u{fe0f}\u{feff}\u{fff9}\u{e0001}\u{e0100}\u{1}\u{7f}\u{9f}"
                .chars()
        {
            assert!(is_unseen(c), "{c:?}");
        }
        for c in " \t\n\r\u{b}\u{85}\u{a0}\u{2003}\u{3000}aZ~\u{e9}\u{300}\u{605}\u{1f600}\u{fffd}".chars() {
            assert!(!is_unseen(c), "{c:?}");
        }
        assert!((0..0x80u8).all(|b| is_plain(&char::from(b).to_string()) == (b' '..=b'~').contains(&b)));
    }

    #[test]
    fn r5_text_is_without_what_nobody_sees() {
        assert_eq!(seen("\u{feff}Ad\u{ad}a\u{200b}"), "Ada");
        assert!(matches!(seen("Zo\u{eb} \t"), Cow::Borrowed(_)));
        assert!(is_blank(" \u{200b}\u{a0}\u{feff}") && is_blank("") && !is_blank("\u{200b}-"));
    }

    #[test]
    fn r20_published_text_keeps_what_shapes_it() {
        assert_eq!(shown("Ber\u{200d}lin\u{200b}"), "Berlin");
        assert_eq!(shown("\u{645}\u{6cc}\u{200c}\u{62e}"), "\u{645}\u{6cc}\u{200c}\u{62e}");
        assert_eq!(shown("\u{2764}\u{fe0f}"), "\u{2764}\u{fe0f}");
        assert_eq!(shown("\u{645}\u{200c}\u{200b}"), "\u{645}");
    }
}
