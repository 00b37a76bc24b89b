// Failed tasks by what they failed of, in the upstream's own words.

import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";

import { Icon } from "../../components/Icon";
import { say, sayProblem } from "../../components/Toasts";
import { api } from "../../lib/api";
import type { JobDetail, Task } from "../../lib/backfill-api";
import { many, monthName } from "../../lib/format";

interface Props {
  detail: JobDetail;
  openTask: (id: number) => void;
}

interface Cause {
  key: string;
  code: string;
  message: string;
  source: string;
  tasks: Task[];
}

export function FailedTasks({ detail, openTask }: Props) {
  const { job, failed_tasks: inline, tasks_summary: sum } = detail;
  // The page of the job has the first hundred; all the others are a page each.
  const last = inline.at(-1)?.id;
  const rest = useInfiniteQuery({
    queryKey: ["failed", job.id, last],
    queryFn: ({ pageParam }) => api.listTasks(job.id, "failed", pageParam),
    initialPageParam: last,
    getNextPageParam: (page) => page.next,
    enabled: false,
  });
  const failed = useMemo(
    () => [...inline, ...(rest.data?.pages.flatMap((page) => page.items) ?? [])],
    [inline, rest.data],
  );
  const causes = useMemo(() => byCause(failed), [failed]);
  const names = useMemo(() => new Map(detail.by_unit.map((unit) => [unit.generation_unit_id, unit.name])), [detail]);
  if (sum.failed === 0) return null;
  const begun = rest.data !== undefined;
  return (
    <section className="section" aria-labelledby="failed">
      <h2 id="failed">{many(sum.failed, "failed task")}</h2>
      <ul className="causes">
        {causes.map((cause) => (
          <CauseCard key={cause.key} job={job.id} cause={cause} names={names} openTask={openTask} />
        ))}
      </ul>
      {failed.length < sum.failed && (
        <button
          type="button"
          className="button"
          disabled={rest.isFetching}
          onClick={() => void (begun ? rest.fetchNextPage() : rest.refetch())}
        >
          {rest.isFetching ? "Loading…" : `Show more: ${failed.length} of ${sum.failed} are here`}
        </button>
      )}
    </section>
  );
}

function byCause(tasks: Task[]): Cause[] {
  const causes = new Map<string, Cause>();
  for (const task of tasks) {
    const { error_code, error_message, source } = task;
    const message = error_message ?? "no message";
    // Messages that differ in figures, days and addresses alone tell of one cause.
    const key = [source, error_code, message.replaceAll(/https?:\/\/\S+/g, "").replaceAll(/\d+/g, "#")].join("|");
    const cause = causes.get(key) ?? { key, code: error_code ?? "failed", message, source, tasks: [] };
    cause.tasks.push(task);
    causes.set(key, cause);
  }
  return [...causes.values()].sort((a, b) => b.tasks.length - a.tasks.length);
}

interface CauseProps {
  job: number;
  cause: Cause;
  names: Map<number, string>;
  openTask: (id: number) => void;
}

function CauseCard({ job, cause, names, openTask }: CauseProps) {
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const queries = useQueryClient();
  const retry = useMutation({
    mutationFn: (force: boolean) => {
      const ids = chosen.size > 0 ? cause.tasks.filter((task) => chosen.has(task.id)) : cause.tasks;
      return api.retryTasks(job, ids.map((task) => task.id), force);
    },
    onSuccess: ({ changed: { reopened, permanent } }) => {
      setChosen(new Set());
      const rest = permanent.length === 0 ? "" : ` ${many(permanent.length, "task")} failed for good: retry them all the same to insist.`;
      say(`${many(reopened.length, "task")} will run again.${rest}`, reopened.length === 0);
    },
    onError: (error) => sayProblem("Nothing was retried", error),
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["job", job] });
      void queries.invalidateQueries({ queryKey: ["grid", job] });
    },
  });
  const turn = (id: number) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  const permanent = retry.data !== undefined && retry.data.changed.permanent.length > 0;
  return (
    <li className="cause">
      <div className="cause-head">
        <Icon name="cross" />
        <div>
          <h3>
            {many(cause.tasks.length, "task")}: {cause.code.replaceAll("-", " ")} <span className="muted">· {cause.source}</span>
          </h3>
          <p className="said">{cause.message}</p>
        </div>
        <button type="button" className="button small" disabled={retry.isPending} onClick={() => retry.mutate(permanent)}>
          <Icon name="retry" />
          {permanent ? "Retry all the same" : chosen.size > 0 ? `Retry ${chosen.size} chosen` : "Retry these"}
        </button>
      </div>
      <details>
        <summary>Which units and months</summary>
        <ul className="cause-tasks">
          {cause.tasks.map((task) => (
            <li key={task.id}>
              <label className="check">
                <input type="checkbox" checked={chosen.has(task.id)} onChange={() => turn(task.id)} />
                <span>
                  {names.get(task.generation_unit_id) ?? `Unit ${task.generation_unit_id}`}, {monthName(task.month)}
                </span>
              </label>
              <button type="button" className="link" onClick={() => openTask(task.id)}>
                Look into it<span className="hidden">: task {task.id}</span>
              </button>
            </li>
          ))}
        </ul>
      </details>
    </li>
  );
}
