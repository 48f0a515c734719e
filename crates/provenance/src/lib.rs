//! What a picture says of itself. Pure functions over the bytes of PNG, JPEG and WebP files: [`write()`] puts in how the
//! picture was made, [`strip`] takes everything out that is not needed to show it, [`inspect`] reads what it and other
//! tools have written. Pixels are never decoded, and no function reads a clock: the same input gives the same bytes.
//!
//! | | PNG | JPEG and WebP |
//! |---|---|---|
//! | the `parameters` text of AUTOMATIC1111 and others | an `iTXt` chunk | EXIF `UserComment`, UTF-16 |
//! | all parameters as JSON | the `iTXt` chunk `tintype`, and in the XMP | in the XMP |
//! | XMP: IPTC digital source type, creator tool, prompt | the `iTXt` chunk `XML:com.adobe.xmp` | `APP1`; the chunk `XMP ` |

mod comfyui;
mod exif;
mod findings;
mod format;
mod invokeai;
mod jpeg;
mod parameters;
mod parameters_text;
mod png;
mod raw;
mod webp;
mod xmp;

pub use findings::{Findings, Found, Source, inspect};
pub use format::Format;
pub use parameters::Parameters;
pub use parameters_text::ParametersText;
pub use xmp::{TRAINED_ALGORITHMIC_MEDIA, XmpFindings};

/// The name of the tool, as files tell it.
pub const CREATOR_TOOL: &str = concat!("Tintype ", env!("CARGO_PKG_VERSION"));

/// The most bytes of one text that [`inspect`] reads, unpacked.
pub const TEXT_BYTES: usize = 2 * 1024 * 1024;
/// The most bytes of all texts of one file that [`inspect`] reads.
pub const TEXTS_BYTES: usize = 8 * 1024 * 1024;
/// The most texts of one file that [`inspect`] reads.
pub const TEXTS_MAX: usize = 64;

/// Why a file can't be written to or stripped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Judged by its first bytes it is none of ours.
    #[error("it is no PNG, JPEG or WebP file (judged by its first bytes)")]
    UnknownFormat,
    /// It ends within one of its parts, or a part is where it can't be.
    #[error("its parts do not fit together: it is cut off or damaged")]
    Broken,
    /// What is to be written does not fit the format.
    #[error("the metadata is too large for the format")]
    TooLarge,
}

/// What writing and stripping return.
pub type Result<T> = std::result::Result<T, Error>;

/// The picture with `parameters` in it, in every form of the table above; what it held in their places is replaced,
/// everything else stays as it is, every pixel too.
///
/// # Errors
/// [`Error`]; never [`TooLarge`](Error::TooLarge) for prompts of up to 2,000 characters.
pub fn write(bytes: &[u8], parameters: &Parameters) -> Result<Vec<u8>> {
    let statement = Statement::of(parameters);
    match Format::of(bytes)? {
        Format::Png => png::write(bytes, &statement),
        Format::Jpeg => jpeg::write(bytes, &statement),
        Format::Webp => webp::write(bytes, &statement),
    }
}

/// The picture without metadata: what remains is what a viewer needs to show it as before (pixels, palette,
/// transparency, colour profile, animation, and the orientation where there is one). A file that holds nothing else
/// comes back byte for byte.
///
/// # Errors
/// [`UnknownFormat`](Error::UnknownFormat), [`Broken`](Error::Broken).
pub fn strip(bytes: &[u8]) -> Result<Vec<u8>> {
    match Format::of(bytes)? {
        Format::Png => png::strip(bytes),
        Format::Jpeg => jpeg::strip(bytes),
        Format::Webp => webp::strip(bytes),
    }
}

/// Whether the picture carries a C2PA manifest: it is sealed, and another byte would break the seal.
pub fn is_sealed(bytes: &[u8]) -> bool {
    raw::Raw::read(bytes).is_ok_and(|raw| raw.sealed)
}

/// What is written into a file, in its three forms.
struct Statement {
    /// For the readers of `parameters`.
    text: String,
    /// Everything, for us.
    json: String,
    /// For everyone.
    xmp: String,
}

impl Statement {
    fn of(parameters: &Parameters) -> Self {
        let json = parameters.to_json();
        Self { text: parameters_text::write(parameters), xmp: xmp::write(parameters, &json), json }
    }
}
