// An instant in UTC; on this machine's clock under the pointer.

import { ago, local, utc } from "../lib/format";

interface Props {
  at: string | null | undefined;
  /** Says how long ago instead, and the instant under the pointer. */
  relative?: boolean;
  seconds?: boolean;
}

export function Time({ at, relative = false, seconds = false }: Props) {
  if (at == null) return <span className="muted">–</span>;
  const title = relative ? `${utc(at, true)} · ${local(at)}` : local(at);
  return (
    <time dateTime={at} title={title}>
      {relative ? ago(at) : utc(at, seconds)}
    </time>
  );
}
