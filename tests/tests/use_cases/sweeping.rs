//! Sweeping: what is past its time goes, what a crash left behind goes on, and nothing else is touched.

use crate::world::{World, alice, input};
use bytes::Bytes;
use std::time::Duration;
use tintype_core::{
    Error, ErrorKind,
    domain::{
        Blob, ContentType, GenerateInput, GenerationRequest, JobId, JobStatus, ModelCard, NewJob, Seed,
        SourceInput, limits,
    },
    use_cases::{erase_image, find_job, trash_image},
};

#[tokio::test]
async fn a_job_that_was_accepted_and_never_started_is_started() {
    let world = World::new();
    let (ports, now) = (world.memory.ports(), world.now());
    let card = ModelCard::example();
    let request =
        GenerationRequest::resolve(&input("red heart"), SourceInput::default(), &card, Seed(1)).unwrap();
    let id = JobId::new(now, &world.memory.entropy());
    // As if the process had died between the two writes of `submit`.
    let job = NewJob { id, owner: alice(), request, warnings: vec![], retry_of: None, now };
    ports.jobs.insert(&job, None).await.unwrap();
    world.pass(Duration::from_secs(60));
    assert_eq!(world.sweep().await.started, 1);
    world.memory.run_all().await.unwrap();
    assert_eq!(world.job(&id).await.status, JobStatus::Succeeded);
}

#[tokio::test]
async fn a_waiting_job_past_its_deadline_is_ended_and_its_listeners_are_told() {
    let world = World::new();
    let job = world.accepted(GenerateInput { deadline_s: Some(5), ..input("red heart") }).await;
    let mut inbox = world.listener(&job).await;
    world.pass(Duration::from_secs(5));
    assert_eq!(world.sweep().await.expired, 1);
    assert_eq!(inbox.arrived().last().unwrap().kind, "job.expired");
}

#[tokio::test]
async fn a_result_nobody_saved_is_shown_until_its_retention_ends_and_not_after() {
    let world = World::new();
    let job = world.drawn(input("red heart")).await;
    world.pass(limits::RESULT_RETENTION - Duration::from_millis(1));
    assert_eq!(world.job(&job.id).await.status, JobStatus::Succeeded);
    world.pass(Duration::from_millis(1));
    let found = find_job(&world.memory.ports(), &alice(), &job.id, world.now()).await;
    assert!(matches!(found, Err(Error::NotFound(_))), "shown though it was not swept yet: {found:?}");
}

#[tokio::test]
async fn an_expired_result_goes_with_its_bytes() {
    let world = World::new();
    let job = world.drawn(input("red heart")).await;
    world.pass(limits::RESULT_RETENTION + Duration::from_millis(1));
    let swept = world.sweep().await;
    assert_eq!((swept.jobs, swept.blobs), (1, 1));
    assert!(world.memory.ports().images.find(&job.images[0].sha256).await.unwrap().is_none());
}

#[tokio::test]
async fn an_image_is_gone_with_its_bytes_once_its_time_in_the_trash_is_over() {
    let world = World::new();
    let image = world.saved("red heart").await;
    trash_image(&world.memory.ports(), &alice(), &image.id, None, world.now()).await.unwrap();
    world.pass(limits::TRASH_RETENTION + Duration::from_millis(1));
    assert!(world.listed(true).await.is_empty(), "not shown, though it was not swept yet");
    world.sweep().await;
    assert!(!world.has_bytes(&image).await);
}

#[tokio::test]
async fn bytes_that_two_owners_keep_stay_until_the_last_lets_go() {
    let world = World::new();
    let wish = GenerateInput { seed: Some(7), ..input("red heart") };
    let mut images = Vec::new();
    for name in ["alice", "bob"] {
        let owner = crate::world::owner(name);
        let job = world.submit(owner.clone(), wish.clone(), None).await.unwrap().job;
        world.memory.run_all().await.unwrap();
        images.push((owner.clone(), world.save(&owner, &job).await.unwrap().image));
    }
    assert_eq!(images[0].1.sha256, images[1].1.sha256);
    world.pass(limits::RESULT_RETENTION + Duration::from_millis(1));
    world.sweep().await;
    for (index, (owner, image)) in images.iter().enumerate() {
        assert!(world.has_bytes(image).await, "before erasure {index}");
        erase_image(&world.memory.ports(), owner, &image.id, None, world.now()).await.unwrap();
    }
    assert!(!world.has_bytes(&images[0].1).await);
}

#[tokio::test]
async fn an_orphan_is_left_alone_for_a_while_and_then_moved_into_quarantine() {
    let world = World::new();
    let orphan = Blob::new(Bytes::from_static(b"written before a crash"), ContentType::Png);
    world.memory.ports().images.put(&orphan, world.now()).await.unwrap();
    world.pass(limits::BLOB_GRACE);
    assert_eq!(world.sweep_orphans().await.orphans, 0);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.sweep_orphans().await.quarantined, 1);
    assert!(world.memory.ports().images.find(orphan.id()).await.unwrap().is_none());
}

async fn orphans(world: &World, count: u64) {
    for n in 0..count {
        let orphan = Blob::new(Bytes::from(format!("orphan {n}")), ContentType::Png);
        world.memory.ports().images.put(&orphan, world.now()).await.unwrap();
    }
}

#[tokio::test]
async fn too_many_orphans_stop_the_sweep_and_none_is_moved() {
    for (count, stops) in [(3, false), (4, true), (101, true)] {
        let world = World::new();
        orphans(&world, count).await;
        world.pass(limits::BLOB_GRACE + Duration::from_millis(1));
        let swept = world.sweep_orphans().await;
        assert_eq!((swept.orphans, swept.stopped), (count, stops));
        assert_eq!(swept.quarantined, if stops { 0 } else { count });
    }
}

#[tokio::test]
async fn five_in_a_hundred_orphans_are_moved_and_six_are_not() {
    for (count, stops) in [(5, false), (6, true)] {
        let world = World::new();
        for n in 0..100 - count {
            world.saved(&format!("heart {n}")).await;
        }
        orphans(&world, count).await;
        world.pass(limits::BLOB_GRACE + Duration::from_millis(1));
        let swept = world.sweep_orphans().await;
        assert_eq!((swept.blobs, swept.orphans, swept.stopped), (100, count, stops));
    }
}

#[tokio::test]
async fn damaged_records_stop_every_deletion() {
    let world = World::new();
    let job = world.drawn(input("red heart")).await;
    world.pass(limits::RESULT_RETENTION + Duration::from_millis(1));
    world.memory.integrity.report("a row does not match its checksum");
    let (swept, outcome) = tintype_core::use_cases::sweep(&world.memory.ports(), world.now()).await;
    assert_eq!((swept.jobs, swept.blobs), (0, 0));
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Data);
    assert!(world.memory.ports().images.find(&job.images[0].sha256).await.unwrap().is_some());
}

#[tokio::test]
async fn sweeping_twice_changes_no_more_than_once() {
    let world = World::new();
    world.drawn(input("red heart")).await;
    world.pass(limits::RESULT_RETENTION + Duration::from_millis(1));
    world.sweep().await;
    assert_eq!(world.sweep().await, tintype_core::use_cases::Swept::default());
}
