//! The parameters and headers of all routes, each described once.

use crate::generate::WAIT_MAX_S;
use serde_json::{Map, Value, json};
use tintype_core::domain::{Encoding, IdempotencyKey, JobStatus, limits};
use tintype_core::use_cases::ImageOrder;

/// Every parameter, by the name routes use.
pub(super) fn all() -> Value {
    let parameters = path().into_iter().chain(query()).chain(headers());
    Value::Object(parameters.map(|(name, parameter)| (name.to_owned(), parameter)).collect::<Map<_, _>>())
}

fn path() -> Vec<(&'static str, Value)> {
    let part =
        |name, schema| (name, json!({ "name": name, "in": "path", "required": true, "schema": schema }));
    vec![
        part("id", json!({ "type": "string", "format": "uuid" })),
        part("n", json!({ "type": "integer", "minimum": 0, "exclusiveMaximum": limits::COUNT_MAX })),
        part("path", json!({ "type": "string" })),
    ]
}

fn query() -> Vec<(&'static str, Value)> {
    let statuses = JobStatus::ALL.map(JobStatus::name);
    let formats: Vec<_> = Encoding::ALL.iter().map(|encoding| encoding.name()).collect();
    let flag = json!({ "type": "boolean", "default": false });
    let limit = json!({
        "type": "integer", "minimum": 1, "maximum": limits::PAGE_MAX, "default": limits::PAGE_DEFAULT,
    });
    let parameter = |name, description: &str, schema| {
        (name, json!({ "name": name, "in": "query", "description": description, "schema": schema }))
    };
    vec![
        parameter("limit", "The most items of the page", limit),
        parameter(
            "cursor",
            "`next_cursor` of the page before; no other text is taken",
            json!({ "type": "string", "minLength": 1 }),
        ),
        parameter("status", "Only jobs of this status", json!({ "type": "string", "enum": statuses })),
        parameter(
            "sort",
            &format!("The order; `best` ranks the newest {} that match, and is one page", limits::RANKED_MAX),
            json!({ "type": "string", "enum": ImageOrder::ALL.map(ImageOrder::name) }),
        ),
        parameter(
            "q",
            "Words of title, prompt, note or tags, all of them: `red heart`, `\"red heart\"` side by side, `hea*`. \
             In `/images/by-meaning`, what is meant, in English",
            json!({ "type": "string", "maxLength": limits::QUERY_CHARS }),
        ),
        parameter(
            "tag",
            "A tag; give it again for each tag that must be there",
            json!({ "type": "array", "maxItems": limits::TAGS_MAX, "items": { "type": "string", "maxLength": limits::TAG_CHARS } }),
        ),
        parameter(
            "collection",
            "A collection's id; give it again for each one that the image must be in",
            json!({
                "type": "array", "maxItems": limits::COLLECTIONS_OF_IMAGE_MAX,
                "items": { "type": "string", "format": "uuid" },
            }),
        ),
        parameter(
            "has_parent",
            "Only what came from another image, or only what did not",
            json!({ "type": "boolean" }),
        ),
        parameter("parent", "Only what came from this image", json!({ "type": "string", "format": "uuid" })),
        parameter("favorite", "Only favourites, or only others", json!({ "type": "boolean" })),
        parameter(
            "rating",
            "This rating or a better one",
            json!({ "type": "integer", "minimum": 1, "maximum": limits::RATING_MAX }),
        ),
        parameter(
            "model",
            "Only what this model made",
            json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$" }),
        ),
        parameter("width", "Only of this width in pixels", json!({ "type": "integer", "minimum": 1 })),
        parameter("height", "Only of this height in pixels", json!({ "type": "integer", "minimum": 1 })),
        parameter("seed", "Only what was drawn from this seed", json!({ "type": "integer", "minimum": 0 })),
        parameter("from", "Saved at this time or later: RFC 3339, or a day", moment()),
        parameter("to", "Saved before this time: RFC 3339, or a day, which is its start", moment()),
        parameter("trashed", "The trash instead of the library", flag.clone()),
        parameter("permanent", "Erase it instead of trashing it", flag),
        parameter(
            "variant",
            "The picture or a small form of it",
            json!({ "enum": ["original", "thumbnail"] }),
        ),
        parameter(
            "w",
            "No wider than this many pixels",
            json!({
                "type": "integer", "minimum": 1, "maximum": limits::SIDE_MAX,
            }),
        ),
        parameter(
            "strip",
            "`metadata`: without what the picture says of itself",
            json!({ "enum": ["metadata"] }),
        ),
        parameter(
            "format",
            "The encoding; of a smaller form that which `Accept` prefers, if not given",
            json!({ "type": "string", "enum": formats }),
        ),
        parameter(
            "ticket",
            "What `POST /tickets` gave, in place of a key",
            json!({ "type": "string", "minLength": 1 }),
        ),
        parameter(
            "after",
            "The number of the last event you have",
            json!({ "type": "integer", "minimum": 0 }),
        ),
    ]
}

fn moment() -> Value {
    json!({ "type": "string", "anyOf": [{ "format": "date-time" }, { "format": "date" }] })
}

fn headers() -> Vec<(&'static str, Value)> {
    let header = |name, description: &str, schema| {
        (name, json!({ "name": name, "in": "header", "description": description, "schema": schema }))
    };
    let text = json!({ "type": "string" });
    let visible = "^[!-~]+$";
    let key = json!({
        "type": "string", "minLength": 1, "maxLength": IdempotencyKey::MAX_BYTES, "pattern": visible,
    });
    let tag = r#"(W/)?"[^"\x00-\x20\x7f]*""#;
    let tags = json!({ "type": "string", "pattern": format!(r"^(\*|{tag}([ \t]*,[ \t]*{tag})*)$") });
    let number = json!({ "type": "string", "pattern": "^[0-9]{1,19}$" });
    let wait = format!("`wait=N`: answer when the job has ended, within N seconds ({WAIT_MAX_S} at most)");
    vec![
        header("Idempotency-Key", "Repeating the request with it does nothing twice", key),
        header("Prefer", &wait, text.clone()),
        header("If-Match", "The `ETag` the change is meant for; of a list, any may match", tags),
        header("If-None-Match", "The `ETag` of what you have", text.clone()),
        header("Range", "Which bytes, as in `bytes=0-1023`", text),
        header("Last-Event-ID", "The number of the last event you have", number),
    ]
}
