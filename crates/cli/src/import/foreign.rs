//! A picture that is no export's: what AUTOMATIC1111, ComfyUI, InvokeAI or Tintype wrote into it, in the library's terms.
//! What fits a request is one; the rest goes into the note. docs/import-export.md has the table.

use super::{Picture, refused};
use crate::failure::Outcome;
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::SystemTime;
use tintype_core::domain::{
    Checker, ContentType, GenerationRequest, GuidanceScale, ModelName, OutputFormat, Priority, Prompt, Seed,
    Timestamp, limits,
};
use tintype_core::imaging;
use tintype_provenance::{Findings, Found, Parameters, Source, inspect};

/// What stands where a text was cut off.
const CUT: char = '\u{2026}';

/// The picture of this file, with what it says of itself.
///
/// # Errors
/// If it is no picture.
pub(crate) fn picture(path: &Path, bytes: Vec<u8>) -> Outcome<Picture> {
    let findings = inspect(&bytes).map_err(|error| refused(error.to_string()))?;
    let content_type = imaging::recognise(&bytes).ok_or_else(|| refused("is no PNG, JPEG or WebP file"))?;
    let mut fields =
        findings.made_with.as_ref().map(|found| known(found, &findings, content_type)).unwrap_or_default();
    if let Some(labels) = fields.entry("labels").or_insert_with(|| json!({})).as_object_mut() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        labels.insert("file".to_owned(), json!(cut(&printable(&name), limits::LABEL_VALUE_CHARS)));
    }
    fields.extend(saved_at(path).map(|at| ("saved_at".to_owned(), json!(at))));
    Ok(Picture { bytes, fields })
}

/// When the file was last changed, if that can be.
fn saved_at(path: &Path) -> Option<Timestamp> {
    let changed = path.metadata().ok()?.modified().ok()?;
    // A clock that is wrong is no reason to refuse the picture.
    changed.elapsed().ok()?;
    let since_1970 = changed.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(0).after(since_1970))
}

/// What is sent of a picture that says what it was made with.
fn known(found: &Found, findings: &Findings, content_type: ContentType) -> Map<String, Value> {
    let parameters = &found.parameters;
    let request = request(parameters, findings, content_type);
    let prompt = parameters.prompt.as_deref().map(clean);
    let mut fields = Map::new();
    match &request {
        Some(request) => {
            fields.insert("request".to_owned(), json!(request));
        }
        None => {
            let prompt = prompt.as_deref().map(|prompt| cut(prompt, limits::PROMPT_CHARS));
            fields.extend(
                prompt.filter(|prompt| !prompt.is_empty()).map(|prompt| ("prompt".to_owned(), json!(prompt))),
            );
            let seed = parameters.seed.and_then(|seed| u32::try_from(seed).ok());
            fields.extend(seed.map(|seed| ("seed".to_owned(), json!(seed))));
        }
    }
    let note = note(found, findings, request.is_some());
    if !note.is_empty() {
        fields.insert("note".to_owned(), json!(cut(&note, limits::NOTE_CHARS)));
    }
    fields.insert("labels".to_owned(), json!({ "tool": tool(found.source) }));
    fields
}

/// The tool's name, as a label.
const fn tool(source: Source) -> &'static str {
    match source {
        Source::Tintype => "tintype",
        Source::Invokeai => "invokeai",
        Source::Parameters => "automatic1111",
        Source::Comfyui => "comfyui",
    }
}

/// Everything it was made with, if all of it is known and is what a request can be.
fn request(
    parameters: &Parameters,
    findings: &Findings,
    content_type: ContentType,
) -> Option<GenerationRequest> {
    let negative = parameters.negative_prompt.as_deref().map(clean).filter(|text| !text.is_empty());
    let request = GenerationRequest {
        prompt: Prompt::try_from(clean(parameters.prompt.as_deref()?)).ok()?,
        negative_prompt: negative.map(Prompt::try_from).transpose().ok()?,
        width: parameters.width.or(findings.width)?,
        height: parameters.height.or(findings.height)?,
        steps: parameters.steps?,
        guidance_scale: GuidanceScale::try_from(parameters.guidance_scale?).ok()?,
        seed: Seed(u32::try_from(parameters.seed?).ok()?),
        count: 1,
        model: model_name(parameters.model.as_deref()?)?,
        scheduler: parameters.scheduler.clone()?,
        source: None,
        output_format: OutputFormat::ALL.into_iter().find(|format| format.content_type() == content_type)?,
        priority: Priority::default(),
        deadline_s: limits::DEADLINE_DEFAULT_S,
        labels: Default::default(),
        parent: None,
    };
    let mut check = Checker::default();
    request.check(&mut check, "");
    check.finish(Some(())).ok().map(|()| request)
}

/// A model's name with its letters, digits, `.`, `_` and `-`, and dashes for the rest.
fn model_name(name: &str) -> Option<ModelName> {
    let mut allowed = String::new();
    for c in name.trim().chars() {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            allowed.push(c);
        } else if !allowed.ends_with('-') {
            allowed.push('-');
        }
    }
    allowed.trim_matches('-').parse().ok()
}

/// What a person reads of it that stands in no field of its own.
fn note(found: &Found, findings: &Findings, is_request: bool) -> String {
    let parameters = &found.parameters;
    let mut lines = Vec::new();
    let long =
        parameters.prompt.as_deref().filter(|prompt| prompt.trim().chars().count() > limits::PROMPT_CHARS);
    if !is_request {
        lines.extend(
            parameters
                .negative_prompt
                .as_deref()
                .map(|negative| format!("Negative prompt: {}", clean(negative))),
        );
    }
    let text = findings.parameters.as_ref().filter(|_| found.source == Source::Parameters);
    let settings: Vec<(String, String)> = match text {
        Some(text) => text.settings.clone(),
        None => settings(parameters),
    };
    let has_field = |name: &str| is_request && FIELDS.contains(&name) && !is_renamed(name, parameters);
    let rest = settings.into_iter().filter(|(name, _)| !has_field(name));
    let rest: Vec<_> = rest.map(|(name, value)| format!("{}: {}", clean(&name), clean(&value))).collect();
    if !rest.is_empty() {
        lines.push(rest.join(", "));
    }
    // Last: it is what is cut off, and its beginning is the prompt.
    lines.extend(long.map(|prompt| format!("Prompt: {}", clean(prompt))));
    lines.join("\n")
}

/// What a request has a field for, by the names of the `parameters` text.
const FIELDS: [&str; 6] = ["Steps", "Sampler", "CFG scale", "Seed", "Size", "Model"];

/// Whether the request names it otherwise than the file did.
fn is_renamed(name: &str, parameters: &Parameters) -> bool {
    let model = parameters.model.as_deref();
    name == "Model" && model.is_some_and(|model| model_name(model).is_none_or(|name| name.as_str() != model))
}

/// What is known of a picture without such a text, by the same names.
fn settings(parameters: &Parameters) -> Vec<(String, String)> {
    let text = |value: Option<String>| value;
    let all = [
        ("Steps", text(parameters.steps.map(|steps| steps.to_string()))),
        ("Sampler", text(parameters.scheduler.clone())),
        ("CFG scale", text(parameters.guidance_scale.map(|scale| scale.to_string()))),
        ("Seed", text(parameters.seed.map(|seed| seed.to_string()))),
        ("Size", parameters.width.zip(parameters.height).map(|(width, height)| format!("{width}x{height}"))),
        ("Model", parameters.model.clone()),
        ("Denoising strength", text(parameters.strength.map(|strength| strength.to_string()))),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A text without control characters, but for breaks of lines and tabs.
fn clean(text: &str) -> String {
    let kept =
        text.trim().chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\r' | '\t') { ' ' } else { c });
    kept.collect::<String>().trim().to_owned()
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// At most so many characters of a text.
fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(max - 1).collect();
    cut.push(CUT);
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_core::domain::OutputFormat;

    fn fields_of(parameters: &Parameters) -> Map<String, Value> {
        let picture = imaging::encode_rgb(2, 1, vec![0; 6], OutputFormat::Png).unwrap();
        let bytes = tintype_provenance::write(picture.blob.bytes(), parameters).unwrap();
        super::picture(Path::new("/nowhere/x.png"), bytes).unwrap().fields
    }

    fn parameters() -> Parameters {
        Parameters {
            prompt: Some("a fox".to_owned()),
            negative_prompt: Some("fog".to_owned()),
            width: Some(512),
            height: Some(640),
            steps: Some(20),
            guidance_scale: Some(7.5),
            seed: Some(42),
            model: Some("dreamshaper_8.safetensors".to_owned()),
            scheduler: Some("DPM++ 2M".to_owned()),
            strength: None,
        }
    }

    #[test]
    fn what_fits_is_a_request_and_needs_no_note() {
        let fields = fields_of(&parameters());
        assert_eq!(fields["request"]["model"], "dreamshaper_8.safetensors");
        assert_eq!(fields["request"]["negative_prompt"], "fog");
        assert_eq!((fields.get("note"), fields.get("prompt")), (None, None));
        assert_eq!(fields["labels"], json!({ "tool": "tintype", "file": "x.png" }));
    }

    #[test]
    fn a_seed_that_is_too_large_leaves_the_prompt_and_a_note_of_the_rest() {
        let fields = fields_of(&Parameters { seed: Some(1 << 40), ..parameters() });
        assert_eq!((fields.get("request"), fields.get("seed")), (None, None));
        assert_eq!(fields["prompt"], "a fox");
        let note = "Negative prompt: fog\nSteps: 20, Sampler: DPM++ 2M, CFG scale: 7.5, Seed: 1099511627776, \
                    Size: 512x640, Model: dreamshaper_8.safetensors";
        assert_eq!(fields["note"], note);
    }

    #[test]
    fn a_model_s_name_is_made_one_and_the_note_has_its_own() {
        let fields = fields_of(&Parameters { model: Some("Juggernaut XL (v9)".to_owned()), ..parameters() });
        assert_eq!(fields["request"]["model"], "Juggernaut-XL-v9");
        assert_eq!(fields["note"], "Model: Juggernaut XL (v9)");
    }

    #[test]
    fn a_prompt_of_20000_characters_is_cut_and_goes_on_in_the_note() {
        let fields = fields_of(&Parameters { prompt: Some("fox ".repeat(5_000)), ..parameters() });
        assert_eq!(fields["prompt"].as_str().unwrap().chars().count(), limits::PROMPT_CHARS);
        let note = fields["note"].as_str().unwrap();
        assert_eq!(note.chars().count(), limits::NOTE_CHARS);
        assert!(note.contains("Steps: 20") && note.contains("Prompt: fox fox"), "{note}");
    }
}
