//! Reading measurements out, in order, in constant memory.

use std::sync::Arc;

use futures::{
    Stream, StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use serde::Serialize;
use sqlx::FromRow;

use super::{Store, StoreError, connection::Db, error::Doing, instant::Seconds, measurements::length, sql};
use crate::domain::{Labels, Quantity};

const DOING: &str = "reading measurements";

/// The years that every database knows, -4712 to 9999, in seconds.
const FIRST: i64 = -210_866_803_200;
const LAST: i64 = 253_402_300_799;

/// Which measurements. What is left out does not restrict.
#[derive(Clone, Debug, Default)]
pub struct ExportFilter {
    /// Of this wind farm.
    pub windfarm_id: Option<i64>,
    /// Of this source.
    pub source: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// That start at this second since 1970-01-01T00:00:00Z or later.
    pub from: Option<i64>,
    /// That start before this second.
    pub to: Option<i64>,
}

/// What the rows of a series have in common.
#[derive(Clone, Debug, PartialEq, FromRow, Serialize)]
pub struct ExportSeries {
    /// Row id.
    pub id: i64,
    /// The wind farm's name.
    pub windfarm: String,
    /// The unit's row.
    pub unit_id: i64,
    /// The unit's code.
    pub unit_code: String,
    /// The unit's name.
    pub unit_name: String,
    /// Id of the source.
    pub source: String,
    /// What is measured.
    pub kind: String,
    /// How it is measured.
    pub quantity: Quantity,
    /// What else tells it from its siblings.
    #[sqlx(json)]
    pub labels: Labels,
}

/// One measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportRow {
    /// Its series.
    pub series: Arc<ExportSeries>,
    /// Seconds since 1970-01-01T00:00:00Z.
    pub start: i64,
    /// Length of the interval.
    pub seconds: u32,
    /// MW or MWh, as the series' quantity says.
    pub value: f64,
}

impl Store {
    /// Streams measurements by wind farm, source, unit, kind, quantity, labels and start. Each series is read as
    /// it stands when its turn comes.
    pub async fn export(
        &self,
        filter: ExportFilter,
    ) -> Result<impl Stream<Item = Result<ExportRow, StoreError>> + '_, StoreError> {
        let series = self.export_series(&filter).await?;
        let (from, to) = (filter.from.unwrap_or(FIRST), filter.to.unwrap_or(LAST));
        Ok(stream::iter(series).flat_map(move |series| {
            let series = Arc::new(series);
            self.rows(series.id, from, to).map_ok(move |(Seconds(start), seconds, value)| ExportRow {
                series: Arc::clone(&series),
                start,
                seconds: length(seconds),
                value,
            })
        }))
    }

    /// The rows of one series that start in a span, as they come from the database.
    fn rows(
        &self,
        series_id: i64,
        from: i64,
        to: i64,
    ) -> BoxStream<'_, Result<(Seconds, i64, f64), StoreError>> {
        const ROWS: &str = "SELECT start, seconds, value FROM measurements
             WHERE series_id = $1 AND start >= $2 AND start < $3 ORDER BY start";
        macro_rules! rows {
            ($pool:expr) => {
                sqlx::query_as(ROWS)
                    .bind(series_id)
                    .bind(Seconds(from))
                    .bind(Seconds(to))
                    .fetch($pool)
                    .map(|row| row.doing(DOING))
                    .boxed()
            };
        }
        match &self.db {
            Db::Sqlite { readers, .. } => rows!(readers),
            Db::Postgres(pool) => rows!(pool),
        }
    }

    async fn export_series(&self, filter: &ExportFilter) -> Result<Vec<ExportSeries>, StoreError> {
        let mut conn = self.read(DOING).await?;
        sql::query(
            "SELECT s.id, w.name AS windfarm, u.id AS unit_id, u.code AS unit_code, u.name AS unit_name, s.source,
                    s.kind, s.quantity, s.labels
             FROM series s
             JOIN generation_units u ON u.id = s.generation_unit_id
             JOIN windfarms w ON w.id = u.windfarm_id
             WHERE ($1 IS NULL OR w.id = $1) AND ($2 IS NULL OR s.source = $2) AND ($3 IS NULL OR s.kind = $3)
             ORDER BY w.name, s.source, u.code, u.name, s.kind, s.quantity, s.labels",
        )
        .bind(filter.windfarm_id)
        .bind(&filter.source)
        .bind(&filter.kind)
        .all(&mut conn)
        .await
        .doing(DOING)
    }
}
