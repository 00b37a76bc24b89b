// /system: what works, what waits, and what happens by itself.

import { useQuery } from "@tanstack/react-query";

import { Loaded } from "../../components/States";
import { useTitle } from "../../components/useTitle";
import { api } from "../../lib/api";
import { useMe } from "../../lib/me";
import { Queue } from "./Queue";
import { Schedules } from "./Schedules";
import { Sources } from "./Sources";
import { Workers } from "./Workers";

const OFTEN = 3_000;

export function SystemPage() {
  useTitle("System");
  const me = useMe();
  const sources = useQuery({ queryKey: ["sources"], queryFn: () => api.listSources(), refetchInterval: OFTEN });
  const workers = useQuery({ queryKey: ["workers"], queryFn: () => api.listWorkers(), refetchInterval: OFTEN });
  const queue = useQuery({ queryKey: ["queue"], queryFn: () => api.getQueue(), refetchInterval: OFTEN });
  const schedules = useQuery({ queryKey: ["schedules"], queryFn: () => api.listSchedules(), refetchInterval: 15_000 });
  const may = me.data !== undefined && me.data.role !== "viewer";
  return (
    <div className="page">
      <div className="page-head">
        <div>
          <h1>System</h1>
          <p className="lead">Workers, the queue, sources and schedules, as they are now.</p>
        </div>
      </div>
      <section className="section" aria-labelledby="workers">
        <h2 id="workers">Workers</h2>
        <Loaded query={workers} what="The workers could not be read">
          {(all) => <Workers workers={all} />}
        </Loaded>
      </section>
      <section className="section" aria-labelledby="queue">
        <h2 id="queue">Queue</h2>
        <Loaded query={queue} what="The queue could not be read">
          {(all) => <Queue queue={all} sources={sources.data} served={workers.data?.some((worker) => worker.alive)} />}
        </Loaded>
      </section>
      <section className="section" aria-labelledby="sources">
        <h2 id="sources">Sources</h2>
        <Loaded query={sources} what="The sources could not be read" lines={6}>
          {(all) => <Sources sources={all} may={may} />}
        </Loaded>
      </section>
      <section className="section" aria-labelledby="schedules">
        <h2 id="schedules">Schedules</h2>
        <Loaded query={schedules} what="The schedules could not be read">
          {(all) => <Schedules schedules={all} may={may} />}
        </Loaded>
      </section>
    </div>
  );
}
