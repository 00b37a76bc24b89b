//! The cookie that a browser is logged in with.

use axum::http::{HeaderMap, HeaderValue, header};

use super::origin;
use crate::domain::TokenText;

/// The cookie's name.
const NAME: &str = "backfill_session";

/// How long a browser stays logged in.
pub(in crate::api) const HOURS: i64 = 12;

/// The session that a browser sends, if it sends a cookie of that name that can be one.
pub(in crate::api) fn sent(headers: &HeaderMap) -> Option<TokenText> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';'));
    pairs.find_map(|pair| TokenText::parse(pair.trim().strip_prefix(NAME)?.strip_prefix('=')?))
}

/// The header that gives a browser its session, for so many seconds; 0 takes it away. Pages of others can't send it
/// with anything but a link that somebody follows (`SameSite`), and no script can read it.
pub(in crate::api) fn header(
    secret: &str,
    seconds: i64,
    headers: &HeaderMap,
    proxied: bool,
) -> Option<HeaderValue> {
    let secure = if origin::is_encrypted(headers, proxied) { "; Secure" } else { "" };
    let cookie = format!("{NAME}={secret}; HttpOnly; SameSite=Lax; Path=/; Max-Age={seconds}{secure}");
    let mut value = HeaderValue::try_from(cookie).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_found_among_other_cookies() {
        let token = TokenText::new([7; 32]);
        let of = |cookies: &[&str]| {
            let cookies = cookies.iter().map(|text| (header::COOKIE, HeaderValue::from_str(text).unwrap()));
            sent(&cookies.collect())
        };
        let own = format!("{NAME}={}", token.expose());
        assert_eq!(of(&[&format!("a=b; {own};c=d")]), Some(token.clone()));
        assert_eq!(of(&["a=b", &own]), Some(token));
        for other in ["", "backfill_session", "backfill_session=x", &format!("x{own}"), &format!("{own}0")] {
            assert_eq!(of(&[other]), None, "{other}");
        }
    }
}
