//! What is stored of the months of a wind farm, and what asking for the rest came to: a few statements, however many
//! units and months there are.

use std::collections::HashMap;

use sqlx::FromRow;

use super::{Instant, RegisteredUnit, Store, StoreError, error::Doing, registry::UnitRow, sql};
use crate::domain::{AskedOutcome, Asking, Month, Quantity, TaskStatus};

const DOING: &str = "looking what is stored";

/// What is known of the months of a wind farm's units.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    /// The series of each unit, also those without a row in these months.
    pub series: HashMap<i64, Vec<HeldSeries>>,
    /// How asking for a unit's month last went.
    pub asked: HashMap<(i64, Month), AskedMonth>,
    /// The open task of a unit's month: one that runs, else one that waits. Those of paused jobs fetch nothing.
    pub open: HashMap<(i64, Month), OpenTask>,
}

/// A series, and what is stored of it.
#[derive(Clone, Debug)]
pub struct HeldSeries {
    /// What is measured.
    pub kind: String,
    /// How it is measured.
    pub quantity: Quantity,
    /// Rows and seconds of each month.
    pub months: HashMap<Month, (i64, i64)>,
}

/// How asking for a unit's month last went.
#[derive(Clone, Debug)]
pub struct AskedMonth {
    /// What it came to.
    pub asking: Asking,
    /// In a word.
    pub error_code: Option<String>,
    /// For people.
    pub error_message: Option<String>,
}

/// A task that has not ended.
#[derive(Clone, Debug, FromRow)]
pub struct OpenTask {
    /// Row id.
    pub id: i64,
    /// Waiting or running.
    pub status: TaskStatus,
    /// Not claimed before this instant.
    pub run_after: Option<Instant>,
    generation_unit_id: i64,
    month: Month,
}

#[derive(FromRow)]
struct AskedRow {
    generation_unit_id: i64,
    month: Month,
    outcome: AskedOutcome,
    error_code: Option<String>,
    error_message: Option<String>,
    rejected: i64,
    empty_since: Option<Instant>,
    asked_at: Instant,
    task_id: Option<i64>,
    start_date: Option<Instant>,
    end_date: Option<Instant>,
}

impl Store {
    /// The units of a wind farm, active or not, by source, code and name.
    pub async fn all_units(&self, windfarm_id: i64) -> Result<Vec<RegisteredUnit>, StoreError> {
        const DOING: &str = "listing the units of a wind farm";
        let mut conn = self.read(DOING).await?;
        let rows: Vec<UnitRow> = sql::query(
            "SELECT id, windfarm_id, source, code, name, capacity_mw, attributes, active FROM generation_units
             WHERE windfarm_id = $1 ORDER BY source, code, name",
        )
        .bind(windfarm_id)
        .all(&mut conn)
        .await
        .doing(DOING)?;
        Ok(rows.into_iter().map(RegisteredUnit::from).collect())
    }

    /// The first and the last month of a wind farm of which anything is known: that is stored, was asked for, or is
    /// about to be.
    pub async fn known_months(&self, windfarm_id: i64) -> Result<Option<(Month, Month)>, StoreError> {
        let mut conn = self.read(DOING).await?;
        let (first, last): (Option<Month>, Option<Month>) = sql::query(
            "SELECT MIN(first), MAX(last) FROM (
                 SELECT MIN(m.month) AS first, MAX(m.month) AS last FROM generation_units u
                 JOIN series s ON s.generation_unit_id = u.id JOIN series_months m ON m.series_id = s.id
                 WHERE u.windfarm_id = $1 AND m.row_count > 0
                 UNION ALL
                 SELECT MIN(m.month), MAX(m.month) FROM generation_units u
                 JOIN unit_months m ON m.generation_unit_id = u.id
                 WHERE u.windfarm_id = $1
                 UNION ALL
                 SELECT MIN(t.month), MAX(t.month) FROM generation_units u
                 JOIN backfill_tasks t ON t.generation_unit_id = u.id
                 WHERE u.windfarm_id = $1 AND t.status IN ('pending', 'in_progress')
             ) AS known",
        )
        .bind(windfarm_id)
        .one(&mut conn)
        .await
        .doing(DOING)?;
        Ok(first.zip(last))
    }

    /// What is known of the months of a wind farm, first and last included. `window` is the span of a unit's
    /// month: a task may have asked for a part of it.
    pub async fn holdings(
        &self,
        windfarm_id: i64,
        first: Month,
        last: Month,
        window: impl Fn(i64, Month) -> (i64, i64),
    ) -> Result<Holdings, StoreError> {
        let mut conn = self.read(DOING).await?;
        let mut holdings = Holdings::default();
        let in_months = |text: &'static str| sql::query(text).bind(windfarm_id).bind(first).bind(last);
        let series: Vec<(i64, i64, String, Quantity)> = sql::query(
            "SELECT s.id, s.generation_unit_id, s.kind, s.quantity
             FROM generation_units u JOIN series s ON s.generation_unit_id = u.id WHERE u.windfarm_id = $1",
        )
        .bind(windfarm_id)
        .all(&mut conn)
        .await
        .doing(DOING)?;
        let months: Vec<(i64, Month, i64, i64)> = in_months(
            "SELECT m.series_id, m.month, m.row_count, m.seconds
             FROM generation_units u
             JOIN series s ON s.generation_unit_id = u.id
             JOIN series_months m ON m.series_id = s.id AND m.month BETWEEN $2 AND $3
             WHERE u.windfarm_id = $1",
        )
        .all(&mut conn)
        .await
        .doing(DOING)?;
        let mut of_series: HashMap<i64, HashMap<Month, (i64, i64)>> = HashMap::new();
        for (id, month, rows, seconds) in months {
            of_series.entry(id).or_default().insert(month, (rows, seconds));
        }
        for (id, unit, kind, quantity) in series {
            let months = of_series.remove(&id).unwrap_or_default();
            holdings.series.entry(unit).or_default().push(HeldSeries { kind, quantity, months });
        }
        let asked: Vec<AskedRow> = in_months(
            "SELECT m.generation_unit_id, m.month, m.outcome, m.error_code, m.error_message, m.rejected,
                    m.empty_since, m.asked_at, m.task_id, t.start_date, t.end_date
             FROM generation_units u
             JOIN unit_months m ON m.generation_unit_id = u.id AND m.month BETWEEN $2 AND $3
             LEFT JOIN backfill_tasks t ON t.id = m.task_id
             WHERE u.windfarm_id = $1",
        )
        .all(&mut conn)
        .await
        .doing(DOING)?;
        for row in asked {
            let (start, end) = window(row.generation_unit_id, row.month);
            holdings.asked.insert((row.generation_unit_id, row.month), row.asked(start, end));
        }
        let open: Vec<OpenTask> = in_months(
            "SELECT t.id, t.status, t.run_after, t.generation_unit_id, t.month
             FROM generation_units u
             JOIN backfill_tasks t ON t.generation_unit_id = u.id AND t.month BETWEEN $2 AND $3
             WHERE u.windfarm_id = $1 AND t.status IN ('pending', 'in_progress') AND NOT t.held
             ORDER BY CASE t.status WHEN 'in_progress' THEN 0 ELSE 1 END, t.id",
        )
        .all(&mut conn)
        .await
        .doing(DOING)?;
        for task in open {
            holdings.open.entry((task.generation_unit_id, task.month)).or_insert(task);
        }
        Ok(holdings)
    }
}

impl AskedRow {
    /// A task that is gone counts as having asked for all of the month.
    fn asked(self, start: i64, end: i64) -> AskedMonth {
        let window = self.start_date.zip(self.end_date);
        let whole = window.is_none_or(|(first, last)| first.timestamp() <= start && end <= last.timestamp());
        let asking = Asking {
            outcome: self.outcome,
            at: self.asked_at.utc(),
            whole,
            rejected: self.rejected,
            empty_since: self.empty_since.map(Instant::utc),
            task_id: self.task_id,
        };
        AskedMonth { asking, error_code: self.error_code, error_message: self.error_message }
    }
}
