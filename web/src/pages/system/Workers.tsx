// The processes that work off tasks, what each has under way, and what came of what it did lately.

import { Link } from "@tanstack/react-router";
import { useState } from "react";

import { Empty } from "../../components/States";
import { Status } from "../../components/Status";
import { Time } from "../../components/Time";
import type { WorkerStatus } from "../../lib/backfill-api";
import { count, many, monthName } from "../../lib/format";
import type { Word } from "../../lib/words";

function wordOf(worker: WorkerStatus): Word {
  if (worker.alive) return { text: "Alive", icon: "check", tone: "done" };
  if (worker.stopped_at != null) return { text: "Stopped", icon: "skip", tone: "none" };
  return { text: "Silent", icon: "alert", tone: "fail" };
}

export function Workers({ workers }: { workers: WorkerStatus[] }) {
  const alive = workers.filter((worker) => worker.alive);
  const gone = workers.filter((worker) => !worker.alive);
  if (workers.length === 0) return <Empty icon="alert" title="No worker has given a sign of life" />;
  return (
    <>
      {alive.length === 0 && <Empty icon="alert" title="No worker is alive">Tasks wait until one is started: backfill serve, or backfill worker.</Empty>}
      {alive.length > 0 && <WorkerTable workers={alive} label="Workers that are alive" />}
      <RunningTasks workers={workers} />
      {gone.length > 0 && (
        <details className="more">
          <summary>
            Gone <span className="muted">{many(gone.length, "worker")}</span>
          </summary>
          <WorkerTable workers={gone} label="Workers that are gone" />
        </details>
      )}
    </>
  );
}

function WorkerTable({ workers, label }: { workers: WorkerStatus[]; label: string }) {
  const since = workers[0]?.recent.since;
  return (
    <>
      <table className="table stacked">
        <caption className="hidden">{label}</caption>
        <thead>
          <tr>
            <th scope="col">Worker</th>
            <th scope="col">Status</th>
            <th scope="col" className="number">Running</th>
            <th scope="col" className="number">Ended</th>
            <th scope="col" className="number">Succeeded</th>
            <th scope="col" className="number">Failed</th>
            <th scope="col" className="number">Retried</th>
            <th scope="col">Started</th>
            <th scope="col">Sign of life</th>
          </tr>
        </thead>
        <tbody>
          {workers.map((worker) => {
            const { succeeded, failed, retried, interrupted } = worker.recent;
            return (
              <tr key={worker.id}>
                <th scope="row">
                  {worker.host} <span className="muted">pid {worker.pid}</span>
                  <span className="row-detail">version {worker.version}{worker.serves ? "" : ", for one job"}</span>
                </th>
                <td data-label="Status"><Status word={wordOf(worker)} /></td>
                <td data-label="Running" className="number">
                  <span>{count(worker.running)} <span className="muted">of {count(worker.concurrency)}</span></span>
                </td>
                <td data-label="Ended" className="number">{count(succeeded + failed + retried + interrupted)}</td>
                <td data-label="Succeeded" className="number">{count(succeeded)}</td>
                <td data-label="Failed" className={`number${failed > 0 ? " bad-text" : ""}`}>{count(failed)}</td>
                <td data-label="Retried" className="number">{count(retried)}</td>
                <td data-label="Started"><Time at={worker.started_at} relative /></td>
                <td data-label="Sign of life"><Time at={worker.heartbeat_at} relative /></td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {since !== undefined && <p className="field-help">Attempts that ended since <Time at={since} />.</p>}
    </>
  );
}

/** So many are listed at first. */
const FIRST = 10;

function RunningTasks({ workers }: { workers: WorkerStatus[] }) {
  const [all, setAll] = useState(false);
  const tasks = workers.flatMap((worker) => worker.tasks.map((task) => ({ ...task, worker })));
  if (tasks.length === 0) return null;
  tasks.sort((a, b) => Date.parse(a.started_at) - Date.parse(b.started_at));
  const running = workers.reduce((sum, worker) => sum + worker.running, 0);
  const shown = all ? tasks : tasks.slice(0, FIRST);
  return (
    <>
      <h3 id="running">Running now</h3>
      <table className="table stacked running" aria-labelledby="running">
        <thead>
          <tr>
            <th scope="col">Task</th>
            <th scope="col">Wind farm</th>
            <th scope="col">Source</th>
            <th scope="col">Worker</th>
            <th scope="col">Began</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ worker, ...task }) => (
            <tr key={`${task.task_id} ${task.started_at}`}>
              <th scope="row">
                <Link to="/backfill/$jobId" params={{ jobId: String(task.job_id) }} search={{ task: task.task_id }}>
                  {task.unit_name}, {monthName(task.month)}
                </Link>
              </th>
              <td data-label="Wind farm">
                <span>
                  {task.windfarm_name}{" "}
                  <Link to="/backfill/$jobId" params={{ jobId: String(task.job_id) }} search={{}}>
                    job {task.job_id}
                  </Link>
                </span>
              </td>
              <td data-label="Source">{task.source}</td>
              <td data-label="Worker"><span>{worker.host} <span className="muted">pid {worker.pid}</span></span></td>
              <td data-label="Began"><Time at={task.started_at} relative /></td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < running && (
        <p className="field-help">
          {count(shown.length)} of {count(running)}, those that began first.{" "}
          {shown.length < tasks.length && (
            <button type="button" className="link" onClick={() => setAll(true)}>
              Show more
            </button>
          )}
        </p>
      )}
    </>
  );
}
