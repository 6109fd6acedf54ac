//! The pages of `tamis subject export`: one for the person, one for the privacy officer.

use super::lines::Lines;
use super::page::{bar, escaped, facts, filled, item, row, value_row};
use super::verdict::counted;
use crate::clock::period_in_words;
use crate::questions::OfRequest;
use crate::questions::access::{
    AccessDataset, AccessOutcome, AccessRecipient, AccessReport, DoubtfulRow, FormerRecipient, OfficerSheet,
    PersonCorrection, Right, ShownValues, Withheld,
};

pub(super) const PAGE: &str =
    concat!(include_str!("../../templates/head.html"), include_str!("../../templates/access.html"));
const GREEN: &str = "#2f6f4f";
const DAY_MICROS: i64 = 86_400_000_000;

const ACCESS_RIGHTS: [&str; 5] = [
    "You can ask for wrong data to be corrected (Art. 16 GDPR) and for data to be erased (Art. 17).",
    "You can ask for processing to be restricted (Art. 18) and object to it (Art. 21), to direct marketing at any time.",
    "You can receive data that you provided, on consent or contract, in a form that machines read (Art. 20).",
    "Consent can be withdrawn at any time (Art. 7(3)); what was done before stays lawful.",
    "In California you can ask for deletion and correction, and opt out of sale and sharing (Civ. Code §1798.105, .106, .120).",
];
const AUTOMATED: &str = "The program that made this answer takes no decision about you. Fields that somebody has \
derived about you, such as a score, are marked. Whether a recipient decides by automated means (Art. 22), and by which \
logic, has to be added here by the controller.";
const NOTHING: &str = "We found no data about you with the values that you gave.";
const UNCLEAR: &str = "We cannot tell which records are yours: what you gave, such as an e-mail address, may belong to several people. \
Please give us a number that only you have from us, such as your customer number (Art. 12(6) GDPR).";
const PORTABLE: &str = "These are the data that you provided, by giving them or by what you did, and that are processed on your \
consent or a contract with you (Art. 20 GDPR). They are in records-*.csv and person.json as they stand in the newest export \
of our customer system. That system may hold more data about you: ask for an export of it, too.";

/// Returns the person's page.
pub(super) fn person(report: &AccessReport) -> String {
    let title = match report.right {
        Right::Access => "Your data (Art. 15 GDPR)",
        Right::Portability => "Your data to take with you (Art. 20 GDPR)",
    };
    let mut body = format!("<h1>{title}</h1>\n{}", head(report));
    match report.outcome {
        AccessOutcome::Found => {}
        AccessOutcome::Unclear => body.line(format_args!("<p class=\"state\">{UNCLEAR}</p>")),
        AccessOutcome::Nothing => body.line(format_args!("<p class=\"state\">{NOTHING}</p>")),
    }
    if report.right == Right::Portability {
        body.line(format_args!("<p>{PORTABLE}</p>"));
    }
    body.push_str(&overview(report));
    report.datasets.iter().for_each(|one| body.push_str(&dataset(one)));
    body.push_str(&raw(report));
    if report.right == Right::Access {
        body.push_str(&requests(&report.requests));
        body.push_str(&corrections(&report.corrections));
    }
    body.push_str(&withheld(&report.withheld));
    if report.right == Right::Access {
        body.push_str("<h2>What else is kept</h2>\n<ul>\n");
        report.also_kept.iter().for_each(|line| body.push_str(&item(line)));
        report.former_recipients.iter().for_each(|one| body.push_str(&item(&former(one))));
        body.push_str(&format!("</ul>\n<h2>Decisions about you</h2>\n<p>{AUTOMATED}</p>\n"));
    }
    body.push_str(&rights(report));
    filled(PAGE, &[("title", title.into()), ("body", body)])
}

fn head(report: &AccessReport) -> String {
    let unknown = || "not stated in the policy: add it before this is sent".to_string();
    let contact = &report.contact;
    facts(&[
        ("Controller", report.controller.clone()),
        ("Contact", contact.privacy.clone().unwrap_or_else(unknown)),
        ("Data protection officer", contact.dpo.clone().unwrap_or_else(unknown)),
        ("Request", report.request.clone()),
        ("Received", report.received.to_seconds().to_string()),
        ("Answered", report.answered.to_seconds().to_string()),
        ("Due", report.due.to_seconds().to_string()),
    ])
}

/// How much of the person each dataset and export has, as bars.
fn overview(report: &AccessReport) -> String {
    let rows = report.datasets.iter().map(|dataset| (dataset.dataset.clone(), dataset.rows.len() as u64, "row"));
    let records: u64 = report.raw_exports.records.iter().map(|record| record.places.len() as u64).sum();
    let raw = (report.raw_exports.not_searched.is_none()).then_some((
        "exports of the customer system".to_string(),
        records,
        "record",
    ));
    let parts: Vec<(String, u64, &str)> = rows.chain(raw).collect();
    let most = parts.iter().map(|(_, count, _)| *count).max().unwrap_or(0);
    let used = (report.answered.0 - report.received.0).max(0) / DAY_MICROS;
    let allowed = ((report.due.0 - report.received.0) / DAY_MICROS).max(1);
    let mut out = String::from("<h2>At a glance</h2>\n");
    let days = format!("answered on day {used} of {allowed}");
    out.push_str(&format!("<p>{days}</p>\n{}\n", bar(used.min(allowed) as u64, allowed as u64, GREEN, &days)));
    for (name, count, what) in &parts {
        let said = format!("{name}: {}", counted(*count, what));
        out.push_str(&format!("<p>{}</p>\n{}\n", escaped(&said), bar(*count, most, GREEN, &said)));
    }
    out
}

fn dataset(dataset: &AccessDataset) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "not stated".into());
    let mut out = format!("<h2>{}</h2>\n", escaped(&dataset.dataset));
    out.push_str(&facts(&[
        ("Purpose", format!("{}: {}", dataset.purpose, text(&dataset.description))),
        ("Lawful basis", dataset.lawful_basis.clone()),
        ("Reference", text(&dataset.reference)),
        ("Categories", dataset.categories.join(", ")),
        ("Recipients", dataset.recipients.iter().map(recipient).collect::<Vec<_>>().join("; ")),
        ("Comes from", dataset.sources.join(", ")),
        ("Kept for", period_in_words(&dataset.keep)),
        ("Version", dataset.version.to_string()),
    ]));
    out.push_str("<h3>What is published about you</h3>\n<div class=\"wide\">\n");
    for (at, one) in dataset.rows.iter().enumerate() {
        out.line(format_args!(
            "<table><tr><th>row {}</th><th>kept until {}</th></tr>",
            at + 1,
            one.keep_until.to_seconds()
        ));
        out.push_str(&cells(&one.values));
        for (field, until) in &one.until {
            out.push_str(&row(&[&format!("{field} is kept until"), &until.to_seconds().to_string()]));
        }
        out.push_str("</table>\n");
    }
    out.push_str("</div>\n<h3>What was done with each field</h3>\n<table><tr><th>field</th><th>of column</th><th>category</th><th>treatment</th></tr>\n");
    for field in &dataset.fields {
        let derived = if field.derived { " (derived of you)" } else { "" };
        let keep = field.keep.as_ref().map_or(String::new(), |keep| format!("; kept for {}", period_in_words(keep)));
        let treatment = format!("{}: {}{derived}{keep}", field.treatment, field.means);
        let (from, category) = (field.from.as_deref().unwrap_or("none"), field.category.unwrap_or("not stated"));
        out.push_str(&row(&[&field.name, from, category, &treatment]));
    }
    out + "</table>\n"
}

fn recipient(one: &AccessRecipient) -> String {
    let place = one.country.as_ref().map_or(String::new(), |country| format!(", {country}"));
    let transfer = one.transfer.as_ref().map_or(String::new(), |transfer| format!(", transfer: {transfer}"));
    let contract = one.contract.as_ref().map_or(String::new(), |contract| format!(", contract: {contract}"));
    let sale = if one.sale { ", data are sold" } else { "" };
    let until = one.last_version.map_or(String::new(), |version| format!(", up to version {version}"));
    format!("{} ({}{place}{transfer}{contract}{sale}{until})", one.name, one.kind)
}

fn former(one: &FormerRecipient) -> String {
    format!(
        "{} had data about you, from {} up to version {}. A notice of what you asked for ({}) was written for them on {}.",
        recipient(&one.recipient),
        one.dataset,
        one.last_version,
        one.effect,
        one.noticed.to_seconds()
    )
}

fn cells(values: &ShownValues) -> String {
    values.iter().map(|(column, value)| value_row(column, value.as_deref().unwrap_or("—"))).collect()
}

fn raw(report: &AccessReport) -> String {
    let raw = &report.raw_exports;
    let mut out = String::from("<h2>Exports of the customer system that are still kept</h2>\n");
    match &raw.not_searched {
        Some(why) => out.line(format_args!("<p class=\"warn\">not searched: {}</p>", escaped(why))),
        None => out.line(format_args!("<p>{} searched.</p>", counted(raw.objects, "file"))),
    };
    match &raw.keep {
        Some(keep) => {
            let keep = escaped(&period_in_words(keep));
            out.line(format_args!("<p>Each of them is removed once it is {keep} old.</p>"));
        }
        None => {
            out.line(format_args!("<p class=\"warn\">Nobody has said in the policy for how long they are kept.</p>"))
        }
    }
    for place in &raw.unreadable {
        out.line(format_args!("<p class=\"warn\">not searched: {}</p>", escaped(place)));
    }
    for record in &raw.records {
        out.push_str(&format!(
            "<h3>{} <small>{}</small></h3>\n<div class=\"wide\"><table>\n",
            escaped(&record.source),
            escaped(&record.places.join("; "))
        ));
        out.push_str(&cells(&record.values));
        for (column, value) in &record.corrected {
            let right = value.as_deref().unwrap_or("nobody has decided yet");
            out.push_str(&value_row(&format!("{column}, corrected (Art. 16)"), right));
        }
        out.push_str("</table></div>\n");
    }
    out
}

fn requests(requests: &[OfRequest]) -> String {
    let mut out = String::from("<h2>Your requests</h2>\n");
    if requests.is_empty() {
        return out + "<p>None.</p>\n";
    }
    out.push_str("<table><tr><th>request</th><th>asks for</th><th>received</th><th>due</th><th>state</th></tr>\n");
    for one in requests {
        let states: Vec<String> = one.states.iter().map(|(job, state)| format!("{job}: {state}")).collect();
        let state = if one.ended { "ended".to_string() } else { states.join(", ") };
        let (received, due) = (one.received.to_seconds().to_string(), one.due.to_seconds().to_string());
        out.push_str(&row(&[&one.request, &one.effect, &received, &due, &state]));
    }
    out + "</table>\n"
}

fn corrections(corrections: &[PersonCorrection]) -> String {
    if corrections.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "<h3>Corrections (Art. 16 GDPR)</h3>\n<table><tr><th>request</th><th>column</th><th>because it is</th><th>received</th><th>due</th><th>state</th></tr>\n",
    );
    for one in corrections {
        let why = one.why.as_ref().map_or(String::new(), |why| format!(" ({why})"));
        let state = format!("{}: {}{why}", one.dataset, one.state);
        let (received, due) = (one.received.to_seconds().to_string(), one.due.to_seconds().to_string());
        out.push_str(&row(&[&one.case, &one.column, &one.reason, &received, &due, &state]));
    }
    out + "</table>\n"
}

fn withheld(all: &[Withheld]) -> String {
    let mut out = String::from("<h2>What is not shown, and why</h2>\n");
    if all.is_empty() {
        return out + "<p>Nothing was left out.</p>\n";
    }
    out.push_str("<table><tr><th>of</th><th>column</th><th>how often</th><th>why</th></tr>\n");
    for one in all {
        let column = one.column.as_deref().unwrap_or("whole rows");
        out.push_str(&row(&[&one.of, column, &one.rows.to_string(), one.why.said()]));
    }
    out + "</table>\n"
}

fn rights(report: &AccessReport) -> String {
    let mut out = String::from("<h2>Your rights</h2>\n<ul>\n");
    ACCESS_RIGHTS.iter().for_each(|line| out.push_str(&item(line)));
    let authority = report.contact.authority.clone();
    let authority = authority.unwrap_or_else(|| "not stated in the policy: add it before this is sent".into());
    out.push_str(&item(&format!(
        "You can complain to a supervisory authority (Art. 77): {authority}. You can also go to court (Art. 79)."
    )));
    out + "</ul>\n"
}

/// Returns the officer's page.
pub(super) fn officer(sheet: &OfficerSheet) -> String {
    let mut body =
        String::from("<h1>For the privacy officer</h1>\n<p class=\"warn\">Not for the person who asked.</p>\n");
    body.push_str(&facts(&[
        ("Request", sheet.request.clone()),
        ("Values given", sheet.identities.to_string()),
        ("Without a normal form", sheet.raw.to_string()),
    ]));
    if let Some(doubt) = &sheet.doubt {
        body.line(format_args!("<p class=\"warn\">{}</p>", escaped(doubt)));
    }
    if let Some(why) = &sheet.doubtful_included {
        body.line(format_args!(
            "<p class=\"warn\">Doubtful rows are on the person's page. The reason: {}</p>",
            escaped(why)
        ));
    }
    body.push_str("<h2>Rows that may be of another person</h2>\n");
    body.push_str(
        "<p>Only a value that several people can share leads to them. They are not on the person's page.</p>\n",
    );
    body.push_str(&doubtful(&sheet.doubtful));
    body.push_str("<h2>Withheld values of the person's own rows</h2>\n");
    body.push_str("<p>Look at each. What does not concern others or a secret belongs to the person: add it by hand, or describe the column in its source.</p>\n");
    body.push_str(&doubtful(&sheet.withheld));
    filled(PAGE, &[("title", "For the privacy officer".into()), ("body", body)])
}

fn doubtful(rows: &[DoubtfulRow]) -> String {
    if rows.is_empty() {
        return "<p>None.</p>\n".into();
    }
    let one = |row: &DoubtfulRow| {
        let (of, place) = (escaped(&row.of), escaped(&row.place));
        format!(
            "<h3>{of} <small>{place}</small></h3>\n<div class=\"wide\"><table>{}</table></div>\n",
            cells(&row.values)
        )
    };
    rows.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_script_is_in_the_page_nor_may_be() {
        assert!(PAGE.contains("default-src 'none'") && !PAGE.contains("<script"));
    }
}
