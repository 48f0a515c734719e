//! The contract of [`MetadataRepo`], case by case; what filters find and how lists lie in time are parts of their own.

pub(crate) mod filtering;
pub(crate) mod plain_scan;
pub(crate) mod timelines;

use crate::samples::{START, alice, at, blob, image_id, image_of, just_before, mallory, saved_image};
use crate::suites::{Case, cases};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tintype_core::{
    ErrorKind, PortResult,
    domain::{
        BlobId, Expected, ImageChange, ImageId, ImageQuery, Labels, Page, PageSize, Position, Refusal,
        SavedImage, Sort, Timestamp, Version, limits,
    },
    ports::{InsertedImage, MetadataRepo},
};

/// The cases of all parts.
pub(crate) const ALL_CASES: &[&[Case<Arc<dyn MetadataRepo>>]] =
    &[CASES, filtering::CASES, plain_scan::CASES, timelines::CASES];

cases! { CASES of Arc<dyn MetadataRepo>:
    // insert
    an_inserted_image_is_found,
    every_field_of_an_image_is_kept,
    the_same_bytes_again_are_the_same_image,
    the_same_bytes_again_leave_the_image_as_it_was,
    the_same_bytes_in_the_trash_are_the_same_image,
    the_same_bytes_of_another_owner_are_another_image,
    the_same_bytes_in_a_race_are_one_image,
    // find
    find_missing_is_none,
    find_shows_no_other_owners_image,
    find_shows_a_trashed_image_until_its_retention_ends,
    find_shows_no_trashed_image_past_its_retention,
    // list
    list_is_newest_first,
    list_is_oldest_first_when_asked,
    list_shows_no_other_owners_image,
    list_of_the_library_shows_no_trashed_image,
    list_of_the_trash_shows_only_trashed_images,
    list_of_the_trash_shows_nothing_past_its_retention,
    list_shows_an_edited_image_once,
    list_shows_a_restored_image_in_its_old_place,
    list_gives_a_page_of_the_asked_size,
    list_ends_with_the_last_image,
    list_tells_apart_images_of_one_millisecond,
    list_tells_apart_images_of_one_millisecond_oldest_first,
    list_newest_first_leaves_nothing_out_while_images_are_added,
    list_oldest_first_shows_what_is_added_meanwhile,
    list_goes_on_after_an_image_that_was_deleted,
    list_of_the_trash_walks_every_page,
    // change
    a_change_replaces_the_record,
    a_change_counts_the_version_up_and_notes_the_time,
    a_change_that_alters_nothing_is_not_written,
    a_refused_change_leaves_the_record,
    a_change_of_an_expected_version_is_applied,
    a_change_of_an_unexpected_version_is_stale,
    a_change_of_a_missing_image_is_not_found,
    a_change_of_another_owners_image_is_not_found,
    a_change_of_an_image_past_its_retention_is_not_found,
    thirty_two_concurrent_changes_are_all_applied,
    a_conditional_change_is_applied_once_and_the_others_are_stale,
    // delete
    delete_removes_the_record,
    delete_missing_succeeds,
    delete_of_another_version_is_a_conflict,
    delete_leaves_another_owners_image,
    delete_frees_the_address,
    // refers_to
    refers_to_an_image_of_any_owner,
    refers_to_a_trashed_image,
    refers_to_nothing_unknown,
    refers_to_nothing_that_was_deleted,
    refers_to_what_another_owner_still_has,
    // released
    delete_records_the_last_images_blob_as_released,
    delete_records_no_release_while_another_owner_has_the_blob,
    purge_records_the_blobs_as_released,
    a_blob_that_no_image_had_is_not_released,
    a_blob_that_an_image_has_is_not_released,
    released_is_in_order_of_addresses_and_starts_after_the_given_one,
    forget_release_removes_the_record,
    // purge
    purge_removes_what_was_trashed_before,
    purge_leaves_what_was_trashed_at_the_cutoff,
    purge_leaves_what_is_not_in_the_trash,
    purge_tells_the_addresses,
    purge_removes_at_most_the_limit,
}

async fn insert(repo: &dyn MetadataRepo, image: &SavedImage) -> InsertedImage {
    repo.insert(image).await.expect("insert")
}

async fn save(repo: &dyn MetadataRepo, image: SavedImage) -> SavedImage {
    assert_eq!(insert(repo, &image).await, InsertedImage::Created);
    image
}

async fn save_many(repo: &dyn MetadataRepo, count: u64) -> Vec<ImageId> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(save(repo, saved_image(n, n as i64)).await.id);
    }
    ids
}

async fn find(repo: &dyn MetadataRepo, id: &ImageId, now: Timestamp) -> Option<SavedImage> {
    repo.find(&alice(), id, now).await.expect("find")
}

/// A change that `edit` makes, asked for at the time `at(9)`.
fn change(edit: impl Fn(&mut SavedImage) + Send + Sync + 'static) -> ImageChange {
    ImageChange::new(at(9), move |image| {
        let mut edited = image.clone();
        edit(&mut edited);
        Ok(edited)
    })
}

/// Changes the stored image, which is `image`; what is stored then.
async fn edit(repo: &dyn MetadataRepo, image: &SavedImage, edit: impl FnOnce(&mut SavedImage)) -> SavedImage {
    let mut edited = image.clone();
    edit(&mut edited);
    let change = change(move |image| image.clone_from(&edited));
    repo.change(&image.owner, &image.id, &change).await.expect("change").expect("applied")
}

async fn trash(repo: &dyn MetadataRepo, image: &SavedImage, when: Timestamp) -> SavedImage {
    edit(repo, image, |image| image.trashed_at = Some(when)).await
}

async fn list(repo: &dyn MetadataRepo, query: ImageQuery, now: Timestamp) -> Page<SavedImage> {
    repo.list(&alice(), &query, now).await.expect("list")
}

fn pages_of(size: i64) -> ImageQuery {
    ImageQuery { limit: PageSize::new(size).expect("a good size"), ..ImageQuery::default() }
}

fn oldest_first(size: i64) -> ImageQuery {
    ImageQuery { sort: Sort::Oldest, ..pages_of(size) }
}

fn trash_in_pages_of(size: i64) -> ImageQuery {
    ImageQuery { trashed: true, ..pages_of(size) }
}

/// The ids on every page, from the first on.
async fn walk(repo: &dyn MetadataRepo, mut query: ImageQuery) -> Vec<ImageId> {
    let mut ids = Vec::new();
    loop {
        let page = list(repo, query.clone(), START).await;
        ids.extend(page.items.iter().map(|image| image.id));
        match page.next {
            Some(next) => query.after = Some(next),
            None => return ids,
        }
    }
}

async fn refers(repo: &dyn MetadataRepo, n: u64) -> bool {
    repo.refers_to(blob(n).id()).await.expect("refers_to")
}

async fn purge(repo: &dyn MetadataRepo, before: Timestamp, limit: u32) -> Vec<BlobId> {
    repo.purge(before, limit).await.expect("purge")
}

fn kind<T: std::fmt::Debug>(result: PortResult<T>) -> ErrorKind {
    result.expect_err("must fail").kind()
}

fn backwards<T>(mut items: Vec<T>) -> Vec<T> {
    items.reverse();
    items
}

// insert

async fn an_inserted_image_is_found(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    assert_eq!(find(&*repo, &image.id, START).await, Some(image));
}

async fn every_field_of_an_image_is_kept(repo: Arc<dyn MetadataRepo>) {
    let mut image = saved_image(1, 0);
    image.prompt = Some("\u{2764}\u{fe0f} \u{201c}heart\u{201d}\n\tline two".to_owned());
    image.title = Some("It's \"mine\" % _".to_owned());
    image.note = Some("\u{fc}ber".to_owned());
    image.tags = vec!["a, b".to_owned(), "\u{1f600}".to_owned()];
    image.favorite = true;
    image.rating = Some(5);
    image.labels = Labels::from([("project".to_owned(), "one".to_owned())]);
    image.bytes = u64::from(u32::MAX) + 1;
    image.updated_at = at(9);
    save(&*repo, image.clone()).await;
    assert_eq!(find(&*repo, &image.id, START).await, Some(image));
}

async fn the_same_bytes_again_are_the_same_image(repo: Arc<dyn MetadataRepo>) {
    let first = save(&*repo, saved_image(1, 0)).await;
    let again = SavedImage { id: image_id(2, 1), ..first.clone() };
    assert_eq!(insert(&*repo, &again).await, InsertedImage::Existing(Box::new(first)));
}

async fn the_same_bytes_again_leave_the_image_as_it_was(repo: Arc<dyn MetadataRepo>) {
    let first = save(&*repo, saved_image(1, 0)).await;
    insert(&*repo, &SavedImage { id: image_id(2, 1), title: Some("other".to_owned()), ..first.clone() })
        .await;
    assert_eq!(list(&*repo, pages_of(10), START).await.items, [first]);
}

async fn the_same_bytes_in_the_trash_are_the_same_image(repo: Arc<dyn MetadataRepo>) {
    let first = save(&*repo, saved_image(1, 0)).await;
    let trashed = trash(&*repo, &first, START).await;
    let again = insert(&*repo, &SavedImage { id: image_id(2, 1), ..first }).await;
    assert_eq!(again, InsertedImage::Existing(Box::new(trashed)));
}

async fn the_same_bytes_of_another_owner_are_another_image(repo: Arc<dyn MetadataRepo>) {
    save(&*repo, saved_image(1, 0)).await;
    let theirs = SavedImage { id: image_id(2, 0), ..image_of(&mallory(), 1, 0) };
    assert_eq!(insert(&*repo, &theirs).await, InsertedImage::Created);
}

async fn the_same_bytes_in_a_race_are_one_image(repo: Arc<dyn MetadataRepo>) {
    let racing: Vec<_> = (0..32)
        .map(|n| {
            let repo = repo.clone();
            let image = SavedImage { id: image_id(n, 0), ..saved_image(1, 0) };
            tokio::spawn(async move { insert(&*repo, &image).await == InsertedImage::Created })
        })
        .collect();
    let mut made = 0;
    for insertion in racing {
        made += usize::from(insertion.await.expect("every insertion succeeds"));
    }
    assert_eq!((made, walk(&*repo, pages_of(200)).await.len()), (1, 1));
}

// find

async fn find_missing_is_none(repo: Arc<dyn MetadataRepo>) {
    assert_eq!(find(&*repo, &image_id(1, 0), START).await, None);
}

async fn find_shows_no_other_owners_image(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    assert_eq!(repo.find(&mallory(), &image.id, START).await.expect("find"), None);
}

async fn find_shows_a_trashed_image_until_its_retention_ends(repo: Arc<dyn MetadataRepo>) {
    let image = trash(&*repo, &save(&*repo, saved_image(1, 0)).await, at(1)).await;
    let end = at(1).after(limits::TRASH_RETENTION);
    assert_eq!(find(&*repo, &image.id, just_before(end)).await, Some(image));
}

async fn find_shows_no_trashed_image_past_its_retention(repo: Arc<dyn MetadataRepo>) {
    let image = trash(&*repo, &save(&*repo, saved_image(1, 0)).await, at(1)).await;
    assert_eq!(find(&*repo, &image.id, at(1).after(limits::TRASH_RETENTION)).await, None);
}

// list

async fn list_is_newest_first(repo: Arc<dyn MetadataRepo>) {
    let ids = save_many(&*repo, 5).await;
    assert_eq!(walk(&*repo, pages_of(10)).await, backwards(ids));
}

async fn list_is_oldest_first_when_asked(repo: Arc<dyn MetadataRepo>) {
    let ids = save_many(&*repo, 5).await;
    assert_eq!(walk(&*repo, oldest_first(10)).await, ids);
}

async fn list_shows_no_other_owners_image(repo: Arc<dyn MetadataRepo>) {
    save(&*repo, image_of(&mallory(), 1, 0)).await;
    let mine = save(&*repo, saved_image(2, 0)).await;
    assert_eq!(walk(&*repo, pages_of(10)).await, [mine.id]);
}

async fn list_of_the_library_shows_no_trashed_image(repo: Arc<dyn MetadataRepo>) {
    trash(&*repo, &save(&*repo, saved_image(1, 0)).await, START).await;
    let kept = save(&*repo, saved_image(2, 0)).await;
    assert_eq!(walk(&*repo, pages_of(10)).await, [kept.id]);
}

async fn list_of_the_trash_shows_only_trashed_images(repo: Arc<dyn MetadataRepo>) {
    let trashed = trash(&*repo, &save(&*repo, saved_image(1, 0)).await, START).await;
    save(&*repo, saved_image(2, 0)).await;
    assert_eq!(walk(&*repo, trash_in_pages_of(10)).await, [trashed.id]);
}

async fn list_of_the_trash_shows_nothing_past_its_retention(repo: Arc<dyn MetadataRepo>) {
    trash(&*repo, &save(&*repo, saved_image(1, 0)).await, at(1)).await;
    let later = trash(&*repo, &save(&*repo, saved_image(2, 0)).await, at(2)).await;
    let page = list(&*repo, trash_in_pages_of(10), at(1).after(limits::TRASH_RETENTION)).await;
    assert_eq!(page.items, [later]);
}

async fn list_shows_an_edited_image_once(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    let edited = edit(&*repo, &image, |image| image.favorite = true).await;
    assert_eq!(list(&*repo, pages_of(10), START).await.items, [edited]);
}

async fn list_shows_a_restored_image_in_its_old_place(repo: Arc<dyn MetadataRepo>) {
    let ids = save_many(&*repo, 3).await;
    let image = find(&*repo, &ids[1], START).await.expect("was saved");
    let trashed = trash(&*repo, &image, at(9)).await;
    edit(&*repo, &trashed, |image| image.trashed_at = None).await;
    assert_eq!(walk(&*repo, oldest_first(10)).await, ids);
}

async fn list_gives_a_page_of_the_asked_size(repo: Arc<dyn MetadataRepo>) {
    let ids = save_many(&*repo, 5).await;
    let page = list(&*repo, pages_of(2), START).await;
    assert_eq!(page.items.len(), 2);
    assert_eq!(page.next, Some(Position::of_image(at(3), &ids[3])));
}

async fn list_ends_with_the_last_image(repo: Arc<dyn MetadataRepo>) {
    save_many(&*repo, 4).await;
    assert_eq!(list(&*repo, pages_of(4), START).await.next, None);
}

async fn save_nine_at_once(repo: &dyn MetadataRepo) -> Vec<ImageId> {
    let mut ids = Vec::new();
    for n in 0..9 {
        ids.push(save(repo, saved_image(n, 0)).await.id);
    }
    ids.sort();
    ids
}

async fn list_tells_apart_images_of_one_millisecond(repo: Arc<dyn MetadataRepo>) {
    let ids = save_nine_at_once(&*repo).await;
    assert_eq!(walk(&*repo, pages_of(2)).await, backwards(ids));
}

async fn list_tells_apart_images_of_one_millisecond_oldest_first(repo: Arc<dyn MetadataRepo>) {
    let ids = save_nine_at_once(&*repo).await;
    assert_eq!(walk(&*repo, oldest_first(2)).await, ids);
}

/// Walks the list; before each next page another image is saved, newer than all.
async fn walk_while_adding(repo: &dyn MetadataRepo, mut query: ImageQuery, additions: u64) -> Vec<ImageId> {
    let mut walked = Vec::new();
    let mut added = 0;
    loop {
        let page = list(repo, query.clone(), START).await;
        walked.extend(page.items.iter().map(|image| image.id));
        let Some(next) = page.next else { return walked };
        query.after = Some(next);
        if added < additions {
            save(repo, saved_image(100 + added, 1_000 + added as i64)).await;
            added += 1;
        }
    }
}

async fn list_newest_first_leaves_nothing_out_while_images_are_added(repo: Arc<dyn MetadataRepo>) {
    let ids = save_many(&*repo, 9).await;
    assert_eq!(walk_while_adding(&*repo, pages_of(2), 4).await, backwards(ids));
}

async fn list_oldest_first_shows_what_is_added_meanwhile(repo: Arc<dyn MetadataRepo>) {
    let mut ids = save_many(&*repo, 9).await;
    ids.extend((0..2).map(|n| saved_image(100 + n, 1_000 + n as i64).id));
    assert_eq!(walk_while_adding(&*repo, oldest_first(2), 2).await, ids);
}

async fn list_goes_on_after_an_image_that_was_deleted(repo: Arc<dyn MetadataRepo>) {
    let ids = save_many(&*repo, 4).await;
    let first = list(&*repo, oldest_first(2), START).await;
    repo.delete(&alice(), &ids[1], Version::FIRST).await.expect("delete");
    let rest = list(&*repo, ImageQuery { after: first.next, ..oldest_first(2) }, START).await;
    assert!(rest.items.iter().map(|image| &image.id).eq(&ids[2..]));
}

async fn list_of_the_trash_walks_every_page(repo: Arc<dyn MetadataRepo>) {
    let mut trashed = Vec::new();
    for n in 0..9 {
        let image = save(&*repo, saved_image(n, n as i64)).await;
        if n % 2 == 0 {
            trashed.push(trash(&*repo, &image, START).await.id);
        }
    }
    assert_eq!(walk(&*repo, trash_in_pages_of(2)).await, backwards(trashed));
}

// change

async fn a_change_replaces_the_record(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    let edited = edit(&*repo, &image, |image| image.tags = vec!["heart".to_owned()]).await;
    assert_eq!(edited.tags, ["heart"]);
    assert_eq!(find(&*repo, &image.id, START).await, Some(edited));
}

async fn a_change_counts_the_version_up_and_notes_the_time(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    let edited = edit(&*repo, &image, |image| image.favorite = true).await;
    assert_eq!(edited, SavedImage { favorite: true, version: Version(2), updated_at: at(9), ..image });
}

async fn a_change_that_alters_nothing_is_not_written(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    let same = edit(&*repo, &image, |image| image.favorite = false).await;
    assert_eq!((&same, find(&*repo, &image.id, START).await), (&image, Some(image.clone())));
}

async fn a_refused_change_leaves_the_record(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    let refusal = Refusal::NotFound("reason");
    let refusing = ImageChange::new(at(9), |_| Err(Refusal::NotFound("reason")));
    assert_eq!(repo.change(&alice(), &image.id, &refusing).await.expect("change"), Err(refusal));
    assert_eq!(find(&*repo, &image.id, START).await, Some(image));
}

async fn a_change_of_an_expected_version_is_applied(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    let expected = Expected::OneOf(vec![Version(9), Version::FIRST]);
    let changed =
        repo.change(&alice(), &image.id, &change(|image| image.favorite = true).expecting(expected)).await;
    assert!(changed.expect("change").expect("applied").favorite);
}

async fn a_change_of_an_unexpected_version_is_stale(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    let edited = edit(&*repo, &image, |image| image.favorite = true).await;
    let late = change(|image| image.favorite = false).expecting(Expected::OneOf(vec![Version::FIRST]));
    let stale = Err(Refusal::Stale { current: Version(2) });
    assert_eq!(repo.change(&alice(), &image.id, &late).await.expect("change"), stale);
    assert_eq!(find(&*repo, &edited.id, START).await, Some(edited), "nothing changed");
}

async fn a_change_of_a_missing_image_is_not_found(repo: Arc<dyn MetadataRepo>) {
    let missing = repo.change(&alice(), &image_id(1, 0), &change(|image| image.favorite = true)).await;
    assert_eq!(missing.expect("change"), Err(Refusal::NO_IMAGE));
}

async fn a_change_of_another_owners_image_is_not_found(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    let theirs = repo.change(&mallory(), &image.id, &change(|image| image.favorite = true)).await;
    assert_eq!(theirs.expect("change"), Err(Refusal::NO_IMAGE));
    assert_eq!(find(&*repo, &image.id, START).await, Some(image));
}

async fn a_change_of_an_image_past_its_retention_is_not_found(repo: Arc<dyn MetadataRepo>) {
    let image = trash(&*repo, &save(&*repo, saved_image(1, 0)).await, at(1)).await;
    let late = at(1).after(limits::TRASH_RETENTION);
    let restore = ImageChange::new(late, |image| Ok(SavedImage { trashed_at: None, ..image.clone() }));
    assert_eq!(repo.change(&alice(), &image.id, &restore).await.expect("change"), Err(Refusal::NO_IMAGE));
}

/// Makes so many changes of one image at once; the outcome of each.
async fn change_at_once(
    repo: &Arc<dyn MetadataRepo>,
    id: ImageId,
    changes: impl Iterator<Item = ImageChange>,
) -> Vec<Result<SavedImage, Refusal>> {
    let racing: Vec<_> = changes
        .map(|change| {
            let repo = repo.clone();
            tokio::spawn(async move { repo.change(&alice(), &id, &change).await.expect("change") })
        })
        .collect();
    let mut outcomes = Vec::new();
    for changed in racing {
        outcomes.push(changed.await.expect("the change returns"));
    }
    outcomes
}

/// Each adds a tag of its own: an update that is lost would be seen.
fn adding_tags(count: usize) -> impl Iterator<Item = ImageChange> {
    (0..count).map(|n| change(move |image| image.tags.push(format!("tag{n:02}"))))
}

async fn thirty_two_concurrent_changes_are_all_applied(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    let outcomes = change_at_once(&repo, image.id, adding_tags(32)).await;
    let versions: BTreeSet<_> =
        outcomes.into_iter().map(|changed| changed.expect("applied").version.0).collect();
    assert_eq!(versions, (2..=33).collect(), "each change is one version");
    let mut tags = find(&*repo, &image.id, START).await.expect("was saved").tags;
    tags.sort();
    assert_eq!(tags, (0..32).map(|n| format!("tag{n:02}")).collect::<Vec<_>>());
}

async fn a_conditional_change_is_applied_once_and_the_others_are_stale(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    // Half of them ask for the same: each of those is applied or stale too.
    let titles = (0..32).map(|n: u32| format!("title {}", n.min(16)));
    let changes = titles.map(|title| {
        change(move |image| image.title = Some(title.clone())).expecting(Expected::OneOf(vec![Version(1)]))
    });
    let outcomes = change_at_once(&repo, image.id, changes).await;
    let stale = Err(Refusal::Stale { current: Version(2) });
    assert_eq!(outcomes.iter().filter(|changed| **changed == stale).count(), 31);
    let applied = outcomes.into_iter().find_map(Result::ok).expect("one is applied");
    assert_eq!(find(&*repo, &image.id, START).await, Some(applied));
}

// delete

async fn delete_removes_the_record(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    repo.delete(&alice(), &image.id, Version::FIRST).await.expect("delete");
    assert_eq!(find(&*repo, &image.id, START).await, None);
}

async fn delete_missing_succeeds(repo: Arc<dyn MetadataRepo>) {
    repo.delete(&alice(), &image_id(1, 0), Version::FIRST).await.expect("a missing one is success");
}

async fn delete_of_another_version_is_a_conflict(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    let edited = edit(&*repo, &image, |image| image.favorite = true).await;
    assert_eq!(kind(repo.delete(&alice(), &image.id, Version::FIRST).await), ErrorKind::Conflict);
    assert_eq!(find(&*repo, &image.id, START).await, Some(edited));
}

async fn delete_leaves_another_owners_image(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    repo.delete(&mallory(), &image.id, Version::FIRST).await.expect("a missing one is success");
    assert_eq!(find(&*repo, &image.id, START).await, Some(image));
}

async fn delete_frees_the_address(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    repo.delete(&alice(), &image.id, Version::FIRST).await.expect("delete");
    let again = SavedImage { id: image_id(2, 0), ..image };
    assert_eq!(insert(&*repo, &again).await, InsertedImage::Created);
}

// refers_to

async fn refers_to_an_image_of_any_owner(repo: Arc<dyn MetadataRepo>) {
    save(&*repo, saved_image(1, 0)).await;
    save(&*repo, image_of(&mallory(), 2, 0)).await;
    assert!(refers(&*repo, 1).await && refers(&*repo, 2).await);
}

async fn refers_to_a_trashed_image(repo: Arc<dyn MetadataRepo>) {
    trash(&*repo, &save(&*repo, saved_image(1, 0)).await, START).await;
    assert!(refers(&*repo, 1).await);
}

async fn refers_to_nothing_unknown(repo: Arc<dyn MetadataRepo>) {
    save(&*repo, saved_image(1, 0)).await;
    assert!(!refers(&*repo, 2).await);
}

async fn refers_to_nothing_that_was_deleted(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    repo.delete(&alice(), &image.id, Version::FIRST).await.expect("delete");
    assert!(!refers(&*repo, 1).await);
}

async fn refers_to_what_another_owner_still_has(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    save(&*repo, SavedImage { id: image_id(2, 0), ..image_of(&mallory(), 1, 0) }).await;
    repo.delete(&alice(), &image.id, Version::FIRST).await.expect("delete");
    assert!(refers(&*repo, 1).await);
}

// released

async fn is_released(repo: &dyn MetadataRepo, n: u64) -> bool {
    repo.is_released(blob(n).id()).await.expect("is_released")
}

async fn delete(repo: &dyn MetadataRepo, image: &SavedImage) {
    repo.delete(&image.owner, &image.id, image.version).await.expect("delete");
}

async fn delete_records_the_last_images_blob_as_released(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    assert!(!is_released(&*repo, 1).await);
    delete(&*repo, &image).await;
    assert!(is_released(&*repo, 1).await);
    assert_eq!(repo.released(None, 10).await.expect("released"), [image.sha256]);
}

async fn delete_records_no_release_while_another_owner_has_the_blob(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    let others = save(&*repo, SavedImage { id: image_id(2, 0), ..image_of(&mallory(), 1, 0) }).await;
    delete(&*repo, &image).await;
    // A record beside a reference proves nothing: the blob is still referred to.
    assert!(refers(&*repo, 1).await);
    delete(&*repo, &others).await;
    assert!(is_released(&*repo, 1).await && !refers(&*repo, 1).await);
}

async fn purge_records_the_blobs_as_released(repo: Arc<dyn MetadataRepo>) {
    for n in 0..3 {
        trash(&*repo, &save(&*repo, saved_image(n, 0)).await, at(1)).await;
    }
    let purged = BTreeSet::from_iter(purge(&*repo, at(5), 10).await);
    let released = repo.released(None, 10).await.expect("released");
    assert_eq!(BTreeSet::from_iter(released), purged);
}

async fn a_blob_that_no_image_had_is_not_released(repo: Arc<dyn MetadataRepo>) {
    delete(&*repo, &save(&*repo, saved_image(1, 0)).await).await;
    assert!(!is_released(&*repo, 2).await);
}

async fn a_blob_that_an_image_has_is_not_released(repo: Arc<dyn MetadataRepo>) {
    save(&*repo, saved_image(1, 0)).await;
    assert!(!is_released(&*repo, 1).await);
    assert!(repo.released(None, 10).await.expect("released").is_empty());
}

async fn released_is_in_order_of_addresses_and_starts_after_the_given_one(repo: Arc<dyn MetadataRepo>) {
    let mut ids: Vec<BlobId> = Vec::new();
    for n in 0..5 {
        let image = save(&*repo, saved_image(n, 0)).await;
        delete(&*repo, &image).await;
        ids.push(image.sha256);
    }
    ids.sort();
    assert_eq!(repo.released(None, 3).await.expect("released"), ids[..3]);
    assert_eq!(repo.released(Some(ids[2]), 10).await.expect("released"), ids[3..]);
    assert!(repo.released(Some(ids[4]), 10).await.expect("released").is_empty());
}

async fn forget_release_removes_the_record(repo: Arc<dyn MetadataRepo>) {
    delete(&*repo, &save(&*repo, saved_image(1, 0)).await).await;
    repo.forget_release(blob(1).id()).await.expect("forget_release");
    repo.forget_release(blob(1).id()).await.expect("a missing one is success");
    assert!(!is_released(&*repo, 1).await);
}

// purge

async fn purge_removes_what_was_trashed_before(repo: Arc<dyn MetadataRepo>) {
    let image = trash(&*repo, &save(&*repo, saved_image(1, 0)).await, at(4)).await;
    purge(&*repo, at(5), 10).await;
    assert_eq!(find(&*repo, &image.id, START).await, None);
}

async fn purge_leaves_what_was_trashed_at_the_cutoff(repo: Arc<dyn MetadataRepo>) {
    let image = trash(&*repo, &save(&*repo, saved_image(1, 0)).await, at(5)).await;
    assert!(purge(&*repo, at(5), 10).await.is_empty());
    assert_eq!(find(&*repo, &image.id, START).await, Some(image));
}

async fn purge_leaves_what_is_not_in_the_trash(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, saved_image(1, 0)).await;
    assert!(purge(&*repo, at(5), 10).await.is_empty());
    assert_eq!(find(&*repo, &image.id, START).await, Some(image));
}

async fn purge_tells_the_addresses(repo: Arc<dyn MetadataRepo>) {
    for n in 0..3 {
        trash(&*repo, &save(&*repo, saved_image(n, 0)).await, at(1)).await;
    }
    let told = BTreeSet::from_iter(purge(&*repo, at(5), 10).await);
    assert_eq!(told, (0..3).map(|n| *blob(n).id()).collect());
}

async fn purge_removes_at_most_the_limit(repo: Arc<dyn MetadataRepo>) {
    for n in 0..5 {
        trash(&*repo, &save(&*repo, saved_image(n, 0)).await, at(1)).await;
    }
    let late = at(1).after(Duration::from_secs(1));
    assert_eq!(purge(&*repo, late, 3).await.len(), 3);
    assert_eq!(purge(&*repo, late, 3).await.len(), 2);
}
