//! InvokeAI: one JSON object under `invokeai_metadata`.

use crate::{Parameters, comfyui::json, raw::Raw};
use serde_json::Value;

const KEYWORD: &str = "invokeai_metadata";

/// The metadata of a file.
pub(crate) fn find(raw: &mut Raw) -> Option<Value> {
    let (_, text) = raw.texts.iter().find(|(keyword, _)| keyword == KEYWORD)?;
    let found = json(text).filter(Value::is_object);
    if found.is_none() {
        raw.problem(format!("{KEYWORD} is no good JSON"));
    }
    found
}

/// What it says in our terms.
pub(crate) fn parameters(metadata: &Value) -> Parameters {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let number = |name: &str| metadata[name].as_u64().and_then(|number| u32::try_from(number).ok());
    let model = &metadata["model"];
    Parameters {
        prompt: text(&metadata["positive_prompt"]),
        negative_prompt: text(&metadata["negative_prompt"]),
        width: number("width"),
        height: number("height"),
        steps: number("steps"),
        guidance_scale: metadata["cfg_scale"].as_f64(),
        seed: metadata["seed"].as_u64(),
        // The second name is that of versions before 4.
        model: text(&model["name"]).or_else(|| text(&model["model_name"])),
        scheduler: text(&metadata["scheduler"]),
        strength: metadata["strength"].as_f64(),
    }
}
