//! What clients see of a job, an image and an event: the same JSON over REST, SSE, WebSocket and in every deployment.

use crate::domain::{
    BlobId, Collection, CollectionId, ContentType, EventBody, GenerationRequest, ImageId, Job, JobError,
    JobEvent, JobId, JobImage, JobStatus, Labels, OwnerId, Parent, Progress, SavedImage, Seed, Seq,
    ThumbHash, Timestamp, Version, Warning,
};
use crate::error::PortResult;
use crate::ports::{LinkSigner, LinkTarget, Place, Preview};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::{Value, json};

/// A job as clients see it.
#[derive(Clone, Debug, Serialize)]
pub struct JobView {
    /// Its id.
    pub id: JobId,
    /// Where it stands.
    pub status: JobStatus,
    /// What is drawn, with every default filled in.
    pub request: GenerationRequest,
    /// Its images, once it succeeded.
    pub images: Vec<JobImageView>,
    /// Why it, or its last attempt, failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<JobError>,
    /// How far it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// Its place among its owner's waiting jobs, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_position: Option<u32>,
    /// When it is likely to be done, in seconds from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta_s: Option<u32>,
    /// What a person should know of it.
    pub warnings: Vec<Warning>,
    /// How often it was begun.
    pub attempts: u32,
    /// The job it repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<JobId>,
    /// The number of the last event in its log.
    pub last_seq: Seq,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it was first begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// From when it is not shown any more.
    pub expires_at: Timestamp,
    /// Where to go from here.
    pub links: JobLinks,
}

/// Where to go from a job: below the API's root, which [`JobView::below`] names.
#[derive(Clone, Debug, Serialize)]
pub struct JobLinks {
    /// The job.
    #[serde(rename = "self")]
    pub this: String,
    /// Its events, as Server-Sent Events.
    pub events: String,
    /// Stops it.
    pub cancel: String,
    /// Repeats it.
    pub retry: String,
}

impl JobLinks {
    fn of(id: &JobId, root: &str) -> Self {
        let this = format!("{root}/jobs/{id}");
        Self {
            events: format!("{this}/events"),
            cancel: format!("{this}/cancel"),
            retry: format!("{this}/retry"),
            this,
        }
    }
}

/// An image of a job as clients see it.
#[derive(Clone, Debug, Serialize)]
pub struct JobImageView {
    /// Its place in the job, from 0.
    pub index: u32,
    /// Where its bytes are.
    pub url: String,
    /// Where a small form of it is.
    pub thumbnail_url: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// What the bytes are.
    pub content_type: ContentType,
    /// How many bytes.
    pub bytes: u64,
    /// The SHA-256 of the bytes.
    pub sha256: BlobId,
    /// The seed it was drawn from.
    pub seed: Seed,
}

impl JobView {
    /// The view of `job`, with links that work from `now`.
    ///
    /// # Errors
    /// As [`LinkSigner::sign`].
    pub async fn of(
        job: Job,
        place: Option<Place>,
        links: &dyn LinkSigner,
        now: Timestamp,
    ) -> PortResult<Self> {
        let images = job_images(&job.images, &job.owner, &job.id, links, now).await?;
        Ok(Self {
            links: JobLinks::of(&job.id, ""),
            id: job.id,
            status: job.status,
            request: job.request,
            images,
            error: job.error,
            progress: job.progress,
            queue_position: place.map(|place| place.position),
            eta_s: place.and_then(|place| place.eta_s),
            warnings: job.warnings,
            attempts: job.attempts,
            retry_of: job.retry_of,
            last_seq: job.last_seq,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            expires_at: job.expires_at,
        })
    }

    /// The same view of an API whose root is at `root`, a URL without a slash at its end.
    #[must_use]
    pub fn below(self, root: &str) -> Self {
        Self { links: JobLinks::of(&self.id, root), ..self }
    }
}

async fn job_images(
    images: &[JobImage],
    owner: &OwnerId,
    job_id: &JobId,
    links: &dyn LinkSigner,
    now: Timestamp,
) -> PortResult<Vec<JobImageView>> {
    let mut views = Vec::with_capacity(images.len());
    for image in images {
        let target = LinkTarget::JobImage {
            owner: owner.clone(),
            job_id: *job_id,
            index: image.index,
            sha256: image.sha256,
            content_type: image.content_type,
        };
        let url = links.sign(&target, now).await?;
        views.push(JobImageView {
            index: image.index,
            // A result that is not saved has no small form of its own.
            thumbnail_url: url.clone(),
            url,
            width: image.width,
            height: image.height,
            content_type: image.content_type,
            bytes: image.bytes,
            sha256: image.sha256,
            seed: image.seed,
        });
    }
    Ok(views)
}

/// A saved image as clients see it.
#[derive(Clone, Debug, Serialize)]
pub struct ImageView {
    /// Its id.
    pub id: ImageId,
    /// Where its bytes are.
    pub url: String,
    /// Where a small form of it is.
    pub thumbnail_url: String,
    /// The SHA-256 of the bytes.
    pub sha256: BlobId,
    /// What the bytes are.
    pub content_type: ContentType,
    /// How many bytes.
    pub bytes: u64,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// A [`ThumbHash`] in base64, to be shown until the bytes are there; images saved before there were any have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbhash: Option<ThumbHash>,
    /// What it was drawn from, where known.
    pub prompt: Option<String>,
    /// Everything it was made with, where known.
    pub request: Option<GenerationRequest>,
    /// The seed it was drawn from, where known.
    pub seed: Option<Seed>,
    /// The job that made it.
    pub job_id: Option<JobId>,
    /// Its place in that job.
    pub job_index: Option<u32>,
    /// The image it came from, where it came from one.
    pub parent: Option<Parent>,
    /// A name its owner gave it.
    pub title: Option<String>,
    /// Words of its owner about it.
    pub note: Option<String>,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// The ids of the collections it is in; one that was deleted since means nothing.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trashed_at: Option<Timestamp>,
    /// Counts its changes; also its `ETag`.
    pub version: Version,
}

impl ImageView {
    /// The view of `image`, with links that work from `now`.
    ///
    /// # Errors
    /// As [`LinkSigner::sign`].
    pub async fn of(image: SavedImage, links: &dyn LinkSigner, now: Timestamp) -> PortResult<Self> {
        let original = LinkTarget::Original {
            owner: image.owner.clone(),
            image_id: image.id,
            sha256: image.sha256,
            content_type: image.content_type,
        };
        let thumbnail =
            LinkTarget::Thumbnail { owner: image.owner.clone(), image_id: image.id, sha256: image.sha256 };
        Ok(Self {
            url: links.sign(&original, now).await?,
            thumbnail_url: links.sign(&thumbnail, now).await?,
            id: image.id,
            sha256: image.sha256,
            content_type: image.content_type,
            bytes: image.bytes,
            width: image.width,
            height: image.height,
            thumbhash: image.thumb_hash,
            prompt: image.prompt,
            request: image.source.request,
            seed: image.source.seed,
            job_id: image.source.job.map(|(id, _)| id),
            job_index: image.source.job.map(|(_, index)| index),
            parent: image.parent,
            title: image.title,
            note: image.note,
            tags: image.tags,
            collections: image.collections,
            favorite: image.favorite,
            rating: image.rating,
            labels: image.labels,
            saved_at: image.saved_at,
            updated_at: image.updated_at,
            trashed_at: image.trashed_at,
            version: image.version,
        })
    }
}

/// A collection as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CollectionView {
    /// Its id.
    pub id: CollectionId,
    /// What its owner calls it.
    pub name: String,
    /// Words of its owner about it.
    pub note: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its name or note was last changed.
    pub updated_at: Timestamp,
    /// Counts those changes; also its `ETag`.
    pub version: Version,
}

impl From<Collection> for CollectionView {
    fn from(collection: Collection) -> Self {
        let Collection { id, name, note, created_at, updated_at, version, .. } = collection;
        Self { id, name, note, created_at, updated_at, version }
    }
}

/// A message to a client, over WebSocket or SSE.
///
/// A message with a `seq` is an event of the job's log: a client that has it drops it when it comes again. One
/// without (`job.preview`, `image.chunk`, `error`, answers) is sent once, to those who are there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    /// The version of this form: 1.
    pub v: u32,
    /// The sort of message.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The job it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<JobId>,
    /// Its number in the job's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// When it happened.
    pub time: Timestamp,
    /// What there is to know, by type.
    pub data: Value,
}

impl Message {
    /// A message that is not in any job's log.
    pub fn transient(kind: &'static str, job_id: Option<JobId>, time: Timestamp, data: Value) -> Self {
        Self { v: 1, kind, job_id, seq: None, time, data }
    }

    /// The message of a logged event, with links that work from `now`.
    ///
    /// # Errors
    /// As [`LinkSigner::sign`].
    pub async fn of(
        event: &JobEvent,
        owner: &OwnerId,
        links: &dyn LinkSigner,
        now: Timestamp,
    ) -> PortResult<Self> {
        let data = match &event.body {
            EventBody::Succeeded { images } => {
                json!({ "images": job_images(images, owner, &event.job_id, links, now).await? })
            }
            EventBody::Queued { attempts, error: None } => json!({ "attempts": attempts }),
            EventBody::Queued { attempts, error: Some(error) } => {
                json!({ "attempts": attempts, "error": error })
            }
            EventBody::Running { attempt } => json!({ "attempt": attempt }),
            EventBody::Progress(progress) => json!(progress),
            EventBody::Failed { error } => json!({ "error": error }),
            EventBody::Canceled {} | EventBody::Expired {} => json!({}),
        };
        Ok(Self {
            v: 1,
            kind: event.body.name(),
            job_id: Some(event.job_id),
            seq: Some(event.seq),
            time: event.time,
            data,
        })
    }

    /// The message of a picture on the way: its bytes go along as a data URL, because they are kept nowhere.
    pub fn preview(job_id: JobId, preview: &Preview, now: Timestamp) -> Self {
        let picture = &preview.picture;
        let image = format!("data:{};base64,{}", picture.content_type(), STANDARD.encode(picture.bytes()));
        let Progress { image: index, step, steps } = preview.progress;
        let data = json!({ "index": index, "step": step, "steps": steps, "image": image });
        Self::transient("job.preview", Some(job_id), now, data)
    }

    /// One part of an image's bytes, for those who asked for them `inline`.
    pub fn chunk(
        job_id: JobId,
        image: &JobImage,
        chunk: usize,
        chunks: usize,
        part: &[u8],
        now: Timestamp,
    ) -> Self {
        let data = json!({
            "index": image.index,
            "chunk": chunk,
            "chunks": chunks,
            "content_type": image.content_type,
            "sha256": image.sha256,
            "data": STANDARD.encode(part),
        });
        Self::transient("image.chunk", Some(job_id), now, data)
    }

    /// Whether it tells of its job's end.
    pub fn is_terminal(&self) -> bool {
        matches!(self.kind, "job.succeeded" | "job.failed" | "job.canceled" | "job.expired")
    }
}
