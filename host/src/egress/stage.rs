//! A stage: what plays the upstream in place of the network, so that a source can be run again over what it was
//! once answered, or tried against an upstream that is made up. Caps, grants and what a source may not set hold as
//! ever; there is no allowance to wait for, and nothing is kept.

use bytes::Bytes;
use futures::future::BoxFuture;

use super::error::EgressError;
use super::gate::{Answer, Gate};
use super::index::KeptAnswer;
use super::request::{Method, Prepared};

/// A request that reached the stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The URL as the source asked for it: absolute, without credentials.
    pub url: String,
    /// The headers that the source set, by lower-case names.
    pub headers: Vec<(String, String)>,
    /// The body; empty with `GET`.
    pub body: Bytes,
    /// The request's identity, as the index of kept answers knows it.
    pub key: String,
}

/// What the stage answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Played {
    /// An answer with its body.
    Answer {
        /// HTTP status.
        status: u16,
        /// Lower-case names.
        headers: Vec<(String, String)>,
        /// The body, decompressed.
        body: Bytes,
    },
    /// An answer whose body is in the archive of the gate.
    Kept(KeptAnswer),
}

/// Plays the upstream. An error reaches the source like one of the network.
pub trait Stage: Send + Sync {
    /// The answer to a request.
    fn play(&self, asked: Asked) -> BoxFuture<'_, Result<Played, EgressError>>;
}

impl Gate {
    /// The stage's answer, under the cap that holds for one of the network.
    pub(super) async fn play(
        &self,
        stage: &dyn Stage,
        request: &Prepared,
        key: String,
    ) -> Result<Answer, EgressError> {
        let cap = self.policy.max_response_bytes;
        let under_cap = |bytes: u64| if bytes > cap { Err(EgressError::TooLarge(cap)) } else { Ok(bytes) };
        match stage.play(asked(request, key)).await? {
            Played::Answer { status, headers, body } => {
                let bytes = under_cap(body.len() as u64)?;
                let content = self.hold_plain(body)?;
                Ok(Answer { status, headers: headers.into(), content, bytes, id: None, kept: false })
            }
            Played::Kept(kept) => {
                under_cap(kept.bytes)?;
                let Some(answers) = &self.shared.answers else {
                    let text = format!("answer {} can't be played: there is no archive", kept.id);
                    return Err(EgressError::Internal(text));
                };
                let data = answers.archive.get(&kept.digest, kept.bytes).await.map_err(|lost| {
                    let (id, digest) = (kept.id, &kept.digest);
                    EgressError::Internal(format!("answer {id} can't be played, object {digest}: {lost}"))
                })?;
                Ok(Answer {
                    status: kept.status,
                    headers: kept.headers.into(),
                    content: self.hold(data)?,
                    bytes: kept.bytes,
                    id: Some(kept.id),
                    kept: false,
                })
            }
        }
    }
}

/// A request as a stage and a recording see it.
pub(super) fn asked(request: &Prepared, key: String) -> Asked {
    let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Asked {
        method: request.method,
        url: request.url.to_string(),
        headers: request.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        body: request.body.clone(),
        key,
    }
}
