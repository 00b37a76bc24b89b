//! The page where a browser logs in: plain HTML, without a script, so that it needs nothing but a browser.

use std::sync::LazyLock;

use axum::{
    http::{HeaderName, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use crate::domain::TokenText;

/// The colours and measures of the web pages, and this page's own rules: it stands in the page itself, so that a host
/// that was built without its web pages looks the same here.
const STYLE: &str = concat!(include_str!("../../../../web/src/styles/tokens.css"), include_str!("page.css"));

/// The sign before the name, as the web pages have it.
const MARK: &str = include_str!("mark.svg");

/// Nothing is loaded but the sign on the tab, nothing runs, and the form goes nowhere but here.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
});

/// What the page is asked to show.
pub(super) enum Shown<'a> {
    /// A button that uses the link's code up. A link that only is looked at, by whatever looks at links, stays good.
    Link(&'a TokenText),
    /// A field for a token.
    Token,
}

/// The page, with what went wrong if anything did. `wrong` is the host's own text.
pub(super) fn page(status: StatusCode, wrong: Option<&str>, shown: &Shown<'_>) -> Response {
    let alert = wrong.map(|text| format!("<p role=\"alert\">{text}</p>")).unwrap_or_default();
    let form = match shown {
        // A code is made of letters and digits alone.
        Shown::Link(code) => format!(
            "<p>The link logs this browser in, once.</p>\
             <form method=\"post\" action=\"/login\"><input type=\"hidden\" name=\"code\" value=\"{}\">\
             <button autofocus>Log in</button></form>",
            code.expose()
        ),
        Shown::Token => "<form method=\"post\" action=\"/login\"><label for=\"token\">Your token</label>\
             <input id=\"token\" name=\"token\" type=\"password\" autocomplete=\"current-password\" required autofocus>\
             <button>Log in</button></form>\
             <p class=\"help\">No token? <code>backfill login</code> on the host prints a link that logs this browser \
             in, once.</p>"
            .to_owned(),
    };
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>Log in to Backfill</title>\
         <link rel=\"icon\" href=\"/favicon.svg\" type=\"image/svg+xml\"><style>{STYLE}</style></head>\
         <body><main><p class=\"brand\">{MARK} Backfill</p><h1>Log in</h1>{alert}{form}</main></body></html>"
    );
    let headers: [(HeaderName, &str); 3] = [
        (header::CONTENT_SECURITY_POLICY, &POLICY),
        // The address holds the code.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, Html(html)).into_response()
}
