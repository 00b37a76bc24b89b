-- A line knows its job, so that whoever follows one reads no line of others.
ALTER TABLE task_logs ADD COLUMN job_id BIGINT NOT NULL DEFAULT 0;
UPDATE task_logs SET job_id = t.job_id FROM backfill_tasks t WHERE t.id = task_logs.task_id;
ALTER TABLE task_logs ALTER COLUMN job_id DROP DEFAULT;
CREATE INDEX task_logs_job ON task_logs (job_id, id);
