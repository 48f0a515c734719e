//! The library: keeping, listing, changing, throwing away.

use crate::world::{World, alice, input, mallory};
use std::{collections::BTreeSet, time::Duration};
use tintype_core::{
    Error,
    domain::{ImageEdit, PageSize, SavedImage, Version, limits},
    use_cases::{
        ImageListing, ImageOrder, JobListing, edit_image, erase_image, find_image, list_images, list_jobs,
        restore_image, trash_image,
    },
};

fn titled(title: &str) -> ImageEdit {
    ImageEdit { title: Some(Some(title.to_owned())), ..ImageEdit::default() }
}

#[tokio::test]
async fn a_saved_picture_is_listed_with_what_it_was_made_with() {
    let world = World::new();
    let saved = world.saved("red heart").await;
    assert_eq!(world.listed(false).await, std::slice::from_ref(&saved));
    assert_eq!(saved.prompt.as_deref(), Some("red heart"));
    assert!(saved.source.request.is_some() && saved.source.seed.is_some());
    assert!(world.has_bytes(&saved).await);
}

#[tokio::test]
async fn the_same_bytes_twice_are_the_same_image() {
    let world = World::new();
    let job = world.drawn(input("red heart")).await;
    let first = world.save(&alice(), &job).await.unwrap();
    let second = world.save(&alice(), &job).await.unwrap();
    assert_eq!((first.created, second.created), (true, false));
    assert_eq!(first.image.id, second.image.id);
}

#[tokio::test]
async fn saving_a_picture_that_is_in_the_trash_takes_it_out() {
    let world = World::new();
    let job = world.drawn(input("red heart")).await;
    let image = world.save(&alice(), &job).await.unwrap().image;
    trash_image(&world.memory.ports(), &alice(), &image.id, None, world.now()).await.unwrap();
    world.save(&alice(), &job).await.unwrap();
    assert_eq!(world.listed(false).await.len(), 1);
}

#[tokio::test]
async fn a_job_that_waits_has_nothing_to_save() {
    let world = World::new();
    let job = world.accepted(input("red heart")).await;
    let refused = world.save(&alice(), &job).await;
    assert!(matches!(refused, Err(Error::NotReady(_))), "{refused:?}");
}

#[tokio::test]
async fn another_owners_picture_can_not_be_saved_read_changed_or_thrown_away() {
    let world = World::new();
    let job = world.drawn(input("red heart")).await;
    let image = world.save(&alice(), &job).await.unwrap().image;
    let (ports, now, id) = (world.memory.ports(), world.now(), image.id);
    let refusals = [
        world.save(&mallory(), &job).await.err(),
        find_image(&ports, &mallory(), &id, now).await.err(),
        edit_image(&ports, &mallory(), &id, &titled("mine"), None, now).await.err(),
        trash_image(&ports, &mallory(), &id, None, now).await.err(),
        restore_image(&ports, &mallory(), &id, now).await.err(),
        erase_image(&ports, &mallory(), &id, None, now).await.err(),
    ];
    for refusal in &refusals {
        assert!(matches!(refusal, Some(Error::NotFound(_))), "{refusals:?}");
    }
    assert_eq!(world.listed(false).await, [image]);
}

#[tokio::test]
async fn pages_show_every_image_once_newest_first_while_others_are_added() {
    let world = World::new();
    for n in 0..5 {
        world.saved(&format!("heart {n}")).await;
        world.pass(Duration::from_millis(1));
    }
    let (ports, mut cursor, mut seen) = (world.memory.ports(), None, Vec::new());
    loop {
        let listing = ImageListing { cursor, limit: PageSize::new(2).unwrap(), ..ImageListing::default() };
        let page = list_images(&ports, &world.codec, &alice(), &listing, world.now()).await.unwrap();
        seen.extend(page.items.into_iter().map(|image| image.prompt.unwrap()));
        world.saved(&format!("late {}", seen.len())).await;
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, ["heart 4", "heart 3", "heart 2", "heart 1", "heart 0"]);
}

#[tokio::test]
async fn a_cursor_belongs_to_its_owner_and_its_order() {
    let world = World::new();
    world.saved("one").await;
    world.saved("two").await;
    let (ports, limit) = (world.memory.ports(), PageSize::new(1).unwrap());
    let first = ImageListing { limit, ..ImageListing::default() };
    let cursor =
        list_images(&ports, &world.codec, &alice(), &first, world.now()).await.unwrap().next_cursor.unwrap();
    let next = ImageListing { cursor: Some(cursor.clone()), ..first };
    let oldest = ImageListing { order: ImageOrder::Oldest, ..next.clone() };
    let by_other = list_images(&ports, &world.codec, &mallory(), &next, world.now()).await;
    let in_other_order = list_images(&ports, &world.codec, &alice(), &oldest, world.now()).await;
    assert!(matches!(by_other, Err(Error::Invalid(_))) && matches!(in_other_order, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn an_edit_counts_the_version_up_and_one_of_an_older_version_is_stale() {
    let world = World::new();
    let image = world.saved("red heart").await;
    let (ports, now) = (world.memory.ports(), world.now());
    let versions = [image.version];
    let read = Some(versions.as_slice());
    let edited = edit_image(&ports, &alice(), &image.id, &titled("mine"), read, now).await.unwrap();
    assert_eq!((edited.title.as_deref(), edited.version), (Some("mine"), Version(2)));
    for expected in [read, Some([].as_slice())] {
        let late = edit_image(&ports, &alice(), &image.id, &titled("too late"), expected, now).await;
        assert!(matches!(late, Err(Error::Stale { what: "image", current: Version(2) })), "{late:?}");
    }
}

#[tokio::test]
async fn a_trashed_image_is_in_the_trash_only_until_it_is_restored() {
    let world = World::new();
    let image = world.saved("red heart").await;
    let ports = world.memory.ports();
    trash_image(&ports, &alice(), &image.id, None, world.now()).await.unwrap();
    assert_eq!((world.listed(false).await.len(), world.listed(true).await.len()), (0, 1));
    restore_image(&ports, &alice(), &image.id, world.now()).await.unwrap();
    assert_eq!((world.listed(false).await.len(), world.listed(true).await.len()), (1, 0));
}

#[tokio::test]
async fn an_erased_image_is_nowhere() {
    let world = World::new();
    let image = world.saved("red heart").await;
    let ports = world.memory.ports();
    erase_image(&ports, &alice(), &image.id, None, world.now()).await.unwrap();
    assert!(world.listed(false).await.is_empty() && world.listed(true).await.is_empty());
    let found = find_image(&ports, &alice(), &image.id, world.now()).await;
    assert!(matches!(found, Err(Error::NotFound(_))), "{found:?}");
}

#[tokio::test]
async fn an_image_outlives_the_job_that_made_it() {
    let world = World::new();
    let image = world.saved("red heart").await;
    world.pass(limits::RESULT_RETENTION + limits::BLOB_GRACE);
    world.sweep().await;
    world.sweep_orphans().await;
    assert!(world.has_bytes(&image).await);
    assert_eq!(world.listed(false).await.len(), 1);
}

#[tokio::test]
async fn jobs_are_listed_newest_first_and_each_once() {
    let world = World::new();
    let mut ids = Vec::new();
    for n in 0..3 {
        ids.push(world.accepted(input(&format!("heart {n}"))).await.id);
        world.pass(Duration::from_millis(1));
    }
    ids.reverse();
    let ports = world.memory.ports();
    let listed =
        list_jobs(&ports, &world.codec, &alice(), &JobListing::default(), world.now()).await.unwrap();
    let listed: Vec<_> = listed.items.iter().map(|job| job.id).collect();
    assert_eq!(listed, ids);
    assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), 3);
}

#[tokio::test]
async fn a_record_of_before_there_were_thumb_hashes_is_read() {
    let world = World::new();
    let image = world.saved("red heart").await;
    let mut record = serde_json::to_value(&image).unwrap();
    assert!(record.as_object_mut().unwrap().remove("thumbhash").is_some());
    let old: SavedImage = serde_json::from_value(record).unwrap();
    assert_eq!(old, SavedImage { thumb_hash: None, ..image });
}
