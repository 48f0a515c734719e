//! WebP: RIFF chunks of name, length, data, padded to even. Metadata needs the extended form, which starts with `VP8X`.

use crate::{Error, Result, Statement, exif, raw::Raw};

const HEADER_BYTES: usize = 12;
const HAS_ALPHA: u8 = 0x10;
const HAS_EXIF: u8 = 0x08;
const HAS_XMP: u8 = 0x04;
/// The chunks that say how the picture is shown.
const SHOWN: [&[u8; 4]; 7] = [b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ICCP", b"ANIM", b"ANMF"];

struct Chunk<'a> {
    name: [u8; 4],
    data: &'a [u8],
}

/// The chunks as far as the file says that it goes.
fn chunks(bytes: &[u8]) -> impl Iterator<Item = Result<Chunk<'_>>> {
    let said = bytes.get(4..).and_then(<[u8]>::first_chunk).map(|bytes| u32::from_le_bytes(*bytes));
    let said = said.and_then(|said| usize::try_from(said).ok()).and_then(|said| said.checked_add(8));
    let cut_off = said.is_none_or(|said| said > bytes.len());
    let end = said.unwrap_or(0).min(bytes.len());
    let mut rest = Some(bytes.get(HEADER_BYTES..end).unwrap_or_default());
    std::iter::from_fn(move || {
        let now = rest.take()?;
        if now.is_empty() {
            return cut_off.then_some(Err(Error::Broken));
        }
        let Some((chunk, after)) = next_chunk(now) else { return Some(Err(Error::Broken)) };
        rest = Some(after);
        Some(Ok(chunk))
    })
}

fn next_chunk(rest: &[u8]) -> Option<(Chunk<'_>, &[u8])> {
    let name = *rest.first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*rest.get(4..)?.first_chunk()?)).ok()?;
    let data = rest.get(8..length.checked_add(8)?)?;
    // The last chunk's padding is missing in some files.
    let after = rest.get(8 + length + length % 2..).unwrap_or_default();
    Some((Chunk { name, data }, after))
}

fn push(out: &mut Vec<u8>, name: [u8; 4], data: &[u8]) -> Result<()> {
    out.extend(name);
    out.extend(u32::try_from(data.len()).map_err(|_| Error::TooLarge)?.to_le_bytes());
    out.extend(data);
    out.resize(out.len() + data.len() % 2, 0);
    Ok(())
}

/// Puts the header on `chunks`.
fn file(chunks: &[u8]) -> Result<Vec<u8>> {
    let length = u32::try_from(chunks.len() + 4).map_err(|_| Error::TooLarge)?;
    Ok([b"RIFF", &length.to_le_bytes()[..], b"WEBP", chunks].concat())
}

pub(crate) fn write(bytes: &[u8], statement: &Statement) -> Result<Vec<u8>> {
    let chunks = chunks(bytes).collect::<Result<Vec<_>>>()?;
    let mut out = Vec::with_capacity(bytes.len());
    push(&mut out, *b"VP8X", &extended(&chunks, HAS_EXIF | HAS_XMP).ok_or(Error::Broken)?)?;
    for chunk in chunks.iter().filter(|chunk| !matches!(&chunk.name, b"VP8X" | b"EXIF" | b"XMP ")) {
        push(&mut out, chunk.name, chunk.data)?;
    }
    push(&mut out, *b"EXIF", &exif::write(orientation_of(&chunks), Some(&statement.text)))?;
    push(&mut out, *b"XMP ", statement.xmp.as_bytes())?;
    file(&out)
}

fn orientation_of(chunks: &[Chunk<'_>]) -> Option<u16> {
    chunks.iter().filter(|chunk| chunk.name == *b"EXIF").find_map(|chunk| exif::orientation(chunk.data))
}

/// The data of `VP8X`: what there is, and the size. `metadata` are the flags of what will be there.
fn extended(chunks: &[Chunk<'_>], metadata: u8) -> Option<Vec<u8>> {
    if let Some(header) = chunks.iter().find(|chunk| chunk.name == *b"VP8X") {
        let mut data = header.data.to_vec();
        let flags = data.first_mut()?;
        *flags = *flags & !(HAS_EXIF | HAS_XMP) | metadata;
        return Some(data);
    }
    let (width, height, alpha) = chunks.iter().find_map(size_of)?;
    let alpha = if alpha { HAS_ALPHA } else { 0 };
    let [width, height] = [width, height].map(|side| side.saturating_sub(1).to_le_bytes());
    Some([&[metadata | alpha, 0, 0, 0], &width[..3], &height[..3]].concat())
}

/// Width, height, and whether there is transparency, of a chunk that has them.
fn size_of(chunk: &Chunk<'_>) -> Option<(u32, u32, bool)> {
    match &chunk.name {
        b"VP8X" => {
            let part = |at: usize| {
                Some(
                    u32::from_le_bytes([
                        *chunk.data.get(at)?,
                        *chunk.data.get(at + 1)?,
                        *chunk.data.get(at + 2)?,
                        0,
                    ]) + 1,
                )
            };
            Some((part(4)?, part(7)?, chunk.data[0] & HAS_ALPHA != 0))
        }
        b"VP8L" => {
            let bits = u32::from_le_bytes(*chunk.data.strip_prefix(&[0x2f])?.first_chunk()?);
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1, bits >> 28 & 1 != 0))
        }
        b"VP8 " => {
            let after = chunk.data.get(3..)?.strip_prefix(&[0x9d, 0x01, 0x2a])?;
            let side =
                |at: usize| Some(u32::from(u16::from_le_bytes(*after.get(at..)?.first_chunk()?) & 0x3fff));
            Some((side(0)?, side(2)?, false))
        }
        _ => None,
    }
}

pub(crate) fn strip(bytes: &[u8]) -> Result<Vec<u8>> {
    let chunks = chunks(bytes).collect::<Result<Vec<_>>>()?;
    let turned = orientation_of(&chunks);
    let mut out = Vec::with_capacity(bytes.len());
    for chunk in chunks.iter().filter(|chunk| SHOWN.contains(&&chunk.name)) {
        if chunk.name == *b"VP8X" {
            let flags = if turned.is_some() { HAS_EXIF } else { 0 };
            push(&mut out, chunk.name, &extended(&chunks, flags).ok_or(Error::Broken)?)?;
        } else {
            push(&mut out, chunk.name, chunk.data)?;
        }
    }
    if turned.is_some() {
        push(&mut out, *b"EXIF", &exif::write(turned, None))?;
    }
    file(&out)
}

pub(crate) fn read(bytes: &[u8], raw: &mut Raw) {
    for chunk in chunks(bytes) {
        let Ok(chunk) = chunk else {
            return raw.problem("the file ends within a chunk: it is cut off or damaged");
        };
        raw.size = raw.size.or_else(|| size_of(&chunk).map(|(width, height, _)| (width, height)));
        match &chunk.name {
            b"EXIF" => raw.exif(chunk.data),
            b"XMP " => raw.xmp(chunk.data),
            b"C2PA" => raw.sealed = true,
            _ => {}
        }
    }
}
