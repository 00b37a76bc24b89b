//! Checks of months of which the upstream has little, nothing, or too much.

use super::{
    Found,
    bench::{Ask, Bench},
    failures::ends_in,
    months::{NOTHING, exact},
};
use crate::{
    domain::{FailureCase, Window},
    kit::upstream::Oddity,
};

use FailureCase::{InvalidUnit, NoData, NotAvailable, NotYetPublished};

const DAY: i64 = 86_400;

/// Every unit's fetch of its ordinary month, changed, has to end in one of the failures.
async fn each_ends_in(bench: &Bench, change: impl Fn(&mut Ask), cases: &[FailureCase]) -> Found {
    let mut evidence = Vec::new();
    for subject in &bench.subjects {
        let mut ask = bench.ask(subject, bench.ordinary(subject));
        change(&mut ask);
        evidence.extend(ends_in(&bench.fetch(&ask).await, cases));
    }
    Found::Evidence(evidence)
}

/// Every unit's fetch of its ordinary month, changed, has to give exactly what the upstream has.
async fn each_is_exact(bench: &Bench, change: impl Fn(&mut Ask)) -> Found {
    let mut evidence = Vec::new();
    for subject in &bench.subjects {
        let mut ask = bench.ask(subject, bench.ordinary(subject));
        change(&mut ask);
        evidence.extend(exact(bench, &ask).await);
    }
    Found::Evidence(evidence)
}

pub(super) async fn unknown(bench: &Bench) -> Found {
    each_ends_in(bench, |ask| ask.scenario.known = false, &[NoData, NotAvailable, InvalidUnit]).await
}

pub(super) async fn empty(bench: &Bench) -> Found {
    each_ends_in(bench, |ask| ask.scenario.hole = Some(ask.window), &[NoData]).await
}

pub(super) async fn future(bench: &Bench) -> Found {
    let to_come = |ask: &mut Ask| {
        ask.scenario.now = ask.window.start - 10 * DAY;
        ask.scenario.has.end = ask.scenario.now;
    };
    each_ends_in(bench, to_come, &[NotYetPublished, NoData, NotAvailable]).await
}

pub(super) async fn partial(bench: &Bench) -> Found {
    let mut evidence = Vec::new();
    for subject in &bench.subjects {
        let ask = bench.ask(subject, bench.ordinary(subject));
        let tenth = ask.window.start + 10 * DAY;
        // Long past, with the rest of it lost.
        let mut lost = ask.clone();
        lost.scenario.hole = Some(Window { start: tenth, end: ask.window.end });
        evidence.extend(exact(bench, &lost).await);
        // Under way: what there is, or "not yet".
        let mut under_way = ask;
        under_way.scenario.has.end = tenth;
        under_way.scenario.now = tenth;
        let call = bench.fetch(&under_way).await;
        if ends_in(&call, &NOTHING).is_some() {
            evidence.extend(super::months::differences(bench, &under_way, &call));
        }
    }
    Found::Evidence(evidence)
}

pub(super) async fn nulls(bench: &Bench) -> Found {
    each_is_exact(bench, |ask| ask.scenario.oddity = Oddity::Nulls).await
}

pub(super) async fn duplicates(bench: &Bench) -> Found {
    each_is_exact(bench, |ask| ask.scenario.oddity = Oddity::Duplicates).await
}

pub(super) async fn disorder(bench: &Bench) -> Found {
    each_is_exact(bench, |ask| ask.scenario.oddity = Oddity::Disorder).await
}
