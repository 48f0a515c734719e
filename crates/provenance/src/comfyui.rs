//! ComfyUI: the graph that was run under `prompt`, and what the person saw of it under `workflow`, both JSON.

use crate::{Parameters, raw::Raw};
use serde_json::{Map, Value};

/// The longest way through the graph that is followed.
const HOPS_MAX: usize = 16;

/// The two graphs of a file; a missing one is null.
pub(crate) fn find(raw: &mut Raw, exif_texts: &[String]) -> Option<Value> {
    let [prompt, workflow] = ["prompt", "workflow"].map(|name| graph(raw, exif_texts, name));
    if prompt.is_null() && workflow.is_null() {
        return None;
    }
    Some(serde_json::json!({ "prompt": prompt, "workflow": workflow }))
}

/// A file without text chunks has the graph in an EXIF tag, after its name and a colon.
fn graph(raw: &mut Raw, exif_texts: &[String], name: &str) -> Value {
    let in_chunk = raw.texts.iter().find(|(keyword, _)| keyword == name).map(|(_, text)| text.as_str());
    let in_exif = || exif_texts.iter().find_map(|text| text.strip_prefix(name)?.strip_prefix(':'));
    let Some(text) = in_chunk.or_else(in_exif) else { return Value::Null };
    match json(text) {
        // Other tools have a text of this name that is no graph.
        Some(graph) if graph.is_object() => graph,
        Some(_) => Value::Null,
        None if text.trim_start().starts_with('{') => {
            raw.problem(format!("the {name} of ComfyUI is no good JSON"));
            Value::Null
        }
        None => Value::Null,
    }
}

/// Reads JSON as Python writes it: there may be `NaN` in it.
pub(crate) fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&without_nan(text)).ok())
}

fn without_nan(text: &str) -> String {
    let (mut inside, mut escaped) = (false, false);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if !inside && let Some(after) = rest.strip_prefix("NaN") {
            out.push_str("null");
            rest = after;
            continue;
        }
        inside ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

/// What the graph says in our terms: of its first sampler, what leads into it.
pub(crate) fn parameters(graph: &Value) -> Option<Parameters> {
    let nodes = Nodes(graph.as_object()?);
    let mut samplers: Vec<_> =
        nodes.0.iter().filter_map(|(id, node)| Some((id, inputs(node).filter(is_sampler)?))).collect();
    samplers.sort_by_key(|(id, _)| (id.parse::<u64>().unwrap_or(u64::MAX), id.as_str()));
    let (_, sampler) = samplers.into_iter().next()?;
    let text =
        |name: &str| nodes.follow(sampler.get(name)?, &["text", "text_g", "conditioning", "conditioning_1"]);
    let side =
        |name: &str| nodes.follow(sampler.get("latent_image")?, &[name, "samples", "pixels"])?.as_u64();
    let number = |name: &str| sampler.get(name).and_then(Value::as_f64);
    Some(Parameters {
        prompt: text("positive").and_then(owned),
        negative_prompt: text("negative").and_then(owned).filter(|text| !text.is_empty()),
        width: side("width").and_then(|side| side.try_into().ok()),
        height: side("height").and_then(|side| side.try_into().ok()),
        steps: sampler.get("steps").and_then(Value::as_u64).and_then(|steps| steps.try_into().ok()),
        guidance_scale: number("cfg"),
        seed: sampler.get("seed").or_else(|| sampler.get("noise_seed")).and_then(Value::as_u64),
        model: sampler
            .get("model")
            .and_then(|link| nodes.follow(link, &["ckpt_name", "unet_name", "model"]))
            .and_then(owned),
        scheduler: sampler.get("sampler_name").and_then(owned),
        strength: number("denoise").filter(|strength| *strength < 1.0),
    })
}

fn is_sampler(inputs: &&Map<String, Value>) -> bool {
    ["positive", "negative", "steps"].iter().all(|name| inputs.contains_key(*name))
}

fn inputs(node: &Value) -> Option<&Map<String, Value>> {
    node.get("inputs")?.as_object()
}

fn owned(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

struct Nodes<'a>(&'a Map<String, Value>);

impl<'a> Nodes<'a> {
    /// Follows a link, and from node to node the first of these inputs that is there, up to a plain value.
    fn follow(&self, from: &'a Value, names: &[&str]) -> Option<&'a Value> {
        let mut at = from;
        for _ in 0..HOPS_MAX {
            let Some(link) = at.as_array() else { return Some(at) };
            let inputs = inputs(self.0.get(link.first()?.as_str()?)?)?;
            at = names.iter().find_map(|name| inputs.get(*name))?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    pub(super) fn graph() -> Value {
        json!({
            "3": { "class_type": "KSampler", "inputs": {
                "seed": 156_680_208_700_286_u64, "steps": 20, "cfg": 8.0, "sampler_name": "euler",
                "scheduler": "normal", "denoise": 1.0, "model": ["10", 0], "positive": ["6", 0],
                "negative": ["7", 0], "latent_image": ["5", 0] } },
            "4": { "class_type": "CheckpointLoaderSimple", "inputs": { "ckpt_name": "v1-5.safetensors" } },
            "5": { "class_type": "EmptyLatentImage", "inputs": { "width": 512, "height": 768, "batch_size": 1 } },
            "6": { "class_type": "CLIPTextEncode", "inputs": { "text": "a glass bottle", "clip": ["4", 1] } },
            "7": { "class_type": "CLIPTextEncode", "inputs": { "text": ["8", 0], "clip": ["4", 1] } },
            "8": { "class_type": "Text", "inputs": { "text": "watermark" }, "is_changed": null },
            "10": { "class_type": "LoraLoader", "inputs": { "model": ["4", 0], "lora_name": "x" } },
        })
    }

    #[test]
    fn the_links_of_the_graph_are_followed() {
        let parameters = parameters(&graph()).unwrap();
        assert_eq!(parameters.prompt.as_deref(), Some("a glass bottle"));
        assert_eq!(parameters.negative_prompt.as_deref(), Some("watermark"));
        assert_eq!(parameters.model.as_deref(), Some("v1-5.safetensors"));
        assert_eq!((parameters.width, parameters.height), (Some(512), Some(768)));
        assert_eq!((parameters.seed, parameters.strength), (Some(156_680_208_700_286), None));
    }

    #[test]
    fn a_circle_in_the_graph_ends() {
        let mut graph = graph();
        graph["8"]["inputs"]["text"] = json!(["7", 0]);
        assert_eq!(parameters(&graph).unwrap().negative_prompt, None);
    }

    #[test]
    fn a_nan_outside_of_strings_is_null() {
        assert_eq!(
            json(r#"{"a": [NaN], "b": "NaN \" NaN"}"#),
            Some(json!({ "a": [null], "b": "NaN \" NaN" }))
        );
    }
}
