// A task from close by: its attempts, what was said, and the upstream's answers that it rests on.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type KeyboardEvent, useState } from "react";

import { Dialog } from "../../components/Dialog";
import { Icon } from "../../components/Icon";
import { Loaded } from "../../components/States";
import { Status } from "../../components/Status";
import { Time } from "../../components/Time";
import { say, sayProblem } from "../../components/Toasts";
import { api } from "../../lib/api";
import type { TaskDetail } from "../../lib/backfill-api";
import { count, many, monthName } from "../../lib/format";
import { OUTCOME, STOPPED, TASK, word } from "../../lib/words";
import { Answers, Attempts, Lines, Reason } from "./TaskParts";

const TABS = { attempts: "Attempts", log: "Log", answers: "Answers" } as const;
type Tab = keyof typeof TABS;

interface Props {
  id: number;
  close: () => void;
  /** Why the job may not be changed, if so. */
  locked: string | undefined;
}

export default function TaskDrawer({ id, close, locked }: Props) {
  const task = useQuery({
    queryKey: ["task", id],
    queryFn: () => api.getTask(id),
    refetchInterval: (query) => (query.state.data?.completed_at == null ? 2_000 : false),
  });
  const title =
    task.data === undefined ? `Task ${id}` : `${task.data.generation_unit.unit.name}, ${monthName(task.data.month)}`;
  return (
    <Dialog title={title} shape="drawer" close={close}>
      <div className="drawer-body">
        <Loaded query={task} what="The task could not be read" lines={6}>
          {(found) => <Task task={found} locked={locked} />}
        </Loaded>
      </div>
    </Dialog>
  );
}

function Task({ task, locked }: { task: TaskDetail; locked: string | undefined }) {
  const [tab, setTab] = useState<Tab>("attempts");
  const { generation_unit: unit } = task;
  const stopped = task.status === "skipped" && STOPPED.includes(task.error_code ?? "");
  const retryable = task.status === "failed" || stopped;
  return (
    <>
      <p className="job-line">
        <Status word={word(TASK, task.status)} large />
        {task.outcome != null && <span>{OUTCOME[task.outcome] ?? task.outcome}</span>}
      </p>
      {task.error_message != null && (
        <div className="said-box">
          {task.error_code != null && <Reason code={task.error_code} />}
          <p className="said">{task.error_message}</p>
        </div>
      )}
      <dl className="facts">
        <div>
          <dt>Unit</dt>
          <dd>
            {unit.unit.code} <span className="muted">at {task.source}</span>
          </dd>
        </div>
        <div>
          <dt>Span</dt>
          <dd>
            <Time at={task.start_date} /> – <Time at={task.end_date} />
          </dd>
        </div>
        <div>
          <dt>Attempts</dt>
          <dd>
            {task.attempt_count} of {task.max_attempts}
          </dd>
        </div>
        {task.run_after != null && task.status === "pending" && (
          <div>
            <dt>Not before</dt>
            <dd><Time at={task.run_after} seconds /></dd>
          </div>
        )}
        <div>
          <dt>Records</dt>
          <dd>
            {count(task.records_fetched)} fetched: {count(task.records_inserted)} new, {count(task.records_updated)} corrected,{" "}
            {count(task.records_unchanged)} unchanged, {count(task.records_rejected)} rejected
          </dd>
        </div>
      </dl>
      {task.rejections.length > 0 && (
        <ul className="reasons">
          {task.rejections.map((rejection) => (
            <li key={rejection.reason}>
              {many(rejection.count, "value")} rejected: {rejection.reason.replaceAll("-", " ")}
            </li>
          ))}
        </ul>
      )}
      {retryable && (locked === undefined ? <Retry task={task} /> : <p className="muted">{locked}</p>)}
      <Tabs tab={tab} choose={setTab} />
      <div role="tabpanel" id={`panel-${tab}`} aria-labelledby={`tab-${tab}`} tabIndex={0} className="tabpanel">
        {tab === "attempts" && <Attempts task={task.id} />}
        {tab === "log" && <Lines task={task.id} />}
        {tab === "answers" && <Answers task={task.id} />}
      </div>
    </>
  );
}

function Retry({ task }: { task: TaskDetail }) {
  const queries = useQueryClient();
  const retry = useMutation({
    mutationFn: () => api.retryTasks(task.job_id, [task.id], true),
    onSuccess: () => say("The task will run again."),
    onError: (error) => sayProblem("The task was not retried", error),
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["task", task.id] });
      void queries.invalidateQueries({ queryKey: ["job", task.job_id] });
      void queries.invalidateQueries({ queryKey: ["failed", task.job_id] });
      void queries.invalidateQueries({ queryKey: ["grid", task.job_id] });
    },
  });
  return (
    <button type="button" className="button primary" disabled={retry.isPending} onClick={() => retry.mutate()}>
      <Icon name="retry" /> Retry this task
    </button>
  );
}

function Tabs({ tab, choose }: { tab: Tab; choose: (tab: Tab) => void }) {
  const names = Object.keys(TABS) as Tab[];
  const move = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const next = names[(names.indexOf(tab) + step + names.length) % names.length] ?? tab;
    choose(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <div role="tablist" aria-label="About the task" className="tabs" onKeyDown={move}>
      {names.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`tab-${name}`}
          aria-selected={tab === name}
          aria-controls={tab === name ? `panel-${name}` : undefined}
          tabIndex={tab === name ? 0 : -1}
          onClick={() => choose(name)}
        >
          {TABS[name]}
        </button>
      ))}
    </div>
  );
}
