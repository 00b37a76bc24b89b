// What stands where nothing is to be shown: nothing yet, nothing at all, or what went wrong.

import type { UseQueryResult } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";

import { ProblemError } from "../lib/backfill-api";
import { Outdated, renew, trouble, Unreachable } from "../lib/trouble";
import { Icon, type IconName } from "./Icon";

/** The outline of what is on its way. */
export function Skeleton({ lines = 3, label = "Loading" }: { lines?: number; label?: string }) {
  return (
    <div className="skeleton" role="status" aria-label={label}>
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} className={`skeleton-line w${line % 4}`} />
      ))}
    </div>
  );
}

interface EmptyProps {
  icon: IconName;
  title: string;
  children?: ReactNode;
}

export function Empty({ icon, title, children }: EmptyProps) {
  return (
    <div className="empty">
      <Icon name={icon} />
      <p className="empty-title">{title}</p>
      {children !== undefined && <div className="empty-more">{children}</div>}
    </div>
  );
}

interface FailureProps {
  error: unknown;
  /** What could not be done, such as `The job could not be read`. */
  what: string;
  retry?: (() => void) | undefined;
  children?: ReactNode;
}

/** What went wrong, what to do, and how to find it in the host's log. */
export function Failure({ error, what, retry, children }: FailureProps) {
  const problem = error instanceof ProblemError ? error.problem : undefined;
  const { detail, suggestion } = trouble(error);
  return (
    <div className="failure" role="alert">
      <Icon name="alert" />
      <div>
        <p className="failure-title">{what}</p>
        <p>{detail}</p>
        {(problem?.errors ?? []).length > 0 && (
          <ul>
            {problem?.errors?.map((one) => (
              <li key={`${one.pointer}${one.parameter}${one.detail}`}>
                {fieldName(one.pointer ?? one.parameter)} {one.detail}
              </li>
            ))}
          </ul>
        )}
        {suggestion !== undefined && <p className="failure-do">{suggestion}</p>}
        {children}
        <div className="failure-foot">
          {retry !== undefined && (
            <button type="button" className="button small" onClick={retry}>
              <Icon name="retry" /> Try again
            </button>
          )}
          {problem !== undefined && problem.trace_id !== "" && <Trace id={problem.trace_id} />}
        </div>
      </div>
    </div>
  );
}

const fieldName = (place: string | null | undefined): string =>
  place == null ? "" : `${place.replace(/^\//, "").replaceAll("_", " ")}:`;

function Trace({ id }: { id: string }) {
  const [copied, setCopied] = useState(false);
  const copy = () => void navigator.clipboard?.writeText(id).then(() => setCopied(true));
  return (
    <span className="trace">
      Trace id <code>{id}</code>
      <button type="button" className="link" onClick={copy}>
        {copied ? "Copied" : "Copy"}
      </button>
    </span>
  );
}

/** Instead of a page that could not be shown. One that is older than the host is loaded anew by itself, once. */
export function Broken({ error, again }: { error: unknown; again: () => void }) {
  const [renewing] = useState(() => error instanceof Outdated && renew());
  if (renewing) return <Skeleton lines={6} />;
  const asked = error instanceof ProblemError || error instanceof Unreachable;
  return <Failure error={error} what="This page could not be shown" retry={asked ? again : () => location.reload()} />;
}

interface LoadedProps<Data> {
  query: UseQueryResult<Data>;
  what: string;
  lines?: number;
  children: (data: Data) => ReactNode;
}

/** What was asked for, or why it is not there. What is there stays while it is asked for anew. */
export function Loaded<Data>({ query, what, lines = 4, children }: LoadedProps<Data>) {
  if (query.data !== undefined) return children(query.data);
  if (query.error !== null) {
    return <Failure error={query.error} what={what} retry={() => void query.refetch()} />;
  }
  return <Skeleton lines={lines} />;
}
