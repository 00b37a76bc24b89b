//! From a component and what the configuration says of it to a source that can be called: its settings, its grants,
//! its credential, and its gate.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use url::Url;

use super::{
    call::Source,
    describe::Description,
    engine::Engine,
    limits::Caps,
    load::{LoadError, Loaded, WasiHttp},
    obtain::obtain,
    state::World,
};
use crate::{
    config::{self, CredentialPlace, Env},
    egress::{Credential, Gate, Grant, Policy, Shared, intersect},
};

/// ENTSO-E works on a request for up to 300 s before it gives up itself.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(310);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const USER_AGENT: &str = concat!("backfill/", env!("CARGO_PKG_VERSION"));

/// Why a source can't be used. Others are not affected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The component can't be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The component is elsewhere and can't be had.
    #[error("{component}: {why}")]
    Elsewhere {
        /// Where it is.
        component: String,
        /// What is wrong, and what to do.
        why: String,
        /// Whether trying again later may help.
        passing: bool,
    },
    /// It may not take the place of the one that runs.
    #[error("{0}")]
    NoSuccessor(String),
    /// It must pass the conformance checks, and does not.
    #[error("require_conformance: {0}")]
    Unexamined(String),
    /// The credential can't be had.
    #[error("credential: {0}")]
    Credential(String),
    /// A setting that the source does not know.
    #[error("settings.{name}: the source knows no such setting; it knows {known}")]
    Setting {
        /// The key in `[source.settings]`.
        name: String,
        /// The keys that there are.
        known: String,
    },
    /// A host that can't be granted or asked for.
    #[error("hosts: {0}")]
    Host(String),
    /// The gate to the network could not be set up.
    #[error("{0}")]
    Egress(String),
}

/// Loads one source with everything that the configuration says of it.
pub async fn open(
    source: &config::Source,
    env: Env<'_>,
    engine: &Engine,
    shared: &Shared,
) -> Result<Source, Unusable> {
    let wasi_http = if source.wasi_http { WasiHttp::Granted } else { WasiHttp::Refused };
    let (path, digest) = obtain(source, engine, shared).await?;
    let loaded = Loaded::open(engine, &path, digest.as_deref(), wasi_http).await?;
    configured(source, env, Arc::new(loaded), engine, shared)
}

/// A component with all that the configuration says of its source.
fn configured(
    source: &config::Source,
    env: Env<'_>,
    loaded: Arc<Loaded>,
    engine: &Engine,
    shared: &Shared,
) -> Result<Source, Unusable> {
    let settings = settings(&source.settings, &loaded.description)?;
    let policy = policy(source, env, &loaded.description, &settings)?;
    assemble(loaded, settings, policy, caps(&source.caps), engine, shared)
}

/// Loads a component that no configuration names: with the default caps, no credential, every host granted that it asks
/// for, and `wasi:http` if it imports that. For commands that try a component, whose upstream a stage then plays
/// ([`Source::staged`]).
pub async fn open_file(
    path: &Path,
    given: &BTreeMap<String, String>,
    engine: &Engine,
    shared: &Shared,
) -> Result<Source, Unusable> {
    let loaded = Arc::new(Loaded::open(engine, path, None, WasiHttp::Granted).await?);
    let id = path.file_stem().map_or_else(|| "source".into(), |stem| stem.to_string_lossy().into_owned());
    unconfigured(id, loaded, given, engine, shared)
}

impl Source {
    /// The same component, configured otherwise.
    pub(super) fn configured_anew(
        &self,
        source: &config::Source,
        env: Env<'_>,
        shared: &Shared,
    ) -> Result<Self, Unusable> {
        if let (Some(import), false) = (&self.loaded.wasi_http, source.wasi_http) {
            let path = source.component.address().into();
            return Err(LoadError::NeedsWasiHttp { path, import: import.clone() }.into());
        }
        configured(source, env, Arc::clone(&self.loaded), &self.engine, shared)
    }

    /// The same component as [`open_file`] would open it, with these settings: every host granted that it asks for, no
    /// credential, the default caps, but no more than `patience` for a call.
    ///
    /// # Errors
    /// A setting that it does not know, or that asks for a host which nobody can grant.
    pub fn on_trial(
        &self,
        given: &BTreeMap<String, String>,
        patience: Duration,
        shared: &Shared,
    ) -> Result<Self, Unusable> {
        let trial = unconfigured(self.id.clone(), Arc::clone(&self.loaded), given, &self.engine, shared)?;
        let caps = Caps { wall: patience, cpu: patience.min(trial.caps.cpu), ..trial.caps };
        Ok(Self { caps, ..trial })
    }
}

fn unconfigured(
    id: String,
    loaded: Arc<Loaded>,
    given: &BTreeMap<String, String>,
    engine: &Engine,
    shared: &Shared,
) -> Result<Source, Unusable> {
    let settings = settings(given, &loaded.description)?;
    let config::Caps { requests, response, total, .. } = config::Caps::default();
    let policy = Policy {
        source: id,
        grants: asked(&loaded.description, &settings)?,
        credential: None,
        rate: None,
        concurrency: 4,
        request_timeout: REQUEST_TIMEOUT,
        connect_timeout: CONNECT_TIMEOUT,
        max_response_bytes: response,
        max_requests: requests,
        max_total_bytes: total,
        reuse_for: None,
        user_agent: USER_AGENT.to_owned(),
        penalty: Duration::from_secs(600),
    };
    assemble(loaded, settings, policy, caps(&config::Caps::default()), engine, shared)
}

fn assemble(
    loaded: Arc<Loaded>,
    settings: BTreeMap<String, String>,
    policy: Policy,
    caps: Caps,
    engine: &Engine,
    shared: &Shared,
) -> Result<Source, Unusable> {
    let id = policy.source.clone();
    let gate = Gate::new(policy, shared.clone()).map_err(|error| Unusable::Egress(error.to_string()))?;
    Ok(Source {
        id,
        engine: engine.clone(),
        loaded,
        caps,
        settings: Arc::new(settings),
        gate: Arc::new(gate),
        world: World::default(),
    })
}

/// What the source reads: the configuration's values over the description's defaults.
pub(super) fn settings(
    given: &BTreeMap<String, String>,
    described: &Description,
) -> Result<BTreeMap<String, String>, Unusable> {
    let known: Vec<&str> = described.settings.iter().map(|setting| setting.name.as_str()).collect();
    if let Some(name) = given.keys().find(|name| !known.contains(&name.as_str())) {
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Unusable::Setting { name: name.clone(), known });
    }
    let defaults = described.settings.iter().filter_map(|s| Some((s.name.clone(), s.default.clone()?)));
    Ok(defaults.chain(given.clone()).collect())
}

fn policy(
    source: &config::Source,
    env: Env<'_>,
    described: &Description,
    settings: &BTreeMap<String, String>,
) -> Result<Policy, Unusable> {
    let credential = credential(source, env)?;
    Ok(Policy {
        source: source.id.as_str().to_owned(),
        grants: intersect(&asked(described, settings)?, &source.hosts),
        credential,
        rate: source.rate,
        concurrency: source.concurrency as usize,
        request_timeout: REQUEST_TIMEOUT,
        connect_timeout: CONNECT_TIMEOUT,
        max_response_bytes: source.caps.response,
        max_requests: source.caps.requests,
        max_total_bytes: source.caps.total,
        reuse_for: (!source.reuse_for.is_zero()).then_some(source.reuse_for),
        user_agent: USER_AGENT.to_owned(),
        penalty: source.penalty,
    })
}

/// The credential, as it is at the moment.
pub(super) fn credential(source: &config::Source, env: Env<'_>) -> Result<Option<Credential>, Unusable> {
    let credential = source.credential.as_ref().map(|spec| {
        let secret = spec.resolve(env)?;
        match &spec.place {
            CredentialPlace::Header(name) => Credential::header(name, secret.expose()),
            CredentialPlace::Query(name) => Credential::query(name, secret.expose()),
        }
    });
    credential.transpose().map_err(Unusable::Credential)
}

/// What the component asks for. A component asks through its description, and through settings that hold a URL: an
/// operator who points `base_url` elsewhere makes it ask there.
pub(super) fn asked(
    described: &Description,
    settings: &BTreeMap<String, String>,
) -> Result<Vec<Grant>, Unusable> {
    let hosts = described.hosts.iter().cloned().chain(settings.values().filter_map(|value| origin(value)));
    let grant = |host: String| {
        Grant::parse(&host).map_err(|why| Unusable::Host(format!("the source asks for {why}")))
    };
    hosts.map(grant).collect()
}

/// `scheme://host:port` of a setting that is a URL.
fn origin(value: &str) -> Option<String> {
    let url = Url::parse(value).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    })
}

fn caps(caps: &config::Caps) -> Caps {
    let bytes = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    Caps {
        memory: bytes(caps.memory),
        wall: caps.wall,
        cpu: caps.cpu,
        measurements: caps.measurements as usize,
        log: bytes(caps.log),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_is_a_url_asks_for_its_origin_and_others_for_nothing() {
        assert_eq!(origin("http://127.0.0.1:8900/x").as_deref(), Some("http://127.0.0.1:8900"));
        assert_eq!(origin("https://[::1]").as_deref(), Some("https://[::1]"));
        for value in ["B1610,PN", "ftp://a.org", "", "10"] {
            assert_eq!(origin(value), None, "{value}");
        }
    }
}
