//! The same source once more, for a recording or a replay: taken down, or with other settings.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    call::Source,
    open::{Unusable, asked, settings},
    state::World,
};
use crate::egress::Recording;

impl Source {
    /// The same source in `world`, with everything that it asks and is answered taken down in `recording`.
    #[must_use]
    pub fn recorded(&self, recording: Arc<Recording>, world: World) -> Self {
        Self { gate: Arc::new(self.gate.recorded(recording)), world, ..self.clone() }
    }

    /// The settings that it was given, as far as they differ from its own defaults; without its credential.
    pub fn given_settings(&self) -> BTreeMap<String, String> {
        let defaults = &self.loaded.description.settings;
        let is_default = |name: &String, value: &String| {
            defaults.iter().any(|known| known.name == *name && known.default.as_ref() == Some(value))
        };
        let given = self.settings.iter().filter(|(name, value)| !is_default(name, value));
        given.map(|(name, value)| (name.clone(), self.gate.redacted(value))).collect()
    }

    /// The same source with these settings over its own defaults in place of those that it was given, and every host
    /// granted that it asks for with them: what it asks is to be played by a stage.
    ///
    /// # Errors
    /// A setting that it does not know, or one that names a host that can't be.
    pub fn with_settings(&self, given: &BTreeMap<String, String>) -> Result<Self, Unusable> {
        let settings = settings(given, &self.loaded.description)?;
        let hosts = asked(&self.loaded.description, &settings)?;
        Ok(Self { gate: Arc::new(self.gate.granting(hosts)), settings: Arc::new(settings), ..self.clone() })
    }
}
