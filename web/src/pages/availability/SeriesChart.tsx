// What is stored of a unit's month, and what it was before the upstream corrected itself.

import { useQuery } from "@tanstack/react-query";
import { useId, useMemo, useState } from "react";

import { Empty, Loaded } from "../../components/States";
import { Time } from "../../components/Time";
import { api } from "../../lib/api";
import type { Availability, Measurements } from "../../lib/backfill-api";
import { count, many, monthDays, monthName } from "../../lib/format";
import { Plot, type PlotSeries } from "./Plot";

interface Props {
  unit: Availability["units"][number];
  month: string;
  /** Which series counts for the month. */
  kind: string | undefined;
  stored: boolean;
}

const RESOLUTIONS = { native: "As stored", hour: "Hours", day: "Days" } as const;
type Resolution = keyof typeof RESOLUTIONS;

export default function SeriesChart({ unit, month, kind, stored }: Props) {
  const [resolution, setResolution] = useState<Resolution>("native");
  const [all, setAll] = useState(false);
  const name = useId();
  const only = all ? undefined : kind;
  const { first, last } = monthDays(month);
  const after = new Date(Date.parse(`${last}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
  const found = useQuery({
    queryKey: ["measurements", unit.id, month, resolution, only],
    queryFn: () =>
      api.getMeasurements({
        unit: [unit.id],
        from: first,
        to: after,
        zone: unit.zone,
        as: "mw",
        ...(only === undefined ? {} : { kind: only }),
        ...(resolution === "native" ? { include_history: true } : { resolution }),
      }),
    enabled: stored,
    // Another month's values don't stand under this one's name.
    placeholderData: (before, query) => (query?.queryKey[2] === month ? before : undefined),
  });
  return (
    <section className="card chart" aria-labelledby={name}>
      <div className="section-head">
        <h2 id={name}>What is stored, {monthName(month)}</h2>
        <div className="segments small" role="group" aria-label="Resolution">
          {(Object.keys(RESOLUTIONS) as Resolution[]).map((key) => (
            <label key={key}>
              <input type="radio" name="resolution" checked={resolution === key} onChange={() => setResolution(key)} />
              <span>{RESOLUTIONS[key]}</span>
            </label>
          ))}
        </div>
      </div>
      {stored ? (
        <Loaded query={found} what="The measurements could not be read" lines={7}>
          {(data) => (
            <div className={`drawn${found.isPlaceholderData ? " stale" : ""}`} aria-busy={found.isPlaceholderData}>
              <Drawn data={data} what={`${unit.name}, ${monthName(month)}`} />
            </div>
          )}
        </Loaded>
      ) : null}
      {stored ? (
        <label className="check">
          <input type="checkbox" checked={all} onChange={() => setAll(!all)} />
          <span>All series of the unit, not only what was generated</span>
        </label>
      ) : (
        <Empty icon="empty" title="Nothing is stored of this month" />
      )}
    </section>
  );
}

type Series = Measurements["series"][number];
type Value = Series["values"][number];

function Drawn({ data, what }: { data: Measurements; what: string }) {
  const series = useMemo(() => data.series.flatMap(split), [data]);
  const replaced = useMemo(
    () => data.series.flatMap((of) => of.values.filter((value) => value.replaced_at != null).map((value) => ({ of, value }))),
    [data],
  );
  const [table, setTable] = useState(false);
  if (series.length === 0) return <Empty icon="empty" title="No values in this span" />;
  return (
    <>
      <Plot series={series} label={`${what}: ${describe(data)}`} />
      <p className="chart-note">
        Mean power in MW over each interval; times in UTC.
        {replaced.length > 0 && <> {many(replaced.length, "value was", "values were")} replaced by a correction.</>}
      </p>
      <button type="button" className="link" aria-expanded={table} onClick={() => setTable(!table)}>
        {table ? "Hide the values" : "Show the values as a table"}
      </button>
      {table && <Values series={data.series} />}
      {replaced.length > 0 && <Revisions rows={replaced} />}
    </>
  );
}

const nameOf = (of: Series): string =>
  [of.kind, ...Object.values(of.labels ?? {}), `(${of.quantity.replaceAll("-", " ")})`].join(" ");

/** What stands, and what it replaced, if anything. */
function split(of: Series): PlotSeries[] {
  const name = nameOf(of);
  const stands = of.values.filter((value) => value.replaced_at == null);
  const before = of.values.filter((value) => value.replaced_at != null);
  return [
    { name, unit: of.unit, values: stands, before: false },
    ...(before.length === 0 ? [] : [{ name: `${name}, before`, unit: of.unit, values: before, before: true }]),
  ];
}

function describe(data: Measurements): string {
  const said = data.series.map((of) => {
    const values = of.values.filter((value) => value.replaced_at == null).map((value) => value.value);
    const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);
    const range = values.length === 0 ? "" : `, ${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)} ${of.unit}, mean ${mean.toFixed(1)}`;
    return `${of.kind}, ${count(values.length)} values${range}`;
  });
  return said.join("; ");
}

/** The values that stand, by when they begin; a column per series. */
function Values({ series }: { series: Series[] }) {
  const rows = new Map<string, (number | undefined)[]>();
  series.forEach((of, column) => {
    for (const value of of.values) {
      if (value.replaced_at != null) continue;
      const row = rows.get(value.start) ?? [];
      row[column] = value.value;
      rows.set(value.start, row);
    }
  });
  const ordered = [...rows].sort(([a], [b]) => Date.parse(a) - Date.parse(b));
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="The values">
      <table className="table compact">
        <caption className="hidden">The values</caption>
        <thead>
          <tr>
            <th scope="col">Start</th>
            {series.map((of) => (
              <th key={nameOf(of)} scope="col" className="number">
                {series.length > 1 && `${nameOf(of)}, `}
                {of.unit}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {ordered.map(([start, values]) => (
            <tr key={start}>
              <td><Time at={start} /></td>
              {series.map((of, column) => (
                <td key={nameOf(of)} className="number">{values[column]?.toFixed(3) ?? "–"}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** So many revisions are listed at first. */
const FIRST = 50;

function Revisions({ rows }: { rows: { of: Series; value: Value }[] }) {
  const [all, setAll] = useState(false);
  const stands = useMemo(() => {
    const series = new Map<Series, Map<string, Value>>();
    for (const { of } of rows) {
      if (!series.has(of)) series.set(of, new Map(of.values.filter((one) => one.replaced_at == null).map((one) => [one.start, one])));
    }
    return series;
  }, [rows]);
  const shown = all ? rows : rows.slice(0, FIRST);
  const several = stands.size > 1;
  return (
    <details className="more">
      <summary>
        Revisions <span className="muted">{count(rows.length)}</span>
      </summary>
      <div className="table-scroll" tabIndex={0} role="region" aria-label="Revisions">
        <table className="table compact stacked">
          <caption className="hidden">Values that were replaced</caption>
          <thead>
            <tr>
              <th scope="col">Start</th>
              {several && <th scope="col">Series</th>}
              <th scope="col" className="number">Was</th>
              <th scope="col" className="number">Is</th>
              <th scope="col">Replaced</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ of, value }) => (
              <tr key={`${nameOf(of)}${value.start}${value.replaced_at}`}>
                <td data-label="Start"><Time at={value.start} /></td>
                {several && <td data-label="Series">{nameOf(of)}</td>}
                <td data-label="Was" className="number">{value.value.toFixed(3)}</td>
                <td data-label="Is" className="number">{stands.get(of)?.get(value.start)?.value.toFixed(3) ?? "–"}</td>
                <td data-label="Replaced"><Time at={value.replaced_at} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < rows.length && (
        <p className="chart-note">
          The first {count(shown.length)} of {count(rows.length)}.{" "}
          <button type="button" className="link" onClick={() => setAll(true)}>
            Show all
          </button>
        </p>
      )}
    </details>
  );
}
