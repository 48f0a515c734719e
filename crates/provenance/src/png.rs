//! PNG: a signature, then chunks of length, kind, data, checksum.

use crate::{Error, Result, Statement, exif, raw::Raw};
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_zlib_with_limit};

const SIGNATURE_BYTES: usize = 8;
/// Length, kind and checksum.
const FRAME_BYTES: usize = 12;
/// The keyword of XMP.
pub(crate) const XMP_KEYWORD: &str = "XML:com.adobe.xmp";
/// The keyword of the text that other tools read.
pub(crate) const PARAMETERS_KEYWORD: &str = "parameters";
/// The keyword of our own form.
pub(crate) const OUR_KEYWORD: &str = "tintype";
/// What we write, and therefore replace.
const OUR_KEYWORDS: [&str; 3] = [PARAMETERS_KEYWORD, OUR_KEYWORD, XMP_KEYWORD];

/// The chunks that say how the picture is shown; beside these only critical ones stay when it is stripped.
const SHOWN: [&[u8; 4]; 14] = [
    b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"bKGD", b"pHYs", b"acTL", b"fcTL",
    b"fdAT", b"mDCV", b"cLLI",
];

struct Chunk<'a> {
    kind: [u8; 4],
    data: &'a [u8],
    /// With its frame.
    whole: &'a [u8],
}

impl Chunk<'_> {
    fn is_intact(&self) -> bool {
        let (body, checksum) = self.whole[4..].split_at(self.whole.len() - 8);
        crc32fast::hash(body).to_be_bytes() == checksum
    }

    /// The kind as a person can read it.
    fn name(&self) -> String {
        self.kind.escape_ascii().to_string()
    }
}

/// The chunks up to the last one; what lies behind it belongs to no picture.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = Result<Chunk<'_>>> {
    let mut rest = bytes.get(SIGNATURE_BYTES..).unwrap_or_default();
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let chunk = next_chunk(rest);
        ended = !matches!(&chunk, Some(chunk) if chunk.kind != *b"IEND");
        rest = chunk.as_ref().map_or(rest, |chunk| &rest[chunk.whole.len()..]);
        Some(chunk.ok_or(Error::Broken))
    })
}

fn next_chunk(rest: &[u8]) -> Option<Chunk<'_>> {
    let length = u32::from_be_bytes(*rest.first_chunk()?);
    let length = usize::try_from(length).ok()?;
    let whole = rest.get(..length.checked_add(FRAME_BYTES)?)?;
    Some(Chunk { kind: *whole[4..].first_chunk()?, data: &whole[8..8 + length], whole })
}

fn push(out: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) -> Result<()> {
    let length = u32::try_from(data.len()).map_err(|_| Error::TooLarge)?;
    out.extend(length.to_be_bytes());
    let body = out.len();
    out.extend(kind);
    out.extend(data);
    out.extend(crc32fast::hash(&out[body..]).to_be_bytes());
    Ok(())
}

/// `iTXt`: UTF-8, not packed; without language and translated keyword.
fn push_text(out: &mut Vec<u8>, keyword: &str, text: &str) -> Result<()> {
    let data = [keyword.as_bytes(), &[0, 0, 0, 0, 0], text.as_bytes()].concat();
    push(out, *b"iTXt", &data)
}

pub(crate) fn write(bytes: &[u8], statement: &Statement) -> Result<Vec<u8>> {
    let mut out = bytes[..SIGNATURE_BYTES].to_vec();
    for (place, chunk) in chunks(bytes).enumerate() {
        let chunk = chunk?;
        if (place == 0) != (chunk.kind == *b"IHDR") {
            return Err(Error::Broken);
        }
        if !is_ours(&chunk) {
            out.extend(chunk.whole);
        }
        // Before the pixels, so that a reader has it first.
        if place == 0 {
            push_text(&mut out, PARAMETERS_KEYWORD, &statement.text)?;
            push_text(&mut out, OUR_KEYWORD, &statement.json)?;
            push_text(&mut out, XMP_KEYWORD, &statement.xmp)?;
        }
    }
    Ok(out)
}

fn is_ours(chunk: &Chunk<'_>) -> bool {
    let keyword = chunk.data.split(|byte| *byte == 0).next().unwrap_or_default();
    matches!(&chunk.kind, b"iTXt" | b"tEXt" | b"zTXt")
        && OUR_KEYWORDS.iter().any(|ours| ours.as_bytes() == keyword)
}

pub(crate) fn strip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = bytes[..SIGNATURE_BYTES].to_vec();
    for chunk in chunks(bytes) {
        let chunk = chunk?;
        let is_critical = chunk.kind[0].is_ascii_uppercase();
        if is_critical || SHOWN.contains(&&chunk.kind) {
            out.extend(chunk.whole);
        } else if chunk.kind == *b"eXIf"
            && let Some(orientation) = exif::orientation(chunk.data)
        {
            push(&mut out, chunk.kind, &exif::write(Some(orientation), None))?;
        }
    }
    Ok(out)
}

pub(crate) fn read(bytes: &[u8], raw: &mut Raw) {
    for chunk in chunks(bytes) {
        let Ok(chunk) = chunk else {
            return raw.problem("the file ends within a chunk, or has no end: it is cut off or damaged");
        };
        if read_chunk(&chunk, raw) && !chunk.is_intact() {
            raw.problem(format!("the checksum of a {} chunk does not match: it is damaged", chunk.name()));
        }
    }
}

/// Whether the chunk held something to read.
fn read_chunk(chunk: &Chunk<'_>, raw: &mut Raw) -> bool {
    match &chunk.kind {
        b"IHDR" => {
            let [width, height] =
                [0, 4].map(|at| chunk.data.get(at..).and_then(<[u8]>::first_chunk).copied());
            raw.size = width.zip(height).map(|(w, h)| (u32::from_be_bytes(w), u32::from_be_bytes(h)));
        }
        b"tEXt" | b"zTXt" | b"iTXt" => read_text(chunk, raw),
        b"eXIf" => raw.exif(chunk.data),
        b"caBX" => raw.sealed = true,
        _ => return false,
    }
    true
}

fn read_text(chunk: &Chunk<'_>, raw: &mut Raw) {
    let Some(text) = Text::parse(chunk) else {
        return raw.problem(format!("a {} chunk has no text", chunk.name()));
    };
    let what = format!("the text {:?}", text.keyword);
    let unpacked = match text.packed {
        false if raw.fits(&what, text.bytes.len()) => text.bytes.to_vec(),
        false => return,
        true => match raw.room(&what).map(|room| decompress_to_vec_zlib_with_limit(text.bytes, room)) {
            None => return,
            Some(Ok(unpacked)) => unpacked,
            Some(Err(error)) if error.status == TINFLStatus::HasMoreOutput => {
                return raw.problem(format!("{what} is left out: it unpacks to more than is read"));
            }
            Some(Err(_)) => return raw.problem(format!("{what} can't be unpacked: it is damaged")),
        },
    };
    let unpacked =
        if text.latin { latin(&unpacked) } else { String::from_utf8_lossy(&unpacked).into_owned() };
    raw.text(text.keyword, unpacked);
}

/// Latin-1, which other tools nevertheless fill with UTF-8.
fn latin(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

struct Text<'a> {
    keyword: String,
    bytes: &'a [u8],
    packed: bool,
    latin: bool,
}

impl<'a> Text<'a> {
    fn parse(chunk: &Chunk<'a>) -> Option<Self> {
        let (keyword, rest) = cut(chunk.data)?;
        // The format allows 79 bytes.
        let keyword = keyword.get(..79.min(keyword.len())).map(latin)?;
        let text = |bytes, packed, latin| Some(Self { keyword, bytes, packed, latin });
        match &chunk.kind {
            b"tEXt" => text(rest, false, true),
            b"zTXt" => text(rest.get(1..)?, true, true),
            _ => {
                let packed = *rest.first()? != 0;
                let (_language, rest) = cut(rest.get(2..)?)?;
                let (_translated, rest) = cut(rest)?;
                text(rest, packed, false)
            }
        }
    }
}

/// What stands before and after the first zero.
fn cut(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|byte| *byte == 0)?;
    Some((&bytes[..at], &bytes[at + 1..]))
}
