//! How a list lies in time, counted in the index by places alone: no record is read.

use super::index;
use crate::error::Fault;
use rusqlite::Connection;
use tintype_core::domain::{ImageId, ImageQuery, Mark, OwnerId, Position, Timeline, Timestamp};

/// The owner's list of `query`, counted from its start. Only where a page begins is an image looked up.
pub(super) fn timeline(
    connection: &Connection,
    owner: &OwnerId,
    query: &ImageQuery,
) -> Result<Timeline, Fault> {
    let whole = ImageQuery { after: None, ..query.clone() };
    let Timeline { months, marks, is_complete } = index::timeline(connection, owner, &whole)?;
    let mut by_place = connection.prepare_cached("SELECT saved_at, id FROM images WHERE place = ?")?;
    let mut position = |place: i64| {
        by_place.query_row([place], |row| {
            let id = ImageId::from_bytes(row.get(1)?);
            Ok(Position::of_image(Timestamp::from_millis(row.get(0)?), &id))
        })
    };
    let marks = marks
        .into_iter()
        .map(|mark| Ok(Mark { after: mark.after.map(&mut position).transpose()?, saved_at: mark.saved_at }));
    Ok(Timeline { months, marks: marks.collect::<rusqlite::Result<_>>()?, is_complete })
}
