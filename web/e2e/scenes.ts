// A world with something on every page, and the ways to what can be seen in it.

import type { Page } from "playwright-core";

import { World } from "./world.ts";

const units = Array.from({ length: 20 }, (_, at) => `Long Bank,elexon,T_SIMW-${at + 1},Long ${at + 1},100,`);
const REGISTRY = `windfarm,source,code,name,capacity_mw,fuel2002
Hornsea One,elexon,T_HOWAO-1,Hornsea 1 A,400,
Hornsea One,elexon,T_HOWAO-2,Hornsea 1 B,400,
${units.join("\n")}
Santa Isabel,eia,61014,Pattern Santa Isabel,101.2,WND
`;

/** What a furnished world has. */
export interface Furnished {
  world: World;
  /** A job with a failure in it, and the task that failed. */
  job: number;
  task: number;
  /** A job of 20 units × 144 months. */
  large: number;
}

export async function furnish(): Promise<Furnished> {
  const world = await World.begin({ registry: REGISTRY });
  // A month is asked for with a day more on either side: this is February.
  await world.faults({ kind: "status", status: 400, body: "no such settlement period", match: "to=2024-03-02" });
  const job = await world.job({ windfarm_id: 1, start_date: "2024-01-01", end_date: "2024-04-30" });
  const failed = await world.api<{ id: number }[]>("GET", `/backfill/jobs/${job}/tasks?status=failed`);
  await world.hold();
  const large = await world.job({ windfarm_id: 2, start_year: 2012, end_year: 2023 }, false);
  await world.api("POST", `/backfill/jobs/${large}/cancel`);
  await world.faults();
  return { world, job, task: failed[0]?.id ?? 0, large };
}

export interface Scene {
  name: string;
  path: string;
  /** What shows that it is there. */
  there: string;
  /** What is done then, and what shows that it was. */
  then?: (page: Page) => Promise<void>;
  /** An open list hides all else from screen readers; it closes before the focus gets there, which axe can't know. */
  hides?: boolean;
  /** Nobody is logged in. */
  stranger?: boolean;
}

/** Every page, and what opens on it. */
export const scenes = ({ job, task }: Furnished): Scene[] => [
  { name: "choices", path: "/backfill", there: ".table.jobs" },
  {
    name: "an open list of wind farms",
    path: "/backfill",
    there: ".table.jobs",
    hides: true,
    then: async (of) => {
      await of.getByRole("combobox", { name: "Wind farm" }).click();
      await of.getByRole("option", { name: "Hornsea One" }).waitFor();
    },
  },
  { name: "a preview", path: "/backfill?windfarm=1&from=2024&to=2024&preview=true", there: ".plan .grid" },
  { name: "a job", path: `/backfill/${job}`, there: ".cause" },
  {
    name: "a dialog that asks once more",
    path: `/backfill/${job}`,
    there: ".cause",
    then: async (of) => {
      await of.getByRole("button", { name: "Delete" }).click();
      await of.getByRole("button", { name: "Delete the job" }).waitFor();
    },
  },
  { name: "a task", path: `/backfill/${job}?task=${task}`, there: "dialog .attempts li" },
  {
    name: "a task's log",
    path: `/backfill/${job}?task=${task}`,
    there: "dialog .attempts li",
    then: (of) => of.getByRole("tab", { name: "Log" }).click(),
  },
  {
    name: "a task's answers",
    path: `/backfill/${job}?task=${task}`,
    there: "dialog .attempts li",
    then: (of) => of.getByRole("tab", { name: "Answers" }).click(),
  },
  { name: "the history", path: "/backfill/history", there: ".table.jobs" },
  { name: "an empty history", path: "/backfill/history?status=%5B%22pending%22%5D", there: ".empty" },
  { name: "the availability", path: "/backfill/availability?windfarm=1&from=2024&unit=1&month=2024-04", there: ".plot canvas" },
  { name: "a gap", path: "/backfill/availability?windfarm=1&from=2024&unit=1&month=2024-02", there: ".cell-panel .button.primary" },
  { name: "no wind farm", path: "/backfill/availability", there: ".empty" },
  { name: "the system", path: "/system", there: ".source" },
  { name: "nowhere", path: "/nowhere-at-all/x", there: ".empty" },
  { name: "a session that has run out", path: "/backfill", there: "dialog form.login", stranger: true },
  { name: "logging in", path: "/login", there: "main form", stranger: true },
  { name: "a link that is not whole", path: "/login?code=bft_", there: "[role=alert]", stranger: true },
];

export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
export const SMALL_PHONE = { ...PHONE, viewport: { width: 320, height: 640 } };

export async function enter(of: Page, { path, there, then }: Omit<Scene, "name">): Promise<void> {
  await of.goto(path);
  await of.locator(there).first().waitFor();
  await then?.(of);
}
