-- What is asked for anew, when emptiness is believed, and what may be forgotten.

-- Whether the job wants every month of it fetched by an attempt that began after the job was made.
ALTER TABLE backfill_jobs ADD COLUMN anew BOOLEAN NOT NULL DEFAULT false;

-- The upstream has said that the month is empty; that it says so again is believed from then on.
ALTER TABLE backfill_tasks ADD COLUMN confirm_at TIMESTAMPTZ;

-- Runs that wrote nothing are forgotten after a while; those that did are where stored values come from.
CREATE INDEX collector_runs_in_vain ON collector_runs (ended_at) WHERE outcome <> 'written';
