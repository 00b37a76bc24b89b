//! Takes an answer in: whole, redacted and within its cap, before the source sees any of it. So an answer that
//! breaks off half-way can be asked for again, and an endless one ends here.

use std::path::Path;

use chrono::{DateTime, Utc};
use reqwest::Response;
use reqwest::header::HeaderMap;

use super::client::Fault;
use super::error::EgressError;
use super::redact::Redactor;
use super::sink::{Sink, Stored};

/// Headers that hold a session, or speak of a connection that the source has no part in.
const DROPPED: [&str; 9] = [
    "alt-svc",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "set-cookie",
    "set-cookie2",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// An answer of an upstream that arrived whole.
pub(super) struct Received {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) stored: Stored,
    pub(super) fetched_at: DateTime<Utc>,
}

/// Reads the body to its end.
pub(super) async fn download(
    mut response: Response,
    redactor: &Redactor,
    cap: u64,
    spool: &Path,
    now: DateTime<Utc>,
) -> Result<Received, Fault> {
    let host = response.url().host_str().unwrap_or_default().to_owned();
    let transport = |error| Fault::transport(error, &host, redactor);
    let (status, headers) = (response.status().as_u16(), clean_headers(response.headers(), redactor));
    let too_large = || Fault::lasting(EgressError::TooLarge(cap));
    if response.content_length().is_some_and(|length| length > cap) {
        return Err(too_large());
    }
    let (mut sink, mut clean) = (Sink::new(spool), Vec::new());
    let mut redact = redactor.stream();
    let mut received = 0_u64;
    while let Some(chunk) = response.chunk().await.map_err(transport)? {
        received += chunk.len() as u64;
        if received > cap {
            return Err(too_large());
        }
        clean.clear();
        redact.push(&chunk, &mut clean);
        sink.write(&clean).await.map_err(Fault::lasting)?;
    }
    clean.clear();
    redact.finish(&mut clean);
    sink.write(&clean).await.map_err(Fault::lasting)?;
    let stored = sink.finish().await.map_err(Fault::lasting)?;
    Ok(Received { status, headers, stored, fetched_at: now })
}

fn clean_headers(headers: &HeaderMap, redactor: &Redactor) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| !DROPPED.contains(&name.as_str()))
        .map(|(name, value)| {
            (redactor.text(name.as_str()), redactor.text(&String::from_utf8_lossy(value.as_bytes())))
        })
        .collect()
}
