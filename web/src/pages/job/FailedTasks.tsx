// Failed tasks by what they failed of, in the upstream's own words: all of them, as the host counts them.

import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";

import { Icon } from "../../components/Icon";
import { Failure, Skeleton } from "../../components/States";
import { say, sayProblem } from "../../components/Toasts";
import { api } from "../../lib/api";
import type { FailureCause, JobDetail } from "../../lib/backfill-api";
import { many, monthName } from "../../lib/format";
import { why } from "../../lib/words";

interface Props {
  detail: JobDetail;
  /** Why the job may not be changed, if so. */
  locked: string | undefined;
  openTask: (id: number) => void;
}

export function FailedTasks({ detail, locked, openTask }: Props) {
  const { job, failures, tasks_summary: sum } = detail;
  const names = useMemo(() => new Map(detail.by_unit.map((unit) => [unit.generation_unit_id, unit.name])), [detail]);
  if (sum.failed === 0) return null;
  const rest = sum.failed - failures.reduce((tasks, cause) => tasks + cause.tasks, 0);
  return (
    <section className="section" aria-labelledby="failed">
      <h2 id="failed">{many(sum.failed, "failed task")}</h2>
      <ul className="causes">
        {failures.map((cause) => (
          <CauseCard key={cause.cause} job={job.id} cause={cause} names={names} locked={locked} openTask={openTask} />
        ))}
      </ul>
      {rest > 0 && <p className="muted">{many(rest, "task")} failed of other causes, each rarer than these.</p>}
    </section>
  );
}

interface CauseProps {
  job: number;
  cause: FailureCause;
  names: Map<number, string>;
  locked: string | undefined;
  openTask: (id: number) => void;
}

function CauseCard({ job, cause, names, locked, openTask }: CauseProps) {
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set());
  const queries = useQueryClient();
  const retry = useMutation({
    // Who retries what failed for good was told so before.
    mutationFn: () => api.retryTasks(job, chosen.size > 0 ? [...chosen] : { cause: cause.cause }, cause.permanent),
    onSuccess: ({ changed: { reopened } }) => {
      setChosen(new Set());
      say(`${many(reopened.length, "task")} will run again.`);
    },
    onError: (error) => sayProblem("Nothing was retried", error),
    onSettled: () => {
      for (const of of ["job", "grid", "failed"]) void queries.invalidateQueries({ queryKey: [of, job] });
    },
  });
  return (
    <li className="cause">
      <div className="cause-head">
        <Icon name="cross" />
        <div>
          <h3>
            {many(cause.tasks, "task")}: {why(cause.error_code)}{" "}
            <span className="muted">
              <code>{cause.error_code}</code> · {cause.source}
            </span>
          </h3>
          <p className="said">{cause.error_message}</p>
          {cause.permanent && (
            <p className="field-help">Failed for good: asking again helps only once the unit or the source has been mended.</p>
          )}
        </div>
        {locked === undefined && (
          <button type="button" className="button small" disabled={retry.isPending} onClick={() => retry.mutate()}>
            <Icon name="retry" />
            {chosen.size > 0 ? `Retry ${chosen.size} chosen` : cause.permanent ? "Retry all the same" : "Retry these"}
          </button>
        )}
      </div>
      <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>Which units and months</summary>
        {open && (
          <CauseTasks
            job={job}
            cause={cause}
            names={names}
            openTask={openTask}
            chosen={locked === undefined ? chosen : undefined}
            choose={setChosen}
          />
        )}
      </details>
    </li>
  );
}

interface TasksProps extends Omit<CauseProps, "locked"> {
  /** Nothing where there is nothing to choose them for. */
  chosen: ReadonlySet<number> | undefined;
  choose: (chosen: ReadonlySet<number>) => void;
}

/** The tasks of a cause, a page at a time. */
function CauseTasks({ job, cause, names, openTask, chosen, choose }: TasksProps) {
  const tasks = useInfiniteQuery({
    queryKey: ["failed", job, cause.cause],
    queryFn: ({ pageParam }) => api.listTasks(job, { cause: cause.cause }, pageParam),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => page.next,
  });
  const { refetch } = tasks;
  // Some more failed, or some run again.
  useEffect(() => void refetch({ cancelRefetch: false }), [cause.tasks, refetch]);
  if (tasks.data === undefined) {
    return tasks.isError ? <Failure error={tasks.error} what="The tasks could not be read" retry={() => void refetch()} /> : <Skeleton />;
  }
  const shown = tasks.data.pages.flatMap((page) => page.items);
  const turn = (id: number) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    choose(next);
  };
  return (
    <>
      <ul className="cause-tasks">
        {shown.map((task) => {
          const name = `${names.get(task.generation_unit_id) ?? `Unit ${task.generation_unit_id}`}, ${monthName(task.month)}`;
          return (
            <li key={task.id}>
              {chosen === undefined ? (
                <span>{name}</span>
              ) : (
                <label className="check">
                  <input type="checkbox" checked={chosen.has(task.id)} onChange={() => turn(task.id)} />
                  <span>{name}</span>
                </label>
              )}
              <button type="button" className="link" onClick={() => openTask(task.id)}>
                Look into it<span className="hidden">: task {task.id}</span>
              </button>
            </li>
          );
        })}
      </ul>
      {tasks.hasNextPage && (
        <button type="button" className="button small" disabled={tasks.isFetching} onClick={() => void tasks.fetchNextPage()}>
          {tasks.isFetchingNextPage ? "Loading…" : `Show more: ${shown.length} of ${cause.tasks} are here`}
        </button>
      )}
    </>
  );
}
