//! What a picture says of itself once it is stored.

use crate::world::{World, input};
use tintype_core::domain::{GenerateInput, JobImage, Labels};
use tintype_provenance::{Findings, Source, inspect};

async fn findings(world: &World, image: &JobImage) -> Findings {
    inspect(&world.memory.ports().images.get(&image.sha256).await.unwrap()).unwrap()
}

#[tokio::test]
async fn a_picture_says_how_it_was_made_in_every_format() {
    for format in ["png", "jpeg", "webp"] {
        let world = World::new();
        let wish = GenerateInput {
            negative_prompt: Some("blue".to_owned()),
            output_format: Some(format.to_owned()),
            seed: Some(7),
            ..input("red heart, 猫")
        };
        let job = world.drawn(wish).await;
        let found = findings(&world, &job.images[0]).await;
        assert!(found.xmp.unwrap().says_machine_made(), "{format}");
        let made_with = found.made_with.unwrap();
        assert_eq!(made_with.source, Source::Tintype);
        let (made_with, request) = (made_with.parameters, job.request);
        assert_eq!(made_with.prompt.as_deref(), Some(request.prompt.as_str()));
        assert_eq!(made_with.negative_prompt.as_deref(), Some("blue"));
        assert_eq!((made_with.seed, made_with.steps), (Some(7), Some(request.steps)));
        assert_eq!(made_with.guidance_scale, Some(request.guidance_scale.get()));
        assert_eq!((made_with.width, made_with.height), (Some(request.width), Some(request.height)));
        assert_eq!(made_with.model.as_deref(), Some(request.model.as_str()));
        assert_eq!(made_with.scheduler, Some(request.scheduler));
    }
}

#[tokio::test]
async fn each_picture_of_a_job_has_its_own_seed_in_it() {
    let world = World::new();
    let job = world.drawn(GenerateInput { count: Some(3), seed: Some(7), ..input("red heart") }).await;
    for image in &job.images {
        let made_with = findings(&world, image).await.made_with.unwrap();
        assert_eq!(made_with.parameters.seed, Some(image.seed.0.into()));
    }
}

#[tokio::test]
async fn the_address_and_the_length_are_those_of_the_bytes_with_metadata() {
    let world = World::new();
    let image = world.drawn(input("red heart")).await.images[0].clone();
    let bytes = world.memory.ports().images.get(&image.sha256).await.unwrap();
    assert_eq!(image.bytes, bytes.len() as u64);
}

#[tokio::test]
async fn nothing_of_owner_job_and_labels_is_in_a_picture() {
    let world = World::new();
    let labels = Labels::from([("project".to_owned(), "confidential".to_owned())]);
    let job = world.drawn(GenerateInput { labels: Some(labels), ..input("red heart") }).await;
    let bytes = world.memory.ports().images.get(&job.images[0].sha256).await.unwrap();
    for word in ["confidential", "project", "alice", &job.id.to_string()] {
        assert!(!bytes.windows(word.len()).any(|part| part == word.as_bytes()), "{word}");
    }
}
