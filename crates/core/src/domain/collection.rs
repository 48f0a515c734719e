//! A named set of saved images.

use super::{Checker, CollectionId, InvalidInput, OwnerId, Timestamp, Version, folded, limits, saved_image};
use serde::{Deserialize, Serialize};

/// A collection: what is known of it. Which images are in it is noted in each of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    /// Its id.
    pub id: CollectionId,
    /// Whose it is.
    pub owner: OwnerId,
    /// What its owner calls it.
    pub name: String,
    /// Words of its owner about it.
    pub note: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its name or note was last changed.
    pub updated_at: Timestamp,
    /// Counts those changes.
    pub version: Version,
}

impl Collection {
    /// Whether its owner would take `name` for its name.
    pub fn is_called(&self, name: &str) -> bool {
        folded(&self.name) == folded(name.trim())
    }

    /// Whether none of the owner's other collections has this one's name. `all` may hold this one too.
    ///
    /// # Errors
    /// Names `/name` and the other collection.
    pub fn check_name(&self, all: &[Self]) -> Result<(), InvalidInput> {
        match all.iter().find(|other| other.id != self.id && other.is_called(&self.name)) {
            None => Ok(()),
            Some(other) => {
                let detail = format!("is the name of another collection, {}", other.id);
                Err(InvalidInput::field("/name", "taken", detail))
            }
        }
    }

    /// Whether the owner of `others` may have this one too: its name is free, and there are fewer than
    /// [`COLLECTIONS_MAX`](limits::COLLECTIONS_MAX).
    ///
    /// # Errors
    /// Names `/name`.
    pub fn check_new(&self, others: &[Self]) -> Result<(), InvalidInput> {
        self.check_name(others)?;
        if others.len() >= limits::COLLECTIONS_MAX {
            let detail = format!("there are {} collections already, the most there may be", others.len());
            return Err(InvalidInput::field("/name", "too_many", detail));
        }
        Ok(())
    }
}

/// A change of a collection. The outer `None` leaves a field as it is, the inner `None` (JSON `null`) clears it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CollectionEdit {
    /// A new name.
    pub name: Option<String>,
    /// A new note.
    #[serde(deserialize_with = "saved_image::given")]
    pub note: Option<Option<String>>,
}

impl CollectionEdit {
    /// Applies the change; a bad field leaves the collection as it was. Versions and times are the caller's.
    ///
    /// # Errors
    /// Every field that is wrong.
    pub fn apply(&self, collection: &Collection) -> Result<Collection, InvalidInput> {
        let mut check = Checker::default();
        let mut edited = collection.clone();
        if let Some(name) = &self.name {
            match saved_image::text(&mut check, "/name", Some(name), limits::COLLECTION_NAME_CHARS) {
                Some(name) => edited.name = name,
                None => check.refuse("/name", "required", "must hold a character"),
            }
        }
        if let Some(note) = &self.note {
            edited.note = saved_image::text(&mut check, "/note", note.as_deref(), limits::NOTE_CHARS);
        }
        check.finish(Some(edited))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Entropy;

    fn collection() -> Collection {
        let now = Timestamp::from_millis(0);
        Collection {
            id: CollectionId::new(now, &Entropy([1; 32])),
            owner: OwnerId::local(),
            name: "Hearts".to_owned(),
            note: None,
            created_at: now,
            updated_at: now,
            version: Version::FIRST,
        }
    }

    #[test]
    fn a_name_is_the_same_however_it_is_capitalised() {
        assert!(collection().is_called(" hEARTS "));
        assert!(!collection().is_called("heart"));
    }

    #[test]
    fn a_name_without_a_character_and_a_note_that_is_too_long_are_both_named() {
        let note = Some(Some("x".repeat(limits::NOTE_CHARS + 1)));
        let edit = CollectionEdit { name: Some(" ".to_owned()), note };
        let error = edit.apply(&collection()).unwrap_err();
        let pointers: Vec<_> = error.errors().iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/name", "/note"]);
    }
}
