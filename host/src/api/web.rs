//! The web frontend: what `npm run build` left in `web/dist` when the host was built. Builds for development read it
//! from there, so that it can be built anew beside a running host.
//!
//! The files are public; what they ask the API for is not.

use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use rust_embed::{Embed, EmbeddedFile};

use super::{NOWHERE, problem::Problem, state::Api};

#[derive(Embed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct Files;

/// The addresses of the application's pages. The application itself shows which.
const PAGES: [&str; 4] = ["/", "/backfill", "/backfill/{page}", "/system"];

/// Nothing but this host's own files is loaded or run, nothing but this host is asked, and nobody frames it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'";

/// Addresses under this are asked by programs, whatever they say that they take.
const OF_PROGRAMS: &str = "/api";

/// What a page holds may be asked for again, and is then mostly the same.
const ASK_AGAIN: &str = "no-cache";

/// The name of an asset has its content's hash in it.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// Instead of the application, where the host was built without it.
const MISSING: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
    <meta name=\"viewport\" content=\"width=device-width\"><title>Backfill</title>\
    <h1>This host was built without its web pages</h1>\
    <p>The HTTP API is here all the same: <a href=\"/docs\">its description</a>. For the pages, run \
    <code>npm ci &amp;&amp; npm run build</code> in <code>web/</code> and build the host again, or run \
    <code>make serve</code>.</p></html>";

pub(super) fn routes() -> Router<Api> {
    let pages = PAGES.iter().fold(Router::new(), |router, path| router.route(path, get(page)));
    pages
        .route("/theme.js", get(|headers: HeaderMap| async move { file("theme.js", ASK_AGAIN, &headers) }))
        .route(
            "/favicon.svg",
            get(|headers: HeaderMap| async move { file("favicon.svg", ASK_AGAIN, &headers) }),
        )
        .route("/assets/{*path}", get(asset))
}

async fn page(headers: HeaderMap) -> Response {
    match Files::get("index.html") {
        Some(_) => file("index.html", ASK_AGAIN, &headers),
        None => guarded((StatusCode::NOT_FOUND, Html(MISSING)).into_response()),
    }
}

/// Where there is nothing. Somebody who mistyped an address is told by the application, which also leads back; a program
/// by a problem, as ever.
pub(super) async fn nowhere(method: Method, uri: Uri, mut asked: HeaderMap) -> Response {
    let looks = method.is_safe() && !uri.path().starts_with(OF_PROGRAMS) && takes_pages(&asked);
    if !looks || Files::get("index.html").is_none() {
        return Problem::not_found(NOWHERE).into_response();
    }
    // That this address is not there is nothing to be kept.
    asked.remove(header::IF_NONE_MATCH);
    let mut response = file("index.html", "no-store", &asked);
    response.headers_mut().remove(header::ETAG);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// Whether it is a browser that is led to an address: programs and scripts of pages don't ask for HTML.
fn takes_pages(asked: &HeaderMap) -> bool {
    let accepted = asked.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted
        .flat_map(|list| list.split(','))
        .any(|one| one.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/html")))
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    // Assets lie in no folders, so that a name leads nowhere else.
    match name.contains('/') {
        true => missing(),
        false => file(&format!("assets/{name}"), FOREVER, &headers),
    }
}

fn missing() -> Response {
    Problem::not_found("there is no such file").into_response()
}

/// A file, compressed beforehand if the client takes that, or no file if the client has it already.
fn file(path: &str, keep: &'static str, asked: &HeaderMap) -> Response {
    let Some(whole) = Files::get(path) else {
        return missing();
    };
    let tag = format!("\"{}\"", hex::encode(&whole.metadata.sha256_hash()[..16]));
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_known =
        known.flat_map(|list| list.split(',')).any(|one| one.trim().trim_start_matches("W/") == tag);
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let (encoding, sent) = compressed(path, asked).map_or((None, whole), |(name, of)| (Some(name), of));
        let mut response = ([(header::CONTENT_TYPE, kind(path))], sent.data).into_response();
        if let Some(encoding) = encoding {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    // A tag is made of digits and quotes.
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    guarded(response)
}

/// The smallest form that the build left and the client takes.
fn compressed(path: &str, asked: &HeaderMap) -> Option<(&'static str, EmbeddedFile)> {
    let accepted = asked.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
    let takes = |name: &str| {
        accepted.split(',').any(|one| {
            let (coding, weight) = one.split_once(';').unwrap_or((one, ""));
            coding.trim() == name && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
        })
    };
    [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .filter(|(name, _)| takes(name))
        .find_map(|(name, ending)| Some((name, Files::get(&format!("{path}.{ending}"))?)))
}

fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

fn guarded(mut response: Response) -> Response {
    let rules: [(HeaderName, &str); 4] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in rules {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
