//! Why an image is refused.

use crate::Encoding;

/// Why an image is refused, or a rendition of it can't be made. Each is worded to follow the name of a field, as in
/// "/image is larger than 20 bytes".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The first bytes are of no known format.
    #[error("is not a PNG, JPEG or WebP image (judged by its first bytes)")]
    UnsupportedFormat,
    /// The file is too long.
    #[error("is larger than {most} bytes")]
    TooLarge {
        /// The most bytes.
        most: u64,
    },
    /// A side is too long.
    #[error("has {width} x {height} pixels; a side has at most {most}")]
    SideTooLong {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// The most of a side.
        most: u32,
    },
    /// One side is too long for the other.
    #[error("has {width} x {height} pixels; a side is at most {most} times as long as the other")]
    RatioTooExtreme {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// The most times.
        most: u32,
    },
    /// There are too many pixels in all.
    #[error("has {width} x {height} pixels; at most {most} in all are allowed")]
    TooManyPixels {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
        /// The most in all.
        most: u64,
    },
    /// The file has more parts than any program writes, or tables that unpack to too much.
    #[error("has too many {0} to be decoded safely")]
    TooManyParts(&'static str),
    /// Decoding took longer than is allowed.
    #[error("takes longer than {0} s to decode")]
    TooSlow(u64),
    /// The file can't be decoded.
    #[error("can't be decoded: {0}")]
    Broken(String),
    /// The encoding has no room for a side.
    #[error("has a side of {side} pixels; {} holds at most {}", encoding.name(), encoding.most_side())]
    SideTooLongFor {
        /// The encoding.
        encoding: Encoding,
        /// The longer side.
        side: u32,
    },
    /// The encoder failed.
    #[error("can't be encoded: {0}")]
    NotEncoded(String),
}

impl Error {
    /// The code of the error, for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnsupportedFormat => "unsupported_format",
            Self::TooLarge { .. } => "too_large",
            Self::SideTooLong { .. } | Self::SideTooLongFor { .. } => "side_too_long",
            Self::RatioTooExtreme { .. } => "ratio_too_extreme",
            Self::TooManyPixels { .. } => "too_many_pixels",
            Self::TooManyParts(_) => "too_many_parts",
            Self::TooSlow(_) => "too_slow",
            Self::Broken(_) => "broken_image",
            Self::NotEncoded(_) => "not_encoded",
        }
    }
}

/// What decoding and encoding return.
pub type Result<T> = std::result::Result<T, Error>;
