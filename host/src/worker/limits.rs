//! How many attempts may run at once. It can be changed while a worker works; clones follow.

use std::sync::{Arc, Mutex, PoisonError};

use crate::config;

/// Attempts at once, of all sources together.
#[derive(Clone, Debug)]
pub struct Limits(Arc<Mutex<AtOnce>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AtOnce {
    here: usize,
    in_total: Option<u32>,
}

impl Limits {
    /// As `[worker]` says.
    pub fn of(config: &config::Worker) -> Self {
        Self(Arc::new(Mutex::new(AtOnce::of(config))))
    }

    /// From now on as `[worker]` says; true if that is another limit than before.
    pub fn follow(&self, config: &config::Worker) -> bool {
        let (before, after) = (self.now(), AtOnce::of(config));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = after;
        before != after
    }

    /// In this process.
    pub fn at_once(&self) -> usize {
        self.now().here
    }

    /// Over all workers, if that is bounded.
    pub fn in_total(&self) -> Option<u32> {
        self.now().in_total
    }

    fn now(&self) -> AtOnce {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AtOnce {
    const fn of(config: &config::Worker) -> Self {
        Self { here: config.concurrency as usize, in_total: config.total_concurrency }
    }
}
