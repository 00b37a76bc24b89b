//! Weather out of a hash: smooth, repeatable, and the same on every machine.

use std::f64::consts::TAU;

use chrono::{DateTime, Datelike, Timelike, Utc};

/// FNV-1a with a final mix (that of SplitMix64), so that near keys give far hashes.
pub(crate) fn hash(key: &str, number: i64) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for byte in key.bytes().chain(number.to_le_bytes()) {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

/// Uniform in `[0, 1)`.
pub(crate) fn unit(key: &str, number: i64) -> f64 {
    (hash(key, number) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Value noise in `[0, 1)`: random at every multiple of `period` seconds, a smooth curve between.
fn smooth(key: &str, seconds: i64, period: i64) -> f64 {
    let cell = seconds.div_euclid(period);
    let along = seconds.rem_euclid(period) as f64 / period as f64;
    let (left, right) = (unit(key, cell), unit(key, cell + 1));
    left + (right - left) * along * along * (3.0 - 2.0 * along)
}

/// Share of the year gone, in `[0, 1]`.
fn season(at: DateTime<Utc>) -> f64 {
    f64::from(at.ordinal0()) / 365.25
}

/// Output of a wind unit as a share of its capacity, in `[0, 1]`. Units of one `region` see the same
/// weather systems; gusts and the afternoon breeze are their own. Windier in the northern winter.
/// Calms (0) and full load (1) both last for hours.
pub(crate) fn wind(region: &str, name: &str, at: DateTime<Utc>) -> f64 {
    let seconds = at.timestamp();
    let system = smooth(region, seconds, 3 * 86_400);
    let front = smooth(region, seconds, 7 * 3600);
    let gust = smooth(name, seconds, 40 * 60);
    let hour = f64::from(at.hour()) + f64::from(at.minute()) / 60.0;
    let breeze = 0.04 * (TAU * (hour - 15.0) / 24.0).cos();
    let winter = 0.08 * (TAU * (season(at) - 0.04)).cos();
    let speed = 0.55 * system + 0.3 * front + 0.15 * gust + breeze + winter;
    // The power curve: nothing below the cut-in speed, all from the rated speed on.
    ((speed - 0.25) / 0.45).clamp(0.0, 1.0).powf(1.5)
}

/// Output of a solar unit as a share of its capacity, in `[0, 1]`: 0 at night. `noon_utc` is the hour
/// of the day, UTC, at which the sun stands highest.
pub(crate) fn solar(region: &str, name: &str, noon_utc: f64, at: DateTime<Utc>) -> f64 {
    let hour = f64::from(at.hour()) + f64::from(at.minute()) / 60.0;
    let from_noon = (hour - noon_utc + 36.0).rem_euclid(24.0) - 12.0;
    let summer = -(TAU * (season(at) + 0.03)).cos();
    let half_day = 6.0 + 2.0 * summer;
    if from_noon.abs() >= half_day {
        return 0.0;
    }
    let height = (from_noon / half_day * TAU / 4.0).cos() * (0.75 + 0.25 * summer);
    let cloud = 0.7 * smooth(region, at.timestamp(), 86_400 / 2) + 0.3 * smooth(name, at.timestamp(), 1800);
    (height * (1.0 - 0.7 * cloud)).clamp(0.0, 1.0)
}

/// Output of a thermal or hydro unit as a share of its capacity, in `[0.3, 1]`.
pub(crate) fn steady(name: &str, at: DateTime<Utc>) -> f64 {
    0.3 + 0.7 * smooth(name, at.timestamp(), 9 * 3600)
}
