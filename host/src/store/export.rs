//! Reading measurements out, in order, page by page: in constant memory, and without a connection that waits for
//! whoever reads.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use futures::{Stream, StreamExt, TryStreamExt, stream};
use serde::Serialize;
use sqlx::FromRow;

use super::{
    Instant, Store, StoreError,
    bulk::bulk,
    connection::Connection,
    error::Doing,
    instant::Seconds,
    measurements::{LONGEST_SECONDS, length},
    sql,
};
use crate::domain::{Labels, Measurement, Quantity};

const DOING: &str = "reading measurements";

/// The years that every database knows, -4712 to 9999, in seconds.
const FIRST: i64 = -210_866_803_200;
const LAST: i64 = 253_402_300_799;

/// Rows of a page.
const PAGE: usize = 8192;

/// Which measurements. What is left out does not restrict.
#[derive(Clone, Debug, Default)]
pub struct ExportFilter {
    /// Of this wind farm.
    pub windfarm_id: Option<i64>,
    /// Of these units, one after the other; of all if none is named.
    pub unit_ids: Vec<i64>,
    /// Of this source.
    pub source: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// That start at this second since 1970-01-01T00:00:00Z or later.
    pub from: Option<i64>,
    /// That start before this second.
    pub to: Option<i64>,
    /// Those too that start earlier and reach beyond `from`.
    pub reaching_in: bool,
    /// As they stood at this instant. What was written by an attempt that was deleted with its job, and replaced
    /// nothing, counts as having been there before.
    pub as_of: Option<Instant>,
    /// With what was replaced.
    pub history: bool,
}

/// What the rows of a series have in common.
#[derive(Clone, Debug, PartialEq, FromRow, Serialize, utoipa::ToSchema)]
pub struct ExportSeries {
    /// Row id.
    #[serde(rename = "series_id")]
    pub id: i64,
    /// The wind farm's name.
    pub windfarm: String,
    /// The unit's row.
    #[serde(rename = "generation_unit_id")]
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
    /// The attempt that wrote it; below zero, the collector run.
    pub attempt_id: i64,
    /// That it was replaced, in a history.
    pub replaced: Option<Replaced>,
}

/// How a value ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// When.
    pub at: Instant,
    /// By which attempt; below zero, by which collector run.
    pub by: i64,
}

impl ExportRow {
    /// The interval and its value.
    pub const fn measurement(&self) -> Measurement {
        Measurement { start: self.start, seconds: self.seconds, value: self.value }
    }
}

/// A value as it stands, or stood until it was replaced.
struct Version {
    row: Measurement,
    attempt_id: i64,
    replaced: Option<Replaced>,
}

impl Store {
    /// Streams measurements by wind farm, source, unit, kind, quantity, labels and start; in a history, what was
    /// replaced comes before what took its place. Each page of a series is read as it stands when its turn comes.
    pub async fn export(
        &self,
        filter: ExportFilter,
    ) -> Result<impl Stream<Item = Result<ExportRow, StoreError>> + '_, StoreError> {
        let all = self.export_series(&filter).await?;
        let filter = Arc::new(filter);
        Ok(stream::iter(all).flat_map(move |series| {
            let (series, filter) = (Arc::new(series), Arc::clone(&filter));
            let pages = stream::try_unfold(Some(None), move |at: Option<Option<i64>>| {
                let (series, filter) = (Arc::clone(&series), Arc::clone(&filter));
                async move {
                    let Some(at) = at else { return Ok(None) };
                    let (page, next) = self.page(series.id, &filter, at).await?;
                    let rows = page.into_iter().map(move |version| Ok(version.of(&series)));
                    Ok::<_, StoreError>(Some((stream::iter(rows), next.map(Some))))
                }
            });
            pages.try_flatten()
        }))
    }

    /// A page of one series from an instant on (the filter's beginning if none is given), and where the next one begins.
    async fn page(
        &self,
        series_id: i64,
        filter: &ExportFilter,
        at: Option<i64>,
    ) -> Result<(Vec<Version>, Option<i64>), StoreError> {
        let mut conn = self.read(DOING).await?;
        let (from, to) = (filter.from.unwrap_or(FIRST), filter.to.unwrap_or(LAST));
        let at = match at {
            Some(at) => at,
            None if filter.reaching_in && filter.from.is_some() => {
                reaching(&mut conn, series_id, from, filter).await.doing(DOING)?
            }
            None => from,
        };
        let mut page = current(&mut conn, series_id, at, to).await.doing(DOING)?;
        let mut next = next_of(&page);
        if filter.history || filter.as_of.is_some() {
            let replaced = loop {
                let replaced = replaced(&mut conn, series_id, at, next.unwrap_or(to)).await.doing(DOING)?;
                let known: HashSet<_> = replaced.iter().map(|old| (old.row.start, old.attempt_id)).collect();
                if !page.iter().any(|version| known.contains(&(version.row.start, version.attempt_id))) {
                    break replaced;
                }
                // Somebody replaced some of it between the two statements, so what stands in its place is not here yet.
                page = current(&mut conn, series_id, at, to).await.doing(DOING)?;
                next = next_of(&page);
            };
            page.extend(replaced);
            if let Some(as_of) = filter.as_of {
                let written = written(&mut conn, series_id, &page).await.doing(DOING)?;
                page.retain(|version| written.get(&version.attempt_id).is_none_or(|at| *at <= as_of));
                for version in &mut page {
                    version.replaced = version.replaced.filter(|replaced| replaced.at <= as_of);
                }
            }
            page.retain(|version| filter.history || version.replaced.is_none());
            page.sort_by_key(|version| (version.row.start, version.ended()));
        }
        page.retain(|version| version.row.start >= from || version.row.end() > from);
        Ok((page, next))
    }

    async fn export_series(&self, filter: &ExportFilter) -> Result<Vec<ExportSeries>, StoreError> {
        let mut conn = self.read(DOING).await?;
        let units: Vec<_> = match filter.unit_ids.as_slice() {
            [] => vec![None],
            ids => ids.iter().copied().map(Some).collect(),
        };
        let mut all = Vec::new();
        for unit in units {
            let series: Vec<ExportSeries> = sql::query(format!(
                "{SERIES} WHERE ($1 IS NULL OR w.id = $1) AND ($2 IS NULL OR s.source = $2)
                       AND ($3 IS NULL OR s.kind = $3) AND ($4 IS NULL OR u.id = $4)
                 ORDER BY w.name, s.source, u.code, u.name, s.kind, s.quantity, s.labels"
            ))
            .bind(filter.windfarm_id)
            .bind(&filter.source)
            .bind(&filter.kind)
            .bind(unit)
            .all(&mut conn)
            .await
            .doing(DOING)?;
            all.extend(series);
        }
        Ok(all)
    }
}

/// Reads [`ExportSeries`].
pub(super) const SERIES: &str = "SELECT s.id, w.name AS windfarm, u.id AS unit_id, u.code AS unit_code,
            u.name AS unit_name, s.source, s.kind, s.quantity, s.labels
     FROM series s
     JOIN generation_units u ON u.id = s.generation_unit_id
     JOIN windfarms w ON w.id = u.windfarm_id";

impl Version {
    fn of(self, series: &Arc<ExportSeries>) -> ExportRow {
        let Measurement { start, seconds, value } = self.row;
        let Self { attempt_id, replaced, .. } = self;
        ExportRow { series: Arc::clone(series), start, seconds, value, attempt_id, replaced }
    }

    /// When it ended; what still stands comes last.
    fn ended(&self) -> (bool, Option<Instant>) {
        (self.replaced.is_none(), self.replaced.map(|replaced| replaced.at))
    }
}

/// Where the page after this one begins, if there may be one.
fn next_of(page: &[Version]) -> Option<i64> {
    page.last().filter(|_| page.len() == PAGE).map(|last| last.row.start + 1)
}

/// Where to begin so that what reaches over an instant is read.
async fn reaching(
    conn: &mut Connection,
    series_id: i64,
    from: i64,
    filter: &ExportFilter,
) -> sqlx::Result<i64> {
    let earliest = from.saturating_sub(LONGEST_SECONDS);
    if filter.history || filter.as_of.is_some() {
        return Ok(earliest);
    }
    // Rows of a series never overlap, so at most one reaches in.
    let last: Option<Seconds> = sql::query(
        "SELECT start FROM measurements WHERE series_id = $1 AND start >= $2 AND start < $3
         ORDER BY start DESC LIMIT 1",
    )
    .bind(series_id)
    .bind(Seconds(earliest))
    .bind(Seconds(from))
    .scalar_optional(conn)
    .await?;
    Ok(last.map_or(from, |Seconds(start)| start))
}

/// What stands, from an instant on: a page of it.
async fn current(conn: &mut Connection, series_id: i64, from: i64, to: i64) -> sqlx::Result<Vec<Version>> {
    let rows: Vec<(Seconds, i64, f64, i64)> = sql::query(
        "SELECT start, seconds, value, attempt_id FROM measurements
         WHERE series_id = $1 AND start >= $2 AND start < $3 ORDER BY start LIMIT $4",
    )
    .bind(series_id)
    .bind(Seconds(from))
    .bind(Seconds(to))
    .bind(PAGE as i64)
    .all(conn)
    .await?;
    let rows = rows.into_iter().map(|(Seconds(start), seconds, value, attempt_id)| Version {
        row: Measurement { start, seconds: length(seconds), value },
        attempt_id,
        replaced: None,
    });
    Ok(rows.collect())
}

/// What was replaced of a span.
async fn replaced(conn: &mut Connection, series_id: i64, from: i64, to: i64) -> sqlx::Result<Vec<Version>> {
    let rows: Vec<(Seconds, i64, f64, i64, Instant, i64)> = sql::query(
        "SELECT start, seconds, value, attempt_id, replaced_at, replaced_by FROM measurement_revisions
         WHERE series_id = $1 AND start >= $2 AND start < $3",
    )
    .bind(series_id)
    .bind(Seconds(from))
    .bind(Seconds(to))
    .all(conn)
    .await?;
    let rows = rows.into_iter().map(|(Seconds(start), seconds, value, attempt_id, at, by)| Version {
        row: Measurement { start, seconds: length(seconds), value },
        attempt_id,
        replaced: Some(Replaced { at, by }),
    });
    Ok(rows.collect())
}

/// When the writers of a page committed, as far as that is known: an attempt that is gone is known by what it replaced.
async fn written(
    conn: &mut Connection,
    series_id: i64,
    page: &[Version],
) -> sqlx::Result<HashMap<i64, Instant>> {
    let writers: BTreeSet<i64> = page.iter().map(|version| version.attempt_id).collect();
    let mut written: HashMap<i64, Instant> = HashMap::new();
    let attempts: Vec<(i64, Instant)> = bulk(
        "WITH wanted (writer) AS ({rows})
         SELECT writer, ended_at FROM wanted JOIN task_attempts ON id = writer WHERE ended_at IS NOT NULL",
    )
    .column(writers.iter().copied().filter(|writer| *writer > 0))
    .all(conn)
    .await?;
    let runs: Vec<(i64, Instant)> = bulk(
        "WITH wanted (writer) AS ({rows})
         SELECT writer, ended_at FROM wanted JOIN collector_runs ON id = -writer WHERE ended_at IS NOT NULL",
    )
    .column(writers.iter().copied().filter(|writer| *writer < 0))
    .all(conn)
    .await?;
    written.extend(attempts.into_iter().chain(runs));
    if writers.iter().any(|writer| !written.contains_key(writer)) {
        let replacing: Vec<(i64, Instant)> = sql::query(
            "SELECT replaced_by, MAX(replaced_at) FROM measurement_revisions WHERE series_id = $1
             GROUP BY replaced_by",
        )
        .bind(series_id)
        .all(conn)
        .await?;
        for (writer, at) in replacing {
            written.entry(writer).or_insert(at);
        }
    }
    Ok(written)
}
