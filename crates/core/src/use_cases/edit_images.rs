//! Changing many saved images at once.

use super::collections::{check_wanted, collections_there};
use crate::domain::{
    CollectionId, ImageChange, ImageEdit, ImageId, InvalidInput, OwnerId, Refusal, SavedImage, Timestamp,
    composed, folded, limits,
};
use crate::error::{Error, Result};
use crate::ports::Ports;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use std::collections::{BTreeSet, HashSet};

/// How many images are changed at a time.
const AT_ONCE: usize = 16;

/// One change of many images, each as far as it applies. Repeating it changes nothing more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImagesEdit {
    /// Which images; at most [`EDIT_IMAGES_MAX`](limits::EDIT_IMAGES_MAX).
    pub ids: Vec<ImageId>,
    /// Tags they get.
    pub add_tags: Vec<String>,
    /// Tags they lose, however they are capitalised.
    pub remove_tags: Vec<String>,
    /// Collections they go into.
    pub add_to: Vec<CollectionId>,
    /// Collections they leave.
    pub remove_from: Vec<CollectionId>,
    /// Whether they are favourites.
    pub favorite: Option<bool>,
    /// A new rating; 0 for none.
    pub rating: Option<i64>,
    /// `true` puts them in the trash, `false` takes them out.
    pub trashed: Option<bool>,
}

/// What became of the images of an [`ImagesEdit`], each in the order in which they were named.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EditedImages {
    /// As they are now.
    pub images: Vec<SavedImage>,
    /// Which there are not.
    pub missing: Vec<ImageId>,
    /// Which could not be changed, and why: one has too many tags then, or is in the trash.
    pub refused: Vec<(ImageId, InvalidInput)>,
}

/// Changes the owner's images.
///
/// # Errors
/// [`Error::Invalid`] for what is wrong for every image; [`Error::Port`]: some images may be changed by then.
pub async fn edit_images(
    ports: &Ports,
    owner: &OwnerId,
    edit: &ImagesEdit,
    now: Timestamp,
) -> Result<EditedImages> {
    edit.check()?;
    let there = collections_there(ports, owner, &edit.add_to).await?;
    check_wanted("/add_to", &edit.add_to, &there, &[])?;
    let mut whole = edit.clone();
    for ids in [&mut whole.add_to, &mut whole.remove_from] {
        // Each once: an edit that names one again and again costs no more for each image.
        ids.sort();
        ids.dedup();
    }
    let change = &ImageChange::new(now, move |image| whole.apply(image, &there, now));
    let changes = edit.ids.iter().copied().map(|id| async move {
        Ok::<_, Error>((id, attempt(ports.metadata.change(owner, &id, change).await?)?))
    });
    let changed: Vec<_> = stream::iter(changes).buffered(AT_ONCE).try_collect().await?;
    let mut edited = EditedImages::default();
    for (id, outcome) in changed {
        match outcome {
            Attempt::Changed(image) => edited.images.push(*image),
            Attempt::Missing => edited.missing.push(id),
            Attempt::Refused(invalid) => edited.refused.push((id, invalid)),
        }
    }
    Ok(edited)
}

enum Attempt {
    Changed(Box<SavedImage>),
    Missing,
    Refused(InvalidInput),
}

fn attempt(changed: Result<SavedImage, Refusal>) -> Result<Attempt> {
    match changed {
        Ok(image) => Ok(Attempt::Changed(Box::new(image))),
        Err(Refusal::NotFound(_)) => Ok(Attempt::Missing),
        Err(Refusal::Invalid(invalid)) => Ok(Attempt::Refused(invalid)),
        Err(refusal @ Refusal::Stale { .. }) => Err(refusal.into()),
    }
}

impl ImagesEdit {
    /// What no image could be changed by is refused for all.
    fn check(&self) -> Result<(), InvalidInput> {
        if self.ids.is_empty() || self.ids.len() > limits::EDIT_IMAGES_MAX {
            let detail = format!("must name 1 to {} images", limits::EDIT_IMAGES_MAX);
            return Err(InvalidInput::field("/ids", "out_of_range", detail));
        }
        let lists = [("/add_tags", &self.add_tags), ("/remove_tags", &self.remove_tags)];
        lists.into_iter().try_for_each(|(pointer, tags)| ImageEdit::check_tags(pointer, tags))?;
        let lists = [("/add_to", &self.add_to), ("/remove_from", &self.remove_from)];
        lists.into_iter().try_for_each(|(pointer, ids)| ImageEdit::check_collections(pointer, ids))?;
        match self.rating {
            Some(rating) if rating != 0 => ImageEdit::check_rating(rating),
            _ => Ok(()),
        }
    }

    fn apply(
        &self,
        image: &SavedImage,
        there: &HashSet<CollectionId>,
        now: Timestamp,
    ) -> Result<SavedImage, Refusal> {
        let edit = self.of(image, there);
        let is_in_trash = image.trashed_at.is_some() && self.trashed != Some(false);
        if is_in_trash && edit != ImageEdit::default() {
            let detail = "is in the trash: restore it first";
            return Err(InvalidInput::field("/ids", "in_trash", detail).into());
        }
        // By the names of this request's fields.
        ImageEdit::check_tags("/add_tags", edit.tags.as_deref().unwrap_or_default())?;
        ImageEdit::check_collections("/add_to", edit.collections.as_deref().unwrap_or_default())?;
        let mut edited = edit.apply(image, now)?;
        if let Some(trashed) = self.trashed {
            edited.trashed_at = trashed.then(|| image.trashed_at.unwrap_or(now));
        }
        Ok(edited)
    }

    /// The change of this one image. Where it goes into collections, it leaves those that are not `there` any more.
    fn of(&self, image: &SavedImage, there: &HashSet<CollectionId>) -> ImageEdit {
        let has_collection_changes = !self.add_to.is_empty() || !self.remove_from.is_empty();
        let collections = has_collection_changes.then(|| {
            let is_there = |id: &CollectionId| self.add_to.is_empty() || there.contains(id);
            let kept = image.collections.iter().filter(|id| !self.remove_from.contains(id) && is_there(id));
            kept.chain(&self.add_to).copied().collect()
        });
        let rating = self.rating.map(|rating| Some(rating).filter(|rating| *rating != 0));
        let tags = self.tags_of(image);
        ImageEdit { tags, collections, favorite: self.favorite, rating, ..ImageEdit::default() }
    }

    fn tags_of(&self, image: &SavedImage) -> Option<Vec<String>> {
        let is_removed =
            |tag: &str| self.remove_tags.iter().any(|removed| folded(removed.trim()) == folded(tag));
        let has_tag_changes = !self.add_tags.is_empty() || !self.remove_tags.is_empty();
        has_tag_changes.then(|| {
            let kept = image.tags.iter().filter(|tag| !is_removed(tag)).map(|tag| composed(tag));
            // Each once: a tag that the image has takes no room.
            let tags: BTreeSet<_> =
                kept.chain(self.add_tags.iter().map(|tag| composed(tag.trim()))).collect();
            tags.into_iter().collect()
        })
    }
}
