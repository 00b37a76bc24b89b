//! Kept answers: found again while they are fresh, and every new one kept.

use std::path::PathBuf;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta};
use tracing::Level;

use super::content::Content;
use super::download::Received;
use super::error::EgressError;
use super::gate::{Answer, Gate, Log, Reuse};
use super::index::NewAnswer;
use super::request::Prepared;
use super::sink::{Data, Stored};
use crate::clock;

impl Gate {
    /// A kept answer that is fresh enough, if its body is whole.
    pub(super) async fn kept(
        &self,
        key: &str,
        reuse: Reuse,
        log: &Log,
    ) -> Result<Option<Answer>, EgressError> {
        let (Some(answers), Some(reuse_for)) = (&self.shared.answers, self.policy.reuse_for) else {
            return Ok(None);
        };
        let oldest = TimeDelta::from_std(reuse_for).ok().and_then(|age| clock::now().checked_sub_signed(age));
        let oldest = match (oldest.unwrap_or(DateTime::UNIX_EPOCH), reuse) {
            (_, Reuse::Never | Reuse::Trial) => return Ok(None),
            (oldest, Reuse::Since(since)) => oldest.max(since),
            (oldest, Reuse::Fresh) => oldest,
        };
        let found = answers.index.find(&self.policy.source, key, oldest).await;
        let found =
            found.map_err(|error| EgressError::internal("kept answers can't be looked up", &error))?;
        let Some(found) = found.filter(|found| (200..300).contains(&found.status)) else { return Ok(None) };
        match answers.archive.get(&found.digest, found.bytes).await {
            Ok(data) => Ok(Some(Answer {
                status: found.status,
                headers: found.headers.into(),
                content: self.hold(data)?,
                bytes: found.bytes,
                id: Some(found.id),
                kept: true,
            })),
            Err(lost) => {
                let (id, digest) = (found.id, found.digest);
                log(Level::WARN, &format!("kept answer {id} is not used, object {digest}: {lost}"));
                Ok(None)
            }
        }
    }

    /// Puts an answer into the archive and the index, unless it is of a trial.
    pub(super) async fn keep(
        &self,
        request: &Prepared,
        request_key: String,
        reuse: Reuse,
        received: Received,
    ) -> Result<Answer, EgressError> {
        let Received { status, headers, stored, fetched_at } = received;
        let answers = self.shared.answers.as_ref().filter(|_| reuse != Reuse::Trial);
        let id = match answers {
            None => None,
            Some(answers) => {
                let stored_bytes = answers.archive.put(&stored).await?;
                let answer = NewAnswer {
                    source: self.policy.source.clone(),
                    request_key,
                    method: request.method.as_str(),
                    url: self.redactor.text(request.url.as_str()),
                    status,
                    headers: headers.clone(),
                    digest: stored.digest.clone(),
                    bytes: stored.bytes,
                    stored_bytes,
                    fetched_at,
                };
                let id = answers.index.record(answer).await;
                Some(id.map_err(|error| EgressError::internal("an answer can't be recorded", &error))?)
            }
        };
        let Stored { bytes, data, .. } = stored;
        Ok(Answer { status, headers: headers.into(), content: self.hold(data)?, bytes, id, kept: false })
    }

    pub(super) fn hold(&self, data: Data) -> Result<Content, EgressError> {
        match data {
            Data::Large(spool) => Ok(Content::Spooled(spool)),
            Data::Small(plain) => self.hold_plain(plain),
        }
    }

    pub(super) fn hold_plain(&self, plain: Bytes) -> Result<Content, EgressError> {
        let held = self.budget.hold(plain);
        held.map_err(|error| EgressError::Internal(format!("an answer can't be compressed: {error}")))
    }

    /// Where large answers are spooled: beside the archive, which has the room.
    pub(super) fn spool_folder(&self) -> PathBuf {
        match &self.shared.answers {
            Some(answers) => answers.archive.spool_folder().to_owned(),
            None => std::env::temp_dir(),
        }
    }
}
