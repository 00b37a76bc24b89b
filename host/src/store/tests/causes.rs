use super::{World, at};
use crate::{
    domain::{Priority, TaskStatus},
    store::{Chosen, FailureCause, TaskFilter},
};

/// A job of 1,200 failed tasks: of one thing in their months, but for three, which are permanent, and the last.
async fn failed(world: &World) -> i64 {
    let codes: Vec<_> = (0..100).map(|index| format!("u{index:03}")).collect();
    let units: Vec<_> = codes.iter().map(|code| ("s", code.as_str())).collect();
    let (windfarm, units) = world.windfarm("Howard", &units).await;
    let job = world.job_of(windfarm, &units, 12, Priority::Default, at(0)).await;
    let fail = |code: &str, message: &str, which: &str| {
        format!(
            "UPDATE backfill_tasks SET status = 'failed', error_code = '{code}', error_message = {message},
                    completed_at = @5 WHERE {which}"
        )
    };
    for text in [
        fail("malformed", "'answered 400 for month ' || id", "id > 0"),
        fail("not-available", "'never offered'", "id IN (7, 8, 900)"),
        fail("unavailable", "'the meter room is flooded'", "id = 1200"),
    ] {
        world.sql(&text).await.unwrap();
    }
    world
        .sql(
            "UPDATE backfill_jobs SET status = 'failed', failed_tasks = 1200, started_at = @1, completed_at = @5",
        )
        .await
        .unwrap();
    job
}

fn told(causes: &[FailureCause]) -> Vec<(&str, &str, i64, bool)> {
    causes
        .iter()
        .map(|cause| (cause.error_code.as_str(), cause.error_message.as_str(), cause.tasks, cause.permanent))
        .collect()
}

#[tokio::test]
async fn failures_are_counted_by_cause_however_many_there_are() {
    for world in World::on_both().await {
        let job = failed(&world).await;
        let causes = world.store.job_causes(job, 9).await.unwrap();
        assert_eq!(
            told(&causes),
            [
                ("malformed", "answered 400 for month 1", 1196, false),
                ("not-available", "never offered", 3, true),
                ("unavailable", "the meter room is flooded", 1, false),
            ]
        );
        assert_eq!(world.store.job_causes(job, 1).await.unwrap(), causes[..1]);
        assert_eq!(world.store.job_causes(job + 1, 9).await.unwrap(), []);
    }
}

#[tokio::test]
async fn tasks_of_a_cause_are_listed_by_pages_past_all_the_others() {
    for world in World::on_both().await {
        let job = failed(&world).await;
        let causes = world.store.job_causes(job, 9).await.unwrap();
        let list = async |cause: &FailureCause, after, limit| {
            let cause = Some(cause.cause.clone());
            let filter = TaskFilter { cause, after, limit: Some(limit), ..TaskFilter::default() };
            let tasks = world.store.tasks(job, filter).await.unwrap();
            tasks.iter().map(|task| task.id).collect::<Vec<_>>()
        };
        assert_eq!(list(&causes[1], 0, 2).await, [7, 8]);
        assert_eq!(list(&causes[1], 8, 2).await, [900]);
        assert_eq!(list(&causes[2], 0, 100).await, [1200]);
        assert_eq!(list(&causes[0], 6, 3).await, [9, 10, 11]);
        assert_eq!(list(&causes[0], 0, u32::MAX).await.len(), 1196);
    }
}

#[tokio::test]
async fn a_cause_is_retried_by_its_name_and_a_permanent_one_by_force() {
    for world in World::on_both().await {
        let job = failed(&world).await;
        let causes = world.store.job_causes(job, 9).await.unwrap();
        let retry = async |cause: &str, force| {
            world.store.retry_job(job, Chosen::Cause(cause), force, "ann", at(9)).await
        };
        let refused = retry(&causes[1].cause, false).await.unwrap_err().to_string();
        assert!(refused.contains("tasks failed for good: 7 (not-available), 8"), "{refused}");
        assert_eq!(retry(&causes[1].cause, true).await.unwrap().reopened, [7, 8, 900]);
        assert_eq!(retry(&causes[0].cause, false).await.unwrap().reopened.len(), 1196);
        let open = TaskFilter { status: Some(TaskStatus::Failed), ..TaskFilter::default() };
        assert_eq!(world.store.tasks(job, open).await.unwrap().len(), 1);
        let gone = retry(&causes[0].cause, true).await.unwrap_err().to_string();
        assert!(gone.contains("has no task that failed of the cause"), "{gone}");
    }
}
