//! Accepting a request: from here on the job reaches an end, whatever crashes.

use super::save_image::check_parent;
use crate::domain::{
    BlobId, Entropy, FieldError, GenerateInput, GenerationRequest, Idempotency, IdempotencyKey, InvalidInput,
    Job, JobId, ModelCard, ModelName, NewJob, OwnerId, Seed, SourceInput, Timestamp,
};
use crate::error::{Error, ErrorKind, PortError, Result};
use crate::imaging::{ImageLimits, Picture};
use crate::ports::{InsertedJob, Models, Ports};

/// What a client asks for.
#[derive(Clone, Debug)]
pub struct Submit {
    /// Who asks.
    pub owner: OwnerId,
    /// The request as it came.
    pub input: GenerateInput,
    /// Its pictures, decoded and checked by the entry.
    pub sources: Sources,
    /// The client's key for it.
    pub key: Option<IdempotencyKey>,
}

/// The pictures of a request, decoded and checked.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `init_image`.
    pub image: Option<Picture>,
    /// `mask_image`.
    pub mask: Option<Picture>,
}

/// An accepted job.
#[derive(Debug)]
pub struct Submitted {
    /// The job.
    pub job: Job,
    /// Whether the key had been used for it before, so that nothing new was accepted.
    pub replayed: bool,
    /// Why the workflow could not be started just now; the sweep starts it later. For the entry's log.
    pub start_error: Option<PortError>,
}

/// Accepts `command` and starts its job.
///
/// # Errors
/// [`Error::Invalid`] with every wrong field, [`Error::KeyReused`], [`Error::NotReady`] while another call with the
/// same key is being accepted, [`Error::Port`].
pub async fn submit(ports: &Ports, command: Submit, now: Timestamp, entropy: &Entropy) -> Result<Submitted> {
    let card = choose_model(&ports.models, &command.input)?;
    let address = |picture: &Option<Picture>| picture.as_ref().map(|picture| *picture.blob.id());
    let sources =
        SourceInput { image: address(&command.sources.image), mask: address(&command.sources.mask) };
    let request = GenerationRequest::resolve(&command.input, sources, card, Seed(entropy.seed()))?;
    let key = match command.key {
        Some(key) => Some(Idempotency { key, fingerprint: fingerprint(&command.input)? }),
        None => None,
    };
    match check_parent(ports, &command.owner, request.parent.as_ref(), now).await {
        Err(Error::Invalid(refused)) => {
            return repeated(ports, &command.owner, key.as_ref(), refused, now).await;
        }
        checked => checked?,
    }
    // Bytes first, then the row that points at them.
    for picture in [&command.sources.image, &command.sources.mask].into_iter().flatten() {
        ports.images.put(&picture.blob, now).await?;
    }
    let job = NewJob {
        id: JobId::new(now, entropy),
        owner: command.owner,
        warnings: card.warnings(request.prompt.as_str()),
        request,
        retry_of: None,
        now,
    };
    accept(ports, &job, key.as_ref()).await
}

/// The job of a request that would be `refused` now, where the key says that it was accepted before: its parent may have been
/// erased since.
async fn repeated(
    ports: &Ports,
    owner: &OwnerId,
    key: Option<&Idempotency>,
    refused: InvalidInput,
    now: Timestamp,
) -> Result<Submitted> {
    let Some(key) = key else { return Err(refused.into()) };
    match ports.jobs.find_by_key(owner, key, now).await? {
        Some(earlier) => start(ports, earlier).await,
        None => Err(refused.into()),
    }
}

/// Inserts `job` and starts it; shared with [`retry`](super::retry).
pub(super) async fn accept(ports: &Ports, job: &NewJob, key: Option<&Idempotency>) -> Result<Submitted> {
    let inserted = ports.jobs.insert(job, key).await.map_err(|error| {
        if error.kind() == ErrorKind::Conflict {
            Error::NotReady(
                "another request with this idempotency key is just being accepted; repeat it".to_owned(),
            )
        } else {
            error.into()
        }
    })?;
    start(ports, inserted).await
}

async fn start(ports: &Ports, inserted: InsertedJob) -> Result<Submitted> {
    let (job, replayed) = match inserted {
        InsertedJob::Created(job) => (*job, false),
        InsertedJob::Existing(job) => (*job, true),
        InsertedJob::KeyReused => return Err(Error::KeyReused),
    };
    // A replay starts it too: the first call may have died before it could.
    let unstarted = !job.status.is_terminal() && job.attempts == 0;
    let start_error = if unstarted { ports.workflow.start(&job).await.err() } else { None };
    Ok(Submitted { job, replayed, start_error })
}

fn choose_model<'a>(models: &'a Models, input: &GenerateInput) -> Result<&'a ModelCard, InvalidInput> {
    let unreadable = input.unreadable.iter().find(|error| error.pointer == "/model");
    if let Some(error) = unreadable {
        return Err(input.without_model(error.clone()));
    }
    let chosen = match &input.model {
        None => models.get(models.default_name()),
        Some(name) => name.parse::<ModelName>().ok().and_then(|name| models.get(&name)),
    };
    chosen.map(|model| model.card()).ok_or_else(|| {
        let names: Vec<_> = models.cards().map(|card| card.name.as_str()).collect();
        let detail = format!("must be one of: {}", names.join(", "));
        input.without_model(FieldError::new("/model", "unknown_model", detail))
    })
}

/// The hash of what was asked, however it was spelled.
fn fingerprint(input: &GenerateInput) -> Result<BlobId> {
    let json = serde_json::to_vec(input).map_err(|error| {
        PortError::new(ErrorKind::Internal, "submit::fingerprint", "the request can't be written as JSON")
            .with_source(error)
    })?;
    Ok(BlobId::of(&json))
}

impl Sources {
    /// Decodes and checks the pictures of `input`, and notes there which of its fields hold no good one. Slow: keep it
    /// off async threads.
    pub fn decode(input: &mut GenerateInput, limits: &ImageLimits) -> Self {
        let GenerateInput { init_image, mask_image, unreadable, .. } = input;
        let mut picture = |pointer: &str, text: &Option<String>| match crate::imaging::parse_upload(
            pointer,
            text.as_deref()?,
            limits,
        ) {
            Ok(picture) => Some(picture),
            Err(error) => {
                unreadable.push(error);
                None
            }
        };
        Self { image: picture("/init_image", init_image), mask: picture("/mask_image", mask_image) }
    }
}
