//! `source test`: whether a component does what the contract and the host's users rely on, shown by calling it in the
//! real sandbox and through the real gate.
//!
//! [`checks::CHECKS`] is the list; each check is a function of the [`bench::Bench`], on which the component is called
//! over an upstream that is played. What fails is told with its evidence, what can't be judged with the reason.

mod bench;
mod calendar;
mod checks;
mod compare;
mod demanded;
mod failures;
mod months;
mod oddities;
mod requests;
mod small;
mod verdict;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Instant};

pub use checks::{CHECKS, Check, Group};
pub use demanded::demanded;
pub use verdict::{Component, Counts, Judged, Outcome, Verdict};

use super::{
    cases::{Cases, Problems},
    upstream::{FILE, Script},
};
use crate::{
    domain::{Month, Unit},
    source::{Source, Unusable},
};
use bench::{Bench, Subject};

/// What a check found.
enum Found {
    /// What breaks the rule; nothing if it holds.
    Evidence(Vec<String>),
    /// Why the rule could not be judged.
    Skipped(String),
}

/// How much evidence of one check is shown.
const MOST_EVIDENCE: usize = 6;

/// Judges a component by every check, and by the recorded cases of a folder, which may hold an `upstream.toml` too.
///
/// # Errors
/// What is wrong with the cases, with file and line.
pub async fn judge(source: &Source, cases: Option<&Path>) -> Result<Verdict, Problems> {
    let recorded = cases.map(Cases::open).transpose()?;
    let verdict = Exam { cases, ..Exam::default() }.judge(source).await;
    Ok(match recorded {
        Some(recorded) => verdict.with_cases(&recorded.run(source).await),
        None => verdict,
    })
}

/// A judgement, with what may be said of it.
#[derive(Default)]
pub struct Exam<'a> {
    /// A folder that may hold an `upstream.toml`.
    pub cases: Option<&'a Path>,
    /// Settings of the source, over those of the file.
    pub settings: BTreeMap<String, String>,
    /// A unit that the source takes, where there is no file to name one.
    pub unit: Option<Unit>,
    /// Ids of the checks to make, or the beginnings of ids; none are all.
    pub only: Vec<String>,
    /// Is told of each check before it is made.
    pub watch: Option<&'a (dyn Fn(&'static Check) + Send + Sync)>,
}

impl Exam<'_> {
    /// The checks that it makes.
    pub fn checks(&self) -> impl Iterator<Item = &'static Check> {
        let wanted = |check: &&Check| self.only.is_empty() || self.only.iter().any(|it| check.is(it));
        CHECKS.iter().filter(wanted)
    }

    /// Judges a component.
    pub async fn judge(&self, source: &Source) -> Verdict {
        let began = Instant::now();
        let zone = source.description().month_zone;
        let (script, mut broken) = match self.cases.map(|cases| Script::open(cases, zone)) {
            None => (None, None),
            Some(Ok(script)) => (script.map(Arc::new), None),
            Some(Err(why)) => (None, Some(why)),
        };
        let bench = match self.bench(source, script, None) {
            Ok(bench) => bench,
            Err(why) => {
                broken = Some(why.to_string());
                match self.bench(source, None, Some(BTreeMap::new())) {
                    Ok(bench) => bench,
                    // The component's own description does not hold: every check says so.
                    Err(why) => return self.unusable(source, &why.to_string(), began),
                }
            }
        };
        let bench = self.with_a_unit(bench).await;
        let mut checks = Vec::new();
        for check in self.checks() {
            if let Some(watch) = self.watch {
                watch(check);
            }
            let found = match (&broken, check.group) {
                (Some(why), Group::Cases) => Found::Evidence(vec![why.clone()]),
                (_, group) => missing(&bench, group, broken.is_some()).unwrap_or(Found::Evidence(Vec::new())),
            };
            let skip = bench.script.as_ref().and_then(|script| script.skip.get(check.id));
            let found = match (found, skip) {
                (Found::Evidence(none), Some(why)) if none.is_empty() => {
                    Found::Skipped(format!("{FILE} says: {why}"))
                }
                (Found::Evidence(none), None) if none.is_empty() => (check.run)(&bench).await,
                (found, _) => found,
            };
            checks.push(check.judged(found));
        }
        Verdict::of(component(source), seconds(began), checks)
    }

    fn bench(
        &self,
        source: &Source,
        script: Option<Arc<Script>>,
        settings: Option<BTreeMap<String, String>>,
    ) -> Result<Bench, Unusable> {
        let of_script = script.as_ref().map(|script| script.settings.clone()).unwrap_or_default();
        let all = || of_script.into_iter().chain(self.settings.clone()).collect();
        let mut bench = Bench::new(source, settings.unwrap_or_else(all), script)?;
        let described = bench.source.description().first_month;
        if let Some(script) = &bench.script {
            let first = |unit: &Unit| since(script, unit, &bench.source).max(described);
            let subject = |unit: &Unit| Subject { unit: unit.clone(), first: first(unit) };
            bench.subjects = script.taken().map(subject).collect();
        }
        Ok(bench)
    }

    /// Where no file names a unit: the one that was given, or one whose code the source takes.
    async fn with_a_unit(&self, mut bench: Bench) -> Bench {
        const GUESSES: [&str; 5] = ["1", "TEST-1", "test", "10Y1001A1001A796", "T_TEST-1"];
        if !bench.subjects.is_empty() {
            return bench;
        }
        let guess = |code: &&str| Unit { code: (*code).into(), name: (*code).into(), ..Unit::default() };
        let first = bench.source.description().first_month;
        let all = self.unit.clone().map_or_else(|| GUESSES.iter().map(guess).collect(), |unit| vec![unit]);
        for unit in all {
            if matches!(bench.source.try_unit(&unit).await.outcome, Ok(Ok(()))) {
                bench.subjects.push(Subject { unit, first });
                break;
            }
        }
        bench
    }

    fn unusable(&self, source: &Source, why: &str, began: Instant) -> Verdict {
        let judged = self.checks().map(|check| check.judged(Found::Evidence(vec![why.to_owned()])));
        Verdict::of(component(source), seconds(began), judged.collect())
    }
}

/// The first month of which the upstream has any series of a unit.
fn since(script: &Script, unit: &Unit, source: &Source) -> Option<Month> {
    let own = script.series.iter().filter(|series| series.is_of(unit));
    let first = own.map(|series| series.since).min()??;
    Month::of(chrono::DateTime::from_timestamp(first, 0)?, source.description().month_zone).ok()
}

/// What a check would need and is not there.
fn missing(bench: &Bench, group: Group, broken: bool) -> Option<Found> {
    let without = match group {
        Group::Alone | Group::Cases if bench.script.is_some() || group == Group::Alone => return None,
        Group::Unit if !bench.subjects.is_empty() => return None,
        Group::Unit => {
            "no unit is known that the source takes: name one in upstream.toml, or with --unit".to_owned()
        }
        Group::Upstream if bench.script.is_some() => return None,
        Group::Alone | Group::Cases | Group::Upstream if broken => format!("{FILE} can't be used"),
        Group::Alone | Group::Cases | Group::Upstream => {
            format!("there is no {FILE}: write one, and this can be judged")
        }
    };
    Some(Found::Skipped(without))
}

fn component(source: &Source) -> Component {
    let described = source.description();
    Component {
        name: described.name.clone(),
        version: described.version.clone(),
        digest: source.digest().to_owned(),
    }
}

fn seconds(began: Instant) -> f64 {
    (began.elapsed().as_secs_f64() * 100.0).round() / 100.0
}
