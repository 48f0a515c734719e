//! What a function is told by its environment. `template.yaml` sets every variable that is read here.

use crate::system;
use thiserror::Error;

/// A variable that is not as it should be. The function does not start: its log and its deployment say why.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadSetting {
    /// It is not set, or empty.
    #[error(
        "the environment variable {0} is not set; deploy with the project's template.yaml, which sets it"
    )]
    Missing(&'static str),
}

/// The environment of one function; tests hand in their own.
#[derive(Clone, Copy, Debug)]
pub struct Environment {
    get: fn(&str) -> Option<String>,
}

impl Default for Environment {
    fn default() -> Self {
        Self { get: system::variable }
    }
}

impl Environment {
    /// An environment that answers as `get` does.
    pub const fn new(get: fn(&str) -> Option<String>) -> Self {
        Self { get }
    }

    /// The variable `name`.
    ///
    /// # Errors
    /// If it is not set, or empty.
    pub fn required(&self, name: &'static str) -> Result<String, BadSetting> {
        self.optional(name).ok_or(BadSetting::Missing(name))
    }

    /// The variable `name`; an empty one counts as not set.
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.get)(name).filter(|value| !value.is_empty())
    }
}
