//! Whether a source works right now: its hosts, its credential, and whether it understands what its upstream answers.
//! Nothing is stored, and no kept answer is looked at.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::{call::CallReport, call::Source, fault::Fault};
use crate::{
    domain::{Failure, Finding, Month, Unit},
    egress::{Probe, Reuse},
};

/// Somebody waits for what is found.
const LONGEST: Duration = Duration::from_secs(90);

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceCheck {
    /// Of each host that the source may reach.
    pub hosts: Vec<Probe>,
    /// Whether its upstream takes the credential.
    pub auth: Finding,
    /// Whether the source made sense of what its upstream answered.
    pub shape: Finding,
}

impl Source {
    /// Connects to the source's hosts, then has it fetch a unit's month as a task would, or collect what is shown of
    /// the unit now if that is all it does. Requests are made out of the source's allowance, as always.
    pub async fn check(&self, subject: Option<(&Unit, Month)>) -> SourceCheck {
        let hosts = self.gate.probe().await;
        let unreachable = !hosts.is_empty()
            && hosts.iter().all(|host| host.lookup.has_failed() || host.connection.has_failed());
        let (auth, shape) = match subject {
            _ if unreachable => both_skipped("no host can be reached"),
            None => both_skipped("the registry has no active unit of this source to ask for; name a code"),
            Some((unit, month)) => self.try_out(unit, month).await,
        };
        SourceCheck { hosts, auth, shape }
    }

    async fn try_out(&self, unit: &Unit, month: Month) -> (Finding, Finding) {
        let began = Instant::now();
        let asking = async {
            if self.collects() {
                let report = self.collect_reusing(std::slice::from_ref(unit), Reuse::Trial).await;
                return report.map(|report| {
                    report.map(|units| units.into_iter().flat_map(|(_, series)| series).collect::<Vec<_>>())
                });
            }
            Some(self.fetch(unit, month, self.window(month), Reuse::Trial).await)
        };
        match timeout(LONGEST, asking).await {
            Ok(Some(report)) => {
                findings(report.map(|series| series.iter().map(|series| series.measurements.len()).sum()))
            }
            Ok(None) => both_skipped("the source neither fetches nor collects"),
            Err(_) => {
                let why = format!("no answer within {LONGEST:?}");
                (Finding::skipped(why.clone()), Finding::failed(began.elapsed(), why))
            }
        }
    }
}

fn both_skipped(why: &str) -> (Finding, Finding) {
    (Finding::skipped(why), Finding::skipped(why))
}

/// What a call says of credential and shape.
fn findings(report: CallReport<usize>) -> (Finding, Finding) {
    let took = report.wall;
    let taken = || Finding::ok(took, "the upstream answers our requests");
    match report.outcome {
        Ok(Ok(values)) => (taken(), Finding::ok(took, format!("{values} values"))),
        Ok(Err(failure)) => of_failure(&failure, report.usage.requests, took),
        Err(fault @ Fault::Host(_)) => both_skipped(&fault.to_string()),
        Err(fault) => {
            let auth = Finding::skipped("the call ended before that was known");
            (auth, Finding::failed(took, fault.to_string()))
        }
    }
}

fn of_failure(failure: &Failure, requests: u32, took: Duration) -> (Finding, Finding) {
    let said = failure.to_string();
    let taken = || Finding::ok(took, "the upstream answers our requests");
    match failure {
        Failure::Unauthorized(_) => (Finding::failed(took, said), Finding::skipped("nothing was answered")),
        Failure::Malformed(_) => (taken(), Finding::failed(took, said)),
        Failure::NoData(_) | Failure::NotYetPublished(_) if requests > 0 => {
            (taken(), Finding::ok(took, said))
        }
        // Without a request, or without an answer, nothing is known.
        Failure::NoData(_)
        | Failure::NotYetPublished(_)
        | Failure::NotAvailable(_)
        | Failure::InvalidUnit(_)
        | Failure::RateLimited(_)
        | Failure::Unavailable(_) => both_skipped(&said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::CheckVerdict::{self, Failed, Ok as Well, Skipped};
    use crate::egress::Usage;

    fn verdicts(outcome: Result<Result<usize, Failure>, Fault>, requests: u32) -> [CheckVerdict; 2] {
        let (auth, shape) = findings(CallReport {
            outcome,
            usage: Usage { requests, ..Usage::default() },
            cpu: Duration::ZERO,
            wall: Duration::from_millis(7),
            peak_memory: 0,
            log: Vec::new(),
        });
        [auth.verdict, shape.verdict]
    }

    #[test]
    fn what_the_source_said_tells_of_credential_and_shape() {
        let text = String::new;
        assert_eq!(verdicts(Ok(Ok(744)), 1), [Well, Well]);
        for (failure, expected) in [
            (Failure::NoData(text()), [Well, Well]),
            (Failure::NotYetPublished(text()), [Well, Well]),
            (Failure::Unauthorized(text()), [Failed, Skipped]),
            (Failure::Malformed(text()), [Well, Failed]),
            (Failure::Unavailable(text()), [Skipped, Skipped]),
            (Failure::RateLimited(None), [Skipped, Skipped]),
            (Failure::NotAvailable(text()), [Skipped, Skipped]),
            (Failure::InvalidUnit(text()), [Skipped, Skipped]),
        ] {
            assert_eq!(verdicts(Ok(Err(failure.clone())), 1), expected, "{failure}");
        }
        assert_eq!(verdicts(Ok(Err(Failure::NoData(text()))), 0), [Skipped, Skipped], "nobody was asked");
        let crash = Fault::Trap { reason: text(), backtrace: text() };
        assert_eq!(verdicts(Err(crash), 1), [Skipped, Failed]);
        assert_eq!(verdicts(Err(Fault::Host(text())), 1), [Skipped, Skipped]);
    }
}
