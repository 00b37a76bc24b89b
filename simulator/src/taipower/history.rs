//! d006010: three months of ten-minute values, seven to five months back. Written as it is sent.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use bytes::Bytes;
use chrono::{DateTime, Datelike, FixedOffset, Months, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Asia::Taipei;
use futures::stream;

use super::BYTE_ORDER_MARK;
use crate::catalogue::taipower::{WIND, ten_minute_wind_units};
use crate::fault::effects::Content;
use crate::options::SnapshotFormat;
use crate::values::{Revision, revised, taipower_mw};
use crate::world::World;

/// Rows written at a time, about; at least one instant.
const ROWS: usize = 2000;

pub(super) async fn file(
    State(world): State<Arc<World>>,
    Extension(content): Extension<Content>,
) -> impl IntoResponse {
    let (start, end) = window(content.published_now(world.now()));
    let writer = Writer {
        next: start,
        end: if content.empty { start } else { end },
        time_key: if world.options.taipower_format == SnapshotFormat::Y2026 { "DATETIME" } else { "DATE" },
        others: world.options.taipower_d006010_other_units,
        revision: content.revision,
        is_first: true,
    };
    let head = format!("{BYTE_ORDER_MARK}{{\"records\":{{\"NET_P\":[");
    let parts = stream::unfold(writer, |mut writer| async move {
        writer.part().map(|part| (Ok::<_, Infallible>(part), writer))
    });
    let whole = futures::StreamExt::chain(stream::iter([Ok(Bytes::from(head))]), parts);
    let whole = futures::StreamExt::chain(whole, stream::iter([Ok(Bytes::from_static(b"]}}"))]));
    ([(CONTENT_TYPE, "application/json")], Body::from_stream(whole))
}

/// The three months from seven to five months before the present one, in Taipei: on 2026-07-14 December
/// to February.
fn window(now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
    let today = now.with_timezone(&Taipei).date_naive();
    let month = today.with_day(1).unwrap_or(today);
    let midnight = |back| {
        let day: NaiveDate = month.checked_sub_months(Months::new(back)).unwrap_or(month);
        // Taiwan is eight hours ahead, all year.
        day.and_time(NaiveTime::MIN).and_utc() - TimeDelta::hours(8)
    };
    (midnight(7), midnight(4))
}

struct Writer {
    next: DateTime<Utc>,
    end: DateTime<Utc>,
    time_key: &'static str,
    others: usize,
    revision: Option<Revision>,
    is_first: bool,
}

impl Writer {
    /// The next few instants, all units of each.
    fn part(&mut self) -> Option<Bytes> {
        if self.next >= self.end {
            return None;
        }
        let wind = ten_minute_wind_units();
        let instants = (ROWS / (wind.len() + self.others)).max(1);
        let mut text = String::new();
        let stop = self.end.min(self.next + TimeDelta::minutes(10 * instants as i64));
        while self.next < stop {
            let local =
                FixedOffset::east_opt(8 * 3600).map(|zone| self.next.with_timezone(&zone).naive_local());
            let time = local.map(|local| local.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default();
            for unit in &wind {
                let value = taipower_mw(unit, self.next).unwrap_or_default();
                self.row(&mut text, WIND, unit, &time, revised(self.revision, unit, self.next, value, 1));
            }
            for number in 1..=self.others {
                // Thermal units are there for their bulk.
                let value = 100.0 + ((self.next.timestamp() / 600 + number as i64) % 97) as f64;
                self.row(&mut text, "燃氣", &format!("模擬CC#{number}"), &time, value);
            }
            self.next += TimeDelta::minutes(10);
        }
        Some(Bytes::from(text))
    }

    fn row(&mut self, text: &mut String, fuel: &str, unit: &str, time: &str, value: f64) {
        let comma = if self.is_first { "" } else { "," };
        self.is_first = false;
        let key = self.time_key;
        // Strings take whatever is written to them.
        let _ = write!(
            text,
            r#"{comma}{{"FUEL_TYPE":"{fuel}","UNIT_NAME":"{unit}","{key}":"{time}","NET_P":"{value:.1}"}}"#
        );
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_window_is_the_one_seen_in_july_and_october() {
        let window = |now: &str| {
            let (start, end) = super::window(now.parse().unwrap());
            (start.to_rfc3339(), end.to_rfc3339())
        };
        let expected =
            |start: &str, end: &str| (format!("{start}T16:00:00+00:00"), format!("{end}T16:00:00+00:00"));
        assert_eq!(window("2026-07-14T00:00:00Z"), expected("2025-11-30", "2026-02-28"));
        assert_eq!(window("2026-10-10T00:00:00Z"), expected("2026-02-28", "2026-05-31"));
    }
}
