-- Jobs of several wind farms, limits of a job, what each month came to, and how a source fares.

-- At most so many tasks of the job at once, over all hosts; null for as many as the other limits allow.
ALTER TABLE backfill_jobs ADD COLUMN max_concurrency BIGINT CHECK (max_concurrency > 0);

-- The wind farms of a job; backfill_jobs.windfarm_id is the first of them.
CREATE TABLE backfill_job_windfarms (
    job_id      BIGINT NOT NULL REFERENCES backfill_jobs (id) ON DELETE CASCADE,
    windfarm_id BIGINT NOT NULL REFERENCES windfarms (id) ON DELETE RESTRICT,
    PRIMARY KEY (job_id, windfarm_id)
);
CREATE INDEX backfill_job_windfarms_windfarm ON backfill_job_windfarms (windfarm_id, job_id);
INSERT INTO backfill_job_windfarms (job_id, windfarm_id) SELECT id, windfarm_id FROM backfill_jobs;

-- The sources of a job's tasks, for lists of jobs: its tasks are too many to ask.
CREATE TABLE backfill_job_sources (
    job_id BIGINT NOT NULL REFERENCES backfill_jobs (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    PRIMARY KEY (job_id, source)
);
CREATE INDEX backfill_job_sources_source ON backfill_job_sources (source, job_id);
INSERT INTO backfill_job_sources (job_id, source) SELECT DISTINCT job_id, source FROM backfill_tasks;

-- How often the upstream said that the month is empty: it is believed the second time.
ALTER TABLE backfill_tasks ADD COLUMN empty_count BIGINT NOT NULL DEFAULT 0 CHECK (empty_count >= 0);

-- Claims prefer months that are under way, whose answers the tasks share.
CREATE INDEX backfill_tasks_ready_month ON backfill_tasks (source, month, queue_at, job_id, id)
    WHERE status = 'pending' AND NOT held AND run_after IS NULL;
-- A unit's month is fetched once, however many jobs want it.
CREATE INDEX backfill_tasks_open_unit ON backfill_tasks (generation_unit_id, month)
    WHERE status IN ('pending', 'in_progress');
-- Attempts under way; those of a cancelled job are open until their worker has stopped them.
CREATE INDEX task_attempts_open ON task_attempts (task_id) WHERE ended_at IS NULL;

-- What is stored of a series, month by month of its source's calendar; written with the measurements. Counting it
-- from the rows takes seconds for a decade.
CREATE TABLE series_months (
    series_id BIGINT NOT NULL REFERENCES series (id) ON DELETE RESTRICT,
    month     TEXT NOT NULL CHECK (month ~ '^[0-9]{4}-[01][0-9]$'),
    row_count BIGINT NOT NULL CHECK (row_count >= 0),
    seconds   BIGINT NOT NULL CHECK (seconds >= 0),
    PRIMARY KEY (series_id, month)
);

-- What asking for a unit's month last came to; it outlives jobs. empty_since: the first of the askings in a row for
-- all of the month that found nothing.
CREATE TABLE unit_months (
    generation_unit_id BIGINT NOT NULL REFERENCES generation_units (id) ON DELETE CASCADE,
    month              TEXT NOT NULL CHECK (month ~ '^[0-9]{4}-[01][0-9]$'),
    outcome            TEXT NOT NULL CHECK (outcome IN ('written', 'unchanged', 'empty', 'failed', 'waiting')),
    error_code         TEXT,
    error_message      TEXT,
    rejected           BIGINT NOT NULL DEFAULT 0 CHECK (rejected >= 0),
    empty_since        TIMESTAMPTZ,
    asked_at           TIMESTAMPTZ NOT NULL,
    task_id            BIGINT,
    PRIMARY KEY (generation_unit_id, month),
    CHECK (empty_since IS NULL OR outcome = 'empty')
);

-- The circuit of each source: passing failures in a row over all its tasks, when it lets a task through again, how
-- often it opened in a row, and why.
ALTER TABLE source_limits ADD COLUMN failures_in_row BIGINT NOT NULL DEFAULT 0 CHECK (failures_in_row >= 0);
ALTER TABLE source_limits ADD COLUMN open_until TIMESTAMPTZ;
ALTER TABLE source_limits ADD COLUMN opened_count BIGINT NOT NULL DEFAULT 0 CHECK (opened_count >= 0);
ALTER TABLE source_limits ADD COLUMN open_cause TEXT;
ALTER TABLE source_limits ADD COLUMN on_trial BOOLEAN NOT NULL DEFAULT false;

-- What a schedule last did, for people.
ALTER TABLE schedules ADD COLUMN last_outcome TEXT;

-- Who turns a due firing into a job has it until then; nobody else takes it up before.
ALTER TABLE schedules ADD COLUMN claimed_until TIMESTAMPTZ;

-- One firing of a collecting schedule at one source: all units are asked about at once, every few minutes, so there is
-- no task for each. What a run writes names it in measurements.attempt_id (and measurement_revisions.attempt_id and
-- replaced_by) by its id below zero: -7 is collector run 7, and 7 is task attempt 7.
-- Open until ended_at: waiting until run_after, or under way in one host until lease_until. attempt_count grows with
-- every claim, so that it names one holder. give_up_at: then the next firing asks instead.
CREATE TABLE collector_runs (
    id                BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    schedule_id       BIGINT REFERENCES schedules (id) ON DELETE SET NULL,
    source            TEXT NOT NULL CHECK (source <> ''),
    scheduled_for     TIMESTAMPTZ NOT NULL,
    give_up_at        TIMESTAMPTZ NOT NULL,
    run_after         TIMESTAMPTZ,
    lease_until       TIMESTAMPTZ,
    attempt_count     BIGINT NOT NULL DEFAULT 0 CHECK (attempt_count >= 0),
    outcome           TEXT CHECK (outcome IN ('written', 'unchanged', 'failed')),
    units             BIGINT NOT NULL DEFAULT 0 CHECK (units >= 0),
    records_inserted  BIGINT NOT NULL DEFAULT 0 CHECK (records_inserted >= 0),
    records_updated   BIGINT NOT NULL DEFAULT 0 CHECK (records_updated >= 0),
    records_unchanged BIGINT NOT NULL DEFAULT 0 CHECK (records_unchanged >= 0),
    records_rejected  BIGINT NOT NULL DEFAULT 0 CHECK (records_rejected >= 0),
    component_digest  TEXT,
    requests          BIGINT NOT NULL DEFAULT 0 CHECK (requests >= 0),
    response_bytes    BIGINT NOT NULL DEFAULT 0 CHECK (response_bytes >= 0),
    cpu_us            BIGINT NOT NULL DEFAULT 0 CHECK (cpu_us >= 0),
    error_code        TEXT,
    error_message     TEXT,
    created_at        TIMESTAMPTZ NOT NULL,
    started_at        TIMESTAMPTZ,
    ended_at          TIMESTAMPTZ,
    CHECK ((ended_at IS NOT NULL) = (outcome IS NOT NULL)),
    CHECK ((CASE WHEN run_after IS NULL THEN 0 ELSE 1 END) + (CASE WHEN lease_until IS NULL THEN 0 ELSE 1 END)
           + (CASE WHEN ended_at IS NULL THEN 0 ELSE 1 END) = 1),
    CHECK ((started_at IS NULL) = (attempt_count = 0)),
    CHECK (outcome IS NULL OR outcome <> 'failed' OR error_code IS NOT NULL),
    CHECK (outcome IS NULL OR outcome <> 'written' OR records_inserted + records_updated > 0)
);
CREATE INDEX collector_runs_open ON collector_runs (source) WHERE ended_at IS NULL;
CREATE INDEX collector_runs_schedule ON collector_runs (schedule_id, id);

-- The answers that a run rests on.
CREATE TABLE collector_run_answers (
    run_id    BIGINT NOT NULL REFERENCES collector_runs (id) ON DELETE CASCADE,
    answer_id BIGINT NOT NULL REFERENCES answers (id) ON DELETE CASCADE,
    PRIMARY KEY (run_id, answer_id)
);
CREATE INDEX collector_run_answers_answer ON collector_run_answers (answer_id);

-- Whether the worker serves every job, or runs one in the foreground; how many tasks it takes at once.
ALTER TABLE workers ADD COLUMN serves BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE workers ADD COLUMN concurrency BIGINT NOT NULL DEFAULT 1 CHECK (concurrency > 0);
