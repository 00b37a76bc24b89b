use super::{World, at, checked, error, hours, month, window};
use crate::{
    domain::{AskedOutcome, Month, Priority, TaskStatus},
    store::{AttemptReport, Ending, Holdings, Instant},
};

fn span(_: i64, month: Month) -> (i64, i64) {
    let window = window(month);
    (window.start, window.end)
}

async fn holdings(world: &World, windfarm: i64) -> Holdings {
    world.store.holdings(windfarm, month(0), month(11), span).await.unwrap()
}

#[tokio::test]
async fn what_is_held_of_a_wind_farm_is_its_own_and_says_what_asking_came_to() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        // Another wind farm's rows are no rows of this one.
        let (other, others) = world.windfarm("other", &[("s", "b")]).await;
        world.fill(other, others[0], &[(0, 3600, 1.0)], at(0)).await;
        let unit = units[0];
        assert_eq!(world.store.known_months(windfarm).await.unwrap(), None);
        world.job_of(windfarm, &units, 6, Priority::Default, at(0)).await;
        assert_eq!(world.store.known_months(windfarm).await.unwrap(), Some((month(0), month(5))));
        let claims = world.claim("w", 5, at(1)).await;
        world.write(&claims[0], hours(&claims[0], 744, 1.0), at(2)).await;
        world.finish(&claims[1], Ending::Empty("nothing there"), at(3)).await.unwrap();
        let failure = error("invalid-unit", "no such unit");
        world.finish(&claims[2], Ending::Failed(failure), at(4)).await.unwrap();
        let later = error("not-yet-published", "in May");
        world.finish(&claims[3], Ending::Release(Some(at(999).into()), later), at(5)).await.unwrap();

        let held = holdings(&world, windfarm).await;
        assert_eq!(held.series.len(), 1);
        let series = &held.series[&unit][0];
        assert_eq!((series.kind.as_str(), series.months[&month(0)]), ("generation", (744, 31 * 86_400)));
        let asked = |index| {
            let asked = &held.asked[&(unit, month(index))];
            (asked.asking.outcome, asked.error_code.as_deref(), asked.asking.whole)
        };
        assert_eq!(asked(0), (AskedOutcome::Written, None, true));
        assert_eq!(asked(1), (AskedOutcome::Empty, Some("no-data"), true));
        assert_eq!(asked(2), (AskedOutcome::Failed, Some("invalid-unit"), true));
        assert_eq!(asked(3), (AskedOutcome::Waiting, Some("not-yet-published"), true));
        assert!(!held.asked.contains_key(&(unit, month(4))));
        let open = |index| held.open.get(&(unit, month(index))).map(|task| (task.status, task.run_after));
        assert_eq!(open(0), None);
        assert_eq!(open(3), Some((TaskStatus::Pending, Some(Instant::from(at(999))))));
        assert_eq!(open(4), Some((TaskStatus::InProgress, None)));
        assert_eq!(open(5), Some((TaskStatus::Pending, None)));
        let held = world.store.holdings(windfarm, month(1), month(1), span).await.unwrap();
        assert_eq!((held.asked.len(), held.open.len(), held.series[&unit][0].months.len()), (1, 0, 0));
    }
}

#[tokio::test]
async fn a_task_that_asked_for_a_part_of_the_month_is_told_from_one_that_asked_for_all() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        world.job_of(windfarm, &units, 1, Priority::Default, at(0)).await;
        world.sql("UPDATE backfill_tasks SET end_date = @1673000000 WHERE id = 1").await.unwrap();
        let claim = world.one("w", at(1)).await;
        let validated = checked(&claim, hours(&claim, 10, 1.0));
        let report = AttemptReport { month: Some(window(month(0))), ..AttemptReport::default() };
        world.store.finish(&claim, Ending::Records(&validated), &report, at(2)).await.unwrap();
        let held = holdings(&world, windfarm).await;
        assert!(!held.asked[&(units[0], month(0))].asking.whole);
        world.store.delete_job(1, at(3)).await.unwrap();
        let held = holdings(&world, windfarm).await;
        assert!(held.asked[&(units[0], month(0))].asking.whole, "nothing is known of its span any more");
    }
}

#[tokio::test]
async fn tasks_of_paused_jobs_fetch_nothing() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        world.job_of(windfarm, &units, 1, Priority::Default, at(0)).await;
        assert_eq!(holdings(&world, windfarm).await.open.len(), 1);
        world.store.pause_job(1, at(1)).await.unwrap();
        assert_eq!(holdings(&world, windfarm).await.open.len(), 0);
    }
}

#[tokio::test]
async fn units_that_are_not_active_are_shown_too() {
    for world in World::on_both().await {
        let (windfarm, _) = world.windfarm("farm", &[("s", "a"), ("s", "b")]).await;
        world.sql("UPDATE generation_units SET active = (1 = 0) WHERE code = 'a'").await.unwrap();
        let all = world.store.all_units(windfarm).await.unwrap();
        let all: Vec<_> = all.iter().map(|unit| (unit.unit.code.as_str(), unit.active)).collect();
        assert_eq!(all, [("a", false), ("b", true)]);
    }
}
