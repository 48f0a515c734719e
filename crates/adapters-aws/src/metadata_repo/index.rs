//! Under which headings an image stands in the index, and which of them a filter asks for. Only the library has one: a
//! trash is small and looked through.
//!
//! A heading is a word, or a facet that tells few images from many: a tag, a collection, a parent, a seed, a rating, a
//! favourite. What most images have (a size, a model, no favourite, no parent, words of one or two plain letters) is left to
//! the records.

use super::places::sort_key;
use crate::dynamodb::{Bounds, Key, Stretch, moment};
use std::{cmp::Reverse, collections::BTreeSet};
use tintype_core::domain::{
    ImageFilter, ImageQuery, OwnerId, Phrase, Position, SavedImage, Sort, facets, words,
};

/// Under how many headings an image stands at the most: with its record and places they fit into one transaction of
/// DynamoDB, which holds 100 writes. An image that has more stands under the first ones, and under [`overfull`].
pub(super) const HEADINGS_MAX: usize = 90;
/// How many headings of a filter are looked up; the records tell the rest.
const SOUGHT_MAX: usize = 6;
/// How many letters of a word are indexed.
const WORD_CHARS: usize = 40;

/// A part of the index: images in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Heading {
    partition: String,
    /// What stands before the places in their sort keys.
    prefix: String,
}

/// What a filter asks of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sought {
    /// What stands under this heading.
    Heading(Heading),
    /// What stands under any word that begins so.
    Start(Heading),
}

impl Heading {
    /// A list as a whole.
    pub(super) const fn whole(partition: String) -> Self {
        Self { partition, prefix: String::new() }
    }

    /// The words of one first letter are together, so that those of one start are side by side. `#` comes before every
    /// letter and digit.
    fn word(owner: &OwnerId, word: &str) -> Self {
        let start = Self::start(owner, word);
        Self { prefix: format!("{}#", start.prefix), ..start }
    }

    fn start(owner: &OwnerId, word: &str) -> Self {
        let first: String = word.chars().take(1).collect();
        let prefix = word.chars().take(WORD_CHARS).collect();
        Self { partition: format!("WORDS#{owner}#{first}"), prefix }
    }

    fn facet(owner: &OwnerId, facet: &str) -> Self {
        Self::whole(format!("FACET#{owner}#{facet}"))
    }

    /// Where the image at `position` stands under it.
    pub(super) fn key(&self, position: &Position) -> Key {
        Key::new(&self.partition, format!("{}{}", self.prefix, sort_key(position)))
    }

    /// What `query` wants of it from `after` on, by its times alone; `None` if that is nothing.
    pub(super) fn stretch(&self, query: &ImageQuery, after: Option<&Position>) -> Option<Stretch> {
        let filter = &query.filter;
        // A moment alone stands before all places of its millisecond; `:` comes after every digit.
        let mut low = filter.from.map_or_else(|| "0".to_owned(), moment);
        let mut high = filter.to.map_or_else(|| ":".to_owned(), moment);
        match (query.sort, after) {
            (Sort::Newest, Some(after)) => high = just_before(sort_key(after)),
            (Sort::Oldest, Some(after)) => low = sort_key(after) + "!",
            (_, None) => {}
        }
        let bounds = Bounds::Between(format!("{}{low}", self.prefix), format!("{}{high}", self.prefix));
        let stretch = Stretch::of(&self.partition, bounds).keys_only();
        (low <= high).then(|| if query.sort == Sort::Newest { stretch.backwards() } else { stretch })
    }

    /// Everything whose prefix begins with this one's, in no useful order.
    pub(super) fn beginning(&self) -> Stretch {
        let last = format!("{}{}", self.prefix, char::MAX);
        Stretch::of(&self.partition, Bounds::Between(self.prefix.clone(), last)).keys_only()
    }
}

/// A text after all that come before `key`, and before it.
fn just_before(mut key: String) -> String {
    let last = key.pop().map_or(0, u32::from);
    key.extend(char::from_u32(last.saturating_sub(1)));
    key + "~"
}

/// Where images stand that have more headings than fit. They may be what any filter looks for.
pub(super) fn overfull(owner: &OwnerId) -> Heading {
    Heading::whole(format!("OVERFULL#{owner}"))
}

/// The headings of `image`.
pub(super) fn headings(image: &SavedImage) -> Vec<Heading> {
    if image.trashed_at.is_some() {
        return Vec::new();
    }
    let owner = &image.owner;
    let facets = facets(image).filter(|facet| is_indexed(facet)).map(|facet| Heading::facet(owner, &facet));
    let words = words(image).flatten().filter(|word| is_long(word));
    let words = words.map(|word| Heading::word(owner, &word));
    let mut seen = BTreeSet::new();
    let mut headings: Vec<_> = facets.chain(words).filter(|heading| seen.insert(heading.clone())).collect();
    if headings.len() > HEADINGS_MAX {
        headings.truncate(HEADINGS_MAX - 1);
        headings.push(overfull(owner));
    }
    headings
}

/// Whether a facet narrows a library enough to pay for a heading.
fn is_indexed(facet: &str) -> bool {
    let is_of = |names: [&str; 4]| names.iter().any(|name| facet.starts_with(name));
    !is_of(["width=", "height=", "size=", "model="])
        && !["favorite=false", "has_parent=false"].contains(&facet)
}

/// Words of one or two plain letters are in most texts, and not indexed. A letter that may be a word by itself has three
/// bytes.
fn is_long(word: &str) -> bool {
    word.len() > 2
}

/// What `filter` asks of the owner's index, those first that few images are likely to have. Nothing where the list must
/// be looked through.
pub(super) fn sought(owner: &OwnerId, filter: &ImageFilter) -> Vec<Sought> {
    let facets = filter.facets().filter(|facet| is_indexed(facet));
    let facets = facets.map(|facet| Sought::Heading(Heading::facet(owner, &facet)));
    let mut words: Vec<(&String, bool)> =
        filter.text.phrases().iter().flat_map(words_of).filter(|(word, _)| is_long(word)).collect();
    // A long word is rarer than a short one, and a whole one than a start.
    words.sort_by_key(|(word, is_start)| (*is_start, Reverse(word.len()), *word));
    words.dedup();
    let words = words.into_iter().map(|(word, is_start)| {
        if is_start {
            Sought::Start(Heading::start(owner, word))
        } else {
            Sought::Heading(Heading::word(owner, word))
        }
    });
    facets.chain(words).take(SOUGHT_MAX).collect()
}

/// The words of a phrase, and whether each may go on.
fn words_of(phrase: &Phrase) -> impl Iterator<Item = (&String, bool)> {
    let last = phrase.words().len().saturating_sub(1);
    phrase.words().iter().enumerate().map(move |(n, word)| (word, phrase.is_prefix() && n == last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_core::domain::TextQuery;
    use tintype_testkit::samples::{alice, at, saved_image};

    fn text(query: &str) -> ImageFilter {
        ImageFilter { text: TextQuery::parse(query).unwrap(), ..ImageFilter::default() }
    }

    #[test]
    fn an_image_with_too_many_words_stands_under_the_first_and_with_those_that_may_be_anything() {
        let prompt = |words: usize| Some((0..words).map(|n| format!("word{n} ")).collect::<String>());
        let plain = SavedImage { prompt: prompt(HEADINGS_MAX - 1), ..saved_image(1, 0) };
        let full = SavedImage { prompt: prompt(HEADINGS_MAX), ..plain.clone() };
        assert_eq!(headings(&plain).len(), HEADINGS_MAX, "its words and its seed");
        assert!(!headings(&plain).contains(&overfull(&alice())));
        assert_eq!(headings(&full).len(), HEADINGS_MAX);
        assert_eq!(headings(&full).last(), Some(&overfull(&alice())));
    }

    #[test]
    fn long_words_are_looked_up_before_short_ones_and_starts_last() {
        let owner = alice();
        let filter = ImageFilter { favorite: Some(true), ..text("red he* hea* a heart") };
        let expected = [
            Sought::Heading(Heading::facet(&owner, "favorite=true")),
            Sought::Heading(Heading::word(&owner, "heart")),
            Sought::Heading(Heading::word(&owner, "red")),
            Sought::Start(Heading::start(&owner, "hea")),
        ];
        assert_eq!(sought(&owner, &filter), expected);
    }

    #[test]
    fn what_most_images_have_is_not_looked_up() {
        let filter = ImageFilter {
            favorite: Some(false),
            has_parent: Some(false),
            width: Some(64),
            ..ImageFilter::default()
        };
        assert!(sought(&alice(), &filter).is_empty());
    }

    #[test]
    fn a_text_just_before_a_key_has_nothing_between() {
        for (key, earlier) in [("1#a0", "1#9f"), ("1#aa", "1#a9"), ("1#a1", "1#a0")] {
            let bound = just_before(key.to_owned());
            assert!(earlier < bound.as_str() && bound.as_str() < key, "{bound}");
        }
    }

    #[test]
    fn a_stretch_without_a_moment_in_it_is_not_asked_for() {
        let filter = ImageFilter { from: Some(at(2)), to: Some(at(1)), ..ImageFilter::default() };
        let query = ImageQuery { filter, ..ImageQuery::default() };
        assert!(overfull(&alice()).stretch(&query, None).is_none());
    }
}
