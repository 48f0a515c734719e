//! The shapes of what is sent and answered. Every limit comes from the domain or from the models' cards.

#![expect(clippy::needless_pass_by_value, reason = "`json!` makes what is passed on the spot")]

use super::operation::schema_ref;
use crate::{api::Api, problem::Code};
use serde_json::{Map, Value, json};
use tintype_core::{
    domain::{ContentType, IntRange, JobStatus, ModelCard, OutputFormat, Relation, limits},
    imaging::ImageLimits,
};

/// Every schema, by name.
pub(super) fn schemas(api: &Api) -> Value {
    let cards: Vec<_> = api.ports.models.cards().collect();
    let mut schemas = Map::new();
    let parts = [
        ("GenerateInput", generate_input(&cards, &api.image_limits)),
        ("SaveInput", save_input(&api.image_limits)),
        ("ImageEdit", image_edit()),
        ("ImagesEdit", images_edit()),
        ("EditedImages", edited_images()),
        ("CollectionEdit", input(collection_notes())),
        ("Collection", collection()),
        ("Collections", object(json!({ "items": { "type": "array", "items": schema_ref("Collection") } }))),
        ("Timeline", timeline()),
        ("Job", job()),
        ("JobImage", job_image()),
        ("JobPage", page("Job")),
        ("Image", image()),
        ("ImagePage", page("Image")),
        ("SimilarImages", similar_images()),
        ("ImagesByMeaning", images_by_meaning()),
        ("Models", models()),
        ("Problem", problem()),
        ("Ticket", ticket()),
        ("Status", object(json!({ "status": text() }))),
        (
            "Readiness",
            object(json!({ "status": text(), "read_only": { "type": "boolean" }, "reason": text() })),
        ),
        ("Version", object(json!({ "name": text(), "version": text(), "commit": nullable("string") }))),
        ("Object", json!({ "type": "object" })),
    ];
    schemas.extend(parts.map(|(name, schema)| (name.to_owned(), schema)));
    Value::Object(schemas)
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn chars(max: usize) -> Value {
    json!({ "type": "string", "maxLength": max })
}

fn nullable(kind: &str) -> Value {
    json!({ "type": [kind, "null"] })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// What a server answers: it may grow further fields.
fn object(properties: Value) -> Value {
    json!({ "type": "object", "properties": properties })
}

/// What a client sends: an unknown field is an error.
fn input(properties: Value) -> Value {
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn labels() -> Value {
    json!({
        "type": "object",
        "maxProperties": limits::LABELS_MAX,
        "propertyNames": { "minLength": 1, "maxLength": limits::LABEL_NAME_CHARS },
        "additionalProperties": chars(limits::LABEL_VALUE_CHARS),
    })
}

/// The range of what any of the models takes; each one's own is in `/models`.
fn range(cards: &[&ModelCard], of: impl Fn(&ModelCard) -> IntRange) -> Value {
    let ranges: Vec<_> = cards.iter().map(|card| of(card)).collect();
    json!({
        "type": "integer",
        "minimum": ranges.iter().map(|range| range.min).min(),
        "maximum": ranges.iter().map(|range| range.max).max(),
    })
}

fn guidance_scale(cards: &[&ModelCard]) -> Value {
    let least = cards.iter().map(|card| card.guidance_scale.min).reduce(f64::min);
    let most = cards.iter().map(|card| card.guidance_scale.max).reduce(f64::max);
    json!({ "type": "number", "minimum": least, "maximum": most })
}

fn generate_input(cards: &[&ModelCard], limits_of_images: &ImageLimits) -> Value {
    let names: Vec<_> = cards.iter().map(|card| card.name.as_str()).collect();
    let mut schedulers: Vec<_> = cards.iter().flat_map(|card| &card.schedulers).collect();
    schedulers.sort_unstable();
    schedulers.dedup();
    let mut schema = input(json!({
        "prompt": { "type": "string", "minLength": 1, "maxLength": limits::PROMPT_CHARS },
        "negative_prompt": chars(limits::PROMPT_CHARS),
        "width": range(cards, |card| card.width),
        "height": range(cards, |card| card.height),
        "steps": range(cards, |card| card.steps),
        "guidance_scale": guidance_scale(cards),
        "seed": { "type": "integer", "minimum": 0, "maximum": limits::SEED_MAX },
        "count": range(cards, |card| card.count),
        "model": { "type": "string", "enum": names },
        "scheduler": { "type": "string", "enum": schedulers },
        "init_image": { "type": "string", "minLength": 1, "description": upload_rule(limits_of_images) },
        "strength": { "type": "number", "exclusiveMinimum": 0, "maximum": 1 },
        "mask_image": {
            "type": "string", "minLength": 1,
            "description": format!("{}; white is drawn anew", upload_rule(limits_of_images)),
        },
        "output_format": { "type": "string", "enum": OutputFormat::ALL.map(OutputFormat::name) },
        "priority": {
            "type": "integer", "minimum": 0, "maximum": limits::PRIORITY_MAX, "default": limits::PRIORITY_DEFAULT,
        },
        "deadline_s": {
            "type": "integer", "minimum": 1, "maximum": limits::DEADLINE_MAX_S,
            "default": limits::DEADLINE_DEFAULT_S,
            "description": format!(
                "Seconds from acceptance within which the job must have begun, else it ends as `{}`",
                JobStatus::Expired.name(),
            ),
        },
        "labels": labels(),
        "parent": parent(),
    }));
    schema["required"] = json!(["prompt"]);
    schema
}

/// What a person notes of an image.
fn notes() -> Map<String, Value> {
    let title = json!({ "type": ["string", "null"], "maxLength": limits::TITLE_CHARS });
    let note = json!({ "type": ["string", "null"], "maxLength": limits::NOTE_CHARS });
    let tag = json!({ "type": "string", "minLength": 1, "maxLength": limits::TAG_CHARS });
    let rating = json!({ "type": ["integer", "null"], "minimum": 1, "maximum": limits::RATING_MAX });
    let notes = [
        ("title", title),
        ("note", note),
        ("tags", json!({ "type": "array", "maxItems": limits::TAGS_MAX, "items": tag })),
        ("favorite", json!({ "type": "boolean" })),
        ("rating", rating),
        ("labels", labels()),
        (
            "collections",
            json!({ "type": "array", "maxItems": limits::COLLECTIONS_OF_IMAGE_MAX, "items": uuid() }),
        ),
    ];
    notes.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn parent() -> Value {
    let relations = Relation::ALL.map(Relation::name);
    let mut schema = input(json!({ "id": uuid(), "relation": { "type": "string", "enum": relations } }));
    schema["required"] = json!(["id", "relation"]);
    schema
}

fn images_edit() -> Value {
    let tags = json!({ "type": "array", "items": { "type": "string", "minLength": 1, "maxLength": limits::TAG_CHARS } });
    let ids = json!({ "type": "array", "items": uuid() });
    let mut schema = input(json!({
        "ids": { "type": "array", "minItems": 1, "maxItems": limits::EDIT_IMAGES_MAX, "items": uuid() },
        "add_tags": tags,
        "remove_tags": tags,
        "add_to": ids,
        "remove_from": ids,
        "favorite": { "type": ["boolean", "null"] },
        "rating": {
            "type": ["integer", "null"], "minimum": 0, "maximum": limits::RATING_MAX, "description": "0: none",
        },
        "trashed": { "type": ["boolean", "null"], "description": "`true` puts them in the trash, `false` takes them out" },
    }));
    schema["required"] = json!(["ids"]);
    schema
}

fn edited_images() -> Value {
    object(json!({
        "items": { "type": "array", "items": schema_ref("Image") },
        "missing": { "type": "array", "items": uuid() },
        "refused": { "type": "array", "items": object(json!({ "id": uuid(), "errors": { "type": "array", "items": field_error() } })) },
    }))
}

fn collection_notes() -> Value {
    json!({
        "name": { "type": "string", "minLength": 1, "maxLength": limits::COLLECTION_NAME_CHARS },
        "note": { "type": ["string", "null"], "maxLength": limits::NOTE_CHARS },
    })
}

fn collection() -> Value {
    let mut properties = collection_notes();
    properties["id"] = uuid();
    properties["created_at"] = time();
    properties["updated_at"] = time();
    properties["version"] = count();
    object(properties)
}

fn timeline() -> Value {
    let month =
        object(json!({ "month": { "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$" }, "count": count() }));
    let page = object(json!({ "cursor": nullable("string"), "saved_at": time() }));
    object(json!({
        "months": { "type": "array", "items": month },
        "pages": { "type": "array", "items": page },
        "complete": { "type": "boolean", "description": "Whether all of the list was counted" },
    }))
}

/// What an uploaded image may be.
fn upload_rule(limits: &ImageLimits) -> String {
    let ImageLimits { max_pixels, max_side, max_ratio, max_bytes, .. } = limits;
    format!(
        "Base64 or a data URL of a PNG, JPEG or WebP image: at most {max_bytes} bytes, {max_pixels} pixels, {max_side} pixels a \
         side, and a side at most {max_ratio} times as long as the other"
    )
}

fn image_edit() -> Value {
    input(Value::Object(notes()))
}

fn save_input(limits_of_images: &ImageLimits) -> Value {
    let mut properties = notes();
    let index =
        json!({ "type": "integer", "minimum": 0, "exclusiveMaximum": limits::COUNT_MAX, "default": 0 });
    let picture = json!({
        "type": "string",
        "minLength": 1,
        "description": upload_rule(limits_of_images),
    });
    properties.insert("job_id".to_owned(), uuid());
    properties.insert("index".to_owned(), index);
    properties.insert("image".to_owned(), picture);
    properties.insert("prompt".to_owned(), chars(limits::PROMPT_CHARS));
    let origin = [
        ("parent", parent()),
        (
            "request",
            json!({ "type": "object", "description": "Everything it was made with, as `Image` shows it" }),
        ),
        ("seed", json!({ "type": "integer", "minimum": 0, "maximum": limits::SEED_MAX })),
        (
            "saved_at",
            json!({ "type": "string", "format": "date-time", "description": "When it was first saved; not in the future" }),
        ),
        (
            "merge",
            json!({
                "type": "boolean",
                "default": false,
                "description": "Where the picture is there already: add to what is noted of it, and replace nothing",
            }),
        ),
    ];
    properties.extend(origin.map(|(name, schema)| (name.to_owned(), schema)));
    let mut schema = input(Value::Object(properties));
    schema["oneOf"] = json!([{ "required": ["job_id"] }, { "required": ["image"] }]);
    schema
}

fn job() -> Value {
    object(json!({
        "id": uuid(),
        "status": { "type": "string", "enum": JobStatus::ALL.map(JobStatus::name) },
        "request": { "type": "object", "description": "What is drawn, with every default filled in" },
        "images": { "type": "array", "items": schema_ref("JobImage") },
        "error": object(json!({ "code": text(), "message": text(), "retryable": { "type": "boolean" } })),
        "progress": object(json!({ "image": count(), "step": count(), "steps": count() })),
        "queue_position": count(),
        "eta_s": count(),
        "warnings": { "type": "array", "items": object(json!({ "code": text(), "detail": text(), "word": text() })) },
        "attempts": count(),
        "retry_of": uuid(),
        "last_seq": count(),
        "created_at": time(),
        "started_at": time(),
        "finished_at": time(),
        "expires_at": time(),
        "links": object(json!({ "self": text(), "events": text(), "cancel": text(), "retry": text() })),
    }))
}

fn job_image() -> Value {
    let mut properties = picture();
    properties.insert("index".to_owned(), count());
    object(Value::Object(properties))
}

/// What jobs' and saved images have in common.
fn picture() -> Map<String, Value> {
    let sha256 = json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" });
    let fields = [
        ("url", text()),
        ("thumbnail_url", text()),
        ("width", count()),
        ("height", count()),
        ("content_type", json!({ "type": "string", "enum": ContentType::ALL.map(ContentType::as_str) })),
        ("bytes", count()),
        ("sha256", sha256),
        ("seed", nullable("integer")),
    ];
    fields.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn image() -> Value {
    let mut properties = picture();
    properties.extend(notes());
    let fields = [
        ("id", uuid()),
        ("thumbhash", json!({ "type": "string", "contentEncoding": "base64" })),
        ("prompt", nullable("string")),
        ("request", nullable("object")),
        ("parent", nullable("object")),
        ("job_id", nullable("string")),
        ("job_index", nullable("integer")),
        ("saved_at", time()),
        ("updated_at", time()),
        ("trashed_at", time()),
        ("version", count()),
    ];
    properties.extend(fields.map(|(name, schema)| (name.to_owned(), schema)));
    object(Value::Object(properties))
}

fn page(item: &str) -> Value {
    object(json!({
        "items": { "type": "array", "items": schema_ref(item) },
        "next_cursor": nullable("string"),
    }))
}

fn similar_images() -> Value {
    object(json!({ "items": scored_images() }))
}

fn images_by_meaning() -> Value {
    let unknown = json!({ "type": "array", "items": { "type": "string" } });
    object(json!({ "items": scored_images(), "unknown": unknown }))
}

fn scored_images() -> Value {
    let score = object(json!({ "score": { "type": "number", "maximum": 1 } }));
    json!({ "type": "array", "items": { "allOf": [schema_ref("Image"), score] } })
}

fn ticket() -> Value {
    object(json!({ "ticket": text(), "expires_at": time(), "expires_in_s": count() }))
}

fn models() -> Value {
    object(json!({ "default": text(), "models": { "type": "array", "items": { "type": "object" } } }))
}

fn field_error() -> Value {
    object(json!({ "pointer": text(), "code": text(), "detail": text() }))
}

fn problem() -> Value {
    let codes: Vec<_> = Code::ALL.iter().map(|code| code.name()).collect();
    object(json!({
        "type": { "type": "string", "format": "uri-reference" },
        "title": text(),
        "status": { "type": "integer" },
        "detail": text(),
        "instance": text(),
        "code": { "type": "string", "enum": codes },
        "request_id": text(),
        "errors": { "type": "array", "items": field_error() },
    }))
}
