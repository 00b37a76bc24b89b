//! Requests through the host. The host adds credentials, waits for the rate limit, retries passing faults,
//! and may serve a kept answer; a source asks plainly.

use std::io;

use crate::Failure;
use crate::bindings::backfill::source::http as wit;

/// Why a request gave no answer.
pub use wit::Error;

/// A request to be sent, with its query built up.
#[derive(Clone, Debug)]
pub struct Request {
    method: wit::Method,
    url: String,
    has_query: bool,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

/// `GET base + path`.
pub fn get(base: impl Into<String>, path: &str) -> Request {
    Request::new(wit::Method::Get, base.into(), path)
}

/// `POST base + path` with a body.
pub fn post(base: impl Into<String>, path: &str, body: Vec<u8>) -> Request {
    Request { body: Some(body), ..Request::new(wit::Method::Post, base.into(), path) }
}

impl Request {
    fn new(method: wit::Method, base: String, path: &str) -> Self {
        let url = base + path;
        let has_query = url.contains('?');
        Self { method, url, has_query, headers: Vec::new(), body: None }
    }

    /// Adds a query parameter, percent-encoded.
    pub fn query(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.url.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        encode(name, &mut self.url);
        self.url.push('=');
        encode(value.as_ref(), &mut self.url);
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The URL as it will be asked.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn into_wit(self) -> wit::Request {
        wit::Request { method: self.method, url: self.url, headers: self.headers, body: self.body }
    }

    /// Sends it and waits.
    pub fn send(self) -> Result<Response, Error> {
        wit::send(&self.into_wit()).map(Response)
    }
}

/// Sends many requests side by side, as far as the source's limits allow; answers in the order asked.
pub fn send_all(requests: impl IntoIterator<Item = Request>) -> Vec<Result<Response, Error>> {
    let requests: Vec<_> = requests.into_iter().map(Request::into_wit).collect();
    wit::send_all(&requests).into_iter().map(|answer| answer.map(Response)).collect()
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
fn encode(text: &str, into: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in text.as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => into.push(byte as char),
            _ => {
                into.push('%');
                into.push(HEX[usize::from(byte >> 4)] as char);
                into.push(HEX[usize::from(byte & 15)] as char);
            }
        }
    }
}

/// An answer: status, headers, and a body that is read once.
pub struct Response(wit::Response);

impl Response {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// `Retry-After` in seconds, where the upstream gives it as a number.
    pub fn retry_after(&self) -> Option<u32> {
        self.header("retry-after").and_then(|value| value.trim().parse().ok())
    }

    /// The answer itself if the status is 2xx, else [`Response::failure`].
    pub fn ok(self) -> Result<Self, Failure> {
        if (200..300).contains(&self.status()) {
            Ok(self)
        } else {
            Err(self.failure("the upstream answered"))
        }
    }

    /// The whole body.
    pub fn bytes(self) -> Result<Vec<u8>, Error> {
        self.0.body.bytes()
    }

    /// The body as JSON; anything else is [`Failure::Malformed`] with the first bytes of what came.
    pub fn json<T: serde::de::DeserializeOwned>(self) -> Result<T, Failure> {
        let body = self.bytes()?;
        serde_json::from_slice(&body).map_err(|error| {
            let start = String::from_utf8_lossy(&body[..body.len().min(120)]).into_owned();
            Failure::Malformed(format!("not the JSON expected: {error}; the answer begins {start:?}"))
        })
    }

    /// The body as a reader that holds at most `chunk` bytes at a time.
    pub fn reader(self, chunk: u32) -> BodyReader {
        BodyReader { body: self.0.body, chunk, buffer: Vec::new(), at: 0 }
    }
}

/// Reads a body piece by piece, so that a long one is never in memory as a whole.
pub struct BodyReader {
    body: wit::Body,
    chunk: u32,
    buffer: Vec<u8>,
    at: usize,
}

impl io::Read for BodyReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        use io::BufRead as _;
        let n = self.fill_buf()?.len().min(into.len());
        into[..n].copy_from_slice(&self.buffer[self.at..self.at + n]);
        self.consume(n);
        Ok(n)
    }
}

impl io::BufRead for BodyReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.buffer.len() {
            self.buffer =
                self.body.read(self.chunk).map_err(|error| io::Error::other(format!("{error:?}")))?;
            self.at = 0;
        }
        Ok(&self.buffer[self.at..])
    }

    fn consume(&mut self, amount: usize) {
        self.at = (self.at + amount).min(self.buffer.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_values_are_percent_encoded_and_joined() {
        let request = get("https://a.example", "/x").query("a b", "1&2").query("zh", "風");
        assert_eq!(request.url(), "https://a.example/x?a%20b=1%262&zh=%E9%A2%A8");
    }
}
