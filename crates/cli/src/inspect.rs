//! `tintype inspect`: what picture files say of themselves, of ours and of other tools. No server is asked.

use crate::args::Inspect;
use crate::bounded;
use crate::content_credentials::{Manifest, Trusted};
use crate::failure::{Exit, Failure, Outcome};
use crate::lines::{self, GAP, Line, plain};
use crate::terminal::{Style, Terminal};
use serde_json::{Value, json};
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use tintype_provenance::{Findings, Parameters, inspect};

/// The largest file that is read, in bytes.
const FILE_BYTES: u64 = 256 * 1024 * 1024;
/// How much of another tool's text is shown to a person, in characters.
const TEXT_CHARS: usize = 200;

/// Shows what each file says. A file that can't be read does not keep the others from being shown.
///
/// # Errors
/// If a file is not there, too large, or no picture.
pub(crate) fn run(args: &Inspect, terminal: &Terminal) -> Outcome {
    let trusted = Trusted::read(args.trust.as_deref())?;
    let read = args.files.iter().map(|file| (file.as_path(), read(file, &trusted)));
    if args.json { as_json(read, terminal) } else { as_lines(read, terminal) }
}

/// What a file says, and of its manifest, if it has one, whether that holds.
struct Inspection {
    findings: Findings,
    manifest: Option<Manifest>,
}

fn read(path: &Path, trusted: &Trusted) -> Outcome<Inspection> {
    let failed = |exit, problem: String| Failure::new(exit, format!("{}: {problem}", path.display()));
    let file = File::open(path).map_err(|error| failed(Exit::NotFound, error.to_string()))?;
    let bytes = bounded::read(file, FILE_BYTES).map_err(|error| {
        let exit = if error.kind() == ErrorKind::FileTooLarge { Exit::Refused } else { Exit::Failed };
        failed(exit, error.to_string())
    })?;
    let findings = inspect(&bytes).map_err(|error| failed(Exit::Refused, error.to_string()))?;
    let manifest = findings.content_credentials.then(|| Manifest::read(&bytes, trusted));
    Ok(Inspection { findings, manifest })
}

type Inspected<'a> = (&'a Path, Outcome<Inspection>);

/// One array; of a file that can't be read it tells the error.
fn as_json<'a>(read: impl Iterator<Item = Inspected<'a>>, terminal: &Terminal) -> Outcome {
    let mut failed = None;
    let mut items = Vec::new();
    for (path, inspection) in read {
        let file = path.display().to_string();
        items.push(match inspection {
            Ok(Inspection { findings, manifest }) => {
                let mut item = serde_json::to_value(findings).unwrap_or_default();
                item["manifest"] = manifest.map_or(Value::Null, |manifest| manifest.json());
                item["file"] = json!(file);
                item
            }
            Err(failure) => {
                let item = json!({ "file": file, "error": failure.message });
                failed = Some(failure);
                item
            }
        });
    }
    terminal.json(&Value::Array(items))?;
    failed.map_or(Ok(()), Err)
}

fn as_lines<'a>(read: impl Iterator<Item = Inspected<'a>>, terminal: &Terminal) -> Outcome {
    let mut failed = None;
    for (place, (path, inspection)) in read.enumerate() {
        if place > 0 {
            terminal.data("")?;
        }
        match inspection {
            Ok(inspection) => lines::print(terminal, &all(path, &inspection))?,
            Err(failure) => {
                if let Some(earlier) = failed.replace(failure) {
                    terminal.failure(&earlier);
                }
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

fn all(path: &Path, inspection: &Inspection) -> Vec<Line> {
    let findings = &inspection.findings;
    let size = findings.width.zip(findings.height);
    let mut lines = vec![
        ("file", Style::Bold, path.display().to_string()),
        plain("format", format!("{}, {} bytes", findings.format.as_str(), findings.bytes)),
        plain("size", size.map(|(width, height)| format!("{width} \u{d7} {height}")).unwrap_or_default()),
        plain("made by", made_by(findings)),
        plain("tool", findings.xmp.as_ref().and_then(|xmp| xmp.creator_tool.clone()).unwrap_or_default()),
    ];
    lines.extend(inspection.manifest.iter().flat_map(Manifest::lines));
    match &findings.made_with {
        Some(found) => {
            lines.push(GAP);
            lines.extend(parameters(&found.parameters));
            lines.push(plain("read from", found.source.name()));
        }
        None => lines.push(plain("parameters", "none that are known here")),
    }
    lines.extend(
        findings.texts.iter().map(|(keyword, text)| plain("text", format!("{keyword}: {}", start(text)))),
    );
    lines.extend(findings.problems.iter().map(|problem| ("problem", Style::Amber, problem.clone())));
    lines
}

/// Who made it, as its XMP says; nothing of it is proven.
fn made_by(findings: &Findings) -> String {
    let Some(xmp) = &findings.xmp else { return String::new() };
    match &xmp.digital_source_type {
        Some(_) if xmp.says_machine_made() => "a machine, it says (IPTC digital source type)".to_owned(),
        Some(term) => format!("IPTC digital source type {term}"),
        None => String::new(),
    }
}

fn parameters(parameters: &Parameters) -> Vec<Line> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    let size = parameters.width.zip(parameters.height);
    vec![
        ("prompt", Style::Bold, text(&parameters.prompt)),
        plain("negative", text(&parameters.negative_prompt)),
        plain("model", text(&parameters.model)),
        plain("steps", parameters.steps.map(|steps| steps.to_string()).unwrap_or_default()),
        plain("guidance", number(parameters.guidance_scale)),
        plain("scheduler", text(&parameters.scheduler)),
        plain("seed", parameters.seed.map(|seed| seed.to_string()).unwrap_or_default()),
        plain("drawn at", size.map(|(width, height)| format!("{width} \u{d7} {height}")).unwrap_or_default()),
        plain("strength", number(parameters.strength)),
    ]
}

fn start(text: &str) -> String {
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(TEXT_CHARS).collect();
    if chars.next().is_some() { start + "\u{2026}" } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_core::{domain::OutputFormat, imaging};

    fn findings(parameters: &Parameters) -> Findings {
        let picture = imaging::encode_rgb(2, 1, vec![0; 6], OutputFormat::Png).unwrap();
        inspect(&tintype_provenance::write(picture.blob.bytes(), parameters).unwrap()).unwrap()
    }

    #[test]
    fn a_person_sees_what_it_was_made_with_and_by_whom() {
        let found = findings(&Parameters {
            prompt: Some("red heart".to_owned()),
            seed: Some(7),
            ..Parameters::default()
        });
        let lines = all(Path::new("x.png"), &Inspection { findings: found, manifest: None });
        let value = |name: &str| lines.iter().find(|line| line.0 == name).unwrap().2.clone();
        assert_eq!((value("prompt"), value("seed")), ("red heart".to_owned(), "7".to_owned()));
        assert_eq!((value("size"), value("read from")), ("2 \u{d7} 1".to_owned(), "Tintype".to_owned()));
        assert!(value("made by").starts_with("a machine"));
    }

    #[test]
    fn of_a_long_text_only_the_start_is_shown() {
        assert_eq!(start(&"a".repeat(300)).chars().count(), TEXT_CHARS + 1);
    }
}
