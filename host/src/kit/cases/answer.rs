//! `answers/NNN.toml` and its body: a request, and what was answered.

use std::{
    ffi::OsStr,
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::problem::{Problems, line};
use crate::egress::{EgressError, Exchange, Method, Request};

/// Larger bodies are kept compressed.
const LARGE: u64 = 1 << 20;

/// What a source asked, and what is to be answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// `001`.
    pub(super) name: String,
    pub(super) request: Request,
    /// Its identity.
    pub(super) key: String,
    pub(super) reply: Reply,
}

/// What is answered.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: PathBuf,
    },
    /// There was no answer.
    None(EgressError),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerFile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// `name: value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<ErrorTable>,
    request: RequestTable,
}

/// Why there was no answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "case", rename_all = "kebab-case", deny_unknown_fields)]
enum ErrorTable {
    Timeout,
    TooLarge { bytes: u64 },
    Transport { message: String },
    Denied { message: String },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestTable {
    method: MethodName,
    url: Spanned<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// In place of `body` where it is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum MethodName {
    Get,
    Post,
}

impl Answer {
    /// Every answer of a folder, in the order of their names; none if there is no folder.
    pub(super) fn read_all(folder: &Path, problems: &mut Problems) -> Vec<Self> {
        let files = match fs::read_dir(folder) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                problems.add(folder, None, format!("can't be read: {error}"));
                return Vec::new();
            }
        };
        let paths = files.filter_map(Result::ok).map(|file| file.path());
        let mut paths: Vec<_> = paths.filter(|path| path.extension() == Some(OsStr::new("toml"))).collect();
        paths.sort();
        paths.iter().filter_map(|path| Self::read(path, problems)).collect()
    }

    fn read(path: &Path, problems: &mut Problems) -> Option<Self> {
        let text = problems.text(path)?;
        let AnswerFile { status, headers, error, request } = problems.toml(path, &text)?;
        let at = Some(line(&text, request.url.span().start));
        let mut wrong = |line, why: String| {
            problems.add(path, line, why);
            None
        };
        let request = match request.read() {
            Ok(request) => request,
            Err(why) => return wrong(at, why),
        };
        let key = match request.key() {
            Ok(key) => key,
            Err(why) => return wrong(at, format!("no source may ask this: {why}")),
        };
        let headers = match pairs(&headers) {
            Ok(headers) => headers,
            Err(why) => return wrong(None, why),
        };
        let reply = match (status, error) {
            (Some(status @ 100..=599), None) => match body_of(path) {
                Some(body) => Reply::Answer { status, headers, body },
                None => {
                    let name = path.with_extension("body");
                    return wrong(None, format!("the answer has no body: {} is missing", name.display()));
                }
            },
            (Some(status), None) => return wrong(None, format!("{status} is no HTTP status, 100 to 599")),
            (None, Some(error)) => Reply::None(error.into()),
            _ => return wrong(None, "expected either `status` or [error]".to_owned()),
        };
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Some(Self { name, request, key, reply })
    }

    /// Writes what was recorded as `NNN.toml` and its body.
    pub(super) fn write(folder: &Path, name: &str, exchange: &Exchange) -> io::Result<()> {
        let path = folder.join(name).with_extension("toml");
        let request = RequestTable::from(exchange);
        let file = match &exchange.heard {
            Ok(heard) => {
                write_body(&path, heard.bytes, heard.body()?)?;
                let headers = heard.headers.iter().map(|(name, value)| format!("{name}: {value}"));
                AnswerFile { status: Some(heard.status), headers: headers.collect(), error: None, request }
            }
            Err(error) => {
                let error = Some(ErrorTable::of(error).map_err(io::Error::other)?);
                AnswerFile { status: None, headers: vec![], error, request }
            }
        };
        fs::write(path, toml::to_string_pretty(&file).map_err(io::Error::other)?)
    }

    /// `001: GET https://…`.
    pub(super) fn told(&self) -> String {
        format!("{}: {} {}", self.name, self.request.method.as_str(), self.request.url)
    }
}

impl Reply {
    /// Reads a body, decompressed.
    pub(super) fn read(body: &Path) -> io::Result<Bytes> {
        let file = fs::File::open(body)?;
        let mut bytes = Vec::new();
        if body.extension() == Some(OsStr::new("zst")) {
            zstd::Decoder::new(file)?.read_to_end(&mut bytes)?;
        } else {
            io::BufReader::new(file).read_to_end(&mut bytes)?;
        }
        Ok(bytes.into())
    }
}

/// The body beside an answer's file.
fn body_of(path: &Path) -> Option<PathBuf> {
    [path.with_extension("body"), path.with_extension("body.zst")].into_iter().find(|body| body.is_file())
}

fn write_body(path: &Path, bytes: u64, mut body: impl Read) -> io::Result<()> {
    if bytes > LARGE {
        let mut to = zstd::Encoder::new(fs::File::create(path.with_extension("body.zst"))?, 0)?;
        io::copy(&mut body, &mut to)?;
        to.finish()?.flush()
    } else {
        io::copy(&mut body, &mut fs::File::create(path.with_extension("body"))?).map(drop)
    }
}

/// `name: value` as a pair.
fn pairs(headers: &[String]) -> Result<Vec<(String, String)>, String> {
    let pair = |header: &String| match header.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        }
        _ => Err(format!("{header:?} is no header; expected \"name: value\"")),
    };
    headers.iter().map(pair).collect()
}

impl RequestTable {
    fn read(self) -> Result<Request, String> {
        let body = match (self.body, self.body_base64) {
            (None, None) => None,
            (Some(text), None) => Some(text.into_bytes()),
            (None, Some(text)) => {
                Some(BASE64_STANDARD.decode(text).map_err(|error| format!("body_base64: {error}"))?)
            }
            (Some(_), Some(_)) => return Err("expected either `body` or `body_base64`".to_owned()),
        };
        let method = match self.method {
            MethodName::Get => Method::Get,
            MethodName::Post => Method::Post,
        };
        let (url, headers) = (self.url.into_inner(), pairs(&self.headers)?);
        Ok(Request { method, url, headers, body: body.map(Into::into) })
    }
}

impl From<&Exchange> for RequestTable {
    fn from(Exchange { asked, .. }: &Exchange) -> Self {
        let text = str::from_utf8(&asked.body).ok().map(str::to_owned);
        let (body, body_base64) = match text {
            Some(text) => ((!text.is_empty()).then_some(text), None),
            None => (None, Some(BASE64_STANDARD.encode(&asked.body))),
        };
        Self {
            method: match asked.method {
                Method::Get => MethodName::Get,
                Method::Post => MethodName::Post,
            },
            url: Spanned::new(0..0, asked.url.clone()),
            headers: asked.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect(),
            body,
            body_base64,
        }
    }
}

impl ErrorTable {
    fn of(error: &EgressError) -> Result<Self, String> {
        Ok(match error {
            EgressError::Timeout => Self::Timeout,
            EgressError::TooLarge(bytes) => Self::TooLarge { bytes: *bytes },
            EgressError::Transport(message) => Self::Transport { message: message.clone() },
            EgressError::Denied(message) => Self::Denied { message: message.clone() },
            EgressError::Cap(_) | EgressError::Internal(_) => {
                return Err(format!("the call was broken off, so there is nothing to record: {error}"));
            }
        })
    }
}

impl From<ErrorTable> for EgressError {
    fn from(error: ErrorTable) -> Self {
        match error {
            ErrorTable::Timeout => Self::Timeout,
            ErrorTable::TooLarge { bytes } => Self::TooLarge(bytes),
            ErrorTable::Transport { message } => Self::Transport(message),
            ErrorTable::Denied { message } => Self::Denied(message),
        }
    }
}
