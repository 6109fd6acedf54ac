//! The first line of an answer: how it stands in one word, then the figures. Colour only underlines the word.

use crate::plain::shown;
use std::io::IsTerminal;

/// Says how something stands, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TerminalVerdict {
    /// Nothing is to be done.
    Ok,
    /// It went well, and somebody has to look at something.
    Attention,
    /// Part of it was not done.
    Stopped,
    /// What is there does not agree.
    Fault,
}

impl TerminalVerdict {
    /// Returns `Attention` when there is something to look at.
    pub(super) fn attention(wanted: bool) -> TerminalVerdict {
        if wanted { TerminalVerdict::Attention } else { TerminalVerdict::Ok }
    }

    fn word(self) -> &'static str {
        match self {
            TerminalVerdict::Ok => "OK",
            TerminalVerdict::Attention => "ATTENTION",
            TerminalVerdict::Stopped => "STOPPED",
            TerminalVerdict::Fault => "FAULT",
        }
    }

    /// Returns the first line; `coloured` for terminals.
    pub(super) fn line(self, said: &str, coloured: bool) -> String {
        let said = shown(said);
        let colour = match self {
            TerminalVerdict::Ok => "\x1b[1;32m",
            TerminalVerdict::Attention => "\x1b[1;33m",
            TerminalVerdict::Stopped | TerminalVerdict::Fault => "\x1b[1;31m",
        };
        let word = self.word();
        if coloured { format!("{colour}{word}\x1b[0m  {said}\n") } else { format!("{word}  {said}\n") }
    }
}

/// Returns whether a stream takes colour: a terminal does, unless `NO_COLOR` is set (<https://no-color.org>).
pub(super) fn coloured(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Returns `1 row` or `2 rows`.
pub(super) fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_never_the_only_sign_and_names_cannot_add_any() {
        assert_eq!(TerminalVerdict::Ok.line("a", false), "OK  a\n");
        assert_eq!(TerminalVerdict::Fault.line("a", true), "\x1b[1;31mFAULT\x1b[0m  a\n");
        assert!(!TerminalVerdict::Attention.line("\x1b[32mOK", false).contains('\x1b'));
    }
}
