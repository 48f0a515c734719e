//! What goes wrong with a model folder or while drawing, and which kind of port error each is.

use tintype_core::{ErrorKind, PortError};

/// Why a model could not be opened, or did not draw.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The folder lacks a file.
    #[error("the model folder has no {file}; {hint}")]
    Missing {
        /// The file, relative to the model folder.
        file: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// A file is there and can't be read.
    #[error("{file} can't be read: {source}")]
    Unreadable {
        /// The file, relative to the model folder.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// The folder holds a model of a sort that the engine does not draw with.
    #[error("{file}: {what}; {hint}")]
    Unsupported {
        /// The file that says so, relative to the model folder.
        file: String,
        /// What the engine can't do.
        what: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// A configuration is not what diffusers writes.
    #[error("{file}: {detail}")]
    BadConfig {
        /// The file, relative to the model folder.
        file: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The weights are damaged, or are not those of the configuration.
    #[error("the weights of {component} don't fit its config.json or are damaged; download the folder again")]
    Weights {
        /// The component's folder.
        component: &'static str,
        /// What candle says.
        source: candle_core::Error,
    },
    /// The request asks for what the card does not offer.
    #[error("{0}")]
    Request(String),
    /// The arithmetic failed: a bug.
    #[error("drawing failed")]
    Compute(#[from] candle_core::Error),
    /// A picture could not be encoded.
    #[error("the picture could not be encoded")]
    Encoding(#[source] Box<PortError>),
    /// The engine's threads could not be started.
    #[error("the engine's threads could not be started")]
    Threads(#[source] std::io::Error),
    /// A drawing ended without saying why: its thread panicked.
    #[error("the engine stopped while drawing; its log says where")]
    Stopped,
}

impl EngineError {
    /// What the caller of the model does next.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Unsupported { .. } | Self::Request(_) => ErrorKind::Invalid,
            Self::Missing { .. }
            | Self::Unreadable { .. }
            | Self::BadConfig { .. }
            | Self::Weights { .. } => ErrorKind::Data,
            Self::Compute(_) | Self::Encoding(_) | Self::Threads(_) | Self::Stopped => ErrorKind::Internal,
        }
    }
}

impl From<EngineError> for PortError {
    fn from(error: EngineError) -> Self {
        Self::new(error.kind(), "ImageModel::generate", error.to_string()).with_source(error)
    }
}

/// The result of the engine's own parts.
pub(crate) type EngineResult<T> = Result<T, EngineError>;
