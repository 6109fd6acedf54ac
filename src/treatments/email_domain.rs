//! `email-domain`: the domain of an address.

use super::about::{About, FieldKeys, Treats};
use super::apply::{Apply, Each, Given, TreatOutcome};
use crate::cell::email;
use crate::cell::kind::TypeName;
use crate::cell::text::trim;
use crate::error::Result;
use crate::invisible::seen;

/// Domain of an e-mail address.
#[derive(Clone, Debug, PartialEq)]
pub struct EmailDomain;

impl Treats for EmailDomain {
    const ABOUT: About = About {
        name: "email-domain",
        does: "Domain of an e-mail address.",
        takes: &[TypeName::Text],
        example: "`name@example.org` -> `example.org`",
        ..About::USUAL
    };

    fn read(_: &mut dyn FieldKeys) -> Option<Self> {
        Some(EmailDomain)
    }

    fn ready(&self, _: &Given<'_>) -> Result<Option<Box<dyn Apply>>> {
        Ok(Some(Box::new(Each(domain))))
    }
}

/// Appends the domain of the address's normal form (R6); untreated when it has none.
fn domain(value: &str, out: &mut Vec<u8>) -> TreatOutcome {
    let start = out.len();
    if !email::normalise(trim(&seen(value)), out) {
        return TreatOutcome::Untreated;
    }
    let domain = start + out[start..].len() - email::domain(&out[start..]).len();
    out.drain(start..domain);
    TreatOutcome::Value
}

#[cfg(test)]
mod tests {
    use super::TreatOutcome::Untreated;
    use super::*;
    use crate::cell::kind::ValueType;
    use crate::treatments::tests::treated_text;

    #[test]
    fn r20_email_domain_is_that_of_the_normal_form() {
        assert_eq!(treated_text(EmailDomain, ValueType::Text, "Ada@Example.ORG ").as_deref(), Ok("example.org"));
        assert_eq!(
            treated_text(EmailDomain, ValueType::Text, "ada@m\u{FC}ller.example").as_deref(),
            Ok("xn--mller-kva.example")
        );
        assert_eq!(treated_text(EmailDomain, ValueType::Text, "no address"), Err(Untreated));
    }
}
