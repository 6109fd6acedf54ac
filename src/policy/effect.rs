//! What a request can ask for. Must not know lists or rows.

/// Effects a list or request can have (R29, R30, R32).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The person is to be erased, Art. 17 GDPR.
    Erase,
    /// The person's data may only be stored, Art. 18 GDPR.
    Restrict,
    /// The person objects, Art. 21 GDPR.
    Object,
    /// The person's data may not be sold or shared, CCPA 1798.120.
    OptOut,
    /// The person withdraws consent, Art. 7(3) GDPR.
    Withdraw,
    /// A consent with an interval.
    Consent,
    /// The person's bytes must be kept for a legal claim.
    Hold,
    /// Another request, which it names, ends.
    Lift,
}

impl Effect {
    /// Every effect, in the order in which reports list them.
    pub const ALL: [Effect; 8] = [
        Effect::Erase,
        Effect::Restrict,
        Effect::Object,
        Effect::OptOut,
        Effect::Withdraw,
        Effect::Consent,
        Effect::Hold,
        Effect::Lift,
    ];

    /// The name as written in specs and evidence.
    pub fn name(self) -> &'static str {
        match self {
            Effect::Erase => "erase",
            Effect::Restrict => "restrict",
            Effect::Object => "object",
            Effect::OptOut => "opt-out",
            Effect::Withdraw => "withdraw",
            Effect::Consent => "consent",
            Effect::Hold => "hold",
            Effect::Lift => "lift",
        }
    }

    /// The effect of that name.
    pub fn named(name: &str) -> Option<Effect> {
        Effect::ALL.into_iter().find(|effect| effect.name() == name)
    }
}

/// What a list of the policy is for: requests with an effect, or corrections (Art. 16 GDPR).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ListEffect {
    /// The person is to be erased, Art. 17 GDPR.
    Erase,
    /// The person's data may only be stored, Art. 18 GDPR.
    Restrict,
    /// The person objects, Art. 21 GDPR.
    Object,
    /// The person's data may not be sold or shared, CCPA 1798.120.
    OptOut,
    /// The person withdraws consent, Art. 7(3) GDPR.
    Withdraw,
    /// A consent with an interval.
    Consent,
    /// The person's bytes must be kept for a legal claim.
    Hold,
    /// The request that it names ends.
    Lift,
    /// Values of exports are wrong, and what is right, Art. 16 GDPR.
    Rectify,
}

impl ListEffect {
    /// Returns what its rows ask for; none of corrections, which are no stored requests.
    pub fn asked(self) -> Option<Effect> {
        match self {
            ListEffect::Erase => Some(Effect::Erase),
            ListEffect::Restrict => Some(Effect::Restrict),
            ListEffect::Object => Some(Effect::Object),
            ListEffect::OptOut => Some(Effect::OptOut),
            ListEffect::Withdraw => Some(Effect::Withdraw),
            ListEffect::Consent => Some(Effect::Consent),
            ListEffect::Hold => Some(Effect::Hold),
            ListEffect::Lift => Some(Effect::Lift),
            ListEffect::Rectify => None,
        }
    }
}

/// What says that a person opts out, where no person writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OptOutSignal {
    /// Global Privacy Control, an opt-out preference signal (11 CCR §7025).
    Gpc,
}

impl OptOutSignal {
    /// Returns the name, as written in specs and evidence.
    pub fn name(self) -> &'static str {
        match self {
            OptOutSignal::Gpc => "gpc",
        }
    }
}

/// Who gives a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GivenBy {
    /// The person.
    Person,
    /// A parent or guardian of a minor (11 CCR §7070).
    Guardian,
}

impl GivenBy {
    /// Returns the name, as written in specs and stored requests.
    pub fn name(self) -> &'static str {
        match self {
            GivenBy::Person => "person",
            GivenBy::Guardian => "guardian",
        }
    }

    /// Returns who has that name.
    pub fn named(name: &str) -> Option<GivenBy> {
        [GivenBy::Person, GivenBy::Guardian].into_iter().find(|by| by.name() == name)
    }
}

/// Grounds of a restriction, the letters of Art. 18(1) GDPR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ground {
    /// The person contests that the data are accurate.
    A,
    /// The processing is unlawful, and the person opposes erasure.
    B,
    /// The person needs the data for a legal claim.
    C,
    /// The person has objected, and the grounds are being weighed.
    D,
}

impl Ground {
    /// Every ground, by its letter.
    const ALL: [Ground; 4] = [Ground::A, Ground::B, Ground::C, Ground::D];

    /// The letter, as written in specs and evidence.
    pub fn name(self) -> &'static str {
        match self {
            Ground::A => "a",
            Ground::B => "b",
            Ground::C => "c",
            Ground::D => "d",
        }
    }

    /// The ground of that letter.
    pub fn named(name: &str) -> Option<Ground> {
        Ground::ALL.into_iter().find(|ground| ground.name() == name)
    }

    /// Whether the person wants the data to be there: no byte of them is removed then (R69).
    pub fn keeps_bytes(self) -> bool {
        matches!(self, Ground::B | Ground::C)
    }
}

/// A right that somebody wants to exercise and that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedRight {
    /// Art. 15 GDPR.
    Access,
    /// Art. 16 GDPR.
    Rectify,
    /// Art. 20 GDPR.
    Portability,
    /// What lists and commands ask for.
    Asked(Effect),
}

impl RefusedRight {
    /// Returns the name, as evidence has it.
    pub fn name(self) -> &'static str {
        match self {
            RefusedRight::Access => "access",
            RefusedRight::Rectify => "rectify",
            RefusedRight::Portability => "portability",
            RefusedRight::Asked(effect) => effect.name(),
        }
    }
}

/// Why what a person asks for is not done (Art. 12(4) GDPR).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Nobody could find out that it is the person who asks.
    IdentityNotShown,
    /// The request is manifestly unfounded.
    Unfounded,
    /// The request is excessive.
    Excessive,
    /// The data are accurate.
    Accurate,
    /// A law demands the processing.
    LegalObligation,
    /// The data are needed for a legal claim.
    LegalClaim,
    /// Freedom of expression and information, or the public interest.
    PublicInterest,
    /// Compelling grounds weigh more than the objection.
    OverridingGrounds,
    /// The right does not apply to this processing.
    NotApplicable,
}

impl Refusal {
    /// Returns whether a request for this right can be refused for this reason.
    pub fn answers(self, right: RefusedRight) -> bool {
        use RefusedRight::{Asked, Rectify};
        match self {
            Refusal::IdentityNotShown | Refusal::Unfounded | Refusal::Excessive | Refusal::NotApplicable => true,
            // A restriction may rest on the accuracy that the person contests (Art. 18(1)(a) GDPR).
            Refusal::Accurate => matches!(right, Rectify | Asked(Effect::Restrict)),
            Refusal::LegalObligation => right == Asked(Effect::Erase),
            Refusal::LegalClaim | Refusal::PublicInterest => {
                matches!(right, Asked(Effect::Erase | Effect::Object))
            }
            Refusal::OverridingGrounds => right == Asked(Effect::Object),
        }
    }

    /// Every reason, in the order in which the docs list them.
    pub const ALL: [Refusal; 9] = [
        Refusal::IdentityNotShown,
        Refusal::Unfounded,
        Refusal::Excessive,
        Refusal::Accurate,
        Refusal::LegalObligation,
        Refusal::LegalClaim,
        Refusal::PublicInterest,
        Refusal::OverridingGrounds,
        Refusal::NotApplicable,
    ];

    /// Returns the name, as written in files, commands and evidence.
    pub fn name(self) -> &'static str {
        match self {
            Refusal::IdentityNotShown => "identity-not-shown",
            Refusal::Unfounded => "unfounded",
            Refusal::Excessive => "excessive",
            Refusal::Accurate => "accurate",
            Refusal::LegalObligation => "legal-obligation",
            Refusal::LegalClaim => "legal-claim",
            Refusal::PublicInterest => "public-interest",
            Refusal::OverridingGrounds => "overriding-grounds",
            Refusal::NotApplicable => "not-applicable",
        }
    }

    /// Returns the reason of that name.
    pub fn named(name: &str) -> Option<Refusal> {
        Refusal::ALL.into_iter().find(|refusal| refusal.name() == name)
    }

    /// Returns why, in words, with the article that allows it.
    pub fn said(self) -> &'static str {
        match self {
            Refusal::IdentityNotShown => "it could not be shown who asks (Art. 12(2) and (6) GDPR)",
            Refusal::Unfounded => "the request is manifestly unfounded (Art. 12(5)(b) GDPR)",
            Refusal::Excessive => "the request is excessive (Art. 12(5)(b) GDPR)",
            Refusal::Accurate => "the data are accurate (Art. 16 GDPR)",
            Refusal::LegalObligation => "a law demands the processing (Art. 17(3)(b) GDPR)",
            Refusal::LegalClaim => "the data are needed for a legal claim (Art. 17(3)(e), 21(1) GDPR)",
            Refusal::PublicInterest => {
                "freedom of expression, or the public interest (Art. 17(3)(a), (c), (d), 21(6) GDPR)"
            }
            Refusal::OverridingGrounds => "compelling grounds weigh more (Art. 21(1) GDPR)",
            Refusal::NotApplicable => "the right does not apply to this processing",
        }
    }
}
