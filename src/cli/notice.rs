//! `tamis report notice`: what people have to be told (Art. 13 and 14 GDPR, 11 CCR §7012), as text, JSON and one page.
//! Must not know how it is gathered.

use super::access_page::PAGE;
use super::args::{NoticeArgs, ReportFormat};
use super::lines::Lines;
use super::page::{self, escaped, filled};
use super::render;
use super::settings::Settings;
use crate::clock::period_in_words;
use crate::error::Result;
use crate::questions::privacy_notice::notice;
use crate::questions::{NoticePurpose, PrivacyNotice};

const RIGHTS: [&str; 5] = [
    "You can ask for your data (Art. 15 GDPR), have them corrected (Art. 16) or erased (Art. 17), and receive what you provided (Art. 20).",
    "You can ask for processing to be restricted (Art. 18) and object to it (Art. 21), to direct marketing at any time.",
    "You can withdraw consent at any time (Art. 7(3)); what was done before stays lawful.",
    "You can complain to the supervisory authority (Art. 77).",
    "In California you can ask to know, delete and correct, and opt out of sale and sharing (Civ. Code §1798.100 to .135).",
];

/// Makes the notice.
///
/// # Errors
/// A policy error for the specs.
pub(super) fn report(settings: &Settings, args: &NoticeArgs, json: bool) -> Result<String> {
    let found = notice(&settings.dir, &settings.roots, settings.now)?;
    Ok(match (json, args.format) {
        (true, _) | (_, ReportFormat::Json) => render::json(&found)?,
        (_, ReportFormat::Text) => text(&found),
        (_, ReportFormat::Html) => html(&found),
    })
}

fn or_missing(said: Option<&String>) -> String {
    said.cloned().unwrap_or_else(|| "not said: add it".into())
}

/// What there is to say of a purpose, in order.
fn facts(of: &NoticePurpose) -> Vec<(&'static str, String)> {
    let category = |of: &crate::questions::NoticeCategory| {
        let sold = if of.sold { ", sold" } else { "" };
        format!("{} (kept for {} at most{sold})", of.category, period_in_words(&of.keep))
    };
    let recipient = |of: &crate::questions::NoticeRecipient| {
        let country = of.country.as_ref().map_or(String::new(), |country| format!(", {country}"));
        let transfer = of.transfer.as_ref().map_or(String::new(), |transfer| format!(", {transfer}"));
        format!("{} ({}{country}{transfer})", of.recipient, of.kind)
    };
    let all = |texts: Vec<String>| texts.join("; ");
    let mut facts = vec![
        ("what for", of.description.clone()),
        ("lawful basis", format!("{}, {}", of.lawful_basis.said(), of.reference)),
    ];
    facts.extend(of.condition.as_ref().map(|condition| ("Art. 9(2)", condition.clone())));
    facts.push(("data", all(of.categories.iter().map(category).collect())));
    facts.push(("recipients", all(of.recipients.iter().map(recipient).collect())));
    facts.push(("source", all(of.sources.clone())));
    facts
}

fn text(notice: &PrivacyNotice) -> String {
    let mut out = String::new();
    out.line(format_args!("Privacy notice of {} (Art. 13 and 14 GDPR; 11 CCR §7012)", notice.controller));
    out.line(format_args!("write to: {}", or_missing(notice.contact.privacy.as_ref())));
    out.line(format_args!("data protection officer: {}", or_missing(notice.contact.dpo.as_ref())));
    for of in &notice.purposes {
        out.push('\n');
        out.line(format_args!("{}", of.purpose));
        facts(of).into_iter().for_each(|(name, said)| out.line(format_args!("  {name:<14} {said}")));
    }
    out.push('\n');
    RIGHTS.iter().for_each(|right| out.line(format_args!("{right}")));
    out.line(format_args!("complaints: {}", or_missing(notice.contact.authority.as_ref())));
    notice.missing.iter().for_each(|what| out.line(format_args!("MISSING: {what}")));
    out.line(format_args!("digest {}", notice.digest));
    out
}

fn html(notice: &PrivacyNotice) -> String {
    let mut body = format!("<h1>Privacy notice of {}</h1>\n", escaped(&notice.controller));
    body += &page::facts(&[
        ("Write to", or_missing(notice.contact.privacy.as_ref())),
        ("Data protection officer", or_missing(notice.contact.dpo.as_ref())),
        ("Complaints", or_missing(notice.contact.authority.as_ref())),
    ]);
    for of in &notice.purposes {
        body.line(format_args!("<h2>{}</h2>", escaped(&of.purpose)));
        body += &page::facts(&facts(of));
    }
    body += "<h2>Your rights</h2>\n<ul>\n";
    RIGHTS.iter().for_each(|right| body += &page::item(right));
    body += "</ul>\n";
    if !notice.missing.is_empty() {
        body += "<h2>Missing</h2>\n<div class=\"warn\"><ul>\n";
        notice.missing.iter().for_each(|what| body += &page::item(what));
        body += "</ul></div>\n";
    }
    body.line(format_args!("<footer><dl><dt>Digest</dt><dd>{}</dd></dl></footer>", escaped(&notice.digest)));
    let title = format!("Privacy notice of {}", escaped(&notice.controller));
    filled(PAGE, &[("title", title), ("body", body)])
}
