//! Who is meant, from standard input: never from arguments, where other users of the machine and the shell's history would see
//! it.

use crate::error::{Code, Error, Result};
use std::io::{IsTerminal, Read, Write as _};
use zeroize::Zeroizing;

/// More than this is no list of one person's values.
const MOST: u64 = 1 << 16;

/// Who is meant, from standard input or a prompt.
///
/// # Errors
/// A policy error for what is no text, or too long.
pub(super) fn values() -> Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(MOST as usize + 1));
    if std::io::stdin().is_terminal() {
        let prompt = "who is meant? one `kind: value` a line, such as `email: …`; end with Ctrl-D\n";
        let _ = std::io::stderr().write_all(prompt.as_bytes());
    }
    let read = std::io::stdin().lock().take(MOST + 1).read_to_string(&mut text);
    read.map_err(|_| Error::new(Code::RequestWrong, "standard input is no UTF-8 text"))?;
    if text.len() as u64 > MOST {
        return Err(Error::new(Code::RequestWrong, "standard input holds more than one person's values")
            .help("give one person at a time; put many requests into a list of the policy"));
    }
    Ok(text)
}
