-- Jobs of several wind farms, limits of a job, what each month came to, and how a source fares.

-- At most so many tasks of the job at once, over all hosts; null for as many as the other limits allow.
ALTER TABLE backfill_jobs ADD COLUMN max_concurrency INTEGER CHECK (max_concurrency > 0);

-- The wind farms of a job; backfill_jobs.windfarm_id is the first of them.
CREATE TABLE backfill_job_windfarms (
    job_id      INTEGER NOT NULL REFERENCES backfill_jobs (id) ON DELETE CASCADE,
    windfarm_id INTEGER NOT NULL REFERENCES windfarms (id) ON DELETE RESTRICT,
    PRIMARY KEY (job_id, windfarm_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX backfill_job_windfarms_windfarm ON backfill_job_windfarms (windfarm_id, job_id);
INSERT INTO backfill_job_windfarms (job_id, windfarm_id) SELECT id, windfarm_id FROM backfill_jobs;

-- The sources of a job's tasks, for lists of jobs: its tasks are too many to ask.
CREATE TABLE backfill_job_sources (
    job_id INTEGER NOT NULL REFERENCES backfill_jobs (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    PRIMARY KEY (job_id, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX backfill_job_sources_source ON backfill_job_sources (source, job_id);
INSERT INTO backfill_job_sources (job_id, source) SELECT DISTINCT job_id, source FROM backfill_tasks;

-- How often the upstream said that the month is empty: it is believed the second time.
ALTER TABLE backfill_tasks ADD COLUMN empty_count INTEGER NOT NULL DEFAULT 0 CHECK (empty_count >= 0);

-- Claims prefer months that are under way, whose answers the tasks share.
CREATE INDEX backfill_tasks_ready_month ON backfill_tasks (source, month, queue_at, job_id, id)
    WHERE status = 'pending' AND NOT held AND run_after IS NULL;
-- A unit's month is fetched once, however many jobs want it.
CREATE INDEX backfill_tasks_open_unit ON backfill_tasks (generation_unit_id, month)
    WHERE status IN ('pending', 'in_progress');

-- What is stored of a series, month by month of its source's calendar; written with the measurements. Counting it
-- from the rows takes seconds for a decade.
CREATE TABLE series_months (
    series_id INTEGER NOT NULL REFERENCES series (id) ON DELETE RESTRICT,
    month     TEXT NOT NULL CHECK (month GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]'),
    row_count INTEGER NOT NULL CHECK (row_count >= 0),
    seconds   INTEGER NOT NULL CHECK (seconds >= 0),
    PRIMARY KEY (series_id, month)
) STRICT, WITHOUT ROWID;

INSERT INTO series_months (series_id, month, row_count, seconds)
SELECT s.id, t.month, COUNT(*), SUM(m.seconds)
FROM (SELECT DISTINCT generation_unit_id, month, start_date, end_date FROM backfill_tasks) t
JOIN series s ON s.generation_unit_id = t.generation_unit_id
JOIN measurements m ON m.series_id = s.id AND m.start >= t.start_date / 1000000 AND m.start < t.end_date / 1000000
GROUP BY s.id, t.month;

-- What asking for a unit's month last came to; it outlives jobs. empty_since: the first of the askings in a row for
-- all of the month that found nothing.
CREATE TABLE unit_months (
    generation_unit_id INTEGER NOT NULL REFERENCES generation_units (id) ON DELETE CASCADE,
    month              TEXT NOT NULL CHECK (month GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]'),
    outcome            TEXT NOT NULL CHECK (outcome IN ('written', 'unchanged', 'empty', 'failed', 'waiting')),
    error_code         TEXT,
    error_message      TEXT,
    rejected           INTEGER NOT NULL DEFAULT 0 CHECK (rejected >= 0),
    empty_since        INTEGER,
    asked_at           INTEGER NOT NULL,
    task_id            INTEGER,
    PRIMARY KEY (generation_unit_id, month),
    CHECK (empty_since IS NULL OR outcome = 'empty')
) STRICT, WITHOUT ROWID;

-- The circuit of each source: passing failures in a row over all its tasks, when it lets a task through again, how
-- often it opened in a row, and why.
ALTER TABLE source_limits ADD COLUMN failures_in_row INTEGER NOT NULL DEFAULT 0 CHECK (failures_in_row >= 0);
ALTER TABLE source_limits ADD COLUMN open_until INTEGER;
ALTER TABLE source_limits ADD COLUMN opened_count INTEGER NOT NULL DEFAULT 0 CHECK (opened_count >= 0);
ALTER TABLE source_limits ADD COLUMN open_cause TEXT;

-- What a schedule last did, for people.
ALTER TABLE schedules ADD COLUMN last_outcome TEXT;

-- Whether the worker serves every job, or runs one in the foreground; how many tasks it takes at once.
ALTER TABLE workers ADD COLUMN serves INTEGER NOT NULL DEFAULT 0 CHECK (serves IN (0, 1));
ALTER TABLE workers ADD COLUMN concurrency INTEGER NOT NULL DEFAULT 1 CHECK (concurrency > 0);
