//! What is found in a file, of ours and of other tools.

use crate::{
    Format, Parameters, ParametersText, Result, XmpFindings, comfyui, exif, invokeai,
    png::{OUR_KEYWORD, PARAMETERS_KEYWORD},
    raw::Raw,
    xmp,
};
use serde::Serialize;
use serde_json::Value;

/// What a file says of itself. Nothing of it is proven: anybody can write it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Findings {
    /// The format.
    pub format: Format,
    /// How many bytes the file has.
    pub bytes: usize,
    /// Pixels across, as its header claims.
    pub width: Option<u32>,
    /// Pixels down, as its header claims.
    pub height: Option<u32>,
    /// What it was made with, in one form, of the best source there is.
    pub made_with: Option<Found>,
    /// Our own form.
    pub tintype: Option<Value>,
    /// The text of AUTOMATIC1111 and others.
    pub parameters: Option<ParametersText>,
    /// ComfyUI's graphs: `prompt` and `workflow`.
    pub comfyui: Option<Value>,
    /// InvokeAI's metadata.
    pub invokeai: Option<Value>,
    /// XMP.
    pub xmp: Option<XmpFindings>,
    /// Whether there is a C2PA manifest.
    pub content_credentials: bool,
    /// Other texts: keyword and text.
    pub texts: Vec<(String, String)>,
    /// What could not be read, in words.
    pub problems: Vec<String>,
}

/// Parameters, and where they are from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Where they are from.
    pub source: Source,
    /// The parameters.
    #[serde(flatten)]
    pub parameters: Parameters,
}

/// Whose form a file's parameters were read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Our own.
    Tintype,
    /// InvokeAI's.
    Invokeai,
    /// The `parameters` text.
    Parameters,
    /// ComfyUI's graph.
    Comfyui,
}

impl Source {
    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tintype => "Tintype",
            Self::Invokeai => "InvokeAI",
            Self::Parameters => "parameters text (AUTOMATIC1111 and others)",
            Self::Comfyui => "ComfyUI",
        }
    }
}

/// Reads what a file says of itself. Hostile files are fine: at most [`TEXTS_MAX`](crate::TEXTS_MAX) texts of at most
/// [`TEXT_BYTES`](crate::TEXT_BYTES) are kept, packed ones are unpacked no further, and what is damaged is one of the
/// result's problems.
///
/// # Errors
/// [`UnknownFormat`](crate::Error::UnknownFormat).
pub fn inspect(bytes: &[u8]) -> Result<Findings> {
    let format = Format::of(bytes)?;
    let mut raw = Raw::read(bytes)?;
    let exif_texts: Vec<String> = raw.exif.iter().flat_map(|tiff| exif::texts(tiff)).collect();
    let xmp = find_xmp(&mut raw);
    let tintype = find_ours(&mut raw, xmp.as_ref());
    let parameters = find_parameters(&raw);
    let comfyui = comfyui::find(&mut raw, &exif_texts);
    let invokeai = invokeai::find(&mut raw);
    let made_with = [
        tintype.as_ref().and_then(Parameters::of_json).map(|found| (Source::Tintype, found)),
        invokeai.as_ref().map(|found| (Source::Invokeai, invokeai::parameters(found))),
        parameters.as_ref().map(|found| (Source::Parameters, found.parameters())),
        comfyui
            .as_ref()
            .and_then(|found| comfyui::parameters(&found["prompt"]))
            .map(|found| (Source::Comfyui, found)),
    ];
    let made_with = made_with.into_iter().flatten().find(|(_, found)| !found.is_empty());
    Ok(Findings {
        format,
        bytes: bytes.len(),
        width: raw.size.map(|(width, _)| width),
        height: raw.size.map(|(_, height)| height),
        made_with: made_with.map(|(source, parameters)| Found { source, parameters }),
        tintype,
        parameters,
        comfyui,
        invokeai,
        xmp,
        content_credentials: raw.sealed,
        texts: raw.texts.into_iter().filter(|(keyword, _)| !KNOWN.contains(&keyword.as_str())).collect(),
        problems: raw.problems,
    })
}

/// The keywords of texts that have a place of their own.
const KNOWN: [&str; 5] = [OUR_KEYWORD, PARAMETERS_KEYWORD, "prompt", "workflow", "invokeai_metadata"];

fn find_xmp(raw: &mut Raw) -> Option<XmpFindings> {
    let (found, problem) = xmp::read(raw.xmp.first()?);
    if let Some(problem) = problem {
        raw.problem(problem);
    }
    Some(found)
}

fn find_ours(raw: &mut Raw, xmp: Option<&XmpFindings>) -> Option<Value> {
    let Some((_, text)) = raw.texts.iter().find(|(keyword, _)| keyword == OUR_KEYWORD) else {
        return xmp.and_then(XmpFindings::json);
    };
    let found = serde_json::from_str(text).ok();
    if found.is_none() {
        raw.problem("the text \"tintype\" is no good JSON");
    }
    found
}

fn find_parameters(raw: &Raw) -> Option<ParametersText> {
    let in_chunk = raw.texts.iter().find(|(keyword, _)| keyword == PARAMETERS_KEYWORD);
    let text = in_chunk.map(|(_, text)| text.clone());
    let text = text.or_else(|| raw.exif.iter().find_map(|tiff| exif::comment(tiff)))?;
    Some(ParametersText::parse(&text)).filter(|text| !text.text.trim().is_empty())
}
