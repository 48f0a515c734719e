//! A picture someone decided to keep.

use super::{
    BlobId, Checker, CollectionId, ContentType, GenerationRequest, ImageId, InvalidInput, JobId, Labels,
    OwnerId, Seed, ThumbHash, Timestamp, composed, folded,
    generation::{check_labels, is_forbidden_control},
    has_lines, limits,
};
use serde::{Deserialize, Serialize};

/// Counts the changes of a saved image, from 1. A writer names the version it read; another one is a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version(pub u64);

impl Version {
    /// The version of a new image.
    pub const FIRST: Self = Self(1);

    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Where a saved image came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ImageSource {
    /// The job that made it and its place there.
    pub job: Option<(JobId, u32)>,
    /// Everything it was made with.
    pub request: Option<GenerationRequest>,
    /// The seed it was drawn from.
    pub seed: Option<Seed>,
}

/// How an image came from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// Its request was the other's, changed.
    Remix,
    /// It was drawn over the other, or is another form of it.
    Variant,
}

impl Relation {
    /// Every relation.
    pub const ALL: [Self; 2] = [Self::Remix, Self::Variant];

    /// The relation's name in requests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Remix => "remix",
            Self::Variant => "variant",
        }
    }
}

/// The image another one came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// The owner's image; it may have been erased since.
    pub id: ImageId,
    /// How the other came from it.
    pub relation: Relation,
}

/// A saved image: what is known of it. Its bytes are in the image store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SavedImage {
    /// Its id.
    pub id: ImageId,
    /// Whose it is.
    pub owner: OwnerId,
    /// The address of its bytes; an owner has one image per address.
    pub sha256: BlobId,
    /// What the bytes are.
    pub content_type: ContentType,
    /// How many bytes.
    pub bytes: u64,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// What is shown until the bytes are there; records of before it was made have none.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "thumbhash")]
    pub thumb_hash: Option<ThumbHash>,
    /// What it was drawn from, where known.
    pub prompt: Option<String>,
    /// Where it came from.
    pub source: ImageSource,
    /// The image it came from, where it came from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// A name its owner gave it.
    pub title: Option<String>,
    /// Words of its owner about it.
    pub note: Option<String>,
    /// Its tags, sorted, each once.
    pub tags: Vec<String>,
    /// The collections it is in, sorted, each once; one that was deleted since means nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<CollectionId>,
    /// Whether its owner likes it most.
    pub favorite: bool,
    /// 1 to 5.
    pub rating: Option<u8>,
    /// The client's own names and values.
    pub labels: Labels,
    /// When it was saved.
    pub saved_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was put in the trash.
    pub trashed_at: Option<Timestamp>,
    /// Counts its changes.
    pub version: Version,
}

impl SavedImage {
    /// Whether it may still be shown: an image in the trash only until its retention ends.
    pub fn is_shown(&self, now: Timestamp) -> bool {
        self.trashed_at.is_none_or(|at| now < at.after(limits::TRASH_RETENTION))
    }
}

/// A change of a saved image. The outer `None` leaves a field as it is, the inner `None` (JSON `null`) clears it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImageEdit {
    /// A new title.
    #[serde(deserialize_with = "given")]
    pub title: Option<Option<String>>,
    /// A new note.
    #[serde(deserialize_with = "given")]
    pub note: Option<Option<String>>,
    /// All tags.
    pub tags: Option<Vec<String>>,
    /// All collections.
    pub collections: Option<Vec<CollectionId>>,
    /// Whether it is a favourite.
    pub favorite: Option<bool>,
    /// A new rating.
    #[serde(deserialize_with = "given")]
    pub rating: Option<Option<i64>>,
    /// All labels.
    pub labels: Option<Labels>,
}

/// Tells `null` from a missing field.
pub(super) fn given<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

impl ImageEdit {
    /// Whether these are tags an image may have.
    ///
    /// # Errors
    /// Each that is none, by its place below `pointer`.
    pub fn check_tags(pointer: &str, tags: &[String]) -> Result<(), InvalidInput> {
        let mut check = Checker::default();
        clean_tags(&mut check, pointer, tags);
        check.finish(Some(()))
    }

    /// Whether these are no more collections than an image may be in.
    ///
    /// # Errors
    /// Names `pointer`.
    pub fn check_collections(pointer: &str, collections: &[CollectionId]) -> Result<(), InvalidInput> {
        let mut check = Checker::default();
        clean_collections(&mut check, pointer, collections);
        check.finish(Some(()))
    }

    /// Whether this is a rating.
    ///
    /// # Errors
    /// Names `/rating`.
    pub fn check_rating(rating: i64) -> Result<(), InvalidInput> {
        let mut check = Checker::default();
        clean_rating(&mut check, rating);
        check.finish(Some(()))
    }

    /// The change of `image` that adds what this one notes and replaces nothing: tags (however they are capitalised),
    /// collections and labels that it does not have, as many as there is room for, title and rating where it has none, a note
    /// below its own.
    #[must_use]
    pub fn adding_to(&self, image: &SavedImage) -> Self {
        let title = if image.title.is_some() { None } else { self.title.clone() };
        let rating = if image.rating.is_some() { None } else { self.rating };
        let tags = self.tags.as_ref().map(|tags| added_tags(&image.tags, tags));
        let collections = self.collections.as_ref().map(|ids| added_collections(&image.collections, ids));
        let note = self.note.as_ref().map(|note| added_note(image.note.as_deref(), note.as_deref()));
        let labels = self.labels.as_ref().map(|labels| added_labels(&image.labels, labels));
        Self {
            title,
            note,
            tags,
            collections,
            favorite: self.favorite.filter(|liked| *liked),
            rating,
            labels,
        }
    }

    /// Applies the change and counts the version up; a bad field leaves the image as it was.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn apply(&self, image: &SavedImage, now: Timestamp) -> Result<SavedImage, InvalidInput> {
        let mut check = Checker::default();
        let mut edited = image.clone();
        if let Some(title) = &self.title {
            edited.title = text(&mut check, "/title", title.as_deref(), limits::TITLE_CHARS);
        }
        if let Some(note) = &self.note {
            edited.note = text(&mut check, "/note", note.as_deref(), limits::NOTE_CHARS);
        }
        if let Some(tags) = &self.tags {
            edited.tags = clean_tags(&mut check, "/tags", tags);
        }
        if let Some(collections) = &self.collections {
            edited.collections = clean_collections(&mut check, "/collections", collections);
        }
        if let Some(favorite) = self.favorite {
            edited.favorite = favorite;
        }
        if let Some(rating) = self.rating {
            edited.rating = rating.and_then(|rating| clean_rating(&mut check, rating));
        }
        if let Some(labels) = &self.labels {
            check_labels(&mut check, "/labels", labels);
            edited.labels.clone_from(labels);
        }
        edited.updated_at = now;
        edited.version = image.version.next();
        check.finish(Some(edited))
    }
}

fn added_tags(have: &[String], tags: &[String]) -> Vec<String> {
    let mut all = have.to_vec();
    for tag in tags.iter().map(|tag| tag.trim()) {
        let is_new = !all.iter().any(|have| folded(have) == folded(tag));
        if is_new && all.len() < limits::TAGS_MAX {
            all.push(tag.to_owned());
        }
    }
    all
}

fn added_collections(have: &[CollectionId], ids: &[CollectionId]) -> Vec<CollectionId> {
    let mut all = have.to_vec();
    for id in ids {
        if !all.contains(id) && all.len() < limits::COLLECTIONS_OF_IMAGE_MAX {
            all.push(*id);
        }
    }
    all
}

fn added_labels(have: &Labels, labels: &Labels) -> Labels {
    let mut all = have.clone();
    for (name, value) in labels {
        if !all.contains_key(name) && all.len() < limits::LABELS_MAX {
            all.insert(name.clone(), value.clone());
        }
    }
    all
}

/// Both notes, if the one does not hold the lines of the other and there is room for both; else the one that is there.
fn added_note(have: Option<&str>, note: Option<&str>) -> Option<String> {
    let (have, note) = (have.unwrap_or_default(), note.unwrap_or_default().trim());
    if have.is_empty() {
        return Some(note.to_owned());
    }
    let both = format!("{have}\n\n{note}");
    let adds = !has_lines(have, note) && both.chars().count() <= limits::NOTE_CHARS;
    Some(if adds { both } else { have.to_owned() })
}

pub(super) fn text(
    check: &mut Checker,
    pointer: &'static str,
    text: Option<&str>,
    max: usize,
) -> Option<String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    if text.chars().count() > max {
        check.refuse(pointer, "too_long", format!("at most {max} characters are allowed"));
    }
    if text.chars().any(is_forbidden_control) {
        check.refuse(pointer, "bad_character", "must not hold control characters");
    }
    Some(text.to_owned())
}

pub(super) fn clean_tags(check: &mut Checker, pointer: &str, tags: &[String]) -> Vec<String> {
    if tags.len() > limits::TAGS_MAX {
        check.refuse(pointer, "too_many", format!("at most {} tags are allowed", limits::TAGS_MAX));
        return Vec::new();
    }
    let mut cleaned = Vec::with_capacity(tags.len());
    for (index, tag) in tags.iter().enumerate() {
        let tag = composed(tag.trim());
        let fits =
            (1..=limits::TAG_CHARS).contains(&tag.chars().count()) && !tag.chars().any(char::is_control);
        if fits {
            cleaned.push(tag);
        } else {
            let detail = format!("a tag has 1 to {} characters and no control characters", limits::TAG_CHARS);
            check.refuse(format!("{pointer}/{index}"), "bad_tag", detail);
        }
    }
    cleaned.sort();
    cleaned.dedup();
    cleaned
}

pub(super) fn clean_collections(
    check: &mut Checker,
    pointer: &str,
    collections: &[CollectionId],
) -> Vec<CollectionId> {
    let mut cleaned = collections.to_vec();
    cleaned.sort();
    cleaned.dedup();
    if cleaned.len() > limits::COLLECTIONS_OF_IMAGE_MAX {
        let detail = format!("an image is in at most {} collections", limits::COLLECTIONS_OF_IMAGE_MAX);
        check.refuse(pointer, "too_many", detail);
    }
    cleaned
}

pub(super) fn clean_rating(check: &mut Checker, rating: i64) -> Option<u8> {
    let cleaned = u8::try_from(rating).ok().filter(|n| (1..=limits::RATING_MAX).contains(n));
    if cleaned.is_none() {
        let detail = format!("is {rating}; must be from 1 to {}, or null", limits::RATING_MAX);
        check.refuse("/rating", "out_of_range", detail);
    }
    cleaned
}
