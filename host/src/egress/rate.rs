//! How fast a source may ask: the generic cell rate algorithm (ITU-T I.371), as a function of (state, now). Its
//! whole state is one instant per source, the *theoretical arrival time*, which any store can keep and compare.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// An upstream's allowance, `400/min` or `400/min burst 20`: never more than `count` requests in any window of
/// one `period`, never more than `burst` at once.
///
/// The burst is taken out of the allowance, not put on top of it, since upstreams count per window and ban who
/// goes past (ENTSO-E: ten minutes). They count what arrives: a burst that finds no connection yet arrives later
/// than it left, and its window ends later, so the period is taken for [`Rate::margin`] longer than it is. A window
/// that starts with a full burst therefore refills slower: `(period + margin) / (count - burst + 1)` per request.
/// Unless said otherwise the burst is a fortieth of the count, 1 to 10: `400/min` lets the few requests of a small
/// task go at once, spreads the rest 156 ms apart, and costs 4 % of the sustained rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: u32,
    unit: Unit,
    burst: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
    Day,
}

/// Keeps the arithmetic of instants in range; nobody means a burst past it.
const MAX_BURST: u32 = 1000;

/// A reserved place in the order of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// When to send; now, or later.
    pub send_at: DateTime<Utc>,
    /// The state to store for the next caller.
    pub arrival: DateTime<Utc>,
}

impl Rate {
    /// The interval between requests of a steady stream, rounded up to the microseconds that stores keep.
    pub fn interval(&self) -> Duration {
        let steps = u64::from(self.count.saturating_sub(self.burst)) + 1;
        Duration::from_micros((self.unit.micros() + self.margin_micros()).div_ceil(steps))
    }

    /// How much later than its slot a request may arrive without a window of the upstream's holding too many: a
    /// twentieth of the period, at most a second.
    pub fn margin(&self) -> Duration {
        Duration::from_micros(self.margin_micros())
    }

    fn margin_micros(&self) -> u64 {
        (self.unit.micros() / 20).min(1_000_000)
    }

    /// Requests that may go at once after a pause.
    pub const fn burst(&self) -> u32 {
        self.burst
    }

    /// How many requests could go right now, one after the other, given what [`Self::reserve`] is given.
    pub fn available(
        &self,
        arrival: Option<DateTime<Utc>>,
        held_until: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> u32 {
        if held_until.is_some_and(|held| held > now) {
            return 0;
        }
        let interval = span(self.interval());
        let ahead = arrival.map_or(TimeDelta::zero(), |arrival| (arrival - now).max(TimeDelta::zero()));
        let reserved = ahead.num_microseconds().unwrap_or(i64::MAX);
        let each = interval.num_microseconds().unwrap_or(i64::MAX).max(1);
        let taken = u32::try_from(reserved.unsigned_abs().div_ceil(each.unsigned_abs())).unwrap_or(u32::MAX);
        self.burst.saturating_sub(taken)
    }

    /// Reserves the next slot. `arrival` is the stored state, `None` for a source that has never asked;
    /// `held_until` is when an upstream's "slow down" ends. Atomic only if the caller reads and writes the
    /// state in one step.
    pub fn reserve(
        &self,
        arrival: Option<DateTime<Utc>>,
        held_until: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Slot {
        let interval = span(self.interval());
        let tolerance = interval * i32::try_from(self.burst.saturating_sub(1)).unwrap_or(i32::MAX);
        let open = held_until.map_or(now, |held| held.max(now));
        let arrival = arrival.unwrap_or(open);
        let send_at = open.max(arrival - tolerance);
        Slot { send_at, arrival: arrival.max(send_at) + interval }
    }
}

fn span(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

impl Unit {
    const fn micros(self) -> u64 {
        match self {
            Self::Second => 1_000_000,
            Self::Minute => 60_000_000,
            Self::Hour => 3_600_000_000,
            Self::Day => 86_400_000_000,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "min",
            Self::Hour => "h",
            Self::Day => "day",
        }
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let not_a_rate = || format!("{text:?} is not a rate");
        // Rust's own parser would take a leading plus.
        let number = |text: &str| {
            let digits = text.trim();
            let only_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u32>().ok().filter(|_| only_digits).ok_or_else(not_a_rate)
        };
        let (rate, burst) = match text.split_once("burst") {
            Some((rate, burst)) => (rate, Some(number(burst)?)),
            None => (text, None),
        };
        let (count, unit) = rate.split_once('/').ok_or_else(not_a_rate)?;
        let count = number(count)?;
        let unit = match unit.trim() {
            "s" | "sec" | "second" => Unit::Second,
            "m" | "min" | "minute" => Unit::Minute,
            "h" | "hour" => Unit::Hour,
            "d" | "day" => Unit::Day,
            _ => return Err(not_a_rate()),
        };
        // A microsecond is the finest interval that is kept.
        if count == 0 || u64::from(count) > unit.micros() {
            return Err(format!("the rate {text:?} allows no request, or more than a million a second"));
        }
        let burst = burst.unwrap_or_else(|| (count / 40).clamp(1, 10));
        let most = count.min(MAX_BURST);
        if burst == 0 || burst > most {
            return Err(format!("the burst of the rate {text:?} is not between 1 and {most}"));
        }
        Ok(Self { count, unit, burst })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} burst {}", self.count, self.unit.as_str(), self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::{DateTime, Duration, Rate, TimeDelta, Unit, Utc, span};
    use proptest::prelude::{Strategy, prop, prop_assert, prop_assert_eq, proptest};

    const START: DateTime<Utc> = DateTime::from_timestamp_nanos(1_700_000_000_000_000_000);

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn rates_are_read_as_people_write_them() {
        assert_eq!(rate("400/min"), Rate { count: 400, unit: Unit::Minute, burst: 10 });
        assert_eq!(rate("5/s"), Rate { count: 5, unit: Unit::Second, burst: 1 });
        assert_eq!(rate(" 9000 / h "), Rate { count: 9000, unit: Unit::Hour, burst: 10 });
        assert_eq!(rate("400/min burst 20").burst(), 20);
        assert_eq!(rate("400/min burst 20").to_string(), "400/min burst 20");
        assert_eq!(rate("5/s").interval(), Duration::from_millis(210));
        assert_eq!(rate("400/min").margin(), Duration::from_secs(1));
        for bad in [
            "",
            "400",
            "400/",
            "/min",
            "400/week",
            "400/mn",
            "-1/s",
            "+1/s",
            "0/s",
            "1.5/s",
            "400/min 20",
            "400/min burst 20 now",
            "4294967296/s",
            "5/s burst",
            "5/s burst 6",
            "5/s burst 0",
        ] {
            let error = bad.parse::<Rate>().unwrap_err();
            assert!(error.contains(bad) && error.contains("rate"), "{error}");
        }
    }

    #[test]
    fn a_hold_off_moves_every_later_slot() {
        let rate = rate("1/s");
        let held = START + span(Duration::from_secs(600));
        let first = rate.reserve(None, Some(held), START);
        assert_eq!(first.send_at, held);
        let second = rate.reserve(Some(first.arrival), Some(held), START);
        assert_eq!(second.send_at, held + rate.interval());
        let after = held + span(Duration::from_secs(5));
        assert_eq!(rate.reserve(Some(first.arrival), Some(held), after).send_at, after);
    }

    /// When requests go out that ask at the given pauses (ms) after each other.
    fn sent(rate: Rate, pauses: &[u64]) -> Vec<DateTime<Utc>> {
        let (mut now, mut arrival) = (START, None);
        pauses
            .iter()
            .map(|pause| {
                now += span(Duration::from_millis(*pause));
                let slot = rate.reserve(arrival, None, now);
                arrival = Some(slot.arrival);
                slot.send_at
            })
            .collect()
    }

    fn any_rate() -> impl Strategy<Value = Rate> {
        (1..60_u32, prop::sample::select(vec![Unit::Second, Unit::Minute]))
            .prop_flat_map(|(count, unit)| (1..=count).prop_map(move |burst| Rate { count, unit, burst }))
    }

    proptest! {
        #[test]
        fn no_window_of_one_period_sees_more_than_the_count_arrive(
            rate in any_rate(), pauses in prop::collection::vec((0..3_000_u64, 0.0..=1.0), 1..200),
        ) {
            let (pauses, delays): (Vec<u64>, Vec<f64>) = pauses.into_iter().unzip();
            let sent = sent(rate, &pauses);
            let late = delays.into_iter().map(|part| span(rate.margin().mul_f64(part)));
            let mut arrived: Vec<_> = sent.into_iter().zip(late).map(|(sent, late)| sent + late).collect();
            arrived.sort_unstable();
            let period = span(Duration::from_micros(rate.unit.micros()));
            for (i, start) in arrived.iter().enumerate() {
                let inside = arrived[i..].iter().take_while(|t| **t - *start < period).count();
                prop_assert!(inside <= rate.count as usize, "{inside} in one period at {rate}");
            }
        }

        #[test]
        fn as_many_are_available_as_go_at_once(
            rate in any_rate(), pauses in prop::collection::vec(0..3_000_u64, 0..50), held in prop::option::of(-5..5_i64),
        ) {
            let (mut now, mut arrival) = (START, None);
            for pause in pauses {
                now += span(Duration::from_millis(pause));
                arrival = Some(rate.reserve(arrival, None, now).arrival);
            }
            let held = held.map(|seconds| now + TimeDelta::seconds(seconds));
            let available = rate.available(arrival, held, now);
            let mut at_once = 0;
            loop {
                let slot = rate.reserve(arrival, held, now);
                if slot.send_at > now {
                    break;
                }
                (arrival, at_once) = (Some(slot.arrival), at_once + 1);
            }
            prop_assert_eq!(available, at_once);
        }

        #[test]
        fn no_window_holds_more_than_the_burst_and_its_share(
            rate in any_rate(), pauses in prop::collection::vec(0..3_000_u64, 1..100), window in 0..120_000_u64,
        ) {
            let sent = sent(rate, &pauses);
            let width = span(Duration::from_millis(window));
            let share = Duration::from_millis(window).as_micros() / rate.interval().as_micros();
            for (i, start) in sent.iter().enumerate() {
                let inside = sent[i..].iter().take_while(|t| **t - *start <= width).count() as u128;
                prop_assert!(inside <= u128::from(rate.burst) + share);
            }
        }

        #[test]
        fn who_asks_slowly_never_waits(rate in any_rate(), count in 1..50_usize) {
            let pause = rate.interval().as_millis() as u64 + 1;
            let asked: Vec<_> = (1..=count as u32).map(|n| START + span(Duration::from_millis(pause) * n)).collect();
            prop_assert_eq!(sent(rate, &vec![pause; count]), asked);
        }
    }
}
