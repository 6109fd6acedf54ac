//! One record of a list as a request: its columns found by name, its values turned into identities at once.
//! Raw values end here. Must not know objects, segments or other lists' entries.

use super::date::ListDates;
use super::segment::ListTerms;
use crate::clock::Instant;
use crate::error::Result;
use crate::invisible;
use crate::key::Key;
use crate::near_miss;
use crate::policy::{Effect, Identifier, List, ListMatch, RecordFormat};
use crate::read::{KnownColumns, RawBatch};
use crate::same_name::{folded, normal};
use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use std::borrow::Cow;

/// Makes the identity of a value of one kind, given in its parts, mostly one: whether it is a raw form (R4), and its 32
/// bytes; `None` when a part is blank.
pub type Maker = Box<dyn Fn(&[&str]) -> Option<(bool, [u8; 32])>>;

/// A request as one record says it, without any raw value.
pub(super) struct Request {
    /// Id by which the controller knows the request; it names nobody, unless `names` says so.
    pub(super) request: String,
    /// Whether the id is a value that names the person, as the id of a record does (R83).
    pub(super) names: bool,
    pub(super) received: Instant,
    /// Whether the row says the date itself; if not, it is that of its set (R63).
    pub(super) dated: bool,
    /// Begin of the interval of consent (R32).
    pub(super) from: Option<Instant>,
    /// R32; of a hold its end (R70).
    pub(super) to: Option<Instant>,
    /// Id of the request that this one ends (R30).
    pub(super) lifts: Option<String>,
    /// When the person was told that a restriction ends (R69).
    pub(super) informed: Option<Instant>,
    /// Day by which a hold is to be looked at again (R70).
    pub(super) review_by: Option<Instant>,
    /// Sorted, each once, with its raw flag.
    pub(super) identities: Vec<([u8; 32], bool)>,
}

impl Request {
    /// Keyed hash of all it says: the same request again is the same entry, whichever file it comes in. A row without a date
    /// says the same in every set; `again` is how often such a request has been ended before (R63).
    pub(super) fn id(&self, terms: &ListTerms, key: &Key, again: u32) -> [u8; 16] {
        // Gathered first: one call over all of it takes a third of the time of one for each part.
        let mut said = Vec::with_capacity(256);
        let mut part = |bytes: &[u8]| {
            said.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
            said.extend_from_slice(bytes);
        };
        part(terms.list.as_bytes());
        part(terms.effect.as_bytes());
        part(&[u8::from(terms.purposes.is_some()), u8::from(terms.lift_erase)]);
        for purpose in terms.purposes.iter().flatten() {
            part(purpose.as_bytes());
        }
        part(self.request.as_bytes());
        if !self.dated {
            part(b"undated");
            part(&again.to_le_bytes());
        }
        for instant in [Some(self.received).filter(|_| self.dated), self.from, self.to] {
            part(instant.map(|i| i.0.to_le_bytes()).as_ref().map_or(&[], |bytes| &bytes[..]));
        }
        part(self.lifts.as_deref().unwrap_or("").as_bytes());
        for (identity, _) in &self.identities {
            part(identity);
        }
        // What came later is only there when it is said: ids of entries stored before stay what they were.
        if let Some(ground) = &terms.ground {
            part(format!("ground {ground}").as_bytes());
        }
        if let Some(given_by) = &terms.given_by {
            part(format!("given_by {given_by}").as_bytes());
        }
        for (name, instant) in [("informed", self.informed), ("review_by", self.review_by)] {
            if let Some(instant) = instant {
                part(format!("{name} {}", instant.0).as_bytes());
            }
        }
        if terms.lift_several {
            part(b"several");
        }
        let mut id = [0; 16];
        id.copy_from_slice(&blake3::keyed_hash(key.expose(), &said).as_bytes()[..16]);
        id
    }
}

/// What the entries of a list have in common.
pub(super) fn terms(list: &List) -> ListTerms {
    ListTerms {
        list: list.name.clone(),
        effect: list.effect.name().to_owned(),
        purposes: list.purposes.clone(),
        lift_erase: list.lift_erase,
        lift_several: false,
        ground: list.ground.map(|ground| ground.name().to_owned()),
        given_by: list.given_by.map(|by| by.name().to_owned()),
    }
}

/// Digest of everything that decides how a file of the list is read; it holds no personal data.
pub(super) fn reading(list: &List) -> String {
    let columns = |of: &ListMatch| match &of.columns[..] {
        [column] => serde_json::json!(column),
        columns => serde_json::json!(columns),
    };
    let matched = |of: &ListMatch| (columns(of), of.identifier.kind.clone(), format!("{:?}", of.identifier.normal));
    let matches: Vec<_> = list.matches.iter().map(matched).collect();
    let mut said = serde_json::json!([
        // Raised when normal forms change, so that every list is taken in again.
        3,
        list.effect.name(),
        matches,
        [&list.request, list.request_pattern.as_str(), list.received.as_deref().unwrap_or(""), &list.encoding],
        list.zone.iana_name(),
        list.purposes,
        match &list.records {
            RecordFormat::Csv(csv) => serde_json::json!(csv.delimiter),
            other => serde_json::json!(format!("{other:?}")),
        },
        [&list.interval.0, &list.interval.1, &list.lifts],
        list.lift_erase,
        [&list.member_text],
        list.when,
        [list.snapshot],
    ]);
    if let Some(said) = said.as_array_mut() {
        said.extend(list.formats.as_ref().map(|formats| serde_json::json!(formats)));
        // What came later is only there when it is said: lists without it are not read again.
        if list.ground.is_some() || list.review_by.is_some() || list.informed.is_some() {
            said.push(serde_json::json!([list.ground, list.review_by, list.informed]));
        }
    }
    if let (Some(by), Some(said)) = (list.given_by, said.as_array_mut()) {
        said.push(serde_json::json!(["given_by", by]));
    }
    if let (Some(format), Some(said)) = (&list.sets, said.as_array_mut()) {
        said.push(serde_json::json!(["sets of days", list.received.is_some(), format!("{format:?}")]));
    }
    blake3::hash(said.to_string().as_bytes()).to_hex().to_string()
}

/// What a record says, or why that cannot be read; it names no value.
type RecordRead<T> = std::result::Result<T, Cow<'static, str>>;

/// The cells of one record that a list names, in the order in which its [`Columns`] want them.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a> {
    pub(super) batch: &'a RawBatch,
    pub(super) row: usize,
}

impl<'a> Cells<'a> {
    /// Returns a cell as written, unquoted.
    fn cell(self, at: usize) -> &'a str {
        self.batch.value(self.row, at).unwrap_or_default()
    }
}

/// The columns of a file, and which of them a list wants.
struct ListHeader<'a> {
    names: &'a [String],
    wanted: Vec<usize>,
}

impl ListHeader<'_> {
    /// Finds a column by name after trim and NFC; returns its place among the wanted ones.
    fn find(&mut self, name: &str) -> std::result::Result<usize, String> {
        let wanted = normal(name);
        let near = || near_miss::in_header(&wanted, self.names.iter().map(String::as_str));
        let lacks = || format!("the header lacks the column {name:?}");
        let missing = || near().map_or_else(lacks, |near| format!("{}; {near}", lacks()));
        self.wanted.push(self.names.iter().position(|n| *n == wanted).ok_or_else(missing)?);
        Ok(self.wanted.len() - 1)
    }

    fn maybe(&mut self, name: Option<&String>) -> std::result::Result<Option<usize>, String> {
        name.map(|name| self.find(name)).transpose()
    }
}

/// Where in a file's records the parts of a request are.
pub(super) struct Columns<'a> {
    list: &'a List,
    dates: &'a ListDates,
    /// Patterns of request ids that a lift may name.
    patterns: &'a [&'a regex::Regex],
    request: usize,
    received: Option<usize>,
    /// The date of the set that the file is of (R63).
    of_set: Option<Instant>,
    matches: Vec<(Vec<usize>, &'a Maker)>,
    from: Option<usize>,
    to: Option<usize>,
    lifts: Option<usize>,
    informed: Option<usize>,
    review_by: Option<usize>,
    when: Option<usize>,
}

impl<'a> Columns<'a> {
    /// Finds the list's columns; `makers` has one for each of `list.matches`. Also returns which columns of the file
    /// records have to give. The error is what is wrong with the header; it names columns of the policy, never of the file.
    pub(super) fn find(
        list: &'a List,
        dates: &'a ListDates,
        patterns: &'a [&'a regex::Regex],
        makers: &'a [Maker],
        (names, of_set): (&[String], Option<Instant>),
    ) -> std::result::Result<(Columns<'a>, Vec<usize>), String> {
        refuse_collisions(names, &named(list))?;
        let mut header = ListHeader { names, wanted: Vec::new() };
        let mut matches = Vec::new();
        for (of, maker) in list.matches.iter().zip(makers) {
            let places = of.columns.iter().map(|column| header.find(column));
            matches.push((places.collect::<std::result::Result<Vec<_>, _>>()?, maker));
        }
        let columns = Columns {
            list,
            dates,
            patterns,
            request: header.find(&list.request)?,
            received: header.maybe(list.received.as_ref())?,
            of_set,
            matches,
            from: header.maybe(list.interval.0.as_ref())?,
            to: header.maybe(list.interval.1.as_ref())?,
            lifts: header.maybe(list.lifts.as_ref())?,
            informed: header.maybe(list.informed.as_ref())?,
            review_by: header.maybe(list.review_by.as_ref())?,
            when: header.maybe(list.when.as_ref().map(|(column, _)| column))?,
        };
        Ok((columns, header.wanted))
    }

    /// Reads a record; none when `when` says that it is no request. The error says why it cannot be read, and names no
    /// value.
    pub(super) fn read(&self, record: Option<Cells<'_>>) -> RecordRead<Option<Request>> {
        let Some(record) = record else {
            return Err("the record has more or fewer cells than the header".into());
        };
        if !self.meant(record) {
            return Ok(None);
        }
        let request = record.cell(self.request).trim();
        if !self.list.request_pattern.is_match(request) {
            return Err("the request id does not match request_pattern".into());
        }
        let to = self.limit(record, self.to, &self.list.interval.1)?;
        let review_by = self.limit(record, self.review_by, &self.list.review_by)?;
        let ends = self.to.is_some() || self.review_by.is_some();
        if self.list.effect == Effect::Hold && ends && to.is_none() && review_by.is_none() {
            return Err("a hold needs a day on which it ends, or by which somebody looks at it again (R70)".into());
        }
        let (received, dated) = self.received(record)?;
        Ok(Some(Request {
            request: request.to_owned(),
            names: self.names_person(record, request),
            received,
            dated,
            from: self.limit(record, self.from, &self.list.interval.0)?,
            to,
            lifts: self.lifted(record)?,
            informed: self.limit(record, self.informed, &self.list.informed)?,
            review_by,
            identities: self.identities(record)?,
        }))
    }

    /// R83: whether a request id is one of the values of match, in whichever column it stands. Whoever copies a value copies its
    /// first letter: others are not looked at, because a hash takes its time.
    fn names_person(&self, record: Cells<'_>, request: &str) -> bool {
        let first = |text: &str| text.trim().chars().next().map(|first| first.to_ascii_lowercase());
        let own = first(request);
        self.list.request_names_person()
            || self.matches.iter().any(|(places, maker)| match places[..] {
                [at] if first(record.cell(at)) == own => maker(&[record.cell(at)]) == maker(&[request]),
                _ => places.iter().any(|at| record.cell(*at).trim() == request),
            })
    }

    /// When the request was received, and whether the row itself says so. A row that says nothing is of its set's date (R63).
    fn received(&self, record: Cells<'_>) -> RecordRead<(Instant, bool)> {
        let cell = self.received.map(|at| record.cell(at)).unwrap_or_default();
        match &self.list.received {
            Some(column) if self.list.sets.is_none() || !invisible::is_blank(cell) => {
                Ok((self.instant(cell, column)?, true))
            }
            _ => {
                let none = "it has no date, and the name of its set does not say one: give the list `set_format`";
                Ok((self.of_set.ok_or(none)?, false))
            }
        }
    }

    /// Compares as an exclude does (R22): trim, NFC, case folding.
    fn meant(&self, record: Cells<'_>) -> bool {
        let (Some(at), Some((_, equals))) = (self.when, &self.list.when) else { return true };
        let cell = invisible::seen(record.cell(at));
        let cell = ComposingNormalizerBorrowed::new_nfc().normalize(cell.trim()).into_owned();
        let cell = CaseMapper::new().fold_string(&cell).into_owned();
        equals.contains(&cell)
    }

    fn instant(&self, cell: &str, column: &str) -> RecordRead<Instant> {
        self.dates.read(cell).map_err(|unusable| format!("column {column:?}: {}", unusable.what()).into())
    }

    /// A blank cell is no limit.
    fn limit(&self, record: Cells<'_>, at: Option<usize>, column: &Option<String>) -> RecordRead<Option<Instant>> {
        let (Some(at), Some(column)) = (at, column) else { return Ok(None) };
        let cell = record.cell(at);
        if cell.trim().is_empty() { Ok(None) } else { self.instant(cell, column).map(Some) }
    }

    fn lifted(&self, record: Cells<'_>) -> RecordRead<Option<String>> {
        let Some(id) = self.lifts.map(|at| record.cell(at).trim()) else { return Ok(None) };
        if !self.patterns.iter().any(|p| p.is_match(id)) {
            return Err("the id of the request to end matches no list's request_pattern".into());
        }
        Ok(Some(id.to_owned()))
    }

    fn identities(&self, record: Cells<'_>) -> RecordRead<Vec<([u8; 32], bool)>> {
        let mut identities = Vec::new();
        for (places, maker) in &self.matches {
            let values: Vec<&str> = places.iter().map(|at| record.cell(*at)).collect();
            let blank = values.iter().filter(|value| invisible::is_blank(value)).count();
            if blank > 0 && blank < values.len() {
                return Err("a value of match lacks one of its parts".into());
            }
            identities.extend(maker(&values).map(|(raw, identity)| (identity, raw)));
        }
        identities.sort_unstable();
        identities.dedup();
        if identities.is_empty() && !self.matches.is_empty() {
            return Err("no column of match has a value".into());
        }
        Ok(identities)
    }
}

/// Returns what a list knows of the columns of its files.
pub(super) fn known(list: &List) -> KnownColumns {
    let identifying = list.matches.iter().flat_map(|of| &of.columns).cloned().collect();
    KnownColumns { needed: named(list).into_iter().map(str::to_owned).collect(), identifying }
}

/// The columns that a list names.
fn named(list: &List) -> Vec<&str> {
    let optional = [&list.interval.0, &list.interval.1, &list.lifts, &list.received, &list.informed, &list.review_by];
    let optional = optional.into_iter().flatten();
    let matches = list.matches.iter().flat_map(|of| &of.columns);
    let when = list.when.iter().map(|(column, _)| column);
    [&list.request].into_iter().chain(optional).chain(matches).chain(when).map(String::as_str).collect()
}

/// Refuses a column of the list that the header has twice; others may have no name, or the same one.
fn refuse_collisions(names: &[String], named: &[&str]) -> std::result::Result<(), String> {
    let named: Vec<String> = named.iter().map(|name| folded(name)).collect();
    let mut seen = std::collections::HashMap::new();
    for (at, name) in names.iter().enumerate() {
        let name = folded(name);
        if let Some(first) = seen.insert(name.clone(), at).filter(|_| named.contains(&name)) {
            let said = "have the same name, apart from case and characters that nobody sees";
            return Err(format!("columns {} and {} {said}", first + 1, at + 1));
        }
    }
    Ok(())
}

/// One maker per column of `match`.
pub(super) fn makers(list: &List, make: &dyn Fn(&Identifier) -> Result<Maker>) -> Result<Vec<Maker>> {
    list.matches.iter().map(|of| make(&of.identifier)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_when_anything_differs() {
        let key = Key::new([2; 32]);
        let terms = ListTerms { list: "a".into(), effect: "erase".into(), ..ListTerms::default() };
        let base = || Request {
            request: "C-1".into(),
            names: false,
            received: Instant(1),
            dated: true,
            from: None,
            to: None,
            lifts: None,
            informed: None,
            review_by: None,
            identities: vec![([1; 32], false), ([2; 32], true)],
        };
        let mut ids = vec![
            base().id(&terms, &key, 0),
            base().id(&terms, &Key::new([3; 32]), 0),
            base().id(&ListTerms { list: "b".into(), ..terms.clone() }, &key, 0),
            base().id(&ListTerms { effect: "restrict".into(), ..terms.clone() }, &key, 0),
            base().id(&ListTerms { purposes: Some(vec![]), ..terms.clone() }, &key, 0),
            base().id(&ListTerms { purposes: Some(vec!["C-1".into()]), ..terms.clone() }, &key, 0),
            Request { request: "C-2".into(), ..base() }.id(&terms, &key, 0),
            Request { received: Instant(2), ..base() }.id(&terms, &key, 0),
            Request { from: Some(Instant(1)), ..base() }.id(&terms, &key, 0),
            Request { to: Some(Instant(1)), ..base() }.id(&terms, &key, 0),
            Request { lifts: Some("C-1".into()), ..base() }.id(&terms, &key, 0),
            Request { identities: vec![([1; 32], false)], ..base() }.id(&terms, &key, 0),
            Request { informed: Some(Instant(1)), ..base() }.id(&terms, &key, 0),
            Request { review_by: Some(Instant(1)), ..base() }.id(&terms, &key, 0),
            base().id(&ListTerms { ground: Some("b".into()), ..terms.clone() }, &key, 0),
            base().id(&ListTerms { lift_several: true, ..terms.clone() }, &key, 0),
        ];
        let undated =
            |received, again| Request { received: Instant(received), dated: false, ..base() }.id(&terms, &key, again);
        assert_eq!(undated(1, 0), undated(2, 0), "R63: the same in every set");
        ids.extend([undated(1, 0), undated(1, 1)]);
        assert_eq!(base().id(&terms, &key, 0), ids[0]);
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 18);
    }
}
