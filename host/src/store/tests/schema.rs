//! Rows that can't be are refused by the database itself, whoever writes them.

use super::{World, at, sql};
use crate::store::Fault;

async fn refused(world: &World, sql: &str) {
    let error = world.sql(sql).await.err().unwrap_or_else(|| panic!("accepted: {sql}"));
    assert_eq!(super::super::error::fault(&error), Fault::Constraint, "{sql}: {error}");
}

#[tokio::test]
async fn measurements_are_finite_have_a_length_and_a_series() {
    for world in World::on_both().await {
        world.job(1).await;
        world
        .sql("INSERT INTO series (generation_unit_id, source, kind, quantity, labels) VALUES (1, 's', 'generation', 'energy', '{}')")
        .await
        .unwrap();
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut tx = world.store.db.begin().await.unwrap();
            let insert = world.dialect("INSERT INTO measurements VALUES (1, #0, 900, $1, 1)");
            assert!(sql::query(insert).bind(value).execute(&mut tx).await.is_err(), "{value}");
        }
        for sql in [
            "INSERT INTO measurements VALUES (1, #0, 0, 1.0, 1)",
            "INSERT INTO measurements VALUES (1, #0, -900, 1.0, 1)",
            "INSERT INTO measurements VALUES (1, NULL, 900, 1.0, 1)",
            "INSERT INTO series (generation_unit_id, source, kind, quantity, labels) VALUES (1, 's', 'generation', 'energy', '{}')",
            "INSERT INTO series (generation_unit_id, source, kind, quantity, labels) VALUES (1, 's', 'x', 'power', '{}')",
            "INSERT INTO series (generation_unit_id, source, kind, quantity, labels) VALUES (1, 's', '', 'energy', '{}')",
            "INSERT INTO series (generation_unit_id, source, kind, quantity, labels) VALUES (1, 's', 'x', 'energy', '[]')",
        ] {
            refused(&world, sql).await;
        }
        world.sql("INSERT INTO measurements VALUES (1, #0, 900, -1.7976931348623157e308, 1)").await.unwrap();
        refused(&world, "INSERT INTO measurements VALUES (1, #0, 900, 1.0, 1)").await;
        refused(&world, "DELETE FROM generation_units").await;
        if world.server.is_none() {
            // Postgres would look the series up for every row of millions; see its schema.
            refused(&world, "DELETE FROM series").await;
            refused(&world, "INSERT INTO measurements VALUES (2, #0, 900, 1.0, 1)").await;
        }
    }
}

#[tokio::test]
async fn tasks_are_in_states_that_exist() {
    for world in World::on_both().await {
        world.job(2).await;
        world.claim("w", 1, at(1)).await;
        for sql in [
            "UPDATE backfill_tasks SET status = 'done'",
            "UPDATE backfill_tasks SET status = 'completed', completed_at = @1, lease_owner = NULL, lease_until = NULL",
            "UPDATE backfill_tasks SET outcome = 'written' WHERE id = 2",
            "UPDATE backfill_tasks SET status = 'completed', outcome = 'empty' WHERE id = 2",
            "UPDATE backfill_tasks SET status = 'completed', outcome = 'written', completed_at = @1 WHERE id = 2",
            "UPDATE backfill_tasks SET status = 'completed', outcome = 'unchanged', completed_at = @1 WHERE id = 2",
            "UPDATE backfill_tasks SET status = 'completed', outcome = 'lost', completed_at = @1 WHERE id = 2",
            "UPDATE backfill_tasks SET status = 'failed' WHERE id = 2",
            "UPDATE backfill_tasks SET completed_at = @1 WHERE id = 2",
            "UPDATE backfill_tasks SET lease_until = NULL WHERE id = 1",
            "UPDATE backfill_tasks SET lease_owner = NULL WHERE id = 1",
            "UPDATE backfill_tasks SET lease_owner = 'w', lease_until = @1 WHERE id = 2",
            "UPDATE backfill_tasks SET status = 'in_progress' WHERE id = 2",
            "UPDATE backfill_tasks SET run_after = @1 WHERE id = 1",
            "UPDATE backfill_tasks SET attempt_count = 4 WHERE id = 2",
            "UPDATE backfill_tasks SET attempt_count = -1 WHERE id = 2",
            "UPDATE backfill_tasks SET max_attempts = 0 WHERE id = 2",
            "UPDATE backfill_tasks SET records_fetched = 1 WHERE id = 2",
            "UPDATE backfill_tasks SET records_inserted = 1, records_updated = -1 WHERE id = 2",
            "UPDATE backfill_tasks SET end_date = start_date WHERE id = 2",
            "UPDATE backfill_tasks SET month = '2024-3' WHERE id = 2",
            "UPDATE backfill_tasks SET task_metadata = '[]' WHERE id = 2",
            "UPDATE backfill_tasks SET generation_unit_id = 99 WHERE id = 2",
            "UPDATE task_attempts SET ended_at = @1",
            "UPDATE task_attempts SET outcome = 'failed', ended_at = @1",
            "UPDATE task_attempts SET requests = -1",
            "INSERT INTO task_attempts (task_id, fence, worker, started_at) VALUES (1, 1, 'w', @1)",
            "INSERT INTO task_rejections VALUES (1, 'overlap', 0, '[]')",
            "INSERT INTO task_logs (task_id, job_id, fence, at, level, message) VALUES (1, 1, 1, @1, 'loud', 'x')",
        ] {
            refused(&world, sql).await;
        }
    }
}

#[tokio::test]
async fn jobs_have_counters_and_ends_that_agree() {
    for world in World::on_both().await {
        world.job(2).await;
        for sql in [
            "UPDATE backfill_jobs SET status = 'running'",
            "UPDATE backfill_jobs SET status = 'in_progress'",
            "UPDATE backfill_jobs SET status = 'completed'",
            "UPDATE backfill_jobs SET status = 'completed', completed_at = @1",
            "UPDATE backfill_jobs SET completed_tasks = 2",
            "UPDATE backfill_jobs SET completed_tasks = -1, failed_tasks = 1",
            "UPDATE backfill_jobs SET failed_tasks = 3",
            "UPDATE backfill_jobs SET started_at = @1",
            "UPDATE backfill_jobs SET total_tasks = 0",
            "UPDATE backfill_jobs SET end_date = start_date",
            "UPDATE backfill_jobs SET priority = 'urgent'",
            "UPDATE backfill_jobs SET job_metadata = '[]'",
            "UPDATE backfill_jobs SET created_by_id = 5",
        ] {
            refused(&world, sql).await;
        }
    }
}

#[tokio::test]
async fn units_with_one_code_and_no_share_are_refused() {
    for world in World::on_both().await {
        world.windfarm("a", &[("s", "1")]).await;
        world.windfarm("b", &[]).await;
        for sql in [
            "INSERT INTO generation_units (windfarm_id, source, code, name, created_at, updated_at) VALUES (2, 's', '1', 'x', @0, @0)",
            "INSERT INTO generation_units (windfarm_id, source, code, name, created_at, updated_at) VALUES (2, 's', '', 'x', @0, @0)",
            "INSERT INTO generation_units (windfarm_id, source, code, name, created_at, updated_at) VALUES (9, 's', '2', 'x', @0, @0)",
            "UPDATE generation_units SET capacity_mw = 0",
            "UPDATE generation_units SET share = 1.01",
            "UPDATE generation_units SET attributes = '[]'",
            "DELETE FROM windfarms WHERE id = 1",
        ] {
            refused(&world, sql).await;
        }
    }
}

#[tokio::test]
async fn a_message_waits_was_delivered_or_is_dead_and_is_sent_once_per_event() {
    for world in World::on_both().await {
        world.job(1).await;
        let insert = "INSERT INTO outbox (event_id, channel, recipient, payload, next_attempt_at, created_at)
                  VALUES (1, 'webhook', 'https://x', '{}', @5, @1)";
        world.sql(insert).await.unwrap();
        refused(&world, insert).await;
        for sql in [
            "UPDATE outbox SET delivered_at = @1",
            "UPDATE outbox SET next_attempt_at = NULL",
            "UPDATE outbox SET channel = 'fax'",
        ] {
            refused(&world, sql).await;
        }
        world.sql("UPDATE outbox SET delivered_at = @1, next_attempt_at = NULL").await.unwrap();
    }
}
