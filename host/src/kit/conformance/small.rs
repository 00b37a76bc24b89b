//! Checks of `describe` and `check-unit`, the two calls that may make no request.

use std::{sync::Arc, time::Duration};

use chrono::DateTime;

use super::{
    Found,
    bench::{Bench, Subject, answer, ended, told},
};
use crate::{
    domain::{Failure, Unit},
    kit::{described, upstream::Player},
    source::{Said, Source, World},
};

/// Longer than this, `describe` does work.
const CHEAP: Duration = Duration::from_millis(500);

pub(super) async fn complete(bench: &Bench) -> Found {
    said(&bench.source).await.map_or_else(evidence, |said| {
        let faults = described::faults(&said, crate::clock::now());
        let tell = |fault: described::Fault| format!("{}: {}; {}", fault.field, fault.what, fault.mend);
        Found::Evidence(faults.into_iter().map(tell).collect())
    })
}

pub(super) async fn no_secret(bench: &Bench) -> Found {
    said(&bench.source).await.map_or_else(evidence, |said| {
        let secrets = described::secrets(&said);
        Found::Evidence(secrets.iter().map(|name| format!("the setting {name:?}")).collect())
    })
}

pub(super) async fn steady(bench: &Bench) -> Found {
    let mut all = Vec::new();
    for (seed, clock) in [(1, 1_500_000_000), (2, 1_900_000_000)] {
        for source in [&bench.given, &bench.source] {
            let world = World { clock: DateTime::from_timestamp(clock, 0), seed: Some(seed) };
            let stage = Arc::new(Player::ending(Ok(answer(404, &[], ""))));
            match said(&source.staged(stage, world)).await {
                Ok(said) => all.push(said),
                Err(why) => return evidence(why),
            }
        }
    }
    let differing = all.iter().find(|said| Some(*said) != all.first());
    let tell = |other: &Said| {
        let first = all.first().map(|said| format!("{said:?}")).unwrap_or_default();
        format!("it said {first}, and then {other:?}")
    };
    Found::Evidence(differing.map(tell).into_iter().collect())
}

pub(super) async fn describe_asks_nothing(bench: &Bench) -> Found {
    let call = bench.source.describe().await;
    let mut found = Vec::new();
    if call.asked > 0 {
        found.push(format!("it tried to make {} requests", call.asked));
    }
    if call.cpu > CHEAP {
        found.push(format!("it computed for {:?}; {CHEAP:?} is much already", call.cpu));
    }
    Found::Evidence(found)
}

async fn said(source: &Source) -> Result<Said, String> {
    source.describe().await.outcome.map_err(|fault| ended(&fault))
}

fn evidence(why: String) -> Found {
    Found::Evidence(vec![why])
}

/// Codes that a registry may hold by mistake or by malice.
fn codes() -> Vec<String> {
    let long = "9".repeat(500);
    let texts = [
        "",
        " ",
        "\t\r\n",
        "a\0b",
        "../../etc/passwd",
        "..",
        "a/b?c=d&e#f",
        "https://example.org/",
        "'; DROP TABLE units; --",
        "風力發電🌬",
        "e\u{301}\u{202e}x",
        "-1",
        "0",
        "00000000",
        "99999999999999999999999999",
        "NaN",
        "{{ code }}",
        "%00%ff",
        "\u{feff}",
        "¼",
        &long,
    ];
    texts.map(str::to_owned).into()
}

/// Odd units: odd codes, and the known units with odd attributes.
fn odd_units(subjects: &[Subject]) -> Vec<Unit> {
    let with_code = |code: String| Unit { name: code.clone(), code, ..Unit::default() };
    let mut units: Vec<_> = codes().into_iter().map(with_code).collect();
    for Subject { unit, .. } in subjects {
        for name in unit.attributes.keys() {
            for value in ["", "風", "-", "../x", "\0"] {
                let mut odd = unit.clone();
                odd.attributes.insert(name.clone(), value.to_owned());
                units.push(odd);
            }
        }
        units.push(Unit { capacity_mw: Some(f64::NAN), ..unit.clone() });
        units.push(Unit { name: String::new(), ..unit.clone() });
    }
    units
}

fn called(unit: &Unit) -> String {
    let code: String = unit.code.chars().take(60).collect();
    format!("unit {code:?} with attributes {:?}", unit.attributes)
}

async fn answers_to_odd(bench: &Bench) -> Vec<(Unit, Result<(), String>)> {
    let mut answers = Vec::new();
    for unit in odd_units(&bench.subjects) {
        if let Ok(answer) = bench.source.try_unit(&unit).await.outcome {
            answers.push((unit, answer));
        }
    }
    answers
}

pub(super) async fn odd_codes(bench: &Bench) -> Found {
    let mut found = Vec::new();
    for unit in odd_units(&bench.subjects) {
        match bench.source.try_unit(&unit).await.outcome {
            Ok(Err(why)) if why.trim().is_empty() => {
                found.push(format!("{}: it is refused without a word", called(&unit)));
            }
            Ok(_) => {}
            Err(fault) => found.push(format!("{}: {}", called(&unit), ended(&fault))),
        }
    }
    Found::Evidence(found)
}

pub(super) async fn check_asks_nothing(bench: &Bench) -> Found {
    let mut found = Vec::new();
    let known = bench.subjects.iter().map(|subject| subject.unit.clone());
    for unit in known.chain(odd_units(&[])) {
        let asked = bench.source.try_unit(&unit).await.asked;
        if asked > 0 {
            found.push(format!("{}: it tried to make {asked} requests", called(&unit)));
        }
    }
    Found::Evidence(found)
}

pub(super) async fn listed(bench: &Bench) -> Found {
    let mut found = Vec::new();
    for case in bench.script.iter().flat_map(|script| &script.units) {
        match (bench.source.try_unit(&case.unit).await.outcome, case.refused) {
            (Ok(Ok(())), false) | (Ok(Err(_)), true) => {}
            (Ok(Ok(())), true) => found.push(format!("{}: it is taken", called(&case.unit))),
            (Ok(Err(why)), false) => found.push(format!("{}: it is refused: {why}", called(&case.unit))),
            (Err(fault), _) => found.push(format!("{}: {}", called(&case.unit), ended(&fault))),
        }
    }
    Found::Evidence(found)
}

pub(super) async fn refused(bench: &Bench) -> Found {
    let marked = bench.script.iter().flat_map(|script| &script.units).filter(|case| case.refused);
    let odd = answers_to_odd(bench).await.into_iter().filter(|(_, answer)| answer.is_err());
    let units: Vec<_> = marked.map(|case| case.unit.clone()).chain(odd.map(|(unit, _)| unit)).collect();
    if units.is_empty() {
        return Found::Skipped(
            "check-unit refuses none of the odd codes, nor a unit of upstream.toml".into(),
        );
    }
    let mut found = Vec::new();
    for unit in units.into_iter().filter(|unit| unit.share().is_ok()) {
        let subject = Subject { unit: unit.clone(), first: None };
        let call = bench.ending(&subject, Ok(answer(404, &[], ""))).await;
        match &call.report.outcome {
            Ok(Err(Failure::InvalidUnit(_))) => {}
            Ok(Err(failure)) => {
                found.push(format!("{}: fetch answered {}", called(&unit), told(failure)));
            }
            Ok(Ok(_)) | Err(_) => found.push(format!("{}: fetch gave {}", called(&unit), call.came_to())),
        }
        if !call.heard.asked.is_empty() {
            found.push(format!("{}: fetch asked {}", called(&unit), call.heard.asked[0].url));
        }
    }
    Found::Evidence(found)
}
