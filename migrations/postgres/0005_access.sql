-- Who may use the API, and what was answered already.

-- A token is `token`; what a browser logged in with is a `session`; a `login` is the one-time link that leads to one.
-- role: no more than this, if the token may do less than its user.
ALTER TABLE api_tokens ADD COLUMN kind TEXT NOT NULL DEFAULT 'token' CHECK (kind IN ('token', 'session', 'login'));
ALTER TABLE api_tokens ADD COLUMN role TEXT CHECK (role IN ('viewer', 'operator', 'admin'));

-- A user of an issuer of JSON Web Tokens is known by issuer and subject.
ALTER TABLE users ADD COLUMN issuer TEXT;
ALTER TABLE users ADD COLUMN subject TEXT CHECK ((issuer IS NULL) = (subject IS NULL));
CREATE UNIQUE INDEX users_subject ON users (issuer, subject) WHERE issuer IS NOT NULL;

-- Answers to requests with an Idempotency-Key: the same request again gets the same answer and does nothing.
-- request_hash: of method, path and body. answered_at is null while the first request is under way.
CREATE TABLE idempotency_keys (
    user_id      BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key          TEXT NOT NULL CHECK (key <> ''),
    request_hash TEXT NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    answered_at  TIMESTAMPTZ,
    status       BIGINT CHECK (status BETWEEN 100 AND 599),
    headers      JSONB NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(headers) = 'array'),
    body         TEXT,
    PRIMARY KEY (user_id, key),
    CHECK ((answered_at IS NULL) = (status IS NULL))
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- How the request was answered; null if the host died before.
ALTER TABLE audit_log ADD COLUMN status BIGINT CHECK (status BETWEEN 100 AND 599);
CREATE INDEX audit_log_user ON audit_log (user_id, id);
CREATE INDEX backfill_jobs_created_by ON backfill_jobs (created_by_id, id) WHERE created_by_id IS NOT NULL;
