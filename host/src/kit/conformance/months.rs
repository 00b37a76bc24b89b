//! Checks of what a source returns of a month, beside what the made-up upstream has of it.

use super::{
    Found,
    bench::{Ask, Bench, Call, Subject, ended, month, span, told},
    compare::{Differences, compare},
    failures::ends_in,
};
use crate::{
    domain::{FailureCase, Series, Window},
    kit::upstream::Step,
};

/// What a source may say where the upstream has nothing for it to return.
pub(super) const NOTHING: [FailureCase; 3] =
    [FailureCase::NoData, FailureCase::NotYetPublished, FailureCase::NotAvailable];

/// What is wrong with a fetch that has to give exactly what the upstream has.
pub(super) async fn exact(bench: &Bench, ask: &Ask) -> Vec<String> {
    differences(bench, ask, &bench.fetch(ask).await)
}

/// All that is wrong with a call that has to give exactly what the upstream has.
pub(super) fn differences(bench: &Bench, ask: &Ask, call: &Call) -> Vec<String> {
    match bench.expected(ask) {
        Err(why) => vec![why],
        Ok(expected) if is_empty(&expected) => ends_in(call, &NOTHING).into_iter().collect(),
        Ok(expected) => match found(&expected, ask, call) {
            Ok(found) => found.all().into_iter().map(|why| format!("{}: {why}", call.what)).collect(),
            Err(why) => vec![why],
        },
    }
}

fn is_empty(expected: &[Series]) -> bool {
    expected.iter().all(|series| series.measurements.is_empty())
}

fn found(expected: &[Series], ask: &Ask, call: &Call) -> Result<Differences, String> {
    match &call.report.outcome {
        Ok(Ok(returned)) => Ok(compare(expected, returned, ask.window)),
        Ok(Err(failure)) => Err(format!(
            "{}: {}; expected {} values{}",
            call.what,
            told(failure),
            expected.iter().map(|series| series.measurements.len()).sum::<usize>(),
            call.heard.faults.first().map(|fault| format!(" (upstream.toml: {fault})")).unwrap_or_default(),
        )),
        Err(fault) => Err(format!("{}: {}", call.what, ended(fault))),
    }
}

/// One kind of difference in every unit's ordinary month.
async fn ordinary(bench: &Bench, of: impl Fn(Differences) -> Vec<String>) -> Found {
    let mut evidence = Vec::new();
    for subject in &bench.subjects {
        let call = bench.whole(subject).await;
        let ask = bench.ask(subject, bench.ordinary(subject));
        let differences = bench.expected(&ask).and_then(|expected| found(&expected, &ask, &call));
        match differences {
            Ok(found) => evidence.extend(of(found).into_iter().map(|why| format!("{}: {why}", call.what))),
            Err(why) => evidence.push(why),
        }
    }
    Found::Evidence(evidence)
}

pub(super) async fn series(bench: &Bench) -> Found {
    ordinary(bench, |found| found.series).await
}

pub(super) async fn tiles(bench: &Bench) -> Found {
    ordinary(bench, |found| found.tiles).await
}

pub(super) async fn utc(bench: &Bench) -> Found {
    // Summer too: whoever forgets that clocks change is right in January.
    let Found::Evidence(mut evidence) = ordinary(bench, |found| found.shifted).await else {
        return Found::Evidence(Vec::new());
    };
    for subject in &bench.subjects {
        let ask = bench.ask(subject, month(subject.years().1, 7));
        let call = bench.fetch(&ask).await;
        match bench.expected(&ask).and_then(|expected| found(&expected, &ask, &call)) {
            Ok(found) => {
                evidence.extend(found.shifted.into_iter().map(|why| format!("{}: {why}", call.what)))
            }
            Err(why) => evidence.push(why),
        }
    }
    Found::Evidence(evidence)
}

pub(super) async fn ordered(bench: &Bench) -> Found {
    ordinary(bench, |found| found.disorder).await
}

pub(super) async fn no_overlap(bench: &Bench) -> Found {
    ordinary(bench, |found| found.overlaps).await
}

pub(super) async fn values(bench: &Bench) -> Found {
    ordinary(bench, |found| found.values).await
}

pub(super) async fn inside(bench: &Bench) -> Found {
    let Found::Evidence(mut evidence) = ordinary(bench, |found| found.outside).await else {
        return Found::Evidence(Vec::new());
    };
    for subject in &bench.subjects {
        let mut ask = bench.ask(subject, bench.ordinary(subject));
        let half = i64::from(step(bench, subject)) / 2;
        let day = 86_400;
        ask.window =
            Window { start: ask.window.start + 5 * day + half, end: ask.window.start + 12 * day + half };
        let call = bench.fetch(&ask).await;
        if let Ok(Ok(returned)) = &call.report.outcome {
            let outside = compare(&[], returned, ask.window).outside;
            evidence.extend(outside.into_iter().map(|why| format!("{}: {why}", call.what)));
        } else if bench.expected(&ask).is_ok_and(|expected| is_empty(&expected)) {
            evidence.extend(ends_in(&call, &NOTHING));
        } else {
            evidence.push(format!("{}: {}; expected values", call.what, call.came_to()));
        }
    }
    Found::Evidence(evidence)
}

/// Seconds of the unit's longest intervals, but for those of a calendar.
fn step(bench: &Bench, subject: &Subject) -> u32 {
    let all = bench.script.iter().flat_map(|script| &script.series);
    let own = all.filter(|series| series.is_of(&subject.unit));
    own.filter_map(|series| series.step.seconds()).max().unwrap_or(86_400)
}

pub(super) async fn deterministic(bench: &Bench) -> Found {
    let mut evidence = Vec::new();
    for subject in &bench.subjects {
        let first = bench.whole(subject).await;
        let mut ask = bench.ask(subject, bench.ordinary(subject));
        for (seed, later) in [(2, 5_025), (3, 46_811)] {
            ask.seed = seed;
            ask.scenario.now = bench.ask(subject, ask.month).scenario.now + later;
            // What the upstream has stays: only the clock goes on.
            let call = bench.fetch(&ask).await;
            if sorted(&first) != sorted(&call) {
                evidence.push(format!(
                    "{}: {}, and at another time {}",
                    call.what,
                    first.came_to(),
                    call.came_to()
                ));
            }
        }
    }
    Found::Evidence(evidence)
}

/// What a call returned, whatever the order of its series.
fn sorted(call: &Call) -> Option<Vec<Series>> {
    let mut series = call.report.outcome.as_ref().ok()?.as_ref().ok()?.clone();
    series.sort_by(|a, b| (&a.kind, a.quantity, &a.labels).cmp(&(&b.kind, b.quantity, &b.labels)));
    Some(series)
}

pub(super) async fn halves(bench: &Bench) -> Found {
    let mut evidence = Vec::new();
    let mut judged = false;
    for subject in &bench.subjects {
        let mut ask = bench.ask(subject, bench.ordinary(subject));
        let whole = ask.window;
        let cut = whole.start + 14 * 86_400;
        for window in [Window { end: cut, ..whole }, Window { start: cut, ..whole }] {
            ask.window = window;
            let found = exact(bench, &ask).await;
            evidence.extend(found.into_iter().map(|why| format!("the part {}: {why}", span(window))));
        }
        let all = bench.script.iter().flat_map(|script| &script.series);
        judged |= all.filter(|series| series.is_of(&subject.unit)).any(|series| series.step != Step::Month);
    }
    if evidence.is_empty() && !judged {
        return Found::Skipped("the upstream has one value a month, which can't be cut".to_owned());
    }
    Found::Evidence(evidence)
}
