//! Which effect binds under which lawful basis (R29), as one table.

use crate::policy::{Basis, Effect, Grounds};

/// Whether an effect binds a job; if not, why, in words for the evidence.
///
/// # Errors
/// The reason why it does not bind.
pub fn binding(effect: Effect, grounds: Grounds) -> std::result::Result<(), &'static str> {
    let Grounds { basis, direct_marketing, sale } = grounds;
    match effect {
        Effect::Erase if basis == Basis::LegalObligation => Err("kept under a legal obligation (Art. 17(3)(b))"),
        Effect::Erase | Effect::Restrict => Ok(()),
        Effect::Object if matches!(basis, Basis::LegitimateInterests | Basis::PublicTask) => Ok(()),
        Effect::Object if direct_marketing => Ok(()),
        Effect::Object => {
            Err("objections bind legitimate interests, public tasks and direct marketing (Art. 21(1) to (3))")
        }
        Effect::Withdraw | Effect::Consent if basis == Basis::Consent => Ok(()),
        Effect::Withdraw | Effect::Consent => Err("the purpose does not rest on consent (Art. 7(3))"),
        Effect::OptOut if sale => Ok(()),
        Effect::OptOut => Err("the recipient is no sale (CCPA 1798.120)"),
        Effect::Hold => Err("a hold only blocks physical removal"),
        Effect::Lift => Err("a lift only ends other requests"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Basis::*;

    #[test]
    fn r29_the_table() {
        let bases = [Consent, Contract, LegalObligation, VitalInterests, PublicTask, LegitimateInterests];
        let rows: [(Effect, [bool; 6]); 7] = [
            (Effect::Erase, [true, true, false, true, true, true]),
            (Effect::Restrict, [true; 6]),
            (Effect::Object, [false, false, false, false, true, true]),
            (Effect::Withdraw, [true, false, false, false, false, false]),
            (Effect::Consent, [true, false, false, false, false, false]),
            (Effect::Hold, [false; 6]),
            (Effect::Lift, [false; 6]),
        ];
        let grounds = |basis, direct_marketing, sale| Grounds { basis, direct_marketing, sale };
        for (effect, expected) in rows {
            for sale in [false, true] {
                let bound = bases.map(|basis| binding(effect, grounds(basis, false, sale)).is_ok());
                assert_eq!(bound, expected, "{effect:?}");
                let expected = if effect == Effect::Object { [true; 6] } else { expected };
                let bound = bases.map(|basis| binding(effect, grounds(basis, true, sale)).is_ok());
                assert_eq!(bound, expected, "{effect:?}, direct marketing");
            }
        }
        for basis in bases {
            assert!(binding(Effect::OptOut, grounds(basis, false, true)).is_ok());
            assert!(binding(Effect::OptOut, grounds(basis, true, false)).is_err());
        }
    }
}
