//! The name of one request: in its answer's header, in its problem, in the log.

use crate::api::Api;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries it, both ways.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_BYTES: usize = 128;

/// The name of one request: visible ASCII without quotes or brackets.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// The id the client gave if it is well formed, else a new one.
    pub(crate) fn of(headers: &HeaderMap, api: &Api) -> Self {
        let given = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
        match given.filter(|id| is_well_formed(id)) {
            Some(id) => Self(id.to_owned()),
            None => Self(hex(&api.entropy().0[..16])),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn to_header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

fn is_well_formed(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-=/+@".contains(&byte);
    (1..=MAX_BYTES).contains(&id.len()) && id.bytes().all(allowed)
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_could_break_a_log_line_are_not_taken() {
        assert!(is_well_formed("Root=1-67891233-abcdef012345678912345678"));
        for bad in ["", "a b", "a\nb", "<script>", "\"", &"a".repeat(129)] {
            assert!(!is_well_formed(bad), "{bad}");
        }
    }
}
