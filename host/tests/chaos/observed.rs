//! What an upstream sees of those who ask it.

use chrono::{DateTime, TimeDelta, Utc};

/// The most instants in any window of this width, its end left out.
pub(crate) fn most_in_a_window(instants: &[DateTime<Utc>], width: TimeDelta) -> usize {
    let mut instants = instants.to_vec();
    instants.sort_unstable();
    let from =
        |first: usize| instants[first..].iter().take_while(|at| **at - instants[first] < width).count();
    (0..instants.len()).map(from).max().unwrap_or_default()
}

/// The most spans under way at once; one that begins when another ends is not beside it.
pub(crate) fn most_at_once(spans: &[(DateTime<Utc>, DateTime<Utc>)]) -> usize {
    let mut steps: Vec<_> = spans.iter().flat_map(|(begin, end)| [(*begin, 1), (*end, -1)]).collect();
    steps.sort_unstable();
    let under_way = steps.iter().scan(0_i64, |now, (_, step)| {
        *now += step;
        Some(*now)
    });
    under_way.max().unwrap_or_default().unsigned_abs() as usize
}

#[test]
fn windows_and_spans_are_counted_to_the_instant() {
    let at = |milliseconds| DateTime::from_timestamp_millis(milliseconds).unwrap();
    let instants = [at(2500), at(0), at(1000), at(500), at(1400)];
    assert_eq!(most_in_a_window(&instants, TimeDelta::seconds(1)), 3, "500, 1000, 1400");
    assert_eq!(most_in_a_window(&[at(0), at(1000)], TimeDelta::seconds(1)), 1);
    assert_eq!(most_in_a_window(&[], TimeDelta::seconds(1)), 0);
    assert_eq!(most_at_once(&[(at(0), at(5)), (at(5), at(9)), (at(4), at(6))]), 2);
    assert_eq!(most_at_once(&[(at(0), at(5)), (at(5), at(9))]), 1);
    assert_eq!(most_at_once(&[(at(0), at(9)), (at(1), at(2)), (at(3), at(4))]), 2);
}
