//! Arguments of `tamis subject`, as typed.

use crate::error::{Code, Error, Result};
use crate::policy::Refusal;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What `subject` can do.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum SubjectVerb {
    /// Erasure, Art. 17 GDPR
    Erase,
    /// Restriction, Art. 18 GDPR; needs --ground
    Restrict,
    /// Objection, Art. 21 GDPR; needs --purpose
    Object,
    /// Opt-out of sale and sharing, CCPA 1798.120
    OptOut,
    /// Withdrawal of consent, Art. 7(3) GDPR
    Withdraw,
    /// Legal hold: keeps bytes from being deleted; needs --until or --review-by
    Hold,
    /// Ends another request; needs --lifts, and --informed for a restriction
    Lift,
    /// Refusal, Art. 12(4) GDPR: records that a request is refused; needs --request, --of and --reason
    Refuse,
    /// Finds the datasets and requests that know the person, and the rows that an erasure would reach
    Find,
    /// Answers the person, Art. 15 and 20 GDPR: writes the person's data into a folder; needs --request and --out
    Export,
}

/// Which right an export answers.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum RightAsked {
    /// Art. 15 GDPR: everything that is processed
    Access,
    /// Art. 20 GDPR: what the person provided, on consent or contract
    Portability,
}

/// Which request is refused.
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum RightRefused {
    /// Art. 15 GDPR
    Access,
    /// Art. 16 GDPR
    Rectify,
    /// Art. 17 GDPR
    Erase,
    /// Art. 18 GDPR
    Restrict,
    /// Art. 20 GDPR
    Portability,
    /// Art. 21 GDPR
    Object,
    /// CCPA 1798.120
    OptOut,
}

/// As typed on the command line, and told in help.
impl ValueEnum for Refusal {
    fn value_variants<'a>() -> &'a [Refusal] {
        &Refusal::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let mut said = self.said().to_owned();
        said.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
        Some(PossibleValue::new(self.name()).help(said))
    }
}

/// Grounds of a restriction (Art. 18(1) GDPR).
#[derive(clap::ValueEnum, Clone, Copy, Debug)]
pub enum GroundAsked {
    /// The person contests that the data are accurate
    A,
    /// The processing is unlawful, and the person opposes erasure
    B,
    /// The person needs the data for a legal claim
    C,
    /// The person has objected, and the grounds are being weighed
    D,
}

/// Arguments of `subject`. Values of the person come on standard input, one `kind: value` a line.
#[derive(Args, Debug)]
pub struct SubjectArgs {
    /// What is asked for
    #[arg(value_enum)]
    pub verb: SubjectVerb,
    /// Opaque id of the request, such as a case number
    #[arg(long, value_name = "ID")]
    pub request: Option<String>,
    /// Limits the request to this purpose; may be given several times (default: all purposes)
    #[arg(long = "purpose", value_name = "PURPOSE")]
    pub purposes: Vec<String>,
    /// When the request was received (default: now)
    #[arg(long, value_name = "TIME")]
    pub received: Option<String>,
    /// The id of the request that a lift ends
    #[arg(long, value_name = "ID")]
    pub lifts: Option<String>,
    /// Allows the lift to end an erasure
    #[arg(long)]
    pub lift_erase: bool,
    /// Allows the lift to end requests of several persons that were stored under one id
    #[arg(long)]
    pub several_persons: bool,
    /// Restriction: the letter of Art. 18(1) GDPR that it rests on; with b and c, tamis keeps the bytes of the person
    #[arg(long, value_enum, value_name = "LETTER")]
    pub ground: Option<GroundAsked>,
    /// Refuse: what was asked for
    #[arg(long, value_enum, value_name = "RIGHT")]
    pub of: Option<RightRefused>,
    /// Refuse: why
    #[arg(long, value_enum, value_name = "REASON")]
    pub reason: Option<Refusal>,
    /// Lift, refuse: when the person was told that the restriction ends, or why nothing is done; a date or a time
    #[arg(long, value_name = "TIME")]
    pub informed: Option<String>,
    /// Hold: when it ends by itself, a date or a time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Hold: by when somebody has to look at it again, a date or a time
    #[arg(long, value_name = "TIME")]
    pub review_by: Option<String>,
    /// Export: the right that is answered
    #[arg(long, value_enum, default_value = "access")]
    pub right: RightAsked,
    /// Export: the folder to write to, a new folder outside of every root; only you can read it
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Export: also shows rows that may be another person's; the reason is recorded in the ledger
    #[arg(long, value_name = "REASON")]
    pub include_doubtful: Option<String>,
    /// Export: does not search raw exports; the person's page gives the reason
    #[arg(long, value_name = "REASON")]
    pub without_raw: Option<String>,
}

impl SubjectArgs {
    /// Returns the id of the request.
    ///
    /// # Errors
    /// A policy error when none was given.
    pub fn request_id(&self) -> Result<String> {
        self.request.clone().ok_or_else(|| {
            Error::new(Code::RequestWrong, "a request needs an id")
                .help("give --request ID, an opaque one such as a case number")
        })
    }
}
