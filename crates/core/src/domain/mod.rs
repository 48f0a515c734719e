//! The domain: values that can't be bad, a job's life, a saved image. Pure; every rule of ours is stated here once.

mod blob;
mod change;
mod collection;
mod credential;
mod embedding;
mod event;
mod generation;
mod ids;
mod image_filter;
mod invalid;
mod job;
pub mod limits;
mod model;
mod page;
mod saved_image;
mod subscription;
mod text;
mod thumb_hash;
mod time;
mod timeline;
mod variant;

pub use blob::{Blob, BlobHasher, BlobId, ContentType};
pub use change::{CollectionChange, Expected, ImageChange, Refusal};
pub use collection::{Collection, CollectionEdit};
pub use credential::{ApiKey, KeyPlace, Scope, Secret, Ticket};
pub use embedding::{Embedding, Near, Space, Understood, Vectors};
pub use event::{EventBody, JobEvent, Seq};
pub use generation::{
    GenerateInput, GenerationRequest, GuidanceScale, Labels, OutputFormat, Priority, Prompt, Seed,
    SourceImage, SourceInput, Strength,
};
pub use ids::{
    BadId, CollectionId, ConnectionId, Entropy, IdempotencyKey, ImageId, JobId, KeyName, ModelName, OwnerId,
};
pub use image_filter::{ImageFilter, Phrase, TextQuery, facets, words};
pub use invalid::{Checker, FieldError, InvalidInput};
pub use job::{Fence, Idempotency, Job, JobError, JobImage, JobStatus, NewJob, Outcome, Progress, Warning};
pub use model::{FloatRange, IntRange, ModelCard, Vocabulary};
pub use page::{CursorCodec, ImageQuery, JobQuery, Page, PageSize, Position, Sort};
pub use saved_image::{ImageEdit, ImageSource, Parent, Relation, SavedImage, Version};
pub use subscription::{Connection, Subscription};
pub(crate) use text::composed;
pub use text::{folded, has_lines};
pub use thumb_hash::ThumbHash;
pub use time::{Clock, Timestamp};
pub use timeline::{Mark, Month, MonthCount, Timeline, TimelineCounter};
pub use variant::{Encoding, Variant};
