//! Where all tasks of a job stand, for a grid.

use serde_json::{Value, json};

use crate::World;

#[tokio::test]
async fn the_grid_has_every_task_and_pages_follow_each_other() {
    World::each(async |world| {
        let admin = world.admin().await;
        let body = json!({ "windfarm_id": 1, "start_date": "2024-01-01", "end_date": "2024-03-31" });
        let id = admin.post("/backfill/jobs", &body).await.expect(202).json["id"].as_i64().unwrap();
        admin.until(&format!("/backfill/jobs/{id}"), |shown| shown["job"]["completed_at"].is_string()).await;

        let path = format!("/backfill/jobs/{id}/grid");
        let all = admin.get(&path).await.expect(200);
        let cells = all.json.as_array().unwrap();
        assert_eq!((cells.len(), all.header("x-next-cursor")), (6, ""));
        assert!(
            cells.iter().all(|cell| cell["status"] == "completed" && cell["outcome"] == "written"),
            "{cells:?}"
        );
        let months: std::collections::BTreeSet<_> = cells.iter().map(|cell| cell["month"].as_str()).collect();
        assert_eq!(months, [Some("2024-01"), Some("2024-02"), Some("2024-03")].into());

        let first = admin.get(&format!("{path}?limit=4")).await.expect(200);
        let next = first.header("x-next-cursor").to_owned();
        let rest = admin.get(&format!("{path}?limit=4&cursor={next}")).await.expect(200);
        let pages = [&first.json, &rest.json].map(|page| page.as_array().unwrap().clone()).concat();
        assert_eq!(Value::from(pages), all.json);

        admin.get(&format!("{path}?limit=10001")).await.problem(400, "invalid-parameter");
        admin.get("/backfill/jobs/999/grid").await.problem(404, "not-found");
    })
    .await;
}
