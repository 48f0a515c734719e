//! What an image may be.

use crate::error::{Error, Result};
use std::time::Duration;

/// The limits of an image that is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most pixels in all.
    pub max_pixels: u64,
    /// The most pixels of a side.
    pub max_side: u32,
    /// The most times that the longer side is as long as the shorter one.
    pub max_ratio: u32,
    /// The most bytes of the file.
    pub max_bytes: u64,
    /// The longest that one operation may take.
    pub time: Duration,
}

impl Limits {
    /// The limits where nothing else is set: 16 megapixels, as of 4,096 x 4,096, and 20 MiB.
    pub const DEFAULT: Self = Self {
        max_pixels: 16 * 1024 * 1024,
        max_side: 16_384,
        max_ratio: 100,
        max_bytes: 20 * 1024 * 1024,
        time: Duration::from_secs(10),
    };

    /// Judges the length of a file.
    ///
    /// # Errors
    /// [`TooLarge`](Error::TooLarge).
    pub fn check_bytes(&self, bytes: u64) -> Result<()> {
        if bytes > self.max_bytes { Err(Error::TooLarge { most: self.max_bytes }) } else { Ok(()) }
    }

    /// Judges the size that a header tells.
    ///
    /// # Errors
    /// [`Broken`](Error::Broken) for a side of 0, [`SideTooLong`](Error::SideTooLong),
    /// [`RatioTooExtreme`](Error::RatioTooExtreme), [`TooManyPixels`](Error::TooManyPixels).
    pub fn check_size(&self, width: u32, height: u32) -> Result<()> {
        let (short, long) = (width.min(height), width.max(height));
        if short == 0 {
            return Err(Error::Broken("a side has no pixels".to_owned()));
        }
        if long > self.max_side {
            return Err(Error::SideTooLong { width, height, most: self.max_side });
        }
        if u64::from(long) > u64::from(short) * u64::from(self.max_ratio) {
            return Err(Error::RatioTooExtreme { width, height, most: self.max_ratio });
        }
        if u64::from(width) * u64::from(height) > self.max_pixels {
            return Err(Error::TooManyPixels { width, height, most: self.max_pixels });
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
