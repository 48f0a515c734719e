//! The damage that was found in the database since the start.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// How many sentences are kept: the first of them tell enough.
const SENTENCES: usize = 20;

/// What was found, each sentence once.
#[derive(Debug)]
pub(crate) struct Damage {
    sentences: Mutex<Vec<String>>,
    /// How often damaged data was met.
    met: AtomicU64,
    /// How many commits the write-ahead log lost, at the most.
    lost_commits: u64,
}

impl Damage {
    pub(super) const fn new(lost_commits: u64) -> Self {
        Self { sentences: Mutex::new(Vec::new()), met: AtomicU64::new(0), lost_commits }
    }

    /// Keeps `sentence`, and logs it the first time.
    pub(crate) fn note(&self, sentence: &str) {
        self.met.fetch_add(1, Ordering::Relaxed);
        let mut sentences = self.sentences.lock().unwrap_or_else(PoisonError::into_inner);
        if sentences.len() < SENTENCES && !sentences.iter().any(|known| known == sentence) {
            tracing::error!(
                damage = sentence,
                "the database is damaged: nothing is deleted until it is repaired (`tintype check`)"
            );
            sentences.push(sentence.to_owned());
        }
    }

    /// What was found.
    pub(crate) fn sentences(&self) -> Vec<String> {
        self.sentences.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often damaged data was met.
    pub(crate) fn met(&self) -> u64 {
        self.met.load(Ordering::Relaxed)
    }

    /// How many commits the write-ahead log lost, at the most.
    pub(crate) const fn lost_commits(&self) -> u64 {
        self.lost_commits
    }
}
