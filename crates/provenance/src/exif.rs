//! EXIF: a TIFF file whose directories hold tags. Only what is needed: orientation, a comment, and the texts that
//! other tools hide in tags meant for cameras.

/// The largest number of tags that a directory may have.
const TAGS_MAX: usize = 512;
const ORIENTATION: u16 = 0x0112;
const EXIF_DIRECTORY: u16 = 0x8769;
const USER_COMMENT: u16 = 0x9286;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const ASCII: u16 = 2;
const UNDEFINED: u16 = 7;
/// Says that a comment is UTF-16.
const UNICODE: &[u8; 8] = b"UNICODE\0";
/// Where the first directory starts in what we write.
const FIRST_DIRECTORY: u32 = 8;

/// An entry of a directory.
struct Tag<'a> {
    number: u16,
    kind: u16,
    value: &'a [u8],
}

/// A TIFF file of either byte order.
struct Tiff<'a> {
    bytes: &'a [u8],
    big: bool,
}

impl<'a> Tiff<'a> {
    fn open(bytes: &'a [u8]) -> Option<Self> {
        let big = match bytes.first_chunk::<4>()? {
            b"MM\0*" => true,
            b"II*\0" => false,
            _ => return None,
        };
        Some(Self { bytes, big })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn offset(&self, at: usize) -> Option<usize> {
        usize::try_from(self.u32(at)?).ok()
    }

    /// The tags of the directory at `at`; those that can't be read are left out.
    fn directory(&self, at: usize) -> Vec<Tag<'a>> {
        let count = usize::from(self.u16(at).unwrap_or(0)).min(TAGS_MAX);
        (0..count).filter_map(|place| self.tag(at.checked_add(2 + place * 12)?)).collect()
    }

    fn tag(&self, at: usize) -> Option<Tag<'a>> {
        let (number, kind) = (self.u16(at)?, self.u16(at + 2)?);
        let size = match kind {
            1 | ASCII | UNDEFINED => 1,
            SHORT => 2,
            LONG => 4,
            _ => return None,
        };
        let length = self.offset(at + 4)?.checked_mul(size)?;
        let from = if length <= 4 { at + 8 } else { self.offset(at + 8)? };
        Some(Tag { number, kind, value: self.bytes.get(from..from.checked_add(length)?)? })
    }

    fn first(&self) -> Vec<Tag<'a>> {
        self.offset(4).map(|at| self.directory(at)).unwrap_or_default()
    }
}

/// The orientation, where it is another than upright.
pub(crate) fn orientation(tiff: &[u8]) -> Option<u16> {
    let tiff = Tiff::open(tiff.strip_prefix(crate::jpeg::EXIF).unwrap_or(tiff))?;
    let tag = tiff.first().into_iter().find(|tag| tag.number == ORIENTATION && tag.kind == SHORT)?;
    let bytes = *tag.value.first_chunk()?;
    let orientation = if tiff.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
    Some(orientation).filter(|orientation| (2..=8).contains(orientation))
}

/// The comment, where there is one.
pub(crate) fn comment(tiff: &[u8]) -> Option<String> {
    let tiff = Tiff::open(tiff)?;
    let first = tiff.first();
    let pointer = first.iter().find(|tag| tag.number == EXIF_DIRECTORY && tag.kind == LONG)?;
    let bytes = *pointer.value.first_chunk()?;
    let at = if tiff.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
    let directory = tiff.directory(usize::try_from(at).ok()?);
    let comment = directory.iter().find(|tag| tag.number == USER_COMMENT)?.value;
    let (code, text) = comment.split_at_checked(8)?;
    match code {
        b"UNICODE\0" => Some(utf16(text, tiff.big)),
        _ => Some(String::from_utf8_lossy(text).trim_end_matches('\0').to_owned()),
    }
}

/// UTF-16 of the byte order that makes sense: writers differ in whether it is the file's or always big-endian.
fn utf16(bytes: &[u8], file_is_big: bool) -> String {
    let (text, big) = match bytes {
        [0xfe, 0xff, text @ ..] => (text, true),
        [0xff, 0xfe, text @ ..] => (text, false),
        text => {
            // Of Latin letters the high byte is zero.
            let zeros = |from| text.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
            let (even, odd) = (zeros(0), zeros(1));
            (text, if even == odd { file_is_big } else { even > odd })
        }
    };
    let units = text.chunks_exact(2).map(|pair| {
        let pair = [pair[0], pair[1]];
        if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    });
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The texts of the first directory: a tool that has JSON and no text chunks puts it into any of them. Honest texts
/// don't overlap, so no more is read than the file has.
pub(crate) fn texts(tiff: &[u8]) -> Vec<String> {
    let first = Tiff::open(tiff).map(|tiff| tiff.first()).unwrap_or_default();
    let mut left = tiff.len();
    let texts = first.iter().filter(|tag| tag.kind == ASCII).map_while(|tag| {
        left = left.checked_sub(tag.value.len())?;
        Some(String::from_utf8_lossy(tag.value).trim_end_matches('\0').to_owned())
    });
    texts.collect()
}

/// A TIFF file, big-endian, with these tags.
pub(crate) fn write(orientation: Option<u16>, comment: Option<&str>) -> Vec<u8> {
    let count = u16::from(orientation.is_some()) + u16::from(comment.is_some());
    let second = FIRST_DIRECTORY + directory_bytes(count);
    let mut out = b"MM\0*".to_vec();
    out.extend(FIRST_DIRECTORY.to_be_bytes());
    out.extend(count.to_be_bytes());
    if let Some(orientation) = orientation {
        // A value that is shorter than its place stands at its left.
        push_tag(&mut out, ORIENTATION, SHORT, 1, u32::from(orientation) << 16);
    }
    if comment.is_some() {
        push_tag(&mut out, EXIF_DIRECTORY, LONG, 1, second);
    }
    out.extend(0_u32.to_be_bytes());
    if let Some(comment) = comment {
        push_comment(&mut out, second, comment);
    }
    out
}

fn push_comment(out: &mut Vec<u8>, at: u32, comment: &str) {
    let value: Vec<u8> =
        UNICODE.iter().copied().chain(comment.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    out.extend(1_u16.to_be_bytes());
    let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
    push_tag(out, USER_COMMENT, UNDEFINED, length, at + directory_bytes(1));
    out.extend(0_u32.to_be_bytes());
    out.extend(value);
}

const fn directory_bytes(count: u16) -> u32 {
    2 + count as u32 * 12 + 4
}

fn push_tag(out: &mut Vec<u8>, number: u16, kind: u16, count: u32, value: u32) {
    out.extend(number.to_be_bytes());
    out.extend(kind.to_be_bytes());
    out.extend(count.to_be_bytes());
    out.extend(value.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let tiff = write(Some(6), Some("a cat, 猫 😀"));
        assert_eq!(orientation(&tiff), Some(6));
        assert_eq!(comment(&tiff).as_deref(), Some("a cat, 猫 😀"));
        assert_eq!((orientation(&write(None, None)), comment(&write(Some(3), None))), (None, None));
    }

    #[test]
    fn a_comment_of_the_other_byte_order_is_read() {
        let little: Vec<u8> = "a cat".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(utf16(&little, true), "a cat");
    }

    #[test]
    fn tags_that_share_their_bytes_are_read_once() {
        let mut tiff = b"MM\0*\0\0\0\x08".to_vec();
        tiff.extend(500_u16.to_be_bytes());
        (0..500).for_each(|_| push_tag(&mut tiff, 0x010e, ASCII, 4_000, 8));
        assert_eq!(texts(&tiff).len(), 1);
    }

    #[test]
    fn a_directory_that_points_nowhere_is_empty() {
        for tiff in [&b"MM\0*\xff\xff\xff\xff"[..], b"II*\0\x08\0\0\0\xff\xff", b"MM\0*", b""] {
            assert!(texts(tiff).is_empty() && comment(tiff).is_none() && orientation(tiff).is_none());
        }
    }
}
