//! GUIDs (R50): 32 hexadecimal digits, as one program writes them in braces, another in capitals, a third without
//! hyphens.

const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// Appends a GUID in lower case with hyphens and without brackets; false, and nothing appended, when it is none, or
/// nothing but zeros, which is no record.
pub fn normalise(text: &str, out: &mut Vec<u8>) -> bool {
    let text = text.as_bytes();
    let bare = match text {
        [b'{', bare @ .., b'}'] | [b'(', bare @ .., b')'] => bare,
        bare => bare,
    };
    let start = out.len();
    let hyphens = bare.len() == 36;
    for (at, byte) in bare.iter().enumerate() {
        if hyphens && HYPHENS.contains(&at) {
            if *byte != b'-' {
                break;
            }
            continue;
        }
        if !byte.is_ascii_hexdigit() {
            break;
        }
        if HYPHENS.contains(&(out.len() - start)) {
            out.push(b'-');
        }
        out.push(byte.to_ascii_lowercase());
    }
    let whole = matches!(bare.len(), 32 | 36) && out.len() - start == 36;
    let some = out[start..].iter().any(|byte| !matches!(byte, b'0' | b'-'));
    if !whole || !some {
        out.truncate(start);
    }
    whole && some
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r50_braces_case_and_hyphens_say_nothing() {
        let form = |text: &str| {
            let mut out = b"before".to_vec();
            let whole = normalise(text, &mut out);
            let form = String::from_utf8(out[6..].to_vec()).expect("UTF-8");
            assert_eq!(whole, !form.is_empty());
            form
        };
        let plain = "49b0be2e-d01c-ed11-b83e-000d3a572421";
        for text in [
            plain,
            "49B0BE2E-D01C-ED11-B83E-000D3A572421",
            "{49b0be2e-d01c-ed11-b83e-000D3A572421}",
            "(49b0be2e-d01c-ed11-b83e-000d3a572421)",
            "49b0be2ed01ced11b83e000d3a572421",
            "{49B0BE2ED01CED11B83E000D3A572421}",
        ] {
            assert_eq!(form(text), plain, "{text}");
        }
        for text in [
            "",
            "{}",
            "00000000-0000-0000-0000-000000000000",
            "{49b0be2e-d01c-ed11-b83e-000d3a572421",
            "49b0be2e-d01c-ed11-b83e-000d3a57242",
            "49b0be2e-d01c-ed11-b83e-000d3a5724211",
            "49b0be2e-d01c-ed11-b83e-000d3a57242g",
            "49b0be2ed-01c-ed11-b83e-000d3a572421",
            "49b0be2e-d01c-ed11-b83e000d3a572421-",
            "49b0be2e-d01ced11b83e-000d3a572421",
            "49b0be2ed01ced11b83e000d3a5724211111",
        ] {
            assert_eq!(form(text), "", "{text}");
        }
    }
}
