//! The words for the states of jobs and tasks, and the one rule that derives a job's state from its tasks.

use serde::Serialize;

use super::words::words;

words! {
    /// Where a job stands.
    JobStatus, "job status" {
        /// No task was claimed yet.
        Pending = "pending",
        /// Some task was claimed, and some task has not ended.
        InProgress = "in_progress",
        /// Every task ended, none failed.
        Completed = "completed",
        /// Every task ended, some failed and none completed; or the job was cancelled.
        Failed = "failed",
        /// Every task ended, some failed and some completed.
        PartiallyCompleted = "partially_completed",
    }
}

words! {
    /// Where a task stands.
    TaskStatus, "task status" {
        /// Waits to be claimed, perhaps not before an instant.
        Pending = "pending",
        /// A worker holds its lease.
        InProgress = "in_progress",
        /// Ended well; the outcome says what was found.
        Completed = "completed",
        /// Ended without its data; the error says why.
        Failed = "failed",
        /// Not run: planned out or cancelled; the error says why.
        Skipped = "skipped",
    }
}

words! {
    /// What a completed task found. There is no other way to complete: a success without records that the
    /// upstream did not confirm does not exist.
    TaskOutcome, "task outcome" {
        /// Some record was inserted or updated.
        Written = "written",
        /// Every record was stored already.
        Unchanged = "unchanged",
        /// The upstream said that there is nothing.
        Empty = "empty",
    }
}

words! {
    /// Which jobs go first.
    Priority, "priority" {
        /// Before all others that are not a day older.
        High = "backfill_high",
        /// Before default jobs that are not an hour older.
        Normal = "backfill",
        /// Everything else.
        Default = "default",
    }
}

impl Priority {
    /// How much older a job of this priority counts in the queue. A head start instead of a rank, so that every
    /// job comes first at last and none starves.
    pub const fn head_start(self) -> chrono::TimeDelta {
        match self {
            Self::High => chrono::TimeDelta::days(1),
            Self::Normal => chrono::TimeDelta::hours(1),
            Self::Default => chrono::TimeDelta::zero(),
        }
    }
}

impl JobStatus {
    /// Whether nothing of the job will run any more.
    pub const fn ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::PartiallyCompleted)
    }
}

impl TaskOutcome {
    /// The outcome of tasks of other jobs that complete together with one of this outcome: what was written for the one
    /// is there already for the others.
    pub const fn of_others(self) -> Self {
        match self {
            Self::Empty => Self::Empty,
            Self::Written | Self::Unchanged => Self::Unchanged,
        }
    }
}

impl TaskStatus {
    /// Whether the task will not run any more.
    pub const fn ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Skipped)
    }
}

/// How many tasks of a job there are, and how many of them have ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TaskCounts {
    /// All tasks.
    pub total: i64,
    /// Completed ones.
    pub completed: i64,
    /// Failed ones.
    pub failed: i64,
    /// Skipped ones.
    pub skipped: i64,
}

impl TaskCounts {
    /// Tasks that have not ended.
    pub const fn open(self) -> i64 {
        self.total - self.completed - self.failed - self.skipped
    }

    /// The counts after one more task ended as `status`; a status that is no end changes nothing.
    pub const fn with(mut self, status: TaskStatus) -> Self {
        match status {
            TaskStatus::Completed => self.completed += 1,
            TaskStatus::Failed => self.failed += 1,
            TaskStatus::Skipped => self.skipped += 1,
            TaskStatus::Pending | TaskStatus::InProgress => {}
        }
        self
    }
}

/// The state of a job: `started` if any task was ever claimed, `cancelled` if somebody cancelled it.
///
/// A job with a failure and nothing completed has failed, even where other tasks were planned out.
pub const fn job_status(tasks: TaskCounts, started: bool, cancelled: bool) -> JobStatus {
    match (tasks.open() > 0, started) {
        (true, false) => JobStatus::Pending,
        (true, true) => JobStatus::InProgress,
        (false, _) if cancelled => JobStatus::Failed,
        (false, _) if tasks.failed == 0 => JobStatus::Completed,
        (false, _) if tasks.completed == 0 => JobStatus::Failed,
        (false, _) => JobStatus::PartiallyCompleted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every job of up to five tasks, as (statuses, started, cancelled).
    fn every_job() -> impl Iterator<Item = (Vec<TaskStatus>, bool, bool)> {
        (1..=5u32).flat_map(|tasks| {
            (0..5usize.pow(tasks)).flat_map(move |mut code| {
                let statuses: Vec<_> = (0..tasks)
                    .map(|_| {
                        let status = TaskStatus::ALL[code % 5];
                        code /= 5;
                        status
                    })
                    .collect();
                [(false, false), (true, false), (false, true), (true, true)]
                    .map(|(started, cancelled)| (statuses.clone(), started, cancelled))
            })
        })
    }

    #[test]
    fn a_job_follows_its_tasks_in_every_combination() {
        use TaskStatus::*;
        for (tasks, started, cancelled) in every_job() {
            let counts = tasks
                .iter()
                .fold(TaskCounts { total: tasks.len() as i64, ..Default::default() }, |counts, status| {
                    counts.with(*status)
                });
            let has = |status| tasks.contains(&status);
            let expected = if has(Pending) || has(InProgress) {
                if started { JobStatus::InProgress } else { JobStatus::Pending }
            } else if cancelled {
                JobStatus::Failed
            } else if has(Failed) {
                if has(Completed) { JobStatus::PartiallyCompleted } else { JobStatus::Failed }
            } else {
                JobStatus::Completed
            };
            let status = job_status(counts, started, cancelled);
            assert_eq!(status, expected, "{tasks:?} started={started} cancelled={cancelled}");
            assert_eq!(status.ended(), tasks.iter().all(|task| task.ended()), "{tasks:?}");
        }
    }

    #[test]
    fn words_are_read_back_and_others_are_refused_with_the_list() {
        for status in JobStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(*status));
            assert_eq!(serde_json::to_string(status).unwrap(), format!("{:?}", status.as_str()));
        }
        let error = "done".parse::<TaskStatus>().unwrap_err().to_string();
        assert_eq!(
            error,
            "\"done\" is no task status; expected one of pending, in_progress, completed, failed, skipped"
        );
    }

    #[test]
    fn a_head_start_is_longer_for_a_higher_priority() {
        assert!(Priority::High.head_start() > Priority::Normal.head_start());
        assert!(Priority::Normal.head_start() > Priority::Default.head_start());
    }
}
