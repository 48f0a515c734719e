//! What a file holds beside its pixels, as it stands there: the same for every format, and bounded.

use crate::{Format, Result, TEXT_BYTES, TEXTS_BYTES, TEXTS_MAX, jpeg, png, webp};

/// The metadata of one file.
#[derive(Debug, Default)]
pub(crate) struct Raw {
    /// Pixels across and down, as the file claims.
    pub(crate) size: Option<(u32, u32)>,
    /// Texts under their keywords, in the file's order.
    pub(crate) texts: Vec<(String, String)>,
    /// XMP packets.
    pub(crate) xmp: Vec<String>,
    /// EXIF, as a TIFF file.
    pub(crate) exif: Vec<Vec<u8>>,
    /// Whether there is a C2PA manifest.
    pub(crate) sealed: bool,
    /// What could not be read, in words.
    pub(crate) problems: Vec<String>,
    /// Bytes taken so far.
    taken: usize,
}

impl Raw {
    /// Reads what `bytes` hold. What can't be read is a problem of the result, and no reason to stop.
    ///
    /// # Errors
    /// [`UnknownFormat`](crate::Error::UnknownFormat).
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        let mut raw = Self::default();
        match Format::of(bytes)? {
            Format::Png => png::read(bytes, &mut raw),
            Format::Jpeg => jpeg::read(bytes, &mut raw),
            Format::Webp => webp::read(bytes, &mut raw),
        }
        Ok(raw)
    }

    /// Notes what could not be read; more than a person would read is not kept.
    pub(crate) fn problem(&mut self, problem: impl Into<String>) {
        if self.problems.len() < TEXTS_MAX {
            self.problems.push(problem.into());
        }
    }

    /// How many bytes the next text may have; `None`, and a problem, if there is room for none.
    pub(crate) fn room(&mut self, what: &str) -> Option<usize> {
        let count = self.texts.len() + self.xmp.len() + self.exif.len();
        let room = TEXT_BYTES.min(TEXTS_BYTES.saturating_sub(self.taken));
        if room == 0 || count >= TEXTS_MAX {
            self.problem(format!("{what} is left out: the file holds too much text"));
            return None;
        }
        Some(room)
    }

    /// Whether a text of this many bytes may be taken; if not, that is a problem.
    pub(crate) fn fits(&mut self, what: &str, bytes: usize) -> bool {
        let Some(room) = self.room(what) else { return false };
        if bytes > room {
            self.problem(format!("{what} is left out: it has {bytes} bytes, and {room} are read"));
        }
        bytes <= room
    }

    /// Keeps a text.
    pub(crate) fn text(&mut self, keyword: String, text: String) {
        self.taken += text.len();
        if keyword == png::XMP_KEYWORD { self.xmp.push(text) } else { self.texts.push((keyword, text)) }
    }

    /// Keeps an XMP packet, if there is room.
    pub(crate) fn xmp(&mut self, packet: &[u8]) {
        if self.fits("XMP", packet.len()) {
            self.text(png::XMP_KEYWORD.to_owned(), String::from_utf8_lossy(packet).into_owned());
        }
    }

    /// Keeps EXIF, if there is room. Some writers put JPEG's prefix into other formats too.
    pub(crate) fn exif(&mut self, tiff: &[u8]) {
        let tiff = tiff.strip_prefix(jpeg::EXIF).unwrap_or(tiff);
        if self.fits("EXIF", tiff.len()) {
            self.taken += tiff.len();
            self.exif.push(tiff.to_vec());
        }
    }
}
