use chrono::NaiveDate;

use super::{World, at, error, hours, month, power, window};
use crate::{
    domain::{
        Calendar, EmptyConfirmation, FailureCase, Known, PlanUnit, PlannedTask, Priority, Quantity, Range,
        Series, Verdict, Window,
    },
    store::{AttemptReport, Ending, UnitChange},
};

const DAY: i64 = 86_400;

fn unit(unit_id: i64) -> PlanUnit {
    PlanUnit {
        unit_id,
        source: "s".to_owned(),
        calendar: Calendar { zone: chrono_tz::UTC, first_month: None, publication_lag_days: 5 },
        refused: None,
    }
}

fn months(first: usize, last: usize) -> Range {
    Range::of_months(month(first), month(last)).unwrap()
}

/// From a day of January 2023 to a day of February.
fn days(first: u32, last: u32) -> Range {
    let day = |month, day| NaiveDate::from_ymd_opt(2023, month, day).unwrap();
    Range::of_dates(day(1, first), day(2, last)).unwrap()
}

async fn known(world: &World, unit_id: i64, range: Range, index: usize) -> Known {
    world.store.known(&[unit(unit_id)], range).await.unwrap().remove(&(unit_id, month(index))).unwrap()
}

#[tokio::test]
async fn every_unit_and_month_is_known_by_the_seconds_that_are_stored_of_it() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a"), ("s", "b")]).await;
        world.fill(windfarm, units[0], &[(0, 3600, 1.0), (3600, 900, 2.0)], at(1)).await;
        let known = world.store.known(&[unit(units[0]), unit(units[1])], months(0, 2)).await.unwrap();
        assert_eq!(known.len(), 2 * 3);
        let covered = |unit: usize, index| known[&(units[unit], month(index))].covered;
        assert_eq!([covered(0, 0), covered(0, 1), covered(1, 0)], [4500, 0, 0]);
        assert_eq!(known[&(units[1], month(2))], Known::default());
    }
}

#[tokio::test]
async fn coverage_is_time_of_the_unit_itself_however_many_values_a_day_has() {
    for world in World::on_both().await {
        let (north, a) = world.windfarm("north", &[("s", "a")]).await;
        let (south, b) = world.windfarm("south", &[("s", "b"), ("s", "c")]).await;
        // 96 values a day, all of it; and 24 values a day that are a quarter of an hour each.
        let quarters: Vec<_> = (0..31 * 96).map(|quarter| (quarter * 900, 900, 1.0)).collect();
        world.fill(north, a[0], &quarters, at(1)).await;
        let sparse: Vec<_> = (0..31 * 24).map(|hour| (hour * 3600, 900, 1.0)).collect();
        world.fill(south, b[0], &sparse, at(2)).await;
        let covered = async |unit| known(&world, unit, months(0, 0), 0).await.covered;
        assert_eq!([covered(a[0]).await, covered(b[0]).await], [31 * DAY, 31 * DAY / 4]);
        assert_eq!(covered(b[1]).await, 0, "what others of its wind farm and its source have is not its own");

        // The same month by the hour takes their place: nothing counts twice, so that nothing need be capped.
        let hours: Vec<_> = (0..31 * 24).map(|hour| (hour * 3600, 3600, 1.0)).collect();
        world.fill(north, a[0], &hours, at(3)).await;
        assert_eq!(covered(a[0]).await, 31 * DAY);
        world.fill(south, b[0], &hours, at(4)).await;
        assert_eq!(covered(b[0]).await, 31 * DAY, "24 values a day, if they are hours, are all of it too");
    }
}

#[tokio::test]
async fn a_series_without_rows_in_the_month_still_says_what_counts() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        world.job_of(windfarm, &units, 2, Priority::Default, at(0)).await;
        let january = world.one("w", at(1)).await;
        world.write(&january, hours(&january, 744, 1.0), at(2)).await;
        let february = world.one("w", at(3)).await;
        let schedule: Vec<Series> = hours(&february, 672, 1.0)
            .into_iter()
            .map(|series| Series { kind: "notified".to_owned(), ..series })
            .collect();
        world.write(&february, schedule, at(4)).await;
        assert_eq!(known(&world, units[0], months(0, 1), 0).await.covered, 31 * DAY);
        assert_eq!(known(&world, units[0], months(0, 1), 1).await.covered, 0, "a schedule is no meter");
    }
}

#[tokio::test]
async fn of_a_month_that_the_range_cuts_the_rows_are_counted_and_parts_of_rows_too() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        world.job_of(windfarm, &units, 2, Priority::Default, at(0)).await;
        let claims = world.claim("w", 2, at(1)).await;
        // Two days that reach over the 20th of January, and the first ten days of February hour by hour.
        let start = claims[0].window.start;
        let over = vec![power(&[(start + 18 * DAY, 2 * DAY as u32, 1.0), (start + 20 * DAY, 3600, 1.0)])];
        world.write(&claims[0], over, at(2)).await;
        world.write(&claims[1], hours(&claims[1], 240, 1.0), at(2)).await;
        let covered =
            async |first, last, index| known(&world, units[0], days(first, last), index).await.covered;
        assert_eq!(covered(20, 10, 0).await, DAY + 3600, "the second of the two days, and an hour");
        assert_eq!(covered(21, 10, 0).await, 3600);
        assert_eq!(covered(22, 10, 0).await, 0);
        assert_eq!(covered(19, 10, 0).await, 2 * DAY + 3600);
        assert_eq!([covered(20, 10, 1).await, covered(20, 9, 1).await], [10 * DAY, 9 * DAY]);
        assert_eq!(covered(20, 11, 1).await, 10 * DAY);

        let one = Range::of_dates(day(19), day(19)).unwrap();
        assert_eq!(known(&world, units[0], one, 0).await.covered, DAY, "a row longer than the window");
    }
}

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2023, 1, day).unwrap()
}

#[tokio::test]
async fn a_monthly_value_covers_every_part_of_its_month() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        world.job_of(windfarm, &units, 1, Priority::Default, at(0)).await;
        let claim = world.one("w", at(1)).await;
        let mut monthly = power(&[(claim.window.start, 31 * DAY as u32, 9.0)]);
        monthly.quantity = Quantity::Energy;
        world.write(&claim, vec![monthly], at(2)).await;
        let part = Range::of_dates(day(10), day(12)).unwrap();
        assert_eq!(known(&world, units[0], part, 0).await.covered, 3 * DAY);
    }
}

#[tokio::test]
async fn an_empty_month_is_known_by_the_first_and_the_last_time_that_it_was_said() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        for now in [at(10), at(10 + DAY)] {
            world.job_of(windfarm, &units, 1, Priority::Default, now).await;
            let claim = world.one("w", now).await;
            world.finish(&claim, Ending::Empty("nothing"), now).await.unwrap();
        }
        let empty = Some(EmptyConfirmation { first_at: at(10), last_at: at(10 + DAY) });
        assert_eq!(known(&world, units[0], months(0, 0), 0).await.empty, empty);
        assert_eq!(known(&world, units[0], days(3, 4), 0).await.empty, empty, "nor is there a part of it");

        // Who asks for a part of the month learns nothing of all of it.
        let part = Window { start: window(month(0)).start, end: window(month(0)).start + DAY };
        let task = PlannedTask {
            unit_id: units[0],
            source: "s".to_owned(),
            month: month(0),
            window: part,
            verdict: Verdict::Fetch,
        };
        world.create(windfarm, &[task], Priority::Default, at(20 + DAY)).await.unwrap();
        let claim = world.one("w", at(21 + DAY)).await;
        let report = AttemptReport { month: Some(window(month(0))), ..AttemptReport::default() };
        world.store.finish(&claim, Ending::Empty("nothing"), &report, at(22 + DAY)).await.unwrap();
        assert_eq!(known(&world, units[0], months(0, 0), 0).await.empty, None);
    }
}

#[tokio::test]
async fn a_failure_is_known_until_the_unit_is_changed() {
    for world in World::on_both().await {
        let job = world.job(1).await;
        let claim = world.one("w", at(1)).await;
        world.finish(&claim, Ending::Failed(error("not-available", "never")), at(2)).await.unwrap();
        assert_eq!(world.store.job(job).await.unwrap().failed_tasks, 1);
        let failed = async || known(&world, claim.unit_id, months(0, 0), 0).await.failed;
        assert_eq!(failed().await, Some(FailureCase::NotAvailable));
        let rename = UnitChange { name: Some("mended".to_owned()), ..UnitChange::default() };
        world.store.change_unit(claim.unit_id, &rename, || at(3)).await.unwrap();
        assert_eq!(failed().await, None);
    }
}

#[tokio::test]
async fn an_attempt_that_began_before_the_unit_was_changed_says_nothing_of_it_as_it_is_now() {
    for world in World::on_both().await {
        world.job(1).await;
        let claim = world.one("w", at(1)).await;
        let rename = UnitChange { name: Some("mended".to_owned()), ..UnitChange::default() };
        world.store.change_unit(claim.unit_id, &rename, || at(2)).await.unwrap();
        world.finish(&claim, Ending::Failed(error("invalid-unit", "none")), at(3)).await.unwrap();
        assert_eq!(known(&world, claim.unit_id, months(0, 0), 0).await.failed, None);
    }
}

#[tokio::test]
async fn what_other_jobs_are_about_to_fetch_is_known_unless_they_are_paused() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        let job = world.job_of(windfarm, &units, 2, Priority::Default, at(0)).await;
        let claim = world.one("w", at(1)).await;
        assert_eq!(known(&world, units[0], months(0, 1), 0).await.in_flight, [claim.window], "it runs");
        assert_eq!(known(&world, units[0], months(0, 1), 1).await.in_flight, [window(month(1))], "it waits");
        world.store.pause_job(job, at(2)).await.unwrap();
        assert_eq!(known(&world, units[0], months(1, 1), 1).await.in_flight, []);
        world.store.resume_job(job, at(3)).await.unwrap();
        world.finish(&claim, Ending::Empty("nothing"), at(4)).await.unwrap();
        assert_eq!(known(&world, units[0], months(0, 1), 0).await.in_flight, []);
    }
}
