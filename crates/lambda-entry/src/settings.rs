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
    /// It can't be understood.
    #[error("the environment variable {name} must be {expected}, not {given:?}")]
    Wrong {
        /// The variable.
        name: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        given: String,
    },
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

    /// The variable `name`, understood by `parse`.
    ///
    /// # Errors
    /// If it is not set, or `parse` gives nothing; `expected` says what it may be.
    pub fn parsed<T>(
        &self,
        name: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, BadSetting> {
        let given = self.required(name)?;
        parse(&given).ok_or_else(|| BadSetting::Wrong { name, expected: expected.to_owned(), given })
    }
}

/// The names of what the stack keeps things in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stores {
    /// `JOBS_TABLE`
    pub jobs_table: String,
    /// `IMAGES_TABLE`
    pub images_table: String,
    /// `CONNECTIONS_TABLE`
    pub connections_table: String,
    /// `IMAGES_BUCKET`
    pub images_bucket: String,
    /// `STATE_MACHINE_ARN`
    pub state_machine_arn: String,
    /// `WEBSOCKET_ENDPOINT`: where messages to open connections are posted.
    pub websocket_endpoint: String,
    /// `CDN_DOMAIN`: where clients open pictures; without one they get links signed by S3.
    pub cdn_domain: Option<String>,
}

impl Stores {
    /// Reads the variables.
    ///
    /// # Errors
    /// The first that is not set.
    pub fn read(environment: &Environment) -> Result<Self, BadSetting> {
        Ok(Self {
            jobs_table: environment.required("JOBS_TABLE")?,
            images_table: environment.required("IMAGES_TABLE")?,
            connections_table: environment.required("CONNECTIONS_TABLE")?,
            images_bucket: environment.required("IMAGES_BUCKET")?,
            state_machine_arn: environment.required("STATE_MACHINE_ARN")?,
            websocket_endpoint: environment.required("WEBSOCKET_ENDPOINT")?,
            cdn_domain: environment.optional("CDN_DOMAIN"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_but_the_bucket(name: &str) -> Option<String> {
        match name {
            "IMAGES_BUCKET" => None,
            "CDN_DOMAIN" => Some(String::new()),
            other => Some(other.to_lowercase()),
        }
    }

    #[test]
    fn an_error_names_the_variable() {
        let error = Stores::read(&Environment::new(all_but_the_bucket)).unwrap_err();
        assert!(error.to_string().contains("IMAGES_BUCKET"), "{error}");
    }

    #[test]
    fn what_is_empty_counts_as_not_set() {
        let stores =
            Stores::read(&Environment::new(|name| all_but_the_bucket(name).or(Some("b".into())))).unwrap();
        assert_eq!((stores.jobs_table.as_str(), stores.cdn_domain), ("jobs_table", None));
    }

    #[test]
    fn a_wrong_value_is_shown_with_what_it_may_be() {
        let environment = Environment::new(|_| Some("EXPRES".to_owned()));
        let error = environment.parsed("WORKFLOW_TYPE", "STANDARD or EXPRESS", |_| None::<()>).unwrap_err();
        let text = error.to_string();
        assert_eq!(
            text,
            "the environment variable WORKFLOW_TYPE must be STANDARD or EXPRESS, not \"EXPRES\""
        );
    }
}
