//! A look at SQLite's write-ahead log before SQLite opens it: SQLite reads a log up to its first damaged frame and drops the
//! rest without a word.
//!
//! The format is that of <https://www.sqlite.org/fileformat2.html#walformat>: a header of 32 bytes, then frames, each a
//! header of 24 bytes and a page. Every frame has the header's two salts and a checksum over all before it.

use std::{
    fs::File,
    io::{self, BufReader, ErrorKind, Read},
    path::Path,
};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const MAGIC: u32 = 0x377f_0682;
/// The largest page that SQLite has.
const PAGE_MAX: u32 = 65_536;

/// How many commits stand in the log at `path` that SQLite will not read, because the log is damaged before them; a lower
/// bound where the damage hit the end of a commit itself. After a power failure these may be commits that were never
/// acknowledged.
///
/// # Errors
/// If the file is there and can't be read.
pub(crate) fn unreadable_commits(path: &Path) -> io::Result<u64> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let bytes = file.metadata()?.len();
    let mut log = BufReader::with_capacity(1 << 20, file);
    let mut header = [0; HEADER];
    if bytes < HEADER as u64 || !read_whole(&mut log, &mut header)? {
        return Ok(0);
    }
    let magic = word(&header, 0);
    let (page, salts) = (word(&header, 8), [word(&header, 16), word(&header, 20)]);
    let is_page = page.is_power_of_two() && (512..=PAGE_MAX).contains(&page);
    let mut sums = Sums { is_big_endian: magic & 1 == 1, sums: [0, 0] };
    sums.add(&header[..24]);
    let is_header = magic & !1 == MAGIC && is_page && sums.sums == [word(&header, 24), word(&header, 28)];
    if !is_header {
        // SQLite takes the whole log for empty. One that was reset holds a whole header too.
        return Ok(u64::from(bytes > HEADER as u64));
    }
    let mut frame = vec![0; FRAME_HEADER + page as usize];
    let (mut is_readable, mut lost) = (true, 0);
    while read_whole(&mut log, &mut frame)? {
        let own = [word(&frame, 8), word(&frame, 12)];
        sums.add(&frame[..8]);
        sums.add(&frame[FRAME_HEADER..]);
        let is_whole = own == salts && sums.sums == [word(&frame, 16), word(&frame, 20)];
        is_readable &= is_whole;
        // Frames of an earlier round through the file have another pair of salts; a half of the pair is this round's.
        let is_of_this_round = own[0] == salts[0] || own[1] == salts[1];
        let ends_a_commit = word(&frame, 4) > 0;
        lost += u64::from(!is_readable && is_of_this_round && ends_a_commit);
    }
    Ok(lost)
}

/// Fills `buffer`; `false` at the end of the file, also where a part of it would be left.
fn read_whole(log: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match log.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

/// The running checksum of a log.
struct Sums {
    is_big_endian: bool,
    sums: [u32; 2],
}

impl Sums {
    fn add(&mut self, bytes: &[u8]) {
        let [mut first, mut second] = self.sums;
        for pair in bytes.chunks_exact(8) {
            let next = |at: usize| {
                let big = word(pair, at);
                if self.is_big_endian { big } else { big.swap_bytes() }
            };
            first = first.wrapping_add(next(0)).wrapping_add(second);
            second = second.wrapping_add(next(4)).wrapping_add(first);
        }
        self.sums = [first, second];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;
    use std::path::PathBuf;

    /// A copy of the log of a database with ten commits, as a process that was killed leaves it.
    fn log_of_ten_commits(folder: &Path) -> (PathBuf, Vec<u8>) {
        let database = Connection::open(folder.join("a.db")).unwrap();
        database.pragma_update(None, "journal_mode", "WAL").unwrap();
        database.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT)").unwrap();
        for n in 1..10 {
            database.execute("INSERT INTO t VALUES (?, 'some text')", [n]).unwrap();
        }
        let copy = folder.join("copy-wal");
        std::fs::copy(folder.join("a.db-wal"), &copy).unwrap();
        let bytes = std::fs::read(&copy).unwrap();
        (copy, bytes)
    }

    #[test]
    fn a_whole_log_has_lost_nothing_and_a_missing_one_neither() {
        let folder = tempfile::tempdir().unwrap();
        let (log, bytes) = log_of_ten_commits(folder.path());
        assert!(bytes.len() > 10 * 4_096);
        assert_eq!(unreadable_commits(&log).unwrap(), 0);
        assert_eq!(unreadable_commits(&folder.path().join("none")).unwrap(), 0);
    }

    #[test]
    fn a_log_that_was_cut_off_within_a_frame_has_lost_no_commit_that_can_be_seen() {
        let folder = tempfile::tempdir().unwrap();
        let (log, bytes) = log_of_ten_commits(folder.path());
        std::fs::write(&log, &bytes[..bytes.len() - 100]).unwrap();
        assert_eq!(unreadable_commits(&log).unwrap(), 0);
    }

    #[test]
    fn every_flipped_bit_of_a_frame_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let (log, bytes) = log_of_ten_commits(folder.path());
        let frame = FRAME_HEADER + 4_096;
        let last = HEADER + (bytes.len() - HEADER) / frame * frame - frame;
        for at in
            [HEADER + 4 * frame + 2_000, HEADER + frame + 3, HEADER + frame + 9, last + 500, last + 9, 17]
        {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            std::fs::write(&log, &damaged).unwrap();
            assert!(unreadable_commits(&log).unwrap() > 0, "byte {at}");
        }
    }
}
