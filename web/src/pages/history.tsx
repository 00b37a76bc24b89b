// /backfill/history: all jobs.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";

import { Icon } from "../components/Icon";
import { JobTable } from "../components/JobTable";
import { Empty, Loaded } from "../components/States";
import { useTitle } from "../components/useTitle";
import { WindfarmSelector } from "../components/WindfarmSelector";
import { api } from "../lib/api";
import { many } from "../lib/format";
import { type HistorySearch, jobFilter, STATUSES } from "../lib/searches";
import { JOB } from "../lib/words";

const PAGE = 25;

export function HistoryPage() {
  useTitle("History");
  const search = useSearch({ from: "/backfill/history" });
  const navigate = useNavigate({ from: "/backfill/history" });
  const jobs = useQuery({
    queryKey: ["jobs", "history", search],
    queryFn: () => api.listJobs({ ...jobFilter(search), limit: PAGE }),
    placeholderData: keepPreviousData,
    refetchInterval: 10_000,
  });
  const change = (changed: Partial<Record<keyof HistorySearch, unknown>>) => {
    const next = { ...search, cursor: undefined, ...changed } as HistorySearch;
    void navigate({ search: next, replace: true });
  };
  const filtered = Object.keys(search).some((name) => name !== "cursor");
  return (
    <div className="page">
      <div className="page-head">
        <div>
          <h1>History</h1>
          <p className="lead">Every job, the newest first.</p>
        </div>
      </div>
      <Filters search={search} change={change} />
      <Loaded query={jobs} what="The jobs could not be read" lines={10}>
        {(page) => (
          <>
            <p className="list-count" role="status">
              {page.total === undefined ? "" : many(page.total, "job")}
              {filtered && (
                <Link to="/backfill/history" search={{}} className="clear">
                  Clear the filters
                </Link>
              )}
            </p>
            {page.items.length === 0 ? (
              filtered ? (
                <Empty icon="search" title="No job is like this">
                  Fewer filters find more.
                </Empty>
              ) : (
                <Empty icon="clock" title="No job yet">
                  <Link to="/backfill" search={{}} className="button primary">
                    Start the first one
                  </Link>
                </Empty>
              )
            ) : (
              <JobTable jobs={page.items} label="Jobs" />
            )}
            <nav className="paging" aria-label="Pages of the list">
              {search.cursor !== undefined && (
                <Link to="/backfill/history" search={withoutCursor(search)} className="button">
                  <Icon name="back" /> Newest
                </Link>
              )}
              {page.next !== undefined && page.items.length === PAGE && (
                <Link to="/backfill/history" search={{ ...search, cursor: page.next }} className="button">
                  Older <Icon name="arrow" />
                </Link>
              )}
            </nav>
          </>
        )}
      </Loaded>
    </div>
  );
}

function withoutCursor({ cursor: _, ...rest }: HistorySearch): HistorySearch {
  return rest;
}

interface FilterProps {
  search: HistorySearch;
  change: (changed: Partial<Record<keyof HistorySearch, unknown>>) => void;
}

function Filters({ search, change }: FilterProps) {
  const sources = useQuery({ queryKey: ["sources"], queryFn: () => api.listSources(), staleTime: 60_000 });
  const turn = (status: (typeof STATUSES)[number]) => {
    const chosen = search.status ?? [];
    const next = chosen.includes(status) ? chosen.filter((one) => one !== status) : [...chosen, status];
    change({ status: next.length === 0 ? undefined : next });
  };
  return (
    <form className="filters card" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      <WindfarmSelector value={search.windfarm} choose={(windfarm) => change({ windfarm })} />
      <div className="field first">
        <label htmlFor="source">Source</label>
        <select
          id="source"
          className="input"
          value={search.source ?? ""}
          onChange={(event) => change({ source: event.target.value || undefined })}
        >
          <option value="">All</option>
          {sources.data?.map((source) => (
            <option key={source.id}>{source.id}</option>
          ))}
        </select>
      </div>
      <Day id="since" label="Created from (UTC)" value={search.since} choose={(since) => change({ since })} />
      <Day id="until" label="Created until (UTC)" value={search.until} choose={(until) => change({ until })} />
      <fieldset className="chips">
        <legend>Status</legend>
        {STATUSES.map((status) => (
          <label key={status} className={`chip tone-${JOB[status]?.tone}`}>
            <input type="checkbox" checked={search.status?.includes(status) ?? false} onChange={() => turn(status)} />
            <Icon name={JOB[status]?.icon ?? "question"} />
            {JOB[status]?.text}
          </label>
        ))}
      </fieldset>
    </form>
  );
}

interface DayProps {
  id: string;
  label: string;
  value: string | undefined;
  choose: (day: string | undefined) => void;
}

function Day({ id, label, value, choose }: DayProps) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <span className={value === undefined ? "day unset" : "day"}>
        <input id={id} type="date" className="input" value={value ?? ""} onChange={(event) => choose(event.target.value || undefined)} />
      </span>
    </div>
  );
}
