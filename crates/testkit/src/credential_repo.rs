//! The contract of [`CredentialRepo`], case by case.

use crate::samples::{START, alice, api_key, at, just_before, mallory, ticket};
use crate::suites::cases;
use std::sync::Arc;
use tintype_core::{
    domain::{ApiKey, BlobId, KeyPlace, Ticket, Timestamp},
    ports::CredentialRepo,
};

cases! { CASES of Arc<dyn CredentialRepo>:
    // keys
    a_key_is_found,
    a_key_that_never_was_is_none,
    a_key_without_an_expiry_lasts,
    a_key_is_found_until_it_expires,
    a_key_is_not_found_from_its_expiry_on,
    adding_a_key_again_changes_nothing,
    many_may_add_the_same_key_at_once,
    a_removed_key_is_none,
    removing_what_is_not_there_succeeds,
    removing_leaves_other_keys_of_the_name,
    // the list of keys
    keys_are_listed_by_name_then_hash,
    a_key_added_twice_is_listed_once,
    a_removed_key_is_not_listed,
    a_key_is_not_listed_from_its_expiry_on,
    the_list_goes_on_after_a_place,
    the_list_goes_on_after_a_place_that_is_gone,
    expired_keys_do_not_shorten_a_part_of_the_list,
    tickets_are_not_listed,
    // tickets
    a_ticket_is_taken,
    a_ticket_that_never_was_is_none,
    a_ticket_is_taken_once,
    a_ticket_is_taken_once_under_any_race,
    a_ticket_can_be_taken_until_it_expires,
    a_ticket_can_not_be_taken_from_its_expiry_on,
    adding_a_ticket_again_changes_nothing,
    taking_a_ticket_leaves_others,
    // both
    a_key_is_no_ticket,
    a_ticket_is_no_key,
    a_hash_stands_for_one_credential,
}

const EXPIRY: Timestamp = at(1_000);

type Repo = dyn CredentialRepo;

/// Key number `n`, of this name.
fn named(name: &str, n: u64) -> ApiKey {
    ApiKey { name: name.parse().expect("a good name"), ..api_key(n) }
}

fn expiring(key: ApiKey) -> ApiKey {
    ApiKey { expires_at: Some(EXPIRY), ..key }
}

async fn add(repo: &Repo, keys: &[&ApiKey]) {
    for key in keys {
        repo.add_key(key).await.expect("add_key");
    }
}

async fn find(repo: &Repo, hash: &BlobId, now: Timestamp) -> Option<ApiKey> {
    repo.find_key(hash, now).await.expect("find_key")
}

async fn remove(repo: &Repo, hash: &BlobId) {
    repo.remove_key(hash).await.expect("remove_key");
}

async fn list(repo: &Repo, after: Option<KeyPlace>, limit: u32) -> Vec<ApiKey> {
    repo.list_keys(after, limit, START).await.expect("list_keys")
}

async fn add_ticket(repo: &Repo, ticket: &Ticket) {
    repo.add_ticket(ticket, START).await.expect("add_ticket");
}

async fn take(repo: &Repo, ticket: &Ticket, now: Timestamp) -> Option<Ticket> {
    repo.take_ticket(&ticket.hash, now).await.expect("take_ticket")
}

// keys

async fn a_key_is_found(repo: Arc<Repo>) {
    add(&*repo, &[&api_key(1)]).await;
    assert_eq!(find(&*repo, &api_key(1).hash, START).await, Some(api_key(1)));
}

async fn a_key_that_never_was_is_none(repo: Arc<Repo>) {
    add(&*repo, &[&api_key(1)]).await;
    assert_eq!(find(&*repo, &api_key(2).hash, START).await, None);
}

async fn a_key_without_an_expiry_lasts(repo: Arc<Repo>) {
    add(&*repo, &[&api_key(1)]).await;
    let much_later = at(50 * 365 * 86_400_000);
    assert_eq!(find(&*repo, &api_key(1).hash, much_later).await, Some(api_key(1)));
}

async fn a_key_is_found_until_it_expires(repo: Arc<Repo>) {
    let key = expiring(api_key(1));
    add(&*repo, &[&key]).await;
    assert_eq!(find(&*repo, &key.hash, just_before(EXPIRY)).await, Some(key));
}

async fn a_key_is_not_found_from_its_expiry_on(repo: Arc<Repo>) {
    let key = expiring(api_key(1));
    add(&*repo, &[&key]).await;
    assert_eq!(find(&*repo, &key.hash, EXPIRY).await, None);
}

async fn adding_a_key_again_changes_nothing(repo: Arc<Repo>) {
    let other = ApiKey { owner: mallory(), expires_at: Some(EXPIRY), ..named("other", 1) };
    add(&*repo, &[&api_key(1), &other]).await;
    assert_eq!(find(&*repo, &other.hash, EXPIRY).await, Some(api_key(1)));
}

async fn many_may_add_the_same_key_at_once(repo: Arc<Repo>) {
    let adders: Vec<_> = (0..8)
        .map(|_| {
            let repo = repo.clone();
            tokio::spawn(async move { repo.add_key(&api_key(1)).await })
        })
        .collect();
    for adder in adders {
        adder.await.expect("no panic").expect("add_key");
    }
    assert_eq!(list(&*repo, None, 10).await, [api_key(1)]);
}

async fn a_removed_key_is_none(repo: Arc<Repo>) {
    add(&*repo, &[&api_key(1), &api_key(2)]).await;
    remove(&*repo, &api_key(1).hash).await;
    assert_eq!(find(&*repo, &api_key(1).hash, START).await, None);
    assert_eq!(find(&*repo, &api_key(2).hash, START).await, Some(api_key(2)));
}

async fn removing_what_is_not_there_succeeds(repo: Arc<Repo>) {
    remove(&*repo, &api_key(1).hash).await;
}

async fn removing_leaves_other_keys_of_the_name(repo: Arc<Repo>) {
    add(&*repo, &[&named("ci", 1), &named("ci", 2)]).await;
    remove(&*repo, &named("ci", 1).hash).await;
    assert_eq!(list(&*repo, None, 10).await, [named("ci", 2)]);
}

// the list of keys

async fn keys_are_listed_by_name_then_hash(repo: Arc<Repo>) {
    let mut same = [named("ci", 2), named("ci", 3)];
    same.sort_by_key(ApiKey::place);
    let [first, second] = &same;
    // A longer name that starts like a shorter one comes after it.
    let (longer, last) = (named("ci-2", 4), named("laptop", 5));
    add(&*repo, &[&last, second, &longer, first]).await;
    assert_eq!(list(&*repo, None, 10).await, [first.clone(), second.clone(), longer, last]);
}

async fn a_key_added_twice_is_listed_once(repo: Arc<Repo>) {
    add(&*repo, &[&named("ci", 1), &named("other", 1)]).await;
    assert_eq!(list(&*repo, None, 10).await, [named("ci", 1)]);
}

async fn a_removed_key_is_not_listed(repo: Arc<Repo>) {
    add(&*repo, &[&api_key(1)]).await;
    remove(&*repo, &api_key(1).hash).await;
    assert_eq!(list(&*repo, None, 10).await, []);
}

async fn a_key_is_not_listed_from_its_expiry_on(repo: Arc<Repo>) {
    let key = expiring(api_key(1));
    add(&*repo, &[&key]).await;
    let listed = |now| repo.list_keys(None, 10, now);
    assert_eq!(listed(just_before(EXPIRY)).await.expect("list_keys"), [key]);
    assert_eq!(listed(EXPIRY).await.expect("list_keys"), []);
}

async fn the_list_goes_on_after_a_place(repo: Arc<Repo>) {
    let keys = [named("a", 1), named("b", 2), named("c", 3)];
    add(&*repo, &keys.each_ref()).await;
    assert_eq!(list(&*repo, None, 2).await, keys[..2]);
    assert_eq!(list(&*repo, Some(keys[1].place()), 2).await, keys[2..]);
    assert_eq!(list(&*repo, Some(keys[2].place()), 2).await, []);
}

async fn the_list_goes_on_after_a_place_that_is_gone(repo: Arc<Repo>) {
    let keys = [named("a", 1), named("b", 2), named("c", 3)];
    add(&*repo, &keys.each_ref()).await;
    remove(&*repo, &keys[1].hash).await;
    assert_eq!(list(&*repo, Some(keys[1].place()), 2).await, keys[2..]);
}

async fn expired_keys_do_not_shorten_a_part_of_the_list(repo: Arc<Repo>) {
    let old = |name, n| ApiKey { expires_at: Some(START), ..named(name, n) };
    let keys = [old("a", 1), named("b", 2), old("c", 3), old("d", 4), named("e", 5), named("f", 6)];
    add(&*repo, &keys.each_ref()).await;
    assert_eq!(list(&*repo, None, 2).await, [named("b", 2), named("e", 5)]);
}

async fn tickets_are_not_listed(repo: Arc<Repo>) {
    add_ticket(&*repo, &ticket(1, EXPIRY)).await;
    assert_eq!(list(&*repo, None, 10).await, []);
}

// tickets

async fn a_ticket_is_taken(repo: Arc<Repo>) {
    let ticket = ticket(1, EXPIRY);
    add_ticket(&*repo, &ticket).await;
    assert_eq!(take(&*repo, &ticket, START).await, Some(ticket));
}

async fn a_ticket_that_never_was_is_none(repo: Arc<Repo>) {
    assert_eq!(take(&*repo, &ticket(1, EXPIRY), START).await, None);
}

async fn a_ticket_is_taken_once(repo: Arc<Repo>) {
    let ticket = ticket(1, EXPIRY);
    add_ticket(&*repo, &ticket).await;
    take(&*repo, &ticket, START).await;
    assert_eq!(take(&*repo, &ticket, START).await, None);
}

async fn a_ticket_is_taken_once_under_any_race(repo: Arc<Repo>) {
    let ticket = ticket(1, EXPIRY);
    add_ticket(&*repo, &ticket).await;
    let takers: Vec<_> = (0..16)
        .map(|_| {
            let (repo, hash) = (repo.clone(), ticket.hash);
            tokio::spawn(async move { repo.take_ticket(&hash, START).await })
        })
        .collect();
    let mut taken = 0;
    for taker in takers {
        taken += usize::from(taker.await.expect("no panic").expect("take_ticket").is_some());
    }
    assert_eq!(taken, 1);
}

async fn a_ticket_can_be_taken_until_it_expires(repo: Arc<Repo>) {
    let ticket = ticket(1, EXPIRY);
    add_ticket(&*repo, &ticket).await;
    assert_eq!(take(&*repo, &ticket, just_before(EXPIRY)).await, Some(ticket));
}

async fn a_ticket_can_not_be_taken_from_its_expiry_on(repo: Arc<Repo>) {
    let ticket = ticket(1, EXPIRY);
    add_ticket(&*repo, &ticket).await;
    assert_eq!(take(&*repo, &ticket, EXPIRY).await, None);
}

async fn adding_a_ticket_again_changes_nothing(repo: Arc<Repo>) {
    let first = ticket(1, EXPIRY);
    add_ticket(&*repo, &first).await;
    add_ticket(&*repo, &Ticket { owner: mallory(), expires_at: at(9_000), ..first.clone() }).await;
    assert_eq!(take(&*repo, &first, START).await, Some(first));
}

async fn taking_a_ticket_leaves_others(repo: Arc<Repo>) {
    add_ticket(&*repo, &ticket(1, EXPIRY)).await;
    add_ticket(&*repo, &ticket(2, EXPIRY)).await;
    take(&*repo, &ticket(1, EXPIRY), START).await;
    assert_eq!(take(&*repo, &ticket(2, EXPIRY), START).await, Some(ticket(2, EXPIRY)));
}

// both

async fn a_key_is_no_ticket(repo: Arc<Repo>) {
    let key = api_key(1);
    add(&*repo, &[&key]).await;
    assert_eq!(repo.take_ticket(&key.hash, START).await.expect("take_ticket"), None);
    assert_eq!(find(&*repo, &key.hash, START).await, Some(key), "it was not taken out");
}

async fn a_ticket_is_no_key(repo: Arc<Repo>) {
    let ticket = ticket(1, EXPIRY);
    add_ticket(&*repo, &ticket).await;
    assert_eq!(find(&*repo, &ticket.hash, START).await, None);
    remove(&*repo, &ticket.hash).await;
    assert_eq!(take(&*repo, &ticket, START).await, Some(ticket), "it was not removed");
}

async fn a_hash_stands_for_one_credential(repo: Arc<Repo>) {
    let key = api_key(1);
    add(&*repo, &[&key]).await;
    add_ticket(&*repo, &Ticket { hash: key.hash, owner: alice(), key: None, expires_at: EXPIRY }).await;
    assert_eq!(repo.take_ticket(&key.hash, START).await.expect("take_ticket"), None);
    assert_eq!(find(&*repo, &key.hash, START).await, Some(key));
}
