// How much of a job has ended, and how.

import { count } from "../lib/format";

export interface Counts {
  total: number;
  completed: number;
  failed: number;
  skipped: number;
  in_progress: number;
  pending: number;
}

const PARTS = [
  ["completed", "completed"],
  ["failed", "failed"],
  ["in_progress", "in progress"],
  ["skipped", "skipped"],
  ["pending", "pending"],
] as const;

/** A bar of the parts, with the same in words. */
export function Progress({ counts, label, words = false }: { counts: Counts; label: string; words?: boolean }) {
  const ended = counts.completed + counts.failed + counts.skipped;
  const percent = counts.total === 0 ? 0 : Math.floor((100 * ended) / counts.total);
  const said = PARTS.filter(([part]) => counts[part] > 0).map(([part, word]) => `${count(counts[part])} ${word}`);
  return (
    <div className="progress">
      <div
        className="bar"
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        aria-valuetext={`${percent} % ended: ${said.join(", ")}`}
      >
        {PARTS.map(([part]) =>
          counts[part] === 0 ? null : (
            <span key={part} className={`part ${part}`} style={{ flexGrow: counts[part] }} />
          ),
        )}
      </div>
      {words && (
        <ul className="parts">
          {PARTS.map(([part, word]) => (
            <li key={part} className={counts[part] === 0 ? "muted" : undefined}>
              <span className={`swatch ${part}`} aria-hidden="true" />
              <strong>{count(counts[part])}</strong> {word}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** The counts of a job in a list, which tells no more of its open tasks. */
export function countsOf(job: {
  total_tasks: number;
  completed_tasks: number;
  failed_tasks: number;
  skipped_tasks: number;
}): Counts {
  const { total_tasks: total, completed_tasks: completed, failed_tasks: failed, skipped_tasks: skipped } = job;
  return { total, completed, failed, skipped, in_progress: 0, pending: total - completed - failed - skipped };
}
