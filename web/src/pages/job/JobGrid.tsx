// A job's units × months, each with where it stands.

import { useMemo, useRef } from "react";

import { type Cell, Grid, type GridRow, Legend } from "../../components/Grid";
import { Skeleton } from "../../components/States";
import type { GridCell, JobDetail } from "../../lib/backfill-api";
import { OUTCOME, TASK, why, word } from "../../lib/words";
import { DRAWN_MOST } from "./live";

interface Props {
  detail: JobDetail;
  cells: Map<number, GridCell> | undefined;
  openTask: (id: number) => void;
  chosen: number | undefined;
}

const LEGEND = [
  ["t-completed", "Completed"],
  ["t-empty", "Completed, upstream has none"],
  ["t-in_progress", "In progress"],
  ["t-pending", "Pending"],
  ["t-failed", "Failed"],
  ["t-skipped", "Skipped"],
] as const;

export function JobGrid(props: Props) {
  if (props.detail.tasks_summary.total > DRAWN_MOST) {
    return <p className="muted">The job has too many tasks to be drawn one by one; see the counts above.</p>;
  }
  return <Cells {...props} />;
}

function Cells({ detail, cells, openTask, chosen }: Props) {
  const months = useMemo(() => detail.by_month.map((of) => of.month), [detail.by_month.map((of) => of.month).join()]);
  const before = useRef(new Map<number, GridRow>());
  const ids = useRef(new Map<string, number>());
  const rows = useMemo((): GridRow[] => {
    const place = new Map(months.map((month, index) => [month, index]));
    const found = new Map<number, (Cell | undefined)[]>();
    for (const cell of cells?.values() ?? []) {
      ids.current.set(`${cell.generation_unit_id} ${cell.month}`, cell.task_id);
      const row = found.get(cell.generation_unit_id) ?? Array.from({ length: months.length }, () => undefined);
      row[place.get(cell.month) ?? 0] = lookOf(cell);
      found.set(cell.generation_unit_id, row);
    }
    const next = detail.by_unit.map((unit): GridRow => {
      const { generation_unit_id: id, name, code, source } = unit;
      const old = before.current.get(id);
      const now = found.get(id) ?? [];
      // Rows in which nothing changed are not drawn again.
      const same = old !== undefined && old.cells.length === now.length && old.cells.every((cell, index) => cell === now[index]);
      return {
        id,
        name,
        detail: code === name ? source : `${code} · ${source}`,
        cells: same ? old.cells : now,
        sum: `${unit.completed}/${unit.total}`,
      };
    });
    before.current = new Map(next.map((row) => [row.id, row]));
    return next;
  }, [cells, months, detail.by_unit]);
  const place = useMemo(() => {
    const cell = chosen === undefined ? undefined : cells?.get(chosen);
    return cell === undefined ? undefined : { row: cell.generation_unit_id, month: cell.month };
  }, [chosen, cells]);

  if (cells === undefined) return <Skeleton lines={Math.min(rows.length + 1, 8)} />;
  return (
    <Grid
      label="Tasks by unit and month"
      months={months}
      rows={rows}
      chosen={place}
      open={(row, month) => {
        const task = ids.current.get(`${row} ${month}`);
        if (task !== undefined) openTask(task);
      }}
      legend={<Legend entries={LEGEND} />}
    />
  );
}

/** The looks there are, so that an unchanged cell is the same one. */
const looks = new Map<string, Cell>();

function lookOf({ status, outcome, error_code }: GridCell): Cell {
  const key = `${status} ${outcome} ${error_code}`;
  const known = looks.get(key);
  if (known !== undefined) return known;
  const more = status === "completed" && outcome != null ? OUTCOME[outcome] : (error_code == null ? undefined : why(error_code));
  const text = word(TASK, status).text + (more == null ? "" : `, ${more}`);
  const look = { look: outcome === "empty" ? "t-empty" : `t-${status}`, text };
  looks.set(key, look);
  return look;
}
