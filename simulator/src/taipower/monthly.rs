//! d693001: a month of each of Taipower's own stations, net kWh, from 2024-01 on.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Utc};
use chrono_tz::Asia::Taipei;

use super::BYTE_ORDER_MARK;
use crate::catalogue::taipower::STATIONS;
use crate::fault::effects::Content;
use crate::values::{revised, taipower_monthly_kwh};
use crate::world::World;

pub(super) async fn file(
    State(world): State<Arc<World>>,
    Extension(content): Extension<Content>,
) -> impl IntoResponse {
    let mut csv = format!(
        "{BYTE_ORDER_MARK}年度/Year,月份/Month,能源別/Energy Type,發電站名稱/Station Name,發電量(度)/Power Generation(kWh)\r\n"
    );
    if !content.empty {
        for month in months(content.published_now(world.now())) {
            add_month(&mut csv, month, &content);
        }
    }
    ([(CONTENT_TYPE, "text/csv")], csv)
}

/// The months published at `now`: each on the 20th of the next.
fn months(now: DateTime<Utc>) -> impl Iterator<Item = NaiveDate> {
    let today = now.with_timezone(&Taipei).date_naive();
    let reached = today.checked_sub_days(Days::new(19)).unwrap_or(today);
    let first = NaiveDate::from_ymd_opt(2024, 1, 1);
    std::iter::successors(first, |month| month.checked_add_months(Months::new(1)))
        .take_while(move |month| (month.year(), month.month()) < (reached.year(), reached.month()))
}

fn add_month(csv: &mut String, month: NaiveDate, content: &Content) {
    let start = month.and_time(NaiveTime::MIN).and_utc();
    for station in STATIONS {
        let value = taipower_monthly_kwh(station.name, month.year(), month.month())
            .map(|value| revised(content.revision, station.name, start, value, 0));
        let cell = match value {
            None => "-".to_owned(),
            Some(value) if content.damaged_cell && month.month() == 7 && station.short == Some("湖西") => {
                format!("\"{},{:03}.00 2\"", (value / 1000.0).floor(), value % 1000.0)
            }
            Some(value) => value.to_string(),
        };
        let (energy_type, name) = (station.energy_type, station.name);
        csv.push_str(&format!("{},{:02},{energy_type},{name},{cell}\r\n", month.year(), month.month()));
    }
}
