//! Where an image stands beside its record, and what changes there with it.

use super::index::{Heading, headings, overfull};
use crate::dynamodb::{Condition, Item, Key, Write, moment};
use std::collections::HashSet;
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{BlobId, ImageId, OwnerId, Position, SavedImage, Timestamp},
};

/// How many partitions share the trash of all owners: enough for thousands of trashed images per second.
pub(super) const SHARDS: u8 = 4;
/// What the version is called of an image that is aside.
const ASIDE: &str = "aside";

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

/// The place of an image in a list, as part of a key.
pub(super) fn sort_key(position: &Position) -> String {
    format!("{}#{}", moment(position.at), ImageId::from_bytes(position.id))
}

/// The position in a key that ends as [`sort_key`] says.
pub(super) fn position(operation: &'static str, item: &Item) -> PortResult<Position> {
    let mut parts = item.text(operation, "sk")?.rsplit('#');
    let id = parts.next().and_then(|id| id.parse::<ImageId>().ok());
    let at = parts.next().and_then(|at| at.parse::<i64>().ok());
    let place = at.zip(id).map(|(at, id)| Position::of_image(Timestamp::from_millis(at), &id));
    place.ok_or_else(|| PortError::new(ErrorKind::Data, operation, "the place of an image can't be read"))
}

pub(super) fn trashed_partition(shard: u8) -> String {
    format!("TRASHED#{shard}")
}

fn list_key(image: &SavedImage) -> Key {
    let list = list_of(&image.owner, image.trashed_at.is_some());
    Heading::whole(list).key(&place_of(image))
}

fn place_of(image: &SavedImage) -> Position {
    Position::of_image(image.saved_at, &image.id)
}

fn trashed_key(image: &SavedImage, trashed_at: Timestamp) -> Key {
    let shard = image.id.as_bytes()[15] % SHARDS;
    Key::new(trashed_partition(shard), format!("{}#{}#{}", moment(trashed_at), image.owner, image.id))
}

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored {
    pub(super) image: SavedImage,
    /// It stands nowhere in the index but among those that may be anything: for the moment of an edit that changes more
    /// headings than one transaction holds.
    pub(super) is_aside: bool,
}

impl Stored {
    pub(super) const fn new(image: SavedImage) -> Self {
        Self { image, is_aside: false }
    }

    pub(super) fn read(operation: &'static str, item: &Item) -> PortResult<Self> {
        Ok(Self { image: item.body(operation)?, is_aside: item.has(ASIDE) })
    }

    /// The item that holds it.
    pub(super) fn record(&self, operation: &'static str) -> PortResult<Item> {
        let item = Item::new(image_key(&self.image.owner, &self.image.id));
        item.with_number(self.version_name(), self.image.version.0).with_body(operation, &self.image)
    }

    /// That it still is what is stored.
    pub(super) const fn condition(&self) -> Condition {
        Condition::Number(self.version_name(), self.image.version.0)
    }

    /// The version has another name while the image is aside, so that nobody takes it for one that is not.
    const fn version_name(&self) -> &'static str {
        if self.is_aside { ASIDE } else { "version" }
    }

    /// Everything that points at it, and on what condition it is written.
    fn places(&self) -> Vec<(Item, Option<Condition>)> {
        let (image, id) = (&self.image, self.image.id.to_string());
        let address = Item::new(address_key(&image.owner, &image.sha256)).with_text("image_id", &id);
        let trashed = image.trashed_at.map(|at| {
            let place = Item::new(trashed_key(image, at)).with_text("image_id", &id);
            place.with_text("owner", image.owner.as_str()).with_time("trashed_at", at)
        });
        let headings = if self.is_aside { vec![overfull(&image.owner)] } else { headings(image) };
        let entries = headings.into_iter().map(|heading| Item::new(heading.key(&place_of(image))));
        let others = [Item::new(list_key(image))].into_iter().chain(trashed).chain(entries);
        [(address, Some(Condition::Absent))].into_iter().chain(others.map(|item| (item, None))).collect()
    }
}

/// The writes that take the places of `before` to those of `after`.
pub(super) fn changed_places(
    operation: &'static str,
    before: Option<&Stored>,
    after: Option<&Stored>,
) -> PortResult<Vec<Write>> {
    let keyed = |stored: Option<&Stored>| {
        let places = stored.map(Stored::places).unwrap_or_default().into_iter();
        places.map(|place| Ok((place.0.key(operation)?, place))).collect::<PortResult<Vec<_>>>()
    };
    let (old, new) = (keyed(before)?, keyed(after)?);
    let keys = |places: &[(Key, _)]| places.iter().map(|(key, _)| key.clone()).collect::<HashSet<_>>();
    let (old_keys, new_keys) = (keys(&old), keys(&new));
    let left = old_keys.difference(&new_keys).cloned().map(Write::delete);
    let taken = new.into_iter().filter(|(key, _)| !old_keys.contains(key));
    Ok(left.chain(taken.map(|(_, (item, condition))| Write::Put(item, condition))).collect())
}

#[cfg(test)]
mod tests {
    use super::super::index::HEADINGS_MAX;
    use super::*;
    use crate::dynamodb::{TRANSACTION_MAX, item_bytes};
    use tintype_testkit::samples::{at, saved_image};

    fn written(before: &SavedImage, after: &SavedImage) -> Vec<String> {
        let stored = |image: &SavedImage| Stored::new(image.clone());
        let partition = |write| match write {
            Write::Put(item, _) => format!("+{}", item.text("test", "pk").unwrap()),
            Write::Delete(key, _) => format!("-{}", key.pk),
        };
        let writes = changed_places("test", Some(&stored(before)), Some(&stored(after))).unwrap();
        let mut written: Vec<_> = writes.into_iter().map(partition).collect();
        written.sort();
        written
    }

    #[test]
    fn an_edit_writes_the_headings_that_come_and_go() {
        let image = SavedImage { tags: vec!["sea".to_owned()], ..saved_image(1, 0) };
        let owner = &image.owner;
        let edited = SavedImage { tags: vec!["star".to_owned()], favorite: true, ..image.clone() };
        let expected = [
            format!("+FACET#{owner}#favorite=true"),
            format!("+FACET#{owner}#tag=star"),
            format!("+WORDS#{owner}#s"),
            format!("-FACET#{owner}#tag=sea"),
            format!("-WORDS#{owner}#s"),
        ];
        assert_eq!(written(&image, &edited), expected);
        assert!(written(&image, &SavedImage { width: 65, ..image.clone() }).is_empty());
    }

    #[test]
    fn the_trash_is_another_list_and_one_of_the_sweeps_and_has_no_index() {
        let trashed = SavedImage { trashed_at: Some(at(1)), ..saved_image(1, 0) };
        let shard = trashed_key(&trashed, at(1)).pk;
        let owner = &trashed.owner;
        let expected = [
            format!("+TRASH#{owner}"),
            format!("+{shard}"),
            format!("-FACET#{owner}#seed=7"),
            format!("-LIBRARY#{owner}"),
            format!("-WORDS#{owner}#h"),
            format!("-WORDS#{owner}#r"),
        ];
        assert_eq!(written(&saved_image(1, 0), &trashed), expected);
    }

    #[test]
    fn an_image_goes_aside_and_comes_back_in_one_transaction_each() {
        let full = |word: &str| SavedImage {
            note: Some((0..2 * HEADINGS_MAX).map(|n| format!("{word}{n} ")).collect()),
            ..saved_image(1, 0)
        };
        let (before, after) = (Stored::new(full("old")), Stored::new(full("new")));
        let aside = Stored { is_aside: true, ..before.clone() };
        let writes = |before, after| changed_places("test", Some(before), Some(after)).unwrap();
        assert!(writes(&before, &after).len() >= TRANSACTION_MAX);
        let (away, back) = (writes(&before, &aside), writes(&aside, &after));
        assert!(away.len() < TRANSACTION_MAX && back.len() < TRANSACTION_MAX);
        // Meanwhile, as before and after, it may be what any filter looks for.
        let leaves = |writes: &[Write]| {
            writes
                .iter()
                .any(|write| matches!(write, Write::Delete(key, _) if key.pk.starts_with("OVERFULL#")))
        };
        assert!(!leaves(&away) && !leaves(&back));
        let plain = Stored::new(saved_image(1, 0));
        assert!(leaves(&writes(&aside, &plain)));
        let trashed = Stored::new(SavedImage { trashed_at: Some(at(1)), ..full("old") });
        assert!(leaves(&writes(&aside, &trashed)) && writes(&aside, &trashed).len() < TRANSACTION_MAX);
    }

    #[test]
    fn an_image_aside_has_another_condition() {
        let stored = Stored::new(saved_image(1, 0));
        let aside = Stored { is_aside: true, ..stored.clone() };
        assert_ne!(aside.condition(), stored.condition());
        assert_eq!(Stored::read("test", &aside.record("test").unwrap()).unwrap(), aside);
        assert_eq!(Stored::read("test", &stored.record("test").unwrap()).unwrap(), stored);
    }

    #[test]
    fn a_plain_record_takes_one_unit() {
        let bytes = item_bytes(&Stored::new(saved_image(1, 0)).record("test").unwrap());
        assert!(bytes <= 1_024, "{bytes}");
    }
}
