//! No row of the version is of a person whose request binds it (R12, R29). RequestedPersons are looked for twice: by tokens made
//! anew from the identities that requests name, in the published fields, and by the identities in companions. The first
//! way does not trust what is stored beside the data.

use crate::audit::check::{AuditSpot, Check, CheckBegun, CheckFound, FileLook, Look};
use crate::audit::data::{AuditedCompanion, AuditedFile};
use crate::audit::finding::{FoundRows, Severity};
use crate::audit::scene::AuditedTable;
use crate::audit::tokens::{InField, TokenMaker, read};
use crate::error::Result;
use crate::policy::{Basis, Effect, Grounds};
use crate::requests::{Entry, Requests, StoredBond};
use arrow::array::Array;
use std::collections::{BTreeMap, HashMap};

pub(in crate::audit) const CHECK: Check = Check {
    rule: "requests-applied",
    article: "Art. 17, 18, 21, 7(3) GDPR; Civ. Code §1798.105, .120; R12, R29",
    severity: Severity::Error,
    holds: "No row is of a person whose request binds the dataset and was taken in before the last run or sweep of the dataset, \
            and no cell of another row is about such a person (R68).",
    fix: "call `tamis sweep`; when the rows are still there after it, report a fault of tamis",
    look: Look::Files(begin),
};

/// Marks of companions (R40): what an identity is to its row.
const WEAK: u8 = 3;
const RAW: u8 = 0x80;

fn begin<'a>(table: &'a AuditedTable<'a>) -> CheckBegun<'a> {
    let requests = match &table.scene.requests {
        Ok(requests) => requests,
        Err(why) => return CheckBegun::Cannot(why.clone()),
    };
    let Some(grounds) = table.grounds() else {
        return CheckBegun::Cannot(format!("the policy has no purpose {} any more", table.manifest.purpose));
    };
    let mut people = RequestedPersons { table, requests, grounds, tokens: HashMap::new(), hits: BTreeMap::new() };
    match &table.tokens {
        Ok(tokens) => match people.make(tokens) {
            Ok(()) => CheckBegun::Looks(Box::new(people)),
            Err(error) => CheckBegun::Cannot(error.message().to_owned()),
        },
        Err(why) => CheckBegun::Cannot(why.clone()),
    }
}

/// R29, apart from how `decide` has it.
fn binds(effect: Effect, grounds: &Grounds) -> bool {
    match effect {
        Effect::Erase => grounds.basis != Basis::LegalObligation,
        Effect::Object => {
            grounds.direct_marketing || matches!(grounds.basis, Basis::LegitimateInterests | Basis::PublicTask)
        }
        Effect::Withdraw => grounds.basis == Basis::Consent,
        Effect::OptOut => grounds.sale,
        Effect::Restrict => true,
        Effect::Consent | Effect::Hold | Effect::Lift => false,
    }
}

struct RequestedPersons<'a> {
    table: &'a AuditedTable<'a>,
    requests: &'a Requests,
    grounds: Grounds,
    /// Token made of an identity that a request names -> its entries.
    tokens: HashMap<[u8; 16], Vec<u32>>,
    /// Entry and file -> rows.
    hits: BTreeMap<(u32, String), FoundRows>,
}

impl RequestedPersons<'_> {
    fn make(&mut self, tokens: &TokenMaker) -> Result<()> {
        let mut found = HashMap::<[u8; 16], Vec<u32>>::new();
        self.requests.named(self.table.scene.state.root(), &mut |at, identity| {
            if self.applies(&self.requests.entry(at)) {
                found.entry(tokens.token(identity)).or_default().push(at);
            }
        })?;
        self.tokens = found;
        Ok(())
    }

    fn applies(&self, entry: &Entry<'_>) -> bool {
        let purpose = self.table.plan.map_or(&self.table.manifest.purpose, |plan| &plan.purpose.name);
        !entry.ended && binds(entry.effect, &self.grounds) && entry.concerns(purpose)
    }

    /// Fields in which a token says whose row it is: of the key, and of links. Others hold tokens of other persons.
    fn link_fields(&self) -> Vec<&str> {
        let link = |name: &str| {
            let Some(plan) = self.table.plan else { return false };
            let controls = &plan.controls;
            let from = self.table.field(name).and_then(|field| field.from);
            from.is_some_and(|from| {
                Some(from) == controls.key || controls.strong.contains(&from) || controls.weak.contains(&from)
            })
        };
        let fields = self.table.token_fields().filter(|field| field.subject || link(&field.name));
        fields.map(|field| field.name.as_str()).collect()
    }

    /// R12 and R18: what a request names reaches whatever carries it, and what it has learned the rows of these persons.
    fn by_companion(&self, companion: &AuditedCompanion, row: usize, hits: &mut Vec<u32>) {
        for (_, mark, half) in companion.carried(row) {
            for known in self.requests.effects(&half) {
                let named = known.bond() == StoredBond::Named;
                let learned = mark & !RAW != WEAK && mark & RAW == 0;
                if (named || learned) && self.applies(&self.requests.entry(known.entry())) {
                    hits.push(known.entry());
                }
            }
        }
    }

    /// R68: of another person whom a request takes out, no cell is left in the row.
    fn by_others(&self, file: &AuditedFile, companion: &AuditedCompanion, row: usize, hits: &mut Vec<u32>) {
        for (number, half) in companion.others(row) {
            let fields = self.table.manifest.fields.iter().filter(|field| field.other == Some(number));
            let mut columns = fields.filter_map(|field| file.batch.column_by_name(&field.name));
            if columns.all(|column| column.is_null(row)) {
                continue;
            }
            let reaching = self.requests.effects(&half).iter().map(|known| known.entry());
            hits.extend(reaching.filter(|entry| self.applies(&self.requests.entry(*entry))));
        }
    }

    /// R32: a yes that is later than the withdrawal.
    fn agreed_since(&self, entry: u32, companion: Option<&AuditedCompanion>, row: usize) -> bool {
        let entry = self.requests.entry(entry);
        let since = companion.and_then(|companion| companion.since(row));
        entry.effect == Effect::Withdraw && since.is_some_and(|since| since > entry.received.0)
    }
}

impl FileLook for RequestedPersons<'_> {
    fn file(&mut self, file: &AuditedFile, found: &mut CheckFound<'_>) {
        let companion = file.rows_beside().map_err(|why| found.cannot(why)).ok();
        let columns: Vec<_> = self.link_fields().iter().filter_map(|name| file.batch.column_by_name(name)).collect();
        let mut rows: BTreeMap<u32, FoundRows> = BTreeMap::new();
        let mut hits = Vec::new();
        for row in 0..file.batch.num_rows() {
            hits.clear();
            for column in &columns {
                if let InField::Token(token) = read(column.as_ref(), row) {
                    hits.extend(self.tokens.get(&token).into_iter().flatten());
                }
            }
            if let Some(companion) = companion {
                self.by_companion(companion, row, &mut hits);
                self.by_others(file, companion, row, &mut hits);
            }
            hits.sort_unstable();
            hits.dedup();
            for entry in hits.iter().filter(|entry| !self.agreed_since(**entry, companion, row)) {
                rows.entry(*entry).or_default().add(row);
            }
        }
        for (entry, rows) in rows {
            self.hits.insert((entry, file.place.clone()), rows);
        }
    }

    fn end(&mut self, found: &mut CheckFound<'_>) -> Result<()> {
        let mut told = BTreeMap::new();
        let wanted = |at: u32| self.hits.keys().any(|(entry, _)| *entry == at);
        self.requests.told(self.table.scene.state.root(), &wanted, &mut |at, record| {
            told.insert(at, (record.request.to_owned(), record.taken));
            Ok(())
        })?;
        for ((at, file), rows) in std::mem::take(&mut self.hits) {
            let entry = self.requests.entry(at);
            let Some((request, taken)) = told.get(&at).cloned() else {
                found.cannot("a stored request went away while it was looked at");
                continue;
            };
            let applied = self.table.dataset.applied.is_some_and(|applied| taken <= applied);
            let late = self.table.scene.due(entry.list, entry.counts_from) <= self.table.scene.now;
            let severity = if applied || late { Severity::Error } else { Severity::Warning };
            let state = match severity {
                Severity::Error => "and it should be applied",
                Severity::Warning => "and it waits for the next run or sweep",
            };
            let what = format!("rows with data of the person of request {request} ({}), {state}", entry.effect.name());
            found.say_as(
                severity,
                AuditSpot { file: Some(&file), rows: Some(rows), since: Some(taken), field: None },
                what,
            );
        }
        Ok(())
    }
}
