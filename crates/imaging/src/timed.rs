//! A reader that fails when the time of the operation is over: how a decoder is stopped.

use std::{
    io::{BufRead, Cursor, Error, Read, Result, Seek, SeekFrom},
    time::{Duration, Instant},
};

/// The most bytes that are handed out at a time.
const PART_BYTES: usize = 64 * 1024;
/// How many reads there are from one look at the clock to the next.
const READS: u32 = 64;
/// What the error says.
const OVER: &str = "the time for decoding is over";

/// The bytes of a file, until the time is over.
#[derive(Debug)]
pub(crate) struct Timed<'a> {
    bytes: Cursor<&'a [u8]>,
    until: Deadline,
    reads: u32,
}

/// The moment when an operation has to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// In `time` from now.
    pub(crate) fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// Whether the time is over.
    pub(crate) fn is_over(self) -> bool {
        Instant::now() >= self.0
    }
}

impl<'a> Timed<'a> {
    pub(crate) const fn new(bytes: &'a [u8], until: Deadline) -> Self {
        Self { bytes: Cursor::new(bytes), until, reads: 0 }
    }

    fn look_at_the_clock(&mut self) -> Result<()> {
        self.reads = self.reads.wrapping_add(1);
        if self.reads.is_multiple_of(READS) && self.until.is_over() {
            return Err(Error::other(OVER));
        }
        Ok(())
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.look_at_the_clock()?;
        self.bytes.read(buffer)
    }
}

impl BufRead for Timed<'_> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        self.look_at_the_clock()?;
        let rest = self.bytes.fill_buf()?;
        Ok(&rest[..rest.len().min(PART_BYTES)])
    }

    fn consume(&mut self, amount: usize) {
        self.bytes.consume(amount);
    }
}

impl Seek for Timed<'_> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.bytes.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_ends_with_the_time() {
        let bytes = vec![0; 4 * 1024 * 1024];
        let mut early = Timed::new(&bytes, Deadline::after(Duration::from_secs(60)));
        assert_eq!(early.read_to_end(&mut Vec::new()).unwrap(), bytes.len());
        let mut late = Timed::new(&bytes, Deadline::after(Duration::ZERO));
        let error = (0..READS).find_map(|_| late.read(&mut [0; 1]).err());
        assert_eq!(error.unwrap().to_string(), OVER);
    }
}
