-- A line knows its job, so that whoever follows one reads no line of others.
ALTER TABLE task_logs ADD COLUMN job_id INTEGER NOT NULL DEFAULT 0;
UPDATE task_logs SET job_id = t.job_id FROM backfill_tasks t WHERE t.id = task_logs.task_id;
CREATE INDEX task_logs_job ON task_logs (job_id, id);
