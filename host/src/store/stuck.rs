//! Taking back tasks from workers that are gone, without waiting for their leases to run out.

use super::{Instant, Store, StoreError, error::Doing, jobs, lost, sql};

/// A task that was taken from a worker without a sign of life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The task.
    pub task_id: i64,
    /// The worker that had it.
    pub worker: Option<String>,
    /// Whether it has failed now, since it took too many workers in a row with it; else it is pending again.
    pub given_up: bool,
}

impl Store {
    /// Takes back a job's tasks whose worker gives no sign of life: their lease ran out, or their worker ended or was
    /// last heard of before `silent_since`. They are pending again at once; if the worker lives after all, its fence is
    /// no longer valid. A task whose worker is alive is left to it, however long it takes.
    pub async fn reset_stuck(
        &self,
        id: i64,
        silent_since: impl Into<Instant>,
        now: impl Into<Instant>,
    ) -> Result<Vec<Stuck>, StoreError> {
        const DOING: &str = "taking back stuck tasks";
        let (silent_since, now) = (silent_since.into(), now.into());
        let mut tx = self.change_queue(DOING).await?;
        let text = format!(
            "SELECT {} FROM backfill_tasks t
             WHERE t.job_id = $1 AND t.status = 'in_progress'
               AND (t.lease_until <= $2
                    OR EXISTS (SELECT 1 FROM workers w WHERE w.id = t.lease_owner
                                 AND (w.stopped_at IS NOT NULL OR w.heartbeat_at < $3)))
             ORDER BY t.id {}",
            lost::COLUMNS,
            tx.lock_rows()
        );
        let stuck: Vec<lost::Lost> =
            sql::query(text).bind(id).bind(now).bind(silent_since).all(&mut tx).await.doing(DOING)?;
        lost::end_leases(&mut tx, &stuck, now).await?;
        let job = jobs::locked(&mut tx, id).await?;
        lost::tell(&mut tx, &stuck, &[job], now).await?;
        tx.announce_work().await.doing(DOING)?;
        tx.commit().await.doing(DOING)?;
        let given_up =
            |task: lost::Lost| Stuck { task_id: task.id, given_up: task.is_given_up(), worker: task.worker };
        Ok(stuck.into_iter().map(given_up).collect())
    }
}
