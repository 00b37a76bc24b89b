//! Taipower's open-data server: its files, and what its refusals mean.

use std::io::BufRead;

use backfill_guest::http::{self, Response};
use backfill_guest::{Failure, base_url, setting};

use crate::json_objects::StreamError;

/// Where the files are, unless the setting `base_url` says otherwise.
pub(crate) const HOST: &str = "service.taipower.com.tw";

const MONTHLY: &str = "/data/opendata/apply/file/d693001/001.csv";
const TEN_MINUTE: &str = "/data/opendata/apply/file/d006010/001.json";
const LIVE: &str = "/data/opendata/apply/file/d006001/001.json";

/// Bytes of the ten-minute file in memory at a time.
const CHUNK: u32 = 256 * 1024;

/// The server, as the settings have it.
pub(crate) struct Upstream {
    base: String,
    /// Whether the ten-minute file may be asked for.
    pub(crate) ten_minute: bool,
}

impl Upstream {
    pub(crate) fn from_settings() -> Self {
        Self {
            base: base_url(&format!("https://{HOST}")),
            ten_minute: setting("ten_minute").is_none_or(|value| value != "off"),
        }
    }

    /// The monthly file d693001, whole (some hundred kB).
    pub(crate) fn monthly(&self) -> Result<Vec<u8>, Failure> {
        self.file(MONTHLY)
    }

    /// The live report d006001, whole (about 36 kB).
    pub(crate) fn live(&self) -> Result<Vec<u8>, Failure> {
        self.file(LIVE)
    }

    /// The ten-minute file d006010 (about 200 MB), as a stream; nothing where it is not there.
    pub(crate) fn ten_minute_reader(&self) -> Result<Option<impl BufRead>, Failure> {
        let response = self.ask(TEN_MINUTE)?;
        if response.status() == 404 {
            return Ok(None);
        }
        Ok(Some(response.ok()?.reader(CHUNK)))
    }

    fn file(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let body = self.ask(path)?.ok()?.bytes()?;
        if is_web_page(&body) { Err(web_page(path)) } else { Ok(body) }
    }

    fn ask(&self, path: &str) -> Result<Response, Failure> {
        let response = http::get(self.base.as_str(), path).send()?;
        match response.status() {
            // There are no credentials: this is the server's filter against clouds and robots, which passes.
            status @ (401 | 403) => Err(Failure::Unavailable(format!("{path}: refused with HTTP {status}"))),
            _ => Ok(response),
        }
    }
}

/// The server's filter and its maintenance answer with a page and HTTP 200.
fn is_web_page(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    body.trim_ascii_start().first() == Some(&b'<')
}

fn web_page(what: &str) -> Failure {
    Failure::Unavailable(format!("{what}: a web page came instead of the file"))
}

/// What a stream that broke means: a passing fault, unless what came is another document.
pub(crate) fn broken_stream(what: &str, error: &StreamError) -> Failure {
    match error {
        StreamError::NotJson(b'<') => web_page(what),
        StreamError::NotJson(_) | StreamError::LongRecord => Failure::Malformed(format!("{what}: {error}")),
        StreamError::CutOff => Failure::Unavailable(format!("{what}: {error}")),
        StreamError::Read(_) => Failure::Unavailable(format!(
            "{what}: {error}; if it is too large for this source's cap (it has about 200 MB), raise the cap, or set ten_minute = \"off\""
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_web_page_is_told_from_a_file() {
        assert!(is_web_page(b"\xef\xbb\xbf \r\n<!DOCTYPE html>"));
        assert!(!is_web_page("\u{feff}年度/Year".as_bytes()));
        assert!(!is_web_page(b""));
    }

    #[test]
    fn a_cut_or_a_page_passes_and_another_document_does_not() {
        for error in
            [StreamError::CutOff, StreamError::NotJson(b'<'), StreamError::Read(std::io::Error::other("x"))]
        {
            assert!(matches!(broken_stream("d006010", &error), Failure::Unavailable(_)), "{error}");
        }
        for error in [StreamError::NotJson(b'a'), StreamError::LongRecord] {
            assert!(matches!(broken_stream("d006010", &error), Failure::Malformed(_)), "{error}");
        }
    }
}
