// What is stored of a unit's month, and what it was before the upstream corrected itself.

import { keepPreviousData, useQuery } from "@tanstack/react-query";
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
    placeholderData: keepPreviousData,
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
          {(data) => <Drawn data={data} what={`${unit.name}, ${monthName(month)}`} />}
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
  const values = data.series[0]?.values ?? [];
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
      {table && <Values of={data.series[0]} values={values.filter((value) => value.replaced_at == null)} />}
      {replaced.length > 0 && <Revisions rows={replaced.slice(0, 50)} total={replaced.length} />}
    </>
  );
}

/** What stands, and what it replaced, if anything. */
function split(of: Series): PlotSeries[] {
  const name = [of.kind, ...Object.values(of.labels ?? {}), `(${of.quantity.replaceAll("-", " ")})`].join(" ");
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

function Values({ of, values }: { of: Series | undefined; values: Value[] }) {
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label="The values">
      <table className="table compact">
        <caption className="hidden">The values</caption>
        <thead>
          <tr>
            <th scope="col">Start</th>
            <th scope="col" className="number">{of?.unit}</th>
          </tr>
        </thead>
        <tbody>
          {values.map((value) => (
            <tr key={value.start}>
              <td><Time at={value.start} /></td>
              <td className="number">{value.value.toFixed(3)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Revisions({ rows, total }: { rows: { of: Series; value: Value }[]; total: number }) {
  return (
    <details className="more">
      <summary>
        Revisions <span className="muted">{count(total)}</span>
      </summary>
      <div className="table-scroll" tabIndex={0} role="region" aria-label="Revisions">
        <table className="table compact">
          <caption className="hidden">Values that were replaced</caption>
          <thead>
            <tr>
              <th scope="col">Start</th>
              <th scope="col" className="number">Was</th>
              <th scope="col" className="number">Is</th>
              <th scope="col">Replaced</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ of, value }) => (
              <tr key={`${value.start}${value.replaced_at}`}>
                <td><Time at={value.start} /></td>
                <td className="number">{value.value.toFixed(3)}</td>
                <td className="number">
                  {of.values.find((one) => one.start === value.start && one.replaced_at == null)?.value.toFixed(3) ?? "–"}
                </td>
                <td><Time at={value.replaced_at} /></td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
