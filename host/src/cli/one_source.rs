//! One source for one call: the arguments that `source fetch`, `source collect` and `source units` share.

use std::{ffi::OsStr, path::Path};

use anyhow::{Context, bail};
use clap::Args;
use url::Url;

use super::context::{self, env};
use crate::{
    config::{Config, CredentialSpec, Origin, Source as Configured},
    egress::{Grant, Shared},
    source::{self, Source},
};

#[derive(Args)]
pub(super) struct OneSource {
    /// Id of a source in backfill.toml; or a component file, FILE.wasm, which needs no configuration: it may
    /// then reach the hosts that it asks for, without a credential.
    #[arg(value_name = "ID|FILE.wasm")]
    id: String,

    /// A setting of the source for this call, over the configuration's. `base_url=http://127.0.0.1:PORT`
    /// points it elsewhere; that host is then granted for this call.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,

    /// Where the credential comes from for this call, `env:VAR` or `file:PATH`; where it goes stays as
    /// configured.
    #[arg(long, value_name = "env:VAR|file:PATH")]
    credential: Option<String>,
}

/// `NAME=VALUE`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

impl OneSource {
    /// Loads the source, without database or archive.
    pub(super) async fn open(&self, path: &Path) -> anyhow::Result<Source> {
        match self.file() {
            Some(file) => self.open_file(file, path).await,
            None => self.load(&context::load(path)?, &context::shared_without_store()).await,
        }
    }

    /// The component's file, where one is named in place of a source of the configuration.
    pub(super) fn file(&self) -> Option<&Path> {
        let file = Path::new(&self.id);
        (file.extension() == Some(OsStr::new("wasm"))).then_some(file)
    }

    /// Loads a source of the configuration, with what it shares with others.
    pub(super) async fn load(&self, config: &Config, shared: &Shared) -> anyhow::Result<Source> {
        let Some(configured) = config.sources.iter().find(|source| source.id.as_str() == self.id) else {
            let known: Vec<_> = config.sources.iter().map(|source| source.id.as_str()).collect();
            bail!("{} has no source {:?}; it has {}", config.path.display(), self.id, known.join(", "));
        };
        let mut configured = configured.clone();
        self.apply(&mut configured)?;
        source::open(&configured, &env, &context::engine(config)?, shared)
            .await
            .with_context(|| format!("source {}", self.id))
    }

    /// Loads a component that no configuration names.
    async fn open_file(&self, file: &Path, config: &Path) -> anyhow::Result<Source> {
        if self.credential.is_some() {
            bail!(
                "--credential: a component file says not where its credential goes; name it in {} with `credential`",
                config.display()
            );
        }
        let (settings, shared) = (self.settings.iter().cloned().collect(), context::shared_without_store());
        let engine = context::engine_for_files(config)?;
        let source = source::open_file(file, &settings, &engine, &shared).await?;
        tracing::info!("{} may reach what it asks for: {}", source.id(), source.hosts().join(", "));
        Ok(source)
    }

    fn apply(&self, source: &mut Configured) -> anyhow::Result<()> {
        if let Some(from) = &self.credential {
            let from = Origin::parse(from).map_err(|why| anyhow::anyhow!("--credential: {why}"))?;
            let Some(spec) = &mut source.credential else {
                bail!(
                    "--credential: {} has no `credential` in the configuration, so it is not known where it goes",
                    self.id
                );
            };
            *spec = CredentialSpec { from, ..spec.clone() };
        }
        for (name, value) in &self.settings {
            source.settings.insert(name.clone(), value.clone());
            if name == "base_url" {
                source.hosts.push(origin_grant(value).with_context(|| format!("--set base_url={value}"))?);
                self.do_without_missing_credential(source);
            }
        }
        Ok(())
    }

    /// Another place than the upstream may ask for none: try, and let it say so.
    fn do_without_missing_credential(&self, source: &mut Configured) {
        if let Some(Err(why)) = source.credential.as_ref().map(|spec| spec.resolve(&env)) {
            tracing::warn!("asking without a credential: {why}");
            source.credential = None;
        }
    }
}

/// The origin of a URL that the person at the command line named: granted, on loopback too.
fn origin_grant(value: &str) -> anyhow::Result<Grant> {
    let url = Url::parse(value).context("expected a URL such as http://127.0.0.1:8900")?;
    let (Some(host), "http" | "https") = (url.host_str(), url.scheme()) else {
        bail!("expected http://HOST:PORT or https://HOST");
    };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Grant::parse(&format!("{}://{host}{port}", url.scheme())).map_err(anyhow::Error::msg)
}
