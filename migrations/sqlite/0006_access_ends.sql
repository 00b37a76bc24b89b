-- What lets in ends with what it came of; a request is answered once; the audit log knows who does not log in.

-- By which token this one was made: it lets in only while that one does.
ALTER TABLE api_tokens ADD COLUMN parent_id INTEGER REFERENCES api_tokens (id) ON DELETE CASCADE;
CREATE INDEX api_tokens_parent ON api_tokens (parent_id) WHERE parent_id IS NOT NULL;

-- role: what whoever sent the request may do; nobody who may do less gets its answer.
-- holder: who answers it, and holds it until held_until, which is moved on meanwhile; after that, others may take it.
-- job_id: the job that the request made, from the transaction that made it on.
-- body: null if the answer holds a secret or is too long: such answers are given once.
ALTER TABLE idempotency_keys ADD COLUMN role TEXT NOT NULL DEFAULT 'admin' CHECK (role IN ('viewer', 'operator', 'admin'));
ALTER TABLE idempotency_keys ADD COLUMN holder TEXT;
ALTER TABLE idempotency_keys ADD COLUMN held_until INTEGER;
ALTER TABLE idempotency_keys ADD COLUMN job_id INTEGER;
UPDATE idempotency_keys SET body = NULL WHERE body LIKE '%"bft%';

-- Who changed something without being a user: the command line, or the issuer of JSON Web Tokens.
ALTER TABLE audit_log ADD COLUMN actor TEXT;
