//! The identity of a request, by which equal requests are made once and kept answers are found again.

use sha2::{Digest, Sha256};

use super::request::Prepared;

/// Names the recipe; a change of it must change this, since keys outlive the process in the index.
const RECIPE: &[u8] = b"backfill-request-v1";

/// SHA-256, in hex, over the method, the URL (scheme, host, port, path and query in the order given, no
/// fragment), the headers that the source set, sorted by name, and the body. The host's credential and own
/// headers are no part of it. Each field goes in with its length before it, so that no two requests run together.
pub(super) fn request_key(request: &Prepared) -> String {
    let mut hash = Sha256::new();
    let mut field = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    field(RECIPE);
    field(request.method.as_str().as_bytes());
    field(request.url.as_str().as_bytes());
    let mut headers: Vec<_> = request.headers.iter().collect();
    headers.sort_by_key(|(name, value)| (name.as_str(), value.as_bytes()));
    field(&(headers.len() as u64).to_be_bytes());
    for (name, value) in headers {
        field(name.as_str().as_bytes());
        field(value.as_bytes());
    }
    field(&request.body);
    hex::encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::super::request::{Method, Prepared, Request};
    use super::request_key;
    use bytes::Bytes;

    fn key(method: Method, url: &str, headers: &[(&str, &str)], body: Option<&'static str>) -> String {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let body = body.map(|text| Bytes::from_static(text.as_bytes()));
        request_key(&Prepared::new(Request { method, url: url.to_owned(), headers, body }, None).unwrap())
    }

    #[test]
    fn the_recipe_is_stable_across_processes() {
        let key = key(Method::Get, "https://a.org/p?b=1&a=2", &[("Accept", "text/xml")], None);
        assert_eq!(key, "17584fddaf6e25578470ba22fa4eff623e6415877c3ea92b5f80fc09a562780e");
    }

    #[test]
    fn spellings_of_one_request_share_a_key() {
        let one = key(Method::Get, "https://a.org/p?b=1", &[("Accept", "x"), ("X-A", "1")], None);
        let other =
            key(Method::Get, "https://A.org:443/p?b=1#top", &[("x-a", "1"), ("accept", "x")], Some(""));
        assert_eq!(one, other);
    }

    #[test]
    fn whatever_may_change_the_answer_changes_the_key() {
        let keys = [
            key(Method::Get, "https://a.org/p?b=1&a=2", &[], None),
            key(Method::Get, "https://a.org/p?a=2&b=1", &[], None),
            key(Method::Get, "http://a.org/p?b=1&a=2", &[], None),
            key(Method::Get, "https://a.org:8443/p?b=1&a=2", &[], None),
            key(Method::Get, "https://a.org/p?b=1&a=2", &[("accept", "text/xml")], None),
            key(Method::Post, "https://a.org/p?b=1&a=2", &[], None),
            key(Method::Post, "https://a.org/p?b=1&a=2", &[], Some("x")),
            key(Method::Post, "https://a.org/p?b=1&a=2", &[("content-type", "a")], Some("x")),
        ];
        let unique: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(unique.len(), keys.len());
    }
}
