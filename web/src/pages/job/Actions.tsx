// What can be done with a job as it stands.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { Confirm } from "../../components/Dialog";
import { Icon } from "../../components/Icon";
import { say, sayProblem } from "../../components/Toasts";
import { api } from "../../lib/api";
import type { JobDetail } from "../../lib/backfill-api";
import { many } from "../../lib/format";

export function Actions({ detail }: { detail: JobDetail }) {
  const { job, tasks_summary: sum, failures } = detail;
  const [asked, setAsked] = useState<"cancel" | "delete" | "force">();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const changed = () => {
    setAsked(undefined);
    void queries.invalidateQueries({ queryKey: ["job", job.id] });
    void queries.invalidateQueries({ queryKey: ["grid", job.id] });
    void queries.invalidateQueries({ queryKey: ["failed", job.id] });
    void queries.invalidateQueries({ queryKey: ["jobs"] });
  };
  const retry = useMutation({
    mutationFn: (force: boolean) => api.retryTasks(job.id, undefined, force),
    onSuccess: ({ changed: { reopened, permanent } }) => {
      const rest = permanent.length === 0 ? "" : ` ${many(permanent.length, "task")} failed for good and stay so: see the causes.`;
      say(`${many(reopened.length, "task")} will run again.${rest}`);
    },
    onError: (error) => sayProblem("Nothing was retried", error),
    onSettled: changed,
  });
  const pause = useMutation({
    // What is asked for is what stood on the button, whatever the job has come to since.
    mutationFn: (act: "pause" | "resume") => (act === "resume" ? api.resumeJob(job.id) : api.pauseJob(job.id)),
    onSuccess: (_, act) => say(act === "resume" ? "The job goes on." : "Running tasks end; no other one begins."),
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
  const permanent = failures.reduce((tasks, cause) => tasks + (cause.permanent ? cause.tasks : 0), 0);
  const passing = sum.failed - permanent;
  const again = passing === 0 ? "Run what was stopped" : sum.stopped === 0 ? "Retry failed" : "Retry failed and stopped";
  return (
    <div className="actions" role="group" aria-label="Actions">
      {passing + sum.stopped > 0 ? (
        <button type="button" className="button primary" disabled={retry.isPending} onClick={() => retry.mutate(false)}>
          <Icon name="retry" /> {again}
        </button>
      ) : (
        permanent > 0 && (
          <button type="button" className="button" disabled={retry.isPending} onClick={() => setAsked("force")}>
            <Icon name="retry" /> Retry failed
          </button>
        )
      )}
      {open && (
        <button type="button" className="button" disabled={pause.isPending} onClick={() => pause.mutate(job.paused ? "resume" : "pause")}>
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
      {asked === "force" && (
        <Confirm
          title={`Retry ${many(permanent, "task")} that failed for good?`}
          act="Retry all the same"
          busy={retry.isPending}
          confirm={() => retry.mutate(true)}
          close={() => setAsked(undefined)}
        >
          <p>Asking again helps only once the unit or the source has been mended: until then the upstream says the same.</p>
        </Confirm>
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
