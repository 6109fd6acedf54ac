//! What somebody needs of the practice's datasets: who takes it away has protected nobody (Art. 17(3) GDPR).

use crate::clock::Period;
use crate::policy::{Plan, Project};

/// Returns what is missing, with who needs it.
pub(super) fn missing(project: &Project) -> Vec<&'static str> {
    let has = |job: &str, field: &str| {
        project.jobs.get(job).is_some_and(|plan| plan.fields.iter().any(|of| of.name == field))
    };
    let keeps = |plan: &Plan| Period::parse("P8Y").is_some_and(|years| years.within(&plan.retention.keep));
    let needs = [
        (
            has("newsletter", "name") && has("newsletter", "email"),
            "newsletter: without name and email no letter can be sent to those who have asked for it",
        ),
        (
            has("invoices", "invoice") && has("invoices", "spend"),
            "invoices: tax law wants the invoices and their amounts kept (Art. 17(3)(b) GDPR)",
        ),
        (
            project.jobs.get("invoices").is_some_and(keeps),
            "invoices: tax law wants them for eight years; an earlier end is no privacy, it is an offence",
        ),
        (
            has("planning", "city") && has("planning", "favourite"),
            "planning: territories and product lines are what the purpose is for; coarsen fields, keep the numbers",
        ),
        (
            has("partner", "customer"),
            "partner: the contract is there; the law gives people a way out of it, and does not forbid it",
        ),
    ];
    needs.into_iter().filter(|(there, _)| !there).map(|(_, what)| what).collect()
}
