//! What the stores of one machine say of themselves, for the metrics.

use std::path::Path;
use tintype_http::StoreStatus;
use tintype_local::Database;

/// The files of the database.
const DATABASE: [&str; 2] = ["tintype.db", "tintype.db-wal"];

/// The status of the stores in `folder` now.
pub(crate) fn read(folder: &Path, database: &Database) -> StoreStatus {
    let bytes = |name| std::fs::metadata(folder.join(name)).map(|found| found.len()).ok();
    let database_bytes = DATABASE.into_iter().filter_map(bytes).reduce(|sum, more| sum + more);
    StoreStatus {
        database: database_bytes,
        database_errors: database.errors(),
        database_damage: database.damage_count(),
    }
}
