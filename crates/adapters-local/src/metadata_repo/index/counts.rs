//! How many images of a list have a facet. It is asked for only to choose how a filter is looked up: a number that is wrong
//! makes a page slower, and never another one.

use crate::error::Fault;
use rusqlite::{Connection, OptionalExtension};

/// Counts one image more for each token.
pub(super) fn add(connection: &Connection, tokens: impl IntoIterator<Item = String>) -> Result<(), Fault> {
    let sql = "INSERT INTO facet_counts (token, images) VALUES (?, 1) \
               ON CONFLICT (token) DO UPDATE SET images = images + 1";
    let mut statement = connection.prepare_cached(sql)?;
    tokens.into_iter().try_for_each(|token| statement.execute([token]).map(|_| ()))?;
    Ok(())
}

/// Counts one image less for each token; one that no image has any more is forgotten.
pub(super) fn take(connection: &Connection, tokens: impl IntoIterator<Item = String>) -> Result<(), Fault> {
    let mut less =
        connection.prepare_cached("UPDATE facet_counts SET images = images - 1 WHERE token = ?")?;
    let mut gone = connection.prepare_cached("DELETE FROM facet_counts WHERE token = ? AND images <= 0")?;
    for token in tokens {
        less.execute([&token])?;
        gone.execute([&token])?;
    }
    Ok(())
}

/// How many images have it.
pub(super) fn of(connection: &Connection, token: &str) -> Result<u64, Fault> {
    let mut statement = connection.prepare_cached("SELECT images FROM facet_counts WHERE token = ?")?;
    let images: Option<i64> = statement.query_row([token], |row| row.get(0)).optional()?;
    Ok(images.and_then(|images| u64::try_from(images).ok()).unwrap_or(0))
}
