//! XML as workbooks have it: UTF-8, without a document type, in well-formed pieces. Elements of other namespaces than a
//! workbook's own are told apart.

use quick_xml::XmlVersion;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;
use std::borrow::Cow;

/// Namespaces of the parts of a workbook: as Office writes it, as the standard would have it, and of its relations.
const OWN: [&[u8]; 3] = [
    b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    b"http://purl.oclc.org/ooxml/spreadsheetml/main",
    b"http://schemas.openxmlformats.org/package/2006/relationships",
];
/// Elements in one another, at most.
pub(super) const DEEPEST: usize = 256;

/// XML that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadXml;

impl From<quick_xml::Error> for BadXml {
    fn from(_: quick_xml::Error) -> BadXml {
        BadXml
    }
}

/// The names of a document's own elements: all have the prefix of its root, which nothing within binds anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OwnNames {
    /// With its colon.
    prefix: Vec<u8>,
}

impl OwnNames {
    /// Takes the prefix of a root element.
    ///
    /// # Errors
    /// For a root of another namespace than those of workbooks.
    pub fn of_root(start: &BytesStart<'_>) -> Result<OwnNames, BadXml> {
        let (name, local) = (start.name(), start.local_name());
        let own = OwnNames { prefix: name.as_ref()[..name.as_ref().len() - local.as_ref().len()].to_vec() };
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| BadXml)?;
            if own.binds(attribute.key.as_ref()) {
                return if OWN.contains(&value(&attribute)?.as_bytes()) { Ok(own) } else { Err(BadXml) };
            }
        }
        if own.prefix.is_empty() { Ok(own) } else { Err(BadXml) }
    }

    /// Returns a name with the prefix.
    pub fn of(&self, local: &str) -> Vec<u8> {
        [&self.prefix, local.as_bytes()].concat()
    }

    /// Returns the name of an element without the prefix; none for an element of somebody else.
    ///
    /// # Errors
    /// For an element that binds the prefix anew: what is within could be anything.
    pub fn local<'a>(&self, start: &'a BytesStart<'_>) -> Result<Option<&'a [u8]>, BadXml> {
        if memchr::memmem::find(start.attributes_raw(), b"xmlns").is_some() {
            for attribute in start.attributes() {
                self.keeps(attribute.map_err(|_| BadXml)?.key.as_ref())?;
            }
        }
        Ok(self.strip(start))
    }

    /// Returns the same without a look at attributes, for whose keys [`OwnNames::keeps`] is asked.
    pub fn strip<'a>(&self, start: &'a BytesStart<'_>) -> Option<&'a [u8]> {
        let whole: &[u8] = start.name().into_inner();
        whole.strip_prefix(&self.prefix[..]).filter(|local| !local.contains(&b':'))
    }

    /// Refuses the key of an attribute that binds the prefix anew.
    pub fn keeps(&self, key: &[u8]) -> Result<(), BadXml> {
        if self.binds(key) { Err(BadXml) } else { Ok(()) }
    }

    fn binds(&self, key: &[u8]) -> bool {
        let prefix = self.prefix.strip_suffix(b":").unwrap_or_default();
        key.strip_prefix(b"xmlns").is_some_and(|rest| rest.strip_prefix(b":").unwrap_or(rest) == prefix)
    }
}

/// Returns an attribute by its name, which has no prefix.
pub(super) fn attribute<'a>(start: &'a BytesStart<'_>, name: &str) -> Result<Option<Cow<'a, str>>, BadXml> {
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| BadXml)?;
        if attribute.key.as_ref() == name.as_bytes() {
            return value(&attribute).map(Some);
        }
    }
    Ok(None)
}

/// Returns the only attribute that has this name after a prefix, such as `r:id`.
pub(super) fn prefixed<'a>(start: &'a BytesStart<'_>, name: &str) -> Result<Option<Cow<'a, str>>, BadXml> {
    let mut found = None;
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| BadXml)?;
        let (local, prefix) = attribute.key.decompose();
        if prefix.is_some() && local.as_ref() == name.as_bytes() && found.replace(value(&attribute)?).is_some() {
            return Err(BadXml);
        }
    }
    Ok(found)
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

/// Calls `see` for every element of a small document, with the local names of those around it. Elements of another
/// namespace than that of the root are passed over with all that is in them, as extensions are, and so is a root that is
/// none of a workbook's.
pub(super) fn walk<E: From<BadXml>>(
    xml: &[u8],
    mut see: impl FnMut(&[Vec<u8>], &BytesStart<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let text = std::str::from_utf8(xml).map_err(|_| BadXml)?;
    let mut reader = NsReader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    reader.config_mut().expand_empty_elements = true;
    let (mut around, mut root, mut foreign): (Vec<Vec<u8>>, Option<Vec<u8>>, usize) = (Vec::new(), None, 0);
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(BadXml::from)?;
        match event {
            Event::Start(start) => {
                let namespace = match namespace {
                    ResolveResult::Bound(Namespace(namespace)) => namespace,
                    ResolveResult::Unbound => b"",
                    ResolveResult::Unknown(_) => return Err(BadXml.into()),
                };
                if around.is_empty() && root.is_some() || around.len() > DEEPEST {
                    return Err(BadXml.into());
                }
                let root = root.get_or_insert_with(|| namespace.to_vec());
                let own = namespace == root && (root.is_empty() || OWN.contains(&root.as_slice()));
                if own && foreign == 0 {
                    see(&around, &start)?;
                } else {
                    foreign += 1;
                }
                around.push(start.local_name().as_ref().to_vec());
            }
            Event::End(_) => {
                around.pop();
                foreign = foreign.saturating_sub(1);
            }
            Event::Decl(declaration) => judge(&declaration)?,
            Event::Text(text) if around.is_empty() && !text.iter().all(u8::is_ascii_whitespace) => {
                return Err(BadXml.into());
            }
            Event::CData(_) | Event::GeneralRef(_) if around.is_empty() => return Err(BadXml.into()),
            Event::DocType(_) => return Err(BadXml.into()),
            Event::Eof if root.is_some() && around.is_empty() => return Ok(()),
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
            b"<a/><a/>",
            b"<a/>text",
            b"<a/>&amp;",
            b"<b:a/>",
        ] {
            assert_eq!(walked(xml), Err(BadXml), "{}", String::from_utf8_lossy(xml));
        }
    }

    #[test]
    fn elements_of_other_namespaces_are_not_seen_nor_what_is_in_them() {
        let main = String::from_utf8_lossy(OWN[0]);
        let seen = |xml: &str| {
            let mut names = Vec::new();
            let walked = walk(xml.as_bytes(), |_, start| {
                names.push(String::from_utf8_lossy(start.local_name().as_ref()).into_owned());
                Ok::<(), BadXml>(())
            });
            walked.map(|()| names.join(" "))
        };
        for (xml, names) in [
            (format!("<a xmlns='{main}' xmlns:f='urn:other'><b/><f:c><b/></f:c><d/></a>"), "a b d"),
            (format!("<x:a xmlns:x='{main}'><x:b/><b/><x:d xmlns:x='urn:other'><x:e/></x:d></x:a>"), "a b"),
            (format!("<a><b/><c xmlns='{main}'/></a>"), "a b"),
            ("<a xmlns='urn:other'><b/></a>".into(), ""),
        ] {
            assert_eq!(seen(&xml).as_deref(), Ok(names), "{xml}");
        }
    }

    #[test]
    fn names_of_a_document_have_the_prefix_of_its_root_and_nothing_binds_it_anew() {
        let main = String::from_utf8_lossy(OWN[1]);
        let root = format!("x:sst xmlns:x=\"{main}\"");
        let own = OwnNames::of_root(&BytesStart::from_content(&root, 5)).unwrap();
        for (element, name, local) in [
            ("x:si", 4, Ok(Some(&b"si"[..]))),
            ("x:si xmlns:y='u' xmlns='v'", 4, Ok(Some(&b"si"[..]))),
            ("y:si", 4, Ok(None)),
            ("si", 2, Ok(None)),
            ("x:si xmlns:x='u'", 4, Err(BadXml)),
        ] {
            assert_eq!(own.local(&BytesStart::from_content(element, name)), local, "{element}");
        }
        for (root, name) in [("sst xmlns='urn:other'", 3), ("x:sst", 5), ("x:sst xmlns='u'", 5)] {
            assert_eq!(OwnNames::of_root(&BytesStart::from_content(root, name)), Err(BadXml), "{root}");
        }
        assert_eq!(OwnNames::of_root(&BytesStart::from_content("sst", 3)), Ok(OwnNames::default()));
    }
}
