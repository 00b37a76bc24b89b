//! Where checks call the source: in the real sandbox, over an upstream that is played, and what was heard is kept.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use chrono::{DateTime, SecondsFormat, TimeDelta};
use minijinja::{Environment, context};

use crate::{
    domain::{Failure, Measurement, Month, Series, Unit, Window},
    egress::{EgressError, LocalAllowance, Played, Reuse, Shared},
    kit::upstream::{Expected, Heard, Oddity, Player, Scenario, Script, Trick},
    source::{CallReport, Fault, LogLevel, Source, Unusable, World},
};

/// The longest that one call may take: a stage answers at once.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// The longest for one that has taken too long several times: hundreds of calls are to come.
pub(super) const IMPATIENCE: Duration = Duration::from_secs(1);

/// So many calls may take too long before patience ends.
const MOST_HANGS: u32 = 2;

const DAY: i64 = 86_400;

/// A component on trial.
pub(super) struct Bench {
    /// As it was given, before the settings of the trial.
    pub(super) given: Source,
    pub(super) source: Source,
    /// The same with less patience.
    hasty: Source,
    hangs: AtomicU32,
    pub(super) settings: BTreeMap<String, String>,
    pub(super) script: Option<Arc<Script>>,
    pub(super) subjects: Vec<Subject>,
    /// All that was asked of the upstream, but where requests were refused on purpose.
    tape: Mutex<Vec<Taped>>,
    whole: tokio::sync::Mutex<BTreeMap<String, Arc<Call>>>,
}

/// A unit that the source takes, and the first month that its upstream has.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) unit: Unit,
    pub(super) first: Option<Month>,
}

/// A fetch to be made.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) month: Month,
    pub(super) window: Window,
    pub(super) scenario: Scenario,
    pub(super) seed: u64,
    pub(super) trick: Trick,
}

/// What came of a fetch.
pub(super) struct Call {
    pub(super) what: String,
    pub(super) report: CallReport<Vec<Series>>,
    pub(super) heard: Heard,
}

/// What one call asked of its upstream.
#[derive(Clone, Debug)]
pub(super) struct Taped {
    pub(super) what: String,
    pub(super) heard: Heard,
    /// What the gate did not let through.
    pub(super) denied: Vec<String>,
}

impl Bench {
    /// # Errors
    /// The settings are none of the source's.
    pub(super) fn new(
        given: &Source,
        settings: BTreeMap<String, String>,
        script: Option<Arc<Script>>,
    ) -> Result<Self, Unusable> {
        Ok(Self {
            given: given.clone(),
            source: given.on_trial(&settings, PATIENCE, &shared())?,
            hasty: given.on_trial(&settings, IMPATIENCE, &shared())?,
            hangs: AtomicU32::new(0),
            settings,
            script,
            subjects: Vec::new(),
            tape: Mutex::default(),
            whole: Default::default(),
        })
    }

    /// Every call so far, after at least one of each unit.
    pub(super) async fn tape(&self) -> Vec<Taped> {
        for subject in &self.subjects {
            self.whole(subject).await;
        }
        self.tape.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A fetch of a whole month that is long past, from an upstream without a fault.
    pub(super) fn ask(&self, subject: &Subject, month: Month) -> Ask {
        let window = self.source.window(month);
        let settled = self.script.as_ref().map_or(400, |script| script.settled_after_days);
        let now = window.end + i64::from(settled) * DAY;
        let since = subject.first.map_or(0, |first| self.source.window(first).start);
        Ask {
            month,
            window,
            scenario: Scenario {
                unit: subject.unit.clone(),
                known: true,
                has: Window { start: since, end: now },
                hole: None,
                oddity: Oddity::None,
                now,
            },
            seed: 1,
            trick: Trick::None,
        }
    }

    /// The month that most checks ask for: a January with history before and after it.
    pub(super) fn ordinary(&self, subject: &Subject) -> Month {
        january(subject.years().1)
    }

    /// The ordinary month, fetched once.
    pub(super) async fn whole(&self, subject: &Subject) -> Arc<Call> {
        let mut known = self.whole.lock().await;
        if let Some(call) = known.get(&subject.unit.code) {
            return Arc::clone(call);
        }
        let call = Arc::new(self.fetch(&self.ask(subject, self.ordinary(subject))).await);
        known.insert(subject.unit.code.clone(), Arc::clone(&call));
        call
    }

    /// Fetches; without a made-up upstream everything ends in HTTP status 404.
    pub(super) async fn fetch(&self, ask: &Ask) -> Call {
        let zone = self.source.description().month_zone;
        let player = match &self.script {
            Some(script) => Player::of(script, ask.scenario.clone(), zone, ask.trick.clone()),
            None => match &ask.trick {
                Trick::Always(end) | Trick::Once(_, end) => Player::ending(end.clone()),
                Trick::None | Trick::Truncated => Player::ending(Ok(answer(404, &[], ""))),
            },
        };
        let source = if self.hangs.load(Relaxed) < MOST_HANGS { &self.source } else { &self.hasty };
        self.play(source, ask, player).await
    }

    /// Fetches from an upstream of which every request ends alike.
    pub(super) async fn ending(&self, subject: &Subject, end: Result<Played, EgressError>) -> Call {
        let mut ask = self.ask(subject, self.ordinary(subject));
        ask.trick = Trick::Always(end);
        self.fetch(&ask).await
    }

    pub(super) async fn play(&self, source: &Source, ask: &Ask, player: Player) -> Call {
        let player = Arc::new(player);
        let world = World { clock: DateTime::from_timestamp(ask.scenario.now, 0), seed: Some(ask.seed) };
        let source = source.staged(Arc::clone(&player) as _, world);
        let report = source.fetch(&ask.scenario.unit, ask.month, ask.window, Reuse::Trial).await;
        if let Err(Fault::WallDeadline { .. } | Fault::CpuDeadline { .. }) = &report.outcome {
            self.hangs.fetch_add(1, Relaxed);
        }
        let (what, heard) = (ask.to_string(), player.heard());
        if !matches!(ask.trick, Trick::Always(Err(EgressError::Denied(_)))) {
            let denied = report.log.iter().filter(|line| line.level == LogLevel::Warn);
            let denied = denied.filter_map(|line| Some(line.text.strip_prefix("denied: ")?.to_owned()));
            let taped = Taped { what: what.clone(), heard: heard.clone(), denied: denied.collect() };
            self.tape.lock().unwrap_or_else(PoisonError::into_inner).push(taped);
        }
        Call { what, report, heard }
    }

    /// What the source has to make of a fetch: every whole interval inside of the window. None without a made-up
    /// upstream.
    pub(super) fn expected(&self, ask: &Ask) -> Result<Vec<Series>, String> {
        let script = self.script.as_ref().ok_or("there is no made-up upstream")?;
        let env = Environment::new();
        let own = script.series.iter().filter(|series| series.is_of(&ask.scenario.unit));
        own.map(|series| {
            let rows = ask.scenario.rows(series, ask.window).into_iter();
            let measurements = rows
                .filter(|row| ask.window.covers(row.start, row.end))
                .filter_map(|row| Some((row, row.value?)))
                .map(|(row, value)| {
                    let seconds = u32::try_from(row.end - row.start).unwrap_or(u32::MAX);
                    let value = converted(&env, series, value, seconds)?;
                    Ok(Measurement { start: row.start, seconds, value })
                });
            Ok(Series {
                kind: series.kind.clone(),
                quantity: series.quantity,
                labels: series.labels.clone(),
                measurements: measurements.collect::<Result<_, String>>()?,
            })
        })
        .collect()
    }
}

/// The source's value of an upstream's, as the file states it.
fn converted(env: &Environment<'_>, series: &Expected, value: f64, seconds: u32) -> Result<f64, String> {
    let text = series.conversion();
    if text == "value" {
        return Ok(value);
    }
    let wrong = |why: String| format!("upstream.toml: value = {text:?}: {why}");
    let expression = env.compile_expression(text).map_err(|error| wrong(error.to_string()))?;
    let result = expression.eval(context! { value, seconds }).map_err(|error| wrong(error.to_string()))?;
    f64::try_from(result).map_err(|error| wrong(error.to_string()))
}

impl Subject {
    /// Two years that the upstream has as a whole, one after the other.
    pub(super) fn years(&self) -> (u16, u16) {
        let whole = self.first.map_or(0, |first| first.year() + u16::from(first.number() > 1));
        let year = whole.max(2023);
        (year, year + 1)
    }
}

pub(super) fn january(year: u16) -> Month {
    month(year, 1)
}

pub(super) fn month(year: u16, number: u8) -> Month {
    Month::new(year, number).unwrap_or(Month::FIRST)
}

/// An answer with text headers.
pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<bytes::Bytes>) -> Played {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Played::Answer { status, headers, body: body.into() }
}

pub(super) fn shared() -> Shared {
    Shared::new(Arc::<LocalAllowance>::default())
}

/// `2024-03-01T00:00:00Z`.
pub(super) fn instant(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0)
        .map_or_else(|| format!("{seconds} s"), |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// The days of a window in a few words.
pub(super) fn span(window: Window) -> String {
    format!("{} to {}", instant(window.start), instant(window.end))
}

/// `90 s`, `2 h`.
pub(super) fn length(seconds: i64) -> String {
    let length = TimeDelta::seconds(seconds);
    match seconds {
        _ if seconds % 3600 == 0 => format!("{} h", length.num_hours()),
        _ if seconds % 60 == 0 => format!("{} min", length.num_minutes()),
        _ => format!("{seconds} s"),
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unit {:?}, {} ({})", self.scenario.unit.code, self.month, span(self.window))
    }
}

impl Call {
    /// What it returned, in a few words.
    pub(super) fn came_to(&self) -> String {
        match &self.report.outcome {
            Ok(Ok(series)) => {
                let values: usize = series.iter().map(|series| series.measurements.len()).sum();
                format!("success with {values} values in {} series", series.len())
            }
            Ok(Err(failure)) => told(failure),
            Err(fault) => ended(fault),
        }
    }
}

/// A failure, in the contract's words and the source's.
pub(super) fn told(failure: &Failure) -> String {
    let message: String = failure.message().chars().take(300).collect();
    format!("{}: {message}", failure.case().as_str())
}

pub(super) fn ended(fault: &Fault) -> String {
    let text = match fault {
        Fault::Trap { reason, .. } => reason.clone(),
        other => other.to_string(),
    };
    format!("no answer at all, {}: {text}", fault.code())
}
