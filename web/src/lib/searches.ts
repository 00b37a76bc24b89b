// What the pages keep in their addresses, so that a view can be kept, shared and gone back to.

import type { JobFilter, NewBackfill } from "./backfill-api";

type Raw = Record<string, unknown>;

const whole = (value: unknown): number | undefined => {
  const number = typeof value === "number" ? value : typeof value === "string" ? Number(value) : Number.NaN;
  return Number.isSafeInteger(number) && number > 0 ? number : undefined;
};

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

const day = (value: unknown): string | undefined => text(value)?.match(/^\d{4}-\d\d-\d\d$/)?.[0];

const month = (value: unknown): string | undefined => text(value)?.match(/^\d{4}-\d\d$/)?.[0];

const list = <Item>(value: unknown, item: (value: unknown) => Item | undefined): Item[] | undefined => {
  const items = (Array.isArray(value) ? value : [value]).map(item).filter((one) => one !== undefined);
  return items.length === 0 ? undefined : items;
};

/** One of these words. */
const one =
  <Word extends string>(...words: readonly Word[]) =>
  (value: unknown): Word | undefined =>
    words.find((word) => word === value);

/** Without what is not there, so that addresses stay short. */
function present<Search extends object>(search: Search): { [Key in keyof Search]?: Exclude<Search[Key], undefined> } {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as never;
}

export const backfillSearch = (raw: Raw) =>
  present({
    windfarm: whole(raw["windfarm"]),
    from: whole(raw["from"]),
    to: whole(raw["to"]),
    start: day(raw["start"]),
    end: day(raw["end"]),
    units: list(raw["units"], whole),
    sources: list(raw["sources"], text),
    again: one<NonNullable<NewBackfill["reprocess"]>>("missing+failed", "all")(raw["again"]),
    soon: one<NonNullable<NewBackfill["priority"]>>("backfill_high", "default")(raw["soon"]),
    order: one<NonNullable<NewBackfill["order"]>>("newest")(raw["order"]),
    preview: raw["preview"] === true ? true : undefined,
  });

export type BackfillSearch = ReturnType<typeof backfillSearch>;

export const STATUSES = ["pending", "in_progress", "completed", "partially_completed", "failed"] as const;

export const historySearch = (raw: Raw) =>
  present({
    windfarm: whole(raw["windfarm"]),
    status: list(raw["status"], one(...STATUSES)),
    source: text(raw["source"]),
    since: day(raw["since"]),
    until: day(raw["until"]),
    cursor: whole(raw["cursor"]),
  });

export type HistorySearch = ReturnType<typeof historySearch>;

export const jobSearch = (raw: Raw) => present({ task: whole(raw["task"]) });

export const availabilitySearch = (raw: Raw) =>
  present({
    windfarm: whole(raw["windfarm"]),
    from: whole(raw["from"]),
    to: whole(raw["to"]),
    unit: whole(raw["unit"]),
    month: month(raw["month"]),
  });

export type AvailabilitySearch = ReturnType<typeof availabilitySearch>;

/** What the API is asked for by the history's address. */
export function jobFilter(search: HistorySearch): JobFilter {
  return present({
    windfarm_id: search.windfarm,
    status: search.status,
    source: search.source,
    since: search.since === undefined ? undefined : `${search.since}T00:00:00Z`,
    until: search.until === undefined ? undefined : `${search.until}T23:59:59Z`,
    cursor: search.cursor,
  }) as JobFilter;
}

/** What the API is asked for by the form's address; nothing while something is missing. */
export function newBackfill(search: BackfillSearch): NewBackfill | undefined {
  const { windfarm, from, to, start, end } = search;
  const years = from !== undefined && to !== undefined && from <= to;
  const days = start !== undefined && end !== undefined && start <= end;
  if (windfarm === undefined || !(years || days)) return undefined;
  return {
    windfarm_id: windfarm,
    ...(days ? { start_date: start, end_date: end } : { start_year: from ?? 0, end_year: to ?? 0 }),
    ...(search.units === undefined ? {} : { generation_unit_ids: search.units }),
    ...(search.sources === undefined ? {} : { sources: search.sources }),
    ...(search.again === undefined ? {} : { reprocess: search.again }),
    ...(search.soon === undefined ? {} : { priority: search.soon }),
    ...(search.order === undefined ? {} : { order: search.order }),
  };
}
