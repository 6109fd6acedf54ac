//! R76: a job whose purpose asks for it publishes what the controller has signed, and nothing riskier.

use super::judges::Judges;
use super::observed::Observed;
use super::veto::Veto;
use crate::error::Code;
use crate::policy::{RiskProfile, risks_raised};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether the controller has signed what is published (R76).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignOff {
    /// When it was signed last; none when it never was.
    pub signed: Option<String>,
    /// Digest of what was signed.
    pub profile: Option<String>,
    /// What has changed since and raises the risk, in words of the specs.
    pub raised: Vec<String>,
    /// Name of the job.
    #[serde(skip)]
    job: String,
}

impl Judges for SignOff {
    const RULE: &'static str = "R76";
    const OF_ROWS_READ: bool = false;

    fn observe(run: &Observed<'_>) -> Option<Self> {
        let read = run.reading.sign_off.as_ref()?;
        let now = RiskProfile { rows: Some(run.rows_out), ..read.now.clone() };
        let (signed, profile, raised) = match &read.signed {
            Some((at, profile, before)) => (Some(at.clone()), Some(profile.clone()), raised(before, &now)),
            None => (None, None, Vec::new()),
        };
        Some(SignOff { signed, profile, raised, job: now.job })
    }

    fn veto(&self) -> Option<Veto> {
        let what = match &self.signed {
            None => "nobody has signed what it does".to_owned(),
            Some(_) if self.raised.is_empty() => return None,
            Some(at) => format!("its risk is higher than what was signed at {at}: {}", self.raised.join("; ")),
        };
        let help = format!(
            "look at `tamis report dpia {0}`, ask the data protection officer, then `tamis sign-off {0} --by ROLE --reason …`; \
             requests and retention are applied to what is published all the same",
            self.job
        );
        Some(Veto::final_one(Code::SignOffMissing, format!("sign-off: {what}"), &help))
    }

    fn words(&self) -> String {
        match &self.signed {
            None => "sign-off: never signed".into(),
            Some(at) if self.raised.is_empty() => format!("sign-off: signed at {at}"),
            Some(at) => format!("sign-off: signed at {at}, and riskier since: {}", self.raised.join("; ")),
        }
    }
}

fn raised(before: &RiskProfile, now: &RiskProfile) -> Vec<String> {
    risks_raised(before, now).map(|change| change.what).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(signed: Option<&str>, raised: &[&str]) -> SignOff {
        let raised = raised.iter().map(|what| (*what).to_owned()).collect();
        SignOff { signed: signed.map(str::to_owned), profile: None, raised, job: "contacts".into() }
    }

    #[test]
    fn r76_what_nobody_has_signed_is_refused_and_nobody_can_accept_it() {
        let veto = gate(None, &[]).veto().expect("refused");
        assert!(!veto.acceptable && veto.code == Code::SignOffMissing);
        let veto = gate(Some("2026-11-27T02:00:00Z"), &["field born is new"]).veto().expect("refused");
        assert!(veto.message.contains("field born is new") && veto.help.contains("tamis sign-off contacts"));
        assert_eq!(gate(Some("2026-11-27T02:00:00Z"), &[]).veto(), None);
    }
}
