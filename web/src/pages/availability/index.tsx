// /backfill/availability: what is stored of a wind farm, and why the rest is not.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type KeyboardEvent, lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";

import { Empty, Loaded, Skeleton } from "../../components/States";
import { useTitle } from "../../components/useTitle";
import { WindfarmSelector } from "../../components/WindfarmSelector";
import { api } from "../../lib/api";
import type { Availability, AvailabilityCell } from "../../lib/backfill-api";
import { many } from "../../lib/format";
import type { AvailabilitySearch } from "../../lib/searches";
import { chunk } from "../../lib/trouble";
import { CellPanel } from "./CellPanel";
import { SourceMap } from "./SourceMap";

const SeriesChart = lazy(() => chunk(() => import("./SeriesChart")));

const THIS_YEAR = new Date().getUTCFullYear();

export function AvailabilityPage() {
  useTitle("Availability");
  const search = useSearch({ from: "/backfill/availability" });
  const navigate = useNavigate({ from: "/backfill/availability" });
  const { windfarm, from, to } = search;
  const span = from === undefined ? undefined : { from: `${from}-01`, to: `${Math.max(from, to ?? from)}-12` };
  const found = useQuery({
    queryKey: ["availability", windfarm, from, to],
    queryFn: () => api.checkAvailability(windfarm ?? 0, span),
    enabled: windfarm !== undefined,
    placeholderData: (before, query) => (query?.queryKey[1] === windfarm ? keepPreviousData(before) : undefined),
    refetchInterval: 20_000,
  });
  const change = (changed: Partial<Record<keyof AvailabilitySearch, unknown>>) =>
    void navigate({ search: { ...search, ...changed } as AvailabilitySearch, replace: true, resetScroll: false });
  return (
    <div className="page">
      <div className="page-head">
        <div>
          <h1>Availability</h1>
          <p className="lead">What is stored of each unit’s months, and why the rest is missing.</p>
        </div>
      </div>
      <form className="filters card" aria-label="Which wind farm" onSubmit={(event) => event.preventDefault()}>
        <WindfarmSelector
          value={windfarm}
          choose={(next) => change({ windfarm: next, unit: undefined, month: undefined })}
        />
        <Year id="from" label="First year" alone={from === undefined} value={from} choose={(next) => change({ from: next, to: undefined, month: undefined })} />
        {from !== undefined && (
          <Year id="to" label="Last year" value={to ?? from} choose={(next) => change({ to: next, month: undefined })} />
        )}
      </form>
      {windfarm === undefined ? (
        <Empty icon="search" title="Choose a wind farm">
          Its months show here, unit by unit: how full each is, and what keeps it from being full.
        </Empty>
      ) : (
        <Loaded query={found} what="The availability could not be read" lines={8}>
          {(data) => <Shown data={data} search={search} change={change} />}
        </Loaded>
      )}
    </div>
  );
}

interface YearProps {
  id: string;
  label: string;
  /** No other year stands beside it. */
  alone?: boolean;
  value: number | undefined;
  choose: (year: number | undefined) => void;
}

function Year({ id, label, alone = false, value, choose }: YearProps) {
  return (
    <div className={alone ? "field first" : "field"}>
      <label htmlFor={id}>{label}</label>
      <select id={id} className="input" value={value ?? ""} onChange={(event) => choose(Number(event.target.value) || undefined)}>
        {id === "from" && <option value="">All years</option>}
        {Array.from({ length: THIS_YEAR - 1999 }, (_, back) => (
          <option key={back}>{THIS_YEAR - back}</option>
        ))}
      </select>
    </div>
  );
}

interface ShownProps {
  data: Availability;
  search: AvailabilitySearch;
  change: (changed: Partial<Record<keyof AvailabilitySearch, unknown>>) => void;
}

function Shown({ data, search, change }: ShownProps) {
  const cells = useMemo(() => {
    const of = new Map<number, Map<string, AvailabilityCell>>();
    for (const cell of data.cells) {
      const unit = of.get(cell.generation_unit_id) ?? new Map<string, AvailabilityCell>();
      unit.set(cell.month, cell);
      of.set(cell.generation_unit_id, unit);
    }
    return of;
  }, [data]);
  const beside = useRef<HTMLDivElement>(null);
  const [opened, setOpened] = useState(0);
  const place = `${search.unit} ${search.month}`;
  const wanted = useRef("");
  useEffect(() => {
    // Who opens a cell wants to read of it; who comes by an address begins at the top.
    if (wanted.current !== place || beside.current === null) return;
    wanted.current = "";
    beside.current.scrollIntoView({ block: "nearest" });
    beside.current.querySelector<HTMLElement>("h2")?.focus({ preventScroll: true });
  }, [place, opened]);
  const open = (row: number, month: string) => {
    wanted.current = `${row} ${month}`;
    setOpened((times) => times + 1);
    change({ unit: row, month });
  };
  const back = (event: KeyboardEvent) => {
    if (event.key === "Escape") document.querySelector<HTMLElement>('.grid td[aria-selected="true"]')?.focus();
  };
  if (data.units.length === 0) {
    return <Empty icon="question" title="The wind farm has no units" />;
  }
  const unit = data.units.find((one) => one.id === search.unit);
  const cell = search.month === undefined ? undefined : cells.get(search.unit ?? 0)?.get(search.month);
  return (
    <>
      {data.sources.map((source) => (
        <SourceMap
          key={source.source}
          source={source}
          data={data}
          cells={cells}
          chosen={unit !== undefined && search.month !== undefined ? { row: unit.id, month: search.month } : undefined}
          open={open}
        />
      ))}
      {unit !== undefined && cell !== undefined ? (
        <div className="beside" ref={beside} onKeyDown={back}>
          <CellPanel windfarm={data.windfarm.id} unit={unit} cell={cell} />
          <Suspense fallback={<Skeleton lines={6} />}>
            <SeriesChart key={unit.id} unit={unit} month={cell.month} kind={cell.kind ?? undefined} stored={cell.present_seconds > 0} />
          </Suspense>
        </div>
      ) : (
        <p className="muted">
          Choose a cell to see why it is not full, and what is stored. {many(data.units.length, "unit")},{" "}
          {many(data.months.length, "month")}.
        </p>
      )}
    </>
  );
}
