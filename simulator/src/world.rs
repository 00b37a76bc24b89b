//! What all requests share.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::clock;
use crate::entsoe::RequestLimiter;
use crate::fault::schedule::Schedule;
use crate::log::Log;
use crate::options::Options;

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) faults: Schedule,
    pub(crate) log: Arc<Log>,
    pub(crate) entsoe_limiter: RequestLimiter,
}

impl World {
    pub(crate) fn new(options: Options) -> World {
        let faults = Schedule::default();
        faults.set(options.faults.clone());
        let entsoe_limiter = RequestLimiter::new(options.entsoe_rate_limit);
        World { options, faults, log: Arc::default(), entsoe_limiter }
    }

    /// The simulated present: fixed by the options, or that of the clock.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.options.now.unwrap_or_else(clock::now)
    }
}
