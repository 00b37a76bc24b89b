// What single pages show and do, beyond the journeys.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { Page } from "playwright-core";

import { enter, furnish, PHONE } from "./scenes.ts";
import { missing, type Visitor, type World } from "./world.ts";

const options = missing === undefined ? {} : { skip: `SKIPPED: ${missing} is missing` };
if (missing !== undefined) console.error(`SKIPPED: no views in a browser, since ${missing} is missing`);

let world: World;
let visitor: Visitor;
let page: Page;

before(async () => {
  if (missing !== undefined) return;
  world = (await furnish()).world;
  visitor = await world.visitor();
  page = visitor.page;
});

after(async () => {
  await world?.end();
});

test("a grid shows at which side there is more, and years stand over their January", options, async () => {
  const phone = await world.visitor(PHONE);
  await enter(phone.page, { path: "/backfill/availability?windfarm=2&from=2021&to=2023", there: ".grid td.cell" });
  const more = (side: string) => phone.page.locator(`.sideways[data-more="${side}"]`).waitFor();
  await more("right");
  const off = await phone.page.evaluate(() => {
    const left = (of: string) => document.querySelector(of)?.getBoundingClientRect().left ?? Number.NaN;
    return Math.abs(left(".grid .year span") - left(".grid .month"));
  });
  assert.ok(off <= 4, `the year stands ${off} pixels off`);
  const scroll = (to: number) => phone.page.locator(".grid-scroll").evaluate((box, at) => box.scrollTo(at * box.scrollWidth, 0), to);
  await scroll(0.2);
  await more("left right");
  await scroll(1);
  await more("left");
  await phone.context.close();
});

test("a cell that is opened is read at once, and Escape leads back to it", options, async () => {
  await page.setViewportSize({ width: 1280, height: 560 });
  await enter(page, { path: "/backfill/availability?windfarm=2&from=2023&to=2023", there: ".grid td.cell" });
  const cell = page.locator(".grid td.cell").first();
  const name = (await cell.getAttribute("aria-label")) ?? "";
  for (const open of [() => cell.click(), () => page.keyboard.press("Enter")]) {
    await open();
    const heading = page.getByRole("heading", { name: name.split(":")[0] ?? "" });
    await heading.waitFor();
    await page.waitForFunction((text) => document.activeElement?.textContent === text, await heading.textContent());
    const box = await heading.boundingBox();
    assert.ok(box !== null && box.y >= 0 && box.y + box.height <= 560, `the heading is at ${box?.y}`);
    await page.keyboard.press("Escape");
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), name);
  }
  await page.setViewportSize({ width: 1280, height: 720 });
});

test("a month that is a single value is drawn over all of it", options, async () => {
  await world.job({ windfarm_id: 3, start_date: "2024-01-01", end_date: "2024-03-31" });
  const [unit] = await world.api<{ id: number }[]>("GET", "/generation-units?windfarm_id=3");
  await enter(page, { path: `/backfill/availability?windfarm=3&from=2024&unit=${unit?.id}&month=2024-02`, there: ".plot canvas" });
  await page.locator(".cell-panel", { hasText: "1 of 1" }).waitFor();
  const drawn = await page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>(".plot canvas");
    const look = canvas?.getContext("2d");
    if (canvas == null || look == null) return 0;
    look.fillStyle = getComputedStyle(canvas).getPropertyValue("--chart-1");
    const wanted = Number.parseInt(look.fillStyle.slice(1), 16);
    const { data, width } = look.getImageData(0, 0, canvas.width, canvas.height);
    const columns = new Set<number>();
    for (let at = 0; at < data.length; at += 4) {
      const colour = ((data[at] ?? 0) << 16) | ((data[at + 1] ?? 0) << 8) | (data[at + 2] ?? 0);
      if (colour === wanted && data[at + 3] === 255) columns.add((at / 4) % width);
    }
    return columns.size / width;
  });
  assert.ok(drawn > 0.7, `the line covers ${Math.round(100 * drawn)} % of the chart`);
});

test("all series have a column in the table, and all revisions can be listed", options, async () => {
  const month = { windfarm_id: 1, start_date: "2024-04-01", end_date: "2024-04-30", reprocess: "all" };
  await world.faults({ kind: "revised", share: 0.2, factor: 0.9, api: "elexon" });
  await world.job(month);
  await world.faults();
  await enter(page, { path: "/backfill/availability?windfarm=1&from=2024&unit=1&month=2024-04", there: ".plot canvas" });
  await page.getByText("All series of the unit").click();
  await page.getByRole("button", { name: "Show the values as a table" }).click();
  const values = page.getByRole("region", { name: "The values" });
  await values.getByRole("columnheader").nth(2).waitFor();
  assert.ok(!(await values.locator("tbody tr").first().innerText()).includes("–"), "each series has its value");

  await page.getByText(/^Revisions/).click();
  const rows = page.getByRole("region", { name: "Revisions" }).locator("tbody tr");
  assert.equal(await rows.count(), 50);
  await page.getByText(/The first 50 of \d+/).waitFor();
  await page.getByRole("button", { name: "Show all" }).click();
  const said = Number((await page.locator("summary", { hasText: "Revisions" }).innerText()).replaceAll(/\D/g, ""));
  assert.ok(said > 50);
  assert.equal(await rows.count(), said);
});

test("the system shows what runs where, and what the others wait for", options, async () => {
  await world.hold();
  const held = await world.job({ windfarm_id: 2, start_year: 2022, end_year: 2022 }, false);
  await page.goto("/system");
  const running = page.getByRole("table", { name: "Running now" }).locator("tbody tr");
  await running.nth(3).waitFor();
  await page.getByText("Their turn: 4 tasks of the source may run at once, and so many do.").waitFor();
  const succeeded = await page.locator('td[data-label="Succeeded"]').first().innerText();
  assert.ok(Number(succeeded) > 0, `${succeeded} succeeded`);
  await running.first().getByRole("link").first().click();
  await page.waitForURL(new RegExp(`/backfill/${held}\\?task=\\d+`));
  await page.getByRole("dialog").getByText("under way").first().waitFor();
  await world.api("POST", `/backfill/jobs/${held}/cancel`);
  await world.faults();
});

test("a browser logs in at the host's own page, with a token or a link that is good once", options, async () => {
  const unknown = await world.stranger();
  const { page: door } = unknown;
  await door.goto("/login");
  const look = await door.getByRole("button", { name: "Log in" }).evaluate((button) => getComputedStyle(button).backgroundColor);
  assert.equal(look, "rgb(11, 92, 158)", "it has the colours of the other pages");
  await door.getByLabel("Your token").fill("bft_of_nobody");
  await door.keyboard.press("Enter");
  await door.getByText("The token is unknown, expired or revoked.").waitFor();
  await door.getByLabel("Your token").fill(world.token);
  await door.getByRole("button", { name: "Log in" }).click();
  await door.waitForURL(/\/backfill$/);
  await door.getByRole("button", { name: "ada, admin" }).waitFor();

  await unknown.context.clearCookies();
  const link = new URL((await world.run("login", "--user", "ada")).trim());
  await door.goto(link.pathname + link.search);
  await door.getByRole("button", { name: "Log in" }).click();
  await door.waitForURL(/\/backfill$/);
  await door.getByRole("button", { name: "ada, admin" }).waitFor();
  await unknown.context.clearCookies();
  await door.goto(link.pathname + link.search);
  await door.getByRole("button", { name: "Log in" }).click();
  await door.getByText("The link is used up or too old.").waitFor();
  assert.deepEqual(unknown.complaints, []);
  await unknown.context.close();
});

test("an address that is not there leads back to the pages", options, async () => {
  for (const path of ["/nothing", "/backfill/7/more"]) {
    const answer = await page.goto(path);
    assert.equal(answer?.status(), 404);
    await page.getByRole("heading", { name: "No such page" }).waitFor();
  }
  await page.getByRole("link", { name: "Go to Backfill" }).click();
  await page.getByRole("combobox", { name: "Wind farm" }).waitFor();
});

test("a page that is older than the host is loaded anew, once", options, async () => {
  const old = await world.visitor();
  await old.page.goto("/backfill/history");
  await old.page.locator(".table.jobs").waitFor();
  let loadedAnew = false;
  old.page.once("domcontentloaded", () => {
    loadedAnew = true;
  });
  await old.page.route("**/assets/system-*.js", (route) => (loadedAnew ? route.continue() : route.fulfill({ status: 404 })));
  await old.page.locator(".top nav").getByRole("link", { name: "System" }).click();
  await old.page.locator(".source").first().waitFor();
  assert.ok(loadedAnew);

  // Where that does not help, it is told, and not tried without end.
  await old.page.route("**/assets/SeriesChart-*.js", (route) => route.fulfill({ status: 404 }));
  await old.page.goto("/backfill/availability?windfarm=1&from=2024&unit=1&month=2024-04");
  await old.page.getByText("A part of this page is not on the host any more.").waitFor();
  await old.context.close();
});

test("a fault of the page itself is not taken for a host that is away", options, async () => {
  const broken = await world.visitor();
  await broken.page.route("**/api/v1/workers*", (route) => route.fulfill({ json: { not: "a list" } }));
  await broken.page.goto("/system");
  await broken.page.getByText(/The page itself is at fault/).waitFor();
  assert.equal(await broken.page.getByText("can't be reached").count(), 0);
  await broken.page.unroute("**/api/v1/workers*");
  await broken.page.getByRole("button", { name: "Try again" }).click();
  await broken.page.locator(".source").first().waitFor();
  await broken.context.close();
});

test("a source is checked", options, async () => {
  await page.goto("/system");
  await page.getByRole("button", { name: "Check now elexon" }).click();
  await page.getByText("It works.").waitFor();
});

test("no view made the browser complain", options, () => {
  assert.deepEqual(visitor.complaints, []);
});
