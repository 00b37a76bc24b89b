// A host as people have it: the real binary, the real sources, the simulated upstreams, and a browser before it.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const ROOT = resolve(import.meta.dirname, "../..");
const HOST = process.env["BACKFILL_BIN"] ?? join(ROOT, "target/debug/backfill");
const SIMULATOR = process.env["SIMULATOR_BIN"] ?? join(ROOT, "target/debug/simulator");
const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** The upstreams' present, unless told otherwise: all of 2024 up to November is published. */
const NOW = "2024-12-15T12:00:00Z";

const needed = {
  "the host (cargo build --workspace)": HOST,
  "the simulator (cargo build --workspace)": SIMULATOR,
  "the sources (make plugins)": join(ROOT, "plugins/target/wasm32-wasip2/release/elexon.wasm"),
  "the pages (npm run build)": join(ROOT, "web/dist/index.html"),
  "Chromium (apt-get install chromium, or CHROMIUM)": CHROMIUM,
};

/** What is not there, if anything. */
export const missing: string | undefined = Object.entries(needed)
  .filter(([, path]) => !existsSync(path))
  .map(([what]) => what)[0];

export interface Options {
  /** Lines of CSV: wind farm, source, code, name, capacity. */
  registry: string;
  sources?: readonly string[];
  /** The upstreams live when the host does, on this machine's clock. */
  current?: boolean;
}

export class World {
  /** Where the host answers. */
  readonly base: string;
  readonly token: string;
  readonly browser: Browser;
  private readonly folder: string;
  private readonly simulator: ChildProcess;
  private readonly upstream: string;
  private host: ChildProcess | undefined;

  private constructor(of: Pick<World, "base" | "token" | "browser"> & { folder: string; simulator: ChildProcess; upstream: string }) {
    this.base = of.base;
    this.token = of.token;
    this.browser = of.browser;
    this.folder = of.folder;
    this.simulator = of.simulator;
    this.upstream = of.upstream;
  }

  static async begin({ registry, sources = ["elexon", "eia"], current = false }: Options): Promise<World> {
    const simulator = spawn(SIMULATOR, ["--port", "0", ...(current ? [] : ["--now", NOW]), "--elexon-units", "40"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const upstream = (await says(simulator, "listening on")).split("listening on ")[1]?.trim() ?? "";
    const folder = mkdtempSync(join(tmpdir(), "backfill-e2e-"));
    const cache = join(ROOT, "target/e2e-cache");
    mkdirSync(cache, { recursive: true });
    mkdirSync(join(folder, ".backfill"));
    // Components are compiled once for all tests.
    symlinkSync(cache, join(folder, ".backfill/cache"));
    const port = await freePort();
    writeFileSync(join(folder, "backfill.toml"), configuration(port, upstream, sources));
    writeFileSync(join(folder, "registry.csv"), registry);
    await backfill(folder, "migrate");
    await backfill(folder, "import", "registry.csv");
    const token = await tokenOf(folder, "ada", "admin");
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
    const world = new World({ base: `http://127.0.0.1:${port}`, token, browser, folder, simulator, upstream });
    await world.start();
    return world;
  }

  async start(): Promise<void> {
    this.host = spawn(HOST, ["serve"], { cwd: this.folder, env: environment(), stdio: ["ignore", "ignore", "pipe"] });
    await says(this.host, "answering on");
  }

  /** As a machine that loses its power. */
  async kill(): Promise<void> {
    await ended(this.host, "SIGKILL");
  }

  async end(): Promise<void> {
    await this.browser.close();
    await ended(this.host, "SIGKILL");
    await ended(this.simulator, "SIGTERM");
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** A command of the host. */
  async run(...words: string[]): Promise<string> {
    return backfill(this.folder, ...words);
  }

  /** What befalls requests to the upstreams from now on. */
  async faults(...faults: object[]): Promise<void> {
    const body = JSON.stringify(faults);
    const answer = await fetch(`${this.upstream}/_admin/faults`, { method: "PUT", headers: { "Content-Type": "application/json" }, body });
    if (!answer.ok) throw new Error(`the simulator refused ${body}: ${await answer.text()}`);
  }

  /** Holds answers back until other faults are set: those whose address contains `part`, or all. */
  async hold(part = ""): Promise<void> {
    await this.faults({ kind: "latency", milliseconds: 3_600_000, match: part });
  }

  /** Asks the API past the browser. */
  async api<Body>(method: string, path: string, body?: unknown): Promise<Body> {
    const headers = { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" };
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
    const answer = await fetch(`${this.base}/api/v1${path}`, init);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as Body;
  }

  /** Makes a job, and waits until it has ended, unless told not to. */
  async job(wanted: object, wait = true): Promise<number> {
    const { id } = await this.api<{ id: number }>("POST", "/backfill/jobs", wanted);
    while (wait) {
      const { job } = await this.api<{ job: { completed_at?: string | null } }>("GET", `/backfill/jobs/${id}`);
      if (job.completed_at != null) break;
      await new Promise((done) => setTimeout(done, 100));
    }
    return id;
  }

  /** A browser of its own, logged in as somebody of this role. */
  async somebody(name: string, role: string): Promise<Visitor> {
    return this.visitor({}, { name, role, token: await tokenOf(this.folder, name, role) });
  }

  /** A browser of its own, logged in. */
  async visitor(options: BrowserContextOptions = {}, who: Who = this.ada()): Promise<Visitor> {
    const visitor = await this.stranger(options, who);
    const { page } = visitor;
    await page.goto("/backfill");
    await visitor.logIn();
    return visitor;
  }

  /** A browser of its own that nobody has logged in with. */
  async stranger(options: BrowserContextOptions = {}, who: Who = this.ada()): Promise<Visitor> {
    const context = await this.browser.newContext({ baseURL: this.base, ...options });
    // What the compiler of these tests puts around named functions, those evaluated in a page too.
    await context.addInitScript("globalThis.__name ??= (named) => named");
    return new Visitor(this, context, await context.newPage(), who);
  }

  private ada(): Who {
    return { name: "ada", role: "admin", token: this.token };
  }
}

interface Who {
  name: string;
  role: string;
  token: string;
}

export class Visitor {
  /** What the browser complained about: errors, and whatever the policy refused. */
  readonly complaints: string[] = [];
  readonly world: World;
  readonly context: BrowserContext;
  readonly page: Page;
  private readonly who: Who;

  constructor(world: World, context: BrowserContext, page: Page, who: Who) {
    this.world = world;
    this.context = context;
    this.page = page;
    this.who = who;
    page.setDefaultTimeout(60_000);
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() !== "error") return;
      // A host that does not know who asks, or has no such page, says so with a status, which browsers write down.
      const refused = message.text().includes("401") || (message.text().includes("404") && message.location().url === page.url());
      if (!refused) this.complaints.push(message.text());
    });
  }

  /** In the dialog that asks for a token. */
  async logIn(): Promise<void> {
    const { name, role, token } = this.who;
    await this.page.getByLabel("Your token").fill(token);
    await this.page.getByRole("button", { name: "Log in" }).click();
    await this.page.getByRole("button", { name: `${name}, ${role}` }).waitFor();
  }

  /** Waits for a status in the head of a job's page. */
  async status(text: string): Promise<void> {
    await this.page.locator(".job-head .status", { hasText: text }).waitFor();
  }

  /** Waits until a job's page says so of its connection. */
  async live(state: string): Promise<void> {
    await this.page.locator(`[data-live=${state}]`).waitFor();
  }

  /** How many cells of a grid have a look. */
  async cells(look: string): Promise<number> {
    return this.page.locator(`.grid td.${look}`).count();
  }

  async chooseWindfarm(text: string, name: string): Promise<void> {
    await this.page.getByRole("combobox", { name: "Wind farm" }).fill(text);
    await this.page.getByRole("option", { name }).click();
  }
}

export async function eventually(what: string, check: () => Promise<boolean>, seconds = 60): Promise<void> {
  const until = Date.now() + seconds * 1000;
  while (!(await check())) {
    if (Date.now() >= until) throw new Error(what);
    await new Promise((done) => setTimeout(done, 50));
  }
}

function configuration(port: number, upstream: string, sources: readonly string[]): string {
  const source = (id: string) => {
    const component = join(ROOT, `plugins/target/wasm32-wasip2/release/${id}.wasm`);
    const credential = {
      entsoe: 'credential = { header = "SECURITY_TOKEN", from = "env:E2E_SECRET" }',
      eia: 'credential = { query = "api_key", from = "env:E2E_SECRET" }',
    }[id];
    return `[[source]]
id = "${id}"
component = "${component}"
hosts = ["${upstream}"]
${credential ?? ""}
rate = "6000/min burst 50"
concurrency = 4
reuse_for = "0s"
[source.settings]
base_url = "${upstream}"
`;
  };
  return `[server]
listen = "127.0.0.1:${port}"
[worker]
poll = "50ms"
lease = "4s"
heartbeat = "400ms"
retry = { attempts = 2, base = "10ms", max = "20ms", confirm = "10ms" }
${sources.map(source).join("")}`;
}

const environment = () => ({ ...process.env, E2E_SECRET: "of-no-value", BACKFILL_LOG: "info" });

async function tokenOf(folder: string, user: string, role: string): Promise<string> {
  const made = await backfill(folder, "token", "create", "--user", user, "--role", role, "--json");
  return (JSON.parse(made) as { token: string }).token;
}

async function backfill(cwd: string, ...words: string[]): Promise<string> {
  return (await promisify(execFile)(HOST, words, { cwd, env: environment() })).stdout;
}

/** Waits until a program says something; gives the line. */
async function says(child: ChildProcess, what: string): Promise<string> {
  const said: string[] = [];
  const stream = child.stdout ?? child.stderr;
  if (stream === null) throw new Error("the program has nothing to say");
  return new Promise((heard, failed) => {
    // It is read on to its end: a program whose output nobody takes stands still.
    createInterface({ input: stream }).on("line", (line) => {
      if (said.length < 200) said.push(line);
      if (line.includes(what)) heard(line);
    });
    child.once("exit", () => failed(new Error(`it ended without saying ${what}:\n${said.join("\n")}`)));
    child.once("error", failed);
  });
}

async function ended(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once("exit", done));
  child.kill(signal);
  await gone;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === "object" && address !== null ? address.port : 0;
}
