// What would be done, and the button that does it.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useRef } from "react";

import { Grid, type GridRow, Legend } from "../../components/Grid";
import { Icon } from "../../components/Icon";
import { Failure } from "../../components/States";
import { Status } from "../../components/Status";
import { api } from "../../lib/api";
import { type NewBackfill, newKey, type Preview, ProblemError } from "../../lib/backfill-api";
import { count, many, monthName, span } from "../../lib/format";
import { mayNotStart, useMe } from "../../lib/me";
import { VERDICT, word } from "../../lib/words";

interface Props {
  preview: Preview;
  wanted: NewBackfill;
  /** Whether something else has been chosen since. */
  outdated: boolean;
  again: () => void;
}

export function Plan({ preview, wanted, outdated, again }: Props) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const locked = mayNotStart(useMe().data);
  // However often it is clicked, a plan that is shown is started once.
  const key = useRef(newKey());
  const start = useMutation({
    mutationFn: () => api.createJob({ ...wanted, plan_hash: preview.plan_hash }, key.current),
    onError: (error) => {
      // A refusal is an answer, and would be given again.
      if (error instanceof ProblemError && error.status < 500) key.current = newKey();
    },
    onSuccess: async (job) => {
      void queries.invalidateQueries({ queryKey: ["jobs"] });
      await navigate({ to: "/backfill/$jobId", params: { jobId: String(job.id) }, search: {} });
    },
  });
  const changed = start.error instanceof ProblemError && start.error.problem.code === "plan-changed";
  return (
    <div className={outdated ? "plan-body outdated" : "plan-body"}>
      {outdated && (
        <div className="note" role="status">
          <Icon name="alert" />
          <p>Your choices changed. This is the plan of before.</p>
          <button type="button" className="button small" onClick={again}>
            Preview again
          </button>
        </div>
      )}
      <Figures preview={preview} />
      {start.isError &&
        (changed ? (
          <div className="note" role="alert">
            <Icon name="alert" />
            <div>
              <p>
                <strong>The plan has changed since you saw it, so nothing was started.</strong> Another job or a change
                of the registry came in between: what would be fetched is no longer what stands here.
              </p>
              <button type="button" className="button small" onClick={again}>
                Show the plan as it is now
              </button>
            </div>
          </div>
        ) : (
          <Failure error={start.error} what="The job was not started" />
        ))}
      <div className="plan-go">
        {locked === undefined && (
          <button
            type="button"
            className="button primary large"
            disabled={outdated || changed || preview.to_fetch === 0 || start.isPending}
            onClick={() => start.mutate()}
          >
            <Icon name="play" /> {start.isPending ? "Starting…" : "Start backfill"}
          </button>
        )}
        <p className="field-help">
          {locked !== undefined
            ? locked
            : preview.to_fetch === 0
              ? "There is nothing to fetch."
              : "Exactly this plan is started; if it has changed by then, you are told and nothing happens."}
        </p>
      </div>
      <Reasons preview={preview} />
      <PlanGrid preview={preview} />
    </div>
  );
}

function Figures({ preview }: { preview: Preview }) {
  const { to_fetch, total_tasks, requests_estimate: requests, seconds_estimate: seconds } = preview;
  return (
    <>
      <p className="plan-what">
        {preview.windfarms.map((farm) => farm.name).join(", ")}: {many(preview.generation_units.length, "unit")} ×{" "}
        {many(preview.date_ranges.length, "month")}
      </p>
      <dl className="figures">
        <div>
          <dt>To fetch</dt>
          <dd>
            {count(to_fetch)} <small>of {many(total_tasks, "task")}</small>
          </dd>
        </div>
        <div>
          <dt>Requests</dt>
          <dd>{requests == null ? <small>not measured yet</small> : <>about {count(requests)}</>}</dd>
        </div>
        <div>
          <dt>Time</dt>
          <dd>{seconds == null ? <small>not measured yet</small> : <>about {span(seconds)}</>}</dd>
        </div>
      </dl>
      {preview.estimates.length > 1 && (
        <table className="table compact">
          <caption className="hidden">By source</caption>
          <thead>
            <tr>
              <th scope="col">Source</th>
              <th scope="col" className="number">To fetch</th>
              <th scope="col" className="number">Requests</th>
              <th scope="col" className="number">Time</th>
            </tr>
          </thead>
          <tbody>
            {preview.estimates.map((of) => (
              <tr key={of.source}>
                <th scope="row">{of.source}</th>
                <td className="number">{count(of.tasks)}</td>
                <td className="number">{of.requests == null ? "–" : count(of.requests)}</td>
                <td className="number">{of.seconds == null ? "–" : span(of.seconds)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

/** What becomes of the tasks, with the reasons of those that are not fetched. */
function Reasons({ preview }: { preview: Preview }) {
  const groups = useMemo(() => {
    const reasons = new Map<string, Map<string, number>>();
    for (const task of preview.tasks) {
      const of = reasons.get(task.verdict) ?? new Map<string, number>();
      // Reasons that differ in figures alone are one reason.
      const reason = (task.reason ?? "").replaceAll(/\b(task|job) \d+/g, "$1 …");
      of.set(reason, (of.get(reason) ?? 0) + 1);
      reasons.set(task.verdict, of);
    }
    return [...reasons];
  }, [preview]);
  return (
    <ul className="reasons">
      {groups.map(([verdict, reasons]) => (
        <li key={verdict}>
          <Status word={word(VERDICT, verdict)} />
          <span className="reasons-count">{many(preview.by_verdict[verdict] ?? 0, "task")}</span>
          <ul>
            {[...reasons].slice(0, 6).map(([reason, tasks]) => (
              <li key={reason}>
                {reason === "" ? (VERDICT[verdict]?.means ?? "") : reason}
                {reasons.size > 1 && <span className="muted"> · {many(tasks, "task")}</span>}
              </li>
            ))}
            {reasons.size > 6 && <li className="muted">and {many(reasons.size - 6, "other reason")}</li>}
          </ul>
        </li>
      ))}
    </ul>
  );
}

function PlanGrid({ preview }: { preview: Preview }) {
  const months = useMemo(() => preview.date_ranges.map((range) => range.month), [preview]);
  const rows = useMemo((): GridRow[] => {
    const place = new Map(months.map((month, index) => [month, index]));
    const cells = new Map<number, GridRow["cells"][number][]>();
    for (const task of preview.tasks) {
      const row = cells.get(task.generation_unit_id) ?? Array.from({ length: months.length }, () => undefined);
      const text = word(VERDICT, task.verdict).text;
      row[place.get(task.month) ?? 0] = {
        look: `v-${task.verdict}`,
        text: task.reason == null ? text : `${text}: ${task.reason}`,
      };
      cells.set(task.generation_unit_id, row);
    }
    return preview.generation_units.map((unit) => ({
      id: unit.id,
      name: unit.unit.name,
      detail: unit.unit.code === unit.unit.name ? unit.source : `${unit.unit.code} · ${unit.source}`,
      cells: cells.get(unit.id) ?? [],
    }));
  }, [preview, months]);
  if (rows.length * months.length > 20_000) {
    return <p className="muted">The plan is too large to be drawn month by month.</p>;
  }
  const first = months[0];
  return (
    <Grid
      label={`The plan, unit by unit and month by month${first === undefined ? "" : `, from ${monthName(first)}`}`}
      months={months}
      rows={rows}
      legend={<Legend entries={Object.entries(VERDICT).map(([verdict, of]) => [`v-${verdict}`, of.text] as const)} />}
    />
  );
}
