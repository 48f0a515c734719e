//! The list of saved images.

use super::Listed;
use crate::domain::{
    CursorCodec, ImageFilter, ImageQuery, InvalidInput, MonthCount, OwnerId, PageSize, Position, SavedImage,
    Sort, Timestamp, limits,
};
use crate::error::Result;
use crate::ports::Ports;
use serde::Serialize;
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
    let scope = listing.scope(owner);
    let after = listing.cursor.as_deref().map(|cursor| codec.decode(&scope, cursor)).transpose()?;
    let query = ImageQuery { after, ..listing.query() };
    if listing.order == ImageOrder::Best {
        return best(ports, owner, query, now).await;
    }
    let page = ports.metadata.list(owner, &query, now).await?;
    let next_cursor = page.next.map(|position: Position| codec.encode(&scope, &position));
    Ok(Listed { items: page.items, next_cursor })
}

/// How a list lies in time, and the cursor of each of its pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageTimeline {
    /// How many images there are of each month that has any, in the order of the list.
    pub months: Vec<MonthCount>,
    /// Where each page begins.
    pub pages: Vec<PageMark>,
    /// Whether all of the list was counted.
    #[serde(rename = "complete")]
    pub is_complete: bool,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PageMark {
    /// The page's cursor; the first one has none.
    pub cursor: Option<String>,
    /// When its first image was saved.
    pub saved_at: Timestamp,
}

/// How the owner's list lies in time: what [`list_images`] gives for `listing`, which has no cursor, counted.
///
/// # Errors
/// [`Invalid`](crate::Error::Invalid) for the order of the best, which has one page; [`Port`](crate::Error::Port).
pub async fn image_timeline(
    ports: &Ports,
    codec: &CursorCodec,
    owner: &OwnerId,
    listing: &ImageListing,
    now: Timestamp,
) -> Result<ImageTimeline> {
    if listing.order == ImageOrder::Best {
        let detail = "must be newest or oldest: the best are no list in time";
        return Err(InvalidInput::field("/sort", "unsupported", detail).into());
    }
    let scope = listing.scope(owner);
    let timeline = ports.metadata.timeline(owner, &listing.query(), now).await?;
    let pages = timeline.marks.iter().map(|mark| PageMark {
        cursor: mark.after.map(|after| codec.encode(&scope, &after)),
        saved_at: mark.saved_at,
    });
    Ok(ImageTimeline { pages: pages.collect(), months: timeline.months, is_complete: timeline.is_complete })
}

impl ImageListing {
    /// What its cursors belong to.
    fn scope(&self, owner: &OwnerId) -> String {
        let Self { trashed, filter, order, .. } = self;
        format!("images {owner} trashed={trashed} order={} {}", order.name(), filter.describe())
    }

    /// Its first page.
    fn query(&self) -> ImageQuery {
        ImageQuery {
            trashed: self.trashed,
            filter: self.filter.clone(),
            sort: if self.order == ImageOrder::Oldest { Sort::Oldest } else { Sort::Newest },
            after: None,
            limit: self.limit,
        }
    }
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
