//! What a saved image can be found by, and what is looked for. [`ImageFilter::matches`] is the rule; a store may answer
//! from an index of [`words`] and [`facets`], and then gives the same images.

use super::saved_image::clean_tags;
use super::{
    Checker, CollectionId, ImageId, ImageQuery, InvalidInput, ModelName, SavedImage, Seed, Timestamp, folded,
    limits,
};
use std::collections::BTreeSet;

/// Words of a query, each of which must be in the image: `red heart`, `"red heart"` side by side, `hea*` as a start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextQuery {
    phrases: Vec<Phrase>,
}

/// Words side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    words: Vec<String>,
    /// Whether the last word may go on.
    is_prefix: bool,
}

impl TextQuery {
    /// Reads a query as a person types it. A quote that is not closed is closed at the end.
    ///
    /// # Errors
    /// Names `/q` if there is no word in it, or too many characters or words.
    pub fn parse(text: &str) -> Result<Self, InvalidInput> {
        let refuse = |code, detail| Err(InvalidInput::field("/q", code, detail));
        if text.chars().count() > limits::QUERY_CHARS {
            return refuse("too_long", format!("at most {} characters are allowed", limits::QUERY_CHARS));
        }
        let phrases: Vec<_> =
            text.split('"').enumerate().flat_map(|(n, part)| parse_part(part, n % 2 == 1)).collect();
        match phrases.len() {
            0 => refuse("no_word", "must hold a letter or a digit".to_owned()),
            1..=limits::QUERY_WORDS => Ok(Self { phrases }),
            _ => refuse("too_many", format!("at most {} words or quotes are allowed", limits::QUERY_WORDS)),
        }
    }

    /// What must be in the image, all of it.
    pub fn phrases(&self) -> &[Phrase] {
        &self.phrases
    }

    /// How well `image` answers the query: more for a title than for a tag, a prompt or a note, and for words that
    /// come often. Only for comparing images that match.
    pub fn score(&self, image: &SavedImage) -> u32 {
        let weights = [8, 4, 1].into_iter().chain(std::iter::repeat(6));
        fields(image).zip(weights).map(|(field, weight)| weight * self.hits(&field)).sum()
    }

    fn hits(&self, field: &[String]) -> u32 {
        /// More of the same says no more.
        const MOST: usize = 3;
        let hits: usize = self.phrases.iter().map(|phrase| phrase.starts_in(field).take(MOST).count()).sum();
        u32::try_from(hits).unwrap_or(u32::MAX)
    }
}

fn parse_part(part: &str, is_quoted: bool) -> Vec<Phrase> {
    let phrases = if is_quoted { vec![part] } else { part.split_whitespace().collect() };
    let phrase = |text: &str| Phrase { words: words_of(text), is_prefix: !is_quoted && text.ends_with('*') };
    phrases.into_iter().map(phrase).filter(|phrase| !phrase.words.is_empty()).collect()
}

impl Phrase {
    /// The words, in order.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// Whether the last word may go on.
    pub const fn is_prefix(&self) -> bool {
        self.is_prefix
    }

    /// Where in `field` it begins.
    fn starts_in<'a>(&'a self, field: &'a [String]) -> impl Iterator<Item = usize> + 'a {
        let windows = field.windows(self.words.len()).enumerate();
        windows.filter(|(_, window)| self.is(window)).map(|(start, _)| start)
    }

    fn is(&self, window: &[String]) -> bool {
        let Some((last, before)) = self.words.split_last() else { return true };
        let (found_last, found_before) = (&window[before.len()], &window[..before.len()]);
        let ends = if self.is_prefix { found_last.starts_with(last.as_str()) } else { found_last == last };
        ends && found_before == before
    }
}

/// Which of an owner's images: those that are all of this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFilter {
    /// With these words in title, prompt, note or tags.
    pub text: TextQuery,
    /// With all of these tags, however they are capitalised.
    pub tags: Vec<String>,
    /// In all of these collections.
    pub collections: Vec<CollectionId>,
    /// With a parent, or without one.
    pub has_parent: Option<bool>,
    /// That came from this image.
    pub parent: Option<ImageId>,
    /// A favourite, or not one.
    pub favorite: Option<bool>,
    /// With this rating or a better one.
    pub rating: Option<u8>,
    /// Made by this model.
    pub model: Option<ModelName>,
    /// So many pixels wide.
    pub width: Option<u32>,
    /// So many pixels high.
    pub height: Option<u32>,
    /// Drawn from this seed.
    pub seed: Option<Seed>,
    /// Saved at this time or later.
    pub from: Option<Timestamp>,
    /// Saved before this time.
    pub to: Option<Timestamp>,
}

impl ImageFilter {
    /// Tags as a client looks for them.
    ///
    /// # Errors
    /// Names `/tag` if there are too many, or one is none.
    pub fn parse_tags(tags: &[String]) -> Result<Vec<String>, InvalidInput> {
        let mut check = Checker::default();
        let tags = clean_tags(&mut check, "/tag", tags);
        check.finish(Some(tags))
    }

    /// Collections as a client looks for them.
    ///
    /// # Errors
    /// Names `/collection` if there are too many, or one is not the id of one.
    pub fn parse_collections(ids: &[String]) -> Result<Vec<CollectionId>, InvalidInput> {
        let refuse = |detail: String| InvalidInput::field("/collection", "bad_collection", detail);
        let parsed: Result<Vec<CollectionId>, _> = ids.iter().map(|id| id.parse()).collect();
        let parsed = parsed.map_err(|_| refuse("must be the id of a collection".to_owned()))?;
        let most = limits::COLLECTIONS_OF_IMAGE_MAX;
        if parsed.len() > most { Err(refuse(format!("at most {most} are allowed"))) } else { Ok(parsed) }
    }

    /// Whether it leaves nothing out.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether `image` is what is looked for.
    pub fn matches(&self, image: &SavedImage) -> bool {
        let (fields, found): (Vec<_>, BTreeSet<_>) = (fields(image).collect(), facets(image).collect());
        self.includes(image.saved_at)
            && self.facets().all(|facet| found.contains(&facet))
            && self
                .text
                .phrases
                .iter()
                .all(|phrase| fields.iter().any(|field| phrase.starts_in(field).next().is_some()))
    }

    /// Whether it includes images that were saved at this time.
    pub fn includes(&self, saved_at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= saved_at) && self.to.is_none_or(|to| saved_at < to)
    }

    /// The [`facets`] that an image must have, those first that the fewest images are likely to have.
    pub fn facets(&self) -> impl Iterator<Item = String> {
        let tags = self.tags.iter().map(|tag| tag_facet(tag));
        let collections = self.collections.iter().map(collection_facet);
        let others = [
            self.favorite.map(favorite_facet),
            self.rating.map(rating_facet),
            self.size_facet(),
            self.model.as_ref().map(model_facet),
            self.has_parent.map(has_parent_facet),
        ];
        let rare = [self.parent.as_ref().map(parent_facet), self.seed.map(seed_facet)];
        rare.into_iter().flatten().chain(tags).chain(collections).chain(others.into_iter().flatten())
    }

    /// A whole size is one facet: two sides that many images have may be a size that none has.
    fn size_facet(&self) -> Option<String> {
        match (self.width, self.height) {
            (Some(width), Some(height)) => Some(size_facet(width, height)),
            (width, height) => width.map(width_facet).or(height.map(height_facet)),
        }
    }

    /// The filter as one line, the same for the same filter: a cursor belongs to it.
    pub fn describe(&self) -> String {
        let words = self.text.phrases.iter().map(|phrase| {
            let star = if phrase.is_prefix { "*" } else { "" };
            format!("words={}{star}", phrase.words.join(" "))
        });
        let times = [self.from.map(|from| format!("from={from}")), self.to.map(|to| format!("to={to}"))];
        let all = words.chain(self.facets()).chain(times.into_iter().flatten());
        // Each with its length: a tag may hold any letter.
        all.map(|part| format!("{}:{part} ", part.len())).collect()
    }
}

impl ImageQuery {
    /// Whether `image` belongs to the list, wherever it starts.
    pub fn wants(&self, image: &SavedImage, now: Timestamp) -> bool {
        image.trashed_at.is_some() == self.trashed && image.is_shown(now) && self.filter.matches(image)
    }
}

/// The words of each text of `image`, text by text. A phrase does not reach from one into another.
pub fn words(image: &SavedImage) -> impl Iterator<Item = Vec<String>> {
    fields(image).filter(|field| !field.is_empty())
}

/// Title, prompt, note, then each tag; [`TextQuery::score`] weighs them in this order.
fn fields(image: &SavedImage) -> impl Iterator<Item = Vec<String>> {
    let texts = [image.title.as_deref(), image.prompt.as_deref(), image.note.as_deref()];
    let texts = texts.into_iter().map(Option::unwrap_or_default);
    texts.chain(image.tags.iter().map(String::as_str)).map(words_of)
}

/// The words of a text: runs of letters and digits, folded. Scripts that don't part their words are taken
/// letter by letter, so that a word is found as a phrase of its letters.
fn words_of(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in folded(text).chars() {
        if is_word_by_itself(letter) {
            words.push(letter.into());
            words.push(String::new());
        } else if letter.is_alphanumeric() {
            words.last_mut().into_iter().for_each(|word| word.push(letter));
        } else {
            words.push(String::new());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Han, Hiragana, Katakana, Thai, Lao and Khmer.
const fn is_word_by_itself(letter: char) -> bool {
    matches!(letter, '\u{0e00}'..='\u{0eff}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2ffff}')
}

/// Everything but its words and its time that `image` can be found by.
pub fn facets(image: &SavedImage) -> impl Iterator<Item = String> {
    let tags = image.tags.iter().map(|tag| tag_facet(tag));
    let ratings = (1..=image.rating.unwrap_or(0)).map(rating_facet);
    let model = image.source.request.as_ref().map(|request| model_facet(&request.model));
    let seed = image.source.seed.map(seed_facet);
    let parent = image.parent.as_ref().map(|parent| parent_facet(&parent.id));
    let collections = image.collections.iter().map(collection_facet);
    let always = [
        favorite_facet(image.favorite),
        width_facet(image.width),
        height_facet(image.height),
        size_facet(image.width, image.height),
        has_parent_facet(image.parent.is_some()),
    ];
    tags.chain(collections).chain(ratings).chain(model).chain(seed).chain(parent).chain(always)
}

fn tag_facet(tag: &str) -> String {
    format!("tag={}", folded(tag))
}

fn collection_facet(collection: &CollectionId) -> String {
    format!("collection={collection}")
}

fn parent_facet(parent: &ImageId) -> String {
    format!("parent={parent}")
}

fn has_parent_facet(has_parent: bool) -> String {
    format!("has_parent={has_parent}")
}

fn favorite_facet(favorite: bool) -> String {
    format!("favorite={favorite}")
}

/// Of this rating or a better one.
fn rating_facet(rating: u8) -> String {
    format!("rating={rating}")
}

fn model_facet(model: &ModelName) -> String {
    format!("model={model}")
}

fn width_facet(width: u32) -> String {
    format!("width={width}")
}

fn height_facet(height: u32) -> String {
    format!("height={height}")
}

fn size_facet(width: u32, height: u32) -> String {
    format!("size={width}x{height}")
}

fn seed_facet(seed: Seed) -> String {
    format!("seed={}", seed.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> TextQuery {
        TextQuery::parse(text).unwrap()
    }

    fn spelled(query: &TextQuery) -> Vec<(String, bool)> {
        query.phrases().iter().map(|phrase| (phrase.words().join(" "), phrase.is_prefix())).collect()
    }

    #[test]
    fn words_quotes_and_stars_are_read_as_a_person_means_them() {
        let spelled = spelled(&parse("Red  hea* \"Over the sea\" don't \"half open"));
        let expected =
            [("red", false), ("hea", true), ("over the sea", false), ("don t", false), ("half open", false)];
        assert_eq!(spelled, expected.map(|(words, star)| (words.to_owned(), star)));
    }

    #[test]
    fn a_query_without_a_word_or_with_too_many_is_refused_by_name() {
        for text in ["", "  ", "\"\"", "*", "¶ – !"] {
            assert_eq!(TextQuery::parse(text).unwrap_err().errors()[0].code, "no_word", "{text:?}");
        }
        let many = "a ".repeat(limits::QUERY_WORDS + 1);
        assert_eq!(TextQuery::parse(&many).unwrap_err().errors()[0].code, "too_many");
        let long = "a".repeat(limits::QUERY_CHARS + 1);
        assert_eq!(TextQuery::parse(&long).unwrap_err().errors()[0].code, "too_long");
    }

    #[test]
    fn scripts_without_spaces_are_taken_letter_by_letter() {
        assert_eq!(words_of("赤いハート red"), ["赤", "い", "ハ", "ー", "ト", "red"]);
        assert_eq!(spelled(&parse("ハート")), [("ハ ー ト".to_owned(), false)]);
    }

    #[test]
    fn the_same_filter_has_the_same_description_and_another_has_another() {
        let filter = ImageFilter { text: parse("red hea*"), rating: Some(3), ..ImageFilter::default() };
        assert_eq!(filter.describe(), "9:words=red 10:words=hea* 8:rating=3 ");
        let tags = |tags: &[&str]| ImageFilter {
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..filter.clone()
        };
        assert_ne!(tags(&["a", "b"]).describe(), tags(&["a 5:tag=b"]).describe());
        assert_eq!(ImageFilter::default().describe(), "");
    }
}
