//! The room for further data, as an entry tells it.

use std::sync::Arc;

/// How much room there is for further data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// Free bytes of the disk that holds the library.
    pub free_bytes: u64,
    /// All its bytes.
    pub total_bytes: u64,
    /// Why nothing can be added; `None` while there is room.
    pub read_only: Option<&'static str>,
}

/// Measures the room there is. It may block for a moment.
pub type SpaceSource = Arc<dyn Fn() -> Space + Send + Sync>;
