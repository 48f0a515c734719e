//! Release records: one item per blob whose last reference in this table was removed, in one partition, in the order of
//! their addresses.

use super::{Bounds, Item, Key, Stretch, Table};
use tintype_core::{PortResult, domain::BlobId};

const PARTITION: &str = "RELEASED";

fn key(blob: &BlobId) -> Key {
    Key::new(PARTITION.to_owned(), blob.to_string())
}

/// The record of `blob`.
pub(crate) fn released_item(blob: &BlobId) -> Item {
    Item::new(key(blob))
}

impl Table {
    /// Whether a release of `blob` is recorded.
    pub(crate) async fn is_released(&self, operation: &'static str, blob: &BlobId) -> PortResult<bool> {
        Ok(self.get(operation, key(blob)).await?.is_some())
    }

    /// Up to `limit` recorded blobs from the one after `after`.
    pub(crate) async fn released(
        &self,
        operation: &'static str,
        after: Option<BlobId>,
        limit: u32,
    ) -> PortResult<Vec<BlobId>> {
        let bounds = after.map_or(Bounds::All, |after| Bounds::After(after.to_string()));
        let items = self.query(operation, &Stretch::of(PARTITION, bounds), Some(limit)).await?;
        items.iter().map(|item| item.parsed(operation, "sk")).collect()
    }

    /// Removes the record of `blob`.
    pub(crate) async fn forget_release(&self, operation: &'static str, blob: &BlobId) -> PortResult<()> {
        self.delete(operation, key(blob)).await
    }
}
