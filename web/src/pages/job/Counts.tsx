// How far a job is: by status, by source, and what its records came to.

import { Progress } from "../../components/Progress";
import type { JobDetail } from "../../lib/backfill-api";
import { count, many } from "../../lib/format";
import { doneOf } from "./done";

export function Counts({ detail }: { detail: JobDetail }) {
  const { tasks_summary: sum, by_source: sources, job } = detail;
  const done = doneOf(sum);
  const percent = sum.total === 0 ? 0 : (100 * done) / sum.total;
  return (
    <section className="card counts" aria-label="Progress">
      <div className="counts-main">
        <p className="percent" data-percent={Math.floor(percent)}>
          {percent > 0 && percent < 100 ? Math.min(99, Math.round(percent)) : Math.round(percent)}
          <small> % done</small>
        </p>
        <div className="counts-bar">
          <p className="counts-of">
            {count(done)} of {many(sum.total, "task")} done
            {sum.failed > 0 && (
              <>
                , <strong className="bad-text">{count(sum.failed)} failed</strong>
              </>
            )}
            {sum.stopped > 0 && `, ${count(sum.stopped)} stopped`}
          </p>
          <Progress counts={sum} label={`Progress of job ${job.id}`} words />
        </div>
      </div>
      <dl className="figures records">
        <Figure name="New records" value={sum.records_inserted} />
        <Figure name="Corrected" value={sum.records_updated} />
        <Figure name="Unchanged" value={sum.records_unchanged} />
        <Figure name="Rejected" value={sum.records_rejected} bad={sum.records_rejected > 0} />
        {sum.empty > 0 && <Figure name="Upstream has none" value={sum.empty} unit={sum.empty === 1 ? "task" : "tasks"} />}
      </dl>
      {sources.length > 1 && (
        <table className="table compact by-source">
          <caption className="hidden">By source</caption>
          <thead>
            <tr>
              <th scope="col">Source</th>
              <th scope="col">Progress</th>
              <th scope="col" className="number">Completed</th>
              <th scope="col" className="number">Failed</th>
              <th scope="col" className="number">Tasks</th>
            </tr>
          </thead>
          <tbody>
            {sources.map((source) => (
              <tr key={source.source}>
                <th scope="row">{source.source}</th>
                <td className="progress-cell">
                  <Progress counts={source} label={`Progress of ${source.source}`} />
                </td>
                <td className="number">{count(source.completed)}</td>
                <td className={`number${source.failed > 0 ? " bad-text" : ""}`}>{count(source.failed)}</td>
                <td className="number">{count(source.total)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Figure({ name, value, unit, bad = false }: { name: string; value: number; unit?: string; bad?: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className={bad ? "bad-text" : undefined}>
        {count(value)} {unit !== undefined && <small>{unit}</small>}
      </dd>
    </div>
  );
}
