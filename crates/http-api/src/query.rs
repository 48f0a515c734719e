//! Query strings, read strictly: every parameter known, none twice, each value well formed.

use crate::{
    api::Api,
    problem::{Answer, Code, Problem},
};
use axum::{extract::FromRequestParts, http::request::Parts};
use std::{collections::BTreeMap, convert::Infallible, str::FromStr, sync::Arc};
use tintype_core::domain::{FieldError, InvalidInput, PageSize};

/// The longest name of a parameter that is sent back.
const NAME_CHARS: usize = 64;

/// The parameters of a request. A handler takes those it knows, and then [finishes](Self::finish).
#[derive(Default)]
pub(crate) struct Query {
    values: BTreeMap<String, Vec<String>>,
    double: Option<&'static str>,
    wrong: Vec<FieldError>,
}

impl FromRequestParts<Arc<Api>> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl Query {
    fn parse(text: &str) -> Self {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            query.values.entry(name.into_owned()).or_default().push(value.into_owned());
        }
        query
    }

    /// All parameters as they came, but for the cursor: a link to the next page repeats them.
    pub(crate) fn given(&self) -> Vec<(String, String)> {
        let pairs =
            self.values.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
        let kept = pairs.filter(|(name, _)| *name != "cursor");
        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The value of a parameter as it came. One that is given twice is refused.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        let mut values = self.texts(name);
        if values.len() > 1 {
            self.double = Some(name);
        }
        values.pop()
    }

    /// The values of a parameter that may be given more than once, and whose own rules say what is wrong with them.
    pub(crate) fn all<T: Default>(
        &mut self,
        name: &'static str,
        read: impl Fn(&[String]) -> Result<T, InvalidInput>,
    ) -> T {
        let read = read(&self.texts(name));
        read.map_err(|error| self.wrong.extend_from_slice(error.errors())).unwrap_or_default()
    }

    /// Notes what is wrong with a value that was taken as text.
    pub(crate) fn check<T>(&mut self, read: Result<T, InvalidInput>) {
        if let Err(error) = read {
            self.wrong.extend_from_slice(error.errors());
        }
    }

    fn texts(&mut self, name: &str) -> Vec<String> {
        self.values.remove(name).unwrap_or_default()
    }

    /// The value of a parameter whose own rules say what is wrong with it.
    pub(crate) fn checked<T>(
        &mut self,
        name: &'static str,
        read: impl Fn(&str) -> Result<T, InvalidInput>,
    ) -> Option<T> {
        let text = self.text(name)?;
        read(&text).map_err(|error| self.wrong.extend_from_slice(error.errors())).ok()
    }

    /// The value of a parameter; `rule` tells what is allowed.
    pub(crate) fn value<T: FromStr>(&mut self, name: &'static str, rule: &str) -> Option<T> {
        self.map(name, rule, |text| text.parse().ok())
    }

    /// The value of a parameter as `read` understands it; `rule` tells what is allowed.
    pub(crate) fn map<T>(
        &mut self,
        name: &'static str,
        rule: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        let value = read(&text);
        if value.is_none() {
            self.wrong.push(FieldError::new(format!("/{name}"), "wrong_value", rule));
        }
        value
    }

    /// The parameter `limit`: how many items a page holds.
    pub(crate) fn limit(&mut self) -> PageSize {
        let Some(items) = self.value::<i64>("limit", "must be a whole number") else {
            return PageSize::default();
        };
        PageSize::new(items).unwrap_or_else(|error| {
            self.wrong.extend_from_slice(error.errors());
            PageSize::default()
        })
    }

    /// Refuses what was wrong, unknown or given twice.
    pub(crate) fn finish(mut self, known: &[&str]) -> Answer<()> {
        let rule = if known.is_empty() {
            "is unknown; this route takes no parameters".to_owned()
        } else {
            format!("is unknown; known are: {}", known.join(", "))
        };
        for name in self.values.keys() {
            self.wrong.push(FieldError::new(pointer(name), "unknown", rule.as_str()));
        }
        if let Some(name) = self.double {
            self.wrong.push(FieldError::new(pointer(name), "duplicate", "must be given once"));
        }
        if self.wrong.is_empty() { Ok(()) } else { Err(Problem::fields(Code::BadQuery, self.wrong)) }
    }
}

fn pointer(name: &str) -> String {
    let name: String = name.chars().take(NAME_CHARS).collect();
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// Refuses every parameter.
pub(crate) struct NoQuery;

impl FromRequestParts<Arc<Api>> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Api>) -> Answer<Self> {
        Query::parse(parts.uri.query().unwrap_or_default()).finish(&[])?;
        Ok(Self)
    }
}

/// `true` or `false`, and nothing else.
pub(crate) fn flag(text: &str) -> Option<bool> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_parameter_is_named() {
        let mut query = Query::parse("limit=0&colour=red&sort=up&sort=down");
        query.limit();
        query.map("sort", "must be newest, oldest or best", |_| None::<()>);
        let problem = query.finish(&["limit", "sort"]).unwrap_err();
        let pointers: Vec<_> = problem.errors().iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/limit", "/sort", "/colour", "/sort"]);
    }
}
