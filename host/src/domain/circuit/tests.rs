use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::domain::{Failure, Setback};

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn at(seconds: i64) -> DateTime<Utc> {
    NOW + TimeDelta::seconds(seconds)
}

/// Hears the same a number of times in a row.
fn hears(circuit: Circuit, heard: Heard<'_>, times: u32, now: DateTime<Utc>) -> Circuit {
    (0..times).fold(circuit, |circuit, _| circuit.after(heard, &CircuitPolicy::default(), now))
}

const FAILURE: Heard<'_> = Heard::Failure("503");

#[test]
fn the_fifth_failure_in_a_row_opens_it_for_a_minute_and_an_answer_starts_the_count_anew() {
    let four = hears(Circuit::default(), FAILURE, 4, NOW);
    assert_eq!(four.admits(NOW), Admission::Closed);
    let answered = hears(four.clone(), Heard::Answer, 1, NOW);
    assert_eq!(answered, Circuit::default());
    assert_eq!(hears(answered, FAILURE, 4, NOW).admits(NOW), Admission::Closed);
    let five = hears(four, FAILURE, 1, NOW);
    assert_eq!(five.admits(NOW), Admission::OpenUntil(at(60)));
    assert_eq!(five.admits(at(59)), Admission::OpenUntil(at(60)));
    assert_eq!(five.admits(at(60)), Admission::HalfOpen);
    assert_eq!(five.cause.unwrap(), "5 failures in a row, the last: 503; it is tried again by itself");
}

#[test]
fn each_trial_that_fails_doubles_the_time_up_to_half_an_hour() {
    let policy = CircuitPolicy::default();
    let mut circuit = hears(Circuit::default(), FAILURE, 5, NOW);
    let mut minutes = Vec::new();
    let mut now = NOW;
    for _ in 0..8 {
        let Admission::OpenUntil(until) = circuit.admits(now) else { panic!("{circuit:?}") };
        minutes.push((until - now).num_minutes());
        now = until;
        circuit = circuit.trying(&policy, now).after(FAILURE, &policy, now);
    }
    assert_eq!(minutes, [1, 2, 4, 8, 16, 30, 30, 30]);
    let mended = circuit.after(Heard::Answer, &policy, now);
    assert_eq!(mended, Circuit::default());
}

#[test]
fn half_open_lets_one_task_through_and_another_only_if_nothing_is_heard_of_it() {
    let policy = CircuitPolicy::default();
    let open = hears(Circuit::default(), FAILURE, 5, NOW);
    let trying = open.trying(&policy, at(60));
    assert_eq!(trying.admits(at(60)), Admission::OpenUntil(at(120)));
    assert_eq!(trying.clone().after(Heard::Nothing, &policy, at(61)), trying);
    assert_eq!(trying.admits(at(120)), Admission::HalfOpen);
    assert_eq!(trying.after(Heard::Answer, &policy, at(61)).admits(at(61)), Admission::Closed);
}

#[test]
fn tasks_that_were_running_when_it_opened_do_not_open_it_for_longer() {
    let open = hears(Circuit::default(), FAILURE, 5, NOW);
    let later = hears(open.clone(), FAILURE, 20, at(5));
    assert_eq!((later.open_until, later.opened_count), (open.open_until, 1));
    // Nor do they spoil the time between its end and the trial.
    assert_eq!(hears(later, FAILURE, 1, at(61)).admits(at(61)), Admission::HalfOpen);
}

#[test]
fn a_refused_credential_opens_it_at_once_for_an_hour_and_says_what_to_do() {
    let refused = hears(Circuit::default(), Heard::Refusal("401"), 1, NOW);
    assert_eq!(refused.admits(NOW), Admission::OpenUntil(at(3600)));
    let cause = refused.cause.clone().unwrap();
    assert!(cause.starts_with("credential refused (401); mend"), "{cause}");
    let others = hears(refused.clone(), Heard::Refusal("401"), 5, at(1));
    assert_eq!((others.opened_count, others.open_until), (1, Some(at(3601))));
    assert_eq!(hears(refused, FAILURE, 9, at(2)).open_until, Some(at(3600)));
    let worse = hears(hears(Circuit::default(), FAILURE, 5, NOW), Heard::Refusal("401"), 1, NOW);
    assert_eq!(worse.open_until, Some(at(3600)));
}

#[test]
fn what_each_setback_says_of_the_upstream() {
    let text = String::new;
    for (failure, expected) in [
        (Failure::NoData(text()), Heard::Answer),
        (Failure::NotYetPublished(text()), Heard::Nothing),
        (Failure::NotAvailable(text()), Heard::Nothing),
        (Failure::InvalidUnit(text()), Heard::Nothing),
        (Failure::Unauthorized(text()), Heard::Refusal("m")),
        (Failure::RateLimited(None), Heard::Nothing),
        (Failure::Unavailable(text()), Heard::Failure("m")),
        (Failure::Malformed(text()), Heard::Failure("m")),
    ] {
        assert_eq!(Heard::of_setback(Setback::Failure(&failure), "m", true), expected, "{failure}");
    }
    for (setback, expected) in [
        (Setback::Crash, Heard::Failure("m")),
        (Setback::Timeout, Heard::Failure("m")),
        (Setback::Host, Heard::Nothing),
    ] {
        assert_eq!(Heard::of_setback(setback, "m", true), expected, "{setback:?}");
    }
}

#[test]
fn kept_answers_say_nothing_of_the_upstream() {
    assert_eq!([true, false].map(Heard::of_records), [Heard::Answer, Heard::Nothing]);
    let empty = Failure::NoData(String::new());
    assert_eq!(Heard::of_setback(Setback::Failure(&empty), "", false), Heard::Nothing);
}

/// Something heard, or a task let through where one may be; and how many seconds later.
fn any_step() -> impl Strategy<Value = (Option<Heard<'static>>, i64)> {
    let heard = prop_oneof![
        4 => Just(Some(FAILURE)),
        1 => Just(Some(Heard::Answer)),
        1 => Just(Some(Heard::Refusal("401"))),
        1 => Just(Some(Heard::Nothing)),
        3 => Just(None),
    ];
    (heard, 0..900i64)
}

proptest! {
    #[test]
    fn whatever_is_heard_it_admits_again_within_its_longest_time_and_an_answer_closes_it(
        steps in prop::collection::vec(any_step(), 0..60),
        failures in 1..8u32,
    ) {
        let policy = CircuitPolicy { failures, ..CircuitPolicy::default() };
        let (mut circuit, mut now, mut in_row, mut refused) = (Circuit::default(), NOW, 0, false);
        for (heard, seconds) in steps {
            now += TimeDelta::seconds(seconds);
            let before = circuit.admits(now);
            match heard {
                Some(heard) => circuit = circuit.after(heard, &policy, now),
                None if before == Admission::HalfOpen => circuit = circuit.trying(&policy, now),
                None => {}
            }
            match heard {
                Some(Heard::Answer) => (in_row, refused) = (0, false),
                Some(Heard::Failure(_)) => in_row += 1,
                Some(Heard::Refusal(_)) => refused = true,
                Some(Heard::Nothing) | None => {}
            }
            let closed = circuit.admits(now) == Admission::Closed;
            prop_assert_eq!(closed, in_row < failures && !refused, "{:?}", circuit);
            prop_assert_eq!(closed, circuit.cause.is_none());
            let patience = now + TimeDelta::from_std(policy.refused).unwrap();
            prop_assert!(!matches!(circuit.admits(patience), Admission::OpenUntil(_)), "{:?}", circuit);
            if before == Admission::HalfOpen && heard.is_none() {
                prop_assert!(matches!(circuit.admits(now), Admission::OpenUntil(_)), "one on trial at a time");
            }
            prop_assert_eq!(circuit.clone().after(Heard::Answer, &policy, now), Circuit::default());
        }
    }
}
