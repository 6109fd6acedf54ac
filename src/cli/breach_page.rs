//! The page of a breach, in the order of Art. 33(3) GDPR, with a draft for the people (Art. 34(2)). Must not know how it is
//! found.

use super::lines::Lines;
use super::page::{bar, escaped, facts, item, row, table};
use super::register::{named, paper, stated};
use crate::clock::Instant;
use crate::questions::breach::{BreachReport, BreachedDataset};

const RED: &str = "#a33";

/// Returns what a breach concerns as a page.
pub(super) fn html(report: &BreachReport) -> String {
    let at = |at: Option<Instant>| at.map_or("not said".to_owned(), |at| at.to_seconds().to_string());
    let mut body = format!("<h1>Breach {} <small>(Art. 33 GDPR)</small></h1>\n", report.number);
    body.push_str(&clock(report));
    body.push_str(&facts(&[
        ("Controller", report.controller.clone()),
        ("Whom to ask (3)(b)", stated(&report.contact.dpo.clone().or(report.contact.privacy.clone()))),
        ("Happened", at(report.occurred)),
        ("Noticed", at(report.detected)),
        ("Aware", at(Some(report.aware))),
        ("Goes on from", report.updates.map_or("no earlier one".to_owned(), |of| format!("breach {of}"))),
        ("Told late because", report.late_because.clone().unwrap_or_else(|| "not said".into())),
    ]));
    body.push_str("<h2>What is due</h2>\n");
    let due = |of: &crate::questions::breach::BreachDeadline| {
        let left = of.hours_left.map_or(String::new(), hours);
        row(&[of.law, of.what, &of.due.map_or("no fixed time".to_owned(), |due| format!("{}{left}", due.to_seconds()))])
    };
    body.push_str(&table(&["law", "what", "by"], &report.deadlines.iter().map(due).collect::<String>()));
    body.push_str("<h2>Who and what is concerned <small>(3)(a)</small></h2>\n");
    body.line(format_args!("<p class=\"state\">People: {}</p>", escaped(&people(report))));
    report.datasets.iter().for_each(|of| body.push_str(&dataset(of)));
    body.push_str(&exports(report));
    body.push_str("<h2>Likely consequences <small>(3)(c)</small></h2>\n");
    body.push_str(&list(&report.consequences));
    body.push_str("<h3>What a holder of keys can undo</h3>\n");
    let effect = |of: &crate::questions::breach::KeyEffect| row(&[of.holds, of.undoes]);
    body.push_str(&table(&["who holds", "can undo"], &report.keys.effects.iter().map(effect).collect::<String>()));
    let tokens = report.keys.token.iter().map(|(id, epoch)| format!("{id} (epoch {epoch})"));
    body.push_str(&facts(&[
        ("Identity key", named(&report.keys.identity)),
        ("Token keys", named(&tokens.collect::<Vec<_>>())),
    ]));
    body.push_str("<h2>Measures <small>(3)(d)</small></h2>\n");
    body.push_str(&list(&report.measures));
    body.push_str("<h2>What evidence does not know</h2>\n");
    body.push_str(&list(&report.not_said));
    body.push_str(&letter(report));
    paper(&format!("Breach {}", report.number), body, report.at)
}

/// The 72 hours as a bar.
fn clock(report: &BreachReport) -> String {
    let Some((due, left)) = report.deadlines.first().and_then(|of| Some((of.due?, of.hours_left?))) else {
        return String::new();
    };
    let used = (72 - left).clamp(0, 72);
    let said = format!("hour {} of 72, until {}", 72 - left, due.to_seconds());
    let class = if left < 0 { "warn" } else { "good" };
    format!("<p class=\"{class}\">{}</p>\n{}\n", escaped(&said), bar(used as u64, 72, RED, &said))
}

fn list(all: &[String]) -> String {
    let items: String = all.iter().map(|one| item(one)).collect();
    if items.is_empty() { "<p>None that a rule knows.</p>\n".into() } else { format!("<ul>\n{items}</ul>\n") }
}

fn dataset(of: &BreachedDataset) -> String {
    let mut out = format!("<h3>{} <small>for {}</small></h3>\n", escaped(&of.dataset), escaped(&of.purpose));
    let gone =
        if of.rows_only > 0 { format!(", and {} rows of files that are gone", of.rows_only) } else { String::new() };
    out.push_str(&facts(&[
        ("People", format!("{}{gone}", of.people)),
        ("Rows in the files of these versions", of.rows.to_string()),
        ("Recipients", named(&of.recipients)),
    ]));
    let version = |version: &crate::questions::breach::BreachedVersion| {
        let replaced = version.replaced.map_or("current".to_owned(), |at| at.to_seconds().to_string());
        let removed = version.removed.map_or("no".to_owned(), |at| at.to_seconds().to_string());
        let (number, rows) = (version.version.to_string(), version.rows.to_string());
        row(&[&number, &version.from.to_seconds().to_string(), &replaced, &removed, &rows, &version.epoch])
    };
    let versions: String = of.versions.iter().map(version).collect();
    out.push_str(&table(&["version", "from", "replaced", "removed by", "rows", "epoch"], &versions));
    let field = |field: &crate::questions::breach::BreachedField| {
        let from = field.from.as_deref().unwrap_or("none");
        row(&[&field.name, from, field.category.unwrap_or("not stated"), &field.treatment, field.means])
    };
    let fields: String = of.fields.iter().map(field).collect();
    out.push_str(&table(&["field", "of column", "category", "treatment", "means"], &fields));
    if let Some(name) = &of.country_field {
        let most = of.countries.values().max().copied().unwrap_or(0);
        let line = |(country, people): (&String, &u64)| {
            let bar = bar(*people, most, RED, &format!("{country}: {people}"));
            format!("<tr><td>{}</td><td class=\"n\">{people}</td><td>{bar}</td></tr>\n", escaped(country))
        };
        let lines: String = of.countries.iter().map(line).collect();
        out.line(format_args!("<h3>People by field {}</h3>", escaped(name)));
        out.push_str(&format!("<div class=\"wide bars\"><table>\n{lines}</table></div>\n"));
    }
    out
}

fn exports(report: &BreachReport) -> String {
    let mut out = String::new();
    for of in &report.exports {
        out.line(format_args!("<h3>Exports of {}</h3>", escaped(&of.source)));
        out.push_str(&facts(&[("Objects", of.objects.to_string()), ("Records", of.records.to_string())]));
        let column = |(name, category): (&String, &&'static str)| row(&[name, category]);
        out.push_str(&table(&["column", "category"], &of.columns.iter().map(column).collect::<String>()));
    }
    out
}

/// What people are told in plain language, as far as evidence can say it.
fn letter(report: &BreachReport) -> String {
    let mut categories: Vec<&str> =
        report.datasets.iter().flat_map(|of| &of.fields).filter_map(|field| field.category).collect();
    categories.sort_unstable();
    categories.dedup();
    let what = if categories.is_empty() { "…".to_owned() } else { categories.join(", ") };
    let contact = stated(&report.contact.dpo.clone().or(report.contact.privacy.clone()));
    let lines = [
        format!(
            "Somebody may have seen data of you that {} processes. They are of these kinds: {what}.",
            report.controller
        ),
        "What this may mean for you: … (to be written by a person)".to_owned(),
        "What we have done, and what you can do: … (to be written by a person)".to_owned(),
        format!("Ask us: {contact}."),
    ];
    let items: String = lines.iter().map(|line| format!("<p>{}</p>\n", escaped(line))).collect();
    format!("<h2>Draft for the people <small>(Art. 34(2))</small></h2>\n{items}")
}

/// Returns how long there is left, in words.
pub(super) fn hours(left: i64) -> String {
    if left < 0 { format!(" ({} hours late)", -left) } else { format!(" ({left} hours left)") }
}

/// Returns how many people are concerned, in words.
pub(super) fn people(report: &BreachReport) -> String {
    let of = &report.people;
    let mut said = Vec::new();
    if of.distinct > 0 || of.uncounted.is_empty() {
        said.push(format!("{} different ones", of.distinct));
    }
    if of.rows_only > 0 {
        said.push(format!("at most {} more, in rows of files that are gone", of.rows_only));
    }
    if !of.uncounted.is_empty() {
        said.push(format!("NOT COUNTED: {}", of.uncounted.join("; ")));
    }
    said.join(", ")
}
