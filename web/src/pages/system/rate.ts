// How often an upstream may be asked, in words.

import { count } from "../../lib/format";

const PER: Record<string, string> = { s: "second", min: "minute", h: "hour", d: "day" };

/** Of `400/min burst 10`: `Up to 400 requests a minute, 10 at once`. What is written in another way stays as it is. */
export function rate(text: string): string {
  const [, requests, unit = "", burst] = text.match(/^(\d+)\/(\w+)(?: burst (\d+))?$/) ?? [];
  const per = PER[unit];
  if (requests === undefined || per === undefined) return text;
  const most = `Up to ${count(Number(requests))} ${requests === "1" ? "request" : "requests"} ${unit === "h" ? "an" : "a"} ${per}`;
  return burst === undefined || burst === "1" ? most : `${most}, ${count(Number(burst))} at once`;
}
