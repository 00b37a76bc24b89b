//! One source of the configuration as it is at a moment: running, refused, or turned off.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{call::Source, examine::Examined, open::Unusable, versions::Version};
use crate::config;

/// A source as it is now.
#[derive(Clone)]
pub struct Entry {
    /// What the configuration says of it; where something newer was refused, what it says of the one that stays.
    pub configured: Arc<config::Source>,
    /// The source, or why it can't be used; none if it is turned off.
    pub source: Option<Result<Arc<Source>, Unusable>>,
    /// When this process loaded it.
    pub loaded_at: Option<DateTime<Utc>>,
    /// What checking its component came to, where that is demanded.
    pub conformance: Option<Examined>,
    /// What was to take its place last, if that was refused.
    pub refused: Option<Refused>,
    /// The components that this host ran it with before, the latest first.
    pub previous: Vec<Version>,
}

/// A component, or a configuration, that did not take over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// SHA-256 of the component, as far as it is known.
    pub digest: Option<String>,
    /// Why.
    pub why: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether trying again later may help, though nothing changes here.
    pub passing: bool,
}

impl Entry {
    /// Its id.
    pub fn id(&self) -> &str {
        self.configured.id.as_str()
    }

    /// The source, if it can be called.
    pub fn usable(&self) -> Option<&Arc<Source>> {
        self.source.as_ref()?.as_ref().ok()
    }

    /// One that can't be used.
    pub(super) fn unusable(configured: &config::Source, why: Unusable) -> Self {
        Self { source: Some(Err(why)), ..Self::turned_off(configured) }
    }

    pub(super) fn turned_off(configured: &config::Source) -> Self {
        Self {
            configured: Arc::new(configured.clone()),
            source: None,
            loaded_at: None,
            conformance: None,
            refused: None,
            previous: Vec::new(),
        }
    }

    /// What it runs with.
    pub(super) fn version(&self) -> Option<Version> {
        let source = self.usable()?;
        Some(Version {
            digest: source.digest().to_owned(),
            version: source.description().version.clone(),
            component: self.configured.component.address(),
            since: self.loaded_at?,
        })
    }
}
