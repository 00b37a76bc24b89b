//! Writing measurements: set by set, with exact counts, and nothing lost.

use serde::Serialize;
use sqlx::{AssertSqlSafe, types::Json};

use super::{
    Instant,
    dialect::{self, Connection},
};
use crate::domain::{Measurement, Series, reconcile};

/// The most rows that one statement writes.
const ROWS_PER_STATEMENT: usize = 512;

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
}

/// Which attempt writes, for which unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer<'a> {
    pub(super) unit_id: i64,
    pub(super) source: &'a str,
    pub(super) attempt_id: i64,
    pub(super) now: Instant,
}

/// Stores one validated series within the caller's transaction, and adds to the counts.
pub(super) async fn write_series(
    conn: &mut Connection,
    writer: Writer<'_>,
    series: &Series,
    written: &mut Written,
) -> sqlx::Result<()> {
    let (Some(first), Some(last)) = (series.measurements.first(), series.measurements.last()) else {
        return Ok(());
    };
    let series_id = series_id(conn, writer, series).await?;
    let stored = stored(conn, series_id, first.start, last.end()).await?;
    let changes = reconcile(&stored, &series.measurements);
    written.inserted += changes.inserted;
    written.updated += changes.updated;
    written.unchanged += changes.unchanged;

    for rows in statements(&changes.replaced) {
        revise(conn, writer, series_id, rows).await?;
    }
    for starts in statements(&changes.deletes) {
        delete(conn, series_id, starts).await?;
    }
    for rows in statements(&changes.writes) {
        upsert(conn, writer, series_id, rows).await?;
    }
    Ok(())
}

/// The row of a series, made if it is new.
async fn series_id(conn: &mut Connection, writer: Writer<'_>, series: &Series) -> sqlx::Result<i64> {
    let known = sqlx::query_scalar(
        "SELECT id FROM series
         WHERE generation_unit_id = $1 AND source = $2 AND kind = $3 AND quantity = $4 AND labels = $5",
    )
    .bind(writer.unit_id)
    .bind(writer.source)
    .bind(&series.kind)
    .bind(series.quantity)
    .bind(Json(&series.labels))
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(id) = known {
        return Ok(id);
    }
    sqlx::query_scalar(
        "INSERT INTO series (generation_unit_id, source, kind, quantity, labels) VALUES ($1, $2, $3, $4, $5)
         RETURNING id",
    )
    .bind(writer.unit_id)
    .bind(writer.source)
    .bind(&series.kind)
    .bind(series.quantity)
    .bind(Json(&series.labels))
    .fetch_one(conn)
    .await
}

/// The stored rows that may overlap a span: those that start in it, and the one before, which may reach into it.
async fn stored(
    conn: &mut Connection,
    series_id: i64,
    start: i64,
    end: i64,
) -> sqlx::Result<Vec<Measurement>> {
    let rows: Vec<(i64, u32, f64)> = sqlx::query_as(
        "SELECT start, seconds, value FROM measurements
         WHERE series_id = $1 AND start < $3
           AND start >= COALESCE((SELECT MAX(start) FROM measurements WHERE series_id = $1 AND start < $2), $2)
         ORDER BY start",
    )
    .bind(series_id)
    .bind(start)
    .bind(end)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(start, seconds, value)| Measurement { start, seconds, value }).collect())
}

async fn revise(
    conn: &mut Connection,
    writer: Writer<'_>,
    series_id: i64,
    rows: &[Measurement],
) -> sqlx::Result<()> {
    let sql = format!(
        "INSERT INTO measurement_revisions (series_id, start, seconds, value, attempt_id, replaced_at, replaced_by)
         SELECT series_id, start, seconds, value, attempt_id, ?, ? FROM measurements
         WHERE series_id = ? AND start IN ({})",
        dialect::placeholders(rows.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(writer.now).bind(writer.attempt_id).bind(series_id);
    for row in rows {
        query = query.bind(row.start);
    }
    query.execute(conn).await?;
    Ok(())
}

async fn delete(conn: &mut Connection, series_id: i64, starts: &[i64]) -> sqlx::Result<()> {
    let sql = format!(
        "DELETE FROM measurements WHERE series_id = ? AND start IN ({})",
        dialect::placeholders(starts.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(series_id);
    for start in starts {
        query = query.bind(start);
    }
    query.execute(conn).await?;
    Ok(())
}

async fn upsert(
    conn: &mut Connection,
    writer: Writer<'_>,
    series_id: i64,
    rows: &[Measurement],
) -> sqlx::Result<()> {
    let sql = format!(
        "INSERT INTO measurements (series_id, start, seconds, value, attempt_id) VALUES {}
         ON CONFLICT (series_id, start) DO UPDATE
         SET seconds = excluded.seconds, value = excluded.value, attempt_id = excluded.attempt_id",
        dialect::values(rows.len(), 5)
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for row in rows {
        query =
            query.bind(series_id).bind(row.start).bind(row.seconds).bind(row.value).bind(writer.attempt_id);
    }
    query.execute(conn).await?;
    Ok(())
}

/// Cuts rows into powers of two from [`ROWS_PER_STATEMENT`] down: few statements, and so few different ones
/// that all of them stay prepared.
fn statements<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = 1 << rows.len().min(ROWS_PER_STATEMENT).checked_ilog2()?;
        let (head, tail) = rows.split_at(length);
        rows = tail;
        Some(head)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_cover_all_rows_in_order_with_powers_of_two() {
        for length in [0usize, 1, 2, 3, 511, 512, 513, 744, 2976, 44_640] {
            let rows: Vec<_> = (0..length).collect();
            let cut: Vec<_> = statements(&rows).collect();
            assert_eq!(cut.concat(), rows);
            assert!(cut.iter().all(|rows| rows.len().is_power_of_two() && rows.len() <= ROWS_PER_STATEMENT));
        }
    }
}
