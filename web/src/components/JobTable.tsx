// Jobs, one a line; on a phone, one a card.

import { Link } from "@tanstack/react-router";

import type { Job } from "../lib/backfill-api";
import { count, months } from "../lib/format";
import { jobWord } from "../lib/words";
import { countsOf, Progress } from "./Progress";
import { Status } from "./Status";
import { Time } from "./Time";

export function JobTable({ jobs, label }: { jobs: Job[]; label: string }) {
  return (
    <table className="table jobs">
      <caption className="hidden">{label}</caption>
      <thead>
        <tr>
          <th scope="col">Job</th>
          <th scope="col">Span</th>
          <th scope="col">Status</th>
          <th scope="col">Progress</th>
          <th scope="col" className="number">Failed</th>
          <th scope="col">Created</th>
        </tr>
      </thead>
      <tbody>
        {jobs.map((job) => (
          <tr key={job.id}>
            <th scope="row">
              <Link to="/backfill/$jobId" params={{ jobId: String(job.id) }} search={{}} className="row-link">
                {job.windfarm_name ?? `Wind farm ${job.windfarm_id}`} <span className="muted">#{job.id}</span>
              </Link>
            </th>
            <td data-label="Span" className="nowrap">{months(job.start_date, job.end_date)}</td>
            <td data-label="Status">
              <Status word={jobWord(job)} />
            </td>
            <td data-label="Progress" className="progress-cell">
              <Progress counts={countsOf(job)} label={`Progress of job ${job.id}`} />
              <span className="progress-text">
                {count(job.completed_tasks + job.failed_tasks + job.skipped_tasks)} of {count(job.total_tasks)}
              </span>
            </td>
            <td data-label="Failed" className={`number${job.failed_tasks > 0 ? " bad-text" : " muted"}`}>
              {count(job.failed_tasks)}
            </td>
            <td data-label="Created" className="nowrap">
              <Time at={job.created_at} relative />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
