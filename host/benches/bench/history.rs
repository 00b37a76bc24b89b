//! The history of years, made by a few statements beside the host: 100,000 jobs and ten million tasks, of which most
//! have ended and some hundred jobs are open.
//!
//! Job n is of wind farm 1 at every twentieth n, else of one of 1,500 in turn. It has 98 tasks (7 units, 14 months), at
//! every thousandth n 3,000 (25 units, 120 months). Of a job that partly failed each fourteenth task failed, of one
//! that is under way each second is done. The tasks of every tenth job have their attempts.

use anyhow::ensure;
use backfill::domain::Month;
use chrono_tz::Tz;

use crate::{
    databases::{Database, Kind, Raw},
    planned,
    report::Report,
};

pub(crate) const JOBS: i64 = 100_000;
const BATCH: i64 = 10_000;

/// The jobs of 3,000 tasks, by where they stand.
pub(crate) const LARGE: [(&str, i64); 4] =
    [("completed", 50_000), ("partially_completed", 48_000), ("failed", 49_000), ("in_progress", JOBS)];

/// The first of the wind farms has more jobs than any other, and these units of each wind farm are asked for.
pub(crate) const UNITS: i64 = 25;

/// The first of 144 months of which something is stored of the first wind farms' units.
pub(crate) const FIRST_YEAR: u16 = 2012;
const MONTHS: usize = 144;

/// `at(…)` is an instant of seconds since 1970.
const JOBS_SQL: &str = "
    INSERT INTO backfill_jobs (windfarm_id, start_date, end_date, status, reason, paused, priority, queue_at,
                               total_tasks, completed_tasks, failed_tasks, error_message, created_by_id, created_at,
                               updated_at, started_at, completed_at)
    SELECT j.farm, at(first.since), at(last.until), j.status,
           CASE WHEN j.status IN ('failed', 'partially_completed') THEN 'tasks-failed' END, j.paused, 'default',
           at(j.made), j.total,
           CASE j.status WHEN 'completed' THEN j.total WHEN 'partially_completed' THEN j.total - j.total / 14
                         WHEN 'in_progress' THEN j.total / 2 ELSE 0 END,
           CASE j.status WHEN 'failed' THEN j.total WHEN 'partially_completed' THEN j.total / 14 ELSE 0 END,
           CASE WHEN j.status IN ('failed', 'partially_completed') THEN 'some of its tasks failed' END,
           CASE WHEN j.n % 5 = 0 THEN NULL ELSE 1 + j.n % 10 END, at(j.made), at(j.made),
           CASE WHEN j.status <> 'pending' THEN at(j.made) END,
           CASE WHEN j.status IN ('completed', 'failed', 'partially_completed') THEN at(j.made) END
    FROM (SELECT n, 1500000000 + n * 1000 AS made, n > 99700 AND n % 3 = 2 AS paused,
                 CASE WHEN n % 20 = 7 THEN 1 ELSE 1 + (n * 7919) % 1500 END AS farm,
                 CASE WHEN n % 1000 = 0 THEN 3000 ELSE 98 END AS total,
                 (n * 31) % 24 AS first_month,
                 (n * 31) % 24 + CASE WHEN n % 1000 = 0 THEN 119 ELSE 13 END AS last_month,
                 CASE WHEN n > 99700 AND n % 3 = 0 THEN 'pending'
                      WHEN n > 99700 THEN 'in_progress'
                      WHEN (n / 1000 + n) % 50 = 49 THEN 'failed'
                      WHEN (n / 1000 + n) % 50 IN (47, 48) THEN 'partially_completed'
                      ELSE 'completed' END AS status
          FROM numbers WHERE n <= 100000) j
    JOIN months first ON first.number = j.first_month
    JOIN months last ON last.number = j.last_month
    ORDER BY j.n";

const TASKS_SQL: &str = "
    INSERT INTO backfill_tasks (job_id, generation_unit_id, source, month, start_date, end_date, status, outcome,
                                queue_at, held, fence, attempt_count, records_fetched, records_inserted,
                                error_message, error_code, created_at, started_at, completed_at)
    SELECT t.job_id, t.unit, t.source, t.name, at(t.since), at(t.until), t.status,
           CASE t.status WHEN 'completed' THEN 'written' END, t.queue_at, t.paused AND t.status = 'pending',
           CASE t.status WHEN 'pending' THEN 0 ELSE 1 END,
           CASE t.status WHEN 'pending' THEN 0 WHEN 'failed' THEN 3 ELSE 1 END,
           CASE t.status WHEN 'completed' THEN 720 ELSE 0 END, CASE t.status WHEN 'completed' THEN 720 ELSE 0 END,
           CASE t.status WHEN 'failed' THEN 'the upstream answered 503 Service Unavailable three times' END,
           CASE t.status WHEN 'failed' THEN 'unavailable' END, t.created_at,
           CASE WHEN t.status <> 'pending' THEN t.created_at END,
           CASE WHEN t.status <> 'pending' THEN t.created_at END
    FROM (SELECT j.id AS job_id, j.paused, j.queue_at, j.created_at, s.source, m.name, m.since, m.until, p.n,
                 (j.windfarm_id - 1) * 25 + p.unit AS unit,
                 CASE WHEN j.status = 'pending' OR j.status = 'in_progress' AND p.n % 2 = 1 THEN 'pending'
                      WHEN j.status = 'failed' OR j.status = 'partially_completed' AND p.n % 14 = 0 THEN 'failed'
                      ELSE 'completed' END AS status
          FROM backfill_jobs j
          JOIN backfill_job_sources s ON s.job_id = j.id
          JOIN places p ON p.total = j.total_tasks
          JOIN months m ON m.number = (j.id * 31) % 24 + p.month
          WHERE j.id > FROM_JOB AND j.id <= TO_JOB) t
    ORDER BY t.job_id, t.n";

/// What else there is, in order. Of units of the first wind farms it is stored what each month came to.
const AROUND_SQL: [&str; 7] = [
    "INSERT INTO users (name, role, created_at)
     SELECT 'user ' || n, 'operator', at(1500000000) FROM numbers WHERE n <= 10 ORDER BY n",
    "INSERT INTO windfarms (name, created_at, updated_at)
     SELECT 'farm ' || n, at(1500000000), at(1500000000) FROM numbers WHERE n <= 1500 ORDER BY n",
    "INSERT INTO generation_units (windfarm_id, source, code, name, capacity_mw, created_at, updated_at)
     SELECT w.id, CASE w.id % 4 WHEN 0 THEN 'entsoe' WHEN 1 THEN 'elexon' WHEN 2 THEN 'eia' ELSE 'taipower' END,
            'unit ' || w.id || ' ' || n, 'unit ' || n, 100, at(1500000000), at(1500000000)
     FROM windfarms w CROSS JOIN numbers WHERE n <= 25 ORDER BY w.id, n",
    "INSERT INTO series (generation_unit_id, source, kind, quantity, labels)
     SELECT id, source, 'generation', 'mean-power', '{}' FROM generation_units WHERE windfarm_id <= 20 ORDER BY id",
    "INSERT INTO series_months (series_id, month, row_count, seconds)
     SELECT s.id, m.name, (m.until - m.since) / 3600, m.until - m.since FROM series s CROSS JOIN months m",
    "INSERT INTO unit_months (generation_unit_id, month, outcome, empty_since, asked_at)
     SELECT s.generation_unit_id, m.name, CASE WHEN m.number < 12 THEN 'empty' ELSE 'written' END,
            CASE WHEN m.number < 12 THEN at(1500000000) END, at(1600000000)
     FROM series s CROSS JOIN months m",
    JOBS_SQL,
];

/// Fills a new database.
pub(crate) async fn fill(database: &Database, report: &Report) -> anyhow::Result<()> {
    let kind = database.kind;
    let mut raw = database.beside().await?;
    quickly(&mut raw).await?;
    helpers(&mut raw).await?;
    for sql in AROUND_SQL {
        raw.execute(&dialect(kind, sql)).await?;
    }
    for sql in [
        "INSERT INTO backfill_job_windfarms (job_id, windfarm_id) SELECT id, windfarm_id FROM backfill_jobs",
        "INSERT INTO backfill_job_sources (job_id, source)
         SELECT j.id, u.source FROM backfill_jobs j JOIN generation_units u ON u.id = j.windfarm_id * 25",
    ] {
        raw.execute(sql).await?;
    }
    let indexes = raw.texts(index_query(kind, "definition")).await?;
    for name in raw.texts(index_query(kind, "name")).await? {
        raw.execute(&format!("DROP INDEX {name}")).await?;
    }
    for from in (0..JOBS).step_by(BATCH as usize) {
        report.progress(&format!("tasks of jobs {from} to {}, {kind:?}", from + BATCH));
        let sql = TASKS_SQL.replace("FROM_JOB", &from.to_string());
        raw.execute(&dialect(kind, &sql.replace("TO_JOB", &(from + BATCH).to_string()))).await?;
    }
    report.progress(&format!("attempts and indexes, {kind:?}"));
    raw.execute(
        "INSERT INTO task_attempts (task_id, fence, worker, started_at, ended_at, outcome, requests, error_code)
         SELECT id, 1, 'worker', created_at, created_at, CASE status WHEN 'failed' THEN 'failed' ELSE 'written' END,
                31, error_code
         FROM backfill_tasks WHERE job_id % 10 = 0 AND status <> 'pending'",
    )
    .await?;
    for sql in &indexes {
        raw.execute(sql).await?;
    }
    if kind == Kind::Postgres {
        // Its own housekeeping would do so after a while.
        raw.execute("VACUUM ANALYZE").await?;
    }
    let tasks = raw.number("SELECT COUNT(*) FROM backfill_tasks").await?;
    let jobs = raw.number("SELECT COUNT(*) FROM backfill_jobs").await?;
    ensure!(jobs == JOBS && tasks >= 10_000_000, "{jobs} jobs, {tasks} tasks");
    raw.close().await
}

/// Nothing is to survive a failure here, and references are right by construction.
async fn quickly(raw: &mut Raw) -> anyhow::Result<()> {
    let settings: &[&str] = match raw {
        Raw::Sqlite(_) => &[
            "PRAGMA foreign_keys = off",
            "PRAGMA journal_mode = off",
            "PRAGMA synchronous = off",
            "PRAGMA cache_size = -500000",
            "PRAGMA temp_store = memory",
        ],
        Raw::Postgres(_) => &[
            "SET synchronous_commit = off",
            "SET session_replication_role = replica",
            "SET work_mem = '500MB'",
            "SET maintenance_work_mem = '500MB'",
        ],
    };
    for setting in settings {
        raw.execute(setting).await?;
    }
    Ok(())
}

/// Numbers from 1, the months, and the place of each task in a job of so many.
async fn helpers(raw: &mut Raw) -> anyhow::Result<()> {
    let month = |(number, month): (usize, &Month)| {
        let window = month.window(Tz::UTC);
        format!("({number}, '{month}', {}, {})", window.start, window.end)
    };
    let months: Vec<_> = planned::months(FIRST_YEAR, MONTHS)?.iter().enumerate().map(month).collect();
    for sql in [
        "CREATE TEMPORARY TABLE numbers AS
         WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)
         SELECT n FROM numbers",
        "CREATE TEMPORARY TABLE months (number INT PRIMARY KEY, name TEXT, since BIGINT, until BIGINT)",
        &format!("INSERT INTO months VALUES {}", months.join(", ")),
        "CREATE TEMPORARY TABLE places (total INT, n INT, unit INT, month INT, PRIMARY KEY (total, n))",
        "INSERT INTO places SELECT 98, n, 1 + (n - 1) % 7, (n - 1) / 7 FROM numbers WHERE n <= 98",
        "INSERT INTO places SELECT 3000, n, 1 + (n - 1) % 25, (n - 1) / 25 FROM numbers WHERE n <= 3000",
    ] {
        raw.execute(sql).await?;
    }
    Ok(())
}

/// The indexes of the tasks that are no constraints: made anew when the tasks are there.
fn index_query(kind: Kind, what: &str) -> &'static str {
    match (kind, what) {
        (Kind::Sqlite, "name") => {
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'backfill_tasks' AND sql IS NOT NULL"
        }
        (Kind::Sqlite, _) => {
            "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'backfill_tasks' AND sql IS NOT NULL"
        }
        (Kind::Postgres, "name") => {
            "SELECT indexname::text FROM pg_indexes WHERE tablename = 'backfill_tasks'
             AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        }
        (Kind::Postgres, _) => {
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'backfill_tasks'
             AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        }
    }
}

/// SQLite keeps instants as microseconds.
fn dialect(kind: Kind, sql: &str) -> String {
    match kind {
        Kind::Sqlite => sql.replace("at(", "1000000 * ("),
        Kind::Postgres => sql.replace("at(", "to_timestamp("),
    }
}
