//! `[notices]` of the policy: what people were told, and since when (R85).

use super::finding::Page;
use super::policy_spec::{NoticeSpec, PolicySpec};
use super::spec::{At, Category};
use super::value;
use crate::clock::{Instant, Period, instant_of};
use jiff::tz::TimeZone;

/// A notice, checked on its own.
pub(super) struct IssuedNotice {
    /// Its first moment.
    pub from: Instant,
    pub purposes: Vec<String>,
    pub categories: Vec<Category>,
    /// None = it names kinds of recipients.
    pub recipients: Option<Vec<String>>,
    pub sale: bool,
    pub keep: Option<Period>,
}

/// Checks all notices; they are in the order in which they were given.
pub(super) fn notices(page: Page, spec: &PolicySpec) -> Vec<IssuedNotice> {
    let named = spec.notices.iter().flat_map(|notices| notices.iter());
    let mut found: Vec<IssuedNotice> = Vec::new();
    for (name, notice) in named {
        value::name(page, name);
        let Some(issued) = issued(page, spec, notice) else { continue };
        if found.iter().any(|other| other.from == issued.from) {
            let help = "write one notice for what people were told from that day on";
            page.fault(notice.valid_from.span(), "notice", "another notice begins at the same moment", help);
        }
        found.push(issued);
    }
    found.sort_by_key(|notice| notice.from);
    found
}

fn issued(page: Page, policy: &PolicySpec, spec: &NoticeSpec) -> Option<IssuedNotice> {
    let day = value::date(page, &spec.valid_from);
    let zone = spec.zone.as_ref().map_or(Some(TimeZone::UTC), |at| value::zone(page, at));
    for at in spec.purposes.iter().filter(|at| policy.purposes.get(at).is_none()) {
        page.hint(at.span(), "notice", "no such purpose in the policy any more", "leave what was told as it was told");
    }
    let texts = [&spec.regime, &spec.channel, &spec.language, &spec.text];
    texts.into_iter().flatten().for_each(|at| drop(value::said(page, at)));
    let keep = spec.keep.as_ref().map(|at| value::keep(page, at));
    let names = |list: &At<Vec<At<String>>>| list.iter().map(|at| at.to_string()).collect::<Vec<_>>();
    Some(IssuedNotice {
        from: instant_of(day?.at(0, 0, 0, 0), &zone?),
        purposes: names(&spec.purposes),
        categories: spec.categories.iter().map(|at| **at).collect(),
        recipients: spec.recipients.as_ref().map(names),
        sale: spec.sale.as_ref().is_some_and(|at| **at),
        keep: keep.flatten(),
    })
}
