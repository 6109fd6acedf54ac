//! Residual risks of a job that a rule can find, each with the article that makes it one. What no rule can find is for
//! people to write.

use super::activities::ProcessingActivity;
use super::case::band;
use super::figures::PublishedFigures;
use crate::clock::Instant;
use crate::policy::{Category, Plan, Register, days_left};
use crate::treatments::Treat;
use jiff::tz::TimeZone;

/// A residual risk that a rule has found.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct ResidualRisk {
    /// Name of the rule.
    pub rule: &'static str,
    /// What of the law it is about.
    pub article: &'static str,
    /// What was found, without a value.
    pub what: String,
}

impl ResidualRisk {
    fn new(rule: &'static str, article: &'static str, what: String) -> ResidualRisk {
        ResidualRisk { rule, article, what }
    }
}

/// What the rules look at.
pub(super) struct ResidualScene<'a> {
    pub plan: &'a Plan,
    pub register: &'a Register,
    pub activity: &'a ProcessingActivity,
    pub figures: Option<&'a PublishedFigures>,
    /// Requests that are past their deadline; none when that is not known.
    pub overdue: Option<u64>,
    pub now: Instant,
}

impl ResidualScene<'_> {
    /// Returns what the rules find, in their order.
    pub fn risks(&self) -> Vec<ResidualRisk> {
        [self.fields(), self.groups(), self.recipients(), self.terms()].concat()
    }

    fn fields(&self) -> Vec<ResidualRisk> {
        let mut found = Vec::new();
        let mut say = |rule, article, what| found.push(ResidualRisk::new(rule, article, what));
        for (field, recorded) in self.plan.fields.iter().zip(&self.activity.fields) {
            let (name, treat) = (&field.name, field.treat.treat());
            let category = recorded.category.unwrap_or_default();
            let is = |of: Category| of.name() == category;
            if is(Category::Special) {
                let condition = self.activity.condition.as_deref().unwrap_or("none");
                let what = format!("field {name} is of a special category; condition: {condition}");
                say("special-category", "Art. 9 GDPR", what);
            }
            if is(Category::FreeText) {
                let what = format!("field {name} is free text ({}), which may tell of anybody", recorded.treatment);
                say("free-text", "Art. 5(1)(c) GDPR", what);
            }
            if treat == Treat::AsIs && (is(Category::Identity) || is(Category::Contact)) {
                say("published-as-is", "Art. 25 GDPR", format!("field {name} ({category}) is published as it is"));
            }
            let identified = field.from.is_some_and(|at| self.plan.columns[at].identified);
            if treat == Treat::Pseudonymize && !identified {
                let what = format!("field {name} has tokens of a column that is no identifier: few values tell apart");
                say("tokens-of-few-values", "Art. 4(5) GDPR", what);
            }
            if recorded.derived {
                let what = format!("field {name} is made of what somebody has derived of people");
                say("derived", "Art. 22 GDPR", what);
            }
        }
        found
    }

    fn groups(&self) -> Vec<ResidualRisk> {
        let risk = |what| ResidualRisk::new("small-groups", "Recital 26 GDPR", what);
        let Some(gate) = &self.plan.gate else {
            return vec![risk("no gate: nobody knows how few people share what is published".to_owned())];
        };
        let near = self.figures.and_then(|of| of.near_k).filter(|near| !near.is_none());
        let near = near.map(|near| {
            risk(format!("groups that fewer than {} people share (k is {}): {}", gate.k * 2, gate.k, near.said()))
        });
        let uniform = gate
            .diversity
            .is_none()
            .then(|| risk("no l: people of one group may all have the same value in another field".to_owned()));
        near.into_iter().chain(uniform).collect()
    }

    fn recipients(&self) -> Vec<ResidualRisk> {
        let mut found = Vec::new();
        let mut say = |rule, article, what| found.push(ResidualRisk::new(rule, article, what));
        let today = self.now.day(&TimeZone::UTC);
        for recipient in &self.activity.recipients {
            let name = &recipient.name;
            if let (Some(country), Some(transfer)) = (&recipient.country, &recipient.transfer) {
                say("third-country", "Art. 44 GDPR", format!("recipient {name} has the data in {country}: {transfer}"));
            }
            if recipient.sale {
                say("sale", "Civ. Code §1798.120", format!("data are sold to {name}"));
            }
            let review = self.register.recipients.get(name).and_then(|facts| facts.review_by);
            if let Some(day) = review.filter(|day| days_left(*day, today) < 0) {
                say("review-past", "Art. 28, 44 GDPR", format!("recipient {name} was to be reviewed by {day}"));
            }
        }
        found
    }

    fn terms(&self) -> Vec<ResidualRisk> {
        let mut found = Vec::new();
        let mut say = |rule, article, what: String| found.push(ResidualRisk::new(rule, article, what));
        if self.activity.raw_keep.is_none() {
            let what = "raw exports are kept without end, with everything that is not published";
            say("raw-exports", "Art. 5(1)(e) GDPR", what.into());
        }
        if let Some(overdue) = self.overdue.filter(|overdue| *overdue > 0) {
            say("requests-overdue", "Art. 12(3) GDPR", format!("requests past their deadline: {}", band(overdue)));
        }
        if self.plan.retention.undated.is_some_and(|undated| undated.never_runs_out()) {
            let what = "rows stay as long as exports bring them, however old they are";
            say("no-date", "Art. 5(1)(e) GDPR", what.into());
        }
        found
    }
}
