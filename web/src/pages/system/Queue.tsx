// What waits, and what keeps it from being worked off.

import { Empty } from "../../components/States";
import { Time } from "../../components/Time";
import type { SourceQueue } from "../../lib/backfill-api";
import { count } from "../../lib/format";

export function Queue({ queue }: { queue: SourceQueue[] }) {
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
          <th scope="col">Next due</th>
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
            <td data-label="Next due"><Time at={of.next_due} relative /></td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
