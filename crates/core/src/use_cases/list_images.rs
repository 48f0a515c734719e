//! The list of saved images.

use super::Listed;
use crate::domain::{CursorCodec, ImageQuery, OwnerId, PageSize, Position, SavedImage, Sort, Timestamp};
use crate::error::Result;
use crate::ports::Ports;

/// Which images a client wants to see.
#[derive(Clone, Debug, Default)]
pub struct ImageListing {
    /// The trash instead of the library.
    pub trashed: bool,
    /// The order.
    pub sort: Sort,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// The page's size.
    pub limit: PageSize,
}

/// A page of the owner's images.
///
/// # Errors
/// [`Invalid`](crate::Error::Invalid) for a cursor of another list, [`Port`](crate::Error::Port).
pub async fn list_images(
    ports: &Ports,
    codec: &CursorCodec,
    owner: &OwnerId,
    listing: &ImageListing,
    now: Timestamp,
) -> Result<Listed<SavedImage>> {
    let ImageListing { trashed, sort, ref cursor, limit } = *listing;
    let scope = format!("images {owner} trashed={trashed} sort={}", sort.name());
    let after = cursor.as_deref().map(|cursor| codec.decode(&scope, cursor)).transpose()?;
    let query = ImageQuery { trashed, sort, after, limit };
    let page = ports.metadata.list(owner, &query, now).await?;
    let next_cursor = page.next.map(|position: Position| codec.encode(&scope, &position));
    Ok(Listed { items: page.items, next_cursor })
}
