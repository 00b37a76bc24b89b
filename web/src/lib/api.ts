// The host that this page came from, and what was last heard from it.

import { QueryClient } from "@tanstack/react-query";

import { BackfillApi, ProblemError } from "./backfill-api";
import { ask } from "./session";

export const api = new BackfillApi("", undefined, (request) => ask(request as Request));

/** What the host refuses it refuses again; a connection may be better the next time. */
function again(failures: number, error: Error): boolean {
  const passing = !(error instanceof ProblemError) || error.status >= 500;
  return passing && failures < 2;
}

export const queries = new QueryClient({
  defaultOptions: {
    queries: { retry: again, retryDelay: (failures) => 500 * 2 ** failures, staleTime: 5_000 },
    mutations: { retry: false },
  },
});
