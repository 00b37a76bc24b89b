//! ENTSO-E Transparency Platform: `/api`, items 16.1.A (A73) and 16.1.B&C (A75, A74), and master data (A95).

mod ack;
mod document;
mod limiter;
mod master;
mod request;
mod series;
mod xml;

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::fault::effects::Content;
use crate::query::Query;
use crate::world::World;

pub(crate) use limiter::RequestLimiter;
use request::Request;

/// Bodies below this size go out as they are.
const GZIP_FROM: usize = 8 * 1024;

pub(crate) async fn answer(
    State(world): State<Arc<World>>,
    Extension(content): Extension<Content>,
    headers: HeaderMap,
    RawQuery(raw): RawQuery,
) -> Response {
    let query = Query::parse(raw.as_deref().unwrap_or_default());
    if !is_authorized(&world, &headers, &query) {
        return page(StatusCode::UNAUTHORIZED, "Unauthorized. Missing or invalid security token");
    }
    if !world.entsoe_limiter.admits(Instant::now()) {
        let text = "Max allowed requests per minute from each unique IP is max up to 400 only";
        return page(StatusCode::TOO_MANY_REQUESTS, text);
    }
    let accepts_gzip = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("gzip"));
    match document(&world, &content, &query) {
        Ok((file, text)) if content.zip => zipped(&file, &text),
        Ok((file, text)) => xml_response(StatusCode::OK, &file, text, accepts_gzip),
        Err(refusal) => {
            let text = ack::document(&refusal.text, world.now());
            xml_response(refusal.status, "acknowledgement.xml", text, accepts_gzip)
        }
    }
}

/// What is answered by an acknowledgement: refusals, and that there is nothing.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    text: String,
}

impl Refusal {
    fn bad_request(text: impl Into<String>) -> Refusal {
        Refusal { status: StatusCode::BAD_REQUEST, text: text.into() }
    }

    /// Nothing found is a success, as far as HTTP goes.
    fn nothing(text: String) -> Refusal {
        Refusal { status: StatusCode::OK, text }
    }
}

/// File name and text of the document asked for.
fn document(world: &World, content: &Content, query: &Query) -> Result<(String, String), Refusal> {
    if let Some(text) = &content.acknowledgement {
        return Err(Refusal::bad_request(text));
    }
    if query.get("documentType") == Some("A95") {
        return master::document(world, content, query);
    }
    let request = Request::read(query)?;
    let found = if content.empty { Vec::new() } else { series::find(world, content, &request)? };
    if found.is_empty() {
        return Err(Refusal::nothing(request.no_matching_data()));
    }
    let text = document::write(&request, &found, world.options.entsoe_curve, world.now());
    Ok((request.file_name(), text))
}

fn is_authorized(world: &World, headers: &HeaderMap, query: &Query) -> bool {
    let Some(token) = world.options.entsoe_token.as_deref() else { return true };
    let header = headers.get("SECURITY_TOKEN").and_then(|value| value.to_str().ok());
    header.or_else(|| query.get("securityToken")) == Some(token)
}

fn page(status: StatusCode, text: &str) -> Response {
    let body = format!("<html><head><title>Error</title></head><body>{text}</body></html>");
    (status, [(header::CONTENT_TYPE, "text/html")], body).into_response()
}

fn xml_response(status: StatusCode, file: &str, text: String, accepts_gzip: bool) -> Response {
    let mut response = if accepts_gzip && text.len() >= GZIP_FROM {
        let packed = gzip(text.as_bytes());
        (status, [(header::CONTENT_ENCODING, "gzip"), (header::VARY, "accept-encoding")], packed)
            .into_response()
    } else {
        (status, text).into_response()
    };
    set(&mut response, header::CONTENT_TYPE, "text/xml");
    set(&mut response, header::CONTENT_DISPOSITION, &format!("inline; filename=\"{file}\""));
    response
}

fn zipped(file: &str, text: &str) -> Response {
    let mut response = zip_with_one_member(file, text)
        .map_or_else(|error| error.to_string().into_response(), IntoResponse::into_response);
    set(&mut response, header::CONTENT_TYPE, "application/zip");
    response
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Writing to memory can't fail; if it did, the empty body would show it.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

fn zip_with_one_member(file: &str, text: &str) -> zip::result::ZipResult<Vec<u8>> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file(file, zip::write::SimpleFileOptions::default())?;
    archive.write_all(text.as_bytes())?;
    Ok(archive.finish()?.into_inner())
}
