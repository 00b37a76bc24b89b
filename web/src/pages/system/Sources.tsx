// What each source says of itself, how its upstream fares, and how often it may still be asked.

import { useMutation, useQueryClient } from "@tanstack/react-query";

import { Icon } from "../../components/Icon";
import { Empty, Failure } from "../../components/States";
import { Status } from "../../components/Status";
import { Time } from "../../components/Time";
import { say, sayProblem } from "../../components/Toasts";
import { api } from "../../lib/api";
import type { Source, SourceCheck } from "../../lib/backfill-api";
import { count, many, span } from "../../lib/format";
import type { Word } from "../../lib/words";
import { rate } from "./rate";

export function Sources({ sources, may }: { sources: Source[]; may: boolean }) {
  if (sources.length === 0) return <Empty icon="question" title="The configuration has no source" />;
  return (
    <ul className="sources">
      {sources.map((source) => (
        <li key={source.id} className="card source">
          <One source={source} may={may} />
        </li>
      ))}
    </ul>
  );
}

function wordOf(source: Source): Word {
  const { enabled, usable, health } = source;
  if (!enabled) return { text: "Turned off", icon: "skip", tone: "none" };
  if (!usable) return { text: "Can't be used", icon: "cross", tone: "fail" };
  if (health.circuit === "open") return { text: "Paused: its upstream fails", icon: "pause", tone: "fail" };
  if (health.circuit === "half-open") return { text: "On trial", icon: "half", tone: "warn" };
  if (source.refused != null) return { text: "What is new was refused", icon: "cross", tone: "warn" };
  if (health.held_until != null) return { text: "Held: asked to slow down", icon: "clock", tone: "warn" };
  return { text: "Healthy", icon: "check", tone: "done" };
}

function One({ source, may }: { source: Source; may: boolean }) {
  const queries = useQueryClient();
  const check = useMutation({ mutationFn: () => api.checkSource(source.id) });
  const resume = useMutation({
    mutationFn: () => api.resumeSource(source.id),
    onSuccess: () => say(`${source.id} is asked again, beginning with one task.`),
    onError: (error) => sayProblem("The source was not resumed", error),
    onSettled: () => void queries.invalidateQueries({ queryKey: ["sources"] }),
  });
  const { health, allowance, queue, description } = source;
  const before = source.previous?.[0];
  return (
    <>
      <div className="source-head">
        <div>
          <h3>{source.id}</h3>
          {description?.name !== source.id && <p className="muted">{description?.name ?? "not loaded"}</p>}
        </div>
        <Status word={wordOf(source)} />
      </div>
      {source.reason != null && <p className="said">{source.reason}</p>}
      {source.refused != null && (
        <p className="said">
          Refused <Time at={source.refused.at} seconds />, so that it stays as it is
          {source.refused.digest != null && (
            <>
              {" "}
              (<code title={source.refused.digest}>{source.refused.digest.slice(0, 12)}</code>)
            </>
          )}
          : {source.refused.why}
        </p>
      )}
      {health.open_cause != null && health.circuit !== "closed" && <p className="said">{health.open_cause}</p>}
      {description != null && <p className="source-about">{description.summary}</p>}
      <Allowance allowance={allowance} />
      <dl className="facts">
        {source.version != null && (
          <div>
            <dt>Version</dt>
            <dd>
              {source.version} <code title={source.digest ?? ""}>{source.digest?.slice(0, 12)}</code>
            </dd>
          </div>
        )}
        {source.loaded_at != null && (
          <div>
            <dt>Loaded</dt>
            <dd><Time at={source.loaded_at} seconds /></dd>
          </div>
        )}
        {before != null && (
          <div>
            <dt>Before</dt>
            <dd>
              {before.version} <code title={before.digest}>{before.digest.slice(0, 12)}</code>
            </dd>
          </div>
        )}
        <div>
          <dt>Open tasks</dt>
          <dd>
            {queue.running + queue.ready + queue.waiting + queue.held === 0
              ? "none"
              : `${count(queue.running)} running, ${count(queue.ready)} ready, ${count(queue.waiting + queue.held)} waiting`}
          </dd>
        </div>
        {description != null && (
          <div>
            <dt>Months</dt>
            <dd>
              {description.month_zone}
              {description.first_month != null && <>, from {description.first_month}</>}, whole after{" "}
              {many(description.publication_lag_days, "day")}
            </dd>
          </div>
        )}
        {source.hosts != null && source.hosts.length > 0 && (
          <div>
            <dt>May reach</dt>
            <dd className="url">{source.hosts.join(", ")}</dd>
          </div>
        )}
        {health.open_until != null && (
          <div>
            <dt>Asked again</dt>
            <dd><Time at={health.open_until} seconds /></dd>
          </div>
        )}
        {health.held_until != null && (
          <div>
            <dt>Held until</dt>
            <dd><Time at={health.held_until} seconds /></dd>
          </div>
        )}
        {health.failures_in_row > 0 && (
          <div>
            <dt>Failures in a row</dt>
            <dd className="bad-text">{count(health.failures_in_row)}</dd>
          </div>
        )}
      </dl>
      {may && source.usable && (
        <div className="source-do">
          <button type="button" className="button small" disabled={check.isPending} onClick={() => check.mutate()}>
            {check.isPending ? "Checking…" : "Check now"}
            <span className="hidden"> {source.id}</span>
          </button>
          {health.circuit !== "closed" && (
            <button type="button" className="button small" disabled={resume.isPending} onClick={() => resume.mutate()}>
              <Icon name="play" /> Resume<span className="hidden"> {source.id}</span>
            </button>
          )}
        </div>
      )}
      {check.isError && <Failure error={check.error} what="It could not be checked" />}
      {check.data !== undefined && <Checked check={check.data} />}
    </>
  );
}

function Allowance({ allowance }: { allowance: Source["allowance"] }) {
  const { rate: allowed, burst, requests_now: now } = allowance;
  if (allowed == null || burst == null || now == null) {
    return <p className="allowance muted">No limit is configured for its requests.</p>;
  }
  return (
    <div className="allowance">
      <p>
        <span>{rate(allowed)}</span>
        <span className="muted nowrap">{count(now)} left now</span>
      </p>
      <meter min={0} max={burst} value={now} aria-label={`Requests that may go right now: ${now} of ${burst}`} />
    </div>
  );
}

const STEPS = { dns: "Names", tls: "Connection", auth: "Credential", shape: "Answer" } as const;

const FOUND: Record<string, Word> = {
  ok: { text: "OK", icon: "check", tone: "done" },
  failed: { text: "Failed", icon: "cross", tone: "fail" },
  skipped: { text: "Skipped", icon: "skip", tone: "none" },
};

function Checked({ check }: { check: SourceCheck }) {
  return (
    <div className="checked" role="status">
      <p>
        <strong>{check.works ? "It works." : "It does not work."}</strong>{" "}
        <span className="muted">
          Asked for {check.code ?? "no unit"}, {check.month}.
        </span>
      </p>
      <ul>
        {(Object.keys(STEPS) as (keyof typeof STEPS)[]).map((step) => (
          <li key={step}>
            <span>{STEPS[step]}</span>
            <Status word={FOUND[check[step].verdict] ?? { text: check[step].verdict, icon: "question", tone: "none" }} />
            <span className="muted">
              {check[step].text}
              {check[step].milliseconds > 0 && ` (${span(check[step].milliseconds / 1000)})`}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
