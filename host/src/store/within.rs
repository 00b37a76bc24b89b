//! How much of a window a series covers, counted on its rows: for windows that no kept count is about.

use std::collections::HashMap;

use super::{bulk::bulk, connection::Connection, instant::Seconds, measurements::LONGEST_SECONDS};
use crate::domain::Window;

/// Seconds of each window that the intervals of its series cover, parts of intervals included.
pub(super) async fn seconds(
    conn: &mut Connection,
    windows: &[(i64, Window)],
) -> sqlx::Result<HashMap<(i64, Window), i64>> {
    let sums = sums(conn, windows).await?;
    // Rows of a series never overlap, so at most one reaches in from before, and one out at the end.
    let before = |start: i64| start.saturating_sub(LONGEST_SECONDS);
    let reach_in = last_rows(conn, windows, |window| (before(window.start), window.start)).await?;
    let reach_out = last_rows(conn, windows, |window| (window.start, window.end)).await?;
    let covered = windows.iter().map(|&(series, window)| {
        let inside = sums.get(&(series, window.start)).copied().unwrap_or(0);
        let end = |row: Option<&i64>| row.copied().unwrap_or(window.start);
        let from_before = (end(reach_in.get(&(series, window.start))).min(window.end) - window.start).max(0);
        let beyond = (end(reach_out.get(&(series, window.end))) - window.end).max(0);
        ((series, window), inside + from_before - beyond)
    });
    Ok(covered.collect())
}

/// The seconds of the rows that start in each window, by series and start.
async fn sums(conn: &mut Connection, windows: &[(i64, Window)]) -> sqlx::Result<HashMap<(i64, i64), i64>> {
    let rows: Vec<(i64, Seconds, i64)> = bulk(
        "WITH windows (of_series, since, until) AS ({rows})
         SELECT of_series, since, CAST(SUM(m.seconds) AS BIGINT)
         FROM windows JOIN measurements m ON m.series_id = of_series AND m.start >= since AND m.start < until
         GROUP BY of_series, since",
    )
    .column(windows.iter().map(|(series, _)| *series))
    .column(windows.iter().map(|(_, window)| Seconds(window.start)))
    .column(windows.iter().map(|(_, window)| Seconds(window.end)))
    .all(conn)
    .await?;
    Ok(rows.into_iter().map(|(series, Seconds(since), sum)| ((series, since), sum)).collect())
}

/// The end of the last row that starts in each span, by series and the span's end.
async fn last_rows(
    conn: &mut Connection,
    windows: &[(i64, Window)],
    span: impl Fn(&Window) -> (i64, i64),
) -> sqlx::Result<HashMap<(i64, i64), i64>> {
    let rows: Vec<(i64, Seconds, Seconds, i64)> = bulk(
        "WITH spans (of_series, since, until) AS ({rows})
         SELECT of_series, until, m.start, m.seconds
         FROM spans JOIN measurements m ON m.series_id = of_series AND m.start =
             (SELECT MAX(e.start) FROM measurements e
              WHERE e.series_id = of_series AND e.start >= since AND e.start < until)",
    )
    .column(windows.iter().map(|(series, _)| *series))
    .column(windows.iter().map(|(_, window)| Seconds(span(window).0)))
    .column(windows.iter().map(|(_, window)| Seconds(span(window).1)))
    .all(conn)
    .await?;
    let ends = rows.into_iter().map(|(series, Seconds(until), Seconds(start), seconds)| {
        ((series, until), start.saturating_add(seconds))
    });
    Ok(ends.collect())
}
