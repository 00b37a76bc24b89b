// How figures, times and months are written. Every time says its zone.

const whole = new Intl.NumberFormat("en-GB");
const short = new Intl.NumberFormat("en-GB", { notation: "compact", maximumFractionDigits: 1 });

export const count = (value: number): string => whole.format(value);

export const brief = (value: number): string => short.format(value);

/** `1 month`, `12 months`. */
export const many = (value: number, one: string, more = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : more}`;

/** `2024-06-15 12:00 UTC`. */
export function utc(instant: string, seconds = false): string {
  const text = new Date(instant).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, seconds ? 19 : 16)} UTC`;
}

/** The same on this machine's clock. */
export function local(instant: string): string {
  const format = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" });
  return `${format.format(new Date(instant))} (your time)`;
}

/** `3 min ago`. */
export function ago(instant: string, now = Date.now()): string {
  const seconds = Math.round((now - Date.parse(instant)) / 1000);
  return seconds < 0 ? `in ${span(-seconds)}` : seconds < 5 ? "just now" : `${span(seconds)} ago`;
}

/** `4 s`, `3 min`, `2 h 5 min`, `3 d`. */
export function span(seconds: number): string {
  if (seconds < 1) return "under 1 s";
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.round(hours / 24)} d`;
}

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let [size, unit] = [value, 0];
  while (size >= 1000 && unit < units.length - 1) [size, unit] = [size / 1000, unit + 1];
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}

const MONTHS = [
  "January", "February", "March", "April", "May", "June",
  "July", "August", "September", "October", "November", "December",
];

/** Of `2024-01`: `January 2024`. */
export function monthName(month: string): string {
  const [year, number] = month.split("-");
  return `${MONTHS[Number(number) - 1]} ${year}`;
}

/** Of `2024-01`: `Jan`. */
export const monthShort = (month: string): string => (MONTHS[Number(month.slice(5)) - 1] ?? "").slice(0, 3);

/** The first and the last day of a month. */
export function monthDays(month: string): { first: string; last: string } {
  const [year, number] = month.split("-").map(Number);
  const last = new Date(Date.UTC(year ?? 1970, number ?? 1, 0)).getUTCDate();
  return { first: `${month}-01`, last: `${month}-${String(last).padStart(2, "0")}` };
}

/** `Jan 2024 – Mar 2024`, of a span whose end is not included. */
export function months(start: string, end: string): string {
  const first = monthOf(Date.parse(start) + 43_200_000);
  const last = monthOf(Date.parse(end) - 43_200_000);
  const named = (month: string) => `${monthShort(month)} ${month.slice(0, 4)}`;
  return first === last ? named(first) : `${named(first)} – ${named(last)}`;
}

/** Half a day inside of the span, so that no zone of an upstream moves it to a neighbour. */
const monthOf = (milliseconds: number): string => new Date(milliseconds).toISOString().slice(0, 7);
