// What happens by itself, and when.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { Empty } from "../../components/States";
import { Status } from "../../components/Status";
import { Time } from "../../components/Time";
import { say, sayProblem } from "../../components/Toasts";
import { api } from "../../lib/api";
import type { Schedule } from "../../lib/backfill-api";

const KIND: Record<string, string> = {
  incremental: "Fetches what was published since",
  revise: "Fetches months again as they age",
  collect: "Collects what upstreams show now",
};

export function Schedules({ schedules, may }: { schedules: Schedule[]; may: boolean }) {
  if (schedules.length === 0) {
    return (
      <Empty icon="clock" title="Nothing happens by itself">
        A schedule fetches what is new, every night for example: <code>backfill schedule add --help</code>
      </Empty>
    );
  }
  return (
    <table className="table stacked">
      <caption className="hidden">Schedules</caption>
      <thead>
        <tr>
          <th scope="col">Schedule</th>
          <th scope="col">When</th>
          <th scope="col">Status</th>
          <th scope="col">Next</th>
          <th scope="col">Last</th>
          {may && <th scope="col"><span className="hidden">Actions</span></th>}
        </tr>
      </thead>
      <tbody>
        {schedules.map((schedule) => (
          <One key={schedule.id} schedule={schedule} may={may} />
        ))}
      </tbody>
    </table>
  );
}

function One({ schedule, may }: { schedule: Schedule; may: boolean }) {
  const queries = useQueryClient();
  const settled = () => void queries.invalidateQueries({ queryKey: ["schedules"] });
  const turn = useMutation({
    mutationFn: () => api.enableSchedule(schedule.id, !schedule.enabled),
    onError: (error) => sayProblem("The schedule was not changed", error),
    onSettled: settled,
  });
  const fire = useMutation({
    mutationFn: () => api.fireSchedule(schedule.id),
    onSuccess: ({ job_id: job }) => say(job == null ? `${schedule.name} has fired.` : `${schedule.name} made job ${job}.`),
    onError: (error) => sayProblem("The schedule was not fired", error),
    onSettled: settled,
  });
  return (
    <tr>
      <th scope="row">
        {schedule.name}
        <span className="row-detail">{KIND[schedule.kind] ?? schedule.kind}</span>
      </th>
      <td data-label="When">
        <code>{schedule.cron}</code> <span className="muted">{schedule.time_zone}</span>
      </td>
      <td data-label="Status">
        <Status word={schedule.enabled ? { text: "On", icon: "check", tone: "done" } : { text: "Off", icon: "pause", tone: "none" }} />
      </td>
      <td data-label="Next">{schedule.enabled ? <Time at={schedule.next_fire_at} /> : "–"}</td>
      <td data-label="Last">
        <span>
          <Time at={schedule.last_fired_at} relative />
          {schedule.last_job_id != null && (
            <>
              {" "}
              <Link to="/backfill/$jobId" params={{ jobId: String(schedule.last_job_id) }} search={{}}>
                job {schedule.last_job_id}
              </Link>
            </>
          )}
          {schedule.last_outcome != null && <span className="row-detail">{schedule.last_outcome}</span>}
        </span>
      </td>
      {may && (
        <td className="row-do">
          <button type="button" className="button small" disabled={fire.isPending} onClick={() => fire.mutate()}>
            Fire now<span className="hidden"> {schedule.name}</span>
          </button>
          <button type="button" className="button small" disabled={turn.isPending} onClick={() => turn.mutate()}>
            {schedule.enabled ? "Turn off" : "Turn on"}
            <span className="hidden"> {schedule.name}</span>
          </button>
        </td>
      )}
    </tr>
  );
}
