//! JPEG: segments that start with a marker, and after the first scan's header coded pixels in between.

use crate::{Error, Result, Statement, exif, raw::Raw};

/// What EXIF in a segment begins with.
pub(crate) const EXIF: &[u8] = b"Exif\0\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const XMP_MORE: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
const ICC: &[u8] = b"ICC_PROFILE\0";
const JFIF: &[u8] = b"JFIF\0";
const ADOBE: &[u8] = b"Adobe";
/// The header of JFIF without its thumbnail.
const JFIF_BYTES: usize = 14;
const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP11: u8 = 0xeb;
const APP14: u8 = 0xee;
const APP15: u8 = 0xef;
const COMMENT: u8 = 0xfe;

/// A segment; of a scan also the coded pixels that follow.
struct Segment<'a> {
    marker: u8,
    data: &'a [u8],
    whole: &'a [u8],
}

impl Segment<'_> {
    /// Whether we write such a one, and therefore replace it.
    fn is_ours(&self) -> bool {
        let starts = |with: &[u8]| self.data.starts_with(with);
        self.marker == APP1 && (starts(EXIF) || starts(XMP) || starts(XMP_MORE))
    }

    fn is_shown(&self) -> bool {
        match self.marker {
            APP0 => self.data.starts_with(JFIF),
            APP2 => self.data.starts_with(ICC),
            APP14 => self.data.starts_with(ADOBE),
            APP0..=APP15 | COMMENT => false,
            _ => true,
        }
    }
}

/// The segments after the start up to the end; what lies behind it belongs to no picture.
fn segments(bytes: &[u8]) -> impl Iterator<Item = Result<Segment<'_>>> {
    let mut rest = bytes.get(2..).unwrap_or_default();
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let segment = next_segment(rest);
        ended = !matches!(&segment, Some((segment, _)) if segment.marker != EOI);
        rest = segment.as_ref().map_or(rest, |(_, after)| after);
        Some(segment.map(|(segment, _)| segment).ok_or(Error::Broken))
    })
}

fn next_segment(rest: &[u8]) -> Option<(Segment<'_>, &[u8])> {
    // Any number of 0xff may stand before a marker.
    let fill = rest.iter().position(|byte| *byte != 0xff)?;
    let rest = rest.get(fill.checked_sub(1)?..)?;
    let marker = rest[1];
    if marker == EOI || marker == 0x01 || (0xd0..=SOI).contains(&marker) {
        let (whole, after) = rest.split_at(2);
        return Some((Segment { marker, data: &[], whole }, after));
    }
    let length = usize::from(u16::from_be_bytes(*rest.get(2..)?.first_chunk()?));
    let data = rest.get(4..length.checked_add(2)?)?;
    let end = length + 2 + if marker == SOS { coded_bytes(&rest[length + 2..]) } else { 0 };
    let (whole, after) = rest.split_at(end);
    Some((Segment { marker, data, whole }, after))
}

/// How many bytes of coded pixels come before the next marker; restart markers belong to them.
fn coded_bytes(bytes: &[u8]) -> usize {
    let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7 | 0xff);
    bytes.windows(2).position(is_marker).unwrap_or(bytes.len())
}

fn push(out: &mut Vec<u8>, marker: u8, parts: &[&[u8]]) -> Result<()> {
    let length = 2 + parts.iter().map(|part| part.len()).sum::<usize>();
    let length = u16::try_from(length).map_err(|_| Error::TooLarge)?;
    out.extend([0xff, marker]);
    out.extend(length.to_be_bytes());
    parts.iter().for_each(|part| out.extend(*part));
    Ok(())
}

pub(crate) fn write(bytes: &[u8], statement: &Statement) -> Result<Vec<u8>> {
    let turned = orientation_of(bytes);
    let mut out = vec![0xff, SOI];
    let mut written = false;
    for segment in segments(bytes) {
        let segment = segment?;
        // The header of JFIF is the one thing that comes first.
        if !written && segment.marker != APP0 {
            push(&mut out, APP1, &[EXIF, &exif::write(turned, Some(&statement.text))])?;
            push(&mut out, APP1, &[XMP, statement.xmp.as_bytes()])?;
            written = true;
        }
        if !segment.is_ours() {
            out.extend(segment.whole);
        }
    }
    Ok(out)
}

fn orientation_of(bytes: &[u8]) -> Option<u16> {
    let mut exif = segments(bytes).map_while(Result::ok).filter(|segment| segment.marker == APP1);
    exif.find_map(|segment| exif::orientation(segment.data.strip_prefix(EXIF)?))
}

pub(crate) fn strip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = vec![0xff, SOI];
    let mut turned = orientation_of(bytes);
    for segment in segments(bytes) {
        let segment = segment?;
        if segment.marker != APP0
            && let Some(orientation) = turned.take()
        {
            push(&mut out, APP1, &[EXIF, &exif::write(Some(orientation), None)])?;
        }
        match segment.data.split_at_checked(JFIF_BYTES) {
            Some((header, thumbnail)) if segment.marker == APP0 && !thumbnail.is_empty() => {
                if let Some(kept) = header.starts_with(JFIF).then(|| &header[..JFIF_BYTES - 2]) {
                    push(&mut out, APP0, &[kept, &[0, 0]])?;
                }
            }
            _ if segment.is_shown() => out.extend(segment.whole),
            _ => {}
        }
    }
    Ok(out)
}

pub(crate) fn read(bytes: &[u8], raw: &mut Raw) {
    for segment in segments(bytes) {
        let Ok(segment) = segment else {
            return raw.problem("the file ends within a segment, or has no end: it is cut off or damaged");
        };
        match segment.marker {
            APP1 => read_app1(segment.data, raw),
            COMMENT if raw.fits("a comment", segment.data.len()) => {
                let text = String::from_utf8_lossy(segment.data).trim_end_matches('\0').to_owned();
                raw.text("comment".to_owned(), text);
            }
            // A box of JUMBF: after the number of the box and of its part.
            APP11 if segment.data.get(8..).is_some_and(holds_manifest) => raw.sealed = true,
            // The frames' headers; the numbers between are tables.
            0xc0..=0xcf if !matches!(segment.marker, 0xc4 | 0xc8 | 0xcc) => raw.size = size(segment.data),
            _ => {}
        }
    }
}

fn read_app1(data: &[u8], raw: &mut Raw) {
    if let Some(tiff) = data.strip_prefix(EXIF) {
        raw.exif(tiff);
    } else if let Some(packet) = data.strip_prefix(XMP) {
        raw.xmp(packet);
    }
}

fn holds_manifest(jumbf: &[u8]) -> bool {
    let start = &jumbf[..jumbf.len().min(128)];
    start.windows(4).any(|part| part == b"jumb") && start.windows(4).any(|part| part == b"c2pa")
}

fn size(frame: &[u8]) -> Option<(u32, u32)> {
    let [height, width] = [1, 3].map(|at| frame.get(at..).and_then(<[u8]>::first_chunk).copied());
    Some((u32::from(u16::from_be_bytes(width?)), u32::from(u16::from_be_bytes(height?))))
}
