//! A shadow run: another component over the answers that the archive holds, beside the active one or beside what is
//! stored. Nothing is written and nobody is asked.
//!
//! Unit-months run side by side and are told of in order, one by one, so that a decade of a hundred units needs no
//! more memory than a few of them.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use futures::{Stream, StreamExt, stream};
use serde::Serialize;

use super::{
    Difference, Made,
    cases::SEED,
    kept::{Heard, Newest},
    replay::stored_of,
    stored::Stored,
};
use crate::{
    domain::{Month, Window},
    egress::Reuse,
    source::{Source, World},
    store::{LastAsked, RegisteredUnit, Store, StoreError},
};

/// Relative difference up to which two values count as one.
const TOLERANCE: f64 = 1e-9;

/// What is compared.
pub struct Shadow {
    /// Holds the index of answers, and what is stored.
    pub store: Store,
    /// What runs now; none to compare with what is stored.
    pub active: Option<Source>,
    /// What is to take its place.
    pub candidate: Source,
    /// The present instant.
    pub now: DateTime<Utc>,
    /// Whether every month is asked for as a whole and now, and not as it last was.
    pub as_now: bool,
}

/// A unit's month, compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// The unit's name.
    pub unit: String,
    /// Its code.
    pub code: String,
    /// The month.
    #[serde(serialize_with = "as_text")]
    pub month: Month,
    /// What the active component did; none where what is stored stands in its place.
    pub active: Option<Effort>,
    /// What the candidate did.
    pub candidate: Effort,
    /// How they compare, active → candidate.
    #[serde(flatten)]
    pub verdict: ShadowVerdict,
}

/// What a component did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Effort {
    /// Requests that it made.
    pub requests: u64,
    /// Records fit to be stored.
    pub records: u64,
    /// Records that are not.
    pub rejected: u64,
    /// Time inside the component, in milliseconds.
    pub cpu_ms: f64,
    /// Time from call to return, in milliseconds.
    pub wall_ms: f64,
}

impl Effort {
    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.records += other.records;
        self.rejected += other.rejected;
        self.cpu_ms += other.cpu_ms;
        self.wall_ms += other.wall_ms;
    }
}

/// How the two compare.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "verdict", content = "detail", rename_all = "kebab-case")]
pub enum ShadowVerdict {
    /// No difference.
    Same,
    /// Something differs.
    Different(Difference),
    /// The candidate asks what the archive has no answer to, or the comparison failed: why.
    Unknown(String),
    /// The archive has no answers for the month at all.
    NeverAsked,
}

/// A component's call.
struct Ran {
    made: Made,
    effort: Effort,
    heard: Heard,
}

impl Shadow {
    /// Compares every month of every unit, as many at once as there are cores.
    pub fn compare(
        self: Arc<Self>,
        units: Vec<RegisteredUnit>,
        (from, to): (Month, Month),
    ) -> impl Stream<Item = Result<Compared, StoreError>> {
        let at_once = thread::available_parallelism().map_or(1, usize::from);
        let shadow = Arc::clone(&self);
        let unit_months = stream::iter(units).then(move |unit| {
            let shadow = Arc::clone(&shadow);
            async move {
                let asked = match shadow.as_now {
                    true => Ok(Vec::new()),
                    false => shadow.store.last_asked(unit.id, &unit.source).await,
                };
                let asked = match asked {
                    Ok(asked) => asked,
                    Err(error) => return stream::iter([Err(error)]).boxed(),
                };
                let unit = Arc::new(unit);
                let unit_month = move |month| {
                    Ok((Arc::clone(&unit), month, asked.iter().find(|asked| asked.month == month).copied()))
                };
                stream::iter(from.through(to).map(unit_month)).boxed()
            }
        });
        let tasks = unit_months.flatten().map(move |unit_month| {
            let shadow = Arc::clone(&self);
            // On a thread of its own, so that all cores have work.
            let task = tokio::spawn(async move {
                let (unit, month, asked) = unit_month?;
                shadow.one(&unit, month, asked).await
            });
            async move { task.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())) }
        });
        tasks.buffered(at_once)
    }

    async fn one(
        &self,
        unit: &RegisteredUnit,
        month: Month,
        asked: Option<LastAsked>,
    ) -> Result<Compared, StoreError> {
        let clock = asked.map_or(self.now, |asked| asked.started_at.utc());
        let part = asked
            .map(|asked| Window { start: asked.start_date.timestamp(), end: asked.end_date.timestamp() });
        let candidate = self.run(&self.candidate, unit, month, part, clock).await;
        let (before, active) = match &self.active {
            Some(active) => {
                let ran = self.run(active, unit, month, part, clock).await;
                (Before::Ran(ran.made, ran.heard), Some(ran.effort))
            }
            None => {
                let window = part.unwrap_or_else(|| self.candidate.window(month));
                let stored = Stored::read(&self.store, unit.id, &unit.source, window, None).await?;
                (Before::Stored(Made::Series(stored.all())), None)
            }
        };
        let (candidate, verdict) = (candidate.effort, verdict(before, candidate));
        let (unit, code) = (unit.unit.name.clone(), unit.unit.code.clone());
        Ok(Compared { unit, code, month, active, candidate, verdict })
    }

    async fn run(
        &self,
        source: &Source,
        unit: &RegisteredUnit,
        month: Month,
        part: Option<Window>,
        clock: DateTime<Utc>,
    ) -> Ran {
        let upstream = Arc::new(Newest::new(self.store.clone(), &unit.source));
        let world = World { clock: Some(clock), seed: Some(SEED) };
        let staged = source.staged(Arc::clone(&upstream) as _, world);
        let window = part.unwrap_or_else(|| source.window(month));
        let begun = Instant::now();
        let call = staged.fetch(&unit.unit, month, window, Reuse::Never).await;
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let (requests, cpu_ms) = (call.usage.asked.into(), ms(call.cpu));
        let (made, rejected) = stored_of(call, window, unit);
        let wall_ms = ms(begun.elapsed());
        let effort = Effort { requests, records: made.records(), rejected, cpu_ms, wall_ms };
        Ran { made, effort, heard: upstream.heard() }
    }
}

/// What the candidate is compared with.
enum Before {
    Ran(Made, Heard),
    Stored(Made),
}

fn verdict(before: Before, candidate: Ran) -> ShadowVerdict {
    let (before, active, known) = match before {
        Before::Ran(made, active) => {
            let known = active.unanswered.count == 0 || active.answers > 0;
            (made, active, known)
        }
        Before::Stored(made) => {
            let known = made.records() > 0;
            if !known && matches!(&candidate.made, Made::Failure { case, .. } if case == "no-data") {
                return ShadowVerdict::Same;
            }
            (made, Heard::default(), known)
        }
    };
    // Whoever was served a single answer stands before a month that somebody has asked for.
    if !known && candidate.heard.unanswered.count > 0 && candidate.heard.answers == 0 {
        return ShadowVerdict::NeverAsked;
    }
    let of_host = |made: &Made| match made {
        Made::Failure { case, message } if case == "host" => Some(message.clone()),
        _ => None,
    };
    for (who, heard) in [("the candidate", &candidate.heard), ("the active component", &active)] {
        let (count, named) = (heard.unanswered.count, heard.unanswered.named.join(", "));
        if count > 0 {
            let why = format!("{who} asks {count} requests that the archive has no answer to: {named}");
            return ShadowVerdict::Unknown(why);
        }
    }
    if let Some(why) = of_host(&candidate.made).or_else(|| of_host(&before)) {
        return ShadowVerdict::Unknown(why);
    }
    match Difference::between(&before, &candidate.made, TOLERANCE) {
        same if same.is_none() => ShadowVerdict::Same,
        difference => ShadowVerdict::Different(difference),
    }
}

fn as_text<S: serde::Serializer>(month: &Month, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(month)
}
