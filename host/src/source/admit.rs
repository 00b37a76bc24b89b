//! Whether a component may be used as the configuration says: what a start asks of it, and what a running host asks of
//! one that is to take another one's place.

use super::{
    call::Source,
    describe::Description,
    engine::Engine,
    examine::{Examined, examine},
    open::{Unusable, open},
    succession::succeeds,
};
use crate::{
    config::{self, Env},
    egress::Shared,
};

/// A source that may be used.
pub struct Admitted {
    /// It.
    pub source: Source,
    /// What checking it came to, where that is demanded.
    pub conformance: Option<Examined>,
}

/// Opens a source as the configuration says. `before` is what the component says of itself that runs now, if one does.
///
/// # Errors
/// It can't be opened, may not succeed the one that runs, or does not pass what `require_conformance` demands.
pub async fn admit(
    configured: &config::Source,
    env: Env<'_>,
    engine: &Engine,
    shared: &Shared,
    before: Option<&Description>,
) -> Result<Admitted, Unusable> {
    let source = open(configured, env, engine, shared).await?;
    if let Some(before) = before {
        succeeds(before, source.description())?;
    }
    let conformance = examine(engine, configured, &source).await?;
    Ok(Admitted { source, conformance })
}
