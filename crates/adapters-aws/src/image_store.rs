//! Pictures in S3, each under `blobs/` and its hash, as the CDN serves them.
//!
//! The bucket keeps versions, and that is what makes `delete` safe: it removes the version it has looked at, so that
//! one which is put at the same moment stays. Versions that a later put replaced go by the bucket's lifecycle.
//!
//! At most, in requests: `put` 1, 2 where the bytes are there already; `get`, `open`, `find` and, per 1,000
//! blobs, `list` 1; `delete` 1 and 2 more per version.

mod requests;

use crate::error::{SdkError, port_error};
use async_trait::async_trait;
use aws_sdk_s3::{
    Client, config::ResponseChecksumValidation, error::ProvideErrorMetadata,
    operation::head_object::HeadObjectOutput, primitives::DateTime,
};
use bytes::Bytes;
use std::{collections::HashMap, error::Error as StdError};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{Blob, BlobId, Timestamp},
    ports::{BlobInfo, BlobReader, ImageStore, WholeBlob},
};

/// The folder of the blobs in the bucket.
const FOLDER: &str = "blobs/";
/// The folder of blobs that no record explains. The template's lifecycle rule empties it after 30 days.
const QUARANTINE: &str = "quarantine/";
/// The name of an object's note on when it was put, in milliseconds since 1970.
const PUT_AT: &str = "put-at";
/// How often a put is tried that others' removals get in the way of, or a removal that others' puts do.
const TRIES: u32 = 64;

/// Keeps pictures in a bucket.
#[derive(Clone, Debug)]
pub struct S3ImageStore {
    client: Client,
    bucket: String,
}

impl S3ImageStore {
    /// The pictures in `bucket`.
    #[expect(clippy::needless_pass_by_value, reason = "as every adapter takes its client")]
    pub fn new(client: Client, bucket: impl Into<String>) -> Self {
        Self { client: without_checksums(&client), bucket: bucket.into() }
    }

    async fn read(&self, operation: &'static str, id: &BlobId) -> PortResult<Bytes> {
        let get = self.client.get_object().bucket(&self.bucket).key(key(id));
        let object = get.send().await.map_err(|error| failure(operation, error))?;
        let bytes = object.body.collect().await.map_err(|error| {
            PortError::new(ErrorKind::Unavailable, operation, "the bytes stopped coming").with_source(error)
        })?;
        let bytes = bytes.into_bytes();
        if BlobId::of(&bytes) != *id {
            let message = format!("the bytes stored as {id} are not what was put there");
            return Err(PortError::new(ErrorKind::Data, operation, message));
        }
        Ok(bytes)
    }

    async fn head(&self, operation: &'static str, id: &BlobId) -> PortResult<Option<HeadObjectOutput>> {
        let head = self.client.head_object().bucket(&self.bucket).key(key(id)).send().await;
        match head.map_err(|error| failure(operation, error)) {
            Ok(head) => Ok(Some(head)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A client that leaves out the checks of what is read: the bytes are compared with their address, which says more,
/// and a signed link must not ask for a header that a browser does not send.
pub(crate) fn without_checksums(client: &Client) -> Client {
    let config = client.config().to_builder();
    Client::from_conf(config.response_checksum_validation(ResponseChecksumValidation::WhenRequired).build())
}

/// Where the blob is in the bucket.
pub(crate) fn key(id: &BlobId) -> String {
    format!("{FOLDER}{id}")
}

fn metadata(now: Timestamp) -> HashMap<String, String> {
    HashMap::from([(PUT_AT.to_owned(), now.as_millis().to_string())])
}

/// When it was put, by its own note; by S3's clock where somebody else put it there.
fn put_at(operation: &'static str, head: &HeadObjectOutput) -> PortResult<Timestamp> {
    let noted = head.metadata().and_then(|notes| notes.get(PUT_AT)?.parse().ok()).map(Timestamp::from_millis);
    match noted {
        Some(put_at) => Ok(put_at),
        None => moment(operation, head.last_modified()),
    }
}

fn moment(operation: &'static str, time: Option<&DateTime>) -> PortResult<Timestamp> {
    let millis = time.and_then(|time| time.to_millis().ok());
    millis.map(Timestamp::from_millis).ok_or_else(|| {
        PortError::new(ErrorKind::Data, operation, "the store does not say when the object was put")
    })
}

fn length(bytes: Option<i64>) -> u64 {
    bytes.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0)
}

#[async_trait]
impl ImageStore for S3ImageStore {
    async fn put(&self, blob: &Blob, now: Timestamp) -> PortResult<()> {
        for _ in 0..TRIES {
            if self.put_new(blob, now).await? || self.put_again(blob, now).await? {
                return Ok(());
            }
        }
        let message = "the bytes are put and removed all the time; try again";
        Err(PortError::new(ErrorKind::Unavailable, "ImageStore::put", message))
    }

    async fn get(&self, id: &BlobId) -> PortResult<Bytes> {
        self.read("ImageStore::get", id).await
    }

    /// Reads the blob as a whole: an answer of Lambda is one piece, and a part can't be compared with the address.
    async fn open(&self, id: &BlobId) -> PortResult<Box<dyn BlobReader>> {
        Ok(Box::new(WholeBlob(self.read("ImageStore::open", id).await?)))
    }

    async fn find(&self, id: &BlobId) -> PortResult<Option<BlobInfo>> {
        const OPERATION: &str = "ImageStore::find";
        let Some(head) = self.head(OPERATION, id).await? else { return Ok(None) };
        let bytes = length(head.content_length());
        Ok(Some(BlobInfo { id: *id, bytes, put_at: put_at(OPERATION, &head)? }))
    }

    async fn delete(&self, id: &BlobId, put_before: Timestamp) -> PortResult<bool> {
        const OPERATION: &str = "ImageStore::delete";
        // An older version comes to light when the one before it is removed.
        for _ in 0..TRIES {
            let Some(head) = self.head(OPERATION, id).await? else { return Ok(true) };
            if put_at(OPERATION, &head)? >= put_before {
                return Ok(false);
            }
            let delete = self.client.delete_object().bucket(&self.bucket).key(key(id));
            let delete = delete.set_version_id(head.version_id).send().await;
            delete.map_err(|error| failure(OPERATION, error))?;
        }
        let message = "more versions come to light than one call removes; try again";
        Err(PortError::new(ErrorKind::Unavailable, OPERATION, message))
    }

    async fn quarantine(&self, id: &BlobId, put_before: Timestamp, _: Timestamp) -> PortResult<bool> {
        const OPERATION: &str = "ImageStore::quarantine";
        let Some(head) = self.head(OPERATION, id).await? else { return Ok(true) };
        if put_at(OPERATION, &head)? >= put_before {
            return Ok(false);
        }
        self.copy_to_quarantine(OPERATION, id).await?;
        self.delete(id, put_before).await
    }

    /// The bucket's lifecycle removes what is in quarantine, 30 days after it was moved there.
    async fn purge_quarantine(&self, _: Timestamp, _: u32) -> PortResult<u32> {
        Ok(0)
    }

    /// `put_at` is S3's own time of the last put here: the exact one would cost a request per blob.
    async fn list(&self, after: Option<BlobId>, limit: u32) -> PortResult<Vec<BlobInfo>> {
        let mut blobs = Vec::new();
        let mut after = after.as_ref().map(key);
        while blobs.len() < limit as usize {
            let page = self.list_page(after.take(), limit - blobs.len() as u32).await?;
            blobs.extend(page.blobs);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(blobs)
    }
}

/// What S3's own codes mean.
fn failure<E>(operation: &'static str, error: SdkError<E>) -> PortError
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    port_error(operation, error, |code| match code {
        "NoSuchKey" | "NotFound" | "NoSuchVersion" => Some(ErrorKind::NotFound),
        // `ConditionalRequestConflict`: another put or removal of the same key is not done yet.
        "PreconditionFailed" | "ConditionalRequestConflict" => Some(ErrorKind::Conflict),
        "InvalidAccessKeyId" | "RequestTimeTooSkewed" | "InvalidToken" => Some(ErrorKind::Denied),
        // The bytes were damaged on their way; what is stored is not touched.
        "BadDigest" | "XAmzContentChecksumMismatch" | "IncompleteBody" => Some(ErrorKind::Unavailable),
        _ => None,
    })
}
