//! The attempts at background work on images: the one file that knows the table `background_attempts`. A row is there while
//! an attempt is in progress, after one that did not end, and for good once an image was given up.

use crate::error::Fault;
use rusqlite::{Connection, OptionalExtension, params};
use tintype_core::domain::{ImageId, OwnerId};

/// Counts an attempt at a pending image, and tells how many there were; 0 if the image is not pending.
pub(crate) fn begin(connection: &Connection, kind: &str, id: &ImageId) -> Result<u32, Fault> {
    let pending = "SELECT 1 FROM vectors_waiting WHERE kind = ? AND image_id = ?";
    if !connection.prepare_cached(pending)?.exists(params![kind, id.as_bytes()])? {
        return Ok(0);
    }
    let sql = "INSERT INTO background_attempts VALUES (?, ?, 1, 1, NULL) ON CONFLICT (kind, image_id) \
               DO UPDATE SET attempts = attempts + 1, in_progress = 1 RETURNING attempts";
    Ok(connection.prepare_cached(sql)?.query_row(params![kind, id.as_bytes()], |row| row.get(0))?)
}

/// Takes the attempt in progress at an image back, or those at every image.
pub(crate) fn take_back(connection: &Connection, kind: &str, id: Option<&ImageId>) -> Result<(), Fault> {
    let sql = "UPDATE background_attempts SET attempts = attempts - 1, in_progress = 0 \
               WHERE kind = ?1 AND in_progress = 1 AND (?2 IS NULL OR image_id = ?2)";
    connection.prepare_cached(sql)?.execute(params![kind, id.map(ImageId::as_bytes)])?;
    Ok(())
}

/// Ends the attempt in progress at an image, which counts on.
pub(crate) fn end(connection: &Connection, kind: &str, id: &ImageId) -> Result<(), Fault> {
    let sql = "UPDATE background_attempts SET in_progress = 0 WHERE kind = ? AND image_id = ?";
    connection.prepare_cached(sql)?.execute(params![kind, id.as_bytes()])?;
    Ok(())
}

/// Forgets the attempts at an image, unless it was given up.
pub(crate) fn forget(connection: &Connection, kind: &str, id: &ImageId) -> Result<(), Fault> {
    let sql = "DELETE FROM background_attempts WHERE kind = ? AND image_id = ? AND reason IS NULL";
    connection.prepare_cached(sql)?.execute(params![kind, id.as_bytes()])?;
    Ok(())
}

/// Forgets the attempts at every image.
pub(crate) fn forget_all(connection: &Connection, kind: &str) -> Result<(), Fault> {
    connection.prepare_cached("DELETE FROM background_attempts WHERE kind = ?")?.execute([kind])?;
    Ok(())
}

/// Notes why an image is given up.
pub(crate) fn give_up(connection: &Connection, kind: &str, id: &ImageId, reason: &str) -> Result<(), Fault> {
    let sql = "INSERT INTO background_attempts VALUES (?, ?, 0, 0, ?) ON CONFLICT (kind, image_id) \
               DO UPDATE SET in_progress = 0, reason = excluded.reason";
    connection.prepare_cached(sql)?.execute(params![kind, id.as_bytes(), reason])?;
    Ok(())
}

/// Why an image of the owner's was given up.
pub(crate) fn given_up(
    connection: &Connection,
    kind: &str,
    owner: &OwnerId,
    id: &ImageId,
) -> Result<Option<String>, Fault> {
    let sql = "SELECT reason FROM background_attempts JOIN images ON images.id = image_id \
               WHERE kind = ? AND image_id = ? AND owner = ?";
    let values = params![kind, id.as_bytes(), owner.as_str()];
    let reason = connection.prepare_cached(sql)?.query_row(values, |row| row.get(0));
    Ok(reason.optional()?.flatten())
}

/// Ends the attempts of a process that is gone, and tells what they were at: the kind of work, the image, how many attempts
/// at it were begun.
pub(crate) fn end_of_dead(connection: &Connection) -> Result<Vec<(String, ImageId, u32)>, Fault> {
    let sql = "UPDATE background_attempts SET in_progress = 0 WHERE in_progress = 1 \
               RETURNING kind, image_id, attempts";
    let mut statement = connection.prepare(sql)?;
    let rows =
        statement.query_map([], |row| Ok((row.get(0)?, ImageId::from_bytes(row.get(1)?), row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
