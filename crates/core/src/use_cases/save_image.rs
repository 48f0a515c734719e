//! Keeping a picture.

use super::collections::{check_wanted, collections_there};
use crate::domain::{
    Blob, BlobId, Checker, CollectionId, ContentType, Entropy, GenerationRequest, ImageChange, ImageEdit,
    ImageId, ImageSource, InvalidInput, JobId, JobImage, JobStatus, Labels, OwnerId, Parent, Prompt, Refusal,
    SavedImage, Seed, ThumbHash, Timestamp, Version, limits,
};
use crate::error::{Error, ErrorKind, Result};
use crate::imaging::{self, ImageLimits, Picture};
use crate::ports::{InsertedImage, Ports};
use std::collections::HashSet;
use std::time::Duration;

/// How far a client's clock may be ahead of ours: what it says was saved in that time was saved now.
const CLOCK_AHEAD: Duration = Duration::from_secs(5 * 60);

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
        /// Where it comes from.
        origin: Box<Origin>,
    },
}

/// What a client knows of where an upload comes from. Nothing of it is proven.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// What it was drawn from; if not given, the request's.
    pub prompt: Option<Prompt>,
    /// Everything it was made with, on whatever server: the model may be one that this one does not have.
    pub request: Option<GenerationRequest>,
    /// The seed it was drawn from; if not given, the request's.
    pub seed: Option<Seed>,
    /// The image it came from, where it came from one.
    pub parent: Option<Parent>,
    /// When it was first saved; if not given, now.
    pub saved_at: Option<Timestamp>,
}

impl Origin {
    fn check(&self, now: Timestamp) -> std::result::Result<(), InvalidInput> {
        let mut check = Checker::default();
        if let Some(request) = &self.request {
            request.check(&mut check, "/request");
        }
        if self.saved_at.is_some_and(|at| at < Timestamp::from_millis(0) || at > now.after(CLOCK_AHEAD)) {
            check.refuse("/saved_at", "out_of_range", "must be from 1970 to now");
        }
        check.finish(Some(()))
    }
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
/// [`Error::Invalid`] for what an upload can't come from, [`Error::Port`].
pub async fn find_picture(ports: &Ports, owner: &OwnerId, from: SaveFrom, now: Timestamp) -> Result<Draft> {
    match from {
        SaveFrom::Job { id, index } => of_job(ports, owner, &id, index, now).await,
        SaveFrom::Upload { picture, origin } => {
            origin.check(now)?;
            check_parent(ports, owner, origin.parent.as_ref(), now).await?;
            Ok(of_upload(*picture, *origin))
        }
    }
}

/// Keeps a picture: first its bytes, then its record. The same bytes again are the same image; one in the trash
/// comes out of it. What is noted with them then takes the place of what was, or is [added](Draft::merging) to it.
///
/// # Errors
/// [`Error::Invalid`], [`Error::Port`].
pub async fn save_image(ports: &Ports, command: Save, now: Timestamp, entropy: &Entropy) -> Result<Saved> {
    let Save { owner, draft, edit } = command;
    let record = draft.record(ImageId::new(now, entropy), owner, now);
    let wanted = edit.collections.as_deref().unwrap_or_default();
    let there = collections_there(ports, &record.owner, wanted).await?;
    check_wanted("/collections", wanted, &there, &[])?;
    let mut record = edit.apply(&record, now)?;
    record.version = Version::FIRST;
    if !draft.held {
        // Also where the bytes are there already: it keeps them from being swept until the record points at them.
        ports.images.put(&draft.blob, now).await?;
    }
    let again = draft.saved_again(edit, there, now);
    loop {
        let image = match ports.metadata.insert(&record).await? {
            InsertedImage::Created => return Ok(Saved { image: record, created: true }),
            InsertedImage::Existing(image) => image,
        };
        // Past its retention and not swept yet: for its owner it does not exist.
        if !image.is_shown(now) {
            remove(ports, &image).await?;
            continue;
        }
        let changed = match again.apply(Some(&image)) {
            Ok(unchanged) if unchanged == *image => Ok(unchanged),
            _ => ports.metadata.change(&image.owner, &image.id, &again).await?,
        };
        match changed {
            Ok(image) => return Ok(Saved { image, created: false }),
            // It was erased in the meantime: the next insertion is of a new image.
            Err(Refusal::NotFound(_)) => {}
            Err(refusal) => return Err(refusal.into()),
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
    parent: Option<Parent>,
    labels: Labels,
    saved_at: Option<Timestamp>,
    merging: bool,
}

impl Draft {
    /// Where the picture is there already, what is noted with it is added: tags, collections and labels it does not have, as
    /// many as there is room for, and whatever else is not known of it yet. Nothing that is there is replaced.
    #[must_use]
    pub const fn merging(mut self) -> Self {
        self.merging = true;
        self
    }

    /// The change of the image that has these bytes already: out of the trash, and what `edit` notes in the place of what was,
    /// or [added](Self::merging) to it. Where that goes into collections, it leaves those that are not `there` any more.
    fn saved_again(self, edit: ImageEdit, there: HashSet<CollectionId>, now: Timestamp) -> ImageChange {
        ImageChange::new(now, move |image| {
            let mut image = SavedImage { trashed_at: None, ..image.clone() };
            if !self.merging {
                return Ok(edit.apply(&image, now)?);
            }
            if !there.is_empty() {
                image.collections.retain(|id| there.contains(id));
            }
            let mut merged = edit.adding_to(&image).apply(&image, now)?;
            self.complete(&mut merged);
            Ok(merged)
        })
    }

    /// What is known of this picture and was not of the one that is there.
    fn complete(&self, image: &mut SavedImage) {
        image.prompt = image.prompt.take().or_else(|| self.prompt.clone());
        image.parent = image.parent.or(self.parent.filter(|parent| parent.id != image.id));
        let ImageSource { job, request, seed } = &mut image.source;
        *job = job.or(self.source.job);
        *request = request.take().or_else(|| self.source.request.clone());
        *seed = seed.or(self.source.seed);
    }

    /// Looks at the picture once, for what is shown until it is there. Slow: keep it off async threads. A picture that
    /// can't be decoded is kept without.
    #[must_use]
    pub fn looked_at(mut self, limits: &ImageLimits) -> Self {
        self.thumb_hash = imaging::thumb_hash(self.blob.bytes(), self.blob.content_type(), limits).ok();
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
            parent: self.parent,
            title: None,
            note: None,
            tags: Vec::new(),
            collections: Vec::new(),
            favorite: false,
            rating: None,
            labels: self.labels.clone(),
            saved_at: self.saved_at.map_or(now, |at| at.min(now)),
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
        parent: job.request.parent,
        source: ImageSource { job: Some((job.id, index)), request: Some(job.request), seed: Some(seed) },
        saved_at: None,
        merging: false,
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

/// Refuses a parent that the owner does not have.
pub(super) async fn check_parent(
    ports: &Ports,
    owner: &OwnerId,
    parent: Option<&Parent>,
    now: Timestamp,
) -> Result<()> {
    match parent {
        Some(parent) if ports.metadata.find(owner, &parent.id, now).await?.is_none() => {
            Err(InvalidInput::field("/parent/id", "unknown", "there is no such image").into())
        }
        _ => Ok(()),
    }
}

fn of_upload(picture: Picture, origin: Origin) -> Draft {
    let Origin { prompt, request, seed, parent, saved_at } = origin;
    let prompt = prompt.or_else(|| request.as_ref().map(|request| request.prompt.clone()));
    let seed = seed.or(request.as_ref().map(|request| request.seed));
    Draft {
        blob: picture.blob,
        held: false,
        thumb_hash: None,
        width: picture.width,
        height: picture.height,
        prompt: prompt.map(String::from),
        source: ImageSource { job: None, request, seed },
        parent,
        labels: Labels::new(),
        saved_at,
        merging: false,
    }
}
