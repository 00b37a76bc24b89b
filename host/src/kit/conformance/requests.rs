//! Checks of what a source asks, and of what it uses while it does.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use super::{
    Found,
    bench::{Bench, PATIENCE, answer, ended, shared},
};
use crate::{
    config::Caps,
    kit::{described, upstream::Player},
    source::CallReport,
};

pub(super) async fn steady(bench: &Bench) -> Found {
    let mut evidence = Vec::new();
    for subject in &bench.subjects {
        let first = bench.whole(subject).await;
        let mut ask = bench.ask(subject, bench.ordinary(subject));
        (ask.seed, ask.scenario.now) = (7, ask.scenario.now + 1_201);
        let second = bench.fetch(&ask).await;
        let keys = |call: &super::bench::Call| {
            call.heard
                .asked
                .iter()
                .map(|asked| (asked.key.clone(), asked.url.clone()))
                .collect::<BTreeMap<_, _>>()
        };
        let (one, other) = (keys(&first), keys(&second));
        if let Some((_, url)) = other.iter().find(|(key, _)| !one.contains_key(*key)) {
            let before = one.values().next().map_or("nothing", String::as_str);
            evidence.push(format!("{}: it asked {before}, and twenty minutes later {url}", second.what));
        }
    }
    Found::Evidence(evidence)
}

/// Words of a denial that is about something which a source may not set.
const OF_THE_HOST: [&str; 3] = ["is set by the host", "may not carry a user name", "is the credential's"];

pub(super) async fn credentials(bench: &Bench) -> Found {
    let mut evidence = BTreeSet::new();
    let tape = bench.tape().await;
    if tape.iter().all(|call| call.heard.asked.is_empty() && call.denied.is_empty()) {
        return Found::Skipped("it asked nothing, whatever was wanted of it".to_owned());
    }
    for call in tape {
        for asked in &call.heard.asked {
            let url = Url::parse(&asked.url).ok();
            let parameters = url.iter().flat_map(|url| url.query_pairs().map(|(name, _)| name.into_owned()));
            for name in parameters.filter(|name| described::is_secret(name)) {
                evidence.insert(format!("{}: the query parameter {name:?} of {}", call.what, asked.url));
            }
            for (name, _) in asked.headers.iter().filter(|(name, _)| described::is_secret(name)) {
                evidence.insert(format!("{}: the header {name:?} to {}", call.what, asked.url));
            }
        }
        let denied = call.denied.iter().filter(|why| OF_THE_HOST.iter().any(|words| why.contains(words)));
        evidence.extend(denied.map(|why| format!("{}: {why}", call.what)));
    }
    Found::Evidence(evidence.into_iter().collect())
}

pub(super) async fn hosts(bench: &Bench) -> Found {
    let mut evidence = BTreeSet::new();
    for call in bench.tape().await {
        let denied = call.denied.iter().filter(|why| !OF_THE_HOST.iter().any(|words| why.contains(words)));
        let first = |why: &String| why.lines().next().unwrap_or_default().to_owned();
        evidence.extend(denied.map(|why| format!("{}: {}", call.what, first(why))));
    }
    Found::Evidence(evidence.into_iter().collect())
}

pub(super) async fn base_url(bench: &Bench) -> Found {
    const ELSEWHERE: &str = "http://conformance.test:8917/under/here";
    let described = bench.source.description();
    if !described.settings.iter().any(|setting| setting.name == "base_url") {
        return Found::Skipped("it has no setting base_url".to_owned());
    }
    let mut settings = bench.settings.clone();
    settings.insert("base_url".to_owned(), ELSEWHERE.to_owned());
    let source = match bench.given.on_trial(&settings, PATIENCE, &shared()) {
        Ok(source) => source,
        Err(why) => return Found::Evidence(vec![why.to_string()]),
    };
    let mut evidence = Vec::new();
    for subject in &bench.subjects {
        let ask = bench.ask(subject, bench.ordinary(subject));
        let call = bench.play(&source, &ask, Player::ending(Ok(answer(503, &[], "")))).await;
        let astray = call.heard.asked.iter().find(|asked| !asked.url.starts_with(ELSEWHERE));
        if let Some(asked) = astray {
            evidence.push(format!("{}: base_url is {ELSEWHERE}, and it asked {}", call.what, asked.url));
        } else if call.heard.asked.is_empty() {
            evidence.push(format!("{}: it asked nothing: {}", call.what, call.came_to()));
        }
    }
    Found::Evidence(evidence)
}

pub(super) async fn caps(bench: &Bench) -> Found {
    let mut evidence = Vec::new();
    for subject in &bench.subjects {
        let call = bench.whole(subject).await;
        evidence.extend(over(&call.report).into_iter().map(|why| format!("{}: {why}", call.what)));
    }
    Found::Evidence(evidence)
}

/// What of a call is over the default caps, or near: production months are larger than made-up ones, so that nine tenths
/// of a cap are too near it.
fn over<T>(report: &CallReport<T>) -> Vec<String> {
    let caps = Caps::default();
    let mut evidence: Vec<_> = report.outcome.as_ref().err().map(ended).into_iter().collect();
    if report.log.iter().any(|line| line.text.ends_with("(caps.log)")) {
        evidence.push(format!("it wrote more than {} bytes of log", caps.log));
    }
    let near = [
        ("bytes of memory", report.peak_memory as u64, caps.memory),
        ("ms of computing", report.cpu.as_millis() as u64, caps.cpu.as_millis() as u64),
        ("requests", report.usage.asked.into(), caps.requests.into()),
        ("bytes of answers", report.usage.bytes, caps.total),
    ];
    let near = near.into_iter().filter(|(_, used, cap)| *used > cap / 10 * 9);
    evidence.extend(
        near.map(|(what, used, cap)| format!("{used} {what}, more than nine tenths of the cap of {cap}")),
    );
    evidence
}

pub(super) async fn answered(bench: &Bench) -> Found {
    let faults = bench.tape().await.into_iter().flat_map(|call| call.heard.faults);
    Found::Evidence(faults.collect::<BTreeSet<_>>().into_iter().collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{egress::Usage, source::Fault};

    fn modest() -> CallReport<()> {
        CallReport {
            outcome: Ok(Ok(())),
            usage: Usage { asked: 900, bytes: 1 << 30, ..Usage::default() },
            cpu: Duration::from_secs(54),
            wall: Duration::from_secs(500),
            peak_memory: 60_000_000,
            log: Vec::new(),
        }
    }

    #[test]
    fn each_cap_that_a_call_comes_near_is_told_by_itself() {
        assert_eq!(over(&modest()), Vec::<String>::new());
        let wall = Fault::WallDeadline { cap: Duration::from_secs(600) };
        for (report, said) in [
            (CallReport { peak_memory: 61_000_000, ..modest() }, "61000000 bytes of memory"),
            (CallReport { cpu: Duration::from_secs(55), ..modest() }, "55000 ms of computing"),
            (CallReport { usage: Usage { asked: 901, ..Usage::default() }, ..modest() }, "901 requests"),
            (
                CallReport { usage: Usage { bytes: 2_000_000_000, ..Usage::default() }, ..modest() },
                "2000000000 bytes of answers",
            ),
            (CallReport { outcome: Err(wall), ..modest() }, "caps.wall"),
        ] {
            let told = over(&report);
            assert!(matches!(told.as_slice(), [one] if one.contains(said)), "{said}: {told:?}");
        }
    }
}
