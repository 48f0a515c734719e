//! What becomes of the pictures that wait to be looked at, and of the prompts that wait to be read, when a part fails.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

use futures_util::FutureExt;
use std::sync::Arc;
use tintype_core::domain::{Embedding, ImageChange, ImageId, OwnerId, SavedImage, Space, Understood};
use tintype_core::ports::{
    Embedder, ImageStore, MetadataRepo, MockEmbedder, MockTextEmbedder, Ports, TextEmbedder, VectorIndex,
};
use tintype_core::use_cases::{Alike, GivenUp, Meaning, Passed, embed_prompts_waiting, embed_waiting};
use tintype_core::{ErrorKind, PortResult};
use tintype_memory::{Memory, MemoryVectors};
use tintype_testkit::faults::{Fault, FaultPlan, Faulty, When, wrap};
use tintype_testkit::samples::{START, blob, saved_image};

/// Nothing here waits, so one poll is the whole call.
fn run<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().expect("memory answers at once")
}

fn vector() -> Option<Embedding> {
    Embedding::of(&[1.0, 0.0])
}

fn eye() -> MockEmbedder {
    let mut eye = MockEmbedder::new();
    eye.expect_embed().returning(|_| Ok(vector()));
    eye
}

fn reader() -> MockTextEmbedder {
    let mut reader = MockTextEmbedder::new();
    reader.expect_embed().returning(|_| Ok(Understood { vector: vector(), unknown: vec![] }));
    reader
}

/// Saved images, of which some calls fail.
struct Gallery {
    ports: Ports,
    vectors: Arc<MemoryVectors>,
    plan: FaultPlan,
    /// In the order in which they wait.
    images: Vec<(OwnerId, ImageId)>,
}

impl Gallery {
    /// With so many images that wait.
    fn of(count: u64, plan: FaultPlan) -> Self {
        let memory = Memory::new();
        for n in 1..=count {
            let image = SavedImage { prompt: Some("a cat".to_owned()), ..saved_image(n, n as i64) };
            run(memory.images.put(&blob(n), START)).unwrap();
            run(memory.metadata.insert(&image)).unwrap();
        }
        let vectors = Arc::new(MemoryVectors::new(memory.metadata.clone()));
        run(vectors.use_space(&Space { name: "test".to_owned(), dimensions: 2 })).unwrap();
        let images = run(vectors.waiting(u32::MAX)).unwrap();
        Self { ports: wrap(memory.ports(), &plan), vectors, plan, images }
    }

    fn vectors(&self) -> Arc<dyn VectorIndex> {
        Arc::new(Faulty::<dyn VectorIndex>::new(self.vectors.clone(), &self.plan))
    }

    fn look(&self, limit: u32) -> (u32, PortResult<()>) {
        let Passed { images, outcome, .. } = self.pass(limit);
        (images, outcome)
    }

    fn pass(&self, limit: u32) -> Passed {
        let embedder = Arc::new(Faulty::<dyn Embedder>::new(Arc::new(eye()), &self.plan));
        let alike = Alike { embedder, vectors: self.vectors() };
        run(embed_waiting(&self.ports, &alike, limit, START))
    }

    fn read(&self, limit: u32) -> (u32, PortResult<()>) {
        let embedder = Arc::new(Faulty::<dyn TextEmbedder>::new(Arc::new(reader()), &self.plan));
        let meaning = Meaning { embedder, vectors: self.vectors() };
        let Passed { images, outcome, .. } = run(embed_prompts_waiting(&self.ports, &meaning, limit, START));
        (images, outcome)
    }

    /// Which images wait, by their numbers from 1.
    fn waiting(&self) -> Vec<usize> {
        let waiting = run(self.vectors.waiting(u32::MAX)).unwrap();
        let number = |id| self.images.iter().position(|(_, image)| *image == id).unwrap() + 1;
        waiting.into_iter().map(|(_, id)| number(id)).collect()
    }

    /// Which have a vector.
    fn seen(&self) -> Vec<usize> {
        let has = |(owner, id)| run(self.vectors.get(owner, id)).unwrap().is_some();
        let numbered = (1..).zip(&self.images);
        numbered.filter(|(_, (owner, id))| has((owner, id))).map(|(number, _)| number).collect()
    }
}

fn failing(operation: &'static str, when: When, kind: ErrorKind) -> FaultPlan {
    FaultPlan::new(1).with(operation, when, Fault::FailBefore(kind))
}

#[test]
fn a_picture_whose_record_can_not_be_read_is_noted_as_one_that_can_not_be_looked_at() {
    let gallery = Gallery::of(3, failing("MetadataRepo::find", When::Nth(1), ErrorKind::Data));
    let (looked_at, outcome) = gallery.look(9);
    outcome.unwrap();
    assert_eq!((looked_at, gallery.waiting(), gallery.seen()), (3, vec![], vec![2, 3]));
}

#[test]
fn a_picture_that_can_not_be_decoded_is_noted_as_that() {
    let gallery = Gallery::of(2, failing("Embedder::embed", When::Nth(1), ErrorKind::Data));
    let (looked_at, outcome) = gallery.look(9);
    outcome.unwrap();
    assert_eq!((looked_at, gallery.waiting(), gallery.seen()), (2, vec![], vec![2]));
}

#[test]
fn a_picture_that_fails_in_any_step_waits_on_and_holds_up_no_other() {
    for (operation, kind) in [
        ("MetadataRepo::find", ErrorKind::Unavailable),
        ("ImageStore::get", ErrorKind::Denied),
        ("Embedder::embed", ErrorKind::Internal),
        ("VectorIndex::put", ErrorKind::Unavailable),
    ] {
        let gallery = Gallery::of(3, failing(operation, When::Nth(1), kind));
        let (looked_at, outcome) = gallery.look(9);
        assert_eq!(outcome.unwrap_err().kind(), kind);
        assert_eq!((looked_at, gallery.waiting(), gallery.seen()), (2, vec![1], vec![2, 3]), "{operation}");
        gallery.plan.heal();
        gallery.look(9).1.unwrap();
        assert_eq!(gallery.seen(), [1, 2, 3], "{operation}");
    }
}

#[test]
fn the_first_failure_is_told_and_names_its_image() {
    let plan = failing("ImageStore::get", When::Nth(2), ErrorKind::Denied).with(
        "ImageStore::get",
        When::Nth(3),
        Fault::FailBefore(ErrorKind::Unavailable),
    );
    let gallery = Gallery::of(3, plan);
    let error = gallery.look(9).1.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Denied, "ImageStore::get"));
    assert!(error.message().starts_with(&format!("image {}: ", gallery.images[1].1)), "{error}");
}

#[test]
fn more_that_fail_than_are_asked_for_do_not_stand_in_the_way_of_those_behind_them() {
    let plan = (1..=5).fold(FaultPlan::new(1), |plan, nth| {
        plan.with("ImageStore::get", When::Nth(nth), Fault::FailBefore(ErrorKind::Unavailable))
    });
    let gallery = Gallery::of(8, plan);
    let (looked_at, outcome) = gallery.look(2);
    assert!(outcome.is_err());
    assert_eq!((looked_at, gallery.seen()), (2, vec![6, 7]));
}

#[test]
fn a_store_that_is_away_is_asked_for_a_bounded_number_of_pictures() {
    let gallery = Gallery::of(1_200, failing("ImageStore::get", When::Always, ErrorKind::Unavailable));
    let (looked_at, outcome) = gallery.look(32);
    assert!(looked_at == 0 && outcome.is_err());
    assert!(gallery.plan.calls("ImageStore::get") < 1_100);
    assert_eq!(gallery.waiting().len(), 1_200);
}

#[test]
fn a_line_that_can_not_be_read_is_the_error() {
    let gallery = Gallery::of(1, failing("VectorIndex::waiting", When::Always, ErrorKind::Unavailable));
    let (looked_at, outcome) = gallery.look(9);
    assert_eq!((looked_at, outcome.unwrap_err().kind()), (0, ErrorKind::Unavailable));
}

#[test]
fn a_prompt_that_can_not_be_read_waits_on_and_holds_up_no_other() {
    let gallery = Gallery::of(3, failing("TextEmbedder::embed", When::Nth(1), ErrorKind::Unavailable));
    let (read, outcome) = gallery.read(9);
    assert!(outcome.is_err());
    assert_eq!((read, gallery.waiting(), gallery.seen()), (2, vec![1], vec![2, 3]));
}

#[test]
fn a_prompt_whose_record_can_not_be_read_waits_no_more() {
    let gallery = Gallery::of(2, failing("MetadataRepo::find", When::Nth(1), ErrorKind::Data));
    let (read, outcome) = gallery.read(9);
    outcome.unwrap();
    assert_eq!((read, gallery.waiting(), gallery.seen()), (2, vec![], vec![2]));
}

#[test]
fn a_prompt_that_changes_while_it_is_read_is_read_again() {
    let gallery = Gallery::of(1, FaultPlan::new(1));
    let (owner, id) = gallery.images[0].clone();
    let metadata = Arc::clone(&gallery.ports.metadata);
    let mut reader = MockTextEmbedder::new();
    reader.expect_embed().returning(move |text| {
        if text == "a cat" {
            let stored = run(metadata.find(&owner, &id, START)).unwrap().unwrap();
            let changed = SavedImage { prompt: Some("a dog".to_owned()), ..stored };
            let change = ImageChange::new(START, move |_| Ok(changed.clone()));
            run(metadata.change(&owner, &id, &change)).unwrap().unwrap();
            return Ok(Understood { vector: vector(), unknown: vec![] });
        }
        Ok(Understood { vector: Embedding::of(&[0.0, 1.0]), unknown: vec![] })
    });
    let meaning = Meaning { embedder: Arc::new(reader), vectors: gallery.vectors() };
    let read = || run(embed_prompts_waiting(&gallery.ports, &meaning, 1, START)).outcome.unwrap();
    read();
    assert_eq!((gallery.waiting(), gallery.seen()), (vec![1], vec![]));
    read();
    assert!(gallery.waiting().is_empty());
    let (owner, id) = &gallery.images[0];
    assert_eq!(run(gallery.vectors.get(owner, id)).unwrap(), Embedding::of(&[0.0, 1.0]));
}

#[test]
fn an_image_that_can_not_be_decoded_is_given_up_and_told_of() {
    let gallery = Gallery::of(1, failing("Embedder::embed", When::Nth(1), ErrorKind::Data));
    let (owner, image) = gallery.images[0].clone();
    let Passed { given_up, .. } = gallery.pass(9);
    let reason = run(gallery.vectors.given_up(&owner, &image)).unwrap().unwrap();
    assert_eq!(given_up, [GivenUp { owner, image, reason }]);
}

#[test]
fn an_image_that_ends_in_a_panic_is_given_up_after_two_attempts_and_holds_up_no_other() {
    let plan = FaultPlan::new(1)
        .with("Embedder::embed", When::Nth(1), Fault::FailBefore(ErrorKind::Internal))
        .with("Embedder::embed", When::Nth(3), Fault::FailBefore(ErrorKind::Internal));
    let gallery = Gallery::of(2, plan);
    let first = gallery.pass(9);
    assert!(first.outcome.is_err() && first.given_up.is_empty());
    assert_eq!((gallery.waiting(), gallery.seen()), (vec![1], vec![2]));
    let second = gallery.pass(9);
    second.outcome.unwrap();
    assert_eq!(second.given_up.len(), 1);
    assert_eq!((gallery.waiting(), gallery.plan.calls("Embedder::embed")), (vec![], 3));
}

#[test]
fn an_image_at_which_the_process_died_twice_is_not_tried_again() {
    let gallery = Gallery::of(2, FaultPlan::new(1));
    let id = gallery.images[0].1;
    // What is left of two processes that died.
    run(gallery.vectors.begin(&id)).unwrap();
    run(gallery.vectors.begin(&id)).unwrap();
    let passed = gallery.pass(9);
    passed.outcome.unwrap();
    assert_eq!(passed.given_up.iter().map(|image| image.image).collect::<Vec<_>>(), [id]);
    assert_eq!((gallery.seen(), gallery.plan.calls("Embedder::embed")), (vec![2], 1));
}

#[test]
fn a_store_that_is_away_costs_an_image_no_attempt() {
    for operation in ["ImageStore::get", "VectorIndex::put"] {
        let gallery = Gallery::of(1, failing(operation, When::Always, ErrorKind::Unavailable));
        for _ in 0..5 {
            assert!(gallery.look(9).1.is_err(), "{operation}");
        }
        gallery.plan.heal();
        gallery.look(9).1.unwrap();
        assert_eq!(gallery.seen(), [1], "{operation}");
    }
}
