// What people come for, from the first click to the last.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { Page } from "playwright-core";

import { eventually, missing, type Visitor, World } from "./world.ts";

const REGISTRY = `windfarm,source,code,name,capacity_mw
Hornsea One,elexon,T_HOWAO-1,Hornsea 1 A,400
Hornsea One,elexon,T_HOWAO-2,Hornsea 1 B,400
Hornsea Two,elexon,T_HOWAO-3,Hornsea 2 A,400
Aberdeen Bay,elexon,T_ABRBO-1,Aberdeen Bay 1,99
Achruach,elexon,T_ACHRW-1,Achruach 1,43
Dalswinton,elexon,T_SIMW-1,Dalswinton 1,30
Elchies,elexon,T_SIMW-2,Elchies 1,30
Elchies,elexon,T_SIMW-3,Elchies 2,30
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

test("from choosing a wind farm to a full heat map", options, async () => {
  await preview("Hornsea One", "2021");
  assert.match(await page.locator(".plan").innerText(), /24 of 24 tasks/);
  assert.equal(await visitor.cells("v-fetch"), 24);

  // One task only, January of the second unit: several would take all places, so that no other ever ends.
  await world.hold("to=2021-02-02T00:00:00Z&bmUnit=T_HOWAO-2");
  await start();
  await page.locator("[data-live=live]").waitFor();
  await eventually("progress shows while it runs", async () => {
    const percent = Number(await page.locator(".percent").getAttribute("data-percent"));
    return percent > 0 && percent < 100;
  });
  await world.faults();
  await visitor.status("Completed");
  await eventually("every cell is full", async () => (await visitor.cells("t-completed")) === 24);

  await page.getByRole("link", { name: "Availability" }).click();
  await visitor.chooseWindfarm("hornsea o", "Hornsea One");
  await page.getByLabel("First year").selectOption("2021");
  await eventually("the heat map is full", async () => (await visitor.cells("a-4")) === 24);
  await page.getByRole("gridcell", { name: "Hornsea 1 A, March 2021: full" }).click();
  await page.locator(".cell-full", { hasText: "100 %" }).waitFor();
  await page.locator(".plot canvas").waitFor();
  assert.match((await page.locator(".plot").getAttribute("aria-label")) ?? "", /1,4\d\d values/);
});

test("only the plan that is shown is started", options, async () => {
  await preview("Aberdeen Bay", "2023");
  await world.job({ windfarm_id: 3, start_date: "2023-01-01", end_date: "2023-03-31" });
  await page.getByRole("button", { name: "Start backfill" }).click();
  await page.getByText("nothing was started").waitFor();
  assert.ok(await page.getByRole("button", { name: "Start backfill" }).isDisabled());
  await page.getByRole("button", { name: "Show the plan as it is now" }).click();
  await page.getByText("9 of 12 tasks").waitFor();
  assert.equal(await visitor.cells("v-skip-complete"), 3);
  await start();
  await visitor.status("Completed");
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
  await visitor.status("Failed");
  const cause = page.locator(".cause").first();
  assert.match(await cause.innerText(), /the meter room is flooded/);
  await cause.getByText("Which units and months").click();
  await cause.getByRole("button", { name: /Look into it/ }).first().click();
  const drawer = page.getByRole("dialog");
  await drawer.getByText("Attempt 2").waitFor();
  assert.match(page.url(), /task=\d+/);
  await drawer.getByRole("tab", { name: "Answers" }).click();
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "detached" });
  assert.match(await page.evaluate(() => document.activeElement?.textContent ?? ""), /^Look into it/);

  await world.faults();
  // One of them first, then all the others.
  await cause.getByRole("checkbox").first().check();
  await cause.getByRole("button", { name: "Retry 1 chosen" }).click();
  await eventually("one task is well", async () => (await visitor.cells("t-completed")) === 1);
  await page.getByRole("button", { name: "Retry failed" }).click();
  await visitor.status("Completed");
  await eventually("both are well", async () => (await visitor.cells("t-completed")) === 2);
  const { job } = await world.api<{ job: { status: string } }>("GET", `/backfill/jobs/${id}`);
  assert.equal(job.status, "completed");
});

test("what is said while a task is open is seen in front of it, and the focus goes back to the cell", options, async () => {
  await world.faults({ kind: "status", status: 400, body: "the meter room is locked", api: "elexon" });
  const id = await world.job({ windfarm_id: 4, start_date: "2023-05-01", end_date: "2023-05-31" });
  await world.faults();
  await page.goto(`/backfill/${id}`);
  const cell = page.getByRole("gridcell", { name: /^Achruach 1, May 2023: Failed/ });
  await cell.focus();
  await page.keyboard.press("Enter");
  const drawer = page.getByRole("dialog");
  await drawer.getByRole("button", { name: "Retry this task" }).click();
  // It is gone by itself soon, so that it is pressed as it appears; a pointer gets only to what nothing lies over.
  const said = drawer.locator(".toast", { hasText: "The task will run again." });
  await said.getByRole("button", { name: "Dismiss" }).click();
  await said.waitFor({ state: "detached" });
  await drawer.getByText("new records stored").first().waitFor();
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "detached" });
  assert.match(await page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? ""), /^Achruach 1, May 2023/);
});

test("hundreds of failures are counted by cause, and what failed for good is retried by force", options, async () => {
  const refuse = (words: string) =>
    ({ kind: "status", status: 400, body: JSON.stringify({ title: "Bad request", errors: { BmUnit: [words] } }), api: "elexon" });
  // All that is asked for one unit's March; a day more on either side of the month is asked for.
  const one = "to=2019-04-02T00:00:00Z&bmUnit=T_SIMW-2";
  await world.faults({ ...refuse("is struck by lightning"), match: one }, refuse("is not known"));
  const id = await world.job({ windfarm_id: 6, start_year: 2019, end_year: 2023 });
  await world.faults();
  await page.goto(`/backfill/${id}`);
  await page.getByRole("heading", { name: "120 failed tasks" }).waitFor();
  const many = page.locator(".cause", { hasText: "is not known" });
  assert.match(await many.innerText(), /119 tasks: the unit cannot be asked for/);
  const rare = page.locator(".cause", { hasText: "struck by lightning" });
  assert.match(await rare.innerText(), /1 task: the unit cannot be asked for/);
  assert.match(await page.locator(".counts").innerText(), /0 of 120 tasks done, 120 failed/);

  await many.getByText("Which units and months").click();
  await many.getByRole("button", { name: "Show more: 100 of 119 are here" }).click();
  await eventually("all of them are listed", async () => (await many.getByRole("checkbox").count()) === 119);
  await many.getByRole("checkbox").last().check();
  await many.getByRole("button", { name: "Retry 1 chosen" }).click();
  await eventually("one task is well", async () => (await visitor.cells("t-completed")) === 1);
  await rare.getByRole("button", { name: "Retry all the same" }).click();
  await eventually("two tasks are well", async () => (await visitor.cells("t-completed")) === 2);
  await rare.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Retry failed" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Retry all the same" }).click();
  await visitor.status("Completed");
  await eventually("every cell is full", async () => (await visitor.cells("t-completed")) === 120);
});

test("who may only look is offered nothing else, and told why", options, async () => {
  const vera = await world.somebody("vera", "viewer");
  await vera.page.goto("/backfill?windfarm=3&from=2019&to=2019&preview=true");
  await vera.page.getByText(/logged in as a viewer/).waitFor();
  assert.equal(await vera.page.getByRole("button", { name: "Start backfill" }).count(), 0);
  const id = await world.job({ windfarm_id: 3, start_date: "2019-01-01", end_date: "2019-01-31" });
  await vera.page.goto(`/backfill/${id}`);
  await vera.page.getByText(/logged in as a viewer/).waitFor();
  assert.equal(await vera.page.getByRole("group", { name: "Actions" }).count(), 0);
  await vera.context.close();

  const olga = await world.somebody("olga", "operator");
  await olga.page.goto(`/backfill/${id}`);
  await olga.page.getByText(/Somebody else made this job/).waitFor();
  assert.equal(await olga.page.getByRole("button", { name: "Delete" }).count(), 0);
  await olga.context.close();
});

test("a wind farm that was typed and not chosen does not stay in the field", options, async () => {
  await page.goto("/backfill?windfarm=1&from=2021&to=2021&units=%5B2%5D");
  const field = page.getByRole("combobox", { name: "Wind farm" });
  await eventually("the name is there", async () => (await field.inputValue()) === "Hornsea One");
  await field.fill("aber");
  const names = page.getByRole("option");
  await names.filter({ hasText: "Aberdeen Bay" }).waitFor();
  await page.getByLabel("First year").focus();
  await eventually("the name is back", async () => (await field.inputValue()) === "Hornsea One");
  assert.match(page.url(), /windfarm=1&.*units=/);
  await field.click();
  await field.fill("");
  await eventually("all are there", async () => (await names.count()) === 6);
  const shown = await names.evaluateAll((all) => all.map((one) => one.querySelector("span")?.textContent ?? ""));
  assert.deepEqual(shown, shown.toSorted());
});

test("a job that waits for a paused source says so", options, async () => {
  await world.faults({ kind: "status", status: 503, api: "elexon" });
  const id = await world.job({ windfarm_id: 4, start_year: 2021, end_year: 2021 }, false);
  await page.goto(`/backfill/${id}`);
  await page.getByText(/elexon is paused/).waitFor();
  await world.faults();
  await page.goto("/system");
  await page.getByRole("button", { name: "Resume elexon" }).click();
  await page.getByText("elexon is asked again").waitFor();
  await page.goto(`/backfill/${id}`);
  // Whatever had spent its two attempts before the source was paused has failed, and is asked for once more.
  const of = async () => (await world.api<{ job: { completed_at: string | null; failed_tasks: number } }>("GET", `/backfill/jobs/${id}`)).job;
  await eventually("all tasks have ended", async () => (await of()).completed_at !== null);
  if ((await of()).failed_tasks > 0) await page.getByRole("button", { name: "Retry failed" }).click();
  await page.locator("[data-percent='100']").waitFor();
  await page.getByText(/elexon is paused/).waitFor({ state: "detached" });
});

test("a job is paused, resumed, cancelled and deleted", options, async () => {
  await world.hold();
  await preview("Dalswinton", "2023");
  const id = await start();
  await page.getByRole("button", { name: "Pause" }).click();
  await visitor.status("Paused");
  await page.getByRole("button", { name: "Resume" }).click();
  await visitor.status("In progress");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Cancel the job" }).click();
  await visitor.status("Failed");
  await page.locator(".job-why", { hasText: /cancel/i }).waitFor();
  await eventually("what did not run is skipped", async () => (await visitor.cells("t-skipped")) === 12 && (await visitor.cells("t-pending")) === 0);
  await world.faults();

  await page.getByRole("button", { name: "Run what was stopped" }).click();
  await visitor.status("Completed");
  await eventually("nothing is left out", async () => (await visitor.cells("t-completed")) === 12);
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete the job" }).click();
  await page.waitForURL(/history/);
  await page.goto(`/backfill/${id}`);
  await page.getByText("There is no such job").waitFor();
});

test("a gap is backfilled from the heat map", options, async () => {
  await page.goto("/backfill/availability?windfarm=2&from=2021");
  await page.getByRole("gridcell", { name: "Hornsea 2 A, May 2021: nothing stored; never asked" }).click();
  await page.getByRole("link", { name: "Backfill this gap" }).click();
  await page.getByText("1 of 1 task").waitFor();
  await start();
  await visitor.status("Completed");
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
  const rows = page.locator(".table.jobs tbody tr");
  await rows.first().waitFor();
  await page.locator(".chip", { hasText: "Completed" }).first().click();
  await page.waitForURL(/status=/);
  // The rows of before stay until those that were asked for are there.
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
