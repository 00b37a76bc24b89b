//! Checks of months that calendars make special: Februaries, changes of clocks, the first month of all.

use chrono_tz::Tz;

use super::{
    Found,
    bench::{Bench, Subject, month},
    failures::ends_in,
    months::{NOTHING, exact},
};
use crate::domain::{Month, Window};

pub(super) async fn leap_february(bench: &Bench) -> Found {
    a_february(bench, true).await
}

pub(super) async fn february(bench: &Bench) -> Found {
    a_february(bench, false).await
}

async fn a_february(bench: &Bench, leap: bool) -> Found {
    let mut evidence = Vec::new();
    for subject in &bench.subjects {
        let is_wanted = |year: &u16| (year.is_multiple_of(4)) == leap;
        let year = (subject.years().0..).find(is_wanted).unwrap_or(2024);
        evidence.extend(exact(bench, &bench.ask(subject, month(year, 2))).await);
    }
    Found::Evidence(evidence)
}

pub(super) async fn london(bench: &Bench) -> Found {
    clocks_change(bench, Tz::Europe__London, [3, 4, 10, 11]).await
}

pub(super) async fn new_york(bench: &Bench) -> Found {
    clocks_change(bench, Tz::America__New_York, [3, 4, 10, 11]).await
}

pub(super) async fn lord_howe(bench: &Bench) -> Found {
    clocks_change(bench, Tz::Australia__Lord_Howe, [4, 5, 10, 11]).await
}

/// The months around a zone's changes: whole, and the part of each that is the same month by the zone's calendar.
async fn clocks_change(bench: &Bench, zone: Tz, numbers: [u8; 4]) -> Found {
    let mut evidence = Vec::new();
    for subject in &bench.subjects {
        for number in numbers {
            let mut ask = bench.ask(subject, month(subject.years().1, number));
            let (whole, theirs) = (ask.window, ask.month.window(zone));
            evidence.extend(exact(bench, &ask).await);
            let part = Window { start: whole.start.max(theirs.start), end: whole.end.min(theirs.end) };
            if part != whole {
                ask.window = part;
                evidence.extend(exact(bench, &ask).await);
            }
        }
    }
    Found::Evidence(evidence)
}

pub(super) async fn first(bench: &Bench) -> Found {
    let mut evidence = Vec::new();
    let mut judged = false;
    for subject in &bench.subjects {
        let Some(first) = subject.first else { continue };
        judged = true;
        evidence.extend(exact(bench, &bench.ask(subject, first)).await);
        if let Some(before) = before(first) {
            evidence.extend(nothing_in(bench, subject, before).await);
        }
    }
    if judged {
        Found::Evidence(evidence)
    } else {
        Found::Skipped("describe names no first-month, and no series of upstream.toml a `since`".to_owned())
    }
}

async fn nothing_in(bench: &Bench, subject: &Subject, month: Month) -> Option<String> {
    let call = bench.fetch(&bench.ask(subject, month)).await;
    ends_in(&call, &NOTHING)
}

fn before(month: Month) -> Option<Month> {
    let (year, number) = (month.year(), month.number());
    if number > 1 { Month::new(year, number - 1).ok() } else { Month::new(year.checked_sub(1)?, 12).ok() }
}
