//! Recipients: what has to be said of who receives data, when that is looked at again, and what allows a transfer (Art.
//! 28 and 44 to 49 GDPR).

use super::finding::Page;
use super::plan::Recipient;
use super::policy_spec::{Mechanism, RecipientKind, RecipientSpec};
use super::spec::At;
use super::value;
use jiff::civil::Date;

/// Days before a review on which `check` and `status` begin to say so.
pub const REVIEW_DAYS: i32 = 30;

/// The European Economic Area by ISO 3166 codes: the members of the European Union, Iceland, Liechtenstein and Norway.
/// Source: Agreement on the European Economic Area, as of 2026-11-27.
const EEA: [&str; 30] = [
    "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IS", "IT", "LV", "LI", "LT",
    "LU", "MT", "NL", "NO", "PL", "PT", "RO", "SK", "SI", "ES", "SE",
];

/// Checks a recipient and resolves it.
pub(super) fn recipient(page: Page, name: &At<String>, spec: &RecipientSpec, today: Option<Date>) -> Recipient {
    value::name(page, name);
    terms(page, spec);
    spec.contract.as_ref().map(|at| value::said(page, at));
    if let Some(at) = &spec.country {
        value::country(page, at);
    }
    transfer(page, spec);
    let review_by = spec.review_by.as_ref().and_then(|at| value::date(page, at));
    if let (Some(today), Some(day), Some(at)) = (today, review_by, &spec.review_by) {
        review(page, at, days_left(day, today));
    }
    let third_party = *spec.kind == RecipientKind::ThirdParty;
    let sale = third_party && spec.sale.as_ref().is_some_and(|s| **s);
    Recipient { name: name.to_string(), third_party, internal: *spec.kind == RecipientKind::Internal, sale, review_by }
}

/// Returns whole days from today to a day; negative once it has passed.
pub fn days_left(day: Date, today: Date) -> i32 {
    (day - today).get_days()
}

fn terms(page: Page, spec: &RecipientSpec) {
    let third_party = *spec.kind == RecipientKind::ThirdParty;
    let texts = [("contract", &spec.contract), ("country", &spec.country), ("review_by", &spec.review_by)];
    let missing = |texts: &[(&'static str, &Option<At<String>>)]| {
        texts.iter().filter(|(_, at)| at.is_none()).map(|(key, _)| *key).collect::<Vec<_>>()
    };
    let mut lacks = missing(&texts);
    if spec.sale.is_none() {
        lacks.insert(0, "sale");
    }
    if third_party && !lacks.is_empty() {
        let help = format!("add {}", lacks.join(", "));
        page.fault(spec.kind.span(), "third-party-terms", "a third party needs its terms stated", help);
    }
    let lacks = missing(&texts[..2]);
    if *spec.kind == RecipientKind::Processor && !lacks.is_empty() {
        let help = format!("add {}", lacks.join(", "));
        page.fault(
            spec.kind.span(),
            "processor-terms",
            "a processor needs its contract and country (Art. 28(3))",
            help,
        );
    }
    if let Some(sale) = spec.sale.as_ref().filter(|_| !third_party) {
        page.fault(sale.span(), "unused-key", "`sale` is for third parties", "leave `sale` out");
    }
}

fn transfer(page: Page, spec: &RecipientSpec) {
    let outside = spec.country.as_ref().filter(|at| value::is_country(at) && !EEA.contains(&at.as_str()));
    let Some(at) = &spec.transfer else {
        if let Some(country) = outside {
            let help = "add transfer = { mechanism, reference, assessed }; mechanism is adequacy, scc, bcr or art49, or none \
                        where the GDPR does not apply, with the reason as reference";
            let what = "nothing says what allows the transfer out of the European Economic Area (Art. 44)";
            page.fault(country.span(), "transfer-missing", what, help);
        }
        return;
    };
    value::said(page, &at.reference);
    value::date(page, &at.assessed);
    if outside.is_none() {
        let help = "leave `transfer` out, or name the country in which the data are";
        page.fault(at.span(), "unused-key", "nothing leaves the European Economic Area", help);
    } else if *at.mechanism == Mechanism::None {
        let help = "this is right only if the GDPR does not apply to the data at all";
        page.hint(at.span(), "transfer-none", "the transfer rests on nothing", help);
    }
}

fn review(page: Page, at: &At<String>, left: i32) {
    let help = "look at contract, country and transfer, then write the day of the next review";
    match left {
        left if left < 0 => {
            page.hint(
                at.span(),
                "review-due",
                "the day of review has passed: jobs for this recipient are refused",
                help,
            );
        }
        left if left <= REVIEW_DAYS => {
            page.hint(at.span(), "review-due", format!("the review is due within {REVIEW_DAYS} days"), help);
        }
        _ => {}
    }
}
