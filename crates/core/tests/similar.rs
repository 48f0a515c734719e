//! What finding the nearest images reads, where many of them are in the trash.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

use futures_util::FutureExt;
use std::sync::Arc;
use tintype_core::domain::{Embedding, ImageId, PageSize, SavedImage, Space, Understood, limits};
use tintype_core::ports::{MetadataRepo, MockTextEmbedder, VectorIndex};
use tintype_core::use_cases::{Meaning, images_by_meaning};
use tintype_memory::{Memory, MemoryVectors};
use tintype_testkit::faults::{FaultPlan, wrap};
use tintype_testkit::samples::{START, alice, saved_image};

/// Nothing here waits, so one poll is the whole call.
fn run<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().expect("memory answers at once")
}

const ASKED: [f32; 2] = [1.0, 0.0];
const BESIDE: [f32; 2] = [1.0, 0.5];

/// Alice's library.
struct Library {
    memory: Memory,
    vectors: Arc<MemoryVectors>,
}

impl Library {
    /// With so many trashed images that are nearest, and `live` ones beside them.
    fn of(trashed: u64, live: u64) -> Self {
        let memory = Memory::new();
        let vectors = Arc::new(MemoryVectors::new(memory.metadata.clone()));
        run(vectors.use_space(&Space { name: "test".to_owned(), dimensions: 2 })).unwrap();
        let library = Self { memory, vectors };
        for n in 0..trashed {
            library.save(&SavedImage { trashed_at: Some(START), ..saved_image(n, 0) }, ASKED);
        }
        for n in trashed..trashed + live {
            library.save(&saved_image(n, 0), BESIDE);
        }
        library
    }

    fn save(&self, image: &SavedImage, vector: [f32; 2]) {
        run(self.memory.metadata.insert(image)).unwrap();
        run(self.vectors.put(&image.owner, &image.id, None, Embedding::of(&vector))).unwrap();
    }

    /// What is found, and how many records that took.
    fn nearest(&self, limit: i64) -> (Vec<ImageId>, u64) {
        let plan = FaultPlan::new(1);
        let mut embedder = MockTextEmbedder::new();
        embedder.expect_score_min().return_const(0.1_f32);
        embedder
            .expect_embed()
            .returning(|_| Ok(Understood { vector: Embedding::of(&ASKED), unknown: vec![] }));
        let meaning = Meaning { embedder: Arc::new(embedder), vectors: self.vectors.clone() };
        let (ports, limit) = (wrap(self.memory.ports(), &plan), PageSize::new(limit).unwrap());
        let found = run(images_by_meaning(&ports, &meaning, &alice(), "a text", limit, START)).unwrap().found;
        (found.into_iter().map(|found| found.image.id).collect(), plan.calls("MetadataRepo::find"))
    }
}

#[test]
fn each_image_is_read_once_however_many_of_the_nearest_are_in_the_trash() {
    let (found, reads) = Library::of(200, 3).nearest(2);
    assert_eq!((found.len(), reads), (2, 202));
}

#[test]
fn one_answer_reads_a_bounded_number_of_trashed_images() {
    let most = u64::from(10 * limits::PAGE_MAX);
    let (found, reads) = Library::of(most + 100, 1).nearest(2);
    assert_eq!((found.len(), reads), (0, most));
}
