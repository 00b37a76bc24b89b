//! A request as the source asks for it, and what it may not ask for.

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::body::Body;
use super::credential::Credential;
use super::error::EgressError;
use super::key::request_key;

/// What a source may ask with; both only read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `POST`, for upstreams that take queries as bodies.
    Post,
}

/// A request from the sandbox.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Absolute; without credentials.
    pub url: String,
    /// Names in any case. Some belong to the host and are refused.
    pub headers: Vec<(String, String)>,
    /// Only with `POST`.
    pub body: Option<Bytes>,
}

/// An answer for the sandbox.
#[derive(Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Lower-case names; without cookies, redacted.
    pub headers: Vec<(String, String)>,
    /// Decompressed, redacted.
    pub body: Body,
    /// Its id in the index, where answers are kept.
    pub answer: Option<i64>,
}

/// Headers that belong to the connection, to the host's credential, or would have the host's client behave
/// differently (an `accept-encoding` turns its decompression off).
const HOST_HEADERS: [&str; 18] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
];

/// A request that was read and holds nothing which a source may not set. Which host it goes to is not decided yet.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Method {
    /// As HTTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

impl Request {
    /// Its identity: equal requests have equal keys, however they are spelled.
    ///
    /// # Errors
    /// It is none that a source may make.
    pub fn key(&self) -> Result<String, EgressError> {
        Ok(request_key(&Prepared::new(self.clone(), None)?))
    }
}

impl Prepared {
    pub(super) fn new(request: Request, credential: Option<&Credential>) -> Result<Self, EgressError> {
        let denied = |text: String| Err(EgressError::Denied(text));
        let mut url = match Url::parse(&request.url) {
            Ok(url) if url.has_host() => url,
            Ok(_) => return denied(format!("`{}` names no host", request.url)),
            Err(error) => return denied(format!("`{}` is not an absolute URL: {error}", request.url)),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return denied(
                "a URL may not carry a user name or password; the host adds credentials".to_owned(),
            );
        }
        url.set_fragment(None);
        if let Some(credential) = credential
            && let Some((name, _)) = url.query_pairs().find(|(name, _)| credential.is_parameter(name))
        {
            return denied(format!("the query parameter `{name}` is the credential's; the host adds it"));
        }
        let body = request.body.unwrap_or_default();
        if request.method == Method::Get && !body.is_empty() {
            return denied("a GET request carries no body; use POST".to_owned());
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let (Ok(header), Ok(value)) =
                (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
            else {
                return denied(format!("`{name}` is not a header, or its value can't be one"));
            };
            let own = credential.is_some_and(|credential| credential.is_header(&header));
            if own || HOST_HEADERS.contains(&header.as_str()) {
                return denied(format!("the header `{header}` is set by the host; leave it out"));
            }
            headers.append(header, value);
        }
        Ok(Self { method: request.method, url, headers, body })
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, Credential, EgressError, Method, Prepared, Request};

    fn refused(url: &str, headers: &[(&str, &str)]) -> String {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let request = Request { method: Method::Get, url: url.to_owned(), headers, body: None };
        let credentials =
            [Credential::header("X-Token", "s3cr3t-value"), Credential::query("api_key", "s3cr3t-value")];
        let results =
            credentials.map(|credential| Prepared::new(request.clone(), Some(&credential.unwrap())));
        match results.into_iter().find_map(Result::err) {
            Some(EgressError::Denied(text)) => text,
            other => panic!("{url} {other:?}"),
        }
    }

    #[test]
    fn a_source_cannot_set_what_belongs_to_the_host() {
        for name in ["Authorization", "cookie", "HOST", "Proxy-Authorization", "x-token", "Accept-Encoding"] {
            assert!(refused("https://a.org/", &[(name, "x")]).contains(&name.to_lowercase()), "{name}");
        }
        assert!(refused("https://a.org/?x=1&API_KEY=mine", &[]).contains("API_KEY"));
        assert!(refused("https://a.org/?api%5Fkey=mine", &[]).contains("api_key"));
    }

    #[test]
    fn a_url_is_absolute_and_carries_no_user() {
        assert!(refused("/relative", &[]).contains("absolute"));
        assert!(refused("data:text/plain,x", &[]).contains("no host"));
        assert!(refused("https://user@a.org/", &[]).contains("user name"));
        assert!(refused("https://:pw@a.org/", &[]).contains("password"));
        assert!(refused("https://a.org/", &[("a", "b\r\nhost: x")]).contains("`a`"));
    }

    #[test]
    fn a_get_carries_no_body() {
        let body = Some(Bytes::from_static(b"x"));
        let request = Request { method: Method::Get, url: "https://a.org".to_owned(), headers: vec![], body };
        assert!(matches!(Prepared::new(request, None), Err(EgressError::Denied(_))));
    }
}
