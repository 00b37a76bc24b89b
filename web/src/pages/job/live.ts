// A job as it goes on: what the host tells is put into what is shown.

import { useQuery, useQueryClient } from "@tanstack/react-query";
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

/** So many lines of the log are kept. */
const LINES = 200;

/** Counters are asked for no more often. */
const COUNT_MS = 400;

/** Events are put into the grid together. */
const GRID_MS = 80;

export function useJob(id: number) {
  const queries = useQueryClient();
  const { logins } = useSession();
  const [state, setState] = useState<LiveState>("connecting");
  const [lines, setLines] = useState<Line[]>([]);
  const polling = state === "reconnecting" || state === "polling";
  const job = useQuery({
    queryKey: ["job", id],
    queryFn: () => api.getJobStatus(id),
    refetchInterval: polling ? 3_000 : false,
  });
  const grid = useQuery({
    queryKey: ["grid", id],
    queryFn: async () => new Map((await api.getJobGrid(id)).map((cell) => [cell.task_id, cell])),
    // An answer may be older than an event that came meanwhile; the next one is not.
    refetchInterval: polling ? 6_000 : state === "live" ? 15_000 : false,
    staleTime: 30_000,
  });
  // Once it has ended there is nothing to follow, until somebody retries.
  const open = job.data === undefined ? undefined : job.data.job.completed_at == null;
  const pending = useRef(new Map<number, Partial<GridCell>>());
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
    const later = throttled(COUNT_MS, () => void queries.invalidateQueries({ queryKey: ["job", id] }));
    const draw = throttled(GRID_MS, () => {
      const changes = pending.current;
      pending.current = new Map();
      queries.setQueryData<Map<number, GridCell>>(["grid", id], (cells) => {
        if (cells === undefined) return cells;
        const next = new Map(cells);
        for (const [task, change] of changes) {
          const cell = next.get(task);
          if (cell !== undefined) next.set(task, { ...cell, ...change });
        }
        return next;
      });
    });
    const told = ({ event, data }: LiveEvent) => {
      if (event === "snapshot") {
        queries.setQueryData(["job", id], data as JobDetail);
        void queries.invalidateQueries({ queryKey: ["grid", id] });
      } else if (event === "task") {
        const { kind, task_id, data: more } = data as Told;
        const status = AFTER[kind];
        if (task_id !== null && status !== undefined) {
          const { outcome, code } = more as { outcome?: GridCell["outcome"]; code?: string };
          pending.current.set(task_id, { status, outcome: outcome ?? null, error_code: code ?? null });
          draw();
        }
        later();
      } else if (event === "log") {
        setLines((kept) => [...kept.slice(1 - LINES), data as Line]);
      } else {
        later();
        void queries.invalidateQueries({ queryKey: ["grid", id] });
      }
    };
    const stop = follow(`/api/v1/backfill/jobs/${id}/events`, { told, changed: setState });
    return () => {
      stop();
      later.cancel();
      draw.cancel();
    };
  }, [id, open, logins, queries]);

  return { job, grid, state, lines };
}

/** At once, and then once more for whatever comes within the time. */
function throttled(milliseconds: number, act: () => void): (() => void) & { cancel: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wanted = false;
  const run = () => {
    act();
    timer = setTimeout(() => {
      timer = undefined;
      if (wanted) {
        wanted = false;
        run();
      }
    }, milliseconds);
  };
  const call = () => {
    if (timer === undefined) run();
    else wanted = true;
  };
  return Object.assign(call, { cancel: () => clearTimeout(timer) });
}
