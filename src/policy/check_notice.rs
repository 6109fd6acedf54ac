//! `[notice]` of a job against the notices of the policy (R85).

use super::check_field::FieldTerms;
use super::check_notices::IssuedNotice;
use super::check_policy::Policy;
use super::gather::Gather;
use super::plan::{NoticeRules, NoticeTerms, Recipient};
use super::spec::{At, Category};
use super::value;
use crate::clock::Period;

/// By which notice the job's data were collected; inner `None` = it does not ask.
pub(super) fn notice(
    terms: &FieldTerms,
    policy: &Policy,
    recipient: &Option<Recipient>,
    gather: &mut Gather,
) -> Option<Option<NoticeRules>> {
    let page = terms.page;
    if let Some(newest) = policy.notices.last() {
        beyond(terms, newest, recipient.as_ref());
    }
    let Some(spec) = &terms.spec.notice else { return Some(None) };
    if policy.notices.is_empty() {
        let help = "add [notices.NAME] to the policy: what people were told, and since when";
        page.fault(spec.span(), "notice", "the policy has no notice", help);
        return None;
    }
    let mut column = |at: &At<String>| {
        let place = terms.inventory.find_cells(page, at)?;
        if !terms.inventory.columns[place].timed() {
            let help = "name a column of type date or timestamp";
            page.fault(at.span(), "notice", "this column says no time", help);
            return None;
        }
        Some(gather.add(place))
    };
    let (collected, informed) = (column(&spec.collected), spec.informed.as_ref().map(&mut column));
    let max_unnoticed = value::share_or(page, spec.max_unnoticed.as_ref(), "2%");
    let says = |notice: &IssuedNotice| NoticeTerms {
        from: notice.from,
        covers: missing(terms, notice, recipient.as_ref()).is_none(),
        fields: categories(terms).map(|category| category.is_none_or(|of| notice.categories.contains(&of))).collect(),
    };
    Some(Some(NoticeRules {
        collected: collected?,
        informed: match informed {
            Some(informed) => Some(informed?),
            None => None,
        },
        max_unnoticed: max_unnoticed?,
        notices: policy.notices.iter().map(says).collect(),
    }))
}

/// The category of each field; none of a constant, and of a column that is not there.
fn categories<'a>(terms: &'a FieldTerms) -> impl Iterator<Item = Option<Category>> + 'a {
    terms.spec.fields.iter().map(|(_, field)| {
        let place = terms.inventory.place(field.from.as_ref()?)?;
        Some(*terms.inventory.columns[place].spec.category)
    })
}

/// What a notice does not say, so that no row may be published by it.
fn missing(terms: &FieldTerms, notice: &IssuedNotice, recipient: Option<&Recipient>) -> Option<&'static str> {
    let key = terms.inventory.key().map(|key| *terms.inventory.columns[key].spec.category);
    let named = |recipient: &Recipient| notice.recipients.as_ref().is_none_or(|all| all.contains(&recipient.name));
    match recipient {
        _ if !notice.purposes.contains(&terms.spec.purpose) => Some("its purpose"),
        Some(recipient) if !named(recipient) => Some("its recipient"),
        Some(recipient) if recipient.sale && !notice.sale => Some("that data are sold"),
        _ if key.is_some_and(|key| !notice.categories.contains(&key)) => Some("the category of the subject"),
        _ => None,
    }
}

/// Hints at what a job does and the newest notice does not say.
fn beyond(terms: &FieldTerms, newest: &IssuedNotice, recipient: Option<&Recipient>) {
    let page = terms.page;
    let help = "give a new notice before people's data are used so, or leave it out of the job";
    if let Some(what) = missing(terms, newest, recipient) {
        page.hint(terms.spec.purpose.span(), "notice-beyond", format!("the newest notice does not name {what}"), help);
    }
    for ((at, _), category) in terms.spec.fields.iter().zip(categories(terms)) {
        if category.is_some_and(|category| !newest.categories.contains(&category)) {
            page.hint(at.span(), "notice-beyond", "the newest notice does not name the category of this field", help);
        }
    }
    if let (Some(said), Some(keep)) = (&newest.keep, Period::parse(&terms.spec.retention.keep))
        && !keep.within(said)
    {
        let text = "the job keeps rows longer than the newest notice says";
        page.hint(terms.spec.retention.keep.span(), "notice-beyond", text, help);
    }
}
