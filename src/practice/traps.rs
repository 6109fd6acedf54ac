//! The table of traps: what is wrong in a practice's specs, which law says so, since when, why, and how it is told that
//! somebody has mended it.

use crate::clock::{Instant, Period};
use crate::policy::{Basis, Category, Effect, Field, Ground, List, Mechanism, Plan, Project, Register, days_left};
use crate::treatments::Treat;
use jiff::tz::TimeZone;

/// A law that a trap is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Regime {
    /// The General Data Protection Regulation.
    #[serde(rename = "GDPR")]
    Gdpr,
    /// The California Consumer Privacy Act, as amended by the CPRA.
    #[serde(rename = "CCPA")]
    Ccpa,
}

impl Regime {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Regime::Gdpr => "GDPR",
            Regime::Ccpa => "CCPA",
        }
    }
}

/// A mistake in the specs.
#[derive(serde::Serialize)]
pub struct Trap {
    /// A name by which learners can speak of it.
    pub name: &'static str,
    /// The file, and the part of it, that has the mistake.
    pub place: &'static str,
    /// Which law it is about.
    pub regime: Regime,
    /// The article of that law.
    pub article: &'static str,
    /// Since when that holds.
    pub since: &'static str,
    /// Why it is a mistake, and what is right.
    pub why: &'static str,
    /// Says whether somebody has mended it.
    #[serde(skip)]
    pub mended: fn(&Project, &Register, Instant) -> bool,
}

const GDPR: &str = "2018-05-25";

fn plan<'a>(project: &'a Project, job: &str) -> Option<&'a Plan> {
    project.jobs.get(job)
}

/// Published fields of a job that are made of a column.
fn made_of<'a>(plan: Option<&'a Plan>, column: &'a str) -> impl Iterator<Item = &'a Field> {
    plan.into_iter().flat_map(move |plan| {
        plan.fields.iter().filter(move |field| field.from.is_some_and(|at| plan.columns[at].name == column))
    })
}

/// Whether no field of a job shows a column in one of these ways.
fn hidden(project: &Project, job: &str, column: &str, shown: &[Treat]) -> bool {
    made_of(plan(project, job), column).all(|field| !shown.contains(&field.treat.treat()))
}

fn category(register: &Register, column: &str) -> Option<Category> {
    Some(register.sources.get("contact")?.columns.get(column)?.category)
}

fn list<'a>(project: &'a Project, name: &str) -> Option<&'a List> {
    project.lists.get(name)
}

fn within(period: Option<&Period>, most: &str) -> bool {
    period.zip(Period::parse(most)).is_some_and(|(period, most)| period.within(&most))
}

/// Every trap, in the order in which they are told.
pub static TRAPS: [Trap; 20] = [
    Trap {
        name: "address-as-it-is",
        place: "planning.toml, field email",
        regime: Regime::Gdpr,
        article: "Art. 5(1)(c), 25",
        since: GDPR,
        why: "Planning needs no address. Leave the field out, or publish a token or the domain.",
        mended: |project, _, _| hidden(project, "planning", "Email", &[Treat::AsIs]),
    },
    Trap {
        name: "notes-for-everybody",
        place: "planning.toml, field notes",
        regime: Regime::Gdpr,
        article: "Art. 5(1)(c)",
        since: GDPR,
        why: "Free text tells of anybody, also of people who are no customers. Leave it out; `redact` finds forms, not persons.",
        mended: |project, _, _| hidden(project, "planning", "Notes__c", &[Treat::AsIs, Treat::Redact]),
    },
    Trap {
        name: "birthday",
        place: "planning.toml, field born",
        regime: Regime::Gdpr,
        article: "Art. 5(1)(c)",
        since: GDPR,
        why: "A day of birth with a post code singles most people out. Publish the year, or a band of ages.",
        mended: |project, _, _| {
            hidden(
                project,
                "planning",
                "Birthdate",
                &[Treat::AsIs, Treat::Day, Treat::Week, Treat::Month, Treat::DateShift],
            )
        },
    },
    Trap {
        name: "health-in-disguise",
        place: "sources/contact.toml, column Allergies__c",
        regime: Regime::Gdpr,
        article: "Art. 9(1), 4(15)",
        since: GDPR,
        why: "What somebody cannot eat is about health: category special, and no dataset of planning has a condition for it.",
        mended: |project, register, _| {
            let published = project.jobs.keys().any(|job| made_of(plan(project, job), "Allergies__c").next().is_some());
            category(register, "Allergies__c") == Some(Category::Special) && !published
        },
    },
    Trap {
        name: "password",
        place: "sources/contact.toml, column Portal_Password__c",
        regime: Regime::Gdpr,
        article: "Art. 32(1)",
        since: GDPR,
        why: "A password is a secret, not technical: category secret, which no job can publish. California would not even \
              disclose it to the person (11 CCR §7024(d)).",
        mended: |_, register, _| category(register, "Portal_Password__c") == Some(Category::Secret),
    },
    Trap {
        name: "whole-post-code",
        place: "planning.toml, field postal_code",
        regime: Regime::Gdpr,
        article: "Art. 5(1)(c)",
        since: GDPR,
        why: "Territories are areas. A prefix of two digits says as much to them, and less of a person.",
        mended: |project, _, _| hidden(project, "planning", "PostalCode", &[Treat::AsIs]),
    },
    Trap {
        name: "groups-of-one",
        place: "planning.toml, [gate] k",
        regime: Regime::Gdpr,
        article: "Recital 26, Art. 25",
        since: GDPR,
        why: "With k = 1 everybody may stand alone in their group. Use 5 or more.",
        mended: |project, _, _| {
            plan(project, "planning").and_then(|plan| plan.gate.as_ref()).is_some_and(|gate| gate.k >= 5)
        },
    },
    Trap {
        name: "half-a-gate",
        place: "planning.toml, [gate] quasi_identifiers; sources/contact.toml, quasi = false",
        regime: Regime::Gdpr,
        article: "Recital 26, Art. 25",
        since: GDPR,
        why: "Post code and birth tell people apart as well as the city does: all that is published of them belongs into the gate.",
        mended: |project, _, _| {
            let Some(planning) = plan(project, "planning") else { return false };
            let inside =
                |field: &Field| planning.gate.as_ref().is_some_and(|gate| gate.quasi_identifiers.contains(&field.name));
            let columns = ["City", "PostalCode", "Birthdate"];
            planning.gate.is_some() && columns.iter().all(|column| made_of(Some(planning), column).all(inside))
        },
    },
    Trap {
        name: "advertising-without-consent",
        place: "policy.toml, [purposes.newsletter] lawful_basis; sources/contact.toml, [consent]",
        regime: Regime::Gdpr,
        article: "Art. 6(1)(a), 7(1); Art. 13 of Directive 2002/58/EC",
        since: GDPR,
        why: "The letter goes to people who ticked a box, so it rests on consent, and only they may be in it: a [consent] \
              column. In California notice and a way out would do.",
        mended: |project, _, _| {
            plan(project, "newsletter")
                .is_some_and(|plan| plan.purpose.basis == Basis::Consent && plan.controls.consent.is_some())
        },
    },
    Trap {
        name: "advertising-is-direct-marketing",
        place: "policy.toml, [purposes.newsletter] direct_marketing",
        regime: Regime::Gdpr,
        article: "Art. 21(2), (3)",
        since: GDPR,
        why: "An objection to advertising binds on every lawful basis, at once and without reasons: direct_marketing = true.",
        mended: |project, _, _| plan(project, "newsletter").is_some_and(|plan| plan.purpose.direct_marketing),
    },
    Trap {
        name: "ten-years",
        place: "newsletter.toml and planning.toml, [retention] keep",
        regime: Regime::Gdpr,
        article: "Art. 5(1)(e)",
        since: GDPR,
        why: "Who has bought nothing for years is no customer any more. Three years after the last activity is a lot.",
        mended: |project, _, _| {
            ["newsletter", "planning"]
                .iter()
                .all(|job| within(plan(project, job).map(|plan| &plan.retention.keep), "P3Y"))
        },
    },
    Trap {
        name: "invoices-erased",
        place: "policy.toml, [purposes.invoices] lawful_basis",
        regime: Regime::Gdpr,
        article: "Art. 6(1)(c), 17(3)(b)",
        since: GDPR,
        why: "Tax law wants invoices kept, so their purpose rests on a legal obligation, and no erasure reaches them. On \
              contract they would be erased: too much deleted is a mistake, too.",
        mended: |project, _, _| {
            plan(project, "invoices").is_some_and(|plan| plan.purpose.basis == Basis::LegalObligation)
        },
    },
    Trap {
        name: "objection-erases",
        place: "policy.toml, [lists.no-advertising] effect",
        regime: Regime::Gdpr,
        article: "Art. 21(3), 17(1)",
        since: GDPR,
        why: "Who wants no advertising stays a customer: effect object, for the purpose newsletter. With erase they vanish \
              from all datasets, and nobody asked for that.",
        mended: |project, _, _| {
            list(project, "no-advertising").is_some_and(|list| {
                let named = |purposes: &Vec<String>| purposes.iter().any(|purpose| purpose == "newsletter");
                matches!(list.effect, Effect::Object) && list.purposes.as_ref().is_some_and(named)
            })
        },
    },
    Trap {
        name: "proof-destroyed",
        place: "policy.toml, [lists.proof] ground",
        regime: Regime::Gdpr,
        article: "Art. 18(1)(b)",
        since: GDPR,
        why: "They say the processing was unlawful and oppose erasure: ground b, with which bytes are kept. With ground a \
              raw exports and old versions go, and the proof with them.",
        mended: |project, _, _| list(project, "proof").is_some_and(|list| list.ground == Some(Ground::B)),
    },
    Trap {
        name: "sale-unsaid",
        place: "policy.toml, [recipients.partner] sale",
        regime: Regime::Ccpa,
        article: "Civ. Code §1798.120, .140(ad)",
        since: "2020-01-01",
        why: "Data for money, or anything else of value, is a sale: sale = true, so that opt-outs bind. The GDPR has no word \
              for it; there it is a disclosure to another controller that needs a basis.",
        mended: |project, _, _| {
            plan(project, "partner").and_then(|plan| plan.recipient.as_ref()).is_some_and(|of| of.sale)
        },
    },
    Trap {
        name: "review-forgotten",
        place: "policy.toml, [recipients.partner] review_by",
        regime: Regime::Gdpr,
        article: "Art. 24(1), 5(2)",
        since: GDPR,
        why: "Nobody has looked at the partner since 2020. Look at contract, country and transfer, then write a day to come.",
        mended: |_, register, now| {
            let by = register.recipients.get("partner").and_then(|of| of.review_by);
            by.is_some_and(|by| days_left(by, now.day(&TimeZone::UTC)) >= 0)
        },
    },
    Trap {
        name: "transfer-on-nothing",
        place: "policy.toml, [recipients.mailer] transfer",
        regime: Regime::Gdpr,
        article: "Art. 44 to 46",
        since: GDPR,
        why: "\"They said it is fine\" is no mechanism. Adequacy of the framework, standard clauses or another one of Chapter V.",
        mended: |_, register, _| {
            let transfer = register.recipients.get("mailer").and_then(|of| of.transfer.as_ref());
            let country = register.recipients.get("mailer").and_then(|of| of.country.as_deref());
            country != Some("US") || transfer.is_some_and(|words| !words.starts_with(Mechanism::None.said()))
        },
    },
    Trap {
        name: "raw-for-ever",
        place: "policy.toml, [removal] raw_keep",
        regime: Regime::Gdpr,
        article: "Art. 5(1)(e)",
        since: GDPR,
        why: "Exports hold everything, and everybody who was erased since. Without raw_keep they stay for ever.",
        mended: |project, _, _| within(project.removal.raw_keep.as_ref(), "P1Y"),
    },
    Trap {
        name: "late-answers",
        place: "policy.toml, [removal] due",
        regime: Regime::Gdpr,
        article: "Art. 12(3)",
        since: GDPR,
        why: "A request is due within a month of its receipt: P1M. California gives 45 days, but not to people here.",
        mended: |project, _, _| within(Some(&project.removal.due), "P1M"),
    },
    Trap {
        name: "old-versions",
        place: "policy.toml, [removal] grace",
        regime: Regime::Gdpr,
        article: "Art. 17(1)",
        since: GDPR,
        why: "For half a year everybody who was erased is still in the old versions of the tables. Readers need hours, not months.",
        mended: |project, _, _| within(Some(&project.removal.grace), "P30D"),
    },
];
