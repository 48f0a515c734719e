//! Entity tags and the conditions on them: `If-Match`, `If-None-Match`, `If-Range`.

use crate::problem::{Answer, Code, Problem};
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use tintype_core::domain::Version;

const BLANKS: [char; 2] = [' ', '\t'];
const SEPARATORS: [char; 3] = [' ', '\t', ','];

/// The strong entity tag of a record.
pub(crate) fn version_tag(version: Version) -> HeaderValue {
    HeaderValue::try_from(format!("\"v{}\"", version.0)).unwrap_or(HeaderValue::from_static("\"v\""))
}

/// The versions that `If-Match` names: of what it lists, the tags that are ours. A list without one matches nothing.
/// `None` if there is no such header, or it is `*`.
///
/// # Errors
/// `bad_header` for what is no list of entity tags.
pub(crate) fn expected_versions(headers: &HeaderMap) -> Answer<Option<Vec<Version>>> {
    let Some(text) = joined(headers, header::IF_MATCH) else { return Ok(None) };
    if text.trim() == "*" {
        return Ok(None);
    }
    let tags = entity_tags(&text).ok_or_else(|| {
        Problem::new(Code::BadHeader, "If-Match must be the image's ETag, as in \"v3\", a list of such, or *")
    })?;
    Ok(Some(tags.iter().filter_map(EntityTag::version).collect()))
}

/// Whether `If-None-Match` names this tag: then the client has it already.
pub(crate) fn has_already(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let Some(text) = joined(headers, header::IF_NONE_MATCH) else { return false };
    let tags = entity_tags(&text).unwrap_or_default();
    text.trim() == "*" || tags.iter().any(|given| given.quoted.as_bytes() == tag.as_bytes())
}

/// What goes with a record: its tag, and that its client may keep it and ask for it again with that.
pub(crate) fn record_headers(version: Version) -> [(HeaderName, HeaderValue); 2] {
    let revalidate = HeaderValue::from_static("private, no-cache");
    [(header::ETAG, version_tag(version)), (header::CACHE_CONTROL, revalidate)]
}

/// The answer to a client that has this version of a record already; `None` for one that has not.
pub(crate) fn unchanged(headers: &HeaderMap, version: Version) -> Option<Response> {
    let told = record_headers(version);
    has_already(headers, &told[0].1).then(|| (StatusCode::NOT_MODIFIED, told).into_response())
}

/// Whether a range may be taken: `If-Range` is absent or names this tag, strongly.
pub(crate) fn range_holds(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    headers.get(header::IF_RANGE).is_none_or(|given| given == tag)
}

fn joined(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let values: Vec<_> =
        headers.get_all(name).into_iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// An entity tag as RFC 9110 writes it.
#[derive(Debug, PartialEq, Eq)]
struct EntityTag<'a> {
    weak: bool,
    /// With its quotes.
    quoted: &'a str,
}

impl EntityTag<'_> {
    /// The version it stands for, compared strongly; `None` for a tag that we never gave.
    fn version(&self) -> Option<Version> {
        let digits = self.quoted.strip_prefix("\"v")?.strip_suffix('"')?;
        let version = Version(digits.parse().ok()?);
        (!self.weak && version_tag(version) == self.quoted).then_some(version)
    }
}

/// Reads a list of at least one tag. A comma may stand in a tag, and nothing between two commas.
fn entity_tags(text: &str) -> Option<Vec<EntityTag<'_>>> {
    let mut tags = Vec::new();
    let mut rest = text.trim_start_matches(SEPARATORS);
    while !rest.is_empty() {
        let (weak, from) = match rest.strip_prefix("W/") {
            Some(from) => (true, from),
            None => (false, rest),
        };
        let end = from.strip_prefix('"')?.find('"')? + 2;
        let (quoted, after) = from.split_at(end);
        if quoted.contains(|c: char| c.is_ascii_whitespace() || c.is_control()) {
            return None;
        }
        tags.push(EntityTag { weak, quoted });
        let next = after.trim_start_matches(BLANKS);
        if !(next.is_empty() || next.starts_with(',')) {
            return None;
        }
        rest = next.trim_start_matches(SEPARATORS);
    }
    (!tags.is_empty()).then_some(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    fn if_match(value: &'static str) -> Answer<Option<Vec<Version>>> {
        expected_versions(&headers(header::IF_MATCH, value))
    }

    #[test]
    fn if_match_takes_our_tags_in_a_list_and_a_star() {
        assert_eq!(if_match("\"v12\"").unwrap(), Some(vec![Version(12)]));
        assert_eq!(if_match("\"v1\" ,, \"a,b\",\"v2\"").unwrap(), Some(vec![Version(1), Version(2)]));
        assert_eq!(if_match("*").unwrap(), None);
        let mut both = HeaderMap::new();
        for tag in ["\"v1\"", "\"v2\""] {
            both.append(header::IF_MATCH, HeaderValue::from_static(tag));
        }
        assert_eq!(expected_versions(&both).unwrap(), Some(vec![Version(1), Version(2)]));
    }

    #[test]
    fn if_match_of_a_tag_that_we_never_gave_matches_nothing() {
        for foreign in ["\"abc\"", "W/\"v1\"", "\"1\"", "\"v\"", "\"v01\"", "\"v+1\"", "\"\"", "\"*\""] {
            assert_eq!(if_match(foreign).unwrap(), Some(Vec::new()), "{foreign}");
        }
    }

    #[test]
    fn if_match_of_what_is_no_tag_is_a_bad_header() {
        for bad in ["v1", "\"v1", "\"v1\" \"v2\"", "\"v1\"x", "w/\"v1\"", "\"v1\", *", "\"a b\"", "", ","] {
            assert_eq!(if_match(bad).unwrap_err().code(), Code::BadHeader, "{bad}");
        }
    }

    #[test]
    fn if_none_match_compares_weakly_and_takes_lists() {
        let tag = version_tag(Version(2));
        for hit in ["\"v2\"", "W/\"v2\"", "\"v1\", \"v2\"", "*", "\"a,b\",W/\"v2\""] {
            assert!(has_already(&headers(header::IF_NONE_MATCH, hit), &tag), "{hit}");
        }
        for miss in ["\"v1\"", "v2", "\"x,\"v2\"\""] {
            assert!(!has_already(&headers(header::IF_NONE_MATCH, miss), &tag), "{miss}");
        }
    }
}
