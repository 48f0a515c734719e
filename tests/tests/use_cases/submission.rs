//! Accepting: what a client may ask, how often, and what becomes of it.

use crate::world::{World, alice, input, mallory};
use tintype_core::{
    Error,
    domain::{BlobId, GenerateInput, JobStatus, Seed},
    use_cases::{JobListing, list_jobs},
};

#[tokio::test]
async fn an_accepted_job_is_queued_with_its_first_event() {
    let world = World::new();
    let job = world.accepted(input("red heart")).await;
    assert_eq!((job.status, job.last_seq.0), (JobStatus::Queued, 1));
}

#[tokio::test]
async fn a_job_that_ran_has_every_picture_and_their_bytes_have_their_hash() {
    let world = World::new();
    let job = world.drawn(GenerateInput { count: Some(3), seed: Some(41), ..input("red heart") }).await;
    let seeds: Vec<_> = job.images.iter().map(|image| image.seed).collect();
    assert_eq!(seeds, [Seed(41), Seed(42), Seed(43)]);
    for image in &job.images {
        let bytes = world.memory.ports().images.get(&image.sha256).await.unwrap();
        assert_eq!(BlobId::of(&bytes), image.sha256);
    }
}

#[tokio::test]
async fn a_bad_request_names_every_wrong_field_and_accepts_nothing() {
    let world = World::new();
    let wish = GenerateInput { width: Some(-1), steps: Some(0), ..input(" ") };
    let Err(Error::Invalid(invalid)) = world.submit(alice(), wish, None).await else { panic!("accepted") };
    let pointers: Vec<_> = invalid.errors().iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/prompt", "/width", "/steps"]);
    let ports = world.memory.ports();
    let jobs = list_jobs(&ports, &world.codec, &alice(), &JobListing::default(), world.now()).await;
    assert!(jobs.unwrap().items.is_empty());
}

#[tokio::test]
async fn the_same_key_and_request_is_the_same_job() {
    let world = World::new();
    let first = world.submit(alice(), input("red heart"), Some("k")).await.unwrap();
    let again = world.submit(alice(), input("red heart"), Some("k")).await.unwrap();
    assert_eq!((again.job.id, again.replayed), (first.job.id, true));
    assert_eq!(world.memory.run_all().await.unwrap(), 1);
}

#[tokio::test]
async fn the_same_key_is_the_same_job_after_its_end_too() {
    let world = World::new();
    let first = world.submit(alice(), input("red heart"), Some("k")).await.unwrap();
    world.memory.run_all().await.unwrap();
    let again = world.submit(alice(), input("red heart"), Some("k")).await.unwrap();
    assert_eq!((again.job.id, again.job.status), (first.job.id, JobStatus::Succeeded));
    assert_eq!(world.memory.run_all().await.unwrap(), 0);
}

#[tokio::test]
async fn the_same_key_with_another_request_is_refused() {
    let world = World::new();
    world.submit(alice(), input("red heart"), Some("k")).await.unwrap();
    let other = world.submit(alice(), input("blue heart"), Some("k")).await;
    assert!(matches!(other, Err(Error::KeyReused)), "{other:?}");
}

#[tokio::test]
async fn the_same_key_of_another_owner_is_another_job() {
    let world = World::new();
    let alices = world.submit(alice(), input("red heart"), Some("k")).await.unwrap();
    let mallorys = world.submit(mallory(), input("red heart"), Some("k")).await.unwrap();
    assert_ne!(alices.job.id, mallorys.job.id);
    assert!(!mallorys.replayed);
}

#[tokio::test]
async fn the_same_seed_and_request_gives_the_same_bytes() {
    let world = World::new();
    let wish = GenerateInput { seed: Some(7), ..input("red heart") };
    let (first, second) = (world.drawn(wish.clone()).await, world.drawn(wish).await);
    assert_eq!(first.images[0].sha256, second.images[0].sha256);
}
