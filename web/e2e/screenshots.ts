// Pictures of every page, for docs/screenshots: desktop and phone, light and dark.

import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { missing, type Visitor, World } from "./world.ts";

const REGISTRY = `windfarm,source,code,name,capacity_mw,area,fuel2002
Anholt,entsoe,45W000000000046I,Anholt,400,10Y1001A1001A796,
Horns Rev,entsoe,45W000000000023U,Horns Rev A,160,10Y1001A1001A796,
Horns Rev,entsoe,45W000000000116N,Horns Rev C,406.7,10Y1001A1001A796,
Kriegers Flak,entsoe,45W000000000126K,Kriegers Flak,604.8,10Y1001A1001A796,
Hornsea One,elexon,T_HOWAO-1,Hornsea 1 A,400,,
Hornsea One,elexon,T_HOWAO-2,Hornsea 1 B,400,,
Hornsea One,elexon,T_HOWAO-3,Hornsea 1 C,400,,
Aberdeen Bay,elexon,T_ABRBO-1,Aberdeen Bay,99,,
Seagreen,elexon,T_SIMW-1,Seagreen 1,49,,
Seagreen,elexon,T_SIMW-2,Seagreen 2,50,,
Seagreen,elexon,T_SIMW-3,Seagreen 3,51,,
Seagreen,elexon,T_SIMW-4,Seagreen 4,48,,
Seagreen,elexon,T_SIMW-5,Seagreen 5,49,,
Seagreen,elexon,T_SIMW-6,Seagreen 6,50,,
Seagreen,elexon,T_SIMW-7,Seagreen 7,51,,
Seagreen,elexon,T_SIMW-8,Seagreen 8,48,,
Seagreen,elexon,T_SIMW-9,Seagreen 9,49,,
Seagreen,elexon,T_SIMW-10,Seagreen 10,50,,
Seagreen,elexon,T_SIMW-11,Seagreen 11,51,,
Seagreen,elexon,T_SIMW-12,Seagreen 12,48,,
Seagreen,elexon,T_SIMW-13,Seagreen 13,49,,
Seagreen,elexon,T_SIMW-14,Seagreen 14,50,,
Seagreen,elexon,T_SIMW-15,Seagreen 15,51,,
Seagreen,elexon,T_SIMW-16,Seagreen 16,48,,
Seagreen,elexon,T_SIMW-17,Seagreen 17,49,,
Seagreen,elexon,T_SIMW-18,Seagreen 18,50,,
Seagreen,elexon,T_SIMW-19,Seagreen 19,51,,
Seagreen,elexon,T_SIMW-20,Seagreen 20,48,,
Santa Isabel,eia,61014,Pattern Santa Isabel,101.2,,WND
`;

const FOLDER = join(import.meta.dirname, "../../docs/screenshots");

if (missing !== undefined) {
  console.error(`no screenshots: ${missing} is missing`);
  process.exit(1);
}
mkdirSync(FOLDER, { recursive: true });
const world = await World.begin({ registry: REGISTRY, sources: ["entsoe", "elexon", "eia"] });
try {
  const shown = await furnish();
  for (const theme of ["light", "dark"] as const) {
    for (const [device, viewport] of [["desktop", { width: 1280, height: 860 }], ["phone", { width: 390, height: 844 }]] as const) {
      const visitor = await world.visitor({ viewport, colorScheme: theme, reducedMotion: "reduce" });
      for (const [name, show] of Object.entries(shown)) {
        await show(visitor);
        await visitor.page.waitForTimeout(400); // what the mouse and the layout still move
        await visitor.page.screenshot({ path: join(FOLDER, `${name}-${device}-${theme}.png`) });
      }
      if (theme === "light") {
        await visitor.context.clearCookies();
        await visitor.page.goto("/login");
        await visitor.page.screenshot({ path: join(FOLDER, `login-${device}-${theme}.png`) });
      }
      await visitor.context.close();
    }
  }
} finally {
  await world.end();
}

type Show = (visitor: Visitor) => Promise<void>;

/** Fills the world with what there is to see, and says how to get to it. */
async function furnish(): Promise<Record<string, Show>> {
  await world.run("schedule", "add", "Every night", "--kind", "incremental", "--cron", "30 2 * * *", "--zone", "Europe/London").catch(console.error);
  await world.job({ windfarm_id: 1, start_date: "2024-01-01", end_date: "2024-03-31" });
  await world.job({ windfarm_id: 7, start_year: 2023, end_year: 2023 });
  await world.job({ windfarm_id: 4, start_year: 2022, end_year: 2023 });
  await world.faults({ kind: "status", status: 400, body: "no such settlement period", match: "2024-02" }, { kind: "status", status: 422, body: "the unit was not metered then", match: "2024-05" });
  const failed = await world.job({ windfarm_id: 4, start_date: "2024-01-01", end_date: "2024-10-31" }, false);
  // A source that fails again and again is left alone for a while; here nobody has the time.
  for (let tries = 0; tries < 40; tries += 1) {
    const { job } = await world.api<{ job: { completed_at?: string | null } }>("GET", `/backfill/jobs/${failed}`);
    if (job.completed_at != null) break;
    await world.api("POST", "/sources/elexon/resume");
    await new Promise((done) => setTimeout(done, 500));
  }
  await world.faults({ kind: "latency", milliseconds: 1_200, api: "elexon" });
  await world.api("POST", "/sources/elexon/resume");
  const open = { running: 0 };
  const go = async (visitor: Visitor, path: string, there: string) => {
    await visitor.page.goto(path);
    await visitor.page.locator(there).first().waitFor({ timeout: 30_000 });
  };
  open.running = await world.job({ windfarm_id: 6, start_year: 2020, end_year: 2023 }, false);
  return {
    backfill: async (visitor) => {
      await go(visitor, "/backfill?windfarm=4&from=2021&to=2024&preview=true", ".plan .grid");
    },
    job: async (visitor) => {
      await go(visitor, `/backfill/${open.running}`, "[data-live=live]");
      await visitor.page.locator("td.t-completed").first().waitFor({ timeout: 60_000 });
    },
    "failed-job": (visitor) => go(visitor, `/backfill/${failed}`, ".cause"),
    task: async (visitor) => {
      await go(visitor, `/backfill/${failed}`, "td.t-failed");
      await visitor.page.locator("td.t-failed").first().click();
      await visitor.page.locator(".attempts li").first().waitFor();
    },
    history: (visitor) => go(visitor, "/backfill/history", ".table.jobs"),
    availability: async (visitor) => {
      await go(visitor, "/backfill/availability?windfarm=4&unit=5&month=2024-07", ".plot canvas");
    },
    gap: async (visitor) => {
      await go(visitor, "/backfill/availability?windfarm=4&unit=5&month=2024-03", ".cell-panel .button.primary");
      await visitor.page.locator(".grid-box").scrollIntoViewIfNeeded();
      await visitor.page.evaluate(() => window.scrollBy(0, 330));
    },
    system: (visitor) => go(visitor, "/system", ".source"),
  };
}
