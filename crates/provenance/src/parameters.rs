//! What a picture was made with, as far as it is known.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a picture was made with. `None` is "not known": other tools' files tell a part of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameters {
    /// What was to be drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// What was not to be drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negative_prompt: Option<String>,
    /// Pixels across.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Sampling steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// How strongly the prompt pulled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guidance_scale: Option<f64>,
    /// The seed this picture was drawn from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The model's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The scheduler's name, as the tool that made it calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<String>,
    /// How far it may have left the picture it started from, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strength: Option<f64>,
}

impl Parameters {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Our own form: the fields, and under `tintype` the version that wrote them.
    pub(crate) fn to_json(&self) -> String {
        let mut json = serde_json::to_value(self).unwrap_or_default();
        json["tintype"] = Value::from(env!("CARGO_PKG_VERSION"));
        json.to_string()
    }

    /// Reads our own form; `None` if it is none. Fields of later versions are passed over.
    pub(crate) fn of_json(json: &Value) -> Option<Self> {
        json.get("tintype")?;
        serde_json::from_value(json.clone()).ok()
    }
}
