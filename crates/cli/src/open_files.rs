//! How many files this process may have open, and how they are shared: sockets are files too, and must leave room for
//! the database and the blobs.

use std::num::NonZeroUsize;

/// Files that are no sockets: the database and its readers, the log, the lock, libraries, a backup. A server at rest
/// has 24.
const RESERVED: usize = 40;
/// Where fewer files may be open than this, most of them are kept from the sockets.
const FEW: usize = 256;
/// The most pieces of work on blobs at a time.
const BLOB_WORK_MAX: usize = 64;

/// Asks the system for as many open files as it allows; how many there may be. Many systems allow a process just 1,024
/// until it asks for more.
pub(crate) fn raise() -> usize {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        let before = limit.current;
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(%error, "the number of open files stays as it is");
            limit.current = before;
        }
        // None is no limit.
        limit.current.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
    }
    #[cfg(not(unix))]
    usize::MAX
}

/// How many connections may be open where `files` may be: the rest is for blobs and the database.
pub(crate) const fn connections(files: usize) -> usize {
    if files < FEW {
        const_max(files / 4, 1)
    } else {
        files.saturating_sub(RESERVED + 2 * blob_work(files).get())
    }
}

/// How many pieces of work on blobs may run at a time where `files` may be open. Each opens two at the most.
pub(crate) const fn blob_work(files: usize) -> NonZeroUsize {
    let share = if files / 8 < BLOB_WORK_MAX { files / 8 } else { BLOB_WORK_MAX };
    match NonZeroUsize::new(share) {
        Some(share) => share,
        None => NonZeroUsize::MIN,
    }
}

const fn const_max(one: usize, other: usize) -> usize {
    if one > other { one } else { other }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_leave_room_for_the_files_of_a_server_whatever_the_limit() {
        for files in [64, 128, 255, 256, 1_024, 20_000, usize::MAX] {
            let (connections, work) = (connections(files), blob_work(files).get());
            assert!(connections >= 1 && work >= 1, "{files}");
            // 24 of a server at rest, and a few sockets that are being refused.
            assert!(
                connections.saturating_add(2 * work + 24 + 8) <= files,
                "{files}: {connections} and {work}"
            );
        }
    }

    #[test]
    fn a_generous_limit_is_mostly_for_connections() {
        assert_eq!(connections(1_024), 1_024 - 40 - 128);
        assert!(connections(20_000) > tintype_core::domain::limits::CONNECTIONS_MAX);
    }
}
