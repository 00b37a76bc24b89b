// The form: a wind farm, a span, and what is seldom needed.

import { useQuery } from "@tanstack/react-query";
import type { FormEvent } from "react";

import { Loaded } from "../../components/States";
import { WindfarmSelector } from "../../components/WindfarmSelector";
import { api } from "../../lib/api";
import type { Unit } from "../../lib/backfill-api";
import { many } from "../../lib/format";
import type { BackfillSearch } from "../../lib/searches";

interface Props {
  search: BackfillSearch;
  change: (changed: Partial<Record<keyof BackfillSearch, unknown>>) => void;
  ready: boolean;
  ask: () => void;
  busy: boolean;
}

const THIS_YEAR = new Date().getUTCFullYear();
const YEARS = Array.from({ length: THIS_YEAR - 1999 }, (_, back) => THIS_YEAR - back);

export function Choices({ search, change, ready, ask, busy }: Props) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask();
  };
  return (
    <form className="choices" onSubmit={submit}>
      <WindfarmSelector
        value={search.windfarm}
        choose={(windfarm) => change({ windfarm, units: undefined, sources: undefined })}
      />
      <Span search={search} change={change} />
      {search.windfarm !== undefined && <Narrow windfarm={search.windfarm} search={search} change={change} />}
      <details className="more" open={search.again !== undefined || search.soon !== undefined || search.order !== undefined}>
        <summary>How</summary>
        <div className="field">
          <label htmlFor="again">Which months</label>
          <select
            id="again"
            className="input"
            value={search.again ?? "missing"}
            onChange={(event) => change({ again: event.target.value === "missing" ? undefined : event.target.value })}
          >
            <option value="missing">What is missing</option>
            <option value="missing+failed">What is missing, and what failed for good</option>
            <option value="all">All of them again, to pick up corrections</option>
          </select>
        </div>
        <div className="pair">
          <div className="field">
            <label htmlFor="soon">Priority</label>
            <select
              id="soon"
              className="input"
              value={search.soon ?? "backfill"}
              onChange={(event) => change({ soon: event.target.value === "backfill" ? undefined : event.target.value })}
            >
              <option value="backfill_high">High</option>
              <option value="backfill">Normal</option>
              <option value="default">Low</option>
            </select>
          </div>
          <div className="field">
            <label htmlFor="order">Order</label>
            <select
              id="order"
              className="input"
              value={search.order ?? "oldest"}
              onChange={(event) => change({ order: event.target.value === "oldest" ? undefined : event.target.value })}
            >
              <option value="oldest">Oldest month first</option>
              <option value="newest">Newest month first</option>
            </select>
          </div>
        </div>
      </details>
      <div className="choices-end">
        <button type="submit" className="button primary" disabled={!ready || busy}>
          {busy ? "Planning…" : "Preview"}
        </button>
        {!ready && <p className="field-help">{missing(search)}</p>}
      </div>
    </form>
  );
}

function missing(search: BackfillSearch): string {
  if (search.windfarm === undefined) return "Choose a wind farm first.";
  const { from, to, start, end } = search;
  const turned = (from !== undefined && to !== undefined && from > to) || (start !== undefined && end !== undefined && start > end);
  return turned ? "The span ends before it begins." : "Say which span.";
}

function Span({ search, change }: Pick<Props, "search" | "change">) {
  const byDates = search.start !== undefined || search.end !== undefined;
  const toDates = () =>
    change({
      from: undefined,
      to: undefined,
      start: `${search.from ?? THIS_YEAR - 1}-01-01`,
      end: `${search.to ?? search.from ?? THIS_YEAR - 1}-12-31`,
    });
  const toYears = () =>
    change({
      start: undefined,
      end: undefined,
      from: Number(search.start?.slice(0, 4) ?? THIS_YEAR - 1),
      to: Number(search.end?.slice(0, 4) ?? THIS_YEAR - 1),
    });
  return (
    <fieldset className="span">
      <legend>Span</legend>
      <div className="segments">
        <label>
          <input type="radio" name="span" checked={!byDates} onChange={toYears} /> <span>Years</span>
        </label>
        <label>
          <input type="radio" name="span" checked={byDates} onChange={toDates} /> <span>Dates</span>
        </label>
      </div>
      <div className="pair">
        {byDates ? (
          <>
            <Day id="start" label="First day" value={search.start} change={(start) => change({ start })} />
            <Day id="end" label="Last day" value={search.end} change={(end) => change({ end })} />
          </>
        ) : (
          <>
            <Year id="from" label="First year" value={search.from} change={(from) => change({ from, to: Math.max(from ?? 0, search.to ?? 0) || undefined })} />
            <Year id="to" label="Last year" value={search.to} change={(to) => change({ to })} />
          </>
        )}
      </div>
      <p className="field-help">Both ends included. Months follow the calendar of each source.</p>
    </fieldset>
  );
}

interface PartProps<Value> {
  id: string;
  label: string;
  value: Value | undefined;
  change: (value: Value | undefined) => void;
}

function Year({ id, label, value, change }: PartProps<number>) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        className="input"
        value={value ?? ""}
        onChange={(event) => change(Number(event.target.value) || undefined)}
      >
        <option value="">Choose</option>
        {YEARS.map((year) => (
          <option key={year}>{year}</option>
        ))}
      </select>
    </div>
  );
}

function Day({ id, label, value, change }: PartProps<string>) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="date"
        className="input"
        value={value ?? ""}
        onChange={(event) => change(event.target.value || undefined)}
      />
    </div>
  );
}

/** Only some sources, only some units. */
function Narrow({ windfarm, search, change }: Pick<Props, "search" | "change"> & { windfarm: number }) {
  const units = useQuery({ queryKey: ["units", windfarm], queryFn: () => api.listUnits(windfarm), staleTime: 60_000 });
  return (
    <Loaded query={units} what="The units of the wind farm could not be read" lines={2}>
      {(all) => {
        const sources = [...new Set(all.map((unit) => unit.source))].sort();
        const offered = all.filter((unit) => search.sources?.includes(unit.source) ?? true);
        const chosen = search.units?.length ?? 0;
        return (
          <>
            {sources.length > 1 && (
              <Several
                legend="Sources"
                items={sources.map((source) => ({ key: source, text: source, detail: "" }))}
                chosen={search.sources}
                change={(next) => change({ sources: next, units: undefined })}
              />
            )}
            <details className="more" open={chosen > 0}>
              <summary>
                Units <span className="muted">{chosen === 0 ? `all ${count(offered)}` : `${chosen} of ${offered.length}`}</span>
              </summary>
              <Several
                legend="Only these units"
                items={offered.map((unit) => ({ key: unit.id, text: unit.name, detail: unitDetail(unit) }))}
                chosen={search.units}
                change={(next) => change({ units: next })}
              />
            </details>
          </>
        );
      }}
    </Loaded>
  );
}

const count = (units: Unit[]): string => many(units.length, "unit").replace(/^1 unit$/, "(1 unit)");

const unitDetail = (unit: Unit): string =>
  [unit.code, unit.source, unit.capacity_mw == null ? "" : `${unit.capacity_mw} MW`, unit.active ? "" : "not active"]
    .filter((part) => part !== "" && part !== unit.name)
    .join(" · ");

interface SeveralProps<Key> {
  legend: string;
  items: { key: Key; text: string; detail: string }[];
  chosen: Key[] | undefined;
  change: (chosen: Key[] | undefined) => void;
}

/** Some of a list; none chosen means all. */
function Several<Key extends string | number>({ legend, items, chosen, change }: SeveralProps<Key>) {
  const turn = (key: Key) => {
    const next = chosen?.includes(key) === true ? chosen.filter((one) => one !== key) : [...(chosen ?? []), key];
    change(next.length === 0 ? undefined : next);
  };
  return (
    <fieldset className="several">
      <legend>
        {legend} <span className="muted">{chosen === undefined ? "all" : ""}</span>
      </legend>
      <div className="checks">
        {items.map((item) => (
          <label key={item.key} className="check">
            <input type="checkbox" checked={chosen?.includes(item.key) ?? false} onChange={() => turn(item.key)} />
            <span>
              {item.text}
              {item.detail !== "" && <small className="muted">{item.detail}</small>}
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
