//! JSON texts that clients send, read strictly: one object, no name twice, no unknown field; and what is wrong with a
//! text that can't be read so, as a field a client can find.

use crate::problem::{Answer, Code, Problem};
use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor, value::MapDeserializer,
    },
};
use serde_json::{error::Category, value::RawValue};
use serde_path_to_error::{Path, Segment};
use std::{
    collections::{BTreeMap, HashSet},
    fmt,
};
use tintype_core::domain::FieldError;

/// The longest part of a parser's message that is sent back.
const DETAIL_CHARS: usize = 300;
/// The most wrong fields that are named at once.
const NAMED_MAX: usize = 32;

/// Reads one JSON object whose fields are all optional.
///
/// # Errors
/// `bad_json` with the place for what is no JSON, `invalid` with every field that is not as expected.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Answer<T> {
    let (value, errors) = parse_each(bytes)?;
    if errors.is_empty() { Ok(value) } else { Err(Problem::fields(Code::Invalid, errors)) }
}

/// Reads one JSON object whose fields are all optional, each on its own: the value that the good ones make, and what
/// is wrong with the others.
///
/// # Errors
/// `bad_json` with the place for what is no JSON, `invalid` for what is no object or names a field twice.
pub(crate) fn parse_each<T: DeserializeOwned>(bytes: &[u8]) -> Answer<(T, Vec<FieldError>)> {
    let text = checked(bytes)?;
    if let Ok(value) = serde_json::from_str(text) {
        return Ok((value, Vec::new()));
    }
    let mut fields: BTreeMap<String, &RawValue> = read(&mut serde_json::Deserializer::from_str(text))?;
    let mut errors = Vec::new();
    fields.retain(|name, value| {
        // Who sent so many is told of the rest when these are mended.
        if errors.len() == NAMED_MAX {
            return false;
        }
        match read::<T, _>(MapDeserializer::new([(name.as_str(), *value)].into_iter())) {
            Ok(_) => true,
            Err(problem) => {
                errors.extend(problem.errors().iter().cloned());
                false
            }
        }
    });
    let good = fields.iter().map(|(name, value)| (name.as_str(), *value));
    Ok((read(MapDeserializer::new(good))?, errors))
}

fn read<'de, T: Deserialize<'de>, D: Deserializer<'de, Error = serde_json::Error>>(from: D) -> Answer<T> {
    serde_path_to_error::deserialize(from).map_err(|error| {
        let pointer = pointer(error.path());
        explain(pointer, error.inner())
    })
}

/// A text that is one JSON object and names no field twice.
fn checked(bytes: &[u8]) -> Answer<&str> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Problem::new(Code::BadJson, format!("the body is not UTF-8 from byte {} on", error.valid_up_to()))
    })?;
    check_names(text)?;
    Ok(text)
}

/// Refuses a text that is no object, or has a name twice in one: readers disagree on which of the two counts.
fn check_names(text: &str) -> Answer<()> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let mut path = Vec::new();
    let mut double = None;
    let strict = Strict { path: &mut path, double: &mut double, inside: false };
    let read = strict.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match (double, read) {
        (Some(pointer), _) => Err(Problem::field(pointer, "duplicate", "stands twice in its object")),
        (None, Err(error)) => Err(explain(String::new(), &error)),
        (None, Ok(())) => Ok(()),
    }
}

fn explain(pointer: String, error: &serde_json::Error) -> Problem {
    let message = error.to_string();
    match error.classify() {
        Category::Data => data_problem(pointer, &message),
        Category::Syntax | Category::Eof | Category::Io => {
            Problem::new(Code::BadJson, format!("the body can't be read as JSON: {}", shortened(&message)))
        }
    }
}

/// Turns a message of serde's into a field, a code and words without Rust's types.
fn data_problem(pointer: String, message: &str) -> Problem {
    let message = message.rsplit_once(" at line ").map_or(message, |(start, _)| start);
    for (start, code, detail) in [
        ("unknown field", "unknown", "is not a field of this request"),
        ("missing field", "required", "is required"),
    ] {
        if message.starts_with(start) {
            // The field's own name stands between back quotes; the path may end at its object.
            let name = message.split('`').nth(1).unwrap_or_default();
            let escaped = escape(name);
            let pointer = match pointer.rsplit('/').next() {
                Some(last) if last == escaped => pointer,
                _ => format!("{pointer}/{escaped}"),
            };
            return Problem::field(shortened(&pointer), code, detail);
        }
    }
    let mut detail = shortened(message);
    for (rust, plain) in [
        ("i64", "a whole number"),
        ("u64", "a whole number of 0 or more"),
        ("u32", "a whole number of 0 or more"),
        ("f64", "a number"),
    ] {
        detail = detail.replace(&format!("expected {rust}"), &format!("expected {plain}"));
    }
    Problem::field(pointer, "wrong_type", detail)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(DETAIL_CHARS) {
        Some((end, _)) => format!("{} [...]", &text[..end]),
        None => text.to_owned(),
    }
}

fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", escape(key))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// A name as RFC 6901 writes it in a pointer.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Walks a whole text, keeps nothing of it, and notes the first name that stands twice.
struct Strict<'a> {
    path: &'a mut Vec<String>,
    double: &'a mut Option<String>,
    inside: bool,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.inside { deserializer.deserialize_any(self) } else { deserializer.deserialize_map(self) }
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let escaped = escape(&name);
            if !seen.insert(name) {
                let parents: String = self.path.iter().map(|name| format!("/{name}")).collect();
                *self.double = Some(format!("{parents}/{escaped}"));
                return Err(A::Error::custom("duplicate"));
            }
            self.path.push(escaped);
            map.next_value_seed(Strict { path: self.path, double: self.double, inside: true })?;
            self.path.pop();
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        for index in 0_usize.. {
            self.path.push(index.to_string());
            let inner = Strict { path: self.path, double: self.double, inside: true };
            let item = items.next_element_seed(inner)?;
            self.path.pop();
            if item.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_core::domain::{GenerateInput, ImageEdit};

    fn refusal(text: &str) -> (&'static str, String) {
        let problem = parse::<GenerateInput>(text.as_bytes()).unwrap_err();
        let pointer = problem.errors().first().map(|error| error.pointer.clone()).unwrap_or_default();
        (problem.code().name(), pointer)
    }

    #[test]
    fn what_is_no_json_is_named_by_its_place() {
        for text in
            ["", "{", "{}x", "{\"seed\":NaN}", "{\"seed\":1e999}", "{'a':1}", "{\"prompt\":\"\u{1}\"}"]
        {
            assert_eq!(refusal(text).0, "bad_json", "{text}");
        }
        let problem = parse::<GenerateInput>(b"{\"prompt\": }").unwrap_err();
        assert!(problem.detail().contains("line 1 column 12"), "{}", problem.detail());
    }

    #[test]
    fn a_field_of_the_wrong_type_is_named() {
        assert_eq!(refusal(r#"{"width":"64"}"#), ("invalid", "/width".into()));
        assert_eq!(refusal(r#"{"width":64.5}"#), ("invalid", "/width".into()));
        assert_eq!(refusal(r#"{"seed":99999999999999999999}"#), ("invalid", "/seed".into()));
        assert_eq!(refusal(r#"{"labels":{"a":1}}"#), ("invalid", "/labels/a".into()));
        let problem = parse::<ImageEdit>(br#"{"tags":["a",7]}"#).unwrap_err();
        assert_eq!(problem.errors()[0].pointer, "/tags/1");
    }

    fn refusals(text: &str) -> (GenerateInput, Vec<(String, &'static str)>) {
        let (value, errors) = parse_each::<GenerateInput>(text.as_bytes()).unwrap();
        (value, errors.into_iter().map(|error| (error.pointer, error.code)).collect())
    }

    #[test]
    fn every_field_of_the_wrong_type_is_named_and_the_good_ones_are_kept() {
        let text = r#"{"width":"64","steps":100000,"promt":"cat","labels":{"a":1,"b":2},"count":null,"prompt":"\u0041"}"#;
        let (value, errors) = refusals(text);
        let named = [("/labels/a", "wrong_type"), ("/promt", "unknown"), ("/width", "wrong_type")];
        assert_eq!(errors, named.map(|(pointer, code)| (pointer.to_owned(), code)));
        assert_eq!((value.prompt.as_deref(), value.steps, value.width), (Some("A"), Some(100_000), None));
    }

    #[test]
    fn a_flood_of_wrong_fields_is_named_in_part() {
        let fields: Vec<_> = (0..10_000).map(|n| format!("\"field{n}\":0")).collect();
        assert_eq!(refusals(&format!("{{{}}}", fields.join(","))).1.len(), NAMED_MAX);
    }

    #[test]
    fn read_field_by_field_a_text_still_has_to_be_one_object_without_doubles() {
        for (text, code) in [("[]", "invalid"), ("{", "bad_json"), (r#"{"seed":1,"seed":"x"}"#, "invalid")] {
            assert_eq!(
                parse_each::<GenerateInput>(text.as_bytes()).unwrap_err().code().name(),
                code,
                "{text}"
            );
        }
    }

    #[test]
    fn an_unknown_field_and_one_that_stands_twice_are_named() {
        assert_eq!(refusal(r#"{"promt":"cat"}"#), ("invalid", "/promt".into()));
        assert_eq!(refusal(r#"{"prompt":"a","prompt":"b"}"#), ("invalid", "/prompt".into()));
        assert_eq!(refusal(r#"{"labels":{"a/b":"1","a/b":"2"}}"#), ("invalid", "/labels/a~1b".into()));
    }

    #[test]
    fn only_an_object_is_a_request() {
        for text in ["[]", "[\"a cat\"]", "\"cat\"", "null", "7"] {
            assert_eq!(refusal(text).0, "invalid", "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_without_a_stack_overflow() {
        let deep = format!("{{\"prompt\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(refusal(&deep).0, "bad_json");
    }

    #[test]
    fn a_long_value_is_not_sent_back_whole() {
        let long = format!("{{\"width\":\"{}\"}}", "x".repeat(1_000_000));
        let problem = parse::<GenerateInput>(long.as_bytes()).unwrap_err();
        assert!(problem.detail().len() < 1_000);
    }
}
