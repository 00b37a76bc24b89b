//! Where a request comes from: which web page, which address, and whether it was encrypted on the way.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, Request},
    http::{Extensions, HeaderMap, HeaderName, header},
};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whether a page of another origin may have made a browser send this. Browsers say where a request comes from, and
/// pages can't change what they say; other programs say nothing, and send no cookie that they were not told to.
pub(in crate::api) fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    if let Some(site) = text(FETCH_SITE) {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(header::ORIGIN) else { return false };
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority.is_none() || authority != text(header::HOST)
}

/// Whether the client's connection is encrypted. This host itself speaks no TLS, so a proxy before it says so.
pub(super) fn is_encrypted(headers: &HeaderMap, proxied: bool) -> bool {
    proxied && last(headers, &FORWARDED_PROTO).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

/// The client's address. Of several the last one is the word of the proxy itself; the others are anybody's.
pub(in crate::api) fn address(headers: &HeaderMap, extensions: &Extensions, proxied: bool) -> Option<IpAddr> {
    let forwarded =
        last(headers, &FORWARDED_FOR).filter(|_| proxied).and_then(|address| address.parse().ok());
    forwarded.or_else(|| extensions.get::<ConnectInfo<SocketAddr>>().map(|from| from.ip()))
}

/// The address of who sent a request.
pub(in crate::api) fn of(request: &Request, proxied: bool) -> Option<IpAddr> {
    address(request.headers(), request.extensions(), proxied)
}

/// The last item of a list in a header.
fn last<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next().map(str::trim)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&str, &str)| {
            (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn a_page_of_another_origin_is_foreign_and_a_program_is_not() {
        let host = ("host", "backfill.example.org:8080");
        for (foreign, sent) in [
            (false, vec![host]),
            (false, vec![host, ("sec-fetch-site", "same-origin"), ("origin", "http://elsewhere")]),
            (false, vec![host, ("sec-fetch-site", "none")]),
            (true, vec![host, ("sec-fetch-site", "same-site")]),
            (true, vec![host, ("sec-fetch-site", "cross-site")]),
            (false, vec![host, ("origin", "http://backfill.example.org:8080")]),
            (true, vec![host, ("origin", "http://backfill.example.org")]),
            (true, vec![host, ("origin", "https://evil.example.org")]),
            (true, vec![host, ("origin", "null")]),
            (true, vec![("origin", "null")]),
        ] {
            assert_eq!(is_foreign(&headers(&sent)), foreign, "{sent:?}");
        }
    }

    #[test]
    fn what_a_proxy_says_counts_where_there_is_one() {
        let sent =
            headers(&[("x-forwarded-for", "203.0.113.9, 198.51.100.7"), ("x-forwarded-proto", "https")]);
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 1234))));
        assert_eq!(address(&sent, &extensions, true), "198.51.100.7".parse().ok());
        assert_eq!(address(&sent, &extensions, false), "10.0.0.1".parse().ok());
        assert!(is_encrypted(&sent, true) && !is_encrypted(&sent, false));
        assert!(!is_encrypted(&headers(&[("x-forwarded-proto", "https, http")]), true));
    }
}
