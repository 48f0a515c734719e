//! What saved images are found by: the one file that knows the table `image_index`. Its rows change in the same
//! transaction as the images.

mod counts;
mod plan;

use super::{image_columns, image_of};
use crate::error::Fault;
use plan::Plan;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::{
    collections::BTreeSet,
    hash::{Hash as _, Hasher as _},
};
use tintype_core::domain::{
    BlobId, ImageFilter, ImageId, ImageQuery, OwnerId, Position, SavedImage, Sort, Timeline, TimelineCounter,
    Timestamp, facets, limits, words,
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
    place(connection, image)?;
    counts::add(connection, counted(image))
}

fn place(connection: &Connection, image: &SavedImage) -> Result<(), Fault> {
    let mut place = place_of(&Position::of_image(image.saved_at, &image.id));
    let mut taken = connection.prepare_cached("SELECT 1 FROM images WHERE place = ?")?;
    while taken.exists([place])? {
        place += 1;
    }
    let sql = "UPDATE images SET place = ? WHERE id = ?";
    connection.prepare_cached(sql)?.execute(params![place, image.id.as_bytes()])?;
    write(connection, place, image)
}

/// Notes anew what `image` is found by, and no longer what it was found by `before`, if that could be read.
pub(super) fn update(
    connection: &Connection,
    before: Option<&SavedImage>,
    image: &SavedImage,
) -> Result<(), Fault> {
    let Some(place) = stored_place(connection, &image.id)? else { return Ok(()) };
    let (old, new): (BTreeSet<_>, BTreeSet<_>) =
        (before.into_iter().flat_map(counted).collect(), counted(image).collect());
    counts::take(connection, old.difference(&new).cloned())?;
    counts::add(connection, new.difference(&old).cloned())?;
    write(connection, place, image)
}

/// Forgets an image, whose row is still there; `before` is its record, if that can be read.
pub(super) fn leave(connection: &Connection, id: &ImageId, before: Option<&SavedImage>) -> Result<(), Fault> {
    counts::take(connection, before.into_iter().flat_map(counted))?;
    if let Some(place) = stored_place(connection, id)? {
        connection.prepare_cached("DELETE FROM image_index WHERE rowid = ?")?.execute([place])?;
    }
    Ok(())
}

fn write(connection: &Connection, place: i64, image: &SavedImage) -> Result<(), Fault> {
    let sql = "INSERT OR REPLACE INTO image_index (rowid, words, facets) VALUES (?, ?, ?)";
    let (words, facets) = columns(image);
    connection.prepare_cached(sql)?.execute(params![place, words, facets])?;
    Ok(())
}

/// The columns `words` and `facets` of an image.
fn columns(image: &SavedImage) -> (String, String) {
    let texts: Vec<_> = words(image).map(|words| words.join(" ")).collect();
    let facets: Vec<_> = tokens_of(image, |_| true).collect();
    (texts.join(BETWEEN_TEXTS), facets.join(" "))
}

/// The tokens of the facets that are wanted, and that of the whole list.
fn tokens_of(image: &SavedImage, is_wanted: fn(&str) -> bool) -> impl Iterator<Item = String> {
    let list = list_of(&image.owner, image.trashed_at.is_some());
    let facets = facets(image).filter(move |facet| is_wanted(facet)).chain([WHOLE_LIST.to_owned()]);
    facets.map(move |facet| token(&list, &facet))
}

/// The tokens that are counted.
fn counted(image: &SavedImage) -> impl Iterator<Item = String> {
    tokens_of(image, is_counted)
}

/// Whether images are counted by this facet. Nearly every image has a seed of its own: the numbers would be as many as the
/// images.
fn is_counted(facet: &str) -> bool {
    !facet.starts_with("seed=")
}

/// How many images have a token that is not counted, by its entries in the index; no further than `most`.
fn entries(connection: &Connection, token: &str, most: u64) -> Result<u64, Fault> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM image_index WHERE image_index MATCH ? LIMIT ?)";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params![format!("facets : {token}"), most], |row| row.get(0))?)
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

/// The query of a page. The index goes first: it gives the images in order, and the reader stops where the page ends. Whose an image is
/// is looked up in its row too: a token is a short hash, and two may be alike.
const fn page_sql(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => {
            concat!(
                "SELECT ",
                image_columns!(),
                " FROM image_index CROSS JOIN images ON images.place = image_index.rowid \
             WHERE image_index MATCH ?1 AND image_index.rowid > ?2 AND image_index.rowid < ?3 AND images.owner = ?5 \
             AND (images.trashed_at IS NULL OR images.trashed_at > ?4) ORDER BY image_index.rowid DESC"
            )
        }
        Sort::Oldest => {
            concat!(
                "SELECT ",
                image_columns!(),
                " FROM image_index CROSS JOIN images ON images.place = image_index.rowid \
             WHERE image_index MATCH ?1 AND image_index.rowid > ?2 AND image_index.rowid < ?3 AND images.owner = ?5 \
             AND (images.trashed_at IS NULL OR images.trashed_at > ?4) ORDER BY image_index.rowid"
            )
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
    let Plan { expression, is_exact } = plan::quick(connection, owner, query)?;
    let mut statement = connection.prepare_cached(page_sql(query.sort))?;
    let mut rows = statement.query(params![expression, low, high, still_kept, owner.as_str()])?;
    let mut images = Vec::new();
    while images.len() <= query.limit.get() as usize {
        let Some(row) = rows.next()? else { break };
        let image = image_of(row)?;
        if is_exact || query.filter.matches(&image) {
            images.push(image);
        }
    }
    Ok(images)
}

/// How what the filter finds lies in time, by places alone. A token that two owners share, one pair in 10^19, would count
/// for both.
pub(super) fn timeline(
    connection: &Connection,
    owner: &OwnerId,
    query: &ImageQuery,
) -> Result<Timeline<i64>, Fault> {
    let (low, high) = bounds(connection, query)?;
    let mut statement = connection.prepare_cached(places_sql(query.sort))?;
    let mut rows = statement.query(params![plan::exact(owner, query), low, high])?;
    let mut counter = TimelineCounter::new(query.limit.get());
    while let Some(row) = rows.next()? {
        let place: i64 = row.get(0)?;
        counter.count(Timestamp::from_millis(place / PLACES_PER_MS), place);
    }
    Ok(counter.finish(true))
}

const fn places_sql(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => {
            "SELECT rowid FROM image_index WHERE image_index MATCH ?1 AND rowid > ?2 AND rowid < ?3 \
             ORDER BY rowid DESC"
        }
        Sort::Oldest => {
            "SELECT rowid FROM image_index WHERE image_index MATCH ?1 AND rowid > ?2 AND rowid < ?3 \
             ORDER BY rowid"
        }
    }
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
    for_each(connection, |image| place(connection, image))
}

/// Notes anew what the images are found by, and counts their facets, in a database that did not count.
pub(crate) fn enter_again(connection: &Connection) -> Result<(), Fault> {
    for_each(connection, |image| update(connection, None, image))
}

fn for_each(connection: &Connection, work: impl Fn(&SavedImage) -> Result<(), Fault>) -> Result<(), Fault> {
    // Without the checksum: an earlier layout has none.
    let mut statement = connection.prepare("SELECT body FROM images")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        match record_of(row) {
            Ok(image) => work(&image)?,
            // Its own reader meets it again; the others are not held up.
            Err(fault) => {
                tracing::warn!(error = %fault.into_sqlite(), "an image that can't be read is not searched");
            }
        }
    }
    Ok(())
}

/// Whether the index holds just what the images are found by, each at its place.
pub(crate) fn matches_the_images(connection: &Connection) -> Result<bool, Fault> {
    let mut wanted = Entries::default();
    let mut statement = connection.prepare("SELECT body, place FROM images")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        // A record that can't be read is not entered.
        let (Ok(image), Some(place)) = (record_of(row), row.get::<_, Option<i64>>(1)?) else { continue };
        let (words, facets) = columns(&image);
        for (column, text) in [("words", words), ("facets", facets)] {
            let tokens = text.as_bytes().split(|byte| !is_of_token(*byte)).filter(|token| !token.is_empty());
            for (offset, token) in (0..).zip(tokens) {
                wanted.add(&token.to_ascii_lowercase(), place, column, offset);
            }
        }
    }
    // The table of the index's entries is this connection's own.
    connection.execute_batch(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.image_index_entries USING fts5vocab(main, image_index, instance)",
    )?;
    let mut found = Entries::default();
    let mut statement = connection.prepare("SELECT term, doc, col, offset FROM temp.image_index_entries")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (term, column) = (row.get_ref(0)?.as_bytes().unwrap_or_default(), row.get_ref(2)?);
        found.add(term, row.get(1)?, column.as_str().unwrap_or_default(), row.get(3)?);
    }
    Ok(wanted == found)
}

/// The tokenizer `ascii` of SQLite: letters, digits and all that is not ASCII.
const fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

/// The entries of an index, whatever their order: how many, and the sum of their hashes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Entries {
    count: u64,
    sum: u64,
}

impl Entries {
    fn add(&mut self, term: &[u8], place: i64, column: &str, offset: i64) {
        let mut hasher = std::hash::DefaultHasher::new();
        (term, place, column, offset).hash(&mut hasher);
        self.count += 1;
        self.sum = self.sum.wrapping_add(hasher.finish());
    }
}

fn record_of(row: &Row<'_>) -> Result<SavedImage, Fault> {
    Ok(serde_json::from_str(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?)
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
