-- The whole schema. Conventions, the same in every database behind the store:
--   *_at, *_until, run_after, tat   instants, microseconds since 1970-01-01T00:00:00Z
--   start_date, end_date            instants too, a half-open span [start, end); the names are those that clients know
--   measurements.start              whole seconds since 1970-01-01T00:00:00Z; seconds is the interval's length
--   JSON columns                    objects as text, names sorted, so that equal objects are equal text
-- Constraints refuse rows that can't be, so that a fault in the program is an error and not a wrong number.

-- Who may do what ------------------------------------------------------------------------------------------

CREATE TABLE users (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL UNIQUE CHECK (name <> ''),
    email       TEXT,
    role        TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    created_at  INTEGER NOT NULL,
    disabled_at INTEGER
) STRICT;

-- Only a hash of a token is kept: reading the database gives nobody access.
CREATE TABLE api_tokens (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    token_hash   BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;
CREATE INDEX api_tokens_user ON api_tokens (user_id);

-- What is measured -----------------------------------------------------------------------------------------

CREATE TABLE windfarms (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE CHECK (name <> ''),
    metadata   TEXT NOT NULL DEFAULT '{}' CHECK (json_type(metadata) = 'object'),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- share is the `share` attribute as a number: the part of the upstream's figure that is this unit's.
CREATE TABLE generation_units (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    windfarm_id INTEGER NOT NULL REFERENCES windfarms (id) ON DELETE RESTRICT,
    source      TEXT NOT NULL CHECK (source <> ''),
    code        TEXT NOT NULL CHECK (code <> ''),
    name        TEXT NOT NULL,
    capacity_mw REAL CHECK (capacity_mw > 0 AND capacity_mw <= 1.7976931348623157e308),
    attributes  TEXT NOT NULL DEFAULT '{}' CHECK (json_type(attributes) = 'object'),
    share       REAL CHECK (share > 0 AND share <= 1),
    active      INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    UNIQUE (windfarm_id, source, code, name)
) STRICT;
-- Without shares, two units with one code would each be given the whole.
CREATE UNIQUE INDEX generation_units_code_unshared ON generation_units (source, code) WHERE share IS NULL;
CREATE INDEX generation_units_code ON generation_units (source, code);

CREATE TABLE series (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    generation_unit_id INTEGER NOT NULL REFERENCES generation_units (id) ON DELETE RESTRICT,
    source             TEXT NOT NULL,
    kind               TEXT NOT NULL CHECK (kind <> ''),
    quantity           TEXT NOT NULL CHECK (quantity IN ('mean-power', 'spot-power', 'energy')),
    labels             TEXT NOT NULL CHECK (json_type(labels) = 'object'),
    UNIQUE (generation_unit_id, source, kind, quantity, labels)
) STRICT;

-- attempt_id names the attempt that wrote the value. It is no foreign key: deleting a job takes its attempts
-- and never a measurement, and attempt ids are never used again.
CREATE TABLE measurements (
    series_id  INTEGER NOT NULL REFERENCES series (id) ON DELETE RESTRICT,
    start      INTEGER NOT NULL,
    seconds    INTEGER NOT NULL CHECK (seconds > 0),
    value      REAL NOT NULL CHECK (value BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
    attempt_id INTEGER NOT NULL,
    PRIMARY KEY (series_id, start)
) STRICT, WITHOUT ROWID;

-- What a value was, who wrote it, until when it stood, and which attempt replaced it.
CREATE TABLE measurement_revisions (
    series_id   INTEGER NOT NULL REFERENCES series (id) ON DELETE RESTRICT,
    start       INTEGER NOT NULL,
    seconds     INTEGER NOT NULL CHECK (seconds > 0),
    value       REAL NOT NULL CHECK (value BETWEEN -1.7976931348623157e308 AND 1.7976931348623157e308),
    attempt_id  INTEGER NOT NULL,
    replaced_at INTEGER NOT NULL,
    replaced_by INTEGER NOT NULL,
    PRIMARY KEY (series_id, start, replaced_by)
) STRICT, WITHOUT ROWID;

-- What is to be done ---------------------------------------------------------------------------------------

-- queue_at orders the queue: the creation less the head start of the priority, so that waiting ages a job.
CREATE TABLE backfill_jobs (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    windfarm_id     INTEGER NOT NULL REFERENCES windfarms (id) ON DELETE RESTRICT,
    start_date      INTEGER NOT NULL,
    end_date        INTEGER NOT NULL CHECK (end_date > start_date),
    status          TEXT NOT NULL
                    CHECK (status IN ('pending', 'in_progress', 'completed', 'failed', 'partially_completed')),
    reason          TEXT,
    paused          INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    priority        TEXT NOT NULL CHECK (priority IN ('backfill_high', 'backfill', 'default')),
    queue_at        INTEGER NOT NULL,
    total_tasks     INTEGER NOT NULL CHECK (total_tasks > 0),
    completed_tasks INTEGER NOT NULL DEFAULT 0 CHECK (completed_tasks >= 0),
    failed_tasks    INTEGER NOT NULL DEFAULT 0 CHECK (failed_tasks >= 0),
    skipped_tasks   INTEGER NOT NULL DEFAULT 0 CHECK (skipped_tasks >= 0),
    job_metadata    TEXT NOT NULL DEFAULT '{}' CHECK (json_type(job_metadata) = 'object'),
    error_message   TEXT,
    created_by_id   INTEGER REFERENCES users (id) ON DELETE SET NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    started_at      INTEGER,
    completed_at    INTEGER,
    CHECK (completed_tasks + failed_tasks + skipped_tasks <= total_tasks),
    CHECK ((completed_at IS NOT NULL) = (status IN ('completed', 'failed', 'partially_completed'))),
    CHECK ((completed_at IS NOT NULL) = (completed_tasks + failed_tasks + skipped_tasks = total_tasks)),
    CHECK (status <> 'pending' OR started_at IS NULL),
    CHECK (status <> 'in_progress' OR started_at IS NOT NULL)
) STRICT;
CREATE INDEX backfill_jobs_windfarm ON backfill_jobs (windfarm_id, id);
CREATE INDEX backfill_jobs_status ON backfill_jobs (status, id);

-- run_after: not claimed before; null once it has passed. held: its job is paused. attempt_count: attempts that
-- ended and count. fence: grows with every claim, so that it names one holder for ever. lost_count: leases in a row
-- that ran out. start_date to end_date is the month's span in the upstream's own zone.
CREATE TABLE backfill_tasks (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id             INTEGER NOT NULL REFERENCES backfill_jobs (id) ON DELETE CASCADE,
    generation_unit_id INTEGER NOT NULL REFERENCES generation_units (id) ON DELETE RESTRICT,
    source             TEXT NOT NULL,
    month              TEXT NOT NULL CHECK (month GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]'),
    start_date         INTEGER NOT NULL,
    end_date           INTEGER NOT NULL CHECK (end_date > start_date),
    status             TEXT NOT NULL CHECK (status IN ('pending', 'in_progress', 'completed', 'failed', 'skipped')),
    outcome            TEXT CHECK (outcome IN ('written', 'unchanged', 'empty')),
    queue_at           INTEGER NOT NULL,
    held               INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
    run_after          INTEGER,
    fence              INTEGER NOT NULL DEFAULT 0 CHECK (fence >= 0),
    lease_owner        TEXT,
    lease_until        INTEGER,
    lost_count         INTEGER NOT NULL DEFAULT 0 CHECK (lost_count >= 0),
    attempt_count      INTEGER NOT NULL DEFAULT 0 CHECK (attempt_count >= 0),
    max_attempts       INTEGER NOT NULL DEFAULT 3 CHECK (max_attempts > 0),
    records_fetched    INTEGER NOT NULL DEFAULT 0 CHECK (records_fetched >= 0),
    records_inserted   INTEGER NOT NULL DEFAULT 0 CHECK (records_inserted >= 0),
    records_updated    INTEGER NOT NULL DEFAULT 0 CHECK (records_updated >= 0),
    records_unchanged  INTEGER NOT NULL DEFAULT 0 CHECK (records_unchanged >= 0),
    records_rejected   INTEGER NOT NULL DEFAULT 0 CHECK (records_rejected >= 0),
    error_message      TEXT,
    error_code         TEXT,
    task_metadata      TEXT NOT NULL DEFAULT '{}' CHECK (json_type(task_metadata) = 'object'),
    created_at         INTEGER NOT NULL,
    started_at         INTEGER,
    completed_at       INTEGER,
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
) STRICT;
-- What a claim looks at, and nothing else: it stays small however long the history grows.
CREATE INDEX backfill_tasks_ready ON backfill_tasks (source, queue_at, job_id, id)
    WHERE status = 'pending' AND NOT held AND run_after IS NULL;
CREATE INDEX backfill_tasks_waiting ON backfill_tasks (run_after) WHERE run_after IS NOT NULL;
CREATE INDEX backfill_tasks_leased ON backfill_tasks (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX backfill_tasks_job ON backfill_tasks (job_id, status);
CREATE INDEX backfill_tasks_unit ON backfill_tasks (generation_unit_id, start_date);

CREATE TABLE task_attempts (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id          INTEGER NOT NULL REFERENCES backfill_tasks (id) ON DELETE CASCADE,
    fence            INTEGER NOT NULL CHECK (fence > 0),
    worker           TEXT NOT NULL,
    started_at       INTEGER NOT NULL,
    ended_at         INTEGER,
    outcome          TEXT CHECK (outcome IN ('written', 'unchanged', 'empty', 'failed', 'released', 'lost', 'cancelled')),
    component_digest TEXT,
    requests         INTEGER NOT NULL DEFAULT 0 CHECK (requests >= 0),
    response_bytes   INTEGER NOT NULL DEFAULT 0 CHECK (response_bytes >= 0),
    cpu_us           INTEGER NOT NULL DEFAULT 0 CHECK (cpu_us >= 0),
    error_code       TEXT,
    error_message    TEXT,
    UNIQUE (task_id, fence),
    CHECK ((ended_at IS NOT NULL) = (outcome IS NOT NULL)),
    CHECK (outcome IS NULL OR outcome <> 'failed' OR error_code IS NOT NULL)
) STRICT;

-- Rows that the last attempt of a task was not allowed to store.
CREATE TABLE task_rejections (
    task_id INTEGER NOT NULL REFERENCES backfill_tasks (id) ON DELETE CASCADE,
    reason  TEXT NOT NULL,
    count   INTEGER NOT NULL CHECK (count > 0),
    sample  TEXT NOT NULL CHECK (json_type(sample) = 'array'),
    PRIMARY KEY (task_id, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE task_logs (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id INTEGER NOT NULL REFERENCES backfill_tasks (id) ON DELETE CASCADE,
    fence   INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    level   TEXT NOT NULL CHECK (level IN ('debug', 'info', 'warn', 'error')),
    message TEXT NOT NULL
) STRICT;
CREATE INDEX task_logs_task ON task_logs (task_id, id);

-- What the upstreams said ----------------------------------------------------------------------------------

-- The archive's index. request_key is a digest of the request without its secrets; digest names the body.
CREATE TABLE answers (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    source       TEXT NOT NULL,
    request_key  TEXT NOT NULL,
    method       TEXT NOT NULL,
    url          TEXT NOT NULL,
    status       INTEGER NOT NULL CHECK (status BETWEEN 100 AND 599),
    headers      TEXT NOT NULL CHECK (json_type(headers) = 'array'),
    digest       TEXT NOT NULL,
    body_bytes   INTEGER NOT NULL CHECK (body_bytes >= 0),
    stored_bytes INTEGER NOT NULL CHECK (stored_bytes >= 0),
    fetched_at   INTEGER NOT NULL,
    -- 0 once a source could not read it: it is kept for provenance, and serves no request again.
    reusable     INTEGER NOT NULL DEFAULT 1 CHECK (reusable IN (0, 1))
) STRICT;
CREATE INDEX answers_request ON answers (source, request_key, fetched_at);

CREATE TABLE attempt_answers (
    attempt_id INTEGER NOT NULL REFERENCES task_attempts (id) ON DELETE CASCADE,
    answer_id  INTEGER NOT NULL REFERENCES answers (id) ON DELETE CASCADE,
    PRIMARY KEY (attempt_id, answer_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_answers_answer ON attempt_answers (answer_id);

-- One allowance per source for all hosts: tat is the theoretical arrival time of the generic cell rate
-- algorithm; nobody asks before held_until, which a Retry-After set.
CREATE TABLE source_limits (
    source     TEXT PRIMARY KEY,
    tat        INTEGER,
    held_until INTEGER
) STRICT, WITHOUT ROWID;

-- What happened, and who is told ---------------------------------------------------------------------------

-- Append-only. Jobs and tasks are named and not referenced: what happened outlives what it happened to.
CREATE TABLE events (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    job_id  INTEGER,
    task_id INTEGER,
    source  TEXT,
    data    TEXT NOT NULL DEFAULT '{}' CHECK (json_type(data) = 'object')
) STRICT;
CREATE INDEX events_job ON events (job_id, id) WHERE job_id IS NOT NULL;

CREATE TABLE workers (
    id           TEXT PRIMARY KEY,
    host         TEXT NOT NULL,
    pid          INTEGER NOT NULL,
    version      TEXT NOT NULL,
    started_at   INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL CHECK (heartbeat_at >= started_at),
    stopped_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE schedules (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT NOT NULL UNIQUE,
    kind          TEXT NOT NULL CHECK (kind IN ('incremental', 'revise', 'collect')),
    cron          TEXT NOT NULL,
    time_zone     TEXT NOT NULL,
    overlap       TEXT NOT NULL DEFAULT 'skip' CHECK (overlap IN ('skip', 'queue')),
    settings      TEXT NOT NULL DEFAULT '{}' CHECK (json_type(settings) = 'object'),
    enabled       INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    last_fired_at INTEGER,
    next_fire_at  INTEGER,
    last_job_id   INTEGER REFERENCES backfill_jobs (id) ON DELETE SET NULL,
    created_by_id INTEGER REFERENCES users (id) ON DELETE SET NULL,
    created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX schedules_due ON schedules (next_fire_at) WHERE enabled;

-- secret_from says where the signing secret is (`env:NAME`, `file:PATH`); the database never holds it.
CREATE TABLE webhooks (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    url           TEXT NOT NULL,
    secret_from   TEXT,
    event_kinds   TEXT NOT NULL DEFAULT '[]' CHECK (json_type(event_kinds) = 'array'),
    active        INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    created_by_id INTEGER REFERENCES users (id) ON DELETE SET NULL,
    created_at    INTEGER NOT NULL
) STRICT;

-- Messages, written by the transaction that they tell of, sent afterwards.
CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id        INTEGER NOT NULL REFERENCES events (id),
    channel         TEXT NOT NULL CHECK (channel IN ('webhook', 'email')),
    recipient       TEXT NOT NULL,
    payload         TEXT NOT NULL CHECK (json_valid(payload)),
    attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at INTEGER,
    delivered_at    INTEGER,
    dead_at         INTEGER,
    last_error      TEXT,
    created_at      INTEGER NOT NULL,
    UNIQUE (event_id, channel, recipient),
    CHECK ((next_attempt_at IS NOT NULL) + (delivered_at IS NOT NULL) + (dead_at IS NOT NULL) = 1)
) STRICT;
CREATE INDEX outbox_due ON outbox (next_attempt_at) WHERE next_attempt_at IS NOT NULL;

CREATE TABLE audit_log (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    user_id  INTEGER,
    token_id INTEGER,
    action   TEXT NOT NULL,
    target   TEXT NOT NULL,
    detail   TEXT NOT NULL DEFAULT '{}' CHECK (json_type(detail) = 'object'),
    address  TEXT
) STRICT;
CREATE INDEX audit_log_target ON audit_log (target, id);
