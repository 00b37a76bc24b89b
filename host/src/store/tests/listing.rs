use super::{World, at, month, window};
use crate::{
    domain::{JobStatus, PlannedTask, Priority, Verdict},
    store::{JobFilter, JobPage, LONGEST_PAGE},
};

fn ids(page: &JobPage) -> Vec<i64> {
    page.jobs.iter().map(|job| job.id).collect()
}

fn task(unit_id: i64, source: &str) -> PlannedTask {
    PlannedTask {
        unit_id,
        source: source.to_owned(),
        month: month(0),
        window: window(month(0)),
        verdict: Verdict::Fetch,
    }
}

#[tokio::test]
async fn jobs_are_listed_newest_first_and_every_filter_narrows_page_and_total() {
    for world in World::on_both().await {
        let (north, n) = world.windfarm("north", &[("s", "a"), ("t", "b")]).await;
        let (south, _) = world.windfarm("south", &[("s", "c")]).await;
        let make = async |windfarm, unit, source, now| {
            world.create(windfarm, &[task(unit, source)], Priority::Default, now).await.unwrap()
        };
        let first = make(north, n[0], "s", at(10)).await;
        let second = make(north, n[1], "t", at(20)).await;
        let third = make(south, n[0], "s", at(30)).await;
        world.store.cancel_job(second, "ann", at(40)).await.unwrap();

        let list = async |filter: JobFilter| {
            let page = world.store.jobs(&filter).await.unwrap();
            (ids(&page), page.total)
        };
        let all = JobFilter::default();
        assert_eq!(list(all.clone()).await, (vec![third, second, first], 3));
        assert_eq!(list(JobFilter { limit: Some(1), ..all.clone() }).await, (vec![third], 3));
        let offset = JobFilter { limit: Some(1), offset: 1, ..all.clone() };
        assert_eq!(list(offset).await, (vec![second], 3));
        let next = JobFilter { before: Some(third), limit: Some(1), ..all.clone() };
        assert_eq!(list(next).await, (vec![second], 3));
        let windfarm = JobFilter { windfarm_id: Some(north), ..all.clone() };
        assert_eq!(list(windfarm.clone()).await, (vec![second, first], 2));
        assert_eq!(list(JobFilter { source: Some("t".into()), ..all.clone() }).await, (vec![second], 1));
        let status = vec![JobStatus::Failed, JobStatus::Completed];
        assert_eq!(list(JobFilter { status: status.clone(), ..all.clone() }).await, (vec![second], 1));
        let (since, until) = (Some(at(20).into()), Some(at(30).into()));
        assert_eq!(list(JobFilter { since, until, ..all.clone() }).await, (vec![second], 1));
        assert_eq!(list(JobFilter { created_by_id: Some(1), ..all.clone() }).await, (vec![], 0));
        let everything =
            JobFilter { status, source: Some("t".into()), since, until, before: Some(third), ..windfarm };
        assert_eq!(list(everything).await, (vec![second], 1));
    }
}

#[tokio::test]
async fn a_page_is_never_longer_than_the_longest() {
    for world in World::on_both().await {
        let (windfarm, units) = world.windfarm("farm", &[("s", "a")]).await;
        for _ in 0..=LONGEST_PAGE {
            world.create(windfarm, &[task(units[0], "s")], Priority::Default, at(0)).await.unwrap();
        }
        for limit in [None, Some(LONGEST_PAGE + 7)] {
            let page = world.store.jobs(&JobFilter { limit, ..JobFilter::default() }).await.unwrap();
            assert_eq!((page.jobs.len() as u32, page.total), (LONGEST_PAGE, i64::from(LONGEST_PAGE) + 1));
        }
    }
}

#[tokio::test]
async fn a_job_of_several_wind_farms_is_listed_under_each_and_once_in_all() {
    for world in World::on_both().await {
        let (north, units) = world.windfarm("north", &[("s", "a")]).await;
        let (south, _) = world.windfarm("south", &[("s", "b")]).await;
        let tasks = [task(units[0], "s")];
        let job = crate::store::NewJob {
            windfarm_ids: &[south, north],
            window: window(month(0)),
            tasks: &tasks,
            priority: Priority::Default,
            max_concurrency: None,
            max_attempts: 3,
            anew: false,
            metadata: serde_json::json!({}),
            created_by_id: None,
        };
        let id = world.store.create_job(&job, at(1)).await.unwrap();
        for windfarm_id in [None, Some(north), Some(south)] {
            let page = world.store.jobs(&JobFilter { windfarm_id, ..JobFilter::default() }).await.unwrap();
            assert_eq!((ids(&page), page.total), (vec![id], 1));
        }
    }
}
