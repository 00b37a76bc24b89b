//! How long attempts take and how much they ask: what estimates rest on.

use std::collections::BTreeMap;

use sqlx::FromRow;

use super::{Instant, Store, StoreError, error::Doing, sql};

/// What the last attempts of a source came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Median time of an attempt, in seconds.
    pub seconds_p50: f64,
    /// Requests of an attempt to its upstream, on average: answers that several attempts share count once.
    pub requests_mean: f64,
}

/// So many attempts are looked at, of all sources.
const LOOKED_AT: u32 = 2000;

#[derive(FromRow)]
struct Row {
    source: String,
    requests: i64,
    started_at: Instant,
    ended_at: Instant,
}

impl Store {
    /// What the last attempts that found an answer came to, by source; a source of which there are none is left out.
    pub async fn paces(&self) -> Result<BTreeMap<String, Pace>, StoreError> {
        const DOING: &str = "looking how long attempts take";
        let mut conn = self.read(DOING).await?;
        let rows: Vec<Row> = sql::query(
            "SELECT t.source, a.requests, a.started_at, a.ended_at
             FROM (SELECT task_id, requests, started_at, ended_at FROM task_attempts
                   WHERE outcome IN ('written', 'unchanged', 'empty') ORDER BY id DESC LIMIT $1) a
             JOIN backfill_tasks t ON t.id = a.task_id",
        )
        .bind(LOOKED_AT)
        .all(&mut conn)
        .await
        .doing(DOING)?;
        let mut of_sources: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for row in rows {
            of_sources.entry(row.source.clone()).or_default().push(row);
        }
        Ok(of_sources.into_iter().map(|(source, rows)| (source, Pace::of(&rows))).collect())
    }
}

impl Pace {
    /// Of at least one attempt.
    fn of(rows: &[Row]) -> Self {
        let took = |row: &Row| (row.ended_at.utc() - row.started_at.utc()).as_seconds_f64().max(0.0);
        let mut seconds: Vec<f64> = rows.iter().map(took).collect();
        seconds.sort_by(f64::total_cmp);
        let requests: i64 = rows.iter().map(|row| row.requests).sum();
        Self {
            seconds_p50: seconds.get(seconds.len() / 2).copied().unwrap_or(0.0),
            requests_mean: requests as f64 / rows.len().max(1) as f64,
        }
    }
}
