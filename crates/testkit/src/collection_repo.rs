//! The contract of [`CollectionRepo`], case by case.

use crate::samples::{alice, at, collection, mallory};
use crate::suites::cases;
use futures_util::FutureExt;
use std::{collections::BTreeSet, sync::Arc};
use tintype_core::{
    ErrorKind, PortResult,
    domain::{
        Collection, CollectionChange, CollectionEdit, CollectionId, Expected, Refusal, Version, limits,
    },
    ports::CollectionRepo,
};

cases! { CASES of Arc<dyn CollectionRepo>:
    // insert and find
    an_inserted_collection_is_found_with_every_field,
    inserting_the_very_same_again_changes_nothing,
    an_id_that_is_another_collections_is_a_conflict,
    a_name_that_another_collection_has_is_invalid,
    another_owner_may_have_a_collection_of_the_same_name,
    of_concurrent_insertions_of_one_name_one_is_made,
    an_owner_has_no_more_collections_than_allowed,
    find_missing_is_none,
    find_shows_no_other_owners_collection,
    // list
    list_shows_all_in_the_order_of_their_ids,
    list_shows_no_other_owners_collection,
    list_shows_more_than_a_store_answers_at_once,
    // change
    a_change_replaces_the_record,
    a_change_that_alters_nothing_is_not_written,
    a_change_of_an_expected_version_is_applied,
    a_change_of_an_unexpected_version_is_stale,
    a_change_to_the_name_of_another_collection_is_invalid,
    a_change_of_the_capitals_of_a_name_is_applied,
    a_change_of_a_missing_collection_is_not_found,
    a_change_of_another_owners_collection_is_not_found,
    thirty_two_concurrent_changes_are_all_applied,
    a_conditional_change_is_applied_once_and_the_others_are_stale,
    of_concurrent_renames_to_one_name_one_is_applied,
    // delete
    delete_removes_the_record,
    delete_of_a_missing_collection_is_not_found,
    delete_of_an_unexpected_version_is_stale,
    of_concurrent_deletions_one_succeeds,
    delete_leaves_another_owners_collection,
    delete_frees_the_name,
}

type Repo = dyn CollectionRepo;

async fn insert(repo: &Repo, collection: Collection) -> Collection {
    repo.insert(&collection).await.expect("insert").expect("allowed");
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

/// A change at any version, asked for at the time `at(1)`.
fn changing(edit: CollectionEdit) -> CollectionChange {
    CollectionChange { edit, expected: Expected::Any, now: at(1) }
}

fn renaming(name: &str) -> CollectionChange {
    changing(CollectionEdit { name: Some(name.to_owned()), note: None })
}

/// A change of the first version.
fn first(change: CollectionChange) -> CollectionChange {
    CollectionChange { expected: Expected::OneOf(vec![Version::FIRST]), ..change }
}

/// Changes alice's collection.
async fn change(repo: &Repo, id: &CollectionId, change: CollectionChange) -> Result<Collection, Refusal> {
    repo.change(&alice(), id, &change).await.expect("change")
}

/// The field that is wrong.
fn invalid<T: std::fmt::Debug>(refused: Result<T, Refusal>) -> (String, &'static str) {
    let refusal = refused.expect_err("is refused");
    let Refusal::Invalid(invalid) = &refusal else { unreachable!("must be invalid: {refusal:?}") };
    (invalid.errors()[0].pointer.clone(), invalid.errors()[0].code)
}

fn taken() -> (String, &'static str) {
    ("/name".to_owned(), "taken")
}

/// Makes calls at once; the outcome of each.
async fn at_once<T: Send + 'static>(
    count: u64,
    call: impl Fn(u64) -> futures_util::future::BoxFuture<'static, PortResult<T>>,
) -> Vec<T> {
    let calls: Vec<_> = (0..count).map(|n| tokio::spawn(call(n))).collect();
    let mut outcomes = Vec::new();
    for call in calls {
        outcomes.push(call.await.expect("no panic").expect("the store answers"));
    }
    outcomes
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
    let other = Collection { name: "other".to_owned(), ..inserted.clone() };
    assert_eq!(kind(repo.insert(&other).await), ErrorKind::Conflict);
    assert_eq!(find(&*repo, &inserted.id).await, Some(inserted));
}

async fn a_name_that_another_collection_has_is_invalid(repo: Arc<Repo>) {
    let inserted = insert(&*repo, Collection { name: "Hearts".to_owned(), ..collection(1) }).await;
    let second = Collection { name: "hEARTS".to_owned(), ..collection(2) };
    assert_eq!(invalid(repo.insert(&second).await.expect("insert")), taken());
    assert_eq!(list(&*repo).await, [inserted]);
}

async fn another_owner_may_have_a_collection_of_the_same_name(repo: Arc<Repo>) {
    let theirs = insert(&*repo, of_mallory(1)).await;
    insert(&*repo, Collection { name: theirs.name, ..collection(2) }).await;
}

async fn of_concurrent_insertions_of_one_name_one_is_made(repo: Arc<Repo>) {
    let inserting = Arc::clone(&repo);
    let outcomes = at_once(16, |n| {
        let repo = Arc::clone(&inserting);
        let same = Collection { name: "Hearts".to_owned(), ..collection(n) };
        async move { repo.insert(&same).await }.boxed()
    });
    let outcomes = outcomes.await;
    assert_eq!(outcomes.iter().filter(|made| made.is_ok()).count(), 1, "{outcomes:?}");
    for refused in outcomes.into_iter().filter(Result::is_err) {
        assert_eq!(invalid(refused), taken());
    }
    assert_eq!(list(&*repo).await.len(), 1);
}

async fn an_owner_has_no_more_collections_than_allowed(repo: Arc<Repo>) {
    let most = limits::COLLECTIONS_MAX as u64;
    for n in 0..most - 1 {
        insert(&*repo, collection(n)).await;
    }
    let inserting = Arc::clone(&repo);
    let outcomes = at_once(4, |n| {
        let (repo, new) = (Arc::clone(&inserting), collection(most + n));
        async move { repo.insert(&new).await }.boxed()
    });
    let refused: Vec<_> = outcomes.await.into_iter().filter(Result::is_err).map(invalid).collect();
    assert_eq!(refused, vec![("/name".to_owned(), "too_many"); 3]);
    assert_eq!(list(&*repo).await.len(), limits::COLLECTIONS_MAX);
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

async fn list_shows_more_than_a_store_answers_at_once(repo: Arc<Repo>) {
    // More than a megabyte.
    let note = Some("a".repeat(30_000));
    for n in 0..40 {
        insert(&*repo, Collection { note: note.clone(), ..collection(n) }).await;
    }
    let ids: Vec<_> = list(&*repo).await.into_iter().map(|collection| collection.id).collect();
    assert_eq!(ids, (0..40).map(|n| collection(n).id).collect::<Vec<_>>());
}

async fn a_change_replaces_the_record(repo: Arc<Repo>) {
    let inserted = insert(&*repo, collection(1)).await;
    let note = Some(Some("words".to_owned()));
    let edit = CollectionEdit { name: Some("new".to_owned()), note };
    let changed = change(&*repo, &inserted.id, changing(edit)).await.expect("applied");
    let wanted = Collection {
        name: "new".to_owned(),
        note: Some("words".to_owned()),
        version: Version(2),
        updated_at: at(1),
        ..inserted.clone()
    };
    assert_eq!(changed, wanted);
    assert_eq!(find(&*repo, &inserted.id).await, Some(changed.clone()));
    assert_eq!(list(&*repo).await, [changed]);
}

async fn a_change_that_alters_nothing_is_not_written(repo: Arc<Repo>) {
    let inserted = insert(&*repo, collection(1)).await;
    assert_eq!(change(&*repo, &inserted.id, renaming(&inserted.name)).await, Ok(inserted.clone()));
    assert_eq!(find(&*repo, &inserted.id).await, Some(inserted));
}

async fn a_change_of_an_expected_version_is_applied(repo: Arc<Repo>) {
    let inserted = insert(&*repo, collection(1)).await;
    assert!(change(&*repo, &inserted.id, first(renaming("new"))).await.is_ok());
}

async fn a_change_of_an_unexpected_version_is_stale(repo: Arc<Repo>) {
    let inserted = insert(&*repo, collection(1)).await;
    let second = change(&*repo, &inserted.id, renaming("second")).await.expect("applied");
    let stale = Err(Refusal::Stale { current: Version(2) });
    assert_eq!(change(&*repo, &inserted.id, first(renaming("third"))).await, stale);
    assert_eq!(find(&*repo, &inserted.id).await, Some(second));
}

async fn a_change_to_the_name_of_another_collection_is_invalid(repo: Arc<Repo>) {
    let (one, other) = (insert(&*repo, collection(1)).await, insert(&*repo, collection(2)).await);
    let name = one.name.to_uppercase();
    assert_eq!(invalid(change(&*repo, &other.id, renaming(&name)).await), taken());
    assert_eq!(find(&*repo, &other.id).await, Some(other));
}

async fn a_change_of_the_capitals_of_a_name_is_applied(repo: Arc<Repo>) {
    let inserted = insert(&*repo, collection(1)).await;
    let name = inserted.name.to_uppercase();
    assert_eq!(change(&*repo, &inserted.id, renaming(&name)).await.expect("applied").name, name);
}

async fn a_change_of_a_missing_collection_is_not_found(repo: Arc<Repo>) {
    let missing = change(&*repo, &collection(1).id, renaming("new")).await;
    assert_eq!(missing, Err(Refusal::NO_COLLECTION));
}

async fn a_change_of_another_owners_collection_is_not_found(repo: Arc<Repo>) {
    let theirs = insert(&*repo, of_mallory(1)).await;
    assert_eq!(change(&*repo, &theirs.id, renaming("mine")).await, Err(Refusal::NO_COLLECTION));
    assert_eq!(repo.find(&mallory(), &theirs.id).await.expect("find"), Some(theirs));
}

/// Makes 32 changes of one collection at once: of its name or its note in turn.
async fn change_at_once(
    repo: &Arc<Repo>,
    id: CollectionId,
    condition: fn(CollectionChange) -> CollectionChange,
) -> Vec<Result<Collection, Refusal>> {
    at_once(32, |n| {
        let (repo, text) = (Arc::clone(repo), format!("writer {n}"));
        let edit = if n % 2 == 0 {
            CollectionEdit { name: Some(text), note: None }
        } else {
            CollectionEdit { name: None, note: Some(Some(text)) }
        };
        async move { repo.change(&alice(), &id, &condition(changing(edit))).await }.boxed()
    })
    .await
}

async fn thirty_two_concurrent_changes_are_all_applied(repo: Arc<Repo>) {
    let inserted = insert(&*repo, collection(1)).await;
    let outcomes = change_at_once(&repo, inserted.id, |change| change).await;
    let versions: BTreeSet<_> =
        outcomes.into_iter().map(|changed| changed.expect("applied").version.0).collect();
    assert_eq!(versions, (2..=33).collect(), "each change is one version");
    let stored = find(&*repo, &inserted.id).await.expect("was inserted");
    assert!(stored.name.starts_with("writer ") && stored.note.is_some(), "{stored:?}");
}

async fn a_conditional_change_is_applied_once_and_the_others_are_stale(repo: Arc<Repo>) {
    let inserted = insert(&*repo, collection(1)).await;
    let outcomes = change_at_once(&repo, inserted.id, first).await;
    let stale = Err(Refusal::Stale { current: Version(2) });
    assert_eq!(outcomes.iter().filter(|changed| **changed == stale).count(), 31, "{outcomes:?}");
    let applied = outcomes.into_iter().find_map(Result::ok).expect("one is applied");
    assert_eq!(find(&*repo, &inserted.id).await, Some(applied));
}

async fn of_concurrent_renames_to_one_name_one_is_applied(repo: Arc<Repo>) {
    for n in 0..8 {
        insert(&*repo, collection(n)).await;
    }
    let renames = Arc::clone(&repo);
    let outcomes = at_once(8, |n| {
        let repo = Arc::clone(&renames);
        async move { repo.change(&alice(), &collection(n).id, &renaming("hearts")).await }.boxed()
    });
    let refused: Vec<_> = outcomes.await.into_iter().filter(Result::is_err).map(invalid).collect();
    assert_eq!(refused, vec![taken(); 7]);
    let named = list(&*repo).await.into_iter().filter(|collection| collection.name == "hearts");
    assert_eq!(named.count(), 1);
}

/// Removes alice's collection.
async fn delete(repo: &Repo, id: &CollectionId, expected: Expected) -> Result<(), Refusal> {
    repo.delete(&alice(), id, &expected).await.expect("delete")
}

async fn delete_removes_the_record(repo: Arc<Repo>) {
    for expected in [Expected::Any, Expected::OneOf(vec![Version::FIRST])] {
        let inserted = insert(&*repo, collection(1)).await;
        assert_eq!(delete(&*repo, &inserted.id, expected).await, Ok(()));
        assert_eq!(find(&*repo, &inserted.id).await, None);
        assert!(list(&*repo).await.is_empty());
    }
}

async fn delete_of_a_missing_collection_is_not_found(repo: Arc<Repo>) {
    let missing = delete(&*repo, &collection(1).id, Expected::Any).await;
    assert_eq!(missing, Err(Refusal::NO_COLLECTION));
}

async fn delete_of_an_unexpected_version_is_stale(repo: Arc<Repo>) {
    let inserted = insert(&*repo, collection(1)).await;
    let stale = Err(Refusal::Stale { current: Version::FIRST });
    assert_eq!(delete(&*repo, &inserted.id, Expected::OneOf(vec![Version(9)])).await, stale);
    assert_eq!(find(&*repo, &inserted.id).await, Some(inserted));
}

async fn of_concurrent_deletions_one_succeeds(repo: Arc<Repo>) {
    for expected in [Expected::Any, Expected::OneOf(vec![Version::FIRST])] {
        let inserted = insert(&*repo, collection(1)).await;
        let outcomes = at_once(16, |_| {
            let (repo, expected) = (Arc::clone(&repo), expected.clone());
            async move { repo.delete(&alice(), &inserted.id, &expected).await }.boxed()
        });
        let outcomes = outcomes.await;
        let missing = Err(Refusal::NO_COLLECTION);
        assert_eq!(outcomes.iter().filter(|removed| **removed == missing).count(), 15, "{outcomes:?}");
        assert!(outcomes.contains(&Ok(())), "{outcomes:?}");
    }
}

async fn delete_leaves_another_owners_collection(repo: Arc<Repo>) {
    let theirs = insert(&*repo, of_mallory(1)).await;
    assert_eq!(delete(&*repo, &theirs.id, Expected::Any).await, Err(Refusal::NO_COLLECTION));
    let still_there = repo.find(&mallory(), &theirs.id).await.expect("find");
    assert_eq!(still_there, Some(theirs));
}

async fn delete_frees_the_name(repo: Arc<Repo>) {
    let inserted = insert(&*repo, collection(1)).await;
    assert_eq!(delete(&*repo, &inserted.id, Expected::Any).await, Ok(()));
    insert(&*repo, Collection { name: inserted.name, ..collection(2) }).await;
}
