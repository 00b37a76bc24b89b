// Why a unit's month is not full, and what to do about it.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { Icon } from "../../components/Icon";
import { Status } from "../../components/Status";
import { Time } from "../../components/Time";
import { api } from "../../lib/api";
import type { Availability, AvailabilityCell } from "../../lib/backfill-api";
import { count, monthDays, monthName, span } from "../../lib/format";
import { CAUSE, word } from "../../lib/words";

interface Props {
  windfarm: number;
  unit: Availability["units"][number];
  cell: AvailabilityCell;
}

export function CellPanel({ windfarm, unit, cell }: Props) {
  const { gap } = cell;
  const { first, last } = monthDays(cell.month);
  return (
    <section className="card cell-panel" aria-labelledby="cell">
      <h2 id="cell" tabIndex={-1}>
        {unit.name}, {monthName(cell.month)}
      </h2>
      <p className="cell-full">
        <strong>{cell.coverage_percent} %</strong> stored
      </p>
      {gap == null ? (
        <Status word={{ text: "Full", icon: "check", tone: "done" }} />
      ) : (
        <>
          <Status word={word(CAUSE, gap.cause)} />
          <p className="said">{sentence(gap.message)}</p>
          {gap.confirmed != null && (
            <p className="muted">
              {gap.confirmed
                ? "The upstream said so often enough to be believed."
                : "That is not confirmed yet: the next job asks again."}
            </p>
          )}
        </>
      )}
      <dl className="facts">
        <div>
          <dt>Intervals</dt>
          <dd>
            {count(cell.present_intervals)}
            {cell.expected_intervals != null && <> of {count(cell.expected_intervals)}</>}
            {cell.interval_seconds != null && <span className="muted"> of {span(cell.interval_seconds)}</span>}
          </dd>
        </div>
        {cell.kind != null && (
          <div>
            <dt>Series</dt>
            <dd>
              {cell.kind} <span className="muted">{cell.quantity}</span>
            </dd>
          </div>
        )}
        <div>
          <dt>Month of</dt>
          <dd>{unit.zone}</dd>
        </div>
        {gap?.code != null && (
          <div>
            <dt>Code</dt>
            <dd>{gap.code.replaceAll("-", " ")}</dd>
          </div>
        )}
        {gap?.rejected != null && (
          <div>
            <dt>Rejected</dt>
            <dd>{count(gap.rejected)} values</dd>
          </div>
        )}
        {gap?.asked_at != null && (
          <div>
            <dt>Last asked</dt>
            <dd><Time at={gap.asked_at} /></dd>
          </div>
        )}
      </dl>
      <div className="cell-do">
        {gap != null && CAUSE[gap.cause]?.askable !== false && (
          <Link
            to="/backfill"
            search={{
              windfarm,
              start: first,
              end: last,
              units: [unit.id],
              preview: true,
              ...(gap.cause === "never-asked" ? {} : { again: gap.cause === "failed" ? "missing+failed" : "all" }),
            }}
            className="button primary"
          >
            <Icon name="download" /> Backfill this gap
          </Link>
        )}
        {gap?.task_id != null && <TaskLink task={gap.task_id} />}
      </div>
    </section>
  );
}

/** To the task, if it and its job still exist. */
function TaskLink({ task }: { task: number }) {
  const found = useQuery({ queryKey: ["task", task], queryFn: () => api.getTask(task), retry: false });
  if (found.data === undefined) return null;
  return (
    <Link to="/backfill/$jobId" params={{ jobId: String(found.data.job_id) }} search={{ task }} className="button">
      See its last task
    </Link>
  );
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
