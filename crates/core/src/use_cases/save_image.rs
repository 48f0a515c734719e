//! Keeping a picture.

use super::edit_image::change;
use crate::domain::{
    Blob, BlobId, ContentType, Entropy, ImageEdit, ImageId, ImageSource, JobId, JobImage, JobStatus, Labels,
    OwnerId, Prompt, SavedImage, ThumbHash, Timestamp, Version, limits,
};
use crate::error::{Error, ErrorKind, Result};
use crate::imaging::{self, Picture};
use crate::ports::{InsertedImage, Ports};

/// What a client wants to keep.
#[derive(Clone, Debug)]
pub struct Save {
    /// Who keeps it.
    pub owner: OwnerId,
    /// The picture.
    pub draft: Draft,
    /// Title, tags and the like, set at once.
    pub edit: ImageEdit,
}

/// Where a picture to keep is.
#[derive(Clone, Debug)]
pub enum SaveFrom {
    /// In a job's results.
    Job {
        /// The job.
        id: JobId,
        /// Its place there, from 0.
        index: u32,
    },
    /// In the client's hands.
    Upload {
        /// The picture, decoded and checked by the entry.
        picture: Box<Picture>,
        /// What it was drawn from, where the client knows.
        prompt: Option<Prompt>,
    },
}

/// A kept picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// The image.
    pub image: SavedImage,
    /// Whether it is new; `false` if the owner had these bytes.
    pub created: bool,
}

/// Finds the picture that the owner wants to keep.
///
/// # Errors
/// [`Error::NotFound`] if there is no such job or image, [`Error::NotReady`] if the job has no images (yet),
/// [`Error::Port`].
pub async fn find_picture(ports: &Ports, owner: &OwnerId, from: SaveFrom, now: Timestamp) -> Result<Draft> {
    match from {
        SaveFrom::Job { id, index } => of_job(ports, owner, &id, index, now).await,
        SaveFrom::Upload { picture, prompt } => Ok(of_upload(*picture, prompt)),
    }
}

/// Keeps a picture: first its bytes, then its record. The same bytes again are the same image; one in the trash
/// comes out of it.
///
/// # Errors
/// [`Error::Invalid`], [`Error::Port`].
pub async fn save_image(ports: &Ports, command: Save, now: Timestamp, entropy: &Entropy) -> Result<Saved> {
    let Save { owner, draft, edit } = command;
    let record = draft.record(ImageId::new(now, entropy), owner, now);
    let mut record = edit.apply(&record, now)?;
    record.version = Version::FIRST;
    if !draft.held {
        // Also where the bytes are there already: it keeps them from being swept until the record points at them.
        ports.images.put(&draft.blob, now).await?;
    }
    loop {
        match ports.metadata.insert(&record).await? {
            InsertedImage::Created => return Ok(Saved { image: record, created: true }),
            // Past its retention and not swept yet: for its owner it does not exist.
            InsertedImage::Existing(image) if !image.is_shown(now) => remove(ports, &image).await?,
            InsertedImage::Existing(image) => {
                let image = untrash(ports, *image, now).await?;
                return Ok(Saved { image: edited(ports, image, &edit, now).await?, created: false });
            }
        }
    }
}

async fn remove(ports: &Ports, image: &SavedImage) -> Result<()> {
    match ports.metadata.delete(&image.owner, &image.id, image.version).await {
        // Someone else was at it: the next insertion shows what is there now.
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
        removed => Ok(removed?),
    }
}

/// A picture that is about to be kept.
#[derive(Clone, Debug)]
pub struct Draft {
    blob: Blob,
    /// Whether its bytes are there, and stay until the record points at them.
    held: bool,
    thumb_hash: Option<ThumbHash>,
    width: u32,
    height: u32,
    prompt: Option<String>,
    source: ImageSource,
    labels: Labels,
}

impl Draft {
    /// Looks at the picture once, for what is shown until it is there. Slow: keep it off async threads. A picture that
    /// can't be decoded is kept without.
    #[must_use]
    pub fn looked_at(mut self) -> Self {
        self.thumb_hash = imaging::thumb_hash(self.blob.bytes(), self.blob.content_type()).ok();
        self
    }

    fn record(&self, id: ImageId, owner: OwnerId, now: Timestamp) -> SavedImage {
        SavedImage {
            id,
            owner,
            sha256: *self.blob.id(),
            content_type: self.blob.content_type(),
            bytes: self.blob.bytes().len() as u64,
            width: self.width,
            height: self.height,
            thumb_hash: self.thumb_hash.clone(),
            prompt: self.prompt.clone(),
            source: self.source.clone(),
            title: None,
            note: None,
            tags: Vec::new(),
            favorite: false,
            rating: None,
            labels: self.labels.clone(),
            saved_at: now,
            updated_at: now,
            trashed_at: None,
            version: Version::FIRST,
        }
    }
}

async fn of_job(ports: &Ports, owner: &OwnerId, id: &JobId, index: u32, now: Timestamp) -> Result<Draft> {
    let job = ports.jobs.find(owner, id, now).await?.ok_or(Error::NotFound("job"))?;
    if job.status != JobStatus::Succeeded {
        return Err(Error::NotReady(format!(
            "the job is {}; only a succeeded one has images",
            job.status.name()
        )));
    }
    let image =
        job.images.iter().find(|image| image.index == index).ok_or(Error::NotFound("image in this job"))?;
    let blob = load(ports, image.sha256, image.content_type).await?;
    let JobImage { width, height, seed, .. } = *image;
    Ok(Draft {
        blob,
        // The job holds them, unless it is about to go.
        held: now.after(limits::BLOB_GRACE) < job.expires_at,
        thumb_hash: None,
        width,
        height,
        prompt: Some(job.request.prompt.as_str().to_owned()),
        labels: job.request.labels.clone(),
        source: ImageSource { job: Some((job.id, index)), request: Some(job.request), seed: Some(seed) },
    })
}

async fn load(ports: &Ports, id: BlobId, content_type: ContentType) -> Result<Blob> {
    let bytes = ports.images.get(&id).await.map_err(|error| {
        if error.kind() == ErrorKind::NotFound {
            Error::NotFound("image any more: the job's results have expired")
        } else {
            error.into()
        }
    })?;
    Ok(Blob::new(bytes, content_type))
}

fn of_upload(picture: Picture, prompt: Option<Prompt>) -> Draft {
    Draft {
        blob: picture.blob,
        held: false,
        thumb_hash: None,
        width: picture.width,
        height: picture.height,
        prompt: prompt.map(String::from),
        source: ImageSource::default(),
        labels: Labels::new(),
    }
}

/// A title or tags given with a picture that is there already are meant for it too.
async fn edited(ports: &Ports, image: SavedImage, edit: &ImageEdit, now: Timestamp) -> Result<SavedImage> {
    if *edit == ImageEdit::default() {
        return Ok(image);
    }
    change(ports, &image.owner, &image.id, None, now, |image| Ok(edit.apply(image, now)?)).await
}

async fn untrash(ports: &Ports, image: SavedImage, now: Timestamp) -> Result<SavedImage> {
    if image.trashed_at.is_none() {
        return Ok(image);
    }
    change(ports, &image.owner, &image.id, None, now, |image| {
        Ok(SavedImage { trashed_at: None, ..image.clone() })
    })
    .await
}
