//! What the clients were told: the only truth a server that crashed is measured by.

use std::collections::{BTreeMap, BTreeSet};

/// Everything that was acknowledged. What was asked and never answered may have happened or not.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// Accepted jobs, and how each ended as far as a client was told.
    pub(crate) jobs: BTreeMap<String, Option<String>>,
    /// Jobs that were accepted since the last look at all of them.
    pub(crate) fresh: BTreeSet<String>,
    /// Idempotency keys, with the request's prompt; and the job, if there was an answer.
    pub(crate) keys: BTreeMap<String, (String, Option<String>)>,
    /// Saved images and the hash of their bytes.
    pub(crate) images: BTreeMap<String, String>,
    /// What each picture that was put in the trash, taken out or erased may be by now: one thing, or what it was and what
    /// was asked for, where no answer came.
    pub(crate) lives: BTreeMap<String, BTreeSet<Life>>,
    /// Images that were saved since the last look.
    pub(crate) fresh_images: BTreeSet<String>,
}

/// Where a saved picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Life {
    Kept,
    Trashed,
    Erased,
}

impl Record {
    /// A job was accepted.
    pub(crate) fn accepted(&mut self, id: &str) {
        self.jobs.entry(id.to_owned()).or_default();
        self.fresh.insert(id.to_owned());
    }

    /// A key was answered with a job: always the same.
    pub(crate) fn keyed(&mut self, key: &str, id: &str) {
        let (_, known) = self.keys.get_mut(key).unwrap();
        let known = known.get_or_insert_with(|| id.to_owned());
        assert_eq!(known, id, "the key {key} was answered with two jobs");
    }

    /// A job was seen to have ended: so it stays.
    pub(crate) fn ended(&mut self, id: &str, status: &str) {
        let known = self.jobs.entry(id.to_owned()).or_default();
        let known = known.get_or_insert_with(|| status.to_owned());
        assert_eq!(known, status, "the job {id} ended twice");
    }

    /// A picture was kept.
    pub(crate) fn saved(&mut self, id: &str, sha256: &str) {
        let known = self.images.entry(id.to_owned()).or_insert_with(|| sha256.to_owned());
        assert_eq!(known, sha256, "the bytes of the image {id} changed");
        self.fresh_images.insert(id.to_owned());
    }

    /// A picture is about to become this; until there is an answer it may or may not have.
    pub(crate) fn becoming(&mut self, id: &str, life: Life) {
        self.lives.entry(id.to_owned()).or_insert_with(|| [Life::Kept].into()).insert(life);
    }

    /// A picture is this, as a client was told or saw.
    pub(crate) fn lives(&mut self, id: &str, life: Life) {
        let known = self.lives.entry(id.to_owned()).or_insert_with(|| [Life::Kept].into());
        assert!(known.contains(&life), "the image {id} is {life:?} and was told to be one of {known:?}");
        *known = [life].into();
    }

    pub(crate) fn summary(&self) -> String {
        format!(
            "{} jobs, {} keys, {} images were told of, {} of these in the trash or erased",
            self.jobs.len(),
            self.keys.len(),
            self.images.len(),
            self.lives.values().filter(|lives| !lives.contains(&Life::Kept)).count()
        )
    }
}
