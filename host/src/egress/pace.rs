//! When a request may go: how many of a source are under way at once, its rate limit, and the times at which its
//! upstream asked to slow down.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use tokio::sync::watch;

use super::allowance::Allowance;
use super::error::EgressError;
use super::line::{Line, Place};
use super::rate::Rate;
use crate::clock;

/// The longest "slow down" that is believed.
const LONGEST_HOLD: TimeDelta = TimeDelta::days(1);

/// The pace of one source in this process.
pub(super) struct Pace {
    source: String,
    allowance: Arc<dyn Allowance>,
    line: Arc<Line>,
}

/// A busy machine is this late now and then.
const LATENESS: Duration = Duration::from_millis(250);

impl Pace {
    pub(super) fn new(source: &str, line: Arc<Line>, allowance: Arc<dyn Allowance>) -> Self {
        Self { source: source.to_owned(), allowance, line }
    }

    /// From now on, so many requests under way and this rate, for every gate of the source.
    pub(super) fn allow(&self, rate: Option<Rate>, concurrency: usize) {
        self.line.allow(rate, concurrency);
    }

    /// Waits for a free place among the requests under way.
    ///
    /// It comes before the slot: whoever has a slot must send when it is due. Slots taken by requests that then
    /// queue for a place would all be due by the time a slow answer frees it, and go out faster than the rate.
    pub(super) async fn place(&self, waiting: &watch::Sender<bool>) -> Result<Place<'_>, EgressError> {
        if let Some(place) = self.line.try_place() {
            return Ok(place);
        }
        let _in_line = Waiting::start(waiting);
        self.line.place().await.map_err(|error| EgressError::Internal(error.to_string()))
    }

    /// Waits for a slot of the rate limit. Nothing but a place is held meanwhile, and a place is of no use to
    /// others who would wait for the same limit.
    ///
    /// Who comes late to its slot takes another: a machine that was paused would send what waited all at once, on
    /// top of what others send.
    pub(super) async fn slot(&self, waiting: &watch::Sender<bool>) -> Result<(), EgressError> {
        loop {
            let rate = self.line.rate();
            let reserved = self.allowance.reserve(&self.source, rate.as_ref(), clock::now).await;
            let send_at =
                reserved.map_err(|error| EgressError::internal("no slot of the rate limit", &error))?;
            let wait = (send_at - clock::now()).to_std().unwrap_or_default();
            if wait.is_zero() {
                return Ok(());
            }
            let in_line = Waiting::start(waiting);
            tokio::time::sleep(wait).await;
            drop(in_line);
            let now = clock::now();
            if self.line.held_until() <= now && now <= send_at + lateness(rate) {
                return Ok(());
            }
        }
    }

    /// Lets nobody send before `until`.
    pub(super) async fn hold_off(&self, until: DateTime<Utc>) -> Result<(), EgressError> {
        self.line.hold(until);
        let held = self.allowance.hold_off(&self.source, until).await;
        held.map_err(|error| EgressError::internal("the upstream's hold-off was not stored", &error))
    }
}

/// How late a slot may be used.
fn lateness(rate: Option<Rate>) -> TimeDelta {
    TimeDelta::from_std(rate.map_or(LATENESS, |rate| rate.margin().max(LATENESS))).unwrap_or(TimeDelta::MAX)
}

/// Says that a request stands in line, until dropped.
struct Waiting<'a>(&'a watch::Sender<bool>);

impl<'a> Waiting<'a> {
    fn start(sender: &'a watch::Sender<bool>) -> Self {
        sender.send_replace(true);
        Self(sender)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_replace(false);
    }
}

/// Until when the upstream asks to hold off: `Retry-After` in seconds or as a date, at most a day ahead.
pub(super) fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let until = match text.parse::<u64>() {
        Ok(seconds) => {
            let seconds = i64::try_from(seconds).unwrap_or(i64::MAX).min(LONGEST_HOLD.num_seconds());
            now + TimeDelta::seconds(seconds)
        }
        Err(_) => DateTime::<Utc>::from(httpdate::parse_http_date(text).ok()?),
    };
    Some(until.clamp(now, now + LONGEST_HOLD))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Instant;

    use futures::FutureExt;
    use futures::future::BoxFuture;

    use super::super::line::Lines;
    use super::{
        Allowance, Arc, DateTime, Duration, HeaderMap, LATENESS, Pace, RETRY_AFTER, Rate, TimeDelta, Utc,
        retry_after, watch,
    };

    /// Says each wait in turn.
    struct Waits(Mutex<Vec<Duration>>);

    impl Allowance for Waits {
        fn reserve<'a>(
            &'a self,
            _: &'a str,
            _: Option<&'a Rate>,
            now: fn() -> DateTime<Utc>,
        ) -> BoxFuture<'a, anyhow::Result<DateTime<Utc>>> {
            let wait = self.0.lock().unwrap().pop().unwrap();
            async move { Ok(now() + wait) }.boxed()
        }

        fn hold_off<'a>(&'a self, _: &'a str, _: DateTime<Utc>) -> BoxFuture<'a, anyhow::Result<()>> {
            async { Ok(()) }.boxed()
        }
    }

    #[tokio::test]
    async fn who_comes_late_to_its_slot_takes_another() {
        for (stall, late) in [(Duration::ZERO, false), (Duration::from_millis(600), true)] {
            let taken = loop {
                if let Some(taken) = slots_taken(stall).await {
                    break taken;
                }
            };
            assert_eq!(taken > 1, late, "{stall:?}: {taken}");
        }
    }

    /// How many slots somebody takes whose thread stalls while it waits for the first; nothing if the machine
    /// stalled as well, since any number is right then.
    async fn slots_taken(stall: Duration) -> Option<usize> {
        let soon = Duration::from_millis(20);
        let waits = Arc::new(Waits(Mutex::new(vec![soon; 10])));
        let line = Lines::default().of("a", Some("5/s".parse().unwrap()), 1);
        let pace = Pace::new("a", line, Arc::<Waits>::clone(&waits));
        let (waiting, _) = watch::channel(false);
        let begun = Instant::now();
        // Nothing of this thread goes on while it stalls, as if the machine were paused.
        let stalled = async {
            let before = begun.elapsed();
            while begun.elapsed() < before + stall {}
            before
        };
        let (slot, before) = tokio::join!(pace.slot(&waiting), stalled);
        slot.unwrap();
        // Nobody waits for a slot that is there already, and one may be late without the stall.
        let spoilt = before >= soon || begun.elapsed() > stall + LATENESS;
        let taken = 10 - waits.0.lock().unwrap().len();
        (!spoilt).then_some(taken)
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_believed_for_a_day() {
        let now = DateTime::<Utc>::from_timestamp(1_700_000_000, 0).unwrap();
        let read = |text: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            retry_after(&headers, now).map(|until| until - now)
        };
        assert_eq!(read("120"), Some(TimeDelta::seconds(120)));
        assert_eq!(read("Tue, 14 Nov 2023 22:14:20 GMT"), Some(TimeDelta::seconds(60)));
        assert_eq!(read("Tue, 14 Nov 2000 22:14:20 GMT"), Some(TimeDelta::zero()));
        assert_eq!(read("99999999999999999"), Some(TimeDelta::days(1)));
        assert_eq!(read("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
