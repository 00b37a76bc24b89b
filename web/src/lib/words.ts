// The words of the API, as people read them.

import type { IconName } from "../components/Icon";

export interface Word {
  text: string;
  icon: IconName;
  /** Which colours it has; see tokens.css. */
  tone: Tone;
}

export type Tone = "done" | "live" | "wait" | "fail" | "warn" | "none";

export const JOB: Record<string, Word> = {
  pending: { text: "Pending", icon: "clock", tone: "wait" },
  in_progress: { text: "In progress", icon: "running", tone: "live" },
  completed: { text: "Completed", icon: "check", tone: "done" },
  failed: { text: "Failed", icon: "cross", tone: "fail" },
  partially_completed: { text: "Partially completed", icon: "half", tone: "warn" },
  paused: { text: "Paused", icon: "pause", tone: "warn" },
};

export const TASK: Record<string, Word> = {
  pending: { text: "Pending", icon: "clock", tone: "wait" },
  in_progress: { text: "In progress", icon: "running", tone: "live" },
  completed: { text: "Completed", icon: "check", tone: "done" },
  failed: { text: "Failed", icon: "cross", tone: "fail" },
  skipped: { text: "Skipped", icon: "skip", tone: "none" },
};

export const OUTCOME: Record<string, string> = {
  written: "new records stored",
  unchanged: "nothing new: all of it was stored already",
  empty: "the upstream has nothing",
};

/** How an attempt ended. */
export const ATTEMPT: Record<string, string> = {
  ...OUTCOME,
  failed: "failed",
  released: "given back, to run again",
  lost: "its worker was lost, so that it runs again",
  cancelled: "stopped by a cancellation",
};

const WHY: Record<string, string> = {
  "no-data": "the upstream has nothing",
  "not-yet-published": "not published yet",
  "not-available": "the upstream never offers it",
  "invalid-unit": "the unit cannot be asked for",
  unauthorized: "the credential was refused",
  "rate-limited": "the upstream asked to slow down",
  unavailable: "the upstream could not be asked",
  malformed: "the answer could not be read",
  rejected: "no value was fit to be stored",
  "source-unusable": "the source cannot be used",
  trap: "the source crashed",
  "out-of-memory": "the source wanted too much memory",
  "cpu-deadline": "the source computed for too long",
  "wall-deadline": "the source took too long",
  "too-many-requests": "the source asked for too much",
  "too-many-bytes": "the answers were too large",
  "too-many-measurements": "the source returned too many values",
  "output-flood": "the source returned too much",
  host: "the host itself failed",
  "workers-lost": "its workers were lost, one after the other",
  shutdown: "the host was shut down",
  cancelled: "stopped by a cancellation",
  purged: "taken out of the queue",
};

/** What a code of an error says to people. */
export const why = (code: string): string => WHY[code] ?? code.replaceAll(/[-_]/g, " ");

/** Codes of tasks that were stopped, which a retry runs. */
export const STOPPED: readonly string[] = ["cancelled", "purged"];

export const VERDICT: Record<string, Word & { means: string }> = {
  fetch: { text: "Fetch", icon: "download", tone: "live", means: "will be asked for" },
  "skip-complete": { text: "Skip, complete", icon: "check", tone: "done", means: "stored already" },
  "skip-in-flight": { text: "Skip, in flight", icon: "running", tone: "wait", means: "another job fetches it" },
  invalid: { text: "Invalid", icon: "cross", tone: "fail", means: "cannot be asked for" },
};

export interface CauseWord extends Word {
  /** The mark in a cell of the heat map. */
  mark: string;
  /** Whether asking again can help. */
  askable: boolean;
}

export const CAUSE: Record<string, CauseWord> = {
  "under-way": { text: "Under way", icon: "running", tone: "live", mark: "›", askable: false },
  failed: { text: "Failed", icon: "cross", tone: "fail", mark: "×", askable: true },
  rejected: { text: "Rejected", icon: "alert", tone: "warn", mark: "!", askable: true },
  "not-yet-published": { text: "Not yet published", icon: "clock", tone: "wait", mark: "…", askable: true },
  "upstream-has-none": { text: "Upstream has none", icon: "empty", tone: "none", mark: "∅", askable: true },
  "before-history": { text: "Before the upstream's history", icon: "skip", tone: "none", mark: "–", askable: false },
  future: { text: "In the future", icon: "clock", tone: "none", mark: "", askable: false },
  refused: { text: "Cannot be asked for", icon: "cross", tone: "fail", mark: "×", askable: false },
  "never-asked": { text: "Never asked", icon: "question", tone: "none", mark: "?", askable: true },
};

/** A word that this page does not know yet, as it came. */
export function word<W extends Word>(words: Record<string, W>, key: string): Word {
  return words[key] ?? { text: key.replaceAll(/[-_]/g, " "), icon: "question", tone: "none" };
}

/** The status that a job is shown with. */
export const jobWord = (job: { status: string; paused: boolean; completed_at?: string | null }): Word =>
  word(JOB, job.paused && job.completed_at == null ? "paused" : job.status);
