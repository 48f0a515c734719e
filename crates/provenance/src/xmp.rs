//! XMP: an RDF packet in XML. What it says of a picture that a machine drew is IPTC's digital source type.

use crate::{CREATOR_TOOL, Parameters};
use quick_xml::{
    NsReader, XmlVersion,
    events::{BytesRef, BytesStart, Event},
    name::ResolveResult,
};
use serde::Serialize;
use serde_json::Value;

/// IPTC's term for a picture that a trained model drew.
pub const TRAINED_ALGORITHMIC_MEDIA: &str =
    "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia";
/// The most parts of a packet that are looked at.
const EVENTS_MAX: usize = 10_000;

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const DC: &str = "http://purl.org/dc/elements/1.1/";
const BASIC: &str = "http://ns.adobe.com/xap/1.0/";
const IPTC: &str = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/";
const OURS: &str = "urn:tintype:parameters:";

/// What the XMP of a file says.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct XmpFindings {
    /// How the picture came about, as a term of IPTC's vocabulary (a URL).
    pub digital_source_type: Option<String>,
    /// The tool that made it.
    pub creator_tool: Option<String>,
    /// What it shows; what we write here is the prompt.
    pub description: Option<String>,
    /// Our own form of the parameters.
    #[serde(skip)]
    pub(crate) ours: Option<String>,
}

/// The packet.
pub(crate) fn write(parameters: &Parameters, json: &str) -> String {
    let description = escaped(parameters.prompt.as_deref().unwrap_or_default());
    let (tool, json) = (escaped(CREATOR_TOOL), escaped(json));
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n <rdf:RDF xmlns:rdf=\"{RDF}\">\n  \
         <rdf:Description rdf:about=\"\" xmlns:dc=\"{DC}\" xmlns:xmp=\"{BASIC}\" xmlns:Iptc4xmpExt=\"{IPTC}\" \
         xmlns:tintype=\"{OURS}\">\n   \
         <Iptc4xmpExt:DigitalSourceType>{TRAINED_ALGORITHMIC_MEDIA}</Iptc4xmpExt:DigitalSourceType>\n   \
         <xmp:CreatorTool>{tool}</xmp:CreatorTool>\n   \
         <dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">{description}</rdf:li></rdf:Alt></dc:description>\n   \
         <tintype:parameters>{json}</tintype:parameters>\n  \
         </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"r\"?>"
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A reader would take it for a line break.
            '\r' => out.push_str("&#xD;"),
            '\t' | '\n' => out.push(c),
            // XML has no way to write these.
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            _ => out.push(c),
        }
    }
    out
}

/// A property that is looked for.
#[derive(Clone, Copy)]
enum Property {
    SourceType,
    Tool,
    Description,
    Ours,
}

impl Property {
    fn of(namespace: &ResolveResult<'_>, name: &str) -> Option<Self> {
        let ResolveResult::Bound(namespace) = namespace else { return None };
        let is = |uri: &str| namespace.0 == uri;
        match name {
            "DigitalSourceType" | "digitalSourceType" | "digitalsourcetype" if is(IPTC) => {
                Some(Self::SourceType)
            }
            "CreatorTool" if is(BASIC) => Some(Self::Tool),
            "description" if is(DC) => Some(Self::Description),
            "parameters" if is(OURS) => Some(Self::Ours),
            _ => None,
        }
    }
}

impl XmpFindings {
    fn set(&mut self, property: Property, value: &str) {
        let place = match property {
            Property::SourceType => &mut self.digital_source_type,
            Property::Tool => &mut self.creator_tool,
            Property::Description => &mut self.description,
            Property::Ours => &mut self.ours,
        };
        let value = value.trim();
        if place.is_none() && !value.is_empty() {
            *place = Some(value.to_owned());
        }
    }

    /// Whether it says that a machine drew the picture, or a part of it.
    pub fn says_machine_made(&self) -> bool {
        let term = self.digital_source_type.as_deref().and_then(|url| url.rsplit('/').next());
        matches!(term, Some("trainedAlgorithmicMedia" | "compositeWithTrainedAlgorithmicMedia"))
    }

    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_str(self.ours.as_ref()?).ok()
    }
}

/// A property on the way: which, how deep in it, its text so far.
struct Open {
    property: Property,
    depth: usize,
    text: String,
}

/// Reads a packet; the second value says what was wrong with it, if something was.
pub(crate) fn read(packet: &str) -> (XmpFindings, Option<String>) {
    let mut found = XmpFindings::default();
    let mut reader = NsReader::from_str(packet.trim_start_matches('\u{feff}'));
    let mut open: Option<Open> = None;
    for _ in 0..EVENTS_MAX {
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => return (found, Some(format!("the XMP is no good XML: {error}"))),
        };
        let property = |start: &BytesStart<'_>| {
            let (namespace, name) = reader.resolver().resolve_element(start.name());
            Property::of(&namespace, name.as_ref())
        };
        match event {
            Event::Eof => return (found, None),
            Event::Start(start) => {
                match &mut open {
                    Some(open) => open.depth += 1,
                    None => {
                        open =
                            property(&start).map(|property| Open { property, depth: 1, text: String::new() });
                    }
                }
                attributes(&reader, &start, property(&start), &mut found);
            }
            Event::Empty(start) => attributes(&reader, &start, property(&start), &mut found),
            Event::End(_) => close(&mut open, &mut found),
            Event::Text(text) => append(&mut open, &text.xml10_content()),
            Event::CData(text) => append(&mut open, &text.xml10_content()),
            Event::GeneralRef(name) => append(&mut open, &resolved(&name)),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    (found, Some("the XMP is read in part: it is too large".to_owned()))
}

fn close(open: &mut Option<Open>, found: &mut XmpFindings) {
    let Some(now) = open else { return };
    now.depth -= 1;
    if now.depth == 0 {
        found.set(now.property, &now.text);
        *open = None;
    }
}

fn append(open: &mut Option<Open>, text: &str) {
    if let Some(open) = open {
        open.text.push_str(text);
    }
}

/// The character that `&name;` stands for; of an unknown name nothing.
fn resolved(name: &BytesRef<'_>) -> String {
    match name.resolve_char_ref() {
        Ok(Some(c)) => c.to_string(),
        _ => quick_xml::escape::resolve_predefined_entity(name).unwrap_or_default().to_owned(),
    }
}

/// Properties may be attributes of their subject, and their value an attribute of theirs.
fn attributes(
    reader: &NsReader<&[u8]>,
    start: &BytesStart<'_>,
    element: Option<Property>,
    found: &mut XmpFindings,
) {
    for attribute in start.attributes().with_checks(false).flatten() {
        let (namespace, name) = reader.resolver().resolve_attribute(attribute.key);
        let is_resource = name.as_ref() == "resource"
            && matches!(&namespace, ResolveResult::Bound(namespace) if namespace.0 == RDF);
        let property = if is_resource { element } else { Property::of(&namespace, name.as_ref()) };
        if let (Some(property), Ok(value)) = (property, attribute.normalized_value(XmlVersion::Explicit1_0)) {
            found.set(property, &value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let prompt = "a <cat> & \"dog\"\r\n猫 😀 ]]>";
        let parameters = Parameters { prompt: Some(prompt.to_owned()), ..Parameters::default() };
        let (found, problem) = read(&write(&parameters, &parameters.to_json()));
        assert_eq!(problem, None);
        assert_eq!(found.description.as_deref(), Some(prompt));
        assert_eq!(found.digital_source_type.as_deref(), Some(TRAINED_ALGORITHMIC_MEDIA));
        assert_eq!(found.creator_tool.as_deref(), Some(CREATOR_TOOL));
        assert_eq!(Parameters::of_json(&found.json().unwrap()), Some(parameters));
        assert!(found.says_machine_made());
    }

    #[test]
    fn properties_are_attributes_and_resources_too() {
        let packet = format!(
            "<r:RDF xmlns:r='{RDF}' xmlns:i='{IPTC}' xmlns:b='{BASIC}'><r:Description b:CreatorTool='a &amp; b'>\
             <i:DigitalSourceType r:resource='http://x/digitalCapture'/></r:Description></r:RDF>"
        );
        let (found, problem) = read(&packet);
        assert_eq!((found.creator_tool.as_deref(), problem), (Some("a & b"), None));
        assert!(!found.says_machine_made());
    }

    #[test]
    fn a_packet_that_ends_early_says_so_and_keeps_what_came_before() {
        let whole = write(&Parameters::default(), "{}");
        let (found, problem) = read(&whole[..whole.find("</xmp:CreatorTool>").unwrap() + 5]);
        assert!(found.says_machine_made() && problem.is_some());
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(escaped("a\u{1}\u{ffff}b"), "a\u{fffd}\u{fffd}b");
    }
}
