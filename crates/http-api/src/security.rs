//! What keeps other sites' pages away from a server on loopback (DNS rebinding, cross-site requests), and the headers
//! that keep a browser from doing more with an answer than it should.

use crate::{
    access::Access,
    api::Api,
    problem::{Code, Problem},
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header, uri::Authority};

/// Hosts and origins that are taken beside the server's own.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Names that a request's `Host` may carry beside `localhost`, `127.0.0.1` and `[::1]`; without a port. Asked
    /// for only where no key is.
    pub hosts: Vec<String>,
    /// Origins of other sites whose pages may call this server, as in `https://gallery.example`.
    pub origins: Vec<String>,
}

impl Allowed {
    fn has_host(&self, name: &str) -> bool {
        let own = ["localhost", "127.0.0.1", "[::1]"];
        own.into_iter()
            .chain(self.hosts.iter().map(String::as_str))
            .any(|host| host.eq_ignore_ascii_case(name))
    }

    fn has_origin(&self, origin: &str) -> bool {
        self.origins.iter().any(|allowed| allowed == origin)
    }
}

/// Refuses what a page of another site could make a browser send to an open server.
pub(crate) fn check<B>(api: &Api, request: &Request<B>) -> Result<(), Problem> {
    match api.access {
        Access::Open => {
            check_host(&api.allowed, request)?;
            check_origin(&api.allowed, request)?;
            check_site(&api.allowed, request)
        }
        // A page of another site has no key, and no browser adds one.
        Access::Keys(_) | Access::Trusted => Ok(()),
    }
}

fn check_host<B>(allowed: &Allowed, request: &Request<B>) -> Result<(), Problem> {
    match host(request) {
        Some(host) if allowed.has_host(host.host()) => Ok(()),
        _ => {
            let detail =
                "the Host header must name localhost, or a host that the server's configuration allows";
            Err(Problem::new(Code::UnknownHost, detail))
        }
    }
}

fn host<B>(request: &Request<B>) -> Option<Authority> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.clone());
    }
    request.headers().get(header::HOST)?.to_str().ok()?.parse().ok()
}

fn check_origin<B>(allowed: &Allowed, request: &Request<B>) -> Result<(), Problem> {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    // A WebSocket handshake is a GET that any page may send, and whose answers it may read.
    let handshake = request.headers().contains_key(header::SEC_WEBSOCKET_KEY);
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
    if safe && !handshake || is_own(request, origin) || is_allowed(allowed, origin) {
        return Ok(());
    }
    let detail = "this page's origin may not call this server; add it to the allowed origins";
    Err(Problem::new(Code::ForeignOrigin, detail))
}

/// Refuses what a browser says a page of another site embeds or fetches. That page could not read the answer, but it could
/// make the server work, and time it. A person who follows a link comes in.
fn check_site<B>(allowed: &Allowed, request: &Request<B>) -> Result<(), Problem> {
    let header = |name: &str| request.headers().get(name).map(HeaderValue::as_bytes);
    let is_foreign = matches!(header("sec-fetch-site"), Some(b"cross-site" | b"same-site"));
    let is_visit =
        header("sec-fetch-mode") == Some(b"navigate") && header("sec-fetch-dest") == Some(b"document");
    let is_own = request.headers().get(header::ORIGIN).is_some_and(|origin| is_own(request, origin));
    if !is_foreign || is_visit || is_own || allows_page(allowed, request.headers()) {
        return Ok(());
    }
    let detail = "a page of another site may not use this server; add its origin to the allowed origins";
    Err(Problem::new(Code::ForeignOrigin, detail))
}

/// Whether the request comes from a page of an allowed origin. Where a browser sends no `Origin`, as for an image that a
/// page embeds, its `Referer` tells.
pub(crate) fn allows_page(allowed: &Allowed, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        let referrer = headers.get(header::REFERER).and_then(|value| value.to_str().ok()).unwrap_or_default();
        return referrer.parse::<Uri>().is_ok_and(|page| {
            let (scheme, authority) = (page.scheme_str(), page.authority());
            scheme
                .zip(authority)
                .is_some_and(|(scheme, host)| allowed.has_origin(&format!("{scheme}://{host}")))
        });
    };
    is_allowed(allowed, origin)
}

fn is_allowed(allowed: &Allowed, origin: &HeaderValue) -> bool {
    origin.to_str().is_ok_and(|origin| allowed.has_origin(origin))
}

fn is_own<B>(request: &Request<B>, origin: &HeaderValue) -> bool {
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, rest)| rest);
    let authority = authority.and_then(|rest| rest.parse::<Authority>().ok());
    authority.is_some() && authority == host(request)
}

const CSP_PAGE: &str = "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; \
                        form-action 'self'; frame-ancestors 'none'";
const CSP_DATA: &str = "default-src 'none'; frame-ancestors 'none'";

/// Sets what every answer carries, unless the handler set it. Pages of other sites may embed it only where `is_shared`.
pub(crate) fn harden(headers: &mut HeaderMap, is_shared: bool) {
    let is_page =
        headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let policy = if is_page { CSP_PAGE } else { CSP_DATA };
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            if is_shared { "cross-origin" } else { "same-origin" },
        ),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// The origin of a page on an allowed site; its browser wants to hear so (CORS).
pub(crate) fn foreign_origin(allowed: &Allowed, headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(header::ORIGIN).filter(|origin| is_allowed(allowed, origin)).cloned()
}

/// Tells a browser that a page of `origin` may read this answer.
pub(crate) fn share_with(origin: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    let exposed = "etag, location, link, retry-after, x-request-id, idempotency-replayed, preference-applied";
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(exposed));
}

/// Tells a browser which requests a page of an allowed site may send (the answer to a preflight).
pub(crate) fn permit(headers: &mut HeaderMap) {
    let fixed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, PATCH, DELETE"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "authorization, x-api-key, content-type, idempotency-key, prefer, if-match, if-none-match, range, \
             last-event-id, x-request-id",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, host: &str, origin: Option<&str>) -> Request<()> {
        let mut request = Request::builder().method(method).uri("/generate").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        request.body(()).unwrap()
    }

    fn allowed() -> Allowed {
        Allowed { hosts: vec!["box.lan".into()], origins: vec!["https://good.example".into()] }
    }

    #[test]
    fn only_known_hosts_are_answered() {
        for host in ["localhost:7860", "127.0.0.1:7860", "[::1]:7860", "LOCALHOST", "box.lan:80"] {
            assert!(check_host(&allowed(), &request("GET", host, None)).is_ok(), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "10.0.0.1", ""] {
            assert!(check_host(&allowed(), &request("GET", host, None)).is_err(), "{host}");
        }
    }

    #[test]
    fn only_own_and_allowed_origins_may_change_things() {
        for origin in [None, Some("http://localhost:7860"), Some("https://good.example")] {
            assert!(
                check_origin(&allowed(), &request("POST", "localhost:7860", origin)).is_ok(),
                "{origin:?}"
            );
        }
        for origin in ["null", "http://evil.example", "http://localhost:1", "https://good.example.evil"] {
            assert!(
                check_origin(&allowed(), &request("POST", "localhost:7860", Some(origin))).is_err(),
                "{origin}"
            );
        }
    }

    #[test]
    fn what_a_page_of_another_site_embeds_or_fetches_is_refused_and_a_followed_link_is_not() {
        let mut request = request("GET", "localhost:7860", None);
        let with = |request: &mut Request<()>, name: &'static str, value: &'static str| {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        };
        for site in ["same-origin", "none"] {
            with(&mut request, "sec-fetch-site", site);
            assert!(check_site(&allowed(), &request).is_ok(), "{site}");
        }
        for site in ["cross-site", "same-site"] {
            with(&mut request, "sec-fetch-site", site);
            with(&mut request, "sec-fetch-mode", "no-cors");
            with(&mut request, "sec-fetch-dest", "image");
            assert!(check_site(&allowed(), &request).is_err(), "{site}");
            with(&mut request, "sec-fetch-mode", "navigate");
            with(&mut request, "sec-fetch-dest", "iframe");
            assert!(check_site(&allowed(), &request).is_err(), "{site}");
            with(&mut request, "sec-fetch-dest", "document");
            assert!(check_site(&allowed(), &request).is_ok(), "{site}");
        }
    }

    #[test]
    fn a_page_of_an_allowed_origin_may_embed_images() {
        let mut request = request("GET", "localhost:7860", None);
        request.headers_mut().insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
        for (page, may) in [
            ("https://good.example/album?x=1", true),
            ("https://good.example.evil/", false),
            ("http://good.example/", false),
            ("/", false),
        ] {
            request.headers_mut().insert(header::REFERER, HeaderValue::from_static(page));
            assert_eq!(check_site(&allowed(), &request).is_ok(), may, "{page}");
        }
    }

    #[test]
    fn a_websocket_handshake_of_another_site_is_refused() {
        let mut request = request("GET", "localhost:7860", Some("http://evil.example"));
        assert!(check_origin(&allowed(), &request).is_ok());
        request.headers_mut().insert(header::SEC_WEBSOCKET_KEY, HeaderValue::from_static("x"));
        assert!(check_origin(&allowed(), &request).is_err());
    }
}
