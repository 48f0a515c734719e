//! Reading files that may be larger than what they are wanted for.

use std::io::{self, ErrorKind, Read};

/// All that `source` holds. Of what is larger than `limit` bytes no more is read.
///
/// # Errors
/// [`ErrorKind::FileTooLarge`] if it is larger, and those of `source`.
pub(crate) fn read(source: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let problem = format!("is larger than {} MB", limit / (1024 * 1024));
        return Err(io::Error::new(ErrorKind::FileTooLarge, problem));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_as_large_as_it_may_be_is_read_and_nothing_larger() {
        assert_eq!(read(&b"abc"[..], 3).unwrap(), b"abc");
        let error = read(io::repeat(0), 2 * 1024 * 1024).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::FileTooLarge, "is larger than 2 MB")
        );
    }
}
