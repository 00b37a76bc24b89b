//! One try of a collector run: ask the source about all its units at once, and store what it shows.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Scheduler;
use crate::{
    domain::{
        self, CircuitPolicy, Failure, Heard, HeardCase, ScheduleKind, ScheduleSettings, about_now, ask_again,
        by_month, validate,
    },
    observe,
    source::{CallReport, Collected, Source},
    store::{AttemptReport, CollectedMonth, Collection, RegisteredUnit, RunClaim, StoreError, Told},
};

/// How long a run stays with a host that gives no sign of life.
pub(super) const LEASE: Duration = Duration::from_secs(60);

/// How often its lease is renewed.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// Why a try came to nothing.
struct Setback {
    code: &'static str,
    message: String,
    /// Whether asking again soon may help, and how long the upstream wants to be left alone.
    again: Option<Option<Duration>>,
    /// What it says of the upstream.
    heard: HeardCase,
}

impl Setback {
    fn passing(code: &'static str, message: impl Into<String>, heard: HeardCase) -> Self {
        Self { code, message: message.into(), again: Some(None), heard }
    }

    /// One that has nothing to do with the upstream.
    fn lasting(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), again: None, heard: HeardCase::Nothing }
    }

    /// What the source said; `asked` says whether any request reached the upstream.
    fn of(failure: Failure, asked: bool) -> Self {
        let again = match &failure {
            Failure::RateLimited(seconds) => Some(seconds.map(|seconds| Duration::from_secs(seconds.into()))),
            Failure::NotAvailable(_) | Failure::InvalidUnit(_) | Failure::Unauthorized(_) => None,
            Failure::NoData(_)
            | Failure::NotYetPublished(_)
            | Failure::Unavailable(_)
            | Failure::Malformed(_) => Some(None),
        };
        let heard = Heard::of_setback(domain::Setback::Failure(&failure), "", asked).case();
        Self { code: failure.case().as_str(), message: failure.message(), again, heard }
    }
}

impl Scheduler {
    /// Tries a run that this host holds. Once `interrupted` is there, it is given back for others to try at once.
    pub(super) async fn collect(&self, claim: &RunClaim, interrupted: impl Future<Output = ()>) {
        let tried = tokio::select! {
            tried = self.try_run(claim) => tried,
            () = self.keep(claim) => {
                tracing::warn!(run = claim.run_id, source = claim.source, "the run was taken away; it is stopped");
                return;
            }
            () = interrupted => {
                let now = self.store.now();
                let error = ("shutdown", "the host was stopped");
                self.store.fail_run(claim, error, Some(now), &AttemptReport::default(), now).await.map(drop)
            }
        };
        if let Err(error) = tried {
            tracing::warn!(
                run = claim.run_id,
                source = claim.source,
                "nothing of this run was stored: {error}"
            );
        }
    }

    /// Renews the lease; ends when the run is somebody else's.
    async fn keep(&self, claim: &RunClaim) {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            match self.store.renew_run(claim, LEASE, self.store.now()).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => tracing::warn!(run = claim.run_id, "a run could not be renewed: {error}"),
            }
        }
    }

    async fn try_run(&self, claim: &RunClaim) -> Result<(), StoreError> {
        let units = self.units(claim).await?;
        let (report, result) = match self.registry.get(&claim.source) {
            _ if units.is_empty() => {
                (AttemptReport::default(), Err(Setback::lasting("no-units", "it has no active units")))
            }
            Some(Ok(source)) => self.ask(&source, &units).await,
            _ => {
                let gone = Setback::lasting("source-unusable", "the source can't be used by this host");
                (AttemptReport::default(), Err(gone))
            }
        };
        let now = self.store.now();
        let policy = CircuitPolicy::default();
        match result {
            Ok(found) => {
                let told = Told { heard: Heard::of_records(report.requests > 0), policy: &policy };
                let report = AttemptReport { told: Some(told), ..report };
                let counts = self.store.finish_run(claim, &found, &report, now).await?;
                if let Some(counts) = &counts {
                    observe::rows(&claim.source, counts.written.by_result());
                }
                tracing::debug!(run = claim.run_id, source = claim.source, "collected: {counts:?}");
            }
            Err(Setback { code, message, again, heard }) => {
                tracing::warn!(
                    run = claim.run_id,
                    source = claim.source,
                    attempt = claim.attempt,
                    "nothing was collected: {message}"
                );
                let attempt = u32::try_from(claim.attempt).unwrap_or(u32::MAX);
                let again = again.map(|wanted| ask_again(attempt, wanted, now));
                let told = Told { heard: heard.saying(&message), policy: &policy };
                let report = AttemptReport { told: Some(told), ..report };
                self.store.fail_run(claim, (code, &message), again, &report, now).await?;
            }
        }
        Ok(())
    }

    /// The active units of the source that the schedule is for.
    async fn units(&self, claim: &RunClaim) -> Result<Vec<RegisteredUnit>, StoreError> {
        let units = self.store.active_units().await?;
        // Settings that can't be read name nobody.
        let settings = ScheduleSettings::parse(ScheduleKind::Collect, &claim.settings).ok();
        let wanted = |unit: &RegisteredUnit| {
            let subjects = settings.as_ref().map(ScheduleSettings::subjects);
            unit.source == claim.source
                && subjects.is_some_and(|own| own.include(unit.windfarm_id, unit.id, &unit.source))
        };
        Ok(units.into_iter().filter(wanted).collect())
    }

    async fn ask(
        &self,
        source: &Source,
        units: &[RegisteredUnit],
    ) -> (AttemptReport<'static>, Result<Collection, Setback>) {
        let asked: Vec<_> = units.iter().map(|unit| unit.unit.clone()).collect();
        let Some(call) = source.collect(&asked).await else {
            let why = Setback::lasting("source-unusable", "the source collects nothing");
            return (AttemptReport::default(), Err(why));
        };
        if let Err(fault) = &call.outcome {
            observe::sandbox_fault(source.id(), fault.code());
        }
        let report = AttemptReport {
            component_digest: Some(source.digest().to_owned()),
            requests: call.usage.requests.into(),
            response_bytes: call.usage.bytes,
            cpu: call.cpu,
            answers: call.usage.answers.clone(),
            month: None,
            told: None,
        };
        let result = judge(call, source, units, self.store.now());
        (report, result)
    }
}

/// What there is to store of an answer, or why there is nothing.
fn judge(
    call: CallReport<Collected>,
    source: &Source,
    units: &[RegisteredUnit],
    now: DateTime<Utc>,
) -> Result<Collection, Setback> {
    let asked = call.usage.requests > 0;
    let collected = match call.outcome {
        Ok(Ok(collected)) => collected,
        Ok(Err(failure)) => return Err(Setback::of(failure, asked)),
        Err(fault) => {
            let heard = Heard::of_setback(fault.setback(), "", asked).case();
            return Err(Setback::passing(fault.code(), fault.to_string(), heard));
        }
    };
    let zone = source.description().month_zone;
    let mut found = Collection { asked: units.len(), ..Collection::default() };
    let mut reasons = Vec::new();
    for unit in units {
        // Units of one code each have their share of it.
        let share = match unit.unit.share() {
            Ok(share) => share.unwrap_or(1.0),
            Err(why) => {
                tracing::warn!(unit = unit.id, "{why}");
                continue;
            }
        };
        let own = collected.iter().filter(|(code, _)| *code == unit.unit.code);
        let series = own.flat_map(|(_, series)| series.iter().cloned()).map(|series| series.share(share));
        let validated = validate(about_now(now), unit.unit.capacity_mw, series.collect());
        found.rejected += validated.rejected_rows();
        reasons.extend(validated.rejected.keys().map(|reason| reason.as_str()));
        for (month, series) in by_month(&validated.accepted, zone) {
            let whole = source.window(month);
            found.months.push(CollectedMonth { unit_id: unit.id, month, whole, series });
        }
    }
    if found.months.is_empty() {
        return Err(if found.rejected > 0 {
            reasons.sort_unstable();
            reasons.dedup();
            let why = format!("all {} values were rejected: {}", found.rejected, reasons.join(", "));
            Setback::passing("rejected", why, HeardCase::Failure)
        } else {
            let why = "the source returned no value of any unit that was asked about";
            Setback::passing("no-data", why, Heard::of_records(asked).case())
        });
    }
    Ok(found)
}
