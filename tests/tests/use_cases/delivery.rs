//! Delivery: a client hears every event of its job once, in order, whenever it comes.

use crate::world::{World, alice, input, logged, mallory, numbers};
use tintype_core::{
    Error,
    domain::{BlobId, GenerateInput, Seq, limits},
    use_cases::{Subscribe, subscribe},
    views::Message,
};
use tintype_tests::pictures::from_base64;

/// A request that takes two steps.
fn two_steps() -> GenerateInput {
    GenerateInput { steps: Some(2), ..input("red heart") }
}

const LOG: [&str; 5] = ["job.queued", "job.running", "job.progress", "job.progress", "job.succeeded"];

#[tokio::test]
async fn a_listener_that_came_first_hears_the_whole_log_in_order() {
    let world = World::new();
    let job = world.accepted(two_steps()).await;
    let mut inbox = world.listener(&job).await;
    world.memory.run_all().await.unwrap();
    let messages = inbox.arrived();
    assert_eq!(logged(&messages), LOG);
    assert_eq!(numbers(&messages), [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_listener_that_comes_after_the_end_hears_the_whole_log_too() {
    let world = World::new();
    let job = world.drawn(two_steps()).await;
    let mut inbox = world.listener(&job).await;
    assert_eq!(logged(&inbox.arrived()), LOG);
}

#[tokio::test]
async fn a_listener_that_returns_hears_what_it_missed_and_no_more() {
    let world = World::new();
    let job = world.drawn(two_steps()).await;
    let (connection, mut inbox) = world.connect(&alice()).await;
    world.subscribe(&connection, job.id, 3).await.unwrap();
    assert_eq!(numbers(&inbox.arrived()), [4, 5]);
}

#[tokio::test]
async fn a_place_past_the_end_hides_nothing_that_is_yet_to_come() {
    let world = World::new();
    let job = world.accepted(two_steps()).await;
    let (connection, mut inbox) = world.connect(&alice()).await;
    world.subscribe(&connection, job.id, u64::MAX).await.unwrap();
    world.memory.run_all().await.unwrap();
    assert_eq!(numbers(&inbox.arrived()), [2, 3, 4, 5]);
}

#[tokio::test]
async fn two_listeners_hear_the_same() {
    let world = World::new();
    let job = world.accepted(two_steps()).await;
    let (mut first, mut second) = (world.listener(&job).await, world.listener(&job).await);
    world.memory.run_all().await.unwrap();
    assert_eq!(first.arrived(), second.arrived());
}

#[tokio::test]
async fn a_listener_that_is_gone_holds_up_nobody() {
    let world = World::new();
    let job = world.accepted(two_steps()).await;
    drop(world.listener(&job).await);
    let mut there = world.listener(&job).await;
    world.memory.run_all().await.unwrap();
    assert_eq!(logged(&there.arrived()), LOG);
}

#[tokio::test]
async fn who_is_there_sees_a_preview_and_it_is_in_no_log() {
    let world = World::new();
    let job = world.accepted(two_steps()).await;
    let mut there = world.listener(&job).await;
    world.memory.run_all().await.unwrap();
    let mut late = world.listener(&job).await;
    let previews =
        |messages: &[Message]| messages.iter().filter(|message| message.kind == "job.preview").count();
    assert_eq!((previews(&there.arrived()), previews(&late.arrived())), (1, 0));
}

#[tokio::test]
async fn inline_bytes_come_in_parts_and_have_the_hash_they_were_announced_with() {
    let world = World::new();
    let wish = GenerateInput {
        output_format: Some("jpeg".into()),
        width: Some(512),
        height: Some(512),
        ..two_steps()
    };
    let job = world.drawn(wish).await;
    let (connection, mut inbox) = world.connect(&alice()).await;
    let wish = Subscribe { connection, job_id: job.id, after: Seq(0), inline: true };
    subscribe(&world.memory.ports(), wish, world.now()).await.unwrap();
    let parts: Vec<_> = inbox
        .arrived()
        .into_iter()
        .filter(|message| message.kind == "image.chunk")
        .map(|chunk| chunk.data)
        .collect();
    assert!(parts.len() > 1, "one part of {} bytes shows nothing", job.images[0].bytes);
    let bytes: Vec<u8> = parts.iter().flat_map(|part| from_base64(part["data"].as_str().unwrap())).collect();
    assert_eq!(BlobId::of(&bytes), job.images[0].sha256);
    assert!(parts.iter().all(|part| part["sha256"] == job.images[0].sha256.to_string()));
}

#[tokio::test]
async fn nobody_listens_to_another_owners_job() {
    let world = World::new();
    let job = world.accepted(two_steps()).await;
    let (connection, mut inbox) = world.connect(&mallory()).await;
    let refused = world.subscribe(&connection, job.id, 0).await;
    assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
    world.memory.run_all().await.unwrap();
    assert!(inbox.arrived().is_empty());
}

#[tokio::test]
async fn a_connection_past_its_end_hears_nothing() {
    let world = World::new();
    let job = world.accepted(two_steps()).await;
    let mut inbox = world.listener(&job).await;
    drop(inbox.arrived());
    world.pass(limits::CONNECTION_LIFE);
    world.memory.run_all().await.unwrap();
    assert!(inbox.arrived().is_empty());
}
