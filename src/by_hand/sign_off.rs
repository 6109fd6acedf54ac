//! A person signs what a job does, or advises on it (Art. 35 GDPR, R76): the controller decides, the data protection officer
//! advises. Must not know what an assessment looks like.

use crate::clock::Instant;
use crate::error::{Code, Error, Result};
use crate::job::{profile_now, served};
use crate::policy::{Project, Register};
use crate::same_name::folded;
use crate::state::{SignedRole, State};
use icu_normalizer::DecomposingNormalizer;

/// A signature or an advice as typed.
pub struct SignOffOrder {
    /// Name of the job.
    pub job: String,
    /// The role of whoever signs or advises.
    pub by: String,
    /// Why it may be done, or what the advice is.
    pub reason: String,
    /// Whether it is advice, and no decision.
    pub advice: bool,
}

/// What was signed.
#[derive(Clone, Debug, serde::Serialize)]
pub struct SignedOffJob {
    /// Name of the job.
    pub job: String,
    /// BLAKE3 hex of what was signed; the ledger has it.
    pub profile: String,
    /// Whether it is advice, and no decision.
    pub advice: bool,
    /// The role of whoever signed or advised.
    pub by: String,
    /// Whether the purpose asks for the signature before the job publishes.
    pub required: bool,
}

/// Words that mean a data protection officer (Art. 37 GDPR), without case and accents.
const OFFICER_WORDS: [&str; 4] = ["dpo", "dsb", "bdsb", "iod"];
/// Titles of that office, without case, accents and blanks.
const OFFICER_TITLES: [&str; 11] = [
    "dataprotectionofficer",
    "datenschutzbeauftragt",
    "deleguealaprotectiondesdonnees",
    "delegueealaprotectiondesdonnees",
    "deprotecciondedatos",
    "responsabiledellaprotezionedeidati",
    "functionarisgegevensbescherming",
    "functionarisvoorgegevensbescherming",
    "encarregadodaprotecaodedados",
    "encarregadodeprotecaodedados",
    "inspektorochronydanych",
];

/// Writes a signature or an advice into the ledger, with what it is about.
///
/// # Errors
/// A policy error for a job that is not there, a reason that says nothing, an officer who decides or somebody else who
/// advises; storage errors.
pub fn sign_off(
    project: &Project,
    register: &Register,
    state: &State,
    order: SignOffOrder,
    now: Instant,
) -> Result<SignedOffJob> {
    let plan = project.job(&order.job)?;
    check(&order, register.contact.dpo.as_deref())?;
    let rows = served(state, project, plan)?.and_then(|known| known.current).map(|current| current.rows);
    let profile = profile_now(project, plan, rows, &state.ledger().entries()?);
    let bytes = crate::evidence::json(&profile)?;
    let SignOffOrder { job, by, reason, advice } = order;
    let signed = SignedRole { job: &job, profile: &bytes, advice, by: &by, reason: &reason };
    let profile = state.sign_off(&signed, now)?;
    Ok(SignedOffJob { profile, advice, by, required: plan.purpose.signed, job })
}

fn check(order: &SignOffOrder, officer: Option<&str>) -> Result<()> {
    let wrong = |what: &str, help: &str| Err(Error::new(Code::ArgumentWrong, what).help(help));
    if order.by.trim().is_empty() || order.reason.trim().is_empty() {
        return wrong("a signature needs a role and a reason", "--by ROLE --reason \"…\"; both go into the ledger");
    }
    match (is_officer(&order.by, officer), order.advice) {
        (true, false) => wrong(
            "the data protection officer advises and does not decide (Art. 35(2), 38(6) GDPR; C-453/21)",
            "add --advice for the officer's advice; whoever answers for the processing signs",
        ),
        (false, true) => wrong(
            "--advice is for the data protection officer (Art. 35(2) GDPR)",
            "write --by dpo, or leave --advice out to sign",
        ),
        _ => Ok(()),
    }
}

/// Says whether a role names the data protection officer, in whatever words: somebody's whole title has it among others.
fn is_officer(by: &str, named: Option<&str>) -> bool {
    let words = words(by);
    let squeezed = words.concat();
    let named = named.map(|name| self::words(name).concat()).filter(|name| !name.is_empty());
    squeezed == "dpo"
        || words.iter().any(|word| OFFICER_WORDS.contains(&word.as_str()))
        || OFFICER_TITLES.iter().any(|title| squeezed.contains(title))
        || named.is_some_and(|name| squeezed.contains(&name))
}

/// The words of a text without case and accents.
fn words(text: &str) -> Vec<String> {
    let plain = DecomposingNormalizer::new_nfkd().normalize(&folded(text)).into_owned();
    let letters: String = plain.chars().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).collect();
    letters.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r76_an_officer_is_known_by_any_title() {
        let officers = [
            "Data Protection Officer (DPO)",
            "d.p.o.",
            "Group Data-Protection Officer, Legal",
            "Externe Datenschutzbeauftragte",
            "Datenschutz-Beauftragter",
            "DSB",
            "Délégué à la protection des données",
            "DÉLÉGUÉE À LA PROTECTION DES DONNÉES",
            "Delegada de Protección de Datos",
            "Responsabile della protezione dei dati",
            "Functionaris voor gegevensbescherming",
            "Encarregado da Proteção de Dados",
            "Jo  DOE, Legal",
        ];
        for officer in officers {
            assert!(is_officer(officer, Some("Jo Doe")), "{officer}");
        }
        for other in ["head of sales", "Managing director", "dpolitics", "Chief data officer", "joanna doe"] {
            assert!(!is_officer(other, Some("Jo Doe")), "{other}");
        }
        assert!(!is_officer("head of sales", Some(" ")));
    }
}
