//! Saved images in DynamoDB.
//!
//! | item | holds |
//! |---|---|
//! | `OWNER#<owner>` / `IMAGE#<id>` | the record, with its `version` |
//! | `LIBRARY#<owner>` or `TRASH#<owner>` / `<saved_at>#<id>` | its place in the list |
//! | `BLOB#<sha256>` / `OWNER#<owner>` | that the owner has an image of this address, and which |
//! | `TRASHED#<shard>` / `<trashed_at>#<owner>#<id>` | that the sweep is to remove it one day |
//! | `RELEASED` / `<sha256>` | that an image had the address, and was removed: the proof that the blob may go |
//! | `WORDS#<owner>#<letter>` / `<word>#<saved_at>#<id>` | that it has the word; in the library only, as all that follow |
//! | `FACET#<owner>#<facet>` / `<saved_at>#<id>` | that it has the facet |
//! | `OVERFULL#<owner>` / `<saved_at>#<id>` | that it may have any word or facet |
//!
//! The record and its places change together. At most, in units, for records of up to 1 KB and `h` headings of the index:
//! `insert` `6 + 2h` written; `find` and `refers_to` 1 read; `change` 1 read and 1 written, 2 more for each heading that comes
//! or goes and one for the transaction, `6 + 2h` more to or from the trash, and all of it again for each writer that
//! comes first; `delete` 1 read and `10 + 2h` written; a page of `n`
//! images `n + n / 20 + 1` read, with a filter of which the index knows 1 per 40 places more for each heading, and 105 for
//! each 100 images where it knows nothing; `purge` 4 read, and per image what `delete` costs.

mod index;
mod places;
mod search;

use crate::dynamodb::{
    Bounds, Change, Condition, Item, Key, Stretch, TRANSACTION_MAX, TRIES, Table, Transacted, Write,
    contended, moment, pause, released_item,
};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use futures_util::{StreamExt, TryStreamExt, future::try_join_all, stream};
use places::{SHARDS, Stored, changed_places, image_key, trashed_partition};
use search::{Part, Search};
use std::collections::HashMap;
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{
        BlobId, ImageChange, ImageFilter, ImageId, ImageQuery, OwnerId, Page, Position, Refusal, SavedImage,
        Timeline, TimelineCounter, Timestamp, Version,
    },
    ports::{InsertedImage, MetadataRepo},
};

/// How many images of a list are looked at at a time, at the least, where the index does not say which.
const LOOKED_AT_ONCE: u32 = 100;
/// How many records a page or a timeline with a filter looks at. Then the page is as short as it is, and goes on where
/// it ended.
const LOOKED_MAX: usize = 3_000;
/// In how many rounds of requests to the index a page is looked for, likewise.
const ROUNDS: u32 = 30;
/// How many images of a list a timeline counts, by their places alone.
const COUNTED_MAX: usize = 20_000;
/// How many of them it reads at a time.
const COUNTED_AT_ONCE: u32 = 1_000;
/// How many images a purge removes at a time.
const PURGES_AT_ONCE: usize = 8;

/// Keeps the records of saved images in a table.
#[derive(Clone, Debug)]
pub struct DynamoMetadataRepo {
    table: Table,
}

impl DynamoMetadataRepo {
    /// The saved images in `table`.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { table: Table::new(client, table.into()) }
    }

    /// The owner's image, shown or not.
    async fn read(
        &self,
        operation: &'static str,
        owner: &OwnerId,
        id: &ImageId,
    ) -> PortResult<Option<Stored>> {
        let item = self.table.get(operation, image_key(owner, id)).await?;
        item.map(|item| Stored::read(operation, &item)).transpose()
    }

    /// The owner's image with this address.
    async fn read_by_address(
        &self,
        operation: &'static str,
        owner: &OwnerId,
        blob: &BlobId,
    ) -> PortResult<Option<SavedImage>> {
        let place = self.table.get(operation, places::address_key(owner, blob)).await?;
        let Some(place) = place else { return Ok(None) };
        let stored = self.read(operation, owner, &place.parsed(operation, "image_id")?).await?;
        Ok(stored.map(|stored| stored.image))
    }

    /// Removes the image if it still is this; says whether it did.
    async fn remove(&self, operation: &'static str, stored: &Stored) -> PortResult<Transacted> {
        let key = image_key(&stored.image.owner, &stored.image.id);
        let record = Write::delete_if(key, stored.condition());
        let places = changed_places(operation, Some(stored), None)?;
        let released = Write::put(released_item(&stored.image.sha256));
        self.table.transact(operation, [record, released].into_iter().chain(places)).await
    }

    /// Puts `record`, with these places beside it, where `before` still is what is stored.
    async fn replace(
        &self,
        operation: &'static str,
        before: &Stored,
        record: Item,
        places: Vec<Write>,
    ) -> PortResult<Transacted> {
        if places.is_empty() {
            return self.table.put_once(operation, record, &before.condition()).await;
        }
        let writes = std::iter::once(Write::put_if(record, before.condition())).chain(places);
        self.table.transact(operation, writes).await
    }

    /// The owner's images of these ids, in their order; what is not there any more is left out.
    async fn read_many(
        &self,
        operation: &'static str,
        owner: &OwnerId,
        ids: impl Iterator<Item = ImageId> + Clone + Send,
    ) -> PortResult<Vec<SavedImage>> {
        let keys: Vec<Key> = ids.clone().map(|id| image_key(owner, &id)).collect();
        let mut found = HashMap::new();
        for item in self.table.get_many(operation, &keys).await? {
            let image: SavedImage = item.body(operation)?;
            found.insert(image.id, image);
        }
        Ok(ids.filter_map(|id| found.remove(&id)).collect())
    }

    /// Those of `places` that belong to the list of `query`. What a filter of nothing but times wants is told by the
    /// places alone.
    async fn wanted(
        &self,
        operation: &'static str,
        owner: &OwnerId,
        query: &ImageQuery,
        places: &[Position],
        now: Timestamp,
    ) -> PortResult<Vec<Position>> {
        if is_of_times(&query.filter) {
            return Ok(places.to_vec());
        }
        let images = self.read_many(operation, owner, places.iter().map(image_id)).await?;
        let wanted = images.iter().filter(|image| query.wants(image, now));
        Ok(wanted.map(|image| Position::of_image(image.saved_at, &image.id)).collect())
    }

    /// Removes the image that `place` says was trashed, if that still is so; its address if it did.
    async fn purge_one(&self, operation: &'static str, place: Item) -> PortResult<Option<BlobId>> {
        let (owner, id) = (place.parsed(operation, "owner")?, place.parsed(operation, "image_id")?);
        let trashed_at = place.time(operation, "trashed_at")?;
        let Some(stored) = self.read(operation, &owner, &id).await? else { return Ok(None) };
        if stored.image.trashed_at != Some(trashed_at) {
            return Ok(None);
        }
        let removed = self.remove(operation, &stored).await? == Transacted::Done;
        Ok(removed.then_some(stored.image.sha256))
    }
}

#[async_trait]
impl MetadataRepo for DynamoMetadataRepo {
    async fn insert(&self, image: &SavedImage) -> PortResult<InsertedImage> {
        const OPERATION: &str = "MetadataRepo::insert";
        let stored = Stored::new(image.clone());
        for tries in 0..TRIES {
            let record = Write::put_if(stored.record(OPERATION)?, Condition::Absent);
            let places = changed_places(OPERATION, None, Some(&stored))?;
            let writes = std::iter::once(record).chain(places);
            if self.table.transact(OPERATION, writes).await? == Transacted::Done {
                return Ok(InsertedImage::Created);
            }
            match self.read_by_address(OPERATION, &image.owner, &image.sha256).await? {
                // This very call, repeated: nobody else draws its id.
                Some(existing) if existing == *image => return Ok(InsertedImage::Created),
                Some(existing) => return Ok(InsertedImage::Existing(Box::new(existing))),
                None if self.read(OPERATION, &image.owner, &image.id).await?.is_some() => {
                    let message = format!("the id {} is another image's", image.id);
                    return Err(PortError::new(ErrorKind::Conflict, OPERATION, message));
                }
                None => pause(tries).await,
            }
        }
        Err(contended(OPERATION))
    }

    async fn find(&self, owner: &OwnerId, id: &ImageId, now: Timestamp) -> PortResult<Option<SavedImage>> {
        let stored = self.read("MetadataRepo::find", owner, id).await?;
        Ok(stored.map(|stored| stored.image).filter(|image| image.is_shown(now)))
    }

    async fn list(
        &self,
        owner: &OwnerId,
        query: &ImageQuery,
        now: Timestamp,
    ) -> PortResult<Page<SavedImage>> {
        const OPERATION: &str = "MetadataRepo::list";
        let wanted = query.limit.get() + 1;
        let first = if is_of_times(&query.filter) { wanted } else { wanted.max(LOOKED_AT_ONCE) };
        let mut search = Search::new(&self.table, OPERATION, (owner, query), first);
        let at_once = if search.is_indexed() { wanted } else { first };
        let (mut images, mut looked) = (Vec::new(), 0);
        // Without a filter almost always once: again only where something is in the list that is not shown any more.
        for round in 1.. {
            let part = search.next().await?;
            for places in part.places.chunks(at_once as usize) {
                let found = self.read_many(OPERATION, owner, places.iter().map(image_id)).await?;
                images.extend(found.into_iter().filter(|image| query.wants(image, now)));
                looked += places.len();
                if images.len() >= wanted as usize {
                    images.truncate(wanted as usize);
                    return Ok(page_of(images, query));
                }
                if looked >= LOOKED_MAX {
                    return Ok(Page { items: images, next: places.last().copied() });
                }
            }
            match part.end {
                None => break,
                Some(_) if round == ROUNDS => return Ok(Page { items: images, next: part.end }),
                Some(_) => {}
            }
        }
        Ok(page_of(images, query))
    }

    async fn timeline(&self, owner: &OwnerId, query: &ImageQuery, now: Timestamp) -> PortResult<Timeline> {
        const OPERATION: &str = "MetadataRepo::timeline";
        let query = &ImageQuery { after: None, ..query.clone() };
        let mut counter = TimelineCounter::new(query.limit.get());
        let mut left = if is_of_times(&query.filter) { COUNTED_MAX } else { LOOKED_MAX };
        let mut search = Search::new(&self.table, OPERATION, (owner, query), COUNTED_AT_ONCE);
        for _ in 0..ROUNDS {
            let Part { mut places, end } = search.next().await?;
            let is_cut = places.len() > left;
            places.truncate(left);
            left -= places.len();
            for place in self.wanted(OPERATION, owner, query, &places, now).await? {
                counter.count(place.at, place);
            }
            if is_cut || end.is_none() {
                return Ok(counter.finish(!is_cut));
            }
        }
        Ok(counter.finish(false))
    }

    async fn change(
        &self,
        owner: &OwnerId,
        id: &ImageId,
        change: &ImageChange,
    ) -> PortResult<Result<SavedImage, Refusal>> {
        const OPERATION: &str = "MetadataRepo::change";
        let mut made = Change::new(OPERATION, "image");
        loop {
            let Some(item) = self.table.get(OPERATION, image_key(owner, id)).await? else {
                return Ok(Err(Refusal::NO_IMAGE));
            };
            let stored = Stored::read(OPERATION, &item)?;
            if made.wrote(&item) {
                return Ok(Ok(stored.image));
            }
            let edited = match change.apply(Some(&stored.image)) {
                Ok(edited) if edited == stored.image => return Ok(Ok(edited)),
                Ok(edited) => Stored::new(edited),
                Err(refusal) => return Ok(Err(refusal)),
            };
            let places = changed_places(OPERATION, Some(&stored), Some(&edited))?;
            if places.len() >= TRANSACTION_MAX {
                // Off the index first, which then has room for the rest.
                let aside = Stored { is_aside: true, ..stored.clone() };
                let places = changed_places(OPERATION, Some(&stored), Some(&aside))?;
                let record = aside.record(OPERATION)?;
                if self.replace(OPERATION, &stored, record, places).await? == Transacted::Done {
                    continue;
                }
            } else {
                let record = made.stamped(edited.record(OPERATION)?);
                if self.replace(OPERATION, &stored, record, places).await? == Transacted::Done {
                    return Ok(Ok(edited.image));
                }
            }
            made.conflicted().await?;
        }
    }

    async fn delete(&self, owner: &OwnerId, id: &ImageId, expected: Version) -> PortResult<()> {
        const OPERATION: &str = "MetadataRepo::delete";
        for tries in 0..TRIES {
            let Some(stored) = self.read(OPERATION, owner, id).await? else { return Ok(()) };
            if stored.image.version != expected {
                return Err(overtaken(OPERATION, stored.image.version));
            }
            match self.remove(OPERATION, &stored).await? {
                Transacted::Done => return Ok(()),
                Transacted::Lost => pause(tries).await,
            }
        }
        Err(contended(OPERATION))
    }

    async fn refers_to(&self, blob: &BlobId) -> PortResult<bool> {
        let stretch = Stretch::of(format!("BLOB#{blob}"), Bounds::All);
        Ok(!self.table.query("MetadataRepo::refers_to", &stretch, Some(1)).await?.is_empty())
    }

    async fn is_released(&self, blob: &BlobId) -> PortResult<bool> {
        self.table.is_released("MetadataRepo::is_released", blob).await
    }

    async fn released(&self, after: Option<BlobId>, limit: u32) -> PortResult<Vec<BlobId>> {
        self.table.released("MetadataRepo::released", after, limit).await
    }

    async fn forget_release(&self, blob: &BlobId) -> PortResult<()> {
        self.table.forget_release("MetadataRepo::forget_release", blob).await
    }

    async fn purge(&self, trashed_before: Timestamp, limit: u32) -> PortResult<Vec<BlobId>> {
        const OPERATION: &str = "MetadataRepo::purge";
        let shards = (0..SHARDS).map(|shard| async move {
            let before = Bounds::Before(moment(trashed_before));
            let stretch = Stretch::of(trashed_partition(shard), before);
            self.table.query(OPERATION, &stretch, Some(limit)).await
        });
        let places = try_join_all(shards).await?.into_iter().flatten().take(limit as usize);
        let purging = stream::iter(places).map(|place| self.purge_one(OPERATION, place));
        let purged: Vec<Option<BlobId>> = purging.buffer_unordered(PURGES_AT_ONCE).try_collect().await?;
        Ok(purged.into_iter().flatten().collect())
    }
}

/// A page of the images from a list's start, and one more where there is one.
fn page_of(images: Vec<SavedImage>, query: &ImageQuery) -> Page<SavedImage> {
    Page::of(images, query.limit, |image| Position::of_image(image.saved_at, &image.id))
}

fn image_id(place: &Position) -> ImageId {
    ImageId::from_bytes(place.id)
}

/// Whether the filter asks for nothing but times.
fn is_of_times(filter: &ImageFilter) -> bool {
    *filter == ImageFilter { from: filter.from, to: filter.to, ..ImageFilter::default() }
}

fn overtaken(operation: &'static str, stored: Version) -> PortError {
    let message = format!("the image was changed by someone else; its version is now {}", stored.0);
    PortError::new(ErrorKind::Conflict, operation, message)
}
