//! What follows from the table of gates: one enum of them, tagged by kind where it is written down.

macro_rules! gates {
    ($($kind:literal => $file:ident::$gate:ident,)*) => {
        $(pub use $file::$gate;)*

        use crate::policy::GroupTerms;

        /// Gates with what they have observed (docs/evidence.md has the table).
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(tag = "kind")]
        #[allow(missing_docs, reason = "each is described in its file")]
        pub enum Gate {
            $(#[serde(rename = $kind)] $gate($gate),)*
            /// `k` in manifests of before gates had kinds; they keep their bytes.
            #[serde(untagged)]
            WithoutKind(KAnonymity),
        }

        impl Gate {
            /// Every kind with the rule it keeps, in the order in which gates are told.
            pub const KINDS: &[(&str, &str)] = &[$(($kind, <$gate as Judges>::RULE)),*];

            /// Returns the gates over groups that a job asks for, before any group is seen.
            pub fn over_groups(terms: &GroupTerms) -> Vec<Gate> {
                [$(<$gate as Judges>::over_groups(terms).map(Gate::$gate)),*].into_iter().flatten().collect()
            }

            /// Returns those gates over groups as a sweep applies them to the version that they passed.
            pub fn again(gates: &[Gate]) -> Vec<Gate> {
                let again = |gate: &Gate| match gate {
                    $(Gate::$gate(it) => it.again().map(Gate::$gate),)*
                    Gate::WithoutKind(it) => it.again().map(Gate::KAnonymity),
                };
                gates.iter().filter_map(again).collect()
            }

            /// Returns a gate over groups as it is said of a version that is adopted: its counts, and that it suppressed nothing.
            pub fn adopted(&self) -> Option<Gate> {
                match self {
                    $(Gate::$gate(it) => it.adopted().map(Gate::$gate),)*
                    Gate::WithoutKind(it) => it.adopted().map(Gate::KAnonymity),
                }
            }

            fn observed(run: &Observed<'_>) -> impl Iterator<Item = Gate> {
                [$(<$gate as Judges>::observe(run).map(Gate::$gate)),*].into_iter().flatten()
            }

            /// Returns its kind, as it is written down.
            pub fn kind(&self) -> &'static str {
                match self { $(Gate::$gate(_) => $kind,)* Gate::WithoutKind(_) => "k" }
            }

            /// Returns whether its counts are of the rows read and nothing else.
            pub fn is_of_rows_read(&self) -> bool {
                match self {
                    $(Gate::$gate(_) => <$gate as Judges>::OF_ROWS_READ,)*
                    Gate::WithoutKind(_) => true,
                }
            }

            fn see(&mut self, group: &GroupCount) -> bool {
                match self { $(Gate::$gate(it) => it.see(group),)* Gate::WithoutKind(it) => it.see(group) }
            }

            fn suppresses(&self) -> bool {
                match self { $(Gate::$gate(it) => it.suppresses(),)* Gate::WithoutKind(it) => it.suppresses() }
            }

            fn leave(&mut self, group: &GroupCount) {
                match self { $(Gate::$gate(it) => it.leave(group),)* Gate::WithoutKind(it) => it.leave(group) }
            }

            /// Returns the fields that make groups; none of a gate that is not over groups.
            pub fn quasi_identifiers(&self) -> &[String] {
                match self {
                    $(Gate::$gate(it) => it.quasi_identifiers(),)*
                    Gate::WithoutKind(it) => it.quasi_identifiers(),
                }
            }

            /// Returns the fields whose values have to differ within groups; none of any other gate.
            pub fn sensitive(&self) -> &[String] {
                match self {
                    $(Gate::$gate(it) => it.sensitive(),)*
                    Gate::WithoutKind(it) => it.sensitive(),
                }
            }

            /// Returns what stands against publishing; none when the gate passes.
            pub fn veto(&self) -> Option<Veto> {
                match self { $(Gate::$gate(it) => it.veto(),)* Gate::WithoutKind(it) => it.veto() }
            }

            /// Returns what it has found, in one line.
            pub fn words(&self) -> String {
                match self { $(Gate::$gate(it) => it.words(),)* Gate::WithoutKind(it) => it.words() }
            }
        }
    };
}

pub(super) use gates;
