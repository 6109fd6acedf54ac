//! The page of an assessment: words, tables, and pictures beside the tables.

use super::lines::Lines;
use super::page::{bar, escaped, facts, item, row, table};
use super::register::{NOT_STATED, fields, paper, parts};
use crate::policy::RiskChange;
use crate::questions::{Assessment, FigureBand, PublishedFigures, ResidualRisk, SignedRoleTold};

const GREEN: &str = "#2f6f4f";
const NOT_ASSESSED: &str = "not assessed";

/// Returns the assessment of a job as a page.
pub(super) fn html(of: &Assessment) -> String {
    let job = &of.activity.job;
    let mut body = format!("<h1>Assessment of {} <small>(Art. 35 GDPR)</small></h1>\n", escaped(job));
    let class = if of.waits { "warn" } else { "good" };
    body.line(format_args!("<p class=\"{class}\">{}</p>", escaped(&standing(of))));
    body.push_str(&facts(&[
        ("Controller", of.controller.clone()),
        ("Data protection officer", of.contact.dpo.clone().unwrap_or_else(|| NOT_STATED.into())),
        ("Dataset", of.activity.dataset.clone()),
        ("Next review", of.written.review_by.clone().unwrap_or_else(|| NOT_ASSESSED.into())),
        ("Profile", of.profile.clone()),
    ]));
    body.push_str("<h2>What is done <small>(Art. 35(7)(a))</small></h2>\n");
    body.push_str(&facts(&parts(&of.activity)));
    body.push_str(&fields(&of.activity));
    body.push_str(
        &of.figures
            .as_ref()
            .map_or_else(|| "<p>Nothing is published yet.</p>\n".to_owned(), |figures| pictures(of, figures)),
    );
    body.push_str(&requests(of));
    body.push_str(&written(of));
    body.push_str("<h2>Residual risks that rules have found</h2>\n");
    let risk = |risk: &ResidualRisk| row(&[&risk.what, risk.article, risk.rule]);
    body.push_str(&rows_or(&["risk", "law", "rule"], of.residual.iter().map(risk).collect()));
    body.push_str("<h2>What has changed since it was signed</h2>\n");
    body.push_str(&rows_or(&["change", "of", "risk"], of.changes.iter().map(change).collect()));
    body.push_str("<h2>Advice and decision</h2>\n");
    let history: String = of.history.iter().map(|one| item(&told(one))).collect();
    body.push_str(&if history.is_empty() { "<p>None.</p>\n".into() } else { format!("<ul>\n{history}</ul>\n") });
    body.push_str("<h2>Not assessed</h2>\n");
    let open: String = of.not_assessed.iter().map(|what| item(what)).collect();
    body.push_str(&if open.is_empty() {
        "<p>Nothing.</p>\n".into()
    } else {
        format!("<ul class=\"open\">\n{open}</ul>\n")
    });
    paper(&format!("Assessment of {job}"), body, of.at)
}

fn rows_or(heads: &[&str], rows: String) -> String {
    if rows.is_empty() { "<p>None.</p>\n".into() } else { table(heads, &rows) }
}

fn change(change: &RiskChange) -> String {
    row(&[&change.what, &change.rule, change.direction.word()])
}

fn pictures(of: &Assessment, figures: &PublishedFigures) -> String {
    let mut out = format!("<h2>What is published now <small>version {}</small></h2>\n", figures.version);
    let number = |of: Option<u32>| of.map_or_else(|| "none".to_owned(), |of| of.to_string());
    out.push_str(&facts(&[
        ("Rows", figures.rows.said()),
        ("People", figures.people.said()),
        ("k and l", format!("{} and {}", number(of.k), number(of.l))),
    ]));
    out.push_str(&picture("Rows by the age of the last activity", &figures.ages));
    out.push_str(&picture("Groups by how many people share them", &figures.groups));
    out
}

/// Bars beside their numbers. What is not told has a bar of the width of ten, which says as little.
fn picture(title: &str, bands: &[FigureBand]) -> String {
    if bands.is_empty() {
        return String::new();
    }
    let length = |band: &FigureBand| band.count.count.unwrap_or(10);
    let most = bands.iter().map(length).max().unwrap_or(0);
    let line = |band: &FigureBand| {
        let said = band.count.said();
        let bar = bar(length(band), most, GREEN, &format!("{}: {said}", band.name));
        format!("<tr><td>{}</td><td class=\"n\">{}</td><td>{bar}</td></tr>\n", escaped(&band.name), escaped(&said))
    };
    let lines: String = bands.iter().map(line).collect();
    format!("<h3>{title}</h3>\n<div class=\"wide bars\"><table>\n{lines}</table></div>\n")
}

fn requests(of: &Assessment) -> String {
    let mut out = String::from("<h2>Requests of data subjects <small>over all datasets</small></h2>\n");
    if let Some(why) = &of.requests_stop {
        out.line(format_args!("<p class=\"warn\">not looked at: {}</p>", escaped(why)));
        return out;
    }
    let mut lines: Vec<(&str, String)> =
        of.requests.iter().map(|(state, count)| (state.as_str(), count.clone())).collect();
    lines.push(("past their deadline", of.overdue.clone().unwrap_or_else(|| "none".into())));
    out + &facts(&lines)
}

fn written(of: &Assessment) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| NOT_ASSESSED.into());
    let written = &of.written;
    let parts = facts(&[
        ("Necessity (7)(b)", text(&written.necessity)),
        ("Risks to people (7)(c)", text(&written.risks)),
        ("Measures (7)(d)", text(&written.measures)),
        ("Views of people (9)", text(&written.views)),
        ("Prior consultation (36)", text(&written.prior_consultation)),
    ]);
    format!("<h2>What people have assessed <small>(Art. 35(7)(b) to (d))</small></h2>\n{parts}")
}

/// Returns a signature or an advice in one line.
pub(super) fn told(of: &SignedRoleTold) -> String {
    let what = if of.advice { "advice of" } else { "signed by" };
    format!("{} {what} {}: {}", of.at.to_seconds(), of.by, of.reason)
}

/// Returns how the signature stands, in one line.
pub(super) fn standing(of: &Assessment) -> String {
    match (&of.signed, of.waits) {
        (None, true) => "not signed: the job does not publish before the controller has signed (R76)".to_owned(),
        (None, false) => "not signed; the purpose does not ask for it".to_owned(),
        (Some(signed), true) => {
            format!("signed at {}, and riskier since: the job waits for a new signature (R76)", signed.at.to_seconds())
        }
        (Some(signed), false) => format!("signed at {} by {}", signed.at.to_seconds(), signed.by),
    }
}
