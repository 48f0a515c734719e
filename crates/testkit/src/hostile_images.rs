//! Images made to take a decoder's memory or time: extreme sizes, bombs in each part of each format, damaged files. The same
//! seed gives the same files.

use crate::samples::spoiled;
use fastrand::Rng;
use miniz_oxide::{
    DataFormat, MZFlush,
    deflate::{
        core::{CompressorOxide, create_comp_flags_from_zip_params},
        stream::deflate,
    },
};
use tintype_imaging::{Encoding, encode_rgb};

const MIB: usize = 1024 * 1024;

/// A file, made when it is asked for: together they are too many bytes to hold.
#[derive(Clone, Copy, Debug)]
pub struct Bomb {
    /// What it is.
    pub name: &'static str,
    /// Makes it.
    pub make: fn() -> Vec<u8>,
}

/// One file for each way to take much from little.
pub const BOMBS: &[Bomb] = &[
    bomb("PNG of 8,388,608 x 1 pixels", || png(8_388_608, 1, 2, 8, false, &[])),
    bomb("PNG of 1 x 8,388,608 pixels", || png(1, 8_388_608, 2, 8, false, &[])),
    bomb("PNG of 128 x 65,535 pixels", || png(128, 65_535, 2, 8, false, &[])),
    bomb("PNG of 16,384 x 1 pixels", || png(16_384, 1, 6, 16, false, &[])),
    bomb("PNG of 16,384 x 164 pixels", || png(16_384, 164, 6, 16, false, &[])),
    bomb("PNG of 164 x 16,384 pixels", || png(164, 16_384, 6, 16, true, &[])),
    bomb("PNG of 65,535 x 65,535 pixels", || header_only_png(65_535, 65_535)),
    bomb("PNG of 2^31 - 1 x 2^31 - 1 pixels", || header_only_png(0x7FFF_FFFF, 0x7FFF_FFFF)),
    bomb("PNG of 0 x 0 pixels", || header_only_png(0, 0)),
    bomb("PNG of 16 megapixels in 16-bit RGBA", || png(4_096, 4_096, 6, 16, false, &[])),
    bomb("interlaced PNG of 16 megapixels in 16-bit RGBA", || png(4_096, 4_096, 6, 16, true, &[])),
    bomb("PNG of 16 megapixels with a palette", || png(4_096, 4_096, 3, 1, true, &[])),
    bomb("PNG with a profile of 512 MB", || {
        png(8, 8, 2, 8, false, &[chunk(b"iCCP", &[b"x\0\0".to_vec(), zeros(512 * MIB)].concat())])
    }),
    bomb("PNG with 50 profiles of 64 MB", || {
        let profile = chunk(b"iCCP", &[b"x\0\0".to_vec(), zeros(64 * MIB)].concat());
        png(8, 8, 2, 8, false, &vec![profile; 50])
    }),
    bomb("PNG with a text of 512 MB", || {
        png(8, 8, 2, 8, false, &[chunk(b"zTXt", &[b"x\0\0".to_vec(), zeros(512 * MIB)].concat())])
    }),
    bomb("PNG with an international text of 512 MB", || {
        png(8, 8, 2, 8, false, &[chunk(b"iTXt", &[b"x\0\x01\0\0\0".to_vec(), zeros(512 * MIB)].concat())])
    }),
    bomb("PNG with 300 texts of 16 MB", || {
        let text = chunk(b"zTXt", &[b"parameters\0\0".to_vec(), zeros(16 * MIB)].concat());
        png(8, 8, 2, 8, false, &vec![text; 300])
    }),
    bomb("PNG with 16 MB of EXIF", || png(8, 8, 2, 8, false, &[chunk(b"eXIf", &exif(16 * MIB))])),
    bomb("PNG with 16 MB of a palette of suggestions", || {
        png(8, 8, 2, 8, false, &[chunk(b"sPLT", &[b"x\0\x08".to_vec(), vec![0; 16 * MIB]].concat())])
    }),
    bomb("PNG with a million unknown chunks", || {
        png(8, 8, 2, 8, false, &[chunk(b"qqQq", b"").repeat(1_000_000)])
    }),
    bomb("PNG with a million texts", || png(8, 8, 2, 8, false, &[chunk(b"tEXt", b"x\0y").repeat(1_000_000)])),
    bomb("PNG with a million empty parts of pixels", || {
        png_of(
            8,
            8,
            2,
            8,
            false,
            &[],
            &[chunk(b"IDAT", b"").repeat(1_000_000), chunk(b"IDAT", &packed(&[0; 200]))].concat(),
        )
    }),
    bomb("PNG whose pixels go on for 8 GB", || {
        png_of(8, 8, 2, 8, false, &[], &chunk(b"IDAT", &zeros(8 * 1024 * MIB)))
    }),
    bomb("PNG with 100,000 frames", || {
        let mut frames = chunk(b"acTL", &[100_000_u32.to_be_bytes(), 0_u32.to_be_bytes()].concat());
        let control =
            [&0_u32.to_be_bytes()[..], &8_u32.to_be_bytes(), &8_u32.to_be_bytes(), &[0; 14]].concat();
        frames.extend(chunk(b"fcTL", &control).repeat(100_000));
        png(8, 8, 2, 8, false, &[frames])
    }),
    bomb("JPEG of 65,500 x 65,500 pixels", || jpeg(65_500, 65_500, true, &[0x11; 3], 1)),
    bomb("JPEG of 64 x 65,500 pixels", || jpeg(64, 65_500, false, &[0x11; 3], 1)),
    bomb("JPEG of 16,384 x 164 pixels", || jpeg(16_384, 164, false, &[0x11; 3], 1)),
    bomb("progressive JPEG of 16,384 x 164 pixels in 4 x 4 samples", || {
        jpeg(16_384, 164, true, &[0x44, 0x11, 0x11], 1)
    }),
    bomb("JPEG of 16 megapixels", || jpeg(4_096, 4_096, false, &[0x22, 0x11, 0x11], 1)),
    bomb("JPEG of 16 megapixels in four components", || jpeg(4_096, 4_096, false, &[0x11; 4], 1)),
    bomb("progressive JPEG of 16 megapixels", || jpeg(4_096, 4_096, true, &[0x11; 3], 1)),
    bomb("progressive JPEG of 16 megapixels in four components", || jpeg(4_096, 4_096, true, &[0x11; 4], 1)),
    bomb("progressive JPEG of 16 megapixels in odd samples", || {
        jpeg(4_096, 4_096, true, &[0x11, 0x44, 0x44], 1)
    }),
    bomb("progressive JPEG of 16 megapixels in 60 scans", || jpeg(4_096, 4_096, true, &[0x11; 3], 60)),
    bomb("progressive JPEG of 16 megapixels in 2,000 scans", || jpeg(4_096, 4_096, true, &[0x11; 3], 2_000)),
    bomb("JPEG with a million profile parts", || {
        jpeg_with(&segment(0xE2, b"ICC_PROFILE\0\x01\x01").repeat(900_000))
    }),
    bomb("JPEG with 4 million empty comments", || jpeg_with(&segment(0xFE, b"").repeat(4_000_000))),
    bomb("JPEG with 250 comments of 64 KB", || jpeg_with(&segment(0xFE, &[0; 65_000]).repeat(250))),
    bomb("JPEG with 16 MB of EXIF", || {
        jpeg_with(&segment(0xE1, &[b"Exif\0\0".to_vec(), exif(60_000)].concat()).repeat(260))
    }),
    bomb("JPEG with a million tables", || {
        jpeg_with(&segment(0xDB, &[vec![0], vec![1; 64]].concat()).repeat(200_000))
    }),
    bomb("WebP with a canvas of 16,777,216 x 16,777,216 pixels", || webp(1 << 24, 1 << 24, &[])),
    bomb("WebP with a canvas of 16 megapixels and a small image", || {
        webp(4_096, 4_096, &riff(b"VP8L", &lossless(4, 4, 0)))
    }),
    bomb("WebP of 16,383 x 163 pixels", || simple_webp(b"VP8L", &lossless(16_383, 164, 0))),
    bomb("WebP of 16 megapixels", || simple_webp(b"VP8L", &lossless(4_096, 4_096, 0))),
    bomb("WebP with 65,536 groups of large codes", || simple_webp(b"VP8L", &lossless(4, 4, 65_536))),
    bomb("WebP with 2,000 groups of large codes", || simple_webp(b"VP8L", &lossless(4, 4, 2_000))),
    bomb("WebP with an alpha channel of 65,536 groups", || {
        let alpha = [&[1_u8][..], &lossless(4_096, 4_096, 65_536)[5..]].concat();
        webp(4_096, 4_096, &[riff(b"ALPH", &alpha), riff(b"VP8 ", &lossy_header(4_096, 4_096))].concat())
    }),
    bomb("WebP of 16 megapixels without its pixels", || simple_webp(b"VP8 ", &lossy_header(4_096, 4_096))),
    bomb("WebP with two million chunks", || {
        let chunks = [riff(b"VP8L", &lossless(4, 4, 0)), riff(b"QQQQ", b"").repeat(2_000_000)].concat();
        webp(4, 4, &chunks)
    }),
    bomb("WebP with 700,000 frames", || animation(4, 4, 4, 4, 700_000)),
    bomb("animated WebP of 16 megapixels", || animation(4_096, 4_096, 4_096, 4_096, 2)),
    bomb("animated WebP of 16 megapixels with a small frame", || animation(4_096, 4_096, 4, 4, 2)),
    bomb("animated WebP whose frame is larger than its canvas", || animation(4, 4, 4_096, 4_096, 2)),
    bomb("WebP with 16 MB of EXIF", || {
        webp(4, 4, &[riff(b"VP8L", &lossless(4, 4, 0)), riff(b"EXIF", &exif(16 * MIB))].concat())
    }),
    bomb("21 MiB of a PNG", || png(8, 8, 2, 8, false, &[chunk(b"qqQq", &vec![0; 21 * MIB])])),
];

const fn bomb(name: &'static str, make: fn() -> Vec<u8>) -> Bomb {
    Bomb { name, make }
}

/// Small whole images of every format and kind.
pub fn whole() -> Vec<Vec<u8>> {
    let mut random = Rng::with_seed(5);
    let mut files = Vec::new();
    for (width, height) in [(1, 1), (8, 8), (33, 17), (100, 1), (1, 100), (64, 640)] {
        for encoding in [Encoding::Png, Encoding::Jpeg, Encoding::Webp] {
            let noise = (0..width * height * 3).map(|_| random.u8(..)).collect();
            files.push(encode_rgb(width, height, noise, encoding).expect("encode"));
        }
    }
    for (color, depth) in [(0, 1), (0, 16), (2, 16), (3, 2), (3, 8), (4, 8), (4, 16), (6, 8), (6, 16)] {
        for interlaced in [false, true] {
            let chunks = [chunk(b"eXIf", &exif(20)), chunk(b"zTXt", &[b"x\0\0".to_vec(), zeros(9)].concat())];
            files.push(png(37, 21, color, depth, interlaced, &chunks));
        }
    }
    for samples in [&[0x11_u8][..], &[0x11; 3], &[0x22, 0x11, 0x11], &[0x11; 4], &[0x21, 0x11, 0x11]] {
        for progressive in [false, true] {
            files.push(jpeg(40, 24, progressive, samples, 3));
        }
    }
    files.push(simple_webp(b"VP8L", &lossless(9, 7, 3)));
    files.push(webp(9, 7, &[riff(b"VP8L", &lossless(9, 7, 0)), riff(b"EXIF", &exif(20))].concat()));
    files.push(animation(12, 12, 4, 4, 3));
    files
}

/// Hostile image number `n`: a damaged file, one that is cut off, or a whole one of a random kind and an extreme size.
pub fn numbered(n: u64, whole: &[Vec<u8>]) -> Vec<u8> {
    let mut random = Rng::with_seed(n);
    let file = &whole[random.usize(..whole.len())];
    match random.u8(..10) {
        0 => file[..random.usize(..file.len())].to_vec(),
        1 => extreme(&mut random),
        _ => spoiled(file, &mut random),
    }
}

/// A whole file, or its header alone, of an extreme size.
fn extreme(random: &mut Rng) -> Vec<u8> {
    const SIDES: [u32; 14] = [0, 1, 2, 3, 163, 164, 255, 256, 1_000, 16_383, 16_384, 16_385, 65_535, 1 << 24];
    let mut side = || SIDES[random.usize(..SIDES.len())];
    let (width, height) = (side(), side());
    let is_small = u64::from(width) * u64::from(height) <= 1_000_000;
    let [color, depth] = [[0, 1], [0, 8], [0, 16], [2, 8], [2, 16], [3, 1], [3, 8], [4, 16], [6, 8], [6, 16]]
        [random.usize(..10)];
    let interlaced = random.bool();
    let samples: Vec<u8> = (0..[1, 3, 4][random.usize(..3)])
        .map(|_| [1, 2, 4][random.usize(..3)] << 4 | random.u8(1..5))
        .collect();
    let of_16_bits = |side: u32| u16::try_from(side).unwrap_or(u16::MAX);
    match random.u8(..4) {
        0 if is_small && width > 0 && height > 0 => png(width, height, color, depth, interlaced, &[]),
        0 => header_only_png(width, height),
        1 if is_small => {
            jpeg(of_16_bits(width), of_16_bits(height), interlaced, &samples, random.usize(1..20))
        }
        1 => jpeg(of_16_bits(width), of_16_bits(height), interlaced, &[0x11; 3], 0),
        2 => {
            simple_webp(b"VP8L", &lossless(width.clamp(1, 16_384), height.clamp(1, 16_384), random.u32(..40)))
        }
        _ => animation(width.max(1), height.max(1), random.u32(1..300), random.u32(1..300), 3),
    }
}

/// `length` zeros as a zlib stream: a thousandth of their length. The same part is repeated.
fn zeros(length: usize) -> Vec<u8> {
    let whole = deflated(MIB, MZFlush::Full).repeat(length / MIB);
    let rest = deflated(length % MIB, MZFlush::Finish);
    let adler = ((length % 65_521) as u32) << 16 | 1;
    [&[0x78, 0x01][..], &whole, &rest, &adler.to_be_bytes()].concat()
}

/// `length` zeros as a part of a deflate stream.
fn deflated(length: usize, flush: MZFlush) -> Vec<u8> {
    let mut state = CompressorOxide::new(create_comp_flags_from_zip_params(9, 0, 0));
    state.set_format_and_level(DataFormat::Raw, 9);
    let mut packed = vec![0; 64 * 1024];
    let result = deflate(&mut state, &vec![0; length], &mut packed, flush);
    packed.truncate(result.bytes_written);
    packed
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec_zlib(bytes, 1)
}

fn exif(length: usize) -> Vec<u8> {
    // One entry: the orientation 6.
    let mut exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    exif.resize(exif.len() + length, 0);
    exif
}

// PNG

fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("a chunk").to_be_bytes();
    let mut crc = !0;
    for byte in kind.iter().chain(data) {
        crc = CRC[usize::from((crc ^ u32::from(*byte)) as u8)] ^ (crc >> 8);
    }
    [&length[..], kind, data, &(!crc).to_be_bytes()].concat()
}

const CRC: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut value, mut bit) = (byte as u32, 0);
        while bit < 8 {
            value = (value >> 1) ^ (0xEDB8_8320 * (value & 1));
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
};

fn header_only_png(width: u32, height: u32) -> Vec<u8> {
    png_of(width, height, 6, 8, false, &[], &chunk(b"IDAT", &packed(&[0])))
}

/// A black PNG.
fn png(width: u32, height: u32, color: u8, depth: u8, interlaced: bool, chunks: &[Vec<u8>]) -> Vec<u8> {
    let samples = match color {
        2 => 3,
        4 => 2,
        6 => 4,
        _ => 1,
    };
    let row = |width: u64| 1 + (width * samples * u64::from(depth)).div_ceil(8);
    let length = if interlaced {
        // Where each pass starts, and its steps: across, down.
        let passes = [
            (0, 0, 8, 8),
            (4, 0, 8, 8),
            (0, 4, 4, 8),
            (2, 0, 4, 4),
            (0, 2, 2, 4),
            (1, 0, 2, 2),
            (0, 1, 1, 2),
        ];
        let count = |side: u32, start: u32, step: u32| u64::from(side.saturating_sub(start).div_ceil(step));
        passes
            .into_iter()
            .map(|(x, y, across, down)| (count(width, x, across), count(height, y, down)))
            .filter(|(width, _)| *width > 0)
            .map(|(width, height)| row(width) * height)
            .sum()
    } else {
        row(width.into()) * u64::from(height)
    };
    png_of(width, height, color, depth, interlaced, chunks, &chunk(b"IDAT", &zeros(length as usize)))
}

fn png_of(
    width: u32,
    height: u32,
    color: u8,
    depth: u8,
    interlaced: bool,
    chunks: &[Vec<u8>],
    pixels: &[u8],
) -> Vec<u8> {
    let header =
        [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, color, 0, 0, interlaced.into()]].concat();
    let palette = if color == 3 { chunk(b"PLTE", &[0, 0, 0, 255, 255, 255]) } else { Vec::new() };
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &header),
        chunks.concat(),
        palette,
        pixels.to_vec(),
        chunk(b"IEND", b""),
    ]
    .concat()
}

// JPEG

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).expect("a segment").to_be_bytes();
    [&[0xFF, marker], &length[..], content].concat()
}

/// A small JPEG with these segments.
fn jpeg_with(segments: &[u8]) -> Vec<u8> {
    let whole = jpeg(8, 8, false, &[0x11; 3], 1);
    [&whole[..2], segments, &whole[2..]].concat()
}

/// A grey JPEG whose components have these samples (across and down, 4 bits each). A progressive one has so many scans.
fn jpeg(width: u16, height: u16, progressive: bool, samples: &[u8], scans: usize) -> Vec<u8> {
    let count = u8::try_from(samples.len()).expect("components");
    let mut bytes = vec![0xFF, 0xD8];
    bytes.extend(segment(0xDB, &[vec![0], vec![1; 64]].concat()));
    let mut frame = vec![8];
    frame.extend(height.to_be_bytes());
    frame.extend(width.to_be_bytes());
    frame.push(count);
    samples.iter().zip(1..).for_each(|(samples, id)| frame.extend([id, *samples, 0]));
    bytes.extend(segment(if progressive { 0xC2 } else { 0xC0 }, &frame));
    // One code of one bit each: no difference to the block before; and all the rest of the block is zero, or, in a progressive
    // one, so are the next 2^14 to 2^15 - 1 blocks.
    let table = |class: u8, symbol: u8| {
        let mut table = vec![class, 1];
        table.extend([0; 15]);
        table.push(symbol);
        segment(0xC4, &table)
    };
    bytes.extend(table(0x00, 0));
    bytes.extend(table(0x10, if progressive { 0xE0 } else { 0 }));
    let most =
        |shift: u8| samples.iter().map(|samples| u64::from(samples >> shift & 15)).max().unwrap_or(1).max(1);
    let units = u64::from(width).div_ceil(8 * most(4)) * u64::from(height).div_ceil(8 * most(0));
    let per_unit: u64 = samples.iter().map(|samples| u64::from(samples >> 4) * u64::from(samples & 15)).sum();
    let mut scan = vec![count];
    (1..=count).for_each(|id| scan.extend([id, 0]));
    scan.extend(if progressive { [0, 0, 0] } else { [0, 63, 0] });
    bytes.extend(segment(0xDA, &scan));
    // The largest are cut off: what is missing is grey.
    let bits = (units * per_unit).min(50_000_000) * if progressive { 1 } else { 2 };
    bytes.resize(bytes.len() + (bits / 8) as usize + 1, 0);
    for number in 1..scans.max(1) {
        if !progressive {
            break;
        }
        let id = u8::try_from(1 + number % samples.len()).expect("a component");
        bytes.extend(segment(0xDA, &[1, id, 0, 1, 63, 0]));
        // A bit of the code and 14 bits of the run, all ones: stuffed where a byte is full of them.
        let runs = (units * per_unit).min(2_000_000) / 32_767 + 1;
        (0..runs).for_each(|_| bytes.extend([0x7F, 0xFF, 0x00]));
    }
    bytes.extend([0xFF, 0xD9]);
    bytes
}

// WebP

fn riff(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("a chunk").to_le_bytes();
    let mut bytes = [kind, &length[..], content].concat();
    bytes.resize(bytes.len() + content.len() % 2, 0);
    bytes
}

fn simple_webp(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    riff(b"RIFF", &[b"WEBP".to_vec(), riff(kind, content)].concat())
}

fn extended(flags: u8, width: u32, height: u32, chunks: &[u8]) -> Vec<u8> {
    let mut header = vec![flags, 0, 0, 0];
    for side in [width, height] {
        header.extend(&(side - 1).to_le_bytes()[..3]);
    }
    riff(b"RIFF", &[b"WEBP".to_vec(), riff(b"VP8X", &header), chunks.to_vec()].concat())
}

/// A WebP with an extended header, and all that it may say of alpha and EXIF.
fn webp(width: u32, height: u32, chunks: &[u8]) -> Vec<u8> {
    let has = |name: &[u8]| chunks.windows(4).take(1 << 16).any(|window| window == name);
    extended(u8::from(has(b"ALPH")) << 4 | u8::from(has(b"EXIF")) << 3, width, height, chunks)
}

fn animation(width: u32, height: u32, frame_width: u32, frame_height: u32, frames: usize) -> Vec<u8> {
    let mut frame = vec![0; 6];
    for side in [frame_width, frame_height] {
        frame.extend(&(side - 1).to_le_bytes()[..3]);
    }
    frame.extend([1, 0, 0, 0]);
    frame.extend(riff(b"VP8L", &lossless(frame_width, frame_height, 0)));
    let chunks = [riff(b"ANIM", &[0; 6]), riff(b"ANMF", &frame).repeat(frames)].concat();
    extended(2, width, height, &chunks)
}

fn lossy_header(width: u16, height: u16) -> Vec<u8> {
    let [w, h] = [width, height].map(u16::to_le_bytes);
    [&[0x10, 0, 0, 0x9D, 0x01, 0x2A][..], &w, &h, &[0; 64]].concat()
}

/// A lossless stream of one colour, with so many groups of codes, each as large as it can be; without any for 0.
fn lossless(width: u32, height: u32, groups: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.write(0x2F, 8);
    bits.write(width - 1, 14);
    bits.write(height - 1, 14);
    bits.write(0, 1 + 3);
    // No transform, no colour cache.
    bits.write(0, 2);
    if groups == 0 {
        bits.write(0, 1);
        bits.single_codes(0, 0);
        return bits.bytes;
    }
    // The image of the groups' numbers in blocks of 512 pixels: all of one colour, the largest number. Without a colour cache.
    bits.write(1, 1);
    bits.write(7, 3);
    bits.write(0, 1);
    bits.single_codes((groups - 1) & 255, (groups - 1) >> 8);
    for _ in 0..groups {
        (0..5).for_each(|_| bits.large_code());
    }
    // Some pixels: whoever wants more finds zeros.
    bits.bytes.resize(bits.bytes.len() + 64, 0);
    bits.bytes
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn write(&mut self, value: u32, count: u32) {
        for place in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= ((value >> place & 1) as u8) << (self.used % 8);
            }
            self.used += 1;
        }
    }

    /// Five codes of one symbol each: green, red, and 0 for the others.
    fn single_codes(&mut self, green: u32, red: u32) {
        for symbol in [green, red, 0, 0, 0] {
            // Simple, one symbol, of 8 bits.
            self.write(0b101, 3);
            self.write(symbol, 8);
        }
    }

    /// A code with the lengths 1 to 9, 10 and 10.
    fn large_code(&mut self) {
        const ORDER: [u32; 19] = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        // The codes of the lengths 1 to 10: six of 3 bits and four of 4 bits, in the order of their values.
        let width_of = |length: u32| match length {
            1..=6 => 3,
            7..=10 => 4,
            _ => 0,
        };
        self.write(0, 1);
        self.write(15, 4);
        ORDER.into_iter().for_each(|length| self.write(width_of(length), 3));
        // 11 lengths follow: 2 + 9, in 4 bits.
        self.write(1, 1);
        self.write(1, 3);
        self.write(9, 4);
        for length in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10] {
            let code: u32 = if length <= 6 { length - 1 } else { 12 + length - 7 };
            // Codes are read from their highest bit on.
            let width = width_of(length);
            (0..width).rev().for_each(|place| self.write(code >> place & 1, 1));
        }
    }
}
