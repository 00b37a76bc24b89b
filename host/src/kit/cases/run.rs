//! One case on a source.

use std::sync::Arc;

use super::{
    Case, SEED, TOLERANCE,
    case::Ask,
    outcome::{CaseOutcome, CaseVerdict},
    upstream::Replay,
};
use crate::{
    domain::{Unit, Window},
    egress::{Reuse, Usage},
    kit::{Difference, Made},
    source::{Source, World},
};

impl Case {
    pub(super) async fn run(&self, source: &Source) -> CaseOutcome {
        let upstream = Arc::new(Replay::new(&self.answers));
        let outcome = CaseOutcome {
            name: self.name.clone(),
            about: self.file.about.clone(),
            folder: self.folder.clone(),
            made: None,
            verdict: CaseVerdict::New,
            unused: Vec::new(),
            requests: 0,
        };
        let not_run = |why: String| CaseOutcome { verdict: CaseVerdict::NotRun(why), ..outcome.clone() };
        let ask = match self.file.ask() {
            Ok(ask) => ask,
            Err(why) => return not_run(why),
        };
        let source = match source.with_settings(&self.file.settings) {
            Ok(source) => source,
            Err(why) => return not_run(format!("case.toml: {why}")),
        };
        let world = World { clock: Some(self.file.clock), seed: Some(SEED) };
        let source = source.staged(Arc::clone(&upstream) as _, world);
        let Some((made, usage)) = asked(&source, ask).await else {
            return not_run("the source collects nothing; the case is of a collector".to_owned());
        };
        let missing = upstream.missing();
        let verdict = match &self.expected {
            _ if !missing.is_empty() => CaseVerdict::NotRecorded(missing),
            // A body that can't be read back, or the like: the source is not to blame.
            _ if matches!(&made, Made::Failure { case, .. } if case == "host") => {
                let Made::Failure { message, .. } = made else { return outcome };
                return not_run(message);
            }
            None => CaseVerdict::New,
            Some(expected) => match Difference::between(expected, &made, TOLERANCE) {
                same if same.is_none() => CaseVerdict::Same,
                difference => CaseVerdict::Different(difference),
            },
        };
        CaseOutcome { made: Some(made), verdict, unused: upstream.unused(), requests: usage.asked, ..outcome }
    }
}

/// Asks as `source fetch` and `source collect` do; none where a source that collects nothing is to collect.
async fn asked(source: &Source, ask: Ask) -> Option<(Made, Usage)> {
    match ask {
        Ask::Fetch { unit, month, window } => {
            if let Some(refused) = refused(source, &unit).await {
                return Some((refused, Usage::default()));
            }
            let window: Window = window.unwrap_or_else(|| source.window(month));
            let call = source.fetch(&unit, month, window, Reuse::Never).await;
            Some((Made::of_fetch(call.outcome), call.usage))
        }
        Ask::Collect { units } => {
            let call = source.collect(&units).await?;
            Some((Made::of_collect(call.outcome), call.usage))
        }
    }
}

/// What comes of a unit that the source does not accept.
async fn refused(source: &Source, unit: &Unit) -> Option<Made> {
    match source.check_unit(unit).await {
        Ok(Ok(())) => None,
        Ok(Err(why)) => Some(Made::failure("invalid-unit", why)),
        Err(fault) => Some(Made::of_fetch(Err(fault))),
    }
}
