//! Reading what an issuer of tokens publishes, over the connector that the AWS SDK uses: no second HTTP stack in the
//! binary. No redirect is followed.

use async_trait::async_trait;
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{http::HttpConnector, orchestrator::HttpRequest};
use aws_smithy_types::byte_stream::ByteStream;
use std::{error::Error as StdError, fmt::Debug, time::Duration};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(4);
/// The most bytes of an answer: key sets are a few thousand.
const ANSWER_BYTES: usize = 256 * 1024;

/// Why nothing was read.
pub type FetchError = Box<dyn StdError + Send + Sync>;

/// Reads a document of the web.
#[async_trait]
pub trait Fetch: Debug + Send + Sync + 'static {
    /// The bytes at `url`.
    ///
    /// # Errors
    /// If they can't be had in time, are too many, or the answer is no success.
    async fn get(&self, url: &str) -> Result<Vec<u8>, FetchError>;
}

/// [`Fetch`] over HTTPS; over HTTP where the URL says so.
#[derive(Debug)]
pub struct HttpsFetch(Connector);

impl Default for HttpsFetch {
    fn default() -> Self {
        Self(Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).build())
    }
}

#[async_trait]
impl Fetch for HttpsFetch {
    async fn get(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        tokio::time::timeout(PATIENCE, self.read(url)).await?
    }
}

impl HttpsFetch {
    async fn read(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        let answer = self.0.call(HttpRequest::get(url)?).await?;
        if answer.status().as_u16() != 200 {
            return Err(format!("the answer is HTTP {}", answer.status().as_u16()).into());
        }
        let mut body = ByteStream::new(answer.into_body());
        let mut bytes = Vec::new();
        while let Some(part) = body.next().await {
            bytes.extend_from_slice(&part?);
            if bytes.len() > ANSWER_BYTES {
                return Err(format!("the answer has more than {ANSWER_BYTES} bytes").into());
            }
        }
        Ok(bytes)
    }
}
