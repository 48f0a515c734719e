//! Filters against a plain look at each image: random images, random filters, the same in every run.

use super::{backwards, edit, pages_of, save, walk};
use crate::samples::{START, at, collection, request_with, saved_image};
use crate::suites::cases;
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};
use tintype_core::{
    domain::{
        ImageFilter, ImageId, ImageQuery, PageSize, Parent, Relation, SavedImage, Seed, Sort, TextQuery,
        facets,
    },
    ports::MetadataRepo,
};

cases! { CASES of Arc<dyn MetadataRepo>:
    filters_find_what_a_plain_scan_finds,
}

/// How many images are saved. A tag of few of them is rarer than one in eight, as most facets are.
const IMAGES: usize = 250;
/// How many filters are tried, each newest and oldest first.
const FILTERS: usize = 400;
/// A slow store tries as many as it can in this time, but never fewer than [`FILTERS_MIN`].
const TIME: Duration = Duration::from_secs(12);
const FILTERS_MIN: usize = 50;

const WORDS: [&str; 24] = [
    "heart",
    "red",
    "hearts",
    "sea",
    "star",
    "hearth",
    "blue",
    "a",
    "over",
    "the",
    "Starfish",
    "stare",
    "sun",
    "ÜBER",
    "übung",
    "赤い",
    "赤",
    "ハート",
    "сердце",
    "42",
    "421",
    "don't",
    "rain",
    "rainbow",
];
const TAGS: [&str; 10] =
    ["sea", "Sea side", "red heart", "best", "old", "a-b", "a#b", "赤", "with many words of its own", "z"];
const SIZES: [(u32, u32); 4] = [(512, 512), (512, 768), (768, 512), (64, 64)];
const MODELS: [&str; 3] = ["one", "two", "three"];

/// Numbers that look random and are the same in every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize % most
    }

    /// True once in so many times.
    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// The first ones more often than the last.
    fn of<T: Clone>(&mut self, choice: &[T]) -> T {
        let number = self.below(choice.len()).min(self.below(choice.len()));
        choice[number].clone()
    }

    fn words(&mut self, most: usize) -> String {
        let count = 1 + self.below(most);
        (0..count).map(|_| self.of(&WORDS)).collect::<Vec<_>>().join(if self.one_in(5) { ", " } else { " " })
    }

    /// More words than an index is likely to hold of one image.
    fn very_many_words(&mut self) -> String {
        let count = 90 + self.below(60);
        (0..count).map(|n| format!("{}{n} ", self.of(&WORDS))).collect()
    }
}

/// What a person changes.
fn touch(dice: &mut Dice, image: &mut SavedImage) {
    image.title = dice.one_in(3).then(|| dice.words(4));
    image.note = dice.one_in(5).then(|| if dice.one_in(4) { dice.very_many_words() } else { dice.words(9) });
    image.tags =
        (0..dice.below(4)).map(|_| dice.of(&TAGS).to_owned()).collect::<BTreeSet<_>>().into_iter().collect();
    image.collections = (0..dice.below(3))
        .map(|_| collection(dice.below(4) as u64).id)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    image.favorite = dice.one_in(6);
    image.rating = dice.one_in(3).then(|| 1 + dice.below(5) as u8);
}

fn image(dice: &mut Dice, n: usize) -> SavedImage {
    // Three of each millisecond.
    let mut image = saved_image(n as u64, n as i64 / 3);
    let text = if dice.one_in(12) { dice.very_many_words() } else { dice.words(7) };
    image.prompt = (!dice.one_in(10)).then_some(text);
    (image.width, image.height) = dice.of(&SIZES);
    image.source.seed = (!dice.one_in(5)).then(|| Seed(dice.below(25) as u32));
    image.source.request = (!dice.one_in(8)).then(|| {
        let mut request = request_with(|_| ());
        request.model = dice.of(&MODELS).parse().expect("a good name");
        request
    });
    image.parent = dice.one_in(4).then(|| {
        let parent = dice.below(12);
        Parent { id: saved_image(parent as u64, parent as i64 / 3).id, relation: Relation::Remix }
    });
    touch(dice, &mut image);
    image
}

/// Saves, edits, trashes, restores and deletes; gives what is left.
async fn fill(repo: &dyn MetadataRepo, dice: &mut Dice) -> Vec<SavedImage> {
    let mut left = Vec::new();
    for n in 0..IMAGES {
        let mut image = save(repo, image(dice, n)).await;
        if dice.one_in(4) {
            image = edit(repo, &image, |image| touch(dice, image)).await;
        }
        if dice.one_in(6) {
            image = edit(repo, &image, |image| image.trashed_at = Some(START)).await;
        }
        if image.trashed_at.is_some() && dice.one_in(4) {
            image = edit(repo, &image, |image| image.trashed_at = None).await;
        }
        if dice.one_in(12) {
            repo.delete(&image.owner, &image.id, image.version).await.expect("delete");
        } else {
            left.push(image);
        }
    }
    left
}

/// A word, the start of one, or two side by side; of this image where it has a text.
fn text(dice: &mut Dice, image: &SavedImage) -> String {
    let texts = [&image.title, &image.prompt, &image.note].into_iter().flatten().cloned();
    let texts: Vec<_> = texts.chain(image.tags.iter().cloned()).chain([dice.words(3)]).collect();
    let text = dice.of(&texts);
    let words: Vec<_> = text.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let at = dice.below(words.len());
    match dice.below(5) {
        0 => format!("\"{}\"", words[at..].iter().take(2).copied().collect::<Vec<_>>().join(" ")),
        1 | 2 => format!("{}*", words[at].chars().take(1 + dice.below(4)).collect::<String>()),
        _ => words[at].to_owned(),
    }
}

/// A filter of one to four parts, most of which fit one of the images.
fn filter(dice: &mut Dice, images: &[SavedImage]) -> ImageFilter {
    let like = images[dice.below(images.len())].clone();
    let mut filter = ImageFilter::default();
    for _ in 0..=dice.below(4) {
        match dice.below(12) {
            0..=2 => filter.text = query(dice, &like).unwrap_or_default(),
            3 => filter.tags = like.tags.iter().take(2).map(|tag| tag.to_uppercase()).collect(),
            4 => filter.collections = like.collections.iter().take(1 + dice.below(2)).copied().collect(),
            5 => filter.parent = like.parent.as_ref().map(|parent| parent.id),
            6 => filter.has_parent = Some(like.parent.is_some()),
            7 => filter.favorite = Some(like.favorite),
            8 => filter.rating = like.rating,
            9 => filter.model = like.source.request.as_ref().map(|request| request.model.clone()),
            10 => filter.seed = like.source.seed,
            _ if dice.one_in(2) => {
                (filter.from, filter.to) =
                    (Some(at(dice.below(30) as i64)), Some(at(30 + dice.below(50) as i64)));
            }
            _ => (filter.width, filter.height) = (Some(like.width), dice.one_in(2).then_some(like.height)),
        }
    }
    filter
}

/// `None` where there is no word in what was rolled.
fn query(dice: &mut Dice, like: &SavedImage) -> Option<TextQuery> {
    let parts: Vec<_> = (0..=dice.below(2)).map(|_| text(dice, like)).collect();
    TextQuery::parse(&parts.join(" ")).ok()
}

/// What a plain look at each image finds, oldest first.
fn scan(images: &[SavedImage], query: &ImageQuery) -> Vec<ImageId> {
    let wanted = images.iter().filter(|image| query.wants(image, START));
    let mut found: Vec<_> = wanted.map(|image| (image.saved_at, image.id)).collect();
    found.sort();
    found.into_iter().map(|(_, id)| id).collect()
}

/// Whether the filter wants a facet that fewer than one in eight have together with one that more have: a store may look
/// up the first and leave the second to the records.
fn is_mixed(images: &[SavedImage], filter: &ImageFilter) -> bool {
    let has = |facet: &String| images.iter().filter(|image| facets(image).any(|has| has == *facet)).count();
    let (rare, common): (Vec<_>, Vec<_>) = filter.facets().partition(|facet| has(facet) * 8 <= images.len());
    !rare.is_empty() && !common.is_empty()
}

async fn filters_find_what_a_plain_scan_finds(repo: Arc<dyn MetadataRepo>) {
    let mut dice = Dice(4);
    let images = fill(&*repo, &mut dice).await;
    let (mut found_some, mut mixed, mut tried) = (0, 0, 0);
    let started = Instant::now();
    while tried < FILTERS && (tried < FILTERS_MIN || started.elapsed() < TIME) {
        tried += 1;
        let filter = filter(&mut dice, &images);
        let query = ImageQuery { trashed: dice.one_in(6), filter, ..pages_of(1) };
        let wanted = scan(&images, &query);
        found_some += usize::from(!wanted.is_empty());
        mixed += usize::from(!wanted.is_empty() && is_mixed(&images, &query.filter));
        // On up to three pages.
        let limit = PageSize::new(1 + wanted.len() as i64 / 3).expect("a good size");
        let query = ImageQuery { limit, ..query };
        let newest = walk(&*repo, query.clone()).await;
        assert_eq!(newest, backwards(wanted.clone()), "filter {tried}, newest first: {query:?}");
        let oldest = walk(&*repo, ImageQuery { sort: Sort::Oldest, ..query.clone() }).await;
        assert_eq!(oldest, wanted, "filter {tried}, oldest first: {query:?}");
    }
    assert!(found_some * 2 > tried, "only {found_some} filters of {tried} find anything");
    assert!(mixed * 20 > tried, "only {mixed} filters of {tried} mix rare and common facets");
}
