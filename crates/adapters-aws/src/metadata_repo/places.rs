//! Where an image stands beside its record, and what changes there with it.

use crate::dynamodb::{Condition, Item, Key, Write, moment};
use tintype_core::{
    PortResult,
    domain::{BlobId, ImageId, OwnerId, SavedImage, Timestamp},
};

/// How many partitions share the trash of all owners: enough for thousands of trashed images per second.
pub(super) const SHARDS: u8 = 4;

pub(super) fn image_key(owner: &OwnerId, id: &ImageId) -> Key {
    Key::new(format!("OWNER#{owner}"), format!("IMAGE#{id}"))
}

pub(super) fn address_key(owner: &OwnerId, blob: &BlobId) -> Key {
    Key::new(format!("BLOB#{blob}"), format!("OWNER#{owner}"))
}

pub(super) fn list_of(owner: &OwnerId, trashed: bool) -> String {
    let list = if trashed { "TRASH" } else { "LIBRARY" };
    format!("{list}#{owner}")
}

/// The place of an image in a list.
pub(super) fn sort_key(saved_at: Timestamp, id: &ImageId) -> String {
    format!("{}#{id}", moment(saved_at))
}

pub(super) fn trashed_partition(shard: u8) -> String {
    format!("TRASHED#{shard}")
}

fn list_key(image: &SavedImage) -> Key {
    Key::new(list_of(&image.owner, image.trashed_at.is_some()), sort_key(image.saved_at, &image.id))
}

fn trashed_key(image: &SavedImage, trashed_at: Timestamp) -> Key {
    let shard = image.id.as_bytes()[15] % SHARDS;
    Key::new(trashed_partition(shard), format!("{}#{}#{}", moment(trashed_at), image.owner, image.id))
}

/// The record of `image`, and what its conditions ask for.
pub(super) fn record(operation: &'static str, image: &SavedImage) -> PortResult<Item> {
    let item = Item::new(image_key(&image.owner, &image.id)).with_number("version", image.version.0);
    item.with_body(operation, image)
}

/// Everything that points at `image`: what is written, and on what condition.
fn places(image: &SavedImage) -> Vec<(Item, Option<Condition>)> {
    let id = image.id.to_string();
    let address = Item::new(address_key(&image.owner, &image.sha256)).with_text("image_id", &id);
    let list = Item::new(list_key(image)).with_text("image_id", &id).with_time("saved_at", image.saved_at);
    let trashed = image.trashed_at.map(|at| {
        let place = Item::new(trashed_key(image, at)).with_text("image_id", &id);
        (place.with_text("owner", image.owner.as_str()).with_time("trashed_at", at), None)
    });
    [(address, Some(Condition::Absent)), (list, None)].into_iter().chain(trashed).collect()
}

/// The keys of everything that points at `image`.
fn keys(image: &SavedImage) -> impl Iterator<Item = Key> {
    let trashed = image.trashed_at.map(|at| trashed_key(image, at));
    [address_key(&image.owner, &image.sha256), list_key(image)].into_iter().chain(trashed)
}

/// The writes that take the places of `before` to those of `after`.
pub(super) fn changed_places(
    before: Option<&SavedImage>,
    after: &SavedImage,
) -> impl Iterator<Item = Write> + Send + use<> {
    let old: Vec<Key> = before.into_iter().flat_map(keys).collect();
    let new: Vec<Key> = keys(after).collect();
    let left: Vec<Write> = old.iter().filter(|key| !new.contains(key)).cloned().map(Write::delete).collect();
    let taken: Vec<Write> = new
        .iter()
        .zip(places(after))
        .filter(|(key, _)| !old.contains(key))
        .map(|(_, (item, condition))| Write::Put(item, condition))
        .collect();
    left.into_iter().chain(taken)
}

/// The writes that remove everything that points at `image`.
pub(super) fn removed_places(image: &SavedImage) -> impl Iterator<Item = Write> + Send + use<> {
    keys(image).map(Write::delete).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamodb::item_bytes;
    use tintype_testkit::samples::{at, saved_image};

    fn written(before: &SavedImage, after: &SavedImage) -> Vec<String> {
        let partition = |write| match write {
            Write::Put(item, _) => format!("+{}", item.text("test", "pk").unwrap()),
            Write::Delete(key, _) => format!("-{}", key.pk),
        };
        changed_places(Some(before), after).map(partition).collect()
    }

    #[test]
    fn an_edit_moves_nothing() {
        let edited = SavedImage { favorite: true, ..saved_image(1, 0) };
        assert!(written(&saved_image(1, 0), &edited).is_empty());
    }

    #[test]
    fn the_trash_is_another_list_and_one_of_the_sweeps() {
        let trashed = SavedImage { trashed_at: Some(at(1)), ..saved_image(1, 0) };
        let written = written(&saved_image(1, 0), &trashed);
        let shard = trashed_key(&trashed, at(1)).pk;
        let owner = &trashed.owner;
        assert_eq!(written, [format!("-LIBRARY#{owner}"), format!("+TRASH#{owner}"), format!("+{shard}")]);
    }

    #[test]
    fn a_plain_record_takes_one_unit() {
        let bytes = item_bytes(&record("test", &saved_image(1, 0)).unwrap());
        assert!(bytes <= 1_024, "{bytes}");
    }
}
