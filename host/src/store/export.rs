//! Reading measurements out, in order, in constant memory.

use std::sync::Arc;

use futures::{Stream, StreamExt, TryStreamExt, stream};
use serde::Serialize;
use sqlx::FromRow;

use super::{Store, StoreError, error::Doing};
use crate::domain::{Labels, Quantity};

const DOING: &str = "reading measurements";

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
        let (from, to) = (filter.from.unwrap_or(i64::MIN), filter.to.unwrap_or(i64::MAX));
        Ok(stream::iter(series).flat_map(move |series| {
            let series = Arc::new(series);
            sqlx::query_as::<_, (i64, u32, f64)>(
                "SELECT start, seconds, value FROM measurements
                 WHERE series_id = $1 AND start >= $2 AND start < $3 ORDER BY start",
            )
            .bind(series.id)
            .bind(from)
            .bind(to)
            .fetch(&self.readers)
            .map(|row| row.doing(DOING))
            .map_ok(move |(start, seconds, value)| ExportRow {
                series: Arc::clone(&series),
                start,
                seconds,
                value,
            })
        }))
    }

    async fn export_series(&self, filter: &ExportFilter) -> Result<Vec<ExportSeries>, StoreError> {
        let mut conn = self.read(DOING).await?;
        sqlx::query_as(
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
        .fetch_all(&mut *conn)
        .await
        .doing(DOING)
    }
}
