// What can be done with a job as it stands.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { Confirm } from "../../components/Dialog";
import { Icon } from "../../components/Icon";
import { say, sayProblem } from "../../components/Toasts";
import { api } from "../../lib/api";
import type { Job } from "../../lib/backfill-api";
import { many } from "../../lib/format";

export function Actions({ job, failed }: { job: Job; failed: number }) {
  const [asked, setAsked] = useState<"cancel" | "delete">();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const changed = () => {
    setAsked(undefined);
    void queries.invalidateQueries({ queryKey: ["job", job.id] });
    void queries.invalidateQueries({ queryKey: ["grid", job.id] });
    void queries.invalidateQueries({ queryKey: ["jobs"] });
  };
  const retry = useMutation({
    mutationFn: () => api.retryTasks(job.id),
    onSuccess: ({ changed: { reopened, permanent } }) => {
      const rest = permanent.length === 0 ? "" : ` ${many(permanent.length, "task")} failed for good and stay so.`;
      say(`${many(reopened.length, "task")} will run again.${rest}`);
    },
    onError: (error) => sayProblem("Nothing was retried", error),
    onSettled: changed,
  });
  const pause = useMutation({
    mutationFn: () => (job.paused ? api.resumeJob(job.id) : api.pauseJob(job.id)),
    onSuccess: () => say(job.paused ? "The job goes on." : "Running tasks end; no other one begins."),
    onError: (error) => sayProblem("Nothing was changed", error),
    onSettled: changed,
  });
  const cancel = useMutation({
    mutationFn: () => api.cancelJob(job.id),
    onSuccess: () => say("The job is cancelled: nothing more is asked or stored for it."),
    onError: (error) => sayProblem("The job was not cancelled", error),
    onSettled: changed,
  });
  const free = useMutation({
    mutationFn: () => api.resetStuckTasks(job.id),
    onSuccess: () => say("Tasks of workers that are gone are ready again."),
    onError: (error) => sayProblem("Nothing was taken back", error),
    onSettled: changed,
  });
  const remove = useMutation({
    mutationFn: () => api.deleteJob(job.id),
    onSuccess: async () => {
      await navigate({ to: "/backfill/history", search: {} });
      queries.removeQueries({ queryKey: ["job", job.id] });
      void queries.invalidateQueries({ queryKey: ["jobs"] });
      say(`Job ${job.id} is deleted. What it stored stays.`);
    },
    onError: (error) => {
      setAsked(undefined);
      sayProblem("The job was not deleted", error);
    },
  });
  const open = job.completed_at == null;
  return (
    <div className="actions" role="group" aria-label="Actions">
      {failed > 0 && (
        <button type="button" className="button primary" disabled={retry.isPending} onClick={() => retry.mutate()}>
          <Icon name="retry" /> Retry failed
        </button>
      )}
      {open && (
        <button type="button" className="button" disabled={pause.isPending} onClick={() => pause.mutate()}>
          <Icon name={job.paused ? "play" : "pause"} /> {job.paused ? "Resume" : "Pause"}
        </button>
      )}
      {open && (
        <button type="button" className="button" disabled={free.isPending} onClick={() => free.mutate()} title="Takes tasks back from workers that are gone">
          <Icon name="clock" /> Reset stuck
        </button>
      )}
      {open ? (
        <button type="button" className="button danger-quiet" onClick={() => setAsked("cancel")}>
          <Icon name="stop" /> Cancel
        </button>
      ) : (
        <button type="button" className="button danger-quiet" onClick={() => setAsked("delete")}>
          <Icon name="trash" /> Delete
        </button>
      )}
      {asked === "cancel" && (
        <Confirm
          title={`Cancel job ${job.id}?`}
          act={cancel.isPending ? "Cancelling…" : "Cancel the job"}
          danger
          busy={cancel.isPending}
          confirm={() => cancel.mutate()}
          close={() => setAsked(undefined)}
        >
          <p>Tasks that run are interrupted, those that wait are skipped. What is stored already stays.</p>
        </Confirm>
      )}
      {asked === "delete" && (
        <Confirm
          title={`Delete job ${job.id}?`}
          act={remove.isPending ? "Deleting…" : "Delete the job"}
          danger
          busy={remove.isPending}
          confirm={() => remove.mutate()}
          close={() => setAsked(undefined)}
        >
          <p>
            The job, its {many(job.total_tasks, "task")}, their attempts and logs are gone for good. The measurements
            that it stored stay.
          </p>
        </Confirm>
      )}
    </div>
  );
}
