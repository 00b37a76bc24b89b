// How much of a job is done: what failed has ended too, and so has what was stopped, but neither is done.

import type { JobDetail } from "../../lib/backfill-api";

export const doneOf = (sum: JobDetail["tasks_summary"]): number => sum.completed + sum.skipped - sum.stopped;
