//! What is wrong with an input, field by field.

use serde::Serialize;
use std::fmt;

/// One field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field, as a JSON pointer into the request (`/width`); for a query parameter its name after a slash.
    pub pointer: String,
    /// The sort of mistake, in snake case: `out_of_range`, `required`, `unsupported`, ...
    pub code: &'static str,
    /// What is wrong and what is allowed, for a person.
    pub detail: String,
}

impl FieldError {
    /// A wrong field.
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, detail: detail.into() }
    }
}

/// An input with at least one field that is wrong; it names them all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct InvalidInput(Vec<FieldError>);

impl InvalidInput {
    /// An input in which just this field is wrong.
    pub fn field(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self(vec![FieldError::new(pointer, code, detail)])
    }

    /// Every field that is wrong; never empty.
    pub fn errors(&self) -> &[FieldError] {
        &self.0
    }
}

impl fmt::Display for InvalidInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{}: {}", error.pointer.trim_start_matches('/'), error.detail)?;
        }
        Ok(())
    }
}

/// Collects wrong fields, so that a client learns of all of them at once. A field is refused once: the first reason
/// counts, and what follows from it is left out.
#[derive(Debug, Default)]
pub struct Checker(Vec<FieldError>);

impl Checker {
    /// Notes what is wrong with a field.
    pub fn refuse(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.note(FieldError::new(pointer, code, detail));
    }

    /// Keeps a good value; notes what is wrong with a bad one.
    pub fn take<T>(&mut self, value: Result<T, FieldError>) -> Option<T> {
        value.map_err(|error| self.note(error)).ok()
    }

    /// Notes a wrong field.
    pub fn note(&mut self, error: FieldError) {
        if !self.has_refused(&error.pointer) {
            self.0.push(error);
        }
    }

    /// Whether this field was refused.
    pub fn has_refused(&self, pointer: &str) -> bool {
        self.0.iter().any(|error| error.pointer == pointer)
    }

    /// The input, refused for `error` and for all that was noted.
    pub fn fail(mut self, error: FieldError) -> InvalidInput {
        self.note(error);
        InvalidInput(self.0)
    }

    /// The value if no field was refused.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, InvalidInput> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ if self.0.is_empty() => {
                Err(InvalidInput::field("", "invalid", "the request could not be understood"))
            }
            _ => Err(InvalidInput(self.0)),
        }
    }
}
