//! `policy.toml` on its own: every rule that needs no other file, and what the other checks ask of it.

use super::check_corrections;
use super::check_list_format;
use super::check_match::{list_formats, matches, request_pattern, spellings};
use super::check_minors::{self, MinorTerms};
use super::check_notices::{self, IssuedNotice};
use super::check_recipient::recipient;
use super::finding::Page;
use super::format;
use super::plan::{
    CorrectionList, Effect, KeyFrom, KeySource, LinkRules, List, Purpose, Recipient, RemovalRules, SetFormat,
};
use super::policy_spec::{
    AuditSpec, DpiaSpec, KeysSpec, LinksSpec, ListSpec, PolicySpec, PurposeSpec, RecipientSpec, RemovalSpec, WhenSpec,
};
use super::schedule::{self, Schedule};
use super::schedule_spec::ScheduleSpec;
use super::spec::{At, Category, Named};
use super::value::{self, PlaceKind};
use crate::store::{local_folder, settle};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf, absolute};

/// What stands for the name of an export set in a place.
const SET: &str = "{set}";
const MOST: i64 = 1_000_000;

/// The policy file, checked on its own.
pub(super) struct Policy<'a> {
    pub page: Page<'a>,
    pub spec: &'a PolicySpec,
    pub roots: BTreeMap<String, String>,
    pub keys: Option<KeySource>,
    pub purposes: BTreeMap<&'a str, Option<Purpose>>,
    pub recipients: BTreeMap<&'a str, Recipient>,
    pub lists: BTreeMap<String, Option<List>>,
    pub corrections: BTreeMap<String, Option<CorrectionList>>,
    pub minors: Option<MinorTerms>,
    pub notices: Vec<IssuedNotice>,
    pub removal: Option<RemovalRules>,
    pub links: Option<LinkRules>,
    /// None when it has a finding.
    pub audit: Option<Option<Schedule>>,
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
    let contact = spec.contact.iter().flat_map(|of| [&of.privacy, &of.dpo, &of.authority, &of.representative]);
    let lists = spec.security.iter().chain(&spec.on_behalf_of).flat_map(|list| list.iter());
    contact.flatten().chain(lists).for_each(|at| drop(value::said(page, at)));
    let roots = roots(page, spec, overrides);
    let keys = keys(page, &spec.keys, &roots);
    let recipients = spec.recipients.iter().map(|(name, r)| (name.as_str(), recipient(page, name, r, today))).collect();
    let purposes = spec.purposes.iter().map(|(name, p)| (name.as_str(), purpose(page, name, p, &spec.recipients)));
    let purposes = purposes.collect();
    let (mut lists, mut corrections) = (BTreeMap::new(), BTreeMap::new());
    for (name, of) in spec.lists.iter().flat_map(Named::iter) {
        match of.effect.asked() {
            Some(effect) => {
                check_corrections::unused(page, of);
                lists.insert(name.to_string(), list(page, name, (of, effect), &roots, &spec.purposes));
            }
            None => {
                corrections.insert(name.to_string(), check_corrections::list(page, name, of, &roots));
            }
        }
    }
    let minors = spec.minors.as_ref().and_then(|spec| check_minors::minors(page, spec));
    let notices = check_notices::notices(page, spec);
    let removal = removal(page, spec.removal.as_ref());
    let links = links(page, spec.links.as_ref());
    let audit = spec.audit.as_ref().map_or(Some(None), |spec| audit(page, spec).map(Some));
    Policy { page, spec, roots, keys, purposes, recipients, lists, corrections, minors, notices, removal, links, audit }
}

/// The schedule of audits has the rules of a job's.
fn audit(page: Page, spec: &AuditSpec) -> Option<Schedule> {
    let AuditSpec { cron, zone } = spec.clone();
    let (catch_up, deadline, timeout, jitter, suspend) = (None, None, None, None, None);
    schedule::check(page, &ScheduleSpec { cron, zone, catch_up, deadline, timeout, jitter, suspend }, "audit")
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
    let texts = spec.people.iter().chain(&spec.joint_controllers).flat_map(|list| list.iter());
    spec.condition.iter().chain(texts).for_each(|at| drop(value::said(page, at)));
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
    let signed = spec.dpia.as_ref().is_some_and(|dpia| assessed(page, dpia));
    Some(Purpose { name: name?, basis, direct_marketing, max_keep: max_keep?, undated, min_k, signed })
}

/// Checks what people have written for the register and the assessment; returns whether a signature is required (R76).
fn assessed(page: Page, spec: &DpiaSpec) -> bool {
    let DpiaSpec { required, necessity, risks, measures, views, prior_consultation, review_by } = spec;
    let texts = [necessity, risks, measures, views, prior_consultation];
    texts.into_iter().flatten().for_each(|at| drop(value::said(page, at)));
    review_by.as_ref().map(|at| value::date(page, at));
    required.as_ref().is_some_and(|at| **at)
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

fn list(
    page: Page,
    name: &At<String>,
    (spec, effect): (&ListSpec, Effect),
    roots: &BTreeMap<String, String>,
    purposes: &Named<PurposeSpec>,
) -> Option<List> {
    let own_name = value::name(page, name);
    snapshot(page, spec, effect);
    list_keys(page, name, spec, effect);
    list_terms(page, name, spec, effect);
    let input = value::location(page, &spec.input, roots, PlaceKind::List);
    let member = match &spec.member {
        Some(at) => value::glob(page, at).map(Some),
        None => Some(None),
    };
    let when = spec.when.as_ref().map_or(Some(None), |at| when(page, at).map(Some));
    let matches = matches(page, spec);
    spellings(page, spec);
    let request = value::said(page, &spec.request);
    let request_pattern = request_pattern(page, spec.request_pattern.as_ref());
    let (received, sets) = (list_received(page, name, spec), list_sets(page, spec, effect));
    let zone = spec.zone.as_ref().map_or(Some(TimeZone::UTC), |at| value::zone(page, at));
    let formats = list_formats(page, spec, zone.as_ref());
    let encoding = value::encoding(page, spec.encoding.as_ref());
    let records = check_list_format::records(page, spec);
    let max_lifted = value::share_or(page, spec.max_lifted.as_ref(), "0%");
    let limited = list_purposes(page, name, (spec, effect), purposes);
    let column = |at: &Option<At<String>>| at.as_ref().map(|at| value::trimmed(at));
    let yes = |at: &Option<At<bool>>| at.as_ref().is_some_and(|at| **at);
    Some(List {
        name: own_name?,
        input: input?,
        effect,
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
        records: records?,
        snapshot: yes(&spec.snapshot),
        max_lifted: max_lifted?,
        may_be_empty: yes(&spec.may_be_empty),
        ground: spec.ground.as_ref().map(|at| **at),
        signal: spec.signal.as_ref().map(|at| **at),
        given_by: spec.given_by.as_ref().map(|at| **at),
        interval: (column(&spec.from), column(if effect == Effect::Hold { &spec.until } else { &spec.to })),
        review_by: column(&spec.review_by),
        informed: column(&spec.informed),
        lifts: column(&spec.lifts),
        lift_erase: yes(&spec.lift_erase),
    })
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
fn list_sets(page: Page, spec: &ListSpec, effect: Effect) -> Option<Option<Option<SetFormat>>> {
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
    if matches!(effect, Effect::Withdraw | Effect::Consent | Effect::Lift) {
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
fn snapshot(page: Page, spec: &ListSpec, effect: Effect) {
    let Some(at) = spec.snapshot.as_ref().filter(|at| ***at) else { return };
    if spec.signal.is_some() {
        let help = "leave `snapshot` out: whoever sent the signal once has opted out until they say otherwise (11 CCR §7025(c))";
        page.fault(at.span(), "list-snapshot", "a signal that is gone is no consent", help);
    }
    match effect {
        Effect::Erase => {
            let help = "leave `snapshot` out, and end an erasure with a lift that says lift_erase (R30)";
            page.fault(at.span(), "list-snapshot", "a row that is missing must not undo an erasure", help);
        }
        Effect::Lift => page.fault(at.span(), "list-snapshot", "a lift is never taken back", "leave `snapshot` out"),
        _ => {}
    }
}

/// Which keys belong to which effect (R29, R30, R32).
fn list_keys(page: Page, name: &At<String>, spec: &ListSpec, effect: Effect) {
    let (lift, consent) = (effect == Effect::Lift, effect == Effect::Consent);
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
fn list_terms(page: Page, name: &At<String>, spec: &ListSpec, effect: Effect) {
    let unused = |at: Option<std::ops::Range<usize>>, text: &str| {
        at.into_iter().for_each(|at| page.fault(at, "unused-key", text, "leave it out"));
    };
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
    if effect != Effect::OptOut {
        unused(spec.signal.as_ref().map(At::span), "`signal` is for opt-outs");
    }
    if effect != Effect::Consent {
        unused(spec.given_by.as_ref().map(At::span), "`given_by` is for consents");
    }
    if effect != Effect::Lift {
        unused(texts(&spec.informed), "`informed` is for lift lists");
    }
}

fn list_purposes(
    page: Page,
    name: &At<String>,
    (spec, effect): (&ListSpec, Effect),
    purposes: &Named<PurposeSpec>,
) -> Option<Option<Vec<String>>> {
    let Some(named) = &spec.purposes else {
        if effect == Effect::Object {
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
