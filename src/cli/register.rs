//! `tamis report register`: the record of processing activities as text, JSON, one HTML page or CSV. Must not know how it is
//! put together.

use super::args::{RegisterArgs, RegisterFormat};
use super::csv_cell::cell;
use super::lines::Lines;
use super::page::{escaped, facts, filled, item, row, table};
use super::render;
use super::settings::Settings;
use crate::clock::period_in_words;
use crate::error::Result;
use crate::policy;
use crate::questions::access::AccessRecipient;
use crate::questions::{ProcessingActivity, ProcessingRecord, activities};

pub(super) const PAPER: &str =
    concat!(include_str!("../../templates/head.html"), include_str!("../../templates/paper.html"));
/// Stands where nobody has written anything.
pub(super) const NOT_STATED: &str = "not stated";

/// Makes the report.
///
/// # Errors
/// Policy errors of specs; evidence and storage errors of the state.
pub(super) fn report(settings: &Settings, args: &RegisterArgs, json: bool) -> Result<String> {
    let (project, register) = policy::load_with_register(&settings.dir, &settings.roots)?;
    let state = settings.state(&project)?;
    let record = activities::record(&project, &register, &state, settings.now)?;
    Ok(match (json, args.format) {
        (true, _) | (_, RegisterFormat::Json) => render::json(&record)?,
        (_, RegisterFormat::Text) => text(&record),
        (_, RegisterFormat::Html) => html(&record),
        (_, RegisterFormat::Csv) => csv(&record),
    })
}

/// Returns names in one line, or that there are none.
pub(super) fn named(names: &[impl AsRef<str>]) -> String {
    match names {
        [] => NOT_STATED.to_owned(),
        names => names.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", "),
    }
}

/// Returns a text, or that there is none.
pub(super) fn stated(text: &Option<String>) -> String {
    text.clone().unwrap_or_else(|| NOT_STATED.to_owned())
}

fn recipients(of: &[AccessRecipient]) -> String {
    let one = |of: &AccessRecipient| {
        let place = of.country.as_ref().map_or(String::new(), |country| format!(", {country}"));
        let contract = of.contract.as_ref().map_or(String::new(), |contract| format!(", contract {contract}"));
        let sale = if of.sale { ", data are sold" } else { "" };
        format!("{} ({}{place}{contract}{sale})", of.name, of.kind)
    };
    named(&of.iter().map(one).collect::<Vec<_>>())
}

fn transfers(of: &[AccessRecipient]) -> String {
    let one = |of: &AccessRecipient| Some(format!("{}: {}, {}", of.name, of.country.as_ref()?, of.transfer.as_ref()?));
    let all: Vec<String> = of.iter().filter_map(one).collect();
    if all.is_empty() { "none out of the European Economic Area".to_owned() } else { all.join("; ") }
}

/// What Art. 30(1)(b) to (f) ask for, in their order, with the letter.
pub(super) fn parts(of: &ProcessingActivity) -> Vec<(&'static str, String)> {
    let raw = of.raw_keep.as_ref().map_or("without end".to_owned(), |keep| period_in_words(keep));
    let own =
        of.fields.iter().filter_map(|field| Some(format!("{} {}", field.name, period_in_words(field.keep.as_ref()?))));
    let own: Vec<String> = own.collect();
    let own = if own.is_empty() { String::new() } else { format!("; fields: {}", own.join(", ")) };
    let joint = if of.joint_controllers.is_empty() { "none".to_owned() } else { of.joint_controllers.join(", ") };
    let basis = of.condition.as_ref().map_or(String::new(), |condition| format!("; Art. 9(2): {condition}"));
    vec![
        ("Joint controllers (a)", joint),
        ("Purpose (b)", format!("{}: {}", of.purpose, stated(&of.description))),
        ("Lawful basis", format!("{}; {}{basis}", of.lawful_basis, stated(&of.reference))),
        ("People (c)", named(&of.people)),
        ("Categories of data (c)", named(&of.categories)),
        ("Recipients (d)", recipients(&of.recipients)),
        ("Transfers (e)", transfers(&of.recipients)),
        ("Kept for (f)", format!("{}{own}; raw exports {raw}", period_in_words(&of.keep))),
        ("Comes from", named(&of.sources)),
        ("Signed", of.signed.map_or("never".to_owned(), |at| at.to_seconds().to_string())),
    ]
}

fn heads(record: &ProcessingRecord) -> Vec<(&'static str, String)> {
    let contact = &record.contact;
    let who = if record.on_behalf_of.is_empty() { "Controller (a)" } else { "Processor (Art. 30(2))" };
    let mut heads = vec![(who, record.controller.clone())];
    if !record.on_behalf_of.is_empty() {
        heads.push(("On behalf of", record.on_behalf_of.join("; ")));
    }
    heads.extend([
        ("Contact (a)", stated(&contact.privacy)),
        ("Data protection officer (a)", stated(&contact.dpo)),
        ("Representative (a)", stated(&contact.representative)),
        ("Security measures (g)", named(&record.security)),
    ]);
    heads
}

fn text(record: &ProcessingRecord) -> String {
    let mut out = String::new();
    out.line(format_args!("record of processing activities (Art. 30 GDPR), {}", record.at.to_seconds()));
    heads(record).iter().for_each(|(name, said)| out.line(format_args!("{name:<28} {said}")));
    for of in &record.activities {
        out.push('\n');
        out.line(format_args!("{}  {}", of.job, of.dataset));
        parts(of).iter().for_each(|(name, said)| out.line(format_args!("  {name:<26} {said}")));
        of.missing.iter().for_each(|what| out.line(format_args!("  ! {what}")));
    }
    out.push('\n');
    record.missing.iter().for_each(|what| out.line(format_args!("! {what}")));
    record
        .unused_purposes
        .iter()
        .for_each(|name| out.line(format_args!("purpose {name}: nothing is published for it")));
    out
}

fn html(record: &ProcessingRecord) -> String {
    let mut body = String::from("<h1>Record of processing activities <small>(Art. 30 GDPR)</small></h1>\n");
    body.push_str(&facts(&heads(record)));
    body.push_str("<h3>What tamis does for security by itself</h3>\n<ul>\n");
    record.built_in.iter().for_each(|line| body.push_str(&item(line)));
    body.push_str("</ul>\n");
    body.push_str(&missing(&record.missing));
    for of in &record.activities {
        body.line(format_args!("<h2>{} <small>{}</small></h2>", escaped(&of.job), escaped(&of.dataset)));
        body.push_str(&facts(&parts(of)));
        body.push_str(&missing(&of.missing));
        body.push_str("<h3>Fields</h3>\n");
        body.push_str(&fields(of));
    }
    if !record.unused_purposes.is_empty() {
        let names = escaped(&record.unused_purposes.join(", "));
        body.line(format_args!("<h2>Purposes for which nothing is published</h2>\n<p>{names}</p>"));
    }
    paper("Record of processing activities", body, record.at)
}

/// The published fields of an activity, as a table.
pub(super) fn fields(of: &ProcessingActivity) -> String {
    let one = |field: &crate::questions::RecordedField| {
        let why = field.why.as_deref().unwrap_or("not assessed");
        let keep = field.keep.as_deref().map_or("as the row".to_owned(), period_in_words);
        let from = field.from.as_deref().unwrap_or("none");
        row(&[&field.name, from, field.category.unwrap_or(NOT_STATED), &field.treatment, &keep, why])
    };
    let rows: String = of.fields.iter().map(one).collect();
    table(&["field", "of column", "category", "treatment", "kept for", "why"], &rows)
}

/// What nobody has written, as a list; nothing when there is nothing.
pub(super) fn missing(all: &[String]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let items: String = all.iter().map(|what| item(what)).collect();
    format!("<div class=\"warn\"><p>Missing:</p>\n<ul>\n{items}</ul></div>\n")
}

/// Returns a whole page with its foot: the program that made it, and when.
pub(super) fn paper(title: &str, body: String, at: crate::clock::Instant) -> String {
    let places = [
        ("title", escaped(title)),
        ("body", body),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ("at", escaped(&at.to_seconds().to_string())),
    ];
    filled(PAPER, &places)
}

fn csv(record: &ProcessingRecord) -> String {
    let line = |cells: Vec<String>| cells.join(",") + "\r\n";
    let of_all = heads(record);
    let mut out = String::new();
    for of in &record.activities {
        let parts = parts(of);
        let own = [("Job", of.job.clone()), ("Dataset", of.dataset.clone())];
        let all = || own.iter().chain(&of_all).chain(&parts);
        if out.is_empty() {
            out.push_str(&line(all().map(|(name, _)| cell(name)).chain([cell("Missing")]).collect()));
        }
        let missing: Vec<&str> = record.missing.iter().chain(&of.missing).map(String::as_str).collect();
        out.push_str(&line(all().map(|(_, said)| cell(said)).chain([cell(&missing.join("; "))]).collect()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_script_is_in_the_page_nor_may_be() {
        assert!(PAPER.contains("default-src 'none'") && !PAPER.contains("<script"));
    }
}
