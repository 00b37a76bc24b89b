//! The allowance of a source, shared by all that ask its upstream. The database keeps it for a cluster of hosts;
//! [`LocalAllowance`] keeps it in memory, for a single call without a database.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::rate::Rate;

/// Where slots are reserved. An error means that the store behind it is broken.
pub trait Allowance: Send + Sync {
    /// Reserves the next slot of a source, in one atomic step ([`Rate::reserve`]), and says when it is. Without a
    /// rate only a hold-off makes anyone wait. `now` is asked inside of that step: who had to stand in line for the
    /// step itself would take a slot that has passed.
    fn reserve<'a>(
        &'a self,
        source: &'a str,
        rate: Option<&'a Rate>,
        now: fn() -> DateTime<Utc>,
    ) -> BoxFuture<'a, anyhow::Result<DateTime<Utc>>>;

    /// Lets nobody send before `until`: the upstream asked to slow down. Never shortens an earlier hold-off.
    fn hold_off<'a>(&'a self, source: &'a str, until: DateTime<Utc>) -> BoxFuture<'a, anyhow::Result<()>>;
}

/// An allowance that lives as long as the process.
#[derive(Debug, Default)]
pub struct LocalAllowance {
    sources: Mutex<HashMap<String, State>>,
}

#[derive(Debug, Default)]
struct State {
    arrival: Option<DateTime<Utc>>,
    held_until: Option<DateTime<Utc>>,
}

impl LocalAllowance {
    fn with<T>(&self, source: &str, change: impl FnOnce(&mut State) -> T) -> T {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        change(sources.entry(source.to_owned()).or_default())
    }
}

impl Allowance for LocalAllowance {
    fn reserve<'a>(
        &'a self,
        source: &'a str,
        rate: Option<&'a Rate>,
        now: fn() -> DateTime<Utc>,
    ) -> BoxFuture<'a, anyhow::Result<DateTime<Utc>>> {
        let send_at = self.with(source, |state| match rate {
            Some(rate) => {
                let slot = rate.reserve(state.arrival, state.held_until, now());
                state.arrival = Some(slot.arrival);
                slot.send_at
            }
            None => state.held_until.map_or_else(now, |held| held.max(now())),
        });
        async move { Ok(send_at) }.boxed()
    }

    fn hold_off<'a>(&'a self, source: &'a str, until: DateTime<Utc>) -> BoxFuture<'a, anyhow::Result<()>> {
        self.with(source, |state| state.held_until = state.held_until.max(Some(until)));
        async { Ok(()) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::{Allowance, DateTime, LocalAllowance, Rate, Utc};

    const NOW: DateTime<Utc> = DateTime::from_timestamp_nanos(1_700_000_000_000_000_000);

    #[tokio::test]
    async fn sources_have_allowances_of_their_own() {
        let (allowance, rate): (_, Rate) = (LocalAllowance::default(), "1/s".parse().unwrap());
        let slot = async |source| allowance.reserve(source, Some(&rate), || NOW).await.unwrap();
        assert_eq!(slot("a").await, NOW);
        assert_eq!(slot("a").await, NOW + rate.interval());
        assert_eq!(slot("a").await, NOW + rate.interval() * 2);
        assert_eq!(slot("b").await, NOW);
    }

    #[tokio::test]
    async fn a_hold_off_is_never_shortened_and_holds_without_a_rate() {
        let allowance = LocalAllowance::default();
        allowance.hold_off("a", NOW + TimeDelta::seconds(60)).await.unwrap();
        allowance.hold_off("a", NOW + TimeDelta::seconds(5)).await.unwrap();
        let held_until = NOW + TimeDelta::seconds(60);
        assert_eq!(allowance.reserve("a", None, || NOW).await.unwrap(), held_until);
        let later = || NOW + TimeDelta::seconds(61);
        assert_eq!(allowance.reserve("a", None, later).await.unwrap(), later());
    }
}
