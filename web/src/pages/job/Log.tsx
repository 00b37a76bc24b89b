// What sources say while they run.

import { useEffect, useRef } from "react";

import { utc } from "../../lib/format";
import type { Line } from "./live";

interface Props {
  lines: Line[];
  open: boolean;
  openTask: (id: number) => void;
}

export function Log({ lines, open, openTask }: Props) {
  const box = useRef<HTMLOListElement>(null);
  const atEnd = useRef(true);
  useEffect(() => {
    // Who has scrolled up reads; who has not follows.
    if (atEnd.current) box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [lines]);
  if (lines.length === 0 && !open) return null;
  return (
    <section className="section" aria-labelledby="log">
      <h2 id="log">Log</h2>
      {lines.length === 0 ? (
        <p className="muted">What the sources say shows here as they say it.</p>
      ) : (
        // It scrolls, so that it must be reached by keyboard.
        <ol
          ref={box}
          className="log"
          tabIndex={0}
          aria-label="Lines of the log"
          onScroll={({ currentTarget: of }) => {
            atEnd.current = of.scrollHeight - of.scrollTop - of.clientHeight < 30;
          }}
        >
          {lines.map((line) => (
            <li key={line.id} className={`line-${line.level}`}>
              <time dateTime={line.at}>{utc(line.at, true)}</time>
              <span className="level">{line.level}</span>
              <span className="said">{line.message}</span>
              {line.task_id !== undefined && (
                <button type="button" className="link" onClick={() => openTask(line.task_id ?? 0)}>
                  Task {line.task_id}
                </button>
              )}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
