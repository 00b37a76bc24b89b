//! The words for what happens, and who is told of it.

use super::words::words;

words! {
    /// What happened.
    EventKind, "kind of event" {
        /// A job and its tasks exist.
        JobCreated = "job-created",
        /// Its first task was claimed, or completed together with that of another job.
        JobStarted = "job-started",
        /// Its last task ended; `status` says how.
        JobEnded = "job-ended",
        /// Somebody cancelled it.
        JobCancelled = "job-cancelled",
        /// Nothing more of it is claimed for now.
        JobPaused = "job-paused",
        /// It is claimed from again.
        JobResumed = "job-resumed",
        /// Tasks of it that had failed are to run again.
        JobRetried = "job-retried",
        /// Its waiting tasks need wait no longer.
        JobHastened = "job-hastened",
        /// Its pending tasks were taken from the queue.
        JobPurged = "job-purged",
        /// It is gone, and its tasks with it.
        JobDeleted = "job-deleted",
        /// A worker holds the task.
        TaskStarted = "task-started",
        /// It ended well.
        TaskCompleted = "task-completed",
        /// It ended without its data.
        TaskFailed = "task-failed",
        /// An attempt failed; another follows.
        TaskRetrying = "task-retrying",
        /// It was given back without costing an attempt.
        TaskReleased = "task-released",
        /// Its lease ran out.
        TaskLost = "task-lost",
        /// It had failed and is to run again.
        TaskReopened = "task-reopened",
        /// It was cancelled, or taken from the queue.
        TaskSkipped = "task-skipped",
        /// The upstream's limit holds everybody off.
        SourceHeld = "source-held",
        /// Its tasks fail in a row, or its credential is refused: nothing more is asked of it for a while.
        SourcePaused = "source-paused",
        /// It answers again.
        SourceResumed = "source-resumed",
        /// A schedule made a job.
        ScheduleFired = "schedule-fired",
        /// A schedule was due while no host ran, or while its last job was not done, or it could not do all that it
        /// is for; `why` says which.
        ScheduleMissed = "schedule-missed",
    }
}

/// Who is told of a kind of event by webhook or mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Who named no kinds, and who named this one.
    Everybody,
    /// Who named this one.
    Askers,
    /// Nobody: there are as many of these as there are tasks. The event log has them.
    Nobody,
}

impl EventKind {
    /// Who is told of it: by default of ends and of troubles. A job that was cancelled has ended too, and one
    /// message tells of both.
    pub const fn audience(self) -> Audience {
        match self {
            Self::JobEnded | Self::SourcePaused | Self::SourceResumed | Self::ScheduleMissed => {
                Audience::Everybody
            }
            Self::JobCreated
            | Self::JobStarted
            | Self::JobCancelled
            | Self::JobPaused
            | Self::JobResumed
            | Self::JobRetried
            | Self::JobHastened
            | Self::JobPurged
            | Self::JobDeleted
            | Self::SourceHeld
            | Self::ScheduleFired => Audience::Askers,
            Self::TaskStarted
            | Self::TaskCompleted
            | Self::TaskFailed
            | Self::TaskRetrying
            | Self::TaskReleased
            | Self::TaskLost
            | Self::TaskReopened
            | Self::TaskSkipped => Audience::Nobody,
        }
    }

    /// The kinds that somebody may ask to be told of.
    pub fn told() -> impl Iterator<Item = Self> + Clone {
        Self::ALL.iter().copied().filter(|kind| kind.audience() != Audience::Nobody)
    }

    /// Whether somebody who asked for these kinds, or for none in particular, is told of it.
    pub fn concerns(self, asked: &[Self]) -> bool {
        match self.audience() {
            Audience::Everybody => asked.is_empty() || asked.contains(&self),
            Audience::Askers => asked.contains(&self),
            Audience::Nobody => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_nothing_in_particular_hears_how_jobs_ended_and_of_troubles() {
        let heard: Vec<_> = EventKind::ALL.iter().filter(|kind| kind.concerns(&[])).collect();
        let expected = [
            EventKind::JobEnded,
            EventKind::SourcePaused,
            EventKind::SourceResumed,
            EventKind::ScheduleMissed,
        ];
        assert_eq!(heard, expected.iter().collect::<Vec<_>>());
    }

    #[test]
    fn who_asks_hears_just_that_and_of_single_tasks_nobody_hears() {
        for asked in EventKind::ALL {
            let heard: Vec<_> = EventKind::ALL.iter().filter(|kind| kind.concerns(&[*asked])).collect();
            let task = asked.as_str().starts_with("task-");
            assert_eq!(heard, if task { vec![] } else { vec![asked] });
            assert_eq!(EventKind::told().any(|kind| kind == *asked), !task);
        }
    }
}
