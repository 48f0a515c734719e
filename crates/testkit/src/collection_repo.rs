//! The contract of [`CollectionRepo`], case by case.

use crate::samples::{alice, at, collection, mallory};
use crate::suites::cases;
use std::sync::Arc;
use tintype_core::{
    ErrorKind, PortResult,
    domain::{Collection, CollectionId, Version},
    ports::CollectionRepo,
};

cases! { CASES of Arc<dyn CollectionRepo>:
    // insert and find
    an_inserted_collection_is_found_with_every_field,
    inserting_the_very_same_again_changes_nothing,
    an_id_that_is_another_collections_is_a_conflict,
    find_missing_is_none,
    find_shows_no_other_owners_collection,
    // list
    list_shows_all_in_the_order_of_their_ids,
    list_shows_no_other_owners_collection,
    list_shows_hundreds,
    // update
    update_replaces_the_record,
    the_very_same_update_again_changes_nothing,
    an_update_that_another_one_followed_is_a_conflict,
    update_of_another_version_is_a_conflict,
    update_missing_is_not_found,
    update_of_another_owners_collection_is_not_found,
    of_many_updates_of_one_version_one_wins,
    // delete
    delete_removes_the_record,
    delete_missing_succeeds,
    delete_of_another_version_is_a_conflict,
    delete_leaves_another_owners_collection,
}

type Repo = dyn CollectionRepo;

async fn insert(repo: &Repo, collection: Collection) -> Collection {
    repo.insert(&collection).await.expect("insert");
    collection
}

async fn find(repo: &Repo, id: &CollectionId) -> Option<Collection> {
    repo.find(&alice(), id).await.expect("find")
}

async fn list(repo: &Repo) -> Vec<Collection> {
    repo.list(&alice()).await.expect("list")
}

fn kind<T: std::fmt::Debug>(result: PortResult<T>) -> ErrorKind {
    result.expect_err("must fail").kind()
}

/// The same collection with another name, a version later.
fn renamed(collection: &Collection, name: &str) -> Collection {
    let (name, version) = (name.to_owned(), collection.version.next());
    Collection { name, version, updated_at: at(1), ..collection.clone() }
}

fn of_mallory(n: u64) -> Collection {
    Collection { owner: mallory(), ..collection(n) }
}

async fn an_inserted_collection_is_found_with_every_field(repo: Arc<Repo>) {
    let wanted = Collection { note: Some("words, \u{1f98b} and \"quotes\"".to_owned()), ..collection(1) };
    let inserted = insert(&*repo, wanted).await;
    assert_eq!(find(&*repo, &inserted.id).await, Some(inserted));
}

async fn inserting_the_very_same_again_changes_nothing(repo: Arc<Repo>) {
    let inserted = insert(&*repo, collection(1)).await;
    insert(&*repo, collection(1)).await;
    assert_eq!(list(&*repo).await, [inserted]);
}

async fn an_id_that_is_another_collections_is_a_conflict(repo: Arc<Repo>) {
    let inserted = insert(&*repo, collection(1)).await;
    assert_eq!(kind(repo.insert(&renamed(&inserted, "other")).await), ErrorKind::Conflict);
    assert_eq!(find(&*repo, &inserted.id).await, Some(inserted));
}

async fn find_missing_is_none(repo: Arc<Repo>) {
    assert_eq!(find(&*repo, &collection(1).id).await, None);
}

async fn find_shows_no_other_owners_collection(repo: Arc<Repo>) {
    let theirs = insert(&*repo, of_mallory(1)).await;
    assert_eq!(find(&*repo, &theirs.id).await, None);
}

async fn list_shows_all_in_the_order_of_their_ids(repo: Arc<Repo>) {
    for n in [2, 0, 1] {
        insert(&*repo, collection(n)).await;
    }
    assert_eq!(list(&*repo).await, [collection(0), collection(1), collection(2)]);
}

async fn list_shows_no_other_owners_collection(repo: Arc<Repo>) {
    insert(&*repo, of_mallory(1)).await;
    assert!(list(&*repo).await.is_empty());
}

async fn list_shows_hundreds(repo: Arc<Repo>) {
    // With notes of a size that makes a store answer in parts.
    let note = Some("a".repeat(4_000));
    for n in 0..300 {
        insert(&*repo, Collection { note: note.clone(), ..collection(n) }).await;
    }
    let ids: Vec<_> = list(&*repo).await.into_iter().map(|collection| collection.id).collect();
    assert_eq!(ids, (0..300).map(|n| collection(n).id).collect::<Vec<_>>());
}

async fn update_replaces_the_record(repo: Arc<Repo>) {
    let inserted = insert(&*repo, collection(1)).await;
    let updated = renamed(&inserted, "new");
    repo.update(&updated, inserted.version).await.expect("update");
    assert_eq!(find(&*repo, &inserted.id).await, Some(updated.clone()));
    assert_eq!(list(&*repo).await, [updated]);
}

async fn the_very_same_update_again_changes_nothing(repo: Arc<Repo>) {
    let inserted = insert(&*repo, collection(1)).await;
    let updated = renamed(&inserted, "new");
    for _ in 0..2 {
        repo.update(&updated, inserted.version).await.expect("update");
        assert_eq!(list(&*repo).await, std::slice::from_ref(&updated));
    }
}

async fn an_update_that_another_one_followed_is_a_conflict(repo: Arc<Repo>) {
    let inserted = insert(&*repo, collection(1)).await;
    let first = renamed(&inserted, "first");
    let second = renamed(&first, "second");
    repo.update(&first, inserted.version).await.expect("update");
    repo.update(&second, first.version).await.expect("update");
    assert_eq!(kind(repo.update(&first, inserted.version).await), ErrorKind::Conflict);
    assert_eq!(find(&*repo, &inserted.id).await, Some(second));
}

async fn update_of_another_version_is_a_conflict(repo: Arc<Repo>) {
    let inserted = insert(&*repo, collection(1)).await;
    let late = renamed(&inserted, "late");
    assert_eq!(kind(repo.update(&late, Version(9)).await), ErrorKind::Conflict);
    assert_eq!(find(&*repo, &inserted.id).await, Some(inserted));
}

async fn update_missing_is_not_found(repo: Arc<Repo>) {
    let missing = renamed(&collection(1), "new");
    assert_eq!(kind(repo.update(&missing, Version::FIRST).await), ErrorKind::NotFound);
}

async fn update_of_another_owners_collection_is_not_found(repo: Arc<Repo>) {
    let theirs = insert(&*repo, of_mallory(1)).await;
    let mine = renamed(&Collection { owner: alice(), ..theirs.clone() }, "mine");
    assert_eq!(kind(repo.update(&mine, theirs.version).await), ErrorKind::NotFound);
}

async fn of_many_updates_of_one_version_one_wins(repo: Arc<Repo>) {
    let inserted = insert(&*repo, collection(1)).await;
    let writers = (0..8).map(|n| {
        let (repo, inserted) = (Arc::clone(&repo), inserted.clone());
        tokio::spawn(async move {
            repo.update(&renamed(&inserted, &format!("writer {n}")), inserted.version).await.is_ok()
        })
    });
    let mut won = 0;
    for writer in writers.collect::<Vec<_>>() {
        won += u32::from(writer.await.expect("no panic"));
    }
    assert_eq!(won, 1);
}

async fn delete_removes_the_record(repo: Arc<Repo>) {
    let inserted = insert(&*repo, collection(1)).await;
    repo.delete(&alice(), &inserted.id, inserted.version).await.expect("delete");
    assert_eq!(find(&*repo, &inserted.id).await, None);
    assert!(list(&*repo).await.is_empty());
}

async fn delete_missing_succeeds(repo: Arc<Repo>) {
    repo.delete(&alice(), &collection(1).id, Version::FIRST).await.expect("delete");
}

async fn delete_of_another_version_is_a_conflict(repo: Arc<Repo>) {
    let inserted = insert(&*repo, collection(1)).await;
    assert_eq!(kind(repo.delete(&alice(), &inserted.id, Version(9)).await), ErrorKind::Conflict);
    assert_eq!(find(&*repo, &inserted.id).await, Some(inserted));
}

async fn delete_leaves_another_owners_collection(repo: Arc<Repo>) {
    let theirs = insert(&*repo, of_mallory(1)).await;
    repo.delete(&alice(), &theirs.id, theirs.version).await.expect("delete");
    let still_there = repo.find(&mallory(), &theirs.id).await.expect("find");
    assert_eq!(still_there, Some(theirs));
}
