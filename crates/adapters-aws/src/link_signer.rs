//! Links that a client can open without a header of ours: of the CDN where there is one, else signed ones of S3.
//!
//! A link to bytes holds their hash, which only somebody who may see them, or has them, knows. It also holds the name
//! of what it leads to: for the file that a browser saves, and so that two things with the same bytes have two links.
//! Making one costs nothing: no request is sent.

use crate::image_store::{key, without_checksums};
use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    presigning::{PresigningConfig, PresigningConfigError},
};
use std::time::{Duration, SystemTime};
use tintype_core::{
    ErrorKind, PortError, PortResult,
    domain::{BlobId, ContentType, Timestamp},
    ports::{LinkSigner, LinkTarget},
};

const OPERATION: &str = "LinkSigner::sign";
/// How long a signed link works. One made with a role's credentials ends with them: a function's last for hours.
const LIFE: Duration = Duration::from_secs(600);

/// Makes links to the pictures of one bucket.
#[derive(Clone, Debug)]
pub struct CloudLinkSigner {
    origin: Origin,
}

#[derive(Clone, Debug)]
enum Origin {
    Cdn { domain: String },
    Bucket { client: Client, bucket: String },
}

impl CloudLinkSigner {
    /// Links of the CDN at `domain`, such as `d111111abcdef8.cloudfront.net`, which serves the bucket's `blobs/`.
    pub fn cdn(domain: impl Into<String>) -> Self {
        Self { origin: Origin::Cdn { domain: domain.into() } }
    }

    /// Signed links to `bucket` itself, good for ten minutes.
    #[expect(clippy::needless_pass_by_value, reason = "as every adapter takes its client")]
    pub fn presigned(client: Client, bucket: impl Into<String>) -> Self {
        Self { origin: Origin::Bucket { client: without_checksums(&client), bucket: bucket.into() } }
    }

    async fn link(&self, blob: &BlobId, file_name: &str, now: Timestamp) -> PortResult<String> {
        match &self.origin {
            Origin::Cdn { domain } => Ok(format!("https://{domain}/{}?name={file_name}", key(blob))),
            Origin::Bucket { client, bucket } => presign(client, bucket, blob, file_name, now).await,
        }
    }
}

async fn presign(
    client: &Client,
    bucket: &str,
    blob: &BlobId,
    file_name: &str,
    now: Timestamp,
) -> PortResult<String> {
    let get = client.get_object().bucket(bucket).key(key(blob));
    let get = get.response_content_disposition(format!("inline; filename=\"{file_name}\""));
    let request = get.presigned(validity(now).map_err(unsigned)?).await.map_err(|error| {
        let kind = if error.as_service_error().is_none() { ErrorKind::Denied } else { ErrorKind::Internal };
        PortError::new(kind, OPERATION, "the link can't be signed; look at the credentials")
            .with_source(error)
    })?;
    Ok(request.uri().to_owned())
}

fn validity(now: Timestamp) -> Result<PresigningConfig, PresigningConfigError> {
    let since_1970 = Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(0));
    PresigningConfig::builder().start_time(SystemTime::UNIX_EPOCH + since_1970).expires_in(LIFE).build()
}

fn unsigned(error: PresigningConfigError) -> PortError {
    PortError::new(ErrorKind::Internal, OPERATION, "the link's life is not possible").with_source(error)
}

fn file_name(name: impl std::fmt::Display, content_type: ContentType) -> String {
    format!("{name}.{}", content_type.extension())
}

#[async_trait]
impl LinkSigner for CloudLinkSigner {
    /// A thumbnail's link is the path of the API that makes it.
    async fn sign(&self, target: &LinkTarget, now: Timestamp) -> PortResult<String> {
        match target {
            LinkTarget::JobImage { job_id, index, sha256, content_type, .. } => {
                let name = file_name(format_args!("{job_id}-{index}"), *content_type);
                self.link(sha256, &name, now).await
            }
            LinkTarget::Original { image_id, sha256, content_type, .. } => {
                self.link(sha256, &file_name(image_id, *content_type), now).await
            }
            LinkTarget::Thumbnail { image_id, .. } => {
                Ok(format!("/images/{image_id}/content?variant=thumbnail"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::config::{BehaviorVersion, Config, Credentials, Region};
    use tintype_testkit::samples::{START, alice, blob, image_id};

    fn original() -> LinkTarget {
        let (image_id, sha256) = (image_id(1, 0), *blob(1).id());
        LinkTarget::Original { owner: alice(), image_id, sha256, content_type: ContentType::Png }
    }

    #[tokio::test]
    async fn a_link_of_the_cdn_is_the_blobs_address_and_a_name() {
        let link = CloudLinkSigner::cdn("cdn.example").sign(&original(), START).await.unwrap();
        let (address, name) = (blob(1).id().to_string(), image_id(1, 0));
        assert_eq!(link, format!("https://cdn.example/blobs/{address}?name={name}.png"));
    }

    #[tokio::test]
    async fn a_signed_link_works_from_now_for_ten_minutes_without_a_header() {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
            .build();
        let signer = CloudLinkSigner::presigned(Client::from_conf(config), "bucket");
        let link = signer.sign(&original(), START).await.unwrap();
        for part in ["X-Amz-Date=20260131T120000Z", "X-Amz-Expires=600", "X-Amz-SignedHeaders=host&"] {
            assert!(link.contains(part), "{part} in {link}");
        }
        assert!(!link.contains("secret"), "{link}");
    }

    #[tokio::test]
    async fn a_thumbnail_is_made_by_the_api() {
        let (image_id, sha256) = (image_id(1, 0), *blob(1).id());
        let target = LinkTarget::Thumbnail { owner: alice(), image_id, sha256 };
        let link = CloudLinkSigner::cdn("cdn.example").sign(&target, START).await.unwrap();
        assert_eq!(link, format!("/images/{image_id}/content?variant=thumbnail"));
    }
}
