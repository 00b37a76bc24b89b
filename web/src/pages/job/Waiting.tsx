// Why an open job does not go on: a source that is paused, or asked to slow down.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { Icon } from "../../components/Icon";
import { Time } from "../../components/Time";
import { api } from "../../lib/api";
import type { JobDetail, Source } from "../../lib/backfill-api";

export function Waiting({ detail }: { detail: JobDetail }) {
  const open = detail.job.completed_at == null;
  const sources = useQuery({
    queryKey: ["sources"],
    queryFn: () => api.listSources(),
    enabled: open,
    refetchInterval: 3_000,
  });
  const needed = new Set(detail.by_source.filter((of) => of.pending > 0).map((of) => of.source));
  const held = open ? (sources.data ?? []).filter((source) => needed.has(source.id) && why(source) !== undefined) : [];
  return held.map((source) => (
    <div key={source.id} className="note" role="status">
      <Icon name="pause" />
      <p>
        <strong>
          {source.id} {why(source)}
        </strong>
        {until(source) !== undefined && (
          <>
            {" "}
            until <Time at={until(source)} seconds />
          </>
        )}
        . {source.health.circuit === "open" ? source.health.open_cause : source.reason}
      </p>
      <Link to="/system" search={{}} className="button small">
        See the source
      </Link>
    </div>
  ));
}

function why({ usable, health }: Source): string | undefined {
  if (!usable) return "can\u2019t be used, so its tasks wait";
  if (health.circuit === "open") return "is paused, since its upstream fails,";
  return health.held_until == null ? undefined : "is held, since its upstream asked to slow down,";
}

const until = ({ health }: Source): string | undefined =>
  (health.circuit === "open" ? health.open_until : health.held_until) ?? undefined;
