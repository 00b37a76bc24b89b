//! A source as frontends see it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::{problem::Problem, state::Api},
    domain::Admission,
    source::{Description, Entry, Refused, Version},
    store::{Instant, SourceLimits, SourceQueue},
};

/// A source: what the configuration says of it, what it says of itself, and how it fares.
#[derive(Serialize, ToSchema)]
#[schema(as = Source)]
pub(super) struct SourceView {
    /// Its id in the configuration.
    id: String,
    /// Whether the configuration turns it on.
    enabled: bool,
    /// Whether this host can call it.
    usable: bool,
    /// Why not.
    reason: Option<String>,
    /// Its own version, if it can be called; so are the following.
    version: Option<String>,
    /// SHA-256 of its component.
    digest: Option<String>,
    /// Whether it collects what its upstream shows now.
    collects: bool,
    /// Whether it lists the units that its upstream knows.
    has_catalog: bool,
    /// What it says of itself.
    description: Option<AboutText>,
    /// Where the configuration has its component.
    #[schema(example = "plugins/elexon.wasm")]
    component: String,
    /// When this host loaded it as it runs now.
    loaded_at: Option<Instant>,
    /// What was to take its place last, while that is refused and it stays as it is.
    refused: Option<RefusedSource>,
    /// The components that this host ran it with before, the latest first.
    previous: Vec<PreviousVersion>,
    /// What it may reach: what it asks for, and the configuration grants.
    hosts: Vec<String>,
    /// Calls at once, over all hosts.
    concurrency: u32,
    /// How its upstream fares.
    health: Health,
    /// How often its upstream may be asked, over all hosts.
    allowance: Allowance,
    /// Its open tasks.
    queue: OpenTasks,
}

/// A source in its own words.
#[derive(Serialize, ToSchema)]
#[schema(as = SourceDescription)]
struct AboutText {
    /// The upstream, for people.
    name: String,
    /// What it fetches.
    summary: String,
    /// What a unit's code looks like.
    unit_code: String,
    /// What `[source.settings]` may say.
    settings: Vec<SettingText>,
    /// Whose calendar its months follow.
    #[schema(example = "Asia/Taipei")]
    month_zone: String,
    /// Days after a month's end until the upstream normally has all of it.
    publication_lag_days: u16,
    /// The first month that the upstream has.
    #[schema(example = "2015-01")]
    first_month: Option<String>,
}

/// A setting of a source.
#[derive(Serialize, ToSchema)]
#[schema(as = SourceSetting)]
struct SettingText {
    /// Its key.
    name: String,
    /// What it does.
    summary: String,
    /// Its value unless another one is configured.
    default: Option<String>,
}

/// A component, or a configuration, that did not take a source's place.
#[derive(Serialize, ToSchema)]
struct RefusedSource {
    /// SHA-256 of the component, as far as it is known.
    digest: Option<String>,
    /// Why.
    why: String,
    /// When.
    at: Instant,
}

/// A component that a host ran a source with before.
#[derive(Serialize, ToSchema)]
struct PreviousVersion {
    /// SHA-256 of the component.
    digest: String,
    /// What it calls its version.
    version: String,
    /// When it took over.
    since: Instant,
}

/// How an upstream fares.
#[derive(Serialize, ToSchema)]
#[schema(as = SourceHealth)]
struct Health {
    /// Whether tasks of it are claimed.
    circuit: CircuitState,
    /// No task is claimed before.
    open_until: Option<Instant>,
    /// Why that is, and what to do.
    open_cause: Option<String>,
    /// Passing failures in a row.
    failures_in_row: u32,
    /// Nobody asks the upstream before: it asked to slow down.
    held_until: Option<Instant>,
}

/// Whether tasks of a source are claimed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum CircuitState {
    /// As many as limits allow.
    Closed,
    /// One, on trial.
    HalfOpen,
    /// None.
    Open,
}

/// How often an upstream may be asked.
#[derive(Serialize, ToSchema)]
#[schema(as = SourceAllowance)]
struct Allowance {
    /// As configured; none is no limit.
    #[schema(example = "400/min burst 10")]
    rate: Option<String>,
    /// Requests that may go at once after a pause.
    burst: Option<u32>,
    /// Seconds between requests that are sent steadily.
    interval_seconds: Option<f64>,
    /// Requests that could go right now; none without a limit.
    requests_now: Option<u32>,
}

/// Open tasks of a source.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = SourceTasks)]
struct OpenTasks {
    /// That could be claimed now.
    ready: i64,
    /// When the oldest of these was made.
    oldest_ready: Option<Instant>,
    /// That wait for their time.
    waiting: i64,
    /// The earliest of these times.
    next_due: Option<Instant>,
    /// Under way.
    running: i64,
    /// Of paused jobs.
    held: i64,
}

impl SourceView {
    pub(super) async fn of(
        api: &Api,
        entry: &Entry,
        queues: &[SourceQueue],
        limits: &[SourceLimits],
    ) -> Result<Self, Problem> {
        let (id, configured) = (entry.id(), &entry.configured);
        let now = api.store.now();
        let circuit = api.store.circuit(id).await?;
        let limits = limits.iter().find(|limits| limits.source == id);
        let held_until = limits.and_then(|limits| limits.held_until).filter(|until| until.utc() > now);
        let arrival = limits.and_then(|limits| limits.arrival).map(Instant::utc);
        let rate = configured.rate;
        let (source, reason) = match &entry.source {
            Some(Ok(source)) => (Some(source), None),
            Some(Err(why)) => (None, Some(why.to_string())),
            None => (None, Some("it is turned off in the configuration (`enabled = false`)".to_owned())),
        };
        Ok(Self {
            id: id.to_owned(),
            enabled: configured.enabled,
            usable: source.is_some(),
            reason,
            version: source.map(|source| source.description().version.clone()),
            digest: source.map(|source| source.digest().to_owned()),
            collects: source.is_some_and(|source| source.collects()),
            has_catalog: source.is_some_and(|source| source.has_catalog()),
            description: source.map(|source| AboutText::from(source.description())),
            component: configured.component.to_string(),
            loaded_at: entry.loaded_at.map(Instant::from),
            refused: entry.refused.as_ref().map(RefusedSource::from),
            previous: entry.previous.iter().map(PreviousVersion::from).collect(),
            hosts: source.map(|source| source.hosts()).unwrap_or_default(),
            concurrency: configured.concurrency,
            health: Health {
                circuit: match circuit.admits(now) {
                    Admission::Closed => CircuitState::Closed,
                    Admission::HalfOpen => CircuitState::HalfOpen,
                    Admission::OpenUntil(_) => CircuitState::Open,
                },
                open_until: circuit.open_until.map(Instant::from),
                open_cause: circuit.cause,
                failures_in_row: circuit.failures_in_row,
                held_until,
            },
            allowance: Allowance {
                rate: rate.map(|rate| rate.to_string()),
                burst: rate.map(|rate| rate.burst()),
                interval_seconds: rate.map(|rate| rate.interval().as_secs_f64()),
                requests_now: rate.map(|rate| rate.available(arrival, held_until.map(Instant::utc), now)),
            },
            queue: queues.iter().find(|queue| queue.source == id).map(OpenTasks::of).unwrap_or_default(),
        })
    }
}

impl From<&Refused> for RefusedSource {
    fn from(refused: &Refused) -> Self {
        let Refused { digest, why, at, .. } = refused.clone();
        Self { digest, why, at: at.into() }
    }
}

impl From<&Version> for PreviousVersion {
    fn from(version: &Version) -> Self {
        let Version { digest, version, since, .. } = version.clone();
        Self { digest, version, since: since.into() }
    }
}

impl OpenTasks {
    const fn of(queue: &SourceQueue) -> Self {
        Self {
            ready: queue.ready,
            oldest_ready: queue.oldest_ready,
            waiting: queue.waiting,
            next_due: queue.next_due,
            running: queue.running,
            held: queue.held,
        }
    }
}

impl From<&Description> for AboutText {
    fn from(said: &Description) -> Self {
        let setting = |setting: &crate::source::Setting| SettingText {
            name: setting.name.clone(),
            summary: setting.summary.clone(),
            default: setting.default.clone(),
        };
        Self {
            name: said.name.clone(),
            summary: said.summary.clone(),
            unit_code: said.unit_code.clone(),
            settings: said.settings.iter().map(setting).collect(),
            month_zone: said.month_zone.to_string(),
            publication_lag_days: said.publication_lag_days,
            first_month: said.first_month.map(|month| month.to_string()),
        }
    }
}
