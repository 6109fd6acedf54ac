//! `policy.toml` on its own: every rule that needs no other file, and what the other checks ask of it.
//! Must not know sources or jobs.

use super::check_recipient::recipient;
use super::finding::Page;
use super::format::{self, Dated};
use super::plan::{
    Effect, Identifier, KeyFrom, KeySource, LinkRules, List, ListMatch, Normal, PhoneRegion, Purpose, Recipient,
    RemovalRules, SetFormat,
};
use super::policy_spec::{
    KeysSpec, LinksSpec, ListSpec, PolicySpec, PurposeSpec, RecipientSpec, RemovalSpec, WhenSpec,
};
use super::spec::{At, Category, Named};
use super::value::{self, PlaceKind};
use crate::store::{local_folder, settle};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf, absolute};

/// What stands for the name of an export set in a place.
const SET: &str = "{set}";
const REQUEST_PATTERN: &str = "[A-Za-z0-9-]{1,40}";
const MOST: i64 = 1_000_000;
/// Most columns that make up one value.
const MOST_PARTS: usize = 8;

/// The policy file, checked on its own.
pub(super) struct Policy<'a> {
    pub page: Page<'a>,
    pub spec: &'a PolicySpec,
    pub roots: BTreeMap<String, String>,
    pub keys: Option<KeySource>,
    pub purposes: BTreeMap<&'a str, Option<Purpose>>,
    pub recipients: BTreeMap<&'a str, Recipient>,
    pub lists: BTreeMap<String, Option<List>>,
    pub removal: Option<RemovalRules>,
    pub links: Option<LinkRules>,
}

/// Checks a policy. `overrides` are `--root NAME=URL`.
/// `today` tells which reviews are due; without it nobody is told.
pub(super) fn check<'a>(
    page: Page<'a>,
    spec: &'a PolicySpec,
    overrides: &[(String, String)],
    today: Option<Date>,
) -> Policy<'a> {
    value::version(page, &spec.spec);
    value::said(page, &spec.controller);
    let contact = spec.contact.iter().flat_map(|contact| [&contact.privacy, &contact.dpo, &contact.authority]);
    contact.flatten().for_each(|at| drop(value::said(page, at)));
    let roots = roots(page, spec, overrides);
    let keys = keys(page, &spec.keys, &roots);
    let recipients = spec.recipients.iter().map(|(name, r)| (name.as_str(), recipient(page, name, r, today))).collect();
    let purposes = spec.purposes.iter().map(|(name, p)| (name.as_str(), purpose(page, name, p, &spec.recipients)));
    let purposes = purposes.collect();
    let lists = spec.lists.iter().flat_map(Named::iter);
    let lists = lists.map(|(name, l)| (name.to_string(), list(page, name, l, &roots, &spec.purposes))).collect();
    let removal = removal(page, spec.removal.as_ref());
    let links = links(page, spec.links.as_ref());
    Policy { page, spec, roots, keys, purposes, recipients, lists, removal, links }
}

fn folder<'a>(page: Page<'a>) -> &'a Path {
    Path::new(&page.file.path).parent().unwrap_or(Path::new("."))
}

fn roots(page: Page, spec: &PolicySpec, overrides: &[(String, String)]) -> BTreeMap<String, String> {
    let mut roots = BTreeMap::new();
    for (name, at) in spec.roots.iter() {
        value::name(page, name);
        match root(at, folder(page)) {
            Ok(url) => drop(roots.insert(name.to_string(), url)),
            Err(why) => {
                let help = "write a path, or a URL that begins with file, s3, az or gs, without a query";
                page.fault(at.span(), "root", why, help);
                roots.insert(name.to_string(), String::new());
            }
        }
    }
    for (name, text) in overrides {
        match (roots.contains_key(name), root(text, Path::new(""))) {
            (true, Ok(url)) => drop(roots.insert(name.clone(), url)),
            (true, Err(why)) => {
                page.fault(spec.roots.span(), "root-override", format!("--root {name}: {why}"), "give a path or a URL");
            }
            (false, _) => {
                let help = format!("roots: {}", roots.keys().map(String::as_str).collect::<Vec<_>>().join(", "));
                page.fault(
                    spec.roots.span(),
                    "root-override",
                    "--root names a root that the policy does not have",
                    help,
                );
            }
        }
    }
    if !roots.contains_key("state") {
        let help = "add state = …: ledger, manifests and stored requests are kept there";
        page.fault(spec.roots.span(), "no-state-root", "the root `state` is missing", help);
    }
    roots
}

/// An absolute path without `.` and `..`, which are taken as typed, links not followed.
fn whole_path(path: &Path) -> Option<String> {
    let mut whole = PathBuf::new();
    for part in absolute(path).ok()?.components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            part => whole.push(part),
        }
    }
    Some(whole.to_str()?.to_owned())
}

/// A URL unchanged, a path made absolute.
fn root(text: &str, base: &Path) -> Result<String, &'static str> {
    if text.trim().is_empty() {
        return Err("an empty root");
    }
    if !text.contains("://") {
        return whole_path(&base.join(text)).ok_or("not a path");
    }
    let url = url::Url::parse(text).map_err(|_| "not a URL")?;
    if !matches!(url.scheme(), "file" | "s3" | "az" | "gs") {
        return Err("a kind of storage that tamis does not know");
    }
    if url.query().is_some() || url.fragment().is_some() || url.password().is_some() || !url.username().is_empty() {
        return Err("a root must not have credentials or a query");
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn keys(page: Page, at: &At<KeysSpec>, roots: &BTreeMap<String, String>) -> Option<KeySource> {
    let epoch = value::name(page, &at.epoch);
    let from = match (&at.dir, &at.credential, &at.command) {
        (Some(dir), None, None) => key_dir(page, dir, roots),
        (None, Some(name), None) => credential(page, name),
        (None, None, Some(command)) => command_line(page, command),
        _ => {
            page.fault(
                at.span(),
                "keys-source",
                "keys come from exactly one place",
                "keep one of dir, credential, command",
            );
            None
        }
    };
    Some(KeySource { from: from?, epoch: epoch? })
}

fn key_dir(page: Page, at: &At<String>, roots: &BTreeMap<String, String>) -> Option<KeyFrom> {
    value::said(page, at)?;
    let dir = whole_path(&folder(page).join(at.as_str()))?;
    let real = settle(Path::new(&dir)).unwrap_or_else(|| PathBuf::from(&dir));
    let inside = |root: &String| {
        Path::new(&dir).starts_with(root) || local_folder(root).is_some_and(|folder| real.starts_with(folder))
    };
    if roots.values().any(|root| !root.is_empty() && inside(root)) {
        let help = "anybody who may read the root could make tokens from guesses; keep keys elsewhere";
        page.hint(at.span(), "keys-in-root", "the keys lie inside a root", help);
    }
    Some(KeyFrom::Dir(dir))
}

fn credential(page: Page, at: &At<String>) -> Option<KeyFrom> {
    let plain = at.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) && !at.is_empty();
    if !plain || at.starts_with('.') {
        let help = "write the credential's name in letters, digits, dots, hyphens and underscores";
        page.fault(at.span(), "keys-source", "not a name of a credential", help);
        return None;
    }
    Some(KeyFrom::Credential(at.to_string()))
}

fn command_line(page: Page, at: &At<Vec<String>>) -> Option<KeyFrom> {
    let mut command = (**at).clone();
    match command.first_mut().filter(|program| !program.trim().is_empty()) {
        Some(program) if program.contains('/') => {
            *program = whole_path(&folder(page).join(&*program))?;
        }
        Some(_) => {}
        None => {
            page.fault(
                at.span(),
                "keys-source",
                "no program that prints keys is named",
                "write [\"program\", \"argument\", …]",
            );
            return None;
        }
    }
    Some(KeyFrom::Command(command))
}

fn purpose(page: Page, at: &At<String>, spec: &PurposeSpec, recipients: &Named<RecipientSpec>) -> Option<Purpose> {
    let name = value::name(page, at);
    value::said(page, &spec.description);
    value::said(page, &spec.reference);
    spec.condition.as_ref().map(|at| value::said(page, at));
    let max_keep = value::keep(page, &spec.max_keep);
    let min_k = value::number(page, Some(&spec.min_k), 1..MOST, 1);
    for category in spec.categories.iter() {
        category_fits(page, category, spec);
    }
    if spec.recipients.is_empty() {
        let help = "name at least one recipient: nothing can be published without";
        page.fault(spec.recipients.span(), "no-recipient", "the purpose has no recipient", help);
    }
    for recipient in spec.recipients.iter().filter(|r| recipients.get(r).is_none()) {
        let help = format!("add [recipients.{}], or name one that is there", recipient.as_str());
        page.fault(recipient.span(), "unknown-recipient", "no such recipient", help);
    }
    let basis = *spec.lawful_basis;
    let direct_marketing = spec.direct_marketing.as_ref().is_some_and(|at| **at);
    let undated = spec.undated.iter().flat_map(|list| list.iter()).map(|undated| **undated).collect();
    let min_k = u32::try_from(min_k?).ok()?;
    Some(Purpose { name: name?, basis, direct_marketing, max_keep: max_keep?, undated, min_k })
}

fn category_fits(page: Page, category: &At<Category>, spec: &PurposeSpec) {
    match **category {
        Category::Secret => {
            page.fault(
                category.span(),
                "secret",
                "category secret can serve no purpose",
                "leave it out: secret columns never leave",
            );
        }
        Category::Special if spec.condition.is_none() => {
            let help = "add condition = the condition of Art. 9(2) GDPR that holds";
            page.fault(category.span(), "category-condition", "category special needs a condition", help);
        }
        _ => {}
    }
}

fn removal(page: Page, spec: Option<&RemovalSpec>) -> Option<RemovalRules> {
    let grace = value::period_or(page, spec.and_then(|s| s.grace.as_ref()), "PT24H");
    let raw_keep = match spec.and_then(|s| s.raw_keep.as_ref()) {
        Some(at) => value::keep(page, at).map(Some),
        None => Some(None),
    };
    let entry_keep = value::period_or(page, spec.and_then(|s| s.entry_keep.as_ref()), "P10Y");
    let due = value::period_or(page, spec.and_then(|s| s.due.as_ref()), "P1M");
    let removal = RemovalRules { grace: grace?, raw_keep: raw_keep?, entry_keep: entry_keep?, due: due? };
    if let (Some(raw), Some(at)) = (&removal.raw_keep, spec.and_then(|s| s.raw_keep.as_ref()))
        && !raw.within(&removal.entry_keep)
    {
        let help = "an old export read again would bring the person back: make entry_keep longer or raw_keep shorter";
        page.fault(at.span(), "entry-keep", "raw exports are kept longer than stored requests", help);
    }
    if let Some(at) = spec.and_then(|s| s.entry_keep.as_ref()) {
        let help = "a person whose request is dropped would come back with any export, backup or request file that \
                    still has them, and tamis cannot know that none has; entry_keep is held against raw_keep, nothing more";
        page.hint(
            at.span(),
            "entry-keep-drops-nothing",
            "`entry_keep` deletes nothing: requests are kept as long as the state",
            help,
        );
    }
    Some(removal)
}

fn links(page: Page, spec: Option<&LinksSpec>) -> Option<LinkRules> {
    let alias = value::number(page, spec.and_then(|s| s.max_alias_fanout.as_ref()), 1..MOST, 5);
    let strong = value::number(page, spec.and_then(|s| s.max_strong_fanout.as_ref()), 1..MOST, 50);
    let retired = spec.and_then(|s| s.retired.as_ref());
    Some(LinkRules {
        max_alias_fanout: usize::try_from(alias?).ok()?,
        max_strong_fanout: usize::try_from(strong?).ok()?,
        retired: retired.into_iter().flat_map(|list| list.iter()).map(|at| value::trimmed(at)).collect(),
    })
}

/// R4: the rules of an identifier as written; `None` when there is no such kind.
fn normal(kind: &str, phone: PhoneRegion) -> Option<Normal> {
    match kind {
        "email" => Some(Normal::Email),
        "salesforce-id" => Some(Normal::SalesforceId),
        "phone" => Some(Normal::Phone(phone)),
        "guid" => Some(Normal::Guid),
        _ => {
            let (name, normal) = match kind.strip_suffix("/any-case") {
                Some(name) => (name, Normal::AnyCase),
                None => (kind, Normal::Text),
            };
            let scoped =
                name.split_once('@').is_some_and(|(name, scope)| value::is_name(name) && value::is_name(scope));
            (name == "text" || scoped).then_some(normal)
        }
    }
}

/// Whether there is such a kind of identifier.
pub(super) fn is_kind(kind: &str) -> bool {
    normal(kind, PhoneRegion::International).is_some()
}

/// R4: an identifier as written, with its normalisation version. Phones get `phone` as their region.
pub(super) fn identifier(page: Page, at: &At<String>, phone: PhoneRegion) -> Option<Identifier> {
    let Some(normal) = normal(at, phone) else {
        let help = "use email, phone, salesforce-id, guid, text, or name@scope for a numbering of its own, the last two \
                    with /any-case after it where case says nothing (R4)";
        page.fault(at.span(), "identifier", "not a kind of identifier", help);
        return None;
    };
    Some(Identifier::new(format!("{}/1", at.as_str()), normal))
}

/// R51: an identifier put together of parts. They have no rule but that of text.
pub(super) fn of_parts(page: Page, at: &At<String>, identifier: Identifier, parts: usize) -> Option<Identifier> {
    if parts > 1 && !matches!(identifier.normal, Normal::Text | Normal::AnyCase) {
        let help = "write name@scope for a numbering of its own, with /any-case after it where case says nothing (R51)";
        page.fault(at.span(), "parts", "a value of this kind is not put together of parts", help);
        return None;
    }
    Some(identifier.of_parts(parts))
}

fn list(
    page: Page,
    name: &At<String>,
    spec: &ListSpec,
    roots: &BTreeMap<String, String>,
    purposes: &Named<PurposeSpec>,
) -> Option<List> {
    let own_name = value::name(page, name);
    snapshot(page, spec);
    list_keys(page, name, spec);
    list_terms(page, name, spec);
    let input = value::location(page, &spec.input, roots, PlaceKind::List);
    let member = match &spec.member {
        Some(at) => value::glob(page, at).map(Some),
        None => Some(None),
    };
    let when = spec.when.as_ref().map_or(Some(None), |at| when(page, at).map(Some));
    let matches = matches(page, spec);
    let request = value::said(page, &spec.request);
    let request_pattern = request_pattern(page, spec.request_pattern.as_ref());
    let (received, sets) = (list_received(page, name, spec), list_sets(page, spec));
    let zone = spec.zone.as_ref().map_or(Some(TimeZone::UTC), |at| value::zone(page, at));
    let formats = list_formats(page, spec, zone.as_ref());
    let encoding = value::encoding(page, spec.encoding.as_ref());
    let delimiter = spec.delimiter.as_ref().map_or(Some(b','), |at| value::ascii(page, at));
    let max_lifted = value::share_or(page, spec.max_lifted.as_ref(), "0%");
    let limited = list_purposes(page, name, spec, purposes);
    let column = |at: &Option<At<String>>| at.as_ref().map(|at| value::trimmed(at));
    let yes = |at: &Option<At<bool>>| at.as_ref().is_some_and(|at| **at);
    let hold = *spec.effect == Effect::Hold;
    Some(List {
        name: own_name?,
        input: input?,
        effect: *spec.effect,
        member: member?,
        member_text: spec.member.as_ref().map(|at| at.to_string()),
        when: when?,
        matches: matches?,
        request: value::trimmed(&request?),
        request_pattern: request_pattern?,
        received: received?,
        sets: sets?,
        formats: formats?,
        zone: zone?,
        purposes: limited?,
        encoding: encoding?,
        delimiter: delimiter?,
        snapshot: yes(&spec.snapshot),
        max_lifted: max_lifted?,
        may_be_empty: yes(&spec.may_be_empty),
        ground: spec.ground.as_ref().map(|at| **at),
        interval: (column(&spec.from), column(if hold { &spec.until } else { &spec.to })),
        review_by: column(&spec.review_by),
        informed: column(&spec.informed),
        lifts: column(&spec.lifts),
        lift_erase: yes(&spec.lift_erase),
    })
}

/// Formats of a list's dates; inner `None` = the forms that need none.
fn list_formats(page: Page, spec: &ListSpec, zone: Option<&TimeZone>) -> Option<Option<Vec<String>>> {
    let Some(list) = &spec.formats else { return Some(None) };
    format::formats(page, list, Dated::List, zone.unwrap_or(&TimeZone::UTC)).map(|(formats, _)| Some(formats))
}

fn when(page: Page, spec: &WhenSpec) -> Option<(String, Vec<String>)> {
    let column = value::said(page, &spec.column);
    if spec.equals.is_empty() || spec.equals.iter().any(|at| at.trim().is_empty()) {
        let help = "list the values that make a row a request";
        page.fault(spec.equals.span(), "empty-text", "a blank value is never a request", help);
        return None;
    }
    Some((value::trimmed(&column?), spec.equals.iter().map(|at| value::folded(at)).collect()))
}

/// R63: the column of the date, without which rows need a set that has one.
fn list_received(page: Page, name: &At<String>, spec: &ListSpec) -> Option<Option<String>> {
    let Some(at) = &spec.received else {
        if spec.input.contains(SET) {
            return Some(None);
        }
        let help = "add received = the column with the date, or {set} in `input` where the file's path says it (R63)";
        page.fault(name.span(), "missing-key", "`received` is required here", help);
        return None;
    };
    value::said(page, at).map(|at| Some(value::trimmed(&at)))
}

/// R63: how the sets of a list are named, where it has any.
fn list_sets(page: Page, spec: &ListSpec) -> Option<Option<Option<SetFormat>>> {
    let format = match &spec.set_format {
        Some(at) => Some(format::set(page, at)?),
        None => None,
    };
    if !spec.input.contains(SET) {
        if let Some(at) = &spec.set_format {
            page.fault(at.span(), "unused-key", "`set_format` reads {set}, and `input` has none", "leave it out");
        }
        return Some(None);
    }
    if matches!(*spec.effect, Effect::Withdraw | Effect::Consent | Effect::Lift) {
        let help = "leave {set} out and name a column with the date: it is compared with dates of consents and requests; \
                    where a column of the export says who consents, use [consent] of its source (R63)";
        page.fault(spec.input.span(), "list-undated", "rows of this effect need a date of their own", help);
        return None;
    }
    if let Some(at) = spec.snapshot.as_ref().filter(|at| ***at) {
        let help = "leave `snapshot` out, or {set}: a snapshot is one file that is replaced";
        page.fault(at.span(), "list-snapshot", "a snapshot has no sets", help);
        return None;
    }
    Some(Some(format))
}

/// What absence from a file must not undo.
fn snapshot(page: Page, spec: &ListSpec) {
    let Some(at) = spec.snapshot.as_ref().filter(|at| ***at) else { return };
    match *spec.effect {
        Effect::Erase => {
            let help = "leave `snapshot` out, and end an erasure with a lift that says lift_erase (R30)";
            page.fault(at.span(), "list-snapshot", "a row that is missing must not undo an erasure", help);
        }
        Effect::Lift => page.fault(at.span(), "list-snapshot", "a lift is never taken back", "leave `snapshot` out"),
        _ => {}
    }
}

/// Which keys belong to which effect (R29, R30, R32).
fn list_keys(page: Page, name: &At<String>, spec: &ListSpec) {
    let (lift, consent) = (*spec.effect == Effect::Lift, *spec.effect == Effect::Consent);
    let unused = |at: std::ops::Range<usize>, text: &str, help: &str| page.fault(at, "unused-key", text, help);
    if let Some(at) = spec.r#match.as_ref().filter(|_| lift) {
        page.fault(at.span(), "list-match", "a lift list has no match", "it names requests in `lifts` (R30)");
    }
    if spec.r#match.as_ref().is_none_or(|m| m.is_empty()) && !lift {
        let at = spec.r#match.as_ref().map_or(name.span(), At::span);
        page.fault(
            at,
            "list-match",
            "the list does not say how to find a person",
            "add match = { Column = \"email\" }",
        );
    }
    if lift && spec.lifts.is_none() {
        let help = "add lifts = the column with the id of the request that ends (R30)";
        page.fault(name.span(), "list-lift", "a lift list needs `lifts`", help);
    }
    if let Some(at) = spec.lifts.as_ref().filter(|_| !lift) {
        unused(at.span(), "`lifts` is for lift lists", "leave it out");
    }
    if let Some(at) = spec.lift_erase.as_ref().filter(|_| !lift) {
        unused(at.span(), "`lift_erase` is for lift lists", "leave it out");
    }
    for at in [&spec.from, &spec.to].into_iter().flatten().filter(|_| !consent) {
        unused(at.span(), "`from` and `to` are for consent lists", "leave it out");
    }
    if let Some(at) = spec.max_lifted.as_ref().filter(|_| !spec.snapshot.as_ref().is_some_and(|s| **s)) {
        unused(at.span(), "`max_lifted` is for snapshot lists", "leave it out");
    }
    let phone = spec.r#match.iter().flat_map(|m| m.iter()).any(|(_, kind)| kind.as_str() == "phone");
    if let Some(at) = spec.region.as_ref().filter(|_| !phone) {
        unused(at.span(), "`region` is for phone columns", "leave it out");
    }
}

/// What has to be said of restrictions and holds, so that neither erases what is needed nor keeps for ever (R69, R70).
fn list_terms(page: Page, name: &At<String>, spec: &ListSpec) {
    let unused = |at: Option<std::ops::Range<usize>>, text: &str| {
        at.into_iter().for_each(|at| page.fault(at, "unused-key", text, "leave it out"));
    };
    let effect = *spec.effect;
    let texts = |at: &Option<At<String>>| at.as_ref().map(At::span);
    if effect != Effect::Restrict {
        unused(spec.ground.as_ref().map(At::span), "`ground` is for restrictions");
    } else if spec.ground.is_none() {
        let help =
            "add ground = a, b, c or d, the letter of Art. 18(1) GDPR: with b and c bytes of the person are kept";
        page.fault(name.span(), "list-ground", "a restriction needs its ground", help);
    }
    if effect != Effect::Hold {
        unused(texts(&spec.until), "`until` is for holds");
        unused(texts(&spec.review_by), "`review_by` is for holds");
    } else if spec.until.is_none() && spec.review_by.is_none() {
        let help = "add until = the column of the day it ends, or review_by = that of the day somebody looks again";
        page.hint(name.span(), "list-hold", "a hold without an end keeps bytes for ever", help);
    }
    if effect != Effect::Lift {
        unused(texts(&spec.informed), "`informed` is for lift lists");
    }
}

fn matches(page: Page, spec: &ListSpec) -> Option<Vec<ListMatch>> {
    let region = match &spec.region {
        Some(at) => PhoneRegion::Fixed(value::region(page, at)?),
        None => PhoneRegion::International,
    };
    let pairs: Vec<_> = spec.r#match.iter().flat_map(|m| m.iter()).collect();
    for (i, (column, _)) in pairs.iter().enumerate() {
        if pairs[..i].iter().any(|(other, _)| value::folded(other) == value::folded(column)) {
            let help = "names are compared after trim, NFC and case folding; keep one";
            page.fault(column.span(), "duplicate-column", "another column has the same name", help);
        }
    }
    for (name, columns) in spec.parts.iter().flat_map(|parts| parts.iter()) {
        if !pairs.iter().any(|(other, _)| value::trimmed(other) == value::trimmed(name)) {
            let help = "name it in `match` too, with its kind of identifier";
            page.fault(columns.span(), "parts", "`match` has nothing of this name", help);
        }
    }
    let read: Vec<_> = pairs
        .into_iter()
        .map(|(column, kind)| {
            let parts = spec.parts.as_ref().and_then(|parts| parts.get(column));
            let columns = match parts {
                Some(parts) => part_names(page, parts),
                None => value::said(page, column).map(|c| vec![value::trimmed(&c)]),
            };
            let found = identifier(page, kind, region.clone());
            let identifier = found.and_then(|found| of_parts(page, kind, found, parts.map_or(1, |parts| parts.len())));
            Some(ListMatch { columns: columns?, identifier: identifier? })
        })
        .collect();
    read.into_iter().collect()
}

/// Names of the columns of a value put together: two or more, each once.
pub(super) fn part_names(page: Page, list: &At<Vec<At<String>>>) -> Option<Vec<String>> {
    let names: Option<Vec<String>> =
        list.iter().map(|at| value::said(page, at).map(|at| value::trimmed(&at))).collect();
    let names = names?;
    let twice = (1..names.len()).find(|at| names[..*at].contains(&names[*at]));
    if let Some(at) = twice {
        page.fault(list[at].span(), "parts", "the column is named twice", "name each column once");
    }
    if names.len() < 2 || names.len() > MOST_PARTS {
        let help = format!("name from 2 to {MOST_PARTS} columns, or leave `parts` out");
        page.fault(list.span(), "parts", "a value is put together of two columns or more", help);
        return None;
    }
    Some(names).filter(|_| twice.is_none())
}

fn request_pattern(page: Page, at: Option<&At<String>>) -> Option<regex::Regex> {
    let text = at.map_or(REQUEST_PATTERN, |at| at.as_str());
    let span = at.map_or(0..0, At::span);
    // Compiled alone first: text such as `a)|(b` becomes valid only inside the anchors.
    let built = regex::Regex::new(text).and_then(|_| regex::Regex::new(&format!("^(?:{text})$")));
    match built {
        Ok(pattern) => {
            if pattern.is_match("") || pattern.is_match("name@example.org") {
                let help = "an opaque id shows up in evidence and reports; keep the pattern as narrow as the ids are";
                page.hint(
                    span,
                    "request-pattern-wide",
                    "the pattern lets e-mail addresses or blanks pass as ids",
                    help,
                );
            }
            Some(pattern)
        }
        Err(_) => {
            page.fault(span, "request-pattern", "not a regular expression", "write one as the regex crate documents");
            None
        }
    }
}

fn list_purposes(
    page: Page,
    name: &At<String>,
    spec: &ListSpec,
    purposes: &Named<PurposeSpec>,
) -> Option<Option<Vec<String>>> {
    let Some(named) = &spec.purposes else {
        if *spec.effect == Effect::Object {
            let help = "add purposes = the purposes objected to (R29)";
            page.fault(name.span(), "list-purposes", "an objection needs `purposes`", help);
            return None;
        }
        return Some(None);
    };
    if named.is_empty() {
        page.fault(
            named.span(),
            "list-purposes",
            "the list applies to no purpose",
            "name some, or leave `purposes` out",
        );
    }
    for purpose in named.iter().filter(|p| purposes.get(p).is_none()) {
        page.fault(purpose.span(), "unknown-purpose", "no such purpose", "name one of [purposes]");
    }
    Some(Some(named.iter().map(|p| p.to_string()).collect()))
}
