//! What the document says of one route.

use serde_json::{Map, Value, json};
use tintype_core::domain::ContentType;

/// What the document says of one route.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    id: &'static str,
    summary: &'static str,
    is_open: bool,
    body: Option<&'static str>,
    parameters: Vec<&'static str>,
    answers: Map<String, Value>,
}

impl Operation {
    /// An operation that needs a key where keys are configured.
    pub(crate) fn new(id: &'static str, summary: &'static str) -> Self {
        Self { id, summary, is_open: false, body: None, parameters: Vec::new(), answers: Map::new() }
    }

    /// It needs no key.
    pub(crate) const fn open(mut self) -> Self {
        self.is_open = true;
        self
    }

    /// It takes a JSON body of this schema.
    pub(crate) const fn takes(mut self, schema: &'static str) -> Self {
        self.body = Some(schema);
        self
    }

    /// It takes these parameters and headers.
    pub(crate) fn with(mut self, parameters: &[&'static str]) -> Self {
        self.parameters.extend_from_slice(parameters);
        self
    }

    /// It answers with JSON of this schema.
    pub(crate) fn gives(self, status: u16, description: &str, schema: &'static str) -> Self {
        let content = json!({ "application/json": { "schema": schema_ref(schema) } });
        self.answers_with(status, json!({ "description": description, "content": content }))
    }

    /// It answers without a body.
    pub(crate) fn gives_nothing(self, status: u16, description: &str) -> Self {
        self.answers_with(status, json!({ "description": description }))
    }

    /// It adds data, which there may be no space for.
    pub(crate) fn adds(self) -> Self {
        let problem = json!({ "application/problem+json": { "schema": schema_ref("Problem") } });
        let description = "`no_space`: there is no space to store more; reading, deleting, the trash, restoring and \
                           canceling still work";
        self.answers_with(507, json!({ "description": description, "content": problem }))
    }

    /// It answers with text of this type.
    pub(crate) fn gives_text(self, content_type: &str) -> Self {
        let mut content = Map::new();
        content.insert(content_type.to_owned(), json!({ "schema": { "type": "string" } }));
        self.answers_with(200, json!({ "description": "The text", "content": content }))
    }

    /// It answers with a picture's bytes, or some of them.
    pub(crate) fn gives_picture(self) -> Self {
        let kinds = ContentType::ALL.map(|kind| (kind.as_str().to_owned(), json!({})));
        let content: Map<String, Value> = kinds.into_iter().collect();
        self.answers_with(200, json!({ "description": "The picture", "content": content.clone() }))
            .answers_with(206, json!({ "description": "The bytes that were asked for", "content": content }))
            .gives_nothing(304, "It is as the client has it")
    }

    fn answers_with(mut self, status: u16, answer: Value) -> Self {
        self.answers.insert(status.to_string(), answer);
        self
    }

    /// The operation of `path` as the document writes it.
    pub(crate) fn to_json(&self, path: &'static str, with_keys: bool) -> Value {
        let mut answers = self.answers.clone();
        answers.insert("default".to_owned(), json!({ "$ref": "#/components/responses/Problem" }));
        let parameters: Vec<_> = path_parameters(path)
            .chain(self.parameters.iter().copied())
            .map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }))
            .collect();
        let mut operation = json!({
            "operationId": self.id,
            "summary": self.summary,
            "parameters": parameters,
            "responses": answers,
        });
        if let Some(schema) = self.body {
            let content = json!({ "application/json": { "schema": schema_ref(schema) } });
            operation["requestBody"] = json!({ "required": true, "content": content });
        }
        if with_keys && !self.is_open {
            operation["security"] = json!([{ "bearer": [] }, { "apiKey": [] }]);
        }
        operation
    }
}

fn path_parameters(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/')
        .filter_map(|part| Some(part.strip_prefix('{')?.strip_suffix('}')?.trim_start_matches('*')))
}

/// A reference to a schema of the document.
pub(crate) fn schema_ref(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
