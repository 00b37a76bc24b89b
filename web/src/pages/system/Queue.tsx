// What waits, and what keeps it from being worked off.

import type { ReactNode } from "react";

import { Empty } from "../../components/States";
import { Time } from "../../components/Time";
import type { Source, SourceQueue } from "../../lib/backfill-api";
import { count, many } from "../../lib/format";
import { rate } from "./rate";

interface Props {
  queue: SourceQueue[];
  sources: Source[] | undefined;
  /** Whether a worker is alive, as far as that is known. */
  served: boolean | undefined;
}

export function Queue({ queue, sources, served }: Props) {
  const open = queue.filter((of) => of.ready + of.waiting + of.running + of.held > 0 || of.open_until != null || of.held_until != null);
  if (open.length === 0) return <Empty icon="check" title="Nothing waits" />;
  return (
    <table className="table stacked">
      <caption className="hidden">Tasks by source</caption>
      <thead>
        <tr>
          <th scope="col">Source</th>
          <th scope="col" className="number">Running</th>
          <th scope="col" className="number">Ready</th>
          <th scope="col" className="number">Waiting</th>
          <th scope="col" className="number">Of paused jobs</th>
          <th scope="col">Oldest ready</th>
          <th scope="col">What they wait for</th>
        </tr>
      </thead>
      <tbody>
        {open.map((of) => (
          <tr key={of.source}>
            <th scope="row">{of.source}</th>
            <td data-label="Running" className="number">{count(of.running)}</td>
            <td data-label="Ready" className="number">{count(of.ready)}</td>
            <td data-label="Waiting" className="number">{count(of.waiting)}</td>
            <td data-label="Of paused jobs" className="number">{count(of.held)}</td>
            <td data-label="Oldest ready"><Time at={of.oldest_ready} relative /></td>
            <td data-label="What they wait for" className="why">
              <ul>
                {reasons(of, sources?.find((source) => source.id === of.source), served).map((reason, place) => (
                  <li key={place}>{reason}</li>
                ))}
              </ul>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Why tasks of a source are not worked off right now, all of it. */
function reasons(of: SourceQueue, source: Source | undefined, served: boolean | undefined): ReactNode[] {
  const found: ReactNode[] = [];
  if (served === false) found.push("A worker: none is alive.");
  if (source !== undefined && !source.usable) found.push(<>The source, which can’t be used: {source.reason}</>);
  if (of.open_until != null) {
    found.push(
      source?.health.circuit === "half-open" ? (
        <>The upstream, which failed: one task goes first, on trial. {of.open_cause}</>
      ) : (
        <>
          The upstream, which fails: nothing is asked before <Time at={of.open_until} seconds />. {of.open_cause}
        </>
      ),
    );
  }
  if (of.held_until != null) {
    found.push(
      <>
        The upstream, which asked to slow down until <Time at={of.held_until} seconds />.
      </>,
    );
  }
  // Those that are ready wait for nothing but this, or for others.
  if (of.ready > 0 && found.length === 0) found.push(turn(of, source));
  if (of.waiting > 0) {
    found.push(
      <>
        Another try{of.waiting > 1 && ", the first"}: <Time at={of.next_due} relative />.
      </>,
    );
  }
  if (of.held > 0) found.push(`Somebody to resume their ${of.held === 1 ? "job" : "jobs"}.`);
  return found.length === 0 ? [<span key="none" className="muted">–</span>] : found;
}

/** What those wait for that nothing keeps but others. */
function turn(of: SourceQueue, source: Source | undefined): string {
  if (source !== undefined && of.running >= source.concurrency) {
    return `Their turn: ${many(source.concurrency, "task")} of the source may run at once, and so many do.`;
  }
  if (source?.allowance.requests_now === 0) {
    return `The allowance: ${rate(source.allowance.rate ?? "").toLowerCase()}.`;
  }
  return of.running > 0 ? "Their turn." : "A worker that has room for them.";
}
