//! R42: where retention counts from when persons were first seen, that has to be known; else everybody would begin anew.

use super::judges::Judges;
use super::observed::Observed;
use super::veto::Veto;
use crate::error::Code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether it is known when persons were first seen (R42).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FirstSeenKept {
    /// Persons that runs before have read.
    pub known: u64,
    /// Why it is not known, when it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<String>,
}

impl Judges for FirstSeenKept {
    const RULE: &'static str = "R42";
    const OF_ROWS_READ: bool = false;

    fn observe(run: &Observed<'_>) -> Option<Self> {
        let seen = run.reading.first_seen.as_ref()?;
        Some(FirstSeenKept { known: seen.known, lost: seen.lost.clone() })
    }

    fn veto(&self) -> Option<Veto> {
        let lost = self.lost.as_ref()?;
        Some(Veto {
            code: Code::FirstSeenLost,
            message: format!("{lost}: everybody's retention would begin anew"),
            help: "bring it back from a copy of the state; accept the plan if everybody is to begin with this run"
                .into(),
            acceptable: true,
        })
    }

    fn words(&self) -> String {
        let lost = self.lost.as_ref().map_or(String::new(), |lost| format!("; {lost}"));
        format!("first seen: known of {} persons{lost}", self.known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::FirstSeenRead;
    use crate::gates::tests::reading;

    #[test]
    fn r42_a_person_has_to_say_so_when_everybody_is_to_begin_anew() {
        let gate = |first_seen| {
            reading(
                |reading| reading.first_seen = first_seen,
                |run| FirstSeenKept::observe(run).map(|gate| gate.veto()),
            )
        };
        assert_eq!(gate(None), None);
        assert_eq!(gate(Some(FirstSeenRead { known: 3, lost: None })), Some(None));
        let veto = gate(Some(FirstSeenRead { known: 0, lost: Some("gone".into()) })).flatten().expect("refused");
        assert!(veto.acceptable);
        assert_eq!(veto.code, Code::FirstSeenLost);
    }
}
