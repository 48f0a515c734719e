//! Values for tests: ids that are all different, small requests, jobs, images and blobs. Deterministic: the same
//! arguments give the same value.

use bytes::Bytes;
use fastrand::Rng;
use tintype_core::{
    domain::{
        ApiKey, Blob, BlobId, Collection, CollectionId, ContentType, Embedding, Entropy, GenerateInput,
        GenerationRequest, Idempotency, ImageId, ImageSource, JobError, JobId, JobImage, Labels, ModelCard,
        NewJob, OwnerId, SavedImage, Seed, SourceInput, ThumbHash, Ticket, Timestamp, Vectors, Version,
    },
    error::ErrorKind,
};

/// When the cases begin.
pub const START: Timestamp = Timestamp::from_millis(1_769_860_800_000);

/// The moment `millis` after [`START`].
pub const fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(START.as_millis() + millis)
}

/// The last moment before `moment`.
pub const fn just_before(moment: Timestamp) -> Timestamp {
    Timestamp::from_millis(moment.as_millis() - 1)
}

/// Random bytes number `n`.
pub fn entropy(n: u64) -> Entropy {
    Entropy(*BlobId::of(&n.to_be_bytes()).as_bytes())
}

/// Job id number `n`, of the moment `millis` after [`START`].
pub fn job_id(n: u64, millis: i64) -> JobId {
    JobId::new(at(millis), &entropy(n))
}

/// Image id number `n`, of the moment `millis` after [`START`].
pub fn image_id(n: u64, millis: i64) -> ImageId {
    ImageId::new(at(millis), &entropy(n))
}

/// The owner of this name.
pub fn owner(name: &str) -> OwnerId {
    name.parse().expect("a good owner")
}

/// The owner of what the cases make.
pub fn alice() -> OwnerId {
    owner("alice@example.com")
}

/// An owner who must see nothing of [`alice`]'s.
pub fn mallory() -> OwnerId {
    owner("mallory")
}

/// A request for [`ModelCard::example`], changed by `change` before it is checked.
pub fn request_with(change: impl FnOnce(&mut GenerateInput)) -> GenerationRequest {
    let mut input = GenerateInput { prompt: Some("red heart".to_owned()), ..GenerateInput::default() };
    change(&mut input);
    GenerationRequest::resolve(&input, SourceInput::default(), &ModelCard::example(), Seed(7))
        .expect("a good request")
}

/// A request for [`ModelCard::example`].
pub fn request() -> GenerationRequest {
    request_with(|_| ())
}

/// [`alice`]'s job number `n`, accepted `millis` after [`START`].
pub fn new_job(n: u64, millis: i64) -> NewJob {
    job_of(&alice(), n, millis)
}

/// The owner's job number `n`, accepted `millis` after [`START`].
pub fn job_of(owner: &OwnerId, n: u64, millis: i64) -> NewJob {
    NewJob {
        id: job_id(n, millis),
        owner: owner.clone(),
        request: request(),
        warnings: vec![],
        retry_of: None,
        now: at(millis),
    }
}

/// The key `name` for a request that `body` stands for.
pub fn key(name: &str, body: &str) -> Idempotency {
    Idempotency { key: name.parse().expect("a good key"), fingerprint: BlobId::of(body.as_bytes()) }
}

/// An error of an attempt.
pub fn failure() -> JobError {
    JobError {
        code: ErrorKind::Unavailable.code().to_owned(),
        message: "no answer".to_owned(),
        retryable: true,
    }
}

/// The error of an attempt that found no space for its result.
pub fn no_space() -> JobError {
    JobError {
        code: ErrorKind::Exhausted.code().to_owned(),
        message: "the disk is full".to_owned(),
        retryable: true,
    }
}

/// [`alice`]'s API key number `n`, made at [`START`], which lasts.
pub fn api_key(n: u64) -> ApiKey {
    ApiKey {
        hash: BlobId::of(format!("key number {n}").as_bytes()),
        owner: alice(),
        name: format!("key-{n}").parse().expect("a good name"),
        created_at: START,
        expires_at: None,
    }
}

/// [`alice`]'s ticket number `n`.
pub fn ticket(n: u64, expires_at: Timestamp) -> Ticket {
    Ticket {
        hash: BlobId::of(format!("ticket number {n}").as_bytes()),
        owner: alice(),
        key: Some(BlobId::of(b"key")),
        expires_at,
    }
}

/// Bytes number `n`. They are no picture: stores don't look inside.
pub fn blob(n: u64) -> Blob {
    Blob::new(Bytes::from(format!("blob number {n}")), ContentType::Png)
}

/// `length` bytes, the same for the same `n`.
pub fn large_blob(n: u8, length: usize) -> Blob {
    let bytes: Vec<u8> = (0..length).map(|index| (index % 251) as u8 ^ n).collect();
    Blob::new(bytes.into(), ContentType::Png)
}

/// An image of a job with the bytes of [`blob`] number `n`.
pub fn job_image(index: u32, n: u64) -> JobImage {
    let blob = blob(n);
    JobImage {
        index,
        sha256: *blob.id(),
        content_type: blob.content_type(),
        bytes: blob.bytes().len() as u64,
        width: 64,
        height: 64,
        seed: Seed(7).nth(index),
    }
}

/// [`alice`]'s collection number `n`.
pub fn collection(n: u64) -> Collection {
    Collection {
        // In the order of their numbers.
        id: CollectionId::new(at(n as i64), &entropy(n)),
        owner: alice(),
        name: format!("collection {n}"),
        note: None,
        created_at: START,
        updated_at: START,
        version: Version::FIRST,
    }
}

/// [`alice`]'s image number `n` with the bytes of [`blob`] number `n`, saved `millis` after [`START`].
pub fn saved_image(n: u64, millis: i64) -> SavedImage {
    image_of(&alice(), n, millis)
}

/// The owner's image number `n` with the bytes of [`blob`] number `n`, saved `millis` after [`START`].
pub fn image_of(owner: &OwnerId, n: u64, millis: i64) -> SavedImage {
    let blob = blob(n);
    SavedImage {
        id: image_id(n, millis),
        owner: owner.clone(),
        sha256: *blob.id(),
        content_type: blob.content_type(),
        bytes: blob.bytes().len() as u64,
        width: 64,
        height: 64,
        thumb_hash: ThumbHash::new(vec![7; 24]),
        prompt: Some("red heart".to_owned()),
        source: ImageSource {
            job: Some((job_id(n, millis), 0)),
            request: Some(request()),
            seed: Some(Seed(7)),
        },
        parent: None,
        title: None,
        note: None,
        tags: vec![],
        collections: vec![],
        favorite: false,
        rating: None,
        labels: Labels::new(),
        saved_at: at(millis),
        updated_at: at(millis),
        trashed_at: None,
        version: Version::FIRST,
    }
}

/// How near two vectors of one space are.
pub fn score(a: &Embedding, b: &Embedding) -> f32 {
    let mut vectors = Vectors::new(a.dimensions());
    vectors.set(image_id(1, 0), a);
    vectors.nearest(b, 1).first().expect("both are of one space").score
}

/// What becomes of a real file that is damaged in a few places, or by somebody who means it.
pub fn spoiled(file: &[u8], random: &mut Rng) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..random.usize(1..6) {
        if bytes.is_empty() {
            break;
        }
        let at = random.usize(..bytes.len());
        let end = (at + random.usize(1..64)).min(bytes.len());
        match random.u8(..8) {
            0 => bytes.truncate(at),
            1 => bytes[at..end].fill_with(|| random.u8(..)),
            2 => bytes[at..end].fill([0, 0xff, 0x7f, 0x80][random.usize(..4)]),
            3 => drop(bytes.drain(at..end)),
            4 => bytes.splice(at..at, file.iter().copied().take(random.usize(..file.len()))).for_each(drop),
            5 => bytes.splice(at..at, bytes[at..end].repeat(random.usize(1..40))).for_each(drop),
            // A number, where there is one, that lies.
            6 if end - at >= 4 => bytes[at..at + 4].copy_from_slice(&random.u32(..).to_be_bytes()),
            _ => bytes[at] ^= 1 << random.u8(..8),
        }
    }
    bytes
}
