//! Writing measurements: set by set, with exact counts, and nothing lost.

use serde::Serialize;
use sqlx::types::Json;

use super::{
    Instant,
    bulk::bulk,
    connection::{Connection, Transaction},
    instant::Seconds,
    sql,
};
use crate::domain::{Measurement, Month, Series, Window, reconcile};

/// No interval is longer: a source reports a month at most. A bound for the search of a stored row that reaches into
/// a window, so that a database that is partitioned by time need not look into all of it.
pub(super) const LONGEST_SECONDS: i64 = 31 * 86_400;

/// What became of the records of an attempt. Together they are all records that it returned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Written {
    /// New.
    pub inserted: u64,
    /// Stored in the place of others, which went to the revisions.
    pub updated: u64,
    /// Stored already.
    pub unchanged: u64,
    /// Not fit to be stored.
    pub rejected: u64,
}

impl Written {
    /// All of them.
    pub const fn fetched(&self) -> u64 {
        self.inserted + self.updated + self.unchanged + self.rejected
    }

    /// Each count with its name.
    pub const fn by_result(&self) -> [(&'static str, u64); 4] {
        [
            ("inserted", self.inserted),
            ("updated", self.updated),
            ("unchanged", self.unchanged),
            ("rejected", self.rejected),
        ]
    }
}

/// Which attempt writes, for which month of which unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer<'a> {
    pub(super) unit_id: i64,
    pub(super) source: &'a str,
    pub(super) attempt_id: i64,
    pub(super) month: Month,
    /// The whole month, of which an attempt may have fetched a part.
    pub(super) whole: Window,
    pub(super) now: Instant,
}

impl Writer<'_> {
    /// Stores validated series of one month within the caller's transaction; nobody else writes that month meanwhile.
    pub(super) async fn write(self, tx: &mut Transaction, series: &[Series]) -> sqlx::Result<Written> {
        tx.lock_month(self.unit_id, self.month.index()).await?;
        // In one order, so that transactions which make the same new series don't wait for each other.
        let mut series: Vec<_> = series.iter().collect();
        series.sort_by(|a, b| (&a.kind, &a.labels, a.quantity).cmp(&(&b.kind, &b.labels, b.quantity)));
        let mut written = Written::default();
        for series in series {
            self.write_series(tx, series, &mut written).await?;
        }
        Ok(written)
    }

    async fn write_series(
        self,
        conn: &mut Connection,
        series: &Series,
        written: &mut Written,
    ) -> sqlx::Result<()> {
        let (Some(first), Some(last)) = (series.measurements.first(), series.measurements.last()) else {
            return Ok(());
        };
        let series_id = self.series_id(conn, series).await?;
        let stored = stored(conn, series_id, first.start, last.end()).await?;
        let changes = reconcile(&stored, &series.measurements);
        written.inserted += changes.inserted;
        written.updated += changes.updated;
        written.unchanged += changes.unchanged;
        if changes.writes.is_empty() {
            return Ok(());
        }
        self.revise(conn, series_id, &changes.replaced).await?;
        delete(conn, series_id, &changes.deletes).await?;
        self.upsert(conn, series_id, &changes.writes).await?;
        self.count_month(conn, series_id).await
    }

    /// The row of a series, made if it is new.
    async fn series_id(self, conn: &mut Connection, series: &Series) -> sqlx::Result<i64> {
        let find = || {
            sql::query(
                "SELECT id FROM series
                 WHERE generation_unit_id = $1 AND source = $2 AND kind = $3 AND quantity = $4 AND labels = $5",
            )
            .bind(self.unit_id)
            .bind(self.source)
            .bind(&series.kind)
            .bind(series.quantity)
            .bind(Json(&series.labels))
        };
        if let Some(id) = find().scalar_optional(conn).await? {
            return Ok(id);
        }
        sql::query(
            "INSERT INTO series (generation_unit_id, source, kind, quantity, labels) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING",
        )
        .bind(self.unit_id)
        .bind(self.source)
        .bind(&series.kind)
        .bind(series.quantity)
        .bind(Json(&series.labels))
        .execute(conn)
        .await?;
        find().scalar(conn).await
    }

    async fn revise(self, conn: &mut Connection, series_id: i64, rows: &[Measurement]) -> sqlx::Result<()> {
        bulk(
            "WITH replaced (of_series, at, since, by_attempt) AS ({rows})
             INSERT INTO measurement_revisions (series_id, start, seconds, value, attempt_id, replaced_at, replaced_by)
             SELECT series_id, start, seconds, value, attempt_id, since, by_attempt
             FROM replaced JOIN measurements ON series_id = of_series AND start = at",
        )
        .column(rows.iter().map(|_| series_id))
        .column(rows.iter().map(|row| Seconds(row.start)))
        .column(rows.iter().map(|_| Some(self.now)))
        .column(rows.iter().map(|_| self.attempt_id))
        .execute(conn)
        .await?;
        Ok(())
    }

    async fn upsert(self, conn: &mut Connection, series_id: i64, rows: &[Measurement]) -> sqlx::Result<()> {
        bulk(
            "INSERT INTO measurements (series_id, start, seconds, value, attempt_id) {rows}
             ON CONFLICT (series_id, start) DO UPDATE
             SET seconds = excluded.seconds, value = excluded.value, attempt_id = excluded.attempt_id",
        )
        .column(rows.iter().map(|_| series_id))
        .column(rows.iter().map(|row| Seconds(row.start)))
        .column(rows.iter().map(|row| i64::from(row.seconds)))
        .column(rows.iter().map(|row| row.value))
        .column(rows.iter().map(|_| self.attempt_id))
        .execute(conn)
        .await?;
        Ok(())
    }

    /// Counts what is stored of the month now.
    async fn count_month(self, conn: &mut Connection, series_id: i64) -> sqlx::Result<()> {
        sql::query(
            "INSERT INTO series_months (series_id, month, row_count, seconds)
             SELECT $1, $2, COUNT(*), CAST(COALESCE(SUM(seconds), 0) AS BIGINT) FROM measurements
             WHERE series_id = $1 AND start >= $3 AND start < $4
             ON CONFLICT (series_id, month) DO UPDATE
             SET row_count = excluded.row_count, seconds = excluded.seconds",
        )
        .bind(series_id)
        .bind(self.month)
        .bind(Seconds(self.whole.start))
        .bind(Seconds(self.whole.end))
        .execute(conn)
        .await?;
        Ok(())
    }
}

/// The stored rows that may overlap a span: those that start in it, and the one before, which may reach into it.
async fn stored(
    conn: &mut Connection,
    series_id: i64,
    start: i64,
    end: i64,
) -> sqlx::Result<Vec<Measurement>> {
    let rows: Vec<(Seconds, i64, f64)> = sql::query(
        "SELECT start, seconds, value FROM measurements
         WHERE series_id = $1 AND start >= $4 AND start < $3
           AND start >= COALESCE((SELECT MAX(start) FROM measurements
                                  WHERE series_id = $1 AND start >= $4 AND start < $2), $2)
         ORDER BY start",
    )
    .bind(series_id)
    .bind(Seconds(start))
    .bind(Seconds(end))
    .bind(Seconds(start.saturating_sub(LONGEST_SECONDS)))
    .all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(Seconds(start), seconds, value)| Measurement { start, seconds: length(seconds), value })
        .collect())
}

/// The length of a stored interval; the schema keeps it above 0, and every writer below the bound.
pub(super) fn length(seconds: i64) -> u32 {
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

async fn delete(conn: &mut Connection, series_id: i64, starts: &[i64]) -> sqlx::Result<()> {
    bulk("DELETE FROM measurements WHERE (series_id, start) IN ({rows})")
        .column(starts.iter().map(|_| series_id))
        .column(starts.iter().map(|start| Seconds(*start)))
        .execute(conn)
        .await?;
    Ok(())
}
