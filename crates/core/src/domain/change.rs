//! Changes of stored records. A store applies a change to the record that it holds at that moment, so that no other
//! write comes between the reading and the writing.

use super::{Collection, CollectionEdit, InvalidInput, SavedImage, Timestamp, Version};
use std::{fmt, sync::Arc};

/// Why a store did not apply a change. The record stays as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The owner has no such record; the text says what is missing.
    NotFound(&'static str),
    /// The change is not valid for this record.
    Invalid(InvalidInput),
    /// The stored version is not one that the writer expects (`If-Match`).
    Stale {
        /// The version that is stored.
        current: Version,
    },
}

impl Refusal {
    /// The owner has no such image.
    pub const NO_IMAGE: Self = Self::NotFound("image");
    /// The owner has no such collection.
    pub const NO_COLLECTION: Self = Self::NotFound("collection");
}

impl From<InvalidInput> for Refusal {
    fn from(invalid: InvalidInput) -> Self {
        Self::Invalid(invalid)
    }
}

/// The versions of a record that a writer expects (`If-Match`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// Any version: the writer sent no condition.
    #[default]
    Any,
    /// One of these.
    OneOf(Vec<Version>),
}

impl Expected {
    /// The condition of a writer that names these versions; `None` for a writer without a condition.
    pub fn of(versions: Option<&[Version]>) -> Self {
        versions.map_or(Self::Any, |versions| Self::OneOf(versions.to_vec()))
    }

    /// Whether the writer expects the version `current`.
    ///
    /// # Errors
    /// [`Refusal::Stale`] if it does not.
    pub fn check(&self, current: Version) -> Result<(), Refusal> {
        match self {
            Self::OneOf(versions) if !versions.contains(&current) => Err(Refusal::Stale { current }),
            Self::OneOf(_) | Self::Any => Ok(()),
        }
    }
}

type EditImage = dyn Fn(&SavedImage) -> Result<SavedImage, Refusal> + Send + Sync;

/// A change of one saved image: the edit, the versions it expects, and the time it was asked for. A store may apply a
/// change more than once before it writes, so the edit has no side effects.
#[derive(Clone)]
pub struct ImageChange {
    edit: Arc<EditImage>,
    expected: Expected,
    now: Timestamp,
}

impl ImageChange {
    /// The change that `edit` makes of the stored image, at any version. `edit` leaves the version and the time of the
    /// change to [`apply`](Self::apply).
    pub fn new(
        now: Timestamp,
        edit: impl Fn(&SavedImage) -> Result<SavedImage, Refusal> + Send + Sync + 'static,
    ) -> Self {
        Self { edit: Arc::new(edit), expected: Expected::Any, now }
    }

    /// The same change, applied only to a version that `expected` allows.
    #[must_use]
    pub fn expecting(mut self, expected: Expected) -> Self {
        self.expected = expected;
        self
    }

    /// The image after the change, a version later; the stored image itself where the change alters nothing, which is
    /// then not written. A change never alters the id, the owner, the content address or the time of saving.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if nothing is stored or the image is past its retention, [`Refusal::Stale`], and what the
    /// edit refuses.
    pub fn apply(&self, stored: Option<&SavedImage>) -> Result<SavedImage, Refusal> {
        let stored = stored.filter(|image| image.is_shown(self.now)).ok_or(Refusal::NO_IMAGE)?;
        self.expected.check(stored.version)?;
        let unchanged = SavedImage {
            id: stored.id,
            owner: stored.owner.clone(),
            sha256: stored.sha256,
            saved_at: stored.saved_at,
            updated_at: stored.updated_at,
            version: stored.version,
            ..(self.edit)(stored)?
        };
        if unchanged == *stored {
            return Ok(unchanged);
        }
        Ok(SavedImage { version: stored.version.next(), updated_at: self.now, ..unchanged })
    }
}

impl fmt::Debug for ImageChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageChange")
            .field("expected", &self.expected)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// A change of one collection: the edit, the versions it expects, and the time it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionChange {
    /// The new name and note.
    pub edit: CollectionEdit,
    /// The versions it is applied to.
    pub expected: Expected,
    /// When it was asked for.
    pub now: Timestamp,
}

impl CollectionChange {
    /// The collection after the change, a version later; the stored collection itself where the change alters nothing,
    /// which is then not written. Where the name changes, the store also asks [`Collection::check_name`].
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if nothing is stored, [`Refusal::Stale`], [`Refusal::Invalid`].
    pub fn apply(&self, stored: Option<&Collection>) -> Result<Collection, Refusal> {
        let stored = stored.ok_or(Refusal::NO_COLLECTION)?;
        self.expected.check(stored.version)?;
        let edited = self.edit.apply(stored)?;
        if edited == *stored {
            return Ok(edited);
        }
        Ok(Collection { version: stored.version.next(), updated_at: self.now, ..edited })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Blob, CollectionId, ContentType, Entropy, ImageId, ImageSource, Labels, OwnerId, limits,
    };
    use std::time::Duration;

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn image() -> SavedImage {
        SavedImage {
            id: ImageId::new(NOW, &Entropy([1; 32])),
            owner: OwnerId::local(),
            sha256: *Blob::new("bytes".into(), ContentType::Png).id(),
            content_type: ContentType::Png,
            bytes: 5,
            width: 1,
            height: 1,
            thumb_hash: None,
            prompt: None,
            source: ImageSource::default(),
            parent: None,
            title: None,
            note: None,
            tags: vec![],
            collections: vec![],
            favorite: false,
            rating: None,
            labels: Labels::new(),
            saved_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
            trashed_at: None,
            version: Version(7),
        }
    }

    fn favorite() -> ImageChange {
        ImageChange::new(NOW, |image| Ok(SavedImage { favorite: true, ..image.clone() }))
    }

    #[test]
    fn a_change_counts_the_version_up_and_notes_the_time() {
        let changed = favorite().apply(Some(&image())).unwrap();
        assert_eq!(changed, SavedImage { favorite: true, version: Version(8), updated_at: NOW, ..image() });
    }

    #[test]
    fn a_change_that_alters_nothing_is_the_stored_image() {
        let stored = SavedImage { favorite: true, ..image() };
        assert_eq!(favorite().apply(Some(&stored)), Ok(stored));
    }

    #[test]
    fn a_change_does_not_alter_what_identifies_an_image() {
        let other = SavedImage {
            id: ImageId::new(NOW, &Entropy([2; 32])),
            owner: "other".parse().unwrap(),
            sha256: *Blob::new("other".into(), ContentType::Png).id(),
            saved_at: NOW,
            updated_at: NOW,
            version: Version(99),
            ..image()
        };
        let change = ImageChange::new(NOW, move |_| Ok(other.clone()));
        assert_eq!(change.apply(Some(&image())), Ok(image()));
    }

    #[test]
    fn a_change_of_an_unexpected_version_is_stale() {
        let change = |versions: &[Version]| favorite().expecting(Expected::of(Some(versions)));
        let stale = Err(Refusal::Stale { current: Version(7) });
        assert_eq!(change(&[Version(6), Version(8)]).apply(Some(&image())), stale);
        assert_eq!(change(&[]).apply(Some(&image())), stale);
        assert!(change(&[Version(6), Version(7)]).apply(Some(&image())).is_ok());
    }

    #[test]
    fn an_image_past_its_retention_is_not_found() {
        let trashed_at = |at: Timestamp| SavedImage { trashed_at: Some(at), ..image() };
        let gone = trashed_at(NOW.before(limits::TRASH_RETENTION));
        let kept = trashed_at(NOW.before(limits::TRASH_RETENTION - Duration::from_millis(1)));
        assert_eq!(favorite().apply(Some(&gone)), Err(Refusal::NO_IMAGE));
        assert!(favorite().apply(Some(&kept)).is_ok());
        assert_eq!(favorite().apply(None), Err(Refusal::NO_IMAGE));
    }

    #[test]
    fn a_collection_is_changed_by_the_same_rules() {
        let stored = Collection {
            id: CollectionId::new(NOW, &Entropy([1; 32])),
            owner: OwnerId::local(),
            name: "Hearts".to_owned(),
            note: None,
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
            version: Version::FIRST,
        };
        let renaming = |name: &str, expected: Expected| CollectionChange {
            edit: CollectionEdit { name: Some(name.to_owned()), note: None },
            expected,
            now: NOW,
        };
        let renamed =
            Collection { name: "Stars".to_owned(), version: Version(2), updated_at: NOW, ..stored.clone() };
        assert_eq!(renaming("Stars", Expected::Any).apply(Some(&stored)), Ok(renamed));
        assert_eq!(renaming("Hearts", Expected::Any).apply(Some(&stored)), Ok(stored.clone()));
        let stale = Refusal::Stale { current: Version::FIRST };
        assert_eq!(renaming("Stars", Expected::OneOf(vec![Version(2)])).apply(Some(&stored)), Err(stale));
        assert_eq!(renaming("Stars", Expected::Any).apply(None), Err(Refusal::NO_COLLECTION));
    }
}
