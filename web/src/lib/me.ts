// Who is logged in, and what the host lets them do; so that nothing is offered that it would refuse.

import { useQuery } from "@tanstack/react-query";

import { api } from "./api";
import type { Job, Me } from "./backfill-api";

export function useMe() {
  return useQuery({ queryKey: ["me"], queryFn: () => api.getMe(), staleTime: 300_000 });
}

/** Why somebody may start nothing, if so. */
export const mayNotStart = (me: Me | undefined): string | undefined =>
  me?.role === "viewer" ? `You are logged in as a viewer, who may look. Starting takes the role operator.` : undefined;

/** Why somebody may not change a job, if so: that is for who made it, and for admins. */
export function mayNotChange(me: Me | undefined, job: Pick<Job, "created_by_id">): string | undefined {
  if (me === undefined || me.role === "admin") return undefined;
  if (me.role === "viewer") return "You are logged in as a viewer, who may look. Changing a job is for who made it, or an admin.";
  return job.created_by_id === me.id ? undefined : "Somebody else made this job. Changing it is for them, or an admin.";
}
