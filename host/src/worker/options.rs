//! How a worker goes about its work.

use std::time::Duration;

use super::limits::Limits;

use crate::{
    config::Config,
    domain::{CircuitPolicy, Retention, RetryPolicy},
};

/// How a worker goes about its work; `[worker]` of the configuration.
#[derive(Clone, Debug)]
pub struct Options {
    /// Attempts at once. Of each source, the registry says how many.
    pub limits: Limits,
    /// How long a claimed task stays claimed without a sign of life.
    pub lease: Duration,
    /// How often leases are renewed.
    pub heartbeat: Duration,
    /// How often an idle worker looks for work.
    pub poll: Duration,
    /// How long running attempts may take to end once the worker is to stop.
    pub grace: Duration,
    /// When a task is tried again.
    pub retry: RetryPolicy,
    /// How long what nothing else rests on is kept.
    pub retention: Retention,
    /// When a source whose upstream fails is left alone; never, if somebody waits for one job.
    pub circuit: Option<CircuitPolicy>,
}

impl Options {
    /// Of a worker that serves every job.
    pub fn of(config: &Config) -> Self {
        let worker = &config.worker;
        Self {
            limits: Limits::of(worker),
            lease: worker.lease,
            heartbeat: worker.heartbeat,
            poll: worker.poll,
            grace: worker.grace,
            retry: RetryPolicy {
                base: worker.retry.base,
                longest: worker.retry.max,
                confirm: worker.retry.confirm,
                ..RetryPolicy::default()
            },
            retention: config.retention.clone(),
            circuit: Some(CircuitPolicy::default()),
        }
    }

    /// Of a worker that runs one job while somebody waits.
    pub fn in_foreground(config: &Config) -> Self {
        let options = Self::of(config);
        let retry = RetryPolicy {
            patience: Some(FOREGROUND_PATIENCE),
            confirm: options.retry.confirm.min(FOREGROUND_CONFIRM),
            ..options.retry
        };
        Self { retry, circuit: None, ..options }
    }
}

/// Somebody is waiting: longer than an upstream's ban (ENTSO-E: ten minutes) nobody should.
const FOREGROUND_PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Longer than the passing emptiness of an upstream that was seen (22 seconds), and no longer than it must be.
const FOREGROUND_CONFIRM: Duration = Duration::from_secs(30);
