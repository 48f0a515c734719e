//! What saved images are found by: the one file that knows the table `image_index`. Its rows change in the same
//! transaction as the images.

use super::{image_of, images_of};
use crate::error::Fault;
use rusqlite::{Connection, OptionalExtension, params};
use tintype_core::domain::{
    BlobId, ImageFilter, ImageId, ImageQuery, OwnerId, Phrase, Position, SavedImage, Sort, Timestamp, facets,
    limits, words,
};

/// Stands between two texts, so that no phrase reaches across. No query holds it: it is no letter.
const BETWEEN_TEXTS: &str = " \u{b6} ";
/// Stands for every image of a list, where no facet is asked for.
const WHOLE_LIST: &str = "";
/// How many places there are in a millisecond.
const PLACES_PER_MS: i64 = 1 << 21;
/// The last millisecond that has places, in the year 2109.
const LAST_MS: i64 = (1 << 42) - 1;

/// Gives `image`, which has a row already, its place, and notes what it is found by.
pub(super) fn enter(connection: &Connection, image: &SavedImage) -> Result<(), Fault> {
    let mut place = place_of(&Position::of_image(image.saved_at, &image.id));
    let mut taken = connection.prepare_cached("SELECT 1 FROM images WHERE place = ?")?;
    while taken.exists([place])? {
        place += 1;
    }
    let sql = "UPDATE images SET place = ? WHERE id = ?";
    connection.prepare_cached(sql)?.execute(params![place, image.id.as_bytes()])?;
    write(connection, place, image)
}

/// Notes anew what `image` is found by.
pub(super) fn update(connection: &Connection, image: &SavedImage) -> Result<(), Fault> {
    match stored_place(connection, &image.id)? {
        Some(place) => write(connection, place, image),
        None => Ok(()),
    }
}

/// Forgets an image, whose row is still there.
pub(super) fn leave(connection: &Connection, id: &ImageId) -> Result<(), Fault> {
    if let Some(place) = stored_place(connection, id)? {
        connection.prepare_cached("DELETE FROM image_index WHERE rowid = ?")?.execute([place])?;
    }
    Ok(())
}

fn write(connection: &Connection, place: i64, image: &SavedImage) -> Result<(), Fault> {
    let texts: Vec<_> = words(image).map(|words| words.join(" ")).collect();
    let list = list_of(&image.owner, image.trashed_at.is_some());
    let facets: Vec<_> =
        facets(image).chain([WHOLE_LIST.to_owned()]).map(|facet| token(&list, &facet)).collect();
    let sql = "INSERT OR REPLACE INTO image_index (rowid, words, facets) VALUES (?, ?, ?)";
    let values = params![place, texts.join(BETWEEN_TEXTS), facets.join(" ")];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

fn stored_place(connection: &Connection, id: &ImageId) -> Result<Option<i64>, Fault> {
    let mut statement = connection.prepare_cached("SELECT place FROM images WHERE id = ?")?;
    Ok(statement.query_row([id.as_bytes()], |row| row.get(0)).optional()?.flatten())
}

/// Whose list an image is in: a list is never read across owners, nor the library with the trash.
fn list_of(owner: &OwnerId, trashed: bool) -> String {
    let list = if trashed { "trash" } else { "library" };
    format!("{list}={owner}")
}

/// A facet in one list as one token, whatever its letters. The list is in each, so that no other has to be looked at.
fn token(list: &str, facet: &str) -> String {
    BlobId::of(format!("{list}\n{facet}").as_bytes()).to_string()[..16].to_owned()
}

/// The number that stands for a position in the order of lists: the milliseconds, then the id's first random bits.
/// Two images of one millisecond that have these in common, one pair in millions, get numbers side by side.
fn place_of(position: &Position) -> i64 {
    let id = u128::from_be_bytes(position.id);
    // 12 bits after the version, and 9 after the variant.
    let random = ((id >> 64) & 0xfff) << 9 | (id >> 53) & 0x1ff;
    first_place(position.at) + i64::try_from(random).unwrap_or(0)
}

fn first_place(at: Timestamp) -> i64 {
    at.as_millis().clamp(0, LAST_MS) * PLACES_PER_MS
}

/// What FTS5 is asked for.
fn expression(owner: &OwnerId, query: &ImageQuery) -> String {
    let list = list_of(owner, query.trashed);
    let mut facets: Vec<_> = query.filter.facets().map(|facet| token(&list, &facet)).collect();
    if facets.is_empty() {
        facets.push(token(&list, WHOLE_LIST));
    }
    let facets = format!("facets : ({})", facets.join(" AND "));
    let phrases: Vec<_> = query.filter.text.phrases().iter().map(phrase).collect();
    // Facets first: FTS5 goes along the first, and of those the filter names the rarest first.
    if phrases.is_empty() { facets } else { format!("{facets} AND words : ({})", phrases.join(" AND ")) }
}

/// A phrase of letters and digits needs no escaping.
fn phrase(phrase: &Phrase) -> String {
    let star = if phrase.is_prefix() { " *" } else { "" };
    format!("\"{}\"{star}", phrase.words().join(" "))
}

/// The query of a page. The index goes first: it gives the images in order, and stops where the page ends. Whose an image is
/// is looked up in its row too: a token is a short hash, and two may be alike.
const fn page_sql(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => {
            "SELECT images.body FROM image_index CROSS JOIN images ON images.place = image_index.rowid \
             WHERE image_index MATCH ?1 AND image_index.rowid > ?2 AND image_index.rowid < ?3 AND images.owner = ?6 \
             AND (images.trashed_at IS NULL OR images.trashed_at > ?4) ORDER BY image_index.rowid DESC LIMIT ?5"
        }
        Sort::Oldest => {
            "SELECT images.body FROM image_index CROSS JOIN images ON images.place = image_index.rowid \
             WHERE image_index MATCH ?1 AND image_index.rowid > ?2 AND image_index.rowid < ?3 AND images.owner = ?6 \
             AND (images.trashed_at IS NULL OR images.trashed_at > ?4) ORDER BY image_index.rowid LIMIT ?5"
        }
    }
}

/// The owner's images that match, in order: one more than the page holds, to learn whether there are more.
pub(super) fn find(
    connection: &Connection,
    owner: &OwnerId,
    query: &ImageQuery,
    now: Timestamp,
) -> Result<Vec<SavedImage>, Fault> {
    let (low, high) = bounds(connection, query)?;
    let still_kept = now.before(limits::TRASH_RETENTION).as_millis();
    let values =
        params![expression(owner, query), low, high, still_kept, query.limit.get() + 1, owner.as_str()];
    images_of(connection.prepare_cached(page_sql(query.sort))?.query(values)?)
}

/// The places between which the page lies, without them.
fn bounds(connection: &Connection, query: &ImageQuery) -> Result<(i64, i64), Fault> {
    let ImageFilter { from, to, .. } = &query.filter;
    let mut low = from.map_or(-1, |from| first_place(from) - 1);
    let mut high = to.map_or(i64::MAX, first_place);
    if let Some(after) = &query.after {
        let id = ImageId::from_bytes(after.id);
        let place = stored_place(connection, &id)?.unwrap_or_else(|| place_of(after));
        match query.sort {
            Sort::Newest => high = high.min(place),
            Sort::Oldest => low = low.max(place),
        }
    }
    Ok((low, high))
}

/// Gives the images of a database that had no index their places.
pub(crate) fn enter_all(connection: &Connection) -> Result<(), Fault> {
    connection.execute_batch("CREATE UNIQUE INDEX images_by_place ON images (place)")?;
    let mut statement = connection.prepare("SELECT body FROM images")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        match image_of(row) {
            Ok(image) => enter(connection, &image)?,
            // Its own reader meets it again; the others are not held up.
            Err(fault) => {
                tracing::warn!(error = %fault.into_sqlite(), "an image that can't be read is not searched");
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::explain;

    #[test]
    fn a_filtered_page_is_read_in_the_order_of_the_index() {
        for sort in [Sort::Newest, Sort::Oldest] {
            let plan = explain(page_sql(sort));
            assert!(plan.starts_with("SCAN image_index VIRTUAL TABLE INDEX"), "{plan}");
            assert!(plan.contains("SEARCH images USING INDEX images_by_place"), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
    }

    #[test]
    fn places_are_in_the_order_of_positions() {
        let at = |millis, n| {
            let mut id = [0; 16];
            id[7] = n;
            place_of(&Position { at: Timestamp::from_millis(millis), id })
        };
        assert!(at(1, 0) < at(1, 1) && at(1, 255) < at(2, 0) && at(i64::MIN, 0) >= 0);
        assert!(at(i64::MAX, 255) > at(1_700_000_000_000, 0));
    }
}
