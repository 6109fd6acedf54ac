//! A cell of a CSV (RFC 4180).

/// Returns a quoted cell. One that a spreadsheet would run as a formula begins with an apostrophe.
pub(super) fn cell(text: &str) -> String {
    let number = text.parse::<f64>().is_ok();
    let formula = !number && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let apostrophe = if formula { "'" } else { "" };
    format!("\"{apostrophe}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_run_no_formula() {
        assert_eq!(cell("a\"b,c"), "\"a\"\"b,c\"");
        assert_eq!(cell("=1+1"), "\"'=1+1\"");
        assert_eq!((cell("-5.20"), cell("@x")), ("\"-5.20\"".into(), "\"'@x\"".into()));
    }
}
