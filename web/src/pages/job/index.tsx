// /backfill/$jobId: a job, live.

import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { lazy, Suspense } from "react";

import { Icon } from "../../components/Icon";
import { Empty, Failure, Skeleton } from "../../components/States";
import { Status } from "../../components/Status";
import { Time } from "../../components/Time";
import { useTitle } from "../../components/useTitle";
import { type JobDetail, ProblemError } from "../../lib/backfill-api";
import { count, months, span } from "../../lib/format";
import type { LiveState } from "../../lib/live";
import { mayNotChange, useMe } from "../../lib/me";
import { chunk } from "../../lib/trouble";
import { jobWord } from "../../lib/words";
import { Actions } from "./Actions";
import { Announcer } from "./Announcer";
import { Counts } from "./Counts";
import { FailedTasks } from "./FailedTasks";
import { JobGrid } from "./JobGrid";
import { useJob } from "./live";
import { Log } from "./Log";
import { Waiting } from "./Waiting";

const TaskDrawer = lazy(() => chunk(() => import("./TaskDrawer")));

export function JobPage() {
  const { jobId } = useParams({ from: "/backfill/$jobId" });
  // Nothing of one job is kept for another.
  return <JobById key={jobId} jobId={jobId} />;
}

function JobById({ jobId }: { jobId: string }) {
  const id = Number(jobId);
  const me = useMe();
  const { task } = useSearch({ from: "/backfill/$jobId" });
  const navigate = useNavigate({ from: "/backfill/$jobId" });
  const { job, grid, state, lines } = useJob(id);
  useTitle(job.data === undefined ? `Job ${jobId}` : `${job.data.job.windfarm_name ?? "Job"} #${jobId}`);
  const openTask = (next: number | undefined) =>
    void navigate({ search: next === undefined ? {} : { task: next }, replace: task !== undefined, resetScroll: false });

  const gone = job.error instanceof ProblemError && [400, 404].includes(job.error.status);
  if (job.data === undefined || gone) {
    return (
      <div className="page">
        <h1>Job {jobId}</h1>
        {gone ? (
          <Empty icon="question" title="There is no such job">
            It was deleted, or its number is mistyped. <Link to="/backfill/history" search={{}}>All jobs</Link>
          </Empty>
        ) : job.error !== null ? (
          <Failure error={job.error} what="The job could not be read" retry={() => void job.refetch()} />
        ) : (
          <Skeleton lines={8} />
        )}
      </div>
    );
  }
  const detail = job.data;
  const locked = mayNotChange(me.data, detail.job);
  return (
    <div className="page">
      <Head detail={detail} state={state} locked={locked} />
      <Announcer detail={detail} />
      <Waiting detail={detail} />
      <Counts detail={detail} />
      <FailedTasks detail={detail} locked={locked} openTask={openTask} />
      <section className="section" aria-labelledby="grid">
        <h2 id="grid">Units and months</h2>
        <JobGrid detail={detail} cells={grid.data} openTask={openTask} chosen={task} />
        {grid.isError && grid.data === undefined && (
          <Failure error={grid.error} what="The grid could not be read" retry={() => void grid.refetch()} />
        )}
      </section>
      <Log lines={lines} open={detail.job.completed_at == null} openTask={openTask} />
      {task !== undefined && (
        <Suspense>
          <TaskDrawer key={task} id={task} locked={locked} close={() => openTask(undefined)} />
        </Suspense>
      )}
    </div>
  );
}

interface HeadProps {
  detail: JobDetail;
  state: LiveState;
  /** Why the job may not be changed, if so. */
  locked: string | undefined;
}

function Head({ detail, state, locked }: HeadProps) {
  const { job } = detail;
  const took = job.completed_at != null && job.started_at != null ? Date.parse(job.completed_at) - Date.parse(job.started_at) : undefined;
  return (
    <header className="page-head job-head">
      <div>
        <p className="crumb">
          <Link to="/backfill/history" search={{}}>
            <Icon name="back" /> All jobs
          </Link>
        </p>
        <h1>
          {job.windfarm_name ?? `Wind farm ${job.windfarm_id}`} <span className="muted">#{job.id}</span>
        </h1>
        <p className="job-line">
          <Status word={jobWord(job)} large />
          <span>{months(job.start_date, job.end_date)}</span>
          <Live state={state} />
        </p>
        {job.error_message != null && <p className="job-why">{job.error_message}</p>}
        <dl className="facts">
          <div>
            <dt>Created</dt>
            <dd><Time at={job.created_at} /></dd>
          </div>
          <div>
            <dt>Started</dt>
            <dd><Time at={job.started_at} /></dd>
          </div>
          <div>
            <dt>Ended</dt>
            <dd>
              <Time at={job.completed_at} />
              {took !== undefined && <span className="muted"> after {span(took / 1000)}</span>}
            </dd>
          </div>
          <div>
            <dt>Requests</dt>
            <dd>{count(detail.tasks_summary.requests)}</dd>
          </div>
        </dl>
      </div>
      {locked === undefined ? <Actions detail={detail} /> : <p className="muted locked">{locked}</p>}
    </header>
  );
}

const LIVE: Record<LiveState, readonly [text: string, title: string]> = {
  connecting: ["Connecting", "What happens is shown as soon as the connection stands. Meanwhile the job is asked for every 3 s."],
  live: ["Live", "What happens shows within a second."],
  reconnecting: ["Reconnecting", "The connection broke. It is tried again; meanwhile the job is asked for every 3 s."],
  polling: ["Every 3 s", "There is no live connection. The job is asked for every 3 s, and the connection tried again."],
  ended: ["", ""],
};

function Live({ state }: { state: LiveState }) {
  const [text, title] = LIVE[state];
  if (text === "") return null;
  return (
    <span className={`live live-${state}`} title={title} data-live={state}>
      <span className="live-dot" aria-hidden="true" />
      {text}
    </span>
  );
}
