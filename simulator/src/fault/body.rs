//! Bodies that end wrongly.

use std::io;

use axum::body::Body;
use axum::http::header::CONTENT_LENGTH;
use axum::response::Response;
use bytes::Bytes;
use futures::stream::{self, StreamExt};

/// How a body ends that doesn't end as it should.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    /// The connection closes.
    Cut { after: Option<u64> },
    /// The body stops as if it were whole.
    Early { after: Option<u64> },
    /// Blank lines for ever.
    Never,
}

/// Where streamed bodies, whose length nobody knows, are broken off.
const STREAMED: u64 = 64 * 1024;

/// `response` with its body broken off.
pub(crate) fn break_off(response: Response, ending: Ending) -> Response {
    let (mut head, body) = response.into_parts();
    let size = hyper::body::Body::size_hint(&body).exact();
    let keep = match ending {
        Ending::Cut { after: Some(after) } | Ending::Early { after: Some(after) } => after,
        _ => size.map_or(STREAMED, |size| size / 2),
    };
    let start = first(body, keep);
    let body = match ending {
        Ending::Cut { .. } => {
            if let Some(size) = size {
                head.headers.insert(CONTENT_LENGTH, size.into());
            }
            let cut = stream::once(async {
                // What was sent so far leaves only while the body is waited for.
                tokio::task::yield_now().await;
                Err(io::Error::new(io::ErrorKind::ConnectionAborted, "cut by a fault"))
            });
            Body::from_stream(start.chain(cut))
        }
        Ending::Early { .. } => {
            head.headers.remove(CONTENT_LENGTH);
            Body::from_stream(start)
        }
        Ending::Never => {
            head.headers.remove(CONTENT_LENGTH);
            Body::from_stream(
                start.chain(stream::repeat_with(|| Ok(Bytes::from_static(&[b'\n'; 16 * 1024])))),
            )
        }
    };
    Response::from_parts(head, body)
}

/// The first `keep` bytes of `body`.
fn first(body: Body, keep: u64) -> impl futures::Stream<Item = Result<Bytes, io::Error>> + Send {
    body.into_data_stream().map(|chunk| chunk.map_err(io::Error::other)).scan(keep, |left, chunk| {
        let next = match chunk {
            _ if *left == 0 => None,
            Ok(mut bytes) => {
                bytes.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= bytes.len() as u64;
                Some(Ok(bytes))
            }
            Err(error) => Some(Err(error)),
        };
        futures::future::ready(next)
    })
}

/// Bytes that are neither UTF-8, JSON, XML, gzip nor zip.
pub(crate) fn garbage() -> Body {
    Body::from(
        (0..2048_u32)
            .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8 | 0x80)
            .collect::<Vec<_>>(),
    )
}
