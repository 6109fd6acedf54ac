//! What follows from the table of treatments: their names as an enum, and one enum of them with their settings.

macro_rules! treatments {
    ($($file:ident::$treatment:ident,)*) => {
        $(pub use $file::$treatment;)*

        /// Names each treatment once.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each is described in its file")]
        pub enum Treat { $($treatment),* }

        impl Treat {
            /// Every treatment, in the order of the docs.
            pub const ALL: &[Treat] = &[$(Treat::$treatment),*];

            /// Returns what the treatment says of itself.
            pub fn about(self) -> &'static About {
                match self { $(Treat::$treatment => const { &<$treatment as Treats>::ABOUT }),* }
            }

            /// Reads the treatment's keys; none when one has a finding.
            pub fn read(self, keys: &mut dyn FieldKeys) -> Option<Treatment> {
                match self { $(Treat::$treatment => $treatment::read(keys).map(Treatment::$treatment)),* }
            }
        }

        /// Treatments with their settings (docs/spec.md has the table).
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, reason = "each is described in its file")]
        pub enum Treatment { $($treatment($treatment)),* }

        impl Treatment {
            /// Returns which treatment it is.
            pub fn treat(&self) -> Treat {
                match self { $(Treatment::$treatment(_) => Treat::$treatment),* }
            }

            /// Returns what is done, with the settings, as evidence has it.
            pub fn words(&self) -> String {
                match self { $(Treatment::$treatment(it) => it.words()),* }
            }

            /// Returns the type of a field made from the column.
            pub fn gives(&self, column: Option<Typed<'_>>) -> FieldKind {
                match self { $(Treatment::$treatment(it) => it.gives(column)),* }
            }

            /// Makes it ready to be applied. None for tokens, which are made a column at a time.
            ///
            /// # Errors
            /// A policy error for a date format that cannot be read.
            pub fn ready(&self, given: &Given<'_>) -> crate::error::Result<Option<Box<dyn Apply>>> {
                match self { $(Treatment::$treatment(it) => it.ready(given)),* }
            }
        }

        $(impl From<$treatment> for Treatment {
            fn from(it: $treatment) -> Treatment {
                Treatment::$treatment(it)
            }
        })*
    };
}

pub(super) use treatments;
