// A job as it goes on: what the host tells is put into what is shown.

import { type QueryKey, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";

import { api } from "../../lib/api";
import type { GridCell, JobDetail, LogLine } from "../../lib/backfill-api";
import { follow, type LiveEvent, type LiveState } from "../../lib/live";
import { useSession } from "../../lib/session";

/** An event of the job or of one of its tasks, as the stream tells it. */
interface Told {
  id: number;
  at: string;
  kind: string;
  task_id: number | null;
  data: Record<string, unknown>;
}

export type Line = LogLine & { task_id?: number };

/** Where a task stands after an event of it. */
const AFTER: Record<string, GridCell["status"]> = {
  "task-started": "in_progress",
  "task-completed": "completed",
  "task-failed": "failed",
  "task-retrying": "pending",
  "task-released": "pending",
  "task-lost": "pending",
  "task-reopened": "pending",
  "task-skipped": "skipped",
};

type Change = Required<Pick<GridCell, "status" | "outcome" | "error_code">>;
type Cells = Map<number, GridCell>;

/** A grid of more tasks than this nobody looks through, so that it is not asked for. */
export const DRAWN_MOST = 20_000;

/** So many lines of the log are kept. */
const LINES = 200;

/** Counters are asked for no more often. */
const COUNT_MS = 400;

/** Events are put into the grid together. */
const GRID_MS = 80;

export function useJob(id: number) {
  const queries = useQueryClient();
  const { expired, logins } = useSession();
  const [state, setState] = useState<LiveState>("connecting");
  const [lines, setLines] = useState<Line[]>([]);
  // Until something is told it is asked for.
  const polling = state !== "live" && !expired;
  const job = useQuery({
    queryKey: ["job", id],
    queryFn: () => api.getJobStatus(id),
    refetchInterval: ({ state: { data } }) => (polling && data !== undefined && data.job.completed_at == null ? 3_000 : false),
  });
  // Once it has ended there is nothing to follow, until somebody retries.
  const open = job.data === undefined ? undefined : job.data.job.completed_at == null;
  const pending = useRef(new Map<number, Change>());
  // What is told while a grid is read may be newer than what is read.
  const meanwhile = useRef(new Set<Map<number, Change>>());
  const grid = useQuery({
    queryKey: ["grid", id],
    queryFn: async (): Promise<Cells> => {
      const told = new Map<number, Change>();
      meanwhile.current.add(told);
      try {
        return put(new Map((await api.getJobGrid(id)).map((cell) => [cell.task_id, cell])), told);
      } finally {
        meanwhile.current.delete(told);
      }
    },
    enabled: job.data !== undefined && job.data.tasks_summary.total <= DRAWN_MOST,
    refetchInterval: open !== true ? false : polling ? 6_000 : 15_000,
    staleTime: 30_000,
  });
  const followed = useRef(false);

  useEffect(() => {
    if (open === undefined) return;
    if (!open) {
      setState("ended");
      // The counts may tell of the end before the stream has told of every task.
      if (followed.current) void queries.invalidateQueries({ queryKey: ["grid", id] });
      followed.current = false;
      return;
    }
    followed.current = true;
    const fresh = async (queryKey: QueryKey) => {
      const refetch = () => queries.refetchQueries({ queryKey, exact: true }, { cancelRefetch: false });
      // What is on its way may have been read before. It is not thrown away: where the host is slow, all would be.
      if (queries.isFetching({ queryKey, exact: true }) > 0) await refetch();
      await refetch();
    };
    const recount = steadily(COUNT_MS, () => fresh(["job", id]));
    const reread = steadily(COUNT_MS, () => fresh(["grid", id]));
    const putPending = () => {
      const changes = pending.current;
      pending.current = new Map();
      if (changes.size > 0) queries.setQueryData<Cells>(["grid", id], (cells) => cells && put(cells, changes));
    };
    const draw = steadily(GRID_MS, putPending);
    const told = ({ event, data }: LiveEvent) => {
      if (event === "snapshot") {
        queries.setQueryData(["job", id], data as JobDetail);
        // An answer that is on its way may be older.
        if (queries.isFetching({ queryKey: ["job", id] }) > 0) recount();
        reread();
      } else if (event === "task") {
        const { kind, task_id, data: more } = data as Told;
        const status = AFTER[kind];
        if (task_id !== null && status !== undefined) {
          const { outcome, code } = more as { outcome?: GridCell["outcome"]; code?: string };
          const change = { status, outcome: outcome ?? null, error_code: code ?? null };
          for (const changes of [pending.current, ...meanwhile.current]) changes.set(task_id, change);
          draw();
        }
        recount();
      } else if (event === "log") {
        const line = data as Line;
        // After a connection broke, the latest come once more.
        setLines((kept) => (kept.some((one) => one.id === line.id) ? kept : [...kept.slice(1 - LINES), line]));
      } else {
        recount();
        reread();
      }
    };
    const stop = follow(`/api/v1/backfill/jobs/${id}/events`, { told, changed: setState });
    return () => {
      stop();
      recount.cancel();
      reread.cancel();
      draw.cancel();
      // Kept until somebody retries, it would be put over what is newer.
      putPending();
    };
  }, [id, open, logins, queries]);

  return { job, grid, state, lines };
}

function put(cells: Cells, changes: ReadonlyMap<number, Change>): Cells {
  const next = new Map(cells);
  for (const [task, change] of changes) {
    const cell = next.get(task);
    if (cell !== undefined) next.set(task, { ...cell, ...change });
  }
  return next;
}

/** At once; and once more for whatever comes meanwhile, when that is done and the time has passed. */
function steadily(milliseconds: number, act: () => Promise<void> | void): (() => void) & { cancel: () => void } {
  let [busy, wanted, cancelled] = [false, false, false];
  const run = async () => {
    busy = true;
    while (wanted && !cancelled) {
      wanted = false;
      await Promise.all([act(), new Promise((done) => setTimeout(done, milliseconds))]);
    }
    busy = false;
  };
  const call = () => {
    wanted = true;
    if (!busy) void run();
  };
  return Object.assign(call, { cancel: () => void (cancelled = true) });
}
