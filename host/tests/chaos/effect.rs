//! What holds of a database in which every job has ended well: each task took effect once.

use sqlx::PgConnection;

use crate::cluster::Cluster;

/// A rule, and the rows that break it.
const RULES: [(&str, &str); 13] = [
    ("a job ended well", "SELECT id, status FROM backfill_jobs WHERE status <> 'completed' OR reason IS NOT NULL"),
    (
        "a task ended well and wrote every row that it fetched",
        "SELECT id, status, outcome, error_code, error_message FROM backfill_tasks
         WHERE status <> 'completed' OR outcome <> 'written' OR records_inserted <> records_fetched",
    ),
    ("no lease is left", "SELECT id FROM backfill_tasks WHERE lease_until IS NOT NULL"),
    ("an attempt that began ended", "SELECT * FROM task_attempts WHERE ended_at IS NULL"),
    (
        "a task has one attempt that took effect, its last",
        "SELECT t.id, t.fence, array_agg(a.fence || ' ' || a.outcome ORDER BY a.fence) AS attempts
         FROM backfill_tasks t JOIN task_attempts a ON a.task_id = t.id GROUP BY t.id
         HAVING array_agg(a.fence) FILTER (WHERE a.outcome = 'written') IS DISTINCT FROM ARRAY[t.fence]
             OR count(*) FILTER (WHERE a.outcome IN ('unchanged', 'empty')) > 0",
    ),
    (
        "a task has an attempt for every claim",
        "SELECT t.id, t.fence FROM backfill_tasks t
         WHERE t.fence <> (SELECT count(*) FROM task_attempts a WHERE a.task_id = t.id)",
    ),
    (
        "an attempt that was disturbed cost none of the three",
        "SELECT a.*, t.attempt_count FROM task_attempts a JOIN backfill_tasks t ON t.id = a.task_id
         WHERE a.outcome NOT IN ('written', 'lost', 'released') OR t.attempt_count <> 1",
    ),
    ("nothing was ever written over", "SELECT * FROM measurement_revisions"),
    (
        "the rows of an attempt are those that its task counts",
        "SELECT t.id, t.records_inserted, m.stored FROM backfill_tasks t
         JOIN task_attempts a ON a.task_id = t.id AND a.outcome = 'written'
         FULL JOIN (SELECT attempt_id, count(*) AS stored FROM measurements GROUP BY attempt_id) m ON m.attempt_id = a.id
         WHERE t.records_inserted IS DISTINCT FROM m.stored",
    ),
    (
        "the counters of a job are those of its tasks",
        "SELECT j.id FROM backfill_jobs j
         WHERE (total_tasks, completed_tasks, failed_tasks, skipped_tasks) <>
               (SELECT count(*), count(*) FILTER (WHERE t.status = 'completed'),
                       count(*) FILTER (WHERE t.status = 'failed'), count(*) FILTER (WHERE t.status = 'skipped')
                FROM backfill_tasks t WHERE t.job_id = j.id)",
    ),
    (
        "a task is said to be completed once",
        "SELECT t.id FROM backfill_tasks t
         WHERE 1 <> (SELECT count(*) FROM events e WHERE e.task_id = t.id AND e.kind = 'task-completed')",
    ),
    (
        "a job is said to have ended once, and once more if it was retried",
        "SELECT j.id FROM backfill_jobs j
         WHERE (SELECT count(*) FROM events e WHERE e.job_id = j.id AND e.kind = 'job-ended') <> 1 +
               (SELECT count(*) FROM events e WHERE e.job_id = j.id AND e.kind = 'job-retried')",
    ),
    (
        "what is counted of a series is what is stored of it",
        "SELECT series_id, c.row_count, m.row_count AS stored
         FROM (SELECT series_id, sum(row_count) AS row_count, sum(seconds) AS seconds
               FROM series_months GROUP BY series_id) c
         FULL JOIN (SELECT series_id, count(*) AS row_count, sum(seconds) AS seconds
                    FROM measurements GROUP BY series_id) m USING (series_id)
         WHERE (c.row_count, c.seconds) IS DISTINCT FROM (m.row_count, m.seconds)",
    ),
];

/// Makes sure of all rules, and that `backfill job refresh` finds nothing to correct.
pub(crate) async fn assert_once(cluster: &Cluster) {
    let mut database = cluster.database().await;
    for (rule, sql) in RULES {
        let broken = as_json(&mut database, sql).await;
        assert!(
            broken.is_empty(),
            "{rule}; {} rows break that:\n{}",
            broken.len(),
            broken[..broken.len().min(10)].join("\n")
        );
    }
    for job in &cluster.jobs {
        let refreshed =
            cluster.folder.backfill(&["job", "refresh", &job.to_string(), "--json"]).await.succeeded();
        let refreshed: serde_json::Value = serde_json::from_str(&refreshed.out).unwrap();
        let none = serde_json::json!({ "total": 0, "completed": 0, "failed": 0, "skipped": 0 });
        assert_eq!(refreshed["drift"], none, "job {job}");
    }
}

async fn as_json(database: &mut PgConnection, sql: &str) -> Vec<String> {
    let sql = sqlx::AssertSqlSafe(format!("SELECT to_jsonb(broken)::text FROM ({sql}) broken"));
    sqlx::query_scalar(sql).fetch_all(database).await.unwrap()
}
