//! Settings that are one of a few names: the adapters behind the ports, the form of the log. A new adapter is a new
//! variant here and a new arm in `compose`.

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// The names that are allowed.
            pub(crate) const NAMES: &[&str] = &[$($text),+];

            /// The choice that `text` names.
            pub(crate) fn parse(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(format!("must be one of: {}", Self::NAMES.join(", "))),
                }
            }
        }
    };
}

choice!(
    /// Where pictures' bytes are.
    ImagesPort {
        /// Files in the data folder.
        Files = "files",
    }
);
choice!(
    /// Where the library is.
    MetadataPort {
        /// A SQLite database in the data folder.
        Sqlite = "sqlite",
    }
);
choice!(
    /// Where jobs and their events are.
    JobsPort {
        /// A SQLite database in the data folder.
        Sqlite = "sqlite",
    }
);
choice!(
    /// Where it is noted who listens to what.
    ConnectionsPort {
        /// This process: with it the connections go.
        Memory = "memory",
    }
);
choice!(
    /// The form of the log.
    LogFormat {
        /// Lines for people.
        Human = "human",
        /// One JSON object per line.
        Json = "json",
    }
);
choice!(
    /// Whether drawn pictures are signed.
    SignChoice {
        /// Where this build can.
        Auto = "auto",
        /// Not.
        Off = "off",
    }
);
