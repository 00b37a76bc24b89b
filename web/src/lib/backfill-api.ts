// The HTTP API, typed by its own description (openapi.json): what the pages use, and what other frontends may.

import createClient, { type Client } from "openapi-fetch";

import type { components, paths } from "./schema";

type Schemas = components["schemas"];

export type Attempt = Schemas["Attempt"];
export type Availability = Answer<"/api/v1/backfill/availability/{windfarm_id}", "get">;
export type AvailabilityCell = Availability["cells"][number];
export type ChangedJob = Schemas["JobView"];
export type FailureCause = Schemas["FailureCause"];
export type FiredSchedule = Schemas["FiredSchedule"];
export type GridCell = Schemas["GridCell"];
export type Health = Schemas["Health"];
export type Job = Schemas["JobView"];
export type JobDetail = Schemas["JobDetail"];
export type JobFilter = NonNullable<paths["/api/v1/backfill/jobs"]["get"]["parameters"]["query"]>;
export type LogLine = Schemas["LogLine"];
export type Me = Schemas["Me"];
export type MeasurementFilter = NonNullable<paths["/api/v1/measurements"]["get"]["parameters"]["query"]>;
export type Measurements = Schemas["Measurements"];
export type NewBackfill = Schemas["NewBackfill"];
export type Preview = Schemas["Preview"];
export type Problem = Schemas["Problem"];
export type Retried = Schemas["ChangedJob_Retried"];
export type Schedule = Schemas["Schedule"];
export type Source = Schemas["Source"];
export type SourceCheck = Schemas["SourceCheck"];
export type SourceQueue = Schemas["SourceQueue"];
export type SummedJob = Schemas["SummedJob"];
export type Task = Schemas["Task"];
export type TaskDetail = Schemas["TaskDetail"];
export type Unit = Schemas["UnitRecord"];
export type UsedAnswer = Schemas["UsedAnswer"];
export type Windfarm = Schemas["WindfarmRecord"];
export type WorkerStatus = Schemas["WorkerStatus"];

/** What an operation answers with status 200. */
type Answer<Path extends keyof paths, Method extends keyof paths[Path]> = paths[Path][Method] extends {
  responses: { 200: { content: { "application/json": infer Body } } };
}
  ? Body
  : never;

/** A page of a list. */
export interface Page<Item> {
  items: Item[];
  /** How many there are on all pages, if that is known. */
  total: number | undefined;
  /** The `cursor` of the next page, if there is one. */
  next: number | undefined;
}

/** The host said no: `problem` says why, in words for people and a code for programs. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";

  readonly status: number;
  readonly problem: Problem;

  constructor(status: number, problem: Problem) {
    super(problem.detail);
    this.status = status;
    this.problem = problem;
  }
}

/** A key for a request that may be sent twice and is to be done once. Pages without TLS have no `randomUUID`. */
export const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

interface Result<Body> {
  data?: Body;
  error?: unknown;
  response: Response;
}

/** All that can be asked of a host. Every method throws a {@link ProblemError} where the host says no. */
export class BackfillApi {
  private readonly client: Client<paths>;

  /**
   * @param baseUrl where the host answers, `""` for the page's own origin
   * @param token   a bearer token; a browser that is logged in needs none
   */
  constructor(baseUrl = "", token?: string, fetch: typeof globalThis.fetch = globalThis.fetch) {
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    this.client = createClient<paths>({ baseUrl, headers, fetch: (request) => fetch(request) });
  }

  /** Creates a job. Sent again with the same key, it is created once. */
  async createJob(wanted: NewBackfill, key: string = newKey()): Promise<SummedJob> {
    const params = { header: { "Idempotency-Key": key } };
    return body(await this.client.POST("/api/v1/backfill/jobs", { body: wanted, params }));
  }

  /** What a job would do; nothing is done. */
  async preview(wanted: NewBackfill): Promise<Preview> {
    return body(await this.client.POST("/api/v1/backfill/preview", { body: wanted }));
  }

  /** A page of jobs, the newest first. */
  async listJobs(filter: JobFilter = {}): Promise<Page<Job>> {
    return page(await this.client.GET("/api/v1/backfill/jobs", { params: { query: filter } }));
  }

  /** A job and how far it is. */
  async getJobStatus(id: number): Promise<JobDetail> {
    return body(await this.client.GET("/api/v1/backfill/jobs/{id}", { params: { path: { id } } }));
  }

  /**
   * Runs tasks again that failed or were stopped: those with these ids, those that failed of a cause, or all; with
   * `force` also those that failed for good.
   */
  async retryTasks(id: number, chosen?: number[] | { cause: string }, force = false): Promise<Retried> {
    const which = chosen === undefined ? {} : Array.isArray(chosen) ? { task_ids: chosen } : chosen;
    const wanted = { force, ...which };
    const path = "/api/v1/backfill/jobs/{id}/retry";
    return body(await this.client.POST(path, { params: { path: { id } }, body: wanted }));
  }

  /** What is stored of a wind farm in a year, in months, or in all that is known; and why the rest is not. */
  async checkAvailability(windfarmId: number, span?: number | { from: string; to: string }): Promise<Availability> {
    const query = typeof span === "number" ? { year: span } : (span ?? {});
    const params = { path: { windfarm_id: windfarmId }, query };
    return body(await this.client.GET("/api/v1/backfill/availability/{windfarm_id}", { params }));
  }

  /** Where each task of a job stands, for a grid of units and months. */
  async getJobGrid(id: number): Promise<GridCell[]> {
    const cells: GridCell[] = [];
    let cursor: number | undefined;
    do {
      const query = cursor === undefined ? {} : { cursor };
      const params = { path: { id }, query };
      const found: Page<GridCell> = page(await this.client.GET("/api/v1/backfill/jobs/{id}/grid", { params }));
      cells.push(...found.items);
      cursor = found.next;
    } while (cursor !== undefined);
    return cells;
  }

  /** A page of a job's tasks of one status, or of those that failed of a cause. */
  async listTasks(id: number, of: { status: Task["status"] } | { cause: string }, cursor?: number): Promise<Page<Task>> {
    const query = { ...of, ...(cursor === undefined ? {} : { cursor }) };
    return page(await this.client.GET("/api/v1/backfill/jobs/{id}/tasks", { params: { path: { id }, query } }));
  }

  /** A task with its unit, and what was rejected of what it last returned. */
  async getTask(id: number): Promise<TaskDetail> {
    return body(await this.client.GET("/api/v1/backfill/tasks/{id}", { params: { path: { id } } }));
  }

  async getAttempts(id: number): Promise<Attempt[]> {
    return body(await this.client.GET("/api/v1/backfill/tasks/{id}/attempts", { params: { path: { id } } }));
  }

  /** What the source said while the task ran. */
  async getLogs(id: number): Promise<LogLine[]> {
    return body(await this.client.GET("/api/v1/backfill/tasks/{id}/logs", { params: { path: { id } } }));
  }

  /** The upstream's answers that the task rests on. */
  async getAnswers(id: number): Promise<UsedAnswer[]> {
    return body(await this.client.GET("/api/v1/backfill/tasks/{id}/answers", { params: { path: { id } } }));
  }

  /** Wind farms whose name holds a text. */
  async listWindfarms(q?: string): Promise<Page<Windfarm>> {
    const query = q === undefined || q === "" ? {} : { q };
    return page(await this.client.GET("/api/v1/windfarms", { params: { query } }));
  }

  async getWindfarm(id: number): Promise<Windfarm> {
    return body(await this.client.GET("/api/v1/windfarms/{id}", { params: { path: { id } } }));
  }

  /** The units of a wind farm, active or not. */
  async listUnits(windfarmId: number): Promise<Unit[]> {
    const units: Unit[] = [];
    let cursor: number | undefined;
    do {
      const query = { windfarm_id: windfarmId, ...(cursor === undefined ? {} : { cursor }) };
      const found: Page<Unit> = page(await this.client.GET("/api/v1/generation-units", { params: { query } }));
      units.push(...found.items);
      cursor = found.next;
    } while (cursor !== undefined);
    return units;
  }

  /** What was measured. */
  async getMeasurements(filter: MeasurementFilter): Promise<Measurements> {
    const query: MeasurementFilter = { ...filter, format: "json" };
    return body(await this.client.GET("/api/v1/measurements", { params: { query } })) as Measurements;
  }

  async listSources(): Promise<Source[]> {
    return body(await this.client.GET("/api/v1/sources"));
  }

  /** Whether a source works right now, step by step. */
  async checkSource(id: string): Promise<SourceCheck> {
    return body(await this.client.POST("/api/v1/sources/{id}/check", { params: { path: { id } } }));
  }

  /** Lets a paused source be asked again at once. */
  async resumeSource(id: string): Promise<Source> {
    return body(await this.client.POST("/api/v1/sources/{id}/resume", { params: { path: { id } } }));
  }

  async listWorkers(): Promise<WorkerStatus[]> {
    return body(await this.client.GET("/api/v1/workers"));
  }

  async getQueue(): Promise<SourceQueue[]> {
    return body(await this.client.GET("/api/v1/queue"));
  }

  async listSchedules(): Promise<Schedule[]> {
    return body(await this.client.GET("/api/v1/schedules"));
  }

  async enableSchedule(id: number, enabled: boolean): Promise<Schedule> {
    const params = { path: { id } };
    return body(await this.client.PATCH("/api/v1/schedules/{id}", { params, body: { enabled } }));
  }

  async fireSchedule(id: number): Promise<FiredSchedule> {
    return body(await this.client.POST("/api/v1/schedules/{id}/fire", { params: { path: { id } } }));
  }

  /** Who asks. */
  async getMe(): Promise<Me> {
    return body(await this.client.GET("/api/v1/users/me"));
  }

  /** Whether the host can work. It says so whether it can or not. */
  async getReadiness(): Promise<Health> {
    const { data, error } = await this.client.GET("/readyz");
    return data ?? (error as Health);
  }

  /** Cancels a job: once this returns, nothing more is asked or stored for it. */
  async cancelJob(id: number): Promise<ChangedJob> {
    return body(await this.client.POST("/api/v1/backfill/jobs/{id}/cancel", { params: { path: { id } } }));
  }

  /** Lets running tasks end and begins no more. */
  async pauseJob(id: number): Promise<ChangedJob> {
    return body(await this.client.POST("/api/v1/backfill/jobs/{id}/pause", { params: { path: { id } } }));
  }

  /** Lets a paused job go on. */
  async resumeJob(id: number): Promise<ChangedJob> {
    return body(await this.client.POST("/api/v1/backfill/jobs/{id}/resume", { params: { path: { id } } }));
  }

  /** Deletes a job that has ended; what it stored stays. */
  async deleteJob(id: number): Promise<void> {
    body(await this.client.DELETE("/api/v1/backfill/jobs/{id}", { params: { path: { id } } }));
  }

  /** Takes back tasks whose worker is gone. */
  async resetStuckTasks(id: number): Promise<ChangedJob> {
    const path = "/api/v1/backfill/jobs/{id}/reset-stuck";
    return body(await this.client.POST(path, { params: { path: { id } } }));
  }
}

function body<Body>({ data, error, response }: Result<Body>): Body {
  if (data === undefined) {
    throw new ProblemError(response.status, problem(error, response));
  }
  return data;
}

function page<Item>(result: Result<Item[]>): Page<Item> {
  const number = (name: string) => {
    const text = result.response.headers.get(name);
    return text === null ? undefined : Number(text);
  };
  return { items: body(result), total: number("X-Total-Count"), next: number("X-Next-Cursor") };
}

/** What the host said, or what a proxy before it did. */
function problem(error: unknown, response: Response): Problem {
  if (typeof error === "object" && error !== null && "code" in error && "detail" in error) {
    return error as Problem;
  }
  return {
    type: "about:blank",
    title: response.statusText,
    status: response.status,
    detail: `the host answered ${response.status} ${response.statusText}`,
    suggestion: "try again; if it stays so, look whether something stands between this page and the host",
    code: "unknown",
    trace_id: response.headers.get("X-Request-Id") ?? "",
  };
}
