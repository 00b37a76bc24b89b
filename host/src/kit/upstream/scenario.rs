//! What the made-up upstream has for one call: of which unit, of what time, and how well it is written.

use super::{
    rows::{self, Row, Step},
    script::Expected,
};
use crate::domain::{Unit, Window};

/// One call's upstream.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The unit that is asked for.
    pub unit: Unit,
    /// Whether the upstream knows it.
    pub known: bool,
    /// The time of which it has values.
    pub has: Window,
    /// A part of that time of which it has none.
    pub hole: Option<Window>,
    /// How its rows are written.
    pub oddity: Oddity,
    /// What time it is.
    pub now: i64,
}

/// What real upstreams do to their rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    /// Nothing.
    None,
    /// Some are there without a value.
    Nulls,
    /// Some are there twice.
    Duplicates,
    /// They come in no order.
    Disorder,
}

impl Scenario {
    /// The rows that the upstream has of a series in a window: each interval once, in order.
    pub fn rows(&self, series: &Expected, window: Window) -> Vec<Row> {
        if !self.known || !series.is_of(&self.unit) {
            return Vec::new();
        }
        let from = window.start.max(self.has.start).max(series.since.unwrap_or(i64::MIN));
        let window = Window { start: from, end: window.end.min(self.has.end) };
        let is_there = |start: i64, end: i64| {
            end <= self.has.end && self.hole.is_none_or(|hole| end <= hole.start || hole.end <= start)
        };
        let intervals = series.step.intervals(window, series.zone).into_iter();
        intervals
            .filter(|(start, end)| is_there(*start, *end))
            .map(|(start, end)| Row { start, end, value: self.value(series, start) })
            .collect()
    }

    /// The same as they are written.
    pub(super) fn written(&self, series: &Expected, window: Window) -> Vec<Row> {
        let mut rows = self.rows(series, window);
        match self.oddity {
            Oddity::None | Oddity::Nulls => {}
            Oddity::Duplicates => {
                let twice = |row: Row| if picked(series, row.start, 2) { vec![row, row] } else { vec![row] };
                rows = rows.into_iter().flat_map(twice).collect();
            }
            Oddity::Disorder => rows.sort_by_key(|row| rows::noise(&["order"], row.start)),
        }
        rows
    }

    /// The upstream's value of the interval that starts there.
    pub(super) fn value(&self, series: &Expected, start: i64) -> Option<f64> {
        let missing = self.oddity == Oddity::Nulls && picked(series, start, 3);
        let most = series.most.or(self.unit.capacity_mw).unwrap_or(100.0);
        (!missing).then(|| rows::value(&self.unit.code, &series.name, start, most, series.decimals))
    }
}

/// Every fifth interval; of a series of months, each.
fn picked(series: &Expected, start: i64, rest: i64) -> bool {
    match series.step {
        Step::Seconds(seconds) => start.div_euclid(seconds.into()).rem_euclid(5) == rest,
        Step::Day => start.div_euclid(86_400).rem_euclid(5) == rest,
        Step::Month => true,
    }
}
