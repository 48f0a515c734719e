//! What the stores of one machine say of themselves, for the metrics.

use std::path::Path;
use tintype_http::StoreStatus;
use tintype_local::Database;

/// The files of the database.
const DATABASE: [&str; 2] = ["tintype.db", "tintype.db-wal"];

/// The status of the stores in `folder` now.
pub(crate) fn read(folder: &Path, database: &Database) -> StoreStatus {
    let (disk_free, disk_size) = disk(folder).unzip();
    let bytes = |name| std::fs::metadata(folder.join(name)).map(|found| found.len()).ok();
    let database_bytes = DATABASE.into_iter().filter_map(bytes).reduce(|sum, more| sum + more);
    StoreStatus {
        disk_free,
        disk_size,
        database: database_bytes,
        database_errors: database.errors(),
        database_damage: database.damage_count(),
    }
}

/// Free bytes for this user, and all bytes, of the file system of `folder`.
#[cfg(unix)]
fn disk(folder: &Path) -> Option<(u64, u64)> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some((found.f_bavail.saturating_mul(found.f_frsize), found.f_blocks.saturating_mul(found.f_frsize)))
}

/// Elsewhere it is not asked.
#[cfg(not(unix))]
fn disk(_: &Path) -> Option<(u64, u64)> {
    None
}
