//! The eighteen things that went wrong with the system that Backfill replaces, each with the tests that show that it
//! can't happen here. This table is itself checked: a test that is renamed or removed is missed.

use std::{fs, path::Path};

/// What went wrong, and the tests: a file and a function in it.
const FAULTS: [(&str, &[(&str, &str)]); 18] = [
    (
        "1: two wind farms of one area overwrote each other",
        &[("src/store/tests/history.rs", "units_of_two_wind_farms_in_one_area_do_not_overwrite_each_other")],
    ),
    (
        "2: three attempts meant two, and the first wait was four minutes",
        &[
            ("src/domain/retry.rs", "three_attempts_mean_three_and_the_first_wait_is_one_minute"),
            ("src/store/tests/commits.rs", "three_attempts_mean_three"),
        ],
    ),
    (
        "3: cancel stopped nothing, and the cancelled job ended as completed",
        &[
            ("tests/service/cancelled.rs", "after_cancel_returns_nothing_is_asked_and_nothing_is_stored"),
            (
                "src/store/tests/jobs.rs",
                "after_a_cancel_no_row_is_written_and_the_job_has_failed_as_cancelled",
            ),
        ],
    ),
    (
        "4: retry started nothing, and a lost monitor left jobs open",
        &[
            (
                "src/store/tests/retries.rs",
                "a_retry_starts_what_failed_with_all_its_attempts_and_the_job_ends_again",
            ),
            ("src/store/tests/counters.rs", "counters_equal_a_recount_after_any_sequence_of_operations"),
        ],
    ),
    (
        "5: the high-priority queue could not be reached",
        &[
            ("src/store/tests/claims.rs", "high_priority_goes_first_and_nothing_starves"),
            ("src/cli/words.rs", "priorities_are_read_as_people_and_as_the_database_write_them"),
        ],
    ),
    (
        "6: the status showed tracebacks, anybody could cancel or delete any job, queued jobs could be deleted",
        &[
            (
                "tests/service/cancelled.rs",
                "a_queued_or_running_job_is_not_deleted_and_an_ended_one_leaves_its_measurements",
            ),
            ("tests/api/access.rs", "two_users_and_their_rights"),
            ("src/api/jobs/celery.rs", "every_status_has_a_state_of_the_former_system"),
        ],
    ),
    (
        "7: coverage assumed 24 values a day and counted others' rows",
        &[
            ("src/store/tests/known.rs", "coverage_is_time_of_the_unit_itself_however_many_values_a_day_has"),
            (
                "tests/api/availability.rs",
                "coverage_is_told_by_unit_source_and_month_with_the_cause_of_each_gap",
            ),
        ],
    ),
    (
        "8: success without records",
        &[(
            "src/store/tests/commits.rs",
            "a_success_without_records_is_refused_and_one_that_the_upstream_confirmed_is_empty",
        )],
    ),
    (
        "9: a passing emptiness was final",
        &[
            ("src/domain/retry.rs", "an_empty_answer_is_believed_only_when_it_is_given_again_a_while_later"),
            (
                "src/domain/coverage.rs",
                "an_empty_answer_settles_only_twice_a_day_apart_and_when_the_month_was_due",
            ),
            (
                "src/egress/tests/keeping.rs",
                "a_call_that_doubts_what_was_said_is_served_by_what_the_upstream_said_since",
            ),
        ],
    ),
    (
        "10: a missing constraint made every write fail and the jobs said success",
        &[
            ("src/store/tests/schema.rs", "measurements_are_finite_have_a_length_and_a_series"),
            ("src/store/tests/commits.rs", "a_commit_that_fails_in_the_middle_leaves_nothing_behind"),
        ],
    ),
    (
        "11: an inclusive end met an exclusive filter",
        &[("src/cli/job/create.rs", "a_range_is_of_years_months_or_days_and_its_end_is_included")],
    ),
    (
        "12: local times were stored as UTC",
        &[
            ("src/store/tests/views.rs", "clock_change_days_have_46_and_50_periods_and_others_48"),
            ("src/domain/month.rs", "a_taipei_month_starts_eight_hours_before_the_utc_one"),
        ],
    ),
    (
        "13: a failed batch poisoned the session, and later ones said OK",
        &[("src/store/tests/commits.rs", "a_commit_that_fails_in_the_middle_leaves_nothing_behind")],
    ),
    (
        "14: one trigger became nine imports",
        &[
            (
                "src/store/tests/twins.rs",
                "a_trigger_that_is_repeated_while_its_fetch_runs_makes_no_second_one",
            ),
            ("src/store/tests/twins.rs", "a_month_that_two_jobs_want_is_fetched_once_and_both_have_it"),
            ("src/store/tests/claims.rs", "eight_workers_at_once_never_hold_one_task_twice"),
        ],
    ),
    (
        "15: a new unit could not be filled alone",
        &[("tests/service/worked_off.rs", "a_new_unit_is_filled_alone")],
    ),
    (
        "16: connections died, held while waiting for the network",
        &[("tests/service/worked_off.rs", "nothing_is_held_in_the_database_while_sources_wait")],
    ),
    (
        "17: NaN, and monthly totals as hourly values",
        &[
            ("src/store/tests/schema.rs", "measurements_are_finite_have_a_length_and_a_series"),
            ("src/domain/validate.rs", "energy_is_judged_as_the_power_that_it_means"),
        ],
    ),
    (
        "18: a snapshot upstream was polled by an unreliable timer",
        &[
            ("src/domain/schedule/mod.rs", "missed_firings_are_made_up_for_by_one_that_tells_of_them"),
            ("src/store/tests/schedules.rs", "a_host_that_died_between_finding_and_firing_has_fired_nothing"),
        ],
    ),
];

#[test]
fn every_fault_of_the_former_system_has_its_tests() {
    let host = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (number, (fault, tests)) in FAULTS.iter().enumerate() {
        assert!(fault.starts_with(&format!("{}: ", number + 1)));
        for (file, function) in *tests {
            let text = fs::read_to_string(host.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(runs(&text, function), "fault {fault}: {file} has no test {function} that runs");
        }
    }
}

/// Whether a file has a test of this name, which is neither commented out nor left out.
fn runs(text: &str, function: &str) -> bool {
    let lines: Vec<_> = text.lines().map(str::trim_start).collect();
    let (plain, waiting) = (format!("fn {function}("), format!("async fn {function}("));
    lines.iter().enumerate().any(|(at, line)| {
        if !line.starts_with(&plain) && !line.starts_with(&waiting) {
            return false;
        }
        // Its attributes and comments stand right before it, after the end of what comes before.
        let above = lines[..at].iter().rev().take_while(|line| !line.is_empty() && **line != "}");
        let attributes: Vec<_> = above.filter(|line| line.starts_with("#[")).collect();
        let is_test = |line: &&&str| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        let left_out = |line: &&&str| line.contains("ignore") || line.starts_with("#[cfg");
        attributes.iter().any(is_test) && !attributes.iter().any(left_out)
    })
}

#[test]
fn a_test_that_is_commented_out_or_left_out_shows_nothing() {
    let shown = "    #[test]\n    fn it_holds() {";
    assert!(runs(shown, "it_holds"));
    assert!(runs("#[tokio::test(flavor = \"multi_thread\")]\n// Why.\nasync fn it_holds() {", "it_holds"));
    for nothing in [
        "// #[test]\n// fn it_holds() {",
        "fn it_holds() {",
        "#[test]\n#[ignore = \"slow\"]\nfn it_holds() {",
        "#[ignore]\n#[test]\nfn it_holds() {",
        "#[test]\nfn another() {\n}\nfn it_holds() {",
        "#[test]\nfn it_holds_no_more() {",
    ] {
        assert!(!runs(nothing, "it_holds"), "{nothing}");
    }
}
