//! The table of risk: what of a job is compared with what was signed, which change raises the risk and which lowers it.
//! What is mixed, or has no order, raises it. The docs print this table. Must not know who signs, nor runs.

use super::coarser::coarser;
use super::profile::RiskProfile;
use crate::clock::Period;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A version may have so many times the rows of the one that was signed before a new signature is needed.
const POPULATION: u64 = 2;

/// What a change does to the risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RiskDirection {
    /// People have more to fear: a new signature is needed.
    Raises,
    /// People have less to fear: the signature still counts.
    Lowers,
}

impl RiskDirection {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            RiskDirection::Raises => "raises",
            RiskDirection::Lowers => "lowers",
        }
    }
}

/// A change of a job since it was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RiskChange {
    /// Name of the row of the table.
    pub rule: String,
    /// What it does to the risk.
    pub direction: RiskDirection,
    /// What has changed, in words of the specs.
    pub what: String,
}

/// A row of the table.
pub struct RiskRule {
    /// What is compared.
    pub name: &'static str,
    /// Which change raises the risk.
    pub raises: &'static str,
    /// Which change lowers it.
    pub lowers: &'static str,
    /// Finds the changes.
    find: fn(&RiskProfile, &RiskProfile, &mut FoundChanges),
}

/// Changes as rules find them.
#[derive(Default)]
struct FoundChanges(Vec<(RiskDirection, String)>);

impl FoundChanges {
    fn say(&mut self, raises: bool, what: impl Into<String>) {
        let direction = if raises { RiskDirection::Raises } else { RiskDirection::Lowers };
        self.0.push((direction, what.into()));
    }

    /// Two texts that are not in any order.
    fn other<T: PartialEq>(&mut self, name: &str, before: &T, after: &T, said: impl Fn(&T) -> String) {
        if before != after {
            self.say(true, format!("{name}: {} instead of {}", said(after), said(before)));
        }
    }

    /// Two sets, of which one more member raises, or lowers.
    fn set(&mut self, name: &str, before: &BTreeSet<String>, after: &BTreeSet<String>, more_raises: bool) {
        after.difference(before).for_each(|more| self.say(more_raises, format!("{name} {more} is new")));
        before.difference(after).for_each(|less| self.say(!more_raises, format!("{name} {less} is gone")));
    }

    /// Two periods, of which the longer one raises; none is for ever.
    fn period(&mut self, name: &str, before: Option<&str>, after: Option<&str>) {
        if before == after {
            return;
        }
        let read = |text: &str| Period::parse(text);
        let shorter = match (before.map(read), after.map(read)) {
            (None, Some(Some(_))) => true,
            (Some(Some(before)), Some(Some(after))) => after.within(&before),
            _ => false,
        };
        let said = |text: Option<&str>| text.unwrap_or("no end").to_owned();
        self.say(!shorter, format!("{name}: {} instead of {}", said(after), said(before)));
    }
}

fn text(of: &Option<String>) -> String {
    of.clone().unwrap_or_else(|| "none".into())
}

/// Every row of the table, in the order of the docs.
pub const RISKS: &[RiskRule] = &[
    RiskRule {
        name: "purpose",
        raises: "another purpose or lawful basis, direct marketing begins or ends, another joint controller",
        lowers: "a joint controller leaves",
        find: purpose,
    },
    RiskRule {
        name: "people",
        raises: "a category of people is new",
        lowers: "a category of people is gone",
        find: |before, after, found| found.set("category of people", &before.people, &after.people, true),
    },
    RiskRule {
        name: "population",
        raises: "more than twice the rows of the version that was signed, or of the first one after it",
        lowers: "nothing",
        find: population,
    },
    RiskRule {
        name: "field",
        raises: "a field is new, or is made from another column",
        lowers: "a field is gone",
        find: fields,
    },
    RiskRule {
        name: "category",
        raises: "the column of a field has another category",
        lowers: "nothing",
        find: categories,
    },
    RiskRule {
        name: "treatment",
        raises: "a treatment says more, or cannot be put in order with the one before",
        lowers: "a treatment of the same column says less",
        find: treatments,
    },
    RiskRule {
        name: "source",
        raises: "another source, or a new observed source (its activity keeps rows longer)",
        lowers: "an observed source is gone",
        find: sources,
    },
    RiskRule {
        name: "retention",
        raises: "rows or a field are kept longer; other clocks count (`scope`); something else stands in for dates",
        lowers: "rows or a field are kept for a shorter time",
        find: retention,
    },
    RiskRule {
        name: "raw exports",
        raises: "a longer `raw_keep`, or none",
        lowers: "a shorter `raw_keep`",
        find: |before, after, found| found.period("raw_keep", before.raw_keep.as_deref(), after.raw_keep.as_deref()),
    },
    RiskRule {
        name: "left out",
        raises: "an exclude or [newest] is gone or has other values, or consent is read in another way",
        lowers: "an exclude or [newest] is new",
        find: left_out,
    },
    RiskRule {
        name: "groups",
        raises: "a lower k or l, a field leaves the gate, or the gate is gone",
        lowers: "a higher k or l, a field joins the gate",
        find: groups,
    },
    RiskRule {
        name: "recipient",
        raises: "another recipient, another kind of recipient, a sale begins",
        lowers: "a sale ends",
        find: recipient,
    },
    RiskRule {
        name: "country",
        raises: "another country, or another mechanism or assessment of the transfer",
        lowers: "nothing",
        find: country,
    },
    RiskRule {
        name: "tokens",
        raises: "another token domain, or one more dataset whose tokens join",
        lowers: "a dataset whose tokens joined is gone",
        find: tokens,
    },
    RiskRule {
        name: "breach",
        raises: "a breach of the dataset was recorded since the signature",
        lowers: "nothing",
        find: breach,
    },
];

/// Returns what has changed between what was signed and what there is now, by the table.
pub fn risk_changes(signed: &RiskProfile, now: &RiskProfile) -> Vec<RiskChange> {
    let of = |rule: &RiskRule| {
        let mut found = FoundChanges::default();
        (rule.find)(signed, now, &mut found);
        let change = |(direction, what)| RiskChange { rule: rule.name.into(), direction, what };
        found.0.into_iter().map(change).collect::<Vec<_>>()
    };
    RISKS.iter().flat_map(of).collect()
}

/// Returns those of the changes that raise the risk.
pub fn risks_raised(signed: &RiskProfile, now: &RiskProfile) -> impl Iterator<Item = RiskChange> {
    risk_changes(signed, now).into_iter().filter(|change| change.direction == RiskDirection::Raises)
}

fn purpose(before: &RiskProfile, after: &RiskProfile, found: &mut FoundChanges) {
    found.other("purpose", &before.purpose, &after.purpose, String::clone);
    found.other("lawful basis", &before.basis, &after.basis, String::clone);
    found.other("direct marketing", &before.direct_marketing, &after.direct_marketing, bool::to_string);
    found.set("joint controller", &before.joint_controllers, &after.joint_controllers, true);
}

fn population(before: &RiskProfile, after: &RiskProfile, found: &mut FoundChanges) {
    let (Some(signed), Some(now)) = (before.rows, after.rows) else { return };
    if now > signed.saturating_mul(POPULATION) {
        found.say(true, format!("the version has {now} rows, and {signed} were signed"));
    }
}

fn fields(before: &RiskProfile, after: &RiskProfile, found: &mut FoundChanges) {
    for (name, field) in &after.fields {
        match before.fields.get(name) {
            None => found.say(true, format!("field {name} is new")),
            Some(was) => found.other(&format!("column of field {name}"), &was.column, &field.column, text),
        }
    }
    let gone = before.fields.keys().filter(|name| !after.fields.contains_key(*name));
    gone.for_each(|name| found.say(false, format!("field {name} is gone")));
}

fn categories(before: &RiskProfile, after: &RiskProfile, found: &mut FoundChanges) {
    for (name, field) in &after.fields {
        let Some(was) = before.fields.get(name) else { continue };
        let said = |category: &Option<crate::policy::Category>| category.map_or("none", |of| of.name()).to_owned();
        found.other(&format!("category of field {name}"), &was.category, &field.category, said);
    }
}

fn treatments(before: &RiskProfile, after: &RiskProfile, found: &mut FoundChanges) {
    for (name, field) in &after.fields {
        let Some(was) = before.fields.get(name) else { continue };
        let coarser = coarser(&was.treatment, &field.treatment);
        if coarser.is_some() || was.settings != field.settings {
            let lowers = coarser == Some(true);
            found.say(!lowers, format!("field {name}: {} instead of {}", field.treatment, was.treatment));
        }
    }
}

fn sources(before: &RiskProfile, after: &RiskProfile, found: &mut FoundChanges) {
    found.other("source", &before.source, &after.source, String::clone);
    found.set("observed source", &before.observed, &after.observed, true);
}

fn retention(before: &RiskProfile, after: &RiskProfile, found: &mut FoundChanges) {
    found.period("keep", Some(&before.keep), Some(&after.keep));
    found.other("clock of retention", &before.scope, &after.scope, String::clone);
    found.other("what stands in for dates", &before.undated, &after.undated, text);
    for (name, field) in &after.fields {
        if let Some(was) = before.fields.get(name) {
            found.period(&format!("keep of field {name}"), was.keep.as_deref(), field.keep.as_deref());
        }
    }
}

fn left_out(before: &RiskProfile, after: &RiskProfile, found: &mut FoundChanges) {
    found.set("exclude", &before.excludes, &after.excludes, false);
    found.other("consent", &before.consent, &after.consent, text);
}

fn groups(before: &RiskProfile, after: &RiskProfile, found: &mut FoundChanges) {
    if before.k != after.k {
        let said = |k: Option<u32>| k.map_or("no gate".to_owned(), |k| k.to_string());
        found.say(after.k < before.k, format!("k: {} instead of {}", said(after.k), said(before.k)));
    }
    found.set("field of the gate", &before.quasi_identifiers, &after.quasi_identifiers, false);
    found.set("sensitive field of the gate", &before.sensitive, &after.sensitive, false);
    if before.l != after.l {
        let higher = match (&before.l, &after.l) {
            (None, Some(_)) => true,
            (Some((was, by)), Some((is, now))) => by == now && is > was,
            _ => false,
        };
        let said = |l: &Option<(u32, String)>| l.as_ref().map_or("none".to_owned(), |(l, by)| format!("{l} ({by})"));
        found.say(!higher, format!("l: {} instead of {}", said(&after.l), said(&before.l)));
    }
}

fn recipient(before: &RiskProfile, after: &RiskProfile, found: &mut FoundChanges) {
    found.other("recipient", &before.recipient, &after.recipient, text);
    found.other("kind of recipient", &before.recipient_kind, &after.recipient_kind, text);
    if before.sale != after.sale {
        found.say(after.sale, if after.sale { "data are sold to the recipient" } else { "data are no longer sold" });
    }
}

fn country(before: &RiskProfile, after: &RiskProfile, found: &mut FoundChanges) {
    found.other("country of the recipient", &before.country, &after.country, text);
    found.other("transfer", &before.transfer, &after.transfer, text);
}

fn tokens(before: &RiskProfile, after: &RiskProfile, found: &mut FoundChanges) {
    found.other("token domain", &before.domain, &after.domain, String::clone);
    found.set("dataset with the same tokens", &before.same_tokens, &after.same_tokens, true);
}

fn breach(before: &RiskProfile, after: &RiskProfile, found: &mut FoundChanges) {
    if after.breaches > before.breaches {
        found.say(true, format!("breaches noted since: {}", after.breaches - before.breaches));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Category, RiskField};
    use std::collections::BTreeMap;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn field(treatment: &str) -> RiskField {
        RiskField {
            column: Some("Postcode".into()),
            category: Some(Category::Location),
            treatment: treatment.into(),
            settings: None,
            keep: Some("P12M".into()),
        }
    }

    fn signed() -> RiskProfile {
        RiskProfile {
            job: "contacts".into(),
            purpose: "reports".into(),
            basis: "legitimate-interests".into(),
            direct_marketing: false,
            joint_controllers: set(&["A"]),
            people: set(&["customers"]),
            source: "contact".into(),
            observed: set(&["task"]),
            fields: BTreeMap::from([("area".into(), field("prefix 3")), ("city".into(), field("as-is"))]),
            keep: "P24M".into(),
            scope: "person".into(),
            undated: None,
            excludes: set(&["IsDeleted = true"]),
            consent: None,
            k: Some(5),
            quasi_identifiers: set(&["area", "city"]),
            l: Some((2, "distinct".into())),
            sensitive: set(&["city"]),
            recipient: Some("team".into()),
            recipient_kind: Some("processor".into()),
            sale: true,
            country: Some("FR".into()),
            transfer: None,
            raw_keep: Some("P30D".into()),
            domain: "reports".into(),
            same_tokens: set(&["orders"]),
            rows: Some(100),
            breaches: 0,
        }
    }

    type Change = (&'static str, fn(&mut RiskProfile));

    const RAISING: &[Change] = &[
        ("purpose", |p| p.purpose = "marketing".into()),
        ("purpose", |p| p.basis = "consent".into()),
        ("purpose", |p| p.direct_marketing = true),
        ("purpose", |p| p.joint_controllers = set(&["A", "B"])),
        ("people", |p| p.people = set(&["customers", "employees"])),
        ("population", |p| p.rows = Some(201)),
        ("field", |p| drop(p.fields.insert("born".into(), field("year")))),
        ("field", |p| p.fields.get_mut("area").unwrap().column = Some("Street".into())),
        ("category", |p| p.fields.get_mut("area").unwrap().category = Some(Category::Special)),
        ("treatment", |p| p.fields.get_mut("area").unwrap().treatment = "prefix 4".into()),
        ("treatment", |p| p.fields.get_mut("area").unwrap().treatment = "mask all but 2 with *".into()),
        ("treatment", |p| p.fields.get_mut("area").unwrap().settings = Some("other".into())),
        ("source", |p| p.source = "lead".into()),
        ("source", |p| p.observed = set(&["task", "event"])),
        ("retention", |p| p.keep = "P36M".into()),
        ("retention", |p| p.scope = "row".into()),
        ("retention", |p| p.undated = Some("first-seen".into())),
        ("retention", |p| p.fields.get_mut("area").unwrap().keep = None),
        ("raw exports", |p| p.raw_keep = Some("P60D".into())),
        ("raw exports", |p| p.raw_keep = None),
        ("left out", |p| p.excludes = set(&[])),
        ("left out", |p| p.consent = Some("Ok = yes".into())),
        ("groups", |p| p.k = Some(4)),
        ("groups", |p| p.k = None),
        ("groups", |p| p.quasi_identifiers = set(&["area"])),
        ("groups", |p| p.sensitive = set(&[])),
        ("groups", |p| p.l = Some((3, "entropy".into()))),
        ("groups", |p| p.l = None),
        ("recipient", |p| p.recipient = Some("agency".into())),
        ("recipient", |p| p.recipient_kind = Some("third party".into())),
        ("country", |p| p.country = Some("US".into())),
        ("country", |p| p.transfer = Some("scc".into())),
        ("tokens", |p| p.domain = "reports/team".into()),
        ("tokens", |p| p.same_tokens = set(&["orders", "leads"])),
        ("breach", |p| p.breaches = 1),
    ];

    const LOWERING: &[Change] = &[
        ("purpose", |p| p.joint_controllers = set(&[])),
        ("people", |p| p.people = set(&[])),
        ("field", |p| drop(p.fields.remove("city"))),
        ("treatment", |p| p.fields.get_mut("area").unwrap().treatment = "prefix 2".into()),
        ("source", |p| p.observed = set(&[])),
        ("retention", |p| p.keep = "P12M".into()),
        ("retention", |p| p.fields.get_mut("area").unwrap().keep = Some("P6M".into())),
        ("raw exports", |p| p.raw_keep = Some("P7D".into())),
        ("left out", |p| p.excludes = set(&["IsDeleted = true", "Test = yes"])),
        ("groups", |p| p.k = Some(7)),
        ("groups", |p| p.quasi_identifiers = set(&["area", "born", "city"])),
        ("groups", |p| p.l = Some((3, "distinct".into()))),
        ("recipient", |p| p.sale = false),
        ("tokens", |p| p.same_tokens = set(&[])),
    ];

    #[test]
    fn r76_each_row_of_the_table_tells_what_raises_a_risk_from_what_lowers_it() {
        assert_eq!(risk_changes(&signed(), &signed()), []);
        for (changes, direction) in [(RAISING, RiskDirection::Raises), (LOWERING, RiskDirection::Lowers)] {
            for (rule, change) in changes {
                let mut now = signed();
                change(&mut now);
                let found = risk_changes(&signed(), &now);
                assert!(
                    found.iter().any(|found| found.rule == *rule && found.direction == direction),
                    "{rule}: {found:?}"
                );
                assert!(found.iter().all(|found| found.direction == direction), "{rule}: {found:?}");
            }
        }
        let shown: BTreeSet<&str> = RAISING.iter().map(|(rule, _)| *rule).collect();
        assert_eq!(shown, RISKS.iter().map(|rule| rule.name).collect(), "a row without a test");
    }

    #[test]
    fn r76_a_mixed_change_raises_and_a_version_twice_as_large_does_not() {
        let mut now = signed();
        (now.k, now.rows) = (Some(7), Some(200));
        assert!(risk_changes(&signed(), &now).iter().all(|found| found.direction == RiskDirection::Lowers));
        now.fields.insert("born".into(), field("year"));
        assert!(risk_changes(&signed(), &now).iter().any(|found| found.direction == RiskDirection::Raises));
    }

    #[test]
    fn r76_the_docs_have_the_table() {
        let page = include_str!("../../../docs/howto/assess.md");
        let rows = RISKS.iter().map(|rule| format!("| {} | {} | {} |\n", rule.name, rule.raises, rule.lowers));
        let table: String = rows.collect();
        assert!(page.contains(&table), "docs/howto/assess.md has another table:\n{table}");
    }
}
