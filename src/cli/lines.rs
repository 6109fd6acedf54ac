//! Text for people, line by line: whatever names are put into a line, it stays one line and shows what is in them.

use crate::plain::shown;
use std::fmt::Arguments;

/// Text that is made of lines.
pub(super) trait Lines {
    /// Adds one line to the end of the text.
    fn line(&mut self, text: Arguments<'_>);
}

impl Lines for String {
    fn line(&mut self, text: Arguments<'_>) {
        self.push_str(&shown(&text.to_string()));
        self.push('\n');
    }
}
