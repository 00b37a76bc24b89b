//! One attempt: call the source and check what it returned; then commit, or decide what follows.

use std::time::Instant;

use chrono::{DateTime, Utc};
use tracing::Instrument;

use super::{
    Options,
    patience::{LONGEST_TRY, in_time, patiently},
};
use crate::{
    domain::{
        CircuitPolicy, Failure, Heard, HeardCase, Next, RetryPolicy, Series, Setback, TaskStatus, Tries,
        Validated, validate,
    },
    egress::{Reuse, Usage},
    observe::{self, SPANS},
    source::{CallReport, LogLevel, LogLine, Source},
    store::{
        self, AttemptReport, Claim, Ending, Finished, Instant as StoredInstant, Kept, NewLogLine, Store,
        StoreError, TaskError, Told,
    },
};

/// What a source did with a task, before anything of it is stored.
pub(super) struct Worked {
    begun: Instant,
    report: AttemptReport<'static>,
    log: Vec<NewLogLine>,
    verdict: Verdict,
}

/// What an attempt came to, before it is committed.
struct Verdict {
    next: Step,
    code: &'static str,
    message: String,
    validated: Option<Validated>,
    /// The source could not make sense of what the upstream answered: asking again must not meet the same bytes.
    distrusts_answers: bool,
    /// What it says of the upstream.
    heard: HeardCase,
}

enum Step {
    Store,
    Then(Next),
}

/// How an attempt ended, once it is committed.
pub(super) struct Committed {
    pub(super) finished: Finished,
    pub(super) message: Option<String>,
    /// Nothing more is to be asked of the source: why.
    pub(super) pause: Option<String>,
}

/// Has the source fetch a claimed task; without a source, the task fails with the reason. No transaction is open and
/// nothing is locked while the guest runs. Dropping this drops the sandbox: that is how an attempt is stopped.
pub(super) async fn work(
    store: &Store,
    source: Result<&Source, &String>,
    retry: &RetryPolicy,
    claim: &Claim,
) -> Worked {
    let begun = Instant::now();
    let source = match source {
        Ok(source) => source,
        Err(why) => return Worked::refused(begun, why.clone()),
    };
    let reuse = reuse(store, claim.empty_at);
    let call = source.fetch(&claim.unit, claim.month, claim.window, reuse).await;
    if let Err(fault) = &call.outcome {
        observe::sandbox_fault(&claim.source, fault.code());
    }
    let report = AttemptReport {
        component_digest: Some(source.digest().to_owned()),
        requests: call.usage.requests.into(),
        response_bytes: call.usage.bytes,
        cpu: call.cpu,
        answers: call.usage.answers.clone(),
        month: Some(source.window(claim.month)),
        told: None,
    };
    let log: Vec<NewLogLine> = call.log.iter().map(|line| log_line(store, claim, line)).collect();
    let verdict = judge(call, claim, retry, store.now());
    Worked { begun, report, log, verdict }
}

/// Which kept answers may serve an attempt of a task to which the upstream last said "nothing" at an instant: what was
/// kept before would only say it again. The gate's times are this host's.
pub(super) fn reuse(store: &Store, empty_at: Option<StoredInstant>) -> Reuse {
    empty_at.map_or(Reuse::Fresh, |empty_at| Reuse::Since(store.own_time(empty_at.utc())))
}

/// Commits what an attempt came to, if the claim's fence still lets it. `committed` is called as soon as the claim is held
/// no more; then this waits until that is on disk.
pub(super) async fn settle(
    store: &Store,
    options: &Options,
    claim: &Claim,
    worked: Worked,
    committed: impl Fn(),
) -> Result<Committed, StoreError> {
    let Worked { begun, report, log, verdict } = worked;
    // Before the end, so that who sees it can read how it came about, and who tries again meets other answers. An
    // attempt that was taken away may say as much. Neither is worth what was fetched.
    if let Err(error) = patiently(|| store.append_logs(&log)).await {
        tracing::warn!(%error, "the log of this attempt is lost");
    }
    if verdict.distrusts_answers
        && let Err(error) = patiently(|| store.distrust_answers(&report.answers)).await
    {
        tracing::warn!(%error, "answers that could not be read may serve the next attempt");
    }
    let ended = commit(store, claim, report, verdict, options.circuit.as_ref(), committed).await?;
    observe::attempt_committed(&claim.source, begun.elapsed());
    Ok(ended)
}

impl Worked {
    /// The source can't be called at all.
    fn refused(begun: Instant, why: String) -> Self {
        let verdict = Verdict {
            next: Step::Then(Next::Fail),
            code: "source-unusable",
            message: why,
            validated: None,
            distrusts_answers: false,
            heard: HeardCase::Nothing,
        };
        Self { begun, report: AttemptReport::default(), log: Vec::new(), verdict }
    }
}

fn judge(call: CallReport<Vec<Series>>, claim: &Claim, retry: &RetryPolicy, now: DateTime<Utc>) -> Verdict {
    let confirm_at = claim.confirm_at.map(store::Instant::utc);
    let tries = Tries { attempt: claim.attempt, of: claim.max_attempts, confirm_at };
    let asked = call.usage.requests > 0;
    let next = |setback| Step::Then(retry.next(setback, tries, now, rand::random()));
    let heard = |setback| Heard::of_setback(setback, "", asked).case();
    match call.outcome {
        Ok(Ok(series)) => {
            let validated = validate(claim.window, claim.unit.capacity_mw, series);
            if let Some(message) = validated.refusal() {
                // What can't be believed now may be mended upstream: like an answer that can't be read.
                let failure = Failure::Malformed(message.clone());
                Verdict {
                    next: next(Setback::Failure(&failure)),
                    heard: heard(Setback::Failure(&failure)),
                    code: "rejected",
                    message,
                    validated: Some(validated),
                    distrusts_answers: true,
                }
            } else {
                Verdict {
                    next: Step::Store,
                    code: "",
                    message: String::new(),
                    validated: Some(validated),
                    distrusts_answers: false,
                    heard: Heard::of_records(asked).case(),
                }
            }
        }
        Ok(Err(failure)) => Verdict {
            next: next(Setback::Failure(&failure)),
            heard: heard(Setback::Failure(&failure)),
            code: failure.case().as_str(),
            message: failure.message(),
            validated: None,
            distrusts_answers: distrusts(&failure, &call.usage),
        },
        Err(fault) => {
            let setback = fault.setback();
            Verdict {
                next: next(setback),
                heard: heard(setback),
                code: fault.code(),
                message: fault.to_string(),
                validated: None,
                distrusts_answers: matches!(setback, Setback::Crash),
            }
        }
    }
}

/// Whether the answers of a failed call may be to blame. A maintenance page or an empty body comes with status 200
/// and is kept like data. Where everything was served from kept answers and the upstream is said to be
/// unavailable all the same, it is one of them that says so; else the good ones among them spare requests.
fn distrusts(failure: &Failure, usage: &Usage) -> bool {
    match failure {
        Failure::Malformed(_) | Failure::Unauthorized(_) => true,
        Failure::Unavailable(_) | Failure::RateLimited(_) => {
            usage.asked > 0 && usage.served_from_archive == usage.asked
        }
        _ => false,
    }
}

async fn commit(
    store: &Store,
    claim: &Claim,
    report: AttemptReport<'_>,
    verdict: Verdict,
    circuit: Option<&CircuitPolicy>,
    committed: impl Fn(),
) -> Result<Committed, StoreError> {
    let Verdict { next, code, message, validated, heard, .. } = verdict;
    let told = circuit.map(|policy| Told { heard: heard.saying(&message), policy });
    let report = AttemptReport { told, ..report };
    let error = TaskError { code, message: &message, rejected: None };
    let ending = match (&next, &validated) {
        (Step::Store, Some(validated)) => Ending::Records(validated),
        (Step::Then(next), rejected) => {
            let error = TaskError { rejected: rejected.as_ref(), ..error };
            match next {
                Next::Empty => Ending::Empty(&message),
                Next::Retry(at) => Ending::Retry((*at).into(), error),
                Next::Confirm(at) => Ending::AskAgain((*at).into(), &message),
                Next::Wait(at) => Ending::Release(Some((*at).into()), error),
                // Nothing of a paused source is claimed: the task waits until somebody has mended the credential.
                Next::PauseSource if circuit.is_some() => Ending::Release(None, error),
                Next::Fail | Next::PauseSource => Ending::Failed(error),
            }
        }
        // `judge` never stores without records; if it did, the task fails rather than completes.
        (Step::Store, None) => Ending::Failed(error),
    };
    let pause = matches!(next, Step::Then(Next::PauseSource)).then(|| message.clone());
    let finished = finish(store, claim, ending, &report, committed).await?;
    if let Some(until) = finished.source_paused {
        tracing::warn!(source = claim.source, %until, "the source is paused: {message}");
    }
    count(&claim.source, &finished, code);
    let message = (!message.is_empty()).then_some(message);
    Ok(Committed { finished, message, pause })
}

/// Counts what an attempt came to; `code` says what went wrong, if anything did.
fn count(source: &str, finished: &Finished, code: &'static str) {
    match (finished.status, finished.outcome) {
        (TaskStatus::Pending | TaskStatus::InProgress, _) => observe::retried(source, code),
        (_, Some(outcome)) => observe::tasks_ended(source, outcome.as_str(), 1),
        (status, None) => observe::tasks_ended(source, status.as_str(), 1),
    }
    if let Some(outcome) = finished.outcome.filter(|_| finished.shared > 0) {
        observe::tasks_ended(source, outcome.of_others().as_str(), finished.shared);
    }
    observe::rows(source, finished.written.by_result());
}

fn log_line(store: &Store, claim: &Claim, line: &LogLine) -> NewLogLine {
    NewLogLine {
        task_id: claim.task_id,
        fence: claim.fence,
        at: store.shared_time(line.at).into(),
        level: match line.level {
            LogLevel::Debug => store::LogLevel::Debug,
            LogLevel::Info => store::LogLevel::Info,
            LogLevel::Warn => store::LogLevel::Warn,
            LogLevel::Error => store::LogLevel::Error,
        },
        message: line.text.clone(),
    }
}

/// Gives a claim back when the worker stops: ready for the next one at once, and no attempt is spent.
pub(super) async fn give_back(
    store: &Store,
    claim: &Claim,
    committed: impl Fn(),
) -> Result<Committed, StoreError> {
    let message = "the worker was stopped; the task is ready for the next one".to_owned();
    let error = TaskError { code: "shutdown", message: &message, rejected: None };
    let ending = Ending::Release(None, error);
    let finished = finish(store, claim, ending, &AttemptReport::default(), committed).await?;
    Ok(Committed { finished, message: Some(message), pause: None })
}

/// Commits, again and again while the database fails in passing: what was fetched is worth some seconds. A commit
/// whose answer was lost shows as a lost lease the second time, and nothing is stored twice.
pub(super) async fn finish(
    store: &Store,
    claim: &Claim,
    ending: Ending<'_>,
    report: &AttemptReport<'_>,
    committed: impl Fn(),
) -> Result<Finished, StoreError> {
    let span = tracing::info_span!(target: SPANS, "commit");
    let end = || patiently(|| store.finish(claim, ending.clone(), report, store.now()));
    let flushed = async {
        let mut finished = end().await?;
        committed();
        loop {
            let flush = store.flush(claim.attempt_id);
            let flushed = in_time(LONGEST_TRY, "waiting for the disk", flush).await;
            if matches!(flushed, Ok(Kept::OnDisk)) {
                return Ok(finished);
            }
            tracing::debug!(?flushed, "the database may have forgotten the end of an attempt");
            match end().await {
                // One that may have forgotten it, and has not, refuses it.
                Err(StoreError::LostLease { .. }) if flushed.is_err() => return Ok(finished),
                again => finished = again?,
            }
        }
    };
    flushed.instrument(span).await
}
