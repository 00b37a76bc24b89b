//! The store behind the egress policy: one allowance and one index of answers for every host.

use chrono::{DateTime, Utc};
use futures::{FutureExt, future::BoxFuture};

use super::patience::patiently;
use crate::{
    egress::{Allowance, AnswerIndex, KeptAnswer, NewAnswer, Rate},
    store::{self, Store},
};

/// The allowance of every source, kept in the store.
pub struct StoredAllowance(pub Store);

/// The index of kept answers, in the store.
pub struct StoredAnswers(pub Store);

impl Allowance for StoredAllowance {
    fn reserve<'a>(
        &'a self,
        source: &'a str,
        rate: Option<&'a Rate>,
        now: fn() -> DateTime<Utc>,
    ) -> BoxFuture<'a, anyhow::Result<DateTime<Utc>>> {
        // All hosts reckon with one clock; the slot is told by this host's.
        let now = move || self.0.shared_time(now());
        let next = move |arrival, held_until: Option<DateTime<Utc>>| match rate {
            Some(rate) => {
                let slot = rate.reserve(arrival, held_until, now());
                (slot.send_at, slot.arrival)
            }
            None => (held_until.map_or_else(now, |held| held.max(now())), now()),
        };
        async move { Ok(self.0.own_time(patiently(|| self.0.reserve_slot(source, next)).await?)) }.boxed()
    }

    fn hold_off<'a>(&'a self, source: &'a str, until: DateTime<Utc>) -> BoxFuture<'a, anyhow::Result<()>> {
        let until = self.0.shared_time(until);
        async move { Ok(patiently(|| self.0.hold_off(source, until, self.0.now())).await?) }.boxed()
    }
}

impl AnswerIndex for StoredAnswers {
    fn find<'a>(
        &'a self,
        source: &'a str,
        request_key: &'a str,
        not_before: DateTime<Utc>,
    ) -> BoxFuture<'a, anyhow::Result<Option<KeptAnswer>>> {
        // Kept by the clock that all hosts share; a gate reckons with its own host's.
        let not_before = self.0.shared_time(not_before);
        async move {
            let found = patiently(|| self.0.find_answer(source, request_key, not_before)).await?;
            Ok(found.map(|answer| KeptAnswer {
                id: answer.id,
                status: answer.status,
                headers: answer.headers,
                digest: answer.digest,
                bytes: answer.body_bytes,
                fetched_at: self.0.own_time(answer.fetched_at.utc()),
            }))
        }
        .boxed()
    }

    fn record(&self, answer: NewAnswer) -> BoxFuture<'_, anyhow::Result<i64>> {
        async move {
            let answer = store::NewAnswer {
                source: answer.source,
                request_key: answer.request_key,
                method: answer.method.to_owned(),
                url: answer.url,
                status: answer.status,
                headers: answer.headers,
                digest: answer.digest,
                body_bytes: answer.bytes,
                stored_bytes: answer.stored_bytes,
                fetched_at: self.0.shared_time(answer.fetched_at).into(),
            };
            Ok(patiently(|| self.0.record_answer(&answer)).await?)
        }
        .boxed()
    }
}
