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
