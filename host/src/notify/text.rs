//! A notice as mail: what happened in the subject, and what to do next in the body.

use std::fmt::Write as _;

use crate::domain::{EventKind, JobNotice, JobStatus, Notice};

/// One line.
pub(super) fn subject(notice: &Notice) -> String {
    let about = about(notice);
    let subject = match (notice.kind, &notice.job) {
        (EventKind::JobEnded, Some(job)) => format!("Backfill {about} {}", ending(job)),
        (EventKind::JobCreated, Some(job)) => format!("Backfill {about} created: {} tasks", job.total_tasks),
        (EventKind::ScheduleFired, Some(_)) => format!("Backfill {} made {about}", schedule(notice)),
        (kind, _) => {
            // `job-paused` is said of "job 7": "Backfill job 7 paused".
            let word = kind.as_str().split_once('-').map_or(kind.as_str(), |(_, word)| word);
            format!("Backfill {about} {}", word.replace('-', " "))
        }
    };
    // Names come from elsewhere; a line break would begin another header.
    subject.replace(char::is_control, " ")
}

/// `job 12 (Anholt, 2023-01 to 2023-03)`, `source entsoe`.
fn about(notice: &Notice) -> String {
    match (&notice.job, notice.job_id, &notice.source) {
        (Some(job), Some(id), _) => format!("job {id} ({})", span(job)),
        (None, Some(id), _) => format!("job {id}"),
        (_, None, Some(source)) => format!("source {source}"),
        (_, None, None) => schedule(notice),
    }
}

/// `schedule nightly`.
fn schedule(notice: &Notice) -> String {
    match notice.data.get("schedule").and_then(|name| name.as_str()) {
        Some(name) => format!("schedule {name}"),
        None => "schedule".to_owned(),
    }
}

fn span(job: &JobNotice) -> String {
    let windfarms = match job.windfarms.as_slice() {
        [first, second, _, ..] => format!("{first}, {second} and {} more", job.windfarms.len() - 2),
        few => few.join(", "),
    };
    if job.first_month == job.last_month {
        return format!("{windfarms}, {}", job.first_month);
    }
    format!("{windfarms}, {} to {}", job.first_month, job.last_month)
}

fn ending(job: &JobNotice) -> String {
    let failed = || format!("{} of {} tasks failed", job.failed_tasks, job.total_tasks);
    match job.status {
        _ if job.reason.as_deref() == Some("cancelled") => "was cancelled".to_owned(),
        JobStatus::Completed if job.skipped_tasks == job.total_tasks => "had nothing to do".to_owned(),
        JobStatus::Completed => "completed".to_owned(),
        JobStatus::PartiallyCompleted => format!("partially completed: {}", failed()),
        JobStatus::Failed => format!("failed: {}", failed()),
        JobStatus::Pending | JobStatus::InProgress => format!("is {}", job.status),
    }
}

/// Plain text.
pub(super) fn body(notice: &Notice) -> String {
    let mut text = format!("{}.\n\n", subject(notice));
    let mut fact = |name: &str, value: &str| {
        // Writing to a string can't fail.
        let _ = writeln!(text, "{name:<10}{value}");
    };
    fact("When:", &notice.timestamp.format("%Y-%m-%d %H:%M:%S UTC").to_string());
    if let Some(job) = &notice.job {
        fact("For:", &job.windfarms.join(", "));
        fact("Months:", &format!("{} to {}", job.first_month, job.last_month));
        fact("Status:", job.status.as_str());
        fact(
            "Tasks:",
            &format!(
                "{} in all: {} completed, {} failed, {} skipped",
                job.total_tasks, job.completed_tasks, job.failed_tasks, job.skipped_tasks
            ),
        );
        if let Some(message) = &job.error_message {
            fact("Why:", message);
        }
    }
    if let Some(source) = &notice.source {
        fact("Source:", source);
    }
    // Of a job the columns above say all; of anything else the event alone knows.
    for (name, value) in notice.data.as_object().into_iter().flatten().filter(|_| notice.job.is_none()) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        fact(&format!("{}:", name.replace('_', " ")), &value);
    }
    let steps = steps(notice);
    if !steps.is_empty() {
        let _ = write!(text, "\nNext:\n");
        for (command, purpose) in steps {
            let _ = writeln!(text, "  {command:<32}{purpose}");
        }
    }
    text
}

/// Commands and what each is for.
fn steps(notice: &Notice) -> Vec<(String, &'static str)> {
    let Some(id) = notice.job_id else {
        return vec![("backfill status".to_owned(), "shows every source and what it waits for")];
    };
    let Some(job) = &notice.job else { return Vec::new() };
    let mut steps = vec![(format!("backfill job show {id}"), "shows the job and what failed")];
    if job.status.ended() && job.failed_tasks > 0 {
        steps.push((format!("backfill job retry {id}"), "runs the failed tasks again"));
    }
    steps
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(status: JobStatus, counts: [i64; 4]) -> JobNotice {
        let [total_tasks, completed_tasks, failed_tasks, skipped_tasks] = counts;
        JobNotice {
            windfarms: vec!["Anholt".to_owned()],
            first_month: "2023-01".to_owned(),
            last_month: "2023-03".to_owned(),
            status,
            reason: None,
            error_message: (failed_tasks > 0)
                .then(|| format!("{failed_tasks} of {total_tasks} tasks failed")),
            total_tasks,
            completed_tasks,
            failed_tasks,
            skipped_tasks,
        }
    }

    fn notice(kind: EventKind, job: Option<JobNotice>) -> Notice {
        Notice {
            kind,
            timestamp: "2024-05-01T03:04:05.678Z".parse().unwrap(),
            event_id: 7,
            job_id: Some(12),
            job,
            source: None,
            data: json!({}),
        }
    }

    #[test]
    fn a_subject_says_which_job_and_how_it_ended() {
        let ended = |status, counts| subject(&notice(EventKind::JobEnded, Some(job(status, counts))));
        let name = "Backfill job 12 (Anholt, 2023-01 to 2023-03)";
        assert_eq!(
            ended(JobStatus::PartiallyCompleted, [36, 33, 3, 0]),
            format!("{name} partially completed: 3 of 36 tasks failed")
        );
        assert_eq!(ended(JobStatus::Failed, [2, 0, 2, 0]), format!("{name} failed: 2 of 2 tasks failed"));
        assert_eq!(ended(JobStatus::Completed, [2, 1, 0, 1]), format!("{name} completed"));
        assert_eq!(ended(JobStatus::Completed, [2, 0, 0, 2]), format!("{name} had nothing to do"));
        let cancelled = JobNotice {
            reason: Some("cancelled".to_owned()),
            last_month: "2023-01".to_owned(),
            windfarms: ["A", "B", "C", "D"].map(str::to_owned).to_vec(),
            ..job(JobStatus::Failed, [2, 0, 0, 2])
        };
        assert_eq!(
            subject(&notice(EventKind::JobEnded, Some(cancelled))),
            "Backfill job 12 (A, B and 2 more, 2023-01) was cancelled"
        );
    }

    #[test]
    fn every_kind_that_is_told_of_has_a_subject_of_its_own() {
        let about_job = |kind| subject(&notice(kind, Some(job(JobStatus::Pending, [3, 0, 0, 0]))));
        assert_eq!(
            about_job(EventKind::JobCreated),
            "Backfill job 12 (Anholt, 2023-01 to 2023-03) created: 3 tasks"
        );
        assert_eq!(about_job(EventKind::JobPaused), "Backfill job 12 (Anholt, 2023-01 to 2023-03) paused");
        assert_eq!(subject(&notice(EventKind::JobDeleted, None)), "Backfill job 12 deleted");
        let held =
            Notice { job_id: None, source: Some("eia".to_owned()), ..notice(EventKind::SourceHeld, None) };
        assert_eq!(subject(&held), "Backfill source eia held");
        let nightly = |kind, job: Option<JobNotice>| Notice {
            job_id: job.as_ref().map(|_| 12),
            data: json!({ "schedule": "nightly", "why": "no host ran" }),
            ..notice(kind, job)
        };
        let missed = nightly(EventKind::ScheduleMissed, None);
        assert_eq!(subject(&missed), "Backfill schedule nightly missed");
        assert!(body(&missed).contains("schedule: nightly\nwhy:      no host ran\n"), "{}", body(&missed));
        let fired = nightly(EventKind::ScheduleFired, Some(job(JobStatus::Pending, [3, 0, 0, 0])));
        assert_eq!(subject(&fired), "Backfill schedule nightly made job 12 (Anholt, 2023-01 to 2023-03)");
        let subjects: std::collections::BTreeSet<_> = EventKind::told()
            .map(|kind| match kind.as_str().starts_with("job-") {
                true => about_job(kind),
                false => subject(&Notice { job_id: None, ..notice(kind, None) }),
            })
            .collect();
        assert_eq!(subjects.len(), EventKind::told().count());
        assert!(subjects.contains("Backfill schedule missed"), "{subjects:?}");
    }

    #[test]
    fn a_name_can_not_begin_another_header() {
        let named = JobNotice {
            windfarms: vec!["A\r\nBcc: x@y".to_owned()],
            ..job(JobStatus::Completed, [1, 1, 0, 0])
        };
        let subject = subject(&notice(EventKind::JobEnded, Some(named)));
        assert_eq!(subject, "Backfill job 12 (A  Bcc: x@y, 2023-01 to 2023-03) completed");
    }

    #[test]
    fn a_body_has_the_facts_and_the_next_step() {
        let ended = notice(EventKind::JobEnded, Some(job(JobStatus::PartiallyCompleted, [36, 33, 3, 0])));
        assert_eq!(
            body(&ended),
            "Backfill job 12 (Anholt, 2023-01 to 2023-03) partially completed: 3 of 36 tasks failed.\n\
             \n\
             When:     2024-05-01 03:04:05 UTC\n\
             For:      Anholt\n\
             Months:   2023-01 to 2023-03\n\
             Status:   partially_completed\n\
             Tasks:    36 in all: 33 completed, 3 failed, 0 skipped\n\
             Why:      3 of 36 tasks failed\n\
             \n\
             Next:\n  \
               backfill job show 12            shows the job and what failed\n  \
               backfill job retry 12           runs the failed tasks again\n"
        );
        let held = Notice {
            job_id: None,
            source: Some("eia".to_owned()),
            data: json!({ "until": "2024-05-01T03:14:05Z" }),
            ..notice(EventKind::SourceHeld, None)
        };
        assert!(body(&held).contains("Source:   eia\nuntil:    2024-05-01T03:14:05Z\n"), "{}", body(&held));
    }
}
