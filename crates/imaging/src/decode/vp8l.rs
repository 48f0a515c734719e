//! How much memory the tables of a lossless WebP stream take, found out by reading the stream up to its pixels.
//!
//! A stream names up to 65,536 groups of five prefix codes, each of some 15 bytes, and the decoder unpacks each code to 4 KiB or
//! more: 5 MB of file take 1.3 GB. The decoder has no limit, so its tables are added up here first.
//! The format is RFC 9649, section 3.

use super::broken;
use crate::{
    error::{Error, Result},
    timed::Deadline,
};

/// The most bytes that the tables of one stream may take. Encoders make up to 2,600 groups of small codes, mostly some dozens.
const TABLES_BYTES: usize = 48 * 1024 * 1024;
/// The bits that the decoder's table of a code has at most; longer codes go on in a tree.
const TABLE_BITS: u8 = 10;
/// What a node of such a tree takes, in bytes.
const NODE_BYTES: usize = 16;
/// The longest code.
const CODE_BITS: usize = 15;
/// The order in which the lengths of the lengths' codes come.
const LENGTHS_ORDER: [usize; 19] = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/// The sizes of the five alphabets: green and lengths, red, blue, alpha, distances.
const ALPHABETS: [usize; 5] = [256 + 24, 256, 256, 256, 40];

/// Checks the tables of the stream `bytes`, which begins after the header, of an image of this size.
///
/// # Errors
/// [`TooManyParts`](Error::TooManyParts) if they take too much, [`Broken`](Error::Broken) if the stream can't be read.
pub(super) fn check(bytes: &[u8], width: u32, height: u32, until: Deadline) -> Result<()> {
    let mut stream = Stream { bits: Bits { bytes, at: 0 }, tables: 0, until };
    let mut width = width;
    let mut seen = [false; 4];
    while stream.bits.read(1)? == 1 {
        let kind = stream.bits.read(2)? as usize;
        if std::mem::replace(&mut seen[kind], true) {
            return Err(broken("a transform comes twice"));
        }
        match kind {
            0 | 1 => {
                let bits = stream.bits.read(3)? + 2;
                stream.image(subsampled(width, bits), subsampled(height, bits), false)?;
            }
            3 => {
                let colors = stream.bits.read(8)? + 1;
                stream.image(colors, 1, false)?;
                let bits = match colors {
                    ..=2 => 3,
                    3..=4 => 2,
                    5..=16 => 1,
                    _ => 0,
                };
                width = subsampled(width, bits);
            }
            // Subtract green: it has no data.
            _ => {}
        }
    }
    stream.image(width, height, true).map(drop)
}

const fn subsampled(side: u32, bits: u32) -> u32 {
    side.div_ceil(1 << bits)
}

struct Stream<'a> {
    bits: Bits<'a>,
    /// What the tables take that the decoder holds at a time, in bytes.
    tables: usize,
    until: Deadline,
}

impl Stream<'_> {
    /// Reads an image of the stream; of the main one only the tables. Returns the most that red and green are together.
    fn image(&mut self, width: u32, height: u32, is_main: bool) -> Result<u32> {
        let cache_bits = if self.bits.read(1)? == 1 { self.bits.read(4)? } else { 0 };
        if cache_bits > 11 {
            return Err(broken("the colour cache is too large"));
        }
        let mut groups = 1;
        if is_main && self.bits.read(1)? == 1 {
            let bits = self.bits.read(3)? + 2;
            groups = self.image(subsampled(width, bits), subsampled(height, bits), false)? + 1;
        }
        // Those of an earlier image are dropped before the next one comes.
        self.tables = 0;
        let mut codes = Vec::new();
        for _ in 0..groups {
            codes.clear();
            for (index, size) in ALPHABETS.into_iter().enumerate() {
                let cache = if index == 0 && cache_bits > 0 { 1 << cache_bits } else { 0 };
                codes.push(self.code(size + cache)?);
            }
        }
        if is_main { Ok(0) } else { self.pixels(width, height, cache_bits, &codes) }
    }

    /// Reads a code and adds what the decoder's tables of it take.
    fn code(&mut self, alphabet: usize) -> Result<Code> {
        let mut lengths = vec![0_u8; alphabet];
        if self.bits.read(1)? == 1 {
            let is_pair = self.bits.read(1)? == 1;
            let width = if self.bits.read(1)? == 1 { 8 } else { 1 };
            let first = self.bits.read(width)? as usize;
            let second = if is_pair { Some(self.bits.read(8)? as usize) } else { None };
            if first >= alphabet || second.is_some_and(|second| second >= alphabet) {
                return Err(broken("a symbol lies outside of its alphabet"));
            }
            // The pair's first symbol has the code 0, also where it is the larger one.
            return Ok(Code::simple(first, second));
        }
        let mut of_lengths = [0_u8; 19];
        for at in LENGTHS_ORDER.into_iter().take(self.bits.read(4)? as usize + 4) {
            of_lengths[at] = self.bits.read_u8(3)?;
        }
        let code = Code::new(&of_lengths)?;
        let mut left = alphabet;
        if self.bits.read(1)? == 1 {
            let width = 2 + 2 * self.bits.read(3)?;
            left = 2 + self.bits.read(width)? as usize;
            if left > alphabet {
                return Err(broken("there are more lengths than symbols"));
            }
        }
        let (mut at, mut before) = (0, 8);
        while at < alphabet && left > 0 {
            left -= 1;
            let (length, times) = match code.read(&mut self.bits)? {
                16 => (before, 3 + self.bits.read(2)? as usize),
                17 => (0, 3 + self.bits.read(3)? as usize),
                18 => (0, 11 + self.bits.read(7)? as usize),
                length => (u8::try_from(length).unwrap_or(0), 1),
            };
            if times > alphabet - at {
                return Err(broken("there are more lengths than symbols"));
            }
            lengths[at..at + times].fill(length);
            at += times;
            if length != 0 {
                before = length;
            }
        }
        self.tables += table_bytes(&lengths);
        if self.tables > TABLES_BYTES {
            return Err(Error::TooManyParts("prefix codes"));
        }
        Code::new(&lengths)
    }

    /// Reads the pixels of a small image, and tells the most that red and green are together.
    fn pixels(&mut self, width: u32, height: u32, cache_bits: u32, codes: &[Code]) -> Result<u32> {
        let [green, red, blue, alpha, distance] = codes else { return Err(broken("codes are missing")) };
        let count = width as usize * height as usize;
        let mut pixels: Vec<u32> = Vec::with_capacity(count);
        let mut cache = vec![0_u32; if cache_bits > 0 { 1 << cache_bits } else { 0 }];
        let slot = |pixel: u32| (0x1e35_a7bd_u32.wrapping_mul(pixel) >> (32 - cache_bits)) as usize;
        while pixels.len() < count {
            if pixels.len().is_multiple_of(4_096) && self.until.is_over() {
                return Err(broken("it was stopped"));
            }
            let start = pixels.len();
            match green.read(&mut self.bits)? {
                value @ 0..256 => {
                    let red = red.read(&mut self.bits)?;
                    let blue = blue.read(&mut self.bits)?;
                    let alpha = alpha.read(&mut self.bits)?;
                    pixels.push(
                        u32::from(alpha) << 24
                            | u32::from(red) << 16
                            | u32::from(value) << 8
                            | u32::from(blue),
                    );
                }
                symbol @ 256..280 => {
                    let length = self.value(symbol - 256)?;
                    let code = distance.read(&mut self.bits)?;
                    let back = distance_of(self.value(code)?, width as usize);
                    if back > start || length > count - start {
                        return Err(broken("a copy reaches beyond the image"));
                    }
                    for _ in 0..length {
                        pixels.push(pixels[pixels.len() - back]);
                    }
                }
                symbol => {
                    let pixel = cache.get(usize::from(symbol) - 280).copied();
                    pixels.push(pixel.ok_or_else(|| broken("there is no colour cache"))?);
                }
            }
            if cache_bits > 0 {
                pixels[start..].iter().for_each(|pixel| cache[slot(*pixel)] = *pixel);
            }
        }
        Ok(pixels.iter().map(|pixel| pixel >> 8 & 0xFFFF).max().unwrap_or_default())
    }

    /// The number that a prefix and the bits after it tell.
    fn value(&mut self, prefix: u16) -> Result<usize> {
        if prefix < 4 {
            return Ok(usize::from(prefix) + 1);
        }
        let extra = u32::from((prefix - 2) >> 1);
        let offset = (2 + usize::from(prefix & 1)) << extra;
        Ok(offset + self.bits.read(extra)? as usize + 1)
    }
}

/// The distance that a code tells: the first 120 are places near the pixel.
fn distance_of(code: usize, width: usize) -> usize {
    if code > 120 {
        return code - 120;
    }
    let (across, up) = NEAR[code - 1];
    let distance = i64::from(across) + i64::from(up) * width as i64;
    usize::try_from(distance.max(1)).unwrap_or(1)
}

/// What the decoder's table and tree of a code take, in bytes.
fn table_bytes(lengths: &[u8]) -> usize {
    let used = lengths.iter().filter(|length| **length > 0).count();
    if used < 2 {
        return 0;
    }
    let longest = lengths.iter().copied().max().unwrap_or_default();
    let in_tree = lengths.iter().filter(|length| **length > TABLE_BITS).count();
    (4 << longest.min(TABLE_BITS)) + 2 * in_tree * NODE_BYTES
}

struct Bits<'a> {
    bytes: &'a [u8],
    /// The number of the next bit.
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Result<u32> {
        let byte = self.bytes.get(self.at / 8).ok_or_else(|| broken("the stream is cut off"))?;
        let bit = byte >> (self.at % 8) & 1;
        self.at += 1;
        Ok(bit.into())
    }

    /// The next bits, the lowest first.
    fn read(&mut self, count: u32) -> Result<u32> {
        let mut value = 0;
        for place in 0..count {
            value |= self.bit()? << place;
        }
        Ok(value)
    }

    fn read_u8(&mut self, count: u32) -> Result<u8> {
        Ok(u8::try_from(self.read(count)?).unwrap_or(u8::MAX))
    }
}

/// A canonical prefix code, read bit by bit.
struct Code {
    /// How many symbols have a code of each length.
    counts: [u16; CODE_BITS + 1],
    /// The symbols in the order of their codes.
    symbols: Vec<u16>,
}

impl Code {
    fn simple(first: usize, second: Option<usize>) -> Self {
        let mut counts = [0; CODE_BITS + 1];
        let symbols: Vec<u16> = [Some(first), second]
            .into_iter()
            .flatten()
            .filter_map(|symbol| u16::try_from(symbol).ok())
            .collect();
        if second.is_some() {
            counts[1] = 2;
        }
        Self { counts, symbols }
    }

    fn new(lengths: &[u8]) -> Result<Self> {
        let mut counts = [0_u16; CODE_BITS + 1];
        for length in lengths.iter().filter(|length| **length > 0) {
            counts[usize::from(*length)] += 1;
        }
        let mut symbols: Vec<u16> = (0..lengths.len())
            .filter(|symbol| lengths[*symbol] > 0)
            .filter_map(|symbol| u16::try_from(symbol).ok())
            .collect();
        symbols.sort_by_key(|symbol| lengths[usize::from(*symbol)]);
        match symbols.len() {
            0 => return Err(broken("a code has no symbols")),
            // A single symbol takes no bits.
            1 => return Ok(Self { counts: [0; CODE_BITS + 1], symbols }),
            _ => {}
        }
        let used: u32 = (1..=CODE_BITS).map(|length| u32::from(counts[length]) << (CODE_BITS - length)).sum();
        if used != 1 << CODE_BITS {
            return Err(broken("a code is not complete"));
        }
        Ok(Self { counts, symbols })
    }

    fn read(&self, bits: &mut Bits<'_>) -> Result<u16> {
        if let [symbol] = *self.symbols {
            return Ok(symbol);
        }
        let (mut code, mut first, mut index) = (0_usize, 0_usize, 0_usize);
        for count in &self.counts[1..] {
            code |= bits.bit()? as usize;
            let count = usize::from(*count);
            if code < first + count {
                return self
                    .symbols
                    .get(index + code - first)
                    .copied()
                    .ok_or_else(|| broken("a code is wrong"));
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(broken("a code is wrong"))
    }
}

/// The near places: across and up.
#[rustfmt::skip]
const NEAR: [(i8, i8); 120] = [
    (0, 1), (1, 0), (1, 1), (-1, 1), (0, 2), (2, 0), (1, 2), (-1, 2), (2, 1), (-2, 1),
    (2, 2), (-2, 2), (0, 3), (3, 0), (1, 3), (-1, 3), (3, 1), (-3, 1), (2, 3), (-2, 3),
    (3, 2), (-3, 2), (0, 4), (4, 0), (1, 4), (-1, 4), (4, 1), (-4, 1), (3, 3), (-3, 3),
    (2, 4), (-2, 4), (4, 2), (-4, 2), (0, 5), (3, 4), (-3, 4), (4, 3), (-4, 3), (5, 0),
    (1, 5), (-1, 5), (5, 1), (-5, 1), (2, 5), (-2, 5), (5, 2), (-5, 2), (4, 4), (-4, 4),
    (3, 5), (-3, 5), (5, 3), (-5, 3), (0, 6), (6, 0), (1, 6), (-1, 6), (6, 1), (-6, 1),
    (2, 6), (-2, 6), (6, 2), (-6, 2), (4, 5), (-4, 5), (5, 4), (-5, 4), (3, 6), (-3, 6),
    (6, 3), (-6, 3), (0, 7), (7, 0), (1, 7), (-1, 7), (5, 5), (-5, 5), (7, 1), (-7, 1),
    (4, 6), (-4, 6), (6, 4), (-6, 4), (2, 7), (-2, 7), (7, 2), (-7, 2), (3, 7), (-3, 7),
    (7, 3), (-7, 3), (5, 6), (-5, 6), (6, 5), (-6, 5), (8, 0), (4, 7), (-4, 7), (7, 4),
    (-7, 4), (8, 1), (8, 2), (6, 6), (-6, 6), (8, 3), (5, 7), (-5, 7), (7, 5), (-7, 5),
    (8, 4), (6, 7), (-6, 7), (7, 6), (-7, 6), (8, 5), (7, 7), (-7, 7), (8, 6), (8, 7),
];
