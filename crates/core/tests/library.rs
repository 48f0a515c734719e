//! Saving and changing pictures, where there is much of something or something is gone.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

use futures_util::FutureExt;
use tintype_core::domain::{Collection, CollectionId, ImageEdit, ImageId, SavedImage, limits};
use tintype_core::ports::{CollectionRepo, MetadataRepo, Ports};
use tintype_core::use_cases::{EditedImages, ImagesEdit, edit_image, edit_images};
use tintype_core::{Error, Result};
use tintype_memory::Memory;
use tintype_testkit::faults::{FaultPlan, wrap};
use tintype_testkit::samples::{START, alice, collection, saved_image};

/// Nothing here waits, so one poll is the whole call.
fn run<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().expect("memory answers at once")
}

/// A library whose reads are counted.
struct Library {
    memory: Memory,
    ports: Ports,
    plan: FaultPlan,
}

impl Library {
    fn new() -> Self {
        let (memory, plan) = (Memory::new(), FaultPlan::new(1));
        Self { ports: wrap(memory.ports(), &plan), memory, plan }
    }

    /// Saves the image number `n`, as `change` has it.
    fn save(&self, n: u64, change: impl FnOnce(&mut SavedImage)) -> ImageId {
        let mut image = saved_image(n, 0);
        change(&mut image);
        run(self.memory.metadata.insert(&image)).unwrap();
        image.id
    }

    fn collection(&self, n: u64) -> CollectionId {
        let made: Collection = collection(n);
        run(self.memory.collections.insert(&made)).unwrap();
        made.id
    }

    fn edit(&self, id: &ImageId, edit: &ImageEdit) -> Result<SavedImage> {
        run(edit_image(&self.ports, &alice(), id, edit, None, START))
    }

    fn edit_many(&self, edit: &ImagesEdit) -> Result<EditedImages> {
        run(edit_images(&self.ports, &alice(), edit, START))
    }

    fn collection_reads(&self) -> u64 {
        self.plan.calls("CollectionRepo::find") + self.plan.calls("CollectionRepo::list")
    }
}

/// The ids of so many collections that there are not.
fn nowhere(count: usize) -> Vec<CollectionId> {
    (1_000..).take(count).map(|n| collection(n).id).collect()
}

/// The fields that are wrong.
fn pointers<T: std::fmt::Debug>(result: Result<T>) -> Vec<String> {
    match result.unwrap_err() {
        Error::Invalid(invalid) => invalid.errors().iter().map(|error| error.pointer.clone()).collect(),
        other => unreachable!("{other}"),
    }
}

fn into_collections(ids: Vec<CollectionId>) -> ImageEdit {
    ImageEdit { collections: Some(ids), ..ImageEdit::default() }
}

#[test]
fn a_collection_that_is_named_again_and_again_is_looked_up_once() {
    let library = Library::new();
    let (image, hearts) = (library.save(1, |_| ()), library.collection(1));
    let edited = library.edit(&image, &into_collections(vec![hearts; 100_000])).unwrap();
    assert_eq!((edited.collections, library.collection_reads()), (vec![hearts], 1));
    let many = ImagesEdit { ids: vec![image], add_to: vec![hearts; 100_000], ..ImagesEdit::default() };
    library.edit_many(&many).unwrap();
    assert_eq!(library.collection_reads(), 2);
}

#[test]
fn more_collections_than_an_image_is_in_are_refused_before_any_is_looked_up() {
    let library = Library::new();
    let image = library.save(1, |_| ());
    let many = nowhere(limits::COLLECTIONS_OF_IMAGE_MAX + 1);
    assert_eq!(pointers(library.edit(&image, &into_collections(many.clone()))), ["/collections"]);
    for (edit, pointer) in [
        (ImagesEdit { add_to: many.clone(), ..ImagesEdit::default() }, "/add_to"),
        (ImagesEdit { remove_from: many, ..ImagesEdit::default() }, "/remove_from"),
    ] {
        assert_eq!(pointers(library.edit_many(&ImagesEdit { ids: vec![image], ..edit })), [pointer]);
    }
    assert_eq!(library.collection_reads(), 0);
}

#[test]
fn a_collection_that_there_is_not_is_named_by_its_place() {
    let library = Library::new();
    let (image, hearts) = (library.save(1, |_| ()), library.collection(1));
    let wanted = [vec![hearts; 2], nowhere(1)].concat();
    assert_eq!(pointers(library.edit(&image, &into_collections(wanted))), ["/collections/2"]);
}
