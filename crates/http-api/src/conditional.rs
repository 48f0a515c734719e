//! Entity tags and the conditions on them: `If-Match`, `If-None-Match`, `If-Range`.

use crate::problem::{Answer, Code, Problem};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use tintype_core::domain::Version;

/// The strong entity tag of a record.
pub(crate) fn version_tag(version: Version) -> HeaderValue {
    HeaderValue::try_from(format!("\"v{}\"", version.0)).unwrap_or(HeaderValue::from_static("\"v\""))
}

/// The version that `If-Match` names; `None` if there is no such header, or it is `*`.
///
/// # Errors
/// `bad_header` for what is no tag of ours.
pub(crate) fn expected_version(headers: &HeaderMap) -> Answer<Option<Version>> {
    let Some(text) = joined(headers, header::IF_MATCH) else { return Ok(None) };
    if text.trim() == "*" {
        return Ok(None);
    }
    let digits = text.trim().strip_prefix("\"v").and_then(|rest| rest.strip_suffix('"'));
    let version = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    version
        .and_then(|digits| digits.parse().ok())
        .map(|number| Some(Version(number)))
        .ok_or_else(|| Problem::new(Code::BadHeader, "If-Match must be the image's ETag, as in \"v3\", or *"))
}

/// Whether `If-None-Match` names this tag: then the client has it already.
pub(crate) fn has_already(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let Some(text) = joined(headers, header::IF_NONE_MATCH) else { return false };
    let tag = tag.to_str().unwrap_or_default();
    text.trim() == "*" || text.split(',').any(|given| given.trim().trim_start_matches("W/") == tag)
}

/// Whether a range may be taken: `If-Range` is absent or names this tag, strongly.
pub(crate) fn range_holds(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    headers.get(header::IF_RANGE).is_none_or(|given| given == tag)
}

fn joined(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let values: Vec<_> =
        headers.get_all(name).into_iter().map(|value| value.to_str().unwrap_or_default()).collect();
    (!values.is_empty()).then(|| values.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn if_match_takes_our_tags_and_a_star() {
        let read = |value| expected_version(&headers(header::IF_MATCH, value));
        assert_eq!(read("\"v12\"").unwrap(), Some(Version(12)));
        assert_eq!(read("*").unwrap(), None);
        for bad in ["v1", "W/\"v1\"", "\"1\"", "\"v\"", "\"v1\", \"v2\"", ""] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn if_none_match_compares_weakly_and_takes_lists() {
        let tag = version_tag(Version(2));
        for hit in ["\"v2\"", "W/\"v2\"", "\"v1\", \"v2\"", "*"] {
            assert!(has_already(&headers(header::IF_NONE_MATCH, hit), &tag), "{hit}");
        }
        assert!(!has_already(&headers(header::IF_NONE_MATCH, "\"v1\""), &tag));
    }
}
