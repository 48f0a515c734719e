//! Another form of a stored picture.

use super::{BlobId, ContentType, limits};

/// What another form of a picture is encoded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Lossless.
    Png,
    /// Lossy, quality 92.
    Jpeg,
    /// Lossless.
    Webp,
    /// Lossy, and far smaller than the others; slow to make. In builds with the feature `avif`.
    #[cfg(feature = "avif")]
    Avif,
}

impl Encoding {
    /// Every encoding of this build.
    pub const ALL: &[Self] = &[
        Self::Png,
        Self::Jpeg,
        Self::Webp,
        #[cfg(feature = "avif")]
        Self::Avif,
    ];

    /// The encoding's name in requests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
            #[cfg(feature = "avif")]
            Self::Avif => "avif",
        }
    }

    /// The media type, as in `image/png`.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => ContentType::Png.as_str(),
            Self::Jpeg => ContentType::Jpeg.as_str(),
            Self::Webp => ContentType::Webp.as_str(),
            #[cfg(feature = "avif")]
            Self::Avif => "image/avif",
        }
    }

    /// The usual file name ending, without a dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Png => ContentType::Png.extension(),
            Self::Jpeg => ContentType::Jpeg.extension(),
            Self::Webp => ContentType::Webp.extension(),
            #[cfg(feature = "avif")]
            Self::Avif => "avif",
        }
    }

    /// The most pixels of a side that it can hold.
    pub fn most_side(self) -> u32 {
        tintype_imaging::Encoding::from(self).most_side()
    }

    /// The most pixels of a picture that is made in it: somebody waits for it.
    pub const fn most_pixels(self) -> u64 {
        match self {
            Self::Png | Self::Jpeg | Self::Webp => limits::SIDE_MAX as u64 * limits::SIDE_MAX as u64,
            #[cfg(feature = "avif")]
            Self::Avif => limits::AVIF_PIXELS,
        }
    }
}

impl From<ContentType> for Encoding {
    fn from(stored: ContentType) -> Self {
        match stored {
            ContentType::Png => Self::Png,
            ContentType::Jpeg => Self::Jpeg,
            ContentType::Webp => Self::Webp,
        }
    }
}

/// A picture made of another one's pixels: same source and form, same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Variant {
    /// The picture it is made of.
    pub source: BlobId,
    /// No wider than this, in pixels.
    pub max_width: Option<u32>,
    /// Its encoding.
    pub format: Encoding,
}

impl Variant {
    /// What tells it from its source's other variants, as in `w320-webp`: letters, digits and hyphens.
    pub fn form(&self) -> String {
        let width = self.max_width.map_or_else(String::new, |width| format!("w{width}-"));
        format!("{width}{}", self.format.name())
    }

    /// The size of the form that is no wider than `max_width` of a picture of `width` and `height` pixels. An encoding that
    /// has no room for its height makes it smaller yet.
    pub fn size(max_width: Option<u32>, width: u32, height: u32) -> (u32, u32) {
        tintype_imaging::scaled(max_width, u32::MAX, width, height)
    }
}
