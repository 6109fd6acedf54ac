//! Names of others (columns, members, objects, sets) in text that people read: no character in them may move the cursor,
//! begin a line, turn the direction of writing, or hide. Must not know where text goes.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with such characters written out, as in `\u{202e}`. What has been written out stays as it is.
pub fn shown(text: &str) -> Cow<'_, str> {
    written_out(text, hides)
}

/// The same for text of several lines, whose ends stay.
pub fn shown_lines(text: &str) -> Cow<'_, str> {
    written_out(text, |letter| letter != '\n' && hides(letter))
}

fn written_out(text: &str, hides: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&hides) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '\n' if hides(letter) => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if hides(letter) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(letter));
            }
            _ => out.push(letter),
        }
    }
    Cow::Owned(out)
}

/// Controls, line and paragraph separators, marks of direction, and characters that nobody sees and no language needs.
fn hides(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_and_marks_of_direction_are_written_out_and_other_text_is_not() {
        assert_eq!(shown("Straße 日本 a\u{301} \u{200d}"), "Straße 日本 a\u{301} \u{200d}");
        let odd = "a\u{1b}[31mb\r\n\tc\u{8}\u{7f}\u{9b}\u{202e}\u{2066}\u{2028}\u{feff}";
        let plain = "a\\u{1b}[31mb\\r\\n\\tc\\u{8}\\u{7f}\\u{9b}\\u{202e}\\u{2066}\\u{2028}\\u{feff}";
        assert_eq!(shown(odd), plain);
        assert_eq!(shown(&shown(odd)), plain);
        assert_eq!(shown_lines("one\u{7}\ntwo"), "one\\u{7}\ntwo");
    }
}
