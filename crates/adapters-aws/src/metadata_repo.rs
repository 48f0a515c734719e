//! Saved images in DynamoDB.
//!
//! | item | holds |
//! |---|---|
//! | `OWNER#<owner>` / `IMAGE#<id>` | the record, with its `version` |
//! | `LIBRARY#<owner>` or `TRASH#<owner>` / `<saved_at>#<id>` | its place in the list |
//! | `BLOB#<sha256>` / `OWNER#<owner>` | that the owner has an image of this address, and which |
//! | `TRASHED#<shard>` / `<trashed_at>#<owner>#<id>` | that the sweep is to remove it one day |
//!
//! The record and its places change together. At most, in units, for records of up to 1 KB: `insert` 6 written;
//! `find` and `refers_to` 1 read; `update` 1 read and 1 written, 6 more to or from the trash; `delete` 1 read and 8
//! written; a page of `n` images `n + n / 20 + 1` read, and 105 for each 100
//! images that a filter looks at; `purge` 4 read, and per image what `delete` costs.

mod places;

use crate::dynamodb::{
    Bounds, Condition, Item, Key, Stretch, TRIES, Table, Transacted, Write, contended, moment, pause,
};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use futures_util::{StreamExt, TryStreamExt, future::try_join_all, stream};
use places::{
    SHARDS, changed_places, image_key, list_of, record, removed_places, sort_key, trashed_partition,
};
use std::collections::HashMap;
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{BlobId, ImageId, ImageQuery, OwnerId, Page, Position, SavedImage, Sort, Timestamp, Version},
    ports::{InsertedImage, MetadataRepo},
};

/// How many images a page with a filter looks at per request, at the least.
const FILTERED_AT_ONCE: u32 = 100;
/// In how many rounds of requests a page is looked for. After that it is as short as it is, and goes on where it ended.
const FILTERED_ROUNDS: u32 = 30;
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
    ) -> PortResult<Option<SavedImage>> {
        let item = self.table.get(operation, image_key(owner, id)).await?;
        item.map(|item| item.body(operation)).transpose()
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
        self.read(operation, owner, &place.parsed(operation, "image_id")?).await
    }

    /// Removes the image if its version still is `expected`; says whether it did.
    async fn remove(
        &self,
        operation: &'static str,
        image: &SavedImage,
        expected: Version,
    ) -> PortResult<Transacted> {
        let condition = Condition::Number("version", expected.0);
        let record = Write::delete_if(image_key(&image.owner, &image.id), condition);
        self.table.transact(operation, std::iter::once(record).chain(removed_places(image))).await
    }

    /// The ids of the owner's list from `after` on, at most `limit`, with their positions.
    async fn positions(
        &self,
        operation: &'static str,
        owner: &OwnerId,
        query: &ImageQuery,
        after: Option<Position>,
        limit: u32,
    ) -> PortResult<Vec<(ImageId, Position)>> {
        let after = after.map(|after| sort_key(after.at, &ImageId::from_bytes(after.id)));
        let partition = list_of(owner, query.trashed);
        // A moment alone stands before all places of its millisecond.
        let stretch = match query.sort {
            Sort::Newest => {
                let end = after.or_else(|| query.filter.to.map(moment));
                Stretch::of(partition, end.map_or(Bounds::All, Bounds::Before)).backwards()
            }
            Sort::Oldest => {
                let start = after.or_else(|| query.filter.from.map(moment));
                Stretch::of(partition, start.map_or(Bounds::All, Bounds::After))
            }
        };
        let items = self.table.query(operation, &stretch, Some(limit)).await?;
        let position = |item: &Item| {
            let id = item.parsed(operation, "image_id")?;
            Ok((id, Position::of_image(item.time(operation, "saved_at")?, &id)))
        };
        items.iter().map(position).collect()
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

    /// Removes the image that `place` says was trashed, if that still is so; its address if it did.
    async fn purge_one(&self, operation: &'static str, place: Item) -> PortResult<Option<BlobId>> {
        let (owner, id) = (place.parsed(operation, "owner")?, place.parsed(operation, "image_id")?);
        let trashed_at = place.time(operation, "trashed_at")?;
        let Some(image) = self.read(operation, &owner, &id).await? else { return Ok(None) };
        if image.trashed_at != Some(trashed_at) {
            return Ok(None);
        }
        let removed = self.remove(operation, &image, image.version).await? == Transacted::Done;
        Ok(removed.then_some(image.sha256))
    }
}

#[async_trait]
impl MetadataRepo for DynamoMetadataRepo {
    async fn insert(&self, image: &SavedImage) -> PortResult<InsertedImage> {
        const OPERATION: &str = "MetadataRepo::insert";
        for tries in 0..TRIES {
            let record = Write::put_if(record(OPERATION, image)?, Condition::Absent);
            let writes = std::iter::once(record).chain(changed_places(None, image));
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
        let image = self.read("MetadataRepo::find", owner, id).await?;
        Ok(image.filter(|image| image.is_shown(now)))
    }

    async fn list(
        &self,
        owner: &OwnerId,
        query: &ImageQuery,
        now: Timestamp,
    ) -> PortResult<Page<SavedImage>> {
        const OPERATION: &str = "MetadataRepo::list";
        let wanted = query.limit.get() + 1;
        let at_once = if query.filter.is_empty() { wanted } else { wanted.max(FILTERED_AT_ONCE) };
        let mut after = query.after;
        let mut images = Vec::new();
        // Without a filter almost always once: again only where something is in the list that is not shown any more.
        for round in 1.. {
            let positions = self.positions(OPERATION, owner, query, after, at_once).await?;
            let ids = positions.iter().map(|(id, _)| *id);
            let found = self.read_many(OPERATION, owner, ids).await?;
            images.extend(found.into_iter().filter(|image| query.wants(image, now)));
            match positions.last() {
                Some((_, last)) if positions.len() == at_once as usize && query.filter.includes(last.at) => {
                    after = Some(*last);
                }
                _ => break,
            }
            if images.len() >= wanted as usize {
                break;
            }
            if round == FILTERED_ROUNDS {
                return Ok(Page { items: images, next: after });
            }
        }
        images.truncate(wanted as usize);
        Ok(Page::of(images, query.limit, |image| Position::of_image(image.saved_at, &image.id)))
    }

    async fn update(&self, image: &SavedImage, expected: Version) -> PortResult<()> {
        const OPERATION: &str = "MetadataRepo::update";
        for tries in 0..TRIES {
            let Some(stored) = self.read(OPERATION, &image.owner, &image.id).await? else {
                return Err(PortError::new(ErrorKind::NotFound, OPERATION, "there is no such image"));
            };
            // What is there is what was to be written: this very call, repeated after a lost answer.
            if tries > 0 && stored == *image {
                return Ok(());
            }
            if stored.version != expected {
                return Err(overtaken(OPERATION, stored.version));
            }
            let (record, condition) = (record(OPERATION, image)?, Condition::Number("version", expected.0));
            let places: Vec<_> = changed_places(Some(&stored), image).collect();
            let written = if places.is_empty() {
                self.table.put_if(OPERATION, record, &condition).await?
            } else {
                let writes = std::iter::once(Write::put_if(record, condition)).chain(places);
                self.table.transact(OPERATION, writes).await? == Transacted::Done
            };
            if written {
                return Ok(());
            }
            pause(tries).await;
        }
        Err(contended(OPERATION))
    }

    async fn delete(&self, owner: &OwnerId, id: &ImageId, expected: Version) -> PortResult<()> {
        const OPERATION: &str = "MetadataRepo::delete";
        for tries in 0..TRIES {
            let Some(stored) = self.read(OPERATION, owner, id).await? else { return Ok(()) };
            if stored.version != expected {
                return Err(overtaken(OPERATION, stored.version));
            }
            match self.remove(OPERATION, &stored, expected).await? {
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

fn overtaken(operation: &'static str, stored: Version) -> PortError {
    let message = format!("the image was changed by someone else; its version is now {}", stored.0);
    PortError::new(ErrorKind::Conflict, operation, message)
}
