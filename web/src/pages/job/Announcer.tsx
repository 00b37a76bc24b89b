// Tells screen readers how far a job is: at every tenth, when something fails, and when it ends.

import { useEffect, useRef, useState } from "react";

import type { JobDetail } from "../../lib/backfill-api";
import { many } from "../../lib/format";
import { jobWord } from "../../lib/words";
import { doneOf } from "./done";

export function Announcer({ detail }: { detail: JobDetail }) {
  const { job, tasks_summary: sum } = detail;
  const tenth = sum.total === 0 ? 0 : Math.floor((10 * doneOf(sum)) / sum.total);
  const word = jobWord(job).text;
  const [text, setText] = useState("");
  const last = useRef<string>(undefined);
  useEffect(() => {
    const now = `${word} ${tenth} ${sum.failed > 0}`;
    if (last.current !== undefined && last.current !== now) {
      const failed = sum.failed > 0 ? `, ${many(sum.failed, "task")} failed` : "";
      setText(`Job ${job.id} is ${word.toLowerCase()}: ${tenth * 10} per cent done${failed}.`);
    }
    last.current = now;
  }, [word, tenth, sum.failed, job.id]);
  return (
    <p className="hidden" role="status" aria-live="polite">
      {text}
    </p>
  );
}
