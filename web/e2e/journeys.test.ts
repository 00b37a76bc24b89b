// What people come for, from the first click to the last.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { Page } from "playwright-core";

import { missing, type Visitor, World } from "./world.ts";

const REGISTRY = `windfarm,source,code,name,capacity_mw
Hornsea One,elexon,T_HOWAO-1,Hornsea 1 A,400
Hornsea One,elexon,T_HOWAO-2,Hornsea 1 B,400
Hornsea Two,elexon,T_HOWAO-3,Hornsea 2 A,400
Aberdeen Bay,elexon,T_ABRBO-1,Aberdeen Bay 1,99
Achruach,elexon,T_ACHRW-1,Achruach 1,43
Dalswinton,elexon,T_SIMW-1,Dalswinton 1,30
`;

const options = missing === undefined ? {} : { skip: `SKIPPED: ${missing} is missing` };
if (missing !== undefined) console.error(`SKIPPED: no journeys in a browser, since ${missing} is missing`);

let world: World;
let visitor: Visitor;
let page: Page;

before(async () => {
  if (missing !== undefined) return;
  world = await World.begin({ registry: REGISTRY });
  visitor = await world.visitor();
  page = visitor.page;
});

after(async () => {
  await world?.end();
});

/** The status in the head of a job's page. */
const status = (text: string) => page.locator(".job-head .status", { hasText: text }).waitFor();

async function preview(windfarm: string, year: string): Promise<void> {
  await page.goto("/backfill");
  await visitor.chooseWindfarm(windfarm.slice(0, 8).toLowerCase(), windfarm);
  await page.getByLabel("First year").selectOption(year);
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByRole("button", { name: "Start backfill" }).waitFor();
}

async function start(): Promise<number> {
  await page.getByRole("button", { name: "Start backfill" }).click();
  await page.waitForURL(/\/backfill\/\d+$/);
  return Number(page.url().split("/").at(-1));
}

async function cells(look: string): Promise<number> {
  return page.locator(`.grid td.${look}`).count();
}

async function eventually(what: string, check: () => Promise<boolean>, seconds = 60): Promise<void> {
  const until = Date.now() + seconds * 1000;
  while (!(await check())) {
    assert.ok(Date.now() < until, what);
    await new Promise((done) => setTimeout(done, 50));
  }
}

test("from choosing a wind farm to a full heat map", options, async () => {
  await preview("Hornsea One", "2021");
  assert.match(await page.locator(".plan").innerText(), /24 of 24 tasks/);
  assert.equal(await cells("v-fetch"), 24);

  await world.hold("T_HOWAO-2");
  await start();
  await page.locator("[data-live=live]").waitFor();
  await eventually("progress shows while it runs", async () => {
    const percent = Number(await page.locator(".percent").getAttribute("data-percent"));
    return percent > 0 && percent < 100;
  });
  await world.faults();
  await status("Completed");
  await eventually("every cell is full", async () => (await cells("t-completed")) === 24);

  await page.getByRole("link", { name: "Availability" }).click();
  await visitor.chooseWindfarm("hornsea o", "Hornsea One");
  await page.getByLabel("First year").selectOption("2021");
  await eventually("the heat map is full", async () => (await cells("a-4")) === 24);
  await page.getByRole("gridcell", { name: "Hornsea 1 A, March 2021: full" }).click();
  await page.locator(".cell-full", { hasText: "100 %" }).waitFor();
  await page.locator(".plot canvas").waitFor();
  assert.match((await page.locator(".plot").getAttribute("aria-label")) ?? "", /1,4\d\d values/);
});

test("what changes is seen within a second of its commit", options, async () => {
  await world.hold();
  const id = await world.job({ windfarm_id: 2, start_year: 2022, end_year: 2023 }, false);
  await page.goto(`/backfill/${id}`);
  await page.locator("[data-live=live]").waitFor();
  const completed = async () =>
    world.api<{ completed_at: string }[]>("GET", `/backfill/jobs/${id}/tasks?status=completed`);
  const late: number[] = [];
  for (let seen = 0; seen < 4; seen += 1) {
    const before = (await completed()).length;
    await eventually("a task completes", async () => {
      // What is held goes on, and its next request is held again.
      await world.hold();
      return (await completed()).length > before;
    });
    await eventually("a cell turns full", async () => (await cells("t-completed")) > before);
    const now = Date.now();
    late.push(now - Math.max(...(await completed()).map((task) => Date.parse(task.completed_at)).filter((at) => at <= now)));
  }
  late.sort((a, b) => a - b);
  assert.ok((late[1] ?? 0) < 1_000, `milliseconds behind the commit: ${late.join(", ")}`);
  await world.faults();
  await status("Completed");
});

test("only the plan that is shown is started", options, async () => {
  await preview("Aberdeen Bay", "2023");
  await world.job({ windfarm_id: 3, start_date: "2023-01-01", end_date: "2023-03-31" });
  await page.getByRole("button", { name: "Start backfill" }).click();
  await page.getByText("nothing was started").waitFor();
  assert.ok(await page.getByRole("button", { name: "Start backfill" }).isDisabled());
  await page.getByRole("button", { name: "Show the plan as it is now" }).click();
  await page.getByText("9 of 12 tasks").waitFor();
  assert.equal(await cells("v-skip-complete"), 3);
  await start();
  await status("Completed");
});

test("choices that changed need another preview", options, async () => {
  await preview("Aberdeen Bay", "2022");
  await page.getByLabel("First year").selectOption("2021");
  await page.getByText("Your choices changed").waitFor();
  assert.ok(await page.getByRole("button", { name: "Start backfill" }).isDisabled());
  await page.getByRole("button", { name: "Preview again" }).click();
  await page.getByText(/^24 of 24 tasks/).waitFor();
  assert.ok(await page.getByRole("button", { name: "Start backfill" }).isEnabled());
});

test("a failure shows the upstream's words, and is retried", options, async () => {
  await world.faults({ kind: "status", status: 400, body: "the meter room is flooded", api: "elexon" });
  // So few that the source is not paused for it.
  await page.goto("/backfill?windfarm=4&start=2023-01-01&end=2023-02-28&preview=true");
  const id = await start();
  await page.getByRole("heading", { name: "2 failed tasks" }).waitFor();
  await status("Failed");
  const cause = page.locator(".cause").first();
  assert.match(await cause.innerText(), /the meter room is flooded/);
  await cause.getByText("Which units and months").click();
  await cause.getByRole("button", { name: /Look into it/ }).first().click();
  const drawer = page.getByRole("dialog");
  await drawer.getByText("Attempt 2").waitFor();
  assert.match(page.url(), /task=\d+/);
  await drawer.getByRole("tab", { name: "Answers" }).click();
  await page.keyboard.press("Escape");

  await world.faults();
  // One of them first, then all the others.
  await cause.getByRole("checkbox").first().check();
  await cause.getByRole("button", { name: "Retry 1 chosen" }).click();
  await eventually("one task is well", async () => (await cells("t-completed")) === 1);
  await page.getByRole("button", { name: "Retry failed" }).click();
  await status("Completed");
  await eventually("both are well", async () => (await cells("t-completed")) === 2);
  const { job } = await world.api<{ job: { status: string } }>("GET", `/backfill/jobs/${id}`);
  assert.equal(job.status, "completed");
});

test("a job that waits for a paused source says so", options, async () => {
  await world.faults({ kind: "status", status: 503, api: "elexon" });
  const id = await world.job({ windfarm_id: 4, start_year: 2021, end_year: 2021 }, false);
  await page.goto(`/backfill/${id}`);
  await page.getByText(/elexon is paused/).waitFor();
  await world.faults();
  await page.goto("/system");
  await page.getByRole("button", { name: "Resume elexon" }).click();
  await page.goto(`/backfill/${id}`);
  await page.locator("[data-percent='100']").waitFor();
  await page.getByText(/elexon is paused/).waitFor({ state: "detached" });
});

test("a job is paused, resumed, cancelled and deleted", options, async () => {
  await world.hold();
  await preview("Dalswinton", "2023");
  const id = await start();
  await page.getByRole("button", { name: "Pause" }).click();
  await status("Paused");
  await page.getByRole("button", { name: "Resume" }).click();
  await status("In progress");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Cancel the job" }).click();
  await status("Failed");
  await page.locator(".job-why", { hasText: /cancel/i }).waitFor();
  await eventually("what did not run is skipped", async () => (await cells("t-skipped")) > 0);
  assert.equal(await cells("t-pending"), 0);
  await world.faults();

  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete the job" }).click();
  await page.waitForURL(/history/);
  await page.goto(`/backfill/${id}`);
  await page.getByText("There is no such job").waitFor();
});

test("a host that dies is noticed, and followed again when it is back", options, async () => {
  await world.hold();
  const id = await world.job({ windfarm_id: 5, start_year: 2022, end_year: 2022 }, false);
  await page.goto(`/backfill/${id}`);
  await page.locator("[data-live=live]").waitFor();
  await world.kill();
  await page.locator("[data-live=reconnecting], [data-live=polling]").first().waitFor();
  await page.getByText("Host unreachable").waitFor();
  assert.match(await page.locator("h1").innerText(), /Dalswinton/);
  await world.faults();
  await world.start();
  await page.getByText("Host ready").waitFor();
  await status("Completed");
  await eventually("every cell is full", async () => (await cells("t-completed")) === 12);
});

test("a session that has run out is renewed without leaving the page", options, async () => {
  await page.goto("/backfill?windfarm=1&from=2021&to=2021");
  await page.getByRole("button", { name: "Preview" }).waitFor();
  await visitor.context.clearCookies();
  await page.getByRole("button", { name: "Preview" }).click();
  await page.getByRole("heading", { name: "Your session has expired" }).waitFor();
  await page.getByLabel("Your token").fill("bf_of_nobody");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByText("unknown, expired or revoked").waitFor();
  await visitor.logIn();
  assert.match(page.url(), /windfarm=1&from=2021&to=2021/);
  await page.getByRole("button", { name: "Start backfill" }).waitFor();
});

test("a gap is backfilled from the heat map", options, async () => {
  await page.goto("/backfill/availability?windfarm=2&from=2021");
  await page.getByRole("gridcell", { name: "Hornsea 2 A, May 2021: nothing stored; never asked" }).click();
  await page.getByRole("link", { name: "Backfill this gap" }).click();
  await page.getByText("1 of 1 task").waitFor();
  await start();
  await status("Completed");
  await page.goto("/backfill/availability?windfarm=2&from=2021");
  await page.getByRole("gridcell", { name: "Hornsea 2 A, May 2021: full" }).waitFor();
});

test("a correction of the upstream is shown beside what stood before", options, async () => {
  const month = { windfarm_id: 3, start_date: "2021-05-01", end_date: "2021-05-31" };
  await world.job(month);
  await world.faults({ kind: "revised", share: 0.2, factor: 0.9, api: "elexon" });
  await world.job({ ...month, reprocess: "all" });
  await world.faults();
  await page.goto("/backfill/availability?windfarm=3&from=2021");
  await page.getByRole("gridcell", { name: /^Aberdeen Bay 1, May 2021/ }).click();
  await page.getByText(/values were replaced by a correction/).waitFor();
  await page.getByText("Revisions").click();
  const row = page.locator("[aria-label=Revisions] tbody tr").first();
  const [was, is] = [await row.locator("td").nth(1).innerText(), await row.locator("td").nth(2).innerText()];
  assert.ok(Math.abs(Number(is) / Number(was) - 0.9) < 0.01, `${was} became ${is}`);
});

test("the history is filtered by its address", options, async () => {
  await page.goto("/backfill/history");
  await page.locator(".chip", { hasText: "Completed" }).first().click();
  await page.waitForURL(/status=/);
  // The rows of before stay until those that were asked for are there.
  const rows = page.locator(".table.jobs tbody tr");
  await rows.filter({ hasNot: page.getByText("Completed", { exact: true }) }).first().waitFor({ state: "detached" });
  const shown = await rows.count();
  assert.ok(shown >= 4);
  await page.reload();
  await page.locator(".table.jobs tbody tr").first().waitFor();
  assert.equal(await page.locator(".table.jobs tbody tr").count(), shown);
  await page.locator(".row-link").first().click();
  await page.waitForURL(/\/backfill\/\d+$/);
  await page.goBack();
  await page.waitForURL(/status=/);
});

test("nothing of all this made the browser complain", options, () => {
  // The host was away for a while, on purpose.
  const complaints = visitor.complaints.filter((text) => !/ERR_|404|422|409|502/.test(text));
  assert.deepEqual(complaints, []);
});
