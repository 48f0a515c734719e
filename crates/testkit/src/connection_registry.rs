//! The contract of [`ConnectionRegistry`], case by case.

use crate::samples::{START, alice, at, job_id, just_before};
use crate::suites::cases;
use std::sync::Arc;
use tintype_core::{
    ErrorKind,
    domain::{Connection, ConnectionId, JobId, Seq, Subscription, Timestamp, limits},
    ports::ConnectionRegistry,
};

cases! { CASES of Arc<dyn ConnectionRegistry>:
    // connections
    a_connection_is_found,
    a_connection_that_never_was_is_none,
    connecting_again_replaces_the_connection,
    a_connection_is_shown_until_it_expires,
    a_connection_is_not_shown_from_its_expiry_on,
    a_disconnected_connection_is_none,
    disconnecting_what_is_not_there_succeeds,
    disconnecting_leaves_other_connections,
    disconnecting_removes_its_subscriptions,
    disconnecting_leaves_other_subscriptions,
    many_may_come_and_go_at_once,
    // subscriptions
    a_subscription_is_listed,
    a_job_nobody_listens_to_has_no_listeners,
    every_connection_that_listens_is_listed,
    a_connection_may_listen_to_several_jobs,
    a_listener_of_another_job_is_not_listed,
    subscribing_again_replaces_the_subscription,
    a_subscription_is_shown_until_it_expires,
    a_subscription_is_not_shown_from_its_expiry_on,
    unsubscribing_removes_the_subscription,
    unsubscribing_what_is_not_there_succeeds,
    unsubscribing_leaves_the_connections_other_jobs,
    unsubscribing_leaves_the_jobs_other_listeners,
    a_connection_may_listen_to_the_most_jobs,
    listening_to_one_job_too_many_is_invalid,
    subscribing_again_is_not_one_too_many,
    another_connections_subscriptions_do_not_count,
    unsubscribing_makes_room,
    // advance
    advance_notes_what_was_sent,
    advance_never_moves_back,
    advance_leaves_other_subscriptions,
    advance_of_a_missing_subscription_succeeds,
    advance_of_a_missing_subscription_makes_none,
    many_may_advance_at_once,
}

const EXPIRY: Timestamp = at(1_000);

fn name(n: usize) -> ConnectionId {
    format!("connection-{n}").parse().expect("a good id")
}

fn connection(n: usize) -> Connection {
    Connection { id: name(n), owner: alice(), expires_at: EXPIRY }
}

fn job(n: u64) -> JobId {
    job_id(n, 0)
}

fn subscription(connection: usize, job_number: u64) -> Subscription {
    Subscription {
        connection: name(connection),
        job_id: job(job_number),
        owner: alice(),
        after: Seq(0),
        inline: false,
        expires_at: EXPIRY,
    }
}

type Registry = dyn ConnectionRegistry;

async fn connect(registry: &Registry, n: usize) {
    registry.connect(&connection(n)).await.expect("connect");
}

async fn find(registry: &Registry, n: usize, now: Timestamp) -> Option<Connection> {
    registry.find(&name(n), now).await.expect("find")
}

async fn disconnect(registry: &Registry, n: usize) {
    registry.disconnect(&name(n)).await.expect("disconnect");
}

/// Connects and subscribes, as a client does.
async fn listen(registry: &Registry, n: usize, job: u64) {
    connect(registry, n).await;
    subscribe(registry, &subscription(n, job)).await;
}

async fn subscribe(registry: &Registry, subscription: &Subscription) {
    registry.subscribe(subscription).await.expect("subscribe");
}

async fn unsubscribe(registry: &Registry, n: usize, job_number: u64) {
    registry.unsubscribe(&name(n), &job(job_number)).await.expect("unsubscribe");
}

async fn advance(registry: &Registry, n: usize, job_number: u64, seq: u64) {
    registry.advance(&name(n), &job(job_number), Seq(seq)).await.expect("advance");
}

async fn listeners_at(registry: &Registry, job_number: u64, now: Timestamp) -> Vec<Subscription> {
    let mut listeners = registry.listeners(&job(job_number), now).await.expect("listeners");
    listeners.sort_by(|a, b| a.connection.cmp(&b.connection));
    listeners
}

async fn listeners(registry: &Registry, job_number: u64) -> Vec<Subscription> {
    listeners_at(registry, job_number, START).await
}

async fn seq_of(registry: &Registry, job_number: u64) -> u64 {
    let listeners = listeners(registry, job_number).await;
    assert_eq!(listeners.len(), 1, "{listeners:?}");
    listeners[0].after.0
}

// connections

async fn a_connection_is_found(registry: Arc<Registry>) {
    connect(&*registry, 1).await;
    assert_eq!(find(&*registry, 1, START).await, Some(connection(1)));
}

async fn a_connection_that_never_was_is_none(registry: Arc<Registry>) {
    assert_eq!(find(&*registry, 1, START).await, None);
}

async fn connecting_again_replaces_the_connection(registry: Arc<Registry>) {
    connect(&*registry, 1).await;
    let renewed = Connection { expires_at: at(2_000), ..connection(1) };
    registry.connect(&renewed).await.expect("connect");
    assert_eq!(find(&*registry, 1, EXPIRY).await, Some(renewed));
}

async fn a_connection_is_shown_until_it_expires(registry: Arc<Registry>) {
    connect(&*registry, 1).await;
    assert_eq!(find(&*registry, 1, just_before(EXPIRY)).await, Some(connection(1)));
}

async fn a_connection_is_not_shown_from_its_expiry_on(registry: Arc<Registry>) {
    connect(&*registry, 1).await;
    assert_eq!(find(&*registry, 1, EXPIRY).await, None);
}

async fn a_disconnected_connection_is_none(registry: Arc<Registry>) {
    connect(&*registry, 1).await;
    disconnect(&*registry, 1).await;
    assert_eq!(find(&*registry, 1, START).await, None);
}

async fn disconnecting_what_is_not_there_succeeds(registry: Arc<Registry>) {
    disconnect(&*registry, 1).await;
}

async fn disconnecting_leaves_other_connections(registry: Arc<Registry>) {
    connect(&*registry, 1).await;
    connect(&*registry, 2).await;
    disconnect(&*registry, 1).await;
    assert_eq!(find(&*registry, 2, START).await, Some(connection(2)));
}

async fn disconnecting_removes_its_subscriptions(registry: Arc<Registry>) {
    listen(&*registry, 1, 1).await;
    disconnect(&*registry, 1).await;
    assert_eq!(listeners(&*registry, 1).await, []);
}

async fn disconnecting_leaves_other_subscriptions(registry: Arc<Registry>) {
    listen(&*registry, 1, 1).await;
    listen(&*registry, 2, 1).await;
    disconnect(&*registry, 1).await;
    assert_eq!(listeners(&*registry, 1).await, [subscription(2, 1)]);
}

async fn many_may_come_and_go_at_once(registry: Arc<Registry>) {
    let clients: Vec<_> = (0..64)
        .map(|n| {
            let registry = registry.clone();
            tokio::spawn(async move {
                listen(&*registry, n, 1).await;
                if n % 2 == 0 {
                    disconnect(&*registry, n).await;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("every call succeeds");
    }
    assert_eq!(listeners(&*registry, 1).await.len(), 32);
}

// subscriptions

async fn a_subscription_is_listed(registry: Arc<Registry>) {
    let wish = Subscription { after: Seq(5), inline: true, ..subscription(1, 1) };
    connect(&*registry, 1).await;
    subscribe(&*registry, &wish).await;
    assert_eq!(listeners(&*registry, 1).await, [wish]);
}

async fn a_job_nobody_listens_to_has_no_listeners(registry: Arc<Registry>) {
    assert_eq!(listeners(&*registry, 1).await, []);
}

async fn every_connection_that_listens_is_listed(registry: Arc<Registry>) {
    for n in 1..=3 {
        listen(&*registry, n, 1).await;
    }
    assert_eq!(listeners(&*registry, 1).await, [1, 2, 3].map(|n| subscription(n, 1)));
}

async fn a_connection_may_listen_to_several_jobs(registry: Arc<Registry>) {
    listen(&*registry, 1, 1).await;
    subscribe(&*registry, &subscription(1, 2)).await;
    assert_eq!(listeners(&*registry, 1).await, [subscription(1, 1)]);
    assert_eq!(listeners(&*registry, 2).await, [subscription(1, 2)]);
}

async fn a_listener_of_another_job_is_not_listed(registry: Arc<Registry>) {
    listen(&*registry, 1, 1).await;
    assert_eq!(listeners(&*registry, 2).await, []);
}

async fn subscribing_again_replaces_the_subscription(registry: Arc<Registry>) {
    listen(&*registry, 1, 1).await;
    let other = Subscription { after: Seq(9), inline: true, ..subscription(1, 1) };
    subscribe(&*registry, &other).await;
    assert_eq!(listeners(&*registry, 1).await, [other]);
}

async fn a_subscription_is_shown_until_it_expires(registry: Arc<Registry>) {
    listen(&*registry, 1, 1).await;
    assert_eq!(listeners_at(&*registry, 1, just_before(EXPIRY)).await, [subscription(1, 1)]);
}

async fn a_subscription_is_not_shown_from_its_expiry_on(registry: Arc<Registry>) {
    listen(&*registry, 1, 1).await;
    assert_eq!(listeners_at(&*registry, 1, EXPIRY).await, []);
}

async fn unsubscribing_removes_the_subscription(registry: Arc<Registry>) {
    listen(&*registry, 1, 1).await;
    unsubscribe(&*registry, 1, 1).await;
    assert_eq!(listeners(&*registry, 1).await, []);
}

async fn unsubscribing_what_is_not_there_succeeds(registry: Arc<Registry>) {
    unsubscribe(&*registry, 1, 1).await;
}

async fn unsubscribing_leaves_the_connections_other_jobs(registry: Arc<Registry>) {
    listen(&*registry, 1, 1).await;
    subscribe(&*registry, &subscription(1, 2)).await;
    unsubscribe(&*registry, 1, 1).await;
    assert_eq!(listeners(&*registry, 2).await, [subscription(1, 2)]);
}

async fn unsubscribing_leaves_the_jobs_other_listeners(registry: Arc<Registry>) {
    listen(&*registry, 1, 1).await;
    listen(&*registry, 2, 1).await;
    unsubscribe(&*registry, 1, 1).await;
    assert_eq!(listeners(&*registry, 1).await, [subscription(2, 1)]);
}

const MOST: u64 = limits::SUBSCRIPTIONS_MAX as u64;

/// A connection that listens to as many jobs as it may: 1 to [`MOST`].
async fn listen_to_the_most(registry: &Registry, n: usize) {
    connect(registry, n).await;
    for job in 1..=MOST {
        subscribe(registry, &subscription(n, job)).await;
    }
}

async fn a_connection_may_listen_to_the_most_jobs(registry: Arc<Registry>) {
    listen_to_the_most(&*registry, 1).await;
    assert_eq!(listeners(&*registry, MOST).await, [subscription(1, MOST)]);
}

async fn listening_to_one_job_too_many_is_invalid(registry: Arc<Registry>) {
    listen_to_the_most(&*registry, 1).await;
    let error = registry.subscribe(&subscription(1, MOST + 1)).await.expect_err("must fail");
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

async fn subscribing_again_is_not_one_too_many(registry: Arc<Registry>) {
    listen_to_the_most(&*registry, 1).await;
    subscribe(&*registry, &subscription(1, 7)).await;
}

async fn another_connections_subscriptions_do_not_count(registry: Arc<Registry>) {
    listen_to_the_most(&*registry, 1).await;
    listen(&*registry, 2, MOST + 1).await;
}

async fn unsubscribing_makes_room(registry: Arc<Registry>) {
    listen_to_the_most(&*registry, 1).await;
    unsubscribe(&*registry, 1, 1).await;
    subscribe(&*registry, &subscription(1, MOST + 1)).await;
}

// advance

async fn advance_notes_what_was_sent(registry: Arc<Registry>) {
    listen(&*registry, 1, 1).await;
    advance(&*registry, 1, 1, 4).await;
    assert_eq!(seq_of(&*registry, 1).await, 4);
}

async fn advance_never_moves_back(registry: Arc<Registry>) {
    listen(&*registry, 1, 1).await;
    advance(&*registry, 1, 1, 4).await;
    advance(&*registry, 1, 1, 3).await;
    assert_eq!(seq_of(&*registry, 1).await, 4);
}

async fn advance_leaves_other_subscriptions(registry: Arc<Registry>) {
    listen(&*registry, 1, 1).await;
    listen(&*registry, 2, 1).await;
    advance(&*registry, 1, 1, 4).await;
    assert_eq!(listeners(&*registry, 1).await[1], subscription(2, 1));
}

async fn advance_of_a_missing_subscription_succeeds(registry: Arc<Registry>) {
    advance(&*registry, 1, 1, 4).await;
}

async fn advance_of_a_missing_subscription_makes_none(registry: Arc<Registry>) {
    connect(&*registry, 1).await;
    advance(&*registry, 1, 1, 4).await;
    assert_eq!(listeners(&*registry, 1).await, []);
}

async fn many_may_advance_at_once(registry: Arc<Registry>) {
    listen(&*registry, 1, 1).await;
    let senders: Vec<_> = (1..=32)
        .map(|seq| {
            let registry = registry.clone();
            tokio::spawn(async move { advance(&*registry, 1, 1, seq).await })
        })
        .collect();
    for sender in senders {
        sender.await.expect("every call succeeds");
    }
    assert_eq!(seq_of(&*registry, 1).await, 32);
}
