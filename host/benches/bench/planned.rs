//! A wind farm with one unit, and jobs over it.

use anyhow::{Context, ensure};
use backfill::{
    clock,
    domain::{Month, PlannedTask, Priority, Unit, Verdict, Window},
    store::{NewJob, NewUnit, NewWindfarm, Store},
};
use chrono_tz::Tz;

/// A wind farm and its only unit: their ids and the unit's source.
#[derive(Clone, Copy)]
pub(crate) struct Farm {
    windfarm_id: i64,
    unit_id: i64,
    source: &'static str,
}

impl Farm {
    pub(crate) async fn import(store: &Store, source: &'static str, code: &str) -> anyhow::Result<Self> {
        let unit =
            Unit { code: code.into(), name: code.into(), capacity_mw: Some(400.0), attributes: [].into() };
        let windfarm = NewWindfarm {
            name: "bench".into(),
            units: vec![NewUnit { source: source.into(), unit, active: None }],
            ..NewWindfarm::default()
        };
        store.import(&[windfarm], clock::now()).await?;
        let windfarm_id = store.windfarm_by_name("bench").await?.id;
        let units = store.units(windfarm_id, &[]).await?;
        let unit_id = units.first().context("the unit was not imported")?.id;
        Ok(Self { windfarm_id, unit_id, source })
    }

    /// A task for each of these months.
    pub(crate) fn tasks(self, months: impl IntoIterator<Item = Month>) -> Vec<PlannedTask> {
        let task = |month: Month| PlannedTask {
            unit_id: self.unit_id,
            source: self.source.into(),
            month,
            window: month.window(Tz::UTC),
            verdict: Verdict::Fetch,
        };
        months.into_iter().map(task).collect()
    }

    /// A job of these tasks.
    pub(crate) async fn create_job(self, store: &Store, tasks: &[PlannedTask]) -> anyhow::Result<i64> {
        let (Some(first), Some(last)) = (tasks.first(), tasks.last()) else { anyhow::bail!("no tasks") };
        let job = NewJob {
            windfarm_ids: &[self.windfarm_id],
            window: Window { start: first.window.start, end: last.window.end },
            tasks,
            priority: Priority::Default,
            max_concurrency: None,
            max_attempts: 3,
            anew: false,
            metadata: serde_json::json!({}),
            created_by_id: None,
        };
        Ok(store.create_job(&job, clock::now()).await?)
    }
}

/// So many months from a January on.
pub(crate) fn months(year: u16, count: usize) -> anyhow::Result<Vec<Month>> {
    let months: Vec<_> = Month::new(year, 1)?.through(Month::new(2999, 12)?).take(count).collect();
    ensure!(months.len() == count, "there are no {count} months from {year} on");
    Ok(months)
}
