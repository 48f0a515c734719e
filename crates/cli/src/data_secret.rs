//! The secret that seals this server's cursors: 32 random bytes in the data folder, made once.

use crate::failure::{Failure, Outcome};
use crate::system;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

const FILE: &str = "cursor.secret";

/// Reads the secret in `folder`; makes it if there is none. The folder is this process's alone.
///
/// # Errors
/// If the file can't be read or written.
pub(crate) fn read_or_make(folder: &Path) -> Outcome<[u8; 32]> {
    let path = folder.join(FILE);
    let failed = |error: io::Error| Failure::failed(format!("can't use {}: {error}", path.display()));
    match fs::read(&path) {
        // One of another length was cut off while it was made: nothing hangs on it but open lists.
        Ok(bytes) => match bytes.try_into() {
            Ok(secret) => Ok(secret),
            Err(_) => make(&path).map_err(failed),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => match make(&path) {
            Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
                // Nothing hangs on it but open lists, and the library can be read and cured.
                drop(fs::remove_file(&path));
                tracing::warn!("no space for {}; lists that are open end with this server", path.display());
                Ok(system::random_bytes())
            }
            made => made.map_err(failed),
        },
        Err(error) => Err(failed(error)),
    }
}

fn make(path: &Path) -> io::Result<[u8; 32]> {
    let secret = system::random_bytes();
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(&secret)?;
    file.sync_all()?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_made_once_and_nobody_else_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let made = read_or_make(folder.path()).unwrap();
        assert_eq!(read_or_make(folder.path()).unwrap(), made);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
