// The latest jobs, as they stand.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";

import { JobTable } from "../../components/JobTable";
import { Empty, Loaded } from "../../components/States";
import { api } from "../../lib/api";

export function RecentJobs() {
  const jobs = useQuery({
    queryKey: ["jobs", "recent"],
    queryFn: () => api.listJobs({ limit: 8 }),
    // As long as something happens it is looked at often.
    refetchInterval: (query) =>
      query.state.data?.items.some((job) => job.completed_at == null) === true ? 2_000 : 15_000,
  });
  return (
    <section className="section" aria-labelledby="recent">
      <div className="section-head">
        <h2 id="recent">Recent jobs</h2>
        <Link to="/backfill/history" search={{}}>
          All jobs
        </Link>
      </div>
      <Loaded query={jobs} what="The jobs could not be read" lines={5}>
        {(page) =>
          page.items.length === 0 ? (
            <Empty icon="clock" title="No job yet">
              The first one that you start shows here, and how far it is.
            </Empty>
          ) : (
            <JobTable jobs={page.items} label="Recent jobs" />
          )
        }
      </Loaded>
    </section>
  );
}
