-- The whole schema. Conventions, the same in every database behind the store (SQLite keeps instants as numbers):
--   *_at, *_until, run_after, tat   instants
--   start_date, end_date            instants too, a half-open span [start, end); the names are those that clients know
--   measurements.start              whole seconds; seconds is the interval's length
-- Constraints refuse rows that can't be, so that a fault in the program is an error and not a wrong number.

-- Who may do what ------------------------------------------------------------------------------------------

CREATE TABLE users (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE CHECK (name <> ''),
    email       TEXT,
    role        TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    created_at  TIMESTAMPTZ NOT NULL,
    disabled_at TIMESTAMPTZ
);

-- Only a hash of a token is kept: reading the database gives nobody access.
CREATE TABLE api_tokens (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id      BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    token_hash   BYTEA NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    created_at   TIMESTAMPTZ NOT NULL,
    expires_at   TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    revoked_at   TIMESTAMPTZ
);
CREATE INDEX api_tokens_user ON api_tokens (user_id);

-- What is measured -----------------------------------------------------------------------------------------

CREATE TABLE windfarms (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE CHECK (name <> ''),
    metadata   JSONB NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

-- share is the `share` attribute as a number: the part of the upstream's figure that is this unit's.
CREATE TABLE generation_units (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    windfarm_id BIGINT NOT NULL REFERENCES windfarms (id) ON DELETE RESTRICT,
    source      TEXT NOT NULL CHECK (source <> ''),
    code        TEXT NOT NULL CHECK (code <> ''),
    name        TEXT NOT NULL,
    capacity_mw DOUBLE PRECISION CHECK (capacity_mw > 0 AND capacity_mw <= 1.7976931348623157e308),
    attributes  JSONB NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
    share       DOUBLE PRECISION CHECK (share > 0 AND share <= 1),
    active      BOOLEAN NOT NULL DEFAULT true,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL,
    UNIQUE (windfarm_id, source, code, name)
);
-- Without shares, two units with one code would each be given the whole.
CREATE UNIQUE INDEX generation_units_code_unshared ON generation_units (source, code) WHERE share IS NULL;
CREATE INDEX generation_units_code ON generation_units (source, code);

CREATE TABLE series (
    id                 BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    generation_unit_id BIGINT NOT NULL REFERENCES generation_units (id) ON DELETE RESTRICT,
    source             TEXT NOT NULL,
    kind               TEXT NOT NULL CHECK (kind <> ''),
    quantity           TEXT NOT NULL CHECK (quantity IN ('mean-power', 'spot-power', 'energy')),
    labels             JSONB NOT NULL CHECK (jsonb_typeof(labels) = 'object'),
    UNIQUE (generation_unit_id, source, kind, quantity, labels)
);

-- attempt_id names the attempt that wrote the value. It is no foreign key: deleting a job takes its attempts
-- and never a measurement, and attempt ids are never used again. Nor is series_id one, which would cost a look-up
-- for every row of millions: the transaction that writes a row has found or made its series, and none is ever deleted.
-- Partitioned by year, so that a month's rows of all units lie together and old years can be kept elsewhere.
CREATE TABLE measurements (
    series_id  BIGINT NOT NULL,
    start      TIMESTAMPTZ NOT NULL,
    seconds    BIGINT NOT NULL CHECK (seconds > 0),
    value      DOUBLE PRECISION NOT NULL CHECK (value BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
    attempt_id BIGINT NOT NULL,
    PRIMARY KEY (series_id, start)
) PARTITION BY RANGE (start);
CREATE TABLE measurements_other PARTITION OF measurements DEFAULT;
DO $$
BEGIN
    FOR year IN 2000..2049 LOOP
        EXECUTE format('CREATE TABLE measurements_%s PARTITION OF measurements FOR VALUES FROM (%L) TO (%L)',
                       year, year || '-01-01T00:00:00Z', year + 1 || '-01-01T00:00:00Z');
    END LOOP;
END $$;

-- What a value was, who wrote it, until when it stood, and which attempt replaced it.
CREATE TABLE measurement_revisions (
    series_id   BIGINT NOT NULL,
    start       TIMESTAMPTZ NOT NULL,
    seconds     BIGINT NOT NULL CHECK (seconds > 0),
    value       DOUBLE PRECISION NOT NULL CHECK (value BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
    attempt_id  BIGINT NOT NULL,
    replaced_at TIMESTAMPTZ NOT NULL,
    replaced_by BIGINT NOT NULL,
    PRIMARY KEY (series_id, start, replaced_by)
);

-- What is to be done ---------------------------------------------------------------------------------------

-- queue_at orders the queue: the creation less the head start of the priority, so that waiting ages a job.
CREATE TABLE backfill_jobs (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    windfarm_id     BIGINT NOT NULL REFERENCES windfarms (id) ON DELETE RESTRICT,
    start_date      TIMESTAMPTZ NOT NULL,
    end_date        TIMESTAMPTZ NOT NULL CHECK (end_date > start_date),
    status          TEXT NOT NULL
                    CHECK (status IN ('pending', 'in_progress', 'completed', 'failed', 'partially_completed')),
    reason          TEXT,
    paused          BOOLEAN NOT NULL DEFAULT false,
    priority        TEXT NOT NULL CHECK (priority IN ('backfill_high', 'backfill', 'default')),
    queue_at        TIMESTAMPTZ NOT NULL,
    total_tasks     BIGINT NOT NULL CHECK (total_tasks > 0),
    completed_tasks BIGINT NOT NULL DEFAULT 0 CHECK (completed_tasks >= 0),
    failed_tasks    BIGINT NOT NULL DEFAULT 0 CHECK (failed_tasks >= 0),
    skipped_tasks   BIGINT NOT NULL DEFAULT 0 CHECK (skipped_tasks >= 0),
    job_metadata    JSONB NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(job_metadata) = 'object'),
    error_message   TEXT,
    created_by_id   BIGINT REFERENCES users (id) ON DELETE SET NULL,
    created_at      TIMESTAMPTZ NOT NULL,
    updated_at      TIMESTAMPTZ NOT NULL,
    started_at      TIMESTAMPTZ,
    completed_at    TIMESTAMPTZ,
    CHECK (completed_tasks + failed_tasks + skipped_tasks <= total_tasks),
    CHECK ((completed_at IS NOT NULL) = (status IN ('completed', 'failed', 'partially_completed'))),
    CHECK ((completed_at IS NOT NULL) = (completed_tasks + failed_tasks + skipped_tasks = total_tasks)),
    CHECK (status <> 'pending' OR started_at IS NULL),
    CHECK (status <> 'in_progress' OR started_at IS NOT NULL)
);
CREATE INDEX backfill_jobs_windfarm ON backfill_jobs (windfarm_id, id);
CREATE INDEX backfill_jobs_status ON backfill_jobs (status, id);

-- run_after: not claimed before; null once it has passed. held: its job is paused. attempt_count: attempts that
-- ended and count. fence: grows with every claim, so that it names one holder for ever. lost_count: leases in a row
-- that ran out. start_date to end_date is the month's span in the upstream's own zone.
CREATE TABLE backfill_tasks (
    id                 BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id             BIGINT NOT NULL REFERENCES backfill_jobs (id) ON DELETE CASCADE,
    generation_unit_id BIGINT NOT NULL REFERENCES generation_units (id) ON DELETE RESTRICT,
    source             TEXT NOT NULL,
    month              TEXT NOT NULL CHECK (month ~ '^[0-9]{4}-[01][0-9]$'),
    start_date         TIMESTAMPTZ NOT NULL,
    end_date           TIMESTAMPTZ NOT NULL CHECK (end_date > start_date),
    status             TEXT NOT NULL CHECK (status IN ('pending', 'in_progress', 'completed', 'failed', 'skipped')),
    outcome            TEXT CHECK (outcome IN ('written', 'unchanged', 'empty')),
    queue_at           TIMESTAMPTZ NOT NULL,
    held               BOOLEAN NOT NULL DEFAULT false,
    run_after          TIMESTAMPTZ,
    fence              BIGINT NOT NULL DEFAULT 0 CHECK (fence >= 0),
    lease_owner        TEXT,
    lease_until        TIMESTAMPTZ,
    lost_count         BIGINT NOT NULL DEFAULT 0 CHECK (lost_count >= 0),
    attempt_count      BIGINT NOT NULL DEFAULT 0 CHECK (attempt_count >= 0),
    max_attempts       BIGINT NOT NULL DEFAULT 3 CHECK (max_attempts > 0),
    records_fetched    BIGINT NOT NULL DEFAULT 0 CHECK (records_fetched >= 0),
    records_inserted   BIGINT NOT NULL DEFAULT 0 CHECK (records_inserted >= 0),
    records_updated    BIGINT NOT NULL DEFAULT 0 CHECK (records_updated >= 0),
    records_unchanged  BIGINT NOT NULL DEFAULT 0 CHECK (records_unchanged >= 0),
    records_rejected   BIGINT NOT NULL DEFAULT 0 CHECK (records_rejected >= 0),
    error_message      TEXT,
    error_code         TEXT,
    task_metadata      JSONB NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(task_metadata) = 'object'),
    created_at         TIMESTAMPTZ NOT NULL,
    started_at         TIMESTAMPTZ,
    completed_at       TIMESTAMPTZ,
    UNIQUE (job_id, generation_unit_id, start_date),
    CHECK ((lease_owner IS NOT NULL) = (status = 'in_progress')),
    CHECK ((lease_until IS NOT NULL) = (status = 'in_progress')),
    CHECK (status <> 'in_progress' OR (started_at IS NOT NULL AND fence > 0)),
    CHECK (run_after IS NULL OR status = 'pending'),
    CHECK ((completed_at IS NOT NULL) = (status IN ('completed', 'failed', 'skipped'))),
    CHECK ((outcome IS NOT NULL) = (status = 'completed')),
    CHECK (attempt_count <= max_attempts),
    CHECK (records_fetched = records_inserted + records_updated + records_unchanged + records_rejected),
    -- A success without records is one that the upstream confirmed.
    CHECK (outcome IS NULL OR outcome <> 'written' OR records_inserted + records_updated > 0),
    CHECK (outcome IS NULL OR outcome <> 'unchanged'
           OR (records_inserted + records_updated = 0 AND records_unchanged > 0)),
    CHECK (outcome IS NULL OR outcome <> 'empty' OR records_fetched = 0)
);
-- What a claim looks at, and nothing else: it stays small however long the history grows.
CREATE INDEX backfill_tasks_ready ON backfill_tasks (source, queue_at, job_id, id)
    WHERE status = 'pending' AND NOT held AND run_after IS NULL;
CREATE INDEX backfill_tasks_waiting ON backfill_tasks (run_after) WHERE run_after IS NOT NULL;
CREATE INDEX backfill_tasks_leased ON backfill_tasks (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX backfill_tasks_job ON backfill_tasks (job_id, status);
CREATE INDEX backfill_tasks_unit ON backfill_tasks (generation_unit_id, start_date);

CREATE TABLE task_attempts (
    id               BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id          BIGINT NOT NULL REFERENCES backfill_tasks (id) ON DELETE CASCADE,
    fence            BIGINT NOT NULL CHECK (fence > 0),
    worker           TEXT NOT NULL,
    started_at       TIMESTAMPTZ NOT NULL,
    ended_at         TIMESTAMPTZ,
    outcome          TEXT CHECK (outcome IN ('written', 'unchanged', 'empty', 'failed', 'released', 'lost', 'cancelled')),
    component_digest TEXT,
    requests         BIGINT NOT NULL DEFAULT 0 CHECK (requests >= 0),
    response_bytes   BIGINT NOT NULL DEFAULT 0 CHECK (response_bytes >= 0),
    cpu_us           BIGINT NOT NULL DEFAULT 0 CHECK (cpu_us >= 0),
    error_code       TEXT,
    error_message    TEXT,
    UNIQUE (task_id, fence),
    CHECK ((ended_at IS NOT NULL) = (outcome IS NOT NULL)),
    CHECK (outcome IS NULL OR outcome <> 'failed' OR error_code IS NOT NULL)
);

-- Rows that the last attempt of a task was not allowed to store.
CREATE TABLE task_rejections (
    task_id BIGINT NOT NULL REFERENCES backfill_tasks (id) ON DELETE CASCADE,
    reason  TEXT NOT NULL,
    count   BIGINT NOT NULL CHECK (count > 0),
    sample  JSONB NOT NULL CHECK (jsonb_typeof(sample) = 'array'),
    PRIMARY KEY (task_id, reason)
);

CREATE TABLE task_logs (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id BIGINT NOT NULL REFERENCES backfill_tasks (id) ON DELETE CASCADE,
    fence   BIGINT NOT NULL,
    at      TIMESTAMPTZ NOT NULL,
    level   TEXT NOT NULL CHECK (level IN ('debug', 'info', 'warn', 'error')),
    message TEXT NOT NULL
);
CREATE INDEX task_logs_task ON task_logs (task_id, id);

-- What the upstreams said ----------------------------------------------------------------------------------

-- The archive's index. request_key is a digest of the request without its secrets; digest names the body.
CREATE TABLE answers (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source       TEXT NOT NULL,
    request_key  TEXT NOT NULL,
    method       TEXT NOT NULL,
    url          TEXT NOT NULL,
    status       BIGINT NOT NULL CHECK (status BETWEEN 100 AND 599),
    headers      JSONB NOT NULL CHECK (jsonb_typeof(headers) = 'array'),
    digest       TEXT NOT NULL,
    body_bytes   BIGINT NOT NULL CHECK (body_bytes >= 0),
    stored_bytes BIGINT NOT NULL CHECK (stored_bytes >= 0),
    fetched_at   TIMESTAMPTZ NOT NULL,
    -- 0 once a source could not read it: it is kept for provenance, and serves no request again.
    reusable     BOOLEAN NOT NULL DEFAULT true
);
CREATE INDEX answers_request ON answers (source, request_key, fetched_at);

CREATE TABLE attempt_answers (
    attempt_id BIGINT NOT NULL REFERENCES task_attempts (id) ON DELETE CASCADE,
    answer_id  BIGINT NOT NULL REFERENCES answers (id) ON DELETE CASCADE,
    PRIMARY KEY (attempt_id, answer_id)
);
CREATE INDEX attempt_answers_answer ON attempt_answers (answer_id);

-- One allowance per source for all hosts: tat is the theoretical arrival time of the generic cell rate
-- algorithm; nobody asks before held_until, which a Retry-After set.
CREATE TABLE source_limits (
    source     TEXT PRIMARY KEY,
    tat        TIMESTAMPTZ,
    held_until TIMESTAMPTZ
);

-- What happened, and who is told ---------------------------------------------------------------------------

-- Append-only. Jobs and tasks are named and not referenced: what happened outlives what it happened to.
CREATE TABLE events (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      TIMESTAMPTZ NOT NULL,
    kind    TEXT NOT NULL,
    job_id  BIGINT,
    task_id BIGINT,
    source  TEXT,
    data    JSONB NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(data) = 'object')
);
CREATE INDEX events_job ON events (job_id, id) WHERE job_id IS NOT NULL;

CREATE TABLE workers (
    id           TEXT PRIMARY KEY,
    host         TEXT NOT NULL,
    pid          BIGINT NOT NULL,
    version      TEXT NOT NULL,
    started_at   TIMESTAMPTZ NOT NULL,
    heartbeat_at TIMESTAMPTZ NOT NULL CHECK (heartbeat_at >= started_at),
    stopped_at   TIMESTAMPTZ
);

CREATE TABLE schedules (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          TEXT NOT NULL UNIQUE,
    kind          TEXT NOT NULL CHECK (kind IN ('incremental', 'revise', 'collect')),
    cron          TEXT NOT NULL,
    time_zone     TEXT NOT NULL,
    overlap       TEXT NOT NULL DEFAULT 'skip' CHECK (overlap IN ('skip', 'queue')),
    settings      JSONB NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings) = 'object'),
    enabled       BOOLEAN NOT NULL DEFAULT true,
    last_fired_at TIMESTAMPTZ,
    next_fire_at  TIMESTAMPTZ,
    last_job_id   BIGINT REFERENCES backfill_jobs (id) ON DELETE SET NULL,
    created_by_id BIGINT REFERENCES users (id) ON DELETE SET NULL,
    created_at    TIMESTAMPTZ NOT NULL
);
CREATE INDEX schedules_due ON schedules (next_fire_at) WHERE enabled;

-- secret_from says where the signing secret is (`env:NAME`, `file:PATH`); the database never holds it.
CREATE TABLE webhooks (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url           TEXT NOT NULL,
    secret_from   TEXT,
    event_kinds   JSONB NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(event_kinds) = 'array'),
    active        BOOLEAN NOT NULL DEFAULT true,
    created_by_id BIGINT REFERENCES users (id) ON DELETE SET NULL,
    created_at    TIMESTAMPTZ NOT NULL
);

-- Messages, written by the transaction that they tell of, sent afterwards.
CREATE TABLE outbox (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id        BIGINT NOT NULL REFERENCES events (id),
    channel         TEXT NOT NULL CHECK (channel IN ('webhook', 'email')),
    recipient       TEXT NOT NULL,
    payload         JSONB NOT NULL,
    attempts        BIGINT NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at TIMESTAMPTZ,
    delivered_at    TIMESTAMPTZ,
    dead_at         TIMESTAMPTZ,
    last_error      TEXT,
    created_at      TIMESTAMPTZ NOT NULL,
    UNIQUE (event_id, channel, recipient),
    CHECK (num_nonnulls(next_attempt_at, delivered_at, dead_at) = 1)
);
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE next_attempt_at IS NOT NULL;

CREATE TABLE audit_log (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       TIMESTAMPTZ NOT NULL,
    user_id  BIGINT,
    token_id BIGINT,
    action   TEXT NOT NULL,
    target   TEXT NOT NULL,
    detail   JSONB NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(detail) = 'object'),
    address  TEXT
);
CREATE INDEX audit_log_target ON audit_log (target, id);
