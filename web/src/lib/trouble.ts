// What can go wrong between a page and its host, and how each is told.

import { ProblemError } from "./backfill-api";

/** Nobody answered: the network, or the host, is away. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** The host answers, and has no more what this page is made of: it was upgraded since. */
export class Outdated extends Error {
  override readonly name = "Outdated";
}

/** What went wrong, and what can be done. */
export function trouble(error: unknown): { detail: string; suggestion?: string | undefined } {
  if (error instanceof ProblemError) {
    return { detail: error.problem.detail, suggestion: error.problem.suggestion ?? undefined };
  }
  if (error instanceof Unreachable) {
    return { detail: "The host can't be reached. It is asked again as soon as it answers." };
  }
  if (error instanceof Outdated) {
    return { detail: "A part of this page is not on the host any more.", suggestion: "Load the page again to have it as it is now." };
  }
  const said = error instanceof Error ? error.message : String(error);
  return { detail: `The page itself is at fault: ${said}`, suggestion: "Load it again. If that does not help, tell whoever runs this host." };
}

/** Loads code that is a file of its own, such as a page. */
export async function chunk<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    const answers = await fetch("/theme.js", { method: "HEAD", cache: "no-store" }).then((answer) => answer.ok, () => false);
    throw answers ? new Outdated("a part of the page is gone", { cause }) : new Unreachable("nobody answered", { cause });
  }
}

const RELOADED = "reloaded-at";

/** Loads an outdated page anew; not again and again, if that does not help. */
export function renew(): boolean {
  try {
    if (Date.now() - Number(sessionStorage.getItem(RELOADED) ?? 0) < 60_000) return false;
    sessionStorage.setItem(RELOADED, String(Date.now()));
  } catch {
    return false; // Where nothing can be noted, it might never end.
  }
  location.reload();
  return true;
}
