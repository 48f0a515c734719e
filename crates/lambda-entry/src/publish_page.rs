//! `publish-page`: CloudFormation's custom resource that puts the gallery's files into the bucket, with a `config.json`
//! that tells the page where the API is.

mod answer;

pub use answer::{answer, responder};

use crate::{failure::Outcome, logging::chain};
use aws_sdk_s3::{Client, primitives::ByteStream};
use serde::Deserialize;
use std::path::Path;

/// Name and bytes of each file below `web/`.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/gallery.rs"));
/// Where CloudFront looks for the page.
const FOLDER: &str = "page";
const CONFIG: &str = "config.json";

/// What CloudFormation asks for. It is never printed: who has the answer's URL can answer.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Event {
    /// What is to be done.
    pub request_type: RequestType,
    /// Where the answer is to be put.
    #[serde(rename = "ResponseURL")]
    pub response_url: String,
    /// To be repeated in the answer.
    pub stack_id: String,
    /// To be repeated in the answer.
    pub request_id: String,
    /// To be repeated in the answer.
    pub logical_resource_id: String,
    /// What the page has to know.
    pub resource_properties: Properties,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum RequestType {
    /// The stack is new.
    Create,
    /// The page or the URLs have changed.
    Update,
    /// The stack is deleted.
    Delete,
}

/// What the page has to know.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Properties {
    /// The REST API's URL.
    pub api: String,
    /// The WebSocket API's URL.
    pub web_socket: String,
}

/// Does what `event` asks for, and tells CloudFormation of it in any case: it would wait for an hour.
///
/// # Errors
/// If CloudFormation can't be told.
pub async fn handle(client: &Client, bucket: &str, event: &Event) -> Outcome<()> {
    let done = match event.request_type {
        RequestType::Create | RequestType::Update => {
            publish(client, bucket, &event.resource_properties).await
        }
        RequestType::Delete => remove(client, bucket).await,
    };
    if let Err(reason) = &done {
        tracing::error!(reason, "the page was not published");
    }
    answer(&responder(), event, done.err().as_deref()).await
}

async fn publish(client: &Client, bucket: &str, properties: &Properties) -> Result<(), String> {
    for (name, bytes) in FILES {
        put(client, bucket, name, bytes.to_vec()).await?;
    }
    put(client, bucket, CONFIG, config(properties)).await
}

async fn put(client: &Client, bucket: &str, name: &str, bytes: Vec<u8>) -> Result<(), String> {
    let put = client.put_object().bucket(bucket).key(format!("{FOLDER}/{name}"));
    let put = put.content_type(content_type(name)).cache_control("no-cache").body(ByteStream::from(bytes));
    put.send().await.map(drop).map_err(|error| format!("{name} can't be stored: {}", chain(&error)))
}

async fn remove(client: &Client, bucket: &str) -> Result<(), String> {
    for name in FILES.iter().map(|(name, _)| *name).chain([CONFIG]) {
        let delete = client.delete_object().bucket(bucket).key(format!("{FOLDER}/{name}"));
        delete.send().await.map_err(|error| format!("{name} can't be removed: {}", chain(&error)))?;
    }
    Ok(())
}

/// What `web/assets/api.js` reads.
fn config(properties: &Properties) -> Vec<u8> {
    let Properties { api, web_socket } = properties;
    serde_json::json!({ "api": api, "websocket": web_socket }).to_string().into_bytes()
}

fn content_type(name: &str) -> &'static str {
    match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_and_its_files_are_embedded_with_types_that_browsers_take() {
        assert!(FILES.iter().any(|(name, _)| *name == "index.html"));
        for (name, bytes) in FILES {
            assert!(!bytes.is_empty(), "{name}");
            assert_ne!(content_type(name), "application/octet-stream", "{name}");
        }
    }

    #[test]
    fn the_page_learns_where_the_api_is() {
        let properties = Properties { api: "https://a/v1".into(), web_socket: "wss://w/v1".into() };
        assert_eq!(config(&properties), br#"{"api":"https://a/v1","websocket":"wss://w/v1"}"#);
    }
}
