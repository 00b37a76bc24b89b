//! A stored attempt once more: the same answers, the same clock, and what comes of it beside what came of it then.

use std::{fmt, sync::Arc};

use serde::Serialize;

use super::{Difference, Made, cases::SEED, kept::OfAttempt, stored::Stored};
use crate::{
    domain::{Validated, Window, validate},
    egress::Reuse,
    source::{CallReport, Source, World},
    store::{Attempt, RegisteredUnit, Store, StoreError, Task},
};

/// An attempt that was run again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replayed {
    /// The task.
    pub task_id: i64,
    /// The attempt: its id.
    pub attempt_id: i64,
    /// Which attempt of the task, 1 for the first.
    pub attempt: i64,
    /// SHA-256 of the component that ran now.
    pub component_digest: String,
    /// How it ended then: `written`, `failed` …
    pub outcome: String,
    /// Requests that the component made now.
    pub requests: u32,
    /// Answers that the attempt used.
    pub answers: usize,
    /// Records that can be stored of what it returned now.
    pub records: u64,
    /// How the two compare.
    #[serde(flatten)]
    pub verdict: ReplayVerdict,
}

/// How a replay compares with the attempt.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "verdict", content = "detail", rename_all = "kebab-case")]
pub enum ReplayVerdict {
    /// The same came of it: in what sense.
    Equal(&'static str),
    /// Something else came of it, before → after.
    Different(Difference),
    /// It can't be told: why.
    Unknown(String),
}

const RECORDS: &str = "the records are those that are stored";
const FAILURE: &str = "the same failure";
const UNANSWERED: &str =
    "the same failure; what the upstream left unanswered is not kept, so that its text can't be compared";

impl Replayed {
    /// Whether the same came of it.
    pub const fn is_equal(&self) -> bool {
        matches!(self.verdict, ReplayVerdict::Equal(_))
    }
}

/// Runs an attempt of a task again on `source`: the component that it ran, or another that is to be compared with it.
/// Values may differ by `tolerance` times their size.
pub async fn replay(
    store: &Store,
    source: &Source,
    (task, unit): (&Task, &RegisteredUnit),
    attempt: &Attempt,
    tolerance: f64,
) -> Result<Replayed, StoreError> {
    let answers = store.attempt_answers(attempt.id).await?;
    let mut replayed = Replayed {
        task_id: task.id,
        attempt_id: attempt.id,
        attempt: attempt.fence,
        component_digest: source.digest().to_owned(),
        outcome: attempt.outcome.clone().unwrap_or_default(),
        requests: 0,
        answers: answers.len(),
        records: 0,
        verdict: ReplayVerdict::Equal(RECORDS),
    };
    if let Some(why) = not_to_be_told(attempt) {
        return Ok(Replayed { verdict: ReplayVerdict::Unknown(why), ..replayed });
    }
    let upstream = Arc::new(OfAttempt::new(answers));
    let world = World { clock: Some(attempt.started_at.utc()), seed: Some(SEED) };
    let window = Window { start: task.start_date.timestamp(), end: task.end_date.timestamp() };
    let staged = source.staged(Arc::clone(&upstream) as _, world);
    let call = staged.fetch(&unit.unit, task.month, window, Reuse::Never).await;
    replayed.requests = call.usage.asked;
    let (made, rejected) = stored_of(call, window, unit);
    replayed.records = made.records();

    let before = match (&attempt.error_code, attempt.ended_at) {
        (Some(code), _) => {
            Made::failure(code, first_line(attempt.error_message.as_deref().unwrap_or_default()))
        }
        (None, ended_at) => {
            let stored = Stored::read(store, unit.id, &task.source, window, ended_at).await?;
            let found = if let Made::Series(series) = &made { series.as_slice() } else { &[] };
            Made::Series(stored.about(attempt.id, found))
        }
    };
    let unanswered = upstream.unanswered();
    replayed.verdict = match (&before, &made) {
        (_, Made::Failure { case, message }) if case == "host" => ReplayVerdict::Unknown(message.clone()),
        (Made::Failure { case: then, .. }, Made::Failure { case: now, .. })
            if unanswered.count > 0 && then == now =>
        {
            ReplayVerdict::Equal(UNANSWERED)
        }
        _ if unanswered.count > 0 => ReplayVerdict::Unknown(format!(
            "{} requests have no answer that was kept with the attempt: {}; the unit or the settings may have changed \
             since, or the archive was off",
            unanswered.count,
            unanswered.named.join(", ")
        )),
        _ => match Difference::between(&before, &made, tolerance) {
            difference if !difference.is_none() => ReplayVerdict::Different(difference),
            _ if matches!(made, Made::Failure { .. }) => ReplayVerdict::Equal(FAILURE),
            _ => counted(store, task, attempt, rejected).await?,
        },
    };
    Ok(replayed)
}

/// Why nothing can be said of an attempt, if that is so.
fn not_to_be_told(attempt: &Attempt) -> Option<String> {
    let code = attempt.error_code.as_deref().unwrap_or_default();
    match (&attempt.component_digest, code) {
        (None, _) if attempt.outcome.is_none() => Some("it has not ended".to_owned()),
        (None, _) => {
            let outcome = attempt.outcome.as_deref().unwrap_or_default();
            Some(format!(
                "it ended before its source had answered ({outcome}), so there is nothing to compare"
            ))
        }
        (Some(_), "wall-deadline") => {
            Some("it ran out of time, which depends on how long the upstream took".to_owned())
        }
        (Some(_), "host") => Some("the host's own store or archive failed it".to_owned()),
        (Some(_), _) => None,
    }
}

/// What a worker would store of a call, and how many records it would not.
pub(super) fn stored_of(
    call: CallReport<Vec<crate::domain::Series>>,
    window: Window,
    unit: &RegisteredUnit,
) -> (Made, u64) {
    match Made::of_fetch(call.outcome) {
        Made::Series(series) => {
            let validated: Validated = validate(window, unit.unit.capacity_mw, series);
            let rejected = validated.rejected_rows();
            match validated.refusal() {
                Some(message) => (Made::failure("rejected", message), rejected),
                None => (Made::Series(validated.accepted), rejected),
            }
        }
        made => (made, 0),
    }
}

/// The last attempt's counters are the task's: what was rejected must agree too.
async fn counted(
    store: &Store,
    task: &Task,
    attempt: &Attempt,
    rejected: u64,
) -> Result<ReplayVerdict, StoreError> {
    let last = store.attempts(task.id).await?.last().is_some_and(|last| last.id == attempt.id);
    let outcome = task.outcome.map(|outcome| outcome.as_str());
    if !last || outcome != attempt.outcome.as_deref() || u64::try_from(task.records_rejected) == Ok(rejected)
    {
        return Ok(ReplayVerdict::Equal(RECORDS));
    }
    let then = task.records_rejected;
    Ok(ReplayVerdict::Unknown(format!(
        "the records are those that are stored, but {then} were rejected then and {rejected} now; the unit's capacity \
         may have changed since"
    )))
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

impl fmt::Display for ReplayVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal(sense) => write!(f, "equal: {sense}"),
            Self::Different(difference) => {
                write!(
                    f,
                    "different from what is stored (stored → now)\n{}",
                    difference.to_string().trim_end()
                )
            }
            Self::Unknown(why) => write!(f, "can't be told: {why}"),
        }
    }
}
