//! Value and reference by turns.

use std::time::Duration;

/// Runs two measurements by turns, `turns` times, and gives the best of each.
pub(crate) async fn best(
    turns: usize,
    mut value: impl AsyncFnMut() -> anyhow::Result<Duration>,
    mut reference: impl AsyncFnMut() -> anyhow::Result<Duration>,
) -> anyhow::Result<(Duration, Duration)> {
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..turns {
        best.1 = best.1.min(reference().await?);
        best.0 = best.0.min(value().await?);
    }
    Ok(best)
}

/// Milliseconds.
pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// `count` a second.
pub(crate) fn rate(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
