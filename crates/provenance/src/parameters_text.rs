//! The `parameters` text of AUTOMATIC1111, which Forge, SD.Next, Civitai and many viewers read and write: the prompt,
//! a line with the negative one, and a last line of `Name: value` pairs.

use crate::{CREATOR_TOOL, Parameters};
use serde::Serialize;

/// The most pairs that are read.
const SETTINGS_MAX: usize = 256;
/// A last line with fewer pairs belongs to the prompt, as with the tool that this text is from.
const SETTINGS_MIN: usize = 3;
const NEGATIVE: &str = "Negative prompt:";

/// Our names of schedulers, and what other tools call them.
const SAMPLERS: [(&str, &str); 6] = [
    ("ddim", "DDIM"),
    ("euler", "Euler"),
    ("euler_ancestral", "Euler a"),
    ("dpmpp_2m", "DPM++ 2M"),
    ("lms", "LMS"),
    ("heun", "Heun"),
];

/// A `parameters` text, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ParametersText {
    /// The text as it stands in the file.
    pub text: String,
    /// Every pair of its last line, in order.
    pub settings: Vec<(String, String)>,
    /// The prompt.
    #[serde(skip)]
    prompt: String,
    /// The negative prompt.
    #[serde(skip)]
    negative: String,
}

/// Writes the text.
pub(crate) fn write(parameters: &Parameters) -> String {
    let mut lines = vec![parameters.prompt.clone().unwrap_or_default()];
    lines.extend(parameters.negative_prompt.as_ref().map(|negative| format!("{NEGATIVE} {negative}")));
    let sampler = parameters.scheduler.as_deref().map(sampler_name);
    let size = parameters.width.zip(parameters.height).map(|(width, height)| format!("{width}x{height}"));
    let settings = [
        ("Steps", parameters.steps.map(|steps| steps.to_string())),
        ("Sampler", sampler),
        ("CFG scale", parameters.guidance_scale.map(|scale| scale.to_string())),
        ("Seed", parameters.seed.map(|seed| seed.to_string())),
        ("Size", size),
        ("Model", parameters.model.clone()),
        ("Denoising strength", parameters.strength.map(|strength| strength.to_string())),
        ("Version", Some(CREATOR_TOOL.to_owned())),
    ];
    let settings =
        settings.into_iter().filter_map(|(name, value)| Some(format!("{name}: {}", quoted(value?))));
    lines.push(settings.collect::<Vec<_>>().join(", "));
    lines.join("\n")
}

fn sampler_name(ours: &str) -> String {
    let known = SAMPLERS.iter().find(|(name, _)| *name == ours);
    known.map_or(ours, |(_, theirs)| theirs).to_owned()
}

/// A value that holds one of the text's own signs is a JSON string.
fn quoted(value: String) -> String {
    if value.contains([',', ':', '\n', '"']) { serde_json::Value::from(value).to_string() } else { value }
}

impl ParametersText {
    /// Takes a text apart. Every text is one: what has no settings is a prompt.
    pub(crate) fn parse(text: &str) -> Self {
        let (body, last) = text.trim().rsplit_once('\n').unwrap_or(("", text.trim()));
        let settings = settings(last);
        let (body, settings) =
            if settings.len() < SETTINGS_MIN { (text.trim(), Vec::new()) } else { (body, settings) };
        let (prompt, negative) = prompts(body);
        Self { text: text.to_owned(), settings, prompt, negative }
    }

    /// The value of the setting `name`.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.setting(name)?.parse().ok()
    }

    /// What it says in our terms.
    pub(crate) fn parameters(&self) -> Parameters {
        let size = self.setting("Size").and_then(|size| size.split_once('x'));
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Parameters {
            prompt: given(&self.prompt),
            negative_prompt: given(&self.negative),
            width: size.and_then(|(width, _)| width.parse().ok()),
            height: size.and_then(|(_, height)| height.parse().ok()),
            steps: self.number("Steps"),
            guidance_scale: self.number::<f64>("CFG scale").filter(|scale| scale.is_finite()),
            seed: self.number("Seed"),
            model: self.setting("Model").map(str::to_owned),
            scheduler: self.setting("Sampler").map(str::to_owned),
            strength: self.number::<f64>("Denoising strength").filter(|strength| strength.is_finite()),
        }
    }
}

fn prompts(body: &str) -> (String, String) {
    let (mut prompt, mut negative) = (Vec::new(), None::<Vec<&str>>);
    for line in body.lines() {
        match (line.trim().strip_prefix(NEGATIVE), &mut negative) {
            (Some(rest), lines) => lines.get_or_insert_default().push(rest.trim()),
            (None, Some(lines)) => lines.push(line.trim()),
            (None, None) => prompt.push(line.trim()),
        }
    }
    let joined = |lines: Vec<&str>| lines.join("\n").trim().to_owned();
    (joined(prompt), joined(negative.unwrap_or_default()))
}

fn settings(line: &str) -> Vec<(String, String)> {
    let mut rest = line.trim();
    let mut settings = Vec::new();
    while settings.len() < SETTINGS_MAX {
        let Some((name, after)) = rest.split_once(':') else { break };
        let (value, after) = value(after.trim_start());
        // What stands before the name, as in `a, b, Steps: 20`, is no pair.
        let name = name.rsplit(',').next().unwrap_or(name).trim();
        if !name.is_empty() {
            settings.push((name.to_owned(), value));
        }
        rest = after;
    }
    settings
}

/// The value that `text` begins with, and what comes after its comma.
fn value(text: &str) -> (String, &str) {
    let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
    if text.starts_with('"')
        && let Some(Ok(value)) = strings.next()
    {
        let rest = text.get(strings.byte_offset()..).unwrap_or_default();
        return (value, rest.trim_start().trim_start_matches(','));
    }
    let (value, rest) = text.split_once(',').unwrap_or((text, ""));
    (value.trim().to_owned(), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Parameters {
        Parameters {
            prompt: Some("a cat, 猫\nby the sea".to_owned()),
            negative_prompt: Some("dogs\nrain".to_owned()),
            width: Some(512),
            height: Some(768),
            steps: Some(20),
            guidance_scale: Some(7.5),
            seed: Some(4_294_967_295),
            model: Some("a, \"b\": c".to_owned()),
            scheduler: Some("Euler a".to_owned()),
            strength: Some(0.6),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(ParametersText::parse(&write(&all())).parameters(), all());
    }

    #[test]
    fn the_text_is_that_of_other_tools() {
        let parameters =
            Parameters { model: Some("m".to_owned()), scheduler: Some("ddim".to_owned()), ..all() };
        let expected = format!(
            "a cat, 猫\nby the sea\nNegative prompt: dogs\nrain\nSteps: 20, Sampler: DDIM, CFG scale: 7.5, \
             Seed: 4294967295, Size: 512x768, Model: m, Denoising strength: 0.6, Version: {CREATOR_TOOL}"
        );
        assert_eq!(write(&parameters), expected);
    }

    #[test]
    fn a_last_line_without_settings_is_prompt() {
        let text = ParametersText::parse("a cat: small\nand: grey");
        assert_eq!(text.parameters().prompt.as_deref(), Some("a cat: small\nand: grey"));
        assert!(text.settings.is_empty());
    }

    #[test]
    fn a_quoted_value_holds_commas_and_colons() {
        let text = "cat\nSteps: 5, Sampler: Euler a, Lora hashes: \"a: 1, b: 2\", Seed: 7, Size: 8x9";
        let parsed = ParametersText::parse(text);
        assert_eq!(parsed.setting("Lora hashes"), Some("a: 1, b: 2"));
        assert_eq!(parsed.parameters().seed, Some(7));
    }

    #[test]
    fn a_quote_that_never_ends_is_an_ordinary_value() {
        let parsed = ParametersText::parse("cat\nSteps: 5, Model: \"x, Seed: 7, Size: 8x9");
        assert_eq!(parsed.setting("Model"), Some("\"x"));
        assert_eq!(parsed.parameters().seed, Some(7));
    }
}
