//! Saving and changing pictures, where there is much of something or something is gone.
#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed")]

use futures_util::FutureExt;
use tintype_core::domain::{
    Collection, CollectionId, Expected, ImageEdit, ImageFilter, ImageId, Labels, OutputFormat, SavedImage,
    Seed, Version, limits,
};
use tintype_core::imaging::encode_rgb;
use tintype_core::ports::{CollectionRepo, MetadataRepo, Ports};
use tintype_core::use_cases::{
    EditedImages, ImagesEdit, Origin, Save, SaveFrom, edit_image, edit_images, find_picture, save_image,
};
use tintype_core::{Error, Result};
use tintype_memory::Memory;
use tintype_testkit::faults::{FaultPlan, wrap};
use tintype_testkit::samples::{START, alice, collection, entropy, request, saved_image};

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
        run(self.memory.collections.insert(&made)).unwrap().unwrap();
        made.id
    }

    fn edit(&self, id: &ImageId, edit: &ImageEdit) -> Result<SavedImage> {
        run(edit_image(&self.ports, &alice(), id, edit, None, START))
    }

    fn edit_many(&self, edit: &ImagesEdit) -> Result<EditedImages> {
        run(edit_images(&self.ports, &alice(), edit, START))
    }

    fn delete_collection(&self, id: &CollectionId) {
        run(self.memory.collections.delete(&alice(), id, &Expected::Any)).unwrap().unwrap();
    }

    /// Saves a picture, or adds what is known of it to it.
    fn merge(&self, origin: Origin, edit: ImageEdit) -> Result<SavedImage> {
        let picture = encode_rgb(1, 1, vec![200, 0, 0], OutputFormat::Png).unwrap();
        let from = SaveFrom::Upload { picture: Box::new(picture), origin: Box::new(origin) };
        let draft = run(find_picture(&self.ports, &alice(), from, START)).unwrap().merging();
        let save = Save { owner: alice(), draft, edit };
        run(save_image(&self.ports, save, START, &entropy(1))).map(|saved| saved.image)
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
    let Error::Invalid(invalid) = result.unwrap_err() else { unreachable!("nothing else is wrong") };
    invalid.errors().iter().map(|error| error.pointer.clone()).collect()
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
fn more_collections_than_an_image_is_in_are_refused_after_one_look_at_most() {
    let library = Library::new();
    let image = library.save(1, |_| ());
    let many = nowhere(limits::COLLECTIONS_OF_IMAGE_MAX + 1);
    assert_eq!(pointers(library.edit(&image, &into_collections(many.clone()))), ["/collections"]);
    assert_eq!(library.collection_reads(), 1);
    for (edit, pointer) in [
        (ImagesEdit { add_to: many.clone(), ..ImagesEdit::default() }, "/add_to"),
        (ImagesEdit { remove_from: many, ..ImagesEdit::default() }, "/remove_from"),
    ] {
        assert_eq!(pointers(library.edit_many(&ImagesEdit { ids: vec![image], ..edit })), [pointer]);
    }
    assert_eq!(library.collection_reads(), 1, "none for edits of many");
}

#[test]
fn a_collection_that_there_is_not_is_named_by_its_place() {
    let library = Library::new();
    let (image, hearts) = (library.save(1, |_| ()), library.collection(1));
    let wanted = [vec![hearts; 2], nowhere(1)].concat();
    assert_eq!(pointers(library.edit(&image, &into_collections(wanted))), ["/collections/2"]);
}

/// Why the one image of a change was refused.
fn refused(edited: &EditedImages) -> (&str, &str) {
    let error = &edited.refused[0].1.errors()[0];
    (&error.pointer, error.code)
}

fn tags(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|n| format!("tag {n:02}")).collect()
}

#[test]
fn an_image_that_would_be_overfull_is_refused_by_the_names_of_the_request() {
    let library = Library::new();
    let full = library.save(1, |image| {
        image.tags = tags(0..limits::TAGS_MAX);
        image.collections =
            (0..limits::COLLECTIONS_OF_IMAGE_MAX).map(|n| library.collection(n as u64)).collect();
    });
    let another = library.collection(99);
    let (tagged, put) = (
        ImagesEdit { ids: vec![full], add_tags: vec!["new".to_owned()], ..ImagesEdit::default() },
        ImagesEdit { ids: vec![full], add_to: vec![another], ..ImagesEdit::default() },
    );
    assert_eq!(refused(&library.edit_many(&tagged).unwrap()), ("/add_tags", "too_many"));
    assert_eq!(refused(&library.edit_many(&put).unwrap()), ("/add_to", "too_many"));
}

#[test]
fn a_tag_that_a_full_image_has_is_added_again_without_room() {
    let library = Library::new();
    let full = library.save(1, |image| image.tags = tags(0..limits::TAGS_MAX));
    let edit = ImagesEdit { ids: vec![full], add_tags: tags(0..2), ..ImagesEdit::default() };
    let edited = library.edit_many(&edit).unwrap();
    assert_eq!((edited.refused, edited.images[0].version), (vec![], Version::FIRST));
}

#[test]
fn deleted_collections_take_no_room() {
    let library = Library::new();
    let stale = nowhere(limits::COLLECTIONS_OF_IMAGE_MAX);
    let (one, other) = (
        library.save(1, |i| i.collections = stale.clone()),
        library.save(2, |i| i.collections = stale.clone()),
    );
    let hearts = library.collection(1);
    let added = ImagesEdit { ids: vec![one], add_to: vec![hearts], ..ImagesEdit::default() };
    assert_eq!(library.edit_many(&added).unwrap().images[0].collections, [hearts]);
    // A client that adds one to what it was shown.
    let shown = [stale, vec![hearts]].concat();
    assert_eq!(library.edit(&other, &into_collections(shown)).unwrap().collections, [hearts]);
}

#[test]
fn an_image_goes_into_the_trash_with_its_new_tags_and_one_that_is_there_takes_none() {
    let library = Library::new();
    let (live, trashed) = (library.save(1, |_| ()), library.save(2, |image| image.trashed_at = Some(START)));
    let add_tags = vec!["sea".to_owned()];
    let edit =
        ImagesEdit { ids: vec![live, trashed], add_tags, trashed: Some(true), ..ImagesEdit::default() };
    let edited = library.edit_many(&edit).unwrap();
    assert_eq!((&edited.images[0].tags, edited.images[0].trashed_at), (&edit.add_tags, Some(START)));
    assert_eq!((edited.refused[0].0, refused(&edited).1), (trashed, "in_trash"));
}

#[test]
fn a_picture_of_which_only_the_seed_is_known_gets_the_request_of_a_later_import() {
    let library = Library::new();
    let seed = Some(Seed(5));
    library.merge(Origin { seed, ..Origin::default() }, ImageEdit::default()).unwrap();
    let origin = Origin { request: Some(request()), ..Origin::default() };
    let merged = library.merge(origin, ImageEdit::default()).unwrap();
    assert_eq!((merged.source.request, merged.source.seed), (Some(request()), seed));
}

#[test]
fn a_picture_takes_what_it_has_room_for_and_stays_as_it_is_otherwise() {
    let library = Library::new();
    let labels = |numbers: std::ops::Range<usize>| {
        numbers.map(|n| (format!("name {n:02}"), "value".to_owned())).collect::<Labels>()
    };
    let collections: Vec<_> = (0..40).map(|n| library.collection(n)).collect();
    let noted = |from: usize, to: usize| ImageEdit {
        tags: Some(tags(from..to)),
        collections: Some(collections[from..to].to_vec()),
        labels: Some(labels(from / 2..to / 2)),
        ..ImageEdit::default()
    };
    library.merge(Origin::default(), noted(0, 30)).unwrap();
    let merged = library.merge(Origin::default(), noted(20, 40)).unwrap();
    assert_eq!(merged.tags, tags(0..limits::TAGS_MAX));
    assert_eq!(merged.collections, collections[..limits::COLLECTIONS_OF_IMAGE_MAX]);
    assert_eq!(merged.labels, labels(0..limits::LABELS_MAX));
}

#[test]
fn a_picture_that_is_added_to_leaves_deleted_collections() {
    let library = Library::new();
    let (old, new) = (library.collection(1), library.collection(2));
    library.merge(Origin::default(), into_collections(vec![old])).unwrap();
    library.delete_collection(&old);
    let merged = library.merge(Origin::default(), into_collections(vec![new])).unwrap();
    assert_eq!(merged.collections, [new]);
}

#[test]
fn a_tag_is_the_same_however_its_marks_are_written() {
    let library = Library::new();
    let id = library.save(1, |_| {});
    let (composed, parted) = ("Caf\u{e9}", "Cafe\u{301}");
    let both = ImageEdit { tags: Some(vec![composed.to_owned(), parted.to_owned()]), ..ImageEdit::default() };
    let image = library.edit(&id, &both).unwrap();
    assert_eq!(image.tags, [composed]);
    for tag in [composed, parted] {
        let filter = ImageFilter { tags: vec![tag.to_owned()], ..ImageFilter::default() };
        assert!(filter.matches(&image), "{tag}");
    }
    let removed = ImagesEdit { ids: vec![id], remove_tags: vec![parted.to_owned()], ..ImagesEdit::default() };
    assert!(library.edit_many(&removed).unwrap().images[0].tags.is_empty());
}

#[test]
fn a_note_is_added_unless_its_lines_are_there() {
    let library = Library::new();
    let noted = |note: &str| ImageEdit { note: Some(Some(note.to_owned())), ..ImageEdit::default() };
    for (note, all) in
        [("concatenated", "concatenated"), ("cat", "concatenated\n\ncat"), ("cat", "concatenated\n\ncat")]
    {
        assert_eq!(library.merge(Origin::default(), noted(note)).unwrap().note.as_deref(), Some(all));
    }
}
