//! A server on loopback that speaks as much of S3 as the archive needs, and fails when a test says so.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::egress::Bucket;

/// The least size of a part that is not the last.
const LEAST_PART: usize = 5 << 20;

#[derive(Default)]
struct Inner {
    objects: BTreeMap<String, Bytes>,
    /// Parts of uploads that are not complete, by number.
    uploads: BTreeMap<String, BTreeMap<u32, Bytes>>,
    /// Statuses and bodies to answer with first.
    faults: VecDeque<(u16, String)>,
    /// Method and path of every request, and all their headers.
    heard: Vec<String>,
    headers: Vec<HeaderMap>,
}

/// A running server with one bucket, `history`.
pub(super) struct BucketServer {
    pub(super) port: u16,
    inner: Arc<Mutex<Inner>>,
}

impl BucketServer {
    pub(super) async fn start() -> Self {
        let inner = Arc::<Mutex<Inner>>::default();
        let router =
            Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(Arc::clone(&inner));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { port, inner }
    }

    /// The bucket as a configuration names it.
    pub(super) fn bucket(&self) -> Bucket {
        let mut bucket = Bucket::parse("s3://history/site/a").unwrap();
        bucket.endpoint = format!("http://127.0.0.1:{}", self.port).parse().ok();
        bucket.region = Some("eu-central-1".to_owned());
        bucket.allow_http = true;
        bucket
    }

    /// Answers so to the next requests.
    pub(super) fn fail(&self, faults: impl IntoIterator<Item = (u16, &'static str)>) {
        let faults = faults.into_iter().map(|(status, body)| (status, body.to_owned()));
        self.inner.lock().unwrap().faults.extend(faults);
    }

    pub(super) fn objects(&self) -> BTreeMap<String, Bytes> {
        self.inner.lock().unwrap().objects.clone()
    }

    pub(super) fn replace(&self, key: &str, body: Bytes) {
        self.inner.lock().unwrap().objects.insert(key.to_owned(), body);
    }

    /// Method and path of every request so far.
    pub(super) fn heard(&self) -> Vec<String> {
        self.inner.lock().unwrap().heard.clone()
    }

    pub(super) fn headers(&self) -> Vec<HeaderMap> {
        self.inner.lock().unwrap().headers.clone()
    }
}

async fn answer(
    State(inner): State<Arc<Mutex<Inner>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
    body: Bytes,
) -> Response {
    let mut inner = inner.lock().unwrap();
    inner.heard.push(format!("{method} {}", uri.path()));
    inner.headers.push(headers);
    if let Some((status, body)) = inner.faults.pop_front() {
        return (StatusCode::from_u16(status).unwrap(), body).into_response();
    }
    let key = uri.path().to_owned();
    if !key.starts_with("/history/") {
        return error(StatusCode::NOT_FOUND, "NoSuchBucket");
    }
    let (part, upload) = (query.get("partNumber"), query.get("uploadId"));
    match (method, part, upload) {
        (Method::PUT, Some(part), Some(upload)) => {
            inner.uploads.entry(upload.clone()).or_default().insert(part.parse().unwrap(), body);
            ([("etag", format!("\"{part}\""))], "").into_response()
        }
        (Method::PUT, ..) => {
            inner.objects.insert(key, body);
            ([("etag", "\"whole\"")], "").into_response()
        }
        (Method::POST, None, None) => format!(
            "<InitiateMultipartUploadResult><Bucket>history</Bucket><Key>{key}</Key><UploadId>u1</UploadId>\
             </InitiateMultipartUploadResult>"
        )
        .into_response(),
        (Method::POST, None, Some(upload)) => {
            let parts: Vec<Bytes> = inner.uploads.remove(upload).unwrap_or_default().into_values().collect();
            if parts.iter().rev().skip(1).any(|part| part.len() < LEAST_PART) {
                return error(StatusCode::BAD_REQUEST, "EntityTooSmall");
            }
            inner.objects.insert(key, parts.concat().into());
            "<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>"
                .into_response()
        }
        (Method::DELETE, ..) => {
            inner.objects.remove(&key);
            StatusCode::NO_CONTENT.into_response()
        }
        (method, ..) => match inner.objects.get(&key).cloned() {
            None => error(StatusCode::NOT_FOUND, "NoSuchKey"),
            Some(body) => {
                let headers = [
                    ("etag", "\"whole\"".to_owned()),
                    ("last-modified", "Mon, 01 Jan 2024 00:00:00 GMT".to_owned()),
                    ("content-length", body.len().to_string()),
                ];
                let body = if method == Method::HEAD { Body::empty() } else { Body::from(body) };
                (headers, body).into_response()
            }
        },
    }
}

fn error(status: StatusCode, code: &str) -> Response {
    (status, format!("<Error><Code>{code}</Code><Message>as {code} says</Message></Error>")).into_response()
}
