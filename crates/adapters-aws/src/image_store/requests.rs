//! The requests that write and list, with all they carry.

use super::{FOLDER, QUARANTINE, S3ImageStore, failure, key, length, metadata, moment};
use aws_sdk_s3::{
    primitives::ByteStream,
    types::{ChecksumAlgorithm, MetadataDirective, Object},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tintype_core::{
    ErrorKind, PortResult,
    domain::{Blob, BlobId, Timestamp},
    ports::BlobInfo,
};

const PUT: &str = "ImageStore::put";
const LIST: &str = "ImageStore::list";
/// An address never has other bytes, but it may have none any more: a CDN asks again after a few minutes.
const CACHE_CONTROL: &str = "max-age=300";
/// The most objects of one answer.
const PAGE_MAX: u32 = 1_000;

/// A part of the list.
pub(super) struct ListPage {
    pub(super) blobs: Vec<BlobInfo>,
    /// The key of the last object looked at, if there are more.
    pub(super) next: Option<String>,
}

impl S3ImageStore {
    /// Puts bytes that are not there yet; `false` if they are, or another call is just at it.
    pub(super) async fn put_new(&self, blob: &Blob, now: Timestamp) -> PortResult<bool> {
        let put = self.client.put_object().bucket(&self.bucket).key(key(blob.id()));
        let put = put
            .if_none_match("*")
            .body(ByteStream::from(blob.bytes().clone()))
            .content_type(blob.content_type().as_str())
            .cache_control(CACHE_CONTROL)
            .checksum_sha256(STANDARD.encode(blob.id().as_bytes()))
            .set_metadata(Some(metadata(now)));
        match put.send().await.map_err(|error| failure(PUT, error)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Renews the time of bytes that are there by copying the object onto itself, which moves no bytes to us; `false`
    /// if they are gone, or another call is just at it.
    pub(super) async fn put_again(&self, blob: &Blob, now: Timestamp) -> PortResult<bool> {
        let key = key(blob.id());
        let copy = self.client.copy_object().copy_source(format!("{}/{key}", self.bucket));
        let copy = copy
            .bucket(&self.bucket)
            .key(key)
            .metadata_directive(MetadataDirective::Replace)
            .content_type(blob.content_type().as_str())
            .cache_control(CACHE_CONTROL)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .set_metadata(Some(metadata(now)));
        match copy.send().await.map_err(|error| failure(PUT, error)) {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Copies a blob into quarantine, which moves no bytes to us. One that is gone meanwhile needs no copy.
    pub(super) async fn copy_to_quarantine(&self, operation: &'static str, id: &BlobId) -> PortResult<()> {
        let copy = self.client.copy_object().copy_source(format!("{}/{}", self.bucket, key(id)));
        let copy = copy.bucket(&self.bucket).key(format!("{QUARANTINE}{id}"));
        match copy.send().await.map_err(|error| failure(operation, error)) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Up to `limit` blobs after the key `after`. What is in the folder but no blob is left out.
    pub(super) async fn list_page(&self, after: Option<String>, limit: u32) -> PortResult<ListPage> {
        let list = self.client.list_objects_v2().bucket(&self.bucket).prefix(FOLDER);
        let list = list.set_start_after(after).max_keys(i32::try_from(limit.min(PAGE_MAX)).unwrap_or(1));
        let page = list.send().await.map_err(|error| failure(LIST, error))?;
        let last = page.contents().last().and_then(Object::key).map(str::to_owned);
        let next = if page.is_truncated() == Some(true) { last } else { None };
        let blobs = page.contents().iter().filter_map(info);
        Ok(ListPage { blobs: blobs.collect::<PortResult<_>>()?, next })
    }
}

fn info(object: &Object) -> Option<PortResult<BlobInfo>> {
    let id = object.key()?.strip_prefix(FOLDER)?.parse().ok()?;
    let put_at = moment(LIST, object.last_modified());
    Some(put_at.map(|put_at| BlobInfo { id, bytes: length(object.size()), put_at }))
}
