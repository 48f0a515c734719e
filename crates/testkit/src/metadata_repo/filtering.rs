//! Which images a list with a filter shows.

use super::{
    adding_tags, backwards, change, change_at_once, edit, oldest_first, pages_of, save, trash,
    trash_in_pages_of, walk,
};
use crate::samples::{START, at, collection, image_of, mallory, request_with, saved_image};
use crate::suites::cases;
use std::sync::Arc;
use tintype_core::{
    domain::{CollectionId, ImageFilter, ImageId, ImageQuery, Parent, Relation, SavedImage, Seed, TextQuery},
    ports::MetadataRepo,
};

cases! { CASES of Arc<dyn MetadataRepo>:
    words_are_found_in_prompt_title_note_and_tags,
    words_are_found_however_they_are_capitalised,
    letters_are_the_same_however_their_marks_are_written,
    every_word_must_be_there,
    a_phrase_wants_its_words_side_by_side,
    a_phrase_does_not_reach_from_one_text_into_another,
    a_prefix_finds_the_words_it_begins,
    words_of_any_script_are_found,
    every_tag_must_be_there,
    every_collection_must_be_there,
    with_a_parent_or_without_one,
    what_came_from_an_image,
    a_favorite_or_not,
    a_rating_or_a_better_one,
    the_model,
    the_size,
    the_seed,
    from_a_time_on_and_before_another,
    filters_hold_in_any_combination,
    an_edit_is_seen_by_every_filter,
    concurrent_changes_are_each_seen_by_filters,
    a_filtered_trash_shows_only_trashed_images,
    a_filter_shows_no_other_owners_image,
    filtered_pages_show_everything_once,
    filtered_pages_show_everything_once_oldest_first,
    a_filter_finds_nothing_that_was_deleted,
    a_filter_finds_nothing_that_was_purged,
    an_image_of_very_many_words_is_found_by_each,
    an_edit_of_very_many_words_is_seen_by_every_filter,
}

fn image(n: u64, fill: impl FnOnce(&mut SavedImage)) -> SavedImage {
    let mut image = SavedImage { prompt: None, ..saved_image(n, n as i64) };
    fill(&mut image);
    image
}

fn prompt(n: u64, prompt: &str) -> SavedImage {
    image(n, |image| image.prompt = Some(prompt.to_owned()))
}

fn words(text: &str) -> ImageFilter {
    ImageFilter { text: TextQuery::parse(text).expect("a good query"), ..ImageFilter::default() }
}

fn only(filter: ImageFilter) -> ImageQuery {
    ImageQuery { filter, ..oldest_first(10) }
}

/// The numbers of the images that are found, from the oldest on.
async fn found(repo: &dyn MetadataRepo, images: &[SavedImage], filter: ImageFilter) -> Vec<usize> {
    let ids = walk(repo, only(filter)).await;
    ids.iter().map(|id| images.iter().position(|image| image.id == *id).expect("one of these")).collect()
}

async fn save_all(repo: &dyn MetadataRepo, images: Vec<SavedImage>) -> Vec<SavedImage> {
    for image in &images {
        save(repo, image.clone()).await;
    }
    images
}

async fn words_are_found_in_prompt_title_note_and_tags(repo: Arc<dyn MetadataRepo>) {
    let text = || Some("a red heart".to_owned());
    let images = save_all(
        &*repo,
        vec![
            image(0, |image| image.prompt = text()),
            image(1, |image| image.title = text()),
            image(2, |image| image.note = text()),
            image(3, |image| image.tags = vec!["red".to_owned()]),
            image(4, |image| image.title = Some("reddish".to_owned())),
        ],
    );
    let images = images.await;
    assert_eq!(found(&*repo, &images, words("red")).await, [0, 1, 2, 3]);
}

async fn words_are_found_however_they_are_capitalised(repo: Arc<dyn MetadataRepo>) {
    let images = save_all(&*repo, vec![prompt(0, "ÜBER Berlin"), prompt(1, "über berlin")]).await;
    assert_eq!(found(&*repo, &images, words("über BERLIN")).await, [0, 1]);
}

async fn letters_are_the_same_however_their_marks_are_written(repo: Arc<dyn MetadataRepo>) {
    let (composed, parted) = ("Caf\u{e9}", "Cafe\u{301}");
    let images = [(0, composed), (1, parted)].map(|(n, text)| {
        image(n, |image| {
            image.title = Some(format!("{text} Noir"));
            image.tags = vec![text.to_owned()];
        })
    });
    let images = save_all(&*repo, images.to_vec()).await;
    for text in [composed, parted] {
        assert_eq!(found(&*repo, &images, words(&format!("\"{text} noir\""))).await, [0, 1]);
        let tagged = ImageFilter { tags: vec![text.to_owned()], ..ImageFilter::default() };
        assert_eq!(found(&*repo, &images, tagged).await, [0, 1]);
    }
}

async fn every_word_must_be_there(repo: Arc<dyn MetadataRepo>) {
    let images =
        save_all(&*repo, vec![prompt(0, "red heart"), prompt(1, "red star"), prompt(2, "heart, red")]).await;
    assert_eq!(found(&*repo, &images, words("heart red")).await, [0, 2]);
}

async fn a_phrase_wants_its_words_side_by_side(repo: Arc<dyn MetadataRepo>) {
    let images =
        save_all(&*repo, vec![prompt(0, "heart red"), prompt(1, "Red, heart"), prompt(2, "red blue heart")])
            .await;
    assert_eq!(found(&*repo, &images, words("\"red heart\"")).await, [1]);
}

async fn a_phrase_does_not_reach_from_one_text_into_another(repo: Arc<dyn MetadataRepo>) {
    let images = save_all(
        &*repo,
        vec![image(0, |image| {
            image.title = Some("red".to_owned());
            image.prompt = Some("heart".to_owned());
            image.tags = vec!["heart".to_owned(), "red".to_owned()];
        })],
    );
    let images = images.await;
    assert!(found(&*repo, &images, words("\"red heart\"")).await.is_empty());
    assert_eq!(found(&*repo, &images, words("red heart")).await, [0]);
}

async fn a_prefix_finds_the_words_it_begins(repo: Arc<dyn MetadataRepo>) {
    let images =
        save_all(&*repo, vec![prompt(0, "heart"), prompt(1, "hearts"), prompt(2, "sweetheart")]).await;
    assert_eq!(found(&*repo, &images, words("hea*")).await, [0, 1]);
}

async fn words_of_any_script_are_found(repo: Arc<dyn MetadataRepo>) {
    let images =
        save_all(&*repo, vec![prompt(0, "赤いハート"), prompt(1, "赤い星"), prompt(2, "красное сердце")])
            .await;
    assert_eq!(found(&*repo, &images, words("ハート")).await, [0]);
    assert_eq!(found(&*repo, &images, words("赤い")).await, [0, 1]);
    assert_eq!(found(&*repo, &images, words("сердце")).await, [2]);
}

fn tagged(n: u64, tags: &[&str]) -> SavedImage {
    image(n, |image| image.tags = tags.iter().map(|tag| (*tag).to_owned()).collect())
}

async fn every_tag_must_be_there(repo: Arc<dyn MetadataRepo>) {
    let images = save_all(
        &*repo,
        vec![tagged(0, &["Blue sky", "sea"]), tagged(1, &["blue sky"]), tagged(2, &["blue", "sky"])],
    );
    let images = images.await;
    let tags = |tags: &[&str]| ImageFilter {
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        ..ImageFilter::default()
    };
    assert_eq!(found(&*repo, &images, tags(&["blue SKY"])).await, [0, 1]);
    assert_eq!(found(&*repo, &images, tags(&["blue sky", "sea"])).await, [0]);
}

async fn every_collection_must_be_there(repo: Arc<dyn MetadataRepo>) {
    let ids = [collection(1).id, collection(2).id];
    let within = |n, collections: &[CollectionId]| image(n, |image| image.collections = collections.to_vec());
    let images = save_all(&*repo, vec![within(0, &ids), within(1, &ids[..1]), within(2, &[])]).await;
    let wanted = |collections: &[CollectionId]| ImageFilter {
        collections: collections.to_vec(),
        ..ImageFilter::default()
    };
    assert_eq!(found(&*repo, &images, wanted(&ids[..1])).await, [0, 1]);
    assert_eq!(found(&*repo, &images, wanted(&ids)).await, [0]);
    assert!(found(&*repo, &images, wanted(&[collection(3).id])).await.is_empty());
}

fn child(n: u64, parent: &SavedImage, relation: Relation) -> SavedImage {
    image(n, |image| image.parent = Some(Parent { id: parent.id, relation }))
}

async fn with_a_parent_or_without_one(repo: Arc<dyn MetadataRepo>) {
    let parent = image(0, |_| ());
    let images = vec![child(1, &parent, Relation::Remix), child(2, &parent, Relation::Variant), parent];
    let images = save_all(&*repo, images).await;
    let having = |has_parent| ImageFilter { has_parent: Some(has_parent), ..ImageFilter::default() };
    assert_eq!(found(&*repo, &images, having(true)).await, [0, 1]);
    assert_eq!(found(&*repo, &images, having(false)).await, [2]);
}

async fn what_came_from_an_image(repo: Arc<dyn MetadataRepo>) {
    let parents = [image(0, |_| ()), image(1, |_| ())];
    let children = vec![child(2, &parents[0], Relation::Remix), child(3, &parents[1], Relation::Remix)];
    let images = save_all(&*repo, children).await;
    let of = ImageFilter { parent: Some(parents[1].id), ..ImageFilter::default() };
    // Also of one that is not there: it may have been erased.
    assert_eq!(found(&*repo, &images, of).await, [1]);
}

async fn a_favorite_or_not(repo: Arc<dyn MetadataRepo>) {
    let images = save_all(&*repo, vec![image(0, |image| image.favorite = true), image(1, |_| ())]).await;
    let favorite = |favorite| ImageFilter { favorite: Some(favorite), ..ImageFilter::default() };
    assert_eq!(found(&*repo, &images, favorite(true)).await, [0]);
    assert_eq!(found(&*repo, &images, favorite(false)).await, [1]);
}

async fn a_rating_or_a_better_one(repo: Arc<dyn MetadataRepo>) {
    let rated = |n, rating| image(n, |image| image.rating = rating);
    let images =
        save_all(&*repo, vec![rated(0, Some(5)), rated(1, Some(3)), rated(2, Some(2)), rated(3, None)]).await;
    assert_eq!(
        found(&*repo, &images, ImageFilter { rating: Some(3), ..ImageFilter::default() }).await,
        [0, 1]
    );
}

async fn the_model(repo: Arc<dyn MetadataRepo>) {
    let of = |n, name: &str| {
        image(n, |image| {
            let model = name.parse().expect("a good name");
            image.source.request = image.source.request.take().map(|mut request| {
                request.model = model;
                request
            });
        })
    };
    let images =
        save_all(&*repo, vec![of(0, "one"), of(1, "two"), image(2, |image| image.source.request = None)])
            .await;
    let filter = ImageFilter { model: Some("one".parse().expect("a good name")), ..ImageFilter::default() };
    assert_eq!(found(&*repo, &images, filter).await, [0]);
}

async fn the_size(repo: Arc<dyn MetadataRepo>) {
    let sized = |n, width, height| image(n, |image| (image.width, image.height) = (width, height));
    let images = save_all(&*repo, vec![sized(0, 512, 768), sized(1, 768, 512), sized(2, 512, 512)]).await;
    let size = |width, height| ImageFilter { width, height, ..ImageFilter::default() };
    assert_eq!(found(&*repo, &images, size(Some(512), None)).await, [0, 2]);
    assert_eq!(found(&*repo, &images, size(Some(512), Some(512))).await, [2]);
}

async fn the_seed(repo: Arc<dyn MetadataRepo>) {
    let seeded = |n, seed: Option<u32>| image(n, |image| image.source.seed = seed.map(Seed));
    let images = save_all(&*repo, vec![seeded(0, Some(7)), seeded(1, Some(77)), seeded(2, None)]).await;
    assert_eq!(
        found(&*repo, &images, ImageFilter { seed: Some(Seed(7)), ..ImageFilter::default() }).await,
        [0]
    );
}

async fn from_a_time_on_and_before_another(repo: Arc<dyn MetadataRepo>) {
    let images = save_all(&*repo, (0..5).map(|n| image(n, |_| ())).collect()).await;
    let filter = ImageFilter { from: Some(at(1)), to: Some(at(3)), ..ImageFilter::default() };
    assert_eq!(found(&*repo, &images, filter.clone()).await, [1, 2]);
    let newest = walk(&*repo, ImageQuery { filter, ..pages_of(1) }).await;
    assert_eq!(newest, [images[2].id, images[1].id]);
}

/// Images that differ in everything, in every combination of two of each.
fn different() -> Vec<SavedImage> {
    (0..32)
        .map(|n| {
            let is = |bit: u64| n & (1 << bit) != 0;
            image(n, |image| {
                image.prompt = Some(if is(0) { "red heart" } else { "blue heart" }.to_owned());
                image.tags = if is(1) { vec!["sea".to_owned()] } else { vec![] };
                image.favorite = is(2);
                image.rating = is(3).then_some(4);
                image.source.request = Some(request_with(|input| input.seed = Some(9)));
                image.source.seed = Some(Seed(u32::from(is(4))));
            })
        })
        .collect()
}

/// Every combination of five filters.
fn combinations() -> Vec<ImageFilter> {
    (0..32)
        .map(|n: u32| {
            let is = |bit: u32| n & (1 << bit) != 0;
            let text = if is(0) { words("re*").text } else { TextQuery::default() };
            let tags = if is(1) { vec!["sea".to_owned()] } else { vec![] };
            let (favorite, rating) = (is(2).then_some(true), is(3).then_some(4));
            let (seed, from) = (is(4).then_some(Seed(1)), is(0).then_some(at(8)));
            ImageFilter { text, tags, favorite, rating, seed, from, ..ImageFilter::default() }
        })
        .collect()
}

/// As a plain look at each image finds them.
async fn filters_hold_in_any_combination(repo: Arc<dyn MetadataRepo>) {
    let images = save_all(&*repo, different()).await;
    for filter in combinations() {
        let wanted: Vec<_> = (0..images.len()).filter(|n| filter.matches(&images[*n])).collect();
        assert!(!wanted.is_empty(), "{filter:?}");
        assert_eq!(found(&*repo, &images, filter.clone()).await, wanted, "{filter:?}");
    }
}

async fn an_edit_is_seen_by_every_filter(repo: Arc<dyn MetadataRepo>) {
    let image = save(&*repo, tagged(0, &["old"])).await;
    let edited = edit(&*repo, &image, |image| {
        image.tags = vec!["new".to_owned()];
        image.favorite = true;
    });
    let images = [edited.await];
    assert_eq!(found(&*repo, &images, words("new")).await, [0]);
    assert!(found(&*repo, &images, words("old")).await.is_empty());
    assert_eq!(
        found(&*repo, &images, ImageFilter { favorite: Some(true), ..ImageFilter::default() }).await,
        [0]
    );
    assert!(
        found(&*repo, &images, ImageFilter { favorite: Some(false), ..ImageFilter::default() })
            .await
            .is_empty()
    );
}

async fn concurrent_changes_are_each_seen_by_filters(repo: Arc<dyn MetadataRepo>) {
    let images = save_all(&*repo, vec![tagged(0, &["old"]), tagged(1, &["old"])]).await;
    let renaming = std::iter::once(change(|image| image.tags.retain(|tag| tag != "old")));
    let outcomes = change_at_once(&repo, images[0].id, adding_tags(16).chain(renaming)).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    for n in 0..16 {
        let filter = ImageFilter { tags: vec![format!("tag{n:02}")], ..ImageFilter::default() };
        assert_eq!(found(&*repo, &images, filter).await, [0], "tag{n:02}");
    }
    let old = ImageFilter { tags: vec!["old".to_owned()], ..ImageFilter::default() };
    assert_eq!(found(&*repo, &images, old).await, [1]);
    assert_eq!(found(&*repo, &images, words("old")).await, [1]);
}

async fn a_filtered_trash_shows_only_trashed_images(repo: Arc<dyn MetadataRepo>) {
    let images =
        save_all(&*repo, vec![prompt(0, "red heart"), prompt(1, "red star"), prompt(2, "blue star")]).await;
    for image in &images[1..] {
        trash(&*repo, image, START).await;
    }
    let trashed = walk(&*repo, ImageQuery { filter: words("red"), ..trash_in_pages_of(10) }).await;
    assert_eq!(trashed, [images[1].id]);
    assert_eq!(found(&*repo, &images, words("red")).await, [0]);
}

async fn a_filter_shows_no_other_owners_image(repo: Arc<dyn MetadataRepo>) {
    save(&*repo, image_of(&mallory(), 9, 0)).await;
    let images = save_all(&*repo, vec![prompt(0, "red heart")]).await;
    assert_eq!(found(&*repo, &images, words("red heart")).await, [0]);
}

/// Every third image is found, three at a time of one millisecond.
async fn save_mixed(repo: &dyn MetadataRepo) -> Vec<ImageId> {
    let mut wanted = Vec::new();
    for n in 0..27 {
        let text = if n % 3 == 0 { "red heart" } else { "blue star" };
        let image = SavedImage { prompt: Some(text.to_owned()), ..saved_image(n, n as i64 / 9) };
        save(repo, image.clone()).await;
        if n % 3 == 0 {
            wanted.push((image.saved_at, image.id));
        }
    }
    wanted.sort();
    wanted.into_iter().map(|(_, id)| id).collect()
}

async fn filtered_pages_show_everything_once(repo: Arc<dyn MetadataRepo>) {
    let wanted = save_mixed(&*repo).await;
    let walked = walk(&*repo, ImageQuery { filter: words("red"), ..pages_of(2) }).await;
    assert_eq!(walked, backwards(wanted));
}

async fn filtered_pages_show_everything_once_oldest_first(repo: Arc<dyn MetadataRepo>) {
    let wanted = save_mixed(&*repo).await;
    assert_eq!(walk(&*repo, ImageQuery { filter: words("red"), ..oldest_first(2) }).await, wanted);
}

async fn a_filter_finds_nothing_that_was_deleted(repo: Arc<dyn MetadataRepo>) {
    let images = save_all(&*repo, vec![prompt(0, "red heart"), prompt(1, "red star")]).await;
    repo.delete(&images[0].owner, &images[0].id, images[0].version).await.expect("delete");
    assert_eq!(found(&*repo, &images, words("red")).await, [1]);
}

async fn a_filter_finds_nothing_that_was_purged(repo: Arc<dyn MetadataRepo>) {
    let image = trash(&*repo, &save(&*repo, prompt(0, "red heart")).await, START).await;
    repo.purge(at(1), 10).await.expect("purge");
    assert!(walk(&*repo, ImageQuery { filter: words("red"), ..trash_in_pages_of(10) }).await.is_empty());
    // The same bytes again are another image, found once.
    let again = save(&*repo, SavedImage { trashed_at: None, ..image }).await;
    assert_eq!(walk(&*repo, only(words("red"))).await, [again.id]);
}

/// More words than an index is likely to hold of one image.
fn many_words(start: &str) -> String {
    (0..300).map(|n| format!("{start}{n} ")).collect()
}

async fn an_image_of_very_many_words_is_found_by_each(repo: Arc<dyn MetadataRepo>) {
    let full = image(1, |image| image.note = Some(many_words("word")));
    let images = save_all(&*repo, vec![prompt(0, "word0 word7"), full, prompt(2, "word299 red")]).await;
    assert_eq!(found(&*repo, &images, words("word7")).await, [0, 1]);
    assert_eq!(found(&*repo, &images, words("word299")).await, [1, 2]);
    assert_eq!(found(&*repo, &images, words("word298 word299")).await, [1]);
    assert!(found(&*repo, &images, words("word299 blue")).await.is_empty());
}

async fn an_edit_of_very_many_words_is_seen_by_every_filter(repo: Arc<dyn MetadataRepo>) {
    // As many as can come and go at once.
    let words_of = |start: &str| many_words(start).split_inclusive(' ').take(80).collect::<String>();
    let images = save_all(&*repo, vec![image(0, |image| image.note = Some(words_of("old")))]).await;
    let edited = edit(&*repo, &images[0], |image| image.note = Some(words_of("new"))).await;
    assert!(found(&*repo, &images, words("old7")).await.is_empty());
    assert!(found(&*repo, &images, words("old*")).await.is_empty());
    assert_eq!(found(&*repo, &images, words("new79")).await, [0]);
    trash(&*repo, &edited, START).await;
    assert!(found(&*repo, &images, words("new79")).await.is_empty());
}
