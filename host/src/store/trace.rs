//! Where a value comes from: who wrote it, and what every version of it rested on.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sqlx::FromRow;

use super::{
    Attempt, CollectorRun, ExportSeries, Instant, Store, StoreError, UsedAnswer, bulk::bulk, collector_runs,
    connection::Connection, error::Doing, export::SERIES, instant::Seconds, sql,
};

const DOING: &str = "tracing a value";

/// So many of the latest versions are traced.
const VERSIONS: u32 = 100;

/// A value, what it was before, and where that comes from.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Trace {
    /// Its series.
    pub series: ExportSeries,
    /// The value as it stands; none if values of another resolution took its place.
    pub value: Option<TracedValue>,
    /// What was replaced at the same start, the latest first: the last hundred.
    pub revisions: Vec<TracedValue>,
    /// Who wrote and replaced these values.
    pub writers: Vec<Writer>,
}

/// A version of a value.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct TracedValue {
    /// The first instant of its interval.
    pub start: Instant,
    /// Length of the interval, in seconds.
    pub seconds: i64,
    /// In the unit of the series' quantity.
    pub value: f64,
    /// What it is in: `MW` or `MWh`.
    pub unit: &'static str,
    /// Who wrote it: the attempt, or, below zero, the collector run.
    pub attempt_id: i64,
    /// When it was replaced, if it was.
    pub replaced_at: Option<Instant>,
    /// By whom.
    pub replaced_by: Option<i64>,
}

/// Who wrote a value, with what. Deleting a job deletes its attempts; of those only the id is left.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Writer {
    /// As values name it.
    pub attempt_id: i64,
    /// The attempt of a task, if it still exists.
    pub attempt: Option<Attempt>,
    /// Its task.
    pub task_id: Option<i64>,
    /// The task's job.
    pub job_id: Option<i64>,
    /// The run of a collecting schedule, where that wrote the value.
    pub collector_run: Option<CollectorRun>,
    /// SHA-256 of the component that ran.
    pub component_digest: Option<String>,
    /// The upstream's answers that it rested on.
    pub answers: Vec<UsedAnswer>,
}

#[derive(FromRow)]
struct AttemptRow {
    task_id: i64,
    job_id: i64,
    #[sqlx(flatten)]
    attempt: Attempt,
}

impl Store {
    /// Where the value of a series at a start comes from.
    pub async fn trace(&self, series_id: i64, start: i64) -> Result<Trace, StoreError> {
        let mut conn = self.read(DOING).await?;
        let series: Option<ExportSeries> = sql::query(format!("{SERIES} WHERE s.id = $1"))
            .bind(series_id)
            .optional(&mut conn)
            .await
            .doing(DOING)?;
        let series = series.ok_or_else(|| StoreError::not_found("series", series_id))?;
        let (value, revisions) = versions(&mut conn, &series, start).await.doing(DOING)?;
        if value.is_none() && revisions.is_empty() {
            let name = format!("of series {series_id} at {}", Instant::from_seconds(start).to_rfc3339());
            let hint = Some("give the `start` of a value as it is stored".to_owned());
            return Err(StoreError::NotFound { what: "value", name, hint });
        }
        let named = value.iter().chain(&revisions);
        let ids: BTreeSet<i64> =
            named.flat_map(|version| [Some(version.attempt_id), version.replaced_by]).flatten().collect();
        let writers = writers(&mut conn, ids).await.doing(DOING)?;
        Ok(Trace { series, value, revisions, writers })
    }
}

/// The value that stands, and those before it.
async fn versions(
    conn: &mut Connection,
    series: &ExportSeries,
    start: i64,
) -> sqlx::Result<(Option<TracedValue>, Vec<TracedValue>)> {
    let traced =
        |(seconds, value, attempt_id): (i64, f64, i64), replaced: Option<(Instant, i64)>| TracedValue {
            start: Instant::from_seconds(start),
            seconds,
            value,
            unit: series.quantity.unit(),
            attempt_id,
            replaced_at: replaced.map(|(at, _)| at),
            replaced_by: replaced.map(|(_, by)| by),
        };
    let value: Option<(i64, f64, i64)> =
        sql::query("SELECT seconds, value, attempt_id FROM measurements WHERE series_id = $1 AND start = $2")
            .bind(series.id)
            .bind(Seconds(start))
            .optional(conn)
            .await?;
    let revisions: Vec<(i64, f64, i64, Instant, i64)> = sql::query(
        "SELECT seconds, value, attempt_id, replaced_at, replaced_by FROM measurement_revisions
         WHERE series_id = $1 AND start = $2 ORDER BY replaced_at DESC, replaced_by DESC LIMIT $3",
    )
    .bind(series.id)
    .bind(Seconds(start))
    .bind(VERSIONS)
    .all(conn)
    .await?;
    let revisions = revisions
        .into_iter()
        .map(|(seconds, value, attempt, at, by)| traced((seconds, value, attempt), Some((at, by))));
    Ok((value.map(|value| traced(value, None)), revisions.collect()))
}

async fn writers(conn: &mut Connection, ids: BTreeSet<i64>) -> sqlx::Result<Vec<Writer>> {
    let mut writers: BTreeMap<i64, Writer> =
        ids.iter().map(|&attempt_id| (attempt_id, Writer { attempt_id, ..Writer::default() })).collect();
    let attempts: Vec<AttemptRow> = bulk(
        "WITH wanted (writer) AS ({rows})
         SELECT a.task_id, t.job_id, a.id, a.fence, a.worker, a.started_at, a.ended_at, a.outcome, a.component_digest,
                a.requests, a.response_bytes, a.cpu_us, a.error_code, a.error_message
         FROM wanted JOIN task_attempts a ON a.id = writer JOIN backfill_tasks t ON t.id = a.task_id",
    )
    .column(ids.iter().copied())
    .all(conn)
    .await?;
    for AttemptRow { task_id, job_id, attempt } in attempts {
        if let Some(writer) = writers.get_mut(&attempt.id) {
            writer.component_digest.clone_from(&attempt.component_digest);
            (writer.task_id, writer.job_id, writer.attempt) = (Some(task_id), Some(job_id), Some(attempt));
        }
    }
    for run in collector_runs::of_ids(conn, ids.iter().filter(|id| **id < 0).map(|id| -id)).await? {
        if let Some(writer) = writers.get_mut(&-run.id) {
            writer.component_digest.clone_from(&run.component_digest);
            writer.collector_run = Some(run);
        }
    }
    let answers: Vec<UsedAnswer> = bulk(
        "WITH wanted (writer) AS ({rows})
         SELECT writer AS attempt_id, a.id, a.method, a.url, a.status, a.digest, a.body_bytes, a.fetched_at
         FROM wanted JOIN attempt_answers u ON u.attempt_id = writer JOIN answers a ON a.id = u.answer_id
         UNION ALL
         SELECT writer AS attempt_id, a.id, a.method, a.url, a.status, a.digest, a.body_bytes, a.fetched_at
         FROM wanted JOIN collector_run_answers u ON u.run_id = -writer JOIN answers a ON a.id = u.answer_id",
    )
    .column(ids)
    .all(conn)
    .await?;
    for answer in answers {
        writers.entry(answer.attempt_id).or_default().answers.push(answer);
    }
    let mut writers: Vec<_> = writers.into_values().collect();
    writers.iter_mut().for_each(|writer| writer.answers.sort_by_key(|answer| (answer.fetched_at, answer.id)));
    Ok(writers)
}
