//! A server's `application/problem+json` as a person reads it.

use crate::failure::{Exit, Failure};
use serde::Deserialize;

/// What the server says of a failure.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    title: String,
    detail: String,
    code: String,
    request_id: String,
    errors: Vec<Field>,
}

/// A field that is wrong.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Field {
    pointer: String,
    detail: String,
}

/// The failure that `problem` tells of.
pub(super) fn in_words(status: u16, problem: &Problem) -> Failure {
    let exit = match status {
        404 | 410 => Exit::NotFound,
        400 | 409 | 412 | 413 | 415 | 422 => Exit::Refused,
        507 => Exit::NoSpace,
        _ => Exit::Failed,
    };
    let fields: Vec<_> = problem.errors.iter().map(Field::in_words).collect();
    let mut failure = match fields.as_slice() {
        [only] => Failure::new(exit, only.as_str()),
        [_, ..] => {
            fields.iter().fold(Failure::new(exit, problem.title.as_str()), |failure, line| failure.hint(line))
        }
        [] => Failure::new(exit, problem.said(status)),
    };
    if matches!(status, 401 | 403) {
        failure = failure.hint("put your key into TINTYPE_KEY, or use --key");
    }
    if exit == Exit::NoSpace {
        return failure
            .hint("make room on its disk, or erase images: tintype trash IMAGE --permanent")
            .hint("then do it again; what is in the trash: tintype list --trash");
    }
    if status >= 500 && !problem.request_id.is_empty() {
        failure = failure.hint(format!("the server's log knows it as request {}", problem.request_id));
    }
    failure
}

impl Problem {
    fn said(&self, status: u16) -> String {
        let said = [&self.detail, &self.title, &self.code].into_iter().find(|text| !text.is_empty());
        said.cloned().unwrap_or_else(|| match status {
            413 => "it is larger than what the server takes (HTTP 413)".to_owned(),
            _ => format!("the server answers with HTTP {status}"),
        })
    }
}

impl Field {
    fn in_words(&self) -> String {
        match flag_of(&self.pointer) {
            "" => self.detail.clone(),
            name => format!("{name} {}", self.detail),
        }
    }
}

/// The name that this command has for a field of a request.
fn flag_of(pointer: &str) -> &str {
    match pointer {
        "/negative_prompt" => "--negative",
        "/width" => "--width",
        "/height" => "--height",
        "/steps" => "--steps",
        "/guidance_scale" => "--guidance",
        "/seed" => "--seed",
        "/count" => "--count",
        "/model" => "--model",
        "/scheduler" => "--scheduler",
        "/output_format" => "--format",
        "/labels" => "--label",
        "/prompt" => "the prompt",
        "/title" => "--title",
        "/tags" => "--tag",
        other => other.trim_start_matches('/'),
    }
}

/// The failure of an input that this process refused itself.
pub(crate) fn of_invalid(invalid: &tintype_core::domain::InvalidInput) -> Failure {
    let errors = invalid.errors().iter();
    let errors = errors.map(|error| Field { pointer: error.pointer.clone(), detail: error.detail.clone() });
    let title = "the request is not valid".to_owned();
    in_words(422, &Problem { title, errors: errors.collect(), ..Problem::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, json: &str) -> Failure {
        in_words(status, &serde_json::from_str(json).unwrap())
    }

    #[test]
    fn one_wrong_field_is_the_message_under_its_flag() {
        let failure =
            said(422, r#"{"errors":[{"pointer":"/guidance_scale","detail":"is 99; must be from 0 to 20"}]}"#);
        assert_eq!(
            (failure.exit, failure.message.as_str()),
            (Exit::Refused, "--guidance is 99; must be from 0 to 20")
        );
    }

    #[test]
    fn several_wrong_fields_are_a_line_each() {
        let json = r#"{"title":"The request is not valid","errors":[{"pointer":"/width","detail":"a"},{"pointer":"/steps","detail":"b"}]}"#;
        assert_eq!(said(422, json).hints, ["--width a", "--steps b"]);
    }

    #[test]
    fn a_full_disk_says_how_to_make_room() {
        let failure = said(507, r#"{"detail":"the server's disk is full","request_id":"r"}"#);
        assert_eq!((failure.exit, failure.message.as_str()), (Exit::NoSpace, "the server's disk is full"));
        assert!(failure.in_one_line().contains("tintype trash IMAGE --permanent"), "{:?}", failure.hints);
        assert!(!failure.in_one_line().contains("request r"), "{:?}", failure.hints);
    }

    #[test]
    fn a_missing_key_says_where_to_put_it() {
        let failure = said(401, r#"{"detail":"a key is required"}"#);
        assert_eq!(failure.exit, Exit::Failed);
        assert!(failure.hints[0].contains("TINTYPE_KEY"));
    }
}
