//! What answers hold in memory until their clients have taken them: bounded in all, whatever the number of clients.

use crate::problem::{Answer, Code, Problem, chain};
use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use std::{
    collections::HashMap,
    ops::Range,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{OwnerId, limits},
    ports::BlobReader,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How long a request waits until there is room for its answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The memory for answers; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct AnswerMemory {
    /// For parts of stored images, in KiB.
    parts: Arc<Semaphore>,
    /// For answers that are in memory as a whole, in KiB.
    answers: Arc<Semaphore>,
    /// What each owner may have of it: half, so that nobody's slow clients keep others from theirs.
    shares: Arc<Mutex<HashMap<Option<OwnerId>, Weak<Semaphore>>>>,
}

impl Default for AnswerMemory {
    fn default() -> Self {
        Self {
            parts: Arc::new(Semaphore::new(limits::CONTENT_PARTS_BYTES / 1024)),
            answers: Arc::new(Semaphore::new(limits::ANSWERS_BYTES / 1024)),
            shares: Arc::default(),
        }
    }
}

/// Room for one answer. It is given back when this is dropped, with the bytes that [`Room::hold`] made of it.
#[derive(Debug)]
pub(crate) struct Room {
    of_owner: OwnedSemaphorePermit,
    of_all: OwnedSemaphorePermit,
}

/// Marks a response whose body's memory is accounted for, or is shared by all who ask for it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accounted;

/// Bytes, and the memory that was taken for them.
struct Held<T> {
    bytes: Bytes,
    _room: T,
}

impl<T> AsRef<[u8]> for Held<T> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn held<T: Send + 'static>(bytes: Bytes, room: T) -> Bytes {
    Bytes::from_owner(Held { bytes, _room: room })
}

/// The KiB that one owner's answers may take.
const SHARE: usize = limits::ANSWERS_BYTES / 1024 / 2;

/// Room for `bytes`, in the unit of the semaphores. What is larger than an owner's share takes all of it.
fn kib(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1024).min(SHARE as u64)).unwrap_or(u32::MAX)
}

fn too_full() -> Problem {
    let detail = "too many answers wait for their clients to take them; try again";
    Problem::new(Code::Unavailable, detail)
}

impl AnswerMemory {
    /// Waits for room for an answer of about `bytes` to `owner` that is yet to be made.
    ///
    /// # Errors
    /// `unavailable` if there is none for [`PATIENCE`].
    pub(crate) async fn room(&self, owner: &OwnerId, bytes: u64) -> Answer<Room> {
        let (share, all) = (self.share(Some(owner)), self.answers.clone());
        let room = async move {
            let of_owner = share.acquire_many_owned(kib(bytes)).await.ok()?;
            let of_all = all.acquire_many_owned(kib(bytes)).await.ok()?;
            Some(Room { of_owner, of_all })
        };
        timeout(PATIENCE, room).await.ok().flatten().ok_or_else(too_full)
    }

    /// Accounts for an answer that is made already. `owner` is whom it is for, where that is known.
    ///
    /// # Errors
    /// `unavailable` if there is no room: what waited here would be the memory that is not there.
    pub(crate) fn hold(&self, owner: Option<&OwnerId>, bytes: Bytes) -> Answer<Bytes> {
        let kib = kib(bytes.len() as u64);
        let of_owner = self.share(owner).try_acquire_many_owned(kib).map_err(|_| too_full())?;
        let of_all = self.answers.clone().try_acquire_many_owned(kib).map_err(|_| too_full())?;
        Ok(held(bytes, Room { of_owner, of_all }))
    }

    /// What `owner` may have of the memory. It is forgotten when none of it is taken.
    fn share(&self, owner: Option<&OwnerId>) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        let key = owner.cloned();
        if let Some(share) = shares.get(&key).and_then(Weak::upgrade) {
            return share;
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(SHARE));
        shares.insert(key, Arc::downgrade(&share));
        share
    }

    /// A body of the bytes in `range`, read as its client takes them. The first part is read before this returns, so
    /// that what can't be read is no answer.
    pub(crate) async fn streamed(&self, reader: Box<dyn BlobReader>, range: Range<u64>) -> PortResult<Body> {
        let mut content = Content { reader, memory: self.clone(), range };
        let first = content.part().await?;
        if content.range.is_empty() {
            return Ok(first.into());
        }
        let parts = stream::unfold((Some(first), content), |(first, mut content)| async {
            if let Some(first) = first {
                return Some((Ok(first), (None, content)));
            }
            if content.range.is_empty() {
                return None;
            }
            let part = content.part().await.inspect_err(|error| {
                tracing::error!(
                    cause = chain(error),
                    "an answer broke off: its bytes can't be read any more"
                );
            });
            Some((part, (None, content)))
        });
        Ok(Body::from_stream(parts))
    }

    /// How large the next part may be, and the memory that it takes.
    fn part(&self) -> (usize, Option<OwnedSemaphorePermit>) {
        let large = limits::CONTENT_PART_BYTES;
        match self.parts.clone().try_acquire_many_owned(kib(large as u64)) {
            Ok(permit) => (large, Some(permit)),
            // Nobody is refused: each goes on in small steps.
            Err(_) => (limits::CONTENT_SMALL_PART_BYTES, None),
        }
    }
}

impl Room {
    /// The bytes of the answer, which keep the room that they take. Room that was not needed is given back.
    ///
    /// # Errors
    /// `unavailable` if they need more than was taken and there is no more.
    pub(crate) fn hold(mut self, bytes: Bytes) -> Answer<Bytes> {
        let needed = kib(bytes.len() as u64);
        for permit in [&mut self.of_owner, &mut self.of_all] {
            resize(permit, needed).ok_or_else(too_full)?;
        }
        Ok(held(bytes, self))
    }
}

/// Takes more, or gives back what is not needed; `None` if there is no more.
fn resize(permit: &mut OwnedSemaphorePermit, needed: u32) -> Option<()> {
    let taken = u32::try_from(permit.num_permits()).unwrap_or(u32::MAX);
    if needed > taken {
        let more = Arc::clone(permit.semaphore()).try_acquire_many_owned(needed - taken).ok()?;
        permit.merge(more);
    } else {
        drop(permit.split((taken - needed) as usize));
    }
    Some(())
}

/// What is still to be sent of a stored image.
struct Content {
    reader: Box<dyn BlobReader>,
    memory: AnswerMemory,
    range: Range<u64>,
}

impl Content {
    /// Reads the next part. After an error nothing is left to read.
    async fn part(&mut self) -> PortResult<Bytes> {
        let (most, permit) = self.memory.part();
        let left = usize::try_from(self.range.end - self.range.start).unwrap_or(usize::MAX);
        let range = self.range.clone();
        self.range.start = range.end;
        let bytes = self.reader.read(range.start, most.min(left)).await?;
        if bytes.is_empty() && !range.is_empty() {
            let message = "the bytes ended before their length";
            return Err(PortError::new(ErrorKind::Data, "BlobReader::read", message));
        }
        self.range.start = range.start + bytes.len() as u64;
        Ok(match permit {
            Some(permit) => held(bytes, permit),
            None => bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;
    use tintype_core::ports::WholeBlob;

    fn reader(bytes: usize) -> Box<dyn BlobReader> {
        Box::new(WholeBlob(vec![7; bytes].into()))
    }

    async fn first_part(memory: &AnswerMemory) -> Bytes {
        let body = memory.streamed(reader(1024 * 1024), 0..1024 * 1024).await.unwrap();
        body.into_data_stream().next().await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_streamed_answer_holds_one_part_at_a_time() {
        let memory = AnswerMemory::default();
        let all = memory.parts.available_permits();
        let mut body = memory.streamed(reader(200_000), 0..200_000).await.unwrap().into_data_stream();
        let mut received = 0;
        while let Some(part) = body.next().await {
            received += part.unwrap().len();
            assert!(memory.parts.available_permits() >= all - limits::CONTENT_PART_BYTES / 1024);
        }
        assert_eq!((received, memory.parts.available_permits()), (200_000, all));
    }

    #[tokio::test]
    async fn parts_become_small_where_many_are_held_and_nobody_is_refused() {
        let memory = AnswerMemory::default();
        let most = limits::CONTENT_PARTS_BYTES / limits::CONTENT_PART_BYTES;
        let mut stalled = Vec::new();
        for _ in 0..most {
            stalled.push(first_part(&memory).await);
        }
        assert_eq!(first_part(&memory).await.len(), limits::CONTENT_SMALL_PART_BYTES);
        stalled.pop();
        assert_eq!(first_part(&memory).await.len(), limits::CONTENT_PART_BYTES);
    }

    /// A blob that is gone after its first part.
    #[derive(Debug)]
    struct Vanishing;

    #[async_trait::async_trait]
    impl BlobReader for Vanishing {
        fn bytes(&self) -> u64 {
            200_000
        }

        async fn read(&self, start: u64, most: usize) -> PortResult<Bytes> {
            match start {
                0 => Ok(vec![1; most].into()),
                _ => Err(PortError::new(ErrorKind::NotFound, "BlobReader::read", "gone")),
            }
        }
    }

    #[tokio::test]
    async fn an_answer_whose_bytes_are_gone_breaks_off_and_does_not_end() {
        let memory = AnswerMemory::default();
        let mut body = memory.streamed(Box::new(Vanishing), 0..200_000).await.unwrap().into_data_stream();
        assert!(body.next().await.unwrap().is_ok());
        assert!(body.next().await.unwrap().is_err());
        assert!(memory.streamed(Box::new(Vanishing), 1..200_000).await.is_err(), "no first part, no answer");
    }

    fn owner(name: &str) -> OwnerId {
        name.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_waits_for_room_and_is_then_refused() {
        let memory = AnswerMemory::default();
        let anna = owner("anna");
        let all = memory.room(&anna, limits::ANSWERS_BYTES as u64).await.unwrap();
        assert_eq!(memory.room(&anna, 1).await.unwrap_err().code(), Code::Unavailable);
        let waiting = tokio::spawn({
            let (memory, anna) = (memory.clone(), anna.clone());
            async move { memory.room(&anna, 1).await.map(drop) }
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(all);
        assert!(waiting.await.unwrap().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn an_owner_whose_clients_take_nothing_leaves_room_for_others() {
        let memory = AnswerMemory::default();
        let (anna, bert) = (owner("anna"), owner("bert"));
        let mut held = Vec::new();
        while let Ok(bytes) = memory.hold(Some(&anna), vec![1; 1024 * 1024].into()) {
            held.push(bytes);
        }
        assert_eq!(held.len(), limits::ANSWERS_BYTES / 2 / 1024 / 1024);
        assert!(memory.room(&anna, 1).await.is_err());
        assert!(memory.room(&bert, 1024 * 1024).await.is_ok());
        assert!(memory.hold(Some(&bert), vec![1; 1024 * 1024].into()).is_ok());
        drop(held);
        assert!(memory.hold(Some(&anna), vec![1; 1024 * 1024].into()).is_ok());
        // Who holds nothing is not remembered.
        drop(memory.share(Some(&owner("carl"))));
        assert_eq!(memory.shares.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn room_is_kept_by_the_bytes_and_by_every_part_of_them() {
        let memory = AnswerMemory::default();
        let anna = owner("anna");
        let all = memory.answers.available_permits();
        let bytes = memory.room(&anna, 10 * 1024).await.unwrap().hold(vec![1; 20 * 1024].into()).unwrap();
        let part = bytes.slice(5..6);
        drop(bytes);
        assert_eq!(memory.answers.available_permits(), all - 20);
        drop(part);
        assert_eq!(memory.answers.available_permits(), all);
        let less = memory.room(&anna, 10 * 1024).await.unwrap().hold(vec![1; 1024].into()).unwrap();
        assert_eq!(memory.answers.available_permits(), all - 1);
        drop(less);
    }
}
