//! The list of saved images.

use super::Listed;
use crate::domain::{
    CursorCodec, ImageFilter, ImageQuery, OwnerId, PageSize, Position, SavedImage, Sort, Timestamp, limits,
};
use crate::error::Result;
use crate::ports::Ports;
use std::cmp::Reverse;

/// The order in which a client wants to see them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImageOrder {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
    /// Those first that answer the words best, of the [newest](limits::RANKED_MAX) that match: one page, without a next.
    Best,
}

impl ImageOrder {
    /// Every order.
    pub const ALL: [Self; 3] = [Self::Newest, Self::Oldest, Self::Best];

    /// The order's name in requests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Newest => Sort::Newest.name(),
            Self::Oldest => Sort::Oldest.name(),
            Self::Best => "best",
        }
    }
}

/// Which images a client wants to see.
#[derive(Clone, Debug, Default)]
pub struct ImageListing {
    /// The trash instead of the library.
    pub trashed: bool,
    /// Only those that match.
    pub filter: ImageFilter,
    /// The order.
    pub order: ImageOrder,
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
    let ImageListing { trashed, filter, order, cursor, limit } = listing;
    let scope = format!("images {owner} trashed={trashed} order={} {}", order.name(), filter.describe());
    let after = cursor.as_deref().map(|cursor| codec.decode(&scope, cursor)).transpose()?;
    let query = ImageQuery {
        trashed: *trashed,
        filter: filter.clone(),
        sort: if *order == ImageOrder::Oldest { Sort::Oldest } else { Sort::Newest },
        after,
        limit: *limit,
    };
    if *order == ImageOrder::Best {
        return best(ports, owner, query, now).await;
    }
    let page = ports.metadata.list(owner, &query, now).await?;
    let next_cursor = page.next.map(|position: Position| codec.encode(&scope, &position));
    Ok(Listed { items: page.items, next_cursor })
}

async fn best(
    ports: &Ports,
    owner: &OwnerId,
    query: ImageQuery,
    now: Timestamp,
) -> Result<Listed<SavedImage>> {
    let all = ImageQuery { limit: PageSize::new(limits::RANKED_MAX.into())?, ..query.clone() };
    let mut items = ports.metadata.list(owner, &all, now).await?.items;
    // Stable: among equals the newest comes first.
    items.sort_by_cached_key(|image| Reverse(query.filter.text.score(image)));
    items.truncate(query.limit.get() as usize);
    Ok(Listed { items, next_cursor: None })
}
