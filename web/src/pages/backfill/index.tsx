// /backfill: what to fill, what that would do, and the latest jobs.

import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";

import { Empty, Failure, Skeleton } from "../../components/States";
import { useTitle } from "../../components/useTitle";
import { api } from "../../lib/api";
import { type BackfillSearch, newBackfill } from "../../lib/searches";
import { Choices } from "./Choices";
import { Plan } from "./Plan";
import { RecentJobs } from "./RecentJobs";

export function BackfillPage() {
  useTitle("Backfill");
  const search = useSearch({ from: "/backfill" });
  const navigate = useNavigate({ from: "/backfill" });
  const wanted = newBackfill(search);
  const now = JSON.stringify(wanted);
  // Only what was asked for is shown, and only what is shown can be started. A link may ask by itself.
  const [asked, setAsked] = useState(search.preview === true ? now : undefined);
  const preview = useQuery({
    queryKey: ["preview", asked],
    queryFn: () => api.preview(JSON.parse(asked ?? "{}")),
    enabled: asked !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  const change = (changed: Partial<Record<keyof BackfillSearch, unknown>>) => {
    const next = { ...search, preview: undefined, ...changed } as BackfillSearch;
    void navigate({ search: next, replace: true });
  };
  const ask = () => {
    if (asked === now) void preview.refetch();
    setAsked(now);
  };
  return (
    <div className="page">
      <div className="page-head">
        <div>
          <h1>Backfill</h1>
          <p className="lead">Fetch the generation history of a wind farm, month by month, and keep it.</p>
        </div>
      </div>
      <div className="workbench">
        <section className="card" aria-labelledby="choices">
          <h2 id="choices">What to fill</h2>
          <Choices search={search} change={change} ready={wanted !== undefined} ask={ask} busy={preview.isFetching} />
        </section>
        <section className="card plan" aria-labelledby="plan" aria-busy={preview.isFetching}>
          <h2 id="plan">Preview</h2>
          {asked === undefined ? (
            <Empty icon="search" title="Nothing is fetched yet">
              Choose a wind farm and a span, then preview: you see what would be fetched, what is skipped and why, and
              how long it takes. Nothing starts before you say so.
            </Empty>
          ) : preview.isError ? (
            <Failure error={preview.error} what="There is no preview of this" retry={ask} />
          ) : preview.data === undefined || wanted === undefined ? (
            preview.isFetching ? <Skeleton lines={6} label="Planning" /> : <Empty icon="search" title="Something is missing from your choices" />
          ) : (
            <Plan
              // What was said of one plan is not said of the next.
              key={`${preview.data.plan_hash} ${preview.dataUpdatedAt}`}
              preview={preview.data}
              wanted={wanted}
              outdated={asked !== now}
              again={ask}
            />
          )}
        </section>
      </div>
      <RecentJobs />
    </div>
  );
}
