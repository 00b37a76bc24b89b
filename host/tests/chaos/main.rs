//! Worker processes on one Postgres, disturbed: killed, stopped past their leases, their database restarted under
//! them. Whatever happens when, the history is that of a run that nobody disturbed, and no limit is exceeded.
//!
//! `make test` runs a short version; `make chaos` the long one, with at least 200 disturbances of two and of four
//! workers. `BACKFILL_CHAOS=long` chooses it, `BACKFILL_CHAOS_SEED` repeats a run's choices (not its timing, which
//! is the machine's).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail like tests")]

#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/mod.rs"]
mod support;

mod cluster;
mod disturb;
mod effect;
mod killed;
mod limits;
mod observed;
mod restarted;
mod rows;
mod worker;
mod workload;

use rand::{SeedableRng, rngs::StdRng};
use tokio::sync::{Mutex, MutexGuard};

/// How much: `BACKFILL_CHAOS=long`, or the short version.
fn is_long() -> bool {
    std::env::var("BACKFILL_CHAOS").is_ok_and(|size| size == "long")
}

/// Choices of a run, by a seed that is shown if it fails.
fn random() -> StdRng {
    let seed = std::env::var("BACKFILL_CHAOS_SEED").ok().map(|seed| seed.parse().expect("a number"));
    let seed: u64 = seed.unwrap_or_else(rand::random);
    println!("BACKFILL_CHAOS_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// The machine is each test's alone: a lease of two seconds is lost where four tests share two cores.
async fn alone() -> MutexGuard<'static, ()> {
    static MACHINE: Mutex<()> = Mutex::const_new(());
    MACHINE.lock().await
}
