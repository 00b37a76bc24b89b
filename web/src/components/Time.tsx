// An instant in UTC; on this machine's clock under the pointer.

import { useSyncExternalStore } from "react";

import { ago, local, utc } from "../lib/format";

interface Props {
  at: string | null | undefined;
  /** Says how long ago instead, and the instant under the pointer. */
  relative?: boolean;
  seconds?: boolean;
}

export function Time({ at, relative = false, seconds = false }: Props) {
  if (at == null) return <span className="muted">–</span>;
  if (relative) return <Ago at={at} />;
  return (
    <time dateTime={at} title={local(at)}>
      {utc(at, seconds)}
    </time>
  );
}

function Ago({ at }: { at: string }) {
  const now = useSyncExternalStore(everySecond, () => second);
  return (
    <time dateTime={at} title={`${utc(at, true)} · ${local(at)}`}>
      {ago(at, now)}
    </time>
  );
}

/** The present, as all times on the page see it. It goes on while there are any. */
let second = Date.now();
let clock: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function tick(): void {
  second = Date.now();
  listeners.forEach((listener) => listener());
}

function everySecond(listener: () => void): () => void {
  listeners.add(listener);
  if (clock === undefined) {
    second = Date.now();
    clock = setInterval(tick, 1_000);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(clock);
      clock = undefined;
    }
  };
}
