// Pictures of every page, for docs/screenshots: desktop and phone, light and dark.

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import type { BrowserContextOptions } from "playwright-core";

import { missing, type Visitor, World } from "./world.ts";

/** Units that the simulator made up have capacities of their own, which nobody needs to know. */
const made = (windfarm: string, name: string, first: number, count: number) =>
  Array.from({ length: count }, (_, at) => `${windfarm},elexon,T_SIMW-${first + at},${name} ${at + 1},,,`);

const REGISTRY = `windfarm,source,code,name,capacity_mw,area,fuel2002
North Sea,entsoe,45W000000000023U,Horns Rev A,160,10Y1001A1001A796,
North Sea,entsoe,45W000000000116N,Horns Rev C,406.7,10Y1001A1001A796,
North Sea,entsoe,45W000000000126K,Kriegers Flak,604.8,10Y1001A1001A796,
${made("North Sea", "Seagreen", 1, 7).join("\n")}
Hornsea One,elexon,T_HOWAO-1,Hornsea 1 A,400,,
Hornsea One,elexon,T_HOWAO-2,Hornsea 1 B,400,,
Hornsea One,elexon,T_HOWAO-3,Hornsea 1 C,400,,
Anholt,entsoe,45W000000000046I,Anholt,400,10Y1001A1001A796,
Aberdeen Bay,elexon,T_ABRBO-1,Aberdeen Bay,99,,
Santa Isabel,eia,61014,Pattern Santa Isabel,101.2,,WND
${made("Moray East", "Moray East", 11, 6).join("\n")}
`;

const [NORTH_SEA, HORNSEA, ANHOLT, ABERDEEN, SANTA_ISABEL, MORAY] = [1, 2, 3, 4, 5, 6];

/** The unit of Hornsea One that is looked into. */
const UNIT = 11;

/** This year, and the last month that is whole and published everywhere. */
const now = new Date();
const YEAR = now.getUTCFullYear();
const month = (ago: number) => new Date(Date.UTC(YEAR, now.getUTCMonth() - ago, 1)).toISOString().slice(0, 7);
const lastDay = (of: string) => {
  const [year, number] = of.split("-").map(Number);
  return new Date(Date.UTC(year ?? YEAR, number ?? 1, 0)).toISOString().slice(0, 10);
};
const span = (first: string, last: string) => ({ start_date: `${first}-01`, end_date: lastDay(last) });

const FOLDER = join(import.meta.dirname, "../../docs/screenshots");
const DEVICES: Record<string, BrowserContextOptions> = {
  desktop: { viewport: { width: 1280, height: 860 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
};

if (missing !== undefined) {
  console.error(`no screenshots: ${missing} is missing`);
  process.exit(1);
}
rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });
const world = await World.begin({ registry: REGISTRY, sources: ["entsoe", "elexon", "eia"], current: true });
try {
  const shown = await furnish();
  for (const theme of ["light", "dark"] as const) {
    for (const [device, how] of Object.entries(DEVICES)) {
      const look = { ...how, colorScheme: theme, reducedMotion: "reduce" } as const;
      const [known, unknown] = [await world.visitor(look), await world.stranger(look)];
      for (const { name, show, stranger = false, whole = false } of shown) {
        const visitor = stranger ? unknown : known;
        await show(visitor);
        await visitor.page.waitForTimeout(400); // what the mouse and the layout still move
        const fullPage = whole && device === "desktop";
        await visitor.page.screenshot({ path: join(FOLDER, `${name}-${device}-${theme}.png`), fullPage });
      }
      await known.context.close();
      await unknown.context.close();
    }
  }
} finally {
  await world.end();
}
smaller();

interface Shown {
  name: string;
  show: (visitor: Visitor) => Promise<void>;
  stranger?: boolean;
  /** All of the page is in the picture, where there is room. */
  whole?: boolean;
}

/** Makes a job that runs into faults, and sees to it that it ends at once: a source that fails is left alone for a while. */
async function failing(wanted: object, ...faults: object[]): Promise<number> {
  await world.faults(...faults);
  const id = await world.job(wanted, false);
  for (;;) {
    const { job } = await world.api<{ job: { completed_at?: string | null } }>("GET", `/backfill/jobs/${id}`);
    if (job.completed_at != null) break;
    await world.api("POST", "/sources/elexon/resume");
    await new Promise((done) => setTimeout(done, 300));
  }
  await world.faults();
  await world.api("POST", "/sources/elexon/resume");
  return id;
}

/** Makes a job, and stops the upstreams once so much of it has ended: as it is then, it stays. */
async function half(wanted: object, share: number): Promise<number> {
  const id = await world.job(wanted, false);
  for (;;) {
    const { job } = await world.api<{ job: Record<"total_tasks" | "completed_tasks", number> }>("GET", `/backfill/jobs/${id}`);
    if (job.completed_tasks >= share * job.total_tasks) break;
    await new Promise((done) => setTimeout(done, 30));
  }
  await world.hold();
  return id;
}

/** Fills the world with what there is to see, and says how to get to it. */
async function furnish(): Promise<Shown[]> {
  await world.run("schedule", "add", "Every night", "--kind", "incremental", "--cron", "30 2 * * *", "--zone", "Europe/London");
  await world.run("schedule", "add", "Corrections", "--kind", "revise", "--cron", "0 4 * * 1", "--revise-after", "10d,45d,14mo");
  const [first, last] = [`${YEAR - 2}-01`, month(2)];
  await world.job({ windfarm_id: ANHOLT, ...span(first, last) });
  await world.job({ windfarm_id: SANTA_ISABEL, start_year: YEAR - 3, end_year: YEAR - 1 });
  await world.job({ windfarm_id: MORAY, ...span(`${YEAR - 1}-01`, last) });
  await world.job({ windfarm_id: HORNSEA, ...span(first, month(12)) });
  // A month is asked for with a day more on either side, so its request ends in the month that follows it.
  const refused = month(9);
  const failed = await failing(
    { windfarm_id: HORNSEA, ...span(month(11), last) },
    { kind: "status", status: 400, body: "no such settlement period", match: `to=${month(8)}-02` },
    { kind: "status", status: 422, body: "the unit was not metered then", match: `to=${month(4)}-02` },
  );
  // What the upstream corrected since.
  const corrected = month(7);
  await world.faults({ kind: "revised", share: 0.15, factor: 0.8, api: "elexon" });
  await world.job({ windfarm_id: HORNSEA, ...span(corrected, corrected), reprocess: "all" });
  await world.faults();
  await world.job({ windfarm_id: ABERDEEN, ...span(month(20), month(4)) });
  const running = await half({ windfarm_id: NORTH_SEA, ...span(first, last) }, 0.52);

  const go = async ({ page }: Visitor, path: string, there: string) => {
    await page.goto(path);
    await page.locator(there).first().waitFor({ timeout: 30_000 });
  };
  const task = async (visitor: Visitor, tab: string) => {
    await go(visitor, `/backfill/${failed}`, "td.t-failed");
    await visitor.page.locator("td.t-failed").first().click();
    await visitor.page.locator(".attempts li").first().waitFor();
    if (tab !== "") await visitor.page.getByRole("tab", { name: tab }).click();
  };
  const cell = async (visitor: Visitor, of: string, there: string) => {
    await go(visitor, `/backfill/availability?windfarm=${HORNSEA}`, ".grid td.cell");
    await visitor.page.locator(`tr[data-row="${UNIT}"] td[data-month="${of}"]`).click();
    await visitor.page.locator(there).first().waitFor();
  };
  return [
    { name: "backfill", show: (visitor) => go(visitor, `/backfill?windfarm=${HORNSEA}&from=${YEAR - 2}&to=${YEAR}&preview=true`, ".plan .grid") },
    { name: "job", whole: true, show: (visitor) => go(visitor, `/backfill/${running}`, "[data-live=live]") },
    { name: "failed-job", show: (visitor) => go(visitor, `/backfill/${failed}`, ".cause") },
    { name: "task", show: (visitor) => task(visitor, "") },
    { name: "task-log", show: (visitor) => task(visitor, "Log") },
    { name: "task-answers", show: (visitor) => task(visitor, "Answers") },
    { name: "history", show: (visitor) => go(visitor, "/backfill/history", ".table.jobs") },
    {
      name: "availability",
      whole: true,
      show: async (visitor) => {
        await cell(visitor, corrected, ".plot canvas");
        await visitor.page.evaluate(() => window.scrollTo(0, 0));
      },
    },
    {
      name: "corrections",
      show: async (visitor) => {
        await cell(visitor, corrected, ".plot canvas");
        await visitor.page.getByText(/^Revisions/).click();
        await visitor.page.locator(".chart").evaluate((chart) => chart.scrollIntoView());
      },
    },
    { name: "gap", show: (visitor) => cell(visitor, refused, ".cell-panel .button.primary") },
    { name: "system", whole: true, show: (visitor) => go(visitor, "/system", ".source") },
    { name: "login", stranger: true, show: (visitor) => go(visitor, "/login", "main form") },
  ];
}

/** With the colours that a page has, a picture takes a third. */
function smaller(): void {
  const pictures = readdirSync(FOLDER).map((name) => join(FOLDER, name));
  try {
    execFileSync("pngquant", ["--force", "--ext", ".png", "--skip-if-larger", "--strip", "--speed", "1", ...pictures], { stdio: "inherit" });
  } catch (error) {
    const { code, status } = error as { code?: string; status?: number };
    if (code === "ENOENT") console.error("pngquant is missing (apt-get install pngquant), so the pictures are larger than they need be");
    else if (status !== 98) throw error; // 98: one was not made smaller by it
  }
}
