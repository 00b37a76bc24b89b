//! Measurements gathered into hours, days and months: sums of energy, means of power, each with the part of its span
//! that it is about.

use chrono::{DateTime, Datelike, Months, NaiveDate};
use chrono_tz::Tz;

use super::{Measurement, Quantity, Window, month::day_start, words::words};

words! {
    /// How long the spans are that values are about.
    Resolution, "resolution" {
        /// As they are stored.
        Native = "native",
        /// Hours of UTC, in every zone.
        Hour = "hour",
        /// Days of a zone's calendar: 23 or 25 hours where the clocks change.
        Day = "day",
        /// Months of a zone's calendar.
        Month = "month",
    }
}

words! {
    /// What values are given in.
    Measure, "measure" {
        /// Mean power, in MW.
        Mw = "mw",
        /// Energy, in MWh.
        Mwh = "mwh",
    }
}

impl Measure {
    /// What a quantity is stored in.
    pub const fn of(quantity: Quantity) -> Self {
        match quantity {
            Quantity::MeanPower | Quantity::SpotPower => Self::Mw,
            Quantity::Energy => Self::Mwh,
        }
    }

    /// The unit of the values.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Mw => "MW",
            Self::Mwh => "MWh",
        }
    }

    /// A stored value in this measure. Power that was read at an instant stands for the interval that it was stored with.
    pub fn value(self, quantity: Quantity, row: &Measurement) -> f64 {
        match (self, Self::of(quantity)) {
            (Self::Mw, _) => quantity.as_mw(row.value, row.seconds),
            (Self::Mwh, Self::Mwh) => row.value,
            (Self::Mwh, Self::Mw) => row.value * f64::from(row.seconds) / 3600.0,
        }
    }
}

/// What the values of a span come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// The span: all of it, also where its values are about a part only.
    pub span: Window,
    /// In the measure asked for.
    pub value: f64,
    /// The part of the span that the values are about, up to 1.
    pub coverage: f64,
}

/// Gathers the values of one series, which come in order and without overlaps.
///
/// An interval that reaches over the end of a bucket is divided by time. Means are weighted by time, except those of
/// power that was read at instants: there, each reading that falls into a bucket weighs the same, and only a bucket
/// without one takes what reaches into it. Energy of such readings is their power over their own intervals and nothing
/// beyond.
#[derive(Clone, Debug)]
pub struct Buckets {
    resolution: Resolution,
    zone: Tz,
    window: Window,
    quantity: Quantity,
    measure: Measure,
    open: Option<Open>,
}

/// The bucket that is being filled.
#[derive(Clone, Copy, Debug)]
struct Open {
    span: Window,
    covered: i64,
    /// MWh of energy, MW × s of power.
    amount: f64,
    readings: u32,
    sum_of_readings: f64,
}

impl Buckets {
    /// For the values of a window; what lies outside is left out.
    pub const fn new(
        resolution: Resolution,
        zone: Tz,
        window: Window,
        quantity: Quantity,
        measure: Measure,
    ) -> Self {
        Self { resolution, zone, window, quantity, measure, open: None }
    }

    /// Takes the next row; gives the buckets that it ends.
    pub fn push(&mut self, row: &Measurement, mut ended: impl FnMut(Bucket)) {
        let (mut at, end) = (row.start.max(self.window.start), row.end().min(self.window.end));
        while at < end {
            let mut open = match self.open.take() {
                Some(open) if at < open.span.end => open,
                other => {
                    other.into_iter().for_each(|open| ended(self.bucket(&open)));
                    Open::new(self.span(at, row))
                }
            };
            let until = end.min(open.span.end);
            open.add(self.quantity, row, until - at, at == row.start);
            self.open = Some(open);
            at = until;
        }
    }

    /// Gives the last bucket, if there is one.
    pub fn finish(mut self) -> Option<Bucket> {
        let open = self.open.take()?;
        Some(self.bucket(&open))
    }

    fn bucket(&self, open: &Open) -> Bucket {
        let covered = open.covered as f64;
        let value = match (self.quantity, self.measure) {
            (Quantity::Energy, Measure::Mwh) => open.amount,
            (Quantity::Energy, Measure::Mw) => open.amount * 3600.0 / covered,
            (_, Measure::Mwh) => open.amount / 3600.0,
            (Quantity::SpotPower, Measure::Mw) if open.readings > 0 => {
                open.sum_of_readings / f64::from(open.readings)
            }
            (_, Measure::Mw) => open.amount / covered,
        };
        Bucket { span: open.span, value, coverage: covered / open.span.seconds() as f64 }
    }

    /// The bucket that an instant of a row falls into.
    fn span(&self, at: i64, row: &Measurement) -> Window {
        match self.resolution {
            Resolution::Native => Window { start: row.start, end: row.end() },
            Resolution::Hour => {
                let start = at - at.rem_euclid(3600);
                Window { start, end: start + 3600 }
            }
            Resolution::Day => self.dates(at, Some, |day| day.succ_opt()),
            Resolution::Month => {
                self.dates(at, |day| day.with_day(1), |first| first.checked_add_months(Months::new(1)))
            }
        }
    }

    /// The span of local dates that an instant falls into: from `first` of its date to `after` that.
    fn dates(
        &self,
        at: i64,
        first: impl Fn(NaiveDate) -> Option<NaiveDate>,
        after: impl Fn(NaiveDate) -> Option<NaiveDate>,
    ) -> Window {
        let instant = DateTime::from_timestamp(at, 0).unwrap_or(DateTime::UNIX_EPOCH);
        let date = instant.with_timezone(&self.zone).date_naive();
        let first = first(date).unwrap_or(date);
        let next = after(first).unwrap_or(first);
        let (start, middle) = (day_start(first, self.zone), day_start(next, self.zone));
        if at < middle {
            return Window { start, end: middle };
        }
        // Clocks that are set back over midnight show the old date again, in what has begun as the new one.
        let end = after(next).map_or(at, |date| day_start(date, self.zone));
        Window { start: middle, end: end.max(at + 1) }
    }
}

impl Open {
    const fn new(span: Window) -> Self {
        Self { span, covered: 0, amount: 0.0, readings: 0, sum_of_readings: 0.0 }
    }

    fn add(&mut self, quantity: Quantity, row: &Measurement, seconds: i64, begins: bool) {
        self.covered += seconds;
        self.amount += match quantity {
            // A whole interval's energy stays what it is, to the last bit.
            Quantity::Energy => row.value * (seconds as f64 / f64::from(row.seconds)),
            Quantity::MeanPower | Quantity::SpotPower => row.value * seconds as f64,
        };
        if begins {
            self.readings += 1;
            self.sum_of_readings += row.value;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Month;

    const ALL: Window = Window { start: 0, end: i64::MAX };

    const fn row(start: i64, seconds: u32, value: f64) -> Measurement {
        Measurement { start, seconds, value }
    }

    fn gather(mut buckets: Buckets, rows: &[Measurement]) -> Vec<Bucket> {
        let mut all = Vec::new();
        for row in rows {
            buckets.push(row, |bucket| all.push(bucket));
        }
        all.extend(buckets.finish());
        all
    }

    fn utc(resolution: Resolution, quantity: Quantity, measure: Measure) -> Buckets {
        Buckets::new(resolution, Tz::UTC, ALL, quantity, measure)
    }

    /// Rows with gaps, of mixed lengths, some longer than a day.
    fn rows() -> impl Strategy<Value = Vec<Measurement>> {
        let lengths = prop::sample::select(vec![60, 300, 900, 1800, 3600, 5400, 86_400, 200_000]);
        let parts = prop::collection::vec((0..5i64, lengths, -50.0..400.0f64), 1..60);
        // Ends of March 2024 and of October 2010, so that clocks change.
        let beginnings = prop::sample::select(vec![1_711_800_000, 1_288_500_000]);
        (beginnings, parts).prop_map(|(mut at, parts)| {
            let rows = parts.into_iter().map(|(gap, seconds, value)| {
                let new = row(at + gap * 900, seconds, value);
                at = new.end();
                new
            });
            rows.collect()
        })
    }

    fn zones() -> impl Strategy<Value = Tz> {
        prop::sample::select(vec![
            Tz::UTC,
            Tz::Europe__Berlin,
            Tz::America__New_York,
            Tz::Asia__Kolkata,
            Tz::Asia__Beirut,
            Tz::Australia__Lord_Howe,
            // Set back at 00:01 until 2011, so that some minutes of the new day show the old date.
            Tz::America__St_Johns,
        ])
    }

    fn quantities() -> impl Strategy<Value = Quantity> {
        prop::sample::select(vec![Quantity::MeanPower, Quantity::SpotPower, Quantity::Energy])
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
    }

    proptest! {
        #[test]
        fn energy_is_the_same_in_every_resolution(rows in rows(), zone in zones(), quantity in quantities()) {
            let native: f64 = rows.iter().map(|row| Measure::Mwh.value(quantity, row)).sum();
            for resolution in Resolution::ALL {
                let buckets = Buckets::new(*resolution, zone, ALL, quantity, Measure::Mwh);
                let sum: f64 = gather(buckets, &rows).iter().map(|bucket| bucket.value).sum();
                // Positive and negative hours may cancel out.
                prop_assert!((sum - native).abs() < 1e-6, "{resolution}: {sum} of {native}");
            }
        }

        #[test]
        fn mean_power_times_what_is_covered_is_the_energy(rows in rows(), zone in zones(), resolution in prop::sample::select(Resolution::ALL)) {
            for quantity in [Quantity::MeanPower, Quantity::Energy] {
                let of = |measure| gather(Buckets::new(resolution, zone, ALL, quantity, measure), &rows);
                for (power, energy) in of(Measure::Mw).into_iter().zip(of(Measure::Mwh)) {
                    prop_assert_eq!((power.span, power.coverage), (energy.span, energy.coverage));
                    let hours = power.coverage * power.span.seconds() as f64 / 3600.0;
                    prop_assert!(near(power.value * hours, energy.value), "{power:?} {energy:?}");
                }
            }
        }

        #[test]
        fn buckets_are_in_order_and_cover_what_the_rows_do(rows in rows(), zone in zones(), quantity in quantities(), resolution in prop::sample::select(Resolution::ALL)) {
            let all = gather(Buckets::new(resolution, zone, ALL, quantity, Measure::Mw), &rows);
            prop_assert!(all.is_sorted_by(|a, b| a.span.end <= b.span.start), "{all:?}");
            prop_assert!(all.iter().all(|one| one.coverage > 0.0 && one.coverage <= 1.0), "{all:?}");
            let covered: f64 = all.iter().map(|one| one.coverage * one.span.seconds() as f64).sum();
            let stored: i64 = rows.iter().map(|row| i64::from(row.seconds)).sum();
            prop_assert!(near(covered, stored as f64));
            let (low, high) = rows.iter().fold((f64::MAX, f64::MIN), |(low, high), row| {
                let mw = quantity.as_mw(row.value, row.seconds);
                (low.min(mw), high.max(mw))
            });
            let within = |one: &Bucket| one.value >= low - 1e-6 && one.value <= high + 1e-6;
            prop_assert!(all.iter().all(within), "a mean lies between the least and the most");
        }
    }

    #[test]
    fn native_rows_are_buckets_of_their_own() {
        let rows = [row(0, 900, 1.0), row(900, 900, 3.0), row(7200, 3600, 2.0)];
        let all = gather(utc(Resolution::Native, Quantity::MeanPower, Measure::Mwh), &rows);
        assert_eq!(all.iter().map(|one| one.value).collect::<Vec<_>>(), [0.25, 0.75, 2.0]);
        assert!(all.iter().all(|one| one.coverage == 1.0));
    }

    #[test]
    fn an_interval_is_divided_by_time_and_a_part_of_a_bucket_says_so() {
        let rows = [row(1800, 3600, 4.0)];
        let half = |start, value| Bucket { span: Window { start, end: start + 3600 }, value, coverage: 0.5 };
        let energy = gather(utc(Resolution::Hour, Quantity::Energy, Measure::Mwh), &rows);
        assert_eq!(energy, [half(0, 2.0), half(3600, 2.0)]);
        let power = gather(utc(Resolution::Hour, Quantity::Energy, Measure::Mw), &rows);
        assert_eq!(power, [half(0, 4.0), half(3600, 4.0)], "the half hour that is known ran at 4 MW");
    }

    #[test]
    fn readings_weigh_the_same_however_long_they_stand() {
        let rows = [row(0, 600, 10.0), row(600, 3000, 20.0)];
        let mean = |quantity| gather(utc(Resolution::Hour, quantity, Measure::Mw), &rows)[0].value;
        assert_eq!(mean(Quantity::SpotPower), 15.0);
        assert_eq!(mean(Quantity::MeanPower), (10.0 * 600.0 + 20.0 * 3000.0) / 3600.0);
        let last = row(3000, 1200, 30.0);
        let over = gather(utc(Resolution::Hour, Quantity::SpotPower, Measure::Mw), &[last]);
        assert_eq!(over.iter().map(|one| one.value).collect::<Vec<_>>(), [30.0, 30.0]);
    }

    #[test]
    fn days_of_a_zone_have_23_and_25_hours_where_clocks_change() {
        let hours = |month: &str| {
            let window = month.parse::<Month>().unwrap().window(Tz::Europe__Berlin);
            let rows: Vec<_> =
                (window.start..window.end).step_by(3600).map(|start| row(start, 3600, 1.0)).collect();
            let buckets = |resolution| {
                Buckets::new(resolution, Tz::Europe__Berlin, window, Quantity::MeanPower, Measure::Mwh)
            };
            let days: Vec<_> = gather(buckets(Resolution::Day), &rows).iter().map(|one| one.value).collect();
            (days, gather(buckets(Resolution::Month), &rows))
        };
        let (march, all_of_march) = hours("2024-03");
        assert_eq!((march.len(), march[30], march[29]), (31, 23.0, 24.0));
        assert_eq!(
            all_of_march.iter().map(|one| (one.value, one.coverage)).collect::<Vec<_>>(),
            [(743.0, 1.0)]
        );
        let (october, _) = hours("2024-10");
        assert_eq!((october.len(), october[26]), (31, 25.0));
    }

    #[test]
    fn what_lies_outside_of_the_window_is_left_out() {
        let window = Window { start: 1800, end: 5400 };
        let buckets = Buckets::new(Resolution::Hour, Tz::UTC, window, Quantity::Energy, Measure::Mwh);
        let all = gather(buckets, &[row(0, 3600, 2.0), row(3600, 3600, 4.0), row(7200, 3600, 8.0)]);
        let told: Vec<_> = all.iter().map(|one| (one.span.start, one.value, one.coverage)).collect();
        assert_eq!(told, [(0, 1.0, 0.5), (3600, 2.0, 0.5)]);
    }
}
