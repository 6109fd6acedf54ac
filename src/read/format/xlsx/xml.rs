//! XML as workbooks have it: UTF-8, without a document type, in well-formed pieces. Must not know what elements mean.

use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::borrow::Cow;

/// XML that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadXml;

impl From<quick_xml::Error> for BadXml {
    fn from(_: quick_xml::Error) -> BadXml {
        BadXml
    }
}

/// Returns an attribute by its name without prefix.
pub(super) fn attribute<'a>(start: &'a BytesStart<'_>, name: &str) -> Result<Option<Cow<'a, str>>, BadXml> {
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| BadXml)?;
        if attribute.key.local_name().as_ref() == name.as_bytes() {
            return value(&attribute).map(Some);
        }
    }
    Ok(None)
}

/// Returns what an attribute says.
pub(super) fn value<'a>(attribute: &Attribute<'a>) -> Result<Cow<'a, str>, BadXml> {
    Ok(attribute.normalized_value(XmlVersion::Implicit1_0)?)
}

/// Returns whether an attribute says yes.
pub(super) fn says_yes(start: &BytesStart<'_>, name: &str) -> Result<bool, BadXml> {
    Ok(matches!(attribute(start, name)?.as_deref(), Some("1" | "true" | "on")))
}

/// Adds the text of an event; other events have none.
///
/// # Errors
/// For text that is not UTF-8, a reference to what is not declared, and a document type, which could declare anything.
pub(super) fn add_text(event: &Event<'_>, text: &mut String) -> Result<(), BadXml> {
    match event {
        Event::Text(piece) => text.push_str(&piece.xml10_content().map_err(|_| BadXml)?),
        Event::CData(piece) => text.push_str(&piece.xml10_content().map_err(|_| BadXml)?),
        Event::GeneralRef(reference) => match reference.resolve_char_ref()? {
            Some(letter) => text.push(letter),
            None => {
                let name = reference.decode().map_err(|_| BadXml)?;
                text.push_str(quick_xml::escape::resolve_predefined_entity(&name).ok_or(BadXml)?);
            }
        },
        Event::DocType(_) => return Err(BadXml),
        _ => {}
    }
    Ok(())
}

/// Refuses a declaration of another encoding than UTF-8.
pub(super) fn judge(declaration: &BytesDecl<'_>) -> Result<(), BadXml> {
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(name)) if name.eq_ignore_ascii_case(b"utf-8") || name.eq_ignore_ascii_case(b"utf8") => Ok(()),
        Some(_) => Err(BadXml),
    }
}

/// Calls `see` for every element of a small document, with the local names of those around it.
pub(super) fn walk<E: From<BadXml>>(
    xml: &[u8],
    mut see: impl FnMut(&[Vec<u8>], &BytesStart<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let text = std::str::from_utf8(xml).map_err(|_| BadXml)?;
    let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    reader.config_mut().expand_empty_elements = true;
    let (mut around, mut any): (Vec<Vec<u8>>, bool) = (Vec::new(), false);
    loop {
        match reader.read_event().map_err(BadXml::from)? {
            Event::Start(start) => {
                see(&around, &start)?;
                any = true;
                around.push(start.local_name().as_ref().to_vec());
            }
            Event::End(_) => {
                around.pop();
            }
            Event::Decl(declaration) => judge(&declaration)?,
            Event::DocType(_) => return Err(BadXml.into()),
            Event::Eof if any && around.is_empty() => return Ok(()),
            Event::Eof => return Err(BadXml.into()),
            _ => {}
        }
    }
}

/// Writes out what a workbook writes as `_x000D_`, since XML has no such character.
pub(super) fn unescape(text: &mut String, from: usize) {
    if memchr::memmem::find(&text.as_bytes()[from..], b"_x").is_none() {
        return;
    }
    let escaped = text.split_off(from);
    let mut units: Vec<u16> = Vec::new();
    let mut rest = escaped.as_str();
    while !rest.is_empty() {
        if let Some(unit) = escape(rest) {
            units.push(unit);
            rest = &rest[ESCAPE..];
            continue;
        }
        text.push_str(&String::from_utf16_lossy(&units));
        units.clear();
        let next = rest.char_indices().skip(1).find(|(_, letter)| *letter == '_').map_or(rest.len(), |(at, _)| at);
        text.push_str(&rest[..next]);
        rest = &rest[next..];
    }
    text.push_str(&String::from_utf16_lossy(&units));
}

const ESCAPE: usize = "_x000D_".len();

fn escape(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("_x")?.get(..4)?;
    let whole = text.as_bytes().get(ESCAPE - 1) == Some(&b'_') && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_workbooks_are_written_out_and_what_only_looks_like_one_stays() {
        for (written, meant) in [
            ("a_x000D_\nb", "a\r\nb"),
            ("_x005F_x000D_", "_x000D_"),
            ("_xD83D__xDE00_!", "😀!"),
            ("_xD83D_", "\u{fffd}"),
            ("_x00", "_x00"),
            ("snake_x_case_xyz12_", "snake_x_case_xyz12_"),
            ("ä_x0041_", "äA"),
        ] {
            let mut text = format!("_x0041_{written}");
            unescape(&mut text, 7);
            assert_eq!(text, format!("_x0041_{meant}"));
        }
    }

    #[test]
    fn a_document_type_another_encoding_and_open_elements_are_refused() {
        let walked = |xml: &[u8]| walk(xml, |_, _| Ok::<(), BadXml>(()));
        assert_eq!(walked(b"<?xml version='1.0' encoding='UTF-8'?><a><b/></a>"), Ok(()));
        for xml in [
            &b"<!DOCTYPE a [<!ENTITY b \"c\">]><a/>"[..],
            b"<?xml version='1.0' encoding='iso-8859-1'?><a/>",
            b"<a><b></a>",
            b"<a>",
            b"text",
            b"<a>\xff</a>",
        ] {
            assert_eq!(walked(xml), Err(BadXml), "{}", String::from_utf8_lossy(xml));
        }
    }
}
