//! What is known already of units' months: what a plan is decided on.

use std::collections::HashMap;

use sqlx::FromRow;

use super::{Instant, Store, StoreError, bulk::bulk, connection::Connection, error::Doing, within};
use crate::domain::{
    EmptyConfirmation, FailureCase, Known, Month, PlanUnit, Quantity, Range, StoredSeries, Tile, Window,
    covered,
};

/// A series of a unit that is planned for.
#[derive(FromRow)]
struct SeriesRow {
    id: i64,
    generation_unit_id: i64,
    kind: String,
    quantity: Quantity,
}

/// What asking for a unit's month last came to.
#[derive(FromRow)]
struct AskedRow {
    generation_unit_id: i64,
    month: Month,
    outcome: String,
    error_code: Option<String>,
    empty_since: Option<Instant>,
    asked_at: Instant,
    unit_changed_since: bool,
}

impl Store {
    /// What is known of every unit and month of a range, in a few statements however long the range is. A month that
    /// the range takes whole is known from its counts; of one that it cuts, the rows are counted.
    pub async fn known(
        &self,
        units: &[PlanUnit],
        range: Range,
    ) -> Result<HashMap<(i64, Month), Known>, StoreError> {
        const DOING: &str = "looking what is stored already";
        let mut conn = self.read(DOING).await?;
        let asked = Asked::new(units, range);
        let mut known = asked.covered(&mut conn).await.doing(DOING)?;
        for row in asked.answers(&mut conn).await.doing(DOING)? {
            let known = known.entry((row.generation_unit_id, row.month)).or_default();
            known.empty = row
                .empty_since
                .map(|first| EmptyConfirmation { first_at: first.utc(), last_at: row.asked_at.utc() });
            known.failed = row.failure();
        }
        for (unit, month, window) in asked.in_flight(&mut conn).await.doing(DOING)? {
            known.entry((unit, month)).or_default().in_flight.push(window);
        }
        Ok(known)
    }
}

impl AskedRow {
    /// How it failed, unless the unit was changed since, so that another answer can be expected.
    fn failure(&self) -> Option<FailureCase> {
        if self.outcome != "failed" || self.unit_changed_since {
            return None;
        }
        self.error_code.as_deref()?.parse().ok()
    }
}

/// What is asked: units, the tiles of each, and the months that the range touches.
struct Asked<'a> {
    units: &'a [PlanUnit],
    range: Range,
    first: String,
    last: String,
}

impl<'a> Asked<'a> {
    fn new(units: &'a [PlanUnit], range: Range) -> Self {
        let mut months = range.months();
        let first = months.next().unwrap_or(Month::FIRST);
        let last = months.next_back().unwrap_or(first);
        Self { units, range, first: first.to_string(), last: last.to_string() }
    }

    fn ids(&self) -> impl Iterator<Item = i64> {
        self.units.iter().map(|unit| unit.unit_id)
    }

    /// The first month, once for each unit.
    fn firsts(&self) -> impl Iterator<Item = Option<String>> {
        self.units.iter().map(|_| Some(self.first.clone()))
    }

    /// The last month, once for each unit.
    fn lasts(&self) -> impl Iterator<Item = Option<String>> {
        self.units.iter().map(|_| Some(self.last.clone()))
    }

    /// Everything of every unit and month that has to do with what is stored.
    async fn covered(&self, conn: &mut Connection) -> sqlx::Result<HashMap<(i64, Month), Known>> {
        let mut of_units: HashMap<i64, Vec<SeriesRow>> = HashMap::new();
        for series in self.series(conn).await? {
            of_units.entry(series.generation_unit_id).or_default().push(series);
        }
        let of_months = self.seconds_of_months(conn).await?;
        let tiles: Vec<_> = self
            .units
            .iter()
            .flat_map(|unit| {
                self.range.tiles(unit.calendar.zone).map(move |tile| (unit, tile, is_whole(unit, tile)))
            })
            .collect();
        let cut = tiles.iter().filter(|(_, _, whole)| !whole).flat_map(|(unit, tile, _)| {
            let series = of_units.get(&unit.unit_id).map(Vec::as_slice).unwrap_or_default();
            series.iter().map(|series| (series.id, tile.window))
        });
        let of_windows = within::seconds(conn, &cut.collect::<Vec<_>>()).await?;
        let known = tiles.iter().map(|(unit, tile, whole)| {
            let series = of_units.get(&unit.unit_id).map(Vec::as_slice).unwrap_or_default();
            let stored = series.iter().map(|series| {
                let seconds = if *whole {
                    of_months.get(&(series.id, tile.month))
                } else {
                    of_windows.get(&(series.id, tile.window))
                };
                StoredSeries {
                    kind: &series.kind,
                    quantity: series.quantity,
                    seconds: seconds.copied().unwrap_or(0),
                }
            });
            ((unit.unit_id, tile.month), Known { covered: covered(stored), ..Known::default() })
        });
        Ok(known.collect())
    }

    async fn series(&self, conn: &mut Connection) -> sqlx::Result<Vec<SeriesRow>> {
        bulk(
            "WITH wanted (unit_id) AS ({rows})
             SELECT s.id, s.generation_unit_id, s.kind, s.quantity
             FROM wanted JOIN series s ON s.generation_unit_id = unit_id",
        )
        .column(self.ids())
        .all(conn)
        .await
    }

    /// Seconds stored of each series and month.
    async fn seconds_of_months(&self, conn: &mut Connection) -> sqlx::Result<HashMap<(i64, Month), i64>> {
        let rows: Vec<(i64, Month, i64)> = bulk(
            "WITH wanted (unit_id, first_month, last_month) AS ({rows})
             SELECT m.series_id, m.month, m.seconds
             FROM wanted
             JOIN series s ON s.generation_unit_id = unit_id
             JOIN series_months m ON m.series_id = s.id AND m.month BETWEEN first_month AND last_month",
        )
        .column(self.ids())
        .column(self.firsts())
        .column(self.lasts())
        .all(conn)
        .await?;
        Ok(rows.into_iter().map(|(series, month, seconds)| ((series, month), seconds)).collect())
    }

    async fn answers(&self, conn: &mut Connection) -> sqlx::Result<Vec<AskedRow>> {
        bulk(
            "WITH wanted (unit_id, first_month, last_month) AS ({rows})
             SELECT m.generation_unit_id, m.month, m.outcome, m.error_code, m.empty_since, m.asked_at,
                    u.updated_at > m.asked_at AS unit_changed_since
             FROM wanted
             JOIN generation_units u ON u.id = unit_id
             JOIN unit_months m ON m.generation_unit_id = u.id AND m.month BETWEEN first_month AND last_month
             WHERE m.outcome IN ('failed', 'empty')",
        )
        .column(self.ids())
        .column(self.firsts())
        .column(self.lasts())
        .all(conn)
        .await
    }

    /// What open tasks fetch. Those of paused jobs fetch nothing for now, and nobody waits for them.
    async fn in_flight(&self, conn: &mut Connection) -> sqlx::Result<Vec<(i64, Month, Window)>> {
        let rows: Vec<(i64, Month, Instant, Instant)> = bulk(
            "WITH wanted (unit_id, first_month, last_month) AS ({rows})
             SELECT t.generation_unit_id, t.month, t.start_date, t.end_date
             FROM wanted
             JOIN backfill_tasks t ON t.generation_unit_id = unit_id AND t.month BETWEEN first_month AND last_month
             WHERE t.status IN ('pending', 'in_progress') AND NOT t.held",
        )
        .column(self.ids())
        .column(self.firsts())
        .column(self.lasts())
        .all(conn)
        .await?;
        let rows = rows.into_iter().map(|(unit, month, start, end)| {
            (unit, month, Window { start: start.timestamp(), end: end.timestamp() })
        });
        Ok(rows.collect())
    }
}

fn is_whole(unit: &PlanUnit, tile: Tile) -> bool {
    tile.window == tile.month.window(unit.calendar.zone)
}
