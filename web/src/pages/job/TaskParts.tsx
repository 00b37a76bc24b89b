// The parts of a task's drawer.

import { useQuery } from "@tanstack/react-query";

import { Empty, Loaded } from "../../components/States";
import { Time } from "../../components/Time";
import { api } from "../../lib/api";
import { bytes, many, span, utc } from "../../lib/format";
import { ATTEMPT, why } from "../../lib/words";

interface Props {
  task: number;
}

export function Attempts({ task }: Props) {
  const attempts = useQuery({ queryKey: ["attempts", task], queryFn: () => api.getAttempts(task), refetchInterval: 3_000 });
  return (
    <Loaded query={attempts} what="The attempts could not be read">
      {(all) =>
        all.length === 0 ? (
          <Empty icon="clock" title="Not attempted yet" />
        ) : (
          <ol className="attempts">
            {all.map((attempt, place) => (
              <li key={attempt.id}>
                <p className="attempt-head">
                  <strong>Attempt {place + 1}</strong>
                  <span>{attempt.outcome == null ? "under way" : (ATTEMPT[attempt.outcome] ?? attempt.outcome)}</span>
                  <Time at={attempt.started_at} seconds />
                </p>
                {attempt.error_code != null && <Reason code={attempt.error_code} />}
                {attempt.error_message != null && <p className="said">{attempt.error_message}</p>}
                <p className="muted">
                  {attempt.ended_at == null
                    ? ""
                    : `${span((Date.parse(attempt.ended_at) - Date.parse(attempt.started_at)) / 1000)} · `}
                  {many(attempt.requests, "request")} · {bytes(attempt.response_bytes)} ·{" "}
                  {(attempt.cpu_us / 1000).toFixed(1)} ms CPU
                </p>
                {attempt.component_digest != null && (
                  <p className="muted">
                    component <code title={attempt.component_digest}>{attempt.component_digest.slice(0, 16)}</code>
                  </p>
                )}
              </li>
            ))}
          </ol>
        )
      }
    </Loaded>
  );
}

/** Why something failed, in words, and in the one word that programs go by. */
export function Reason({ code }: { code: string }) {
  return (
    <p className="muted">
      {why(code)} <code>{code}</code>
    </p>
  );
}

export function Lines({ task }: Props) {
  const lines = useQuery({ queryKey: ["lines", task], queryFn: () => api.getLogs(task), refetchInterval: 3_000 });
  return (
    <Loaded query={lines} what="The log could not be read">
      {(all) =>
        all.length === 0 ? (
          <Empty icon="skip" title="Nothing was said" />
        ) : (
          <ol className="log">
            {all.map((line) => (
              <li key={line.id} className={`line-${line.level}`}>
                <time dateTime={line.at}>{utc(line.at, true)}</time>
                <span className="level">{line.level}</span>
                <span className="said">{line.message}</span>
              </li>
            ))}
          </ol>
        )
      }
    </Loaded>
  );
}

export function Answers({ task }: Props) {
  const answers = useQuery({ queryKey: ["answers", task], queryFn: () => api.getAnswers(task), refetchInterval: 5_000 });
  return (
    <Loaded query={answers} what="The answers could not be read">
      {(all) =>
        all.length === 0 ? (
          <Empty icon="empty" title="No answer of the upstream was used" />
        ) : (
          <ol className="answers">
            {all.map((answer) => (
              <li key={`${answer.attempt_id} ${answer.id}`}>
                <p>
                  <strong>{answer.status}</strong> {answer.method} <span className="url">{answer.url}</span>
                </p>
                <p className="muted">
                  {bytes(answer.body_bytes)} · <Time at={answer.fetched_at} seconds /> · kept as{" "}
                  <code title={answer.digest}>{answer.digest.slice(0, 16)}</code>
                </p>
              </li>
            ))}
          </ol>
        )
      }
    </Loaded>
  );
}
