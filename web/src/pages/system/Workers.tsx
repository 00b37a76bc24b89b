// The processes that work off tasks.

import { Empty } from "../../components/States";
import { Status } from "../../components/Status";
import { Time } from "../../components/Time";
import type { WorkerStatus } from "../../lib/backfill-api";
import { count, many } from "../../lib/format";
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
  return (
    <table className="table stacked">
      <caption className="hidden">{label}</caption>
      <thead>
        <tr>
          <th scope="col">Worker</th>
          <th scope="col">Status</th>
          <th scope="col" className="number">Tasks</th>
          <th scope="col">Version</th>
          <th scope="col">Started</th>
          <th scope="col">Sign of life</th>
        </tr>
      </thead>
      <tbody>
        {workers.map((worker) => (
          <tr key={worker.id}>
            <th scope="row">
              {worker.host} <span className="muted">pid {worker.pid}</span>
            </th>
            <td data-label="Status"><Status word={wordOf(worker)} /></td>
            <td data-label="Tasks" className="number">
              {count(worker.running)} <span className="muted">of {count(worker.concurrency)}</span>
            </td>
            <td data-label="Version">{worker.version}</td>
            <td data-label="Started"><Time at={worker.started_at} relative /></td>
            <td data-label="Sign of life"><Time at={worker.heartbeat_at} relative /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
